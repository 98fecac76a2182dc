"""From an entry to rows: who is to be told."""

from __future__ import annotations

from ticker.bridges.outbox import Lot
from ticker.bridges.planner import plan
from ticker.entry import Cursor, Entry
from ticker.item import Item
from ticker.store import Store

from tests.bridges.stage import Printer, Room


def entry(item: Item, act: str = "publish") -> Entry:
    """The entry that this version made."""
    return Entry(Cursor(1, 1), Cursor(0, 0), act, item)


async def test_a_plan_that_was_cut_short_is_made_whole_by_the_next(each_store: Store) -> None:
    """And one that was whole adds nothing."""
    room, printer = Room(each_store), Printer()
    for number in range(30):
        await room.add("printer", f"target {number}")
    item = await room.post("x")
    # As if the first had died on its way: its first buckets are planned.
    first = sorted(await room.register.buckets("printer"))[0]
    found = [target.id for target in await room.register.bucket("printer", first)]
    done = await room.outbox.plan("printer", Lot(item.id, first), 1, item.push_at or 0, 0, found, earlier=False)
    assert 31 == done + await plan(entry(item), room.outbox, room.register, [printer])
    assert 0 == await plan(entry(item), room.outbox, room.register, [printer])
    assert {1: {"printer": {"pending": 31}}} == await room.counts(item)


async def test_a_withdrawal_is_planned_for_nobody_but_those_who_were_told(each_store: Store) -> None:
    """When nobody was told, there is nothing to take back."""
    room, printer = Room(each_store), Printer()
    await room.add("printer", "target")
    item = await room.retract(await room.post("x"))
    assert 0 == await plan(entry(item, "retract"), room.outbox, room.register, [printer])
    assert {} == await room.counts(item)
    assert {"printer": []} == (await room.outbox.due(["printer"], 10)).lots
