"""uvicorn's server, woken when it has to end and once a second for the date, and not ten times a second to look."""

from __future__ import annotations

import asyncio
import gc
import socket
from contextlib import suppress

import uvicorn

SECOND = 1.0
COLLECT = (10_000, 20, 50)
"""New objects after which the youngest are looked through, and after how many times of that the older ones."""
TICKS = 10
"""uvicorn's count for a second: it makes the `Date` header anew whenever its count is a multiple of this."""


class Server(uvicorn.Server):
    """Serves one process. A process that has nothing to do is left alone by it."""

    def __init__(self, config: uvicorn.Config, *, alone: bool = False) -> None:
        """`alone`: the process is there for this server and for nothing else."""
        self._alone = alone
        self._ending = False
        self._told = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        super().__init__(config)

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
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += TICKS
            with suppress(TimeoutError):
                async with asyncio.timeout(SECOND):
                    await self._told.wait()
