"""The machine and the versions, as a reader needs them to judge the figures."""

import os
import pathlib
import platform
import re
import subprocess
import time

import network


def first_line(*argv):
    """What a program says of its version; some say it on standard error."""
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=10)
    except FileNotFoundError:
        return "not installed"
    return (done.stdout.splitlines() or ["?"])[0]


def cpu_model():
    text = pathlib.Path("/proc/cpuinfo").read_text()
    match = re.search(r"^model name\s*: (.*)$", text, re.M)
    return match[1] if match else platform.machine()


def described(place):
    distribution = platform.freedesktop_os_release().get("PRETTY_NAME", "?")
    load = " ".join(f"{x:.2f}" for x in os.getloadavg())
    return [
        ("when", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())),
        ("machine", f"{os.cpu_count()} CPUs, {cpu_model()}; {distribution}, Linux {platform.release()}"),
        ("load before", f"{load} (1, 5, 15 minutes)"),
        ("wskeep", first_line(str(place.build / "wskeep"), "--version").removeprefix("wskeep ")),
        ("nginx", first_line("nginx", "-v").removeprefix("nginx version: ")),
        ("HAProxy", first_line("haproxy", "-v")),
        ("wrk", re.sub(r" Copyright.*", "", first_line("wrk", "-v"))),
        ("relay", "test/load/relay.c: passes bytes on, parses nothing: the floor"),
        ("pinning", f"the proxy alone on CPU {place.proxy_cpu}; load and backend on CPU {place.load_cpu}"),
        ("network", network.described()),
        ("started as", "wskeep -c FILE; relay 0 PORT; nginx -e stderr -c FILE; haproxy -db -f FILE; backend 0; each after "
                       "taskset -c CPU"),
        ("settings", "each with one worker or thread; of wskeep none but its addresses, so that heartbeats and log are as "
                     "shipped; of the others: test/load/peers"),
        ("rounds", f"{place.rounds}, of {place.seconds:g} s for each proxy after a warm-up"),
    ]
