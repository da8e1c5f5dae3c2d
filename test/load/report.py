"""What the bench prints: plain tables that are Markdown too. The raw figures go to a file beside."""

import json
import re
import sys


def table(head, lines):
    """Columns as wide as their widest cell; columns of numbers stand to the right."""
    cells = [[str(cell) for cell in line] for line in [head, *lines]]
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    right = [all(re.match(r"-?\d|–$", line[i]) for line in cells[1:]) for i in range(len(head))]

    def shown(line):
        return "| " + " | ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(line, widths, right)) + " |"
    rule = "|" + "|".join("-" * (w + 1) + (":" if r else "-") for w, r in zip(widths, right)) + "|"
    return "\n".join([shown(cells[0]), rule, *map(shown, cells[1:])])


def say(text=""):
    print(text, flush=True)


def progress(text):
    print(f"# {text}", file=sys.stderr, flush=True)


def keep(folder, name, figures):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(figures, indent=1) + "\n")


def number(value):
    """Three digits that count: 0.631, 9.41, 27.6, 1,526."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def mib(size):
    return f"{size / (1 << 20):,.1f}"


def kib(size):
    return f"{size / 1024:,.0f}"
