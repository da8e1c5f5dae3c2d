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


def warm(place, target, backend):
    """One session comes and goes: what the first one costs (pages of the program, tables that are made once) is no other's."""
    drive.run(place, target, backend, "--mode idle --size 64 --conns 1", 1)


def hold(place, row, target, backend, seconds):
    """The sessions open for so long: what the load tool found at their end, and what wskeep said meanwhile."""
    with drive.started("client", drive.command(place, target, backend, row.load, seconds)) as process:
        told = watched(target, row, seconds - 1) if isinstance(target, targets.Wskeep) else {}
        return json.loads(drive.output(process, seconds + drive.SETUP)), told


def watched(wskeep, row, seconds):
    """What a session keeps of its handshake; pings, and CPU seconds, in how long, while nothing else happens."""
    sessions = int(row.load.split()[-1])
    wait_until("all sessions", lambda: wskeep.metrics()["wskeep_sessions_open"] >= sessions, drive.SETUP)
    drive.rest(INTERVAL)  # the echo that each began with is over, the wheel has gone round
    head = wskeep.metrics()["wskeep_kept_bytes"] / sessions
    before = pings(wskeep), wskeep.cpu()
    drive.rest(seconds - INTERVAL)
    return {"head": head, "cost": (pings(wskeep) - before[0], wskeep.cpu() - before[1], seconds - INTERVAL)}


def pings(wskeep):
    metrics = wskeep.metrics()
    return sum(metrics[f'wskeep_pings_total{{side="{side}"}}'] for side in ("client", "backend"))


def dropped(raw):
    return raw["conns"] - raw["alive"] + raw["unexpected_closes"]


def measure(place, row, name):
    seconds = TIMEOUTS * TIMEOUT + 1 if name in targets.CONFS else place.seconds
    with targets.running(place, [name], SCALED) as running:
        warm(place, running[name], running["backend"])
        raw, told = hold(place, row, running[name], running["backend"], seconds)
    return {"name": name, "seconds": seconds, "bytes": raw["rss_per_conn"], "dropped": dropped(raw), "raw": raw,
            **told}


def told_cost(found):
    if "cost" not in found:
        return "–", "–", "–"
    count, cpu, _ = found["cost"]
    each = cpu * 1e6 / count if count else 0
    return f"{count:,.0f}", f"{each:.2f}", f"{each * 2 / DEFAULT_INTERVAL:.2f}"


def run(place, row):
    found = [measure(place, row, name) for name in [*targets.subjects(row), *place.peers]]
    report.keep(place.out, row.name, {"found": found})
    report.say(f"wskeep pings both sides every {INTERVAL} s (timeout {TIMEOUT} s) and is watched for {TIMEOUTS} timeouts; "
               f"the others, which ping nobody, for {place.seconds:g} s.\nEach session echoed one message of 64 B before. "
               f"Bytes: growth of resident memory. The last column is reckoned:\nwhat the pings of one session cost a "
               f"second at the default interval of {DEFAULT_INTERVAL} s.\n")
    report.say(report.table(
        ("proxy", "bytes/session", "sessions", "dropped", "seconds", "pings", "CPU µs/ping", "CPU µs/session and second"),
        [(f["name"], f"{f['bytes']:,.0f}", f"{f['raw']['opened']:,}", f["dropped"], f"{f['seconds']:g}", *told_cost(f))
         for f in found]) + "\n")
    head = found[0]["head"]
    most = row.bounds["bytes"] + head
    report.say(report.table(("of wskeep", "found", "bound", "verdict"), [
        ("bytes/session", f"{found[0]['bytes']:,.0f}", f"≤ {row.bounds['bytes']:,} + {head:,.0f} of the handshake that is kept",
         ratio.judged(found[0]["bytes"] <= most)),
        ("dropped", found[0]["dropped"], row.bounds["dropped"],
         ratio.judged(found[0]["dropped"] <= row.bounds["dropped"]))]))
