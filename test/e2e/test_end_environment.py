"""What the environment changes: which layer wins, what stops wskeep, and what only makes it warn."""

import json
import os
import pathlib
import subprocess

import pytest

from parts.http import ask
from parts.servers import ROOT, WSKEEP, Wskeep

pytestmark = pytest.mark.proxy

NAMES = {"staging": {"heartbeat": {"interval": "3s"}}, "production": {}}


def run(env, *argv):
    base = {k: v for k, v in os.environ.items() if k != "WSKEEP_FAULTS"}  # a test build repeats it on standard error
    return subprocess.run([WSKEEP, *argv], capture_output=True, text=True, timeout=20, env={**base, **env})


def effective(env, *argv):
    r = run(env, *argv, "--print-config")
    assert (r.returncode, r.stderr) == (0, "")
    return json.loads(r.stdout)


@pytest.fixture
def file(tmp_path):
    def write(conf):
        path = tmp_path / "wskeep.conf"
        path.write_text(json.dumps(conf))
        return str(path)
    return write


def test_each_layer_wins_over_the_one_before_it(file):
    plain = {"heartbeat": {"interval": "2s"}, "listen": {"address": "127.0.0.1:1"}}
    path = file({"environments": NAMES, **plain})
    env = {}
    for more, want in [({}, "2s"), ({"ENVIRONMENT": "staging"}, "3s"), ({"WEBSOCKET_HEARTBEAT_INTERVAL": "4"}, "4s"),
                       ({"WSKEEP_HEARTBEAT_INTERVAL": "5000ms"}, "5s")]:
        env.update(more)
        assert effective(env, "-c", path)["heartbeat"]["interval"] == want
    assert effective({})["heartbeat"]["interval"] == "25s"
    for env, argv, want in [({"PORT": "2"}, [], "127.0.0.1:2"),
                            ({"PORT": "2", "WSKEEP_LISTEN_ADDRESS": ":3"}, [], ":3"),
                            ({"PORT": "2", "WSKEEP_LISTEN_ADDRESS": ":3"}, ["--listen", ":4"], ":4")]:
        assert effective(env, "-c", path, *argv)["listen"]["address"] == want


def test_it_listens_where_port_says(parts, demo):
    p = parts(Wskeep(demo.address, {"listen": {"address": "127.0.0.1:1"}}, env={"PORT": "0"}))
    assert p.address.startswith("127.0.0.1:") and p.address != "127.0.0.1:1"
    assert ask(p.address, "GET", "/").status == 200


@pytest.mark.parametrize("name, value, word", [
    ("PORT", "http", "0 to 65535"), ("WEBSOCKET_HEARTBEAT_TIMEOUT", "soon", "50ms to 24h"),
    ("WSKEEP_BUFFER_SESSION", "1MB", "256KiB"), ("WSKEEP_LISTEN_TRUSTED", "10.0.0.0/33", "networks")])
def test_a_bad_variable_is_2_and_told_in_one_line(name, value, word):
    r = run({name: value}, "--listen", "127.0.0.1:0")
    assert r.returncode == 2
    assert r.stderr.startswith(f'wskeep: {name}: found "{value}", allowed is ') and word in r.stderr
    assert len(r.stderr.splitlines()) == 1


def test_a_mistake_in_a_section_that_is_not_chosen_is_2_all_the_same(file):
    path = file({"environments": {"staging": {}, "production": {"heartbeat": {"interval": 25}}}})
    r = run({"ENVIRONMENT": "staging"}, "-c", path)
    assert r.returncode == 2 and f"{path}:1: environments.production.heartbeat.interval: found 25" in r.stderr


ODD = [
    ({"ENVIRONMENT": "prod"}, 'ENVIRONMENT: found "prod", allowed is staging or production'),
    ({"K_SERVICE": "chat"}, "ENVIRONMENT: found nothing, on Cloud Run, allowed is staging or production"),
    ({"ENVIRONMENT": "staging", "WSKEEP_SERVICE_HOST": "10.0.0.1"}, "WSKEEP_SERVICE_HOST: there is no such setting"),
    ({"K_SERVICE": "chat", "ENVIRONMENT": "production"}, None),
    ({"WSKEEP_SERVICE_HOST": "", "PORT": ""}, None),
]


@pytest.mark.parametrize("env, note", ODD)
def test_what_is_odd_is_warned_of_in_one_line_of_the_log(parts, env, note):
    p = parts(Wskeep("127.0.0.1:1", {"environments": NAMES, "log": {"format": "json"}}, env=env))
    events = [json.loads(line) for line in p.lines() if line.startswith("{")]
    notes = [(e["severity"], e["note"]) for e in events if e["message"] == "conf_note"]
    if note is None:
        assert notes == []
    else:
        assert [severity for severity, _ in notes] == ["WARNING"] and notes[0][1].startswith(note)


def test_a_unix_path_stays_and_port_is_warned_of(parts, tmp_path):
    address = f"unix:{tmp_path / 's'}"
    p = parts(Wskeep("127.0.0.1:1", {"listen": {"address": address}}, env={"PORT": "8080"}))
    assert p.address == address
    assert sum("PORT: listen.address is a Unix path" in line for line in p.lines()) == 1


def test_print_config_notes_to_standard_error_what_is_odd(file):
    r = run({"ENVIRONMENT": "prod"}, "-c", file({"environments": NAMES}), "--print-config")
    assert r.returncode == 0 and json.loads(r.stdout)["heartbeat"]["interval"] == "25s"
    assert r.stderr.startswith("wskeep: note: ENVIRONMENT: found ") and len(r.stderr.splitlines()) == 1


SHIPPED = [*pathlib.Path(ROOT, "conf").glob("*.conf"), *pathlib.Path(ROOT, "deploy").glob("*/*.conf")]


@pytest.mark.parametrize("conf", sorted(SHIPPED), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_shipped_conf_file_is_taken_without_a_word(conf):
    effective({}, "-c", str(conf))
