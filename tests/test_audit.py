"""The record: who did what, in a chain that tells which of its records was changed; in Valkey and in Redis 7."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ticker import acts
from ticker.audit import BATCH, NOTHING, Audit, Record
from ticker.errors import NotHeld
from ticker.item import Item
from ticker.store import Store
from ticker.stream import Log

from tests.test_draft import patch
from tests.test_stream import AMAL, EN, LUIS, MINUTE, at, clock, publishing

AUDIT, META = "{ticker:en}:audit", "{ticker:en}:meta"
Raw = list[tuple[bytes, dict[bytes, bytes]]]


async def busy(store: Store) -> list[Item]:
    """A history with every act in it, refusals among them; the newest versions of its items."""
    log, audit = Log(store, "en"), Audit(store, "en")
    one = (await log.append(publishing("عاجل: فُتح الجسر 🌉", attribution="Málaga", ednote="call"), AMAL)).item
    two = (await log.append(publishing("two", publish_at=await at(store, MINUTE)), LUIS, detail="a detail")).item
    one = (await log.append(acts.change(one, patch(headline="Open"), EN, "amal"), AMAL)).item
    await audit.refusal("release", LUIS, one.id, NotHeld())
    one = (await log.append(acts.pin(one, None, EN), LUIS)).item
    one = (await log.append(acts.unpin(one, EN), LUIS)).item
    one = (await log.append(acts.undo(one, EN), LUIS)).item
    one = (await log.append(acts.hold(one), LUIS, detail="who says so?")).item
    one = (await log.append(acts.release(one, EN), AMAL)).item
    two = (await log.append(acts.hold(two), AMAL)).item
    await asyncio.gather(*(log.append(publishing(f"item {number}"), AMAL) for number in range(20)))
    one = (await log.append(acts.expire(one), "ticker by itself")).item
    two = (await log.append(acts.retract(two, "It was shut"), AMAL)).item
    return [one, two]


BUSY = 32
"""Records of such a history."""


async def raw(store: Store) -> Raw:
    """The record as it lies in the store."""
    found: Any = await store.redis.xrange(AUDIT)
    return [*found]


async def rewritten(store: Store, records: Raw) -> None:
    """The record replaced by hand: what somebody with the store's password can do."""
    await store.redis.delete(AUDIT)
    for stream_id, fields in records:
        await store.redis.xadd(AUDIT, fields, id=stream_id)  # type: ignore[arg-type]


async def wrong(store: Store) -> list[str]:
    """What is wrong with the chain."""
    return (await Audit(store, "en").verify()).wrong


async def test_a_busy_history_is_one_unbroken_chain(each_store: Store) -> None:
    """Every record follows from the one before, whoever wrote at once; the head is that of the last."""
    await busy(each_store)
    verdict = await Audit(each_store, "en").verify()
    assert (BUSY, []) == (verdict.records, verdict.wrong)
    assert (await Audit(each_store, "en").newest(1))[0].hash == verdict.head
    assert verdict.head.encode() == await each_store.redis.hget(META, "audit_hash")


async def test_an_empty_record_is_unbroken(each_store: Store) -> None:
    """Nothing was done."""
    verdict = await Audit(each_store, "en").verify()
    assert (0, NOTHING, []) == (verdict.records, verdict.head, verdict.wrong)


@pytest.mark.parametrize("number", [1, 7, BUSY])
async def test_one_byte_that_was_changed_is_found_whatever_it_is(each_store: Store, number: int) -> None:
    """In any field, to any byte, the record is named by its number; it can still be read, and so can the others."""
    await busy(each_store)
    records = await raw(each_store)
    stream_id, fields = records[number - 1]
    for name, value in fields.items():
        if name == b"hash":
            continue
        for byte in (b"\xff", b"x", b"0"):
            other = byte + value[1:]
            if other == value:
                continue
            changed = {**fields, name: other}
            await rewritten(each_store, [*records[: number - 1], (stream_id, changed), *records[number:]])
            (told,) = await wrong(each_store)
            assert told.startswith(f"record {number} (")
            assert told.endswith(") was changed")
            read = [record.told() async for record in Audit(each_store, "en").records()]
            assert BUSY == len(read)
    await rewritten(each_store, records)
    assert [] == await wrong(each_store)


async def test_a_field_that_was_added_renamed_or_moved_is_found(each_store: Store) -> None:
    """What is hashed is every name and every value, with their lengths: no two records read alike."""
    await busy(each_store)
    records = await raw(each_store)
    stream_id, fields = records[4]
    digest = {b"hash": fields.pop(b"hash")}
    names = list(fields)
    for other in (
        {**fields, b"extra": b""},
        {name: value for name, value in fields.items() if name != b"detail"},
        {name.replace(b"by", b"yb"): value for name, value in fields.items()},
        {name: fields[name] for name in reversed(names)},
        {**fields, b"act": fields[b"act"] + b" ", b"item": fields[b"item"][1:]},
    ):
        await rewritten(each_store, [*records[:4], (stream_id, {**other, **digest}), *records[5:]])
        assert ["record 5"] == [told.partition(" (")[0] for told in await wrong(each_store)]
    # Without its hash, and the one after it has nothing to follow from.
    await rewritten(each_store, [*records[:4], (stream_id, fields), *records[5:]])
    assert ["record 5", "record 6"] == [told.partition(" (")[0] for told in await wrong(each_store)]


async def test_a_record_that_was_changed_with_its_hash_breaks_the_next(each_store: Store) -> None:
    """Whoever computes one hash anew has to compute them all; of the last one the head is kept elsewhere as well."""
    await busy(each_store)
    records = await raw(each_store)

    def forged(number: int) -> tuple[bytes, dict[bytes, bytes]]:
        stream_id, fields = records[number - 1]
        changed = {**fields, b"by": b"somebody else"}
        before = records[number - 2][1][b"hash"].decode()
        pairs = [part for pair in changed.items() for part in pair]
        return stream_id, {**changed, b"hash": Record.read(stream_id, pairs).digest(before).encode()}

    await rewritten(each_store, [*records[:4], forged(5), *records[5:]])
    assert ["record 6"] == [told.partition(" (")[0] for told in await wrong(each_store)]
    await rewritten(each_store, [*records[:-1], forged(BUSY)])
    assert [f"record {BUSY}, the last one, was changed together with its hash"] == await wrong(each_store)


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        (lambda records: records[1:], "records 1 to 1 are missing"),
        (lambda records: records[:9] + records[12:], "records 10 to 12 are missing"),
        (lambda records: records[:-2], f"records {BUSY - 1} to {BUSY} are missing at the end"),
        (lambda records: [], f"records 1 to {BUSY} are missing at the end"),
    ],
    ids=["the first", "three in the middle", "the last two", "all"],
)
async def test_records_that_were_taken_out_are_missed_by_their_numbers(each_store: Store, kept: Any, told: str) -> None:
    """Wherever they stood."""
    await busy(each_store)
    await rewritten(each_store, kept(await raw(each_store)))
    assert [told] == await wrong(each_store)


async def test_a_record_that_was_put_in_between_is_found(each_store: Store) -> None:
    """Under a number that we never give, or with what was never said; and nobody who reads is caught by it."""
    await busy(each_store)
    records = await raw(each_store)
    between = (b"5-7", {b"at": b"5", b"act": b"publish", b"hash": b"0" * 40})
    await rewritten(each_store, [*records[:5], between, *records[5:]])
    assert ["a record was put after number 5"] == await wrong(each_store)
    assert BUSY + 1 == len([record async for record in Audit(each_store, "en").records()])
    after = (b"%d-1" % BUSY, {b"act": b"publish"})
    await rewritten(each_store, [*records, after])
    assert [f"a record was put after number {BUSY}"] == await wrong(each_store)


@pytest.mark.parametrize("by_hand", ["deleted", "rewritten"])
async def test_the_chain_goes_on_after_its_tail_was_taken_off(each_store: Store, by_hand: str) -> None:
    """No post is refused for it, no number is given twice, and the hole stays to be seen."""
    await busy(each_store)
    records = await raw(each_store)
    if by_hand == "deleted":
        await each_store.redis.xdel(AUDIT, records[-1][0], records[-2][0])
    else:
        await rewritten(each_store, records[:-2])
    await Log(each_store, "en").append(publishing("after"), AMAL)
    assert BUSY + 1 == (await Audit(each_store, "en").newest(1))[0].number
    assert [f"records {BUSY - 1} to {BUSY} are missing"] == await wrong(each_store)
    assert BUSY + 2 == await Audit(each_store, "en").note("x", AMAL)


@pytest.mark.parametrize("lost", ["record", "head", "head, and counted anew"])
async def test_the_chain_goes_on_when_half_of_it_is_lost(each_store: Store, lost: str) -> None:
    """After a restore, say: whichever of the two is further is gone on from."""
    await busy(each_store)
    if lost == "record":
        await each_store.redis.delete(AUDIT)
    else:
        await each_store.redis.hdel(META, "audited", "audit_hash")
    if "anew" in lost:
        await each_store.redis.hset(META, mapping={"audited": "3", "audit_hash": "0" * 40})
    assert BUSY + 1 == await Audit(each_store, "en").note("x", AMAL)
    told = [f"records 1 to {BUSY} are missing"] if lost == "record" else []
    assert told == await wrong(each_store)


async def test_a_head_that_says_nothing_is_no_reason_to_stop(each_store: Store) -> None:
    """Whoever overwrites the count hides no record by it, and keeps nobody from posting."""
    await busy(each_store)
    records = await raw(each_store)
    await each_store.redis.hset(META, "audited", "all of them")
    assert [] == await wrong(each_store)
    await rewritten(each_store, records[:-1])
    assert [f"record {BUSY - 1}, the last one, was changed together with its hash"] == await wrong(each_store)
    await rewritten(each_store, records)
    assert BUSY + 1 == await Audit(each_store, "en").note("x", AMAL)
    assert [] == await wrong(each_store)


async def test_a_chain_of_many_pages_is_read_whole(store: Store) -> None:
    """Page by page, here while others go on writing: what is judged is one moment."""
    audit = Audit(store, "en")
    await asyncio.gather(*(audit.note("x", AMAL, detail=str(number)) for number in range(2 * BATCH + 1)))
    writing = asyncio.gather(*(audit.note("y", AMAL) for _ in range(100)))
    verdicts = [await audit.verify() for _ in range(5)]
    await writing
    assert [] == [told for verdict in verdicts for told in verdict.wrong]
    assert 2 * BATCH + 101 == (await audit.verify()).records
    numbers = [record.number async for record in audit.records()]
    assert [*range(1, 2 * BATCH + 102)] == numbers


# What is told.


async def test_a_record_says_who_did_what_when_and_from_which_version_to_which(each_store: Store) -> None:
    """With the whole of both versions, the note to colleagues included."""
    log, audit = Log(each_store, "en"), Audit(each_store, "en")
    one = (await log.append(publishing("one", ednote="call"), AMAL, detail="similar text allowed")).item
    two = (await log.append(acts.hold(one), LUIS, detail="who says so?")).item
    first, second = [record async for record in audit.records()]
    assert (one, None, two, one) == (first.after, first.before, second.after, second.before)
    assert (one.versioncreated, two.versioncreated) == (first.at, second.at)
    assert ("publish", "expire", "") == (first.get("wire"), second.get("wire"), second.get("nothing"))
    told = second.told()
    assert {
        "number": 2,
        "at": told["after"]["versioncreated"],
        "act": "hold",
        "item": one.id,
        "by": {"key": "luis", "name": "Luis, editor of ar"},
        "detail": "who says so?",
        "before": one.whole(),
        "after": two.whole(),
        "hash": second.hash,
    } == told
    assert "call" == told["before"]["ednote"] == told["after"]["ednote"]


async def test_a_refusal_is_on_record_with_its_type(each_store: Store) -> None:
    """Who tried what, with which item, and why it was refused; no version stands there, since none was made."""
    audit = Audit(each_store, "en")
    assert 1 == await audit.refusal("release", LUIS, "01ARZ", NotHeld("x" * 1000))
    (record,) = await audit.newest(5)
    told = record.told()
    assert ("release", "01ARZ", "not-held", "x" * 400) == tuple(
        told[name] for name in ("act", "item", "refused", "detail")
    )
    assert not {"before", "after"} & set(told)
    assert abs(await clock(each_store) - record.at) < 5_000


async def test_an_override_stands_in_the_record(each_store: Store) -> None:
    """That the same text was allowed, and whose text it was; also where nobody asked, as in a change."""
    log, audit = Log(each_store, "en"), Audit(each_store, "en")
    one = (await log.append(publishing("same"), AMAL)).item
    await log.append(publishing("SAME!"), LUIS, detail="similar text allowed")
    two = (await log.append(publishing("other"), LUIS)).item
    await log.append(acts.change(two, patch(headline="Same"), EN, "luis"), LUIS)
    details = [record.get("detail") async for record in audit.records()]
    same = details[1].rpartition(" ")[2]
    assert one.id == same
    assert ["", f"similar text allowed; same text as {one.id}", ""] == details[:3]
    assert details[3].startswith("same text as ")


async def test_the_record_of_the_house_is_a_chain_of_its_own(each_store: Store) -> None:
    """Keys concern no channel; what happens in one is not in the other."""
    house, english = Audit(each_store), Audit(each_store, "en")
    await house.note("create key", "bootstrap", detail="the editor of en")
    await english.note("x", AMAL)
    await house.note("revoke key", "bootstrap", detail="the editor of en")
    assert (2, []) == ((await house.verify()).records, (await house.verify()).wrong)
    assert 1 == (await english.verify()).records
    assert {b"{ticker}:audit", b"{ticker}:meta", AUDIT.encode(), META.encode()} == set(await each_store.redis.keys())


# What is found.


async def test_records_are_found_by_number_from_either_end(each_store: Store) -> None:
    """After a number, oldest first, so many at most; or the last ones, newest first."""
    audit = Audit(each_store, "en")
    for _ in range(7):
        await audit.note("x", AMAL)
    assert [5, 6, 7] == [record.number async for record in audit.records(4)]
    assert [1, 2] == [record.number async for record in audit.records(0, 2)]
    assert [] == [record.number async for record in audit.records(7)]
    assert [] == [record.number async for record in audit.records(0, 0)]
    assert [7, 6] == [record.number for record in await audit.newest(2)]


async def test_the_records_of_an_item_are_those_that_made_its_versions(each_store: Store) -> None:
    """Oldest first, whatever else was done between them and was refused."""
    one, two = await busy(each_store)
    audit = Audit(each_store, "en")
    for item, made in (
        (one, ["publish", "update", "pin", "unpin", "undo", "hold", "release", "expire"]),
        (two, ["schedule", "hold", "retract"]),
    ):
        records = await audit.of_item(item.id)
        assert made == [record.get("act") for record in records]
        assert [*range(1, len(made) + 1)] == [record.after.version for record in records if record.after]
        assert item == records[-1].after
    assert [] == await audit.of_item("nobody")


async def test_the_records_up_to_a_moment_are_found_by_halving(each_store: Store) -> None:
    """At any moment, to the record; several of one millisecond are all of it; and so many at most."""
    audit = Audit(each_store, "en")
    previous, moments = NOTHING, [100, 200, 200, 200, 300, 400, 400]
    for number, moment in enumerate(moments, 1):
        record = Record(number, (("at", str(moment)), ("act", "x")), "")
        previous = record.digest(previous)
        await each_store.redis.xadd(AUDIT, {"at": str(moment), "act": "x", "hash": previous}, id=f"{number}-0")
    for moment in (0, 99, 100, 150, 200, 299, 300, 399, 400, 401):
        expected = [number for number, at in enumerate(moments, 1) if at <= moment]
        assert expected == [record.number for record in await audit.until(moment, 100)]
        assert expected[-2:] == [record.number for record in await audit.until(moment, 2)]
    assert [] == await Audit(each_store, "ar").until(1000, 10)
