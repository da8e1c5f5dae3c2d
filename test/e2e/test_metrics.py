"""The admin listener: what it says is so."""

import re

import pytest

from parts.http import HttpPeer, ask, request
from parts.process import wait_until
from parts.ws import BINARY, TEXT, Pair, numbered, ws

pytestmark = pytest.mark.proxy

NAMES = """wskeep_connections wskeep_sessions wskeep_session_duration_seconds wskeep_disconnects_total wskeep_messages_total
wskeep_answers_unkept_total wskeep_message_bytes_total wskeep_backend_connects_total wskeep_heartbeat_rtt_seconds wskeep_journal_bytes
wskeep_http_requests_total wskeep_http_request_duration_seconds wskeep_build_info""".split()


def messages(m, direction):
    return {o: m[f'wskeep_messages_total{{direction="{direction}",outcome="{o}"}}']
            for o in ("accepted", "delivered", "unproven", "lost")}


def test_health_is_text_and_right(proxy, backend):
    p = proxy(backend.address)
    assert p.get("/healthz")[0] == 200
    assert p.get("/readyz")[0] == 200
    assert p.get("/nowhere")[0] == 404


def test_the_admin_listener_takes_get_and_head_only_and_keeps_its_connection(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.admin) as c:
        assert c.ask("HEAD", "/healthz").status == 200
        assert c.ask("GET", "/healthz").status == 200
        assert c.ask("POST", "/healthz").status == 405


def test_the_admin_listener_is_not_the_traffic(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/metrics"))
        b = backend.accept()
        assert b.request().target == "/metrics"
        b.answer(body=b"the backend's own")
        assert c.response().body == b"the backend's own"


def test_metrics_are_the_text_format_with_stable_names(proxy, apps):
    p = proxy(apps("Websockets").address)
    assert ask(p.address, "GET", "/hello").status == 200
    p.settled()
    m = p.metrics()  # parses strictly
    answer = ask(p.admin, "GET", "/metrics")
    assert answer.get("content-type").startswith("text/plain; version=0.0.4")
    for name in NAMES:
        assert any(re.match(rf"{name}(_bucket|_sum|_count)?(\{{|$)", key) for key in m), name


def test_histograms_add_up(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        for i in range(5):
            c.send(request("GET", "/"))
            if i == 0:
                b = backend.accept()
            b.request()
            b.answer()
            c.response()
    name = "wskeep_http_request_duration_seconds"
    m = wait_until("five requests", lambda: (m := p.metrics())[f"{name}_count"] == 5 and m)
    buckets = [v for k, v in m.items() if k.startswith(f"{name}_bucket")]
    assert buckets == sorted(buckets) and buckets[-1] == 5 == m[f'{name}_bucket{{le="+Inf"}}']
    assert m[f"{name}_sum"] >= 0


def test_messages_and_bytes_are_counted_each_way(proxy, ws_backend):
    p = proxy(ws_backend.address)
    with Pair(p, ws_backend) as (c, b):
        for size in (0, 10, 70_000):
            c.binary(numbered(size))
            assert b.message() == (BINARY, numbered(size))
        for _ in range(2):
            b.text("x")
            c.message()
        live = p.metrics()
        assert (live['wskeep_sessions{state="live"}'], live['wskeep_connections{side="client"}'],
                live['wskeep_connections{side="backend"}']) == (1, 1, 1)
        assert messages(live, "up")["accepted"] == 3 and messages(live, "down")["accepted"] == 2
        c.close_frame(1000)
        b.closed()
        b.close_frame(1000)
        b.half_close()
        c.closed()
    m = p.settled()
    assert messages(m, "up") == {"accepted": 3, "delivered": 3, "unproven": 0, "lost": 0}
    assert messages(m, "down")["accepted"] == 2 and messages(m, "down")["lost"] == 0
    assert m['wskeep_message_bytes_total{direction="up"}'] >= 70_010
    assert m["wskeep_journal_bytes"] == 0
    assert m["wskeep_session_duration_seconds_count"] == 1
    assert p.ends("client") == {"client_close": 1}


def test_what_a_dead_backend_cannot_have_is_not_delivered(proxy, ws_backend):
    p = proxy(ws_backend.address)
    with Pair(p, ws_backend) as (c, b):
        for _ in range(5):
            c.text("x")
        for _ in range(5):
            b.message()
        b.reset()
        assert c.closed().code == 1012
        c.close_frame(1012)
    up = messages(p.settled(), "up")
    assert up["accepted"] == 5 and up["delivered"] + up["unproven"] + up["lost"] == 5
    assert up["delivered"] == 0, "nothing proved them: no pong, no answering Close"


def test_a_pong_proves_what_was_sent_before_its_ping(proxy, ws_backend):
    p = proxy(ws_backend.address, {"heartbeat": {"interval": "200ms"}})
    with Pair(p, ws_backend) as (c, b):
        for _ in range(5):
            c.text("x")
            b.message()
        def proven():
            for peer in (c, b):
                if not peer.silent_for(0):
                    f = peer.read_frame()
                    peer.frame(10, f.payload)
            return messages(p.metrics(), "up")["delivered"] == 5
        wait_until("a heartbeat to prove them", proven)
        b.reset()
        assert c.closed().code == 1012
    assert messages(p.settled(), "up") == {"accepted": 5, "delivered": 5, "unproven": 0, "lost": 0}


def test_every_end_has_one_reason_on_its_side(proxy, ws_backend):
    p = proxy(ws_backend.address)
    for _ in range(3):
        with Pair(p, ws_backend) as (c, b):
            b.reset()
            assert c.closed().code == 1012
            c.close_frame(1012)
            c.read_to_end()
    p.settled()
    assert p.ends("backend") == {"backend_reset": 3, "done": 1}  # the one that asked whether it is ready
    assert sum(p.ends("client").values()) == 3


def test_the_log_says_the_same_word_once_for_each_end(proxy, ws_backend):
    p = proxy(ws_backend.address, {"log": {"level": "info"}})
    with Pair(p, ws_backend, path="/ws?token=secret", headers=[("Cookie", "secret"), ("Authorization", "secret")]) as (c, b):
        c.text("secret")
        b.message()
        b.close()
        c.closed()
    p.wait_event("session_end", reason="backend_eof")
    assert "secret" not in p.text(), "a payload, a query, a cookie or an authorization in the log"


@pytest.mark.parametrize("size", [1, 70_000])
def test_messages_of_the_application_are_counted(proxy, apps, size):
    p = proxy(apps("Wsproto").address)
    with ws(p.address, "/ws/echo") as c:
        for _ in range(10):
            c.frame(TEXT, numbered(size))
            c.message()
        c.goodbye()
    m = p.settled()
    assert messages(m, "up") == {"accepted": 10, "delivered": 10, "unproven": 0, "lost": 0}
    assert (messages(m, "down")["accepted"], messages(m, "down")["lost"]) == (10, 0)
