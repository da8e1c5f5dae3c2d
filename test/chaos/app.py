"""The application of the chaos tests: it writes down what it *took*, before it answers, in a file of its worker's own that
outlives a SIGKILL. A line: when (the monotonic clock, which is the same for all), what, client, number."""

import asyncio
import os
import time

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from fastapi.responses import PlainTextResponse

WORK = 0.03  # s that a message takes, so that some stand behind it in the server's queue
TOKENS = 10  # of a chat's answer

app = FastAPI()
log = os.open(os.path.join(os.environ["CHAOS_LOG"], str(os.getpid())), os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def note(what, client, number=0):
    os.write(log, f"{time.monotonic():.6f} {what} {client} {number}\n".encode())


@app.get("/")
async def root():
    return PlainTextResponse("here\n")


@app.websocket("/ws/echo")
async def echo(ws: WebSocket, client: str):
    """Each numbered message is answered by its number."""
    await ws.accept()
    note("opened", client)
    try:
        while True:
            number = await ws.receive_text()
            note("took", client, number)
            await asyncio.sleep(WORK)
            await ws.send_text(number)
    except WebSocketDisconnect:
        pass


@app.websocket("/ws/agent")
async def agent(ws: WebSocket, client: str):
    """A chat: the answer to a message comes word by word, and ends by a message that says so."""
    await ws.accept()
    note("opened", client)
    try:
        while True:
            message = await ws.receive_json()
            thread, number = message["thread_id"], message["number"]
            note("took", client, number)
            for i in range(TOKENS):
                await asyncio.sleep(WORK)
                await ws.send_json({"type": "token", "thread_id": thread, "number": number, "token": i})
            await ws.send_json({"type": "agent_completed", "thread_id": thread, "number": number})
    except WebSocketDisconnect:
        pass
