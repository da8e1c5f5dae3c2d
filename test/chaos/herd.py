"""Many sessions without a backend at once, each with a message for it; then it returns. When does who connect?"""

import asyncio
import resource
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from parts.http import parse_head
from parts.peer import Ended, free_port
from parts.process import wait_until
from parts.servers import Wskeep
from parts.ws import CLOSE, PING, PONG, TEXT, accept_of, frame, ws, xor

SESSIONS, AWAY = 1000, 4.0  # s without a backend
WITHIN = 4.0  # s in which all must be back: by their own backoff, whose limit is 5, not all are
PEAK = 128  # at most so many in one slot: limits.connecting is 64, and a busy machine brings two slots' at once
SLOT = 0.1  # s


class Backend:
    """A WebSocket server that answers pings and notes when each connection and each message came."""

    def __init__(self):
        self.port = free_port()
        self.address = "127.0.0.1:%d" % self.port.getsockname()[1]
        self.connects, self.messages, self.writers = [], {}, set()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.up()

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def up(self):
        async def listen():
            host, port = self.address.split(":")
            self.server = await asyncio.start_server(self.serve, host, int(port), reuse_address=True, backlog=4096)
        self.run(listen())
        self.since = time.monotonic()

    def down(self):
        """As a process that was killed: nobody listens, every connection is reset."""
        async def leave():
            self.server.close()
            for w in self.writers:
                w.transport.abort()
        self.run(leave())

    async def serve(self, reader, writer):
        self.connects.append(time.monotonic())
        self.writers.add(writer)
        try:
            head = parse_head(await reader.readuntil(b"\r\n\r\n"))
            if (key := head.get("sec-websocket-key")) is None:  # a probe
                writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
                return
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         b"Sec-WebSocket-Accept: " + accept_of(key).encode() + b"\r\n\r\n")
            while True:
                b0, b1 = await reader.readexactly(2)  # no message of these clients is longer than 125 bytes
                mask = await reader.readexactly(4)
                payload = xor(await reader.readexactly(b1 & 0x7F), mask)
                if b0 & 0xF == TEXT:
                    self.messages.setdefault(int(payload), []).append(time.monotonic())
                elif b0 & 0xF == PING:
                    writer.write(frame(PONG, payload, masked=False))
                elif b0 & 0xF == CLOSE:
                    writer.write(frame(CLOSE, payload, masked=False))
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.writers.discard(writer)
            writer.close()

    def close(self):
        async def all_gone():
            self.server.close()
            while self.writers:
                await asyncio.sleep(0.01)
        self.run(all_gone())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
        self.port.close()


@dataclass
class Outcome:
    sessions: int
    closes: Counter = field(default_factory=Counter)
    slots: Counter = field(default_factory=Counter)  # slot -> connects in it, since the backend's return
    arrived: int = 0
    twice: int = 0
    took: float = 0.0  # s from the backend's return to the last message

    def broken(self):
        rules = [
            (not self.closes, f"{sum(self.closes.values())} connections closed"),
            (self.arrived == self.sessions, f"{self.sessions - self.arrived} messages lost"),
            (not self.twice, f"{self.twice} messages twice"),
            (self.took < WITHIN, f"{self.took:.1f} s until all were there"),
            (max(self.slots.values(), default=0) <= PEAK, "a thundering herd"),
        ]
        return [text for holds, text in rules if not holds]


def play(sessions=SESSIONS, away=AWAY, conf=None):
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    backend = Backend()
    try:
        proxy = Wskeep(backend.address, {"log": {"level": "info"}, **(conf or {})})
        try:
            outcome = watch(backend, proxy, [ws(proxy.address) for _ in range(sessions)], away)
            proxy.settled()
        finally:
            proxy.finish()
    finally:
        backend.close()
    return outcome


def watch(backend, proxy, clients, away):
    backend.down()
    went = time.monotonic()
    wait_until("the end of all backend connections", lambda: proxy.metrics()['wskeep_connections{side="backend"}'] == 0)
    for i, c in enumerate(clients):
        c.send_anyway(frame(TEXT, str(i).encode()))
    wait_until("the time without a backend", lambda: time.monotonic() - went > away)
    before = len(backend.connects)
    backend.up()
    outcome = Outcome(len(clients))
    try:
        wait_until("every message", lambda: len(backend.messages) == len(clients)
                   or not proxy.metrics()["wskeep_sessions_open"], WITHIN)
    except TimeoutError:
        pass  # the figures say so
    outcome.slots.update(int((t - backend.since) / SLOT) for t in backend.connects[before:])
    outcome.arrived = len(backend.messages)
    outcome.twice = sum(len(times) > 1 for times in backend.messages.values())
    outcome.took = max((times[0] for times in backend.messages.values()), default=backend.since) - backend.since
    for c in clients:
        if (code := leave(c)) is not None:
            outcome.closes[code] += 1
        c.close()
    return outcome


def leave(c):
    """Says goodbye; the code of a Close that had come before, 1006 for an end without one, else None."""
    try:
        c.socket.setblocking(False)
        try:
            c.socket.recv(1, socket.MSG_PEEK)
            had = True
        except BlockingIOError:
            had = False
        c.socket.settimeout(c.patience)
        if had:
            return c.closed().code
        c.goodbye()
        return None
    except (Ended, OSError):
        return 1006


def show():
    """Plays and prints; whether every promise was kept."""
    o = play()
    print(f"\n{o.sessions} sessions, their backend away for {AWAY:g} s. Connects in each {SLOT * 1000:.0f} ms after its return:")
    for slot in range(max(o.slots, default=-1) + 1):
        print(f"  {slot * SLOT:4.1f} s {o.slots[slot]:5} {'#' * -(-o.slots[slot] // 10)}")
    print(f"  {o.arrived} messages arrived, {o.twice} of them twice, the last after {o.took:.2f} s; "
          f"closed: {dict(o.closes) or 0}")
    for text in o.broken():
        print(f"    ! {text}", flush=True)
    return not o.broken()
