"""Does the load tool notice what it is there to notice, and do backend and relay what they say?"""

import concurrent.futures
import contextlib
import http.client
import itertools
import json
import os
import pathlib
import select
import socket
import socketserver
import subprocess
import threading
import time

import pytest

from liar import BREACHES, LIES, TRUTHS, Liar

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = pathlib.Path(os.environ.get("LOAD", ROOT / "build/load"))  # built by `make load-tools`

SESSIONS = 2
BRIEF = ["--conns", SESSIONS, "--inflight", 4, "--warm", 0, "--seconds", 0.1]
ONLY_LEAVE = ["--drip", 0, "--mute", 0, "--reset", 0]
FAULTS = ["mismatches", "lost", "dup", "ooo", "unexpected_closes"]


def load(port, *options):
    argv = [TOOLS / "load", "--port", port, *options]
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)


@contextlib.contextmanager
def tool(name, *words):
    """A listening tool: (port, pid)."""
    with subprocess.Popen([str(TOOLS / name), "0", *map(str, words)], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield int(process.stdout.readline().removeprefix("listening ")), process.pid
        finally:
            process.terminate()


@pytest.fixture(name="backend", scope="module")
def fixture_backend():
    with tool("backend") as (port, _):
        yield port


@pytest.fixture(name="relayed", scope="module")
def fixture_relayed(backend):
    with tool("relay", backend) as (port, _):
        yield port


def faults(result):
    return {name: result[name] for name in FAULTS if result[name]}


def clean(result):
    return not faults(result) and not any(result["errors"].values()) and result["opened"] == result["conns"]


# ---- what load notices -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("fault, name", [(fault, name) for fault, lies in LIES.items() for name in lies])
def test_each_lie_is_counted_once_as_what_it_is(fault, name):
    with Liar(LIES[fault][name]) as liar:
        found = faults(load(liar.port, *BRIEF))
    if fault == "unexpected_closes":
        assert found.pop("lost") > 0  # what was on its way
    assert found == {fault: SESSIONS}


@pytest.mark.parametrize("name", BREACHES)
def test_breach_of_protocol_ends_the_session(name):
    with Liar(BREACHES[name]) as liar:
        result = load(liar.port, *BRIEF)
    assert result["errors"] == {"connect": 0, "handshake": 0, "protocol": SESSIONS}
    assert set(faults(result)) == {"lost"}


@pytest.mark.parametrize("name", TRUTHS)
def test_what_is_allowed_is_no_fault_and_pings_are_answered(name):
    truth, pings = TRUTHS[name]
    with Liar(truth) as liar:
        result = load(liar.port, *BRIEF)
    assert clean(result)
    assert result["total_msgs"] > SESSIONS
    assert result["pings"] == len(pings) * SESSIONS
    assert sorted(liar.pongs) == sorted(pings * SESSIONS)


def test_bytes_that_come_one_by_one_are_no_fault():
    def one_by_one(s, data):
        for i in range(len(data)):
            s.sendall(data[i:i + 1])
    with Liar(TRUTHS["ping within a message"][0], send=one_by_one) as liar:
        assert clean(load(liar.port, *BRIEF))


@pytest.mark.parametrize("answer", [
    Liar.ANSWER.replace(b"ACCEPT", b"x" * 28),
    Liar.ANSWER.replace(b"101", b"200"),
    Liar.ANSWER.replace(b"Sec-WebSocket-Accept", b"Sec-WebSocket-Key"),
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
    b""])
def test_handshake_without_its_right_answer_is_an_error(answer):
    with Liar(answer=answer) as liar:
        result = load(liar.port, *BRIEF)
    assert result["errors"] == {"connect": 0, "handshake": SESSIONS, "protocol": 0}
    assert result["opened"] == 0


def test_connection_that_fails_is_an_error():
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))  # and does not listen
        result = load(unheard.getsockname()[1], *BRIEF)
    assert result["errors"] == {"connect": SESSIONS, "handshake": 0, "protocol": 0}


# ---- modes -----------------------------------------------------------------------------------------------------------

def test_latency_is_the_time_that_the_answer_took():
    delays = itertools.cycle([0.005] * 9 + [0.04])

    def late(s, data):
        time.sleep(next(delays))  # the time itself is what is measured
        s.sendall(data)
    with Liar(send=late) as liar:
        result = load(liar.port, "--conns", 1, "--warm", 0, "--seconds", 0.5)
    assert clean(result)
    assert 5_000 <= result["lat_us"]["p50"] < 9_500
    assert 40_000 <= result["lat_us"]["p99"] <= result["lat_us"]["max"]


def test_latency_of_paced_messages_counts_from_when_they_were_due():
    def late(s, data):
        time.sleep(0.01)
        s.sendall(data)
    with Liar(send=late) as liar:  # 100 a second can be answered, 200 are due: the last waits half of the time
        result = load(liar.port, "--conns", 1, "--rate", 200, "--warm", 0, "--seconds", 0.4)
    assert clean(result)
    assert result["lat_us"]["max"] > 100_000


@pytest.mark.parametrize("size", [24, 125, 126, 65535, 65536, 1 << 20])
def test_messages_of_every_size_come_back_as_they_were(relayed, size):
    result = load(relayed, *BRIEF, "--size", size)
    assert clean(result)
    assert result["total_bytes"] == result["total_msgs"] * size > 0


def test_queue_longer_than_all_buffers_on_the_way_stays_as_it_is(relayed):
    result = load(relayed, "--conns", 1, "--inflight", 400, "--size", 65536, "--warm", 0, "--seconds", 0.2)
    assert clean(result)
    assert result["total_msgs"] > 400


def test_pace_is_kept(backend):
    result = load(backend, "--conns", 4, "--inflight", 100, "--rate", 500, "--warm", 0.1, "--seconds", 0.4)
    assert clean(result)
    assert 160 <= result["msgs"] <= 240


def test_churn_goes_through_whole_sessions(relayed):
    result = load(relayed, "--mode", "churn", "--conns", 8, "--warm", 0.1, "--seconds", 0.3)
    assert clean(result)
    assert result["cycles"] > 8
    assert result["total_msgs"] >= result["cycles"]


@pytest.mark.parametrize("rate", [0, 8 << 20])
def test_source_sends_all_and_closes_for_fast_and_slow_readers(relayed, rate):
    size, total = 65536, 4 << 20
    result = load(relayed, "--mode", "source", "--path", f"/source?size={size}&total={total}", "--size", size,
                  "--conns", 2, "--warm", 0, "--seconds", 20, "--read-rate", rate)
    assert clean(result)
    assert (result["closed"], result["total_bytes"]) == (2, 2 * total)
    if rate:
        assert result["seconds"] == pytest.approx(total / rate, rel=0.2)


def test_source_of_so_many_messages_sends_so_many(backend):
    result = load(backend, "--mode", "source", "--path", "/source?n=1000&size=100&batch=7", "--size", 100,
                  "--conns", 3, "--warm", 0, "--seconds", 20)
    assert clean(result)
    assert (result["total_msgs"], result["closed"]) == (3000, 3)


def test_tick_sends_at_its_pace(backend):
    result = load(backend, "--mode", "source", "--path", "/tick?ms=20&size=64", "--conns", 5, "--warm", 0,
                  "--seconds", 0.5)
    assert clean(result)
    assert 5 * 15 <= result["msgs"] <= 5 * 26


def test_idle_sessions_are_held_and_all_still_work(relayed):
    with tool("relay", relayed) as (port, pid):
        result = load(port, "--mode", "idle", "--conns", 200, "--warm", 0, "--seconds", 0.2, "--pids", pid)
    assert clean(result)
    assert (result["alive"], result["dropped"]) == (200, 0)
    assert 0 < result["rss_start_kb"] <= result["rss_hold_kb"] <= result["rss_peak_kb"]
    grown = (result["rss_hold_kb"] - result["rss_start_kb"]) * 1024
    assert result["rss_per_conn"] == pytest.approx(grown / 200, abs=0.1)


def test_idle_session_that_does_not_last_was_dropped():
    def once(s, data):
        s.sendall(data + b"\x88\x00")
    with Liar(send=once) as liar:
        result = load(liar.port, "--mode", "idle", "--conns", 3, "--warm", 0, "--seconds", 0.1)
    assert (result["opened"], result["dropped"], result["alive"], result["unexpected_closes"]) == (3, 3, 0, 3)


def test_cpu_time_is_that_of_the_processes_named(backend):
    with tool("relay", backend) as (port, pid):
        result = load(port, "--conns", 10, "--warm", 0.1, "--seconds", 0.4, "--pids", pid)
        nothing = load(backend, "--conns", 10, "--warm", 0, "--seconds", 0.1, "--pids", pid)
    assert 0 < result["proxy_cpu_s"] < 0.5
    assert result["proxy_us_per_unit"] == pytest.approx(result["proxy_cpu_s"] * 1e6 / result["msgs"], rel=0.01)
    assert nothing["proxy_cpu_s"] < 0.01


# ---- flood -----------------------------------------------------------------------------------------------------------

def test_flood_comes_and_goes_and_stays(backend):
    result = load(backend, "--mode", "flood", "--conns", 40, "--warm", 0, "--seconds", 0.4, "--drip-ms", 5)
    flood = result["flood"]
    assert flood["leave"]["done"] > 40 and flood["reset"]["done"] > 40
    assert flood["drip"]["held"] + flood["mute"]["held"] == 20  # half of the places, and no more
    assert all(kind["cut"] == kind["refused"] == kind["failed"] == 0 for kind in flood.values())


def test_flood_keeps_to_the_shares(backend):
    result = load(backend, "--mode", "flood", "--conns", 40, "--warm", 0, "--seconds", 0.3, "--leave", 3, "--reset", 1,
                  "--drip", 0, "--mute", 0)
    flood = result["flood"]
    assert flood["leave"]["opened"] == pytest.approx(3 * flood["reset"]["opened"], abs=40)
    assert flood["drip"]["opened"] == flood["mute"]["opened"] == 0


def test_flood_tells_what_was_cut_and_refused():
    with Liar(answer=b"") as liar:  # takes a whole head, then ends
        cut = load(liar.port, "--mode", "flood", "--conns", 4, "--warm", 0, "--seconds", 0.2, *ONLY_LEAVE)["flood"]
    assert cut["leave"]["cut"] > 0 and cut["leave"]["done"] == cut["leave"]["refused"] == 0
    with Liar(answer=b"HTTP/1.1 503 No\r\n\r\n") as liar:
        refused = load(liar.port, "--mode", "flood", "--conns", 4, "--warm", 0, "--seconds", 0.2, *ONLY_LEAVE)["flood"]
    assert refused["leave"]["refused"] > 0 and refused["leave"]["done"] == 0


def test_dripped_head_never_ends():
    heads = []

    class Reader(socketserver.BaseRequestHandler):
        def handle(self):
            heads.append(b"".join(iter(lambda: self.request.recv(4096), b"")))
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Reader) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        load(server.server_address[1], "--mode", "flood", "--conns", 2, "--warm", 0, "--seconds", 0.2, "--drip-ms", 0,
             "--leave", 0, "--reset", 0, "--mute", 0)
        server.shutdown()
    thread.join()
    assert len(heads) == 2
    for head in heads:
        assert head.startswith(b"GET /echo HTTP/1.1\r\n")
        assert head.endswith(b"xxxx") and b"\r\n\r\n" not in head


def test_sessions_beside_a_flood_are_measured_as_ever(relayed):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        flood = pool.submit(load, relayed, "--mode", "flood", "--warm", 0, "--seconds", 0.6)
        sessions = load(relayed, *BRIEF)
    assert clean(sessions)
    assert flood.result()["flood"]["leave"]["done"] > 0


# ---- the backend's HTTP, through the relay ---------------------------------------------------------------------------

@pytest.fixture(name="client")
def fixture_client(relayed):
    connection = http.client.HTTPConnection("127.0.0.1", relayed, timeout=20)
    with contextlib.closing(connection):
        yield connection


def ask(client, method, target, body=None, **headers):
    client.request(method, target, body, headers)
    answer = client.getresponse()
    return answer.status, answer.read()


def test_one_connection_carries_many_requests(client):
    for _ in range(3):
        assert ask(client, "GET", "/health") == (200, b"ok\n")
        status, body = ask(client, "GET", "/any")
        assert (status, len(body)) == (200, 1024)
        client.auto_open = False  # from here on a second connection would be an error


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("n", [0, 1, 65536, 5_000_000])
def test_body_is_swallowed_and_counted(client, method, n):
    for _ in range(2):
        assert ask(client, method, "/any", b"x" * n) == (200, b"%d\n" % n)


def test_body_that_ends_a_connection_is_counted_too(client):
    assert ask(client, "POST", "/any", b"x" * 1_000_000, Connection="close") == (200, b"1000000\n")


def test_chunked_body_is_refused(client):
    assert ask(client, "POST", "/any", iter([b"abc"]))[0] == 411


def test_download_is_the_pattern_over_and_over(client):
    period = 65521
    _, once = ask(client, "GET", f"/bytes?n={period}")
    assert len(set(once[i:i + 8] for i in range(0, period - 8, 8))) > 8000  # no part of it is like another
    for n in (0, 1, 3 * period + 5, 5_000_000):
        assert ask(client, "GET", f"/bytes?n={n}", Connection="close" if n == 5_000_000 else "keep-alive") == (
            200, (once * (n // period + 1))[:n])


@pytest.fixture(name="session")
def fixture_session(relayed):
    """Opens a WebSocket that the test itself plays."""
    with contextlib.ExitStack() as stack:
        def opened(target):
            s = stack.enter_context(socket.create_connection(("127.0.0.1", relayed), 20))
            s.sendall(f"GET {target} HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n".encode())
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += s.recv(1)
            return s
        yield opened


def masked(first, payload):
    return bytes([first, 0x80 | len(payload)]) + bytes(4) + payload  # by zeros: as it is


def to_end(s):
    return b"".join(iter(lambda: s.recv(65536), b""))


def test_sink_answers_pings_alone_and_closes_in_turn(session):
    s = session("/sink")
    s.sendall(masked(0x82, b"abc") + masked(0x89, b"?") + masked(0x88, b"\x03\xe8"))
    assert to_end(s) == b"\x8a\x01?" + b"\x88\x02\x03\xe8"


def test_source_waits_for_the_answer_to_its_close(session):
    s = session("/source?n=1&size=24")
    assert s.recv(30, socket.MSG_WAITALL)[26:] == b"\x88\x02\x03\xe8"
    s.settimeout(0.1)
    with pytest.raises(TimeoutError):
        s.recv(1)
    s.settimeout(20)
    s.sendall(masked(0x88, b"\x03\xe8"))
    assert to_end(s) == b""


def test_frame_that_is_not_masked_ends_the_session(session):
    s = session("/echo")
    s.sendall(b"\x82\x01x")
    assert to_end(s) == b""


def test_echo_reads_no_more_than_it_can_send(session):
    s, most, sent = session("/echo"), 64 << 20, 0
    s.setblocking(False)
    while sent < most and select.select([], [s], [], 0.3)[1]:
        sent += s.send(masked(0x82, b"x" * 100) * 1000)  # cut anywhere: nobody reads the answers
    assert sent < most
