"""`wskeep --ready`, a probe that needs neither a shell nor curl; and `listen.health`, for those that reach the traffic only."""

import os
import signal
import subprocess

import pytest

from parts.http import ask
from parts.process import wait_until
from parts.servers import WSKEEP, Wskeep

pytestmark = pytest.mark.proxy


def probe(*argv, admin=None, **how):
    """admin: where it is to ask, where the file does not say."""
    env = {k: v for k, v in os.environ.items() if k != "WSKEEP_FAULTS"}  # a test build repeats it on standard error
    return subprocess.Popen([WSKEEP, *argv], env={**env, "WSKEEP_ADMIN_ADDRESS": admin or ""}, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how)


def said(p):
    """(exit code, standard error)."""
    out, err = p.communicate(timeout=20)
    assert out == ""
    return p.returncode, err


def ready(*argv, admin=None):
    return said(probe(*argv, "--ready", admin=admin))


def no(why):
    return 1, f"wskeep: not ready: {why}\n"


@pytest.mark.parametrize("at", ["port", "every_host", "name", "path"])
def test_it_is_0_where_the_backend_is_ready(parts, ws_backend, tmp_path, at):
    address = {"port": "127.0.0.1:0", "every_host": ":0", "name": "localhost:0", "path": f"unix:{tmp_path}/a"}[at]
    p = parts(Wskeep(ws_backend.address, {"admin": {"address": address}}))
    if at != "path":  # the kernel's choice
        address = address[:-1] + p.admin.rpartition(":")[2]
    assert ready("-c", p.file, admin=address) == no(f"{address}: it answered 503")
    ws_backend.answer_probe()
    wait_until("it to be ready", lambda: ready("-c", p.file, admin=address) == (0, ""))


def test_it_is_1_and_listen_health_503_from_sigterm_on(proxy, ws_backend):
    p = proxy(ws_backend.address, {"listen": {"health": "/health"}, "timeouts": {"lameduck": "1h", "drain": "1h"}})
    assert ready("-c", p.file, admin=p.admin) == (0, "")
    assert (ask(p.address, "GET", "/health").status, ask(p.address, "GET", "/health").body) == (200, b"ready\n")
    p.tell(signal.SIGTERM)
    p.wait_event("signal", number="15", does="drain")
    assert ready("-c", p.file, admin=p.admin) == no(f"{p.admin}: it answered 503")
    wait_until("the worker to hear of it", lambda: ask(p.address, "GET", "/health").status == 503)
    assert ask(p.address, "GET", "/health").body == b"draining\n"
    p.tell(signal.SIGTERM)
    assert p.wait() == 0


def test_it_says_that_the_admin_is_off(tmp_path):
    (tmp_path / "conf").write_text('{"admin": {"address": ""}}')
    assert ready("-c", str(tmp_path / "conf")) == no('there is nobody to ask: admin.address is ""')


def test_it_says_that_the_port_is_not_known():
    code, why = ready(admin="127.0.0.1:0")
    assert code == 1 and "admin.address has port 0" in why and why.count("\n") == 1


def test_it_says_that_nothing_listens(backend, tmp_path):
    backend.close()
    assert ready(admin=backend.address) == no(f"{backend.address}: connection refused")
    assert ready(admin=f"unix:{tmp_path}/none") == no(f"unix:{tmp_path}/none: no such file or directory")


@pytest.mark.parametrize("answer, why", [(b"HELLO\r\n\r\n", "the answer is no HTTP"), (b"", "ended without an answer")],
                         ids=["no_http", "nothing"])
def test_it_says_that_what_listens_is_no_wskeep(backend, answer, why):
    p = probe("--ready", admin=backend.address)
    with backend.accept() as c:
        c.request()
        c.send(answer)
    assert said(p) == no(f"{backend.address}: {why}")


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_it_needs_no_standard_descriptor(proxy, ws_backend, closed):
    p = proxy(ws_backend.address)
    code, _ = said(probe("--ready", admin=p.admin, preexec_fn=lambda: os.close(closed)))
    assert code == 0


@pytest.mark.parametrize("argv", [["--ready=now"], ["--ready", "now"], ["--ready", "-c"]], ids=" ".join)
def test_bad_usage_is_2(argv):
    code, why = said(probe(*argv))
    assert code == 2 and "Usage" in why


def test_a_bad_conf_is_2():
    assert ready("-c", "/nowhere")[0] == 2
