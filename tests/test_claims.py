"""Claiming a log: one worker for each entry; what cannot be read, and what is gone, is told."""

from __future__ import annotations

from ticker.claims import Claims, Lost, Poison
from ticker.entry import Entry
from ticker.store import Store
from ticker.stream import Log

from tests.test_stream import AMAL, publishing


async def test_a_claimed_entry_goes_to_one_worker_and_is_taken_over_when_he_dies(each_store: Store) -> None:
    """Two workers share the entries; what one claimed and did not acknowledge goes to the other."""
    log = Log(each_store, "en")
    await log.append(publishing("yesterday's"), AMAL)
    amal, luis = (Claims(each_store, "en", "push", name) for name in ("amal", "luis"))
    await amal.join()
    await luis.join()
    await log.append(publishing("one"), AMAL)
    async with amal.incoming() as batches:
        claimed = await anext(batches)
    assert ["one"] == [found.item.headline for found in claimed if isinstance(found, Entry)]
    taken = await luis.left_over(0)
    assert claimed == taken
    await luis.done([str(found.cursor) for found in taken if isinstance(found, Entry)])
    assert [] == await amal.left_over(0)
    await amal.done([])


async def test_what_a_worker_lays_down_is_free_at_once(each_store: Store) -> None:
    """Not after the time by which the dead are known; what he has acknowledged is nobody's any more."""
    log = Log(each_store, "en")
    amal, luis = (Claims(each_store, "en", "push", name) for name in ("amal", "luis"))
    await amal.join()
    assert 0 == await amal.lay_down(60_000)
    for headline in ("one", "two"):
        await log.append(publishing(headline), AMAL)
    claimed: list[object] = []
    async with amal.incoming() as batches:
        while len(claimed) < 2:
            claimed += await anext(batches)
    first, second = claimed
    assert isinstance(first, Entry)
    await amal.done([str(first.cursor)])
    assert [] == await luis.left_over(60_000)
    assert 1 == await amal.lay_down(60_000)
    assert [second] == await luis.left_over(60_000)
    assert [] == await luis.left_over(60_000)


async def test_an_entry_that_cannot_be_read_does_not_hide_the_next(each_store: Store) -> None:
    """It is told for what it is, in its place."""
    log, claims = Log(each_store, "en"), Claims(each_store, "en", "push", "amal")
    await claims.join()
    await each_store.redis.xadd("{ticker:en}:log", {"hello": "world"}, id="5-1")
    await each_store.redis.xadd("{ticker:en}:log", {"previous": "5-1", "act": "publish", "item": b"\xff{"}, id="5-2")
    await log.append(publishing("after"), AMAL)
    async with claims.incoming() as batches:
        found: list[object] = []
        while len(found) < 3:
            found += await anext(batches)
    first, second, third = found
    assert isinstance(first, Poison)
    assert isinstance(second, Poison)
    assert isinstance(third, Entry)
    assert ("5-1", "5-2", "after") == (first.id, second.id, third.item.headline)


async def test_what_was_trimmed_while_it_was_claimed_is_told_once(each_store: Store) -> None:
    """By its id; then nobody holds it any more."""
    log, claims = Log(each_store, "en"), Claims(each_store, "en", "push", "dead")
    await claims.join()
    await log.append(publishing("one"), AMAL)
    async with claims.incoming() as batches:
        (entry,) = await anext(batches)
    assert isinstance(entry, Entry)
    await each_store.redis.xdel("{ticker:en}:log", str(entry.cursor))
    other = Claims(each_store, "en", "push", "luis")
    assert [Lost(str(entry.cursor))] == await other.left_over(0)
    assert [] == await other.left_over(0)


async def test_what_was_trimmed_before_anybody_claimed_it_is_counted(each_store: Store) -> None:
    """By the numbers, which have no holes; across a new epoch nobody can say."""
    log, claims = Log(each_store, "en"), Claims(each_store, "en", "push", "amal")
    assert await claims.join() is None
    await log.append(publishing("one"), AMAL)
    async with claims.incoming() as batches:
        await anext(batches)
    for number in range(3):
        await log.append(publishing(f"missed {number}"), AMAL)
    assert await claims.join() is None
    await each_store.redis.xtrim("{ticker:en}:log", maxlen=1, approximate=False)
    missed = await claims.join()
    assert missed is not None
    assert 2 == missed.number
