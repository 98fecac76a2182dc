"""Everything at once, for a while: readers who come and go and doze, posts and retractions, one fault after another.

`make test` runs some seconds of it; docs/faults.md has the line for ten minutes.
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import psutil
import ticker
from ticker.store import Store

from tests.faults.proxy import Proxy, proxied
from tests.faults.servers import Server, server
from tests.faults.witness import Desk, Reader, judge, settled, watching
from tests.stage import running, short_directory
from tests.waiting import until

SECONDS = float(os.environ.get("TICKER_TEST_SOAK", "20"))
READERS = 500 if SECONDS >= 300 else 100
EVERY = 20.0 if SECONDS >= 300 else 6.0
"""Seconds from one fault to the next."""
PIECES = 3
"""Tasks, and descriptors, that one line through the proxy takes in this process: the service keeps as many lines as it
needed at once, and after faults those are more than at the beginning."""
KEPT = 2_000_000
"""Bytes that the service may hold more than at the beginning: the entries of its ring."""

Fault = Callable[[Server, Proxy], Awaitable[None]]


async def restart(redis: Server, line: Proxy) -> None:
    """The store is stopped and started."""
    await asyncio.to_thread(redis.stop)
    await asyncio.to_thread(redis.start)


async def kill(redis: Server, line: Proxy) -> None:
    """The store is killed and started."""
    await asyncio.to_thread(redis.kill)
    await asyncio.to_thread(redis.start)


async def freeze(redis: Server, line: Proxy) -> None:
    """The store answers nothing for a while."""
    redis.freeze()
    await asyncio.sleep(2.5)
    redis.thaw()


async def cut(redis: Server, line: Proxy) -> None:
    """Every line to the store is reset."""
    line.cut()


async def silence(redis: Server, line: Proxy) -> None:
    """Nothing passes, nothing is closed."""
    line.silent = True
    await asyncio.sleep(2.5)
    line.heal()


async def deafness(redis: Server, line: Proxy) -> None:
    """Answers are lost."""
    line.deaf = True
    await asyncio.sleep(2.0)
    line.heal()


async def slowness(redis: Server, line: Proxy) -> None:
    """Half a second later each way."""
    line.delay = 0.5
    await asyncio.sleep(3)
    line.heal()


async def fullness(redis: Server, line: Proxy) -> None:
    """The store takes no writes."""
    await asyncio.to_thread(redis.command, "CONFIG", "SET", "maxmemory", "1")
    await asyncio.sleep(2)
    await asyncio.to_thread(redis.command, "CONFIG", "SET", "maxmemory", "0")


FAULTS: list[Fault] = [restart, kill, freeze, cut, silence, deafness, slowness, fullness]


@asynccontextmanager
async def faults(redis: Server, line: Proxy, told: list[str]) -> AsyncIterator[None]:
    """One after the other, in an order of chance; when it ends, the last one is over."""
    stop = asyncio.Event()

    async def go_on() -> None:
        order: list[Fault] = []
        while not stop.is_set():
            order = order or random.sample(FAULTS, len(FAULTS))
            fault = order.pop()
            told.append(fault.__name__)
            await fault(redis, line)
            try:
                await asyncio.wait_for(stop.wait(), EVERY)
            except TimeoutError:
                continue

    task = asyncio.create_task(go_on())
    try:
        yield
    finally:
        stop.set()
        await task


async def test_after_all_of_it_the_oracle_is_clean_and_nothing_is_left_behind(redis7: str) -> None:
    """Who watched shows what a newcomer shows; memory, descriptors and tasks are back where they were."""
    me = psutil.Process()
    told: list[str] = []
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(short_directory())
        redis = stack.enter_context(server(directory))
        line = await stack.enter_async_context(proxied(redis.url))
        stage = await stack.enter_async_context(running(line.url, heartbeat=5.0))
        store = Store(redis.url)
        stack.push_async_callback(store.close)
        desk = Desk(stage.url)
        stack.push_async_callback(desk.http.aclose)
        await desk.post("the first")
        async with watching(3, stage.url) as warm:
            await settled(warm, stage.url)
        await until(lambda: _lines(stage.url) == 0, "the first readers to have gone")
        tasks, descriptors = besides(line), me.num_fds() - PIECES * line.lines
        tracemalloc.start()
        stack.callback(tracemalloc.stop)

        everybody: list[Reader] = []
        async with watching(READERS, stage.url, dozes=0.02) as readers:
            everybody = readers
            end = asyncio.get_running_loop().time() + SECONDS
            async with faults(redis, line, told):
                number = 0
                while asyncio.get_running_loop().time() < end:
                    number += 1
                    answer = await desk.post(f"item {number}", deadline=60)
                    if random.random() < 0.2:
                        await desk.retract(answer["item"]["id"], deadline=60)
                    await asyncio.sleep(random.uniform(0, 0.5))
            await desk.post("the last")
            for reader in readers:
                reader.wake()
            await settled(readers, stage.url, deadline=60)
            assert [] == await judge(store, desk, readers)
            lines, resets = sum(r.lines for r in readers), sum(r.kinds().count("reset") for r in readers)
            resumes = sum(r.kinds().count("resume") for r in readers)

        await until(lambda: _lines(stage.url) == 0, "every line to be closed")
        await until(lambda: besides(line) <= tasks, "the tasks to have ended")
        await until(lambda: me.num_fds() - PIECES * line.lines <= descriptors + 5, "the descriptors to be free")
        kept = sum(len(reader.frames) for reader in everybody)
        everybody.clear()
        readers.clear()
        gc.collect()
        grown = held()
        print(
            f"\n{SECONDS:.0f} s, {READERS} readers: {number} alerts, {len(desk.refusals)} refusals, faults {told}, "
            f"{lines} lines, {resumes} resumes, {resets} resets, {kept} frames judged, {grown / 1e6:.2f} MB more held"
        )
        assert grown < KEPT
        assert len(told) >= SECONDS / (EVERY + 4)


def besides(line: Proxy) -> int:
    """Tasks, without those of the proxy."""
    return len(asyncio.all_tasks()) - PIECES * line.lines


def held() -> int:
    """Bytes that the service's own code has allocated since the beginning, and still holds."""
    ours = tracemalloc.take_snapshot().filter_traces(
        [tracemalloc.Filter(True, str(Path(ticker.__file__).parent / "*"))]
    )
    return sum(found.size for found in ours.statistics("filename"))


def _lines(url: str) -> int:
    port = int(url.rsplit(":", 1)[1])
    return sum(
        line.laddr.port == port and line.status == psutil.CONN_ESTABLISHED
        for line in psutil.Process().net_connections("tcp")
        if line.laddr
    )
