"""Every admin page asked for, again and again, while 9,900 sessions live: how long each answer takes, and what that costs
the traffic."""

import re
import subprocess
import urllib.error
import urllib.request

import drive
import ratio
import report
import rows
import targets
from parts.process import PATIENCE, wait_until

EVERY = 1.0  # s: Prometheus asks every 15 s, as many set it, and for one page
BUSY = 100  # sessions that carry the traffic; the others are idle
REST = rows.MOST_SESSIONS - BUSY
LONG = 3600  # s


def pages(wskeep):
    """Those that there are, as its own 404 lists them."""
    try:
        urllib.request.urlopen(f"http://{wskeep.admin}/no-such-page", timeout=PATIENCE)
    except urllib.error.HTTPError as answer:
        return re.findall(r"(?<!\S)/[\w/]*", answer.read().decode())
    raise RuntimeError("a page that should not be there")


def ask(wskeep, paths):
    """{path: seconds} as curl measures them, one after the other."""
    argv = ["curl", "-s", "-w", "%{url} %{time_total}\n"]
    for path in paths:
        argv += ["-o", "/dev/null", f"http://{wskeep.admin}{path}"]
    told = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout
    return {url.partition(wskeep.admin)[2]: float(seconds) for url, seconds in map(str.split, told.splitlines())}


def busy(place, row, running, paths):
    """The traffic's figures, and what each asking took meanwhile; no paths: nobody asks."""
    wskeep, backend = running["wskeep"], running["backend"]
    with drive.started("client", drive.command(place, wskeep, backend, row.load, place.seconds)) as process:
        asked = drive.poll(process, lambda: ask(wskeep, paths), EVERY) if paths else []
        figures = drive.of_load(drive.output(process, place.seconds + drive.SETUP))
    if figures["faults"]:
        raise RuntimeError(f"{figures['faults']}")
    return figures, asked


def measure(place, row, running):
    wskeep = running["wskeep"]
    paths, pairs, asked = pages(wskeep), {key: ratio.Pairs("asked", "left alone") for key in ("rate", "us")}, []
    for turn in range(place.rounds):
        found = {}
        for loud in (True, False) if turn % 2 == 0 else (False, True):
            found[loud], seen = busy(place, row, running, paths if loud else [])
            asked += seen
        for key, each in pairs.items():
            each.add(found[True][key], found[False][key])
        report.progress(f"row {row.name}: round {turn + 1} of {place.rounds}")
    return pairs, {path: [each[path] * 1e3 for each in asked] for path in paths}


def held(place, wskeep, backend):
    """The idle ones, for longer than it takes."""
    return drive.command(place, wskeep, backend, f"--mode idle --size 64 --conns {REST}", LONG)


def run(place, row):
    with targets.running(place, ["wskeep"]) as running:
        wskeep = running["wskeep"]
        with drive.started("idle", held(place, wskeep, running["backend"])):
            wait_until("all sessions", lambda: wskeep.metrics()["wskeep_sessions_open"] >= REST, drive.SETUP)
            pairs, taken = measure(place, row, running)
            wait_until("those to go that were busy", lambda: wskeep.metrics()["wskeep_sessions_open"] == REST, PATIENCE)
    report.keep(place.out, row.name, {"pages": taken, **{key: each.taken for key, each in pairs.items()}})
    report.say(f"{REST:,} sessions are idle, {BUSY} carry the traffic. In turns all pages are asked for, with {EVERY:g} s between, "
               f"and none is. curl shares\na CPU with client and backend.\n")
    report.say(report.table(("page", "times", "ms, median", "ms, longest", "bound", "verdict"), [
        (path, len(ms), f"{sorted(ms)[len(ms) // 2]:.2f}", f"{max(ms):.2f}", f"< {row.bounds['ms']}",
         ratio.judged(max(ms) < row.bounds["ms"])) for path, ms in taken.items()]) + "\n")
    report.say(report.table(("asked / left alone", "median", "95 % between", "bound", "verdict"), [
        ("messages/s", *dent(pairs["rate"], row.bounds["dent"])), ("CPU µs/message", *dent(pairs["us"]))]))


def dent(pairs, most=None):
    """A dent of a percent is far below what one pair strays by, so that it is for many short ones to show."""
    low, median, high = ratio.confident(pairs.ratios())
    told = f"{median:.3f}", f"{low:.3f} to {high:.3f}"
    if most is None:
        return *told, "–", "–"
    least = 1 - most
    return *told, f"≥ {least:.2f}", "more pairs are needed" if low < least <= high else ratio.judged(low >= least)
