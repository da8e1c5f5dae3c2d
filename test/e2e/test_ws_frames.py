"""Frames that RFC 6455 forbids get the code that it names; control frames are answered on the leg they come on."""

import pytest

from parts.process import wait_until
from parts.servers import Wskeep
from parts.ws import BINARY, CLOSE, CONT, PING, PONG, TEXT, Closed, Pair, WsListener, frame, numbered, ws

BAD = [  # from a client: (what, bytes, code)
    ("not masked", frame(TEXT, b"x", masked=False), 1002),
    ("RSV1 without an extension", frame(TEXT, b"x", rsv=4), 1002),
    ("RSV2", frame(TEXT, b"x", rsv=2), 1002),
    ("RSV3", frame(BINARY, b"x", rsv=1), 1002),
    ("opcode 3", frame(3, b"x"), 1002),
    ("opcode 7", frame(7, b""), 1002),
    ("opcode 11", frame(11, b""), 1002),
    ("opcode 15", frame(15, b"x"), 1002),
    ("a fragmented ping", frame(PING, b"x", fin=False), 1002),
    ("a fragmented Close", frame(CLOSE, b"", fin=False), 1002),
    ("a ping of 126 bytes", frame(PING, bytes(126)), 1002),
    ("a Close of 126 bytes", frame(CLOSE, b"\x03\xe8" + bytes(124)), 1002),
    ("a ping with RSV1", frame(PING, b"", rsv=4), 1002),
    ("a continuation of nothing", frame(CONT, b"x"), 1002),
    ("a message within a message", frame(TEXT, b"x", fin=False) + frame(TEXT, b"y"), 1002),
    ("125 in the 16-bit form", frame(TEXT, bytes(125), wide=16), 1002),
    ("65535 in the 64-bit form", frame(BINARY, bytes(65535), wide=64), 1002),
    ("a length with the highest bit", frame(BINARY, b"x", length=1 << 63), 1002),
    ("a Close of one byte", frame(CLOSE, b"\x03"), 1002),
    ("a Close with 0", frame(CLOSE, b"\x00\x00"), 1002),
    ("a Close with 999", frame(CLOSE, b"\x03\xe7"), 1002),
    ("a Close with 1004", frame(CLOSE, b"\x03\xec"), 1002),
    ("a Close with 1005", frame(CLOSE, b"\x03\xed"), 1002),
    ("a Close with 1006", frame(CLOSE, b"\x03\xee"), 1002),
    ("a Close with 1015", frame(CLOSE, b"\x03\xf7"), 1002),
    ("a Close with 2999", frame(CLOSE, b"\x0b\xb7"), 1002),
    ("a Close with 5000", frame(CLOSE, b"\x13\x88"), 1002),
    ("a Close whose reason is no UTF-8", frame(CLOSE, b"\x03\xe8\xff\xfe"), 1007),
]


@pytest.fixture(scope="module")
def shared(keep, direct):
    """One wskeep for all that is bad: nobody else's connection suffers."""
    if direct:
        return None
    backend = keep(WsListener())
    backend.end = backend.close
    p = keep(Wskeep(backend.address))
    backend.answer_probe()
    bystander = Pair(p, backend)
    yield p, backend, bystander
    bystander.client.close()
    bystander.backend.close()


@pytest.mark.proxy
@pytest.mark.parametrize("raw, code", [b[1:] for b in BAD], ids=[b[0].replace(" ", "_") for b in BAD])
def test_a_bad_frame_of_a_client_is_closed_by_the_code_that_the_rfc_names(shared, raw, code):
    p, backend, bystander = shared
    before = p.ends("client").get("client_protocol", 0)
    with Pair(p, backend) as (c, b):
        c.text("good")
        c.send(raw)
        assert b.message() == (TEXT, b"good")
        assert c.closed().code == code
        c.half_close()
        c.read_to_end()
        while (f := b.next()).opcode != CLOSE:
            assert not f.fin, "the bad frame went on"
        assert int.from_bytes(f.payload[:2], "big") == 1001
    wait_until("one more end for that reason", lambda: p.ends("client").get("client_protocol", 0) == before + 1)
    bystander.client.text("still here")
    assert bystander.backend.message() == (TEXT, b"still here")
    bystander.backend.text("here too")
    assert bystander.client.message() == (TEXT, b"here too")


BAD_BACKEND = [("masked", frame(TEXT, b"x")), ("RSV1 without an extension", frame(TEXT, b"x", masked=False, rsv=4)),
               ("opcode 3", frame(3, b"x", masked=False)), ("a continuation of nothing", frame(CONT, b"x", masked=False)),
               ("a ping of 126 bytes", frame(PING, bytes(126), masked=False)),
               ("a Close with 1005", frame(CLOSE, b"\x03\xed", masked=False)), ("no WebSocket", b"HTTP/1.1 500 Oops\r\n\r\n")]


@pytest.mark.proxy
@pytest.mark.parametrize("raw", [b[1] for b in BAD_BACKEND], ids=[b[0].replace(" ", "_") for b in BAD_BACKEND])
def test_a_bad_frame_of_a_backend_is_1014_to_the_client_and_1002_to_the_backend(proxy, ws_backend, raw):
    p = proxy(ws_backend.address)
    with Pair(p, ws_backend) as (c, b):
        b.text("good")
        b.send(raw)
        assert c.message() == (TEXT, b"good")
        assert c.closed().code == 1014
        assert b.closed().code == 1002
    wait_until("the reason", lambda: p.ends("backend").get("backend_protocol") == 1)


def test_text_that_is_no_utf_8_is_the_applications_to_refuse(site):
    """Nothing is unmasked on the way: the far endpoint checks its input as it would without a proxy."""
    with ws(site.address, "/ws/echo") as c:
        c.text(b"\xff\xfe")
        assert c.closed().code == 1007


# -- control frames


@pytest.mark.parametrize("payload", [b"", b"x", bytes(range(125))], ids=len)
def test_a_clients_ping_is_answered_with_its_payload(either, payload):
    with ws(either.address, "/ws/echo") as c:
        c.frame(PING, payload)
        f = c.read_frame()
        assert (f.opcode, f.payload) == (PONG, payload)
        c.text("x")
        assert c.message() == (TEXT, b"x")
        c.goodbye()


@pytest.mark.proxy
def test_a_clients_ping_is_answered_here_and_goes_no_further(proxy, ws_backend):
    with Pair(proxy(ws_backend.address), ws_backend) as (c, b):
        c.frame(PING, b"mine")
        c.text("x")
        assert b.read_frame().opcode == TEXT
        assert c.read_frame().payload == b"mine"


@pytest.mark.proxy
@pytest.mark.parametrize("payload", [b"", b"x", bytes(range(125))], ids=len)
def test_a_backends_ping_is_answered_with_its_payload_and_goes_no_further(proxy, ws_backend, payload):
    with Pair(proxy(ws_backend.address), ws_backend) as (c, b):
        b.frame(PING, payload)
        b.text("x")
        f = b.read_frame()
        assert (f.opcode, f.payload, f.masked) == (PONG, payload, True)
        assert c.read_frame().opcode == TEXT


@pytest.mark.proxy
def test_an_unasked_pong_is_swallowed(proxy, ws_backend):
    with Pair(proxy(ws_backend.address), ws_backend) as (c, b):
        c.frame(PONG, b"unasked")
        c.text("x")
        assert b.read_frame().opcode == TEXT
        b.frame(PONG, b"unasked")
        b.text("y")
        assert c.read_frame().opcode == TEXT


def test_control_frames_between_the_fragments_of_a_message_do_not_disturb_it(proxy, ws_backend):
    with Pair(proxy(ws_backend.address), ws_backend) as (c, b):
        c.frame(TEXT, b"one ", fin=False)
        c.frame(PONG, b"")
        c.frame(CONT, b"two ", fin=False)
        c.frame(PONG, b"later")
        c.frame(CONT, b"three")
        assert b.message() == (TEXT, b"one two three")


@pytest.mark.proxy
def test_a_ping_is_answered_while_a_message_of_the_other_direction_is_under_way(proxy, ws_backend):
    """Cut-through in fragments: a pong goes between them."""
    with Pair(proxy(ws_backend.address), ws_backend) as (c, b):
        raw = frame(BINARY, numbered(1 << 20), masked=False)
        b.send(raw[:300_000])
        assert not c.next().fin
        c.frame(PING, b"now")
        while (f := c.read_frame()).opcode != PONG:
            assert f.opcode in (CONT, PING)  # wskeep asks for acks
        assert f.payload == b"now"
        b.send(raw[300_000:])
        while not c.next().fin:
            pass


@pytest.mark.proxy
def test_a_flood_of_pings_is_answered_and_costs_no_memory(proxy, ws_backend):
    """Answers are not read meanwhile: those that wait to be written make room for newer ones, wherever the kernel cut."""
    p = proxy(ws_backend.address)
    flood = b"".join(frame(PING, bytes(125 - i)) for i in range(60)) * 4
    before = None
    for _ in range(20):
        with Pair(p, ws_backend, receive_buffer=4096) as (c, b):
            for _ in range(40):
                c.send(flood)
            c.text("after")
            assert b.message() == (TEXT, b"after")
            before = before or p.rss()
            assert c.read_frame().opcode == PONG
    assert p.rss() - before < 2 << 20


def test_closing_in_the_middle_of_a_message_is_a_close(proxy, ws_backend):
    with Pair(proxy(ws_backend.address), ws_backend) as (c, b):
        c.frame(TEXT, b"begun", fin=False)
        c.close_frame(1000)
        while (f := b.next()).opcode != CLOSE:
            assert not f.fin
        assert Closed(int.from_bytes(f.payload, "big")) == Closed(1000)
