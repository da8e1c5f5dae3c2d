"""The reckoning of the chaos tests: what is lost is found, wherever it was lost."""

import os
import sys
from dataclasses import dataclass, field

import pytest

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from chaos.crowd import Client
from chaos.ledger import PROVEN_BOUND, UP, Figures, broken, reckon


@dataclass
class Told(Client):
    """A client whose round is over."""

    name: str = "a"
    sent: dict = field(default_factory=dict)
    got: list = field(default_factory=list)
    closes: list = field(default_factory=list)
    connects: int = 1
    refused: int = 0
    gap: float = 0.1


def sees(notes, sent=3, answered=(0, 1, 2), closes=(), **counts):
    crowd = [Told(sent=dict.fromkeys(range(sent), 1.0), got=[(n, 2.0) for n in answered], closes=list(closes))]
    counts = {"accepted": sent, "delivered": sent, **counts}
    return reckon(crowd, notes, {}, {UP % outcome: n for outcome, n in counts.items()})


def took(*numbers):
    return [("opened", "a", 0)] + [("took", "a", n) for n in numbers]


def test_a_round_in_which_all_arrives_breaks_nothing():
    f = sees(took(0, 1, 2))
    assert (f.sent, f.accepted, f.taken, f.missing, f.twice, f.reopened, f.unanswered) == (3, 3, 3, 0, 0, 0, 0)
    for mode in ("echo", "unsent", "answer"):
        assert broken(f, "kill", mode) == []


@pytest.mark.parametrize("what, f, says", [
    ("lost, wskeep says so", sees(took(0, 1), delivered=2, lost=1), "1 lost without proof"),
    ("lost, wskeep does not know", sees(took(0, 1), delivered=2, unproven=1), "1 lost without proof"),
    ("a hole that was filled too late", sees(took(0, 2, 1)), "1 out of order"),
    ("wskeep's count has a hole", sees(took(0, 1, 2), delivered=2), "wskeep's own count does not add up"),
    ("sent, and never accepted", sees(took(0, 1), accepted=2, delivered=2), "1 sent, not accepted"),
    ("taken out of nothing", sees(took(0, 1, 2, 3)), "the application took what wskeep did not accept"),
    ("a connection that ended", sees(took(0, 1, 2), closes=[1012]), "1 connections closed"),
])
def test_what_is_wrong_is_said(what, f, says):
    assert broken(f, "kill", "echo") == [says]


def test_what_was_lost_with_a_proof_is_bounded_and_forbidden_where_answers_are_awaited():
    f = sees(took(0, 1), answered=(0, 1))
    assert (f.missing_proven, f.missing_unproven) == (1, 0)
    assert broken(f, "kill", "echo") == []
    assert broken(f, "kill", "answer") == ["1 lost", "1 runs not completed"]
    n = PROVEN_BOUND + 1
    assert broken(sees(took(), sent=n, answered=()), "kill", "echo") == [f"{n} proven, but not taken"]


def test_a_duplicate_is_forbidden_where_nothing_may_come_twice():
    f = sees(took(0, 1, 1, 2) + took()[:1])
    assert (f.twice, f.reopened) == (1, 1)
    assert broken(f, "kill", "echo") == []
    assert broken(f, "kill", "unsent") == ["1 duplicates"]
    assert broken(f, "stop", "echo") == ["1 duplicates", "1 needless reconnects"]


def test_what_may_be_lost_once_is_not_held_against_unsent():
    assert broken(sees(took(0, 1), delivered=2, lost=1), "kill", "unsent") == []


def test_a_stateful_session_ends_once_by_1012_and_not_when_its_backend_only_stood_still():
    once, twice = sees(took(0, 1, 2), closes=[1012]), sees(took(0, 1, 2), closes=[1012, 1012])
    assert broken(once, "kill", "connection") == []
    assert broken(twice, "kill", "connection") == ["not one 1012 each: {1012: 2}"]
    assert broken(sees(took(0, 1, 2)), "kill", "connection") == ["not one 1012 each: {}"]
    assert broken(once, "stop", "connection") == ["1 connections closed"]


def test_rounds_add_up_and_the_longest_gap_stays():
    f = sum([Figures(rounds=1, clients=2, sent=3, gap=0.2), Figures(rounds=1, clients=2, sent=4, gap=0.1)], Figures())
    assert (f.rounds, f.clients, f.sent, f.gap) == (2, 4, 7, 0.2)
