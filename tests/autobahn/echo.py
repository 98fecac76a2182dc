"""A server that says back what it is told, on the very connection class that readers have.

All that is not in production is here: what `heard` does with a message, and a door that lets everybody into a hub to
which nobody posts. The rest (listening, HTTP, the handover, the handshake, the parser, the writes) is production's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from ticker import channel
from ticker.connection import Connection, Scope
from ticker.errors import TickerError
from ticker.group import EVERYTHING, Group
from ticker.http import Http
from ticker.hub import Hub
from ticker.inbound import Message
from ticker.lane import Way
from ticker.serve import UVICORN, listen
from ticker.settings import Settings
from ticker.websocket import WebSocketConnection
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame

from tests.waiting import until

_DEFLATE = PerMessageDeflate(True, True, 15, 15)

RAISED = 1 << 26
"""Bytes of a message, where the cap is raised: four times the greatest of Autobahn's."""


class Echo(WebSocketConnection):
    """Within the bounds that readers have."""

    __slots__ = ()

    def heard(self, message: Message) -> None:
        """Say it back: compressed on a line where that was agreed on."""
        extensions = [_DEFLATE] if self.way is Way.DEFLATED else []
        frame = Frame(message.opcode, message.data).serialize(mask=False, extensions=extensions)
        if self.stuck_since:
            self.rest(frame)  # behind what the transport still holds
        else:
            self.write(frame)


class RaisedEcho(Echo):
    """With the bounds raised, for cases whose messages are greater, or more, than any reader's."""

    __slots__ = ()

    inbound = RAISED
    most_frames, most_bytes = 1 << 40, 1 << 40


class EchoDoor:
    """Lets everybody in."""

    def __init__(self) -> None:
        self.hub = Hub(channel.load(None)["en"], lambda: 0)
        self.refusals: list[TickerError] = []

    def admit(self, reader: Connection, scope: Scope) -> Coroutine[Any, Any, None] | None:
        """Nothing has to be asked."""
        return None

    def open(self, reader: Connection, scope: Scope) -> tuple[Hub, Group, bytes]:
        """Seated like every reader, but told nothing: what Autobahn did not send it does not expect."""
        return self.hub, self.hub.join(reader, EVERYTHING, None).group, b""

    def refused(self, reader: Connection, scope: Scope, error: TickerError) -> None:
        """Nobody is."""
        self.refusals.append(error)

    def heard(self, reader: Connection, message: bytes) -> None:
        """The connection has said it back already."""

    def left(self, reader: Connection) -> None:
        """No place was found for it."""


@asynccontextmanager
async def echoing(echo: type[Echo] = Echo) -> AsyncIterator[tuple[str, EchoDoor]]:
    """Serve on a free port of the loopback. Yields HOST:PORT, and the door."""
    door = EchoDoor()

    class EchoHttp(Http):
        reader = echo

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
        yield {"door": door, "deflate": Settings().deflate}

    listener = listen(Settings(port=0))
    app = Starlette(lifespan=lifespan)
    server = uvicorn.Server(uvicorn.Config(app, **UVICORN | {"http": EchoHttp}))
    # Handlers of signals belong to whoever runs us.
    task = asyncio.create_task(server._serve(sockets=[listener]))
    try:
        await until(lambda: server.started or task.done(), "the echo to start")
        assert server.started
        yield f"127.0.0.1:{listener.getsockname()[1]}", door
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, 20)
