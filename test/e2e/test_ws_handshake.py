"""The handshake: the backend's answer is the client's, whatever it is; what is no handshake is refused as RFC 6455 says."""

import json
import time

import pytest

from parts.http import HttpPeer, ask, request
from parts.peer import elapsed, free_port
from parts.servers import Wskeep
from parts.ws import KEY, TEXT, Pair, WsListener, WsPeer, accept_of, frame, ws

HANDSHAKE = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Key", KEY)]


def test_the_answer_is_a_101_with_the_clients_own_accept(either):
    with ws(either.address, "/ws/echo") as c:
        m = c.answer_head
        assert m.status == 101
        assert m.get("sec-websocket-accept") == accept_of(KEY)
        assert (m.get("upgrade").lower(), m.get("connection").lower()) == ("websocket", "upgrade")
        assert m.all("sec-websocket-protocol") == m.all("sec-websocket-extensions") == []
        c.goodbye()


@pytest.mark.parametrize("choose", ["chat", "jwt.eyJhbGciOi", ""])
def test_the_subprotocol_is_the_applications_choice(either, choose):
    with ws(either.address, f"/ws/subprotocol?choose={choose}",
            [("Sec-WebSocket-Protocol", "jwt-auth, jwt.eyJhbGciOi, chat")]) as c:
        assert c.answer_head.get("sec-websocket-protocol") == (choose or None)
        assert json.loads(c.message()[1]) == {"offered": ["jwt-auth", "jwt.eyJhbGciOi", "chat"]}
        c.goodbye()


def test_fields_of_the_handshake_arrive_and_so_do_those_of_its_answer(either):
    with ws(either.address, "/ws/headers?token=a%20b", [
            ("Cookie", "session=1"), ("Origin", "https://app.example"), ("Authorization", "Bearer t"), ("X-Mine", "1")],
            ) as c:
        assert c.answer_head.get("x-from-the-app") == "yes"
        seen = dict(json.loads(c.message()[1]))
        assert (seen["host"], seen["cookie"], seen["origin"], seen["authorization"], seen["x-mine"]) == (
            "test", "session=1", "https://app.example", "Bearer t", "1")
        assert seen["sec-websocket-version"] == "13"
        c.goodbye()


@pytest.mark.proxy
def test_the_handshake_is_forwarded_with_the_clients_address_and_key(proxy, ws_backend):
    pair = Pair(proxy(ws_backend.address), ws_backend, headers=[("X-Forwarded-For", "1.2.3.4")])
    with pair:
        m = pair.request
        assert m.get("x-forwarded-for") == "1.2.3.4, 127.0.0.1"
        assert (m.get("x-forwarded-proto"), m.get("host")) == ("http", "test")
        assert m.get("sec-websocket-key") == KEY
        assert (m.get("upgrade").lower(), m.get("connection").lower()) == ("websocket", "upgrade")


@pytest.mark.parametrize("upgrade, connection", [("WebSocket", "keep-alive, Upgrade"), ("websocket", "UPGRADE")])
def test_case_and_company_do_not_matter(site, upgrade, connection):
    with WsPeer(site.address) as c:
        c.send(request("GET", "/ws/echo", [("Upgrade", upgrade), ("Connection", connection), ("Sec-WebSocket-Key", KEY),
                                           ("Sec-WebSocket-Version", "13")]))
        assert c.response().status == 101
        c.text("x")
        assert c.message() == (TEXT, b"x")
        c.goodbye()


def test_what_the_backend_sends_right_behind_its_101_arrives(proxy, ws_backend):
    p = proxy(ws_backend.address)
    with WsPeer(p.address) as c:
        c.send_handshake()
        b = ws_backend.accept()
        b.head()
        b.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               b"Sec-WebSocket-Accept: " + accept_of(KEY).encode() + b"\r\n\r\n" + frame(TEXT, b"welcome", masked=False))
        assert c.response().status == 101
        assert c.message() == (TEXT, b"welcome")


# -- refusals


def test_the_applications_refusal_is_a_403(either):
    with WsPeer(either.address) as c:
        answer = c.open("/ws/refuse")
        assert (answer.status, answer.body) == (403, b"")


def test_no_route_is_refused_too(either):
    with WsPeer(either.address) as c:
        assert c.open("/ws/nowhere").status == 403


@pytest.mark.parametrize("status", ["401 Unauthorized", "404 Not Found", "302 Found", "200 OK", "503 Service Unavailable"])
def test_any_answer_but_a_101_is_relayed_with_its_body(proxy, ws_backend, status):
    p = proxy(ws_backend.address)
    with WsPeer(p.address) as c:
        c.send_handshake("/ws?token=old")
        b = ws_backend.accept()
        assert b.head().target == "/ws?token=old"
        b.answer(status, [("WWW-Authenticate", "Bearer"), ("Location", "/elsewhere")], b"why not")
        answer = c.response()
        assert answer.start.split(" ", 1)[1] == status
        assert (answer.body, answer.get("www-authenticate"), answer.get("location")) == (b"why not", "Bearer", "/elsewhere")


@pytest.mark.proxy
def test_a_refused_handshake_leaves_the_clients_connection_for_the_next_request(proxy, ws_backend):
    p = proxy(ws_backend.address)
    with WsPeer(p.address) as c:
        c.send_handshake()
        b = ws_backend.accept()
        b.head()
        b.answer("401 Unauthorized", body=b"no")
        assert c.response().status == 401
        c.send_handshake("/again")
        b = b if not b.silent_for(0.3) else ws_backend.accept()
        assert b.serve().target == "/again"
        assert c.response().status == 101


@pytest.mark.parametrize("chosen", ["b", "A", "", "a, b"])
def test_a_subprotocol_that_was_not_offered_is_for_the_client_to_judge(proxy, ws_backend, chosen):
    pair = Pair(proxy(ws_backend.address), ws_backend, headers=[("Sec-WebSocket-Protocol", "a")],
                answer=[("Sec-WebSocket-Protocol", chosen)])
    with pair as (c, b):
        assert pair.answer.get("sec-websocket-protocol") == chosen
        c.text("an echo")
        assert b.message() == (TEXT, b"an echo")


@pytest.mark.proxy
@pytest.mark.parametrize("lines, why", [
    (["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: " + accept_of("x")], "another key's Accept"),
    (["Upgrade: websocket", "Connection: Upgrade"], "no Accept"),
    (["Connection: Upgrade", "Sec-WebSocket-Accept: " + accept_of(KEY)], "no Upgrade"),
    (["Upgrade: websocket", "Sec-WebSocket-Accept: " + accept_of(KEY)], "no Connection"),
    (["Upgrade: h2c", "Connection: Upgrade", "Sec-WebSocket-Accept: " + accept_of(KEY)], "another protocol"),
    (["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: " + accept_of(KEY),
      "Sec-WebSocket-Extensions: permessage-deflate"], "an extension that was not offered"),
])
def test_a_101_that_does_not_answer_the_handshake_is_502(proxy, ws_backend, lines, why):
    p = proxy(ws_backend.address)
    with WsPeer(p.address) as c:
        c.send_handshake()
        b = ws_backend.accept()
        b.head()
        b.send(("\r\n".join(["HTTP/1.1 101 Switching Protocols", *lines]) + "\r\n\r\n").encode())
        assert c.response().status == 502, why
        assert b.end() in ("EOF", "reset")


@pytest.mark.proxy
def test_no_backend_is_503_for_a_handshake_too(proxy):
    nobody = free_port()
    p = proxy("127.0.0.1:%d" % nobody.getsockname()[1], {"readiness": {"wait": "300ms"}})
    with WsPeer(p.address) as c:
        answer = c.open()
        assert (answer.status, answer.get("retry-after")) == (503, "1")
    nobody.close()


@pytest.mark.proxy
def test_a_backend_that_ends_without_an_answer_is_tried_again_and_then_503(proxy, ws_backend):
    p = proxy(ws_backend.address, {"readiness": {"wait": "350ms", "interval": "250ms"}})
    with WsPeer(p.address) as c:
        c.send_handshake()
        for _ in range(2):
            b = ws_backend.accept()
            b.head()
            b.close()
        answer = c.response()
        assert (answer.status, answer.get("retry-after")) == (503, "1")


@pytest.mark.proxy
def test_a_backend_that_does_not_answer_a_handshake_in_time_is_503(proxy, ws_backend):
    p = proxy(ws_backend.address, {"backend": {"handshake_timeout": "300ms"}, "readiness": {"wait": "300ms"}})
    with WsPeer(p.address) as c:
        began = time.monotonic()
        c.send_handshake()
        b = ws_backend.accept()
        b.head()
        assert c.response().status == 503
        assert elapsed(began) < 3
        assert b.end() in ("EOF", "reset")


@pytest.mark.proxy
@pytest.mark.parametrize("version", ["8", "0", "14", "x", None])
def test_another_version_is_426_and_told_which_one_is_spoken(proxy, ws_backend, version):
    p = proxy(ws_backend.address)
    fields = HANDSHAKE + ([("Sec-WebSocket-Version", version)] if version else [])
    answer = ask(p.address, "GET", "/", headers=fields)
    assert (answer.status, answer.get("sec-websocket-version")) == (426, "13")
    assert ws_backend.quiet_for(0)


@pytest.mark.proxy
def test_bytes_right_behind_the_handshake_are_400(proxy, ws_backend):
    p = proxy(ws_backend.address)
    with WsPeer(p.address) as c:
        c.send(request("GET", "/", HANDSHAKE + [("Sec-WebSocket-Version", "13")]) + frame(TEXT, b"too soon"))
        assert c.response().status == 400
        assert c.end() == "EOF"


@pytest.mark.proxy
def test_bytes_sent_before_the_101_are_400(proxy, ws_backend):
    p = proxy(ws_backend.address)
    with WsPeer(p.address) as c:
        c.send_handshake()
        b = ws_backend.accept()
        b.head()
        c.text("too soon")
        assert c.response().status == 400
        assert b.end() in ("EOF", "reset")


@pytest.mark.proxy
def test_a_client_that_leaves_before_the_101_ends_the_backends_connection(proxy, ws_backend):
    p = proxy(ws_backend.address)
    with WsPeer(p.address) as c:
        c.send_handshake()
        b = ws_backend.accept()
        b.head()
    assert b.end() in ("EOF", "reset")


@pytest.mark.proxy
@pytest.mark.parametrize("how", ["listen", "backend"])
def test_unix_sockets_serve_on_either_side(proxy, parts, tmp_path, how):
    path = str(tmp_path / "s")
    backend = parts(WsListener(path if how == "backend" else None))
    p = proxy(backend.address, {"listen": {"address": "unix:" + path}} if how == "listen" else None)
    with Pair(p, backend) as (c, b):
        c.text("x")
        assert b.message() == (TEXT, b"x")
        b.text("y")
        assert c.message() == (TEXT, b"y")
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/"))
        b = backend.accept()
        b.request()
        b.answer(body=b"z")
        assert c.response().body == b"z"
