"""What may be concluded from pairs of figures taken back to back: their ratios, and whether the machine was quiet.

Pure: numbers in, words out.
"""

import math
import statistics

QUIET = 0.10  # how far the figures of one proxy may lie apart, as a share of their median, before no ratio is believed
ENOUGH = 5  # pairs, before a bound is said to hold or not


def spread(figures):
    """How far they lie apart: (highest - lowest) / median."""
    middle = statistics.median(figures)
    return (max(figures) - min(figures)) / middle if middle else 0.0


class Pairs:
    """Figures of a subject and a peer, the two of each pair measured one right after the other."""

    def __init__(self, subject, peer):
        self.names = (subject, peer)
        self.taken = []  # (figure of the subject, figure of the peer)
        self.repeated = 0

    def add(self, subject, peer):
        self.taken.append((subject, peer))

    def replace(self, index, subject, peer):
        self.taken[index] = (subject, peer)
        self.repeated += 1

    def columns(self):
        return list(zip(*self.taken))

    def widest(self):
        """(spread, name, index of the pair that strays farthest) of whichever of the two spreads more."""
        def judge(name, figures):
            middle = statistics.median(figures)
            return spread(figures), name, max(range(len(figures)), key=lambda i: abs(figures[i] - middle))
        return max(judge(name, figures) for name, figures in zip(self.names, self.columns()))

    def stray(self):
        """The pair to be measured again, None when both were quiet. It is chosen by the figures, never by the ratio."""
        width, _, index = self.widest()
        return index if width > QUIET else None

    def ratios(self):
        return [subject / peer for subject, peer in self.taken]

    def ratio(self):
        return statistics.median(self.ratios())


def told(pairs, bound=None):
    """(median, lowest to highest, bound, verdict) as a reader is told them; no ratio when it was not quiet."""
    limit = f"≤ {bound:.2f}" if bound else "–"
    if pairs.stray() is not None:
        width, name, _ = pairs.widest()
        return f"not quiet: spread {width:.0%} of {name}", "–", limit, "not quiet" if bound else "–"
    ratios = pairs.ratios()
    return f"{pairs.ratio():.3f}", f"{min(ratios):.3f} to {max(ratios):.3f}", limit, verdict(pairs, bound)


def verdict(pairs, bound):
    if not bound:
        return "–"
    if len(pairs.taken) < ENOUGH:
        return f"too few pairs, {ENOUGH} needed"
    return judged(pairs.ratio() <= bound)


def confident(figures):
    """(lowest, median, highest): with 95 % the true median lies in between, whatever the figures are drawn from. For
    what is drowned by noise in a few pairs and not in a hundred: the ranks n/2 -+ 0.98 sqrt(n) of the sign test."""
    ordered, n = sorted(figures), len(figures)
    reach = 0.98 * n ** 0.5
    low, high = math.floor(n / 2 - reach), math.ceil(n / 2 + reach)
    return (ordered[low - 1] if low >= 1 else -math.inf, statistics.median(ordered),
            ordered[high] if high < n else math.inf)


def judged(holds):
    return "holds" if holds else "falls short"
