"""What stands behind the proxy in its tests: a server that tells what it was sent, so that the proxy is seen alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.stage import free_port


@dataclass
class Half:
    """Answers each request with its name and the request's headers; breaks the line instead while `breaks`."""

    name: str
    port: int = field(default_factory=free_port)
    breaks: bool = False
    cache: str = "no-store"
    asked: list[str] = field(default_factory=list)
    """Method and address of each request."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until it ends."""
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode("latin-1"):
                line, *rest = head.rstrip("\r\n").split("\r\n")
                headers = {name.lower(): value for name, value in (each.split(": ", 1) for each in rest)}
                await reader.readexactly(int(headers.get("content-length", 0)))
                self.asked.append(line.removesuffix(" HTTP/1.1"))
                if self.breaks:
                    return
                body = json.dumps({"half": self.name, "headers": headers}).encode()
                told = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nCache-Control: {self.cache}\r\n\r\n"
                writer.write(told.encode() + (b"" if line.startswith("HEAD") else body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the proxy closes what it has no more use for
        finally:
            writer.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take connections."""
        server = await asyncio.start_server(self.serve, "127.0.0.1", self.port)
        try:
            yield
        finally:
            server.close()
            await server.wait_closed()
