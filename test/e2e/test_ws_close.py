"""How sessions end: a Close is relayed as it is, an end without one is told, and no message is ever half delivered."""

import json
import time
from urllib.parse import quote

import pytest

from parts.http import ask
from parts.peer import elapsed
from parts.process import wait_until
from parts.ws import BINARY, CLOSE, CONT, TEXT, Closed, Pair, closed_of, frame, numbered, ws

CODES = [(1000, ""), (1000, "bye"), (1001, "going away"), (1011, "internal"), (3000, "registered"), (4999, "ü" * 61),
         (None, "")]


def name_of(value):
    return ascii(value)[:12] if isinstance(value, str) else str(value)


def app_saw(site, name):
    return json.loads(ask(site.address, "GET", f"/ended/{name}").body)["code"]


@pytest.mark.parametrize("code, reason", CODES, ids=name_of)
def test_the_clients_close_reaches_the_backend_and_its_answer_the_client(proxy, ws_backend, code, reason):
    with Pair(proxy(ws_backend.address), ws_backend) as (c, b):
        c.close_frame(code, reason)
        assert b.closed() == Closed(code, reason)
        b.close_frame(code, reason)
        b.half_close()
        assert c.closed() == Closed(code, reason)
        assert c.end() == "EOF"
        c.half_close()
        assert b.end() == "EOF"


@pytest.mark.parametrize("code, reason", CODES + [(1008, "log in"), (1012, ""), (1013, "later"), (1014, "")], ids=name_of)
def test_the_backends_close_reaches_the_client_and_its_answer_the_backend(proxy, ws_backend, code, reason):
    with Pair(proxy(ws_backend.address), ws_backend) as (c, b):
        b.close_frame(code, reason)
        assert c.closed() == Closed(code, reason)
        c.close_frame(code, reason)
        assert b.closed() == Closed(code, reason)
        b.half_close()
        assert c.end() == "EOF"


@pytest.mark.parametrize("code, reason", [c for c in CODES if c[0] and c[0] != 1001], ids=name_of)
def test_the_applications_close_reaches_the_client(either, code, reason):
    with ws(either.address, f"/ws/close?code={code}&reason={quote(reason)}") as c:
        assert c.message() == (TEXT, b"before the end")
        assert c.closed() == Closed(code, reason)
        c.close_frame(code, reason)
        assert c.end() in ("EOF", "reset")


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
def test_the_application_sees_the_clients_code(either, worker, code):
    name = f"{worker}-{code}"
    with ws(either.address, f"/ws/echo?name={name}") as c:
        c.text("x")
        c.message()
        assert c.goodbye(code, "done").code == code
    assert app_saw(either, name) == code


def test_another_code_in_the_answer_is_relayed_as_it_is(proxy, ws_backend):
    with Pair(proxy(ws_backend.address), ws_backend) as (c, b):
        c.close_frame(3001, "mine")
        assert b.closed() == Closed(3001, "mine")
        b.close_frame(3002, "yours")
        b.half_close()
        assert c.closed() == Closed(3002, "yours")


def test_messages_before_a_close_arrive_before_it(proxy, ws_backend):
    with Pair(proxy(ws_backend.address), ws_backend) as (c, b):
        n = 200
        b.send(b"".join(frame(TEXT, b"%d" % i, masked=False) for i in range(n)) + frame(CLOSE, b"\x03\xe8", masked=False))
        c.send(b"".join(frame(TEXT, b"%d" % i) for i in range(n)))
        assert [c.message()[1] for _ in range(n)] == [b"%d" % i for i in range(n)]
        assert c.closed() == Closed(1000)


@pytest.mark.proxy
def test_the_tcp_end_follows_the_close_exchange_at_once(proxy, ws_backend):
    """Chromium waits for it. The backend here does not end its own connection, and the client waits all the same."""
    with Pair(proxy(ws_backend.address, {"timeouts": {"close": "10s"}}), ws_backend) as (c, b):
        c.close_frame(1000)
        b.closed()
        b.close_frame(1000)
        began = time.monotonic()
        assert c.closed() == Closed(1000)
        assert c.end() == "EOF"
        assert elapsed(began) < 2


@pytest.mark.proxy
def test_a_backend_that_does_not_answer_a_close_is_not_waited_for_longer_than_timeouts_close(proxy, ws_backend):
    with Pair(proxy(ws_backend.address, {"timeouts": {"close": "1s"}}), ws_backend) as (c, b):
        c.close_frame(1000)
        b.closed()
        began = time.monotonic()
        c.read_to_end()
        assert elapsed(began) < 4
        assert b.end() in ("EOF", "reset")


@pytest.mark.proxy
def test_a_client_that_does_not_answer_a_close_is_not_waited_for_longer_than_timeouts_close(proxy, ws_backend):
    with Pair(proxy(ws_backend.address, {"timeouts": {"close": "1s"}}), ws_backend) as (c, b):
        b.close_frame(1000)
        c.closed()
        began = time.monotonic()
        assert c.end() in ("EOF", "reset")
        assert elapsed(began) < 4
        b.read_to_end()


# -- ends without a Close


@pytest.mark.proxy
@pytest.mark.parametrize("how, reason", [("close", "backend_eof"), ("half_close", "backend_eof"), ("reset", "backend_reset")])
def test_a_backend_that_ends_without_a_close_is_1012_to_the_client(proxy, ws_backend, how, reason):
    p = proxy(ws_backend.address)
    with Pair(p, ws_backend) as (c, b):
        b.text("the last word")
        assert c.message() == (TEXT, b"the last word")
        getattr(b, how)()
        assert c.closed().code == 1012
        c.close_frame(1012)
        assert c.end() == "EOF"
    wait_until("the reason", lambda: p.ends("backend").get(reason) == 1)


@pytest.mark.proxy
def test_what_the_backend_said_before_its_end_arrives_before_the_1012(proxy, ws_backend):
    with Pair(proxy(ws_backend.address), ws_backend) as (c, b):
        b.send(b"".join(frame(TEXT, numbered(1000), masked=False) for _ in range(500)))
        b.close()
        for _ in range(500):
            assert c.message() == (TEXT, numbered(1000))
        assert c.closed().code == 1012


@pytest.mark.proxy
@pytest.mark.parametrize("how, reason", [("close", "client_eof"), ("half_close", "client_eof"), ("reset", "client_reset")])
def test_a_client_that_ends_without_a_close_is_1001_to_the_backend(proxy, ws_backend, how, reason):
    p = proxy(ws_backend.address)
    with Pair(p, ws_backend) as (c, b):
        c.text("the last word")
        assert b.message() == (TEXT, b"the last word")
        getattr(c, how)()
        assert b.closed().code == 1001
    wait_until("the reason", lambda: p.ends("client").get(reason) == 1)


@pytest.mark.proxy
def test_the_application_sees_1001_when_the_client_is_gone(either, worker):
    name = f"gone-{worker}"
    with ws(either.address, f"/ws/echo?name={name}") as c:
        c.text("x")
        c.message()
    assert app_saw(either, name) == 1001


@pytest.mark.proxy
def test_an_application_that_crashes_is_1012_to_the_client(proxy, apps, worker):
    with ws(proxy(apps(worker).address, {"reconnect": {"window": "0"}}).address, "/ws/crash") as c:
        c.text("now")
        assert c.closed().code == 1012


# -- ends in the middle of a message


def frames_until_close(peer):
    """(data frames, Close)."""
    frames = []
    while (f := peer.next()).opcode != CLOSE:
        frames.append(f)
    return frames, closed_of(f.payload)


def damaged(frames, body):
    """What the receiver was made to believe of a message that never came to its end."""
    assert not any(f.fin for f in frames), "it was completed"
    assert [f.opcode for f in frames] == ([BINARY] + [CONT] * (len(frames) - 1) if frames else [])
    assert body.startswith(b"".join(f.payload for f in frames))


@pytest.mark.proxy
@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("size", [30 << 10, 1 << 20], ids=["30KiB", "1MiB"])
@pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
def test_a_backend_that_dies_in_a_message_is_1012_and_the_message_never_whole(proxy, ws_backend, size, share, how):
    body = numbered(size)
    raw = frame(BINARY, body, masked=False)
    with Pair(proxy(ws_backend.address), ws_backend) as (c, b):
        b.text("whole")
        b.send(raw[:int(len(raw) * share)])
        assert c.message() == (TEXT, b"whole")
        getattr(b, how)()
        frames, close = frames_until_close(c)
        damaged(frames, body)
        if size < 65536:
            assert frames == [], "a short message is held until it is whole"
        assert close.code == 1012


@pytest.mark.proxy
@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("size", [30 << 10, 1 << 20], ids=["30KiB", "1MiB"])
@pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
def test_a_client_that_dies_in_a_message_is_1001_and_the_message_never_whole(proxy, ws_backend, size, share, how):
    body = numbered(size)
    raw = frame(BINARY, body)
    with Pair(proxy(ws_backend.address), ws_backend) as (c, b):
        c.text("whole")
        c.send(raw[:int(len(raw) * share)])
        assert b.message() == (TEXT, b"whole")
        getattr(c, how)()
        frames, close = frames_until_close(b)
        damaged(frames, body)
        if size < 65536:
            assert frames == []
        assert close.code == 1001


@pytest.mark.proxy
@pytest.mark.parametrize("ending", ["client", "backend"])
def test_a_source_that_dies_between_the_fragments_of_a_message(proxy, ws_backend, ending):
    body = numbered(3000)
    with Pair(proxy(ws_backend.address), ws_backend) as (c, b):
        source, sink, code = (c, b, 1001) if ending == "client" else (b, c, 1012)
        source.frame(BINARY, body[:1000], fin=False)
        source.frame(CONT, body[1000:2000], fin=False)
        source.close()
        frames, close = frames_until_close(sink)
        damaged(frames, body)
        assert close.code == code


@pytest.mark.proxy
def test_a_message_that_never_ended_is_counted_lost(proxy, ws_backend):
    p = proxy(ws_backend.address)
    with Pair(p, ws_backend) as (c, b):
        b.send(frame(BINARY, numbered(1 << 20), masked=False)[:500_000])
        assert not c.next().fin
        b.close()
        frames_until_close(c)
        c.close_frame(1012)
    m = p.settled()
    assert m['wskeep_messages_total{direction="down",outcome="accepted"}'] == 1
    assert m['wskeep_messages_total{direction="down",outcome="lost"}'] == 1
