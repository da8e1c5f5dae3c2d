"""One round of each that `make chaos` plays in many, on a smaller scale: what befalls the server costs no client its connection
and no message its way."""

import os
import sys

import pytest

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from chaos import herd, table
from chaos.rounds import Scale, Site
from chaos.server import SCENARIOS, Server

pytestmark = pytest.mark.proxy

SCALE = Scale(clients=10, before=0.2, times={"down": 0.5, "stop": 0.6}, patience=15)


@pytest.fixture
def chaos(parts):
    """chaos(worker, mode, scenarios): a round of each, in which every promise must be kept."""
    def play(worker, mode, scenarios):
        site = parts(Site(parts(Server(worker)), mode))
        rows = [table.row(worker, mode, scenario, site.play(scenario, SCALE)) for scenario in scenarios]
        assert all(fine for _, fine in rows), "\n".join([table.HEAD, *(line for line, _ in rows)])
    return play


def test_clients_keep_their_connections_and_their_messages(chaos, worker):
    chaos(worker, "echo", SCENARIOS)


def test_every_run_completes_where_answers_are_awaited(chaos, worker):
    chaos(worker, "answer", ["kill", "recycle", "stop"])


def test_nothing_comes_twice_where_only_what_is_unsent_is_replayed(chaos):
    chaos("Websockets", "unsent", ["kill", "recycle"])


def test_a_stateful_session_ends_once_and_comes_back_at_the_gate(chaos):
    chaos("Wsproto", "connection", ["kill", "stop"])


def test_a_herd_comes_back_to_its_backend_one_after_the_other():
    outcome = herd.play(sessions=200, away=1.0)
    assert not outcome.broken(), outcome
