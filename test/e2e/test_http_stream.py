"""Streaming: what one side has said the other side sees, and a side that does not read slows the other down."""

import socket
import threading

import pytest

from parts.http import HttpPeer, ask, request
from parts.process import wait_until
from parts.ws import numbered

MIB = 1 << 20
BIG = numbered(1_000_003) * 64  # far more than all socket buffers on the way


def test_each_server_sent_event_is_seen_before_the_next_is_sent(site):
    with HttpPeer(site.address) as c:
        c.send(request("GET", "/sse/a?n=5"))
        head = c.head()
        assert (head.status, head.get("content-type")) == (200, "text/event-stream; charset=utf-8")
        events = c.chunks(head)
        for i in range(5):
            assert next(events) == b"id: %d\ndata: event %d\n\n" % (i, i)
            assert ask(site.address, "POST", "/gate/a").status == 204  # only now the next is sent
        assert list(events) == []


def test_an_answers_head_is_seen_before_its_body_is_sent(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/"))
        b = backend.accept()
        b.request()
        b.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
        assert c.head().status == 200
        for byte in b"abc":
            b.send(bytes([byte]))
            assert c.read(1) == bytes([byte])


def test_a_request_body_is_seen_by_the_backend_while_it_is_sent(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send(request("POST", "/", [("Transfer-Encoding", "chunked")]))
        b = backend.accept()
        m = b.head()
        parts = b.chunks(m)
        for part in (b"one", b"two", b"three"):
            c.send(b"%x\r\n%b\r\n" % (len(part), part))
            assert next(parts) == part
        c.send(b"0\r\n\r\n")
        assert list(parts) == []
        b.answer()
        assert c.response().status == 200


def test_an_answer_may_begin_before_the_request_is_whole(site):
    """Full duplex: the echo of the first part comes before the second is sent."""
    with HttpPeer(site.address) as c:
        c.send(request("POST", "/stream/", [("Transfer-Encoding", "chunked")]))
        parts = None
        for part in (b"first", b"second", b"third"):
            c.send(b"%x\r\n%b\r\n" % (len(part), part))
            if parts is None:
                head = c.head()
                parts = c.chunks(head)
            assert next(parts) == part
        c.send(b"0\r\n\r\n")
        assert list(parts) == []


@pytest.mark.proxy
def test_a_slow_reader_of_a_big_download_costs_no_memory(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.address, receive_buffer=65536) as c:
        c.send(request("GET", "/big"))
        b = backend.accept()
        b.request()
        before = p.rss()
        b.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BIG))
        b.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        sent = b.send_all_that_fits(BIG)
        assert sent < 32 * MIB, "the backend was never slowed down"
        assert p.rss() - before < 4 * MIB
        sender = threading.Thread(target=lambda: b.send(memoryview(BIG)[sent:]))
        sender.start()
        answer = c.response()
        sender.join()
        assert answer.body == BIG
        assert p.rss() - before < 6 * MIB


@pytest.mark.proxy
def test_a_slow_reading_backend_slows_the_uploading_client_down(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send(request("POST", "/big", [("Content-Length", str(len(BIG)))]))
        b = backend.accept()
        b.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        head = b.head()
        before = p.rss()
        sent = c.send_all_that_fits(BIG)
        assert sent < 32 * MIB, "the client was never slowed down"
        assert p.rss() - before < 4 * MIB
        sender = threading.Thread(target=lambda: c.send(memoryview(BIG)[sent:]))
        sender.start()
        assert b.body(head).body == BIG
        sender.join()
        b.answer()
        assert c.response().status == 200


@pytest.mark.proxy
def test_a_slow_connection_does_not_slow_another(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.address, receive_buffer=65536) as slow, HttpPeer(p.address) as quick:
        slow.send(request("GET", "/big"))
        b = backend.accept()
        b.request()
        b.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (64 * MIB))
        b.send_all_that_fits(bytes(64 * MIB))
        quick.send(request("GET", "/quick"))
        b2 = backend.accept()
        for i in range(20):
            assert b2.request().target == "/quick"
            b2.answer(body=b"%d" % i)
            assert quick.response().body == b"%d" % i
            if i < 19:
                quick.send(request("GET", "/quick"))


@pytest.mark.proxy
def test_a_client_that_leaves_an_event_stream_ends_the_backends_connection(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/events"))
        b = backend.accept()
        b.request()
        b.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n")
        assert next(c.chunks(c.head())) == b"abcd"
    assert b.end() in ("EOF", "reset")
    wait_until("the end to be counted", lambda: p.ends("client"))


@pytest.mark.proxy
def test_a_client_that_leaves_before_the_answer_ends_the_backends_connection(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/slow"))
        b = backend.accept()
        b.request()
    assert b.end() in ("EOF", "reset")
