"""One worker and two: throughput, CPU time a message, and how the load was spread over the threads."""

import dataclasses
import statistics

import drive
import proc
import ratio
import report
import targets

COUNTS = (1, 2)


def measure(place, row, running):
    """One measurement, with the share of the CPU time that each busy thread had."""
    wskeep = running["wskeep"]
    before = proc.thread_cpu(wskeep.pid)
    figures = drive.run(place, wskeep, running["backend"], row.load, place.seconds)
    if figures["faults"]:
        raise RuntimeError(f"{figures['faults']}")
    spent = sorted((after - before.get(task, 0) for task, after in proc.thread_cpu(wskeep.pid).items()), reverse=True)
    return {**figures, "shares": [each / sum(spent) for each in spent]}


def rounds(place, row):
    found = {count: [] for count in COUNTS}
    for turn in range(place.rounds):
        for count in COUNTS if turn % 2 == 0 else reversed(COUNTS):
            with targets.running(place, ["wskeep"], {"workers": count}) as running:
                found[count].append(measure(place, row, running))
        report.progress(f"row {row.name}: round {turn + 1} of {place.rounds}")
    return found


def line(count, all_):
    def middle(key):
        return statistics.median(f[key] for f in all_)
    shares = [statistics.median(column) for column in zip(*(f["shares"][:count] for f in all_))]
    return (count, f"{middle('rate'):,.0f}", report.number(middle("us")), f"{ratio.spread([f['us'] for f in all_]):.0%}",
            f"{middle('p50'):,.0f}", f"{middle('p99'):,.0f}", f"{middle('busy'):.0%}", f"{middle('load'):.0%}",
            " + ".join(f"{share:.0%}" for share in shares))


def pairs(key, found):
    """Two workers beside one, round by round."""
    together = ratio.Pairs("two", "one")
    for one, two in zip(*(found[count] for count in COUNTS)):
        together.add(two[key], one[key])
    return ratio.told(together)[:2]


def run(place, row):
    both = f"{place.load_cpu},{place.proxy_cpu}"
    place = dataclasses.replace(place, load_cpu=both, proxy_cpu=both)
    found = rounds(place, row)
    report.keep(place.out, row.name, found)
    report.say(f"Nothing is pinned apart here: client, backend and all of wskeep's threads share CPUs {both}. There two "
               f"workers cannot carry\nmuch more than one beside a client and a backend that are as busy; what shows is "
               f"whether a message costs more.\nThread shares: of wskeep's CPU time, its busiest threads.\n")
    report.say(report.table(("workers", "messages/s", "CPU µs/message", "spread", "p50 µs", "p99 µs", "proxy busy",
                             "load busy", "thread shares"), [line(count, found[count]) for count in COUNTS]) + "\n")
    report.say(report.table(("two workers / one", "median", "lowest to highest"), [
        ("messages/s", *pairs("rate", found)), ("CPU µs/message", *pairs("us", found))]))
