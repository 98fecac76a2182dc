"""The log: one contract, held by the embedded Valkey and by Redis 7."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from ticker import item as rules
from ticker.channel import DEFAULT
from ticker.entry import START, Cursor, Entry
from ticker.errors import IdempotencyConflict, StaleVersion, Unprocessable
from ticker.item import Draft
from ticker.store import Store
from ticker.stream import Change, Log
from ulid import ULID

from tests.waiting import until

EN = DEFAULT[0]


def publishing(headline: str = "The bridge is open again", expires: int | str | None = None) -> Change:
    """A new item, as an editor of `en` would post it."""
    item = rules.publish(Draft(headline=headline), EN, str(ULID()))
    return Change("publish", item, 0, ("firstcreated", "published_at", "versioncreated"), expires)


async def newest(log: Log) -> Entry:
    """The last entry."""
    return (await log.read(1)).entries[-1]


async def test_entries_are_numbered_without_holes_and_name_the_one_before(each_store: Store) -> None:
    """Numbers count 1, 2, 3 within one epoch, and each entry names its predecessor."""
    log = Log(each_store, "en")
    for number in range(5):
        await log.append(publishing(f"item {number}"))
    state = await log.read(10)
    assert [1, 2, 3, 4, 5] == [entry.cursor.n for entry in state.entries]
    assert 1 == len({entry.cursor.epoch for entry in state.entries})
    assert START == state.entries[0].previous
    assert all(later.previous == earlier.cursor for earlier, later in pairwise(state.entries))
    assert state.entries[-1].cursor == state.cursor == state.last


async def test_the_store_sets_version_and_times(each_store: Store) -> None:
    """Version 1, the same moment three times, and the expiry asked for, all by the store's clock."""
    log = Log(each_store, "en")
    appended = await log.append(publishing(expires="+60000"))
    seconds, microseconds = await each_store.redis.time()
    item = appended.item
    assert 1 == item.version
    assert item.firstcreated == item.published_at == item.versioncreated
    assert 0 <= seconds * 1000 + microseconds // 1000 - item.versioncreated < 5_000
    assert item.versioncreated + 60_000 == item.expires
    assert item == await log.item(item.id)


async def test_a_change_keeps_the_times_that_it_does_not_set(each_store: Store) -> None:
    """A retraction has a time of its own and keeps when the item was published."""
    log = Log(each_store, "en")
    first = (await log.append(publishing())).item
    second = (await log.append(Change("retract", rules.retract(first, "wrong"), 1))).item
    assert (2, first.published_at) == (second.version, second.published_at)
    assert second.versioncreated >= first.versioncreated


async def test_the_same_request_fifty_times_at_once_is_one_entry(each_store: Store) -> None:
    """All fifty get the same item and cursor, and the log holds one entry."""
    log = Log(each_store, "en")
    appended = await asyncio.gather(*(log.append(publishing(), key="desk 1", fingerprint="f") for _ in range(50)))
    assert 1 == len({found.cursor for found in appended})
    assert 1 == len({found.item.id for found in appended})
    assert 49 == sum(found.repeated for found in appended)
    assert 1 == len((await log.read(100)).entries)


async def test_a_key_that_was_used_for_something_else_is_a_conflict(each_store: Store) -> None:
    """The second request is refused, and nothing is stored."""
    log = Log(each_store, "en")
    await log.append(publishing("one"), key="k", fingerprint="one")
    with pytest.raises(IdempotencyConflict):
        await log.append(publishing("two"), key="k", fingerprint="two")
    assert 1 == len((await log.read(100)).entries)


async def test_an_idempotency_record_does_not_stay_for_ever(each_store: Store) -> None:
    """It has a life of a day."""
    log = Log(each_store, "en")
    await log.append(publishing(), key="k", fingerprint="f")
    records = [name async for name in each_store.redis.scan_iter(match="{ticker:en}:idem:*")]
    assert 1 == len(records)
    assert 0 < await each_store.redis.pttl(records[0]) <= 24 * 3600 * 1000


async def test_a_change_of_an_old_version_is_refused(each_store: Store) -> None:
    """Of twenty changes of the same version one succeeds."""
    log = Log(each_store, "en")
    item = (await log.append(publishing())).item
    change = Change("retract", rules.retract(item, "wrong"), 1)
    outcomes = await asyncio.gather(*(log.append(change) for _ in range(20)), return_exceptions=True)
    assert 19 == sum(isinstance(outcome, StaleVersion) for outcome in outcomes)
    assert 2 == len((await log.read(100)).entries)


async def test_an_expiry_in_the_past_is_refused_and_nothing_is_stored(each_store: Store) -> None:
    """By the store's clock, not by ours."""
    log = Log(each_store, "en")
    seconds, _ = await each_store.redis.time()
    with pytest.raises(Unprocessable, match="expires"):
        await log.append(publishing(expires=seconds * 1000 - 1))
    assert [] == (await log.read(100)).entries
    assert await log.empty()


async def test_a_heartbeat_tells_what_is_due(each_store: Store) -> None:
    """An item whose time has come is named until it is taken out; one whose time has not, is not."""
    log = Log(each_store, "en")
    await log.append(publishing("later", expires="+3600000"))
    soon = (await log.append(publishing("soon", expires="+1"))).item

    async def due() -> bool:
        return [soon.id] == (await log.beat()).due

    await until(due, "the item to be due")
    await log.append(Change("expire", rules.expire(soon), 1))
    assert [] == (await log.beat()).due


async def test_the_log_keeps_no_more_entries_than_told(each_store: Store) -> None:
    """The oldest go."""
    log = Log(each_store, "en", length=100)
    for number in range(105):
        await log.append(publishing(f"item {number}"))
    assert [6, 105] == [(await log.read(1000)).entries[place].cursor.n for place in (0, -1)]


async def test_the_tail_gives_entries_in_order_and_heartbeats(each_store: Store) -> None:
    """A reader that follows gets every entry after its position once, and the store's time with each heartbeat."""
    log = Log(each_store, "en")
    await log.append(publishing("before"))
    position = (await log.read(10)).last
    seen: list[Entry] = []
    beats: list[int] = []
    async with log.tail() as tail:

        async def follow() -> None:
            nonlocal position
            while len(seen) < 30 or not beats:
                found, pulse = await tail.read(position)
                seen.extend(found)
                position = seen[-1].cursor if seen else position
                if pulse is not None:
                    beats.append(pulse.at)

        following = asyncio.create_task(follow())
        for number in range(30):
            await log.append(publishing(f"item {number}"))
        await asyncio.wait_for(following, 10)
    assert [f"item {number}" for number in range(30)] == [entry.item.headline for entry in seen]


async def test_a_cancelled_read_hurts_nobody(each_store: Store) -> None:
    """Its connection is dropped with the answer it still owes; every later command gets its own answer."""
    log = Log(each_store, "en")
    position = (await log.read(10)).last
    for number in range(20):
        async with log.tail() as tail:
            reading = asyncio.create_task(tail.read(Cursor(position.epoch + 1, number)))
            await log.append(publishing(f"item {number}"))
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        assert f"item {number}" == (await newest(log)).item.headline


async def test_a_lost_log_begins_a_new_epoch_above_every_number_given_out(each_store: Store) -> None:
    """After FLUSHALL no cursor is ever used a second time."""
    log = Log(each_store, "en")
    before = (await log.append(publishing())).cursor

    async def later() -> bool:
        seconds, microseconds = await each_store.redis.time()
        return bool(seconds * 1000 + microseconds // 1000 > before.epoch)

    await until(later, "the store's clock to leave the millisecond in which the epoch began")
    await each_store.redis.flushall()
    after = (await log.append(publishing())).cursor
    assert 1 == before.n == after.n
    assert after.epoch > before.epoch


async def test_a_lost_stream_begins_a_new_epoch_though_its_meta_is_there(each_store: Store) -> None:
    """What a partial restore leaves behind does not count as the same life."""
    log = Log(each_store, "en")
    before = (await log.append(publishing())).cursor
    await each_store.redis.delete("{ticker:en}:log")
    assert (await log.beat()).cursor > before


async def test_a_lost_meta_begins_a_new_epoch_above_the_stream(each_store: Store) -> None:
    """Ids keep rising in the stream that is still there."""
    log = Log(each_store, "en")
    before = (await log.append(publishing("one"))).cursor
    await each_store.redis.delete("{ticker:en}:meta")
    after = await log.append(publishing("two"))
    assert after.cursor.epoch > before.epoch
    assert ["one", "two"] == [entry.item.headline for entry in (await log.read(10)).entries]
    assert before == (await newest(log)).previous


async def test_a_clock_that_was_set_back_still_gives_rising_ids(each_store: Store) -> None:
    """A log from the future, as a clock set back makes it seem, goes on above itself."""
    log = Log(each_store, "en")
    await each_store.redis.xadd("{ticker:en}:log", {"previous": "0-0", "act": "x", "item": "{}"}, id="9000000000000-7")
    assert Cursor(9_000_000_000_001, 1) == (await log.append(publishing())).cursor


async def test_another_server_with_the_same_data_is_another_epoch(each_store: Store) -> None:
    """A new replication id, which every promotion and restart brings, ends the epoch even when nothing was lost."""
    log = Log(each_store, "en")
    before = (await log.append(publishing())).cursor
    await each_store.redis.hset("{ticker:en}:meta", "replid", "0" * 40)
    assert (await log.beat()).cursor.epoch > before.epoch


async def test_channels_do_not_meet(each_store: Store) -> None:
    """Each has its own numbers, items and idempotency keys."""
    english, arabic = Log(each_store, "en"), Log(each_store, "ar")
    first = await english.append(publishing(), key="k", fingerprint="f")
    second = await arabic.append(publishing(), key="k", fingerprint="g")
    assert (1, 1) == (first.cursor.n, second.cursor.n)
    assert await arabic.item(first.item.id) is None


async def test_a_claimed_entry_goes_to_one_worker_and_is_taken_over_when_he_dies(each_store: Store) -> None:
    """Two workers share the entries; what one claimed and did not acknowledge goes to the other."""
    log = Log(each_store, "en")
    await log.append(publishing("yesterday's"))
    amal, luis = log.claims("push", "amal"), log.claims("push", "luis")
    await amal.join()
    await luis.join()
    await log.append(publishing("one"))
    async with amal.incoming() as batches:
        claimed = await anext(batches)
    assert ["one"] == [entry.item.headline for entry in claimed]
    taken = await luis.left_over(0)
    assert claimed == taken
    await luis.done(taken[0])
    assert [] == await amal.left_over(0)


async def test_an_entry_that_the_script_did_not_write_is_named(each_store: Store) -> None:
    """Somebody else's data under our key is a fault to be heard, not an item."""
    log = Log(each_store, "en")
    await each_store.redis.xadd("{ticker:en}:log", {"hello": "world"}, id="5-1")
    with pytest.raises(ValueError, match="5-1"):
        await log.read(10)
