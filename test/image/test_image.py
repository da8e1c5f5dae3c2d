"""The image, run as a platform would that allows it nothing: what it is, what it may do, what it does, how it ends."""

import json
import tarfile
from types import SimpleNamespace

import pytest

from names import BACKEND, CLIENT, IMAGE, NAMES, PEERS, PROXY

NOBODY = "65532"
NOTHING = ["--read-only", "--cap-drop", "all", "--security-opt", "no-new-privileges"]
ALONE = ["--network", "none", *NOTHING]
BESIDE = ["--network", f"container:{PROXY}", *NOTHING]
LEAST, MOST = 3_000_000, 12_000_000  # bytes: libcrypto alone is 5 MB, and Debian slim 75 MB


def ready(engine):
    """As a platform asks: by a command, with neither a shell nor curl in the image."""
    return engine.start("exec", PROXY, "/usr/bin/wskeep", "--ready").ended() == 0


@pytest.fixture(scope="module")
def site(engine, tmp_path_factory):
    """wskeep before a backend that it knows by name, as compose and Kubernetes have it. Gives whether it was
    ready without."""
    resolver = tmp_path_factory.mktemp("site") / "resolv.conf"
    resolver.write_text("nameserver 127.0.0.1\n")
    try:
        engine("run", "-d", "--name", PROXY, *ALONE, "-v", f"{resolver}:/etc/resolv.conf:ro",
               "--sysctl", "net.ipv4.ip_unprivileged_port_start=53",
               "-e", "WSKEEP_BACKEND_ADDRESS=backend.test:8000", IMAGE)
        without = ready(engine)
        engine("run", "-d", "--name", NAMES, *BESIDE, PEERS, "dnsmasq", "--keep-in-foreground", "--no-resolv",
               "--no-hosts", "--listen-address=127.0.0.1", "--bind-interfaces", "--address=/backend.test/127.0.0.1",
               "--user=", "--group=", "--pid-file=", "--log-facility=-", "--log-queries")
        engine("run", "-d", "--name", BACKEND, *BESIDE, "--tmpfs", "/tmp", PEERS, "gunicorn",
               "--bind", "127.0.0.1:8000", "--worker-class", "parts.workers.Websockets", "parts.app:app")
        yield without
    finally:
        for container in NAMES, BACKEND, PROXY:
            engine.show(container)
        engine.remove(CLIENT, BACKEND, NAMES, PROXY)


@pytest.fixture(scope="module")
def seen(engine, site):
    """What a client saw. Its handshake is the wait until the backend is ready: wskeep holds it so long."""
    text = engine("run", "--rm", "--name", CLIENT, *BESIDE, "--pid", f"container:{PROXY}", PEERS,
                  "python3", "client.py", "look")
    return SimpleNamespace(**json.loads(text))


@pytest.fixture(scope="module")
def files(engine, tmp_path_factory):
    """Of a container that was never started; to be able to, engines add empty files of their own."""
    tar = tmp_path_factory.mktemp("files") / "image.tar"
    engine("create", "--name", CLIENT, IMAGE)
    engine("export", "-o", tar, CLIENT)
    engine.remove(CLIENT)
    with tarfile.open(tar) as archive:
        return [f for f in archive.getmembers() if f.size]


def label(engine, name):
    return engine.inspect(IMAGE)["Config"]["Labels"][f"org.opencontainers.image.{name}"]


def test_it_is_small(engine):
    assert LEAST < engine.inspect(IMAGE)["Size"] < MOST


def test_wskeep_is_the_only_program_in_it(files):
    """No shell, nothing else that could be run; libraries, the loader among them, have .so in their names."""
    programs = [f.name for f in files if f.mode & 0o111 and ".so" not in f.name]
    assert programs == ["usr/bin/wskeep"]


def test_no_file_lends_rights_or_can_be_written_by_others(files):
    assert not [f.name for f in files if f.mode & 0o6002]


def test_each_library_is_there_with_its_package_and_licence(files):
    names = {f.name for f in files}
    packages = {name.rsplit("/", 1)[1] for name in names if name.startswith("var/lib/dpkg/status.d/")}
    assert {"libc6", "libcjson1", "libssl3", "libuv1", "libwslay1"} <= packages
    assert {f"usr/share/doc/{package}/copyright" for package in packages | {"wskeep"}} <= names


def test_its_label_is_the_version_that_it_says(engine):
    assert engine("run", "--rm", *ALONE, IMAGE, "--version") == f"wskeep {label(engine, 'version')}\n"


def test_its_own_files_pass_the_check(engine):
    for conf in "wskeep.conf", "cloud-run.conf":
        engine("run", "--rm", *ALONE, IMAGE, "-c", f"/etc/wskeep/{conf}", "--check")


def test_it_says_where_it_listens_and_how_it_is_to_be_stopped(engine):
    config = engine.inspect(IMAGE)["Config"]
    assert (list(config["ExposedPorts"]), config["StopSignal"]) == (["8080/tcp"], "SIGTERM")


def test_it_is_nobody(engine, seen):
    assert engine.inspect(IMAGE)["Config"]["User"] == f"{NOBODY}:{NOBODY}"
    assert set(seen.ids) == {NOBODY}


def test_it_has_no_capability_and_can_get_none(seen):
    assert not any(seen.capabilities.values()), seen.capabilities
    assert seen.no_new_privileges == "1"


def test_its_root_is_read_only(seen):
    assert "ro" in seen.root


def test_messages_pass_through_it(seen):
    assert seen.echo is True
    assert seen.http == [200, "hello\n"]


def test_it_is_ready_once_its_backend_is(engine, site, seen):
    assert (site, ready(engine)) == (False, True)
    assert seen.ready[0] == 200


def test_it_counts_what_passed(seen):
    status, text = seen.metrics
    assert status == 200
    assert 'wskeep_messages_total{direction="up",outcome="accepted"} 3\n' in text


def test_sigterm_tells_the_clients_and_ends_it_with_0(engine, seen):
    client = engine.start("run", "--rm", "--name", CLIENT, *BESIDE, PEERS, "python3", "client.py", "stay")
    assert client.line() == "open"
    engine("stop", "-t", "9", PROXY)
    assert client.finish() == "1012\n"
    assert engine.inspect(PROXY)["State"]["ExitCode"] == 0
