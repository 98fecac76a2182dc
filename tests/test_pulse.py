"""Heartbeats into the log, and what expires."""

from __future__ import annotations

import asyncio
from typing import Any

from ticker import pulse, tasks
from ticker.item import iso
from ticker.store import Store
from ticker.stream import Log

from tests.stage import entries, frame, running
from tests.test_stream import publishing
from tests.waiting import until


async def test_an_item_expires_once_whoever_is_first(each_store: Store) -> None:
    """Five processes see it at once; one of them takes it out."""
    log = Log(each_store, "en")
    await log.append(publishing(expires="+1"))

    async def due() -> bool:
        return bool((await log.beat()).due)

    await until(due, "the item to be due")
    beat = await log.beat()
    assert 1 == sum(await asyncio.gather(*(pulse.expire(log, beat) for _ in range(5))))
    assert ["publish", "expire"] == [entry.act for entry in (await log.read(10)).entries]


async def test_what_was_due_while_nobody_ran_is_taken_out_at_the_start(each_store: Store) -> None:
    """The time came while the process was away."""
    log = Log(each_store, "en")
    await log.append(publishing("gone", expires="+1"))
    running = asyncio.create_task(pulse.run([log], expiring=True))

    async def expired() -> bool:
        return "expire" in [entry.act for entry in (await log.read(10)).entries]

    await until(expired, "the item to expire")
    await tasks.end([running])


async def test_who_only_reads_expires_nothing(each_store: Store) -> None:
    """A fan-out process beats, and leaves the acts to those who may write items."""
    log = Log(each_store, "en")
    await log.append(publishing("gone", expires="+1"))
    running = asyncio.create_task(pulse.run([log], expiring=False))

    async def beaten_twice() -> bool:
        if not await each_store.redis.exists("{ticker:en}:pulse"):
            return False
        found: Any = await each_store.redis.xinfo_stream("{ticker:en}:pulse")
        return bool(found["entries-added"] >= 2)

    await until(beaten_twice, "two heartbeats")
    await tasks.end([running])
    assert ["publish"] == [entry.act for entry in (await log.read(10)).entries]


async def test_a_heartbeat_fails_and_comes_back(store: Store) -> None:
    """A store that refuses for a while does not end the task."""
    log = Log(store, "en")
    await store.redis.config_set("maxmemory", "1")
    running = asyncio.create_task(pulse.run([log], expiring=True))
    await store.redis.config_set("maxmemory", "0")

    async def beaten() -> bool:
        return bool(await store.redis.exists("{ticker:en}:pulse"))

    await until(beaten, "a heartbeat")
    await tasks.end([running])


async def test_an_expired_item_leaves_the_screens(store: Store, valkey: str) -> None:
    """Readers are told, and the window has it no more; an item that is gone from the store is passed over."""
    async with running(valkey) as stage, stage.reader() as line:
        await frame(line)
        await stage.post("stays")
        seconds, _ = await store.redis.time()
        item = (await stage.post("leaves", expires=iso((seconds + 2) * 1000)))["item"]["id"]
        await store.redis.zadd("{ticker:en}:due", {"no such item": 1})
        _, _, gone = await entries(line, 3)
        assert ("expire", item, 2) == (gone["act"], gone["item"]["id"], gone["item"]["version"])
        assert ["stays"] == await stage.window()
