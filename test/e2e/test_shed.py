"""Memory when the backend is away for long and many clients go on to talk: bounded, and every client is told."""

import json
import signal

import pytest

from parts.process import wait_until
from parts.servers import App, listening
from parts.ws import CLOSE, TEXT, numbered, ws

pytestmark = pytest.mark.proxy

TOTAL, SIZE, CLIENTS = 4 << 20, 60_000, 200
HELD = 4 * 16352  # what a journal takes for one message of SIZE
CONF = {
    "buffer": {"session": "256KiB", "total": "4MiB"},
    "backend": {"handshake_timeout": "2s"},
    "reconnect": {"backoff_min": "50ms", "backoff_max": "200ms"},
    "limits": {"connecting": 512},
    "timeouts": {"close": "10s"},
}


def held(p):
    m = p.metrics()
    return m["wskeep_journal_bytes"] + m["wskeep_kept_bytes"]


def test_clients_that_go_on_to_talk_are_shed_at_the_limit_and_the_others_served(proxy, parts):
    socket = listening()
    app = parts(App("Websockets", listener=socket)).wait_ready()
    p = proxy(app.address, CONF)
    clients = [ws(p.address, "/ws/count") for _ in range(CLIENTS)]
    wait_until("all sessions", lambda: p.metrics()['wskeep_sessions{state="live"}'] == CLIENTS)
    app.end(signal.SIGTERM)
    wait_until("all to be without a backend", lambda: p.metrics()['wskeep_sessions{state="headless"}'] == CLIENTS)
    before = p.rss()
    most = 0
    for c in clients:
        c.text(numbered(SIZE))
        most = max(most, p.rss())
    wait_until("all to have come", lambda: p.metrics()[
        'wskeep_messages_total{direction="up",outcome="accepted"}'] == CLIENTS)
    wait_until("memory for what is left", lambda: held(p) <= TOTAL)
    most = max(most, p.rss())

    app = parts(App("Websockets", listener=socket)).wait_ready()
    socket.close()
    told = 0
    for c in clients:
        f = c.next()
        if f.opcode == CLOSE:
            told += 1
            assert int.from_bytes(f.payload[:2], "big") == 1013
            c.close_frame(1013)
        else:
            assert f.opcode == TEXT and json.loads(f.payload)["bytes"] == SIZE
            c.goodbye()
        c.close()
    m = p.settled()
    assert most - before < TOTAL + (8 << 20)
    assert p.ends("client")["shed"] == told
    assert m['wskeep_messages_total{direction="up",outcome="lost"}'] == told
    assert CLIENTS - TOTAL // HELD <= told <= CLIENTS - TOTAL // HELD + 10
    assert m["wskeep_kept_bytes"] == 0
