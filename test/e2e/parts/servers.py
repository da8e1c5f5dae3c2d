"""What stands behind the client's address: the application under gunicorn, the demo, and wskeep itself."""

import functools
import json
import os
import re
import signal
import socket
import tempfile
import urllib.request

from . import log
from .http import ask
from .peer import free_port
from .process import PATIENCE, Process, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "..", "..", ".."))
WSKEEP = os.environ.get("WSKEEP", os.path.join(ROOT, "build", "wskeep"))
DEMO = os.environ.get("DEMO", os.path.join(ROOT, "build", "demo-backend"))
PYTHON = "/usr/bin/python3"  # the one that Debian's packages belong to


class App(Process):
    """The FastAPI application under gunicorn."""

    def __init__(self, worker, workers=1, listener=None, app="parts.app:app", argv=(), env=None):
        self.socket = listener or listening()
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        fd = self.socket.fileno()
        os.set_inheritable(fd, True)
        try:
            super().__init__("app-" + worker.lower(), [
                PYTHON, "-m", "gunicorn.app.wsgiapp", "--bind", f"fd://{fd}", "--workers", str(workers),
                "--worker-class", f"parts.workers.{worker}", "--graceful-timeout", "1", "--log-level", "warning",
                *argv, app], env=env, cwd=os.path.dirname(HERE), pass_fds=[fd])
        finally:
            os.set_inheritable(fd, False)
        if listener is None:
            self.socket.close()

    def wait_ready(self):
        """The kernel queues the connection while the worker starts; the answer is the event."""
        assert ask(self.address, "GET", "/hello").status == 200
        return self


def listening(port=0):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", port))
    s.listen(1024)
    return s


class Aiohttp(Process):
    """aiohttp's own server: its WebSockets answer a ping only while the application receives."""

    def __init__(self):
        super().__init__("aiohttp", [PYTHON, "-m", "parts.aiohttp_server"], cwd=os.path.dirname(HERE))
        self.address = self.wait_line(lambda line: (m := re.match(r"listening (\S+)", line)) and m[1])


class WebsocketsServer(Process):
    def __init__(self):
        super().__init__("websockets", [PYTHON, "-m", "parts.websockets_server"], cwd=os.path.dirname(HERE))
        self.address = self.wait_line(lambda line: (m := re.match(r"listening (\S+)", line)) and m[1])


class Demo(Process):
    def __init__(self):
        super().__init__("demo", [DEMO, "--listen", "127.0.0.1:0", "--delay", "30"])
        self.address = self.wait_line(lambda line: (m := re.search(r"\b(127\.0\.0\.1:\d+)", line)) and m[1])


class Direct:
    """In wskeep's place when the suite runs with --direct: the backend's own address."""

    def __init__(self, address):
        self.address = address

    def settled(self):
        pass

    def finish(self):
        pass


@functools.cache
def sanitized():
    with open(WSKEEP, "rb") as f:
        binary = f.read()
    return b"__asan_init" in binary or b"__tsan_init" in binary


def merge(base, over):
    return {**base, **{k: merge(base.get(k, {}), v) if isinstance(v, dict) else v for k, v in over.items()}}


DEFAULTS = {
    "listen": {"address": "127.0.0.1:0"},
    "admin": {"address": "127.0.0.1:0"},
    "timeouts": {"close": "2s", "drain": "4s"},
    "readiness": {"interval": "100ms"},
    # The suite runs twice, and once of it on a bad network: so both forms are seen at every place.
    "log": {"level": "debug", "format": "json" if "WSKEEP_FAULTS" in os.environ else "text"},
}


def must_add_up(direction, accepted, delivered, unproven, lost):
    assert accepted == delivered + unproven + lost, (
        f"{direction}: accepted {accepted}, delivered {delivered}, unproven {unproven}, lost {lost}")


def must_be_over(lines):
    """In wskeep's last summary, in text or JSON: nothing is open or held, every message is accounted for."""
    summary = [line for line in lines if re.search(r"\bsummary\b", line)][-1]
    figures = {name: int(n) for name, n in re.findall(r'(\w+)"?[=:](\d+)\b', summary)}
    assert [figures[name] for name in ("sessions", "clients", "backends", "journal_bytes")] == [0] * 4, summary
    for direction in ("up", "down"):
        must_add_up(direction, *(figures[f"{direction}_{name}"] for name in ("accepted", "delivered", "unproven", "lost")))


class Wskeep(Process):
    log_is_its_own = True

    def __init__(self, backend, conf=None, argv=(), preexec=None, env=None):
        self.conf = merge(merge(DEFAULTS, {"backend": {"address": backend}}), conf or {})
        with tempfile.NamedTemporaryFile("w", suffix=".conf", prefix="wskeep-", delete=False) as f:
            json.dump(self.conf, f)
        self.file = f.name
        try:
            super().__init__("wskeep", [WSKEEP, "-c", self.file, *argv], preexec=preexec, env=env)
            self.address = self.listener("traffic")
            self.admin = self.listener("admin") if self.conf["admin"]["address"] else None
        except BaseException:
            os.unlink(self.file)
            raise

    def listener(self, name):
        """The address of its listening line, in text or JSON."""
        return self.wait_line(lambda line: "listening" in line and re.search(rf'listener"?[=:]"?{name}\b', line)
                              and re.search(r'address"?[=:]"?([^\s",]+)', line)[1])

    def events(self, name=None):
        """What its log says so far, read strictly (parts/log.py); of that name."""
        return [event for event in log.read_all(self.raw()) if name in (None, event.name)]

    def wait_event(self, name, **fields):
        """The first of that name with these fields."""
        return wait_until(f"{name} {fields}", lambda: next(
            (e for e in self.events(name) if fields.items() <= e.items()), None))

    def forget(self):
        super().forget()
        if os.path.exists(self.file):
            os.unlink(self.file)

    def get(self, path):
        """From the admin listener: (status, body)."""
        try:
            with urllib.request.urlopen(f"http://{self.admin}{path}", timeout=PATIENCE) as r:
                return r.status, r.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()

    def wait_ready(self):
        """Until it has found that the backend is."""
        wait_until("the backend to be found ready", lambda: self.get("/readyz")[0] == 200)
        return self

    def metrics(self):
        status, body = self.get("/metrics")
        assert status == 200, body
        return parse_metrics(body)

    def settled(self):
        """Waits until no connection is left on either side, and checks that every message is accounted for."""
        def idle():
            m = self.metrics()
            open_ = [m['wskeep_connections{side="client"}'], m["wskeep_sessions_open"]]
            return m if not any(open_) else None
        m = wait_until("an end of all connections through wskeep", idle)
        for direction in ("up", "down"):
            accepted, *ends = (m[f'wskeep_messages_total{{direction="{direction}",outcome="{o}"}}']
                               for o in ("accepted", "delivered", "unproven", "lost"))
            must_add_up(direction, accepted, *ends)
        return m

    def wait(self, patience=PATIENCE):
        """Its exit code; of one that ended in peace its last summary is looked at first."""
        code = super().wait(patience)
        if code == 0 and self.conf["log"]["level"] in ("info", "debug"):
            must_be_over(self.lines())
        return code

    def finish(self):
        """The end of a test: SIGTERM, exit 0, nothing that a sanitizer had to say."""
        code = self.end(signal.SIGTERM)
        text = self.text()
        for word in ("Sanitizer", "runtime error", "bug at"):
            assert word not in text, text[text.index(word) - 200:][:4000]
        assert code == 0, f"exit {code}:\n{text[-3000:]}"
        if self.log_is_its_own:
            self.events()

    def rss(self):
        """Bytes of resident memory; 0 for a sanitizer's build, whose own memory is not to be judged."""
        return 0 if sanitized() else super().rss()

    def ends(self, side):
        """Reasons of the ends on that side so far: {reason: count}."""
        found = {}
        for key, value in self.metrics().items():
            m = re.fullmatch(r'wskeep_disconnects_total\{side="(\w+)",reason="(\w+)"\}', key)
            if m and m[1] == side and value:
                found[m[2]] = int(value)
        return found


class DemoRun(Wskeep):
    """What `make run` runs: wskeep with the demo's conf, and the demo backend, which is started again when killed."""

    log_is_its_own = False

    def __init__(self):
        self.port = free_port()  # held all the time: the backend comes back to it
        self.build = tempfile.TemporaryDirectory(prefix="demo-")
        os.symlink(os.path.abspath(WSKEEP), os.path.join(self.build.name, "wskeep"))
        os.symlink(os.path.abspath(DEMO), os.path.join(self.build.name, "demo-backend"))
        self.conf, self.file = DEFAULTS, ""
        Process.__init__(self, "demo-run", [os.path.join(ROOT, "deploy", "demo", "run"), self.build.name], env={
            "LISTEN": "127.0.0.1:0", "DEMO_PORT": str(self.port.getsockname()[1]), "WSKEEP_ADMIN_ADDRESS": "127.0.0.1:0",
            "WSKEEP_TIMEOUTS_DRAIN": "4s", "WSKEEP_LOG_LEVEL": "debug"})
        self.address, self.admin = self.listener("traffic"), self.listener("admin")

    def forget(self):
        super().forget()
        self.build.cleanup()
        self.port.close()


def parse_metrics(body):
    """Prometheus' text format 0.0.4, strictly: {name{labels}: value}."""
    found, typed = {}, {}
    for line in body.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in typed, f"TYPE of {name} twice"
            typed[name] = kind
        elif line and not line.startswith("#"):
            m = re.fullmatch(r'([a-zA-Z_:][\w:]*)(\{(?:\w+="(?:[^"\\]|\\.)*",?)*\})? (\S+)', line)
            assert m, f"no line of the text format: {line!r}"
            base = re.sub(r"_(bucket|sum|count)$", "", m[1])
            assert m[1] in typed or typed.get(base) == "histogram", f"{m[1]} has no TYPE"
            key = m[1] + (m[2] or "")
            assert key not in found, f"{key} twice"
            found[key] = float(m[3])
    found["wskeep_sessions_open"] = sum(v for k, v in found.items() if k.startswith("wskeep_sessions{"))
    return found
