"""What the end of a backend means (session/fate.h), row by row, where reconnecting is on: who is told what, and whether
the backend is asked again."""

import time

import pytest

from parts.peer import elapsed
from parts.process import wait_until
from parts.servers import App
from parts.ws import PING, PONG, TEXT, Closed, Pair, frame, ws

pytestmark = pytest.mark.proxy

DELIVERED = 'wskeep_messages_total{direction="up",outcome="delivered"}'
FAST = {"backoff_min": "20ms", "backoff_max": "50ms", "window": "5s"}


def prove(p, b, n=1):
    """Answers the ping that rides behind data: what came so far has arrived."""
    while (f := b.read_frame()).opcode != PING:
        pass
    b.frame(PONG, f.payload)
    wait_until("proof", lambda: p.metrics()[DELIVERED] == n)


def is_over(p, listener, reason):
    p.settled()
    assert p.ends("client") == {reason: 1}
    assert listener.quiet_for(0.2), "the backend was asked again"


def ends(c, b, said, told):
    """The backend says that Close and is answered; the client is told that and answers."""
    b.close_frame(said.code, said.reason)
    assert c.closed() == told
    c.close_frame(told.code)
    b.closed()
    b.half_close()
    assert c.end() == "EOF"


# -- the backend's own word, and a fault of it


OWN = [(1000, "bye"), (None, ""), (3000, ""), (4999, "mine"), (1002, ""), (1003, ""), (1007, ""), (1008, "log in"), (1009, ""),
       (1010, ""), (1011, "a fault of mine")]


@pytest.mark.parametrize("code, reason", OWN, ids=str)
def test_the_backends_own_word_is_relayed_and_ends_it(proxy, ws_backend, code, reason):
    p = proxy(ws_backend.address, {"reconnect": FAST})
    with Pair(p, ws_backend) as (c, b):
        c.text("not proven")
        assert b.message() == (TEXT, b"not proven")
        ends(c, b, Closed(code, reason), Closed(code, reason))
    is_over(p, ws_backend, "backend_close")


def test_a_breach_of_protocol_is_1014_and_is_not_tried_again(proxy, ws_backend):
    p = proxy(ws_backend.address, {"reconnect": FAST})
    with Pair(p, ws_backend) as (c, b):
        b.send(frame(TEXT, b"x", masked=False, rsv=4))
        assert c.closed().code == 1014
        assert b.closed().code == 1002
    is_over(p, ws_backend, "backend_protocol")


# -- ends to reconnect on


@pytest.mark.parametrize("code, reason", [(1001, "going"), (1012, ""), (1014, ""), (1011, "keepalive ping timeout"),
                                          (1011, "sent 1011 (unexpected error) keepalive ping timeout; no close frame"),
                                          (1000, "listed"), (4000, "listed"), (4001, "listed")], ids=str)
def test_the_word_of_a_server_that_goes_and_what_is_listed_is_no_end(proxy, ws_backend, code, reason):
    p = proxy(ws_backend.address, {"reconnect": {**FAST, "codes": [1000, 4000, 4001]}})
    with Pair(p, ws_backend) as (c, b):
        c.text("kept")
        assert b.message() == (TEXT, b"kept")
        b.close_frame(code, reason)
        other = ws_backend.serve_next()
        assert other.message() == (TEXT, b"kept")
        other.text("here")
        assert c.message() == (TEXT, b"here"), "the client was told"
        ends(c, other, Closed(4002, "not listed"), Closed(4002, "not listed"))
    is_over(p, ws_backend, "backend_close")
    assert p.ends("backend")["backend_close"] == 2


def test_a_server_that_got_no_pong_in_time_is_found_again(proxy, parts):
    """uvicorn's own keepalive gives up a wskeep that stands still."""
    app = parts(App("Pinging")).wait_ready()
    p = proxy(app.address, {"reconnect": FAST})
    with ws(p.address, "/ws/echo") as c:
        c.text("one")
        assert c.message() == (TEXT, b"one")
        wait_until("proof", lambda: p.metrics()[DELIVERED] == 1)

        def given_up():
            began = time.monotonic()
            with p.stopped():
                wait_until("pings to be missed", lambda: elapsed(began) > 2)
            return [event for event in p.events("backend_lost") if event["code"] == "1011"]
        wait_until("its Close", given_up)
        c.text("two")
        assert c.message() == (TEXT, b"two")
        c.goodbye()
    p.settled()
    assert p.ends("client") == {"client_close": 1}


def test_an_application_that_ends_with_a_listed_code_for_ever_is_1011(proxy, apps, worker):
    p = proxy(apps(worker).address, {"reconnect": {**FAST, "codes": [4000]}})
    with ws(p.address, "/ws/close?code=4000") as c:
        for _ in range(5):
            assert c.message() == (TEXT, b"before the end")
        assert c.closed().code == 1011
        c.close_frame(1011)
    p.settled()
    assert p.ends("client") == {"backend_unstable": 1}


def test_1013_is_asked_again_later(proxy, ws_backend):
    p = proxy(ws_backend.address, {"reconnect": {**FAST, "backoff_max": "2s"}})
    with Pair(p, ws_backend) as (c, b):
        c.text("kept")
        assert b.message() == (TEXT, b"kept")
        said = time.monotonic()
        b.close_frame(1013, "later")
        other = ws_backend.serve_next()
        assert elapsed(said) >= 1, "half of backoff_max is the least"
        assert other.message() == (TEXT, b"kept")
        c.close_frame(1000)
        assert other.closed().code == 1000
        other.close_frame(1000)
        other.half_close()
        assert c.closed().code == 1000
    is_over(p, ws_backend, "client_close")


# -- 1008 behind a reconnect


@pytest.mark.parametrize("soon", [True, False])
def test_1008_within_probation_is_a_refusal_and_the_applications_word_after_it(proxy, ws_backend, soon):
    p = proxy(ws_backend.address, {"reconnect": {**FAST, "probation": "10s" if soon else "100ms"}})
    with Pair(p, ws_backend) as (c, b):
        b.reset()
        other = ws_backend.serve_next()
        other.text("hello")
        assert c.message() == (TEXT, b"hello")
        began = time.monotonic()
        wait_until("probation to end", lambda: soon or elapsed(began) > 0.3)
        ends(c, other, Closed(1008, "log in"), Closed(1012) if soon else Closed(1008, "log in"))
    is_over(p, ws_backend, "backend_refused" if soon else "backend_close")


# -- the client has said its Close


@pytest.mark.parametrize("says", [False, True], ids=["nothing", "proven"])
@pytest.mark.parametrize("how", ["close", "reset", 1012])
def test_with_nothing_left_to_deliver_the_clients_close_is_answered(proxy, ws_backend, says, how):
    """By the backend's own Close where there is one, as without wskeep; else in kind."""
    p = proxy(ws_backend.address, {"reconnect": FAST})
    with Pair(p, ws_backend) as (c, b):
        if says:
            c.text("proven")
            assert b.message() == (TEXT, b"proven")
            prove(p, b)
        c.close_frame(4001, "bye")
        assert b.closed() == Closed(4001, "bye")
        if how == 1012:
            b.close_frame(1012, "going")
            b.half_close()
            assert c.closed() == Closed(1012, "going")
        else:
            getattr(b, how)()
            assert c.closed().code == 4001
        assert c.end() == "EOF"
    is_over(p, ws_backend, "client_close")


def test_what_is_not_proven_goes_again_before_the_clients_close(proxy, ws_backend):
    p = proxy(ws_backend.address, {"reconnect": FAST})
    with Pair(p, ws_backend) as (c, b):
        b.answers_pings = False
        c.text("kept")
        assert b.message() == (TEXT, b"kept")
        c.close_frame(4001, "bye")
        assert b.closed() == Closed(4001, "bye")
        b.reset()
        other = ws_backend.serve_next()
        assert other.message() == (TEXT, b"kept")
        assert other.closed() == Closed(4001, "bye")
        other.close_frame(4001)
        other.half_close()
        assert c.closed().code == 4001
        assert c.end() == "EOF"
    is_over(p, ws_backend, "client_close")


def test_a_client_that_leaves_ends_the_attempt_that_is_under_way(proxy, ws_backend):
    p = proxy(ws_backend.address, {"reconnect": FAST})
    with Pair(p, ws_backend) as (c, b):
        b.close()
        other = ws_backend.attempt()
        c.close_frame(1000)
        assert c.closed().code == 1000
        assert c.end() == "EOF"
        assert b"101" not in other.read_to_end()
    is_over(p, ws_backend, "client_close")
    found = p.ends("backend")
    assert (found["backend_eof"], found["client_close"], found.get("killed")) == (1, 1, None)
