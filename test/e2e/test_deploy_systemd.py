"""deploy/systemd: the unit by systemd's own judgement, and wskeep within all that the unit takes from it."""

import errno
import os
import re
import signal
import socket

import pytest
import seccomp

from parts.clients import PythonClient
from parts.deploy import DEPLOY, conf, port, run, seconds
from parts.http import ask
from parts.servers import WSKEEP, sanitized

pytestmark = [pytest.mark.proxy, pytest.mark.deploy]

UNIT = (DEPLOY / "systemd" / "wskeep.service").read_text()


@pytest.fixture
def unit(tmp_path):
    """The unit, with the wskeep that is under test in the place of the installed one."""
    def write(change=lambda text: text):
        assert UNIT.count("ExecStart=/usr/bin/wskeep ") == 1
        file = tmp_path / "wskeep.service"
        file.write_text(change(UNIT.replace("ExecStart=/usr/bin/wskeep ", f"ExecStart={os.path.abspath(WSKEEP)} ")))
        return str(file)
    return write


def verify(file):
    r = run("systemd-analyze", "verify", "--man=no", file)
    return r.returncode, [line for line in r.stderr.splitlines() if os.path.basename(file) in line]


def test_systemd_finds_nothing_wrong_with_the_unit(unit):
    assert verify(unit()) == (0, [])
    for wrong in ("ProtectHome=perhaps", "Strange=1"):
        assert len(verify(unit(lambda text: text.replace("[Service]", f"[Service]\n{wrong}")))[1]) == 1


def test_systemd_rates_the_unit_as_little_exposed(unit):
    def exposed(file, most):
        return run("systemd-analyze", "security", "--offline=yes", f"--threshold={most}", file).returncode != 0
    assert not exposed(unit(), 15)
    assert exposed(unit(lambda text: text.replace("SystemCallFilter", "#")), 15)


def test_the_unit_gives_wskeep_the_time_and_the_descriptors_that_its_conf_counts_on():
    settings = conf("systemd")
    assert int(re.search(r"^TimeoutStopSec=(\d+)$", UNIT, re.M)[1]) > seconds(settings["timeouts"]["drain"])
    assert int(re.search(r"^LimitNOFILE=(\d+)$", UNIT, re.M)[1]) >= 2 * settings["limits"]["connections"] + 64
    assert port(settings["listen"]["address"]) >= 1024


def allowed_calls():
    """What the unit's lines SystemCallFilter= leave, in the words of libseccomp."""
    def calls(word):
        if not word.startswith("@"):
            return {word}
        lines = run("systemd-analyze", "syscall-filter", word).stdout.splitlines()[1:]
        return {call for line in map(str.strip, lines) if line and line[0] != "#" for call in calls(line)}
    left = set()
    for taken, words in re.findall(r"^SystemCallFilter=(~?)(.*)$", UNIT, re.M):
        named = {call for word in words.split() for call in calls(word)}
        left = left - named if taken else left | named
    return left


def confinement():
    """A function that puts the process that calls it, for good, under the calls and address families that the unit allows."""
    families = re.search(r"^RestrictAddressFamilies=(.*)$", UNIT, re.M)[1].split()
    to_all = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
    for call in allowed_calls() - {"socket"}:
        if seccomp.resolve_syscall(seccomp.Arch(), call) >= 0:  # else it is of another architecture
            to_all.add_rule(seccomp.ALLOW, call)
    for family in families:
        to_all.add_rule(seccomp.ALLOW, "socket", seccomp.Arg(0, seccomp.EQ, getattr(socket, family)))
    return to_all.load


@pytest.mark.skipif(sanitized(), reason="a sanitizer needs more")
def test_wskeep_can_do_all_that_it_does_within_what_the_unit_allows(proxy, apps):
    name = "localhost:%d" % port(apps("Websockets").address)  # a name, so that it is looked up
    p = proxy(name, {"workers": 2}, preexec=confinement())
    assert ask(p.address, "GET", "/hello").status == 200
    with PythonClient(f"ws://{p.address}/ws/echo") as client:
        assert client.echo("through the filter") == "through the filter"
    p.tell(signal.SIGHUP)
    p.wait_line(lambda line: "reloaded" in line)
