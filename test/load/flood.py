"""Established sessions beside connections that come and go as fast as they can: their latency in quiet and under the flood,
through wskeep and through nginx, and what memory either holds afterwards."""

import json

import drive
import ratio
import report
import targets

QUIET = 10  # s at the most, to know the sessions' latency without a flood
REST = 5  # s after it: buffers go back by time
PLACES = 400  # of the flood, shared evenly among its kinds
FLOOD = f"--mode flood --conns {PLACES} --drip 1 --mute 1 --leave 1 --reset 1"
BEFORE = f"--mode churn --size 64 --conns {PLACES}"  # what a proxy keeps for good is there before memory is compared
SLACK = 1 << 20  # B that are no growth
PROXIES = ("wskeep", "nginx")


def under_flood(place, row, running, name):
    """The sessions' figures and the flood's; the flood begins with the sessions' measured time, and outlasts it."""
    target, backend = running[name], running["backend"]
    with drive.started("flood", drive.command(place, target, backend, FLOOD, place.long + 1)) as flood:
        figures = drive.run(place, target, backend, row.load, place.long)
        return figures, json.loads(drive.output(flood, drive.SETUP))


def measure(place, row, name):
    with targets.running(place, [name]) as running:
        target, backend = running[name], running["backend"]
        drive.run(place, target, backend, BEFORE, min(place.long, QUIET))
        quiet = drive.run(place, target, backend, row.load, min(place.long, QUIET))
        drive.rest(REST)
        before = target.resident()
        flooded, flood = under_flood(place, row, running, name)
        drive.rest(REST)
        return {"quiet": quiet, "flooded": flooded, "flood": flood, "before": before, "after": target.resident()}


def faults(figures):
    return ", ".join(f"{name}: {n}" for name, n in figures["faults"].items()) or "none"


def latencies(found):
    for name, f in found.items():
        for when in ("quiet", "flooded"):
            figures = f[when]
            yield (name, when, f"{figures['rate']:,.0f}", f"{figures['p50']:,.0f}", f"{figures['p99']:,.0f}",
                   f"{figures['busy']:.0%}", faults(figures))


def company(found):
    """What the flood did meanwhile: it comes and goes as fast as the proxy lets it."""
    for name, f in found.items():
        kinds = f["flood"]["flood"]
        yield (name, *(f"{kinds[kind]['done_s']:,.0f}" for kind in ("leave", "reset")),
               *(f"{kinds[kind]['held']:,}" for kind in ("drip", "mute")),
               sum(kind["cut"] for kind in kinds.values()),
               sum(kind["refused"] + kind["failed"] for kind in kinds.values()))


def memory(found):
    for name, f in found.items():
        grown = f["after"] - f["before"]
        held = name == "wskeep"
        yield (name, report.kib(f["before"]), report.kib(f["after"]), report.kib(grown),
               f"≤ {report.kib(SLACK)}" if held else "–", ratio.judged(grown <= SLACK) if held else "–")


def run(place, row):
    found = {name: measure(place, row, name) for name in PROXIES}
    report.keep(place.out, row.name, found)
    report.say(f"The flood, for {place.long:g} s: `{FLOOD}`\nComing and going, client and backend share one CPU, so that "
               f"much of a latency under flood is of their making: compare\nthe proxies. Slow heads come a byte at a time "
               f"and never end. Resident memory: before, when connections had come and gone\nfor {min(place.long, QUIET):g} s "
               f"already, and {REST} s after the flood.\n")
    report.say(report.table(("proxy", "when", "messages/s", "p50 µs", "p99 µs", "proxy busy", "faults of the sessions"),
                            list(latencies(found))) + "\n")
    report.say(report.table(("proxy", "shook hands and left/s", "reset/s", "slow heads held", "silent held", "cut",
                             "refused, failed"), list(company(found))) + "\n")
    report.say(report.table(("proxy", "before KiB", "after KiB", "growth KiB", "bound", "verdict"), list(memory(found))))
