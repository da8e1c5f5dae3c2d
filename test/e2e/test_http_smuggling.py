"""Request smuggling: the backend sees exactly the requests that the client was granted, and none that was hidden in
another. The cases of ../smuggling.txt, which says what becomes of each, and those that need the whole of a proxy."""

import codecs
import os
import re
import threading

import pytest

from parts.http import HttpListener, HttpPeer
from parts.peer import Ended
from parts.servers import Wskeep
from parts.ws import KEY

pytestmark = pytest.mark.proxy

HIDDEN = r"GET\x20/hidden\x20HTTP/1.1\r\nHost:\x20h\r\n\r\n"
WS = rf"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {KEY}\r\n"
POST = r"POST /p HTTP/1.1\r\nHost: h\r\n"
N = len(codecs.decode(HIDDEN, "unicode_escape"))
LEN, TE, END = rf"Content-Length: {N}\r\n", r"Transfer-Encoding: chunked\r\n", r"\r\n"
V13, V8 = r"Sec-WebSocket-Version: 13\r\n", r"Sec-WebSocket-Version: 8\r\n"
H2C = r"GET /p HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n"
OWN = f"""\
behind a handshake	{WS}{V13}{END}{HIDDEN}	400
behind a handshake of version 8	{WS}{V8}{END}{HIDDEN}	426
behind a handshake with a body	{WS}{V13}{LEN}{END}{HIDDEN}	={HIDDEN}
behind h2c	{H2C}{LEN}{END}{HIDDEN}	={HIDDEN}
a length named in Connection	{POST}Connection: Content-Length{END}{LEN}{END}{HIDDEN}	={HIDDEN}
a coding named in Connection	{POST}Connection: Transfer-Encoding{END}{TE}{END}{N:x}{END}{HIDDEN}{END}0{END}{END}	={HIDDEN}
the Host named in Connection	{POST}Connection: Host{END}{TE}{END}0{END}{END}	=
a body behind an expectation	{POST}Expect: 100-continue{END}{LEN}{END}{HIDDEN}	={HIDDEN}
a trailer that frames	{POST}{TE}{END}0{END}{LEN}{END}{POST}{LEN}{END}{HIDDEN}	= ={HIDDEN}
a trailer that ends the connection	{POST}{TE}{END}0{END}Connection: close{END}{END}{POST}{LEN}{END}{HIDDEN}	= ={HIDDEN}
"""
QUIET = 0.1  # s without a byte: nothing more comes. Too short only lets a fault through, never fails a good proxy


def cases():
    with open(os.path.join(os.path.dirname(__file__), "..", "smuggling.txt")) as f:
        lines = f.read().splitlines() + OWN.splitlines()
    for line in lines:
        if line and not line.startswith(("#", "handshake_")):  # a handshake is a request to the parser alone
            name, raw, outcome = line.split("\t")
            yield pytest.param(unescape(raw), outcome.split(" ") if outcome else [], id=name.replace(" ", "_"))


def unescape(text):
    return codecs.decode(text, "unicode_escape").encode("latin-1")


class Recorder(HttpListener):
    """A careful backend: answers each request once it is whole, and keeps what it saw."""

    def __init__(self):
        super().__init__()
        self.heads, self.bodies, self.threads = [], [], []
        self.start(self.run)

    def start(self, function, *args):
        self.threads.append(threading.Thread(target=function, args=args))
        self.threads[-1].start()

    def run(self):
        while True:
            try:
                peer = HttpPeer(self.socket.accept()[0])
            except OSError:
                return
            self.accepted.append(peer)
            self.start(self.serve, peer)

    def serve(self, b):
        try:
            while True:
                m = b.head()
                self.heads.append(m)
                if m.all("expect"):
                    b.send(b"HTTP/1.1 100 Continue\r\n\r\n")
                self.bodies.append(b.body(m).body)
                b.answer(body=m.target.encode())
        except (Ended, OSError):
            b.close()

    def end(self):
        self.socket.shutdown(2)
        for peer in self.accepted:
            peer.close()
        for t in self.threads:
            t.join()
        self.close()


@pytest.fixture(scope="module")
def target(keep):
    recorder = keep(Recorder())
    return keep(Wskeep(recorder.address)).wait_ready(), recorder


@pytest.mark.parametrize("raw, outcome", cases())
def test_the_backend_sees_what_was_granted_and_nothing_else(target, raw, outcome):
    p, recorder = target
    heads, bodies = len(recorder.heads), len(recorder.bodies)
    got = b""
    with HttpPeer(p.address) as c:
        c.send(raw)
        try:
            while not c.silent_for(QUIET):
                got += c.read_some()
        except Ended as end:
            got += end.got
    whole = [unescape(o[1:]) for o in outcome if o.startswith("=")]
    refusal = outcome[-1] if outcome and outcome[-1].isdigit() else None
    assert recorder.bodies[bodies:] == whole
    assert len(recorder.heads) - heads <= len(whole) + sum(o.startswith("-") for o in outcome)
    statuses = re.findall(r"HTTP/1\.1 (\d{3}) ", got.decode("latin-1"))
    assert [s for s in statuses if s != "100"] == ["200"] * len(whole) + ([refusal] if refusal else []), got[:500]
    for m in recorder.heads[heads:]:
        assert not (m.all("content-length") and m.all("transfer-encoding")), m.headers
        assert len(m.all("host")) == 1, m.headers
    with HttpPeer(p.address) as c:
        assert c.ask("GET", "/next").body == b"/next", "the next client suffers"


def test_there_are_at_least_sixty_cases():
    assert len(list(cases())) >= 60
