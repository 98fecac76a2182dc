"""Who posts and who reads while something breaks, and writes everything down for the judge."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx
from ticker import oracle
from ticker.audit import Audit, Record
from ticker.store import Store
from ticker.window import Window
from ulid import ULID
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.stage import AUTHORIZED, PLAIN
from tests.waiting import until

CHANNEL = "en"


class Desk:
    """An editor who repeats what was not answered, with the same key, until it is."""

    def __init__(self, *urls: str, passing: Collection[int] = (503,), patience: float = 5) -> None:
        """`passing` are the statuses after which he asks again; `patience` is how long he waits for an answer, in s."""
        self.urls = list(urls)
        self.answers: list[Any] = []
        self._passing = {0, *passing}
        self.refusals: list[tuple[int, float]] = []
        """Status of each refusal and the seconds that it took; 0: no answer at all."""
        self.http = httpx.AsyncClient(headers=AUTHORIZED, **(PLAIN | {"timeout": patience}))

    async def post(self, headline: str, deadline: float = 30, **fields: Any) -> Any:
        """Publish until it is acknowledged; the answer."""
        return await self._send("POST", f"/v1/channels/{CHANNEL}/items", {"headline": headline, **fields}, deadline)

    async def retract(self, item_id: str, deadline: float = 30) -> Any:
        """Take back until it is acknowledged; the answer."""
        path = f"/v1/channels/{CHANNEL}/items/{item_id}/retract"
        return await self._send("POST", path, {"reason": "Sent in error"}, deadline)

    async def _send(self, method: str, path: str, body: Any, deadline: float) -> Any:
        key, clock = str(ULID()), asyncio.get_running_loop().time
        end, silent = clock() + deadline, ""
        while True:
            begun = clock()
            # Who has just not answered is not asked again while there is another.
            url = random.choice([url for url in self.urls if url != silent] or self.urls)
            try:
                answer = await self.http.request(method, url + path, json=body, headers={"Idempotency-Key": key})
                status = answer.status_code
            except httpx.TransportError:
                status, silent = 0, url
            if status in (200, 201):
                self.answers.append(answer.json())
                return answer.json()
            assert status in self._passing, answer.text
            self.refusals.append((status, clock() - begun))
            assert clock() < end, f"not acknowledged within {deadline} s: {body}"
            # What a client does between two tries; nothing waits for this moment.
            await asyncio.sleep(0.1)


class Reader:
    """Somebody who watches a channel, comes back with his cursor, and keeps every frame."""

    def __init__(self, *urls: str, dozes: float = 0.0) -> None:
        """`dozes` is how likely it is, at each frame, that he takes nothing for a while, or leaves."""
        self.urls = list(urls)
        self.frames: list[Any] = []
        self.lines = 0
        self._dozes = dozes
        self.away = asyncio.Event()
        self.fault = ""
        """What the last attempt failed of, if one did."""
        self._task: asyncio.Task[None] | None = None

    @property
    def cursor(self) -> str | None:
        """Where he stands."""
        return self.frames[-1]["cursor"] if self.frames else None

    def kinds(self) -> list[str]:
        """The types of the frames that began anew, in order."""
        return [frame["type"] for frame in self.frames if frame["type"] in ("snapshot", "resume", "reset")]

    def start(self) -> None:
        """Watch."""
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Leave."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _watch(self) -> None:
        while True:
            ended: ConnectionClosed | None = None
            try:
                await self._line(self._where())
            except ConnectionClosed as error:
                ended = error
            except (OSError, TimeoutError, InvalidHandshake) as error:
                self.fault = repr(error)
            self.away.set()
            await asyncio.sleep(self._pause(ended))

    def _where(self) -> str:
        """The address that he tries next."""
        query = f"?cursor={self.cursor}" if self.cursor else ""
        return f"{random.choice(self.urls)}/v1/channels/{CHANNEL}/live{query}"

    def _pause(self, ended: ConnectionClosed | None) -> float:
        """Seconds before he comes back; `ended` is how his line ended, when it stood and was closed."""
        return 0.1

    async def _line(self, url: str) -> None:
        async with connect(url.replace("http", "ws", 1), proxy=None, open_timeout=5) as line:
            self.lines += 1
            async for text in line:
                self.frames.append(slim(json.loads(text)))
                if random.random() < self._dozes:
                    await asyncio.sleep(random.uniform(0, 3))
                    if random.random() < 0.5:
                        break

    def wake(self) -> None:
        """Doze no more."""
        self._dozes = 0.0

    def shown(self) -> list[str]:
        """What stands on his screen, newest first: his own fold of what he was sent."""
        window: Window[Any] = Window()
        for frame in self.frames:
            match frame["type"]:
                case "snapshot" | "reset":
                    window = Window()
                    for item in reversed(frame["items"]):
                        window.apply("publish", _item(item))
                case "entry":
                    window.apply(frame["act"], _item(frame["item"]))
                case "resume":
                    for entry in frame["entries"]:
                        window.apply(entry["act"], _item(entry["item"]))
        return [item.headline for item in window.items]


def slim(frame: Any) -> Any:
    """What the judge and the fold need of a frame; thousands of them are kept."""
    for item in [
        *frame.get("items", ()),
        *(entry["item"] for entry in frame.get("entries", ())),
        frame.get("item", {}),
    ]:
        for name in set(item) - {"id", "version", "headline", "pinned_until"}:
            del item[name]
    return frame


def _item(item: dict[str, Any]) -> Any:
    return SimpleNamespace(
        id=item["id"], version=item["version"], pinned_until=item.get("pinned_until"), headline=item.get("headline")
    )


@asynccontextmanager
async def watching(count: int, *urls: str, dozes: float = 0.0) -> AsyncIterator[list[Reader]]:
    """So many readers, all of them shown something before it begins."""
    readers = [Reader(*urls, dozes=dozes) for _ in range(count)]
    async with present(readers):
        yield readers


@asynccontextmanager
async def present(readers: Sequence[Reader]) -> AsyncIterator[None]:
    """These watch, all of them shown something before it begins."""
    for reader in readers:
        reader.start()
    try:
        await until(lambda: all(reader.frames for reader in readers), "every reader to be shown the window")
        yield
    finally:
        for reader in readers:
            await reader.stop()


async def settled(
    readers: Sequence[Reader], url: str, expected: Sequence[str] | None = None, deadline: float = 30
) -> list[str]:
    """Wait until every reader shows what a newcomer is shown, and that is what is expected; newest first."""
    shown: list[str] = []

    async def agree() -> bool:
        nonlocal shown
        async with httpx.AsyncClient(**PLAIN) as http:
            try:
                answer = await http.get(f"{url}/v1/channels/{CHANNEL}/items")
            except httpx.TransportError:
                return False
        if answer.status_code != 200:
            return False
        shown = [item["headline"] for item in answer.json()["items"]]
        return all(reader.shown() == shown for reader in readers) and expected in (None, shown)

    await until(agree, "every reader to show what a newcomer is shown", deadline)
    return shown


async def records(store: Store) -> list[Record]:
    """The whole record of the channel."""
    return [record async for record in Audit(store, CHANNEL).records()]


async def published(store: Store) -> list[str]:
    """The headlines of what was published, as often as it was, oldest first."""
    found: Any = await store.redis.xrange(f"{{ticker:{CHANNEL}}}:log")
    return [json.loads(fields[b"item"])["headline"] for _, fields in found if fields[b"act"] == b"publish"]


async def judge(
    store: Store, desk: Desk, readers: Sequence[Reader], pushes: Mapping[str, list[Any]] | None = None
) -> list[str]:
    """What the oracle has against it; `pushes` are what targets were told, by name."""
    named = {f"reader {number}": reader.frames for number, reader in enumerate(readers)}
    return oracle.judged(await records(store), desk.answers, named, pushes)
