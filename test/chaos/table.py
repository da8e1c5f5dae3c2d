"""The figures as lines of text."""

from chaos.ledger import broken

COLUMNS = [  # title, width, what of the figures
    ("sent", 7, lambda f: f.sent), ("accept", 7, lambda f: f.accepted), ("taken", 7, lambda f: f.taken),
    ("miss", 6, lambda f: f.missing), ("proven", 7, lambda f: f.missing_proven), ("not", 6, lambda f: f.missing_unproven),
    ("twice", 6, lambda f: f.twice), ("unansw", 7, lambda f: f.unanswered), ("deliv", 7, lambda f: f.delivered),
    ("unprov", 7, lambda f: f.unproven), ("lost", 6, lambda f: f.lost), ("replay", 7, lambda f: f.replayed),
    ("reopen", 7, lambda f: f.reopened), ("refuse", 7, lambda f: f.refused), ("gap", 6, lambda f: f"{f.gap:.1f}"),
]
NAMES = "{:10} {:10} {:8} {:>3}"
HEAD = NAMES.format("workers", "mode", "what", "n") + "".join(f"{t:>{w}}" for t, w, _ in COLUMNS) + "  closed"


def row(worker, mode, scenario, f):
    """The line, and whether every promise was kept."""
    closes = " ".join(f"{code}:{n}" for code, n in sorted(f.closes.items())) or "0"
    line = NAMES.format(worker.lower(), mode, scenario, f.rounds)
    line += "".join(f"{value(f):>{w}}" for _, w, value in COLUMNS) + "  " + closes
    wrong = broken(f, scenario, mode)
    return "\n".join([line, *(f"    ! {text}" for text in wrong)]), not wrong
