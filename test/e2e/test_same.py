"""The differential: the same client does the same things with and without wskeep, and both sides see the same."""

import json

import pytest

from parts.http import HttpPeer, ask, request
from parts.ws import BINARY, CLOSE, TEXT, WsPeer, frame, numbered

pytestmark = pytest.mark.proxy

OURS = {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "connection", "(client)", "keep-alive"}

REQUESTS = {
    "hello": request("GET", "/hello"),
    "a query": request("GET", "/headers?a=b&c=%20d", [("X-One", "1"), ("X-One", "2"), ("Accept-Encoding", "gzip")]),
    "HEAD": request("HEAD", "/bytes?n=10&length=1"),
    "a length": request("POST", "/echo", body=numbered(10_000)),
    "chunks": request("POST", "/echo", chunks=[b"a", b"bc", numbered(70_000)]),
    "no body": request("POST", "/echo", body=b""),
    "a stream": request("GET", "/bytes?n=100000"),
    "204": request("GET", "/status/204"),
    "304": request("GET", "/status/304"),
    "404": request("GET", "/nowhere"),
    "405": request("PATCH", "/hello"),
    "500": request("GET", "/status/500"),
    "early": request("POST", "/early", body=b"x" * 10),
}


def answers(address, raw):
    with HttpPeer(address) as c:
        c.send(raw)
        m = c.response("HEAD" if raw.startswith(b"HEAD") else "GET")
    body = m.body
    if m.get("content-type") == "application/json":
        body = sorted(f for f in map(tuple, json.loads(body)) if f[0] not in OURS | {"accept"})
    headers = sorted(h for h in m.headers if h[0] not in OURS | {"date"})
    if isinstance(body, list):
        headers = [h for h in headers if h[0] != "content-length"]
    return m.start, headers, m.framing, body


@pytest.mark.parametrize("raw", REQUESTS.values(), ids=[n.replace(" ", "_") for n in REQUESTS])
def test_an_answer_is_the_same_with_and_without(apps, sites, raw):
    assert answers(sites("Websockets").address, raw) == answers(apps("Websockets").address, raw)


def session(address, path, headers, script, name):
    """What the client saw of a whole session, and the code that the application saw. The script: bytes to send, or how
    many messages to await."""
    seen = []
    with WsPeer(address) as c:
        answer = c.open(path, headers)
        fields = sorted((n, v.lower()) for n, v in answer.headers if n not in OURS | {"date"})
        seen.append((answer.start, fields, answer.body))
        for step in script:
            if isinstance(step, bytes):
                c.send(step)
            else:
                seen += [c.message() for _ in range(step)]
        if answer.status == 101:
            seen.append(c.closed())
    if name:
        seen.append(json.loads(ask(address, "GET", f"/ended/{name}").body))
    return seen


CLOSING = frame(CLOSE, b"\x0f\xa0bye")
SESSIONS = {
    "an echo": ("/ws/echo", [], [frame(TEXT, b"one"), frame(BINARY, numbered(70_000)), frame(TEXT, b""), 3, CLOSING]),
    "fragments": ("/ws/echo", [], [frame(TEXT, b"one", fin=False), frame(0, b"two"), 1, CLOSING]),
    "a Close without a status": ("/ws/echo", [], [frame(CLOSE, b"")]),
    "a subprotocol": ("/ws/subprotocol?choose=b", [("Sec-WebSocket-Protocol", "a, b")], [1, CLOSING]),
    "a refusal": ("/ws/refuse", [], []),
    "no route": ("/ws/nowhere", [], []),
    "the application's Close": ("/ws/close?code=4001&reason=no", [], [1]),
    "a push": ("/ws/push?n=20&size=5000", [], [20, CLOSING]),
    "counts": ("/ws/count", [], [frame(TEXT, numbered(n)) for n in (0, 125, 126, 65535, 65536)] + [5, CLOSING]),
}


@pytest.mark.parametrize("what", SESSIONS, ids=[n.replace(" ", "_") for n in SESSIONS])
def test_a_session_is_the_same_with_and_without(apps, sites, worker, what):
    path, headers, script = SESSIONS[what]
    seen = []
    for how, address in (("with", sites(worker).address), ("without", apps(worker).address)):
        name = f"same-{how}" if path in ("/ws/echo", "/ws/count") else ""
        name = name and f"{name}-{worker}-{what.replace(' ', '-')}"
        where = f"{path}?name={name}" if name else path
        seen.append(session(address, where, headers, script, name))
    assert seen[0] == seen[1]
