"""What the log says, in both its forms: of requests, of sessions, and never a secret."""

import json
import signal

import pytest

from parts.http import HttpPeer, request
from parts.process import wait_until
from parts.servers import DEFAULTS, merge
from parts.ws import BINARY, PONG, Pair, frame

pytestmark = pytest.mark.proxy

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = ("traceparent", f"00-{TRACE}-{SPAN}-01")


@pytest.fixture(params=["text", "json"], autouse=True)
def form(request, monkeypatch):
    monkeypatch.setitem(DEFAULTS["log"], "format", request.param)
    return request.param


def exchange(p, backend, status="200 OK", body=b"hello", **how):
    """One request and its answer; returns the backend's end and the request as it came."""
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/things/7?token=x", **how))
        b = backend.accept()
        asked = b.request()
        b.answer(status, [("Connection", "close")], body=body)
        assert c.response().status == int(status[:3])
    return asked


# -- requests


def test_a_request_has_a_line_with_what_was_asked_and_what_came_of_it(proxy, backend):
    p = proxy(backend.address)
    body = b"x" * 1000
    with HttpPeer(p.address) as c:
        sent = request("POST", "/a/b;v=1?c=d", [("User-Agent", "curl/7.88"), PARENT], body=body)
        c.send(sent)
        b = backend.accept()
        assert b.request().body == body
        b.answer("201 Created", body=b"y" * 5000)
        got = c.response()
    e = p.wait_event("http_request", method="POST")
    assert e.level == "debug"
    assert {k: e[k] for k in ("url", "status", "ip", "protocol", "agent", "trace")} == {
        "url": "/a/b", "status": "201", "ip": "127.0.0.1", "protocol": "HTTP/1.1", "agent": "curl/7.88", "trace": TRACE}
    assert int(e["request_size"]) == len(sent) and 5000 < int(e["response_size"]) < 5000 + 300
    assert 0 <= float(e["latency"]) < 20 and got.status == 201
    assert not {"why", "reason", "suppressed"} & e.keys()


def test_requests_that_end_well_are_debug_and_those_that_do_not_are_warned_of(proxy, backend):
    p = proxy(backend.address)
    for status, level in (("200 OK", "debug"), ("404 Not Found", "debug"), ("500 Internal Server Error", "warn")):
        exchange(p, backend, status)
        assert p.wait_event("http_request", status=status[:3]).level == level
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/"))
        b = backend.accept()
        b.request()
        b.close()
        assert c.response().status == 502
    e = p.wait_event("http_request", status="502")
    assert (e.level, e["reason"]) == ("warn", "bad_answer") and "ended the connection" in e["why"]
    with HttpPeer(p.address) as c:
        c.send(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        assert c.response().status == 400
    e = p.wait_event("http_request", status="400")
    assert (e.level, e["reason"], e["why"]) == ("info", "bad_request", "not one Host")
    assert "url" not in e, "of what was not understood nothing is said"


def test_an_answer_that_was_cut_is_warned_of_and_a_client_that_left_is_not(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/cut"))
        b = backend.accept()
        b.request()
        b.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        c.head()
        b.close()
        c.read_to_end()
    e = p.wait_event("http_request", url="/cut")
    assert (e.level, e["status"], e["reason"]) == ("warn", "200", "bad_answer")
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/left"))
        b = backend.accept()
        b.request()
    e = p.wait_event("http_request", url="/left")
    assert (e.level, e["reason"]) == ("debug", "client_eof") and "status" not in e


def test_a_handshake_has_a_line_too(proxy, ws_backend):
    p = proxy(ws_backend.address)
    with Pair(p, ws_backend, path="/ws/7?ticket=x", headers=[PARENT]) as (c, b):
        e = p.wait_event("http_request", status="101")
        assert (e.level, e["url"], e["trace"]) == ("debug", "/ws/7", TRACE)


@pytest.mark.parametrize("level", ["info", "debug"])
def test_failures_are_limited_and_counted_but_at_debug_each_is_told(proxy, backend, level):
    p = proxy(backend.address, {"log": {"level": level}})
    n = 50
    with HttpPeer(p.address) as c:
        b = None
        for i in range(n):
            c.send(request("GET", f"/{i}"))
            b = b or backend.accept()
            b.request()
            b.answer("500 Internal Server Error")
            c.response()
    wait_until("all to be counted", lambda: p.metrics()['wskeep_http_requests_total{code="500"}'] == n)
    p.finish()
    told = p.events("http_request")
    assert told[0]["url"] == "/0" and "suppressed" not in told[0]
    assert len(told) == n if level == "debug" else len(told) < n / 2


# -- traces


def linked(p, backend, trace, span):
    """A request of that trace: what its line has under Cloud Logging's own names."""
    exchange(p, backend, headers=[("X-Cloud-Trace-Context", f"{trace}/{span};o=1")])
    p.wait_event("http_request", trace=trace)
    line = next(json.loads(line) for line in p.lines() if trace in line)
    return {k.rpartition("/")[2]: v for k, v in line.items() if k.startswith("logging.googleapis.com/")}


def test_the_project_makes_a_trace_a_link_and_changes_at_once(proxy, backend, form):
    if form == "text":
        pytest.skip("text has the id alone")
    p = proxy(backend.address, {"log": {"project": "one"}})
    assert linked(p, backend, TRACE, 74) == {
        "trace": f"projects/one/traces/{TRACE}", "spanId": "000000000000004a", "trace_sampled": True}
    p.conf = merge(p.conf, {"log": {"project": ""}})
    with open(p.file, "w") as f:
        json.dump(p.conf, f)
    p.tell(signal.SIGHUP)
    p.wait_event("reloaded", changed="log.project")
    assert linked(p, backend, TRACE[::-1], 0) == {"trace": TRACE[::-1], "trace_sampled": True}


def test_google_cloud_project_names_the_project(proxy, backend, form):
    p = proxy(backend.address, env={"GOOGLE_CLOUD_PROJECT": "my-chat"})
    if form == "json":
        assert linked(p, backend, TRACE, 0)["trace"] == f"projects/my-chat/traces/{TRACE}"


@pytest.mark.parametrize("headers", [
    [("traceparent", "secret")], [("traceparent", f"00-{TRACE}-{SPAN}-01-secret")], [("X-Cloud-Trace-Context", f"{TRACE}/secret")],
    [("X-Cloud-Trace-Context", "\x80\xff")], [PARENT, PARENT], []])
def test_a_trace_that_is_malformed_or_doubled_is_none_and_goes_on_as_it_came(proxy, backend, headers):
    p = proxy(backend.address)
    asked = exchange(p, backend, headers=headers)
    for name, value in headers:
        assert value in asked.all(name.lower())
    assert "trace" not in p.wait_event("http_request", url="/things/7")
    assert "secret" not in p.text()


# -- sessions


OUTCOMES = ("accepted", "delivered", "unproven", "lost")


def story(p, **fields):
    e = p.wait_event("session_end", **fields)
    assert e.level == "info"
    for direction in ("up", "down"):
        accepted, *rest = (int(e[f"{direction}_{o}"]) for o in OUTCOMES)
        assert accepted == sum(rest), e
    return e


def test_a_session_tells_how_it_was_and_who_ended_it(proxy, ws_backend):
    p = proxy(ws_backend.address, {"reconnect": {"window": "10s"}})
    with Pair(p, ws_backend, path="/ws/room/7?token=x", headers=[PARENT]) as (c, b):
        for _ in range(3):
            c.text("x" * 10)
            b.message()
        b.text("y")
        c.message()
        c.close_frame(4001, "enough")
        assert b.closed().code == 4001
        b.close_frame(4001)
        assert c.closed().code == 4001
        b.half_close()
    e = story(p)
    assert {k: v for k, v in e.items() if k != "duration"} == {
        "reason": "client_close", "by": "client", "path": "/ws/room/7",
        "up_accepted": "3", "up_delivered": "3", "up_unproven": "0", "up_lost": "0", "up_bytes": str(3 * 16),
        # A Close of its own proves nothing of what it got; that which answers does.
        "down_accepted": "1", "down_delivered": "0", "down_unproven": "1", "down_lost": "0", "down_bytes": "3",
        "reconnects": "0", "headless": "0.000",
        "client_code": "4001", "client_told": "4001", "backend_code": "4001", "backend_told": "4001", "trace": TRACE}
    assert 0 <= float(e["duration"]) < 20


def test_a_session_that_lost_its_backend_tells_how_long_it_was_without(proxy, ws_backend):
    p = proxy(ws_backend.address, {"reconnect": {"window": "10s"}})
    with Pair(p, ws_backend, headers=[PARENT]) as (c, b):
        c.text("proven")
        b.message()
        b.frame(PONG, b.read_frame().payload, masked=False)
        wait_until("proof", lambda: p.metrics()['wskeep_messages_total{direction="up",outcome="delivered"}'] == 1)
        c.text("one")
        b.message()
        b.reset()
        again = ws_backend.accept()
        again.serve()
        assert again.message()[1] == b"one"
        c.close_frame(1000)
        again.closed()
        again.close_frame(1000)
        again.half_close()
        c.closed()
    lost, back = p.wait_event("backend_lost"), p.wait_event("backend_back")
    assert lost["trace"] == back["trace"] == TRACE
    assert (lost["reason"], back["again"]) == ("backend_reset", "1")
    e = story(p, reason="client_close")
    assert (e["reconnects"], e["up_accepted"], e["up_delivered"]) == ("1", "2", "2")
    assert e["headless"] == back["after"]


def test_a_session_that_waits_in_vain_tells_what_is_lost_with_it(proxy, ws_backend):
    p = proxy(ws_backend.address, {"reconnect": {"window": "300ms"}})
    with Pair(p, ws_backend) as (c, b):
        b.reset()
        ws_backend.close()
        p.wait_event("backend_lost")
        c.text("held")
        assert c.closed().code == 1013
        c.close_frame(1013)
    e = story(p, reason="reconnect_window")
    assert (e["by"], e["up_lost"], e["client_code"], e["client_told"], e["backend_told"]) == ("backend", "1", "1013", "1013", "0")
    assert float(e["headless"]) >= 0.2


def test_a_close_that_could_not_be_written_is_not_told_of(proxy, ws_backend):
    p = proxy(ws_backend.address, {"timeouts": {"drain": "500ms"}})
    with Pair(p, ws_backend) as (c, b):
        b.send_all_that_fits(frame(BINARY, b"x" * 60_000, masked=False) * 500)
        p.finish()
    e = story(p, by="wskeep")
    assert (e["client_told"], e["backend_told"]) == ("0", "1001")


def test_what_nobody_takes_any_more_is_told_as_lost(proxy, ws_backend):
    p = proxy(ws_backend.address)
    with Pair(p, ws_backend) as (c, b):
        c.reset()
        assert b.closed().code == 1001
        for _ in range(4):
            b.text("late")
        b.close_frame(1001)
        b.half_close()
    m = p.settled()
    e = story(p)
    for direction in ("up", "down"):
        for outcome in OUTCOMES:
            assert m[f'wskeep_messages_total{{direction="{direction}",outcome="{outcome}"}}'] == int(e[f"{direction}_{outcome}"])
    assert e["down_lost"] == "4"


# -- what must not stand there


@pytest.mark.parametrize("target", [
    b'/a"b\\c%0d%0aseverity=ERROR{}', b"/\xff\xc2\x9b1m", b"/\xe2\x80\xa8\xe2\x80\xae", b"/a\x1b[31m", b"/a\nb", b"/a\x00b"])
def test_what_a_client_writes_cannot_make_a_line_or_a_field(proxy, backend, target):
    """Control bytes are refused in a target; C1's and what is no UTF-8 may stand there, and tabs in a field."""
    p = proxy(backend.address)
    agent = b'evil" level=error\t\x80\xc2\x85{"severity":"ERROR"} \xff\xf0\x9f\x98\x80'
    with HttpPeer(p.address) as c:
        c.send(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nUser-Agent: " + agent + b"\r\n\r\n")
        if min(target) > 0x20:
            b = backend.accept()
            b.request()
            b.answer()
            assert c.response().status == 200
        else:
            assert c.response().status == 400
    e = wait_until("a line", lambda: p.events("http_request"))[0]
    if e["status"] == "200":
        assert e["url"] == target.decode(errors="replace")
        assert e["agent"] == 'evil" level=error\t\ufffd\x85{"severity":"ERROR"} \ufffd\U0001f600'
    else:
        assert "url" not in e and "agent" not in e
    assert len(p.events("http_request")) == 1
