"""A lot of bytes through a little memory: an upload, a download, and a stream to a slow reader."""

import json
import re
import socket
import time

import drive
import proc
import ratio
import report
import targets
from parts.process import PATIENCE

BYTES = 1 << 30
PIECE = 1 << 20
MESSAGE = 16 << 10
SLOW = 64 << 20  # B/s that the slow reader takes: a tenth of what the rest could carry


def connected(port, head):
    s = socket.create_connection(("127.0.0.1", port), PATIENCE)
    s.sendall(head.encode())
    return s


def read_answer(s):
    """(head, what of the body came with it)."""
    data = b""
    while b"\r\n\r\n" not in data:
        got = s.recv(65536)
        assert got, f"ended early: {data!r}"
        data += got
    head, body = data.split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 200"), head
    return head.decode(), body


def upload(place, running):
    piece = bytes(PIECE)
    with connected(running["wskeep"].port, f"POST /x HTTP/1.1\r\nHost: bench\r\nContent-Length: {BYTES}\r\n\r\n") as s:
        for _ in range(BYTES // PIECE):
            s.sendall(piece)
        read_answer(s)


def download(place, running):
    with connected(running["wskeep"].port, f"GET /bytes?n={BYTES} HTTP/1.1\r\nHost: bench\r\n\r\n") as s:
        head, body = read_answer(s)
        assert int(re.search(r"(?i)content-length: (\d+)", head)[1]) == BYTES, head
        left, room = BYTES - len(body), bytearray(PIECE)
        while left:
            got = s.recv_into(room)
            assert got, f"{left} bytes did not come"
            left -= got


def stream(place, running):
    """The load tool reads and checks every message."""
    load = (f"--mode source --path /source?size={MESSAGE}&batch=4&total={BYTES} --size {MESSAGE} --conns 1 "
            f"--read-rate {SLOW}")
    argv = drive.command(place, running["wskeep"], running["backend"], load, BYTES / SLOW + 1)
    with drive.started("client", argv) as process:
        raw = json.loads(drive.output(process, BYTES / SLOW + drive.SETUP))
    assert raw["total_msgs"] == BYTES // MESSAGE and not raw["mismatches"] + raw["lost"] + raw["dup"], raw
    return raw


TRANSFERS = [(f"upload of {BYTES >> 30} GiB", upload), (f"download of {BYTES >> 30} GiB", download),
             (f"WebSocket stream of {BYTES >> 30} GiB to a reader of {SLOW >> 20} MiB/s", stream)]


def measure(place, transfer):
    with targets.running(place, ["wskeep"]) as running:
        wskeep = running["wskeep"]
        cpu, began = wskeep.cpu(), time.monotonic()
        transfer(place, running)
        return {"seconds": time.monotonic() - began, "cpu": wskeep.cpu() - cpu, "peak": proc.peak(wskeep.pids),
                "after": wskeep.resident()}


def run(place, row):
    found = {name: measure(place, transfer) for name, transfer in TRANSFERS}
    report.keep(place.out, row.name, found)
    report.say("Each through a fresh wskeep; peak: the highest resident memory of its life (VmHWM).\n")
    most = row.bounds["peak"]
    report.say(report.table(("through wskeep", "seconds", "MiB/s", "CPU s", "peak MiB", "bound", "verdict"), [
        (name, f"{f['seconds']:.1f}", f"{(BYTES >> 20) / f['seconds']:,.0f}", f"{f['cpu']:.2f}", report.mib(f["peak"]),
         f"≤ {report.mib(most)} MiB", ratio.judged(f["peak"] <= most)) for name, f in found.items()]))
