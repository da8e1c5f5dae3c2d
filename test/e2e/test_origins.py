"""Origins: whose pages may open a WebSocket, as real browsers and real programs see it."""

import pytest

from parts.browser import Browser
from parts.clients import NodeClient, PythonClient
from parts.process import wait_until
from parts.servers import Wskeep
from parts.ws import WsPeer

pytestmark = pytest.mark.proxy

APP = "https://app.example.com"
OPEN = """new Promise((done) => {
    const ws = new WebSocket('ws://%s/ws/echo');
    ws.onopen = () => ws.send('hello');
    ws.onmessage = (e) => { done(e.data); ws.close(1000); };
    ws.onclose = (e) => done(e.code);
})"""


@pytest.fixture(scope="module")
def browser(keep):
    return keep(Browser())


def refused(p):
    return p.metrics()["wskeep_origins_refused_total"]


def test_a_browsers_page_is_let_in_from_an_allowed_origin_and_from_no_other(browser, site, parts, apps):
    """One server under two names: two origins."""
    p = parts(Wskeep(apps("Websockets").address, {"origins": [f"http://{site.address}"]}))
    port = site.address.rsplit(":", 1)[1]
    for count, (url, seen) in enumerate([(f"http://{site.address}/hello", "hello"),
                                         (f"http://localhost:{port}/hello", 1006),
                                         ("about:blank", 1006)]):
        page = browser.page(url)
        page.wait(f"location.href == '{url}' && document.readyState == 'complete'")
        assert page.js(OPEN % p.address) == seen, url
        page.close()
        assert refused(p) == count
    p.wait_event("origin_refused", suppressed="0", origin=f"http://localhost:{port}")
    p.settled()


def test_programs_send_no_origin_and_are_let_in(parts, apps):
    p = parts(Wskeep(apps("Websockets").address, {"origins": [APP]}))
    url = f"ws://{p.address}/ws/echo"
    node = parts(NodeClient())
    node.open(url)
    node.command(send="from node")
    assert node.event("message")["message"] == "from node"
    node.command(close=1000)
    assert node.event("close")["close"] == 1000
    with PythonClient(url) as python:
        assert python.echo("from python") == "from python"
    assert refused(p) == 0
    p.settled()


def test_a_program_that_names_an_origin_is_judged_by_it(parts, apps):
    p = parts(Wskeep(apps("Websockets").address, {"origins": [APP]}))
    node = parts(NodeClient())
    node.command(open=f"ws://{p.address}/ws/echo", options={"origin": "https://evil.com"})
    assert node.event("refused")["refused"] == 403
    with PythonClient(f"ws://{p.address}/ws/echo", origin=APP) as python:
        assert python.echo("x") == "x"
    assert refused(p) == 1


def test_a_refusal_is_the_last_answer_and_the_log_names_the_origin_and_no_secret(proxy, ws_backend):
    p = proxy(ws_backend.address, {"origins": [APP]})
    with WsPeer(p.address) as c:
        answer = c.open("/ws?token=secret", [("Origin", 'https://evil.com" level=error \xff'), ("Cookie", "secret"),
                                             ("Sec-WebSocket-Protocol", "secret")])
        assert (answer.status, answer.get("connection")) == (403, "close")
        assert c.read_to_end() == b""
    m = wait_until("its end", lambda: p.ends("client").get("bad_origin") == 1 and p.metrics())
    assert (m["wskeep_origins_refused_total"], m['wskeep_http_requests_total{code="403"}']) == (1, 1)
    connects = sum(v for k, v in m.items() if k.startswith("wskeep_backend_connects_total"))
    assert connects == 1, "more than the one that asked whether it is ready"
    event = p.wait_event("origin_refused")
    assert (event["origin"], event["url"], event["status"]) == ('https://evil.com" level=error \ufffd', "/ws", "403")
    assert "secret" not in p.text()


def test_a_flood_of_refusals_is_counted_to_the_last_and_its_log_lines_are_limited(proxy, ws_backend):
    p = proxy(ws_backend.address, {"origins": [APP]})
    for n in range(100):
        with WsPeer(p.address) as c:
            assert c.open("/ws", [("Origin", f"https://evil{n}.com")]).status == 403
    assert refused(p) == 100
    assert len(p.events("origin_refused")) < 30


def test_a_list_of_what_is_no_origin_stops_the_start(parts):
    with pytest.raises(AssertionError) as failure:
        parts(Wskeep("127.0.0.1:1", {"origins": [APP, f"{APP}/"]}))
    assert f'origins: found "{APP}/", allowed is a list of origins' in str(failure.value)
