"""Messages of every length go through byte for byte, both ways."""

import hashlib
import json
import threading

import pytest

from parts.ws import BINARY, CONT, TEXT, Pair, frame, numbered, ws

SIZES = [0, 1, 125, 126, 127, 65535, 65536, 65537, 1 << 20]


@pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["text", "binary"])
@pytest.mark.parametrize("size", SIZES)
def test_a_message_comes_back_as_it_was_sent(either, size, opcode):
    body = numbered(size)
    with ws(either.address, "/ws/echo") as c:
        c.frame(opcode, body)
        assert c.message() == (opcode, body)
        c.goodbye()


@pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["text", "binary"])
def test_a_message_of_16_mib_comes_back_as_it_was_sent(either, opcode):
    body = numbered(16 << 20)
    with ws(either.address, "/ws/echo", patience=50) as c:
        sender = threading.Thread(target=c.frame, args=[opcode, body])
        sender.start()
        got = c.message()
        sender.join()
        assert got == (opcode, body)
        c.goodbye()


@pytest.mark.parametrize("size", SIZES)
def test_the_application_gets_the_message_that_was_sent(either, size):
    body = numbered(size)
    with ws(either.address, "/ws/count") as c:
        for n, opcode in enumerate((TEXT, BINARY), 1):
            c.frame(opcode, body)
            assert json.loads(c.message()[1]) == {
                "n": n, "type": "text" if opcode == TEXT else "binary", "bytes": size,
                "sha256": hashlib.sha256(body).hexdigest()}
        c.goodbye()


@pytest.mark.parametrize("cuts", [[0], [1, 1], [0, 0, 5, 0], [125, 126, 65535], [65536, 65537, 1], [300000, 0, 300001]],
                         ids=str)
def test_a_message_that_the_client_fragments_comes_back_whole(either, cuts):
    body = numbered(sum(cuts))
    with ws(either.address, "/ws/echo") as c:
        at = 0
        for i, n in enumerate(cuts):
            c.frame(TEXT if i == 0 else CONT, body[at:at + n], fin=i == len(cuts) - 1)
            at += n
        assert c.message() == (TEXT, body)
        c.goodbye()


@pytest.mark.parametrize("cuts", [[0], [1, 1], [0, 0, 5, 0], [125, 126, 65535], [65536, 65537, 1], [300000, 0, 300001]],
                         ids=str)
def test_a_message_that_the_backend_fragments_arrives_whole(proxy, ws_backend, cuts):
    p = proxy(ws_backend.address)
    body = numbered(sum(cuts))
    with Pair(p, ws_backend) as (c, b):
        at = 0
        for i, n in enumerate(cuts):
            b.frame(BINARY if i == 0 else CONT, body[at:at + n], fin=i == len(cuts) - 1)
            at += n
        assert c.message() == (BINARY, body)


@pytest.mark.parametrize("size", [*SIZES, 3_000_001])
def test_a_message_of_the_backend_arrives_as_it_was_sent(proxy, ws_backend, size):
    p = proxy(ws_backend.address)
    body = numbered(size)
    with Pair(p, ws_backend) as (c, b):
        sender = threading.Thread(target=b.binary, args=[body])
        sender.start()
        assert c.message() == (BINARY, body)
        sender.join()


@pytest.mark.proxy
@pytest.mark.parametrize("size, whole", [(65536, True), (65537, False), (200_000, False)])
def test_what_is_longer_than_64_kib_may_come_in_fragments_and_nothing_else_does(proxy, ws_backend, size, whole):
    p = proxy(ws_backend.address)
    with Pair(p, ws_backend) as (c, b):
        c.binary(numbered(size))
        assert b.message() == (BINARY, numbered(size))
        assert (b.last_fragments == 1) == whole
        b.binary(numbered(size))
        assert c.message() == (BINARY, numbered(size))
        assert (c.last_fragments == 1) == whole


@pytest.mark.proxy
def test_a_fragment_of_a_long_message_arrives_before_its_end_is_sent(proxy, ws_backend):
    """Cut-through: the proxy does not hold what it could send on."""
    p = proxy(ws_backend.address)
    body = numbered(300_000)
    raw = frame(BINARY, body, masked=False)
    with Pair(p, ws_backend) as (c, b):
        b.send(raw[:200_000])
        first = c.next()
        assert (first.fin, first.opcode, first.payload) == (False, BINARY, body[:len(first.payload)])
        assert 0 < len(first.payload) <= 65536
        b.send(raw[200_000:])
        rest = first.payload
        while not (f := c.next()).fin:
            rest += f.payload
        assert rest + f.payload == body


@pytest.mark.proxy
def test_a_short_message_is_held_until_it_is_whole(proxy, ws_backend):
    p = proxy(ws_backend.address)
    raw = frame(TEXT, numbered(65536))
    with Pair(p, ws_backend) as (c, b):
        c.send(raw[:-1])
        assert b.silent_for(0.2), "a message shorter than 64 KiB was begun before its end was there"
        c.send(raw[-1:])
        assert b.message() == (TEXT, numbered(65536))


def test_frames_cut_at_any_byte_are_the_same_frames(proxy, ws_backend):
    p = proxy(ws_backend.address)
    raw = frame(TEXT, b"hel", fin=False) + frame(CONT, b"lo") + frame(BINARY, numbered(200)) + frame(TEXT, b"")
    with Pair(p, ws_backend) as (c, b):
        for at in range(1, len(raw)):
            c.send(raw[:at])
            c.send(raw[at:])
            assert b.message() == (TEXT, b"hello"), f"cut at {at}"
            assert b.message() == (BINARY, numbered(200))
            assert b.message() == (TEXT, b"")


def test_many_small_messages_stay_in_order(either):
    with ws(either.address, "/ws/echo") as c:
        wanted = [b"%d" % i for i in range(2000)]
        sender = threading.Thread(target=lambda: [c.text(m) for m in wanted])
        sender.start()
        assert [c.message()[1] for _ in wanted] == wanted
        sender.join()
        c.goodbye()


def test_many_sessions_at_once_keep_their_messages_apart(either):
    clients = [ws(either.address, "/ws/echo") for _ in range(50)]
    for round_ in range(5):
        for i, c in enumerate(clients):
            c.text(f"{i} {round_}")
        for i, c in enumerate(clients):
            assert c.message() == (TEXT, f"{i} {round_}".encode())
    for c in clients:
        c.goodbye()
        c.close()
