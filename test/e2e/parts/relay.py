"""A balancer in small: it cuts a connection as soon as one of its directions has been silent for `limit` seconds, and after
`life` seconds whatever passes, as Cloud Run does at a service's request timeout."""

import math
import socket
import struct
import threading
import time

from .peer import connect


class CuttingRelay:
    def __init__(self, target, limit, life=math.inf, listen="127.0.0.1:0"):
        self.target, self.limit, self.life = target, limit, life
        self.cuts = []  # which direction was silent, or "life"
        host, port = listen.rsplit(":", 1)
        self.socket = socket.create_server((host, int(port)))
        self.address = "%s:%d" % self.socket.getsockname()
        self.pairs, self.threads = [], []
        self.start(self.accept)

    def start(self, function, *args):
        t = threading.Thread(target=function, args=args)
        self.threads.append(t)
        t.start()

    def accept(self):
        while True:
            try:
                near = self.socket.accept()[0]
            except OSError:
                return
            try:
                far = connect(self.target)
            except OSError:
                near.close()
                continue
            for s in (near, far):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.pairs.append((near, far))
            end = time.monotonic() + self.life
            self.start(self.carry, near, far, "up", end)
            self.start(self.carry, far, near, "down", end)

    def carry(self, source, sink, direction, end):
        try:
            while data := self.receive(source, end):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except TimeoutError:
            self.cuts.append("life" if time.monotonic() >= end else direction)
            self.cut(source, sink)
        except OSError:
            self.cut(source, sink)

    def receive(self, source, end):
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        source.settimeout(min(self.limit, left))
        return source.recv(65536)

    @staticmethod
    def cut(*ends):
        for s in ends:
            try:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for pair in self.pairs:
            self.cut(*pair)
        for t in self.threads:
            t.join()
        for pair in self.pairs:
            for s in pair:
                s.close()
