"""deploy/cloud-run/README.md, followed to the letter: the chats die before, live after, and every command says what it shows."""

import os
import pathlib

import pytest

from parts import console
from parts.servers import ROOT, sanitized

pytestmark = [pytest.mark.proxy, pytest.mark.deploy,
              pytest.mark.skipif("WSKEEP_FAULTS" in os.environ or sanitized(), reason="it is about build/wskeep as it is shipped")]

TEXT = pathlib.Path(ROOT, "deploy", "cloud-run", "README.md")


def test_the_walk_through_shows_what_is_seen(parts):
    commands = console.read(TEXT)
    assert len(commands) > 20
    shell = parts(console.Shell(ROOT))
    for command, shown in commands:
        said = shell.do(command)
        assert console.matches(said, shown), f"$ {command}\n--- said\n{said}\n--- shown\n{shown}"


def test_what_is_shown_is_compared():
    assert console.matches("a 1 b\n", "a … b\n") and console.matches("", "") and console.matches("x\ny\n", "…")
    assert not console.matches("a 1 b\n", "a 2 b\n") and not console.matches("a\n", "") and not console.matches("a.b", "axb")
