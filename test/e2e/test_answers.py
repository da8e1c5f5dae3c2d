"""Runs that wait for their answer, with the real stack: a worker is killed in the middle of one, and the next worker
completes it."""

import json
import os
import signal

import pytest

from parts.http import ask
from parts.process import wait_until
from parts.servers import App
from parts.ws import TEXT, ws

pytestmark = pytest.mark.proxy

CONF = {
    "answer": {"of": {"field": "type", "values": ["user_message"]},
               "by": {"field": "type", "values": ["agent_completed", "error"]}, "key": "thread_id"},
    "reconnect": {"backoff_min": "50ms", "backoff_max": "200ms"},
}
REPLAYED = 'wskeep_messages_total{direction="up",outcome="replayed"}'


class Chat:
    """A client that counts what it is told of each thread."""

    def __init__(self, address):
        self.ws = ws(address, "/ws/agent", [("Sec-WebSocket-Extensions", "permessage-deflate")])
        assert self.ws.answer_head.get("sec-websocket-extensions") is None, "what is compressed cannot be read"
        self.completed = {}
        self.pid = None

    def asks(self, thread):
        self.ws.text(json.dumps({"type": "user_message", "thread_id": thread, "text": "why?"}))

    def hears(self):
        opcode, payload = self.ws.message()
        assert opcode == TEXT
        m = json.loads(payload)
        if m["type"] == "token":
            self.pid = m["pid"]
        else:
            self.completed[m["thread_id"]] = self.completed.get(m["thread_id"], 0) + 1
        return m["type"], m["thread_id"], m.get("n")

    def hears_tokens(self, thread):
        assert [self.hears() for _ in range(3)] == [("token", thread, n) for n in range(3)]

    def is_answered(self, thread, app):
        assert ask(app.address, "POST", f"/gate/{thread}").status == 204
        assert self.hears() == ("agent_completed", thread, None)


def kept(p):
    return p.metrics()["wskeep_kept_bytes"]


def test_a_run_whose_worker_was_killed_is_completed_by_the_next_and_once(proxy, parts, worker):
    app = parts(App(worker)).wait_ready()
    p = proxy(app.address, CONF)
    c = Chat(p.address)
    c.asks("before")
    c.hears_tokens("before")
    c.is_answered("before", app)
    idle = kept(p)
    c.asks("a")
    c.hears_tokens("a")
    c.asks("b")  # stands in the library's queue
    wait_until("both to be kept", lambda: kept(p) > idle + 2 * len("user_message"))
    killed = c.pid
    os.kill(killed, signal.SIGKILL)
    c.hears_tokens("a")
    assert c.pid != killed
    c.is_answered("a", app)
    c.hears_tokens("b")
    c.is_answered("b", app)

    # All are answered: another loss begins none of them again.
    replayed = p.metrics()[REPLAYED]
    os.kill(c.pid, signal.SIGKILL)
    c.asks("c")
    c.hears_tokens("c")
    c.is_answered("c", app)
    assert c.completed == {"before": 1, "a": 1, "b": 1, "c": 1}
    assert replayed in (1, 2), "b may not have been proven to be there"
    assert p.metrics()[REPLAYED] <= replayed + 1
    c.ws.goodbye()
    p.settled()
    assert kept(p) == 0


def test_a_run_that_every_worker_dies_of_ends_with_1011(proxy, parts, worker):
    app = parts(App(worker)).wait_ready()
    p = proxy(app.address, CONF)
    c = Chat(p.address)
    c.asks("a")
    for _ in range(3):
        c.hears_tokens("a")
        wait_until("proof that the worker has it", lambda: p.metrics()[
            'wskeep_messages_total{direction="up",outcome="delivered"}'] == 1)
        os.kill(c.pid, signal.SIGKILL)
    assert c.ws.closed().code == 1011
    c.ws.close_frame(1011)
    wait_until("the end to be counted", lambda: p.ends("client") == {"unanswered": 1})
    p.settled()
