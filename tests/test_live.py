"""The readers' half: live, coming back, polling, filters."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from ticker import live, tasks
from ticker.address import Proxies
from ticker.admission import Admission
from ticker.auth import KEYS, Keyring
from ticker.drain import Drain
from ticker.limit import Limit
from ticker.live import Readers
from ticker.metrics import Metrics
from ticker.places import Places
from ticker.reach import Receipts
from ticker.session import Sessions
from ticker.store import Store
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.desk import editor
from tests.stage import AUTHORIZED, KEY, Stage, entries, frame, free_port, running
from tests.waiting import until

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
    for asking in ({"Origin": "https://paper.example"}, {}):
        # Whoever asks, since what a CDN keeps of it may be for another who does.
        answer = await stage.http.get(ITEMS, headers=asking)
        assert ["*"] == answer.headers.get_list("Access-Control-Allow-Origin")
        assert ["Date, ETag"] == answer.headers.get_list("Access-Control-Expose-Headers")
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


# Readers who say who they are.

LIVE, DESK = "/v1/channels/en/live", "/v1/channels/en/desk"


def opening(stage: Stage, path: str, **headers: str) -> connect:
    """An upgrade with these headers."""
    return connect(stage.url.replace("http", "ws") + path, additional_headers=headers, proxy=None)


async def refusal(stage: Stage, path: str, **headers: str) -> tuple[int, str]:
    """Status and type with which an upgrade is refused, before any frame."""
    with pytest.raises(InvalidStatus) as caught:
        await opening(stage, path, **headers)
    answer = caught.value.response
    assert "application/problem+json" == answer.headers["Content-Type"]
    return answer.status_code, json.loads(answer.body or b"")["type"].rpartition(":")[2]


async def test_who_names_a_key_is_held_to_it(stage: Stage, store: Store) -> None:
    """A wrong one, or one that may not read here, is refused before the handshake; a right one sees what all see."""
    assert (401, "unauthorized") == await refusal(stage, LIVE, Authorization="Bearer wrong")
    assert (401, "unauthorized") == await refusal(stage, LIVE, Authorization="")
    for headers in (
        await editor(store, "Amal", "publish", "correct", "retract"),
        await editor(store, "Luis", "read", channels=("ar",)),
    ):
        assert (403, "forbidden") == await refusal(stage, LIVE, **headers)
    assert (404, "unknown-channel") == await refusal(stage, "/v1/channels/xx/live", **AUTHORIZED)
    assert (404, "not-found") == await refusal(stage, "/elsewhere", **AUTHORIZED)
    await stage.post("seen")
    noor = await editor(store, "Noor", "read", channels=("en",))
    async with stage.reader() as public, opening(stage, LIVE, **noor) as keyed:
        first, other = await frame(public), await frame(keyed)
        assert first["items"] == other["items"]
        await stage.post("next")
        assert await entries(public, 1) == await entries(keyed, 1)


@pytest.mark.parametrize("path", [DESK, "/v1/channels/en/d%65sk", "/v1/channels/en/%64%65%73%6B", DESK + "?cursor=x"])
async def test_the_desks_line_needs_a_key_or_a_session(stage: Stage, path: str) -> None:
    """However its address is written; a session counts for our own pages alone."""
    assert (401, "unauthorized") == await refusal(stage, path)
    assert (401, "unauthorized") == await refusal(stage, path, Cookie="ticker_session=wrong")
    login = await stage.http.post("/v1/session", json={"key": KEY})
    cookie = {"Cookie": login.headers["Set-Cookie"].partition(";")[0]}
    assert (403, "foreign-origin") == await refusal(stage, path, **cookie, Origin="https://evil.example")
    assert (403, "foreign-origin") == await refusal(stage, path, **cookie, **{"Sec-Fetch-Site": "cross-site"})
    for headers in (AUTHORIZED, {**cookie, "Origin": stage.url}):
        async with opening(stage, path, **headers) as line:
            assert "snapshot" == (await frame(line))["type"] or "cursor" in path


async def test_a_session_is_not_asked_for_where_the_public_reads(stage: Stage) -> None:
    """A browser sends its cookie along with everything; a stale one must not shut an editor out of the news."""
    async with opening(stage, LIVE, Cookie="ticker_session=stale", Origin="https://paper.example") as line:
        assert "snapshot" == (await frame(line))["type"]


async def dismissal(line: ClientConnection) -> tuple[int | None, str | None]:
    """Code and reason with which a line is closed; its turn for a heartbeat may come before."""
    async with asyncio.timeout(5):
        with suppress(ConnectionClosed):
            while True:
                assert "heartbeat" == (await frame(line))["type"]
    return line.close_code, line.close_reason


@pytest.mark.parametrize("end", ["revoked", "over", "gone"])
async def test_a_line_ends_with_its_key_and_the_public_reads_on(stage: Stage, store: Store, end: str) -> None:
    """Within seconds, with a code that says not to come back: by key and by session, and nobody else's."""
    keyring = Keyring(store)
    token, key = await keyring.create("Luis", ("read",))
    login = await stage.http.post("/v1/session", json={"key": token})
    session = {"Cookie": login.headers["Set-Cookie"].partition(";")[0], "Origin": stage.url}
    other = await editor(store, "Noor", "read")
    async with (
        stage.reader() as public,
        opening(stage, LIVE, **other) as colleague,
        opening(stage, LIVE, Authorization=f"Bearer {token}") as by_key,
        opening(stage, DESK, **session) as by_session,
    ):
        for line in (public, colleague, by_key, by_session):
            await frame(line)
        if end == "revoked":
            await keyring.revoke(key.id)
        elif end == "over":
            await store.redis.hset(KEYS, key.id, key.model_copy(update={"expires": 1}).model_dump_json())
        else:
            await store.redis.hdel(KEYS, key.id)
        for line in (by_key, by_session):
            assert (4501, "the key has ended") == await dismissal(line)
        await stage.post("goes on")
        for line in (public, colleague):
            assert ["goes on"] == [entry["item"]["headline"] for entry in await entries(line, 1)]
    assert (401, "unauthorized") == await refusal(stage, LIVE, Authorization=f"Bearer {token}")


class Line:
    """What the watch knows of a connection."""

    gone = False

    def close(self, code: int, reason: str) -> None:
        raise AssertionError("nobody is sent away for a store that is away")


async def test_lines_stay_open_while_it_cannot_be_asked_whether_their_keys_have_ended(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The store is away: that is said, nobody is sent away for it, and who has left is forgotten."""
    monkeypatch.setattr(live, "WATCH_SECONDS", 0.01)
    away = Store(f"redis://127.0.0.1:{free_port()}")
    keyring = Keyring(away)
    drain = Drain(lambda: (), 1, (1, 2))
    admission = Admission(keyring, Sessions(away, keyring), Limit(0), Proxies())
    metrics = Metrics(())
    readers = Readers({}, Places(1), admission, drain, Receipts({}, metrics), metrics)
    stays, left = Line(), Line()
    left.gone = True
    keyed: dict[Any, str] = {stays: "a key", left: "another"}
    readers._keyed = keyed
    watching = asyncio.create_task(readers.watch())
    try:
        await until(lambda: len(caplog.records) > 1, "the watch to say it")
        assert "whether keys have ended cannot be asked" in caplog.text
        assert {stays: "a key"} == keyed
    finally:
        await tasks.end([watching])
        await away.close()
