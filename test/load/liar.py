"""A WebSocket server that lies: an echo that does one thing wrong, once on each connection."""

import base64
import contextlib
import hashlib
import itertools
import re
import socket
import socketserver
import struct
import threading

# The message of a connection that goes wrong. The load has four on their way: so this one comes, and the next, however
# little time there is.
LIE_AT = 3

FIN, CONT, BINARY, CLOSE, PING, PONG = 0x80, 0, 2, 8, 9, 10

LATE = object()  # it goes out behind the next one
AGAIN = object()  # it goes out, and the first one a second time
CROSSED = object()  # the one of another session goes out in its place
END = object()  # the connection ends


def frame(payload, first=FIN | BINARY):
    n = len(payload)
    return (bytes([first, n]) if n < 126 else struct.pack(">BBH", first, 126, n)) + payload


def flip(payload, at):
    return payload[:at] + bytes([payload[at] ^ 1]) + payload[at + 1:]


# What goes out for a message of 64 bytes. Each of these is one fault of the kind …
LIES = {
    "mismatches": {
        "a flipped bit": lambda p: frame(flip(p, 40)),
        "another number": lambda p: frame(flip(p, 3)),
        "another time": lambda p: frame(flip(p, 9)),
        "another sender": lambda p: frame(flip(p, 16)),
        "too short": lambda p: frame(p[:-1]),
        "no head": lambda p: frame(p[:5]),
        "empty": lambda p: frame(b""),
        "too long": lambda p: frame(p + b"x"),
        "crossed": lambda p: CROSSED,
    },
    "dup": {"twice": lambda p: frame(p) * 2, "again": lambda p: AGAIN},
    "lost": {"never": lambda p: b""},
    "ooo": {"late": lambda p: LATE},
    "unexpected_closes": {"an end": lambda p: END, "a Close": lambda p: frame(b"\x03\xE8", FIN | CLOSE)},
}
# … each of these ends a session as a breach of protocol …
BREACHES = {
    "masked": lambda p: bytes([FIN | BINARY, 0x80 | len(p)]) + bytes(4) + p,
    "rsv1": lambda p: frame(p, FIN | 0x40 | BINARY),
    "reserved data frame": lambda p: frame(p, FIN | 3),
    "reserved control frame": lambda p: frame(b"", FIN | 11),
    "ping of 126 bytes": lambda p: frame(b"?" * 126, FIN | PING),
    "ping in fragments": lambda p: frame(b"?", PING),
    "length not the shortest": lambda p: struct.pack(">BBH", FIN | BINARY, 126, len(p)) + p,
    "continuation of nothing": lambda p: frame(p, FIN | CONT),
    "message within a message": lambda p: frame(p[:30], BINARY) + frame(p),
}
# … and these are nothing wrong: what goes out, and the pings in it.
TRUTHS = {
    "plain": (frame, []),
    "fragments": (lambda p: frame(p[:30], BINARY) + frame(b"", CONT) + frame(p[30:], FIN | CONT), []),
    "ping within a message": (
        lambda p: frame(p[:30], BINARY) + frame(b"hello", FIN | PING) + frame(p[30:], FIN | CONT), [b"hello"]),
    "two pings": (lambda p: frame(b"one", FIN | PING) + frame(b"two", FIN | PING) + frame(p), [b"one", b"two"]),
    "ping of 125 bytes": (lambda p: frame(b"?" * 125, FIN | PING) + frame(p), [b"?" * 125]),
    "empty ping": (lambda p: frame(p) + frame(b"", FIN | PING), [b""]),
    "pong unasked": (lambda p: frame(b"!", FIN | PONG) + frame(p), []),
}


class Connection(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def exactly(self, n):
        data = self.rfile.read(n)
        if len(data) < n:
            raise EOFError
        return data

    def handle(self):
        with contextlib.suppress(EOFError, OSError):
            self.shake_hands()
            self.serve()

    def shake_hands(self):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.exactly(1)
        key = re.search(rb"Sec-WebSocket-Key: (\S+)", head)[1]
        digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        if not self.server.answer:
            raise EOFError
        self.wfile.write(self.server.answer.replace(b"ACCEPT", base64.b64encode(digest)))

    def frame(self):
        first, n = self.exactly(2)
        assert n & 0x80, "a client must mask"
        mask, payload = self.exactly(4), self.exactly(n & 0x7F)
        return first, bytes(a ^ b for a, b in zip(payload, itertools.cycle(mask)))

    def serve(self):
        first, held, count = b"", b"", 0
        while True:
            kind, payload = self.frame()
            if kind == FIN | PONG:
                self.server.pongs.append(payload)
                continue
            count += 1
            first = first or frame(payload)
            out = self.server.lie(payload) if count == LIE_AT else frame(payload)
            if out is END:
                return
            if out is LATE:
                held = frame(payload)
                continue
            if out is AGAIN:
                out = frame(payload) + first
            if out is CROSSED:
                out = frame(self.server.cross(payload))
            self.server.send(self.request, out + held)
            held = b""


class Liar(socketserver.ThreadingTCPServer):
    """lie: one of the above. answer: to every handshake; none: an end. send: how bytes go out."""
    ANSWER = b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ACCEPT\r\n\r\n"
    request_queue_size = 128

    def __init__(self, lie=frame, answer=ANSWER, send=socket.socket.sendall):
        super().__init__(("127.0.0.1", 0), Connection)
        self.lie, self.answer, self.send, self.pongs = lie, answer, send, []
        self.port = self.server_address[1]
        self.crossing, self.meeting = [], threading.Barrier(2)
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def cross(self, payload):
        """Two sessions meet here and each takes what the other brought."""
        self.crossing.append(payload)
        self.meeting.wait(20)
        return next(other for other in self.crossing if other != payload)

    def __exit__(self, *_):
        """Once the load has ended, so have the connections."""
        self.shutdown()
        self.server_close()
        self.thread.join()
