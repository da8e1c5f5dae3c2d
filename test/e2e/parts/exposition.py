"""The reference of metrics, deploy/monitoring/metrics.md, as what /metrics says makes it. Run as a program it writes it."""

import dataclasses
import os
import re

from .servers import ROOT, Wskeep
from .ws import Pair, WsListener

FILE = os.path.join(ROOT, "deploy", "monitoring", "metrics.md")

# Labels whose values are not listed: too many, or those that have occurred.
OPEN = {"code", "reason", "version", "wskeep_reconnects_total.result"}

# What is asked for first: name, expression, what it says.
ASKED = [
    ("connection count", 'sum(wskeep_sessions{state!="closing"})', "WebSocket sessions"),
    ("average connection duration",
     "sum(rate(wskeep_connection_duration_seconds_sum[5m])) / sum(rate(wskeep_connection_duration_seconds_count[5m]))",
     "seconds, of the connections that ended in the last five minutes"),
    ("disconnections by reason", "sum by (side, reason) (rate(wskeep_disconnects_total[5m]))", "so many a second"),
    ("share of bad disconnections",
     'sum(rate(wskeep_connection_duration_seconds_count{clean="false"}[5m])) '
     "/ sum(rate(wskeep_connection_duration_seconds_count[5m]))", "of those that ended"),
    ("delivery success",
     'sum(rate(wskeep_messages_total{outcome=~"delivered|unproven"}[5m])) '
     '/ sum(rate(wskeep_messages_total{outcome=~"delivered|unproven|lost"}[5m]))',
     "unproven ones are in the peer's TCP, but its endpoint did not say so: show them beside this"),
    ("memory budget", "(wskeep_journal_bytes + wskeep_kept_bytes) / wskeep_buffer_limit_bytes",
     "from 1 on something is shed"),
    ("longest without a backend", "max(wskeep_headless_oldest_seconds)", "seconds that a session has been headless"),
]

HEAD = """<!-- Written by `make reference` from what /metrics says. -->
# Metrics

`/metrics` of the admin listener (`admin.address`) is Prometheus' text format. A scrape takes as long with many sessions as
with none, and stops no traffic. `direction` is `up` to the backend, `down` to the client. What a `reason` means stands in
the [README](../../README.md#why-a-connection-ended).

"""


@dataclasses.dataclass
class Family:
    name: str
    help: str
    kind: str = ""
    labels: dict = dataclasses.field(default_factory=dict)  # name -> values, as they come

    def add(self, labels):
        for label, value in re.findall(r'(\w+)="([^"]*)"', labels):
            if label != "le" and value not in self.labels.setdefault(label, []):
                self.labels[label].append(value)


def families(text):
    """What a scrape has, in its order."""
    found = []
    for line in text.splitlines():
        if line.startswith("# HELP "):
            found.append(Family(*line.split(" ", 3)[2:]))
        elif line.startswith("# TYPE "):
            found[-1].kind = line.rsplit(" ", 1)[1]
        else:
            found[-1].add(line.rpartition(" ")[0])
    return found


def label(family, name, values):
    is_open = name in OPEN or f"{family.name}.{name}" in OPEN
    return f"`{name}`" if is_open else f"`{name}`: {', '.join(values)}"


def reference(text):
    rows = [f"| `{f.name}` | {f.kind} | {'; '.join(label(f, *item) for item in f.labels.items())} | {f.help} |"
            for f in families(text)]
    asked = [f"- {name}: `{expression}`; {what}." for name, expression, what in ASKED]
    return (HEAD + "| metric | type | labels | what |\n|---|---|---|---|\n" + "\n".join(rows)
            + "\n\n## Asked for most\n\n" + "\n".join(asked) + "\n")


def scrape(p, backend):
    """What it says behind one session: every label has a value by then."""
    with Pair(p, backend) as (c, b):
        c.close_frame(1000)
        b.closed()
        b.close_frame(1000)
        c.closed()
    p.settled()
    return p.get("/metrics")[1]


def write():
    backend = WsListener()
    p = Wskeep(backend.address)
    try:
        with backend.accept() as probe:
            probe.request()
            probe.answer()
        text = reference(scrape(p, backend))
    finally:
        p.finish()
        backend.close()
    with open(FILE, "w") as f:
        f.write(text)


if __name__ == "__main__":
    write()
