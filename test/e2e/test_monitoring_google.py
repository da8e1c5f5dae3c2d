"""deploy/monitoring/google: files that Google Cloud takes, and that say what the rules for Prometheus say."""

import json
import os
import pathlib
import re
import subprocess

import pytest
import yaml

from parts.google import ALERT_POLICY, GCLOUD, LOG_METRIC, Api, must_fit
from parts.prometheus import MONITORING, promtool, shipped
from parts.servers import ROOT
from parts.ws import Pair

pytestmark = [pytest.mark.proxy, pytest.mark.deploy]

GOOGLE = pathlib.Path(MONITORING, "google")
RULES = {"policies": "rules", "log-policies": "google/log-rules"}  # what is made of what

POD_MONITORING = {
    "apiVersion": {"monitoring.googleapis.com/v1"}, "kind": {"PodMonitoring"}, "metadata": {"name": str, "labels": {str: str}},
    "spec": {
        "selector": {"matchLabels": {str: str}},
        "endpoints": [{"port": (str, int), "path": str, "scheme": {"http", "https"}, "interval": str, "timeout": str}],
        "targetLabels": {"metadata": [{"pod", "container", "node"}]},
        "limits": {"samples": int, "labels": int}}}
RUN_MONITORING = {
    "apiVersion": {"monitoring.googleapis.com/v1beta"}, "kind": {"RunMonitoring"}, "metadata": {"name": str},
    "spec": {**POD_MONITORING["spec"], "targetLabels": {"metadata": [{"instance", "revision", "service", "configuration"}]}}}
del RUN_MONITORING["spec"]["selector"]


def policies(folder):
    return {path.name: json.loads(path.read_text()) for path in (GOOGLE / folder).iterdir()}


def metrics():
    return {path.stem: yaml.safe_load(path.read_text()) for path in (GOOGLE / "log-metrics").iterdir()}


def commands(section):
    """What a section of the README has one type."""
    text = shipped("README.md").partition(f"## {section}\n")[2].partition("\n## ")[0]
    return "\n".join(re.findall(r"```sh\n(.*?)```", text, re.S))


@pytest.mark.parametrize("folder", RULES)
def test_policies_are_what_is_made_of_the_rules(folder, tmp_path):
    subprocess.run([GOOGLE / "make-policies", os.path.join(MONITORING, RULES[folder] + ".yml"), tmp_path], check=True)
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert made == {path.name: path.read_text() for path in (GOOGLE / folder).iterdir()}, "make-policies makes them anew"


@pytest.mark.parametrize("folder", RULES)
def test_policies_fire_on_what_the_alerts_fire_on(folder, tmp_path):
    """As rules again, they pass the tests of the rules that they were made of; none but WskeepAbsent is missing."""
    again, original = [], yaml.safe_load(shipped(RULES[folder] + ".yml"))["groups"][0]["rules"]
    for policy in policies(folder).values():
        condition = policy["conditions"][0]["conditionPrometheusQueryLanguage"]
        again.append({"alert": condition["alertRule"], "expr": condition["query"], "for": condition["duration"],
                      "labels": {"severity": policy["severity"].lower()}})
    again += [rule for rule in original if rule.get("alert") == "WskeepAbsent"]
    assert {rule["alert"] for rule in again} == {rule["alert"] for rule in original if "alert" in rule}
    name = os.path.basename(RULES[folder])
    (tmp_path / f"{name}.yml").write_text(json.dumps({"groups": [{"name": "policies", "rules": again}]}))
    (tmp_path / f"{name}-test.yml").write_text(shipped(RULES[folder] + "-test.yml"))
    promtool("test", "rules", f"{name}-test.yml", cwd=tmp_path)


def test_alerts_on_logs_fire_where_they_should_and_nowhere_else():
    promtool("test", "rules", "log-rules-test.yml", cwd=GOOGLE)


def test_policies_and_log_metrics_have_the_fields_that_the_api_knows():
    for folder in RULES:
        for name, policy in policies(folder).items():
            must_fit(policy, ALERT_POLICY, name)
            assert {"displayName", "combiner", "conditions"} <= set(policy)
    for name, metric in metrics().items():
        must_fit({"name": name, **metric}, LOG_METRIC, name)
        descriptor = metric["metricDescriptor"]
        assert set(metric.get("labelExtractors", {})) == {label["key"] for label in descriptor.get("labels", [])}
        assert (descriptor["valueType"] == "DISTRIBUTION") == ("valueExtractor" in metric) == ("bucketOptions" in metric)


@pytest.mark.skipif(not GCLOUD, reason="no gcloud")
@pytest.mark.parametrize("section", ["metrics", "logs alone"])
def test_gcloud_sends_what_is_in_the_files_by_the_commands_of_the_readme(parts, section):
    api = parts(Api())
    api.run(commands(f"Google Cloud: {section}"))
    sent_policies = [message for path, message in api.created if path == "/v3/projects/chat/alertPolicies"]
    sent_metrics = [message for path, message in api.created if path == "/v2/projects/chat/metrics"]
    by_name = lambda messages: sorted(messages, key=lambda m: m.get("name", m.get("displayName")))
    folder, expected = ("policies", {}) if section == "metrics" else ("log-policies", metrics())
    assert by_name(sent_policies) == by_name(policies(folder).values())
    assert by_name(sent_metrics) == by_name({"name": name, **metric} for name, metric in expected.items())
    assert len(api.created) == len(sent_policies) + len(sent_metrics)


def test_alerts_on_logs_ask_for_metrics_that_are_there():
    known = metrics()
    for policy in policies("log-policies").values():
        query = policy["conditions"][0]["conditionPrometheusQueryLanguage"]["query"]
        asked = re.findall(r"logging_googleapis_com:user_(\w+)_(?:count|sum)\{(.*?)\}", query)
        assert asked
        for name, labels in asked:
            assert set(re.findall(r"(\w+)[=!]", labels)) <= {"monitored_resource", *known[name].get("labelExtractors", {})}


def test_log_metrics_find_their_fields_in_the_line_of_a_session(proxy, ws_backend):
    p = proxy(ws_backend.address, {"log": {"format": "json", "level": "info"}})
    with Pair(p, ws_backend) as (c, b):
        for _ in range(3):
            c.text("question")
            b.message()
        b.text("answer")
        c.message()
        b.reset()
        assert c.closed().code == 1012
        c.close_frame(1012)
    p.settled()
    line = json.loads(p.wait_line(lambda line: "session_end" in line and line))
    found = {}
    for name, metric in metrics().items():
        assert metric["filter"] == f'jsonPayload.message="{line["message"]}"'
        found[name] = line[re.fullmatch(r"EXTRACT\(jsonPayload\.(\w+)\)", metric["valueExtractor"])[1]]
        for label, extractor in metric.get("labelExtractors", {}).items():
            assert line[re.fullmatch(r"EXTRACT\(jsonPayload\.(\w+)\)", extractor)[1]] == "backend_reset"
    assert 0 <= found.pop("wskeep_session_seconds") < 60
    assert found == {"wskeep_messages_up": 3, "wskeep_messages_up_lost": 0, "wskeep_messages_down": 1, "wskeep_messages_down_lost": 0}


def test_what_counts_as_broken_off_is_what_the_readme_calls_not_clean():
    with open(os.path.join(ROOT, "README.md")) as f:
        rows = re.findall(r"^\| `(\w+)` \| yes \|.*\| (.*) \|$", f.read(), re.M)
    clean = {reason for reason, text in rows if "HTTP" not in text}
    asked = re.findall(r'reason!~"([\w|]+)"', shipped("google/log-rules.yml"))
    assert clean and [set(words.split("|")) for words in asked] == [clean]


def test_what_is_scraped_is_known_to_the_alerts_by_its_name():
    pod, run = (yaml.safe_load(shipped(f"google/{name}-monitoring.yaml")) for name in ("pod", "run"))
    must_fit(pod, POD_MONITORING, "PodMonitoring")
    must_fit(run, RUN_MONITORING, "RunMonitoring")
    job = yaml.safe_load(shipped("prometheus.yml"))["scrape_configs"][0]["job_name"]
    assert {f'job="{name}"' for name in (pod["metadata"]["name"], run["metadata"]["name"], job)} == set(
        re.findall(r'job="\w+"', shipped("rules.yml")))


def test_the_collector_of_the_readme_reads_the_secret_that_it_says_to_make():
    text = shipped("README.md")
    fragment = yaml.safe_load(re.search(r"```yaml\n(.*?)```", text, re.S)[1])
    (container,), (volume,) = fragment["containers"], fragment["volumes"]
    assert container["volumeMounts"] == [{"name": volume["name"], "mountPath": "/etc/rungmp"}]
    assert volume["secret"]["items"] == [{"key": "latest", "path": "config.yaml"}]
    assert f"gcloud secrets create {volume['secret']['secretName']} --data-file=google/run-monitoring.yaml" in text
