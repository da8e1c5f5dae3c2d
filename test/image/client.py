"""Runs in a container beside wskeep's, in its network and among its processes.

    client.py look      what wskeep does and what it may, as JSON
    client.py stay      opens a WebSocket, says so, waits for its end, prints the code
"""

import asyncio
import json
import sys
import urllib.request

import websockets

URL = "ws://127.0.0.1:8080/ws/echo"
PATIENCE = 30  # s: as long as wskeep holds a handshake until the backend is ready
MESSAGES = ["hello", "ä" * 70_000, b"\0" * 300_000]  # one of each kind, and one that is passed on in fragments


async def echo():
    async with websockets.connect(URL, open_timeout=PATIENCE, max_size=None) as ws:
        for message in MESSAGES:
            await ws.send(message)
            if await ws.recv() != message:
                return False
    return True


async def stay():
    async with websockets.connect(URL, open_timeout=PATIENCE) as ws:
        print("open", flush=True)
        await ws.wait_closed()
        print(ws.close_code)


def get(address, path):
    with urllib.request.urlopen(f"http://{address}{path}") as answer:
        return answer.status, answer.read().decode()


def process(file):
    """wskeep is the first process of its container."""
    with open(f"/proc/1/{file}") as f:
        return f.read()


def look():
    status = dict(line.split(":\t", 1) for line in process("status").splitlines() if ":\t" in line)
    mounts = map(str.split, process("mountinfo").splitlines())
    return {
        "echo": asyncio.run(echo()),
        "http": get("127.0.0.1:8080", "/hello"),
        "ready": get("127.0.0.1:9901", "/readyz"),
        "metrics": get("127.0.0.1:9901", "/metrics"),
        "ids": status["Uid"].split() + status["Gid"].split() + status["Groups"].split(),
        "capabilities": {name: int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")},
        "no_new_privileges": status["NoNewPrivs"],
        "root": next(mount[5].split(",") for mount in mounts if mount[4] == "/"),
    }


if sys.argv[1] == "look":
    print(json.dumps(look()))
else:
    asyncio.run(stay())
