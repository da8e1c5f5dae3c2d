"""What /metrics is made of: promtool finds nothing to say about it, the process stands under the standard names."""

import json
import os
import re
import signal
import subprocess
import time

import pytest

from parts.exposition import ASKED, FILE, families, reference, scrape
from parts.http import HttpPeer, ask
from parts.process import wait_until
from parts.servers import WSKEEP, parse_metrics
from parts.ws import TEXT, ws

pytestmark = pytest.mark.proxy


def promtool(text):
    """What promtool finds to say about a scrape."""
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def one_of_each(p):
    """Some HTTP, a WebSocket and its Close."""
    assert ask(p.address, "GET", "/hello").status == 200
    assert ask(p.address, "GET", "/nowhere").status == 404
    with ws(p.address, "/ws/echo") as c:
        c.frame(TEXT, b"x")
        c.message()
        c.goodbye()
    p.settled()


def test_the_reference_is_what_a_scrape_says(proxy, ws_backend):
    found = scrape(proxy(ws_backend.address), ws_backend)
    with open(FILE) as f:
        assert f.read() == reference(found), "run `make reference`"


def test_what_the_reference_asks_for_is_there(proxy, backend, tmp_path):
    names = {f.name for f in families(proxy(backend.address).get("/metrics")[1])}
    rules = tmp_path / "asked.yml"
    rules.write_text(json.dumps({"groups": [{"name": "asked", "rules": [  # JSON is YAML
        {"record": f"asked:{i}", "expr": expression} for i, (_, expression, _) in enumerate(ASKED)]}]}))
    done = subprocess.run(["promtool", "check", "rules", rules], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    for _, expression, _ in ASKED:
        for name in re.findall(r"wskeep_\w+", expression):
            assert re.sub(r"_(bucket|sum|count)$", "", name) in names, name


def test_promtool_has_nothing_to_say(proxy, apps):
    p = proxy(apps("Websockets").address)
    one_of_each(p)
    assert promtool(p.get("/metrics")[1]) == (0, "")
    assert promtool("wskeep_nameless 1\n")[0] != 0


def test_the_process_is_told_under_the_standard_names(proxy, backend):
    started = time.time()
    p = proxy(backend.address)
    with HttpPeer(p.admin) as c:  # each of its own would be one descriptor more, for a while
        def told():
            return parse_metrics(c.ask("GET", "/metrics").body.decode())
        wait_until("as many descriptors as there are", lambda: told()["process_open_fds"] == len(os.listdir(f"/proc/{p.pid}/fd")))
        m = told()
    with open(f"/proc/{p.pid}/limits") as f:
        most = re.search(r"Max open files +(\d+)", f.read())[1]
    assert m["process_max_fds"] == int(most)
    assert started - 1 <= m["process_start_time_seconds"] <= time.time()
    assert 0 < m["process_cpu_seconds_total"] < 60
    assert 0 < m["process_resident_memory_bytes"] < m["process_virtual_memory_bytes"]


def test_the_version_is_the_one_that_the_command_line_tells(proxy, backend):
    told = subprocess.run([WSKEEP, "--version"], capture_output=True, text=True, check=True).stdout.split()
    found = [re.search(r'version="(.*)"', key)[1] for key in proxy(backend.address).metrics() if "build_info" in key]
    assert len(found) == 1 and found[0] in told


def test_limits_are_told_and_follow_a_reload(proxy, backend):
    def limits(m):
        return [m[f"wskeep_{name}"] for name in ("buffer_limit_bytes", "connections_limit")]
    p = proxy(backend.address, {"buffer": {"total": "64MiB"}, "limits": {"connections": 100}})
    assert limits(p.metrics()) == [64 << 20, 100]
    with open(p.file) as f:
        conf = f.read()
    with open(p.file, "w") as f:
        f.write(conf.replace("64MiB", "128MiB").replace('"connections": 100', '"connections": 90'))
    p.tell(signal.SIGHUP)
    wait_until("a reload", lambda: p.metrics()['wskeep_reloads_total{result="ok"}'] == 1)
    assert limits(p.metrics()) == [128 << 20, 90]
