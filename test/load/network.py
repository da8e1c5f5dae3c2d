"""A network of our own to measure in: a namespace with nothing but a loopback, where TCP is as Linux ships it.

Where the machine's congestion control is BBR its pacing timers cost more than any proxy does, and the more so the larger the
writes: with 1 MiB messages a relay then takes twice what it takes with CUBIC, Linux's default, and is slower than nginx,
which writes 16 KiB at a time. On a wire it is the wire that paces. So in the namespace the routes of the loopback say CUBIC;
no setting of the machine is touched.
"""

import os
import pathlib
import subprocess
import sys

MARK = "WSKEEP_BENCH_NETWORK"
CONTROL = "cubic"
LOOPBACKS = ("127.0.0.0/8", "127.0.0.1")


def enter():
    """Runs this program again in a namespace where that is allowed; goes on here where it is not."""
    if MARK in os.environ:
        return
    how = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    try:
        subprocess.run([*how, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return
    os.environ[MARK] = "1"
    os.execvp(how[0], [*how, sys.executable, *sys.argv])


def prepare():
    """Brings the loopback up; its routes to CUBIC."""
    if MARK not in os.environ:
        return
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for net in LOOPBACKS:
        subprocess.run(["ip", "route", "change", "local", net, "dev", "lo", "table", "local", "proto", "kernel", "scope",
                        "host", "src", "127.0.0.1", "congctl", CONTROL], check=True)


def described():
    if MARK in os.environ:
        return f"a namespace of its own, loopback, congestion control {CONTROL}"
    control = pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()
    return f"the machine's loopback, congestion control {control} (no right to make a namespace)"
