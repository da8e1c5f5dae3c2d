"""Processes of the tests: each has a process group and a log of its own, is waited for by event, ended by its PID."""

import contextlib
import ctypes
import itertools
import os
import signal
import subprocess
import tempfile
import time

PATIENCE = 20  # s: how long anything may take that is bound to happen; sanitizer builds on a busy machine are slow

MARK = "E2E_PART"
_numbers = itertools.count()
_live = {}  # pid -> Process, everything started here and not yet ended


def become_subreaper():
    """Orphans of what we start become our children, so that none can hide from leftovers()."""
    PR_SET_CHILD_SUBREAPER = 36
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def wait_until(what, condition, patience=PATIENCE):
    """Polls a condition that nothing announces (a line in a log, a figure in /proc). Returns its first true value."""
    deadline = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"in vain for {patience} s: {what}")
        time.sleep(0.01)


class Process:
    def __init__(self, name, argv, env=None, preexec=None, cwd=None, stdin=None, stdout=None, pass_fds=()):
        self.name = name
        self.log = tempfile.TemporaryFile(prefix=f"{name}-")
        self.seen = 0  # where the running test's part of the log begins
        self.mark = f"{os.getpid()}-{next(_numbers)}"  # inherited by all that it starts, whatever group they go to
        self.process = subprocess.Popen(
            argv, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", MARK: self.mark, **(env or {})}, cwd=cwd,
            start_new_session=True, preexec_fn=preexec, pass_fds=pass_fds,
            stdin=stdin or subprocess.DEVNULL, stdout=stdout or self.log, stderr=self.log)
        self.pid = self.process.pid
        _live[self.pid] = self

    def raw(self, since=0):
        end = os.fstat(self.log.fileno()).st_size
        return os.pread(self.log.fileno(), end - since, since)

    def text(self, since=0):
        return self.raw(since).decode(errors="replace")

    def lines(self):
        return self.text().splitlines()

    def wait_line(self, match, patience=PATIENCE):
        """The first line of the log for which match(line) is true: what it returned."""
        def look():
            for line in self.lines():
                if found := match(line):
                    return found
            if self.process.poll() is not None:
                raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.text()}")
            return None
        return wait_until(f"a line in the log of {self.name}", look, patience)

    def tell(self, number):
        self.process.send_signal(number)

    @contextlib.contextmanager
    def stopped(self):
        """It and all of its group stand still, while their kernel goes on to speak TCP for them."""
        os.killpg(self.pid, signal.SIGSTOP)
        try:
            wait_until(f"{self.name} to stand still", lambda: state_of(self.pid) == "T")
            yield
        finally:
            os.killpg(self.pid, signal.SIGCONT)

    def wait(self, patience=PATIENCE):
        """Its exit code, once all that it started is gone too."""
        code = self.process.wait(patience)
        wait_until(f"the end of what {self.name} started",
                   lambda: not any(mark_of(pid) == self.mark for pid in children()), patience)
        self.forget()
        return code

    def end(self, number=signal.SIGTERM, patience=PATIENCE):
        """Ends it politely; returns the exit code, or raises after having killed what did not obey."""
        if self.process.poll() is None:
            self.tell(number)
        try:
            return self.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end within {patience} s of signal {number}:\n{self.text()}")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.forget()
        for pid in children():  # those that it left are ours now
            if mark_of(pid) == self.mark:
                os.kill(pid, signal.SIGKILL)

    def forget(self):
        _live.pop(self.pid, None)
        if self.process.stdin:
            self.process.stdin.close()
        if self.process.stdout:
            self.process.stdout.close()

    def rss(self):
        """Bytes of resident memory."""
        with open(f"/proc/{self.pid}/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def cpu(self):
        """Seconds of CPU time so far, of all its threads."""
        with open(f"/proc/{self.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))


def processes():
    return list(_live.values())


def children():
    """PIDs of our children, also of those that we inherited from a process that ended; zombies are reaped."""
    found = []
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/children") as f:
                found += [int(pid) for pid in f.read().split()]
        except FileNotFoundError:
            pass  # a thread that ended meanwhile
    return [pid for pid in found if not reaped(pid)]


def reaped(pid):
    if pid in _live:
        return False
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def leftovers(kept):
    """Ends every child that is neither in kept (parts) nor started by one of those, and says what it was."""
    left, marks = [], {part.mark for part in kept}
    for pid in children():
        if mark_of(pid) in marks:
            continue
        left.append(f"{_live[pid].name if pid in _live else command_of(pid)} ({pid})")
        if pid in _live:
            _live[pid].kill()
        else:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    return left


def mark_of(pid):
    for variable in read_strings(pid, "environ"):
        if variable.startswith(MARK + "="):
            return variable[len(MARK) + 1:]
    return None


def state_of(pid):
    with open(f"/proc/{pid}/stat") as f:
        return f.read().rsplit(")", 1)[1].split()[0]


def command_of(pid):
    return " ".join(read_strings(pid, "cmdline"))


def read_strings(pid, name):
    try:
        with open(f"/proc/{pid}/{name}", errors="replace") as f:
            return f.read().split("\0")
    except OSError:
        return []
