"""No secret in the log: one is sent in every place where one can stand, with everything logged that can be, in both
forms, and then the log is searched. What may hold none is logged: a path, a client's name for itself, an origin."""

import base64
import json
import os
import re
import signal
import subprocess

import pytest

from parts.clients import PythonClient
from parts.http import HttpPeer, request
from parts.process import wait_until
from parts.servers import DEFAULTS, WSKEEP, merge
from parts.ws import BINARY, CLOSE, PING, PONG, TEXT, WsPeer, accept_of, close_payload, ws

pytestmark = pytest.mark.proxy

STEM = "Zx9secret"
KEYS = [  # head fields by which credentials come
    ("Authorization", f"Bearer {STEM}"), ("Authorization", "Basic " + base64.b64encode(f"me:{STEM}".encode()).decode()),
    ("Proxy-Authorization", f"Basic {STEM}"), ("Cookie", f"session={STEM}; csrf={STEM}"), ("X-API-Key", STEM),
    ("X-Goog-Iap-Jwt-Assertion", f"{STEM}.{STEM}.{STEM}"), ("Referer", f"https://me:{STEM}@app.test/?token={STEM}"),
    ("X-Forwarded-Host", STEM), ("X-Forwarded-For", STEM), ("Forwarded", f"for={STEM}"), (STEM, STEM),
    ("tracestate", f"vendor={STEM}"), ("baggage", f"user={STEM}"),
]
TRACES = [  # as a trace, malformed
    ("traceparent", STEM), ("traceparent", f"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-{STEM}"),
    ("X-Cloud-Trace-Context", STEM), ("X-Cloud-Trace-Context", f"4bf92f3577b34da6a3ce929d0e0e4736/{STEM};o=1"),
    ("X-Cloud-Trace-Context", f"4bf92f3577b34da6a3ce929d0e0e4736/7;o={STEM}"),
]


@pytest.fixture(params=["text", "json"], autouse=True)
def form(request, monkeypatch):
    monkeypatch.setitem(DEFAULTS["log"], "format", request.param)


def must_be_silent(text):
    for shape in (STEM, STEM[::-1], base64.b64encode(f"me:{STEM}".encode()).decode(), STEM.encode().hex()):
        at = text.lower().find(shape.lower())
        assert at < 0, text[max(at - 300, 0):at + 100]


@pytest.fixture
def guarded(proxy):
    """proxy(), each of whose logs is searched at its end, and what its admin listener shows."""
    mine = []

    def start(*args, **how):
        p = proxy(*args, **how)
        mine.append(p)
        return p
    yield start
    for p in mine:
        must_be_silent(p.get("/metrics")[1])
        p.finish()
        assert len(p.events()) > 5, "nothing was logged: nothing is proven"
        must_be_silent(p.text())


# -- from clients, through to a real application


def test_of_plain_requests(guarded, apps):
    p = guarded(apps("Websockets").address)
    with HttpPeer(p.address) as c:
        for fields in [[f] for f in KEYS + TRACES]:
            assert c.ask("GET", f"/hello?token={STEM}&{STEM}", headers=fields).status == 200
        for target in (f"/hello;jsessionid={STEM}", f"http://test/hello?{STEM}", f"/status/404?code={STEM}", f"/status/500?{STEM}",
                       f"/echo?{STEM}"):
            c.ask("GET", target)
        assert STEM.encode() in c.ask("POST", "/echo", body=STEM.encode()).body
        assert c.ask("POST", "/echo", chunks=[STEM.encode()], trailers=[("X-Key", STEM)]).status == 200
    shown = {"/hello", "/status/404", "/status/500", "/echo"}
    wait_until("all of them", lambda: {e["url"] for e in p.events("http_request")} == shown)


@pytest.mark.parametrize("sent", [
    f"GET http://me:{STEM}@test/ HTTP/1.1\r\nHost: test\r\n\r\n", f"CONNECT me:{STEM}@test:443 HTTP/1.1\r\nHost: test\r\n\r\n",
    f"GET /{STEM} HTTP/1.1\r\nHost: me:{STEM}@test\r\n\r\n", f"GET /{STEM} HTTP/1.1\r\nHost: {STEM}\r\nHost: {STEM}\r\n\r\n",
    f"{STEM} {STEM}\r\n\r\n", f"GET / HTTP/1.1\r\nHost: test\r\n{STEM}\r\n\r\n", f"GET / HTTP/1.1\r\nHost: x\r\n {STEM}: {STEM}\r\n\r\n",
    f"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: {STEM}\r\n\r\n", f"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: {STEM}\r\n\r\n",
    f"GET / HTTP/1.1\r\nHost: x\r\nCookie: {STEM * 9000}\r\n\r\n", f"GET / {STEM}/1.1\r\nHost: x\r\n\r\n",
    f"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{STEM}\r\n",
    f"GET /{STEM}\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
], ids=lambda text: re.sub(r"\W+", " ", text)[:30])
def test_of_requests_that_are_refused(guarded, apps, sent):
    p = guarded(apps("Websockets").address)
    for _ in range(2):
        with HttpPeer(p.address) as c:
            c.send(sent.encode("latin-1"))
            assert c.response().status >= 400
    wait_until("a line", lambda: p.events("http_request"))


@pytest.mark.parametrize("origin", [f"https://me:{STEM}@evil.test", f"https://evil.test/?token={STEM}", f"https://evil.test#{STEM}",
                                    f"https://evil.test;{STEM}"])
def test_of_an_origin_that_is_refused(guarded, apps, origin):
    p = guarded(apps("Websockets").address, {"origins": ["https://app.test"]})
    with WsPeer(p.address) as c:
        assert c.open(f"/ws/echo?token={STEM}", [("Origin", origin), *KEYS[:6]]).status == 403
    assert p.wait_event("origin_refused")["origin"].rpartition("/")[2] in ("evil.test", "")


@pytest.mark.parametrize("worker", ["Websockets", "Wsproto"])
def test_of_sessions(guarded, apps, worker):
    p = guarded(apps(worker).address)
    headers = [("Cookie", f"session={STEM}"), ("Authorization", f"Bearer {STEM}"), ("X-API-Key", STEM), *TRACES[:1]]
    with PythonClient(f"ws://{p.address}/ws/subprotocol?token={STEM}&choose=jwt.{STEM}", extra_headers=headers,
                      subprotocols=["jwt-auth", f"jwt.{STEM}"]) as c:
        assert STEM in c.receive()
        assert c.session.subprotocol == f"jwt.{STEM}"
        assert c.end() == 1000
    with ws(p.address, f"/ws/echo?token={STEM}") as c:
        for kind in (TEXT, BINARY):
            c.frame(kind, STEM.encode())
            assert c.message() == (kind, STEM.encode())
        c.frame(PING, STEM.encode())
        c.frame(PONG, STEM.encode())
        c.frame(TEXT, STEM.encode() * 10_000)
        c.message()
        c.close_frame(4000, f"because {STEM}")
        assert c.closed().code == 4000
    for path in (f"/ws/close?code=4001&reason={STEM}", f"/ws/close?code=1011&reason={STEM}", f"/ws/crash?{STEM}"):
        with ws(p.address, path) as c:
            c.text(STEM)
            while c.next().opcode != CLOSE:
                pass
    with WsPeer(p.address) as c:
        assert c.open(f"/ws/refuse?ticket={STEM}", headers).status == 403
    with ws(p.address, f"/ws/echo?token={STEM}") as c:
        c.frame(TEXT, STEM.encode(), rsv=7)
        assert c.closed().code == 1002
    p.settled()


# -- from backends


@pytest.mark.parametrize("answer", [
    f"HTTP/1.1 401 {STEM}\r\nWWW-Authenticate: Basic realm={STEM}\r\nSet-Cookie: s={STEM}\r\nContent-Length: 9\r\n\r\n{STEM}",
    f"HTTP/1.1 302 Found\r\nLocation: /?token={STEM}\r\nContent-Length: 0\r\n\r\n",
    f"HTTP/1.1 500 {STEM}\r\nTransfer-Encoding: chunked\r\n\r\n9;{STEM}\r\n{STEM}\r\n0\r\nX: {STEM}\r\n\r\n",
    f"{STEM}\r\n\r\n", f"HTTP/1.1 200 OK\r\n{STEM}\r\n\r\n", f"HTTP/1.1 200 OK\r\nContent-Length: {STEM}\r\n\r\n",
    f"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{STEM}", f"HTTP/1.1 200 OK\r\nTransfer-Encoding: {STEM}\r\n\r\n",
    f"HTTP/1.1 101 {STEM}\r\nUpgrade: {STEM}\r\nConnection: Upgrade\r\n\r\n",
    f"HTTP/1.1 101 {STEM}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {STEM}\r\n\r\n",
], ids=lambda text: re.sub(r"\W+", " ", text)[:40])
@pytest.mark.parametrize("asked", ["http", "websocket"])
def test_of_what_a_backend_answers(guarded, ws_backend, answer, asked):
    p = guarded(ws_backend.address, {"readiness": {"wait": "300ms"}})
    with WsPeer(p.address) as c:
        if asked == "http":
            c.send(request("GET", f"/?{STEM}"))
        else:
            c.send_handshake(f"/?{STEM}")
        b = ws_backend.accept()
        b.request()
        b.send(answer.encode())
        b.half_close()
        assert c.head()
        b.close()
        c.close()
    wait_until("its line", lambda: p.events("http_request"))


def test_of_a_backend_that_is_lost_asked_again_and_refuses(guarded, ws_backend):
    p = guarded(ws_backend.address, {
        "reconnect": {"window": "10s", "notice": json.dumps({"ticket": STEM}), "state": "preamble", "preamble": 1, "never": ["ticket"]},
        "answer": {"of": {"field": "type", "values": ["ask"]}, "by": {"field": "type", "values": ["done"]}, "key": "thread_id"}})
    message = json.dumps({"type": "ask", "thread_id": STEM, "text": STEM, "token": STEM})
    headers = [("Authorization", f"Bearer {STEM}"), ("Sec-WebSocket-Protocol", f"jwt.{STEM}")]
    with WsPeer(p.address) as c:
        c.send_handshake(f"/chat?token={STEM}", headers)
        b = ws_backend.accept()
        b.serve([("Sec-WebSocket-Protocol", f"jwt.{STEM}")])
        assert c.response().status == 101
        for _ in range(2):
            c.text(message)
            b.message()
        b.close_frame(1012, STEM)
        b.close()
        again = ws_backend.accept()
        again.serve([("Sec-WebSocket-Protocol", f"jwt.{STEM}")])
        again.message()
        again.reset()
        last = ws_backend.accept()
        last.request()
        last.answer(f"401 {STEM}", [("Set-Cookie", STEM)], body=STEM.encode())
        while c.next().opcode != CLOSE:
            pass
        c.close_frame(1012, STEM)
    p.settled()
    for name in ("backend_lost", "backend_back", "reconnect_failed", "session_end"):
        p.wait_event(name)


# -- from whoever writes the conf


BAD = [
    {"backend": {"address": f"https://me:{STEM}@backend.test"}}, {"backend": {"address": f"backend.test:80/?{STEM}"}},
    {"readiness": {"http": f"ready?key={STEM}"}}, {"origins": [f"https://me:{STEM}@app.test"]},
    {"listen": {"address": f"me:{STEM}@0.0.0.0:80"}},
]


@pytest.mark.parametrize("bad", BAD, ids=lambda conf: next(iter(conf)))
def test_of_a_conf_that_is_refused(guarded, backend, bad, tmp_path):
    p = guarded(backend.address)
    with open(p.file, "w") as f:
        json.dump(merge(p.conf, bad), f)
    p.tell(signal.SIGHUP)
    e = p.wait_event("reload_failed")
    assert "***" in e["why"], "the value is not shown at all: this proves nothing"
    group, settings = next(iter(bad.items()))
    if isinstance(settings, dict):
        setting, value = next(iter(settings.items()))
        r = subprocess.run([WSKEEP], capture_output=True, text=True, timeout=10,
                           env={**os.environ, f"WSKEEP_{group}_{setting}".upper(): value})
        assert r.returncode == 2 and "***" in r.stderr
        must_be_silent(r.stdout + r.stderr)


def test_of_settings_that_may_hold_one_and_of_their_change(guarded, backend):
    first, second = ({"readiness": {"http": f"/ready?key={STEM}{n}"}, "reconnect": {"notice": json.dumps({"key": f"{STEM}{n}"})},
                      "platform": {"backend_command": f"gunicorn --env KEY={STEM}{n} app:app"}} for n in (1, 2))
    p = guarded(backend.address, first)
    p.conf = merge(p.conf, second)
    with open(p.file, "w") as f:
        json.dump(p.conf, f)
    p.tell(signal.SIGHUP)
    changed = p.wait_event("reloaded")["changed"]
    assert set(changed.split(", ")) == {"readiness.http", "reconnect.notice", "platform.backend_command"}
    backend.answer_probe("503 Service Unavailable")
    p.wait_event("backend_not_ready")
