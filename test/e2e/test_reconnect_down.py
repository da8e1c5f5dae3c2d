"""What a client hears of a reconnect: all that the lost backend had said, the notice, then the new one."""

import os

import pytest

from parts.process import wait_until
from parts.ws import CLOSE, TEXT, Pair, close_payload, frame

pytestmark = pytest.mark.proxy

LIMIT = 256 << 10  # the least that buffer.session may be
FAST = {"reconnect": {"window": "5s", "backoff_min": "20ms", "backoff_max": "50ms"}, "buffer": {"session": "256KiB"}}
PAD = b"z" * 3000  # so small that each is read by a read of its own, with what may follow it


def hold(p, b, most):
    """Messages until wskeep holds about that much for a client that does not read: how many went."""
    n = 0
    while p.metrics()["wskeep_journal_bytes"] < most:
        b.text(b"%06d" % n + PAD)
        n += 1
    return n


def wait_held(p):
    """Until wskeep has read all that the backend has sent, as far as its figures can tell."""
    last = []

    def still():
        last.append(p.metrics()["wskeep_journal_bytes"])
        return len(last) > 5 and len(set(last[-5:])) == 1
    wait_until("the journal to stand still", still)


FULL = pytest.param(frame(TEXT, b"y" * 60_000, masked=False), id="full", marks=pytest.mark.skipif(
    "WSKEEP_FAULTS" in os.environ, reason="a read is short there: none fills the journal and has the end behind it too"))


@pytest.mark.parametrize("last", [pytest.param(b"", id="room"), FULL])
def test_a_client_that_is_behind_gets_all_before_the_new_backends_word(proxy, ws_backend, last):
    """It stands in the middle of a message, of which the rest is here. `full`: the last read before the end fills the
    journal."""
    p = proxy(ws_backend.address, FAST)
    with Pair(p, ws_backend, receive_buffer=4096) as (c, b):
        n = hold(p, b, LIMIT - 48_000)
        wait_held(p)
        b.send(last + frame(CLOSE, close_payload(1012), masked=False))
        again = ws_backend.serve_next()
        again.text("new")
        for i in range(n):
            assert c.message() == (TEXT, b"%06d" % i + PAD)
        if last:
            assert c.message() == (TEXT, b"y" * 60_000)
        assert c.message() == (TEXT, b"new")
        c.close_frame(1000)
        assert again.closed().code == 1000
        again.close_frame(1000)
        assert c.closed().code == 1000
    p.settled()


def test_a_client_is_told_of_a_reconnect_at_once(proxy, ws_backend):
    p = proxy(ws_backend.address, {"reconnect": {**FAST["reconnect"], "notice": '{"type": "reconnected"}'}})
    with Pair(p, ws_backend) as (c, b):
        b.text("old")
        b.close()
        again = ws_backend.serve_next()
        assert c.message() == (TEXT, b"old")
        assert c.message() == (TEXT, b'{"type": "reconnected"}'), "the new backend has said nothing"
        again.text("new")
        assert c.message() == (TEXT, b"new")
        again.close()
    p.settled()
