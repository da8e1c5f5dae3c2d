"""What the tests of deploy/ have in common: its files, what its conf files set, the numbers in either."""

import json
import pathlib
import re
import subprocess

import yaml

from .servers import ROOT, WSKEEP

DEPLOY = pathlib.Path(ROOT, "deploy")


def load(name):
    return yaml.safe_load((DEPLOY / name).read_text())


def run(*argv, **how):
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, **how)


def conf(kind):
    """The settings that its conf file makes, as wskeep prints them."""
    return json.loads(run(WSKEEP, "-c", str(DEPLOY / kind / "wskeep.conf"), "--print-config").stdout)


def seconds(text):
    """Of a duration of ours, or of compose's."""
    number, unit = re.fullmatch(r"(\d+)(ms|s|m|h)", text).groups()
    return int(number) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[unit]


def port(address):
    return int(address.rsplit(":", 1)[1])
