"""The application behind wskeep: FastAPI, as anyone would write it. It knows nothing of proxies or of the tests' timing:
where a test must say "now", the application waits at a gate that the test opens with a request."""

import asyncio
import hashlib
import os
from collections import defaultdict

from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

app = FastAPI()
gates = defaultdict(asyncio.Semaphore)  # opened as often as its POST came
ended = {}  # name of a session -> future of the close code that the application saw
tallies = {}  # name of a session -> what the application took and gave, and the close code that it saw
rooms = defaultdict(lambda: ([], []))  # name -> the WebSockets in it, what was heard there


def gate(name):
    if name not in gates:
        gates[name] = asyncio.Semaphore(0)
    return gates[name]


def ending(name):
    return ended.setdefault(name, asyncio.get_running_loop().create_future())


def end(name, code):
    if name and not ending(name).done():
        ending(name).set_result(code)


def numbered(n):
    for start in range(0, n, 65536):
        yield b"".join(b"%07x " % (start // 8 + i) for i in range(8192))[: n - start]


@app.get("/hello")
async def hello():
    return PlainTextResponse("hello\n")


@app.api_route("/echo", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def echo(request: Request):
    return Response(await request.body(), media_type="application/octet-stream", headers={"x-method": request.method})


async def stream(scope, receive, send):
    """The body comes back while it is still being sent. Plain ASGI, since Starlette's StreamingResponse reads the
    request itself, to hear of a disconnect."""
    await send({"type": "http.response.start", "status": 200,
                "headers": [(b"content-type", b"application/octet-stream")]})
    more = True
    while more:
        message = await receive()
        more = message.get("more_body", False)
        await send({"type": "http.response.body", "body": message.get("body", b""), "more_body": more})


app.mount("/stream", stream)


@app.post("/digest")
async def digest(request: Request):
    sha, n = hashlib.sha256(), 0
    async for part in request.stream():
        sha.update(part)
        n += len(part)
    return {"bytes": n, "sha256": sha.hexdigest()}


@app.post("/hold/{name}")
async def hold(request: Request, name: str):
    """Reads the body only once the gate is open."""
    await gate(name).acquire()
    return await digest(request)


@app.post("/early")
async def early():
    """Answers without having read the body."""
    return PlainTextResponse("too much\n", status_code=413)


@app.get("/sse/{name}")
async def sse(name: str, n: int = 3):
    async def events():
        for i in range(n):
            yield f"id: {i}\ndata: event {i}\n\n"
            await gate(name).acquire()
    return StreamingResponse(events(), media_type="text/event-stream")


@app.get("/slow/{name}")
async def slow(name: str):
    await gate(name).acquire()
    return PlainTextResponse("at last\n")


@app.post("/gate/{name}")
async def open_gate(name: str):
    gate(name).release()
    return Response(status_code=204)


@app.get("/headers")
async def headers(request: Request):
    return JSONResponse([[k.decode("latin-1"), v.decode("latin-1")] for k, v in request.headers.raw]
                        + [["(client)", request.client.host if request.client else ""],
                           ["(scheme)", request.url.scheme], ["(target)", str(request.url.path) + "?" + request.url.query]])


@app.api_route("/status/{code}", methods=["GET", "HEAD", "POST"])
async def status(code: int):
    return Response(status_code=code) if code in (204, 304) else PlainTextResponse(f"{code}\n", status_code=code)


@app.api_route("/bytes", methods=["GET", "HEAD"])
async def many(n: int, length: bool = False):
    return StreamingResponse(numbered(n), media_type="application/octet-stream",
                             headers={"content-length": str(n)} if length else None)


@app.get("/ended/{name}")
async def how_it_ended(name: str):
    return {"code": await ending(name)}


@app.websocket("/ws/echo")
async def ws_echo(ws: WebSocket, name: str = ""):
    await ws.accept()
    try:
        while True:
            message = await ws.receive()
            if message["type"] == "websocket.disconnect":
                break
            if message.get("text") is not None:
                await ws.send_text(message["text"])
            else:
                await ws.send_bytes(message["bytes"])
        end(name, message.get("code"))
    except Exception:
        end(name, 1006)
        raise


@app.websocket("/ws/count")
async def ws_count(ws: WebSocket, name: str = ""):
    """Tells of each message what came, instead of sending it back."""
    await ws.accept()
    n = 0
    try:
        while True:
            message = await ws.receive()
            if message["type"] == "websocket.disconnect":
                return end(name, message.get("code"))
            n += 1
            text = message.get("text")
            data = text.encode() if text is not None else message["bytes"]
            await ws.send_json({"n": n, "type": "text" if text is not None else "binary", "bytes": len(data),
                                "sha256": hashlib.sha256(data).hexdigest()})
    except Exception:
        end(name, 1006)
        raise


@app.websocket("/ws/push")
async def ws_push(ws: WebSocket, n: int, size: int, name: str = ""):
    """n messages of that size, then waits for the client's Close."""
    await ws.accept()
    body = b"".join(numbered(size))
    try:
        for i in range(n):
            await ws.send_bytes(body)
        while (message := await ws.receive())["type"] != "websocket.disconnect":
            pass
        end(name, message.get("code"))
    except Exception:
        end(name, 1006)
        raise


@app.websocket("/ws/tally")
async def ws_tally(ws: WebSocket, name: str):
    """An echo that counts what it took, and what it could give."""
    await ws.accept()
    tally = tallies[name] = {"took": 0, "gave": 0, "code": None}
    while (message := await ws.receive())["type"] != "websocket.disconnect":
        tally["took"] += 1
        try:
            await ws.send_text(message["text"])
            tally["gave"] += 1
        except Exception:
            pass  # the other side has closed: what it said before that is still to be taken
    tally["code"] = message["code"]


@app.get("/tallies")
async def all_tallies():
    return tallies


@app.websocket("/ws/room/{name}")
async def ws_room(ws: WebSocket, name: str):
    """Listens, and says only what a POST gives it to say."""
    await ws.accept()
    present, heard = rooms[name]
    present.append(ws)
    try:
        while True:
            heard.append(await ws.receive_text())
    except WebSocketDisconnect:
        present.remove(ws)


@app.websocket("/ws/agent")
async def ws_agent(ws: WebSocket):
    """A run for each message, one after the other: tokens, each with the worker that says it, then, once the gate of its
    thread is open, that it is completed."""
    await ws.accept()
    try:
        while True:
            thread = (await ws.receive_json())["thread_id"]
            for i in range(3):
                await ws.send_json({"type": "token", "thread_id": thread, "n": i, "pid": os.getpid()})
            await gate(thread).acquire()
            await ws.send_json({"type": "agent_completed", "thread_id": thread})
    except WebSocketDisconnect:
        pass


@app.post("/room/{name}")
async def say_in_room(request: Request, name: str):
    words = (await request.body()).decode()
    for ws in rooms[name][0]:
        await ws.send_text(words)
    return Response(status_code=204)


@app.get("/room/{name}")
async def heard_in_room(name: str):
    return rooms[name][1]


@app.websocket("/ws/busy")
async def ws_busy(ws: WebSocket, name: str):
    """Takes a message, works on it until the gate is open, answers, takes the next."""
    await ws.accept()
    while (message := await ws.receive())["type"] != "websocket.disconnect":
        await gate(name).acquire()
        await ws.send_text("done: " + message["text"])


@app.websocket("/ws/deaf/{name}")
async def ws_deaf(ws: WebSocket, name: str):
    """Takes no message before the gate is open."""
    await ws.accept()
    await gate(name).acquire()
    await ws_until_closed(ws)


@app.websocket("/ws/close")
async def ws_close(ws: WebSocket, code: int = 1000, reason: str = ""):
    await ws.accept()
    await ws.send_text("before the end")
    await ws.close(code, reason)


@app.websocket("/ws/refuse")
async def ws_refuse(ws: WebSocket):
    await ws.close()


@app.websocket("/ws/subprotocol")
async def ws_subprotocol(ws: WebSocket, choose: str = ""):
    offered = ws.scope["subprotocols"]
    await ws.accept(subprotocol=choose or None)
    await ws.send_json({"offered": offered})
    await ws_until_closed(ws)


@app.websocket("/ws/headers")
async def ws_headers(ws: WebSocket):
    await ws.accept(headers=[(b"x-from-the-app", b"yes")])
    await ws.send_json([[k.decode("latin-1"), v.decode("latin-1")] for k, v in ws.scope["headers"]])
    await ws_until_closed(ws)


@app.websocket("/ws/crash")
async def ws_crash(ws: WebSocket):
    await ws.accept()
    await ws.receive_text()
    raise RuntimeError("the application's own fault, on purpose")


async def ws_until_closed(ws):
    try:
        while True:
            await ws.receive_text()
    except WebSocketDisconnect:
        pass
