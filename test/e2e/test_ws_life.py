"""Who is dead and who only stands still: clients, backends and wskeep itself stopped, cut off, or busy for long."""

import functools
import threading
import time

import pytest

from parts.clients import NodeClient
from parts.http import ask
from parts.peer import elapsed
from parts.process import wait_until
from parts.servers import Aiohttp, App
from parts.ws import BINARY, CONT, PING, PONG, TEXT, Pair, frame, numbered

pytestmark = pytest.mark.proxy

INTERVAL, TIMEOUT = 0.25, 1.0  # s
BEAT = {"interval": "250ms", "timeout": "1s"}
STALL = 2.0  # s: from this on a stall of wskeep's own is added to deadlines, and peers get as long to be heard
PROBED = {"done": 1}  # the question whether the backend is ready
LATE = 1.0  # s: what a busy machine may add; that deadlines are exact is shown where time stands still (test/loop)
DEFLATE = [("Sec-WebSocket-Extensions", "permessage-deflate; client_no_context_takeover")]
BODY, BODIES = numbered(1 << 20), 32


def pass_time(seconds):
    began = time.monotonic()
    wait_until(f"{seconds} s to pass", lambda: elapsed(began) > seconds, seconds + 5)


def node_pair(parts, p, backend):
    """Node's client, and the backend's end of its session, played by the test."""
    node = parts(NodeClient())
    node.command(open=f"ws://{p.address}/", protocols=[], options={})
    b = backend.accept()
    b.serve()
    node.event("open")
    return node, b


def messages(node, n):
    return [node.event("message")["message"] for _ in range(n)]


def numbers(n, word=""):
    return [f"{word}{i}" for i in range(n)]


# -- stopped


def test_a_stopped_client_dies_at_heartbeat_timeout(proxy, parts, ws_backend):
    p = proxy(ws_backend.address, {"heartbeat": BEAT})
    node, b = node_pair(parts, p, ws_backend)
    with node.stopped():
        began = time.monotonic()
        assert b.closed().code == 1001
        lived = elapsed(began)
        b.close_frame(1001)
    assert TIMEOUT - 0.1 < lived < TIMEOUT + INTERVAL + LATE
    assert node.event("close")["close"] == 1001
    wait_until("the reason", lambda: p.ends("client") == {"client_timeout": 1})


def test_a_client_that_is_stopped_for_less_lives_and_misses_nothing(proxy, parts, ws_backend):
    """Three times, longer together than the timeout."""
    p = proxy(ws_backend.address, {"heartbeat": {**BEAT, "timeout": "2s"}})
    node, b = node_pair(parts, p, ws_backend)
    for _ in range(3):
        with node.stopped():
            for text in numbers(20):
                b.text(text)
            pass_time(0.75)
        assert messages(node, 20) == numbers(20)
    node.command(close=1000)
    assert b.closed().code == 1000
    b.close_frame(1000)
    assert node.event("close")["close"] == 1000


def test_a_stopped_backend_is_waited_for_and_misses_nothing(proxy, parts, apps):
    app = apps("Websockets")
    p = proxy(app.address, {"heartbeat": BEAT})
    node = parts(NodeClient())
    node.open(f"ws://{p.address}/ws/echo")
    sent = []
    with app.stopped():
        for silence in (3 * TIMEOUT, 0):  # what its kernel takes is a sign of life, silence is none
            for text in numbers(20, f"{silence}-"):
                node.command(send=text)
                sent.append(text)
            pass_time(silence)
    assert messages(node, len(sent)) == sent
    assert p.ends("backend") == PROBED
    node.command(close=1000)
    assert node.event("close")["close"] == 1000


def test_a_stopped_backend_is_cut_where_it_has_a_timeout(proxy, parts, apps):
    app = apps("Websockets")
    p = proxy(app.address, {"heartbeat": {**BEAT, "backend_timeout": "1s"}, "timeouts": {"close": "200ms"},
                            "reconnect": {"window": "0"}})
    node = parts(NodeClient())
    node.open(f"ws://{p.address}/ws/echo")
    with app.stopped():
        began = time.monotonic()
        assert node.event("close")["close"] == 1012
        lived = elapsed(began)
        wait_until("the reason", lambda: p.ends("backend") == {**PROBED, "backend_timeout": 1})
    assert TIMEOUT - 0.1 < lived < TIMEOUT + INTERVAL + LATE


@pytest.mark.parametrize("stop", [1.5, 2.5])
def test_while_wskeep_itself_stands_still_nobody_dies_and_nothing_is_lost(proxy, parts, apps, ws_backend, stop):
    """Longer than the timeout; once less, once more than what counts as a stall."""
    to_app = proxy(apps("Websockets").address, {"heartbeat": BEAT})
    by_hand = proxy(ws_backend.address, {"heartbeat": {**BEAT, "backend_timeout": "1s"}})
    node = parts(NodeClient())
    node.open(f"ws://{to_app.address}/ws/echo")
    with Pair(by_hand, ws_backend) as (c, b):
        with to_app.stopped(), by_hand.stopped():
            for text in numbers(20):
                node.command(send=text)
                c.text("up" + text)
                b.text("down" + text)
            pass_time(stop)
        assert messages(node, 20) == numbers(20)
        for text in numbers(20):
            assert c.message() == (TEXT, b"down" + text.encode())
            assert b.message() == (TEXT, b"up" + text.encode())
        began = time.monotonic()
        while elapsed(began) < TIMEOUT + INTERVAL + (STALL if stop > STALL else 0):
            c.text("still there?")  # which answers pings on the way
            assert b.message() == (TEXT, b"still there?")
            b.text("yes")
            assert c.message() == (TEXT, b"yes")
            c.silent_for(0.1)
        node.command(send="and you?")
        assert messages(node, 1) == ["and you?"]
        assert to_app.ends("client") == by_hand.ends("client") == {}


# -- vanished


def after_a_ping(c):
    """Answers one, so that the peer's last sign of life is now."""
    f = c.read_frame()
    assert f.opcode == PING
    c.frame(PONG, f.payload)


def test_an_idle_client_that_vanished_dies_at_heartbeat_timeout(proxy, ws_backend):
    p = proxy(ws_backend.address, {"heartbeat": BEAT, "timeouts": {"close": "200ms"}})
    with Pair(p, ws_backend) as (c, b):
        after_a_ping(c)
        c.vanish()
        began = time.monotonic()
        assert b.closed().code == 1001
        assert TIMEOUT + INTERVAL * 0.9 - 0.1 < elapsed(began) < TIMEOUT + INTERVAL + LATE
        wait_until("the reason", lambda: p.ends("client") == {"client_timeout": 1})


@functools.cache
def stream(compressed):
    if not compressed:
        return frame(BINARY, BODY, masked=False) * BODIES
    first, part = frame(BINARY, BODY, masked=False, fin=False, rsv=4), frame(CONT, BODY, masked=False, fin=False)
    return first + part * (BODIES - 1) + frame(CONT, masked=False)


def fill(b, compressed):
    """The backend sends many messages, or fragments of one, until nothing more is taken. What is left of them."""
    data = stream(compressed)
    sent = b.send_all_that_fits(data, stall=0.2)
    assert sent < len(data), "all of it was taken"
    return data[sent:]


@pytest.fixture(params=[False, True], ids=["whole", "within-a-compressed-message"])
def compressed(request):
    """Within a compressed message no ping of ours may stand."""
    return request.param


def streaming(proxy, ws_backend, compressed, beat):
    stream(compressed)  # made in advance: from now on a client that does not read may be taken for dead
    p = proxy(ws_backend.address, {"heartbeat": beat, "timeouts": {"close": "200ms"}})
    extension = DEFLATE if compressed else ()
    pair = Pair(p, ws_backend, headers=extension, answer=extension, receive_buffer=65536)
    pair.backend.answers_pings = False  # it may not be able to
    return p, pair


def test_a_client_that_vanished_before_the_socket_filled_dies_at_heartbeat_timeout(proxy, ws_backend, compressed):
    """Then TCP sends again and again what was not acknowledged."""
    p, pair = streaming(proxy, ws_backend, compressed, BEAT)
    with pair as (c, b):
        after_a_ping(c)
        c.vanish()
        began = time.monotonic()
        fill(b, compressed)
        assert b.closed().code == 1001
        assert TIMEOUT - 0.1 < elapsed(began) < TIMEOUT + LATE
        wait_until("the reason", lambda: p.ends("client") == {"client_timeout": 1})


def test_a_client_that_vanished_behind_a_full_socket_dies_at_heartbeat_timeout(proxy, ws_backend, compressed):
    """Its window is shut: TCP asks again and again whether it has opened, twice in vain before that is death."""
    p, pair = streaming(proxy, ws_backend, compressed, BEAT)
    with pair as (c, b):
        fill(b, compressed)
        c.vanish()
        began = time.monotonic()
        assert b.closed().code == 1001
        assert TIMEOUT - INTERVAL - 0.1 < elapsed(began) < TIMEOUT + 2 * LATE
        wait_until("the reason", lambda: p.ends("client") == {"client_timeout": 1})


def test_clients_that_do_not_read_for_seven_timeouts_get_every_byte(proxy, ws_backend):
    beat = {"interval": "250ms", "timeout": "700ms"}
    p, whole = streaming(proxy, ws_backend, False, beat)
    with whole as (c, b):
        rest_of_many = fill(b, False)
        q, compressed = streaming(proxy, ws_backend, True, beat)
        with compressed as (d, e):
            rest_of_one = fill(e, True)
            pass_time(7 * 0.7)
            assert p.ends("client") == q.ends("client") == {}
            all_arrives(c, b, rest_of_many, [BODY] * BODIES)
            all_arrives(d, e, rest_of_one, [BODY * BODIES])


def all_arrives(c, b, rest, bodies):
    sender = threading.Thread(target=b.send, args=[rest])
    sender.start()
    for body in bodies:
        assert c.message() == (BINARY, body)
    sender.join()
    c.text("alive")
    assert b.message() == (TEXT, b"alive")


# -- busy


def busy_until_told(parts, proxy, app, beat):
    """Node has sent two messages to an application that works on the first, and has not taken the second."""
    p = proxy(app.address, {"heartbeat": {**beat, "client": False}})
    node = parts(NodeClient())
    node.open(f"ws://{p.address}/ws/busy?name=life")
    node.command(send="a")
    node.command(send="b")
    return p, node


def test_a_busy_backend_that_answers_no_ping_is_not_cut(proxy, parts, apps):
    """uvicorn's wsproto reads no further than the message that waits, aiohttp no further than the application does."""
    timeout = 0.15
    backends = [apps("Wsproto"), parts(Aiohttp())]
    sessions = [busy_until_told(parts, proxy, app, {"interval": "50ms", "timeout": "150ms"}) for app in backends]
    pass_time(timeout)
    heard = [answered(p) for p, _ in sessions]
    pass_time(20 * timeout)
    assert [answered(p) for p, _ in sessions] == heard, "it was not busy"
    for app, (p, node) in zip(backends, sessions):
        for word in ["a", "b"]:
            assert ask(app.address, "POST", "/gate/life").status == 204
            assert messages(node, 1) == ["done: " + word]
        wait_until("the pongs", lambda: answered(p) > heard[backends.index(app)])
        node.command(close=1000)
        assert node.event("close")["close"] == 1000


def answered(p):
    return p.metrics()['wskeep_heartbeat_rtt_seconds_count{side="backend"}']


def test_a_quarter_of_an_hour_of_work_is_life_where_pings_are_answered(proxy, parts, apps):
    """Of the defaults 12 times heartbeat.timeout, which is timeouts.connection."""
    app = apps("Websockets")
    p = proxy(app.address, {"heartbeat": BEAT, "timeouts": {"connection": "1s"}})
    node = parts(NodeClient())
    node.open(f"ws://{p.address}/ws/busy?name=hour")
    node.command(send="think")
    pass_time(2 * 1.0)
    assert ask(app.address, "POST", "/gate/hour").status == 204
    assert messages(node, 1) == ["done: think"]
    node.command(close=1000)
    assert node.event("close")["close"] == 1000
