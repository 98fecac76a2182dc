"""A line that can be made bad: a TCP proxy that delays, cuts, swallows answers, goes silent, or drips."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

CHUNK = 65_536


class Proxy:
    """Between a client and one server, which can be changed while it runs."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.port = 0
        self.delay = 0.0
        """Seconds by which every piece is late, in each direction."""
        self.rate = 0
        """Bytes per second in each direction; 0: as fast as they come."""
        self.silent = False
        """Nothing passes and nothing is closed, as when a cable is pulled. What was sent meanwhile is lost."""
        self.deaf = False
        """What the server answers is lost; what it is asked arrives."""
        self.refusing = False
        """New lines are closed at once."""
        self.swallowed = asyncio.Event()
        """Set when an answer was lost."""
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where Redis seems to be."""
        return f"redis://127.0.0.1:{self.port}"

    @property
    def lines(self) -> int:
        """How many lines are open."""
        return len(self._pairs)

    def cut(self) -> None:
        """Reset every line that is open."""
        for pair in list(self._pairs):
            for writer in pair:
                writer.transport.abort()

    def heal(self) -> None:
        """Whatever it was, it is over. Lines that lost something are reset, as they would be in the end."""
        broken = self.silent or self.deaf
        self.delay, self.rate = 0.0, 0
        self.silent = self.deaf = self.refusing = False
        self.swallowed.clear()
        if broken:
            self.cut()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One line."""
        if self.refusing:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.target)
        except OSError:
            writer.transport.abort()
            return
        pair = (writer, far_writer)
        self._pairs.add(pair)
        try:
            there = asyncio.create_task(self._pump(reader, far_writer, answers=False))
            back = asyncio.create_task(self._pump(far_reader, writer, answers=True))
            self._tasks |= {there, back}
            await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
            there.cancel()
            back.cancel()
            await asyncio.gather(there, back, return_exceptions=True)
            self._tasks -= {there, back}
        finally:
            self._pairs.discard(pair)
            for end in pair:
                end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(256 if self.rate else CHUNK):
                if self.delay:
                    await asyncio.sleep(self.delay)
                if self.rate:
                    await asyncio.sleep(len(data) / self.rate)
                if self.silent or (answers and self.deaf):
                    self.swallowed.set()
                    continue
                writer.write(data)
                await writer.drain()


@asynccontextmanager
async def proxied(url: str) -> AsyncIterator[Proxy]:
    """A proxy before the server at this address, on a free port."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    proxy = Proxy(parts.hostname, parts.port)
    server = await asyncio.start_server(proxy.take, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        proxy.refusing = True
        server.close()
        proxy.cut()
        for task in list(proxy._tasks):
            task.cancel()
        await asyncio.gather(*proxy._tasks, return_exceptions=True)
