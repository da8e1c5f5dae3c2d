"""What became of the messages of a round: pure reckoning from what the clients, the application and wskeep each counted."""

from collections import Counter
from dataclasses import dataclass, field

UP = 'wskeep_messages_total{direction="up",outcome="%s"}'
OUTCOMES = ("accepted", "delivered", "unproven", "lost", "replayed")


@dataclass
class Figures:
    rounds: int = 0
    clients: int = 0
    sent: int = 0  # given to the clients' library
    accepted: int = 0  # wskeep's word, as are the next four
    delivered: int = 0
    unproven: int = 0
    lost: int = 0
    replayed: int = 0
    taken: int = 0  # by the application, each counted once
    twice: int = 0  # taken again
    disorder: int = 0  # taken for the first time after a later one
    unanswered: int = 0  # the client waited for the answer in vain
    connects: int = 0  # by clients
    opened: int = 0  # WebSockets that the application saw
    refused: int = 0  # handshakes that failed, as clients saw it
    closes: Counter = field(default_factory=Counter)  # code -> connections that ended while the client would have stayed
    gap: float = 0.0  # s: the longest that a client heard nothing

    def __add__(self, other):
        both = {name: getattr(self, name) + getattr(other, name) for name in self.__dict__}
        return Figures(**{**both, "gap": max(self.gap, other.gap)})

    @property
    def missing(self):
        """Accepted by wskeep, never taken by the application."""
        return self.accepted - self.taken

    @property
    def missing_unproven(self):
        """Those of them, at most, for which wskeep has no proof that an endpoint had them."""
        return min(self.missing, self.unproven + self.lost)

    @property
    def missing_proven(self):
        return self.missing - self.missing_unproven

    @property
    def closed(self):
        return sum(self.closes.values())

    @property
    def reopened(self):
        """Connections to the backend that wskeep made by itself."""
        return self.opened - self.connects


def reckon(crowd, notes, before, after):
    """crowd: the clients of a round; notes: the application's; before, after: wskeep's metrics around it."""
    f = Figures(rounds=1, clients=len(crowd))
    for outcome in OUTCOMES:
        setattr(f, outcome, int(after.get(UP % outcome, 0) - before.get(UP % outcome, 0)))
    latest, seen = {}, set()
    for what, client, number in notes:
        if what == "opened":
            f.opened += 1
        elif (client, number) in seen:
            f.twice += 1
        else:
            seen.add((client, number))
            f.disorder += number < latest.get(client, -1)
            latest[client] = max(number, latest.get(client, -1))
    f.taken = len(seen)
    for c in crowd:
        f.sent += len(c.sent)
        f.unanswered += len(c.unanswered())
        f.connects += c.connects
        f.refused += c.refused
        f.closes.update(c.closes)
        f.gap = max(f.gap, c.gap)
    return f


# -- what is promised


def broken(f, scenario, mode):
    """The promises that the figures break, in words; none is as it should be."""
    stays = mode != "connection" or scenario == "stop"
    rules = [
        (f.accepted == f.delivered + f.unproven + f.lost, "wskeep's own count does not add up"),
        (f.missing >= 0, "the application took what wskeep did not accept"),
        (f.disorder == 0, f"{f.disorder} out of order"),
        (f.refused == 0, f"{f.refused} handshakes refused"),
    ]
    if stays:
        rules += [
            (f.closed == 0, f"{f.closed} connections closed"),
            (f.sent == f.accepted, f"{f.sent - f.accepted} sent, not accepted"),
            (f.missing_unproven <= 0 or mode == "unsent", f"{f.missing_unproven} lost without proof"),
            (f.missing_proven <= PROVEN_BOUND * f.clients, f"{f.missing_proven} proven, but not taken"),
        ]
    else:
        rules += [(f.closes == {1012: f.clients}, f"not one 1012 each: {dict(f.closes)}")]
    if mode == "answer":
        rules += [(f.missing == 0, f"{f.missing} lost"), (f.unanswered == 0, f"{f.unanswered} runs not completed")]
    if mode == "unsent" or scenario == "stop":
        rules += [(f.twice == 0, f"{f.twice} duplicates")]
    if scenario == "stop":
        rules += [(f.reopened == 0, f"{f.reopened} needless reconnects"), (f.missing == 0, f"{f.missing} lost")]
    return [text for holds, text in rules if not holds]


PROVEN_BOUND = 32  # messages a client and a round: uvicorn's queue, which a dead worker takes with it
