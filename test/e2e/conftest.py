"""Fixtures of the end-to-end tests. What they start they end, by PID; a test that leaves something behind fails."""

import os
import re
import sys

import pytest

sys.dont_write_bytecode = True  # the tree stays as it is

from parts import process
from parts.http import HttpListener
from parts.servers import DEMO, WSKEEP, App, Demo, Direct, Wskeep
from parts.ws import WsListener

def pytest_addoption(parser):
    parser.addoption("--direct", action="store_true", help="without wskeep: what it must be transparent for")


def pytest_configure(config):
    config.addinivalue_line("markers", "proxy: about wskeep itself; makes no sense with --direct")
    config.addinivalue_line("markers", "threads: several workers; run under TSan too")
    config.addinivalue_line("markers", "deploy: what is deployed with wskeep; run beside the rest, and not under faults")
    process.become_subreaper()
    for name in list(os.environ):  # what wskeep obeys is the tests' to say
        if re.match(r"(PORT|ENVIRONMENT|K_SERVICE|GOOGLE_CLOUD_PROJECT)$|WEBSOCKET_|WSKEEP_(?!FAULTS$)", name):
            del os.environ[name]


def pytest_report_header(config):
    faults = os.environ.get("WSKEEP_FAULTS", "none")
    return "direct, without wskeep" if config.getoption("--direct") else f"wskeep: {WSKEEP}, faults: {faults}"


def pytest_collection_modifyitems(config, items):
    if config.getoption("--direct"):
        skip = pytest.mark.skip(reason="about wskeep itself")
        for item in items:
            if item.get_closest_marker("proxy"):
                item.add_marker(skip)


# -- order and honesty


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    for p in process.processes():
        p.seen = len(p.text())
    yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows what every part said meanwhile."""
    report = (yield).get_result()
    if report.failed:
        for p in list(process.processes()) + getattr(item, "parts_ended", []):
            lines = p.text(p.seen).splitlines()
            shown = lines if len(lines) <= 80 else lines[:20] + ["…"] + lines[-60:]
            if lines:
                report.sections.append((f"{p.name} ({p.pid})", "\n".join(shown)))


shared = set()  # the parts that live longer than a test


@pytest.fixture(scope="session")
def keep():
    """Starts what the whole run shares; ends it with the run, last first, but clients before all else."""
    kept = []

    def start(part):
        kept.append(part)
        if isinstance(part, process.Process):
            shared.add(part)
        return part
    yield start
    failures = []
    for part in sorted(reversed(kept), key=lambda part: not getattr(part, "is_client", False)):
        for name in ("settled", "finish" if hasattr(part, "finish") else "end"):
            try:
                getattr(part, name, int)()
            except Exception as e:
                failures.append(e)
        shared.discard(part)
    left = process.leftovers(shared)
    assert not failures, failures
    assert not left, f"left behind: {left}"


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    yield
    left = process.leftovers(shared)
    assert not left, f"left behind: {left}"


@pytest.fixture
def parts(request):
    """Starts what one test needs; ends it with the test, last first."""
    mine = []

    def start(part):
        mine.append(part)
        return part
    start.of = lambda kind: [part for part in mine if isinstance(part, kind)]
    yield start
    request.node.parts_ended = [p for p in mine if isinstance(p, process.Process)]
    failures = []
    for part in mine:
        getattr(part, "hang_up", int)()  # no proxy need wait for a peer that the test has left
    for part in reversed(mine):
        try:
            end = next(getattr(part, n) for n in ("finish", "end", "close") if hasattr(part, n))
            if not isinstance(part, process.Process) or part in process.processes():
                end()
        except Exception as e:
            failures.append(e)
    if failures:
        raise failures[0]


# -- parts


@pytest.fixture(scope="session")
def direct(request):
    return request.config.getoption("--direct")


@pytest.fixture
def proxy(parts, direct):
    """proxy(backend address, conf): a wskeep of the test's own (or, with --direct, the backend itself). Of a backend that
    is played by hand it has been told that it is ready; and what ends there ends at the client, unless the conf says how
    to reconnect."""
    def start(backend, conf=None, **how):
        played = [b for b in parts.of(HttpListener) if b.address == backend]
        if played:
            conf = {"reconnect": {"window": "0"}, **(conf or {})}
        p = parts(Direct(backend) if direct else Wskeep(backend, conf, **how))
        if played and not direct:
            played[0].answer_probe()
            p.wait_ready()
        return p
    return start


@pytest.fixture
def backend(parts):
    """An HTTP backend that the test plays by hand."""
    return parts(HttpListener())


@pytest.fixture
def ws_backend(parts):
    """A WebSocket backend that the test plays by hand."""
    return parts(WsListener())


@pytest.fixture(scope="session")
def apps(keep):
    """The application by worker class, started when first asked for."""
    started = {}

    def get(worker):
        if worker not in started:
            started[worker] = keep(App(worker)).wait_ready()
        return started[worker]
    return get


@pytest.fixture(scope="session")
def sites(keep, apps, direct):
    """The same, seen through a wskeep that the whole run shares."""
    started = {}

    def get(worker):
        if worker not in started:
            app = apps(worker)
            started[worker] = keep(Direct(app.address) if direct else Wskeep(app.address))
        return started[worker]
    return get


@pytest.fixture
def site(sites):
    """The application (websockets implementation) through wskeep."""
    return sites("Websockets")


@pytest.fixture(params=["Websockets", "Wsproto"])
def worker(request):
    return request.param


@pytest.fixture
def either(sites, worker):
    """The application through wskeep, once with each of uvicorn's WebSocket implementations."""
    return sites(worker)


@pytest.fixture(scope="session")
def demo(keep):
    if not os.path.exists(DEMO):
        pytest.skip(f"no demo backend at {DEMO}")
    return keep(Demo())
