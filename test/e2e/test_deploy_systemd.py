"""deploy/systemd: the unit by systemd's own judgement, and wskeep within all that the unit takes from it."""

import errno
import os
import re
import shlex
import signal
import socket

import pytest
import seccomp

from parts.clients import PythonClient
from parts.deploy import DEPLOY, conf, port, run, seconds
from parts.http import ask
from parts.machine import boot
from parts.servers import ROOT, WSKEEP, sanitized

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


# The unit from its installation to its end; what a person would type, and see. CI is what make was told: else it builds all anew.
STORY = """
export CI=%s
sudo() { "$@"; }
cd %s
{
%s
} >/dev/null
systemctl is-active wskeep
python3 -m http.server 8000 --bind 127.0.0.1 >/dev/null 2>&1 &
curl -s -o /dev/null -w '%%{http_code}\\n' http://127.0.0.1:8080/
systemctl reload wskeep
until journalctl -u wskeep | grep -o 'reloaded changed=nothing'; do sleep 0.1; done
cp /etc/wskeep/wskeep.conf /tmp/good.conf
echo '{' >/etc/wskeep/wskeep.conf
systemctl restart wskeep
while systemctl is-active -q wskeep; do sleep 0.1; done
systemctl is-failed wskeep
cp /tmp/good.conf /etc/wskeep/wskeep.conf
systemctl start wskeep
systemctl stop wskeep
systemctl show -P Result -P ExecMainStatus wskeep
"""


@pytest.mark.skipif(sanitized(), reason="what is installed is the release build")
@pytest.mark.skipif(os.geteuid() != 0 or os.stat(ROOT).st_dev != os.stat("/").st_dev,
                    reason="a machine of its own takes root, and has the files of / alone")
def test_what_deploy_readme_says_of_systemd_works_word_for_word_under_a_real_one(tmp_path):
    [section] = re.findall(r"^## systemd\n(.*?)(?=^## |\Z)", (DEPLOY / "README.md").read_text(), re.M | re.S)
    commands = "\n".join(re.findall(r"^    (.*)$", section, re.M))
    assert "systemctl enable --now wskeep" in commands
    status, said, more = boot(STORY % (os.environ.get("CI", ""), shlex.quote(ROOT), commands), tmp_path)
    assert said.splitlines() == ["active", "200", "reloaded changed=nothing", "failed", "success", "0"], more
    assert status == 0
