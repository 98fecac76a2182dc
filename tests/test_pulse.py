"""Heartbeats into the log, and what comes due by itself."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from ticker import acts, pulse, tasks
from ticker.item import iso
from ticker.store import Store
from ticker.stream import Log

from tests.stage import entries, frame, running
from tests.test_stream import AMAL, EN, ending, publishing
from tests.waiting import until


async def test_an_item_expires_once_whoever_is_first(each_store: Store) -> None:
    """Five processes see it at once; one of them takes it out."""
    log = Log(each_store, "en")
    await log.append(ending("soon over", 1), AMAL)

    async def due() -> bool:
        return bool((await log.beat()).due)

    await until(due, "the item to be due")
    beat = await log.beat()
    assert 1 == sum(await asyncio.gather(*(pulse.sweep(log, beat, EN) for _ in range(5))))
    assert ["publish", "expire"] == [entry.act for entry in (await log.read(10)).entries]


async def test_what_was_due_while_nobody_ran_is_taken_out_at_the_start(each_store: Store) -> None:
    """The time came while the process was away."""
    log = Log(each_store, "en")
    await log.append(ending("gone", 1), AMAL)
    running = asyncio.create_task(pulse.run({"en": log}, {"en": EN}, sweeping=True))

    async def expired() -> bool:
        return "expire" in [entry.act for entry in (await log.read(10)).entries]

    await until(expired, "the item to expire")
    await tasks.end([running])


async def test_who_only_reads_expires_nothing(each_store: Store) -> None:
    """A fan-out process beats, and leaves the acts to those who may write items."""
    log = Log(each_store, "en")
    await log.append(ending("gone", 1), AMAL)
    running = asyncio.create_task(pulse.run({"en": log}, {"en": EN}, sweeping=False))

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
    running = asyncio.create_task(pulse.run({"en": log}, {"en": EN}, sweeping=True))
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


async def test_a_scheduled_item_is_published_once_whoever_is_first(each_store: Store) -> None:
    """Five processes see at once that its time has come."""
    log = Log(each_store, "en")
    soon = datetime.fromtimestamp(await log.now() / 1000, UTC) + timedelta(milliseconds=300)
    item = (await log.append(publishing("later", publish_at=soon.isoformat()), AMAL)).item

    async def due() -> bool:
        return [item.id] == (await log.beat()).due

    await until(due, "the item to be due")
    beat = await log.beat()
    assert 1 == sum(await asyncio.gather(*(pulse.sweep(log, beat, EN) for _ in range(5))))
    assert ["publish"] == [entry.act for entry in (await log.read(10)).entries]
    published = await log.item(item.id)
    assert published is not None
    assert ("published", "usable", None) == (published.state, published.pubstatus, published.publish_at)
    assert published.published_at is not None
    assert item.publish_at is not None
    assert published.published_at >= item.publish_at
    assert [] == (await log.beat()).due


async def test_what_would_have_begun_and_ended_meanwhile_is_never_shown(each_store: Store) -> None:
    """Nobody ran between its publication and its expiry: it is expired, and the log says nothing of it."""
    log = Log(each_store, "en")
    now = datetime.fromtimestamp(await log.now() / 1000, UTC)
    times = {"publish_at": now + timedelta(seconds=0.2), "expires": now + timedelta(seconds=0.4)}
    change = publishing("too late", **{name: moment.isoformat() for name, moment in times.items()})
    item = (await log.append(change, AMAL)).item

    async def over() -> bool:
        return await log.now() > (item.expires or 0)

    await until(over, "its time to be over")
    assert 1 == await pulse.sweep(log, await log.beat(), EN)
    found = await log.item(item.id)
    assert found is not None
    assert ("expired", "withheld") == (found.state, found.pubstatus)
    assert [] == (await log.read(10)).entries


async def test_a_pin_ends_and_the_item_stays(each_store: Store) -> None:
    """It goes back into its place."""
    log = Log(each_store, "en")
    item = (await log.append(publishing(), AMAL)).item
    until_then = await log.now() + 200
    await log.append(acts.pin(item, until_then, EN), AMAL)

    async def due() -> bool:
        return bool((await log.beat()).due)

    await until(due, "the end of the pin")
    await pulse.sweep(log, await log.beat(), EN)
    assert ["publish", "pin", "unpin"] == [entry.act for entry in (await log.read(10)).entries]
    found = await log.item(item.id)
    assert found is not None
    assert ("published", None) == (found.state, found.pinned_until)
