"""Until the backend is ready: what comes waits, and is served; how wskeep finds out; what it says meanwhile."""

import contextlib
import signal
import time

import pytest

from parts.http import HttpListener, HttpPeer, ask, request
from parts.peer import connect, elapsed, free_port
from parts.process import wait_until
from parts.servers import App, Wskeep, listening
from parts.ws import TEXT, WsListener, WsPeer, accept_of, ws

pytestmark = pytest.mark.proxy


def address_of(s):
    return "127.0.0.1:%d" % s.getsockname()[1]


def refuses(address):
    try:
        connect(address).close()
        return False
    except ConnectionError:
        return True


def waiting(p):
    return p.metrics()["wskeep_waiting"]


def ready(p):
    """What the admin says: (/readyz, the gauge)."""
    return p.get("/readyz")[0] == 200, p.metrics()["wskeep_backend_ready"] == 1


@contextlib.contextmanager
def crowd(p, n=5):
    """Clients with their heads sent: n handshakes, n requests, n uploads."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(WsPeer(p.address)) for _ in range(3 * n)]
        for c in clients[:n]:
            c.send_handshake("/ws/echo")
        for c in clients[n:2 * n]:
            c.send(request("GET", "/hello"))
        for c in clients[2 * n:]:
            c.send(request("POST", "/echo", body=b"kept"))
        yield clients, n


def must_be_served(clients, n):
    for c in clients[:n]:
        assert c.response().status == 101
        c.text("are you there")
        assert c.message() == (TEXT, b"are you there")
    for c, body in [(c, b"hello\n") for c in clients[n:2 * n]] + [(c, b"kept") for c in clients[2 * n:]]:
        answer = c.response()
        assert (answer.status, answer.body) == (200, body)
    for c in clients[:n]:
        c.goodbye()


# -- the real thing


@pytest.mark.parametrize("argv", [[], ["--preload"]], ids=["plain", "preload"])
def test_what_comes_while_the_application_starts_waits_and_is_served(proxy, parts, argv):
    began = time.monotonic()
    slow = parts(App("Websockets", app="parts.slow:app", argv=argv, env={"SLOW": "3"}))
    p = proxy(slow.address)
    with crowd(p) as (clients, n):
        assert wait_until("all to wait", lambda: waiting(p) == 3 * n)
        assert ready(p) == (False, False)
        assert all(c.silent_for(0) for c in clients)
        must_be_served(clients, n)
    assert elapsed(began) >= 3
    assert ready(p) == (True, True)
    p.settled()


def test_a_backend_that_is_started_later_serves_who_waits(proxy, parts):
    nobody = free_port()
    p = proxy(address_of(nobody))
    with crowd(p) as (clients, n):
        wait_until("all to wait", lambda: waiting(p) == 3 * n)
        p.wait_event("backend_not_ready", why="connection refused")
        nobody.listen(64)
        parts(App("Wsproto", listener=nobody))
        nobody.close()
        must_be_served(clients, n)
    p.settled()


@pytest.mark.threads
@pytest.mark.parametrize("workers", [1, 2])
def test_a_backend_that_was_killed_is_waited_for(proxy, parts, workers):
    first = parts(App("Websockets")).wait_ready()
    p = proxy(first.address, {"workers": workers}).wait_ready()
    assert ask(p.address, "GET", "/hello").status == 200
    first.kill()
    wait_until("its port to refuse", lambda: refuses(first.address))
    with crowd(p) as (clients, n):
        wait_until("all to wait", lambda: waiting(p) == 3 * n)
        wait_until("it to be said", lambda: ready(p) == (False, False))
        again = listening(int(first.address.rpartition(":")[2]))
        parts(App("Websockets", listener=again))
        again.close()
        must_be_served(clients, n)
    wait_until("it to be said", lambda: ready(p) == (True, True))
    said = [event.name for event in p.events() if event.name in ("backend_ready", "backend_not_ready")]
    assert said[-3:] == ["backend_ready", "backend_not_ready", "backend_ready"], "each change once"
    p.settled()


@pytest.mark.threads
@pytest.mark.parametrize("workers", [1, 2])
def test_sessions_are_back_as_soon_as_the_backend_is(proxy, parts, workers):
    """By themselves they would wait for 5 minutes on the average."""
    first = parts(App("Websockets")).wait_ready()
    p = proxy(first.address, {"workers": workers, "reconnect": {"window": "20m", "backoff_min": "10m", "backoff_max": "10m"}})
    p.wait_ready()
    with contextlib.ExitStack() as stack, HttpPeer(p.address) as waits:
        clients = [stack.enter_context(ws(p.address, "/ws/echo")) for _ in range(20)]
        first.kill()
        went = time.monotonic()
        wait_until("its port to refuse", lambda: refuses(first.address))
        for i, c in enumerate(clients):
            c.text(f"from {i}")
        waits.send(request("GET", "/hello"))
        wait_until("it to be said", lambda: ready(p) == (False, False))
        wait_until("seconds to pass", lambda: elapsed(went) > 3)
        assert p.metrics()['wskeep_sessions{state="headless"}'] == len(clients)
        again = listening(int(first.address.rpartition(":")[2]))
        parts(App("Websockets", listener=again))
        again.close()
        assert waits.response().body == b"hello\n"
        accepts = time.monotonic()
        for i, c in enumerate(clients):
            assert c.message() == (TEXT, b"from %d" % i)
        print(f"the last session was back {elapsed(accepts) * 1000:.0f} ms after the application's first answer")
        for c in clients:
            c.goodbye()
    p.settled()


def test_a_websocket_is_taken_leave_of(proxy, parts):
    app = parts(App("Websockets"))
    p = proxy(app.address, {"readiness": {"websocket": "/ws/echo?name=probe"}}).wait_ready()
    assert ask(app.address, "GET", "/ended/probe").body == b'{"code":1000}'
    m = wait_until("its end", lambda: not (m := p.metrics())['wskeep_connections{side="backend"}'] and m)
    assert p.ends("backend") == {"done": 1} and m['wskeep_backend_connects_total{result="ok"}'] == 1


# -- what waits, and for how long


def test_who_waits_in_vain_gets_503_and_when_to_come_again(proxy):
    with free_port() as nobody:
        p = proxy(address_of(nobody), {"readiness": {"wait": "700ms", "interval": "1200ms"}})
        began = time.monotonic()
        with crowd(p, 2) as (clients, _):
            for c in clients:
                answer = c.response()
                assert (answer.status, answer.get("retry-after")) == (503, "2")
                assert answer.body == b"the backend is not available: not ready\n"
        assert 0.6 < elapsed(began) < 3
    wait_until("all to be counted", lambda: p.ends("client") == {"unreachable": 6})


def test_who_leaves_waits_no_more(proxy):
    with free_port() as nobody:
        p = proxy(address_of(nobody))
        with crowd(p) as (_, n):
            wait_until("all to wait", lambda: waiting(p) == 3 * n)
        wait_until("all to be gone", lambda: waiting(p) == 0)
        assert p.settled()['wskeep_connections{side="client"}'] == 0


def test_who_waits_while_wskeep_stops_gets_503_at_once(proxy):
    with free_port() as nobody:
        p = proxy(address_of(nobody))
        with crowd(p) as (clients, n):
            wait_until("all to wait", lambda: waiting(p) == 3 * n)
            p.tell(signal.SIGTERM)
            for c in clients:
                assert c.response().status == 503
        assert p.wait(4) == 0


def test_waiting_costs_nothing(proxy):
    with free_port() as nobody:
        p = proxy(address_of(nobody))
        with crowd(p) as (_, n):
            wait_until("all to wait", lambda: waiting(p) == 3 * n)
            before = p.cpu()
            p.wait_event("backend_not_ready")
            time.sleep(0.5)
            assert p.cpu() - before < 0.1, "it spins"


# -- what a backend's answer is worth


@pytest.mark.parametrize("status", ["502 Bad Gateway", "503 Service Unavailable", "504 Gateway Timeout"])
def test_what_others_say_in_a_backends_place_is_not_ready_and_all_else_is(parts, backend, status):
    p = parts(Wskeep(backend.address))
    for _ in range(2):
        backend.answer_probe(status)
    p.wait_event("backend_not_ready", why=f"it answered {status[:3]}")
    assert ready(p) == (False, False)
    asked = backend.answer_probe("404 Not Found")
    p.wait_ready()
    assert (asked.method, asked.target, asked.get("host"), asked.get("connection")) == ("GET", "/", backend.address, "close")
    assert asked.get("user-agent").endswith(" (readiness)")


def test_a_path_has_to_answer_2xx(parts, backend):
    p = parts(Wskeep(backend.address, {"readiness": {"http": "/ready?deep=1"}}))
    for status in ("404 Not Found", "200 OK"):
        asked = backend.answer_probe(status)
        assert asked.target == "/ready?deep=1"
    p.wait_ready()
    assert len(p.events("backend_not_ready")) == 1


def test_a_websocket_has_to_be_accepted(parts, ws_backend):
    p = parts(Wskeep(ws_backend.address, {"readiness": {"websocket": "/ws"}}))
    ws_backend.answer_probe()  # 200 is no WebSocket
    with ws_backend.accept() as b:
        b.head()
        b.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               b"Sec-WebSocket-Accept: " + accept_of("another").encode() + b"\r\n\r\n")
    assert ready(p) == (False, False)
    with ws_backend.accept() as b:
        assert b.serve().target == "/ws"
        p.wait_ready()
        b.text("greeting")
        assert b.closed().code == 1000
        b.close_frame(1000)
        b.half_close()
        assert b.end() == "EOF"


@pytest.mark.parametrize("said", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\nX: 1\r\n folded\r\n\r\n"])
def test_a_server_that_answers_no_http_is_up(parts, backend, said):
    p = parts(Wskeep(backend.address))
    with backend.accept() as b:
        b.send(said)
        p.wait_ready()


def test_a_server_that_drops_a_plain_get_is_up_when_it_has_done_so_twice(parts, backend):
    p = parts(Wskeep(backend.address))
    for how in ("close", "reset", "close", "close"):
        assert ready(p) == (False, False)
        b = backend.accept()
        b.request()
        getattr(b, how)()
    p.wait_ready()


@pytest.mark.parametrize("conf", [{"http": "/"}, {"websocket": "/"}])
def test_where_a_path_is_set_neither_is(parts, backend, conf):
    p = parts(Wskeep(backend.address, {"readiness": conf}))
    for said in (b"SSH-2.0-OpenSSH_9.2\r\n", b"", b"", b""):
        assert ready(p) == (False, False)
        with backend.accept() as b:
            b.request()
            b.send(said)
    assert ready(p) == (False, False)


def test_it_asks_one_question_at_a_time_and_not_too_often(parts, backend):
    p = parts(Wskeep(backend.address, {"readiness": {"interval": "400ms"}, "backend": {"handshake_timeout": "1s"}}))
    b = backend.accept()
    began = time.monotonic()
    assert backend.quiet_for(0.8), "a second one while the first is open"
    b.read_to_end()  # it has given up
    assert elapsed(began) > 0.8
    backend.answer_probe("503 No")
    began = time.monotonic()
    backend.answer_probe("503 No")
    assert elapsed(began) > 0.3
    backend.answer_probe()
    p.wait_ready()
    assert backend.quiet_for(0.6), "asked though it is ready"


# -- what follows


def test_a_refused_dial_asks_anew_and_nothing_is_lost(proxy, parts, tmp_path):
    path = str(tmp_path / "s")
    first = parts(HttpListener(path))
    p = proxy(first.address)
    first.close()
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/"))
        wait_until("the word", lambda: ready(p) == (False, False))
        second = parts(HttpListener(path))
        second.answer_probe()
        b = second.accept()
        b.request()
        b.answer(body=b"at last")
        assert c.response().body == b"at last"
    assert ready(p) == (True, True)


def test_another_backend_or_question_is_asked_at_once_and_sessions_live_on(proxy, parts, ws_backend):
    from test_end_reload import reload
    other = parts(WsListener())
    p = proxy(ws_backend.address)
    with WsPeer(p.address) as c, HttpPeer(p.address) as waits:
        c.send_handshake()
        b = ws_backend.accept()
        b.serve()
        assert c.response().status == 101
        reload(p, {"backend": {"address": other.address}})
        assert ready(p) == (False, False)
        waits.send(request("GET", "/"))
        wait_until("it to wait", lambda: waiting(p) == 1)
        c.text("meanwhile")
        assert b.message() == (TEXT, b"meanwhile")
        assert other.answer_probe().target == "/"
        p.wait_ready()
        reload(p, {"readiness": {"http": "/up"}})
        assert other.answer_probe().target == "/up"
        p.wait_ready()
        reload(p, {"readiness": {"wait": "5s"}})
        assert ready(p) == (True, True)
        c.text("and later")
        assert b.message() == (TEXT, b"and later")
