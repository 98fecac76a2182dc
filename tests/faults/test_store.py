"""The store restarts, dies, fills up, stalls, is emptied. Each test has the number of its fault in docs/faults.md."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from ticker import oracle
from ticker.store import Store

from tests.faults import witness
from tests.faults.proxy import Proxy, proxied
from tests.faults.servers import Server, server
from tests.faults.witness import Desk, Reader, judge, settled, watching
from tests.stage import Stage, running, short_directory
from tests.waiting import until

REFUSED_WITHIN = 2.2
"""Seconds: two are promised, and the machine is a busy one."""
RESUMED_WITHIN = 5.0


@pytest.fixture
def redis(redis7: str) -> Iterator[Server]:
    """A server of this test's own, whose end hurts nobody. `redis7` says what to do when there is none."""
    with short_directory() as directory, server(directory) as found:
        yield found


class Scene:
    """A service on a store of its own, two readers, and a desk."""

    def __init__(self, stage: Stage, store: Store, desk: Desk, readers: list[Reader]) -> None:
        self.stage = stage
        self.store = store
        self.desk = desk
        self.readers = readers

    async def clean(self) -> None:
        """Everybody shows the same, and the oracle has nothing against what happened."""
        await settled(self.readers, self.stage.url)
        assert [] == await judge(self.store, self.desk, self.readers)


@asynccontextmanager
async def scene(url: str, through: str | None = None, readers: int = 2) -> AsyncIterator[Scene]:
    """The service talks to the store through `through`, the judge goes to `url`."""
    async with AsyncExitStack() as stack:
        stage = await stack.enter_async_context(running(through or url))
        store = Store(url)
        stack.push_async_callback(store.close)
        desk = Desk(stage.url)
        stack.push_async_callback(desk.http.aclose)
        yield Scene(stage, store, desk, await stack.enter_async_context(watching(readers, stage.url)))


def quick(desk: Desk) -> None:
    """Whatever was refused was refused in time, with a status."""
    assert desk.refusals
    assert all(status == 503 and took < REFUSED_WITHIN for status, took in desk.refusals), desk.refusals


async def test_f1_a_restart_loses_nothing_and_cuts_nobody(redis: Server) -> None:
    """Posts meanwhile are refused with 503 within two seconds; readers stay, and go on within five."""
    async with scene(redis.url) as on:
        await on.desk.post("before")
        redis.stop()
        posting = asyncio.create_task(on.desk.post("meanwhile"))
        await until(lambda: bool(on.desk.refusals), "a refusal")
        redis.start()
        began = asyncio.get_running_loop().time()
        await asyncio.wait_for(posting, RESUMED_WITHIN)
        await until(lambda: all("meanwhile" in reader.shown() for reader in on.readers), "the readers to go on")
        assert asyncio.get_running_loop().time() - began < RESUMED_WITHIN
        quick(on.desk)
        assert [1, 1] == [reader.lines for reader in on.readers]
        await on.clean()


@pytest.mark.parametrize("fsync", ["always", "everysec"])
async def test_f2_killed_it_keeps_what_it_promised(redis: Server, fsync: str) -> None:
    """SIGKILL in the middle of posts: what was acknowledged is there; the process is gone, not its machine."""
    redis.command("CONFIG", "SET", "appendfsync", fsync)
    async with scene(redis.url) as on:
        posting = [asyncio.create_task(on.desk.post(f"item {number}")) for number in range(60)]
        await until(lambda: len(on.desk.answers) > 5, "some answers")
        redis.kill()
        redis.start()
        await asyncio.gather(*posting)
        await on.clean()
        assert 60 == len({answer["item"]["id"] for answer in on.desk.answers})


async def test_f25_a_file_cut_short_resets_whoever_saw_more(redis: Server) -> None:
    """The end of the append-only file is gone: the store starts, and readers who saw the lost alert are reset."""
    async with scene(redis.url) as on:
        await on.desk.post("kept")
        file = next((redis.directory / "appendonlydir").glob("*.incr.aof"))
        size = file.stat().st_size
        await on.desk.post("lost")
        await settled(on.readers, on.stage.url, ["lost", "kept"])
        redis.kill()
        with file.open("r+b") as content:
            content.truncate(size + 40)
        redis.start()
        await until(lambda: all(["kept"] == reader.shown() for reader in on.readers), "the readers to be reset")
        assert all("epoch" == reader.frames[-1].get("reason", "epoch") for reader in on.readers)
        await on.desk.post("after")
        await settled(on.readers, on.stage.url, ["after", "kept"])
        # Exactly the alert that the file lost, and nobody is left with it.
        missing = oracle.lost(await witness.records(on.store), on.desk.answers)
        assert ["lost"] == [answer["item"]["headline"] for answer in missing]


async def test_f6_an_emptied_store_is_a_new_life(redis: Server) -> None:
    """FLUSHALL: a new epoch, every reader reset, the next post at number one, and no busy loop."""
    async with scene(redis.url) as on:
        await on.desk.post("before")
        await settled(on.readers, on.stage.url, ["before"])
        await on.store.redis.flushall()
        await until(lambda: all([] == reader.shown() for reader in on.readers), "the readers to be reset")
        calls = int((await on.store.redis.info("stats"))["total_commands_processed"])
        beats = len(on.readers[0].frames)
        await on.desk.post("after")
        await settled(on.readers, on.stage.url, ["after"])
        assert int((await on.store.redis.info("stats"))["total_commands_processed"]) - calls < 200
        assert beats < 20
        assert [] == oracle.doubled(await witness.records(on.store))


@pytest.mark.parametrize(
    ("break_it", "mend_it"),
    [
        pytest.param([("maxmemory", "1")], [("maxmemory", "0")], id="maxmemory"),
        pytest.param(
            [("min-replicas-to-write", "1")], [("min-replicas-to-write", "0")], id="no replica where one is wanted"
        ),
    ],
)
async def test_f7_a_store_that_refuses_is_told_and_waited_for(
    redis: Server, break_it: list[tuple[str, str]], mend_it: list[tuple[str, str]]
) -> None:
    """503 with a reason; who reads stays and is served; it recovers without a restart."""
    async with scene(redis.url) as on:
        await on.desk.post("before")
        for name, value in break_it:
            redis.command("CONFIG", "SET", name, value)
        posting = asyncio.create_task(on.desk.post("meanwhile"))
        await until(lambda: bool(on.desk.refusals), "a refusal")
        answer = await on.stage.http.post("/v1/channels/en/items", json={"headline": "why"})
        assert 503 == answer.status_code
        assert answer.json()["detail"].startswith("The store refuses this for now (")
        assert ["before"] == await on.stage.window()
        for name, value in mend_it:
            redis.command("CONFIG", "SET", name, value)
        await posting
        quick(on.desk)
        assert [1, 1] == [reader.lines for reader in on.readers]
        await on.clean()


async def test_f7_a_replica_instead_of_a_master_is_told_too(redis: Server) -> None:
    """READONLY: somebody made it a replica of nobody."""
    async with scene(redis.url) as on:
        await on.desk.post("before")
        redis.command("REPLICAOF", "127.0.0.1", "1")
        redis.command("CONFIG", "SET", "replica-serve-stale-data", "yes")
        posting = asyncio.create_task(on.desk.post("meanwhile"))
        await until(lambda: bool(on.desk.refusals), "a refusal")
        redis.command("REPLICAOF", "NO", "ONE")
        await posting
        quick(on.desk)
        await on.clean()


async def test_f8_a_silent_partition_is_bounded_and_doubles_nothing(redis: Server) -> None:
    """Nothing passes and nothing is closed: a post has its deadline, and its repetition makes no second item."""
    async with proxied(redis.url) as line, scene(redis.url, line.url) as on:
        await on.desk.post("before")
        line.silent = True
        posting = asyncio.create_task(on.desk.post("meanwhile"))
        await until(lambda: bool(on.desk.refusals), "a refusal")
        line.heal()
        await posting
        quick(on.desk)
        await settled(on.readers, on.stage.url, ["meanwhile", "before"])
        assert [1, 1] == [reader.lines for reader in on.readers]
        await on.clean()


async def test_f8_a_slow_store_is_waited_for_and_no_longer(redis: Server) -> None:
    """A second later each way, and the answer is a refusal in time."""
    async with proxied(redis.url) as line, scene(redis.url, line.url) as on:
        await on.desk.post("before")
        line.delay = 1.2
        posting = asyncio.create_task(on.desk.post("meanwhile"))
        await until(lambda: bool(on.desk.refusals), "a refusal")
        line.heal()
        await posting
        quick(on.desk)
        await on.clean()


async def test_f9_an_answer_that_was_lost_makes_no_second_item(redis: Server) -> None:
    """The act is stored, the answer never arrives: the repetition gets the same item, and there is one entry."""
    async with proxied(redis.url) as line, scene(redis.url, line.url) as on:
        line.deaf = True
        posting = asyncio.create_task(on.desk.post("once"))
        await until(lambda: bool(on.desk.refusals), "a refusal")
        line.heal()
        answer = await posting
        await settled(on.readers, on.stage.url, ["once"])
        assert 1 == answer["item"]["version"]
        await on.clean()


async def test_f11_a_read_that_was_cut_leaves_its_answer_to_nobody(redis: Server) -> None:
    """Requests given up in the middle, a hundred at once: every later answer is its own."""
    async with scene(redis.url) as on:
        items = [(await on.desk.post(f"item {number}"))["item"]["id"] for number in range(5)]
        for _ in range(20):
            asking = [asyncio.create_task(on.stage.http.get(f"/v1/channels/en/items/{item}")) for item in items]
            await asyncio.sleep(0)
            for task in asking[::2]:
                task.cancel()
            answers = await asyncio.gather(*asking, return_exceptions=True)
            for item, answer in zip(items[1::2], answers[1::2], strict=True):
                assert not isinstance(answer, BaseException)
                assert item == answer.json()["id"]
        await on.clean()


def test_a_proxy_begins_harmless() -> None:
    """Nothing is broken that no test has broken."""
    line = Proxy("127.0.0.1", 1)
    assert (0.0, 0, False, False, False) == (line.delay, line.rate, line.silent, line.deaf, line.refusing)
