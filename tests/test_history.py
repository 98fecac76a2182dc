"""Looking back and ahead: versions, the bar at any moment, the record, the queue; and who may."""

from __future__ import annotations

import random
from typing import Any

import pytest
from ticker.auth import Keyring
from ticker.item import iso
from ticker.session import COOKIE
from ticker.store import Store
from ticker.stream import Log

from tests.desk import CHANNEL, ITEMS, NOBODY, act, done, editor, problem, public, records, soon
from tests.stage import AUTHORIZED, KEY, Stage
from tests.test_stream import clock
from tests.waiting import until

PRIVATE = {"ednote", "push", "push_headline", "push_at", "publish_at", "embargoed", "author", "state", "expired_at"}
SECRET = "the minister does not know yet"
LATER = soon(3600)


async def seen(stage: Stage, item: str, **headers: str) -> Any:
    """The answer to whoever asks for an item; to the public, when no header says more."""
    return await public(stage, f"{ITEMS}/{item}", **headers)


# One item.


# How an item came where it is, and whether the public finds it there.
LIVES: list[tuple[dict[str, Any], list[str], bool]] = [
    ({}, [], True),
    ({}, ["expire"], True),
    ({}, ["hold"], False),
    ({}, ["hold", "release"], True),
    ({"publish_at": LATER}, [], False),
    ({"embargoed": LATER}, [], False),
    ({"publish_at": LATER}, ["hold"], False),
    ({"publish_at": LATER}, ["retract"], False),
    ({"publish_at": LATER}, ["hold", "retract"], False),
]


async def test_the_public_finds_what_it_has_seen(stage: Stage) -> None:
    """Without a private field, for caches to keep for a second; what it may not see is 404, as if it were not there."""
    nobody = await seen(stage, "nobody")
    for number, (fields, acts, known) in enumerate(LIVES):
        posted = await stage.post(f"The bridge {number}", ednote=SECRET, push_headline="private", **fields)
        item = posted["item"]["id"]
        for name in acts:
            await done(stage, item, name, {"reason": "It was shut"} if name == "retract" else None)
        answer = await seen(stage, item)
        if known:
            assert 200 == answer.status_code, (fields, acts)
            assert not PRIVATE & set(answer.json())
            assert "public, max-age=0, s-maxage=1" == answer.headers["Cache-Control"]
        else:
            assert (404, "unknown-item", None) == problem(answer), (fields, acts)
            # But for the number of the request, which every answer has.
            assert {**nobody.json(), "request_id": ""} == {**answer.json(), "request_id": ""}
        assert SECRET not in answer.text
        assert "private" not in answer.text


async def test_of_what_was_taken_back_the_public_is_told_that_and_why(stage: Stage) -> None:
    """And nothing of its text."""
    item = (await stage.post("Mayor arrested", attribution="Police"))["item"]["id"]
    await stage.retract(item, "He was not")
    shown = (await seen(stage, item)).json()
    assert {"id", "version", "channel", "pubstatus", "signal", "correction_note", "versioncreated"} == set(shown)
    assert ("canceled", "He was not") == (shown["pubstatus"], shown["correction_note"])


async def test_a_colleague_sees_it_whatever_its_state_and_no_cache_keeps_it(stage: Stage, store: Store) -> None:
    """As the answers to acts have it; by a key that may read this channel, or its session."""
    luis = await editor(store, "Luis", "read", channels=("en",))
    posted = (await stage.post("The bridge", ednote=SECRET, publish_at=LATER))["item"]
    answer = await seen(stage, posted["id"], **luis)
    assert posted == answer.json()
    assert "scheduled" == answer.json()["state"]
    assert "private, no-cache" == answer.headers["Cache-Control"]
    assert {"authorization", "cookie"} == {name.strip().lower() for name in answer.headers["Vary"].split(",")} - {
        "origin"
    }
    assert SECRET not in answer.text
    login = await stage.http.post("/v1/session", json={"key": KEY})
    assert posted == (await seen(stage, posted["id"], Cookie=cookie(login))).json()


def cookie(login: Any) -> str:
    """The header of a browser that has just logged in."""
    return str(login.headers["Set-Cookie"]).partition(";")[0]


async def test_a_key_that_may_not_read_sees_what_the_public_sees(stage: Stage, store: Store) -> None:
    """Neither more nor less, also of another channel; a wrong key is refused, so that nobody is deceived by a slip."""
    item = (await stage.post("The bridge", ednote=SECRET))["item"]["id"]
    plain = (await seen(stage, item)).json()
    for headers in (
        await editor(store, "Amal", "publish", "correct"),
        await editor(store, "Luis", "read", channels=("ar",)),
    ):
        answer = await seen(stage, item, **headers)
        assert (plain, "public, max-age=0, s-maxage=1") == (answer.json(), answer.headers["Cache-Control"])
    assert (401, "unauthorized", None) == problem(await seen(stage, item, Authorization="Bearer wrong"))


async def test_an_editor_whose_session_has_ended_is_the_public(stage: Stage) -> None:
    """The browser goes on sending the cookie; what everybody may see is not refused for it."""
    item = (await stage.post("The bridge", ednote=SECRET))["item"]["id"]
    answer = await seen(stage, item, Cookie=f"{COOKIE}=over")
    assert (200, (await seen(stage, item)).json()) == (answer.status_code, answer.json())
    scheduled = (await stage.post("Later", publish_at=LATER))["item"]["id"]
    assert (404, "unknown-item", None) == problem(await seen(stage, scheduled, Cookie=f"{COOKIE}=over"))


@pytest.mark.parametrize("headers", [{}, AUTHORIZED], ids=["public", "colleague"])
async def test_an_item_that_has_not_changed_is_not_sent_again(stage: Stage, headers: dict[str, str]) -> None:
    """304 for the version that the caller has."""
    item = (await stage.post())["item"]["id"]
    same = await seen(stage, item, **headers, **{"If-None-Match": '"1"'})
    assert (304, b"", '"1"') == (same.status_code, same.content, same.headers["ETag"])
    await done(stage, item, "pin")
    assert 200 == (await seen(stage, item, **headers, **{"If-None-Match": '"1"'})).status_code


# Who may look back.


async def test_looking_back_needs_a_key_that_may_read(stage: Stage, store: Store) -> None:
    """401 without one, 403 for one that may do all else or reads another channel; no cache keeps what is told."""
    item = (await stage.post())["item"]["id"]
    amal = await editor(store, "Amal", "publish", "correct", "retract", "push")
    luis = await editor(store, "Luis", "read", channels=("ar",))
    noor = await editor(store, "Noor", "read", channels=("en",))
    for what in ("queue", "at?time=2026-11-23T07:30:00Z", "audit", f"items/{item}/versions"):
        path = f"{CHANNEL}/{what}"
        assert (401, "unauthorized", None) == problem(await stage.http.get(path, headers=NOBODY)), what
        for headers in (amal, luis):
            assert (403, "forbidden", None) == problem(await stage.http.get(path, headers=headers)), what
        answer = await stage.http.get(path, headers=noor)
        assert (200, "no-store") == (answer.status_code, answer.headers["Cache-Control"]), what
        unknown = await stage.http.get(path.replace("/en/", "/xx/"))
        assert (404, "unknown-channel", None) == problem(unknown), what
    # Whoever looks, or may not, changes nothing.
    assert ["publish"] == [told["act"] for told in await records(stage)]


# Versions.


async def test_every_version_is_told_with_who_made_it(stage: Stage, store: Store) -> None:
    """Oldest first, with the note to colleagues, also of what was retracted."""
    token, key = await Keyring(store).create("Luis", ("admin",))
    item = (await stage.post("One", ednote=SECRET))["item"]["id"]
    luis = {"Authorization": f"Bearer {token}"}
    await done(stage, item, "change", {"signal": "update", "headline": "Two"}, **luis)
    await act(stage, item, "release", **luis)  # refused, and so no version
    await done(stage, item, "retract", {"reason": "It was shut"})
    answer = (await stage.http.get(f"{ITEMS}/{item}/versions")).json()
    assert item == answer["id"]
    told = [
        (found["version"], found["act"], found["by"]["name"], found["item"]["headline"]) for found in answer["versions"]
    ]
    assert [
        (1, "publish", "bootstrap", "One"),
        (2, "update", "Luis", "Two"),
        (3, "retract", "bootstrap", "Two"),
    ] == told
    assert {SECRET} == {found["item"]["ednote"] for found in answer["versions"]}
    assert key.id == answer["versions"][1]["by"]["key"]
    assert [found["item"]["versioncreated"] for found in answer["versions"]] == [
        found["at"] for found in answer["versions"]
    ]
    assert (404, "unknown-item", None) == problem(await stage.http.get(f"{ITEMS}/nobody/versions"))


async def test_a_version_that_cannot_be_read_any_more_does_not_hide_the_others(stage: Stage, store: Store) -> None:
    """Somebody has changed the record by hand: the verification says so, and what can be told is told."""
    item = (await stage.post("One"))["item"]["id"]
    await done(stage, item, "pin")
    name = "{ticker:en}:audit"
    found: Any = await store.redis.xrange(name)
    (_, first), (_, second) = found
    await store.redis.delete(name)
    await store.redis.xadd(name, {**first, b"after": b"{\xff", b"at": b"x", b"by": b"\xff"}, id="1-0")
    await store.redis.xadd(name, second, id="2-0")
    versions = (await stage.http.get(f"{ITEMS}/{item}/versions")).json()["versions"]
    assert [2] == [found["version"] for found in versions]
    assert ["publish", "pin"] == [told["act"] for told in await records(stage)]
    assert 200 == (await stage.http.get(f"{CHANNEL}/at?time=2099-01-01T00:00:00Z")).status_code


# The bar at a moment.


BODIES: dict[str, dict[str, Any]] = {
    "change": {"signal": "update"},
    "bump": {"signal": "update", "bump": True},
    "retract": {"reason": "wrong"},
}


async def test_the_bar_of_any_moment_is_what_the_window_was_then(stage: Stage, store: Store) -> None:
    """Through a busy history with every act in it, to the millisecond and to the byte."""
    dice = random.Random(23)  # the same history every time
    log = Log(store, "en")
    before = await clock(store)
    ids, pinned = [(await stage.post("first"))["item"]["id"]], ""
    was: list[tuple[int, Any]] = []

    async def cursor() -> str:
        return str((await stage.http.get(ITEMS)).json()["cursor"])

    for number in range(100):
        name = dice.choice(["post", "post", "post", "plan", "pin", *BODIES, "unpin", "hold", "release", "expire"])
        if name in ("post", "plan"):
            plan = {"publish_at": LATER} if name == "plan" else {}
            ids.append((await stage.post(f"item {number}", **plan))["item"]["id"])
        else:
            item = pinned if name == "unpin" and pinned else dice.choice(ids[-8:])
            body = {**BODIES.get(name, {}), **({"headline": f"changed {number}"} if name == "change" else {})}
            answer = await act(stage, item, "change" if name == "bump" else name, body)
            pinned = item if name == "pin" and answer.status_code == 200 else pinned
        state = str((await log.read(1)).cursor)

        async def shown(state: str = state) -> bool:
            return await cursor() == state

        await until(shown, "the window to show it")
        moment = await clock(store)
        was.append((moment, (await stage.http.get(ITEMS)).json()["items"]))

        async def past(moment: int = moment) -> bool:
            return await clock(store) > moment

        await until(past, "the next millisecond")
    assert {"publish", "update", "pin", "unpin", "expire", "retract"} == {
        entry.act for entry in (await log.read(1000)).entries
    }
    assert 10 == max(len(items) for _, items in was)
    for moment, items in was:
        answer = (await stage.http.get(f"{CHANNEL}/at", params={"time": iso(moment)})).json()
        assert (iso(moment), items) == (answer["time"], answer["items"])
    empty = (await stage.http.get(f"{CHANNEL}/at", params={"time": iso(before - 1)})).json()
    assert ("en", []) == (empty["channel"], empty["items"])


async def test_a_moment_that_is_none_is_refused(stage: Stage) -> None:
    """With an example of one that is taken."""
    for time in ("", "now", "2026-11-23", "2026-11-23T07:30:00", "1795419098", "2026-13-01T00:00:00Z", "x" * 1000):
        answer = await stage.http.get(f"{CHANNEL}/at", params={"time": time} if time else {})
        assert (422, "invalid-item", "time") == problem(answer), time
        assert "time takes a moment with an offset, like 2" in answer.json()["detail"]


async def test_any_moment_can_be_asked_for(stage: Stage) -> None:
    """The first and the last that can be written, in whatever zone."""
    for time, shown in (
        ("0001-01-01T00:00:00+14:00", "1970-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59.999Z"),
        ("2026-11-23T08:30:00.5+01:00", "2026-11-23T07:30:00.500Z"),
    ):
        answer = await stage.http.get(f"{CHANNEL}/at", params={"time": time})
        assert (200, shown) == (answer.status_code, answer.json()["time"])


# The record.


async def test_the_record_is_told_from_either_end(stage: Stage) -> None:
    """The last ones newest first; with a number, those after it, oldest first; and so many at most."""
    for number in range(5):
        await stage.post(f"item {number}")

    async def numbers(query: str) -> list[int]:
        answer = await stage.http.get(f"{CHANNEL}/audit{query}")
        assert "en" == answer.json()["channel"]
        return [told["number"] for told in answer.json()["records"]]

    assert [5, 4, 3, 2, 1] == await numbers("")
    assert [5, 4] == await numbers("?limit=2")
    assert [1, 2, 3, 4, 5] == await numbers("?after=0")
    assert [3, 4] == await numbers("?after=2&limit=2")
    assert [] == await numbers("?after=5")
    assert [] == await numbers(f"?after={2**53}")


async def test_a_number_that_cannot_be_is_refused(stage: Stage) -> None:
    """With the parameter's name."""
    limits = ("limit=0", "limit=501", "limit=x", "limit=", "limit=-1")
    for query in (*limits, "after=-1", "after=٣", "after=" + "9" * 30):
        answer = await stage.http.get(f"{CHANNEL}/audit?{query}")
        assert (422, "invalid-item", query.partition("=")[0]) == problem(answer), query


# The queue.


async def test_the_queue_holds_what_waits_in_the_order_of_its_time(stage: Stage, store: Store) -> None:
    """Scheduled and embargoed by when they come, held by when they were made, with the note to colleagues."""
    late = (await stage.post("late", publish_at=soon(7200), ednote=SECRET))["item"]["id"]
    early = (await stage.post("early", publish_at=soon(1800), embargoed=soon(3600)))["item"]["id"]
    first, second = [(await stage.post(name))["item"]["id"] for name in ("first", "second")]
    await done(stage, second, "hold")
    await done(stage, first, "hold")
    await stage.post("on air")
    queue = (await stage.http.get(f"{CHANNEL}/queue")).json()
    assert {"channel", "pending", "scheduled", "held", "flagged"} == set(queue)
    assert [early, late] == [item["id"] for item in queue["scheduled"]]
    assert [first, second] == [item["id"] for item in queue["held"]]
    assert ([], []) == (queue["pending"], queue["flagged"])
    assert SECRET == queue["scheduled"][1]["ednote"]
    assert {"scheduled"} == {item["state"] for item in queue["scheduled"]}
