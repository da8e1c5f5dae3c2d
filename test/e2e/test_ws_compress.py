"""permessage-deflate is negotiated end to end, and compressed messages pass as they are."""

import random
import zlib

import pytest

from parts.clients import NodeClient, NodeServer, PythonClient
from parts.servers import Direct, Wskeep
from parts.ws import BINARY, TEXT, Pair, numbered, ws

NOISE = random.Random(1).randbytes
BODIES = {"empty": b"", "one": b"x", "small": numbered(1000), "repeats": numbered(1 << 20), "noise": NOISE(1 << 20),
          "noise-64KiB": NOISE(65536), "16MiB": bytes(16 << 20)}


def deflate(data, window=15):
    z = zlib.compressobj(wbits=-window)
    out = z.compress(data) + z.flush(zlib.Z_SYNC_FLUSH)
    return out[:-4]


def inflate(data):
    return zlib.decompressobj(wbits=-15).decompress(data + b"\0\0\xff\xff")


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_compressed_message_comes_back_from_the_application(either, body):
    with PythonClient(f"ws://{either.address}/ws/echo", compression="deflate", max_size=None) as c:
        assert c.session.extensions, "no compression was negotiated"
        for _ in range(2):
            assert c.echo(body) == body
        assert c.end() == 1000


@pytest.mark.parametrize("body", list(BODIES.values())[:5], ids=list(BODIES)[:5])
def test_an_uncompressed_message_goes_beside_it(either, body):
    with PythonClient(f"ws://{either.address}/ws/echo", compression=None, max_size=None) as c:
        assert not c.session.extensions
        assert c.echo(body) == body


@pytest.fixture(scope="module", params=[True, {"threshold": 0, "serverNoContextTakeover": True, "serverMaxWindowBits": 10}],
                ids=["default", "no_context_takeover"])
def node_server(keep, direct, request):
    server = keep(NodeServer(request.param))
    return keep(Direct(server.address) if direct else Wskeep(server.address))


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_compressed_message_comes_back_from_a_node_server(node_server, body):
    with PythonClient(f"ws://{node_server.address}/", compression="deflate", max_size=None) as c:
        assert c.session.extensions
        for _ in range(2):
            assert c.echo(body) == body


def test_nodes_client_and_server_talk_compressed(node_server, parts):
    c = parts(NodeClient())
    opened = c.open(f"ws://{node_server.address}/", perMessageDeflate={"threshold": 0})
    assert "permessage-deflate" in opened["extensions"]
    for body in (b"", b"x", numbered(70_000), NOISE(200_000)):
        c.command(send=body.decode("latin-1"), binary=True)
        e = c.event("message")
        assert (e["binary"], e["message"].encode("latin-1")) == (True, body)
    c.command(send="text ü")
    assert c.event("message")["message"].encode("latin-1").decode() == "text ü"
    c.command(close=4000, reason="done")
    assert c.event("close") == {"close": 4000, "reason": "done"}


# -- the negotiation


def offered(proxy, ws_backend, offer, answer=()):
    """(what the backend was offered, what the client was told)."""
    pair = Pair(proxy(ws_backend.address), ws_backend, headers=[("Sec-WebSocket-Extensions", o) for o in offer],
                answer=[("Sec-WebSocket-Extensions", a) for a in answer])
    with pair:
        return pair.request.get("sec-websocket-extensions"), pair.answer.get("sec-websocket-extensions")


def parameters(value):
    """One extension as (name, {parameter: value})."""
    name, *rest = [p.strip() for p in value.split(";")]
    return name, dict((p.split("=") + [None])[:2] for p in rest)


@pytest.mark.proxy
def test_the_client_side_context_is_never_taken_over(proxy, ws_backend):
    up, down = offered(proxy, ws_backend, ["permessage-deflate; client_max_window_bits"], ["permessage-deflate"])
    name, params = parameters(up)
    assert name == "permessage-deflate" and params.pop("client_no_context_takeover", 0) is None
    assert params == {"client_max_window_bits": None}
    name, params = parameters(down)
    assert name == "permessage-deflate" and params == {"client_no_context_takeover": None}


@pytest.mark.proxy
def test_every_other_extension_is_stripped(proxy, ws_backend):
    up, down = offered(proxy, ws_backend, ["x-mux; a=1, permessage-deflate", "permessage-bzip2"])
    assert up.startswith("permessage-deflate") and "mux" not in up and "bzip2" not in up
    assert down is None
    up, down = offered(proxy, ws_backend, ["x-mux"])
    assert (up, down) == (None, None)


@pytest.mark.proxy
def test_window_bits_reach_the_client_as_agreed(proxy, ws_backend):
    answer = ("permessage-deflate; client_no_context_takeover; server_no_context_takeover; server_max_window_bits=10; "
              "client_max_window_bits=12")
    _, down = offered(proxy, ws_backend, ["permessage-deflate; client_max_window_bits; server_max_window_bits=10"], [answer])
    assert parameters(down) == parameters(answer)


@pytest.mark.proxy
def test_compressed_frames_pass_untouched_and_cut_into_fragments_only_past_64_kib(proxy, ws_backend):
    pair = Pair(proxy(ws_backend.address), ws_backend, headers=[("Sec-WebSocket-Extensions", "permessage-deflate")],
                answer=[("Sec-WebSocket-Extensions", "permessage-deflate; client_no_context_takeover")])
    with pair as (c, b):
        for body in (numbered(5000), NOISE(60_000), NOISE(300_000)):
            for sink, source in ((b, c), (c, b)):
                raw = deflate(body)
                source.frame(BINARY, raw, rsv=4)
                assert sink.message() == (BINARY, raw)
                assert sink.first_rsv == 4, "RSV1 on the first fragment, and only there"
                assert inflate(raw) == body
                source.frame(TEXT, b"plain")
                assert sink.message() == (TEXT, b"plain") and sink.first_rsv == 0


def test_a_client_that_offers_nothing_gets_nothing(either):
    with ws(either.address, "/ws/echo") as c:
        assert c.answer_head.get("sec-websocket-extensions") is None
        c.goodbye()
