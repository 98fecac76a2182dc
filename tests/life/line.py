"""HTTP with as little around it as a test can do with that asks fifteen things after each step."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]
IDLE = 3.0
"""Seconds after which a line is not used again: the server hangs up after five."""


@dataclass(frozen=True)
class Answer:
    """What came back; names of headers in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def done(self) -> bool:
        """Whether it was not refused."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


class Http:
    """Lines to one server, each used again and again."""

    def __init__(self, url: str) -> None:
        self._host, self._port = urlsplit(url).hostname or "", urlsplit(url).port or 80
        self._free: list[tuple[float, Pair]] = []
        self._lines: list[asyncio.StreamWriter] = []

    async def ask(
        self,
        method: str,
        path: str,
        key: str = "",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request; `key` goes into its Authorization, `body` is sent as JSON."""
        content = b"" if body is None else json.dumps(body).encode()
        lines = {"Host": f"{self._host}:{self._port}", "Content-Length": str(len(content)), **(headers or {})}
        if key:
            lines["Authorization"] = f"Bearer {key}"
        if body is not None:
            lines["Content-Type"] = "application/json"
        asked = f"{path}{'&' if '?' in path else '?'}{urlencode(query)}" if query else path
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        reader, writer = await self._line()
        writer.write(f"{method} {asked} HTTP/1.1\r\n{head}\r\n".encode() + content)
        first, *told = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        found = {name.lower(): value for name, _, value in (line.partition(": ") for line in told if line)}
        answer = Answer(int(first.split()[1]), found, await reader.readexactly(int(found.get("content-length", "0"))))
        self._free.append((time.monotonic(), (reader, writer)))
        return answer

    async def _line(self) -> Pair:
        if self._free:
            used, pair = self._free.pop()
            if time.monotonic() - used < IDLE:
                return pair
            self._free.clear()  # the others were used even longer ago
        pair = await asyncio.open_connection(self._host, self._port)
        self._lines.append(pair[1])
        return pair

    async def close(self) -> None:
        """Hang up."""
        for writer in self._lines:
            writer.close()
            await writer.wait_closed()
