"""WebSocket as a strict peer plays it by hand: frames one by one, good and bad, either side (RFC 6455)."""

import base64
import hashlib
import os
from dataclasses import dataclass

from .http import HttpListener, HttpPeer, request

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KEY = base64.b64encode(b"sixteen bytes ok").decode()


def accept_of(key):
    return base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()


def xor(data, key):
    if not data:
        return data
    n = len(data)
    mask = (key * (n // 4 + 1))[:n]
    return (int.from_bytes(data, "big") ^ int.from_bytes(mask, "big")).to_bytes(n, "big")


def frame(opcode, payload=b"", fin=True, masked=True, rsv=0, length=None, wide=0):
    """length: what the head claims, where it is not the payload's; wide: 16 or 64 forces that form."""
    n = len(payload) if length is None else length
    out = bytearray([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit = 0x80 if masked else 0
    if n < 126 and not wide:
        out.append(bit | n)
    elif n < 65536 and wide != 64:
        out += bytes([bit | 126]) + n.to_bytes(2, "big")
    else:
        out += bytes([bit | 127]) + n.to_bytes(8, "big")
    if masked:
        key = os.urandom(4)
        return bytes(out) + key + xor(payload, key)
    return bytes(out) + payload


def close_payload(code=None, reason=""):
    return b"" if code is None else code.to_bytes(2, "big") + reason.encode()


_numbers = bytearray()


def numbered(n):
    """n bytes in which every place is told from every other: ASCII digits, 8 to a number."""
    _numbers.extend(b"".join(b"%07x " % i for i in range(len(_numbers) // 8, n // 8 + 1)))
    return bytes(memoryview(_numbers)[:n])


@dataclass
class Frame:
    fin: bool
    rsv: int
    opcode: int
    masked: bool
    payload: bytes


@dataclass
class Closed:
    """What ended the messages: a Close (code None: without a status), or, where `how` is set, no Close at all."""
    code: int = None
    reason: str = ""
    how: str = None


class WsPeer(HttpPeer):
    """After the handshake. `client`: whether we are the one, that is, mask. Answers pings unless told otherwise."""

    client = True
    answers_pings = True
    pings = 0
    pongs = 0
    last_fragments = 0

    # -- handshakes

    def open(self, path="/", headers=(), **how):
        """As a client: returns the server's answer, and leaves it to the test to look at its status."""
        self.send_handshake(path, headers, **how)
        return self.response()

    def send_handshake(self, path="/", headers=(), **how):
        fields = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Key", KEY),
                  ("Sec-WebSocket-Version", "13"), *headers]
        self.send(request("GET", path, fields, **how))

    def serve(self, headers=()):
        """As a server: takes a handshake, answers 101; returns the request."""
        self.client = False
        m = self.head()
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
                 "Sec-WebSocket-Accept: " + accept_of(m.get("sec-websocket-key"))]
        lines += [f"{n}: {v}" for n, v in headers]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode())
        return m

    # -- frames

    def frame(self, opcode, payload=b"", **how):
        self.send(frame(opcode, payload, masked=how.pop("masked", self.client), **how))

    def text(self, payload):
        self.frame(TEXT, payload if isinstance(payload, bytes) else payload.encode())

    def binary(self, payload):
        self.frame(BINARY, payload)

    def close_frame(self, code=None, reason=""):
        self.frame(CLOSE, close_payload(code, reason))

    def read_frame(self):
        b0, b1 = self.read(2)
        n = b1 & 0x7F
        if n == 126:
            n = int.from_bytes(self.read(2), "big")
        elif n == 127:
            n = int.from_bytes(self.read(8), "big")
        masked = bool(b1 & 0x80)
        assert masked != self.client, "masked by the server, or unmasked by the client"
        key = self.read(4) if masked else None
        payload = self.read(n)
        f = Frame(bool(b0 & 0x80), b0 >> 4 & 7, b0 & 0xF, masked, xor(payload, key) if masked else payload)
        assert f.opcode < CLOSE or (f.fin and n < 126), f"a bad control frame: {f}"
        return f

    def next(self):
        """The next data or Close frame; pings are answered on the way."""
        while True:
            f = self.read_frame()
            if f.opcode == PING:
                self.pings += 1
                if self.answers_pings:
                    self.frame(PONG, f.payload)
            elif f.opcode == PONG:
                self.pongs += 1
            else:
                return f

    def message(self):
        """(opcode, payload) of the next whole message, put together from its fragments."""
        f = self.next()
        assert f.opcode in (TEXT, BINARY), f"a message awaited, came {f.opcode} {f.payload[:80]!r}"
        opcode, parts = f.opcode, [f.payload]
        self.first_rsv = f.rsv
        while not f.fin:
            f = self.next()
            assert f.opcode == CONT and f.rsv == 0, f"a continuation awaited, came {f.opcode} rsv {f.rsv}"
            parts.append(f.payload)
        self.last_fragments = len(parts)
        return opcode, b"".join(parts)

    def closed(self):
        """What the other side's Close says. Data before it is an error."""
        f = self.next()
        assert f.opcode == CLOSE, f"a Close awaited, came {f.opcode} {f.payload[:80]!r}"
        return closed_of(f.payload)

    def goodbye(self, code=1000, reason=""):
        """The whole Close exchange from our side, to the TCP end."""
        self.close_frame(code, reason)
        answer = self.closed()
        if not self.client:
            self.half_close()
        assert self.end() in ("EOF", "reset")
        return answer


def closed_of(payload):
    assert len(payload) != 1
    return Closed(int.from_bytes(payload[:2], "big") if payload else None, payload[2:].decode())


class WsListener(HttpListener):
    """A backend of the test's own making that speaks WebSocket, connection by connection."""

    kind = WsPeer

    def attempt(self):
        """The next connection that asks for a WebSocket, its head yet to be read; a probe is told that all is well."""
        while True:
            b = self.accept()
            head = b.read_until(b"\r\n\r\n")
            if b"sec-websocket-key" in head.lower():
                b.buffer[:0] = head
                return b
            b.answer()
            b.close()

    def serve_next(self):
        """The same, its handshake answered."""
        b = self.attempt()
        b.serve()
        return b


def ws(address, path="/", headers=(), **how):
    """A client with its handshake behind it."""
    c = WsPeer(address, **how)
    answer = c.open(path, headers)
    assert answer.status == 101, f"{answer.start} {answer.body[:200]!r}"
    c.answer_head = answer
    return c


class Pair:
    """Both ends of one session, played by the test: `with Pair(proxy, backend) as (client, backend_end)`."""

    def __init__(self, proxy, backend, path="/", headers=(), answer=(), **how):
        self.client = WsPeer(proxy.address, **how)
        self.client.send_handshake(path, headers)
        self.backend = backend.accept()
        self.request = self.backend.serve(answer)
        self.answer = self.client.response()

    def __enter__(self):
        assert self.answer.status == 101, self.answer.start
        return self.client, self.backend

    def __exit__(self, *_):
        self.client.close()
        self.backend.close()
