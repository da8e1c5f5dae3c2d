"""The alerts in a real Prometheus, which scrapes a real wskeep: what goes wrong fires its own alert and no other."""

import contextlib
import os
import re
import signal

import pytest

from parts.http import ask
from parts.process import wait_until
from parts.prometheus import Prometheus
from parts.servers import DemoRun
from parts.ws import Pair, WsListener, ws

pytestmark = [pytest.mark.proxy, pytest.mark.deploy]


@contextlib.contextmanager
def nobody_starts_it_again(run):
    """The demo's supervisor stands still; wskeep and the backend, in sessions of their own, do not."""
    os.kill(run.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(run.pid, signal.SIGCONT)


def test_a_killed_backend_is_told_of_until_it_is_back(parts):
    run = parts(DemoRun()).wait_ready()
    prometheus = parts(Prometheus(run.admin)).wait_first_figures()
    expected = {"WskeepBackendNotReady", "WskeepHeadlessSessions"}
    with ws(run.address, "/ws"):
        with nobody_starts_it_again(run):
            ask(run.address, "POST", "/kill")
            wait_until(f"{expected} to fire", lambda: set(prometheus.alerts(run.admin)) == expected)
            for alert in prometheus.alerts(run.admin).values():
                assert alert["labels"]["instance"] == run.admin
                assert not re.search(r"\{\{|<error|<no value", str(alert["annotations"])), alert
        wait_until("an end of the alerts", lambda: not prometheus.alerts(run.admin))
    assert prometheus.alerted(run.admin, "firing") == expected


# -- one thing that goes wrong each: what befalls a wskeep, by its conf; what it opens is closed behind the test


def wskeep_is_gone(wskeep, backend, opened):
    wskeep.end()


def connections_break_off_soon(wskeep, backend, opened):
    for _ in range(12):
        with Pair(wskeep, backend) as (c, b):
            b.reset()
            assert c.closed().code == 1012
            c.close_frame(1012)
            c.read_to_end()


def the_backend_never_returns(wskeep, backend, opened):
    c, b = opened.enter_context(Pair(wskeep, backend))
    backend.socket.close()
    b.reset()
    wait_until("the session to be headless", lambda: wskeep.metrics()['wskeep_sessions{state="headless"}'])
    for _ in range(30):
        c.text("x")
    assert c.closed().code == 1013
    c.close_frame(1013)


def clients_vanish(wskeep, backend, opened):
    for pair in [opened.enter_context(Pair(wskeep, backend)) for _ in range(8)]:
        pair[0].vanish()


def clients_do_not_read(wskeep, backend, opened):
    for _ in range(2):
        _, b = opened.enter_context(Pair(wskeep, backend, receive_buffer=4096))
        b.send_all_that_fits((b"\x82\x7e\x40\x00" + bytes(0x4000)) * 500, stall=0.2)


def people_chat(wskeep, backend, opened):
    for _ in range(12):
        c, b = opened.enter_context(Pair(wskeep, backend))
        for _ in range(5):
            c.text("question")
            b.message()
            b.text("answer")
            c.message()


def people_leave_soon(wskeep, backend, opened):
    for _ in range(12):
        with Pair(wskeep, backend) as (c, b):
            c.close_frame(1000)
            b.closed()
            b.close_frame(1000)
            c.closed()
    wskeep.settled()


SCENES = [  # what happens, the conf, the alerts
    (people_leave_soon, {}, set()),
    (wskeep_is_gone, {}, {"WskeepDown"}),
    (connections_break_off_soon, {}, {"WskeepConnectionsShort", "WskeepDisconnects"}),
    (the_backend_never_returns, {"reconnect": {"window": "300ms"}}, {"WskeepDeliveryFailing", "WskeepBackendNotReady", "WskeepHeadlessSessions"}),
    (clients_vanish, {"heartbeat": {"interval": "100ms", "timeout": "400ms"}}, {"WskeepHeartbeatLosses"}),
    (clients_do_not_read, {"buffer": {"session": "256KiB", "total": "600KiB"}}, {"WskeepMemoryBudget"}),
    (people_chat, {}, set()),
]


def test_what_goes_wrong_fires_its_own_alert_and_no_other(parts, proxy):
    backends = [parts(WsListener()) for _ in SCENES]
    wskeeps = [proxy(backend.address, conf) for backend, (_, conf, _) in zip(backends, SCENES)]
    prometheus = parts(Prometheus(*[w.admin for w in wskeeps])).wait_first_figures()
    with contextlib.ExitStack() as opened:
        for wskeep, backend, (happen, _, _) in zip(wskeeps, backends, SCENES):
            happen(wskeep, backend, opened)
        for wskeep, (_, _, alerts) in zip(wskeeps, SCENES):
            prometheus.wait_fired(wskeep.admin, *alerts)
        for wskeep, (happen, _, alerts) in zip(wskeeps, SCENES):
            assert prometheus.alerted(wskeep.admin, "firing") == alerts, happen.__name__


def test_where_all_is_well_nothing_fires(parts, proxy, ws_backend):
    """Chats that are talked in, last longer than five minutes of Prometheus' time, and are closed."""
    p = proxy(ws_backend.address)
    prometheus = parts(Prometheus(p.admin)).wait_first_figures()
    with contextlib.ExitStack() as opened:
        pairs = [opened.enter_context(Pair(p, ws_backend)) for _ in range(12)]
        wait_until("five minutes", lambda: prometheus.query('min_over_time(wskeep_sessions{state="live"}[4s:]) == 12'))
        for c, b in pairs:
            c.close_frame(1000)
            b.closed()
            b.close_frame(1000)
            b.half_close()
            c.closed()
    wait_until("the ends to be judged", lambda: prometheus.query("wskeep:connections_ended:increase15m offset 3s >= 12"))
    assert prometheus.query("wskeep:connection_duration_seconds:avg15m > 3")
    assert not prometheus.alerted(p.admin, "firing") | prometheus.alerted(p.admin, "pending")
