"""A round: a crowd comes and talks, something befalls the server, the crowd talks on and leaves; then all is counted.
Rounds share a server and a wskeep, never a session: what one round did to a session is not held against the next."""

import asyncio
import time
from dataclasses import dataclass, field

from parts.process import PATIENCE
from parts.servers import Wskeep, merge

from chaos.crowd import Chatter, Client, answered_since, quiet, until
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
    """A server, and a wskeep of its own before it."""

    def __init__(self, server, mode):
        settings, self.kind = MODES[mode]
        self.server, self.rounds = server, 0
        self.wskeep = Wskeep(server.address, merge(CONF, settings))

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
        crowd = [self.kind(self.wskeep.address, name, scale.pace) for name in names]
        tasks = [asyncio.create_task(c.live()) for c in crowd]
        try:
            if not await until(lambda: all(c.connects for c in crowd), scale.patience):
                raise TimeoutError("not all clients could connect")
            await asyncio.sleep(scale.before)
            await asyncio.to_thread(SCENARIOS[scenario], self.server, scale.times)
            over = time.monotonic()
            await until(lambda: answered_since(crowd, over), scale.patience)  # if in vain, the figures say so
            await asyncio.sleep(scale.before)
            for c in crowd:
                c.talking = False
            await quiet(crowd)
        finally:
            await asyncio.gather(*(c.leave() for c in crowd), return_exceptions=True)
            for t in tasks:
                t.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return crowd

    def finish(self):
        self.wskeep.finish()


def play(worker, mode, scenario, rounds, scale):
    """Rounds of one scenario, on a site of their own: the sum of their figures."""
    server = Server(worker)
    try:
        site = Site(server, mode)
        try:
            return sum((site.play(scenario, scale) for _ in range(rounds)), Figures())
        finally:
            site.finish()
    finally:
        server.end()
