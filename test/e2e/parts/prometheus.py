"""A real Prometheus, and promtool. A minute of the shipped rules passes in it within SCALE of one."""

import json
import os
import re
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request

import yaml

from .process import PATIENCE, Process, wait_until
from .servers import ROOT

MONITORING = os.path.join(ROOT, "deploy", "monitoring")
SCALE = 1 / 100
EVERY = "300ms"  # a scrape, an evaluation


def promtool(*argv, cwd=MONITORING):
    """What it printed; it must be content."""
    done = subprocess.run(["promtool", *argv], cwd=cwd, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def shipped(name):
    with open(os.path.join(MONITORING, name)) as f:
        return f.read()


def scaled(rules):
    """The same with shorter times: windows, `for`, and what is compared with a number of seconds."""
    def shorter(m):
        unit = {"m": 60_000, "s": 1000}[m[3]]
        return f"{m[1]}{round(int(m[2]) * unit * SCALE)}ms{m[4]}"
    rules, windows = re.subn(r"(\[)(\d+)([ms])(\])", shorter, rules)
    rules, waits = re.subn(r"(for: )(\d+)([ms])()", shorter, rules)
    rules, limits = re.subn(r"(seconds(?::avg15m)? [<>] )(\d+)\b", lambda m: f"{m[1]}{int(m[2]) * SCALE:g}", rules)
    assert windows and waits and limits == 2
    return rules


class Prometheus(Process):
    """Scrapes the given admin listeners by the shipped prometheus.yml and evaluates the shipped rules, in scaled time.
    The rules judge each by itself: its namespace is its address."""

    def __init__(self, *targets):
        self.targets = targets
        self.folder = tempfile.TemporaryDirectory(prefix="prometheus-")
        conf = yaml.safe_load(shipped("prometheus.yml"))
        conf["global"] = {"scrape_interval": EVERY, "scrape_timeout": EVERY, "evaluation_interval": EVERY}
        conf["scrape_configs"][0]["static_configs"] = [{"targets": [t], "labels": {"namespace": t}} for t in targets]
        self.write("rules.yml", scaled(shipped("rules.yml")))
        self.write("prometheus.yml", json.dumps(conf))
        super().__init__("prometheus", [
            "prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.listen-address=127.0.0.1:0",
            "--log.level=info"], cwd=self.folder.name)
        self.address = self.wait_line(lambda line: (m := re.search(r'"Listening on" address=(\S+)', line)) and m[1])
        self.wait_line(lambda line: "Server is ready" in line)

    def write(self, name, text):
        with open(os.path.join(self.folder.name, name), "w") as f:
            f.write(text)

    def forget(self):
        super().forget()
        self.folder.cleanup()

    def ask(self, path, **parameters):
        query = urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(f"http://{self.address}/api/v1/{path}?{query}", timeout=PATIENCE) as r:
                answer = json.load(r)
        except urllib.error.HTTPError as e:
            raise AssertionError(f"{parameters}: {e.read().decode()}")
        return answer["data"]

    def query(self, expression):
        """An instant vector: [(labels, value)]."""
        return [(row["metric"], float(row["value"][1])) for row in self.ask("query", query=expression)["result"]]

    def wait_first_figures(self):
        """It looks at its targets some 5 s after its start; until then it misses wskeep, rightly."""
        wait_until("first figures", lambda: len(self.query("wskeep_backend_ready == 1")) == len(self.targets))
        wait_until("nothing to fire", lambda: not self.query("ALERTS"))
        self.begun = time.time()
        return self

    def alerts(self, target):
        """Those that fire now: {name: alert}."""
        return {a["labels"]["alertname"]: a for a in self.ask("alerts")["alerts"]
                if a["state"] == "firing" and a["labels"]["namespace"] == target}

    def alerted(self, target, state):
        """Names of the alerts that were in this state (firing, pending) since the first figures."""
        since = round(1000 * (time.time() - self.begun))
        found = self.query(f'last_over_time(ALERTS{{namespace="{target}",alertstate="{state}"}}[{since}ms])')
        return {labels["alertname"] for labels, _ in found}

    def wait_fired(self, target, *names):
        """Until these alerts have fired, each at its own time."""
        wait_until(f"{names} to fire", lambda: self.alerted(target, "firing") >= set(names))
