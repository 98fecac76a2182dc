"""Processes die, and are told to go. Numbers as in docs/faults.md."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from ticker.store import Store
from websockets.asyncio.client import ClientConnection, connect

from tests.faults.programs import Program
from tests.faults.witness import CHANNEL, Desk, judge, published, settled, watching
from tests.stage import PLAIN, short_directory
from tests.waiting import until


class Fleet:
    """One api, two fanouts, on one store."""

    def __init__(self, store: str, directory: Path) -> None:
        self.api = Program("api", store, directory)
        self.fanouts = [Program("fanout", store, directory) for _ in range(2)]

    @property
    def urls(self) -> list[str]:
        """Where readers go."""
        return [program.url for program in self.fanouts]


@pytest.fixture
def fleet(valkey: str, store: Store) -> Iterator[Fleet]:
    """A fleet that is ready, on an empty store."""
    with short_directory() as directory:
        found = Fleet(valkey, directory)
        programs = [found.api, *found.fanouts]
        try:
            for program in programs:
                program.start()
            yield found
        finally:
            for program in programs:
                program.end()


async def test_f10_readers_of_a_killed_fanout_go_on_elsewhere(fleet: Fleet, store: Store) -> None:
    """SIGKILL in the middle of posts: with their cursors, on the other one, nothing lost and nothing twice."""
    async with AsyncExitStack() as stack:
        desk = Desk(fleet.api.url)
        stack.push_async_callback(desk.http.aclose)
        readers = await stack.enter_async_context(watching(10, *fleet.urls))
        posting = asyncio.create_task(_post(desk, 60))
        await until(lambda: len(desk.answers) > 20, "some posts")
        fleet.fanouts[0].signal(signal.SIGKILL)
        await posting
        await settled(readers, fleet.fanouts[1].url, [f"item {number}" for number in range(59, 49, -1)])
        assert [] == await judge(store, desk, readers)
        assert 60 == len({answer["item"]["id"] for answer in desk.answers})


async def test_f9_an_api_that_dies_with_posts_in_its_hands_makes_none_twice(fleet: Fleet, store: Store) -> None:
    """SIGKILL, and a start: everybody repeats what was not answered, and each alert is there once."""
    async with AsyncExitStack() as stack:
        desk = Desk(fleet.api.url)
        stack.push_async_callback(desk.http.aclose)
        readers = await stack.enter_async_context(watching(2, *fleet.urls))
        posting = [asyncio.create_task(desk.post(f"item {number}")) for number in range(100)]
        await until(lambda: len(desk.answers) > 5, "some answers")
        fleet.api.signal(signal.SIGKILL)
        await fleet.api.ended()
        fleet.api.start()
        await asyncio.gather(*posting)
        await settled(readers, fleet.fanouts[0].url)
        assert [] == await judge(store, desk, readers)
        assert 100 == len({answer["item"]["id"] for answer in desk.answers})
        assert 100 == len(await published(store))


async def test_f19_told_to_go_it_says_so_sends_its_readers_away_and_ends(fleet: Fleet, store: Store) -> None:
    """Readiness is red before the first reader is sent away; each has a delay of its own; it ends within 20 seconds."""
    leaving = fleet.fanouts[0]
    address = f"{leaving.url.replace('http', 'ws')}/v1/channels/{CHANNEL}/live"
    async with AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(connect(address, proxy=None)) for _ in range(60)]
        http = await stack.enter_async_context(httpx.AsyncClient(**PLAIN))
        first: list[float] = []

        async def closed(line: ClientConnection) -> tuple[int, int]:
            await line.wait_closed()
            first.append(time.monotonic())
            assert line.close_code is not None
            return line.close_code, json.loads(line.close_reason or "")["retry_ms"]

        waiting = [asyncio.create_task(closed(line)) for line in lines]
        began = time.monotonic()
        leaving.signal(signal.SIGTERM)

        async def red() -> bool:
            return (await http.get(leaving.url + "/health/ready")).status_code == 503

        await until(red, "readiness to go red", 5)
        assert not first
        refused = await http.get(f"{leaving.url}/v1/channels/{CHANNEL}/items")
        assert 200 == refused.status_code
        async with asyncio.timeout(20):
            found = await asyncio.gather(*waiting)
        assert 0 == await leaving.ended()
        assert time.monotonic() - began < 20
        assert {1012} == {code for code, _ in found}
        assert len({retry for _, retry in found}) > 30
        assert max(first) - min(first) > 0.3


async def test_f19_posts_in_flight_are_answered_before_the_end(fleet: Fleet, store: Store) -> None:
    """SIGTERM to the api under load: no answer is lost that was not given, and nothing is posted twice."""
    async with AsyncExitStack() as stack:
        desk = Desk(fleet.api.url)
        stack.push_async_callback(desk.http.aclose)
        posting = [asyncio.create_task(desk.post(f"item {number}")) for number in range(50)]
        await until(lambda: len(desk.answers) > 3, "some answers")
        fleet.api.signal(signal.SIGTERM)
        assert 0 == await fleet.api.ended()
        fleet.api.start()
        await asyncio.gather(*posting)
        assert 50 == len(await published(store))


async def _post(desk: Desk, number: int) -> None:
    for one in range(number):
        await desk.post(f"item {one}")
