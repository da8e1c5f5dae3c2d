"""SIGHUP: new settings where they may be new, the old ones where they are held, and no connection is touched."""

import json
import os
import re
import signal
import threading

import pytest

from parts.http import HttpPeer, ask, request
from parts.peer import Ended, Listener, refuses
from parts.process import wait_until
from parts.servers import DEFAULTS, Wskeep, merge
from parts.ws import TEXT, Pair, WsPeer, numbered, ws

pytestmark = pytest.mark.proxy

OK, FAILED = ('wskeep_reloads_total{result="%s"}' % result for result in ("ok", "failed"))


@pytest.fixture(autouse=True)
def log_as_people_read_it(monkeypatch):
    monkeypatch.setitem(DEFAULTS["log"], "format", "text")


def lines(p, event):
    return [line for line in p.lines() if re.search(rf'\b{event}\b', line)]


def rewrite(p, text):
    """As an editor does it: never half a file."""
    with open(p.file + ".new", "w") as f:
        f.write(text)
    os.rename(p.file + ".new", p.file)


def change(p, over):
    p.conf = merge(p.conf, over)
    rewrite(p, json.dumps(p.conf))


def reload(p, over=None, event="reloaded"):
    """Changes the file, tells it, and returns the line that it answers with."""
    if over is not None:
        change(p, over)
    before = len(lines(p, event))
    p.tell(signal.SIGHUP)
    return wait_until(event, lambda: lines(p, event)[before:])[-1]


def last_listener(p, name):
    return [event["address"] for event in p.events("listening") if event["listener"] == name][-1]


def echo(c, b, text=b"still there"):
    c.text(text)
    assert b.message() == (TEXT, text)
    b.text(text[::-1])
    assert c.message() == (TEXT, text[::-1])


# -- what changes, and for whom


def test_an_open_session_keeps_its_settings_and_a_new_one_has_the_new(proxy, ws_backend):
    p = proxy(ws_backend.address, {"heartbeat": {"interval": "1h"}})
    with Pair(p, ws_backend) as (c, b):
        assert "changed=heartbeat.interval" in reload(p, {"heartbeat": {"interval": "50ms"}})
        with Pair(p, ws_backend) as (c2, b2):
            c2.text("x")
            b2.message()
            assert b2.read_frame().opcode == 9 and c2.read_frame().opcode == 9
            echo(c, b)
            assert (c.pings, b.pings) == (0, 0)


def test_a_line_sums_up_as_often_as_is_set(proxy, ws_backend):
    p = proxy(ws_backend.address, {"timeouts": {"cleanup": "1h"}})
    with Pair(p, ws_backend) as (c, b):
        echo(c, b)
        assert not lines(p, "summary")
        reload(p, {"timeouts": {"cleanup": "50ms"}})
        wait_until("two lines", lambda: len(lines(p, "summary")) > 1)
        assert re.search(r"sessions=1 .*up_accepted=1 .*down_accepted=1 ", lines(p, "summary")[-1])


def test_another_backend_is_for_new_connections(proxy, backend, parts):
    other = parts(type(backend)())
    p = proxy(backend.address, {"backend": {"keepalive_timeout": "1m"}})
    with HttpPeer(p.address) as old:
        old.send(request("GET", "/"))
        b = backend.accept()
        b.request()
        b.answer(body=b"old")
        assert old.response().body == b"old"  # and its connection to the backend waits for the next
        assert "changed=backend.address" in reload(p, {"backend": {"address": other.address}})
        other.answer_probe()
        with HttpPeer(p.address) as new:
            new.send(request("GET", "/"))
            o = other.accept()
            o.request()
            o.answer(body=b"new")
            assert new.response().body == b"new"
        old.send(request("GET", "/"))
        b.request()
        b.answer(body=b"old again")
        assert old.response().body == b"old again"


def test_the_log_changes_at_once(proxy):
    p = proxy("127.0.0.1:1", {"log": {"level": "info"}})
    line = reload(p, {"log": {"level": "debug", "format": "json"}})
    assert json.loads(line)["changed"] == "log.format, log.level"
    reload(p, {"log": {"format": "text"}})
    change(p, {"log": {"level": "error"}})
    p.tell(signal.SIGHUP)
    wait_until("the third", lambda: p.metrics()[OK] == 3)
    assert len(lines(p, "reloaded")) == 2, "a line below the level"


def test_a_limit_that_is_raised_lets_in_who_waits(proxy, ws_backend):
    p = proxy(ws_backend.address, {"limits": {"connections": 1}})
    with Pair(p, ws_backend) as (c, b):
        with HttpPeer(p.address) as waiting:
            waiting.send(b"NONSENSE\r\n\r\n")
            wait_until("the limit", lambda: p.metrics()["wskeep_accept_pauses_total"])
            assert "changed=limits.connections" in reload(p, {"limits": {"connections": 2}})
            assert waiting.response().status == 400
        reload(p, {"limits": {"connections": 1}})
        echo(c, b)


def test_a_limit_that_descriptors_do_not_allow_is_lowered_again(proxy):
    p = proxy("127.0.0.1:1")
    reload(p, {"limits": {"connections": 1048576}})
    if not lines(p, "connections_clamped"):
        pytest.skip("descriptors allow it here")


def test_origins_hold_at_once_for_connections_that_are_open_too(proxy, ws_backend):
    p = proxy(ws_backend.address)
    with Pair(p, ws_backend, headers=[("Origin", "https://a.test")]) as (c, b), WsPeer(p.address) as kept:
        kept.send(request("GET", "/"))
        h = ws_backend.accept()
        h.request()
        h.answer()
        kept.response()
        assert "changed=origins" in reload(p, {"origins": ["https://b.test"]})
        assert kept.open(headers=[("Origin", "https://a.test")]).status == 403
        echo(c, b)


def test_workers_wait_for_a_restart_and_are_named_each_time(proxy):
    p = proxy("127.0.0.1:1")
    threads = len(os.listdir(f"/proc/{p.pid}/task"))
    for n in (1, 2):
        assert "changed=nothing" in reload(p, {"workers": 3})
        assert len(wait_until("a warning", lambda: lines(p, "restart_needed")[n - 1:] and lines(p, "restart_needed"))) == n
    assert "settings=workers" in lines(p, "restart_needed")[0] and " warn " in lines(p, "restart_needed")[0]
    assert len(os.listdir(f"/proc/{p.pid}/task")) == threads
    reload(p, {"workers": 1})
    assert len(lines(p, "restart_needed")) == 2


def test_the_drain_has_the_time_that_was_set_last(proxy, backend):
    p = proxy(backend.address, {"timeouts": {"drain": "1h"}})
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/for-ever"))
        backend.accept().request()
        reload(p, {"timeouts": {"drain": "50ms"}})
        p.tell(signal.SIGTERM)
        assert p.wait() == 0


# -- what goes wrong


@pytest.mark.parametrize("text, why", [
    ('{\n "heartbeat": {"interval": "25 parsecs"}\n}', ":2: heartbeat.interval: found"), ("", ":1: "), (None, "no such file")],
    ids=["a_bad_value", "an_empty_file", "no_file"])
def test_a_bad_file_leaves_all_as_it_was_and_says_so(proxy, ws_backend, text, why):
    p = proxy(ws_backend.address, {"heartbeat": {"interval": "1h"}})
    with Pair(p, ws_backend) as (c, b):
        if text is None:
            os.unlink(p.file)
        else:
            rewrite(p, text)
        line = reload(p, event="reload_failed")
        assert why in line.lower() and "the old settings" in line and p.file in line and " error " in line
        assert (p.metrics()[OK], p.metrics()[FAILED]) == (0, 1)
        assert not lines(p, "reloaded")
        echo(c, b)
    with Pair(p, ws_backend) as (c, b):
        echo(c, b)
    assert "changed=heartbeat.interval" in reload(p, {"heartbeat": {"interval": "30m"}})


def test_an_address_in_use_leaves_all_as_it_was_and_says_so(proxy, parts, ws_backend):
    taken = parts(Listener())
    p = proxy(ws_backend.address, {"workers": 2})
    descriptors = p.descriptors()
    with Pair(p, ws_backend) as (c, b):
        line = reload(p, {"listen": {"address": taken.address}, "log": {"format": "json"}}, event="reload_failed")
        assert taken.address in line and "in use" in line and "the old settings" in line
        echo(c, b)
    with Pair(p, ws_backend) as (c, b):
        echo(c, b)
    reload(p, {"listen": {"address": "127.0.0.1:0"}, "log": {"format": "text"}})
    assert "changed=nothing" in lines(p, "reloaded")[0]
    p.settled()
    wait_until("no descriptor left over", lambda: p.descriptors() <= descriptors)


def test_an_admin_address_in_use_stays_the_old_one_and_the_rest_is_new(proxy, parts):
    taken = parts(Listener())
    p = proxy("127.0.0.1:1")
    line = reload(p, {"admin": {"address": taken.address}, "timeouts": {"close": "3s"}})
    assert "changed=timeouts.close" in line
    assert any(taken.address in line and "in use" in line for line in lines(p, "cannot_listen"))
    assert p.get("/healthz")[0] == 200
    taken.close()
    assert "changed=admin.address" in reload(p)
    p.admin = last_listener(p, "admin")
    assert p.admin == taken.address and p.get("/healthz")[0] == 200


# -- addresses that move


def test_the_admin_moves_and_whoever_has_a_connection_is_answered_once_more(proxy):
    p = proxy("127.0.0.1:1", {"admin": {"address": "127.0.0.1:0"}})
    old = p.admin
    with HttpPeer(old) as c:
        assert c.ask("GET", "/healthz").get("connection") == "keep-alive"
        reload(p, {"admin": {"address": "localhost:0"}})
        p.admin = last_listener(p, "admin")
        assert p.admin != old and p.get("/healthz")[0] == 200
        assert c.ask("GET", "/healthz").get("connection") == "close"
        assert c.end() == "EOF"
    assert refuses(old)


def test_the_admin_is_turned_off_and_on(proxy, tmp_path):
    p = proxy("127.0.0.1:1", {"admin": {"address": f"unix:{tmp_path}/admin"}})
    assert ask(p.admin, "GET", "/healthz").status == 200
    reload(p, {"admin": {"address": ""}})
    assert not os.path.exists(tmp_path / "admin")
    reload(p, {"admin": {"address": "127.0.0.1:0"}})
    p.admin = last_listener(p, "admin")
    assert p.get("/healthz")[0] == 200


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("way", ["tcp", "tcp to unix", "unix to tcp", "unix"])
def test_who_waits_in_the_old_queue_is_served_and_the_new_address_is_open_first(proxy, ws_backend, tmp_path, way, workers):
    address = {"tcp": ("127.0.0.1:0", "localhost:0"), "tcp to unix": ("127.0.0.1:0", f"unix:{tmp_path}/b"),
               "unix to tcp": (f"unix:{tmp_path}/a", "127.0.0.1:0"), "unix": (f"unix:{tmp_path}/a", f"unix:{tmp_path}/b")}[way]
    p = proxy(ws_backend.address, {"listen": {"address": address[0]}, "workers": workers})
    with Pair(p, ws_backend) as (c, b):
        change(p, {"listen": {"address": address[1]}})
        p.tell(signal.SIGSTOP)
        waiting = [HttpPeer(p.address) for _ in range(20)]  # the kernel's: nobody has accepted them
        for w in waiting:
            w.send(b"NONSENSE\r\n\r\n")
        p.tell(signal.SIGHUP)
        p.tell(signal.SIGCONT)
        for w in waiting:
            assert w.response().status == 400
            w.close()
        wait_until("the old address to be closed", lambda: refuses(p.address))
        assert not os.path.exists(tmp_path / "a")
        if "unix:" in address[1]:
            assert not refuses(address[1])
        p.address = wait_until("the new address", lambda: len(lines(p, "listening")) > 2 and last_listener(p, "traffic"))
        with Pair(p, ws_backend) as (c2, b2):
            echo(c2, b2)
        echo(c, b)
    assert "changed=listen.address" in wait_until("its line", lambda: lines(p, "reloaded"))[0]


def test_a_unix_path_that_was_moved_to_is_taken_away_at_the_end(parts, tmp_path):
    p = parts(Wskeep("127.0.0.1:1"))
    reload(p, {"listen": {"address": f"unix:{tmp_path}/s"}})
    assert os.path.exists(tmp_path / "s")
    p.finish()
    assert not os.path.exists(tmp_path / "s")


# -- when it comes


def test_one_while_the_conf_is_read_for_the_first_time_is_heard_behind_that(parts, tmp_path):
    path, conf = tmp_path / "fifo", {"backend": {"address": "127.0.0.1:1"}, "listen": {"address": "127.0.0.1:0"},
                                     "admin": {"address": ""}}
    os.mkfifo(path)

    class Slow(Wskeep):
        def listener(self, name):
            if not hasattr(self, "told"):
                with open(path, "w") as f:  # it reads, and waits for us
                    self.told = True
                    self.tell(signal.SIGHUP)
                    wait_until("the signal to wait", lambda: pending(self.pid, signal.SIGHUP))
                    f.write(json.dumps(conf))
                    os.unlink(path)
                    path.write_text(json.dumps({**conf, "timeouts": {"close": "7s"}}))
            return super().listener(name)
    p = parts(Slow("127.0.0.1:1", {"admin": {"address": ""}}, argv=["-c", str(path)]))
    wait_until("the reload", lambda: lines(p, "reloaded"))
    assert "changed=timeouts.close" in lines(p, "reloaded")[0]


def test_those_that_come_during_a_reload_are_one_more(proxy):
    p = proxy("127.0.0.1:1")
    text = json.dumps(p.conf)
    os.unlink(p.file)
    os.mkfifo(p.file)
    p.tell(signal.SIGHUP)
    with open(p.file, "w") as f:  # it reads, and waits for us
        rewrite(p, text)
        for _ in range(10):
            p.tell(signal.SIGHUP)
            wait_until("the signal to be taken", lambda: not pending(p.pid, signal.SIGHUP))
        f.write(text)
    wait_until("both", lambda: len(lines(p, "reloaded")) == 2)
    reload(p)
    assert p.metrics()[OK] == 3


def pending(pid, number):
    with open(f"/proc/{pid}/status") as f:
        masks = re.findall(r"^(?:SigPnd|ShdPnd):\s*(\w+)", f.read(), re.M)
    return any(int(mask, 16) >> (number - 1) & 1 for mask in masks)


def test_one_in_a_drain_is_nothing(proxy, backend):
    p = proxy(backend.address)
    with HttpPeer(p.address) as c:
        c.send(request("GET", "/slow"))
        b = backend.accept()
        b.request()
        p.tell(signal.SIGTERM)
        wait_until("the drain", lambda: refuses(p.address))
        change(p, {"log": {"format": "json"}})
        p.tell(signal.SIGHUP)
        wait_until("the word", lambda: [line for line in lines(p, "signal") if "nothing" in line])
        assert p.metrics()[OK] == p.metrics()[FAILED] == 0
        b.answer(body=b"all the same")
        assert c.response().body == b"all the same"
    assert p.wait() == 0
    assert not lines(p, "reloaded")


def test_a_storm_of_signals_is_a_few_reloads_and_the_last_file_counts(proxy, ws_backend):
    p = proxy(ws_backend.address, {"workers": 2})
    descriptors = p.descriptors()
    with Pair(p, ws_backend) as (c, b):
        for i in range(500):
            if i % 50 == 0:
                change(p, {"timeouts": {"close": f"{1000 + i}ms"}})
            p.tell(signal.SIGHUP)
        assert "changed=timeouts.idle" in reload(p, {"timeouts": {"idle": "1h"}}) or wait_until(
            "the last", lambda: [line for line in lines(p, "reloaded") if "timeouts.idle" in line])
        assert 1 <= p.metrics()[OK] <= 501
        echo(c, b)
    p.settled()
    wait_until("no descriptor left over", lambda: p.descriptors() <= descriptors)


class Load:
    """Long sessions, short ones, and requests, until told to stop; what went wrong is in `wrong`."""

    def __init__(self, address):
        self.address, self.over, self.wrong, self.messages, self.short = address, threading.Event(), [], [], []
        self.threads = [threading.Thread(target=self.run, args=[do, i]) for i, do in
                        enumerate([self.long] * 6 + [self.brief] * 2 + [self.fetch] * 2)]
        for t in self.threads:
            t.start()

    def run(self, do, who):
        try:
            do(who)
        except (Ended, OSError, AssertionError) as e:
            self.wrong.append(f"{do.__name__} {who}: {e!r}"[:300])

    def talk(self, c, who, n):
        sent = b"%d %d " % (who, n) + numbered(n * 37 % 5000)
        c.text(sent)
        assert c.message() == (TEXT, sent)
        self.messages.append(who)

    def long(self, who):
        n = 0
        with ws(self.address, "/ws/echo") as c:
            while not self.over.is_set():
                self.talk(c, who, n)
                n += 1
            assert c.goodbye().code == 1000

    def brief(self, who):
        while not self.over.is_set():
            with ws(self.address, "/ws/echo") as c:
                self.talk(c, who, 1)
                assert c.goodbye().code == 1000
            self.short.append(who)

    def fetch(self, who):
        while not self.over.is_set():
            with HttpPeer(self.address) as c:
                for _ in range(5):
                    assert c.ask("GET", "/hello").body == b"hello\n"

    def stop(self):
        self.over.set()
        for t in self.threads:
            t.join()


VARIED = [{"heartbeat": {"interval": "1s"}, "limits": {"connections": 1000}}, {"backend": {"keepalive_timeout": "2s"}},
          {"admin": {"address": "localhost:0"}}, {"heartbeat": {"interval": "2s"}, "limits": {"connections": 2000}},
          {"backend": {"keepalive_timeout": "1s"}}, {"admin": {"address": "127.0.0.1:0"}}]


def all_counted(p, load):
    """Nothing is lost, and the counters say the same as the clients."""
    m = p.settled()
    for direction in ("up", "down"):
        got = {o: m[f'wskeep_messages_total{{direction="{direction}",outcome="{o}"}}'] for o in ("accepted", "lost")}
        assert got == {"accepted": len(load.messages), "lost": 0}
    assert set(p.ends("client")) <= {"client_close", "done"}
    return m


@pytest.mark.threads
@pytest.mark.parametrize("workers", [1, 2])
def test_reload_upon_reload_under_load_drops_and_loses_nothing(proxy, apps, workers):
    p = proxy(apps("Websockets").address, {"workers": workers, "log": {"level": "info"}})
    descriptors = p.descriptors()
    load = Load(p.address)
    try:
        for i in range(40):
            if i % 10 == 9:
                rewrite(p, "{")
                reload(p, event="reload_failed")
            had = len(load.messages)
            reload(p, VARIED[i % len(VARIED)])
            p.admin = last_listener(p, "admin")
            wait_until("the load to go on", lambda: len(load.messages) > had or load.wrong)
    finally:
        load.stop()
    assert not load.wrong and load.short
    m = all_counted(p, load)
    assert (m[OK], m[FAILED]) == (40, 4)
    wait_until("no descriptor left over", lambda: p.descriptors() <= descriptors)
