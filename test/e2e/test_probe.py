"""/healthz/websocket: what a probe finds by the whole way, with real servers; that users' figures stay theirs."""

import json
import os
import signal
import socket

import pytest

from parts.clients import NodeServer
from parts.http import ask
from parts.process import wait_until
from parts.servers import Aiohttp, WebsocketsServer, Wskeep, merge
from parts.ws import PING, PONG, TEXT, ws

pytestmark = pytest.mark.proxy

PERIOD = 0.5
FOUND = "handshake, ping and pong"


def probing(path="/ws/echo", **more):
    return {"probe": {"path": path, "period": f"{int(PERIOD * 1000)}ms"}, **more}


def health(p):
    """(status, what it says)"""
    answer = ask(p.admin, "GET", "/healthz/websocket")
    assert answer.get("content-type") == "application/json"
    return answer.status, json.loads(answer.body)


def until(p, status):
    return wait_until(f"a {status}", lambda: (h := health(p))[0] == status and h[1])


def until_failing(p):
    status, said = wait_until("a verdict", lambda: (h := health(p))[1]["status"] == "failing" and h)
    assert status == 503
    return said


def probes(p, result):
    return p.metrics()[f'wskeep_probes_total{{result="{result}"}}']


def must_be_well(p):
    said = until(p, 200)
    assert (said["status"], said["why"], said["failures"]) == ("ok", FOUND, 0)
    assert 0 < said["ping_ms"] < 1000 * PERIOD and 0 < said["handshake_ms"] < 1000 * PERIOD


# -- servers


def test_uvicorns_implementations_are_found_well(proxy, apps, worker):
    must_be_well(proxy(apps(worker).address, probing()))


@pytest.mark.parametrize("server", [lambda: NodeServer(False), WebsocketsServer], ids=["node", "python"])
def test_other_servers_are_found_well(proxy, parts, server):
    must_be_well(proxy(parts(server()).address, probing("/")))


def test_an_application_that_takes_no_message_is_well_where_its_server_answers_for_it(proxy, apps, worker):
    must_be_well(proxy(apps(worker).address, probing("/ws/deaf/probed")))


def test_one_whose_server_answers_only_while_it_takes_messages_is_failing_in_words(proxy, parts):
    said = until_failing(proxy(parts(Aiohttp()).address, probing("/ws/deaf/probed")))
    assert said["why"] == "handshake ok, no pong within 500ms"
    assert said["handshake_ms"] > 0 and "ping_ms" not in said


@pytest.mark.parametrize("path, why", [("/ws/refuse", "handshake: it answered 403"),
                                       ("/hello", "handshake: it answered 403"),
                                       ("/ws/close?code=4001", "handshake ok, then a Close 4001 instead of a pong")])
def test_a_path_that_takes_no_websocket_for_long_is_failing_in_words(proxy, apps, path, why):
    p = proxy(apps("Websockets").address, probing(path))
    assert until_failing(p)["why"] == why


def test_a_stopped_server_is_failing_within_two_periods_and_well_again_behind_that(proxy, parts):
    server = parts(WebsocketsServer())
    p = proxy(server.address, probing("/"))
    must_be_well(p)
    before = probes(p, "ok")
    wait_until("one that goes by itself", lambda: probes(p, "ok") > before)
    with server.stopped():
        said = wait_until("it to be found", lambda: (h := health(p))[0] == 503 and h[1], 2 * PERIOD + 1)
        assert said["status"] == "failing" and said["why"].endswith("within 500ms")
        wait_until("the next ones to fail too", lambda: p.metrics()["wskeep_probe_failures"] >= 3)
        assert p.get("/healthz")[0] == 200, "wskeep lives"
    must_be_well(p)
    assert p.metrics()["wskeep_probe_failures"] == 0
    lines = [line for line in p.lines() if "probe_" in line]
    assert [e for line in lines for e in ("probe_ok", "probe_failing") if e in line] == [
        "probe_ok", "probe_failing", "probe_ok"], "each change once"


# -- where it connects to


@pytest.mark.threads
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("listen", ["127.0.0.1:0", "0.0.0.0:0", "[::]:0", "[::1]:0", "unix:{}/s"])
def test_it_finds_its_own_listener(proxy, apps, tmp_path, listen, workers):
    if listen == "[::1]:0" and not has_v6():
        pytest.skip("no ::1 here")
    p = proxy(apps("Websockets").address, probing(listen={"address": listen.format(tmp_path)}, workers=workers))
    must_be_well(p)
    p.settled()


def has_v6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


def reload(p, over):
    """As an editor does it: never half a file."""
    p.conf = merge(p.conf, over)
    with open(p.file + ".new", "w") as f:
        json.dump(p.conf, f)
    os.rename(p.file + ".new", p.file)
    before = len(p.events("reloaded"))
    p.tell(signal.SIGHUP)
    wait_until("the reload", lambda: len(p.events("reloaded")) > before)


def test_a_reload_turns_it_on_moves_it_and_turns_it_off(proxy, apps, tmp_path):
    p = proxy(apps("Websockets").address)
    status, said = health(p)
    assert (status, said["status"], said["why"]) == (404, "off", "probe.path is not set")
    reload(p, probing())
    must_be_well(p)
    reload(p, {"listen": {"address": f"unix:{tmp_path}/s"}})
    assert os.path.exists(tmp_path / "s")
    must_be_well(p)
    reload(p, {"probe": {"path": "/ws/refuse"}})
    assert until_failing(p)["why"] == "handshake: it answered 403"
    reload(p, {"probe": {"path": ""}})
    assert health(p)[0] == 404
    assert p.metrics()["wskeep_probe_failures"] == 0


# -- who is not disturbed


def test_it_is_let_in_where_pages_are_not_and_its_mark_stays_here(proxy, ws_backend):
    p = proxy(ws_backend.address, {"probe": {"path": "/ws?x=1", "period": "1m"}, "origins": ["https://app.example.com"]})
    with ws_backend.accept() as b:
        r = b.serve()
        assert r.target == "/ws?x=1" and r.get("user-agent").endswith("(probe)")
        assert r.get("origin") is None and r.get("wskeep-probe") is None
        ping = b.read_frame()
        assert (ping.opcode, len(ping.payload)) == (PING, 8)
        assert health(p)[1]["status"] == "unknown" and health(p)[0] == 503
        b.frame(PONG, ping.payload)
        assert until(p, 200)["why"] == FOUND
        assert b.closed().code == 1000
        b.close_frame(1000)


def of_traffic(metrics):
    names = "wskeep_http_requests_total", "wskeep_closes_total", "wskeep_message", "wskeep_http_request_duration_seconds_count"
    return {name: n for name, n in metrics.items() if name.startswith(names) and n}


def test_users_figures_are_theirs(proxy, apps):
    p = proxy(apps("Websockets").address, probing())
    wait_until("some probes", lambda: probes(p, "ok") >= 3)
    name = "wskeep_session_duration_seconds_count"
    assert (p.metrics()[name], p.ends("client")) == (0, {})
    assert p.ends("backend") == {"done": 1}, "it was asked whether it is ready"
    assert not of_traffic(p.metrics())
    reload(p, {"probe": {"path": "/ws/close?code=1012"}})
    until_failing(p)
    reload(p, {"probe": {"path": "/ws/refuse"}})
    until_failing(p)
    assert (p.ends("client"), p.ends("backend")) == ({}, {"done": 1})
    assert not of_traffic(p.metrics())
    assert not p.events("session_end") and not p.events("http_request")
    reload(p, probing())
    until(p, 200)
    with ws(p.address, "/ws/echo") as c:
        c.text("hello")
        assert c.message() == (TEXT, b"hello")
        c.goodbye()
    m = p.settled()
    assert (m[name], p.ends("client")) == (1, {"client_close": 1})
    assert m["wskeep_probe_duration_seconds_count"] >= 3
    assert m["wskeep_probe_duration_seconds_sum"] < 3 * m["wskeep_probe_duration_seconds_count"]


def test_while_it_drains_it_is_failing(parts, apps):
    p = parts(Wskeep(apps("Websockets").address, probing(timeouts={"close": "2s", "drain": "3s"})))
    must_be_well(p)
    with ws(p.address, "/ws/echo"):
        p.tell(signal.SIGTERM)
        said = until(p, 503)
        assert (said["status"], said["why"]) == ("failing", "about to stop")
