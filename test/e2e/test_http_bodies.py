"""Bodies go through byte for byte, both ways, however they are framed."""

import hashlib
import json
import threading

import pytest

from parts.http import HttpPeer, ask, chunked, request
from parts.ws import numbered

SIZES = [0, 1, 65536, 5_000_001]


def post_while_reading(address, head, body, target_method="POST"):
    """Sends a body from a second thread, so that an echo of any size cannot block."""
    with HttpPeer(address) as c:
        sender = threading.Thread(target=lambda: c.send(head + body))
        sender.start()
        answer = c.response(target_method)
        sender.join()
        return answer


@pytest.mark.parametrize("size", SIZES)
def test_a_body_with_a_length_comes_back_as_it_was_sent(site, size):
    body = numbered(size)
    head = request("POST", "/stream/", [("Content-Length", str(size))])
    answer = post_while_reading(site.address, head, body)
    assert (answer.status, answer.framing) == (200, "chunked")
    assert answer.body == body


@pytest.mark.parametrize("size", SIZES)
def test_a_chunked_body_comes_back_as_it_was_sent(site, size):
    body = numbered(size)
    cuts = [0, 1, 2, 1000, 70000, size]
    parts = [body[a:b] for a, b in zip(cuts, cuts[1:])] if size > 70000 else [body]
    head = request("POST", "/stream/", [("Transfer-Encoding", "chunked")])
    answer = post_while_reading(site.address, head, chunked(parts))
    assert answer.status == 200 and answer.body == body


@pytest.mark.parametrize("size", SIZES)
def test_an_answer_with_a_length_keeps_its_length(site, size):
    answer = ask(site.address, "GET", f"/bytes?n={size}&length=1")
    assert (answer.status, answer.framing, answer.get("content-length")) == (200, "length", str(size))
    assert answer.body == numbered(size)


@pytest.mark.parametrize("size", SIZES)
def test_a_chunked_answer_arrives_whole(site, size):
    answer = ask(site.address, "GET", f"/bytes?n={size}")
    assert (answer.status, answer.framing) == (200, "chunked")
    assert answer.body == numbered(size)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_arrives_as_itself(site, method):
    answer = ask(site.address, method, "/echo", body=b"a body")
    assert (answer.status, answer.get("x-method"), answer.body) == (200, method, b"a body")


def test_a_method_that_nobody_knows_gets_the_backends_own_answer(site):
    assert ask(site.address, "PROPFIND", "/hello").status == 405


@pytest.mark.parametrize("target", ["/bytes?n=10&length=1", "/bytes?n=10"])
def test_head_gets_the_head_and_no_body_and_the_connection_goes_on(site, target):
    with HttpPeer(site.address) as c:
        answer = c.ask("HEAD", target)
        assert answer.status == 200
        if "length" in target:
            assert answer.get("content-length") == "10"
        assert c.ask("GET", "/hello").body == b"hello\n"


@pytest.mark.parametrize("code", [204, 304])
def test_an_answer_that_has_no_body_is_followed_by_the_next(site, code):
    with HttpPeer(site.address) as c:
        answer = c.ask("GET", f"/status/{code}")
        assert (answer.status, answer.body) == (code, b"")
        assert c.ask("GET", "/hello").body == b"hello\n"


@pytest.mark.proxy
@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_a_length_on_an_answer_without_a_body_swallows_nothing(proxy, backend, status):
    """A pooled connection: the next answer must not be taken for this one's body."""
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/one"))
        b = backend.accept()
        b.request()
        b.send(f"HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\n".encode())
        assert c.response().status == int(status[:3])
        c.send(request("GET", "/two"))
        assert b.request().target == "/two"
        b.answer(body=b"two")
        assert c.response().body == b"two"


@pytest.mark.parametrize("code", [200, 201, 302, 400, 404, 418, 500, 503])
def test_a_status_arrives_as_it_was_given(site, code):
    answer = ask(site.address, "GET", f"/status/{code}")
    assert (answer.status, answer.body) == (code, f"{code}\n".encode())


def test_a_connection_serves_many_requests(site):
    with HttpPeer(site.address) as c:
        for i in range(50):
            answer = c.ask("POST", "/echo", body=b"%d" % i)
            assert answer.body == b"%d" % i
            assert (answer.get("connection") or "keep-alive").lower() == "keep-alive"


def test_pipelined_requests_are_answered_in_order(site):
    with HttpPeer(site.address) as c:
        wanted = [b"%d" % i * (i + 1) for i in range(20)]
        c.send(b"".join(request("POST", "/echo", body=b) for b in wanted))
        assert [c.response().body for _ in wanted] == wanted


def test_requests_cut_at_any_byte_are_the_same_requests(site):
    raw = request("POST", "/echo", chunks=[b"abc", b"defgh"]) + request("GET", "/hello")
    with HttpPeer(site.address) as c:
        for at in range(1, len(raw)):
            c.send(raw[:at])
            c.send(raw[at:])
            assert (c.response().body, c.response().body) == (b"abcdefgh", b"hello\n"), f"cut at {at}"


def test_connection_close_is_kept(site):
    with HttpPeer(site.address) as c:
        c.send(request("GET", "/hello", [("Connection", "close")]))
        answer = c.response()
        assert (answer.body, answer.get("connection")) == (b"hello\n", "close")
        assert c.end() == "EOF"


def test_a_digest_of_an_upload_is_right(site):
    body = numbered(20_000_000)
    answer = post_while_reading(site.address, request("POST", "/digest", [("Content-Length", str(len(body)))]), body)
    assert json.loads(answer.body) == {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
