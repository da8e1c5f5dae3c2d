"""Heads are rebuilt: what must go on goes on, what is between two neighbours stays there (DESIGN, Protocol)."""

import json

import pytest

from parts.http import HttpPeer, ask, request
from parts.ws import KEY


def seen(proxy, backend, raw, conf=None):
    """What the backend sees of this request."""
    p = proxy(backend.address, conf)
    with HttpPeer(p.address) as c:
        c.send(raw)
        b = backend.accept()
        m = b.request()
        b.answer(body=b"ok")
        assert c.response().body == b"ok"
    return m


def test_the_request_line_and_the_fields_of_the_client_arrive(proxy, backend):
    fields = [("X-One", "1"), ("Cookie", "a=b; c=d"), ("Authorization", "Bearer t"), ("Accept", "text/*;q=0.5"),
              ("X-Twice", "1"), ("X-Twice", "2"), ("X-Empty", ""), ("X-Latin", "\xe9t\xe9"), ("User-Agent", "test")]
    m = seen(proxy, backend, request("GET", "/a%20b/../c?x=1&y=%2F&z", fields, host="name:8443"))
    assert m.start == "GET /a%20b/../c?x=1&y=%2F&z HTTP/1.1"
    assert m.get("host") == "name:8443"
    for name in dict(fields):
        assert m.all(name.lower()) == [v for n, v in fields if n == name]


@pytest.mark.parametrize("method", ["QUERY", "VERSION-CONTROL", "x_own!", "get"])
def test_a_method_of_anyones_own_arrives(proxy, backend, method):
    m = seen(proxy, backend, request(method, "/", body=b"abc"))
    assert (m.method, m.body) == (method, b"abc")


@pytest.mark.parametrize("target", ["/caf\xc3\xa9?q=\xff", "//a;b//?", "/%zz%00", '/"{|}\\^`<>', "/?" + "a=b&" * 15000])
def test_an_odd_target_arrives_as_it_is(proxy, backend, target):
    assert seen(proxy, backend, request("GET", target)).target == target


def test_order_and_spelling_of_all_fields_are_kept(proxy, backend):
    """Those that are written anew too: framing and Host."""
    def names(head):
        return [line.split(b":")[0] for line in head.split(b"\r\n")[1:-2]]

    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send(b"POST / HTTP/1.1\r\nX-A: 1\r\ncontent-length: 1\r\nhOST: test\r\nx-a: 2\r\n\r\nb")
        b = backend.accept()
        head = b.read_until(b"\r\n\r\n")
        assert names(head)[:4] == [b"X-A", b"content-length", b"hOST", b"x-a"]
        b.send(b"HTTP/1.1 200 Fine\r\ndate: 1\r\ntransfer-encoding: chunked\r\nX-B: 2\r\n\r\n0\r\n\r\n")
        assert names(c.read_until(b"\r\n\r\n")) == [b"date", b"transfer-encoding", b"X-B"]


@pytest.mark.parametrize("length", [[], [("Content-Length", "0")]])
def test_a_204_may_tell_the_length_of_nothing(proxy, backend, length):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send(request("DELETE", "/"))
        b = backend.accept()
        b.request()
        b.send(("HTTP/1.1 204 No Content\r\n" + "".join(f"{n}: {v}\r\n" for n, v in length) + "\r\n").encode())
        assert c.response().all("content-length") == [v for _, v in length]


@pytest.mark.proxy
def test_the_client_is_told_of_in_x_forwarded_fields(proxy, backend):
    m = seen(proxy, backend, request("GET", "/", host="name"))
    assert (m.get("x-forwarded-for"), m.get("x-forwarded-proto"), m.get("x-forwarded-host")) == (
        "127.0.0.1", "http", "name")
    assert m.get("forwarded") is None, "Forwarded is never begun"


@pytest.mark.proxy
def test_x_forwarded_for_is_appended_to_in_one_line(proxy, backend):
    m = seen(proxy, backend, request("GET", "/", [("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-For", "5.6.7.8")]))
    assert m.get("x-forwarded-for") == "1.2.3.4, 5.6.7.8, 127.0.0.1"


@pytest.mark.proxy
def test_forwarded_is_appended_to_where_present(proxy, backend):
    m = seen(proxy, backend, request("GET", "/", [("Forwarded", "for=1.2.3.4;proto=https")]))
    assert m.get("forwarded").replace(" ", "") == "for=1.2.3.4;proto=https,for=127.0.0.1"


@pytest.mark.proxy
def test_what_a_trusted_balancer_says_of_proto_and_host_is_kept(proxy, backend):
    m = seen(proxy, backend, request("GET", "/", [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "public")]))
    assert (m.get("x-forwarded-proto"), m.get("x-forwarded-host")) == ("https", "public")


@pytest.mark.proxy
def test_what_a_stranger_says_of_proto_and_host_is_not_kept(proxy, backend):
    raw = request("GET", "/", [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil")], host="name")
    m = seen(proxy, backend, raw, {"listen": {"trusted": ["10.0.0.0/8"]}})
    assert (m.get("x-forwarded-proto"), m.get("x-forwarded-host")) == ("http", "name")


@pytest.mark.proxy
def test_hop_by_hop_fields_of_a_request_stay_here(proxy, backend):
    raw = request("GET", "/", [("Connection", "keep-alive, X-Mine"), ("X-Mine", "1"), ("Keep-Alive", "timeout=5"),
                               ("Proxy-Connection", "keep-alive"), ("TE", "trailers"), ("Proxy-Authorization", "x"),
                               ("X-Stays", "1")])
    m = seen(proxy, backend, raw)
    for name in ("x-mine", "keep-alive", "proxy-connection", "upgrade"):
        assert m.all(name) == [], name
    assert m.get("x-stays") == "1"


@pytest.mark.proxy
def test_hop_by_hop_fields_of_an_answer_stay_here(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/"))
        b = backend.accept()
        b.request()
        b.answer(headers=[("Connection", "X-Mine, close"), ("X-Mine", "1"), ("Keep-Alive", "timeout=5"), ("X-Stays", "1"),
                          ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")], body=b"ok")
        m = c.response()
        assert (m.all("x-mine"), m.all("keep-alive"), m.get("x-stays")) == ([], [], "1")
        assert m.all("set-cookie") == ["a=1", "b=2"], "fields of one name are not joined"
        c.send(request("GET", "/"))  # the backend's close is not the client's
        b = backend.accept()
        b.request()
        b.answer(body=b"again")
        assert c.response().body == b"again"


@pytest.mark.proxy
@pytest.mark.parametrize("fields, why", [
    ([("Upgrade", "h2c"), ("Connection", "Upgrade, HTTP2-Settings"), ("HTTP2-Settings", "AAMAAABkAAQ")], "h2c"),
    ([("Upgrade", "websocket"), ("Connection", "Upgrade")], "no key: some balancers add these to every request"),
    ([("Upgrade", "websocket"), ("Connection", "close"), ("Sec-WebSocket-Key", KEY), ("Sec-WebSocket-Version", "13")],
     "Connection does not name it"),
    ([("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Key", "short"),
      ("Sec-WebSocket-Version", "13")], "no valid key"),
])
def test_an_upgrade_that_is_no_websocket_handshake_goes_on_as_a_plain_request(proxy, backend, fields, why):
    m = seen(proxy, backend, request("GET", "/plain", fields))
    assert (m.target, m.all("upgrade")) == ("/plain", []), why
    assert "upgrade" not in (m.get("connection") or "").lower(), why


@pytest.mark.proxy
def test_a_post_with_upgrade_fields_keeps_its_body(proxy, backend):
    fields = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Key", KEY),
              ("Sec-WebSocket-Version", "13")]
    m = seen(proxy, backend, request("POST", "/", fields, body=b"abc"))
    assert (m.body, m.all("upgrade")) == (b"abc", [])


@pytest.mark.proxy
@pytest.mark.parametrize("absolute, target, host", [
    ("http://other:81/path?q", "/path?q", "other:81"),
    ("http://other", "/", "other"),
    ("http://other?q", "/?q", "other"),
])
def test_absolute_form_is_rewritten_and_gives_the_host(proxy, backend, absolute, target, host):
    m = seen(proxy, backend, request("GET", absolute, host="ignored"))
    assert (m.target, m.get("host")) == (target, host)


def test_options_of_the_whole_server_goes_on(proxy, backend):
    assert seen(proxy, backend, request("OPTIONS", "*")).target == "*"


@pytest.mark.proxy
def test_an_http_1_0_client_without_a_host_gets_its_answer_and_the_end(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send(b"GET / HTTP/1.0\r\n\r\n")
        b = backend.accept()
        m = b.request()
        assert (m.start, m.get("host")) == ("GET / HTTP/1.1", backend.address)
        b.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        answer = c.response()
        assert (answer.framing, answer.body) == ("eof", b"abc"), "an HTTP/1.0 client knows no chunks"


@pytest.mark.proxy
def test_an_http_1_0_client_may_keep_its_connection(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        for i in range(2):
            c.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            if i == 0:
                b = backend.accept()
            b.request()
            b.answer(body=b"%d" % i)
            answer = c.response()
            assert (answer.body, answer.get("connection").lower()) == (b"%d" % i, "keep-alive")


def test_the_application_sees_the_client_that_the_fields_name(site, direct):
    answer = dict(json.loads(ask(site.address, "GET", "/headers?a=b", headers=[
        ("X-Forwarded-For", "9.8.7.6"), ("X-Forwarded-Proto", "https")], host="public.example").body))
    assert (answer["host"], answer["(target)"], answer["(scheme)"]) == ("public.example", "/headers?a=b", "https")
    if direct:
        assert answer["(client)"] == "9.8.7.6"
