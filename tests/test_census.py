"""The counts of all processes, side by side in the store."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from typing import Any

import pytest
from ticker import census, tasks
from ticker.census import BATCH, KEEP_SECONDS, MOST, REFRESH_MS, STALE_MS, Census
from ticker.embedded import EmbeddedStore
from ticker.metrics import Metrics
from ticker.reach import Reach
from ticker.store import Store

from tests.stage import short_directory
from tests.test_metrics import value
from tests.test_reach import STORED, Watch, broadcast, stored
from tests.waiting import until

READERS, REACH = "{ticker:en}:readers", "{ticker:en}:reach:a"


class Office:
    """One process that counts `en`, with so many readers."""

    def __init__(self, store: Store, readers: int = 0) -> None:
        self.watch = Watch()
        self.reach = Reach(self.watch, 1.0)
        self.crowd = [object()] * readers
        self.metrics = Metrics({"en"})
        self.census = Census(store, {"en": self.reach}, {"en": self.crowd}, self.metrics)

    def told(self, n: int, readers: int, version: int = 1, item: str = "a") -> None:
        """So many had this entry at once."""
        self.reach.note([stored(n, version, item)])
        self.reach.told(broadcast(n, (0.0, readers)))


async def test_what_two_processes_have_counted_adds_up(each_store: Store) -> None:
    """Readers, screens that have each version, and the processes that say so."""
    one, two = Office(each_store, 120), Office(each_store, 80)
    one.told(1, 120)
    two.told(1, 80)
    two.told(2, 79, version=2)
    for office in (one, two):
        await office.census.write()
    found = await census.reach(each_store, "en", "a")
    assert [(2, 79), (1, 200)] == [(version, of.reached.count) for version, of in found.items()]
    assert 200.0 == found[1].asked
    assert (200, 2) == await census.readers(each_store, "en", STORED)
    assert {} == await census.reach(each_store, "en", "b")
    assert (0, 0) == await census.readers(each_store, "ar", STORED)


async def test_a_count_that_grows_is_written_whole(each_store: Store) -> None:
    """So nothing is counted twice, however often it is written."""
    office = Office(each_store, 3)
    office.told(1, 2)
    await office.census.write()
    await office.census.write()
    office.told(1, 1)
    await office.census.write()
    found = await census.reach(each_store, "en", "a")
    assert 3 == found[1].reached.count
    assert 1 == await each_store.redis.hlen(REACH)


async def test_what_is_counted_is_written_soon(each_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has nothing to write rests, until something is counted; a receipt is."""
    monkeypatch.setattr(census, "REST", 3600.0)
    office = Office(each_store, 3)
    running = asyncio.create_task(office.census.run())

    async def written(count: int, seen: int) -> bool:
        found = (await census.reach(each_store, "en", "a")).get(1)
        return found is not None and (count, seen) == (found.reached.count, found.seen.count)

    async def begun() -> bool:
        return bool(await each_store.redis.exists(READERS))

    await until(begun, "its readers to be told")
    office.told(1, 3)
    await until(lambda: written(3, 0), "the count")
    assert office.reach.seen(str(stored(1).cursor))
    await until(lambda: written(3, 1), "the receipt")
    await tasks.end([running])


async def test_counts_are_kept_for_a_day(each_store: Store) -> None:
    """Then they go by themselves."""
    office = Office(each_store, 1)
    office.told(1, 1)
    await office.census.write()
    assert KEEP_SECONDS - 60 < await each_store.redis.ttl(REACH) <= KEEP_SECONDS
    assert 0 < await each_store.redis.ttl(READERS) <= census.FORGET_SECONDS


async def test_a_process_that_says_nothing_has_no_readers(each_store: Store) -> None:
    """And its field is taken out by the next one that begins."""
    killed, living = Office(each_store, 5), Office(each_store, 7)
    await killed.census.write()
    living.watch.now = STORED + census.FORGET_SECONDS * 1000 + 1
    assert (5, 1) == await census.readers(each_store, "en", STORED + STALE_MS - 1)
    assert (0, 0) == await census.readers(each_store, "en", STORED + STALE_MS)
    await living.census.write()
    assert [living.census.process.encode()] == await each_store.redis.hkeys(READERS)


async def test_readers_are_told_when_they_change_and_now_and_then(each_store: Store) -> None:
    """Not with every look."""
    office = Office(each_store, 5)

    async def told() -> Any:
        await office.census.write()
        return await each_store.redis.hget(READERS, office.census.process)

    first = await told()
    office.watch.now += REFRESH_MS - 1
    assert first == await told()
    office.watch.now += 1
    assert f"5 {STORED + REFRESH_MS}".encode() == await told()
    office.watch.now += 1
    office.crowd.pop()
    assert f"4 {STORED + REFRESH_MS + 1}".encode() == await told()


async def test_who_ends_takes_its_readers_along_and_leaves_its_counts(each_store: Store) -> None:
    """All of them, also those that had to wait."""
    office = Office(each_store, 5)
    await office.census.write()
    for n in range(1, MOST + BATCH):
        office.told(n, 5, item=f"item-{n}")
    await office.census.leave()
    assert not await each_store.redis.exists(READERS)
    found = await census.reach(each_store, "en", f"item-{MOST + BATCH - 1}")
    assert 5 == found[1].reached.count


async def test_a_burst_is_written_little_by_little(store: Store) -> None:
    """The process has readers to serve."""
    office = Office(store, 1)
    for n in range(1, MOST + 10):
        office.told(n, 1, item=f"item-{n}")
    await office.census.write()
    assert 9 == len(office.reach)
    await office.census.write()
    assert 0 == len(office.reach)


async def test_a_store_that_is_away_costs_nothing_but_time(caplog: pytest.LogCaptureFixture) -> None:
    """It is said once; what was counted meanwhile is written when it is there again, and nobody has waited for it."""
    with short_directory() as directory:
        embedded = EmbeddedStore(directory)
        embedded.start()
        store = Store(embedded.url)
        office = Office(store, 2)
        try:
            os.kill(embedded.pid, signal.SIGSTOP)
            office.told(1, 2)
            with caplog.at_level(logging.WARNING, "ticker.census"):
                await office.census.write()
                await office.census.write()
            assert 1 == len([record for record in caplog.records if record.name == "ticker.census"])
            assert 1 == len(office.reach)
            os.kill(embedded.pid, signal.SIGCONT)
            await office.census.write()
            found = await census.reach(store, "en", "a")
            assert 2 == found[1].reached.count
        finally:
            os.kill(embedded.pid, signal.SIGCONT)
            await store.close()
            embedded.stop()


async def test_who_may_not_write_goes_on_counting(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """A user of the store from before there was any of this: the log says so, and nothing else happens."""
    await store.redis.set(READERS, "of somebody else")
    office = Office(store, 2)
    office.told(1, 2)
    await office.census.write()
    assert "WRONGTYPE" in caplog.text
    assert 2 == (await census.reach(store, "en", "a"))[1].reached.count


async def test_what_is_given_up_is_counted(store: Store) -> None:
    """Nobody learns the number of readers of that entry."""
    office = Office(store, 1)
    office.reach._most = 2
    for n in (1, 2, 3):
        office.told(n, 1, item=f"item-{n}")
    await office.census.write()
    assert 1 == value(office.metrics.page(), "ticker_reach_dropped_total")


async def test_what_is_none_of_ours_in_the_store_is_passed_over(store: Store) -> None:
    """Of a later release, or of nobody."""
    office = Office(store, 2)
    office.told(1, 2)
    await office.census.write()
    await store.redis.hset(REACH, mapping={"x": "1", "1:later": "{}", "2:": "no json"})
    await store.redis.hset(READERS, mapping={"x": "", "y": "many 1", "z": f"1.5 {STORED}"})
    found = await census.reach(store, "en", "a")
    assert [(1, 2)] == [(version, of.reached.count) for version, of in found.items()]
    assert (2, 1) == await census.readers(store, "en", STORED)


async def test_a_write_that_is_cancelled_loses_nothing(store: Store) -> None:
    """The process ends in the middle of one."""
    office = Office(store, 2)
    office.told(1, 2)
    await store.redis.client_pause(1200, all=True)
    writing = asyncio.create_task(office.census.write())
    await until(lambda: not len(office.reach), "the count to be on its way")
    await tasks.end([writing])
    assert 1 == len(office.reach)
