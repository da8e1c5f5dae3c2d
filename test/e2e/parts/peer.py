"""A TCP peer that a test plays by hand, line by line: either end, always with a deadline, never with a guess."""

import ctypes
import errno
import fcntl
import os
import select
import socket
import struct
import time

from .process import PATIENCE, wait_until

SIOCOUTQ = 0x5411


class Ended(Exception):
    """The other side ended the connection where more was awaited. `got`: what had come before."""

    def __init__(self, got, how):
        super().__init__(f"{how} after {len(got)} bytes: {bytes(got[-200:])!r}")
        self.got, self.how = bytes(got), how


def connect(address, patience=PATIENCE, receive_buffer=None):
    """address: "host:port" or "unix:PATH"."""
    if address.startswith("unix:"):
        s = socket.socket(socket.AF_UNIX)
        target = address[5:]
    else:
        s = socket.socket(socket.AF_INET)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        host, _, port = address.rpartition(":")
        target = (host, int(port))
    if receive_buffer:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    s.settimeout(patience)
    s.connect(target)
    return s


def refuses(address):
    """Whether nobody listens there."""
    try:
        connect(address).close()
        return False
    except ConnectionResetError:  # it closed while we connected
        return False
    except (ConnectionRefusedError, FileNotFoundError):
        return True


class Peer:
    def __init__(self, where, patience=PATIENCE, receive_buffer=None):
        """where: an address to connect to, or a connected socket."""
        if isinstance(where, str):
            where = connect(where, patience, receive_buffer)
        self.socket, self.patience = where, patience
        self.socket.settimeout(patience)
        self.buffer = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_anyway(self, data):
        """As send; the other side may have ended before it has all."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def fill(self):
        """Reads once. Raises Ended at an EOF or a reset."""
        try:
            got = self.socket.recv(1 << 18)
        except ConnectionResetError:
            raise Ended(self.take(), "reset") from None
        if not got:
            raise Ended(self.take(), "EOF")
        self.buffer += got

    def take(self, n=None):
        n = len(self.buffer) if n is None else n
        data = bytes(self.buffer[:n])
        del self.buffer[:n]
        return data

    def read(self, n):
        while len(self.buffer) < n:
            self.fill()
        return self.take(n)

    def read_some(self):
        """At least one byte."""
        if not self.buffer:
            self.fill()
        return self.take()

    def read_until(self, mark):
        """Up to and with mark."""
        start = 0
        while (at := self.buffer.find(mark, start)) < 0:
            start = max(0, len(self.buffer) - len(mark))
            self.fill()
        return self.take(at + len(mark))

    def read_to_end(self):
        """All that comes before the other side's EOF or reset."""
        try:
            while True:
                self.fill()
        except Ended as end:
            return end.got

    def end(self):
        """How the other side ended, when nothing but its end is awaited: "EOF" or "reset"."""
        try:
            self.fill()
        except Ended as end:
            assert not end.got, f"bytes before the end: {end.got[:200]!r}"
            return end.how
        raise AssertionError(f"bytes where only an end was awaited: {bytes(self.buffer[:200])!r}")

    def silent_for(self, seconds):
        """Whether nothing at all comes, an end included, for that long."""
        return not self.buffer and not select.select([self.socket], [], [], seconds)[0]

    def half_close(self):
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError as e:
            if e.errno != errno.ENOTCONN:  # the other side was first
                raise

    def reset(self):
        """Ends the connection by RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def vanish(self):
        """From now on as a host whose cable was pulled: what is sent to it is neither heard nor acknowledged. What it
        had said has arrived, or its kernel would say that again and again."""
        wait_until("all to be acknowledged", lambda: not struct.unpack("i", fcntl.ioctl(self.socket, SIOCOUTQ, b"1234"))[0])
        SO_ATTACH_FILTER, RETURN = 26, 0x06
        drop_all = ctypes.create_string_buffer(struct.pack("HBBI", RETURN, 0, 0, 0))  # struct sock_filter
        program = struct.pack("HP", 1, ctypes.addressof(drop_all))  # struct sock_fprog
        self.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)

    def close(self):
        self.socket.close()

    def send_all_that_fits(self, data, stall=1.0):
        """Sends until the other side has taken nothing for `stall` seconds; returns how many bytes went."""
        sent, view = 0, memoryview(data)
        self.socket.setblocking(False)
        try:
            while sent < len(view):
                if not select.select([], [self.socket], [], stall)[1]:
                    break
                sent += self.socket.send(view[sent:sent + (1 << 18)])
        finally:
            self.socket.settimeout(self.patience)
        return sent


class Listener:
    """A listening socket; the test accepts and plays each connection itself."""

    kind = Peer

    def __init__(self, path=None, bound=None):
        """On a Unix path, on a socket that is bound already, or on a port of the kernel's choice."""
        self.path, self.accepted = path, []
        self.socket = bound or (unix_socket(path) if path else free_port())
        self.address = f"unix:{path}" if path else "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.socket.listen(64)

    def accept(self, patience=PATIENCE):
        self.socket.settimeout(patience)
        peer = self.kind(self.socket.accept()[0])
        self.accepted.append(peer)
        return peer

    def quiet_for(self, seconds):
        """Whether nobody connects for that long."""
        return not select.select([self.socket], [], [], seconds)[0]

    def hang_up(self):
        """Closes what it accepted."""
        for peer in self.accepted:
            peer.close()

    def close(self):
        self.socket.close()
        if self.path and os.path.exists(self.path):
            os.unlink(self.path)
        self.hang_up()


def free_port():
    """A socket bound to a port that is ours, and that refuses until it listens."""
    s = socket.socket(socket.AF_INET)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", 0))
    return s


def unix_socket(path):
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    return s


def elapsed(since):
    return time.monotonic() - since
