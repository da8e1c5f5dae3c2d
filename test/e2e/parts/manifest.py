"""What a manifest may say, for those whose schema no package brings: every key that is documented and used here, and its type.
A shape is a type, a tuple of allowed values, a list of one shape, a dict of shapes (a key with "?" may be left out), or a
function that says whether a value will do."""

import re


def text(pattern):
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


def between(least, most):
    return lambda value: type(value) is int and least <= value <= most


NAME = text(r"[a-z]([-a-z0-9]{0,48}[a-z0-9])?")
PROBE = {
    "?httpGet": {"path": text(r"/\S*"), "?port": between(1, 65535)},
    "?tcpSocket": {"?port": between(1, 65535)},
    "?initialDelaySeconds": between(0, 240), "?timeoutSeconds": between(1, 240),
    "?periodSeconds": between(1, 240), "?failureThreshold": between(1, 240),
}
CONTAINER = {
    "name": NAME, "image": text(r"\S+"), "?command": [str], "?args": [str],
    "?ports": [{"?name": ("http1", "h2c"), "containerPort": between(1, 65535)}],
    "?env": [{"name": text(r"[A-Za-z_]\w*"), "value": str}],
    "?resources": {"limits": {"cpu": ("1", "2", "4", "6", "8"), "memory": text(r"\d+(Mi|Gi)")}},
    "?startupProbe": PROBE, "?livenessProbe": PROBE,
    "?volumeMounts": [{"name": NAME, "mountPath": text(r"/\S+")}],
}
CLOUD_RUN = {
    "apiVersion": ("serving.knative.dev/v1",), "kind": ("Service",),
    "metadata": {"name": NAME, "?annotations": {"?run.googleapis.com/ingress": ("all", "internal", "internal-and-cloud-load-balancing")}},
    "spec": {
        "template": {
            "metadata": {"annotations": {
                "?run.googleapis.com/container-dependencies": text(r"\{.*\}"),
                "?run.googleapis.com/cpu-throttling": ("true", "false"),
                "?run.googleapis.com/sessionAffinity": ("true", "false"),
                "?run.googleapis.com/startup-cpu-boost": ("true", "false"),
                "?run.googleapis.com/execution-environment": ("gen1", "gen2"),
                "?autoscaling.knative.dev/minScale": text(r"\d+"), "?autoscaling.knative.dev/maxScale": text(r"\d+"),
            }},
            "spec": {
                "?timeoutSeconds": between(1, 3600), "?containerConcurrency": between(1, 1000), "?serviceAccountName": str,
                "containers": [CONTAINER],
                "?volumes": [{"name": NAME, "secret": {"secretName": str, "items": [{"key": text(r"\d+|latest"), "path": text(r"[^/]\S*")}]}}],
            },
        },
        "?traffic": [{"?latestRevision": bool, "?revisionName": NAME, "percent": between(0, 100)}],
    },
}
KUSTOMIZATION = {
    "apiVersion": ("kustomize.config.k8s.io/v1beta1",), "kind": ("Kustomization",), "resources": [text(r"[\w-]+\.yaml")],
    "configMapGenerator": [{"name": NAME, "files": [text(r"[\w.-]+")]}],
}


def faults(value, shape, at="it"):
    """What is wrong with it, a line each."""
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return [f"{at}: no mapping"]
        known = {key.lstrip("?"): of for key, of in shape.items()}
        return [f"{at}.{key}: unknown" for key in value if key not in known] + \
               [f"{at}.{key}: missing" for key in shape if key[0] != "?" and key not in value] + \
               [f for key in value if key in known for f in faults(value[key], known[key], f"{at}.{key}")]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{at}: no list"]
        return [f for i, item in enumerate(value) for f in faults(item, shape[0], f"{at}[{i}]")]
    if isinstance(shape, tuple):
        fits = value in shape
    else:
        fits = type(value) is shape if isinstance(shape, type) else shape(value)
    return [] if fits else [f"{at}: found {value!r}"]


def mappings(value, at=()):
    """The way to each mapping in it."""
    if isinstance(value, dict):
        yield at
    if isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from mappings(item, (*at, key))


def at(value, way):
    for key in way:
        value = value[key]
    return value
