"""Readers as docs/protocol.md wants them, by each of the three ways in; and when they were sent away and came back."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from typing import NamedTuple

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Close

from tests.faults.witness import CHANNEL, Desk, Reader, slim
from tests.stage import PLAIN

DRAINING = 1012
POLL_SECONDS = 1.0
POST_SECONDS = 0.1


class Return(NamedTuple):
    """One reader who was sent away: when, for how long, and when he asked to come in again (seconds of the loop)."""

    sent: float
    retry: float
    back: float


class Screen(Reader):
    """Somebody who watches over a WebSocket and comes back by the rules."""

    def __init__(
        self, *urls: str, silence: float, patience: float = 15.0, bounds: tuple[float, float] = (0.2, 2.0)
    ) -> None:
        """`silence` is two heartbeats and a little, `patience` for an answer, `bounds` of delays; all in seconds."""
        super().__init__(*urls)
        self.returns: list[Return] = []
        self.failures: list[str] = []
        """Why attempts found no line."""
        self.lost = 0
        """Lines that ended without a word, or on which nothing was heard for too long."""
        self.told_stale = False
        self._silence, self._patience = silence, patience
        self._least, self._most = bounds
        self.standing = False
        """Whether he has a line."""
        self._told: tuple[float, float] | None = None
        self._tries = 0
        self.at = ""
        """The address that he has asked last."""

    def _where(self) -> str:
        # Who knows several addresses does not ask the same one twice when it has just failed him.
        others = [url for url in self.urls if url != self.at] or self.urls
        self.at = random.choice(others) if self._tries else random.choice(self.urls)
        query = f"?cursor={self.cursor}" if self.cursor else ""
        return f"{self.at}/v1/channels/{CHANNEL}/live{query}"

    def _pause(self, ended: ConnectionClosed | None) -> float:
        told, stood = self._retry(ended), self.standing
        self.standing = False
        if told is None:
            self.lost += stood
            if not stood:
                self.failures.append(self.fault)
            self._tries += 1
            return random.uniform(self._least, min(self._most, 2 * self._least * 2**self._tries))
        self._told = (asyncio.get_running_loop().time(), told)
        return told

    def _retry(self, ended: ConnectionClosed | None) -> float | None:
        close: Close | None = ended.rcvd if ended is not None else None
        return json.loads(close.reason)["retry_ms"] / 1000 if close and close.code == DRAINING else None

    async def _line(self, url: str) -> None:
        self._asks()
        async with connect(
            url.replace("http", "ws", 1),
            proxy=None,
            open_timeout=self._patience,
            ping_interval=None,
            close_timeout=0.1,
        ) as line:
            self._stands()
            while True:
                async with asyncio.timeout(self._silence):
                    text = await line.recv()
                self._take(text)

    def _asks(self) -> None:
        if self._told is not None:
            self.returns.append(Return(*self._told, asyncio.get_running_loop().time()))
            self._told = None

    def _stands(self) -> None:
        self.standing = True
        self.lines += 1

    def _take(self, text: str | bytes) -> None:
        self._tries = 0
        frame = slim(json.loads(text))
        self.told_stale |= bool(frame.get("stale"))
        self.frames.append(frame)


class Listener(Screen):
    """The same over Server-Sent Events."""

    _closing: float | None = None

    def _retry(self, ended: ConnectionClosed | None) -> float | None:
        found, self._closing = self._closing, None
        return found

    async def _line(self, url: str) -> None:
        self._asks()
        headers = {"Accept": "text/event-stream"}
        timeout = httpx.Timeout(self._patience, read=self._silence)
        try:
            async with (
                httpx.AsyncClient(**(PLAIN | {"timeout": timeout}), headers=headers) as http,
                http.stream("GET", url) as answer,
            ):
                if answer.status_code != 200:
                    self.fault = str(answer.status_code)
                    return
                self._stands()
                kind = ""
                async for line in answer.aiter_lines():
                    name, _, value = line.partition(": ")
                    if name == "event":
                        kind = value
                    elif name == "data" and kind == "close":
                        self._closing = json.loads(json.loads(value)["reason"])["retry_ms"] / 1000
                    elif name == "data":
                        self._take(value)
        except httpx.TransportError as error:
            self.fault = repr(error)


class Newsroom(Desk):
    """An editor who posts all the time, takes some of it back, and notes for how long he was kept waiting."""

    def __init__(self, *urls: str, retracts: float = 0.0, patience: float = 5.0) -> None:
        """`retracts` is how likely it is that he takes an alert back at once."""
        super().__init__(*urls, patience=patience)
        self.headlines: list[str] = []
        self.longest = 0.0
        self._retracts = retracts

    async def work(self, name: str, stopped: asyncio.Event) -> None:
        """Until it is enough."""
        clock = asyncio.get_running_loop().time
        while not stopped.is_set():
            begun, headline = clock(), f"{name} {len(self.headlines)}"
            self.headlines.append(headline)
            answer = await self.post(headline)
            self.longest = max(self.longest, clock() - begun)
            if random.random() < self._retracts:
                await self.retract(answer["item"]["id"])
            # The pace of the load; nothing waits for this moment.
            await asyncio.sleep(POST_SECONDS)


class Poller(Reader):
    """Somebody behind a wall that lets no line through, who asks again and again."""

    async def _watch(self) -> None:
        tag = ""
        async with httpx.AsyncClient(**(PLAIN | {"timeout": 5})) as http:
            while True:
                headers = {"If-None-Match": tag} if tag else {}
                try:
                    answer = await http.get(f"{random.choice(self.urls)}/v1/channels/{CHANNEL}/items", headers=headers)
                except httpx.TransportError:
                    self.away.set()
                else:
                    if answer.status_code == 200:
                        tag = answer.headers["ETag"]
                        self.frames.append(slim({"type": "snapshot"} | answer.json()))
                await asyncio.sleep(random.uniform(0.5, 1.5) * POLL_SECONDS)


def highest(moments: Sequence[float], width: float = 1.0) -> int:
    """The most of these moments that lie within `width` seconds."""
    ordered, start, most = sorted(moments), 0, 0
    for place, moment in enumerate(ordered):
        while moment - ordered[start] > width:
            start += 1
        most = max(most, place - start + 1)
    return most
