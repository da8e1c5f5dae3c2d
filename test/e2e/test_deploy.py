"""deploy/: each file is what the platform's own words allow, and the numbers in it agree with the conf file beside it."""

import copy
import json
import os
import pathlib
import re
import shlex
import shutil

import pytest
import yaml

from parts.deploy import DEPLOY, conf, load, port, run, seconds
from parts.manifest import CLOUD_RUN, KUSTOMIZATION, at, faults, mappings
from parts.servers import PYTHON, ROOT

pytestmark = [pytest.mark.proxy, pytest.mark.deploy]


def with_a_strange_key(value, free=()):
    """A copy for each mapping in it, with a key that nobody knows; not where any key is as good (free: names of such)."""
    for way in mappings(value):
        if not way or way[-1] not in free:
            other = copy.deepcopy(value)
            at(other, way)["strange"] = "1"
            yield way, other


# -- Cloud Run

GCLOUD = shutil.which("gcloud") and pathlib.Path(shutil.which("gcloud")).resolve().parent.parent
DECODE = """
import json, sys
from googlecloudsdk.api_lib.util import messages
from googlecloudsdk.generated_clients.apis.run.v1 import run_v1_messages
for line in sys.stdin:
    try:
        messages.DictToMessageWithErrorCheck(json.loads(line), run_v1_messages.Service)
        print("ok")
    except messages.DecodeError as e:
        print(*str(e).split())
"""
SERVICE = "cloud-run/service.yaml"


def test_the_cloud_run_service_says_nothing_but_what_is_documented():
    service = load(SERVICE)
    assert faults(service, CLOUD_RUN) == []
    for way, strange in with_a_strange_key(service):
        assert len(faults(strange, CLOUD_RUN)) == 1, way


@pytest.mark.skipif(not GCLOUD, reason="no gcloud here, whose message classes know Cloud Run's fields")
def test_the_cloud_run_service_is_what_gcloud_sends():
    service = load(SERVICE)
    strange = list(with_a_strange_key(service, free=("annotations", "limits")))
    own = GCLOUD / "platform/bundledpythonunix/bin/python3"
    r = run(own if own.exists() else PYTHON, "-c", DECODE,
            input="".join(json.dumps(s) + "\n" for s in (service, *(s for _, s in strange))),
            env={**os.environ, "PYTHONPATH": f"{GCLOUD}/lib:{GCLOUD}/lib/third_party", "PYTHONDONTWRITEBYTECODE": "1"})
    assert r.returncode == 0, r.stderr
    said, *said_of_strange = r.stdout.splitlines()
    assert said == "ok"
    assert len(said_of_strange) == len(strange) > 10
    for (way, _), words in zip(strange, said_of_strange):
        assert words.endswith(".strange"), (way, words)



def test_the_cloud_run_containers_start_in_order_and_one_has_the_traffic():
    template = load(SERVICE)["spec"]["template"]
    containers = {c["name"]: c for c in template["spec"]["containers"]}
    settings = conf("cloud-run")
    assert [name for name, c in containers.items() if "ports" in c] == ["wskeep"]
    order = json.loads(template["metadata"]["annotations"]["run.googleapis.com/container-dependencies"])
    assert order == {"wskeep": ["app"]}
    assert containers["app"]["startupProbe"]["httpGet"]["port"] == port(settings["backend"]["address"])
    assert containers["app"]["startupProbe"]["httpGet"]["path"] == settings["readiness"]["http"]
    listens = containers["wskeep"]["ports"][0]["containerPort"]
    assert listens == port(settings["listen"]["address"])
    assert containers["wskeep"]["startupProbe"]["httpGet"] == {"path": settings["listen"]["health"], "port": listens}
    assert template["spec"]["timeoutSeconds"] == 3600 == seconds(settings["platform"]["request_timeout"])
    assert seconds(settings["timeouts"]["drain"]) < 10
    assert settings["platform"]["backend_command"] == command_of(containers["app"])
    mounted = mount_of(containers["wskeep"], template["spec"]["volumes"])
    assert containers["wskeep"]["args"] == ["-c", mounted["secret"]["items"][0]["path"]]


def command_of(container):
    return shlex.join([*container["command"], *container["args"]])


def mount_of(container, volumes):
    """The volume that it mounts, its items' paths as the container sees them."""
    [mount] = container["volumeMounts"]
    [volume] = copy.deepcopy([v for v in volumes if v["name"] == mount["name"]])
    for item in volume.get("secret", {}).get("items", []):
        item["path"] = f"{mount['mountPath']}/{item['path']}"
    return volume


@pytest.mark.skipif(not GCLOUD, reason="no gcloud here, which knows its commands and their flags")
def test_gcloud_knows_the_commands_of_the_walk_through(tmp_path):
    text = (DEPLOY / "cloud-run" / "README.md").read_text()
    commands = re.findall(r"^gcloud .*|(?<=`)gcloud [^`]*", text, re.M)
    (tmp_path / "commands.md").write_text("```\n" + "\n".join(commands) + "\n```\n")
    r = run("gcloud", "meta", "lint-gcloud-commands", f"--commands-text-file={tmp_path}/commands.md",
            env={**os.environ, "CLOUDSDK_CONFIG": str(tmp_path)})
    assert r.returncode == 0, r.stderr
    known = json.loads(r.stdout)
    assert [command["command_string"] for command in known] == commands and len(commands) > 5
    for command in known:
        flags = {f"--{name}" for name in names(command["args_structure"])}
        assert command["success"] and {a for a in command["command_args"] if a.startswith("--")} <= flags, command["command_string"]


def names(group):
    for argument in group.get("arguments", []):
        yield argument.get("name")
        yield from names(argument.get("group", {}))


# -- Kubernetes

TYPES = pathlib.Path(ROOT, "build", "apps", "node_modules", "kubernetes-types")
KUBERNETES = [("kubernetes/deployment.yaml", "apps/v1", "Deployment", ("labels", "annotations", "matchLabels", "requests", "limits")),
              ("kubernetes/service.yaml", "core/v1", "Service", ("selector",))]


@pytest.mark.skipif(not TYPES.exists(), reason="no kubernetes-types here: make apps")
def test_the_kubernetes_objects_are_of_the_types_that_kubernetes_has(tmp_path):
    """As literals of TypeScript: an unknown key, a missing one or a wrong type is an error, and each strange one must be."""
    program, n = [], 0
    for name, module, kind, free in KUBERNETES:
        program.append(f'import type {{{kind}}} from "kubernetes-types/{module}";')
        program.append(f"export const it_{kind}: {kind} = {json.dumps(load(name))};")
        for n, (_, strange) in enumerate(with_a_strange_key(load(name), free), n + 1):
            program.append(f"// @ts-expect-error: an unknown key\nexport const strange_{n}: {kind} = {json.dumps(strange)};")
    (tmp_path / "it.ts").write_text("\n".join(program))
    (tmp_path / "node_modules").symlink_to(TYPES.parent)
    (tmp_path / "tsconfig.json").write_text('{"compilerOptions": {"noEmit": true, "strict": true, "types": []}, "files": ["it.ts"]}')
    r = run("tsc", cwd=tmp_path)
    assert r.returncode == 0, r.stdout[-4000:]
    assert n > 20


def test_the_kustomization_says_nothing_but_what_is_documented():
    assert faults(load("kubernetes/kustomization.yaml"), KUSTOMIZATION) == []


@pytest.mark.skipif(not shutil.which("kubectl"), reason="no kubectl here")
def test_the_kustomization_brings_the_conf_file():
    r = run("kubectl", "kustomize", str(DEPLOY / "kubernetes"))
    assert r.returncode == 0, r.stderr
    objects = {o["kind"]: o for o in yaml.safe_load_all(r.stdout)}
    assert objects["ConfigMap"]["data"]["wskeep.conf"] == (DEPLOY / "kubernetes" / "wskeep.conf").read_text()
    [volume] = objects["Deployment"]["spec"]["template"]["spec"]["volumes"]
    assert volume["configMap"]["name"] == objects["ConfigMap"]["metadata"]["name"] != "wskeep"


def test_the_kubernetes_sidecar_outlives_the_server_and_is_what_the_service_points_to():
    pod = load("kubernetes/deployment.yaml")["spec"]["template"]
    [sidecar], [app] = pod["spec"]["initContainers"], pod["spec"]["containers"]
    settings = conf("kubernetes")
    assert sidecar["restartPolicy"] == "Always"
    ports = {p["name"]: p["containerPort"] for p in sidecar["ports"]}
    assert ports == {"http": port(settings["listen"]["address"]), "admin": port(settings["admin"]["address"])}
    for probe in ("startupProbe", "livenessProbe"):
        assert sidecar[probe]["httpGet"] == {"path": "/healthz", "port": "admin"}
    assert sidecar["readinessProbe"]["httpGet"] == {"path": settings["listen"]["health"], "port": "http"}
    service = load("kubernetes/service.yaml")["spec"]
    assert service["ports"][0]["targetPort"] in ports
    assert service["selector"].items() <= pod["metadata"]["labels"].items()
    graceful = int(re.search(r"--graceful-timeout=(\d+)", command_of(app))[1])
    took = app["lifecycle"]["preStop"]["sleep"]["seconds"] + graceful + seconds(settings["timeouts"]["drain"])
    assert took < pod["spec"]["terminationGracePeriodSeconds"]
    assert settings["platform"]["backend_command"] == command_of(app)
    [mount] = sidecar["volumeMounts"]
    [volume] = [v for v in pod["spec"]["volumes"] if v["name"] == mount["name"]]
    [generated] = load("kubernetes/kustomization.yaml")["configMapGenerator"]
    assert volume["configMap"]["name"] == generated["name"]
    assert sidecar["args"] == ["-c", f"{mount['mountPath']}/{generated['files'][0]}"]


# -- docker compose


def compose_takes(text, folder):
    file = folder / "compose.yaml"
    file.write_text(text)
    return run("docker-compose", "-f", str(file), "config", "-q", cwd=folder)


def test_compose_takes_the_file_and_knows_each_key_of_it(tmp_path):
    it = load("compose/compose.yaml")
    r = compose_takes(yaml.dump(it), tmp_path)
    assert r.returncode == 0 and not r.stderr, r.stderr
    for way, strange in with_a_strange_key(it):
        r = compose_takes(yaml.dump(strange), tmp_path)
        assert r.returncode != 0 and "strange" in r.stderr, way


def test_the_compose_file_agrees_with_its_conf():
    services = load("compose/compose.yaml")["services"]
    settings = conf("compose")
    assert settings["backend"]["address"] == f"app:{services['app']['expose'][0]}"
    assert services["wskeep"]["ports"] == ["8080:%d" % port(settings["listen"]["address"])]
    assert services["wskeep"]["restart"] == "always", "unless-stopped ends with the SIGHUP that reloads"
    assert seconds(services["wskeep"]["stop_grace_period"]) > seconds(settings["timeouts"]["drain"])
    assert settings["platform"]["backend_command"] == services["app"]["command"]
    here, there, how = services["wskeep"]["volumes"][0].split(":")
    folder = DEPLOY / "compose" / here
    assert folder.is_dir() and how == "ro", "a file that is mounted alone stays the old one when another takes its name"
    assert services["wskeep"]["command"] == ["-c", f"{there}/wskeep.conf"] and (folder / "wskeep.conf").exists()
    assert services["wskeep"]["healthcheck"]["test"] == ["CMD", "/usr/bin/wskeep", "-c", f"{there}/wskeep.conf", "--ready"]
