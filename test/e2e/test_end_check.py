"""wskeep --check: the fault that it was made for is named in every part, and gone once its own advice is followed."""

import glob
import json
import os
import shlex

import pytest

from parts.servers import ROOT
from test_end_start import file, run  # noqa: F401: a fixture

pytestmark = pytest.mark.proxy


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    monkeypatch.delenv("ENVIRONMENT", raising=False)


def check(path, *argv):
    r = run("-c", path, "--check=json", *argv)
    assert not r.stderr, r.stderr
    report = json.loads(r.stdout)
    return r.returncode, {f["rule"]: f for f in report["findings"]}


def results(found):
    return {rule: f["result"] for rule, f in found.items()}


def knows(setting):
    return setting in json.loads(run("--print-config").stdout)


# -- the fault

SYNC = "gunicorn --timeout 120 app:app"
UVICORN = "gunicorn -k uvicorn.workers.UvicornWorker --timeout 120 app:app"


def fault(command):
    conf = {
        "platform": {"lb_timeout": "600s", "request_timeout": "5m", "backend_command": command},
        "heartbeat": {"interval": "10m", "timeout": "15m"},
        "timeouts": {"connection": "2h"} if command == UVICORN else {"connection": "9m"},
        "listen": {"keepalive_timeout": "60s"},
        "backend": {"keepalive_timeout": "5s" if command == UVICORN else "1s"},
    }
    if knows("origins"):
        conf["origins"] = ["https://chat.example", "http://localhost:3000"]
    return conf


def put(conf, key, value):
    *groups, name = key.split(".")
    for group in groups:
        conf = conf.setdefault(group, {})
    conf[name] = value


def follow(conf, change):
    """Does what the change says, and nothing else; a service of gcloud's there is not, so that only `then` is left."""
    if change["kind"] == "conf":
        put(conf, change["key"], change["value"])
    elif change["kind"] in ("gunicorn", "uvicorn"):
        words = [*shlex.split(conf["platform"]["backend_command"])]
        assert words[0] == change["kind"]
        put(conf, "platform.backend_command", shlex.join([*words, change["key"], change["value"]]))
    else:
        assert change["kind"] == "gcloud"
    if "then" in change:
        follow(conf, change["then"])


@pytest.mark.parametrize("command, expected", [
    (SYNC, {"worker-sync": "fail", "worker-room": "warn", "connection-least": "fail"}),
    (UVICORN, {"worker-uvicorn": "warn", "keep-alive": "fail", "connection-most": "warn"}),
], ids=["sync", "uvicorn"])
def test_the_fault_is_named_in_every_part_and_gone_once_the_advice_is_followed(file, monkeypatch, command, expected):  # noqa: F811
    monkeypatch.setenv("ENVIRONMENT", "production")
    conf = fault(command)
    expected = {**expected, "heartbeat-idle": "fail", "heartbeat-timeout": "fail", "listen-keepalive": "fail",
                "request-balancer": "fail"}
    if knows("origins"):
        expected["origins-production"] = "fail"
    code, found = check(file(json.dumps(conf)))
    assert code == 1
    assert {rule: result for rule, result in results(found).items() if result != "ok"} == expected
    for f in found.values():
        assert f["saw"] and f["fact"]
        if f["result"] != "ok":
            follow(conf, f["change"])
    code, found = check(file(json.dumps(conf)))
    assert code == 0
    assert set(results(found).values()) == {"ok"}, results(found)


def test_advice_on_fails_alone_is_enough_for_exit_0(file):  # noqa: F811
    conf = fault(SYNC)
    code, found = check(file(json.dumps(conf)))
    assert code == 1
    for f in found.values():
        if f["result"] == "fail":
            follow(conf, f["change"])
    assert check(file(json.dumps(conf)))[0] == 0


def test_advice_that_brings_another_rule_in_is_followed_by_that_rules_own(file):  # noqa: F811
    """A sync worker closes after each answer; with the threads that are advised it keeps connections, for 2 s."""
    conf = {**fault(SYNC), "backend": {"keepalive_timeout": "5s"}}
    for broken in ("worker-sync", "keep-alive", None):
        code, found = check(file(json.dumps(conf)))
        assert results(found).get(broken) == (broken and "fail")
        for f in found.values():
            if f["result"] != "ok":
                follow(conf, f["change"])
    assert code == 0


# -- the two forms

def test_the_table_says_the_same_as_the_json(file):  # noqa: F811
    path = file(json.dumps(fault(SYNC)))
    _, found = check(path)
    r = run("-c", path, "--check")
    assert r.returncode == 1 and not r.stderr
    shown = [line.split()[0] for line in r.stdout.splitlines() if line.startswith(("ok ", "warn ", "fail "))]
    assert shown == [f["result"] for f in found.values()]
    for words in ('Mend: "listen": {"keepalive_timeout": "620s"}', "Mend: gunicorn ... --timeout 600",
                  "Mend: gcloud run services update SERVICE --timeout 3600"):
        assert words in r.stdout
    assert max(map(len, r.stdout.splitlines())) <= 112


def test_nothing_is_started_and_nothing_listens():
    r = run("--check", "--listen", "192.0.2.1:80", "--backend-command", "gunicorn --timeout 600 -k gthread --threads 9")
    assert r.returncode == 0 and r.stdout and not r.stderr


def test_the_command_line_wins_over_the_file(file):  # noqa: F811
    path = file(json.dumps({"platform": {"backend_command": SYNC}}))
    assert check(path)[0] == 1
    code, found = check(path, "--backend-command", UVICORN)
    assert code == 0 and found["worker-uvicorn"]["result"] == "warn"


@pytest.mark.parametrize("command, rule", [
    ("", "backend-known"), ("   ", "backend-known"), ("'", "backend-known"), ("\\", "backend-known"),
    ("daphne app", "backend-known"), ("é ☃ 😀", "backend-known"), ("gunicorn " + "x" * 100000, None),
    ("gunicorn -t", "backend-clear"), ("gunicorn -t $(echo 3)", "backend-clear"), ("gunicorn 'open", "backend-clear"),
    ("gunicorn --timeout=1e9 -k '' --threads=-1", "backend-clear"), ("; && | gunicorn && & -t 5", None),
])
def test_a_command_that_is_garbage_is_a_warning_at_most_for_what_cannot_be_read(command, rule):
    r = run("--check=json", "--backend-command", command)
    assert r.returncode in (0, 1) and not r.stderr
    found = {f["rule"]: f for f in json.loads(r.stdout)["findings"]}
    assert rule is None or found[rule]["result"] == "warn"


# -- what is no check

def test_a_conf_that_does_not_load_is_2(file, tmp_path):  # noqa: F811
    for argv in (["-c", str(tmp_path / "none.conf")], ["-c", file("{")], ["--backend-command", "two\nlines"]):
        r = run("--check", *argv)
        assert r.returncode == 2 and not r.stdout and len(r.stderr.splitlines()) == 1, r


@pytest.mark.parametrize("argv, word", [(["--check=xml"], "xml"), (["--check="], '""'), (["--check", "json"], "json"),
                                        (["--backend-command"], "backend-command")])
def test_a_bad_word_is_2(argv, word):
    r = run(*argv)
    assert r.returncode == 2 and not r.stdout and word in r.stderr


SHIPPED = sorted(glob.glob(os.path.join(ROOT, "conf", "*.conf")) + glob.glob(os.path.join(ROOT, "deploy", "*", "*.conf")))


@pytest.mark.parametrize("path", SHIPPED, ids=[os.path.relpath(p, ROOT) for p in SHIPPED])
def test_the_shipped_files_pass(path):
    assert check(path)[0] == 0
