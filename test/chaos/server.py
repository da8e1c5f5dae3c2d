"""gunicorn with one of uvicorn's workers, on a port that stays its own while it is down; and what can befall it."""

import os
import shutil
import signal
import tempfile
import time

from parts.http import HttpPeer, ask
from parts.peer import Ended, free_port
from parts.process import Process, command_of, wait_until
from parts.servers import PYTHON

HERE = os.path.dirname(os.path.abspath(__file__))
REQUESTS = 1000  # after which a worker is recycled; reconnects and probes of a round stay far below


class Server:
    def __init__(self, worker):
        self.worker_class = worker
        self.port = free_port()
        self.address = "127.0.0.1:%d" % self.port.getsockname()[1]
        self.logs, self.read = tempfile.mkdtemp(prefix="chaos-"), {}
        self.start()

    def start(self):
        e2e = os.path.join(os.path.dirname(HERE), "e2e")
        self.process = Process("chaos-" + self.worker_class.lower(), [
            PYTHON, "-m", "gunicorn.app.wsgiapp", "--bind", self.address, "--workers", "1", "--worker-class",
            f"parts.workers.{self.worker_class}", "--graceful-timeout", "1", "--max-requests", str(REQUESTS),
            "--log-level", "warning", "--pythonpath", e2e, "app:app"], cwd=HERE, env={"CHAOS_LOG": self.logs})
        wait_until("the application's first answer", self.answers)

    def answers(self):
        try:
            return ask(self.address, "GET", "/").status == 200
        except OSError:
            return False

    def workers(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as f:
            pids = [int(pid) for pid in f.read().split()]
        return [pid for pid in pids if command_of(pid)]  # a zombie has none

    def replaced(self, old):
        """Waits until none of the old workers is left, and a new one answers."""
        wait_until("the end of the old worker", lambda: not set(old) & set(w := self.workers()) and w)
        wait_until("the new worker's first answer", self.answers)

    def notes(self):
        """What the application wrote down since this was last asked, in the order of time: [(what, client, number)]."""
        lines = []
        for name in os.listdir(self.logs):
            path = os.path.join(self.logs, name)
            with open(path) as f:
                f.seek(self.read.get(path, 0))
                text = f.read()
                self.read[path] = f.tell()
            lines += text.splitlines()
        notes = sorted((float(when), what, client, int(number)) for when, what, client, number in map(str.split, lines))
        return [note[1:] for note in notes]

    def end(self):
        try:
            self.process.end()
        finally:
            self.port.close()
            shutil.rmtree(self.logs)


# -- what befalls it: each returns when it is over, and the server answers again


def kill(server, _):
    """SIGKILL of the worker"""
    old = server.workers()
    os.kill(old[0], signal.SIGKILL)
    server.replaced(old)


def term(server, _):
    """SIGTERM of the worker"""
    old = server.workers()
    os.kill(old[0], signal.SIGTERM)
    server.replaced(old)


def hup(server, _):
    """SIGHUP of the master"""
    old = server.workers()
    server.process.tell(signal.SIGHUP)
    server.replaced(old)


def down(server, times):
    """the whole server down"""
    server.process.kill()
    time.sleep(times["down"])
    server.start()


def recycle(server, _):
    """--max-requests recycles the worker"""
    old = server.workers()
    with HttpPeer(server.address) as c:
        try:
            for _ in range(2 * REQUESTS):
                c.ask("GET", "/")
        except (OSError, Ended):
            pass  # that was the last one
    server.replaced(old)


def stop(server, times):
    """SIGSTOP of the worker, then SIGCONT"""
    worker = server.workers()[0]
    os.kill(worker, signal.SIGSTOP)
    time.sleep(times["stop"])
    os.kill(worker, signal.SIGCONT)


SCENARIOS = {f.__name__: f for f in (kill, term, hup, down, recycle, stop)}
