"""Interim answers, early answers, and trailers."""

import pytest

from parts.http import HttpPeer, chunked, request

EXPECT = [("Expect", "100-continue"), ("Content-Length", "5")]


def test_the_applications_100_continue_is_relayed(site):
    with HttpPeer(site.address) as c:
        c.send(request("POST", "/echo", EXPECT))
        assert c.head().status == 100, "no answer of the application before it has read the body"
        c.send(b"12345")
        assert c.response().body == b"12345"


def test_the_100_is_the_backends_not_the_proxys(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send(request("POST", "/", EXPECT))
        b = backend.accept()
        assert b.request().get("expect") == "100-continue"
        assert c.silent_for(0.2), "a 100 before the backend gave one"
        b.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert c.head().status == 100
        c.send(b"12345")
        assert b.read(5) == b"12345"
        b.answer(body=b"thanks")
        assert c.response().body == b"thanks"


@pytest.mark.parametrize("status", ["417 Expectation Failed", "413 Payload Too Large"])
def test_a_refused_expectation_is_relayed_and_no_body_is_awaited(proxy, backend, status):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send(request("POST", "/", EXPECT))
        b = backend.accept()
        b.request()
        b.answer(status, headers=[("Connection", "close")], body=b"no")
        answer = c.response()
        assert (answer.status, answer.body, answer.informational) == (int(status[:3]), b"no", [])


def test_the_applications_early_answer_comes_before_the_body_is_whole(site):
    with HttpPeer(site.address) as c:
        c.send(request("POST", "/early", [("Content-Length", "1000000")]) + bytes(1000))
        answer = c.response()
        assert (answer.status, answer.body) == (413, b"too much\n")


@pytest.mark.proxy
def test_an_early_answer_reaches_a_client_that_is_still_sending(proxy, backend):
    """The connection is half-closed and what still comes is thrown away, so that no RST eats the answer."""
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send(request("POST", "/", [("Content-Length", str(50_000_000))]) + bytes(1000))
        b = backend.accept()
        b.head()
        b.answer("413 Payload Too Large", body=b"too much")
        b.close()
        for _ in range(64):
            c.send(bytes(65536))
        answer = c.response()
        assert (answer.status, answer.body, answer.get("connection")) == (413, b"too much", "close")
        assert c.end() == "EOF"


def test_early_hints_are_relayed(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/"))
        b = backend.accept()
        b.request()
        b.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
        early = c.head()
        assert (early.status, early.get("link")) == (103, "</a.css>")
        b.answer(body=b"ok")
        assert c.response().body == b"ok"


@pytest.mark.proxy
def test_an_http_1_0_client_gets_no_interim_answer(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send(b"GET / HTTP/1.0\r\n\r\n")
        b = backend.accept()
        b.request()
        b.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
        b.answer(body=b"ok")
        assert c.head().status == 200


def test_trailers_of_a_request_arrive(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send(request("POST", "/", [("Trailer", "X-Sum")], chunks=[b"abc"], trailers=[("X-Sum", "abc-sum")]))
        b = backend.accept()
        m = b.request()
        assert (m.body, m.trailers) == (b"abc", [("x-sum", "abc-sum")])
        b.answer()
        c.response()


def test_trailers_of_an_answer_arrive(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/", [("TE", "trailers"), ("Connection", "TE")]))
        b = backend.accept()
        b.request()
        b.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
               + chunked([b"abc", b"def"], [("X-Sum", "1"), ("X-More", "2")]))
        m = c.response()
        assert (m.body, m.trailers) == (b"abcdef", [("x-sum", "1"), ("x-more", "2")])


@pytest.mark.proxy
@pytest.mark.parametrize("name, value", [
    ("Content-Length", "5"), ("Host", "evil"), ("Connection", "close"), ("X-Forwarded-For", "1.1.1.1"),
    ("Authorization", "x"), ("Keep-Alive", "1"), ("Trailer", "x"),
])
def test_a_trailer_that_would_frame_or_route_goes_nowhere(proxy, backend, name, value):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send(request("POST", "/", chunks=[b"abc"], trailers=[(name, value), ("X-Ok", "1")]))
        b = backend.accept()
        m = b.request()
        assert (m.body, m.trailers) == (b"abc", [("x-ok", "1")])
        b.answer()
        assert c.response().status == 200
        c.send(request("GET", "/again"))
        assert b.request().target == "/again", "the trailer ended a connection"
        b.answer()
        assert c.response().status == 200
