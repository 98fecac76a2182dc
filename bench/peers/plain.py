"""What the manuals show: one coroutine for each reader, and a loop that awaits each `send_text`."""

from __future__ import annotations

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

readers: set[WebSocket] = set()


async def live(socket: WebSocket) -> None:
    await socket.accept()
    readers.add(socket)
    try:
        while True:
            await socket.receive_text()
    except WebSocketDisconnect:
        readers.discard(socket)


async def post(request: Request) -> Response:
    text = (await request.body()).decode()
    for socket in list(readers):
        await socket.send_text(text)
    return Response(status_code=201)


app = Starlette(routes=[WebSocketRoute("/live", live), Route("/post", post, methods=["POST"])])

if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        log_level="error",
        access_log=False,
        backlog=4096,
        timeout_keep_alive=600,
    )
