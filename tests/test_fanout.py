"""The loop from the log to the hub: through faults of the store, readers are complete or told that they are not."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from ticker import tasks
from ticker.channel import DEFAULT
from ticker.embedded import EmbeddedStore
from ticker.entry import Cursor
from ticker.fanout import LATE, Clock, Fanout, follows
from ticker.group import EVERYTHING
from ticker.hub import Hub
from ticker.lane import SIZE
from ticker.store import Store
from ticker.stream import Log
from ticker.tail import Following
from websockets.asyncio.client import ClientConnection

from tests.stage import entries, frame, running, short_directory
from tests.test_hub import EPOCH, entry, hub_with, joined
from tests.test_stream import AMAL, publishing
from tests.waiting import until


@asynccontextmanager
async def following(store: Store) -> AsyncIterator[tuple[Fanout, Log]]:
    """A fan-out of `en` at work."""
    log, clock = Log(store, "en"), Clock()
    fanout = Fanout(log, Hub(DEFAULT[0], clock), clock, 1000)
    running = [asyncio.create_task(run()) for run in (fanout.run, Following(store, [fanout]).run)]
    try:
        await until(lambda: fanout.hub.loaded, "the log to be read")
        yield fanout, log
    finally:
        await tasks.end(running)


async def test_what_is_appended_reaches_the_hub(each_store: Store) -> None:
    """Also what was there before."""
    log = Log(each_store, "en")
    await log.append(publishing("before"), AMAL)
    async with following(each_store) as (fanout, log):
        await log.append(publishing("after"), AMAL)
        await until(lambda: fanout.hub.cursor.n == 2, "the entry to arrive")
        assert ["after", "before"] == [item.headline for item in fanout.hub.window(EVERYTHING)]


async def test_age_is_that_of_the_last_heartbeat_read_back(each_store: Store) -> None:
    """Infinite before the first, small while somebody beats, and the store's time is known from it."""
    async with following(each_store) as (fanout, log):
        await log.beat()
        await until(lambda: fanout.age < 5, "a heartbeat through the stream")
        seconds, _ = await each_store.redis.time()
        assert abs(fanout._clock() - seconds * 1000) < 5000


async def test_a_flushed_log_is_told_to_readers(store: Store, valkey: str) -> None:
    """After FLUSHALL everybody gets a reset with what there is now, and the next alert arrives."""
    async with running(valkey) as stage, stage.reader() as line:
        await frame(line)
        await stage.post("lost")
        await entries(line, 1)
        await store.redis.flushall()
        reset = await next_reset(line)
        assert ("epoch", []) == (reset["reason"], reset["items"])
        await stage.post("after")
        (entry,) = await entries(line, 1)
        assert "after" == entry["item"]["headline"]
        assert ["after"] == await stage.window()


async def test_a_post_right_after_a_fault_is_told_as_a_reset_too(store: Store, valkey: str) -> None:
    """No heartbeat in between: the first entry of the new epoch is never shown as the next of the old."""
    async with running(valkey) as stage, stage.reader() as line:
        await frame(line)
        for number in range(3):
            await stage.post(f"item {number}")
        await entries(line, 3)
        await store.redis.hset("{ticker:en}:meta", "replid", "0" * 40)
        await stage.post("after the fault")
        reset = await next_reset(line)
        assert ["after the fault", "item 2", "item 1", "item 0"] == [item["headline"] for item in reset["items"]]


async def test_a_log_that_goes_back_behind_us_is_noticed(store: Store, valkey: str) -> None:
    """A store with an older life, which a blocking read would wait on in silence for ever."""
    async with running(valkey) as stage, stage.reader() as line:
        first = await frame(line)
        epoch = int(first["cursor"].split("-")[0])
        info = await store.redis.info("replication")
        await store.redis.flushall()
        # As if the clock had been set back by an hour and the log been begun anew, by this very server.
        older = epoch - 3_600_000
        await store.redis.hset(
            "{ticker:en}:meta",
            mapping={"epoch": older, "n": 0, "last": "0-0", "replid": info["master_replid"], "pulsed": 2**53},
        )
        await store.redis.xadd("{ticker:en}:pulse", {"cursor": f"{older}-0", "last": "0-0", "at": "1"}, id="1-1")
        reset = await next_reset(line)
        assert int(reset["cursor"].split("-")[0]) != epoch


async def test_a_store_that_is_killed_and_comes_back(anyio_backend: object) -> None:
    """Posts are refused within two seconds, readers stay on their lines, and all resumes by itself."""
    with short_directory() as directory:
        embedded = EmbeddedStore(directory, "always")
        embedded.start()
        try:
            async with running(embedded.url) as stage, stage.reader() as line:
                await frame(line)
                await stage.post("before")
                await entries(line, 1)
                os.kill(embedded.pid, signal.SIGSTOP)
                async with asyncio.timeout(2):
                    answer = await stage.http.post("/v1/channels/en/items", json={"headline": "x"})
                assert (503, "2") == (answer.status_code, answer.headers["Retry-After"])
                assert ["before"] == await stage.window()
                os.kill(embedded.pid, signal.SIGKILL)

                async def takes() -> bool:
                    embedded.look()
                    sent = await stage.http.post("/v1/channels/en/items", json={"headline": "after"})
                    return sent.status_code == 201

                await until(takes, "the store to take posts again")
                reset = await next_reset(line)
                assert "before" in [item["headline"] for item in reset["items"]]
                async with stage.reader(f"?cursor={reset['cursor']}") as newcomer:
                    await frame(newcomer)
                assert ["after", "before"] == await stage.window()
        finally:
            embedded.stop()


async def next_reset(line: ClientConnection) -> Any:
    """The next reset; what comes before it is passed over."""
    while True:
        got = await frame(line, 15)
        if got["type"] == "reset":
            return got


async def test_an_entry_must_name_the_one_before() -> None:
    """A gap, and an entry of another line of history, are seen."""
    log = [entry(n) for n in range(1, 5)]
    assert follows(log[1:], Cursor(EPOCH, 1))
    assert not follows(log[2:], Cursor(EPOCH, 1))
    assert not follows([log[1], log[3]], Cursor(EPOCH, 1))
    assert follows([], Cursor(EPOCH, 9))


def test_the_clock_is_the_stores() -> None:
    """Until the first heartbeat ours, then the store's, carried on."""
    clock = Clock()
    assert clock() > 1_700_000_000_000
    clock.set(5_000)
    assert 5_000 <= clock() < 6_000


async def test_what_is_being_handed_out_is_handed_out_before_the_channel_changes(store: Store) -> None:
    """Also to the last of many: everybody has the entry when the new window comes, and has both once."""
    hub = hub_with([entry(1)], window=4)
    readers = [joined(hub)[0] for _ in range(2 * SIZE + 1)]
    fanout = Fanout(Log(store, "en"), hub, Clock(), 100)
    handing = asyncio.create_task(fanout._hand_out([entry(2)]))
    await asyncio.sleep(0)
    assert (1, 0) == (readers[0].writes, readers[-1].writes)
    await fanout.rechannel(hub.channel.model_copy(update={"window": 1}))
    await handing
    expected = [("entry", f"{EPOCH}-2", None), ("reset", f"{EPOCH}-2", "window")]
    told = [[(frame["type"], frame["cursor"], frame.get("reason")) for frame in one.frames()] for one in readers]
    assert [expected] * len(readers) == told


async def test_what_the_log_has_and_readers_have_not_is_its_lag(store: Store) -> None:
    """By the newest heartbeat; nothing of another life of the log has been given to anybody."""
    fanout = Fanout(Log(store, "en"), hub_with([entry(1), entry(2)]), Clock(), 100)
    assert 0 == fanout.lag
    for head, lag in ((Cursor(EPOCH, 5), 3), (Cursor(EPOCH, 1), 0), (Cursor(EPOCH + 1, 4), 4)):
        fanout._head = head
        assert lag == fanout.lag


async def test_who_has_just_begun_is_not_late_before_there_was_time_to_hear(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its readers are told that they may miss something only when nothing came for so long."""
    fanout = Fanout(Log(store, "en"), hub_with([entry(1)]), Clock(), 100)
    assert fanout.age == float("inf")
    assert not fanout.late
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + LATE + 1)
    assert fanout.late
