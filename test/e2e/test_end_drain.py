"""SIGTERM under load: 1,000 sessions that talk, slow readers, requests in flight. Each client hears all that was queued for it,
then 1012, in its turn; every message is counted at both ends and in between."""

import asyncio
import collections
import json
import resource
import signal
import threading
import time

import pytest
import websockets

from parts.http import HttpPeer, ask, request
from parts.peer import elapsed
from parts.process import wait_until
from parts.servers import App
from parts.ws import BINARY, numbered, ws

pytestmark = pytest.mark.proxy

TALKERS, READERS, REQUESTS = 1000, 10, 10
PACE = 2.0  # s between two messages of a talker: 500 a second each way leave two cores some air
QUEUED, SIZE = 200, 4000  # messages for a reader, of so many bytes: more than its socket holds, less than buffer.session
DRAIN = 9.0  # s, the default
ACCEPTED = 'wskeep_messages_total{direction="down",outcome="accepted"}'


@pytest.fixture
def files():
    """Room for a socket a session, here and in the application."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Talker:
    """Sends numbered messages and hears their echoes, until it is told to go."""

    def __init__(self, number):
        self.name, self.sent, self.got = f"t{number}", 0, []

    async def connect(self, address, turn):
        async with turn:
            self.ws = await websockets.connect(f"ws://{address}/ws/tally?name={self.name}", open_timeout=60,
                                               ping_interval=None, compression=None)

    async def live(self):
        talk = asyncio.create_task(self.talk())
        try:
            while True:
                self.got.append(int(await self.ws.recv()))
        except websockets.ConnectionClosed as e:
            self.told, self.code = time.monotonic(), e.code
        await talk

    async def talk(self):
        try:
            while True:
                await self.ws.send(str(self.sent))
                self.sent += 1
                await asyncio.sleep(PACE)
        except websockets.ConnectionClosed:
            pass


class Crowd:
    """Talkers, in a thread of their own."""

    def __init__(self, address):
        self.address, self.talkers = address, [Talker(i) for i in range(TALKERS)]
        self.connected = threading.Event()
        self.thread = threading.Thread(target=asyncio.run, args=[self.live()])
        self.thread.start()

    async def live(self):
        turn = asyncio.Semaphore(50)
        await asyncio.gather(*(t.connect(self.address, turn) for t in self.talkers))
        self.connected.set()
        self.ends = await asyncio.gather(*(t.live() for t in self.talkers), return_exceptions=True)

    def end(self):
        self.thread.join(30)
        assert not self.thread.is_alive() and not any(self.ends), collections.Counter(map(repr, self.ends))


def slow_readers(p):
    """Their receive buffers are the kernel's own: one whose size is set drops some of what is written to it in small pieces, and
    that is sent again only after as long as the reader had stood still (TcpExtTCPRcvQDrop; Linux 6.18)."""
    readers = [ws(p.address, f"/ws/push?n={QUEUED}&size={SIZE}") for _ in range(READERS)]
    wait_until("their queues to be full", lambda: p.metrics()[ACCEPTED] == READERS * QUEUED)
    assert p.metrics()["wskeep_journal_bytes"] > READERS * SIZE
    return readers


def in_flight(p):
    """Requests that wait for their answers, and uploads half-way."""
    clients = [HttpPeer(p.address) for _ in range(2 * REQUESTS)]
    for i, c in enumerate(clients[:REQUESTS]):
        c.send(request("GET", f"/slow/{i}"))
    for c in clients[REQUESTS:]:
        c.send(request("POST", "/digest", [("Content-Length", "8")]) + b"half")
    wait_until("them to be there", lambda: p.metrics()['wskeep_connections{side="backend"}'] >= 2 * REQUESTS)
    return clients


def must_be_finished(app, clients):
    for i in range(REQUESTS):
        assert ask(app.address, "POST", f"/gate/{i}").status == 204
    for c in clients[REQUESTS:]:
        c.send(b"done")
    for c in clients:
        answer = c.response()
        assert (answer.status, answer.get("connection")) == (200, "close")
        assert c.end() == "EOF"
        c.close()


def must_hear_all(readers):
    for c in readers:
        for _ in range(QUEUED):
            assert c.message() == (BINARY, numbered(SIZE))
        assert c.closed().code == 1012
        c.close_frame(1012)
        c.half_close()
        assert c.end() == "EOF"
        c.close()


def must_be_spread(times):
    """Over the first half of the time: no tenth of that has twice its share, and the last may have none."""
    tenths = collections.Counter(int(t / (DRAIN / 2) * 10) for t in times)
    print("Closes in each tenth of the first half:", [tenths[i] for i in range(10)])
    assert max(tenths) < 10 and len(tenths) >= 9, tenths
    assert max(tenths.values()) < 2 * TALKERS / 10, tenths


def figures(p):
    return {name: int(n) for name, n in p.events("summary")[-1].items()}


def test_a_thousand_sessions_end_one_after_the_other_and_none_loses_what_was_queued(proxy, parts, files):
    app = parts(App("Websockets")).wait_ready()
    p = proxy(app.address, {"timeouts": {"drain": "9s", "close": "10s"}, "log": {"level": "info"}})
    readers = slow_readers(p)
    crowd = Crowd(p.address)
    assert crowd.connected.wait(60)
    requests = in_flight(p)
    wait_until("the load to flow", lambda: p.metrics()[ACCEPTED] > READERS * QUEUED + TALKERS)

    began = time.monotonic()
    p.tell(signal.SIGTERM)
    wait_until("readyz to fail", lambda: p.get("/readyz")[0] == 503)
    assert elapsed(began) < 1
    must_be_finished(app, requests)
    must_hear_all(readers)
    assert p.wait(DRAIN + 1) == 0
    took = elapsed(began)
    crowd.end()

    talkers = crowd.talkers
    assert took < DRAIN
    assert {t.code for t in talkers} == {1012}
    must_be_spread([t.told - began for t in talkers])
    seen = json.loads(ask(app.address, "GET", "/tallies").body)
    for t in talkers:
        there = seen[t.name]
        assert t.got == list(range(len(t.got))), t.name
        assert (there["took"], there["code"]) == (t.sent, 1001), t.name
        assert len(t.got) <= there["gave"] <= t.sent, t.name
    f = figures(p)
    sent, got, gave = (sum(n) for n in zip(*((t.sent, len(t.got), seen[t.name]["gave"]) for t in talkers)))
    print(f"exit after {took:.2f} s; {sent} up; {gave} down, {gave - got} of them too late")
    assert (f["up_accepted"], f["up_delivered"], f["up_unproven"], f["up_lost"]) == (sent, sent, 0, 0)
    queued = READERS * QUEUED
    assert (f["down_accepted"], f["down_delivered"]) == (gave + queued, got + queued)
    assert (f["down_unproven"], f["down_lost"]) == (0, gave - got)
