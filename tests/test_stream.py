"""The log: one contract, held by the embedded Valkey and by Redis 7."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from ticker import acts
from ticker.airing import Change
from ticker.channel import DEFAULT
from ticker.entry import START, UNREAD, Cursor, Entry
from ticker.errors import (
    EmbargoInThePast,
    ExpiryInThePast,
    IdempotencyConflict,
    PastTime,
    PinInThePast,
    PinTaken,
    PushSent,
    ScheduleInThePast,
    Similar,
    StaleVersion,
)
from ticker.fanout import NO_PULSE
from ticker.item import Item, iso
from ticker.store import Store
from ticker.stream import SIMILAR_MS, Log
from ticker.tail import Tail
from ulid import ULID

from tests.desk import everything
from tests.test_draft import draft, patch
from tests.waiting import until

EN = DEFAULT[0]
AMAL, LUIS = "amal Amal, editor of en", "luis Luis, editor of ar"
MINUTE = 60_000


def publishing(headline: str = "The bridge is open again", **fields: Any) -> Change:
    """A new item, as an editor of `en` would post it."""
    return acts.publish(draft(headline=headline, **fields), EN, str(ULID()), "amal")


def ending(headline: str = "The bridge is open again", after: int = 1, **fields: Any) -> Change:
    """The same, with its end so many milliseconds after it is stored."""
    return replace(publishing(headline, **fields), after={"expires": after}, due_after=(after,))


async def clock(store: Store) -> int:
    """The store's time, milliseconds."""
    seconds, microseconds = await store.redis.time()
    return int(seconds * 1000 + microseconds // 1000)


async def at(store: Store, distance: int) -> str:
    """A moment so many milliseconds from now by the store's clock, as an editor writes it."""
    return iso(await clock(store) + distance)


async def newest(log: Log) -> Entry:
    """The last entry."""
    return (await log.read(1)).entries[-1]


async def test_entries_are_numbered_without_holes_and_name_the_one_before(each_store: Store) -> None:
    """Numbers count 1, 2, 3 within one epoch, and each entry names its predecessor."""
    log = Log(each_store, "en")
    for number in range(5):
        await log.append(publishing(f"item {number}"), AMAL)
    state = await log.read(10)
    assert [1, 2, 3, 4, 5] == [entry.cursor.n for entry in state.entries]
    assert 1 == len({entry.cursor.epoch for entry in state.entries})
    assert START == state.entries[0].previous
    assert all(later.previous == earlier.cursor for earlier, later in pairwise(state.entries))
    assert state.entries[-1].cursor == state.cursor == state.last


async def test_the_store_sets_version_and_times(each_store: Store) -> None:
    """Version 1, the same moment three times, and what was asked for as a distance from it, by the store's clock."""
    log = Log(each_store, "en")
    item = (await log.append(publishing(), AMAL)).item
    assert 1 == item.version
    assert item.firstcreated == item.published_at == item.versioncreated
    assert 0 <= await clock(each_store) - item.versioncreated < 5_000
    assert (item.versioncreated + 24 * 60 * MINUTE, item.versioncreated + 5_000) == (item.expires, item.push_at)
    assert item == await log.item(item.id)
    assert item == (await newest(log)).item


async def test_a_change_keeps_the_times_that_it_does_not_set(each_store: Store) -> None:
    """A retraction has a time of its own and keeps when the item was published."""
    log = Log(each_store, "en")
    first = (await log.append(publishing(), AMAL)).item
    second = (await log.append(acts.retract(first, "wrong"), AMAL)).item
    assert (2, first.published_at) == (second.version, second.published_at)
    assert second.versioncreated >= first.versioncreated


async def test_an_act_that_readers_are_not_told_of_is_in_the_store_and_not_in_the_log(each_store: Store) -> None:
    """The item has its versions; the cursor stands, and the next entry follows without a hole."""
    log = Log(each_store, "en")
    before = (await log.append(publishing("one"), AMAL)).cursor
    scheduled = await log.append(publishing("two", publish_at=await at(each_store, MINUTE)), AMAL)
    held = await log.append(acts.hold(scheduled.item), AMAL)
    assert (before, before) == (scheduled.cursor, held.cursor)
    assert (2, "held") == (held.item.version, held.item.state)
    assert held.item == await log.item(held.item.id)
    after = await log.append(publishing("three"), AMAL)
    assert before.n + 1 == after.cursor.n
    assert before == (await newest(log)).previous


async def test_the_same_request_fifty_times_at_once_is_one_entry(each_store: Store) -> None:
    """All fifty get the same item and cursor, and the log holds one entry."""
    log = Log(each_store, "en")
    answers = await asyncio.gather(*(log.append(publishing(), AMAL, key="desk 1", fingerprint="f") for _ in range(50)))
    assert 1 == len({found.cursor for found in answers})
    assert 1 == len({found.item.id for found in answers})
    assert 49 == sum(found.repeated for found in answers)
    assert 1 == len((await log.read(100)).entries)


async def test_a_key_that_was_used_for_something_else_is_a_conflict(each_store: Store) -> None:
    """The second request is refused, and nothing is stored."""
    log = Log(each_store, "en")
    await log.append(publishing("one"), AMAL, key="k", fingerprint="one")
    with pytest.raises(IdempotencyConflict):
        await log.append(publishing("two"), AMAL, key="k", fingerprint="two")
    assert 1 == len((await log.read(100)).entries)


async def test_an_idempotency_record_does_not_stay_for_ever(each_store: Store) -> None:
    """It has a life of a day."""
    log = Log(each_store, "en")
    await log.append(publishing(), AMAL, key="k", fingerprint="f")
    records = [name async for name in each_store.redis.scan_iter(match="{ticker:en}:idem:*")]
    assert 1 == len(records)
    assert 0 < await each_store.redis.pttl(records[0]) <= 24 * 3600 * 1000


async def test_a_change_of_an_old_version_is_refused_with_the_newest(each_store: Store) -> None:
    """Of twenty changes of the same version one succeeds, and the others are given what it made."""
    log = Log(each_store, "en")
    item = (await log.append(publishing(), AMAL)).item
    changes = [acts.change(item, patch(headline=f"by {n}"), EN, str(n)) for n in range(20)]
    outcomes = await asyncio.gather(*(log.append(change, AMAL) for change in changes), return_exceptions=True)
    (won,) = [outcome.item for outcome in outcomes if not isinstance(outcome, BaseException)]
    lost = [outcome for outcome in outcomes if isinstance(outcome, StaleVersion)]
    assert [won] * 19 == [outcome.newest for outcome in lost]
    assert 2 == len((await log.read(100)).entries)


async def test_a_change_of_an_item_that_is_not_there_is_refused(each_store: Store) -> None:
    """There is no newest version to be given then."""
    log = Log(each_store, "en")
    with pytest.raises(StaleVersion) as refused:
        await log.append(replace(publishing(), expected=3), AMAL)
    assert refused.value.newest is None
    assert await log.empty()


@pytest.mark.parametrize(
    ("field", "error"),
    [
        ("expires", ExpiryInThePast),
        ("publish_at", ScheduleInThePast),
        ("embargoed", EmbargoInThePast),
    ],
)
async def test_a_moment_in_the_past_is_refused_and_nothing_is_stored(
    each_store: Store, field: str, error: type[PastTime]
) -> None:
    """By the store's clock, not by ours, and by the name of the field."""
    log = Log(each_store, "en")
    before = await everything(each_store)
    with pytest.raises(error) as refused:
        await log.append(publishing(**{field: await at(each_store, -1)}), AMAL)
    assert field == refused.value.field
    assert before == await everything(each_store)
    assert (await log.append(publishing(**{field: await at(each_store, MINUTE)}), AMAL)).item.id


async def test_a_pin_that_would_end_in_the_past_is_refused_by_the_name_that_its_editor_gave(each_store: Store) -> None:
    """`until`, as in the request."""
    log = Log(each_store, "en")
    item = (await log.append(publishing(), AMAL)).item
    with pytest.raises(PinInThePast) as refused:
        await log.append(acts.pin(item, await clock(each_store) - 1, EN), AMAL)
    assert "until" == refused.value.field


async def test_one_item_of_a_channel_is_pinned_at_a_time(each_store: Store) -> None:
    """Another is refused with the id of the first until that is loose, by whatever act; of ten at once one wins."""
    log = Log(each_store, "en")
    items = [(await log.append(publishing(f"item {number}"), AMAL)).item for number in range(10)]
    outcomes = await asyncio.gather(
        *(log.append(acts.pin(item, None, EN), AMAL) for item in items), return_exceptions=True
    )
    (pinned,) = [outcome.item for outcome in outcomes if not isinstance(outcome, BaseException)]
    assert [f"Item {pinned.id} is pinned. Unpin it first."] * 9 == [
        outcome.detail for outcome in outcomes if isinstance(outcome, PinTaken)
    ]
    free = [item for item in items if item.id != pinned.id]
    # The one that is pinned may be pinned again, and changed.
    pinned = (await log.append(acts.pin(pinned, None, EN), AMAL)).item
    pinned = (await log.append(acts.change(pinned, patch(live=True), EN, "amal"), AMAL)).item
    with pytest.raises(PinTaken):
        await log.append(acts.pin(free[0], None, EN), AMAL)
    for loosen in (
        lambda item: acts.unpin(item, EN),
        acts.hold,
        acts.expire,
        lambda item: acts.retract(item, "wrong"),
    ):
        await log.append(loosen(pinned), AMAL)
        pinned = (await log.append(acts.pin(free.pop(), None, EN), AMAL)).item


async def test_a_pin_of_one_channel_is_none_of_anothers_business(each_store: Store) -> None:
    """Each has its own."""
    for log in (Log(each_store, "en"), Log(each_store, "ar")):
        item = (await log.append(publishing(), AMAL)).item
        await log.append(acts.pin(item, None, EN), AMAL)


async def test_a_push_can_be_stopped_until_it_leaves(each_store: Store) -> None:
    """By the store's clock; with no pause at all there is nothing to stop."""
    log = Log(each_store, "en")
    item = (await log.append(publishing("slow"), AMAL)).item
    stopped = (await log.append(acts.undo(item, EN), AMAL)).item
    assert (None, False, "published") == (stopped.push_at, stopped.push.enabled, stopped.state)
    at_once = EN.model_copy(update={"push_hold": 0})
    item = (await log.append(acts.publish(draft(headline="quick"), at_once, str(ULID()), "amal"), AMAL)).item
    with pytest.raises(PushSent):
        await log.append(acts.undo(item, EN), AMAL)
    assert item == await log.item(item.id)


async def test_no_two_versions_have_the_same_push(each_store: Store) -> None:
    """A push is named by the moment at which it was to leave, also when two acts fall into one millisecond."""
    log = Log(each_store, "en")
    versions = [(await log.append(publishing("17 are safe"), AMAL)).item]

    async def both_in_one_millisecond() -> bool:
        correction = patch(headline=f"{len(versions)} are safe")
        versions.append((await log.append(acts.change(versions[-1], correction, EN, "amal"), AMAL)).item)
        return versions[-1].versioncreated == versions[-2].versioncreated

    while not await both_in_one_millisecond():
        assert len(versions) < 10_000, "no two acts within one millisecond"
    last, before = versions[-1], versions[-2]
    assert last.push_at is not None
    assert before.push_at is not None
    assert 1 == last.push_at - before.push_at
    assert len(versions) == len({version.push_at for version in versions})


async def test_a_hold_that_was_made_shorter_counts_at_once(each_store: Store) -> None:
    """The push of a newer version may leave long before that of an older one would have."""
    log = Log(each_store, "en")
    slow = EN.model_copy(update={"push_hold": 60})
    item = (await log.append(acts.publish(draft(headline="slow"), slow, str(ULID()), "amal"), AMAL)).item
    quick = (await log.append(acts.change(item, patch(headline="quick"), EN, "amal"), AMAL)).item
    assert quick.push_at == quick.versioncreated + 1000 * EN.push_hold


# The same text.


async def texts(store: Store) -> list[Any]:
    """The records of texts that were published within the last half hour."""
    return [name async for name in store.redis.scan_iter(match="{ticker:en}:text:*")]


async def test_the_same_text_within_half_an_hour_is_refused_when_asked_to(each_store: Store) -> None:
    """The refusal names the item that says it; who did not ask to be guarded, is not."""
    log = Log(each_store, "en")
    first = (await log.append(publishing("Bridge open", attribution="Police"), AMAL, guard=True)).item
    for same in (publishing("POLICE — bridge, open!"), publishing("open", attribution="Police: Bridge")):
        with pytest.raises(Similar, match=first.id) as refused:
            await log.append(same, AMAL, guard=True)
        assert "headline" == refused.value.field
    await log.append(publishing("Bridge open"), AMAL, guard=True)
    assert 2 == len(await texts(each_store))
    second = (await log.append(publishing("Police: bridge open"), AMAL)).item
    # From now on it is the newer one that says it.
    with pytest.raises(Similar, match=second.id):
        await log.append(publishing("Police: bridge open"), AMAL, guard=True)


async def test_the_same_text_is_news_again_after_half_an_hour(each_store: Store) -> None:
    """The record ends by itself."""
    log = Log(each_store, "en")
    await log.append(publishing(), AMAL, guard=True)
    (record,) = await texts(each_store)
    assert SIMILAR_MS - 5_000 < await each_store.redis.pttl(record) <= SIMILAR_MS == 30 * MINUTE
    await each_store.redis.pexpire(record, 1)

    async def forgotten() -> bool:
        return not await texts(each_store)

    await until(forgotten, "the record to end")
    assert (await log.append(publishing(), AMAL, guard=True)).item.id


async def test_only_what_says_a_text_begins_the_half_hour_anew(each_store: Store) -> None:
    """An item that is pinned, held, or expires after a day is not said again by that; its update is."""
    log = Log(each_store, "en")
    item = (await log.append(publishing(), AMAL)).item
    (record,) = await texts(each_store)

    async def left(change: Change) -> tuple[Item, bool]:
        await each_store.redis.pexpire(record, MINUTE)
        appended = await log.append(change, AMAL)
        return appended.item, await each_store.redis.pttl(record) <= MINUTE

    item, old = await left(acts.pin(item, None, EN))
    assert old
    item, old = await left(acts.unpin(item, EN))
    assert old
    item, old = await left(acts.undo(item, EN))
    assert old
    item, old = await left(acts.hold(item))
    assert old
    item, old = await left(acts.release(item, EN))
    assert not old
    item, old = await left(acts.change(item, patch(live=True), EN, "amal"))
    assert not old
    item, old = await left(acts.expire(item))
    assert old
    item, old = await left(acts.retract(item, "wrong"))
    assert old


async def test_a_retraction_does_not_free_its_text(each_store: Store) -> None:
    """What was wrong is not said again by a slip; a new item that names the retracted one may say it."""
    log = Log(each_store, "en")
    item = (await log.append(publishing(), AMAL)).item
    await log.append(acts.retract(item, "wrong"), AMAL)
    with pytest.raises(Similar, match=item.id):
        await log.append(publishing(), AMAL, guard=True)
    stands_for = (await log.append(publishing(replaces=item.id), AMAL, guard=True)).item
    assert item.id == stands_for.replaces


async def test_a_text_that_folds_to_nothing_is_like_no_other(each_store: Store) -> None:
    """Symbols alone are not compared."""
    log = Log(each_store, "en")
    await log.append(publishing("🔥🔥"), AMAL, guard=True)
    await log.append(publishing("⚡"), AMAL, guard=True)
    assert [] == await texts(each_store)


async def test_what_is_said_in_another_channel_is_said_there(each_store: Store) -> None:
    """The same text in two channels is no slip."""
    for name in ("en", "es"):
        await Log(each_store, name).append(publishing(), AMAL, guard=True)


# What would be.


@pytest.mark.parametrize("kind", ["publish", "schedule", "update", "hold", "pin", "retract", "expire"])
async def test_a_rehearsal_stores_nothing_at_all(each_store: Store, kind: str) -> None:
    """It tells the version that would be, its times, and the item with the same text; every key is as it was."""
    log = Log(each_store, "en")
    item = (await log.append(publishing(story="bridge"), AMAL)).item
    change = {
        "publish": publishing(story="bridge"),
        "schedule": publishing(publish_at=await at(each_store, MINUTE)),
        "update": acts.change(item, patch(story="other", headline="Shut"), EN, "amal"),
        "hold": acts.hold(item),
        "pin": acts.pin(item, None, EN),
        "retract": acts.retract(item, "wrong"),
        "expire": acts.expire(item),
    }[kind]
    before = await everything(each_store)
    rehearsed = await log.append(change, AMAL, guard=True, dry=True)
    assert before == await everything(each_store)
    assert (change.expected + 1, START, False) == (rehearsed.item.version, rehearsed.cursor, rehearsed.repeated)
    assert abs(await clock(each_store) - rehearsed.item.versioncreated) < 5_000
    assert (item.id if kind in ("publish", "schedule") else "") == rehearsed.twin
    # And what was rehearsed can be done.
    assert rehearsed.item.version == (await log.append(change, AMAL)).item.version


# What waits, and what belongs together.


async def test_what_waits_and_what_stands_is_found(each_store: Store) -> None:
    """On air, scheduled, held; nothing that has ended. Each once."""
    log = Log(each_store, "en")
    later = await at(each_store, MINUTE)
    plain = (await log.append(publishing("on air"), AMAL)).item
    scheduled = (await log.append(publishing("scheduled", publish_at=later), AMAL)).item
    held = (await log.append(acts.hold((await log.append(publishing("held"), AMAL)).item), AMAL)).item
    kept = (await log.append(publishing("kept back", publish_at=later), AMAL)).item
    kept = (await log.append(acts.hold(kept), AMAL)).item
    for end in (acts.expire, lambda item: acts.retract(item, "wrong")):
        await log.append(end((await log.append(publishing("ends"), AMAL)).item), AMAL)
    found = await log.standing()
    assert sorted([plain.id, scheduled.id, held.id, kept.id]) == sorted(item.id for item in found)
    assert {"published", "scheduled", "held"} == {item.state for item in found}


async def test_the_items_of_a_story_are_found_by_it(each_store: Store) -> None:
    """In this channel, for a week after the last act; one that has moved to another story is of that one."""
    log = Log(each_store, "en")
    one = (await log.append(publishing("one", story="bridge"), AMAL)).item
    two = (await log.append(publishing("two", story="bridge"), AMAL)).item
    await log.append(publishing("three"), AMAL)
    assert {one.id, two.id} == {item.id for item in await log.of_story("bridge")}
    assert [] == await log.of_story("harbour") == await Log(each_store, "ar").of_story("bridge")
    assert 0 < await each_store.redis.pttl("{ticker:en}:story:bridge") <= 7 * 24 * 60 * MINUTE
    await log.append(acts.change(two, patch(story="harbour"), EN, "amal"), AMAL)
    assert ([one.id], [two.id]) == (
        [item.id for item in await log.of_story("bridge")],
        [item.id for item in await log.of_story("harbour")],
    )


async def test_items_are_found_by_their_ids_in_order_and_unknown_ones_are_left_out(each_store: Store) -> None:
    """And nothing is asked when nothing is wanted."""
    log = Log(each_store, "en")
    one, two = [(await log.append(publishing(name), AMAL)).item for name in ("one", "two")]
    assert [two, one] == await log.items([two.id, "nobody", one.id])
    assert [] == await log.items([])
    assert await log.item("nobody") is None


async def test_a_heartbeat_tells_what_is_due(each_store: Store) -> None:
    """An item whose time has come is named until it is taken out; one whose time has not, is not."""
    log = Log(each_store, "en")
    await log.append(publishing("later", expires=await at(each_store, MINUTE)), AMAL)
    soon = (await log.append(ending("soon"), AMAL)).item

    async def due() -> bool:
        return [soon.id] == (await log.beat()).due

    await until(due, "the item to be due")
    assert abs((await log.beat()).at - await log.now()) < 5_000
    await log.append(acts.expire(soon), AMAL)
    assert [] == (await log.beat()).due


async def test_the_log_keeps_no_more_entries_than_told(each_store: Store) -> None:
    """The oldest go."""
    log = Log(each_store, "en", length=100)
    for number in range(105):
        await log.append(publishing(f"item {number}"), AMAL)
    assert [6, 105] == [(await log.read(1000)).entries[place].cursor.n for place in (0, -1)]


async def test_the_tail_gives_entries_in_order_and_heartbeats(each_store: Store) -> None:
    """A reader that follows gets every entry after its position once, and the store's time with each heartbeat."""
    log = Log(each_store, "en")
    await log.append(publishing("before"), AMAL)
    position = (await log.read(10)).last
    seen: list[Entry] = []
    beats: list[int] = []
    async with each_store.line(4) as ask:

        async def follow() -> None:
            tail, place = Tail(ask), (position, NO_PULSE)
            while len(seen) < 30 or not beats:
                found, pulse = (await tail.read({log: place}))[log]
                seen.extend(found)
                place = (seen[-1].cursor if seen else position, pulse.id if pulse else place[1])
                if pulse is not None:
                    beats.append(pulse.at)

        following = asyncio.create_task(follow())
        for number in range(30):
            await log.append(publishing(f"item {number}"), AMAL)
        await asyncio.wait_for(following, 10)
    assert [f"item {number}" for number in range(30)] == [entry.item.headline for entry in seen]


async def test_a_cancelled_read_hurts_nobody(each_store: Store) -> None:
    """Its connection is dropped with the answer it still owes; every later command gets its own answer."""
    log = Log(each_store, "en")
    position = (await log.read(10)).last
    for number in range(20):
        async with each_store.line(4) as ask:
            place = (Cursor(position.epoch + 1, number), NO_PULSE)
            reading = asyncio.create_task(Tail(ask).read({log: place}))
            await log.append(publishing(f"item {number}"), AMAL)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        assert f"item {number}" == (await newest(log)).item.headline


async def test_a_lost_log_begins_a_new_epoch_above_every_number_given_out(each_store: Store) -> None:
    """After FLUSHALL no cursor is ever used a second time."""
    log = Log(each_store, "en")
    before = (await log.append(publishing(), AMAL)).cursor

    async def later() -> bool:
        seconds, microseconds = await each_store.redis.time()
        return bool(seconds * 1000 + microseconds // 1000 > before.epoch)

    await until(later, "the store's clock to leave the millisecond in which the epoch began")
    await each_store.redis.flushall()
    after = (await log.append(publishing(), AMAL)).cursor
    assert 1 == before.n == after.n
    assert after.epoch > before.epoch


async def test_a_lost_stream_begins_a_new_epoch_though_its_meta_is_there(each_store: Store) -> None:
    """What a partial restore leaves behind does not count as the same life."""
    log = Log(each_store, "en")
    before = (await log.append(publishing(), AMAL)).cursor
    await each_store.redis.delete("{ticker:en}:log")
    assert (await log.beat()).cursor > before


async def test_a_lost_meta_begins_a_new_epoch_above_the_stream(each_store: Store) -> None:
    """Ids keep rising in the stream that is still there."""
    log = Log(each_store, "en")
    before = (await log.append(publishing("one"), AMAL)).cursor
    await each_store.redis.delete("{ticker:en}:meta")
    after = await log.append(publishing("two"), AMAL)
    assert after.cursor.epoch > before.epoch
    assert ["one", "two"] == [entry.item.headline for entry in (await log.read(10)).entries]
    assert before == (await newest(log)).previous


async def test_a_clock_that_was_set_back_still_gives_rising_ids(each_store: Store) -> None:
    """A log from the future, as a clock set back makes it seem, goes on above itself."""
    log = Log(each_store, "en")
    await each_store.redis.xadd("{ticker:en}:log", {"previous": "0-0", "act": "x", "item": "{}"}, id="9000000000000-7")
    assert Cursor(9_000_000_000_001, 1) == (await log.append(publishing(), AMAL)).cursor


async def test_another_server_with_the_same_data_is_another_epoch(each_store: Store) -> None:
    """A new replication id, which every promotion and restart brings, ends the epoch even when nothing was lost."""
    log = Log(each_store, "en")
    before = (await log.append(publishing(), AMAL)).cursor
    await each_store.redis.hset("{ticker:en}:meta", "replid", "0" * 40)
    assert (await log.beat()).cursor.epoch > before.epoch


async def test_channels_do_not_meet(each_store: Store) -> None:
    """Each has its own numbers, items and idempotency keys."""
    english, arabic = Log(each_store, "en"), Log(each_store, "ar")
    first = await english.append(publishing(), AMAL, key="k", fingerprint="f")
    second = await arabic.append(publishing(), AMAL, key="k", fingerprint="g")
    assert (1, 1) == (first.cursor.n, second.cursor.n)
    assert await arabic.item(first.item.id) is None


async def test_an_entry_that_the_script_did_not_write_is_no_item(each_store: Store) -> None:
    """Somebody else's data under our key keeps its place, and says nothing."""
    log = Log(each_store, "en")
    await each_store.redis.xadd("{ticker:en}:log", {"hello": "world"}, id="5-1")
    (found,) = (await log.read(10)).entries
    assert ("5-1", UNREAD, "") == (str(found.cursor), found.act, found.item.headline)


async def test_an_answer_that_the_script_never_gives_is_a_fault(store: Store) -> None:
    """Another script in its place is heard, and no item is made of what it says."""
    log = Log(store, "en")
    log._append = store.redis.register_script("return {'perhaps'}")
    with pytest.raises(AssertionError, match="perhaps"):
        await log.append(publishing(), AMAL)
