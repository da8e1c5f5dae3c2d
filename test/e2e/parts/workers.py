"""gunicorn's worker classes: both of uvicorn's WebSocket implementations. They never ping, so that only wskeep's
heartbeats keep a session alive."""

from uvicorn.workers import UvicornWorker

COMMON = {"loop": "asyncio", "http": "h11", "ws_ping_interval": None, "ws_ping_timeout": None}


class Websockets(UvicornWorker):
    CONFIG_KWARGS = {**COMMON, "ws": "websockets"}


class Wsproto(UvicornWorker):
    CONFIG_KWARGS = {**COMMON, "ws": "wsproto"}


class Pinging(UvicornWorker):
    """As websockets is by default, on the tests' scale."""
    CONFIG_KWARGS = {**COMMON, "ws": "websockets", "ws_ping_interval": 0.15, "ws_ping_timeout": 1}
