"""uvicorn's server, woken when it has to end, and not ten times a second to look whether it has."""

from __future__ import annotations

import asyncio
import gc
import socket
import time
from email.utils import formatdate

import uvicorn
from uvicorn.server import ServerState

COLLECT = (10_000, 20, 50)
"""New objects after which the youngest are looked through, and after how many times of that the older ones."""


class State(ServerState):
    """What the lines of a server share. The `Date` is told when somebody is answered, so nothing has to be woken."""

    def __init__(self, config: uvicorn.Config) -> None:
        """Of this server's configuration."""
        self._config = config
        self._told: tuple[int, list[tuple[bytes, bytes]]] = (0, [])
        super().__init__()

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        """The headers of every answer."""
        second = int(time.time())
        if second != self._told[0]:
            date = formatdate(second, usegmt=True).encode()
            self._told = (second, [(b"date", date), *self._config.encoded_headers])
        return self._told[1]

    @default_headers.setter
    def default_headers(self, headers: list[tuple[bytes, bytes]]) -> None:
        """They are always made anew."""


class Server(uvicorn.Server):
    """Serves one process. A process that has nothing to do is left alone by it."""

    def __init__(self, config: uvicorn.Config, *, alone: bool = False) -> None:
        """`alone`: the process is there for this server and for nothing else."""
        self._alone = alone
        self._ending = False
        self._told = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        super().__init__(config)
        self.server_state = State(config)

    @property
    def should_exit(self) -> bool:
        """Whether it has to end; uvicorn sets it from its signal handlers."""
        return self._ending

    @should_exit.setter
    def should_exit(self, ending: bool) -> None:
        self._ending = ending
        if ending and self._loop is not None:
            self._loop.call_soon_threadsafe(self._told.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve. What stands by now stays until the end, so the garbage collector need not walk over it.

        It would do so again and again while alerts wait, and while a crowd comes in.
        """
        await super().startup(sockets)
        if self._alone:
            gc.collect()
            gc.freeze()
            gc.set_threshold(*COLLECT)

    async def main_loop(self) -> None:
        """Until it has to end."""
        self._loop = asyncio.get_running_loop()
        if not self._ending:
            await self._told.wait()
