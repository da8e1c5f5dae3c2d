"""Clients with numbered messages, each at a steady pace, on Python's `websockets`. As real ones do, a client whose
connection has ended comes again by itself; what it had sent before is not sent again."""

import asyncio
import json
import random
import time

import websockets

RETRY = 0.1  # s between two attempts to connect
SPREAD = 0.5  # s over which they come, so that they are not all at the same point when something happens
BURST = 5  # messages at once, at the same pace on the whole: some always wait for the application


class Client:
    """One client through one round. `name` is in its URL, so that the application can tell who sent what."""

    path = "echo"

    def __init__(self, address, name, pace):
        self.url, self.name, self.pace = f"ws://{address}/ws/{self.path}?client={name}", name, pace
        self.sent = {}  # number -> when it was given to the library, which took it
        self.got = []  # (number, when), of every answer
        self.connects, self.closes, self.refused = 0, [], 0
        self.heard, self.gap = None, 0.0  # when the last message came; the longest time without one
        self.talking, self.staying = True, True

    async def live(self):
        await asyncio.sleep(random.random() * SPREAD)
        while self.staying:
            try:
                self.ws = await websockets.connect(self.url, open_timeout=60, ping_interval=None, close_timeout=5)
            except (OSError, asyncio.TimeoutError, websockets.WebSocketException):
                self.refused += 1
                await asyncio.sleep(RETRY)
                continue
            self.connects += 1
            talk = asyncio.create_task(self.talk())
            await self.listen()
            talk.cancel()
            await asyncio.gather(talk, return_exceptions=True)
            if self.staying:
                self.closes.append(self.ws.close_code or 1006)
                await asyncio.sleep(RETRY)

    async def listen(self):
        try:
            async for message in self.ws:
                now = time.monotonic()
                if self.heard and self.talking:
                    self.gap = max(self.gap, now - self.heard)
                self.heard = now
                self.take(message, now)
        except websockets.ConnectionClosed:
            pass

    async def say(self, number, text):
        await self.ws.send(text)
        self.sent[number] = time.monotonic()

    # -- what it says, and what an answer is

    async def talk(self):
        while self.talking:
            for _ in range(BURST):
                number = len(self.sent)
                await self.say(number, str(number))
            await asyncio.sleep(BURST * self.pace)

    def take(self, message, now):
        self.got.append((int(message), now))

    # -- what the round asks

    def answered_since(self, when):
        """Whether a message that was sent after `when` has been answered."""
        return bool(self.got) and self.sent.get(self.got[-1][0], 0) > when

    def unanswered(self):
        return set(self.sent) - {number for number, _ in self.got}

    async def leave(self):
        self.staying = False
        if self.connects:
            await self.ws.close()


class Chatter(Client):
    """A chat: one message at a time; the next comes when the answer is complete, or was not to be had."""

    path = "agent"

    async def talk(self):
        while self.talking:
            number = len(self.sent)
            self.completed = asyncio.Event()
            await self.say(number, json.dumps({"type": "user_message", "thread_id": self.name, "number": number}))
            await self.completed.wait()
            await asyncio.sleep(self.pace)

    def take(self, message, now):
        m = json.loads(message)
        if m["type"] == "agent_completed":
            self.got.append((m["number"], now))
            self.completed.set()


async def until(condition, patience):
    """Waits for it, or until patience is at its end; whether it holds."""
    deadline = time.monotonic() + patience
    while not (holds := condition()) and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    return holds


def answered_since(crowd, when):
    return all(c.answered_since(when) for c in crowd)


async def quiet(crowd, silence=1.0, patience=10):
    """Waits until all is answered, or nothing has come for a while."""
    def nothing_due():
        heard = max((c.heard or 0 for c in crowd), default=0)
        return not any(c.unanswered() for c in crowd) or time.monotonic() - heard > silence
    await until(nothing_due, patience)
