"""What /proc says about running processes: their CPU time and their memory."""

import os
import pathlib
import re


def tree(pid):
    """The process and all that it started."""
    found = [pid]
    for task in tasks(pid):
        try:
            children = pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text()
        except FileNotFoundError:
            continue  # a thread that ended meanwhile
        for child in children.split():
            found += tree(int(child))
    return found


def tasks(pid):
    return [int(task) for task in os.listdir(f"/proc/{pid}/task")]


def thread_cpu(pid):
    """Seconds of CPU time of each thread, by the scheduler's own clock (nanoseconds, not ticks)."""
    return {task: int(pathlib.Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0]) / 1e9
            for task in tasks(pid)}


def cpu(pids):
    return sum(sum(thread_cpu(pid).values()) for pid in pids)


def kib(pid, file, name):
    match = re.search(rf"^{name}:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/{file}").read_text(), re.M)
    return int(match[1])


def resident(pids):
    """Bytes of resident memory now."""
    return sum(kib(pid, "smaps_rollup", "Rss") for pid in pids) * 1024


def peak(pids):
    """Bytes that were resident at the worst moment so far."""
    return sum(kib(pid, "status", "VmHWM") for pid in pids) * 1024
