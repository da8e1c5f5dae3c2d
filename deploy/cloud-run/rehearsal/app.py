"""The chat of the walk-through, as anyone would write it: a message begins a run of an agent, which thinks without a word and
then answers. A minute takes a second."""

import asyncio

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

MINUTE = 1
app = FastAPI()


@app.get("/health")
async def health():
    return {"status": "ok"}


@app.websocket("/chat")
async def chat(ws: WebSocket):
    await ws.accept()
    try:
        while True:
            question = await ws.receive_json()
            await asyncio.sleep(question["minutes"] * MINUTE)
            await ws.send_json({"type": "agent_completed", "thread_id": question["thread_id"]})
    except WebSocketDisconnect:
        pass
