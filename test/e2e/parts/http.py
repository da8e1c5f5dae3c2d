"""HTTP/1.1 as a strict peer reads it: nothing is forgiven, and what was seen on the wire is kept."""

from dataclasses import dataclass, field

from .peer import Listener, Peer


@dataclass
class Message:
    start: str
    headers: list  # (name in lower case, value), in order
    body: bytes = b""
    framing: str = "none"  # none, length, chunked, eof
    trailers: list = field(default_factory=list)
    chunks: int = 0

    @property
    def status(self):
        return int(self.start.split(" ", 2)[1])

    @property
    def method(self):
        return self.start.split(" ")[0]

    @property
    def target(self):
        return self.start.split(" ")[1]

    def all(self, name):
        return [v for n, v in self.headers if n == name]

    def get(self, name):
        values = self.all(name)
        assert len(values) <= 1, f"{name} stands {len(values)} times: {values}"
        return values[0] if values else None


def parse_fields(lines):
    fields = []
    for line in lines:
        name, colon, value = line.partition(":")
        assert colon and name and name == name.strip(), f"a bad field line: {line!r}"
        fields.append((name.lower(), value.strip(" \t")))
    return fields


def parse_head(raw):
    text = raw.decode("latin-1")
    assert text.endswith("\r\n\r\n") and "\n" not in text.replace("\r\n", ""), f"a bad head: {raw!r}"
    lines = text[:-4].split("\r\n")
    return Message(lines[0], parse_fields(lines[1:]))


def request(method, target, headers=(), body=None, host="test", chunks=None, trailers=(), version="1.1"):
    """The bytes of a request. body: with Content-Length; chunks: a list, sent chunked."""
    lines = [f"{method} {target} HTTP/{version}"] + ([f"Host: {host}"] if host else [])
    lines += [f"{n}: {v}" for n, v in headers]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    if chunks is not None:
        lines.append("Transfer-Encoding: chunked")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    if chunks is not None:
        return head + chunked(chunks, trailers)
    return head + (body or b"")


def chunked(chunks, trailers=()):
    out = b"".join(b"%x\r\n%b\r\n" % (len(c), c) for c in chunks if c)
    return out + b"0\r\n" + "".join(f"{n}: {v}\r\n" for n, v in trailers).encode() + b"\r\n"


class HttpPeer(Peer):
    """Either side of an HTTP connection."""

    def head(self):
        return parse_head(self.read_until(b"\r\n\r\n"))

    def response(self, method="GET"):
        """The next final answer; 1xx before it are in .informational (not 101, which is final)."""
        informational = []
        while True:
            m = self.head()
            if not 100 <= m.status < 200 or m.status == 101:
                break
            informational.append(m)
        m.informational = informational
        if method == "HEAD" or m.status in (101, 204, 304):
            return m
        return self.body(m, eof_allowed=True)

    def request(self):
        m = self.head()
        if any(v.lower() == "100-continue" for v in m.all("expect")):
            return m  # the test decides
        return self.body(m)

    def body(self, m, eof_allowed=False):
        coding, length = m.get("transfer-encoding"), m.get("content-length")
        if coding is not None:
            assert coding.lower() == "chunked" and length is None, m.headers
            m.framing = "chunked"
            parts = list(self.chunks(m))
            m.body, m.chunks = b"".join(parts), len(parts)
        elif length is not None:
            m.framing = "length"
            m.body = self.read(int(length))
        elif eof_allowed:
            m.framing = "eof"
            m.body = self.read_to_end()
        return m

    def chunks(self, m):
        """Each chunk as it comes, the trailers at the end into m."""
        while size := int(self.read_until(b"\r\n").split(b";")[0], 16):
            yield self.read(size)
            assert self.read(2) == b"\r\n"
        lines = []
        while (line := self.read_until(b"\r\n")) != b"\r\n":
            lines.append(line[:-2].decode("latin-1"))
        m.trailers = parse_fields(lines)

    def ask(self, method, target, **how):
        self.send(request(method, target, **how))
        return self.response(method)

    def answer(self, status="200 OK", headers=(), body=b""):
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"] + [f"{n}: {v}" for n, v in headers]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode() + body)


class HttpListener(Listener):
    """A backend of the test's own making."""

    kind = HttpPeer

    def answer_probe(self, status="200 OK"):
        """Takes wskeep's question whether this backend is ready."""
        with self.accept() as probe:
            asked = probe.request()
            assert asked.get("user-agent").startswith("wskeep/"), f"no probe: {asked}"
            probe.answer(status)
        self.accepted.remove(probe)
        return asked


def ask(address, method, target, **how):
    """One request on a connection of its own."""
    with HttpPeer(address) as c:
        return c.ask(method, target, **how)

