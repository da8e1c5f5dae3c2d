"""The command line, the conf file, and what keeps wskeep from starting: exact words, and the exit codes 0, 1 and 2."""

import json
import os
import re
import subprocess
import tempfile

import pytest

from parts.http import ask
from parts.peer import Listener
from parts.servers import WSKEEP, Wskeep
from parts.ws import WsListener

pytestmark = pytest.mark.proxy


def run(*argv):
    env = {k: v for k, v in os.environ.items() if k != "WSKEEP_FAULTS"}  # a test build repeats it on standard error
    return subprocess.run([WSKEEP, *argv], capture_output=True, text=True, timeout=20, env=env)


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "wskeep.conf"
        path.write_text(text)
        return str(path)
    return write


BAD = [  # (what, file, line, the key, words of the message)
    ("an unknown key", '{\n  "listen": {\n    "adress": "x"\n  }\n}', 3, "listen.adress", ["unknown"]),
    ("an unknown group", '{\n  "lissen": {}\n}', 2, "lissen", ["unknown"]),
    ("a number for a duration", '{\n  "heartbeat": {"interval": 25}\n}', 2, "heartbeat.interval", ["25"]),
    ("a duration without a unit", '{\n\n  "heartbeat": {"interval": "25"}\n}', 3, "heartbeat.interval", ['25', "s"]),
    ("a unit that is none", '{"heartbeat": {"interval": "25 lightyears"}}', 1, "heartbeat.interval", ["25 lightyears"]),
    ("a size out of range", '{"buffer": {"session": "100KiB"}}', 1, "buffer.session", ["100KiB", "256KiB"]),
    ("a duration out of range", '{"heartbeat": {"interval": "1ms"}}', 1, "heartbeat.interval", ["1ms", "50ms"]),
    ("a text for a bool", '{"heartbeat": {"client": "yes"}}', 1, "heartbeat.client", ["yes"]),
    ("a word that is none", '{"log": {"level": "loud"}}', 1, "log.level", ["loud", "debug"]),
    ("an address without a port", '{"backend": {"address": "localhost"}}', 1, "backend.address", ["localhost"]),
    ("a port too high", '{"backend": {"address": "localhost:65536"}}', 1, "backend.address", ["65536"]),
    ("a bad network", '{"listen": {"trusted": ["10.0.0.0/33"]}}', 1, "listen.trusted", ["10.0.0.0/33"]),
    ("a group that is none", '{"listen": 1}', 1, "listen", ["1"]),
    ("a doubled key", '{\n "workers": 1,\n "workers": 2\n}', 3, "workers", []),
    ("a doubled group", '{\n "log": {},\n "log": {}\n}', 3, "log", []),
    ("a comma too many", '{\n "workers": 1,\n}', 3, "", []),
    ("text behind the end", '{\n}\n}', 3, "", []),
    ("a string without an end", '{\n "workers: 1\n}', 2, "", []),
    ("a comment without an end", '{\n /* \n}', 2, "", []),
    ("nothing at all", "", 1, "", []),
]


@pytest.mark.parametrize("text, line, key, words", [b[1:] for b in BAD], ids=[b[0].replace(" ", "_") for b in BAD])
def test_a_bad_conf_file_is_told_by_file_line_and_key(file, text, line, key, words):
    path = file(text)
    r = run("-c", path)
    assert r.returncode == 2
    assert f"{path}:{line}" in r.stderr, r.stderr
    for word in [key, *words]:
        assert word in r.stderr, r.stderr
    assert len(r.stderr.strip().splitlines()) == 1, r.stderr


def test_a_conf_file_that_is_not_there_is_told(tmp_path):
    r = run("-c", str(tmp_path / "none.conf"))
    assert r.returncode == 2 and "none.conf" in r.stderr and "No such file" in r.stderr or "no such file" in r.stderr


@pytest.mark.parametrize("argv, word", [(["--frobnicate"], "frobnicate"), (["--listen"], "listen"), (["stray"], "stray"),
                                        (["--backend", "nowhere"], "nowhere"), (["--listen", "x:70000"], "x:70000")])
def test_a_bad_command_line_is_2(argv, word):
    r = run(*argv)
    assert r.returncode == 2 and word in r.stderr


def test_version_and_help_are_0_and_to_standard_output():
    version, help_ = run("--version"), run("--help")
    assert (version.returncode, help_.returncode) == (0, 0)
    assert version.stdout.startswith("wskeep ") and not version.stderr
    for word in ("--listen", "--backend", "--print-config", "--version", "--help", "-c"):
        assert word in help_.stdout


def test_print_config_is_a_conf_file_that_prints_itself(file):
    first = run("-c", file('{\n // a comment\n "heartbeat": {"interval": "7s"} /* another */\n}'), "--print-config")
    assert first.returncode == 0 and '"7s"' in first.stdout
    second = run("-c", file(first.stdout), "--print-config")
    assert second.stdout == first.stdout
    bare = re.sub(r"//.*", "", first.stdout)
    assert json.loads(bare)["heartbeat"]["interval"] == "7s"


def test_the_command_line_wins_over_the_file(file):
    path = file('{"listen": {"address": "127.0.0.1:1"}, "backend": {"address": "127.0.0.1:2"}}')
    r = run("-c", path, "--listen", "127.0.0.1:3", "--print-config")
    shown = json.loads(re.sub(r"//.*", "", r.stdout))
    assert (shown["listen"]["address"], shown["backend"]["address"]) == ("127.0.0.1:3", "127.0.0.1:2")


def test_of_a_word_said_twice_on_the_command_line_the_last_counts():
    r = run("--listen", "127.0.0.1:1", "--backend", "127.0.0.1:2", "--listen", "127.0.0.1:3", "--backend", "127.0.0.1:4", "--print-config")
    shown = json.loads(re.sub(r"//.*", "", r.stdout))
    assert (shown["listen"]["address"], shown["backend"]["address"]) == ("127.0.0.1:3", "127.0.0.1:4")


# -- what keeps it from starting


@pytest.mark.parametrize("which", ["traffic", "admin"])
def test_a_port_in_use_is_1_and_told(parts, which):
    taken = parts(Listener())
    other = "127.0.0.1:0"
    conf = {"listen": taken.address if which == "traffic" else other, "admin": taken.address if which == "admin" else other}
    assert_in_use(conf, taken.address)


def test_a_port_in_use_by_another_wskeep_is_1_and_told(parts):
    first = parts(Wskeep("127.0.0.1:1"))
    assert_in_use({"listen": first.address, "admin": ""}, first.address)
    assert_in_use({"listen": "127.0.0.1:0", "admin": first.admin}, first.admin)
    assert first.get("/healthz")[0] == 200


def test_a_unix_socket_in_use_is_1_and_told(parts, tmp_path):
    path = str(tmp_path / "s")
    first = parts(Wskeep("127.0.0.1:1", {"listen": {"address": "unix:" + path}}))
    assert_in_use({"listen": first.address, "admin": ""}, path)


def assert_in_use(conf, address):
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as f:
        json.dump({"listen": {"address": conf["listen"]}, "admin": {"address": conf["admin"]}}, f)
        f.flush()
        r = run("-c", f.name)
    assert r.returncode == 1, r
    assert address in r.stderr and "in use" in r.stderr


def test_a_unix_socket_that_a_dead_process_left_is_taken_over(parts, tmp_path):
    path = str(tmp_path / "s")
    left = Listener(path)
    left.socket.close()  # the file stays
    parts(Wskeep("127.0.0.1:1", {"listen": {"address": "unix:" + path}}))


def test_an_address_that_is_not_ours_is_1():
    r = run("--listen", "192.0.2.1:8080")
    assert r.returncode == 1 and "192.0.2.1:8080" in r.stderr


def test_it_starts_without_a_backend_and_is_alive(parts):
    nobody = parts(WsListener())
    nobody.socket.close()
    p = parts(Wskeep(nobody.address))
    assert p.get("/healthz")[0] == 200


def test_without_an_admin_listener_it_serves_and_ends_all_the_same(parts, demo):
    p = parts(Wskeep(demo.address, {"admin": {"address": ""}}))
    assert ask(p.address, "GET", "/").status == 200
    assert sum("listening" in line for line in p.lines()) == 1


def threads(p):
    p.get("/healthz")  # the workers were started before that was answered
    return len(os.listdir(f"/proc/{p.pid}/task"))


def test_auto_makes_as_many_workers_as_the_process_may_use_cpus(parts):
    cpus = len(os.sched_getaffinity(0))
    try:
        quota, period = open("/sys/fs/cgroup/cpu.max").read().split()
        cpus = min(cpus, max(1, int(quota) // int(period)))
    except (OSError, ValueError):  # no such file, or "max"
        pass
    auto, counted = (parts(Wskeep("127.0.0.1:1", {"workers": workers})) for workers in ("auto", cpus))
    assert threads(auto) == threads(counted)


def test_json_log_lines_are_json_and_nothing_else(parts):
    p = parts(Wskeep("127.0.0.1:1", {"log": {"format": "json"}}))
    p.metrics()
    for line in p.lines()["WSKEEP_FAULTS" in os.environ:]:  # a test build repeats that first
        event = json.loads(line)
        assert event["message"] and event["time"]
        assert event["severity"] in ("DEBUG", "INFO", "WARNING", "ERROR")
