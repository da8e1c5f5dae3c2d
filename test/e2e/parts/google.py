"""Google Cloud as far as gcloud can tell: an API that takes what is created and keeps it, and what its messages may hold."""

import http.server
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading

from .process import PATIENCE
from .prometheus import MONITORING

GCLOUD = shutil.which("gcloud")

# The fields of a message by name: a type, a pattern, a set of words, or what they consist of. [x] is a list of x, {str: x}
# a map. From the REST reference of Cloud Monitoring v3 and Cloud Logging v2; what the server alone sets is left out.
DURATION = re.compile(r"\d+s")
ALERT_POLICY = {
    "displayName": str,
    "severity": {"CRITICAL", "ERROR", "WARNING"},
    "documentation": {"content": str, "mimeType": {"text/markdown"}, "subject": str},
    "combiner": {"OR", "AND", "AND_WITH_MATCHING_RESOURCE"},
    "conditions": [{
        "displayName": str,
        "conditionPrometheusQueryLanguage": {
            "query": str, "duration": DURATION, "evaluationInterval": DURATION, "labels": {str: str},
            "ruleGroup": str, "alertRule": re.compile(r"[a-zA-Z_]\w*"), "disableMetricValidation": bool},
    }],
    "alertStrategy": {"autoClose": DURATION, "notificationRateLimit": {"period": DURATION}},
    "notificationChannels": [str],
    "userLabels": {str: str},
    "enabled": bool,
}
LOG_METRIC = {
    "name": re.compile(r"[A-Za-z0-9_.,+!*',()%/-]{1,100}"),
    "description": str,
    "filter": str,
    "valueExtractor": re.compile(r"EXTRACT\(.+\)"),
    "labelExtractors": {str: re.compile(r"(REGEXP_)?EXTRACT\(.+\)")},
    "metricDescriptor": {
        "metricKind": {"DELTA"}, "valueType": {"INT64", "DISTRIBUTION"}, "unit": str, "displayName": str,
        "labels": [{"key": re.compile("[a-z][a-zA-Z0-9_]*"), "valueType": {"STRING", "BOOL", "INT64"}, "description": str}]},
    "bucketOptions": {
        "explicitBuckets": {"bounds": [(int, float)]},
        "exponentialBuckets": {"numFiniteBuckets": int, "growthFactor": (int, float), "scale": (int, float)}},
    "disabled": bool,
}


def must_fit(value, shape, where):
    if isinstance(shape, dict) and str in shape:
        for key, inner in value.items():
            must_fit(inner, shape[str], f"{where}.{key}")
    elif isinstance(shape, dict):
        assert isinstance(value, dict), f"{where}: {value!r}"
        for key, inner in value.items():
            assert key in shape, f"{where} has no {key}"
            must_fit(inner, shape[key], f"{where}.{key}")
    elif isinstance(shape, list):
        assert isinstance(value, list) and value, f"{where}: {value!r}"
        for inner in value:
            must_fit(inner, shape[0], f"{where}[]")
    elif isinstance(shape, set):
        assert value in shape, f"{where}: {value!r}"
    elif isinstance(shape, re.Pattern):
        assert isinstance(value, str) and shape.fullmatch(value), f"{where}: {value!r}"
    else:
        assert isinstance(value, shape) and (value or shape is not str), f"{where}: {value!r}"


class Api:
    """In place of Google's: answers each POST with what it brought. `created` has (path, message)."""

    def __init__(self):
        self.created = []
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                api.created.append((self.path.partition("?")[0], json.loads(body)))
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def run(self, script):
        """In a shell, where `gcloud` knows nobody and nothing but this API."""
        url = f"http://127.0.0.1:{self.server.server_port}/"
        with tempfile.TemporaryDirectory(prefix="gcloud-") as config:
            done = subprocess.run(["bash", "-euc", script], cwd=MONITORING, capture_output=True, text=True, timeout=6 * PATIENCE, env={
                **os.environ, "CLOUDSDK_CONFIG": config, "CLOUDSDK_CORE_PROJECT": "chat",
                "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true", "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true",
                "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "true", "CLOUDSDK_CORE_DISABLE_PROMPTS": "true",
                "CLOUDSDK_API_ENDPOINT_OVERRIDES_MONITORING": url, "CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING": url})
        assert done.returncode == 0, done.stderr

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
