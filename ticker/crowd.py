"""Readers of a channel, as many as were asked for, who keep to the protocol and judge what they are given."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Literal

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from ticker import oracle
from ticker.client import TIMEOUT
from ticker.entry import Cursor
from ticker.oracle import Frame

Way = Literal["ws", "sse", "poll"]
DO_NOT_COME_BACK = 4500
DRAINING = 1012
NO_USE = 4010
SILENCE = 55.0
"""Seconds without a frame after which a line is dead: two heartbeats, and some."""
LOOK = 0.1
POLL = 10.0
"""Seconds between two questions of a reader who polls, give or take a fifth."""
HELD = 5.0
"""Seconds that a line has to hold before the delays start afresh."""
DELAYS = (0.5, 30.0)
"""Until a first frame has said others."""
KEPT = 200
"""Frames of a reader that wait to be judged."""
PARSED = 512
"""Frames that are kept parsed: the same bytes come to all readers."""
MOST_SENTENCES = 20


class Spread:
    """How long something took, many times over: to a tenth of a millisecond, in as much memory as there are tenths."""

    def __init__(self) -> None:
        self._times: Counter[int] = Counter()
        self.count = 0

    def add(self, seconds: float) -> None:
        """Once more."""
        self._times[max(0, round(seconds * 10_000))] += 1
        self.count += 1

    def quantile(self, part: float) -> float | None:
        """The seconds within which that part of them was done; None when there was none."""
        left = part * self.count
        for tenths in sorted(self._times):
            left -= self._times[tenths]
            if left <= 0:
                return tenths / 10_000
        return None

    def told(self) -> dict[str, float | None]:
        """Seconds."""
        return {"p50": self.quantile(0.5), "p99": self.quantile(0.99), "last": self.quantile(1)}


class Crowd:
    """What all readers have in common: where they read, what they count, and the posts that they wait for."""

    def __init__(
        self, url: str, live: str, items: str, http: httpx.AsyncClient, number: Callable[[str], int | None]
    ) -> None:
        """`live` and `items` are the paths of the channel; `number` tells which post of ours has this headline."""
        self.url, self.live, self.items, self.http, self.number = url, live, items, http, number
        self.readers: list[Reader] = []
        self.refused: Counter[str] = Counter()
        """Attempts to come in that were refused, by status or close code."""
        self.failed = 0
        """Attempts that found nobody."""
        self.came_back = 0
        self.resets = 0
        self.size = 0
        """Bytes of frames and of windows."""
        self.first = Spread()
        self.lag = Spread()
        self.sent: list[float] = []
        """When each post of ours was sent."""
        self.got: list[int] = []
        """By how many readers it was seen, of those who were there when it was sent."""
        self.ids: dict[int, str] = {}
        """The item that each post of ours became."""
        self.own_delay = Spread()
        """By how much this process itself was late."""
        self.wrong: list[str] = []
        self._parsed: dict[bytes, Frame] = {}

    @property
    def streaming(self) -> int:
        """The readers on a line who were given something, and to whom the next post has to come."""
        return sum(reader.joined and not reader.gone and reader.way != "poll" for reader in self.readers)

    def blame(self, sentences: Sequence[str]) -> None:
        """Keep what a reader has against it; the first of it says it all."""
        self.wrong += sentences[: max(0, MOST_SENTENCES - len(self.wrong))]

    def parsed(self, text: bytes) -> Frame:
        """A frame, no more of it than the judge needs. Raises ValueError."""
        frame = self._parsed.get(text)
        if frame is None:
            if len(self._parsed) >= PARSED:
                self._parsed.clear()
            frame = self._parsed[text] = _slim(json.loads(text))
        return frame

    async def watch(self) -> None:
        """Cut the lines that are silent for too long, and see how late this process is. Until cancelled."""
        looked = time.perf_counter()
        while True:
            asked = time.perf_counter()
            await asyncio.sleep(LOOK)
            now = time.perf_counter()
            self.own_delay.add(now - asked - LOOK)
            if now - looked < SILENCE / 10:
                continue
            looked = now
            for reader in self.readers:
                if reader.line is not None and now - reader.heard > SILENCE:
                    reader.line.transport.abort()


class Reader:
    """One who comes, stays, comes back as told, and leaves when cancelled."""

    def __init__(self, crowd: Crowd, name: str, way: Way) -> None:
        self.way = way
        self.name = name
        self.joined = self.connected = self.gone = False
        self.line: ClientConnection | None = None
        self.heard = 0.0
        self.cursor: str | None = None
        self._crowd = crowd
        self._seen = -1
        """The last post of ours that was counted."""
        self._delays = DELAYS
        self._frames: list[Frame] = []
        self._retracted: dict[str, Frame] = {}

    async def run(self) -> None:
        """Read until cancelled, or sent away for good."""
        read = {"ws": self._socket, "sse": self._events, "poll": self._window}[self.way]
        bound = 0.0
        while not self.gone:
            begun, pause = time.perf_counter(), None
            came = self.joined
            try:
                pause = await read(begun)
            except (OSError, TimeoutError, InvalidHandshake, httpx.HTTPError):
                self._crowd.failed += not self.connected
            except (ValueError, KeyError, TypeError, AttributeError):
                self._crowd.blame([f"{self.name}: was sent what is no frame"])
            finally:
                self.connected = False
            if self.gone:
                break
            least, most = self._delays
            held = time.perf_counter() - begun > HELD
            bound = least * 4 if held or not bound else min(most, bound * 2)
            # Full jitter, unless told: they must not all come back in the same second.
            await asyncio.sleep(random.uniform(least, bound) if pause is None else pause)  # noqa: S311
            self._crowd.came_back += came and self.way != "poll"

    def settle(self) -> None:
        """Judge what was given since the last time."""
        if not self._frames:
            return
        wrong = oracle.holes(self.name, self._frames) + oracle.leaks(
            self.name, [*self._retracted.values(), *self._frames]
        )
        self._crowd.blame(wrong)
        for frame in self._frames:
            for entry in frame.get("entries", (frame,) if frame["type"] == "entry" else ()):
                if entry["act"] == "retract":
                    self._retracted[entry["item"]["id"]] = entry
        # Where he stands now is where the next frames have to go on.
        self._frames = [{"type": "snapshot", "cursor": self.cursor}]

    def behind(self, head: Cursor) -> bool:
        """Whether an entry of this log's life that was acknowledged has not come to him."""
        place = Cursor.parse(self.cursor or "")
        return self.joined and not self.gone and place is not None and place.epoch == head.epoch and place.n < head.n

    async def _socket(self, begun: float) -> float | None:
        """A WebSocket until its end; the seconds after which the server wants us back, when it says."""
        address = self._crowd.url.replace("http", "ws", 1) + self._crowd.live
        address += f"?cursor={self.cursor}" if self.cursor else ""
        try:
            async with connect(
                address, open_timeout=TIMEOUT, close_timeout=1, max_size=None, compression=None, ping_interval=None
            ) as self.line:
                try:
                    while True:
                        self._take(await self.line.recv(decode=False), begun)
                finally:
                    self.line = None
        except InvalidStatus as error:
            return self._turned_away(error.response.status_code, error.response.headers.get("Retry-After"))
        except ConnectionClosed as error:
            closed = error.rcvd
            return self._sent_away(closed.code, closed.reason) if closed is not None else None

    async def _events(self, begun: float) -> float | None:
        """The same as an event stream."""
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": self.cursor} if self.cursor else {})}
        async with self._crowd.http.stream("GET", self._crowd.live, headers=headers) as answer:
            if answer.status_code != 200:
                return self._turned_away(answer.status_code, answer.headers.get("Retry-After"))
            kind = ""
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    kind = value
                elif name == "data" and kind == "close":
                    close = json.loads(value)
                    return self._sent_away(close["code"], close.get("reason", ""))
                elif name == "data":
                    self._take(value.encode(), begun)
                elif not line:
                    kind = ""
        return None

    async def _window(self, begun: float) -> float | None:
        """The window, asked for once; then the pause until the next time."""
        headers = {"If-None-Match": self.cursor} if self.cursor else {}
        answer = await self._crowd.http.get(self._crowd.items, headers=headers)
        if answer.status_code not in (200, 304):
            return self._turned_away(answer.status_code, answer.headers.get("Retry-After"))
        self._crowd.size += len(answer.content)
        if answer.status_code == 200:
            self._enter(begun)
            self._count(_slim(answer.json()))
        self.cursor = answer.headers.get("ETag", self.cursor)
        return random.uniform(0.8, 1.2) * POLL  # noqa: S311

    def _take(self, text: bytes, begun: float) -> None:
        self.heard = time.perf_counter()
        self._crowd.size += len(text)
        frame = self._crowd.parsed(text)
        self._enter(begun)
        self.connected = True
        self._crowd.resets += frame["type"] == "reset"
        self.cursor = frame.get("cursor", self.cursor)
        if "reconnect" in frame:
            self._delays = (frame["reconnect"]["min_ms"] / 1000, frame["reconnect"]["max_ms"] / 1000)
        self._frames.append(frame)
        self._count(frame)
        if len(self._frames) > KEPT:
            self.settle()

    def _enter(self, begun: float) -> None:
        if not self.joined:
            self.joined = True
            self._crowd.first.add(time.perf_counter() - begun)
            self._seen = len(self._crowd.sent) - 1

    def _count(self, frame: Frame) -> None:
        """Which posts of ours came with this frame, each counted once."""
        entries = frame.get("entries", (frame,) if "item" in frame else ())
        items = [entry["item"] for entry in entries if entry["act"] == "publish"] + [*reversed(frame.get("items", ()))]
        for item in items:
            number = self._crowd.number(item.get("headline", ""))
            if number is None:
                continue
            if self._crowd.ids.setdefault(number, item["id"]) != item["id"]:
                self._crowd.blame([f"{self.name}: post {number} was sent once and is two items"])
            if self._seen < number < len(self._crowd.sent):
                self._seen = number
                self._crowd.lag.add(time.perf_counter() - self._crowd.sent[number])
                if self.way != "poll":
                    self._crowd.got[number] += 1

    def _turned_away(self, status: int, after: str | None) -> float | None:
        """What a refusal before the line is open means: when to try again."""
        self._crowd.refused[str(status)] += 1
        self.gone = 400 <= status < 500 and status != 429
        with suppress(ValueError, TypeError):
            # Not a second too soon, and not all in the same one.
            return float(after or "") + random.uniform(0, 1)  # noqa: S311
        return None

    def _sent_away(self, code: int, reason: str) -> float | None:
        """What a close code means (docs/protocol.md)."""
        if code >= DO_NOT_COME_BACK:
            self._crowd.refused[str(code)] += 1
            self.gone = True
        if code == NO_USE:
            self.cursor = None
        if code == DRAINING:
            with suppress(ValueError, KeyError, TypeError):
                return float(json.loads(reason)["retry_ms"]) / 1000
        return None


def _slim(frame: Any) -> Frame:
    """What the judge and the counts need. Raises ValueError when it is none of our frames."""
    if not isinstance(frame, dict):
        raise ValueError("no frame")
    for part in (frame, *frame.get("entries", ())):
        for item in (*part.get("items", ()), part.get("item", {})):
            for name in set(item) - {"id", "headline"}:
                del item[name]
    return {name: value for name, value in frame.items() if name not in ("tombstones", "versions", "time")}
