"""Rows of speed: CPU time a message, wskeep and each peer measured one right after the other, round after round."""

import statistics

import drive
import ratio
import report
import targets


class Series:
    """Measurements of a subject beside a peer."""

    def __init__(self, place, row, running, subject, peer):
        self.place, self.row, self.running = place, row, running
        self.subject, self.peer = subject, peer
        self.pairs = ratio.Pairs(subject, peer)
        self.taken, self.dropped = [], []  # what the pairs' figures are from

    def measure(self, turn):
        """Subject first, then peer, and next time the other way round: what drifts favours neither."""
        order = (self.subject, self.peer) if turn % 2 == 0 else (self.peer, self.subject)
        return {name: self.one(name) for name in order}

    def one(self, name):
        figures = drive.run(self.place, self.running[name], self.running["backend"], self.row.load, self.place.seconds)
        if figures["faults"]:
            raise RuntimeError(f"row {self.row.name}, {name}: {figures['faults']}")
        return figures

    def add(self, turn):
        pair = self.measure(turn)
        self.taken.append(pair)
        self.pairs.add(pair[self.subject]["us"], pair[self.peer]["us"])

    def repeat(self, turn):
        """Takes the pair that strays again, if there is one."""
        index = self.pairs.stray()
        if index is None:
            return False
        pair = self.measure(turn)
        self.dropped.append(self.taken[index])
        self.taken[index] = pair
        self.pairs.replace(index, pair[self.subject]["us"], pair[self.peer]["us"])
        return True


def rounds(place, series):
    """All series once a round; then what was not quiet again, as often as there were rounds at the most."""
    for turn in range(place.rounds):
        for s in series:
            s.add(turn)
        report.progress(f"row {series[0].row.name}: round {turn + 1} of {place.rounds}")
    for turn in range(place.rounds):
        again = [s.repeat(turn) for s in series]
        if not any(again):
            break
        report.progress(f"row {series[0].row.name}: not quiet, {sum(again)} pairs measured again")


def measure(place, row, peers=None):
    subjects, peers = targets.subjects(row), peers or place.peers
    with targets.running(place, [*subjects, *peers]) as running:
        series = [Series(place, row, running, subject, peer) for subject in subjects for peer in peers]
        rounds(place, series)
        shown = drive.command(place, running[subjects[0]], running["backend"], row.load, place.seconds)
    return series, " ".join(shown)


def figures_of(series):
    """Of each proxy all that was measured, by name."""
    found = {}
    for s in series:
        for pair in s.taken:
            for name, figures in pair.items():
                found.setdefault(name, []).append(figures)
    return found


def median(figures, key):
    return statistics.median(f[key] for f in figures)


def proxies(row, series):
    """One line a proxy: the medians of what it showed."""
    lines = []
    for name, all_ in figures_of(series).items():
        spread = ratio.spread([f["us"] for f in all_])
        load = "–" if all_[0]["load"] is None else f"{median(all_, 'load'):.0%}"
        lines.append((name, report.number(median(all_, "us")), f"{spread:.0%}", f"{median(all_, 'rate'):,.0f}",
                      f"{median(all_, 'p50'):,.0f}", f"{median(all_, 'p99'):,.0f}", f"{median(all_, 'busy'):.0%}", load))
    return report.table(("proxy", f"CPU µs/{row.unit}", "spread", f"{row.unit}s/s", "p50 µs", "p99 µs", "proxy busy",
                         "load busy"), lines)


def ratios(row, series):
    """One line a pair: the ratio, its bound, the verdict."""
    return report.table(("ratio", "median", "lowest to highest", "bound", "verdict", "pairs", "taken again"), [
        (f"{s.subject} / {s.peer}", *ratio.told(s.pairs, row.bounds.get((s.subject, s.peer))), len(s.pairs.taken),
         s.pairs.repeated) for s in series])


def summary(row, series):
    """Cells of the last table, one line a subject."""
    found = figures_of(series)
    for subject in targets.subjects(row):
        own = [s for s in series if s.subject == subject]
        bounds = {s.peer: row.bounds.get((subject, s.peer)) for s in own}
        told = {s.peer: ratio.told(s.pairs, bounds[s.peer]) for s in own}
        yield {
            "row": row.name, "subject": subject, "unit": row.unit,
            "us": {name: median(found[name], "us") for name in [subject, *bounds]},
            "ratio": {peer: words[0] for peer, words in told.items()},
            "verdict": {peer: (bounds[peer], words[3]) for peer, words in told.items() if bounds[peer]}}


def kept(series, shown):
    return {"command": shown, "series": [
        {"subject": s.subject, "peer": s.peer, "taken": s.taken, "dropped": s.dropped} for s in series]}


def run(place, row):
    series, shown = measure(place, row)
    report.keep(place.out, row.name, kept(series, shown))
    report.say(f"    {shown}\n")
    report.say(proxies(row, series) + "\n")
    report.say(ratios(row, series))
    return list(summary(row, series))
