"""A round: a crowd comes and talks, something befalls the server, the crowd talks on and leaves; then all is counted.
Rounds share a server and a wskeep, never a session: what one round did to a session is not held against the next."""

import asyncio
import time
from dataclasses import dataclass, field

from parts.process import PATIENCE
from parts.servers import Wskeep, merge

from chaos.crowd import Chatter, Client, open_crowd
from chaos.ledger import Figures, reckon
from chaos.server import SCENARIOS, Server

CONF = {"log": {"level": "info"}}
USER, DONE = {"field": "type", "values": ["user_message"]}, {"field": "type", "values": ["agent_completed"]}
MODES = {  # what is in the conf file, who talks
    "echo": ({}, Client),
    "unsent": ({"reconnect": {"replay": "unsent"}}, Client),
    "answer": ({"answer": {"of": USER, "by": DONE, "key": "thread_id"}}, Chatter),
    "connection": ({"reconnect": {"state": "connection"}}, Client),
}


@dataclass
class Scale:
    clients: int = 50
    pace: float = 0.05  # s between two messages of a client
    before: float = 1.0  # s of talk before it happens, and after all are well again
    times: dict = field(default_factory=lambda: {"down": 10.0, "stop": 5.0})
    patience: float = 3 * PATIENCE  # s until everyone must be answered again


class Site:
    """The server, and wskeep before it."""

    def __init__(self, worker, mode, conf=None):
        self.mode = mode
        self.server = Server(worker)
        try:
            settings, self.kind = MODES[mode]
            self.wskeep = Wskeep(self.server.address, merge(merge(CONF, settings), conf or {}))
        except BaseException:
            self.server.end()
            raise
        self.rounds = 0

    def play(self, scenario, scale):
        """One round: its figures."""
        self.rounds += 1
        self.server.notes()
        before = self.wskeep.settled()
        names = [f"{self.rounds}.{i}" for i in range(scale.clients)]
        crowd = asyncio.run(self.talk(scenario, scale, names))
        after = self.wskeep.settled()
        return reckon(crowd, self.server.notes(), before, after)

    async def talk(self, scenario, scale, names):
        crowd, tasks = await open_crowd(self.kind, self.wskeep.address, names, scale.pace)
        try:
            await asyncio.sleep(scale.before)
            await asyncio.to_thread(SCENARIOS[scenario], self.server, scale.times)
            over = time.monotonic()
            await until(lambda: well(crowd, over), scale.patience)
            await asyncio.sleep(scale.before)
            for c in crowd:
                c.talking = False
            await until_quiet(crowd)
        finally:
            await asyncio.gather(*(c.leave() for c in crowd), return_exceptions=True)
            for t in tasks:
                t.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return crowd

    def end(self):
        try:
            self.wskeep.finish()
        finally:
            self.server.end()


def well(crowd, since):
    return all(c.answered_since(since) for c in crowd)


async def until(condition, patience):
    """Waits for it, or until patience is at its end: then the figures say what is wrong."""
    deadline = time.monotonic() + patience
    while not condition() and time.monotonic() < deadline:
        await asyncio.sleep(0.02)


async def until_quiet(crowd, silence=1.0):
    """Until all is answered, or nothing has come for a while."""
    def quiet():
        heard = max((c.heard or 0 for c in crowd), default=0)
        return not any(c.unanswered() for c in crowd) or time.monotonic() - heard > silence
    await until(quiet, 10)


def play(worker, mode, scenario, rounds, scale):
    """Rounds of one scenario on a site of their own: the sum of their figures."""
    site = Site(worker, mode)
    try:
        return sum((site.play(scenario, scale) for _ in range(rounds)), Figures())
    finally:
        site.end()
