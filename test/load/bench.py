#!/usr/bin/python3
"""wskeep beside nginx, HAProxy and a bare TCP relay, measured in one run on pinned CPUs; `make bench` starts it.

    test/load/bench.py [--build DIR] [--rows a,c|all] [--rounds N] [--seconds S] [--peers relay,nginx,haproxy]

Prints Markdown tables; the raw figures are kept in DIR/bench/ROW.json. It gives figures, not passes: the exit status is 1
only when something could not be measured.
"""

import argparse
import importlib
import os
import pathlib
import resource
import signal
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))  # parts.process: the processes of the tests end with us

import machine
import network
import report
import rows
import targets
from parts.process import become_subreaper

COLUMNS = """\
A message is one round trip (client, proxy, backend, proxy, client), in row s one way. CPU µs/message: CPU time of all the
proxy's threads and processes in the measured window, by the scheduler's clock, divided by the messages; spread of it:
(highest - lowest) / median over all measurements of that proxy. p50, p99: latency seen by the client. Proxy busy: share of
its CPU; load busy: share of the other CPU that client and backend took. Near 100 % the messages/s are the load's limit.

A ratio is the median of pairs: the two of each are measured one right after the other, in turn either one first. Where the
figures of either spread by more than 10 % the pair that strays farthest is measured again, as often as there are rounds at
the most; after that there is no ratio, but the spread. A bound holds if the median of at least 5 pairs keeps it."""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parents[1] / "build")
    parser.add_argument("--rows", default="", help="names of rows, or all; without it those of speed and idle")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, help="of each measurement; 2 without it, of the flood 60")
    parser.add_argument("--peers", default="relay,nginx,haproxy", help="of relay, nginx, nginx4k, haproxy")
    given = parser.parse_args()
    given.peers = tuple(given.peers.split(","))
    if unknown := set(given.peers) - set(targets.STARTS):
        parser.error(f"no peer {', '.join(unknown)}; there are: {', '.join(targets.STARTS)}")
    if given.rounds < 1:
        parser.error("at least one round is needed")
    return given


def header(place, chosen):
    described = machine.described(place)
    report.keep(place.out, "machine", dict(described))
    report.say("# make bench\n")
    for what, is_so in described:
        report.say(f"- {what}: {is_so}")
    report.say(f"- rows: {', '.join(row.name for row in chosen)}\n\n{COLUMNS}")


def summary(lines):
    """The table of all rows of speed, as short as can be."""
    peers = list(lines[0]["ratio"])
    cells = []
    for line in lines:
        name = line["row"] if line["subject"] == "wskeep" else f"{line['row']} {line['subject']}"
        bounds = [f"≤ {bound:g} × {peer}" for peer, (bound, _) in line["verdict"].items()]
        verdicts = dict.fromkeys(verdict for _, verdict in line["verdict"].values())
        ratios = [line["ratio"][peer].rpartition(" of ")[0] or line["ratio"][peer] for peer in peers]
        cells.append((name, *(report.number(line["us"][proxy]) for proxy in [line["subject"], *peers]), *ratios,
                      ", ".join(bounds) or "–", ", ".join(verdicts) or "–"))
    report.say("\n## Summary: CPU µs a message, and the ratios\n")
    report.say(report.table(("row", "wskeep", *peers, *(f"wskeep / {peer}" for peer in peers), "bound", "verdict"), cells))


def measure(place, chosen):
    lines, failed = [], 0
    for row in chosen:
        report.say(f"\n## {row.name}: {row.work}\n")
        try:
            lines += importlib.import_module(row.kind).run(place, row) or []
        except Exception as error:  # the other rows are still worth having
            report.say(f"NOT MEASURED: {type(error).__name__}: {error}")
            failed = 1
    if lines:
        summary(lines)
    return failed


def prepare():
    """Descriptors for 9,900 sessions; SIGTERM ends what was started, as Ctrl-C does."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    become_subreaper()


def main():
    given = arguments()
    network.enter()
    chosen = rows.chosen(given.rows)
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        raise SystemExit("two CPUs are needed: one for the proxy, one for the load")
    place = targets.Place(given.build.resolve(), given.rounds, given.seconds or 2, given.seconds or 60, given.peers,
                          *map(str, cpus[:2]))
    prepare()
    network.prepare()
    os.sched_setaffinity(0, {cpus[0]})
    try:
        header(place, chosen)
        return measure(place, chosen)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())
