"""docker, or podman with all of its state in one folder."""

import json
import os
import resource
import shutil
import subprocess

PATIENCE = 60  # s: the longest that anything but building may take


class Engine:
    """Called with the words of a command, gives what it printed."""

    def __init__(self, name, env=None, build_flags=()):
        self.name, self.env, self.build_flags = name, {**os.environ, **(env or {})}, build_flags

    def __call__(self, *words, timeout=PATIENCE):
        return self.start(*words).finish(timeout)

    def start(self, *words, stdin=subprocess.DEVNULL):
        return Command([self.name, *map(str, words)], self.env, stdin)

    def build(self, tag, dockerfile, context, **arguments):
        given = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
        return self("build", "--network", "host", *self.build_flags, *given, "-f", dockerfile, "-t", tag, context,
                    timeout=None)

    def pull(self, image):
        """Whether that came to something; a registry that lets one wait is none."""
        try:
            return self.start("pull", image).ended(2 * PATIENCE) == 0
        except subprocess.TimeoutExpired:
            return False

    def has(self, image):
        return self.start("image", "inspect", image).ended() == 0

    def inspect(self, what):
        return json.loads(self("inspect", what))[0]

    def show(self, container):
        """What it wrote, for the reader of a test that failed."""
        logs = self.start("logs", container)
        logs.ended()
        print(f"---- {container}\n{logs.out}{logs.err}")

    def remove(self, *containers):
        """Each in a command of its own: one that lends its network goes after those that borrow it."""
        for container in containers:
            self.start("rm", "-f", container).ended()


class Command:
    def __init__(self, argv, env, stdin):
        self.argv = argv
        self.process = subprocess.Popen(argv, env=env, stdin=stdin, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def line(self):
        return self.process.stdout.readline().rstrip("\n")

    def ended(self, timeout=PATIENCE):
        """The exit status, once it has ended."""
        try:
            self.out, self.err = self.process.communicate(timeout=timeout)
        except BaseException:
            self.process.kill()
            self.process.communicate()
            raise
        return self.process.returncode

    def finish(self, timeout=PATIENCE):
        if status := self.ended(timeout):
            raise RuntimeError(f"{' '.join(self.argv)}: exit status {status}\n{self.out}{self.err}")
        return self.out


def answers(*argv):
    try:
        return subprocess.run(argv, capture_output=True, timeout=PATIENCE).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def podman(state):
    """What podman is told here holds in a machine without systemd, and in a container that may not raise its limits."""
    state.mkdir(parents=True, exist_ok=True)
    limits = ["%s=%d:%d" % (name, *resource.getrlimit(number))
              for name, number in (("nofile", resource.RLIMIT_NOFILE), ("nproc", resource.RLIMIT_NPROC))]
    (state / "containers.conf").write_text(f"""\
[containers]
default_ulimits = {json.dumps(limits)}
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
tmp_dir = "{state}/run/libpod"
""")
    (state / "storage.conf").write_text(f"""\
[storage]
graphroot = "{state}/storage"
runroot = "{state}/run/storage"
""")
    (state / "tmp").mkdir(exist_ok=True)
    env = {"CONTAINERS_CONF": state / "containers.conf", "CONTAINERS_STORAGE_CONF": state / "storage.conf",
           "TMPDIR": state / "tmp"}
    return Engine("podman", env, ["--isolation", "chroot"])


def find(state):
    """docker where it runs, else podman where it can; else None."""
    if answers("docker", "info"):
        return Engine("docker")
    if os.geteuid() == 0 and all(map(shutil.which, ("podman", "runc"))):
        return podman(state)
    return None
