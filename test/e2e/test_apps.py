"""Applications that keep state of their own for a connection (test/apps): when their server is killed and comes back, their
own library sees one end and one return, and what it was given meanwhile arrives."""

import os
import re
import time

import pytest

from parts.clients import NodeClient
from parts.peer import elapsed, free_port
from parts.process import Process, wait_until
from parts.servers import ROOT

APPS = os.environ.get("APPS", os.path.join(ROOT, "build", "apps"))
AWAY = 1.5  # s between the server's end and its next start
RETURN = 3  # s after the server's return in which all must be back

UP = 'wskeep_messages_total{direction="up",outcome="%s"}'

pytestmark = pytest.mark.proxy


def script(name, *arguments):
    """The command line after `node`. The links are kept, since the packages lie beside the link to the scripts."""
    return ["--preserve-symlinks", "--preserve-symlinks-main", os.path.join(APPS, "src", name), *arguments]


class AppServer(Process):
    def __init__(self, app, port):
        super().__init__(f"{app}-server", ["node", *script("server.js", app, str(port))])
        self.address = self.wait_line(lambda line: (m := re.match(r"listening (\S+)", line)) and m[1])

    def took(self, text):
        return self.lines().count(f"took {text}")

    def wait_took(self, text):
        wait_until(f"{text} to arrive", lambda: self.took(text))


class Member(NodeClient):
    def __init__(self, app, address):
        super().__init__(f"{app}-client", script("client.js", app, address), env={})
        self.told = []

    def count(self, kind):
        while not self.events.empty():
            self.told.append(self.events.get())
        return sum(kind in event for event in self.told)

    def see(self, kind, n=1):
        self.wait_until(f"{n} {kind}", lambda: self.count(kind) >= n)

    def wait_heard(self, text):
        self.wait_until(f"{text} to be heard", lambda: self.count("heard") and {"heard": text} in self.told)

    def wait_until(self, what, condition):
        try:
            wait_until(what, condition)
        except TimeoutError as e:
            raise AssertionError(f"{e}: {self.told}")


@pytest.mark.parametrize("app", ["socketio", "mqtt", "graphql", "yjs"])
def test_an_application_recovers_by_itself_when_its_server_returns(parts, proxy, app):
    if not os.path.exists(os.path.join(APPS, "installed.stamp")):
        pytest.skip("not installed: make apps")
    port = parts(free_port())
    number = port.getsockname()[1]
    server = parts(AppServer(app, number))
    p = proxy(server.address)
    one, two = members = [parts(Member(app, p.address)) for _ in range(2)]
    for m in members:
        m.see("up")
    one.command(say="first")
    two.wait_heard("first")

    # until then all would be sent again, and the state be made anew
    wait_until("proof that the server has it", lambda: (m := p.metrics())[UP % "delivered"] == m[UP % "accepted"])

    server.kill()
    for m in members:
        m.see("down")
    one.command(say="second")  # into the hands of the library, which has no connection
    gone = time.monotonic()
    wait_until("the time without a server", lambda: elapsed(gone) > AWAY)
    server = parts(AppServer(app, number))
    back = time.monotonic()
    for m in members:
        m.see("up", 2)
    took = elapsed(back)
    server.wait_took("second")
    two.command(say="third")
    one.wait_heard("third")

    assert [(m.count("up"), m.count("down")) for m in members] == [(2, 1)] * 2, [m.told for m in members]
    assert [m.count("failed") for m in members] == [0, 0], [m.told for m in members]
    assert server.took("second") == 1
    assert took < RETURN
