"""An older and a newer release on one log: what was written before is read, corrected and taken back; what is written
later is handed on, or the log is left alone.
"""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
import ticker
from ticker import acts
from ticker.audit import Audit
from ticker.bridges.runner import GROUP
from ticker.channel import DEFAULT
from ticker.claims import Claims
from ticker.entry import FORMAT, UNREAD, Entry
from ticker.errors import StoreUnavailable, Unavailable
from ticker.store import Store
from ticker.stream import Log

from tests.bridges.stage import AMAL, Printer, Room
from tests.fleet.old_log import kept, restore
from tests.stage import entries, frame, running
from tests.test_draft import patch
from tests.test_stream import clock, publishing
from tests.waiting import until

EN = DEFAULT[0]
HOUR = 3_600_000
META = "{ticker:en}:meta"


async def newer(store: Store) -> None:
    """Another release, which nobody here knows, begins to write this log."""
    await store.redis.hset(META, "format", str(FORMAT + 1))


async def written(store: Store, act: str, item: dict[str, Any]) -> None:
    """An entry as a newer release of the same format may write it."""
    told: Any = await store.redis.hmget(META, "epoch", "n", "last")
    cursor = f"{told[0].decode()}-{int(told[1]) + 1}"
    fields: Any = {"previous": told[2], "act": act, "item": json.dumps(item), "signature": "of a later time"}
    await store.redis.xadd("{ticker:en}:log", fields, id=cursor)
    await store.redis.hset(META, mapping={"n": int(told[1]) + 1, "last": cursor})


def later(number: int, **fields: Any) -> dict[str, Any]:
    """An item with a field that this release does not know."""
    item = {"id": f"{number:026}", "version": 1, "channel": "en", "headline": f"item {number}", "language": "en"}
    return item | {"published_at": 1, "mood": {"of": "tomorrow"}} | fields


async def test_what_an_older_release_wrote_is_shown_as_it_showed_it_and_goes_on(valkey: str, store: Store) -> None:
    """The window, the epoch, a correction, a retraction, a release; the chain of the record runs through unbroken."""
    old = kept()
    await restore(store, old["keys"], await clock(store) + 12 * HOUR)
    assert b"format" not in await store.redis.hgetall(META)
    log = Log(store, "en")
    async with running(valkey, role="fanout") as stage, stage.reader() as line:
        shown = await frame(line)
        assert (old["window"]["cursor"], old["window"]["items"]) == (shown["cursor"], shown["items"])
        assert b"1" == (await store.redis.hgetall(META))[b"format"]
        items = {item.headline: item for item in await log.standing()}
        stands = items["All 19 passengers are safe"]
        said = patch(signal="correction", headline="All 20 are safe", correction_note="20")
        await log.append(acts.change(stands, said, EN, "amal"), AMAL)
        await log.append(acts.retract(items["Polls have closed"], "Not yet"), AMAL)
        await log.append(acts.release(items["The minister resigns"], EN), AMAL)
        told = [(entry["act"], entry["item"].get("headline")) for entry in await entries(line, 3)]
        expected = [("correct", "All 20 are safe"), ("retract", None), ("publish", "The minister resigns")]
        assert expected == told
    assert [] == (await Audit(store, "en").verify()).wrong


async def test_what_was_due_meanwhile_is_done_by_the_newer_release(valkey: str, store: Store) -> None:
    """The old items have long had their day."""
    await restore(store, kept()["keys"], 1)
    async with running(valkey) as stage:

        async def gone() -> bool:
            return not await stage.window()

        await until(gone, "the old items to expire")


async def test_fields_and_acts_of_a_newer_release_are_handed_on(valkey: str, store: Store) -> None:
    """A reader has no hole; the act that nobody knows changes nothing; an edit here keeps the field."""
    log = Log(store, "en")
    await log.append(publishing("before"), AMAL)
    async with running(valkey, role="fanout") as stage, stage.reader() as line:
        await frame(line)
        await written(store, "publish", later(1))
        await written(store, "applaud", later(2))
        await store.redis.hset("{ticker:en}:items", later(1)["id"], json.dumps(later(1)))
        first, second = await entries(line, 2)
        assert ("publish", "applaud") == (first["act"], second["act"])
        assert "mood" not in first["item"]
        assert ["item 1", "before"] == await stage.window()
        async with stage.reader(f"?cursor={first['previous']}") as again:
            assert [first, second] == (await frame(again))["entries"]
        item = await log.item(later(1)["id"])
        assert item is not None
        change = acts.change(item, patch(signal="update", headline="item 1, changed"), EN, "amal")
        # Redis writes what begins with the version; this one was put there by hand.
        await store.redis.hset("{ticker:en}:items", item.id, '{"version":1,' + json.dumps(later(1))[1:])
        await log.append(change, AMAL)
        (changed,) = await entries(line, 1)
        assert "item 1, changed" == changed["item"]["headline"]
        stored: Any = await store.redis.hget("{ticker:en}:items", item.id)
        assert {"of": "tomorrow"} == json.loads(stored)["mood"]


@pytest.mark.parametrize("act", ["publish", "retract"])
async def test_an_entry_that_cannot_be_read_wedges_nobody(valkey: str, store: Store, act: str) -> None:
    """It keeps its place; what takes an item away does so; what stands behind it arrives, and due items too."""
    log = Log(store, "en")
    shown = (await log.append(publishing("before"), AMAL)).item
    unread = {"version": 2} | later(
        1, id=shown.id, version=2, state="dreaming", pubstatus="canceled" if act == "retract" else "usable"
    )
    async with running(valkey, role="fanout") as stage, stage.reader() as line:
        before = await frame(line)
        await written(store, act, unread)
        await log.append(publishing("after"), AMAL)
        first, second = await entries(line, 2)
        assert (UNREAD if act == "publish" else act, shown.id) == (first["act"], first["item"]["id"])
        assert "headline" not in first["item"]
        assert "after" == second["item"]["headline"]
        assert ["after", "before"][: 1 if act == "retract" else 2] == await stage.window()
    async with running(valkey, role="fanout") as stage, stage.reader(f"?cursor={before['cursor']}") as line:
        assert second["cursor"] == (await frame(line))["cursor"]
    await store.redis.hset("{ticker:en}:items", shown.id, json.dumps(unread))
    assert [] == await log.items([shown.id])
    with pytest.raises(Unavailable, match="another release"):
        await log.item(shown.id)


@pytest.mark.parametrize(
    "fields",
    [{}, {"previous": "x", "act": "publish", "item": "{"}, {"previous": "0-0", "act": "publish", "item": "[]"}],
)
def test_what_is_no_entry_at_all_still_has_a_place(fields: dict[str, str]) -> None:
    """Nothing in a log can end a fan-out."""
    entry = Entry.passed(b"5-1", {name.encode(): value.encode() for name, value in fields.items()})
    assert ("5-1", UNREAD, "") == (str(entry.cursor), entry.act, entry.item.id)


async def test_an_api_refuses_a_log_that_a_newer_release_writes(valkey: str, store: Store) -> None:
    """Posts get 503 with the reason, nothing is written, and it is not ready."""
    async with running(valkey, role="api") as stage:
        await stage.post("before")
        await newer(store)
        written = await store.redis.xlen("{ticker:en}:log")
        answer = await stage.http.post("/v1/channels/en/items", json={"headline": "never"})
        assert (503, "store-unavailable") == (answer.status_code, answer.json()["type"].rpartition(":")[2])
        assert "a newer release writes this log, in format 2; this one knows 1" in answer.json()["detail"]
        ready = await stage.http.get("/health/ready")
        assert (503, True) == (ready.status_code, "newer release" in ready.json()["reason"])
        assert written == await store.redis.xlen("{ticker:en}:log")


async def test_a_fanout_leaves_a_log_alone_that_a_newer_release_begins_to_write(
    valkey: str, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """It says so, hands out nothing more, and a new one is not ready."""
    await Log(store, "en").append(publishing("before"), AMAL)
    async with running(valkey, role="fanout") as stage, stage.reader() as line:
        await frame(line)
        await newer(store)
        # What the newer release's own heartbeat says.
        pulse: Any = {"cursor": "9-9", "last": "9-9", "at": "1", "format": FORMAT + 1}
        await store.redis.xadd("{ticker:en}:pulse", pulse, maxlen=1, approximate=False)
        await until(lambda: "a newer release writes this log" in caplog.text, "the fan-out to say so")
        await written(store, "publish", later(1))
        async with running(valkey, role="fanout", wait=False) as other, asyncio.timeout(10):
            assert 503 == (await other.http.get("/health/ready")).status_code
        assert ["before"] == await stage.window()


async def test_a_bridge_acknowledges_nothing_of_a_log_that_a_newer_release_writes(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """What it holds is laid down for the newer ones; as soon as it may, it goes on."""
    room, phone = Room(store), Printer()
    async with room.sending(phone):
        await newer(store)
        # As the newer release writes it: our own script would refuse.
        await store.redis.hset(META, "format", str(FORMAT))
        await room.post("one")
        await until(lambda: len(phone.told) == 1, "the first one")
        await newer(store)
        await written(store, "publish", later(1, state="dreaming"))
        await until(lambda: "a newer release writes this log" in caplog.text, "the bridge to say so")
        others = Claims(store, "en", GROUP, "newer")

        async def free() -> bool:
            return len(await others.left_over(20_000)) == 1

        await until(free, "the entry to be free")
        assert [] == await room.outbox.dead()
        with pytest.raises(StoreUnavailable, match="newer release"):
            await others.understood()


def test_the_scripts_and_the_program_know_the_same_format() -> None:
    """One number in two languages."""
    script = (Path(ticker.__file__).parent / "epoch.lua").read_text(encoding="utf-8")
    assert [str(FORMAT)] == re.findall(r"^local FORMAT = (\d+)$", script, re.MULTILINE)
