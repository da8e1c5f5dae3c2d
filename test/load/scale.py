"""The same traffic on ever more sessions: what a message costs, and what memory they take, as a table and a plot."""

import dataclasses

import drive
import plot
import ratio
import report
import rows
import speed
import targets

SESSIONS = (100, 1000, rows.MOST_SESSIONS)
PEERS = ("relay", "nginx")
PAGE = 4096  # B: no growth is smaller


def wider(row, sessions):
    return dataclasses.replace(row, name=f"{row.name} {sessions:,}", load=f"{row.load} --conns {sessions}")


def resident(place, row, names):
    """Growth of resident memory while the sessions carry the traffic, of processes that had none before."""
    found = {}
    for name in names:
        with targets.running(place, [name]) as running:
            target = running[name]
            before = target.resident()
            argv = drive.command(place, target, running["backend"], row.load, place.seconds)
            with drive.started("client", argv) as process:
                seen = drive.poll(process, target.resident)
                drive.output(process, drive.SETUP)
            found[name] = max(max(seen) - before, PAGE)
    return found


def measure(place, row, sessions):
    wide = wider(row, sessions)
    series, shown = speed.measure(place, wide, PEERS)
    report.say(f"    {shown}\n\n{speed.proxies(wide, series)}\n\n{speed.ratios(wide, series)}\n")
    names = ["wskeep", *PEERS]
    all_ = speed.figures_of(series)
    return {"sessions": sessions, "memory": resident(place, wide, names),
            "us": {name: speed.median(all_[name], "us") for name in names},
            "spread": max(s.pairs.widest()[0] for s in series),
            "told": {s.peer: ratio.told(s.pairs)[0] for s in series}, **speed.kept(series, shown)}


def verdict(found, holds):
    if any(f["spread"] > ratio.QUIET for f in found):
        return "not quiet"
    if any(len(s["taken"]) < ratio.ENOUGH for f in found for s in f["series"]):
        return f"too few pairs, {ratio.ENOUGH} needed"
    return ratio.judged(holds)


def growth(row, found):
    """What a message costs on the most sessions, beside the fewest: alone, and less what grows in the relay too."""
    first, last = found[0]["us"], found[-1]["us"]
    lines = []
    for name in first:
        grown = last[name] / first[name]
        beside = grown / (last["relay"] / first["relay"])
        held = name == "wskeep"
        lines.append((name, f"{grown:.2f}", f"{beside:.2f}", f"≤ {row.bounds['growth']:.2f}" if held else "–",
                      verdict(found, beside <= row.bounds["growth"]) if held else "–"))
    return report.table(("proxy", f"CPU a message, {found[-1]['sessions']:,} / {found[0]['sessions']:,} sessions",
                         "the same beside the relay's", "bound", "verdict"), lines)


def run(place, row):
    found = [measure(place, row, sessions) for sessions in SESSIONS]
    report.keep(place.out, row.name, found)
    names = list(found[0]["us"])
    report.say(report.table(
        ("sessions", *(f"{n} CPU µs" for n in names), *(f"wskeep / {p}" for p in PEERS), *(f"{n} MiB" for n in names)),
        [(f"{f['sessions']:,}", *(report.number(f["us"][n]) for n in names), *(f["told"][p] for p in PEERS),
          *(report.mib(f["memory"][n]) for n in names)) for f in found]) + "\n")
    report.say(growth(row, found) + "\n")
    file = place.out / "scale.svg"
    file.write_text(drawn(names, found))
    report.say(f"Plot: {file}")


def drawn(names, found):
    def series(key, unit=1):
        return {n: [(f["sessions"], f[key][n] / unit) for f in found] for n in names}
    return plot.chart([
        plot.Panel("CPU time a message at 10,000 a second in all", "WebSocket sessions", "µs", series("us")),
        plot.Panel("Resident memory that the sessions take", "WebSocket sessions", "KiB",
                   series("memory", 1024), log_y=True)])
