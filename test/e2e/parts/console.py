"""What a text shows of a terminal: commands and what they print. In a fenced block marked `console` a line that begins with
"$ " is a command, those behind it are what it says; "…" stands for anything, in a line or for whole lines."""

import os
import re
import signal
import subprocess
import threading

from .process import Process


def read(path):
    """[(command, what it says)] of all such blocks, in order."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```$", path.read_text(), re.S | re.M):
        commands = re.split(r"^\$ ", block, flags=re.M)
        assert commands[0] == "", f"output without a command:\n{commands[0]}"
        found += [tuple(command.split("\n", 1)) for command in commands[1:]]
    return found


def matches(said, shown):
    pattern = ".*".join(re.escape(part) for part in shown.rstrip("\n").split("…"))
    return re.fullmatch(pattern, said.rstrip("\n"), re.S) is not None


class Shell(Process):
    """A shell in a network of its own, so that the ports that a text names are free."""
    END = "-- the command has ended --"
    PATIENCE = 300  # a first make

    def __init__(self, cwd):
        super().__init__("shell", ["unshare", "--net", "bash", "-c", "ip link set lo up && exec bash"], cwd=cwd,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def do(self, command):
        """What it says."""
        impatient = threading.Timer(self.PATIENCE, os.killpg, (self.pid, signal.SIGKILL))
        impatient.start()
        try:
            return self.said_by(command)
        finally:
            impatient.cancel()

    def said_by(self, command):
        self.process.stdin.write(f"{command}\nprintf '\\n%s\\n' '{self.END}'\n".encode())
        self.process.stdin.flush()
        said = []
        for line in map(bytes.decode, self.process.stdout):
            if line.rstrip("\n") == self.END:
                return "".join(said)[:-1]
            said.append(line)
        raise AssertionError(f"the shell has ended at: {command}")

    def finish(self):
        """What the text has left running ends too."""
        self.process.stdin.write(b"jobs -p | xargs -r kill; wait\n")
        self.process.stdin.close()
        assert self.wait() == 0
