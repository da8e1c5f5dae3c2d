"""At its limits wskeep lets new connections wait, does not spin, and goes on for those that it has."""

import resource
import threading
import time

import pytest

from parts.http import HttpPeer, request
from parts.process import wait_until
from parts.servers import Wskeep
from parts.ws import TEXT, WsPeer, ws

pytestmark = pytest.mark.proxy

PAUSES = "wskeep_accept_pauses_total"


def limit_descriptors(n):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (n, n))


def echo(c, text):
    c.text(text)
    assert c.message() == (TEXT, text.encode())


def waiting_client(p):
    c = WsPeer(p.address)
    c.send_handshake("/ws/echo")
    return c


def test_descriptors_used_up_let_the_new_wait_and_the_living_go_on(parts, apps):
    p = parts(Wskeep(apps("Websockets").address))
    used = p.descriptors() + 2 * 5
    living = [ws(p.address, "/ws/echo") for _ in range(5)]
    assert p.descriptors() == used
    hard = resource.prlimit(p.pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(p.pid, resource.RLIMIT_NOFILE, (used, hard))  # from now on: EMFILE at every accept
    waiting = [waiting_client(p) for _ in range(3)]
    began, cpu = time.monotonic(), p.cpu()
    for i in range(10):
        for c in living:
            echo(c, f"round {i}")
        assert waiting[0].silent_for(0.1)
    spent = time.monotonic() - began
    assert p.cpu() - cpu < 0.3 * spent, "it spins"
    resource.prlimit(p.pid, resource.RLIMIT_NOFILE, (used + 50, hard))
    for c in waiting:
        assert c.response().status == 101
        echo(c, "at last")
    assert p.metrics()[PAUSES] >= 1
    for c in living + waiting:
        c.goodbye()
        c.close()


@pytest.mark.parametrize("how", ["limits.connections", "descriptors"])
def test_past_the_limit_a_connection_waits_until_another_ends(parts, apps, how):
    if how == "descriptors":
        p = parts(Wskeep(apps("Websockets").address, preexec=limit_descriptors(100)))
        most = 40
    else:
        p = parts(Wskeep(apps("Websockets").address, {"limits": {"connections": 4}}))
        most = 4
    served, waiting = [], None
    while waiting is None:
        c = waiting_client(p)
        if len(served) >= 4 and c.silent_for(0.5):
            waiting = c
        else:
            assert c.response().status == 101
            served.append(c)
        assert len(served) <= most
    cpu = p.cpu()
    for i in range(5):
        for c in served:
            echo(c, str(i))
        assert waiting.silent_for(0.1)
    assert p.cpu() - cpu < 0.3
    served[0].goodbye()
    served.pop(0).close()
    assert waiting.response().status == 101
    for c in [*served, waiting]:
        echo(c, "all the same")
        c.goodbye()
        c.close()


def test_a_limit_that_descriptors_do_not_allow_is_lowered_with_a_word(parts):
    p = parts(Wskeep("127.0.0.1:1", {"limits": {"connections": 10000}}, preexec=limit_descriptors(200)))
    assert p.wait_event("connections_clamped")


def test_the_soft_limit_is_raised_to_the_hard_one(parts, apps):
    p = parts(Wskeep(apps("Websockets").address,
                     preexec=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (80, 4096))))
    assert resource.prlimit(p.pid, resource.RLIMIT_NOFILE)[0] == 4096


@pytest.mark.threads
@pytest.mark.parametrize("workers", [2, 4])
def test_many_workers_serve(parts, apps, workers):
    p = parts(Wskeep(apps("Websockets").address, {"workers": workers}))
    clients = [ws(p.address, "/ws/echo") for _ in range(32)]
    for c in clients:
        c.text("x" * 1000)
    for c in clients:
        assert c.message() == (TEXT, b"x" * 1000)
    with HttpPeer(p.address) as h:
        assert h.ask("GET", "/hello").body == b"hello\n"
    assert p.metrics()['wskeep_sessions{state="live"}'] == 32
    for c in clients:
        c.goodbye()
        c.close()
    m = p.settled()
    assert m['wskeep_messages_total{direction="up",outcome="accepted"}'] == 32


def test_connections_that_come_and_go_leave_nothing_behind(parts, apps):
    """Descriptors and memory are what they were."""
    p = parts(Wskeep(apps("Websockets").address))

    def turn():
        for _ in range(100):
            with ws(p.address, "/ws/echo") as c:
                echo(c, "x")
                c.goodbye()
            with HttpPeer(p.address) as h:
                h.ask("GET", "/hello")
        p.settled()
        wait_until("idle connections to be closed", lambda: not p.metrics()['wskeep_connections{side="backend"}'])
        return p.descriptors()
    before, rss = turn(), p.rss()
    turn()
    wait_until("the same number of descriptors", lambda: p.descriptors() <= before)
    assert p.rss() - rss < 2 << 20


def test_many_idle_sessions_hold_little_memory(proxy, ws_backend):
    p = proxy(ws_backend.address)
    pairs, n = [], 400
    server = threading.Thread(target=lambda: [ends.append(serve(ws_backend)) for _ in range(n)])
    ends = []
    server.start()
    before = None
    for i in range(n):
        pairs.append(ws(p.address))
        if i == 99:
            before = p.rss()
    server.join()
    each = (p.rss() - before) / (n - 100)
    for c in pairs + ends:
        c.close()
    assert each < 8192, f"{each:.0f} bytes a session (the figure of DESIGN, Speed and memory, is make bench's to show)"


def serve(backend):
    b = backend.accept()
    b.serve()
    return b


def test_a_flood_of_bad_requests_is_answered_and_its_log_lines_are_limited(parts, apps):
    p = parts(Wskeep(apps("Websockets").address, {"log": {"level": "info"}}))
    for _ in range(300):
        with HttpPeer(p.address) as c:
            c.send(b"NONSENSE\r\n\r\n")
            assert c.response().status in (400, 501)
    wait_until("all of them to be counted", lambda: p.ends("client").get("bad_request") == 300)
    assert 0 < len([e for e in p.events("http_request") if e["reason"] == "bad_request"]) < 30
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/hello"))
        assert c.response().status == 200
