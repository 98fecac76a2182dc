"""A look at an alert before anybody sees it."""

from __future__ import annotations

from typing import Any

import pytest
from ticker import wire
from ticker.store import Store

from tests.desk import CHANNEL, ITEMS, act, done, everything, problem, sent, soon
from tests.stage import Stage, frame


async def dry(stage: Stage, **fields: Any) -> Any:
    """What a post would become."""
    answer = await sent(stage, {"headline": "The bridge is open", **fields}, ITEMS + "?dry_run=1")
    assert 200 == answer.status_code, answer.text
    return answer.json()


async def test_every_surface_is_shown_with_its_bytes_and_nothing_is_stored(stage: Stage, store: Store) -> None:
    """What would go over the line, into the window and to phones; the store is as it was."""
    await stage.post("something else")
    before = await everything(store)
    found = await dry(stage, attribution="Police", urgency=1, push_headline="Bridge open", ednote="not for you")
    assert before == await everything(store)
    surfaces = found["surfaces"]
    assert found["dry_run"]
    assert "publish" == surfaces["live"]["entry"]["act"]
    assert "The bridge is open" == surfaces["items"]["item"]["headline"]
    assert len(wire.encode(surfaces["items"]["item"])) == surfaces["items"]["bytes"]
    assert surfaces["live"]["bytes"] > surfaces["items"]["bytes"]
    (push,) = surfaces["push"]
    assert "Bridge open" == push["payload"]["body"]
    assert len(wire.encode(push["payload"])) == push["bytes"]
    assert "not for you" not in str(found)


async def test_the_frame_that_is_shown_is_the_frame_that_goes_out(stage: Stage) -> None:
    """But for id, times and place, which only the store can give."""
    shown = (await dry(stage, attribution="Police"))["surfaces"]["live"]["entry"]
    async with stage.reader() as line:
        await frame(line)
        await stage.post("The bridge is open", attribution="Police")
        sent_out = await frame(line)
    given = {"id", "firstcreated", "published_at", "versioncreated", "expires"}
    assert shown["act"] == sent_out["act"]
    assert {k: v for k, v in shown["item"].items() if k not in given} == {
        k: v for k, v in sent_out["item"].items() if k not in given
    }


async def test_what_waits_shows_the_public_nothing(stage: Stage) -> None:
    """A scheduled alert has no surface yet."""
    found = await dry(stage, publish_at=soon(3600))
    assert ("scheduled", {}) == (found["item"]["state"], found["surfaces"])


async def test_what_stays_off_the_phones_is_shown_to_none(stage: Stage) -> None:
    """The web only."""
    assert [] == (await dry(stage, push={"enabled": False}))["surfaces"]["push"]


async def test_the_same_text_is_told_and_not_refused(stage: Stage) -> None:
    """The real post would be."""
    assert (await dry(stage))["similar"] is None
    item = (await stage.post("The bridge is open"))["item"]["id"]
    assert item == (await dry(stage))["similar"]
    assert (409, "similar") == problem(await sent(stage, {"headline": "the bridge is open!"}))[:2]


async def test_what_would_be_refused_is_refused(stage: Stage) -> None:
    """A moment in the past; a field that does not exist; a flag that is neither yes nor no."""
    for body, status, slug in (
        ({"headline": "x", "expires": "2020-01-01T00:00:00Z"}, 409, "expiry-in-the-past"),
        ({"headlin": "x"}, 422, "invalid-item"),
    ):
        assert (status, slug) == problem(await sent(stage, body, ITEMS + "?dry_run=1"))[:2]
    assert (422, "invalid-item", "dry_run") == problem(await sent(stage, {"headline": "x"}, ITEMS + "?dry_run=perhaps"))


async def test_an_act_can_be_rehearsed_too(stage: Stage, store: Store) -> None:
    """A correction and a hold: what readers would get, and nothing happens."""
    item = (await stage.post("The bridge is open"))["item"]["id"]
    before = await everything(store)
    body = {"signal": "correction", "headline": "The bridge is shut", "correction_note": "It is shut"}
    answer = await stage.http.patch(f"{ITEMS}/{item}?dry_run=1", json=body, headers={"If-Match": "*"})
    assert "correct" == answer.json()["surfaces"]["live"]["entry"]["act"]
    held = (await stage.http.post(f"{ITEMS}/{item}/hold?dry_run=1")).json()
    assert "expire" == held["surfaces"]["live"]["entry"]["act"]
    assert "headline" not in held["surfaces"]["live"]["entry"]["item"]
    assert [1, 0] == [len(found["surfaces"]["push"]) for found in (answer.json(), held)]
    pinned = (await stage.http.post(f"{ITEMS}/{item}/pin?dry_run=1")).json()
    assert ("pin", []) == (pinned["surfaces"]["live"]["entry"]["act"], pinned["surfaces"]["push"])
    assert before == await everything(store)


LENGTHS = [(90, None), (91, "90"), (120, "90"), (121, "120"), (280, "120")]


@pytest.mark.parametrize(("length", "limit"), LENGTHS)
async def test_a_long_headline_is_warned_about_and_taken(stage: Stage, length: int, limit: str | None) -> None:
    """Beyond 90 and beyond 120 characters; never refused below 280."""
    headline = ("wort " * 60)[: length - 1] + "!"
    warnings = (await stage.post(headline))["warnings"] if limit else (await stage.post(headline)).get("warnings")
    if limit is None:
        assert warnings is None
    else:
        assert f"beyond {limit} many screens cut it" in warnings[0]


async def test_an_expiry_beyond_the_channels_age_is_warned_about(stage: Stage) -> None:
    """It leaves the ticker before."""
    answer = await stage.post("Long", expires=soon(40 * 3600))
    assert ["It leaves the ticker after 24 hours, before it expires."] == answer["warnings"]
    assert "warnings" not in await stage.post("Short", expires=soon(3600))


async def test_a_rehearsed_act_leaves_the_record_alone(stage: Stage) -> None:
    """Whoever looks back sees only what was done."""
    item = (await stage.post("The bridge is open"))["item"]["id"]
    await stage.http.post(f"{ITEMS}/{item}/pin?dry_run=1")
    await done(stage, item, "pin")
    found = (await stage.http.get(f"{CHANNEL}/audit")).json()["records"]
    assert ["pin", "publish"] == [record["act"] for record in found]
    assert (409, "pin-in-the-past") == problem(await act(stage, item, "pin", {"until": "2020-01-01T00:00:00Z"}))[:2]
