"""The table of what `make bench` measures: one row a kind of work, with the bounds that wskeep is held to."""

import dataclasses

MOST_SESSIONS = 9900  # two descriptors each in the proxy, of the 20,000 that a process may have on common machines
IDLE_BYTES = 1536  # that an idle session may hold, beyond the head of its handshake


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    work: str
    load: str = ""  # arguments of build/load/load, or "wrk"
    bounds: dict = dataclasses.field(default_factory=dict)  # (subject, peer) or a figure's name: the most allowed
    subjects: tuple = ("wskeep",)  # configurations of wskeep, those of targets.CONFS that exist
    unit: str = "message"
    kind: str = "speed"  # which part of the bench measures it
    default: bool = True  # part of `make bench` without ROWS


def relay(most):
    return {("wskeep", "relay"): most}


ROWS = [
    Row("a", "echo of 64 B, 100 sessions, one message in flight on each",
        "--mode echo --size 64 --conns 100 --inflight 1", relay(1.10)),
    Row("b", "echo of 64 B, 100 sessions, 16 in flight on each",
        "--mode echo --size 64 --conns 100 --inflight 16", relay(1.15)),
    Row("c", "echo of 4 KiB, 100 sessions, 8 in flight on each",
        "--mode echo --size 4096 --conns 100 --inflight 8", relay(1.3)),
    Row("d", "echo of 64 KiB, 16 sessions, 4 in flight on each",
        "--mode echo --size 65536 --conns 16 --inflight 4", relay(1.4)),
    Row("e", "echo of 1 MiB, 4 sessions, 2 in flight on each",
        "--mode echo --size 1048576 --conns 4 --inflight 2",
        {("wskeep", "nginx"): 1.0, ("resumable", "nginx"): 1.2}, subjects=("wskeep", "resumable")),
    Row("f", "connect, handshake, one echo of 64 B, close; 32 at a time",
        "--mode churn --size 64 --conns 32", relay(1.15), unit="cycle"),
    Row("h", "HTTP GET of 1 KiB, 64 connections kept alive", "wrk",
        {("wskeep", "nginx"): 1.0, ("wskeep", "haproxy"): 1.0}, unit="request"),
    Row("s", "server push of 64 B on 100 sessions, 16 in a write every 2 ms on each",
        "--mode source --path /tick?ms=2&size=64&batch=16 --size 64 --conns 100", relay(1.15)),
    Row("idle", f"{MOST_SESSIONS:,} idle sessions over three heartbeat timeouts",
        f"--mode idle --size 64 --conns {MOST_SESSIONS}", {"bytes": IDLE_BYTES, "dropped": 0}, kind="idle"),
    Row("giveback", "a burst of 10,000 messages of 16 KiB on 1,000 sessions, then rest",
        bounds={"left": 0.05}, kind="giveback", default=False),
    Row("scale", "echo of 64 B at 10,000 messages a second in all, on ever more sessions",
        "--mode echo --size 64 --inflight 64 --rate 10000", {"growth": 1.10}, kind="scale", default=False),
    Row("workers", "echo of 64 B, 100 sessions, 16 in flight on each; 1 worker and 2",
        "--mode echo --size 64 --conns 100 --inflight 16", kind="workers", default=False),
    Row("big", "1 GiB up, 1 GiB down, 1 GiB to a slow reader",
        bounds={"peak": 32 << 20}, kind="big", default=False),
    Row("scrape", "all admin pages asked for beside 9,900 sessions, of which 100 echo 64 B, 16 in flight on each",
        "--mode echo --size 64 --conns 100 --inflight 16", {"ms": 50, "dent": 0.02}, kind="scrape", default=False),
    Row("flood", "100 sessions at 2,000 messages a second in all, beside connections that come and go",
        "--mode echo --size 64 --conns 100 --inflight 64 --rate 2000", kind="flood", default=False),
]


def chosen(names):
    """The rows named, "all" of them, or the default ones."""
    if not names:
        return [row for row in ROWS if row.default]
    if names == "all":
        return ROWS
    known = {row.name: row for row in ROWS}
    for name in names.split(","):
        if name not in known:
            raise SystemExit(f"no row {name!r}; there are: {', '.join(known)}, and all")
    return [known[name] for name in names.split(",")]
