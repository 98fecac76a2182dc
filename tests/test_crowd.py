"""Simulated readers: that they keep to the protocol, and notice whatever is kept from them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from ticker import crowd
from ticker.crowd import Crowd, Reader, Spread, Way
from websockets.asyncio.server import ServerConnection, serve

from tests.stage import PLAIN, Stage
from tests.test_oracle import cursor, entry, heartbeat, snapshot
from tests.waiting import until

PATHS = ("/v1/channels/en/live", "/v1/channels/en/items")


class Script:
    """A service that says to each line what it is told to, and writes down how each came."""

    def __init__(self, *lines: tuple[Iterable[dict[str, Any]], int, str]) -> None:
        """For each line the frames, and the close code with its reason; the last line stays open."""
        self.lines = list(lines)
        self.came: list[tuple[str, float]] = []

    async def answer(self, line: ServerConnection) -> None:
        """One line."""
        assert line.request is not None
        number = len(self.came)
        self.came.append((line.request.path.partition("?")[2], time.perf_counter()))
        frames, code, reason = self.lines[min(number, len(self.lines) - 1)]
        for frame in frames:
            await line.send(json.dumps(frame))
        if code:
            await line.close(code, reason)
        await line.wait_closed()


@asynccontextmanager
async def reading(url: str, way: Way = "ws") -> AsyncIterator[Reader]:
    """One reader."""
    async with httpx.AsyncClient(base_url=url, **PLAIN) as http:
        found = Crowd(url, *PATHS, http, lambda headline: int(headline) if headline.isdigit() else None)
        reader = Reader(found, "Luis", way)
        found.readers.append(reader)
        task = asyncio.create_task(reader.run())
        try:
            yield reader
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def told(script: Script) -> AsyncIterator[Reader]:
    """One reader of that service."""
    async with serve(script.answer, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with reading(f"http://127.0.0.1:{port}") as reader:
            yield reader


SOON = {"reconnect": {"min_ms": 10, "max_ms": 20}}
STAYS: tuple[list[dict[str, Any]], int, str] = ([], 0, "")


def test_a_spread_tells_its_quantiles_to_a_tenth_of_a_millisecond() -> None:
    """Of a hundred times, the fiftieth, the ninety-ninth and the last; of none, nothing."""
    spread = Spread()
    assert {"p50": None, "p99": None, "last": None} == spread.told()
    for number in reversed(range(1, 101)):
        spread.add(number / 1000)
    assert {"p50": 0.05, "p99": 0.099, "last": 0.1} == spread.told()


@pytest.mark.parametrize(("code", "query"), [(4008, f"cursor={cursor(2)}"), (4010, ""), (1008, f"cursor={cursor(2)}")])
async def test_a_reader_comes_back_as_the_code_says(code: int, query: str) -> None:
    """With his cursor, and without it when it is of no use."""
    script = Script(([snapshot(1) | SOON, entry(2)], code, ""), STAYS)
    async with told(script) as reader:
        await until(lambda: len(script.came) == 2, "him to come back")
        assert not reader.gone
    assert ["", query] == [came for came, _ in script.came]


async def test_a_reader_who_is_sent_away_by_a_drain_waits_as_long_as_he_is_told() -> None:
    """Not by his own delays, which would be 20 ms here."""
    script = Script(([snapshot(1) | SOON], 1012, '{"retry_ms": 300}'), STAYS)
    async with told(script) as reader:
        await until(lambda: len(script.came) == 2, "him to come back")
        assert {} == dict(reader._crowd.refused)
    first, second = (at for _, at in script.came)
    assert 0.3 <= second - first < 5


@pytest.mark.parametrize("code", [4501, 4503, 4504])
async def test_a_reader_who_is_sent_away_for_good_stays_away(code: int) -> None:
    """He is counted, and his task ends."""
    script = Script(([snapshot(1) | SOON], code, ""))
    async with told(script) as reader:
        await until(lambda: reader.gone, "him to be gone")
        assert {str(code): 1} == dict(reader._crowd.refused)
    assert 1 == len(script.came)


@pytest.mark.parametrize(
    ("frames", "sentence"),
    [
        ([entry(2), entry(4)], f"Luis: the entry {cursor(4)} follows {cursor(3)}, and {cursor(2)} was the last he had"),
        ([entry(2), entry(2)], f"Luis: the entry {cursor(2)} follows {cursor(1)}, and {cursor(2)} was the last he had"),
        ([entry(2), heartbeat(3)], f"Luis: a heartbeat says {cursor(3)} to a reader who was given everything up to"),
        ([entry(2, "retract", text=None), entry(3)], "Luis: the text of the retracted item A came again"),
        ([{"hello": "world"}], "Luis: was sent what is no frame"),
    ],
    ids=["left out", "twice", "ahead", "leaked", "no frame"],
)
async def test_a_reader_notices_what_is_kept_from_him(
    frames: list[dict[str, Any]], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though his frames are judged in small portions, and the fault lies between two of them."""
    monkeypatch.setattr(crowd, "KEPT", 1)
    script = Script(([snapshot(1) | SOON, *frames], 4501, ""))
    async with told(script) as reader:
        await until(lambda: reader.gone or bool(reader._crowd.wrong), "the end")
        assert reader._crowd.wrong[0].startswith(sentence)


async def test_one_post_that_is_two_items_is_noticed() -> None:
    """Both carry the number of the post in their headline."""
    script = Script(([snapshot(1), entry(2, item="A", text="0"), entry(3, item="B", text="0")], 4501, ""))
    async with told(script) as reader:
        reader._crowd.sent.append(0.0)
        reader._crowd.got.append(0)
        await until(lambda: reader.gone, "the end")
        assert ["Luis: post 0 was sent once and is two items"] == reader._crowd.wrong


@pytest.mark.parametrize("way", ["ws", "sse", "poll"])
async def test_every_way_leads_in(stage: Stage, way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    """A post comes to each, is timed from its sending, and counts where it was waited for."""
    monkeypatch.setattr(crowd, "POLL", 0.1)
    async with reading(stage.url, way) as reader:
        found = reader._crowd
        await until(lambda: reader.joined, "him to be let in")
        found.sent.append(time.perf_counter())
        found.got.append(0)
        posted = await stage.post("0")
        await until(lambda: found.lag.count == 1, "the post to come")
        reader.settle()
        assert [] == found.wrong
        assert {0: posted["item"]["id"]} == found.ids
        assert [int(way != "poll")] == found.got == [found.streaming]
        assert 0 < (found.lag.quantile(1) or 0) < 15
        assert found.size > len("0")


async def test_who_finds_no_channel_does_not_ask_again(stage: Stage) -> None:
    """A refusal that no repetition helps is one attempt."""
    async with httpx.AsyncClient(base_url=stage.url, **PLAIN) as http:
        found = Crowd(stage.url, "/v1/channels/fa/live", "/v1/channels/fa/items", http, lambda _: None)
        ways: tuple[Way, ...] = ("ws", "sse", "poll")
        async with asyncio.timeout(15):
            await asyncio.gather(*(Reader(found, way, way).run() for way in ways))
    assert {"404": 3} == dict(found.refused)
