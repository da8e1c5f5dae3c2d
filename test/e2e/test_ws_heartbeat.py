"""Heartbeats: idle sessions outlive a balancer that cuts what is silent in either direction; the dead are found."""

import socket
import threading
import time

import pytest

from parts.browser import Browser
from parts.clients import NodeClient, PythonClient
from parts.peer import Ended, elapsed
from parts.process import wait_until
from parts.relay import CuttingRelay
from parts.servers import App, Wskeep
from parts.ws import BINARY, CLOSE, PING, PONG, TEXT, Pair, WsListener, frame, ws

pytestmark = pytest.mark.proxy

LIMIT, PERIODS = 1.0, 20  # a balancer's idle timeout of 10 s, scaled, and for how many of them nothing is said
BEAT = {"heartbeat": {"interval": "300ms", "timeout": "5s"}}
OPEN_IN_PAGE = """new Promise((done) => {
    window.ends = []; window.said = [];
    window.ws = new WebSocket('ws://%s/ws/echo');
    ws.onopen = () => done('open');
    ws.onclose = (e) => { ends.push(e.code); done(e.code); };
    ws.onmessage = (e) => said.push(e.data);
})"""


@pytest.fixture(scope="module")
def idle(keep, apps):
    """A browser, Node and Python, and a client that is only pushed to, each through a cutting relay before wskeep and
    one behind it; idle for all the periods at the same time. The application's server never pings."""
    behind = keep(Finishing(CuttingRelay(apps("Websockets").address, LIMIT)))
    p = keep(Wskeep(behind.relay.address, BEAT))
    before = keep(Finishing(CuttingRelay(p.address, LIMIT)))
    url = f"ws://{before.relay.address}/ws/echo"
    page = keep(Browser()).page()
    node = keep(NodeClient())
    python = PythonClient(url)
    try:
        assert page.js(OPEN_IN_PAGE % before.relay.address) == "open"
        node.open(url)
        began = time.monotonic()
        wait_until("the periods to pass", lambda: elapsed(began) > PERIODS * LIMIT, PERIODS * LIMIT + 5)
        yield {"browser": page, "node": node, "python": python, "cuts": before.relay.cuts + behind.relay.cuts,
               "beats": p.metrics()}
    finally:
        python.close()
        page.js("ws.close()")
        node.command(close=1000)


class Finishing:
    def __init__(self, relay):
        self.relay = relay

    def finish(self):
        self.relay.close()


def test_a_browsers_idle_session_lives_through_twenty_periods(idle):
    page = idle["browser"]
    assert (page.js("ws.readyState"), page.js("ends")) == (1, [])
    page.js("ws.send('still there?')")
    page.wait("said.length > 0")
    assert page.js("said") == ["still there?"]


def test_nodes_idle_session_lives_through_twenty_periods(idle):
    idle["node"].command(send="still there?")
    assert idle["node"].event("message")["message"] == "still there?"


def test_pythons_idle_session_lives_through_twenty_periods(idle):
    assert idle["python"].echo("still there?") == "still there?"


def test_nothing_was_cut_on_either_side(idle):
    assert idle["cuts"] == []


def test_the_heartbeats_were_counted_on_both_sides(idle):
    least = 3 * PERIODS * LIMIT  # three sessions, at least one ping a period
    assert idle["beats"]['wskeep_pings_total{side="client"}'] >= least
    assert idle["beats"]['wskeep_pings_total{side="backend"}'] >= least
    assert idle["beats"]['wskeep_heartbeat_rtt_seconds_count{side="client"}'] >= least


def test_the_relay_does_cut_what_is_silent(parts, apps):
    """Or the tests above prove nothing."""
    relay = parts(CuttingRelay(apps("Websockets").address, LIMIT))
    with ws(relay.address, "/ws/echo") as c:
        assert c.end() in ("EOF", "reset")
    assert relay.cuts


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_session_that_is_busy_in_one_direction_is_not_cut_for_the_other(parts, direction):
    backend = parts(WsListener())
    p = parts(Wskeep(backend.address, BEAT))
    relay = parts(CuttingRelay(p.address, LIMIT))
    with Pair(relay, backend) as (c, b):
        source, sink = (c, b) if direction == "up" else (b, c)
        reader = threading.Thread(target=answer_pings, args=[source])
        reader.start()
        began, n = time.monotonic(), 0
        while elapsed(began) < 2.5 * LIMIT:
            source.text(str(n))
            assert sink.message() == (TEXT, str(n).encode())
            n += 1
            sink.silent_for(0.1)
        assert relay.cuts == []
        source.socket.shutdown(socket.SHUT_RD)
        reader.join()


def answer_pings(peer):
    """Until the connection ends: for a peer whose main thread only writes. A frame goes in one send, so none is torn."""
    try:
        while True:
            f = peer.read_frame()
            if f.opcode == PING:
                peer.frame(PONG, f.payload)
    except (Ended, OSError):
        pass


def test_an_idle_client_is_pinged_every_interval(proxy, ws_backend):
    with Pair(proxy(ws_backend.address, BEAT), ws_backend) as (c, b):
        began = time.monotonic()
        for _ in range(4):
            f = c.read_frame()
            assert f.opcode == PING
            c.frame(PONG, f.payload)
        assert 0.5 < elapsed(began) < 4


def test_an_idle_backend_is_pinged_every_interval(proxy, ws_backend):
    with Pair(proxy(ws_backend.address, BEAT), ws_backend) as (c, b):
        for _ in range(4):
            f = b.read_frame()
            assert (f.opcode, f.masked) == (PING, True)
            b.frame(PONG, f.payload)


@pytest.mark.parametrize("side", ["client", "backend"])
def test_a_side_whose_heartbeat_is_off_is_not_pinged(proxy, ws_backend, side):
    with Pair(proxy(ws_backend.address, {"heartbeat": {**BEAT["heartbeat"], side: False}}), ws_backend) as (c, b):
        quiet, pinged = (c, b) if side == "client" else (b, c)
        for _ in range(3):
            f = pinged.read_frame()
            assert f.opcode == PING
            pinged.frame(PONG, f.payload)
        assert quiet.silent_for(0)


def test_a_client_that_answers_no_ping_is_closed_at_heartbeat_timeout(proxy, ws_backend):
    p = proxy(ws_backend.address, {"heartbeat": {"interval": "200ms", "timeout": "1s"}})
    with Pair(p, ws_backend) as (c, b):
        c.answers_pings = False
        began = time.monotonic()
        backend = threading.Thread(target=lambda: seen.append(b.closed()))
        seen = []
        backend.start()
        assert c.closed().code == 1001
        assert 0.9 < elapsed(began) < 5
        assert c.pings >= 1
        backend.join()
        assert seen[0].code == 1001
    wait_until("the reason", lambda: p.ends("client").get("client_timeout") == 1)


def test_a_client_that_answers_no_ping_but_talks_lives(proxy, ws_backend):
    p = proxy(ws_backend.address, {"heartbeat": {"interval": "200ms", "timeout": "1s"}})
    with Pair(p, ws_backend) as (c, b):
        c.answers_pings = False
        for i in range(12):
            c.text(str(i))
            assert b.message() == (TEXT, str(i).encode())
            b.silent_for(0.25)
        b.text("well?")
        assert c.message() == (TEXT, b"well?")


def test_a_backend_that_answers_no_ping_is_not_closed(proxy, ws_backend):
    """A busy application does not read: cutting it would kill the very run that is to be kept."""
    p = proxy(ws_backend.address, {"heartbeat": {"interval": "200ms", "timeout": "1s"}})
    with Pair(p, ws_backend) as (c, b):
        began = time.monotonic()
        while elapsed(began) < 3:
            f = c.read_frame()
            assert f.opcode == PING
            c.frame(PONG, f.payload)
        b.text("busy till now")
        assert c.message() == (TEXT, b"busy till now")


def test_a_client_that_does_not_read_for_long_but_lives_is_not_closed(proxy, ws_backend):
    """It cannot answer a ping that stands behind what it does not read."""
    p = proxy(ws_backend.address, {"heartbeat": {"interval": "200ms", "timeout": "1s"}})
    body = bytes(1 << 20)
    with Pair(p, ws_backend, receive_buffer=65536) as (c, b):
        sender = threading.Thread(target=lambda: [b.binary(body) for _ in range(16)])
        sender.start()
        began = time.monotonic()
        wait_until("more than the timeout to pass", lambda: elapsed(began) > 2.5)
        for _ in range(16):
            assert c.message() == (BINARY, body)
        sender.join()
        c.text("alive")
        assert b.message() == (TEXT, b"alive")


def test_a_backend_that_pings_is_answered_and_keeps_its_session(parts, apps):
    app = parts(App("Pinging")).wait_ready()
    p = parts(Wskeep(app.address))
    with ws(p.address, "/ws/echo") as c:
        began = time.monotonic()
        while elapsed(began) < 1.5:  # ten of its pings, and more than the 1 s that it waits for an answer
            assert c.silent_for(0.5), "a ping of the backend went on to the client"
        c.text("x")
        assert c.message() == (TEXT, b"x")
        c.goodbye()


def test_a_close_is_answered_by_a_client_that_never_pongs(proxy, ws_backend):
    with Pair(proxy(ws_backend.address, BEAT), ws_backend) as (c, b):
        c.answers_pings = False
        b.send(frame(CLOSE, b"\x03\xe8", masked=False))
        assert c.closed().code == 1000
        c.close_frame(1000)
        assert b.closed().code == 1000
