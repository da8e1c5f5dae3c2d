"""Two-way bulk never stands still, whatever the buffers (an echo whose both directions are full)."""

import threading

import pytest

from parts.servers import Direct, Wskeep
from parts.ws import BINARY, Pair, frame, numbered, ws

KIB = 1 << 10
LOADS = [(4 * KIB, 4096), (64 * KIB, 256), (600 * KIB, 4), (1024 * KIB, 8)]
BUFFERS = ["256KiB", "1MiB"]


@pytest.fixture(scope="module", params=BUFFERS)
def narrow(request, keep, apps, direct):
    started = {}

    def get(worker):
        if worker not in started:
            address = apps(worker).address
            started[worker] = keep(Direct(address) if direct else
                                   Wskeep(address, {"buffer": {"session": request.param}}))
        return started[worker]
    return get


@pytest.mark.parametrize("size, count", LOADS, ids=["4KiBx4096", "64KiBx256", "600KiBx4", "1MiBx8"])
def test_an_echo_with_everything_in_flight_comes_to_its_end(narrow, worker, size, count):
    body = numbered(size)
    raw = frame(BINARY, body)
    with ws(narrow(worker).address, "/ws/echo", patience=15) as c:
        sender = threading.Thread(target=lambda: [c.send(raw) for _ in range(count)])
        sender.start()
        for i in range(count):
            assert c.message() == (BINARY, body), f"message {i}"
        sender.join()
        c.goodbye()


@pytest.mark.proxy
@pytest.mark.parametrize("size, count", LOADS, ids=["4KiBx4096", "64KiBx256", "600KiBx4", "1MiBx8"])
def test_both_ends_that_only_write_are_slowed_down_and_then_come_to_their_end(proxy, ws_backend, size, count):
    """No echo: each end sends all it has without reading, until neither can; then both read."""
    p = proxy(ws_backend.address, {"buffer": {"session": "256KiB"}})
    raw_up, raw_down = frame(BINARY, numbered(size)), frame(BINARY, numbered(size), masked=False)
    with Pair(p, ws_backend) as (c, b):
        senders = [threading.Thread(target=lambda peer=peer, raw=raw: [peer.send(raw) for _ in range(count)])
                   for peer, raw in ((c, raw_up), (b, raw_down))]
        for s in senders:
            s.start()
        for s in senders:
            s.join(0.2)  # by now both are stuck, or through: either is good
        failures = []
        readers = [threading.Thread(target=read, args=[peer, size, count, failures]) for peer in (c, b)]
        for r in readers:
            r.start()
        for t in senders + readers:
            t.join()
        assert not failures


def read(peer, size, count, failures):
    try:
        peer.answers_pings = False  # the other thread writes
        for _ in range(count):
            if peer.message() != (BINARY, numbered(size)):
                raise AssertionError("damaged")
    except Exception as e:
        failures.append(e)


@pytest.mark.proxy
def test_a_client_that_does_not_read_costs_no_more_than_the_buffers(proxy, ws_backend):
    p = proxy(ws_backend.address, {"buffer": {"session": "256KiB"}})
    with Pair(p, ws_backend, receive_buffer=65536) as (c, b):
        before = p.rss()
        raw = frame(BINARY, numbered(4096), masked=False)
        sent = b.send_all_that_fits(raw * 16384)
        assert sent < 32 << 20, "the backend was never slowed down"
        assert p.rss() - before < 4 << 20
        for _ in range(sent // len(raw)):
            assert c.message() == (BINARY, numbered(4096))
