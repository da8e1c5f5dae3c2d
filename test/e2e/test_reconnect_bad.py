"""Reconnecting to a backend that has gone bad: each kind has its end, its reason, its count, and costs no CPU."""

import threading
import time

import pytest

from parts.peer import Ended, elapsed
from parts.process import wait_until
from parts.ws import BINARY, CLOSE, TEXT, Pair, accept_of, frame, numbered, ws

pytestmark = pytest.mark.proxy

FAST = {"reconnect": {"window": "1500ms", "backoff_min": "50ms", "backoff_max": "200ms"},
        "backend": {"connect_timeout": "300ms", "handshake_timeout": "300ms"}}
DELIVERED = 'wskeep_messages_total{direction="up",outcome="delivered"}'
CPU = 0.05  # of a core: more than this, kept up for seconds, is a spin


def close_of(client):
    """What ended the client's session; messages before that are an error."""
    code = client.closed().code
    client.close_frame(code)
    return code


# -- answers to a reconnect


def head_of(b):
    b.client = False
    return b.head()


def garbage(b):
    head_of(b)
    b.send_anyway(b"\x00\x01 what is this?\r\n\r\n")


def wrong_accept(b):
    head_of(b)
    b.send_anyway(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  b"Sec-WebSocket-Accept: " + accept_of("another key").encode() + b"\r\n\r\n")


def unasked_extension(b):
    b.serve([("Sec-WebSocket-Extensions", "x-webkit-nothing")])


def unasked_subprotocol(b):
    b.serve([("Sec-WebSocket-Protocol", "another")])


def unauthorized(b):
    head_of(b)
    b.answer("401 Unauthorized")


def half_a_101(b):
    head_of(b)
    b.send_anyway(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: webso")
    b.close()


def hang_up(b):
    head_of(b)
    b.close()


def busy(b):
    head_of(b)
    b.answer("503 Service Unavailable")


def nothing(b):
    head_of(b)


@pytest.mark.parametrize("badness, code, reason", [
    # an answer, but not that which the client was told: it comes again, with a fresh handshake
    (garbage, 1012, "backend_changed"),
    (wrong_accept, 1012, "backend_changed"),
    (unasked_extension, 1012, "backend_changed"),
    (unasked_subprotocol, 1012, "backend_changed"),
    (unauthorized, 1012, "backend_refused"),
    # refused, timed out, 5xx, no answer at all: tried again until the window ends
    (half_a_101, 1013, "reconnect_window"),
    (hang_up, 1013, "reconnect_window"),
    (busy, 1013, "reconnect_window"),
    (nothing, 1013, "reconnect_window"),
])
def test_a_bad_answer_to_a_reconnect_ends_the_session_by_its_code(proxy, ws_backend, badness, code, reason):
    p = proxy(ws_backend.address, FAST)
    with Pair(p, ws_backend) as (c, b), Bad(ws_backend, badness) as bad:
        c.text("kept")
        assert b.message() == (TEXT, b"kept")
        began = time.monotonic()
        b.reset()
        assert close_of(c) == code
        if code == 1012:
            assert bad.attempts == 1, "it was tried again after an answer"
            assert elapsed(began) < 1.5
        else:
            assert bad.attempts >= 2
            assert 1.0 < elapsed(began) < 4
    p.settled()
    assert p.ends("client") == {reason: 1}


@pytest.mark.parametrize("badness", [half_a_101, hang_up, busy, nothing])
def test_what_was_bad_for_a_while_only_takes_the_replay_when_it_is_well_again(proxy, ws_backend, badness):
    p = proxy(ws_backend.address, FAST)
    with Pair(p, ws_backend) as (c, b):
        c.text("kept")
        assert b.message() == (TEXT, b"kept")
        b.reset()
        for _ in range(2):
            badness(ws_backend.attempt())
        again = ws_backend.attempt()
        again.serve()
        assert again.message() == (TEXT, b"kept")
        again.text("here")
        assert c.message() == (TEXT, b"here")
        again.close()


class Bad:
    """Meets each attempt with the same badness, in a thread of its own."""

    def __init__(self, listener, badness):
        self.listener, self.badness, self.attempts = listener, badness, 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.play)

    def play(self):
        while not self.over.is_set():
            if self.listener.quiet_for(0.05):
                continue
            try:
                b = self.listener.attempt()
                self.attempts += 1
                self.badness(b)
            except (Ended, OSError):
                pass  # wskeep has given it up

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


# -- for ever


def accept_and_close(b):
    b.serve()
    b.close()


@pytest.mark.parametrize("badness, code, reason", [(accept_and_close, 1011, "backend_unstable"),
                                                   (hang_up, 1013, "reconnect_window")])
def test_a_backend_that_closes_at_once_for_ever_ends_the_session_and_costs_nothing(proxy, ws_backend, badness, code, reason):
    conf = {"reconnect": {**FAST["reconnect"], "window": "3s", "backoff_max": "500ms"}}
    p = proxy(ws_backend.address, conf)
    with Pair(p, ws_backend) as (c, b), Bad(ws_backend, badness) as bad:
        used, began = p.cpu(), time.monotonic()
        b.reset()
        assert close_of(c) == code
        wait_until("seconds to pass", lambda: elapsed(began) > 3)
        assert p.cpu() - used < CPU * elapsed(began)
        assert bad.attempts < 100
        if badness is accept_and_close:
            assert bad.attempts == 4, "its fifth short life, the first included, is the last"
    p.settled()
    assert p.ends("client") == {reason: 1}


def test_a_refusing_backend_costs_nothing_while_it_is_away(proxy, ws_backend):
    p = proxy(ws_backend.address, {"reconnect": {**FAST["reconnect"], "window": "3s"}})
    with Pair(p, ws_backend) as (c, b):
        ws_backend.close()
        used, began = p.cpu(), time.monotonic()
        assert close_of(c) == 1013
        assert 2 < elapsed(began) < 6
        assert p.cpu() - used < CPU * elapsed(began)
        dials = p.metrics()['wskeep_backend_connects_total{result="refused"}']
        assert 2 <= dials <= 200
    p.settled()


# -- in the middle of a message


def test_a_backend_that_dies_in_the_middle_of_a_long_message_leaves_no_damaged_one(proxy, ws_backend):
    p = proxy(ws_backend.address, FAST)
    body = numbered(16 << 20)
    with Pair(p, ws_backend) as (c, b):
        sender = threading.Thread(target=b.send, args=[frame(BINARY, body[:9 << 20], masked=False, length=len(body), wide=64)])
        sender.start()
        f = c.next()
        got = bytearray(f.payload)
        assert (f.opcode, f.fin) == (BINARY, False)
        while len(got) < 8 << 20:
            f = c.next()
            assert (f.opcode, f.fin) == (0, False)
            got += f.payload
        sender.join()
        b.reset()
        while (f := c.next()).opcode != CLOSE:
            assert not f.fin, "a beginning was passed off for the whole"
            got += f.payload
        assert int.from_bytes(f.payload[:2], "big") == 1012, "the client stands in the middle of a message"
        assert body.startswith(got)
        c.close_frame(1012)
        assert ws_backend.quiet_for(0.5), "reconnected, though the client cannot be mended"
    m = p.settled()
    assert m['wskeep_messages_total{direction="down",outcome="lost"}'] == 1


def test_a_backend_that_dies_in_the_middle_of_a_short_message_is_reconnected_to(proxy, ws_backend):
    p = proxy(ws_backend.address, FAST)
    with Pair(p, ws_backend) as (c, b):
        b.send(frame(BINARY, numbered(60_000), masked=False)[:30_000])
        wait_until("the half to be read", lambda: p.metrics()["wskeep_journal_bytes"] >= 30_000)
        b.reset()
        again = ws_backend.attempt()
        again.serve()
        again.text("whole")
        assert c.message() == (TEXT, b"whole")
        again.close()


# -- poison


class Sick:
    """A backend that echoes, one thread a connection, and of which the connection dies that gets the poison."""

    def __init__(self, listener):
        self.listener, self.threads, self.over = listener, [], threading.Event()
        self.poisoned = 0
        self.thread = threading.Thread(target=self.serve)

    def serve(self):
        while not self.over.is_set():
            if not self.listener.quiet_for(0.05):
                self.threads.append(threading.Thread(target=self.echo, args=[self.listener.accept()]))
                self.threads[-1].start()

    def echo(self, b):
        try:
            b.serve()
            while (f := b.next()).opcode != CLOSE:
                if f.payload == b"poison":
                    self.poisoned += 1
                    b.reset()
                    return
                b.frame(f.opcode, f.payload)
            b.frame(CLOSE, f.payload)
            b.close()
        except (Ended, OSError):
            pass

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.listener.hang_up()
        for t in self.threads:
            t.join()


def test_a_poison_message_takes_down_only_its_own_session(proxy, ws_backend):
    p = proxy(ws_backend.address, FAST)
    with Sick(ws_backend) as sick:
        clients = [ws(p.address) for _ in range(5)]
        for i, c in enumerate(clients):
            c.text(f"hello {i}")
            assert c.message() == (TEXT, b"hello %d" % i)
        wait_until("proof that the server has these", lambda: p.metrics()[DELIVERED] == len(clients))
        clients[2].text("poison")
        assert close_of(clients[2]) == 1011
        assert sick.poisoned == 2, "reconnect.poison is 2"
        for i, c in enumerate(clients):
            if i != 2:
                c.text("well?")
                assert c.message() == (TEXT, b"well?")
                assert c.goodbye().code == 1000
            c.close()
        assert p.ends("client").get("poison") == 1
    p.settled()
