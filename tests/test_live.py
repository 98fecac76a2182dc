"""The readers' half: live, coming back, polling, filters."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise

import pytest
from ticker.store import Store
from websockets.exceptions import InvalidStatus

from tests.stage import KEY, Stage, entries, frame, running

ITEMS = "/v1/channels/en/items"


async def test_an_alert_reaches_every_reader_once_and_in_order(stage: Stage) -> None:
    """Whoever joined when: the snapshot and what follows it are complete."""
    lines = []
    for number in range(10):
        line = await stage.reader()
        lines.append((line, await frame(line)))
        await stage.post(f"item {number}")
    for joined_at, (line, first) in enumerate(lines):
        assert [f"item {n}" for n in reversed(range(joined_at))] == [item["headline"] for item in first["items"]]
        live = await entries(line, 10 - joined_at)
        assert [f"item {n}" for n in range(joined_at, 10)] == [entry["item"]["headline"] for entry in live]
        assert all(
            later["previous"] == earlier["cursor"]
            for earlier, later in pairwise([first, *live])
            if later["previous"] != "0-0"
        )
        await line.close()


async def test_who_was_away_gets_exactly_what_passed(stage: Stage) -> None:
    """Three alerts while the line is cut: a resume with those three, and then live again."""
    async with stage.reader() as line:
        await frame(line)
        await stage.post("seen")
        (seen,) = await entries(line, 1)
    missed = [(await stage.post(f"missed {n}"))["item"]["id"] for n in range(3)]
    async with stage.reader(f"?cursor={seen['cursor']}") as line:
        resumed = await frame(line)
        assert "resume" == resumed["type"]
        assert missed == [entry["item"]["id"] for entry in resumed["entries"]]
        await stage.post("live again")
        (entry,) = await entries(line, 1)
        assert ("live again", resumed["cursor"]) == (entry["item"]["headline"], entry["previous"])


async def test_a_cursor_that_is_too_old_is_told_so(store: Store, valkey: str) -> None:
    """Older than what can be caught up on: a reset with the whole window."""
    async with running(valkey, ring=10) as stage:
        first = (await stage.post("the first"))["cursor"]
        posted = [await stage.post(f"item {n}") for n in range(12)]
        async with stage.reader(f"?cursor={first}") as line:
            reset = await frame(line)
            assert ("reset", "window") == (reset["type"], reset["reason"])
            assert [p["item"]["id"] for p in reversed(posted[2:])] == [item["id"] for item in reset["items"]]
        async with stage.reader(f"?cursor={posted[1]['cursor']}") as line:
            assert "resume" == (await frame(line))["type"]


@pytest.mark.parametrize("cursor", ["", "nonsense", "1-1", "9999999999999-1", "%00", "%F0%9F%98%80", "0-0", "a" * 3000])
async def test_a_nonsense_cursor_is_told_so(stage: Stage, cursor: str) -> None:
    """A reset, never a guess, and the line lives on."""
    await stage.post("stands")
    async with stage.reader(f"?cursor={cursor}") as line:
        reset = await frame(line)
        assert ("reset", "epoch") == (reset["type"], reset["reason"])
        assert ["stands"] == [item["headline"] for item in reset["items"]]
        await stage.post("next")
        assert 1 == len(await entries(line, 1))


async def test_the_window_survives_a_new_process(store: Store, valkey: str) -> None:
    """Cursors too: what a reader missed while the readers' process was away is resumed by the next one."""
    async with running(valkey) as stage:
        cursor = (await stage.post("before"))["cursor"]
        await stage.post("missed")
    async with running(valkey) as stage:
        assert ["missed", "before"] == await stage.window()
        async with stage.reader(f"?cursor={cursor}") as line:
            resumed = await frame(line)
            assert ["missed"] == [entry["item"]["headline"] for entry in resumed["entries"]]


async def test_the_polled_window_says_when_nothing_is_new(stage: Stage) -> None:
    """The ETag is the cursor; 304 until something happens; a retraction is something."""
    item = (await stage.post("one"))["item"]["id"]
    first = await stage.http.get(ITEMS)
    etag = first.headers["ETag"]
    assert f'"{first.json()["cursor"]}"' == etag
    for given in (etag, f"W/{etag}", f'"x", {etag}'):
        again = await stage.http.get(ITEMS, headers={"If-None-Match": given})
        assert (304, b"", etag) == (again.status_code, again.content, again.headers["ETag"])
    await stage.retract(item)
    after = await stage.http.get(ITEMS, headers={"If-None-Match": etag})
    assert (200, []) == (after.status_code, after.json()["items"])
    assert "s-maxage" in after.headers["Cache-Control"]


async def test_any_page_may_read(stage: Stage) -> None:
    """From every origin, without credentials, and it may see the ETag."""
    answer = await stage.http.get(ITEMS, headers={"Origin": "https://paper.example"})
    assert "*" == answer.headers["Access-Control-Allow-Origin"]
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers
    asked = await stage.http.options(
        ITEMS,
        headers={
            "Origin": "https://paper.example",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "if-none-match",
        },
    )
    assert 200 == asked.status_code


async def test_filters_hold_for_live_and_polled_alike(stage: Stage) -> None:
    """A reader of sport gets sport, and a retraction of it."""
    async with stage.reader("?section=sport&section=culture") as line:
        assert [] == (await frame(line))["items"]
        await stage.post("bank", sections=["economy"])
        final = (await stage.post("final", sections=["sport"]))["item"]["id"]
        await stage.post("opera", sections=["culture"])
        assert ["final", "opera"] == [entry["item"]["headline"] for entry in await entries(line, 2)]
        assert ["opera", "final"] == await stage.window(query="?section=sport&section=culture")
        await stage.retract(final)
        (gone,) = await entries(line, 1)
        assert ("retract", final) == (gone["act"], gone["item"]["id"])
    assert ["opera"] == await stage.window(query="?section=sport&section=culture")


async def test_the_channels_are_listed(stage: Stage) -> None:
    """With language and direction, so that a page can choose."""
    found = (await stage.http.get("/v1/channels")).json()["channels"]
    assert [("en", "ltr"), ("ar", "rtl"), ("es", "ltr")] == [(one["name"], one["direction"]) for one in found]


async def test_a_channel_is_told_with_its_language(stage: Stage) -> None:
    """Also when it is empty: a ticker in Arabic must not begin in English."""
    async with stage.reader(channel="ar") as line:
        first = await frame(line)
    assert ("ar", "ar", "rtl", []) == tuple(first[name] for name in ("channel", "language", "direction", "items"))


async def test_what_editors_keep_to_themselves_is_on_no_surface(stage: Stage) -> None:
    """No key, no fingerprint, no stored form: the public fields and nothing else."""
    async with stage.reader() as line:
        await frame(line)
        await stage.post("public", attribution="Agency")
        (entry,) = await entries(line, 1)
    public = {"id", "version", "channel", "headline", "attribution", "language", "direction", "urgency"}
    public |= {"pubstatus", "signal", "firstcreated", "published_at", "versioncreated", "expires"}
    assert public == set(entry["item"])
    assert KEY not in json.dumps(entry)


async def test_before_the_log_was_read_nobody_is_told_that_it_is_empty(tmp_path: object) -> None:
    """503 and when to come back, for readers of both kinds, while the store cannot be reached."""
    async with running("redis://127.0.0.1:1", wait=False) as stage:
        answer = await stage.http.get(ITEMS)
        assert (503, "1") == (answer.status_code, answer.headers["Retry-After"])
        with pytest.raises(InvalidStatus) as caught:
            await stage.reader()
        assert 503 == caught.value.response.status_code
        assert 503 == (await stage.http.get("/health/ready")).status_code
        assert 200 == (await stage.http.get("/health/live")).status_code
        async with asyncio.timeout(2):
            assert 503 == (await stage.http.post(ITEMS, json={"headline": "x"})).status_code
