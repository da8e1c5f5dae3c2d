"""The demo page in Chromium, through wskeep: what a person sees at a glance."""

import pytest

from parts.browser import Browser
from parts.servers import DemoRun, Direct, Wskeep


@pytest.fixture(scope="module")
def demo_site(keep, demo, direct):
    return keep(Direct(demo.address) if direct else Wskeep(demo.address, {"heartbeat": {"interval": "300ms"}}))


@pytest.fixture(scope="module")
def browser(keep):
    return keep(Browser())


def data(page):
    return page.js("({...document.body.dataset})")


def test_the_demo_page_connects_and_gets_an_answer_to_each_message(browser, demo_site):
    page = browser.page(f"http://{demo_site.address}/?auto=3")
    page.wait("document.body && document.body.dataset.answered == 3")
    seen = data(page)
    assert (seen["state"], seen["sent"], seen["answered"], seen["missing"], seen["closes"]) == ("open", "3", "3", "0", "0")
    page.close()


@pytest.mark.proxy
def test_the_demo_page_sees_the_1012_of_a_drain(browser, demo, parts):
    p = parts(Wskeep(demo.address))
    page = browser.page(f"http://{p.address}/?auto=1")
    page.wait("document.body && document.body.dataset.answered == 1")
    p.tell(15)
    page.wait("document.body.dataset.closes > 0")
    assert data(page)["state"] != "open"
    page.close()
    assert p.wait() == 0


@pytest.mark.proxy
def test_a_backend_killed_in_the_middle_of_an_answer_is_missed_by_nobody(browser, demo, parts):
    page = browser.page(f"http://{parts(DemoRun()).address}/?auto=3")
    page.wait("document.body && document.body.dataset.answered == 3")
    before = data(page)
    page.js("document.getElementById('ten').click()")
    page.wait("document.querySelector('.run:last-child li:nth-child(2).done') !== null")
    page.js("document.getElementById('kill').click()")
    page.wait("document.body.dataset.kills == 1")
    assert data(page)["answered"] == "3"
    page.wait("document.body.dataset.answered == 13")
    seen = data(page)
    assert (seen["state"], seen["opens"], seen["closes"], seen["missing"], seen["twice"]) == ("open", "1", "0", "0", "0")
    assert seen["backend"] != before["backend"]
    assert int(seen["away"]) >= 1000  # ms: what the backend's supervisor takes
    assert page.js("Array.from(document.querySelectorAll('.run .note'), note => /begun again/.test(note.textContent))") == (
        [False] * 3 + [True] * 10)
    page.close()


def test_a_backend_that_nobody_starts_again_is_not_killed_by_the_button(browser, demo_site):
    page = browser.page(f"http://{demo_site.address}/?auto=1")
    page.wait("document.body && document.body.dataset.answered == 1")
    page.js("document.getElementById('kill').click()")
    page.wait("/nothing starts this backend again/i.test(document.getElementById('why').textContent)")
    assert page.js("document.getElementById('kill').disabled")
    assert data(page)["kills"] == "0"
    page.close()


@pytest.mark.parametrize("code, reason, seen", [(1000, "bye", [1000, "bye", True]), (4001, "mine", [4001, "mine", True]),
                                                (1011, "oops", [1011, "oops", True])])
def test_a_browser_sees_the_applications_code_and_reason(browser, site, code, reason, seen):
    page = browser.page()
    got = page.js("""new Promise((done) => {
        const ws = new WebSocket('ws://%s/ws/close?code=%d&reason=%s');
        ws.onclose = (e) => done([e.code, e.reason, e.wasClean]);
    })""" % (site.address, code, reason))
    assert got == seen
    page.close()


def test_a_browsers_compressed_messages_come_back(browser, site):
    page = browser.page()
    got = page.js("""new Promise((done) => {
        const ws = new WebSocket('ws://%s/ws/echo');
        const text = Array.from({length: 200000}, (_, i) => 'n' + i).join(' ');
        ws.onopen = () => ws.send(text);
        ws.onmessage = (e) => { done([ws.extensions, e.data === text]); ws.close(1000); };
        ws.onclose = (e) => done(e.code);
    })""" % site.address)
    assert "permessage-deflate" in got[0] and got[1] is True
    page.close()


def test_a_refused_handshake_is_1006_to_a_browsers_script(browser, site):
    page = browser.page()
    assert page.js("""new Promise((done) => {
        new WebSocket('ws://%s/ws/refuse').onclose = (e) => done(e.code);
    })""" % site.address) == 1006
    page.close()


def test_an_event_stream_reaches_a_browser_event_by_event(browser, site):
    page = browser.page(f"http://{site.address}/hello")
    page.wait("location.href.endsWith('/hello') && document.readyState == 'complete'")
    got = page.js("""new Promise((done) => {
        const seen = [], source = new EventSource('/sse/browser?n=3');
        source.onmessage = async (e) => {
            seen.push(e.data);
            if (seen.length == 3) { source.close(); done(seen); }
            else await fetch('/gate/browser', {method: 'POST'});
        };
        source.onerror = () => done(seen);
    })""")
    assert got == ["event 0", "event 1", "event 2"]
    page.close()
