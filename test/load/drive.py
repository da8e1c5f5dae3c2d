"""Drives one proxy with the load tool or wrk for a while, and says what it cost: the same figures from either."""

import contextlib
import json
import re
import subprocess
import time

from parts.process import Process

WARM = 0.3  # s before the measured window: connections are open by then and the caches filled
HTTP_CLIENT = "wrk -t1 -c64 --latency"
SETUP = 120  # s that the opening and closing of sessions may take around the measured window


def command(place, target, backend, load, seconds):
    """What is run, to the letter."""
    pinned = ["taskset", "-c", place.load_cpu]
    if load == "wrk":  # it knows whole seconds only
        return [*pinned, *HTTP_CLIENT.split(), f"-d{max(1, round(seconds))}s", f"http://127.0.0.1:{target.port}/x"]
    return [*pinned, place.tool("load"), "--port", str(target.port), *load.split(), "--seconds", f"{seconds:g}",
            "--warm", f"{WARM:g}", "--pids", ",".join(map(str, target.pids)), "--bpids", str(backend.pid)]


@contextlib.contextmanager
def started(name, argv):
    """A client at work; ended, if it has not ended, on the way out."""
    process = Process(name, argv, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        if process.process.poll() is None:
            process.kill()
        process.forget()


def output(process, patience):
    text = process.process.communicate(timeout=patience)[0].decode()
    code = process.wait()
    if code:
        raise RuntimeError(f"{process.name} ended with {code}:\n{process.text()}{text}")
    return text


def run(place, target, backend, load, seconds):
    before = target.cpu(), backend.cpu()
    with started("client", command(place, target, backend, load, seconds)) as process:
        text = output(process, seconds + SETUP)
    if load == "wrk":
        return of_wrk(text, target.cpu() - before[0], backend.cpu() - before[1])
    return of_load(text)


def of_load(text):
    """The load tool samples CPU time itself, in exactly the measured window."""
    raw = json.loads(text)
    faults = {**raw["errors"], **{k: raw[k] for k in ("unexpected_closes", "mismatches", "lost", "dup", "ooo")},
              "not opened": raw["conns"] - raw["opened"]}
    return {
        "us": raw["proxy_us_per_unit"], "rate": raw["connects_s"] if raw["mode"] == "churn" else raw["msgs_s"],
        "p50": raw["lat_us"]["p50"], "p99": raw["lat_us"]["p99"],
        "busy": raw["proxy_cpu_s"] / raw["seconds"],
        "load": (raw["backend_cpu_s"] + raw["load_cpu_s"]) / raw["seconds"],
        "faults": {name: n for name, n in faults.items() if n}, "raw": raw}


def of_wrk(text, proxy_cpu, backend_cpu):
    """wrk does not: here the window is its whole life."""
    requests, seconds = re.search(r"(\d+) requests in ([\d.]+)s", text).groups()
    requests, seconds = int(requests), float(seconds)
    refused, broken = re.search(r"Non-2xx.*?(\d+)", text), re.search(r"Socket errors: (.*)", text)

    def latency(percent):
        value, unit = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s)\b", text).groups()
        return float(value) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]
    return {
        "us": proxy_cpu * 1e6 / requests, "rate": requests / seconds, "p50": latency(50), "p99": latency(99),
        "busy": proxy_cpu / seconds, "load": None,
        "faults": {name: m[1] for name, m in (("not 2xx", refused), ("socket errors", broken)) if m},
        "raw": {"requests": requests, "seconds": seconds, "proxy_cpu_s": proxy_cpu, "backend_cpu_s": backend_cpu}}


def poll(process, look, every=0.1):
    """Looks again and again while the process runs; what it saw."""
    seen = []
    while process.process.poll() is None:
        seen.append(look())
        time.sleep(every)
    return seen


def rest(seconds):
    """Lets what is being measured go on: the time itself is the measure."""
    time.sleep(seconds)
