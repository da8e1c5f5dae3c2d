"""A balancer in small: it cuts a connection as soon as one of its directions has been silent for `limit` seconds."""

import socket
import struct
import threading

from .peer import connect


class CuttingRelay:
    def __init__(self, target, limit):
        self.target, self.limit = target, limit
        self.cuts = []  # which direction was silent
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
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
            far = connect(self.target)
            for s in (near, far):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                s.settimeout(self.limit)
            self.pairs.append((near, far))
            self.start(self.carry, near, far, "up")
            self.start(self.carry, far, near, "down")

    def carry(self, source, sink, direction):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except TimeoutError:
            self.cuts.append(direction)
            self.cut(source, sink)
        except OSError:
            self.cut(source, sink)

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
