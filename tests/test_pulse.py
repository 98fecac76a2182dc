"""Heartbeats into the log, and what comes due by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ticker import acts, pulse, tasks
from ticker.airing import Change
from ticker.audit import Audit
from ticker.item import Item, iso
from ticker.store import Store
from ticker.stream import Log, beats
from ulid import ULID

from tests.stage import entries, frame, running
from tests.test_draft import draft, patch
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


async def test_what_comes_due_is_done_at_its_moment(each_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not with the next heartbeat, which is an hour away: of some the last one told, the others were appended since."""
    monkeypatch.setattr(pulse, "PULSE_MS", 3_600_000)
    logs = {name: Log(each_store, name) for name in ("en", "es")}
    told = (await logs["en"].append(ending("told of", 1000), AMAL)).item
    running = asyncio.create_task(pulse.run(logs, dict.fromkeys(logs, EN), sweeping=True))

    async def beaten() -> bool:
        return bool(await each_store.redis.exists("{ticker:es}:pulse"))

    await until(beaten, "both to be told")
    sooner = (await logs["es"].append(ending("sooner", 300), AMAL)).item
    later = (await logs["es"].append(publishing("later", publish_at=iso(await logs["es"].now() + 1200)), AMAL)).item
    long = (await logs["en"].append(ending("in an hour", 3_600_000), AMAL)).item

    async def states() -> list[str]:
        pairs = (("en", told), ("es", sooner), ("es", later), ("en", long))
        return [found.state for name, item in pairs for found in await logs[name].items([item.id])]

    async def done() -> bool:
        return ["expired", "expired", "published", "published"] == await states()

    await until(done, "all of them")
    await tasks.end([running])
    published = await logs["es"].item(later.id)
    assert published is not None
    assert later.publish_at is not None
    assert published.published_at is not None
    assert published.published_at >= later.publish_at


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


async def test_a_heartbeat_fails_and_comes_back(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A store that refuses for a while does not end the task, and is complained of once."""
    monkeypatch.setattr(pulse, "PULSE_MS", 10)
    log, asked = Log(store, "en"), 0

    async def counted(logs: Sequence[Log]) -> Any:
        nonlocal asked
        asked += 1
        return await beats(logs)

    monkeypatch.setattr(pulse, "beats", counted)
    await store.redis.config_set("maxmemory", "1")
    running = asyncio.create_task(pulse.run({"en": log}, {"en": EN}, sweeping=True))
    await until(lambda: asked > 3, "several tries")
    assert 1 == caplog.text.count("en: no heartbeat can be written")
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


async def test_what_ends_between_the_heartbeat_and_the_sweep_is_never_shown(store: Store) -> None:
    """The sweep was slow: it leaves the item alone, and the next one takes it away."""
    log = Log(store, "en")
    now = await log.now()
    item = (await log.append(publishing("slow", publish_at=iso(now + 100), expires=iso(now + 500)), AMAL)).item

    async def due() -> bool:
        return bool((await log.beat()).due)

    await until(due, "the item to be due")
    early = replace(await log.beat(), at=now + 100)

    async def over() -> bool:
        return await log.now() > now + 500

    await until(over, "its time to be over")
    assert 0 == await pulse.sweep(log, early, EN)
    assert 1 == await pulse.sweep(log, await log.beat(), EN)
    assert ["expired"] == [found.state for found in await log.items([item.id])]
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


async def test_whatever_comes_due_at_once_is_done_once_by_five_at_once(each_store: Store) -> None:
    """Publications, expiries in every state, ends of pins; each act is on record once, and nothing is due after it."""
    log, strict = Log(each_store, "en"), EN.model_copy(update={"approve": 1})
    soon, later = await log.now() + 1000, await log.now() + 3_600_000
    ends: dict[str, str] = {}

    async def kept(change: Change, expected: str) -> Item:
        item = (await log.append(change, AMAL)).item
        ends[item.id] = expected
        return item

    for plan in ("publish_at", "embargoed"):
        await kept(publishing(f"by {plan}", **{plan: iso(soon)}), "published publish")
        await kept(publishing(f"by {plan} later", **{plan: iso(later)}), "scheduled ")
    await kept(publishing("by both", publish_at=iso(soon - 50), embargoed=iso(soon)), "published publish")
    await kept(publishing("not yet", publish_at=iso(soon), embargoed=iso(later)), "scheduled ")
    await kept(publishing("ends", expires=iso(soon)), "expired expire")
    await kept(publishing("over before", publish_at=iso(soon - 50), expires=iso(soon)), "expired expire")
    flash = draft(headline="flash", urgency=1, expires=iso(soon))
    await kept(acts.publish(flash, strict, str(ULID()), "amal"), "expired expire")
    patient = draft(headline="patient", urgency=1, publish_at=iso(soon))
    await kept(acts.publish(patient, strict, str(ULID()), "amal"), "pending ")
    held = await kept(publishing("held", expires=iso(soon)), "expired expire")
    await log.append(acts.hold(held), AMAL)
    back = await kept(publishing("kept back", publish_at=iso(soon)), "held ")
    await log.append(acts.hold(back), AMAL)
    freed = await kept(publishing("freed", publish_at=iso(soon)), "published publish")
    await log.append(acts.release((await log.append(acts.hold(freed), AMAL)).item, EN), AMAL)
    pinned = await kept(publishing("pinned"), "published unpin")
    await log.append(acts.pin(pinned, soon, EN), AMAL)
    await each_store.redis.zadd("{ticker:en}:due", {"gone from the store": 1})

    async def passed() -> bool:
        return await log.now() > soon

    before = len((await log.read(100)).entries)
    await until(passed, "their time to come")
    beats = [await log.beat() for _ in range(5)]
    counts = await asyncio.gather(*(pulse.sweep(log, beat, EN) for beat in beats))
    swept = [record async for record in Audit(each_store, "en").records() if record.get("by") == pulse.BY]
    acts_of = {record.get("item"): record.get("act") for record in swept}
    found = {item.id: item for item in await log.items(list(ends))}
    assert ends == {item_id: f"{item.state} {acts_of.get(item_id, '')}" for item_id, item in found.items()}
    assert sum(counts) == len(swept) == len(acts_of) == sum(not end.endswith(" ") for end in ends.values())
    # The public is told of what it had seen, or is to see now, and of nothing else.
    told = [entry.item.headline for entry in (await log.read(100)).entries[before:]]
    assert sorted(["by publish_at", "by embargoed", "by both", "ends", "freed", "pinned"]) == sorted(told)
    assert ["gone from the store"] == (await log.beat()).due


async def test_an_act_of_an_editor_goes_before_what_was_found_due(store: Store) -> None:
    """He moved its end while the sweep was on its way: the item stays."""
    log = Log(store, "en")
    item = (await log.append(ending("moved"), AMAL)).item

    async def due() -> bool:
        return bool((await log.beat()).due)

    await until(due, "the item to be due")
    beat = await log.beat()
    await log.append(acts.change(item, patch(expires=iso(beat.at + 60_000)), EN, "amal"), AMAL)
    assert 0 == await pulse.sweep(log, beat, EN)
    assert ["publish", "update"] == [entry.act for entry in (await log.read(10)).entries]


async def test_a_channel_that_is_gone_is_not_swept(store: Store) -> None:
    """Its log may beat a last time; what becomes of its items is nobody's business then."""
    log = Log(store, "en")
    await log.append(ending("stays"), AMAL)
    running = asyncio.create_task(pulse.run({"en": log}, {}, sweeping=True))

    async def beaten() -> bool:
        return bool(await store.redis.exists("{ticker:en}:pulse"))

    await until(beaten, "a heartbeat")
    await tasks.end([running])
    assert ["publish"] == [entry.act for entry in (await log.read(10)).entries]
