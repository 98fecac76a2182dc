"""What editors do to an item that is there, over HTTP: what it answers, what readers see of it, what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from ticker import acts, errors
from ticker.channel import DEFAULT
from ticker.errors import Conflict, TickerError
from ticker.scope import Scope
from ticker.store import Store
from ticker.stream import Appended, Log

from tests.desk import ITEMS, act, done, editor, everything, problem, records, sent, soon, stored
from tests.stage import PLAIN, Stage, entries, frame, running

EN = DEFAULT[0]
CHANNELS = """
[channels.en]
title = "Breaking news"
language = "en"
approve = 1
push_hold = 0

[channels.ar]
title = "عاجل"
language = "ar"
"""


@pytest.fixture
async def strict(store: Store, valkey: str, tmp_path: Path) -> AsyncIterator[Stage]:
    """A service whose channel `en` wants a second pair of eyes for a flash, and has no pause before a push."""
    file = tmp_path / "channels.toml"
    file.write_text(CHANNELS, encoding="utf-8")
    async with running(valkey, channels=file) as stage:
        yield stage


async def in_state(stage: Stage, state: str, headline: str = "The bridge is open") -> str:
    """The id of an item in this state."""
    plans: dict[str, dict[str, Any]] = {"scheduled": {"publish_at": soon(3600)}, "pending": {"urgency": 1}}
    item = str((await stage.post(headline, **plans.get(state, {})))["item"]["id"])
    leads = {"held": "hold", "expired": "expire", "pinned": "pin", "retracted": "retract"}
    if state in leads:
        await done(stage, item, leads[state], {"reason": "wrong"} if state == "retracted" else None)
    return item


UPDATE = {"signal": "update", "headline": "The bridge is open for lorries"}
PAST = "2020-01-01T00:00:00Z"
STALE = {"If-Match": '"7"'}
# Type of the refusal: status, field, state of the item, act, body, headers.
Refusal = tuple[int, str | None, str, str, Any, dict[str, str]]
REFUSALS: dict[str, Refusal] = {
    "already-retracted": (409, None, "retracted", "hold", None, {}),
    "already-expired": (409, None, "expired", "pin", None, {}),
    "already-held": (409, None, "held", "hold", None, {}),
    "already-published": (409, None, "published", "change", {**UPDATE, "embargoed": soon(60)}, {}),
    "not-held": (409, None, "published", "release", None, {}),
    "not-pending": (409, None, "published", "approve", None, {}),
    "not-pinned": (409, None, "published", "unpin", None, {}),
    "not-published": (409, None, "scheduled", "expire", None, {}),
    "nothing-changed": (409, None, "published", "change", {"signal": "update", "live": False}, {}),
    "nothing-to-undo": (409, None, "scheduled", "undo", None, {}),
    "push-sent": (409, None, "published", "undo", None, {}),
    "approval-needed": (409, "urgency", "published", "change", {**UPDATE, "urgency": 1}, {}),
    "own-approval": (403, None, "pending", "approve", None, {}),
    "expiry-in-the-past": (409, "expires", "published", "change", {**UPDATE, "expires": PAST}, {}),
    "schedule-in-the-past": (409, "publish_at", "scheduled", "change", {**UPDATE, "publish_at": PAST}, {}),
    "embargo-in-the-past": (409, "embargoed", "scheduled", "change", {**UPDATE, "embargoed": PAST}, {}),
    "pin-in-the-past": (409, "until", "published", "pin", {"until": PAST}, {}),
    "expires-before-publication": (409, "expires", "scheduled", "change", {**UPDATE, "expires": soon(60)}, {}),
    "stale-version": (412, "If-Match", "published", "change", UPDATE, STALE),
    "unsupported-media-type": (415, None, "published", "hold", {}, {"Content-Type": "text/plain"}),
    "invalid-item": (422, "headline", "published", "change", {"signal": "update", "headline": ""}, {}),
}


async def test_what_is_refused_has_its_type_changes_nothing_and_is_on_record(strict: Stage, store: Store) -> None:
    """The item is as it was, in the store and on the screen, and the record says who tried what."""
    strict.http.headers.update(await editor(store, "Luis", "read", "publish", "correct", "retract"))
    for slug, (status, field, state, name, body, headers) in REFUSALS.items():
        item = await in_state(strict, state, f"For {slug}")
        before, window = await stored(store, item), await strict.window()
        assert (status, slug, field) == problem(await act(strict, item, name, body, **headers)), slug
        assert before == await stored(store, item), slug
        assert window == await strict.window(), slug
        told = (await records(strict))[-1]
        assert (name, item, slug, "Luis") == (told["act"], told["item"], told["refused"], told["by"]["name"])
        assert not {"before", "after"} & set(told), slug


async def test_another_item_that_is_pinned_is_named(strict: Stage, store: Store) -> None:
    """One of a channel at a time; when it is loose, the next may be."""
    first, second = await in_state(strict, "pinned"), (await strict.post("another"))["item"]["id"]
    before = await stored(store, second)
    refused = await act(strict, second, "pin")
    assert (409, "pin-taken", None) == problem(refused)
    assert first in refused.json()["detail"]
    assert before == await stored(store, second)
    assert "pin-taken" == (await records(strict))[-1]["refused"]
    await done(strict, first, "unpin")
    await done(strict, second, "pin")
    assert ["another", "The bridge is open"] == await strict.window()


async def test_an_item_that_is_not_there_is_404_and_on_record(strict: Stage) -> None:
    """For every act; whatever the id looks like, no more than 64 characters of it are kept."""
    strange = "x" * 300
    for name in ("change", "retract", "hold", "release", "approve", "pin", "unpin", "expire", "undo"):
        body = {"change": UPDATE, "retract": {"reason": "x"}}.get(name)
        assert (404, "unknown-item", None) == problem(await act(strict, strange, name, body)), name
        told = (await records(strict))[-1]
        assert (name, "unknown-item", "x" * 64) == (told["act"], told["refused"], told["item"])


async def test_every_refusal_of_a_change_is_tried_here() -> None:
    """A new kind needs a case."""
    elsewhere = {"similar", "not-replaceable", "idempotency-conflict", "contended", "pin-taken"}
    groups = {"conflict", "illegal-transition", "time-in-the-past"}

    def below(kind: type[TickerError]) -> set[str]:
        return {kind.slug}.union(*(below(one) for one in kind.__subclasses__() if one.__module__ == errors.__name__))

    assert below(Conflict) - groups == {slug for slug in REFUSALS if REFUSALS[slug][0] == 409} | elsewhere


SCOPES: dict[str, Scope] = {
    "change": "correct",
    "hold": "correct",
    "release": "correct",
    "pin": "correct",
    "unpin": "correct",
    "expire": "correct",
    "undo": "correct",
    "approve": "publish",
    "retract": "retract",
}


async def test_an_act_needs_its_scope_and_no_other(stage: Stage, store: Store) -> None:
    """Whoever has all the others is refused and on record; a stranger is refused and is nobody to record."""
    item = await in_state(stage, "retracted")
    scopes: tuple[Scope, ...] = ("read", "publish", "correct", "retract", "push")
    for name, needed in SCOPES.items():
        body = {"change": UPDATE, "retract": {"reason": "x"}}.get(name)
        amal = await editor(store, "Amal", *(scope for scope in scopes if scope != needed))
        assert (403, "forbidden", None) == problem(await act(stage, item, name, body, **amal)), name
        told = (await records(stage))[-1]
        assert (name, "forbidden", "Amal") == (told["act"], told["refused"], told["by"]["name"])
        luis = await editor(store, "Luis", needed)
        assert (409, "already-retracted", None) == problem(await act(stage, item, name, body, **luis)), name
        number = len(await records(stage))
        assert (401, "unauthorized", None) == problem(await act(stage, item, name, body, Authorization="")), name
        assert number == len(await records(stage))


# The version that was read.


async def test_a_change_has_to_name_the_version_that_it_changes(stage: Stage, store: Store) -> None:
    """428 with the header's name, nothing stored, and on record; nobody's change is overwritten unseen."""
    item = (await stage.post())["item"]["id"]
    refused = await sent(stage, UPDATE, f"{ITEMS}/{item}", "PATCH")
    assert (428, "if-match-required", "If-Match") == problem(refused)
    assert 1 == (await stored(store, item)).version
    told = (await records(stage))[-1]
    assert ("change", item, "if-match-required") == (told["act"], told["item"], told["refused"])


async def test_of_twenty_changes_of_one_version_one_is_stored(stage: Stage) -> None:
    """The others are refused, each with the newest version and its ETag, and are on record."""
    item = (await stage.post())["item"]["id"]
    answers = await asyncio.gather(
        *(act(stage, item, "change", {**UPDATE, "headline": f"by {n}"}, **{"If-Match": '"1"'}) for n in range(20))
    )
    (won,) = [answer for answer in answers if answer.status_code == 200]
    lost = [answer for answer in answers if answer.status_code == 412]
    assert 19 == len(lost)
    assert ('"2"', 2) == (won.headers["ETag"], won.json()["item"]["version"])
    assert all((412, "stale-version", "If-Match") == problem(answer) for answer in lost)
    assert [won.json()["item"]] * 19 == [answer.json()["item"] for answer in lost]
    assert {'"2"'} == {answer.headers["ETag"] for answer in lost}
    found = await records(stage)
    assert (19, 2) == (sum("refused" in told for told in found), sum("after" in told for told in found))


async def test_a_version_is_named_as_http_has_it_or_refused(stage: Stage) -> None:
    """Weakly, among others, or whichever stands; a typing error is not a version that has passed."""
    for given in ('"1"', 'W/"1"', '"9", "1"', "*"):
        item = (await stage.post(f"For {given}"))["item"]["id"]
        assert 2 == (await done(stage, item, "change", UPDATE, **{"If-Match": given}))["item"]["version"]
    for given in ("", "1", '"x"', '"-1"', '"*"', '"' + "9" * 30 + '"', "nonsense"):
        refused = await act(stage, item, "change", {**UPDATE, "live": True}, **{"If-Match": given})
        assert (422, "invalid-item", "If-Match") == problem(refused), given


async def test_any_act_may_name_a_version_and_is_held_to_it(stage: Stage, store: Store) -> None:
    """An editor who saw the older text does not pin the newer one unseen."""
    item = (await stage.post())["item"]["id"]
    await done(stage, item, "change", UPDATE)
    refused = await act(stage, item, "pin", **{"If-Match": '"1"'})
    assert (412, "stale-version", "If-Match") == problem(refused)
    assert UPDATE["headline"] == refused.json()["item"]["headline"]
    assert 2 == (await stored(store, item)).version
    assert 3 == (await done(stage, item, "pin", **{"If-Match": '"2"'}))["item"]["version"]


async def test_acts_that_name_no_version_do_not_get_into_each_others_way(stage: Stage) -> None:
    """Somebody was faster: the act is tried again on what stands now."""
    item = (await stage.post())["item"]["id"]
    first, second = await asyncio.gather(done(stage, item, "pin"), done(stage, item, "change", UPDATE))
    assert {2, 3} == {first["item"]["version"], second["item"]["version"]}


Append = Callable[..., Awaitable[Appended]]


def outrun(monkeypatch: pytest.MonkeyPatch, item: str, times: int) -> None:
    """Somebody who is faster than every act on this item, so many times."""
    append: Append = Log.append
    left = [times]

    async def faster(log: Log, change: Any, by: str, **more: Any) -> Appended:
        if left[0] and change.item.id == item:
            left[0] -= 1
            newest = await log.item(item)
            assert newest is not None
            await append(log, acts.pin(newest, None, EN), "somebody faster")
        return await append(log, change, by, **more)

    monkeypatch.setattr(Log, "append", faster)


async def test_whoever_is_outrun_time_and_again_is_told_to_try_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After five tries the answer is that a retry helps; four defeats nobody sees."""
    item = (await stage.post())["item"]["id"]
    outrun(monkeypatch, item, 5)
    refused = await act(stage, item, "hold")
    assert (409, "contended", None) == problem(refused)
    assert refused.json()["retry"]
    outrun(monkeypatch, item, 4)
    assert "held" == (await done(stage, item, "hold"))["item"]["state"]


async def test_whoever_is_outrun_between_reading_and_storing_is_told_of_the_newest(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With If-Match there is no second try."""
    item = (await stage.post())["item"]["id"]
    outrun(monkeypatch, item, 1)
    refused = await act(stage, item, "change", UPDATE, **{"If-Match": '"1"'})
    assert (412, "stale-version", "If-Match") == problem(refused)
    assert 2 == refused.json()["item"]["version"]


# The same request again.


async def test_every_act_can_be_sent_again_whatever_has_become_of_the_item(strict: Stage, store: Store) -> None:
    """The first answer, byte for byte, also when the same act would be refused by now; and nothing is stored."""
    amal = await editor(store, "Amal", "admin")
    luis = await editor(store, "Luis", "admin")
    posted = await sent(strict, {"headline": "Bridge open", "urgency": 1}, **amal, **{"Idempotency-Key": "post"})
    item = posted.json()["item"]["id"]
    slow = (await strict.post("slow", channel="ar"))["item"]["id"]
    bodies = {
        "approve": None,
        "change": UPDATE,
        "pin": {"until": soon(60)},
        "unpin": None,
        "hold": {"reason": "who says so?"},
        "release": {},
        "expire": None,
        "retract": {"reason": "It was shut"},
    }
    first = {
        name: await act(strict, item, name, body, **luis, **{"Idempotency-Key": name}) for name, body in bodies.items()
    }
    undo = f"/v1/channels/ar/items/{slow}/undo"
    undone = await sent(strict, {}, undo, **luis, **{"Idempotency-Key": "undo"})
    assert {200} == {answer.status_code for answer in [*first.values(), undone]}
    before = await everything(store)
    again = {
        name: await act(strict, item, name, body, **luis, **{"Idempotency-Key": name}) for name, body in bodies.items()
    }
    pairs = [(first[name], again[name]) for name in bodies]
    pairs.append((undone, await sent(strict, {}, undo, **luis, **{"Idempotency-Key": "undo"})))
    pairs.append(
        (posted, await sent(strict, {"headline": "Bridge open", "urgency": 1}, **amal, **{"Idempotency-Key": "post"}))
    )
    for once, twice in pairs:
        assert (once.status_code, once.text) == (twice.status_code, twice.text)
        assert "Idempotency-Replayed" not in once.headers
        assert "true" == twice.headers["Idempotency-Replayed"]
        assert once.headers["ETag"] == twice.headers["ETag"]
    assert before == await everything(store)
    # With the version that was read then, too.
    newer = await act(strict, item, "change", UPDATE, **luis, **{"Idempotency-Key": "change", "If-Match": '"2"'})
    assert first["change"].text == newer.text


async def test_one_key_of_a_request_is_for_one_act(stage: Stage, store: Store) -> None:
    """Another act, another item or another body with it is a conflict, and the item is as it was."""
    item, other = (await stage.post("one"))["item"]["id"], (await stage.post("two"))["item"]["id"]
    once = {"Idempotency-Key": "desk-1"}
    await done(stage, item, "hold", {"reason": "x"}, **once)
    for name, which, body in (
        ("release", item, None),
        ("hold", other, {"reason": "x"}),
        ("hold", item, {"reason": "y"}),
    ):
        refused = await act(stage, which, name, body, **once)
        assert (409, "idempotency-conflict", "Idempotency-Key") == problem(refused)
    assert [2, 1] == [(await stored(store, which)).version for which in (item, other)]


# What it looks like.


async def test_readers_are_told_what_concerns_them_of_a_whole_life(stage: Stage) -> None:
    """Each act in its shape on the wire, and the window after it."""
    async with stage.reader() as line:
        await frame(line)
        await stage.post("older")
        item = (await stage.post("The bridge is open", ednote="do not use"))["item"]["id"]
        await stage.post("newer")
        await entries(line, 3)

        async def told(name: str, body: Any = None) -> tuple[str, dict[str, Any], list[str]]:
            answer = await done(stage, item, name, body)
            (entry,) = await entries(line, 1)
            assert answer["cursor"] == entry["cursor"]
            assert answer["item"]["version"] == entry["item"]["version"]
            assert "do not use" not in str(entry)
            return entry["act"], entry["item"], await stage.window()

        act_, shown, window = await told("change", {"signal": "update", "developing": True})
        assert ("update", True, ["newer", "The bridge is open", "older"]) == (act_, shown["developing"], window)
        correction = {"signal": "correction", "headline": "The bridge is shut", "correction_note": "It is shut"}
        act_, shown, window = await told("change", correction)
        assert ("correct", "It is shut", "correction") == (act_, shown["correction_note"], shown["signal"])
        assert ["newer", "The bridge is shut", "older"] == window
        act_, shown, window = await told("change", {"signal": "refile"})
        assert ("update", "refile", False) == (act_, shown["signal"], "correction_note" in shown)
        act_, shown, window = await told("change", {"signal": "update", "bump": True})
        assert ("publish", shown["versioncreated"]) == (act_, shown["bumped_at"])
        assert ["The bridge is shut", "newer", "older"] == window
        await stage.post("newest")
        await entries(line, 1)
        act_, shown, window = await told("pin", {"until": soon(60)})
        assert ("pin", True) == (act_, "pinned_until" in shown)
        assert ["The bridge is shut", "newest", "newer", "older"] == window
        act_, shown, window = await told("unpin")
        assert ("unpin", False) == (act_, "pinned_until" in shown)
        assert ["newest", "The bridge is shut", "newer", "older"] == window
        act_, shown, window = await told("hold", {"reason": "who says so?"})
        assert ("expire", "withheld", "hold") == (act_, shown["pubstatus"], shown["signal"])
        assert {"id", "version", "channel", "pubstatus", "signal", "versioncreated"} == set(shown)
        assert ["newest", "newer", "older"] == window
        act_, shown, window = await told("release")
        assert ("publish", "The bridge is shut") == (act_, shown["headline"])
        assert ["The bridge is shut", "newest", "newer", "older"] == window
        act_, shown, window = await told("expire")
        assert ("expire", "usable") == (act_, shown["pubstatus"])
        act_, shown, window = await told("retract", {"reason": "It was open"})
        assert ("retract", "canceled", "It was open") == (act_, shown["pubstatus"], shown["correction_note"])
        assert ["newest", "newer", "older"] == window


async def test_an_answer_shows_an_item_as_its_editors_see_it(stage: Stage) -> None:
    """With its plans, while it is withheld too, and never with the note to colleagues."""
    posted = await stage.post("Later", publish_at=soon(3600), ednote="call", push={"sound": True}, push_headline="L")
    item = posted["item"]
    assert ("scheduled", "withheld", {"sound": True}, "L") == tuple(
        item[name] for name in ("state", "pubstatus", "push", "push_headline")
    )
    held = (await done(stage, item["id"], "hold", {"reason": "not yet"}))["item"]
    assert ("held", "Later", item["publish_at"]) == (held["state"], held["headline"], held["publish_at"])
    assert "call" not in str(posted) + str(held)
    assert "not yet" not in str(held)


async def test_an_act_that_needs_no_words_takes_none_or_an_empty_object(stage: Stage) -> None:
    """And nothing else; what is said for colleagues is in the record."""
    item = (await stage.post())["item"]["id"]
    assert (422, "invalid-item", "why") == problem(await act(stage, item, "expire", {"why": "x"}))
    assert 200 == (await stage.http.post(f"{ITEMS}/{item}/pin")).status_code
    assert 200 == (await stage.http.post(f"{ITEMS}/{item}/unpin", json={})).status_code
    assert 400 == (await stage.http.post(f"{ITEMS}/{item}/unpin", content=b" ", headers=JSON)).status_code
    await done(stage, item, "hold", {"reason": "who says so?"})
    assert "who says so?" == (await records(stage))[-1]["detail"]


JSON = {"Content-Type": "application/json"}


async def test_a_push_is_stopped_while_it_waits_and_the_web_goes_on_showing_the_item(stage: Stage) -> None:
    """Once; afterwards there is nothing to stop."""
    posted = (await stage.post())["item"]
    assert posted["push_at"] > posted["published_at"]
    undone = (await done(stage, posted["id"], "undo"))["item"]
    assert ({"enabled": False}, False) == (undone["push"], "push_at" in undone)
    assert ["The bridge is open again"] == await stage.window()
    assert (409, "nothing-to-undo", None) == problem(await act(stage, posted["id"], "undo"))


# Taken back.


async def test_a_retraction_is_public_final_and_without_the_text(stage: Stage) -> None:
    """The answer, the item and the frame carry the note and nothing of what was withdrawn."""
    async with stage.reader() as line:
        await frame(line)
        item = (await stage.post("A wrong claim", attribution="Nobody", link="https://example.com"))["item"]
        answer = await stage.retract(item["id"], "The source has withdrawn it")
        _, entry = await entries(line, 2)
    withdrawn = {"id", "version", "channel", "pubstatus", "signal", "correction_note", "versioncreated"}
    assert "retract" == entry["act"]
    assert withdrawn == set(entry["item"]) == set(answer["item"])
    assert (2, "canceled", "The source has withdrawn it") == tuple(
        entry["item"][name] for name in ("version", "pubstatus", "correction_note")
    )
    assert entry["cursor"] == answer["cursor"]
    assert answer["item"] == (await stage.http.get(f"{ITEMS}/{item['id']}")).json()
    assert [] == await stage.window()
    again = await sent(stage, {"reason": "again"}, f"{ITEMS}/{item['id']}/retract")
    assert (409, "already-retracted", None) == problem(again)


async def test_a_repeated_retraction_gets_its_first_answer(stage: Stage) -> None:
    """With the same Idempotency-Key, also at once; with a new one it is a conflict."""
    item = (await stage.post())["item"]["id"]
    path = f"{ITEMS}/{item}/retract"
    answers = await asyncio.gather(
        *(sent(stage, {"reason": "wrong"}, path, **{"Idempotency-Key": "r"}) for _ in range(10))
    )
    assert {200} == {answer.status_code for answer in answers}
    assert 1 == len({answer.text for answer in answers})
    assert 409 == (await sent(stage, {"reason": "wrong"}, path, **{"Idempotency-Key": "s"})).status_code


async def test_a_retraction_needs_a_reason(stage: Stage) -> None:
    """A public one, of one line; without it the item stands."""
    item = (await stage.post("stands"))["item"]["id"]
    for reason in ({}, {"reason": ""}, {"reason": "x" * 501}, {"reason": "a\nb"}, {"note": "x"}):
        assert 422 == (await sent(stage, reason, f"{ITEMS}/{item}/retract")).status_code
    assert ["stands"] == await stage.window()


async def test_an_unknown_item_is_404(stage: Stage) -> None:
    """Whatever its id looks like."""
    for item in ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "x", "%00", "..", "a" * 1000):
        assert 404 == (await sent(stage, {"reason": "x"}, f"{ITEMS}/{item}/retract")).status_code
        assert 404 == (await stage.http.get(f"{ITEMS}/{item}")).status_code


# The second pair of eyes.


async def test_a_flash_is_approved_by_another_key_than_its_authors(strict: Stage, store: Store) -> None:
    """Until then nobody sees it; a session of the same key is the same key."""
    amal = await editor(store, "Amal", "read", "publish", "correct")
    luis = await editor(store, "Luis", "publish")
    async with strict.reader() as line:
        await frame(line)
        flash = (await sent(strict, {"headline": "Flash", "urgency": 1}, **amal)).json()
        item = flash["item"]["id"]
        assert ("pending", "withheld") == (flash["item"]["state"], flash["item"]["pubstatus"])
        assert [] == await strict.window()
        assert (403, "own-approval", None) == problem(await act(strict, item, "approve", **amal))
        login = await strict.http.post("/v1/session", json={"key": amal["Authorization"].removeprefix("Bearer ")})
        async with httpx.AsyncClient(base_url=strict.url, cookies=login.cookies, **PLAIN) as page:
            assert (403, "own-approval", None) == problem(await page.post(f"{ITEMS}/{item}/approve"))
        approved = await done(strict, item, "approve", **luis)
        assert ("published", "new", 2) == tuple(approved["item"][name] for name in ("state", "signal", "version"))
        (entry,) = await entries(line, 1)
        assert ("publish", "Flash") == (entry["act"], entry["item"]["headline"])
    assert ["submit", "approve", "approve", "approve"] == [told["act"] for told in await records(strict)]
    assert ["Amal", "Amal", "Amal", "Luis"] == [told["by"]["name"] for told in await records(strict)]


async def test_whoever_changes_a_pending_item_has_written_it(strict: Stage, store: Store) -> None:
    """Then its first author may approve what the other made of it."""
    amal = await editor(store, "Amal", "publish", "correct")
    luis = await editor(store, "Luis", "publish", "correct")
    item = (await sent(strict, {"headline": "Flash", "urgency": 1}, **amal)).json()["item"]["id"]
    await done(strict, item, "change", {"signal": "correction", "headline": "Flash!", "correction_note": "x"}, **luis)
    assert (403, "own-approval", None) == problem(await act(strict, item, "approve", **luis))
    approved = (await done(strict, item, "approve", **amal))["item"]
    assert ("Flash!", "new", False) == (approved["headline"], approved["signal"], "correction_note" in approved)


async def test_an_approved_item_with_a_plan_waits_for_it(strict: Stage, store: Store) -> None:
    """And so does one that was held and released meanwhile."""
    luis = await editor(store, "Luis", "publish")
    item = (await strict.post("Flash", urgency=1, embargoed=soon(3600)))["item"]["id"]
    assert "scheduled" == (await done(strict, item, "approve", **luis))["item"]["state"]
    await done(strict, item, "hold")
    assert "scheduled" == (await done(strict, item, "release"))["item"]["state"]
    assert [] == await strict.window()


# Other channels.


async def test_a_correction_names_the_items_on_the_same_story_elsewhere(stage: Stage) -> None:
    """And a retraction; an update does not, nor is an item named that has ended."""
    item = (await stage.post("Bridge open", story="bridge"))["item"]["id"]
    other = (await stage.post("الجسر مفتوح", channel="ar", story="bridge"))["item"]
    ended = (await stage.post("Puente abierto", channel="es", story="bridge"))["item"]["id"]
    await stage.retract(ended, channel="es")
    siblings = [{"channel": "ar", "id": other["id"], "version": 1, "headline": "الجسر مفتوح"}]
    assert "siblings" not in await done(stage, item, "change", UPDATE)
    assert siblings == (await done(stage, item, "change", {**CORRECTION, "headline": "Shut"}))["siblings"]
    assert siblings == (await done(stage, item, "retract", {"reason": "x"}))["siblings"]


CORRECTION = {"signal": "correction", "correction_note": "It is shut"}


# A look before it is done.


async def test_an_act_can_be_looked_at_first_and_nothing_is_stored(strict: Stage, store: Store) -> None:
    """Neither when it would be taken nor when it would be refused; then it is refused in the same words."""
    states = {"release": "held", "unpin": "pinned", "approve": "pending", "undo": "published"}
    luis = await editor(store, "Luis", "admin")
    for name in SCOPES:
        item = await in_state(strict, states.get(name, "published"), f"For {name}")
        body = {"change": UPDATE, "retract": {"reason": "x"}}.get(name, {})
        before = await everything(store)
        method = "PATCH" if name == "change" else "POST"
        path = f"{ITEMS}/{item}" + ("" if name == "change" else f"/{name}") + "?dry_run=1"
        answer = await sent(strict, body, path, method, **luis, **{"If-Match": "*", "Idempotency-Key": "once"})
        if name == "undo":
            assert (409, "push-sent", None) == problem(answer)
        else:
            document = answer.json()
            assert (200, True) == (answer.status_code, document["dry_run"]), name
            assert (await stored(store, item)).version + 1 == document["item"]["version"], name
        assert before == await everything(store), name
        stale = await sent(strict, body, path, method, **luis, **{"If-Match": '"9"'})
        assert (412, "stale-version", "If-Match") == problem(stale), name
        assert before == await everything(store), name
        if name == "unpin":
            await done(strict, item, "unpin")


@pytest.mark.parametrize("query", ["", "?dry_run=1"])
async def test_an_idempotency_key_that_is_none_is_refused_in_a_rehearsal_too(stage: Stage, query: str) -> None:
    """A rehearsal is refused what the act would be."""
    item = await in_state(stage, "published")
    answer = await sent(stage, {}, f"{ITEMS}/{item}/hold{query}", **{"Idempotency-Key": "two words"})
    assert (422, "invalid-item", "Idempotency-Key") == problem(answer)
