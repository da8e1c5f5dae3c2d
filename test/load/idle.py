"""Idle sessions: resident bytes of each, whether any was dropped, and the CPU time that the heartbeats took."""

import json

import drive
import ratio
import report
import targets
from parts.process import wait_until

INTERVAL, TIMEOUT = 2, 6  # s, scaled down from the defaults below
TIMEOUTS = 3
DEFAULT_INTERVAL = 25  # s, what a ping's price is reckoned for
SCALED = {"heartbeat": {"interval": f"{INTERVAL}s", "timeout": f"{TIMEOUT}s"}}


def head_bytes(place):
    """The length of the load tool's handshake, which wskeep keeps for as long as the session lives."""
    s, port = targets.listening()
    s.settimeout(drive.SETUP)
    with s, drive.started("head", [place.tool("load"), "--port", str(port), "--conns", "1", "--seconds", "1"]):
        with s.accept()[0] as peer:
            peer.settimeout(drive.SETUP)
            return len(read_head(peer))


def read_head(peer):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += peer.recv(65536)
    return head


def hold(place, row, target, backend, seconds):
    """The sessions open for so long; what the load tool found at their end."""
    with drive.started("client", drive.command(place, target, backend, row.load, seconds)) as process:
        cost = heartbeats(target, row, seconds - 1) if isinstance(target, targets.Wskeep) else None
        return json.loads(drive.output(process, seconds + drive.SETUP)), cost


def heartbeats(wskeep, row, seconds):
    """(pings, CPU seconds, seconds) while nothing else happens."""
    sessions = int(row.load.split()[-1])
    wait_until("all sessions", lambda: wskeep.metrics()["wskeep_sessions_open"] >= sessions, drive.SETUP)
    drive.rest(INTERVAL)  # the echo that each began with is over, the wheel has gone round
    before = pings(wskeep), wskeep.cpu()
    drive.rest(seconds - INTERVAL)
    return pings(wskeep) - before[0], wskeep.cpu() - before[1], seconds - INTERVAL


def pings(wskeep):
    metrics = wskeep.metrics()
    return sum(metrics[f'wskeep_pings_total{{side="{side}"}}'] for side in ("client", "backend"))


def dropped(raw):
    return raw["conns"] - raw["alive"] + raw["unexpected_closes"]


def measure(place, row, name):
    seconds = TIMEOUTS * TIMEOUT + 1 if name in targets.CONFS else place.seconds
    with targets.running(place, [name], SCALED) as running:
        raw, cost = hold(place, row, running[name], running["backend"], seconds)
    return {"name": name, "seconds": seconds, "bytes": raw["rss_per_conn"], "dropped": dropped(raw), "cost": cost,
            "raw": raw}


def told_cost(found):
    if not found["cost"]:
        return "–", "–", "–"
    count, cpu, _ = found["cost"]
    each = cpu * 1e6 / count if count else 0
    return f"{count:,.0f}", f"{each:.2f}", f"{each * 2 / DEFAULT_INTERVAL:.2f}"


def run(place, row):
    head = head_bytes(place)
    found = [measure(place, row, name) for name in [*targets.subjects(row), *place.peers]]
    report.keep(place.out, row.name, {"head": head, "found": found})
    report.say(f"wskeep pings both sides every {INTERVAL} s (timeout {TIMEOUT} s) and is watched for {TIMEOUTS} timeouts; "
               f"the others, which ping nobody, for {place.seconds:g} s.\nEach session echoed one message of 64 B before. "
               f"Bytes: growth of resident memory. The last column is reckoned:\nwhat the pings of one session cost a "
               f"second at the default interval of {DEFAULT_INTERVAL} s.\n")
    report.say(report.table(
        ("proxy", "bytes/session", "sessions", "dropped", "seconds", "pings", "CPU µs/ping", "CPU µs/session and second"),
        [(f["name"], f"{f['bytes']:,.0f}", f"{f['raw']['opened']:,}", f["dropped"], f"{f['seconds']:g}", *told_cost(f))
         for f in found]) + "\n")
    most = row.bounds["bytes"] + head
    report.say(report.table(("of wskeep", "found", "bound", "verdict"), [
        ("bytes/session", f"{found[0]['bytes']:,.0f}", f"≤ {row.bounds['bytes']:,} + {head} of the handshake's head",
         ratio.judged(found[0]["bytes"] <= most)),
        ("dropped", found[0]["dropped"], row.bounds["dropped"],
         ratio.judged(found[0]["dropped"] <= row.bounds["dropped"]))]))
