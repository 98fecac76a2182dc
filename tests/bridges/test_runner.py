"""The bridge's runner: each entry to one worker, the item read again, nothing forgotten."""

from __future__ import annotations

import asyncio

import pytest
from ticker import acts, tasks
from ticker.airing import Change
from ticker.bridges import runner
from ticker.draft import Draft, Push
from ticker.entry import Entry
from ticker.store import Store
from ticker.stream import Log
from ulid import ULID

from tests.test_stream import AMAL, EN
from tests.waiting import until

EN_AT_ONCE = EN.model_copy(update={"push_hold": 0})


def at_once(headline: str) -> Change:
    """A new item whose push waits for nobody."""
    return acts.publish(Draft(headline=headline), EN_AT_ONCE, str(ULID()), "amal")


class Phone:
    """A provider that keeps what it is given; it can be told to fail."""

    def __init__(self) -> None:
        self.rung: list[Entry] = []
        self.broken = False

    async def send(self, entry: Entry) -> None:
        if self.broken:
            raise ConnectionError("the provider is away")
        self.rung.append(entry)


async def joined(store: Store) -> None:
    """Wait until the group is there."""

    async def there() -> bool:
        return bool(await store.redis.exists("{ticker:en}:log")) and bool(
            await store.redis.xinfo_groups("{ticker:en}:log")
        )

    await until(there, "the bridge to join")


async def test_two_workers_ring_once_for_each_alert(each_store: Store) -> None:
    """Whoever claims it; yesterday's alert rings nobody."""
    log, phone = Log(each_store, "en"), Phone()
    await log.append(at_once("yesterday's"), AMAL)
    workers = [asyncio.create_task(runner.run(log, name, phone)) for name in ("amal", "luis")]
    await joined(each_store)
    for number in range(20):
        await log.append(at_once(f"item {number}"), AMAL)
    await until(lambda: len(phone.rung) >= 20, "twenty rings")
    await tasks.end(workers)
    assert sorted(f"item {n}" for n in range(20)) == sorted(entry.item.headline for entry in phone.rung)
    assert 0 == (await each_store.redis.xpending("{ticker:en}:log", "push"))["pending"]


async def test_what_was_taken_back_meanwhile_rings_nobody(each_store: Store) -> None:
    """The item is read again before it is sent: only its retraction is passed on."""
    log, phone = Log(each_store, "en"), Phone()
    await log.claims(runner.GROUP, "amal").join()
    item = (await log.append(at_once("wrong"), AMAL)).item
    await log.append(acts.retract(item, "wrong"), AMAL)
    worker = asyncio.create_task(runner.run(log, "amal", phone))
    await until(lambda: bool(phone.rung), "the retraction")
    await tasks.end([worker])
    assert ["retract"] == [entry.act for entry in phone.rung]


async def test_what_a_dead_worker_held_is_taken_over(each_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """At least once: what was claimed and not acknowledged is sent by the next."""
    monkeypatch.setattr(runner, "TAKE_OVER_MS", 0)  # the same rule with less patience
    log, phone = Log(each_store, "en"), Phone()
    claims = log.claims(runner.GROUP, "dead")
    await claims.join()
    await log.append(at_once("claimed"), AMAL)
    async with claims.incoming() as batches:
        await anext(batches)
    worker = asyncio.create_task(runner.run(log, "luis", phone))
    await until(lambda: bool(phone.rung), "the alert of the dead worker")
    await tasks.end([worker])
    assert ["claimed"] == [entry.item.headline for entry in phone.rung]


async def test_a_provider_that_fails_loses_nothing(each_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its entry stays claimed, and is sent when the provider is back."""
    monkeypatch.setattr(runner, "TAKE_OVER_MS", 0)
    log, phone = Log(each_store, "en"), Phone()
    phone.broken = True
    await log.claims(runner.GROUP, "amal").join()
    await log.append(at_once("late"), AMAL)
    worker = asyncio.create_task(tasks.supervised("push", lambda: runner.run(log, "amal", phone)))

    async def claimed() -> bool:
        return bool((await each_store.redis.xpending("{ticker:en}:log", "push"))["pending"])

    await until(claimed, "the entry to be claimed")
    phone.broken = False
    await until(lambda: bool(phone.rung), "the alert")
    await tasks.end([worker])
    assert ["late"] == [entry.item.headline for entry in phone.rung]


async def test_a_flushed_store_makes_the_group_again(each_store: Store) -> None:
    """The bridge goes on with what comes next."""
    log, phone = Log(each_store, "en"), Phone()
    worker = asyncio.create_task(tasks.supervised("push", lambda: runner.run(log, "amal", phone)))
    await joined(each_store)
    await each_store.redis.flushall()
    await joined(each_store)
    await log.append(at_once("after"), AMAL)
    await until(lambda: bool(phone.rung), "the alert")
    await tasks.end([worker])


async def test_a_push_waits_and_can_be_stopped(each_store: Store) -> None:
    """The web shows it at once; undone in time, it rings nobody, and neither does what only moved it about."""
    log, phone = Log(each_store, "en"), Phone()
    quick = EN.model_copy(update={"push_hold": 1})
    await log.claims(runner.GROUP, "amal").join()
    stopped = (await log.append(acts.publish(Draft(headline="stopped"), quick, str(ULID()), "amal"), AMAL)).item
    rings = (await log.append(acts.publish(Draft(headline="rings"), quick, str(ULID()), "amal"), AMAL)).item
    worker = asyncio.create_task(runner.run(log, "amal", phone))
    await log.append(acts.undo(stopped, quick), AMAL)
    assert not phone.rung
    await until(lambda: bool(phone.rung), "the other one to ring")
    await log.append(acts.pin(rings, None, EN), AMAL)
    await log.append(at_once("last"), AMAL)
    await until(lambda: len(phone.rung) > 1, "the last one to ring")
    await tasks.end([worker])
    assert ["rings", "last"] == [entry.item.headline for entry in phone.rung]
    assert phone.rung[0].item.push_at is not None
    assert await log.now() >= phone.rung[0].item.push_at


async def test_what_is_for_the_web_only_rings_nobody(each_store: Store) -> None:
    """`push.enabled` is false."""
    log, phone = Log(each_store, "en"), Phone()
    await log.claims(runner.GROUP, "amal").join()
    quiet = Draft(headline="quiet", push=Push(enabled=False))
    await log.append(acts.publish(quiet, EN_AT_ONCE, str(ULID()), "amal"), AMAL)
    await log.append(at_once("loud"), AMAL)
    worker = asyncio.create_task(runner.run(log, "amal", phone))
    await until(lambda: bool(phone.rung), "the loud one to ring")
    await tasks.end([worker])
    assert ["loud"] == [entry.item.headline for entry in phone.rung]
