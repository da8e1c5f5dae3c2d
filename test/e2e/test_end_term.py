"""SIGTERM: nobody new, the running ones to their end, 1012 to clients and 1001 to the backend, exit 0 in time."""

import signal
import threading
import time

import pytest

from parts.http import HttpPeer, request
from parts.peer import Ended, elapsed, refuses
from parts.process import wait_until
from parts.ws import CLOSE, TEXT, Pair, closed_of, frame, numbered, ws

pytestmark = pytest.mark.proxy


def exits(p, code=0, within=4.5):
    began = time.monotonic()
    assert p.wait(within) == code
    return elapsed(began)


def test_an_idle_session_gets_1012_and_its_backend_1001(proxy, ws_backend):
    p = proxy(ws_backend.address)
    with Pair(p, ws_backend) as (c, b):
        p.tell(signal.SIGTERM)
        assert c.closed().code == 1012
        c.close_frame(1012)
        assert b.closed().code == 1001
        b.close_frame(1001)
        b.half_close()
        assert c.end() == "EOF"
    exits(p)


def test_what_is_queued_goes_before_the_1012(proxy, ws_backend):
    p = proxy(ws_backend.address)
    with Pair(p, ws_backend, receive_buffer=65536) as (c, b):
        n = 100
        b.send(b"".join(frame(TEXT, numbered(4000), masked=False) for _ in range(n)))  # more than the client's buffer
        wait_until("the proxy to hold them", lambda: p.metrics()[
            'wskeep_messages_total{direction="down",outcome="accepted"}'] == n)
        p.tell(signal.SIGTERM)
        for _ in range(n):
            assert c.message() == (TEXT, numbered(4000))
        assert c.closed().code == 1012
        c.close_frame(1012)
        b.closed()
    exits(p)


def test_many_sessions_all_get_their_1012(proxy, ws_backend):
    p = proxy(ws_backend.address)
    pairs = [Pair(p, ws_backend) for _ in range(40)]
    p.tell(signal.SIGTERM)
    for pair in pairs:
        assert pair.client.closed().code == 1012
        pair.client.close_frame(1012)
        assert pair.backend.closed().code == 1001
        pair.backend.close()
        pair.client.close()
    exits(p)


def test_a_running_request_is_finished_and_told_to_close(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/slow"))
        b = backend.accept()
        b.request()
        p.tell(signal.SIGTERM)
        wait_until("the drain to begin", lambda: refuses(p.address))
        b.answer(body=b"finished")
        answer = c.response()
        assert (answer.body, answer.get("connection")) == (b"finished", "close")
        assert c.end() == "EOF"
    exits(p)


def test_idle_connections_are_closed_at_once(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.address) as used, HttpPeer(p.address) as fresh:
        used.send(request("GET", "/"))
        b = backend.accept()
        b.request()
        b.answer()
        used.response()
        p.tell(signal.SIGTERM)
        assert (used.end(), fresh.end()) == ("EOF", "EOF")
        assert exits(p) < 2


def test_readyz_fails_while_draining_and_healthz_does_not(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/slow"))
        b = backend.accept()
        b.request()
        p.tell(signal.SIGTERM)
        assert wait_until("readyz to fail", lambda: (got := p.get("/readyz"))[0] != 200 and got)[0] == 503
        assert p.get("/healthz")[0] == 200
        b.answer()
        c.response()
    exits(p)


def test_clients_that_never_answer_do_not_hold_up_the_end(proxy, ws_backend):
    p = proxy(ws_backend.address, {"timeouts": {"drain": "2s", "close": "10s"}})
    with Pair(p, ws_backend) as (c, b), Pair(p, ws_backend) as (c2, b2):
        p.tell(signal.SIGTERM)
        assert exits(p, within=3.5) > 0.5


def test_a_request_that_never_ends_is_cut_at_the_end_of_the_drain(proxy, backend):
    p = proxy(backend.address, {"timeouts": {"drain": "1s"}})
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/for-ever"))
        b = backend.accept()
        b.request()
        p.tell(signal.SIGTERM)
        exits(p, within=3)


def test_a_second_sigterm_ends_it_at_once(proxy, ws_backend):
    p = proxy(ws_backend.address, {"timeouts": {"drain": "9s", "close": "10s"}})
    with Pair(p, ws_backend) as (c, b):
        p.tell(signal.SIGTERM)
        assert c.closed().code == 1012  # the drain has begun, and we do not answer
        p.tell(signal.SIGTERM)
        exits(p, within=1.5)


@pytest.mark.threads
@pytest.mark.parametrize("conf", [{}, {"workers": 2}], ids=["one_worker", "two_workers"])
def test_a_lame_duck_serves_as_before_and_then_drains(proxy, apps, conf):
    p = proxy(apps("Websockets").address, {"timeouts": {"lameduck": "2s", "drain": "5s"}, **conf})
    with ws(p.address, "/ws/echo") as before, HttpPeer(p.address) as idle:
        began = time.monotonic()
        p.tell(signal.SIGTERM)
        wait_until("readyz to fail", lambda: p.get("/readyz")[0] == 503)
        with ws(p.address, "/ws/echo") as late:
            for c in (before, late):
                c.text("still here")
                assert c.message() == (TEXT, b"still here")
            for _ in range(2):
                answer = idle.ask("GET", "/hello")
                assert (answer.status, answer.get("connection")) == (200, None)
            for c in (before, late):
                assert c.closed().code == 1012
                c.close_frame(1012)
            assert elapsed(began) >= 2 and refuses(p.address) and idle.end() == "EOF"
        exits(p)
    assert elapsed(began) < 5


def test_a_second_sigterm_ends_a_lame_duck_at_once(proxy, ws_backend):
    p = proxy(ws_backend.address, {"timeouts": {"lameduck": "20s", "drain": "30s"}})
    with Pair(p, ws_backend) as (c, b):
        p.tell(signal.SIGTERM)
        wait_until("readyz to fail", lambda: p.get("/readyz")[0] == 503)
        p.tell(signal.SIGTERM)
        exits(p, within=1.5)
        assert (c.end(), b.end()) == ("EOF", "EOF")


def test_a_lame_duck_that_outlives_the_drain_is_cut_by_it_and_its_clients_told(proxy, ws_backend):
    p = proxy(ws_backend.address, {"timeouts": {"lameduck": "30s", "drain": "2s"}})
    with Pair(p, ws_backend) as (c, b):
        began = time.monotonic()
        p.tell(signal.SIGTERM)
        assert c.closed().code == 1012
        exits(p)
        assert 1.5 < elapsed(began) < 2


@pytest.mark.threads
@pytest.mark.parametrize("answered", [True, False], ids=["answered", "not_answered"])
def test_the_last_line_but_one_sums_up_what_became_of_every_message(proxy, ws_backend, answered):
    """Of two workers, in both directions: what an answered Close proves, what none does, what came too late."""
    p = proxy(ws_backend.address, {"workers": 2, "timeouts": {"drain": "2s"}})
    pairs = [Pair(p, ws_backend) for _ in range(4)]
    ends = [(pair.client, pair.backend) for pair in pairs]
    for c, b in ends:
        c.text("up")
        b.message()
        for _ in range(2):
            b.text("down")
            c.message()
    p.tell(signal.SIGTERM)
    for c, b in ends:
        c.closed()
        b.text("late")  # nobody takes it
        if answered:
            c.close_frame(1012)
            b.closed()
            b.close_frame(1001)
    exits(p)
    summary, stopped = p.events()[-2:]
    assert (summary.name, summary["sessions"], stopped.name) == ("summary", "0", "stopped")
    proven, unproven = (1, 0) if answered else (0, 1)

    def of(direction):
        return [int(summary[f"{direction}_{outcome}"]) for outcome in ("accepted", "delivered", "unproven", "lost")]
    assert of("up") == [4, 4 * proven, 4 * unproven, 0]
    assert of("down") == [12, 8 * proven, 8 * unproven, 4]
    for pair in pairs:
        pair.client.close()
        pair.backend.close()


def test_without_connections_it_ends_at_once(proxy, backend):
    p = proxy(backend.address)
    p.tell(signal.SIGTERM)
    assert exits(p) < 1.5


def test_whoever_goes_on_signalling_does_not_change_how_it_ends(proxy, backend):
    for _ in range(10):
        p = proxy(backend.address)
        while p.process.poll() is None:  # at every moment of its end
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                p.tell(number)
        exits(p)


@pytest.mark.threads
@pytest.mark.parametrize("conf", [{}, {"workers": 2}], ids=["one_worker", "two_workers"])
def test_under_load_every_client_is_told_and_none_is_damaged(proxy, apps, conf):
    p = proxy(apps("Websockets").address, conf)
    results = []
    clients = [ws(p.address, "/ws/echo") for _ in range(16)]
    threads = [threading.Thread(target=talk, args=[c, i, results]) for i, c in enumerate(clients)]
    for t in threads:
        t.start()
    wait_until("the load to flow", lambda: p.metrics()['wskeep_messages_total{direction="down",outcome="accepted"}'] > 500)
    p.tell(signal.SIGTERM)
    for t in threads:
        t.join()
    assert [r for r in results if r != 1012] == [], results
    assert len(results) == len(clients)
    exits(p)


def talk(c, who, results):
    """Echoes one message after the other until a Close comes; the code of it, or what went wrong."""
    try:
        n = 0
        while True:
            sent = b"%d %d " % (who, n) + numbered(n % 3000)
            c.text(sent)
            f = c.next()
            if f.opcode == CLOSE:
                results.append(closed_of(f.payload).code)
                c.close_frame(1012)
                return
            assert f.payload == sent
            n += 1
    except (Ended, OSError, AssertionError) as e:
        results.append(repr(e)[:200])
    finally:
        c.close()
