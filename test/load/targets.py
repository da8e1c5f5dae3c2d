"""The proxies under measurement and the backend: how each is started, on which CPU, and where it listens.

Every port is one of the kernel's choice: nginx and HAProxy inherit a socket that is bound already, the others say theirs.
"""

import contextlib
import dataclasses
import functools
import json
import os
import pathlib
import re
import resource
import signal
import socket
import tempfile
import urllib.request

import proc
from parts.process import PATIENCE, Process, processes
from parts.servers import merge, must_be_over, parse_metrics

PEERS = pathlib.Path(__file__).resolve().parent / "peers"

# The configurations of wskeep: what differs from its defaults. Each is a subject of the rows that name it.
CONFS = {"wskeep": {}}


@dataclasses.dataclass
class Place:
    """Where and how long it is measured."""
    build: pathlib.Path
    rounds: int
    seconds: float  # of one measurement
    long: float  # of one that must show what happens in the long run
    peers: tuple
    load_cpu: str
    proxy_cpu: str

    @property
    def out(self):
        return self.build / "bench"

    def tool(self, name):
        return str(self.build / "load" / name)


class Target(Process):
    def __init__(self, name, cpus, argv, **how):
        self.argv = ["taskset", "-c", cpus, *argv]
        super().__init__(name, self.argv, **how)

    def ready(self, port):
        """Its port answers, so all that it starts for itself is there; an accepted connection alone would prove nothing."""
        self.port = port
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=PATIENCE) as answer:
            assert answer.status == 200
        self.pids = proc.tree(self.pid)
        return self

    def said_port(self, pattern):
        return self.ready(int(self.wait_line(lambda line: (m := re.search(pattern, line)) and m[1])))

    def kill(self):
        """With all of its group: nginx's workers write over the mark by which we know what a process started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        super().kill()

    def resident(self):
        return proc.resident(self.pids)

    def cpu(self):
        return proc.cpu(self.pids)


class Wskeep(Target):
    def __init__(self, place, name, cpus, folder, backend, settings):
        conf = merge({"listen": {"address": "127.0.0.1:0"}, "backend": {"address": backend},
                      "admin": {"address": "127.0.0.1:0"}}, settings)
        file = pathlib.Path(folder) / f"{name}.conf"
        file.write_text(json.dumps(conf))
        super().__init__(name, cpus, [str(place.build / "wskeep"), "-c", str(file)])
        self.admin = self.wait_line(
            lambda line: "listener=admin" in line and re.search(r"address=(\S+)", line)[1])
        self.said_port(r"address=127\.0\.0\.1:(\d+) listener=traffic")

    def metrics(self):
        with urllib.request.urlopen(f"http://{self.admin}/metrics", timeout=PATIENCE) as answer:
            return parse_metrics(answer.read().decode())

    def wait(self, patience=PATIENCE):
        code = super().wait(patience)
        if code == 0:
            must_be_over(self.lines())
        return code


def backend(place):
    return Target("backend", place.load_cpu, [place.tool("backend"), "0"]).said_port(r"listening (\d+)")


def relay(place, name, cpus, folder, to):
    return Target(name, cpus, [place.tool("relay"), "0", to.rpartition(":")[2]]).said_port(r"listening (\d+)")


def listening():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(4096)
    s.setblocking(False)  # nginx takes it as it is, and accepts until there is nothing more
    return s, s.getsockname()[1]


def filled(template, folder, **words):
    """The peer's conf file with its @WORDS@ filled in."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    words |= {"RUN": folder, "FILES": files}
    text = re.sub(r"@([A-Z]+)@", lambda m: str(words[m[1]]), (PEERS / template).read_text())
    file = pathlib.Path(folder) / template
    file.write_text(text)
    return str(file)


def nginx(place, name, cpus, folder, to, size):
    inherited, port = listening()
    with inherited:
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        conf = filled("nginx.conf", folder, BACKEND=to, LISTEN=f"127.0.0.1:{port}", BUFFER=size,
                      CONNECTIONS=files * 6 // 5)
        fd = inherited.fileno()
        target = Target(name, cpus, ["nginx", "-e", "stderr", "-c", conf], pass_fds=[fd], env={"NGINX": f"{fd};"})
        target.wait_line(lambda line: "inherited" in line)
        return target.ready(port)


def haproxy(place, name, cpus, folder, to):
    inherited, port = listening()
    with inherited:
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        conf = filled("haproxy.cfg", folder, BACKEND=to, LISTEN=f"fd@{inherited.fileno()}",
                      CONNECTIONS=files // 2 - 50)
        return Target(name, cpus, ["haproxy", "-db", "-f", conf], pass_fds=[inherited.fileno()]).ready(port)


STARTS = {
    "relay": relay,
    "nginx": functools.partial(nginx, size="16k"),
    "nginx4k": functools.partial(nginx, size="4k"),
    "haproxy": haproxy,
}


def kill_all():
    """What did not come up far enough to be ended politely."""
    for process in processes():
        process.kill()


@contextlib.contextmanager
def running(place, names, settings=None, cpus=None):
    """A backend and the named proxies before it, by name; all ended on the way out, whatever happened."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="wskeep-bench-"))
        os.chmod(folder, 0o755)  # nginx's workers go by another name
        stack.callback(kill_all)
        found = {}

        def keep(target):
            stack.callback(target.end)
            found[target.name] = target
            return target
        address = f"127.0.0.1:{keep(backend(place)).port}"
        for name in names:
            home = pathlib.Path(folder) / name
            home.mkdir()
            if name in CONFS:
                keep(Wskeep(place, name, cpus or place.proxy_cpu, home, address, merge(CONFS[name], settings or {})))
            else:
                keep(STARTS[name](place, name, cpus or place.proxy_cpu, home, address))
        yield found


def subjects(row):
    return [name for name in row.subjects if name in CONFS]
