"""Heartbeats: idle sessions outlive a balancer that cuts what is silent in either direction; the dead are found."""

import json
import socket
import threading
import time

import pytest

from parts.browser import Browser
from parts.clients import NodeClient, PythonClient
from parts.http import ask
from parts.peer import Ended, elapsed
from parts.process import wait_until
from parts.relay import CuttingRelay
from parts.servers import App, Wskeep
from parts.ws import BINARY, CLOSE, PING, PONG, TEXT, Pair, frame, ws

pytestmark = pytest.mark.proxy

LIMIT, PERIODS = 1.0, 20  # a balancer's idle timeout of 10 s, scaled, and for how many of them nothing is said
BEAT = {"heartbeat": {"interval": "300ms", "timeout": "5s"}}
KINDS, WAYS = ["browser", "node", "python"], ["idle", "up", "down"]  # of clients; which direction is talked in


class InPage:
    def __init__(self, browser, url):
        self.page = browser.page()
        assert self.page.js("""new Promise((done) => {
            window.ends = []; window.said = [];
            window.ws = new WebSocket('%s');
            ws.onopen = () => done('open');
            ws.onclose = (e) => { ends.push(e.code); done(e.code); };
            ws.onmessage = (e) => said.push(e.data);
        })""" % url) == "open"

    def send(self, text):
        assert self.page.js(f"ws.readyState == 1 && (ws.send('{text}'), true)"), self.page.js("ends")

    def heard(self, n):
        self.page.wait(f"said.length >= {n}")
        return self.page.js("said")

    def finish(self):
        self.page.js("ws.close()")


class InNode:
    def __init__(self, node, url):
        self.node, self.words = node, []
        node.open(url)

    def send(self, text):
        self.node.command(send=text)

    def heard(self, n):
        while len(self.words) < n:
            self.words.append(self.node.event("message")["message"])
        return self.words

    def finish(self):
        self.node.command(close=1000)


class InPython:
    def __init__(self, url):
        self.client = PythonClient(url, max_queue=None)  # it reads no ping behind a full queue
        self.words = []

    def send(self, text):
        self.client.send(text)

    def heard(self, n):
        while len(self.words) < n:
            self.words.append(self.client.receive())
        return self.words

    def finish(self):
        self.client.close()


class Room:
    """Of the application, where one way of talking is tried."""

    def __init__(self, app, way):
        self.app, self.path, self.said = app, f"/room/{way}", []
        self.clients = {}

    def say(self, text):
        self.said.append(text)
        assert ask(self.app.address, "POST", self.path, body=text.encode()).status == 204

    def heard(self):
        return json.loads(ask(self.app.address, "GET", self.path).body)


@pytest.fixture(scope="module")
def rooms(keep, apps):
    """A browser, Node and Python in each room, through a cutting relay before wskeep and one behind it, for all the
    periods at the same time: in one room nobody talks, in the others one side does. The application's server never
    pings."""
    app = apps("Websockets")
    behind = keep(Finishing(CuttingRelay(app.address, LIMIT)))
    p = keep(Wskeep(behind.relay.address, BEAT))
    before = keep(Finishing(CuttingRelay(p.address, LIMIT)))
    browser = keep(Browser())
    found = {way: Room(app, way) for way in WAYS}
    opened = []
    try:
        for way, room in found.items():
            url = f"ws://{before.relay.address}/ws/room/{way}"
            for kind, start in {"browser": lambda: InPage(browser, url), "node": lambda: InNode(keep(NodeClient()), url),
                                "python": lambda: InPython(url)}.items():
                room.clients[kind] = start()
                opened.append(room.clients[kind])
        talk_for_all_periods(found)
        yield {**found, "cuts": before.relay.cuts + behind.relay.cuts, "beats": p.metrics()}
    finally:
        for client in opened:
            client.finish()


def talk_for_all_periods(rooms):
    """Ten times in each."""
    began = time.monotonic()
    for n in range(10 * PERIODS):
        wait_until("the next word", lambda: elapsed(began) > n * LIMIT / 10, LIMIT)
        rooms["down"].say(str(n))
        for kind, client in rooms["up"].clients.items():
            client.send(f"{kind} {n}")


class Finishing:
    def __init__(self, relay):
        self.relay = relay

    def finish(self):
        self.relay.close()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_session_lives_through_twenty_periods_of_silence_either_way_or_one(rooms, kind, way):
    room, client = rooms[way], rooms[way].clients[kind]
    told = [f"{kind} {n}" for n in range(10 * PERIODS)] if way == "up" else []
    client.send(f"{kind} is there")
    heard = wait_until("the last word", lambda: (h := room.heard()) and f"{kind} is there" in h and h)
    assert [words for words in heard if words.startswith(kind)] == told + [f"{kind} is there"]
    room.say(f"so is the application, {kind}")
    assert client.heard(len(room.said)) == room.said


def test_nothing_was_cut_on_either_side(rooms):
    assert rooms["cuts"] == []


def test_the_heartbeats_were_counted_on_both_sides(rooms):
    least = len(KINDS) * len(WAYS) * PERIODS * LIMIT  # at least one ping a period
    assert rooms["beats"]['wskeep_pings_total{side="client"}'] >= least
    assert rooms["beats"]['wskeep_pings_total{side="backend"}'] >= least
    assert rooms["beats"]['wskeep_heartbeat_rtt_seconds_count{side="client"}'] >= least


def test_the_relay_does_cut_what_is_silent(parts, apps):
    """Or the tests above prove nothing."""
    relay = parts(CuttingRelay(apps("Websockets").address, LIMIT))
    with ws(relay.address, "/ws/echo") as c:
        assert c.end() in ("EOF", "reset")
    assert relay.cuts


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_session_that_is_busy_in_one_direction_is_not_cut_for_the_other(proxy, parts, ws_backend, direction):
    p = proxy(ws_backend.address, BEAT)
    relay = parts(CuttingRelay(p.address, LIMIT))
    with Pair(relay, ws_backend) as (c, b):
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
