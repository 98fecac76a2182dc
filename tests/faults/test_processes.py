"""Processes die, and are told to go. Numbers as in docs/faults.md."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from ticker.store import Store
from websockets.asyncio.client import ClientConnection, connect

from tests.faults.witness import CHANNEL, Desk, judge, settled, watching
from tests.stage import KEY, PLAIN, free_port, short_directory
from tests.waiting import until, until_now


class Program:
    """`ticker api` or `ticker fanout` on a port of its own for its whole life."""

    def __init__(self, role: str, store: str, directory: Path) -> None:
        self.role = role
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._store = store
        self._output = directory / f"{role}-{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it is ready."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("TICKER_")}
        environ |= {"TICKER_BOOTSTRAP_KEY": KEY, "TICKER_REDIS_URL": self._store, "TICKER_RATE_LIMIT": "0"}
        command = [sys.executable, "-m", "ticker", self.role, "--port", str(self.port)]
        with self._output.open("ab") as output:
            self.process = subprocess.Popen(command, env=environ, stdout=output, stderr=output)
        until_now(self._ready, f"ticker {self.role}; {self._output} says more", 30)

    def _ready(self) -> bool:
        try:
            return httpx.get(self.url + "/health/ready", **PLAIN).status_code == 200
        except httpx.TransportError:
            return False

    def signal(self, number: signal.Signals) -> None:
        """Send it."""
        assert self.process is not None
        self.process.send_signal(number)

    async def ended(self) -> int:
        """Its exit status, once it has one."""
        assert self.process is not None
        process = self.process
        await until(lambda: process.poll() is not None, f"ticker {self.role} to end", 25)
        return process.wait(1)

    def end(self) -> None:
        """Whatever happened, it does not go on."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)


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
        assert 100 == len({item["id"] for item in await _published(store)})


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
        assert 50 == len({item["id"] for item in await _published(store)})


async def test_f20_a_rolling_restart_of_everything_loses_nothing(fleet: Fleet, store: Store) -> None:
    """api, then one fanout, then the other, under load: the oracle is clean, and nobody had to come back more than
    twice.
    """
    async with AsyncExitStack() as stack:
        desk = Desk(fleet.api.url)
        stack.push_async_callback(desk.http.aclose)
        readers = await stack.enter_async_context(watching(10, *fleet.urls))
        stopped = asyncio.Event()

        async def post() -> int:
            number = 0
            while not stopped.is_set():
                await desk.post(f"item {number}")
                number += 1
            return number

        posting = asyncio.create_task(post())
        for program in (fleet.api, *fleet.fanouts):
            program.signal(signal.SIGTERM)
            assert 0 == await program.ended()
            await asyncio.to_thread(program.start)
        stopped.set()
        posted = await posting
        await settled(readers, fleet.fanouts[0].url)
        assert [] == await judge(store, desk, readers)
        assert posted == len(await _published(store))
        assert all(sum(kind == "reset" for kind in reader.kinds()) == 0 for reader in readers)


async def _post(desk: Desk, number: int) -> None:
    for one in range(number):
        await desk.post(f"item {one}")


async def _published(store: Store) -> list[dict[str, str]]:
    found: Any = await store.redis.xrange("{ticker:en}:log")
    return [json.loads(fields[b"item"]) for _, fields in found if fields[b"act"] == b"publish"]
