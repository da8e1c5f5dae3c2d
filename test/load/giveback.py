"""A burst that nobody reads for a while, and then rest: is all memory given back, and what does the allocator keep?"""

import base64
import contextlib
import os
import socket
import struct
import time

import drive
import ratio
import report
import targets
from parts.process import PATIENCE, wait_until

SESSIONS, EACH, SIZE = 1000, 10, 16 << 10
RECEIVE = 4096  # B of the reader's socket buffer: what is not read must wait in the proxy, not in the kernel
PATIENCE_TO_GIVE_BACK = 60  # s
SETTLED = 0.3  # s without a change


def opened(port):
    """A session of our own: the load tool never leaves an answer unread."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE)
    s.settimeout(PATIENCE)
    s.connect(("127.0.0.1", port))
    key = base64.b64encode(os.urandom(16)).decode()
    s.sendall(f"GET /echo HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += s.recv(1)  # no byte of what follows
    assert head.startswith(b"HTTP/1.1 101"), head
    return s


def frames(masked, number):
    """All that one session sends, and what must come back: each frame full of bytes that tell where it belongs."""
    mask = bytes(4) if masked else b""  # of zeros: the payload as it is
    head = struct.pack(">BBH", 0x82, (0x80 if masked else 0) | 126, SIZE) + mask
    return b"".join(head + struct.pack(">II", number, i) * (SIZE // 8) for i in range(EACH))


def read_exactly(s, n):
    data = bytearray(n)
    view = memoryview(data)
    while view:
        got = s.recv_into(view)
        assert got, "ended early"
        view = view[got:]
    return data


def looked(wskeep, what):
    metrics = wskeep.metrics()
    return {"what": what, "resident": wskeep.resident(), "journals": metrics["wskeep_journal_bytes"]}


def burst(sessions, wskeep):
    """Until all that was sent has come as far as it can."""
    for number, s in enumerate(sessions):
        s.sendall(frames(True, number))

    def still():
        before = wskeep.metrics()["wskeep_journal_bytes"]
        drive.rest(SETTLED)
        return wskeep.metrics()["wskeep_journal_bytes"] == before
    wait_until("the burst to settle", still, PATIENCE)


def read_all(sessions):
    for number, s in enumerate(sessions):
        want = frames(False, number)
        assert read_exactly(s, len(want)) == want, f"session {number} got other bytes back"


def moments(wskeep, row):
    """What memory was at each, and the seconds until it was back."""
    found = [looked(wskeep, "started")]
    with contextlib.ExitStack() as stack:
        sessions = [stack.enter_context(opened(wskeep.port)) for _ in range(SESSIONS)]
        drive.rest(3)  # the buffers of the handshakes go back by time, too
        found.append(looked(wskeep, f"{SESSIONS:,} sessions, idle"))
        burst(sessions, wskeep)
        found.append(looked(wskeep, "burst settled, nothing read"))
        read_all(sessions)
        began = time.monotonic()
        found.append(looked(wskeep, "all read"))
        most = allowed(found, row)
        with contextlib.suppress(TimeoutError):
            wait_until("memory to be given back", lambda: wskeep.resident() <= most, PATIENCE_TO_GIVE_BACK)
        rested = time.monotonic() - began
        drive.rest(3)
        found.append(looked(wskeep, "after rest"))
    return found, rested


def allowed(found, row):
    _, idle, sent = found[:3]
    return idle["resident"] + row.bounds["left"] * (sent["resident"] - idle["resident"])


def run(place, row):
    with targets.running(place, ["wskeep"]) as running:
        found, rested = moments(running["wskeep"], row)
    report.keep(place.out, row.name, {"moments": found, "rested": rested})
    report.say(f"Each of {SESSIONS:,} sessions sends {EACH} messages of {SIZE >> 10} KiB to an echo and reads nothing "
               f"until all is settled; then all are read\nand compared. Their socket buffers are small, so that what is not read "
               f"waits in wskeep. Journals: what wskeep counts as held for\nmessages (wskeep_journal_bytes): capacity, of "
               f"which pages that were never touched are not resident.\n")
    report.say(report.table(("moment", "resident KiB", "journals KiB", "neither: KiB"), [
        (f["what"], report.kib(f["resident"]), report.kib(f["journals"]), report.kib(f["resident"] - f["journals"]))
        for f in found]) + "\n")
    report.say(judged(row, found, rested))


def judged(row, found, rested):
    _, idle, sent, read, after = found
    grown = sent["resident"] - idle["resident"]

    def more(moment):
        return f"{report.kib(moment['resident'] - idle['resident'])} KiB"
    return report.table(("of wskeep", "found", "bound", "verdict"), [
        ("more resident at the burst than idle", more(sent), "–", "–"),
        ("kept by pools and allocator when all was read", more(read), "–", "–"),
        ("left after rest", f"{more(after)}, {(after['resident'] - idle['resident']) / grown:.1%}",
         f"≤ {row.bounds['left']:.0%}", ratio.judged(after["resident"] <= allowed(found, row))),
        ("given back within", f"{rested:.1f} s", "–", "–")])
