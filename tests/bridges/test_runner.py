"""The bridge of a channel: each entry to one worker, the item read again, nothing forgotten, everything counted."""

from __future__ import annotations

import asyncio

import pytest
from ticker import acts, tasks
from ticker.bridges import runner
from ticker.bridges.outbox import Claimed, Outbox
from ticker.bridges.provider import Answer
from ticker.bridges.runner import GROUP
from ticker.claims import Claims
from ticker.draft import Push
from ticker.store import Store

from tests.bridges.stage import AMAL, AT_ONCE, Printer, Room
from tests.waiting import until


async def test_two_workers_ring_once_for_each_alert(each_store: Store) -> None:
    """Whoever claims it; yesterday's alert rings nobody, and nothing is left in the group."""
    room, phone = Room(each_store), Printer()
    await room.post("yesterday's")
    async with room.sending(phone, worker="amal"), room.sending(phone, worker="luis"):
        for number in range(20):
            await room.post(f"item {number}")
        await until(lambda: len(phone.told) >= 20, "twenty rings")
    assert sorted(("alert", f"item {n}") for n in range(20)) == sorted(phone.bodies)
    assert 0 == (await each_store.redis.xpending("{ticker:en}:log", GROUP))["pending"]
    assert [] == await each_store.redis.keys("*push:rows*")


async def test_a_retraction_within_the_hold_means_that_nothing_was_sent(each_store: Store) -> None:
    """A flash, with the hold of 5 s, taken back at once: no phone hears of it, nor of its withdrawal."""
    room, phone = Room(each_store, AT_ONCE.model_copy(update={"push_hold": 5})), Printer()
    async with room.sending(phone):
        item = await room.post("The bridge has fallen", urgency=1)
        await until(lambda: _planned(room, item.id), "its row to wait")
        await room.retract(item)
        await room.settled(item)
        other = await Room(each_store).post("another")
        await until(lambda: bool(phone.told), "the other one, which waits for nobody")
    assert [("alert", "another")] == phone.bodies
    assert {1: {"printer": {"cancelled": 1}}} == await room.counts(item)
    assert {1: {"printer": {"accepted": 1}}} == await room.counts(other)


async def _planned(room: Room, item_id: str) -> bool:
    return bool(await room.outbox.status(item_id))


async def test_without_a_hold_a_retraction_replaces_what_was_sent(each_store: Store) -> None:
    """Everywhere that it was accepted, by the word that it was withdrawn."""
    room, phone = Room(each_store), Printer()
    async with room.sending(phone):
        item = await room.post("The bridge has fallen", urgency=1)
        await until(lambda: bool(phone.told), "the alert")
        await room.retract(item, "It stands")
        await room.settled(item, 2)
    assert [("alert", "The bridge has fallen"), ("withdraw", "Alert withdrawn: It stands")] == phone.bodies
    assert {1: {"printer": {"accepted": 1}}, 2: {"printer": {"accepted": 1}}} == await room.counts(item)


async def test_an_update_that_is_faster_supersedes_and_is_the_alert(each_store: Store) -> None:
    """Who was told nothing before is told the newest version, and told it as new."""
    room, phone = Room(each_store, AT_ONCE.model_copy(update={"push_hold": 1})), Printer()
    async with room.sending(phone):
        item = await room.post("17 are safe")
        await room.change(item, signal="correction", headline="19 are safe", correction_note="19, not 17")
        await room.settled(item, 2)
    assert [("alert", "19 are safe")] == phone.bodies
    assert {1: {"printer": {"superseded": 1}}, 2: {"printer": {"accepted": 1}}} == await room.counts(item)


async def test_a_pin_takes_no_push_away(each_store: Store) -> None:
    """A pinned item has a newer version; its push leaves all the same, and once."""
    quick = AT_ONCE.model_copy(update={"push_hold": 1})
    room, phone = Room(each_store, quick), Printer()
    async with room.sending(phone):
        item = await room.post("pinned")
        await room.log.append(acts.pin(item, None, quick), AMAL)
        await room.settled(item)
    assert [("alert", "pinned")] == phone.bodies
    assert {1: {"printer": {"accepted": 1}}} == await room.counts(item)


async def test_an_undone_push_rings_nobody(each_store: Store) -> None:
    """The web goes on showing it."""
    quick = AT_ONCE.model_copy(update={"push_hold": 1})
    room, phone = Room(each_store, quick), Printer()
    async with room.sending(phone):
        item = await room.post("stopped")
        await room.log.append(acts.undo(item, quick), AMAL)
        await room.settled(item)
    assert [] == phone.bodies
    assert {1: {"printer": {"cancelled": 1}}} == await room.counts(item)


async def test_what_is_for_the_web_only_has_no_rows(each_store: Store) -> None:
    """`push.enabled` is false."""
    room, phone = Room(each_store), Printer()
    async with room.sending(phone):
        quiet = await room.post("quiet", push=Push(enabled=False).model_dump())
        await room.post("loud")
        await until(lambda: bool(phone.told), "the loud one")
    assert [("alert", "loud")] == phone.bodies
    assert {} == await room.counts(quiet)


async def test_what_a_dead_worker_claimed_is_taken_over(each_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """At least once: what was claimed and not written into the outbox is written by the next."""
    monkeypatch.setattr(runner, "TAKE_OVER_MS", 0)  # the same rule with less patience
    room, phone = Room(each_store), Printer()
    claims = Claims(each_store, "en", GROUP, "dead")
    await claims.join()
    await room.post("claimed")
    async with claims.incoming() as batches:
        await anext(batches)
    async with room.sending(phone, worker="luis"):
        await until(lambda: bool(phone.told), "the alert of the dead worker")
    assert [("alert", "claimed")] == phone.bodies


async def test_what_a_worker_died_with_in_his_hands_is_sent_by_the_next(each_store: Store) -> None:
    """The same id at both tries, so that a provider can see that it is the same."""
    room, first, second = Room(each_store), Printer(), Printer()
    first.hold = asyncio.Event()
    async with room.sending(first, worker="amal", outbox=_Dying(each_store, "en", lease_ms=50)):
        item = await room.post("in flight")
        await until(lambda: bool(first.rows), "it to be under way")
    async with room.sending(second, worker="luis"):
        await until(lambda: bool(second.told), "the next to send it")
        await room.settled(item)
    assert first.rows == second.rows
    assert {1: {"printer": {"accepted": 1}}} == await room.counts(item)


async def test_what_may_have_arrived_is_taken_back_as_well(each_store: Store) -> None:
    """A worker died between sending and noting it; then the item was retracted: the phone is told."""
    room, first, second = Room(each_store), Printer(), Printer()
    first.hold = asyncio.Event()
    async with room.sending(first, worker="amal", outbox=_Dying(each_store, "en", lease_ms=50)):
        item = await room.post("in flight")
        await until(lambda: bool(first.rows), "it to be under way")
    await room.retract(item, "wrong")
    async with room.sending(second, worker="luis"):
        await room.settled(item, 2)
    assert [("withdraw", "Alert withdrawn: wrong")] == second.bodies
    assert {1: {"printer": {"cancelled": 1}}, 2: {"printer": {"accepted": 1}}} == await room.counts(item)


class _Dying(Outbox):
    """Of a worker who is killed: he lays nothing down."""

    async def release(self, claimed: Claimed) -> None:
        """Nobody does it any more."""


async def test_a_poison_entry_is_buried_and_the_group_goes_on(each_store: Store) -> None:
    """It is counted and told, acknowledged, and what stands behind it is sent."""
    room, phone = Room(each_store), Printer()
    async with room.sending(phone):
        await room.post("before")
        newest = (await room.log.read(1)).cursor
        poison = f"{newest.epoch}-{newest.n + 5}"
        await each_store.redis.xadd("{ticker:en}:log", {"hello": "world"}, id=poison)
        await until(lambda: _buried(room), "it to be buried")
        (_, letter), *_ = await room.outbox.dead()
        assert ("poison", poison, 1) == (letter["kind"], letter["entry"], letter["entries"])
    await each_store.redis.xtrim("{ticker:en}:log", maxlen=0)
    assert 0 == (await each_store.redis.xpending("{ticker:en}:log", GROUP))["pending"]
    assert b'ticker_push_entries_lost_total{channel="en",kind="poison"} 1.0' in room.metrics.page()


async def _buried(room: Room) -> bool:
    return bool(await room.outbox.dead())


async def test_an_entry_that_was_trimmed_while_it_was_claimed_is_told(
    each_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker died, the log moved on: a loss that is counted, and what comes next is sent."""
    monkeypatch.setattr(runner, "TAKE_OVER_MS", 0)
    room, phone = Room(each_store), Printer()
    claims = Claims(each_store, "en", GROUP, "dead")
    await claims.join()
    await room.post("claimed")
    async with claims.incoming() as batches:
        (lost,) = await anext(batches)
    await room.post("later")
    await each_store.redis.xdel("{ticker:en}:log", str(lost.cursor))  # type: ignore[union-attr]
    async with room.sending(phone):
        await until(lambda: _buried(room), "the loss to be told")
        await until(lambda: bool(phone.told), "the later one")
    assert [("alert", "later")] == phone.bodies
    ((_, letter),) = await room.outbox.dead()
    assert ("trimmed", str(lost.cursor)) == (letter["kind"], letter["entry"])  # type: ignore[union-attr]
    assert b'ticker_push_entries_lost_total{channel="en",kind="trimmed"} 1.0' in room.metrics.page()


async def test_entries_that_were_trimmed_while_nobody_was_awake_are_told(each_store: Store) -> None:
    """How many they were, by the numbers that have no holes."""
    room, phone = Room(each_store), Printer()
    async with room.sending(phone):
        await room.post("first")
        await until(lambda: bool(phone.told), "the first")
    for number in range(4):
        await room.post(f"missed {number}")
    await each_store.redis.xtrim("{ticker:en}:log", maxlen=1, approximate=False)
    async with room.sending(phone):
        await until(lambda: len(phone.told) > 1, "the one that is left")
    assert [("alert", "first"), ("alert", "missed 3")] == phone.bodies
    ((_, letter),) = await room.outbox.dead()
    assert ("trimmed", 3) == (letter["kind"], letter["entries"])


async def test_a_provider_that_is_away_is_tried_until_it_is_back(each_store: Store) -> None:
    """With the same id at each try."""
    room, phone = Room(each_store), Printer()
    phone.answers = [Answer("later", "503"), Answer("later", "no line", unknown=True), Answer("later", "429", 0.01)]
    async with room.sending(phone):
        item = await room.post("late")
        await room.settled(item)
    assert [("alert", "late")] == phone.bodies
    assert (4, 1) == (len(phone.rows), len(set(phone.rows)))
    assert b'ticker_push_retries_total{provider="printer"} 3.0' in room.metrics.page()


async def test_what_is_refused_for_good_is_a_dead_letter_with_its_reason(each_store: Store) -> None:
    """So is a fault of ours; neither holds up the next alert, and a dead letter can be tried again."""
    room, phone = Room(each_store), Printer()
    phone.answers = [Answer("refused", "413 too long"), ZeroDivisionError("x")]
    async with room.sending(phone):
        first = await room.post("too long")
        await room.settled(first)
        second = await room.post("a fault")
        await room.settled(second)
        third = await room.post("fine")
        await room.settled(third)
        letters = await room.outbox.dead()
        assert ["413 too long", "a fault of ours: ZeroDivisionError"] == [told["reason"] for _, told in letters]
        assert {1: {"printer": {"dead_lettered": 1}}} == await room.counts(first)
        assert await room.outbox.revive(*letters[0], now=await room.log.now())
        assert not await room.outbox.revive(*letters[0], now=await room.log.now())
        await until(lambda: len(phone.told) > 1, "it to be tried again")
        await room.settled(first)
    assert {1: {"printer": {"accepted": 1}}} == await room.counts(first)
    assert [("alert", "fine"), ("alert", "too long")] == phone.bodies


async def test_what_cannot_be_sent_before_it_expires_has_expired(each_store: Store) -> None:
    """The item's end is the deadline of every try."""
    room, phone = Room(each_store), Printer()
    phone.answers = [Answer("later", "503", 3600.0)]
    async with room.sending(phone):
        item = await room.post("short")
        await until(lambda: bool(phone.rows), "the first try")
        await room.log.append(acts.expire_now(await room.newest(item)), AMAL)
        await room.change_due(item)
        await room.settled(item)
    assert {1: {"printer": {"expired": 1}}} == await room.counts(item)


async def test_a_flushed_store_makes_the_group_again(each_store: Store) -> None:
    """The bridge goes on with what comes next."""
    room, phone = Room(each_store), Printer()
    async with room.sending(phone):
        await each_store.redis.flushall()
        await until(room.joined, "the bridge to join again")
        await room.post("after")
        await until(lambda: bool(phone.told), "the alert")
    assert [("alert", "after")] == phone.bodies


async def test_a_half_that_fails_ends_the_other(each_store: Store) -> None:
    """So that both begin anew, and none goes on alone."""
    room = Room(each_store)
    fleet = runner.Fleet([Printer()], rate=0, at_once=32)
    bridge = runner.Bridge(each_store, "en", fleet, room.channels, room.metrics)
    task = asyncio.create_task(bridge.run("w"))
    await until(room.joined, "the bridge to join")
    await each_store.redis.flushall()
    with pytest.raises(Exception, match=r"NOGROUP|UNBLOCKED"):
        await asyncio.wait_for(task, 15)
    await tasks.end([task])
