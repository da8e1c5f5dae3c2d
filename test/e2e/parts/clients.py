"""Clients that are not ours: Node's `ws`, Python's `websockets` in a thread of its own."""

import asyncio
import json
import os
import queue
import re
import subprocess
import threading

import websockets

from .process import PATIENCE, Process

HERE = os.path.dirname(os.path.abspath(__file__))
NODE = {"NODE_PATH": "/usr/share/nodejs"}


class NodeClient(Process):
    is_client = True

    def __init__(self, name="node-client", script=(os.path.join(HERE, "node_client.js"),), env=NODE):
        super().__init__(name, ["node", *script], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.events = queue.Queue()
        self.reader = threading.Thread(target=self.listen, daemon=True)
        self.reader.start()

    def listen(self):
        for line in self.process.stdout:
            self.events.put(json.loads(line))

    def command(self, **what):
        self.process.stdin.write((json.dumps(what) + "\n").encode())
        self.process.stdin.flush()

    def event(self, kind, patience=PATIENCE):
        """The next event, which must be of that kind; pings are passed over."""
        while "ping" in (e := self.events.get(timeout=patience)):
            pass
        assert kind in e, e
        return e

    def open(self, url, protocols=(), **options):
        self.command(open=url, protocols=list(protocols), options=options)
        return self.event("open")

    def finish(self):
        self.process.stdin.close()
        try:
            assert self.wait() == 0
        finally:
            self.reader.join(PATIENCE)


class NodeServer(Process):
    def __init__(self, deflate):
        super().__init__("node-server", ["node", os.path.join(HERE, "node_server.js"), json.dumps(deflate)], env=NODE)
        self.address = self.wait_line(lambda line: (m := re.match(r"listening (\S+)", line)) and m[1])


class PythonClient:
    """One session of Python's `websockets`, which stays idle until it is asked to talk."""

    def __init__(self, url, **options):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        try:
            self.session = self.run(self.connect(url, options))
        except BaseException:
            self.close()
            raise

    @staticmethod
    async def connect(url, options):
        return await websockets.connect(url, open_timeout=PATIENCE, ping_interval=None, **options)

    def run(self, coroutine, patience=PATIENCE):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(patience)

    def send(self, data):
        self.run(self.session.send(data))

    def receive(self):
        return self.run(self.session.recv())

    def echo(self, data):
        """Sends and receives at once, so that no size can block."""
        async def both():
            return (await asyncio.gather(self.session.send(data), self.session.recv()))[1]
        return self.run(both(), 3 * PATIENCE)

    def end(self):
        """Closes politely; the code that ended the session."""
        self.run(self.session.close())
        return self.session.close_code

    def close(self):
        if hasattr(self, "session"):
            self.end()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
