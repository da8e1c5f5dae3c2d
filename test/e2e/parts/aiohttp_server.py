"""An application of aiohttp's that is busy: what /ws/busy, /ws/deaf/{name} and /gate/{name} do is as in app.py."""

import asyncio
from collections import defaultdict

from aiohttp import WSMsgType, web

gates = defaultdict(lambda: asyncio.Semaphore(0))


async def busy(request):
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    async for message in ws:
        if message.type == WSMsgType.TEXT:
            await gates[request.query["name"]].acquire()
            await ws.send_str("done: " + message.data)
    return ws


async def deaf(request):
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    await gates[request.match_info["name"]].acquire()
    async for _ in ws:
        pass
    return ws


async def open_gate(request):
    gates[request.match_info["name"]].release()
    return web.Response(status=204)


async def serve():
    app = web.Application()
    app.add_routes([web.get("/ws/busy", busy), web.get("/ws/deaf/{name}", deaf), web.post("/gate/{name}", open_gate)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print("listening 127.0.0.1:%d" % runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


asyncio.run(serve())
