"""How sessions end and what holds them up, as /metrics tells it: durations, lost heartbeats, lost backends, Closes."""

import re

import pytest

from parts.process import wait_until
from parts.ws import BINARY, PONG, TEXT, Pair, frame, numbered

pytestmark = pytest.mark.proxy

HEADLESS, OLDEST = 'wskeep_sessions{state="headless"}', "wskeep_headless_oldest_seconds"
DURATION = "wskeep_connection_duration_seconds"


def durations(m):
    """How many lasted how long in all, clean ends and others."""
    return [(m[f'{DURATION}_count{{clean="{clean}"}}'], m[f'{DURATION}_sum{{clean="{clean}"}}']) for clean in ("true", "false")]


def closes(m):
    """{(side, code): count}"""
    return {(k[1], k[2]): v for key, v in m.items() if (k := re.fullmatch(r'wskeep_closes_total{side="(\w+)",code="(\w+)"}', key))}


def leave(c, b):
    c.close_frame(1000)
    assert b.closed().code == 1000
    b.close_frame(1000)
    assert c.closed().code == 1000


def test_a_close_is_a_clean_end_whoever_sent_it(proxy, ws_backend):
    p = proxy(ws_backend.address)
    with Pair(p, ws_backend) as (c, b):
        leave(c, b)
    with Pair(p, ws_backend) as (c, b):
        leave(b, c)
    m = p.settled()
    (clean, lasted), unclean = durations(m)
    assert (clean, unclean) == (2, (0, 0)) and 0 <= lasted < 60
    assert closes(m) == {("client", "1000"): 2, ("backend", "1000"): 2}


def test_an_end_without_a_close_is_not_clean(proxy, ws_backend):
    p = proxy(ws_backend.address)
    with Pair(p, ws_backend) as (c, b):
        c.close()
        assert b.closed().code == 1001
        b.close_frame(4321)
    (clean, _), (unclean, _) = durations(m := p.settled())
    assert (clean, unclean) == (0, 1)
    assert closes(m) == {("backend", "4xxx"): 1}


def test_a_connection_that_ended_is_counted_while_what_it_said_still_waits(proxy, ws_backend):
    """Its message is not delivered yet: the session goes on, the client's connection does not."""
    p = proxy(ws_backend.address, {"reconnect": {"window": "1m"}})
    with Pair(p, ws_backend) as (c, b):
        b.reset()
        wait_until("the loss", lambda: p.metrics()[HEADLESS] == 1)
        c.text("waits")
        c.close()
        m = wait_until("the client's end", lambda: durations(m := p.metrics())[1][0] == 1 and m)
        assert m[HEADLESS] == 1
        again = ws_backend.serve_next()
        assert again.message() == (TEXT, b"waits")
        assert again.closed().code == 1001
        again.close_frame(1001)
        again.close()
    assert [count for count, _ in durations(p.settled())] == [0, 1]


def test_a_client_that_does_not_answer_is_a_heartbeat_lost(proxy, ws_backend):
    p = proxy(ws_backend.address, {"heartbeat": {"interval": "250ms", "timeout": "1s", "backend": False}})
    with Pair(p, ws_backend) as (c, b):
        assert b.closed().code == 1001
        b.close_frame(1001)
    m = p.settled()
    assert [m[f'wskeep_heartbeat_losses_total{{side="{side}"}}'] for side in ("client", "backend")] == [1, 0]
    assert p.ends("client")["client_timeout"] == 1


def test_a_backend_that_does_not_answer_is_a_heartbeat_lost_whatever_comes_of_it(proxy, ws_backend):
    """Here the session ends for another reason: what the backend kept is lost with it."""
    p = proxy(ws_backend.address, {"heartbeat": {"interval": "250ms", "timeout": "1s", "backend_timeout": "1s", "client": False},
                                   "reconnect": {"window": "1m", "state": "connection"}})
    with Pair(p, ws_backend) as (c, b):
        c.text("x")
        b.message()
        b.frame(PONG, b.read_frame().payload)  # its endpoint has the message; from here on it is silent
        assert c.closed().code == 1012
        c.close_frame(1012)
    m = p.settled()
    assert [m[f'wskeep_heartbeat_losses_total{{side="{side}"}}'] for side in ("client", "backend")] == [0, 1]
    assert p.ends("client") == {"state_lost": 1}


def test_a_session_without_a_backend_ages_until_it_has_another(proxy, ws_backend):
    p = proxy(ws_backend.address, {"reconnect": {"window": "1m"}})
    with Pair(p, ws_backend) as (c, b):
        assert p.metrics()[OLDEST] == 0
        b.reset()
        ages = []

        def has_aged():
            ages.append(p.metrics()[OLDEST])
            return ages[-1] > 0.25
        wait_until("a quarter of a second without a backend", has_aged)
        assert ages == sorted(ages)
        again = ws_backend.serve_next()
        m = wait_until("another backend", lambda: (m := p.metrics())['wskeep_sessions{state="live"}'] == 1 and m)
        assert m[OLDEST] == 0 and m['wskeep_reconnects_total{result="ok"}'] == 1
        assert m["wskeep_headless_duration_seconds_count"] == 1 and m["wskeep_headless_duration_seconds_sum"] > 0.25
        leave(c, again)
        again.close()
    p.settled()


def test_a_session_that_finds_no_backend_says_why(proxy, ws_backend):
    p = proxy(ws_backend.address, {"reconnect": {"window": "300ms"}})
    with Pair(p, ws_backend) as (c, b):
        b.reset()
        assert c.closed().code == 1013
        c.close_frame(1013)
    m = p.settled()
    assert (m['wskeep_reconnects_total{result="ok"}'], m['wskeep_reconnects_total{result="reconnect_window"}']) == (0, 1)
    assert m[OLDEST] == 0


@pytest.mark.parametrize("direction", ["up", "down"])
def test_time_in_which_a_sender_is_not_read_is_counted_while_it_lasts(proxy, ws_backend, direction):
    p = proxy(ws_backend.address, {"buffer": {"session": "256KiB"}})
    seconds, now = (f'wskeep_backpressure_{what}{{direction="{direction}"}}' for what in ("seconds_total", "sessions"))
    with Pair(p, ws_backend, receive_buffer=4096) as (c, b):
        sender, reader = (c, b) if direction == "up" else (b, c)
        sender.send_all_that_fits(frame(BINARY, numbered(1 << 15), masked=direction == "up") * 2000)
        wait_until("a sender that is not read", lambda: p.metrics()[now] == 1)
        wait_until("its time to grow", lambda: p.metrics()[seconds] > 0.3)
        reader.reset()
    m = p.settled()
    assert m[now] == 0
    other = [v for k, v in m.items() if k.startswith("wskeep_backpressure_") and direction not in k]
    assert other == [0, 0]
