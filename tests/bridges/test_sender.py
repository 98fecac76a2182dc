"""Sending a lot: quiet hours, targets that went away, channels that are gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ticker.bridges.outbox import Lot
from ticker.bridges.pace import Pace
from ticker.bridges.sender import Sender
from ticker.bridges.target import bucket_of
from ticker.quiet import Hours
from ticker.store import Store

from tests.bridges.stage import AGAIN_SOON, AT_ONCE, Printer, Room
from tests.waiting import until


def around(now: int) -> Hours:
    """Quiet hours that have begun and do not end soon."""
    moment = datetime.fromtimestamp(now / 1000, UTC)
    begin, end = moment - timedelta(hours=2), moment + timedelta(hours=2)
    return Hours.parse(f"{begin:%H:%M}-{end:%H:%M} UTC")


async def test_a_push_in_quiet_hours_waits_and_a_flash_does_not(each_store: Store) -> None:
    """It is looked at again when they end: what was taken back by then is not sent."""
    room, phone = Room(each_store), Printer()
    quiet = around(await room.log.now())
    room.channels["en"] = AT_ONCE.model_copy(update={"quiet": {"all": quiet}})
    async with room.sending(phone):
        held = await room.post("in the night", urgency=2)
        await room.post("a flash", urgency=1)
        await until(lambda: bool(phone.told), "the flash")

        async def waits() -> bool:
            due = await room.outbox.due(["printer"], 10)
            return due.next is not None and due.next > due.now + 3_600_000

        await until(waits, "the other one to be laid aside")
        assert {1: {"printer": {"pending": 1}}} == await room.counts(held)
        await room.retract(held)
        await room.settled(held)
    assert [("alert", "a flash")] == phone.bodies
    assert {1: {"printer": {"cancelled": 1}}} == await room.counts(held)


async def test_when_quiet_hours_end_the_push_leaves(each_store: Store) -> None:
    """Once, as it stands by then."""
    room, phone = Room(each_store), Printer()
    quiet = around(await room.log.now())
    room.channels["en"] = AT_ONCE.model_copy(update={"quiet": {"all": quiet}})
    async with room.sending(phone):
        held = await room.post("in the night")

        async def waits() -> bool:
            due = await room.outbox.due(["printer"], 10)
            return due.next is not None and due.next > due.now + 3_600_000

        await until(waits, "it to be laid aside")
        room.channels["en"] = AT_ONCE
        # Morning: the rows are as the scripts left them, and their time has come.
        key = f"{{ticker:en}}:push:rows:printer:{held.id}/-"
        await each_store.redis.hset(key, "1/everybody", f"0,0,0,{held.push_at}")
        await room.change_due(held)
        await room.settled(held)
    assert [("alert", "in the night")] == phone.bodies


async def test_who_went_away_while_it_waited_is_not_sent_to(each_store: Store) -> None:
    """Nor is anything in a channel that is none any more."""
    room, phone = Room(each_store), Printer()
    target = await room.add("printer", "somebody")
    sender = Sender(room.outbox, room.register, room.channels, room.metrics, AGAIN_SOON)
    item = await room.post("x")
    lot = Lot(item.id, bucket_of(target.id))
    await room.outbox.plan("printer", lot, 1, item.push_at or 0, 0, [target.id], earlier=False)
    await room.register.remove("printer", target.id)
    await sender.see_to(phone, lot, Pace(0))
    await sender.see_to(phone, lot, Pace(0))  # there is nothing left of it
    assert {1: {"printer": {"cancelled": 1}}} == await room.counts(item)
    other = Lot(item.id, "-")
    await room.outbox.plan("printer", other, 1, item.push_at or 0, 0, ["everybody"], earlier=False)
    room.channels.clear()
    await sender.see_to(phone, other, Pace(0))
    assert {1: {"printer": {"cancelled": 2}}} == await room.counts(item)
    assert [] == phone.told
