"""What a client gets when a request, an answer or a connection goes wrong. Nobody else's connection suffers."""

import time

import pytest

from parts.http import HttpListener, HttpPeer, ask, request
from parts.peer import Ended, elapsed, free_port
from parts.process import wait_until

pytestmark = pytest.mark.proxy


# -- answers cut short


def cut(proxy, backend, start, how):
    """The client of an answer that begins like this and then ends: what it gets, to the end of its connection."""
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/"))
        b = backend.accept()
        b.request()
        b.send(start)
        c.fill()  # the beginning has come through before the end
        getattr(b, how)()
        got = c.read_to_end()
    assert ask_again(p, backend).body == b"fine", "the next request suffers"
    return got


def ask_again(p, backend):
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/next"))
        b = backend.accept()
        b.request()
        b.answer(body=b"fine")
        return c.response()


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_chunked_answer_cut_short_ends_without_a_last_chunk(proxy, backend, how):
    got = cut(proxy, backend, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", how)
    assert b"abc" in got and b"\r\n0\r\n" not in got


@pytest.mark.parametrize("how", ["close", "reset"])
def test_an_answer_shorter_than_its_length_ends_the_clients_connection(proxy, backend, how):
    got = cut(proxy, backend, b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", how)
    assert got.endswith(b"\r\n\r\nabc") and b"content-length: 10" in got.lower()


def test_an_answer_that_lasts_until_eof_is_whole(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        for i in range(2):
            c.send(request("GET", "/"))
            b = backend.accept()
            b.request()
            b.send(b"HTTP/1.1 200 OK\r\n\r\nuntil the end %d" % i)
            b.close()
            answer = c.response()
            assert (answer.framing, answer.body) == ("chunked", b"until the end %d" % i)


def test_an_answer_until_eof_that_is_reset_is_not_whole(proxy, backend):
    got = cut(proxy, backend, b"HTTP/1.0 200 OK\r\n\r\nabc", "reset")
    assert b"abc" in got and not got.endswith(b"0\r\n\r\n")


# -- no good answer


BRIEF = {"readiness": {"wait": "300ms"}}


def test_no_backend_is_503_with_a_line_that_says_why(proxy):
    nobody = free_port()
    p = proxy("127.0.0.1:%d" % nobody.getsockname()[1], BRIEF)
    began = time.monotonic()
    answer = ask(p.address, "GET", "/")
    assert (answer.status, answer.get("retry-after"), elapsed(began) < 2) == (503, "1", True)
    assert answer.body.endswith(b"\n") and answer.body.count(b"\n") == 1 and b"not ready" in answer.body
    assert p.metrics()['wskeep_backend_connects_total{result="refused"}'] >= 1
    nobody.close()


def test_a_backend_that_comes_back_is_found_by_the_next_request(proxy, parts):
    nobody = free_port()
    p = proxy("127.0.0.1:%d" % nobody.getsockname()[1], BRIEF)
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/"))
        assert c.response().status == 503
        back = parts(HttpListener(bound=nobody))
        back.answer_probe()
        assert ask_again(p, back).body == b"fine"


NO_ANSWERS = [  # (bytes, what is wrong with them)
    (b"", "no answer at all"),
    (b"SSH-2.0-OpenSSH_9.2\r\n", "no HTTP"),
    (b"HTTP/1.1 200 OK\r\nContent-Le", "cut within the head"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "a bad length"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "two lengths"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "both framings"),
    (b"HTTP/1.1 200 OK\r\nX: 1\r\n folded\r\nContent-Length: 0\r\n\r\n", "obs-fold"),
    (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", "a head too large"),
    (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "101 to a plain GET"),
    (b"HTTP/1.1 200 OK\r\nX\x00: 1\r\nContent-Length: 0\r\n\r\n", "a NUL in a name"),
]


@pytest.mark.parametrize("answer, why", NO_ANSWERS, ids=[n[1].replace(" ", "_") for n in NO_ANSWERS])
def test_what_is_no_answer_is_502(proxy, backend, answer, why):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send(request("POST", "/", body=b"x"))
        b = backend.accept()
        b.request()
        b.send_anyway(answer)
        b.half_close()
        assert c.response().status == 502, why
    assert ask_again(p, backend).body == b"fine"


def test_a_chunk_that_is_none_ends_the_answer_unfinished(proxy, backend):
    got = cut(proxy, backend, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n", "close")
    assert b"abc" in got and not got.endswith(b"0\r\n\r\n")


def test_a_backend_that_does_not_answer_in_time_is_504(proxy, backend):
    p = proxy(backend.address, {"backend": {"response_timeout": "300ms"}})
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/"))
        b = backend.accept()
        b.request()
        began = time.monotonic()
        assert c.response().status == 504
        assert elapsed(began) < 3
        assert b.end() in ("EOF", "reset")


def test_a_pooled_connection_found_dead_is_tried_once_more(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/one"))
        b = backend.accept()
        b.request()
        b.answer(body=b"one")
        assert c.response().body == b"one"
        c.send(request("GET", "/two"))
        b.request()
        b.reset()  # as a server that closes an idle connection just when the next request comes
        b = backend.accept()
        assert b.request().target == "/two"
        b.answer(body=b"two")
        assert c.response().body == b"two"


def test_a_post_on_a_pooled_connection_found_dead_is_not_sent_twice(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/one"))
        b = backend.accept()
        b.request()
        b.answer(body=b"one")
        c.response()
        c.send(request("POST", "/pay", body=b"100"))
        b.request()
        b.reset()
        assert c.response().status == 502
        assert backend.quiet_for(0.2)


# -- requests that wskeep refuses itself


def test_a_head_that_comes_a_byte_at_a_time_is_408_at_header_timeout(proxy, backend):
    p = proxy(backend.address, {"listen": {"header_timeout": "1s"}})
    with HttpPeer(p.address) as c:
        began = time.monotonic()
        for byte in request("GET", "/" + "a" * 1000):
            c.send(bytes([byte]))
            if not c.silent_for(0.05):
                break
        answer = c.response()
        assert (answer.status, answer.get("connection")) == (408, "close")
        assert 0.8 < elapsed(began) < 5
        assert c.end() in ("EOF", "reset")
    assert backend.quiet_for(0)


def test_the_second_head_on_a_connection_has_its_time_limit_too(proxy, backend):
    p = proxy(backend.address, {"listen": {"header_timeout": "1s"}})
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/"))
        b = backend.accept()
        b.request()
        b.answer()
        assert c.response().status == 200
        c.send(b"GET / HT")
        assert c.response().status == 408


def test_an_idle_connection_is_closed_at_keepalive_timeout_without_a_word(proxy, backend):
    p = proxy(backend.address, {"listen": {"keepalive_timeout": "1s"}})
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/"))
        b = backend.accept()
        b.request()
        b.answer()
        assert c.response().status == 200
        assert c.end() == "EOF"
    wait_until("the reason to be counted", lambda: p.ends("client").get("idle"))


@pytest.mark.parametrize("raw", [
    request("GET", "/" + "a" * 100_000),
    request("GET", "/", [("X-Big", "a" * 100_000)]),
    request("GET", "/", [(f"X-{i}", "a" * 100) for i in range(1000)]),
], ids=["target", "field", "fields"])
def test_a_head_too_large_is_431(proxy, backend, raw):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send_anyway(raw)
        assert c.response().status == 431
    assert backend.quiet_for(0)


def test_a_head_just_small_enough_goes_through(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/", [(f"X-{i}", "a" * 1000) for i in range(60)]))
        b = backend.accept()
        assert len(b.request().headers) >= 61
        b.answer()
        assert c.response().status == 200


def test_a_body_that_stands_still_ends_at_body_timeout(proxy, backend):
    p = proxy(backend.address, {"listen": {"body_timeout": "300ms"}})
    with HttpPeer(p.address) as c:
        c.send(request("POST", "/", [("Content-Length", "10")]) + b"abc")
        b = backend.accept()
        b.head()
        try:
            assert c.response().status == 408
        except Ended:
            pass
        assert b.read_to_end() == b"abc"
    wait_until("the reason to be counted", lambda: p.ends("client").get("body_timeout"))


def test_a_bad_request_hurts_nobody_else(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.address) as good, HttpPeer(p.address) as bad:
        good.send(request("GET", "/good"))
        b = backend.accept()
        b.request()
        bad.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")  # a TLS ClientHello
        assert bad.response().status == 400
        assert bad.end() == "EOF"
        b.answer(body=b"good")
        assert good.response().body == b"good"
    wait_until("the reason to be counted", lambda: p.ends("client").get("bad_request") == 1)


def test_every_request_is_counted_by_its_code(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        for i, status in enumerate(["200 OK", "404 Not Found", "404 Not Found"]):
            c.send(request("GET", "/"))
            if i == 0:
                b = backend.accept()
            b.request()
            b.answer(status)
            c.response()
    m = wait_until("the counts", lambda: (m := p.metrics()).get('wskeep_http_requests_total{code="404"}') and m)
    assert m['wskeep_http_requests_total{code="200"}'] == 1
    assert m['wskeep_http_requests_total{code="404"}'] == 2
    assert m["wskeep_http_request_duration_seconds_count"] == 3
