"""The item: what the public sees of it, what its editors see, what is written and read back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from ticker.item import DESK, PUBLIC, TIMES, WITHDRAWN, Item, Push, iso

MOMENT = 1_795_419_098_330
SHOWN = "2026-11-23T07:31:38.330Z"
PRIVATE = {"ednote", "push", "push_headline", "push_at", "publish_at", "embargoed", "author", "state", "expired_at"}


def stored(**fields: Any) -> Item:
    """An item as the editor of `en` posted it."""
    return Item(
        **{"id": "A", "version": 1, "channel": "en", "headline": "The bridge is open", "language": "en", **fields}
    )


FULL = stored(
    push_headline="Bridge open",
    attribution="Police",
    direction="rtl",
    urgency=1,
    correction_note="It was shut",
    ednote="Call the harbour",
    sections=("world",),
    regions=("europe",),
    tags=("bridge",),
    located="Málaga",
    story="bridge",
    link="https://news.example/bridge",
    live=True,
    developing=True,
    replaces="B",
    push=Push(sound=True),
    author="the editor of en",
    **dict.fromkeys(TIMES, MOMENT),
)


def test_every_field_is_public_or_private_and_none_is_forgotten() -> None:
    """A field that is new has to be put on a list before anybody sees it."""
    assert set(Item.model_fields) == set(PUBLIC) | PRIVATE
    assert set() == set(PUBLIC) & PRIVATE
    assert PRIVATE - {"ednote"} == set(DESK)
    assert set(WITHDRAWN) <= set(PUBLIC)
    assert set(Item.model_fields) == set(FULL.model_dump(exclude_defaults=True)) | {"state", "pubstatus", "signal"}


def test_the_public_sees_times_as_people_write_them() -> None:
    """Times are RFC 3339 in UTC, and what is empty is left out."""
    item = stored(firstcreated=MOMENT, published_at=MOMENT, versioncreated=MOMENT)
    assert {
        "id": "A",
        "version": 1,
        "channel": "en",
        "headline": "The bridge is open",
        "language": "en",
        "direction": "ltr",
        "urgency": 5,
        "pubstatus": "usable",
        "signal": "new",
        "firstcreated": SHOWN,
        "published_at": SHOWN,
        "versioncreated": SHOWN,
    } == item.public()


def test_the_public_sees_every_public_field_that_says_something() -> None:
    """All of them, and no other; each of the times as text."""
    assert set(PUBLIC) == set(FULL.public())
    assert {SHOWN} == {value for name, value in FULL.public().items() if name in TIMES}


@pytest.mark.parametrize("pubstatus", ["canceled", "withheld"])
def test_nothing_of_a_withdrawn_items_text_is_public(pubstatus: str) -> None:
    """The id, the act and the reason remain; the words are gone, while it is held as when it is retracted."""
    assert {
        "id": "A",
        "version": 1,
        "channel": "en",
        "pubstatus": pubstatus,
        "signal": "new",
        "correction_note": "It was shut",
        "versioncreated": SHOWN,
    } == FULL.model_copy(update={"pubstatus": pubstatus}).public()


def test_its_editors_see_the_text_while_it_is_withheld_and_what_is_planned() -> None:
    """All but the note to colleagues, which is for the record alone."""
    held = FULL.model_copy(update={"pubstatus": "withheld", "state": "held"})
    assert set(PUBLIC) | set(DESK) == set(held.desk())
    assert ("held", "The bridge is open", {"sound": True}) == tuple(
        held.desk()[name] for name in ("state", "headline", "push")
    )
    assert held.desk() | {"ednote": "Call the harbour"} == held.whole()


def test_a_retracted_item_is_shown_to_nobody_but_in_the_record() -> None:
    """An answer to its editor holds no more than the public is told; its history needs a key."""
    retracted = FULL.model_copy(update={"pubstatus": "canceled"})
    assert retracted.public() == retracted.desk()
    assert "The bridge is open" == retracted.whole()["headline"]


@pytest.mark.parametrize(
    ("fields", "known"),
    [
        ({"published_at": MOMENT}, True),
        ({"published_at": MOMENT, "state": "expired"}, True),
        ({"published_at": MOMENT, "state": "retracted", "pubstatus": "canceled"}, True),
        ({"published_at": MOMENT, "state": "held", "pubstatus": "withheld"}, False),
        ({"state": "scheduled", "pubstatus": "withheld"}, False),
        ({"state": "pending", "pubstatus": "withheld"}, False),
        ({"state": "retracted", "pubstatus": "canceled"}, False),
        ({"state": "expired", "pubstatus": "withheld"}, False),
    ],
    ids=["on air", "expired", "retracted", "held", "scheduled", "pending", "retracted unseen", "expired unseen"],
)
def test_the_public_knows_of_what_it_has_seen_and_is_not_held(fields: dict[str, Any], known: bool) -> None:
    """A schedule that was taken back never was."""
    assert known == stored(**fields).known()


class Later(Item):
    """An item of a later release, with one more field that only the newsroom reads."""

    source: str = "a police officer who must not be named"


lines = st.text(max_size=10)
few = st.lists(lines, max_size=3).map(tuple)
moments = st.integers(0, 253_402_300_799_999)
perhaps = st.none() | moments
items = st.builds(
    Later,
    id=st.sampled_from("AB"),
    version=st.integers(0, 99),
    channel=st.sampled_from(["en", "ar"]),
    headline=lines,
    attribution=st.none() | lines,
    language=lines,
    state=st.sampled_from(["pending", "scheduled", "published", "held", "expired", "retracted"]),
    pubstatus=st.sampled_from(["usable", "withheld", "canceled"]),
    signal=st.sampled_from(["new", "update", "correction", "refile", "hold", "retraction"]),
    correction_note=st.none() | lines,
    sections=few,
    regions=few,
    tags=few,
    story=st.none() | lines,
    link=st.none() | lines,
    live=st.booleans(),
    firstcreated=moments,
    published_at=perhaps,
    bumped_at=perhaps,
    versioncreated=moments,
    expires=perhaps,
    pinned_until=perhaps,
    push_headline=st.none() | lines,
    ednote=st.none() | lines,
    author=lines,
    publish_at=perhaps,
    embargoed=perhaps,
    push_at=perhaps,
    expired_at=perhaps,
    push=st.builds(Push, enabled=st.booleans(), topics=few, ttl=st.integers(0), sound=st.booleans()),
)


@settings(deadline=None)
@given(items)
def test_no_private_field_is_ever_public(item: Later) -> None:
    """Whatever the item, only fields on the list leave the house, and of a withdrawn one fewer still."""
    shown = item.public()
    assert set(shown) <= set(PUBLIC if item.pubstatus == "usable" else WITHDRAWN)
    assert set() == (PRIVATE | {"source"}) & set(shown)
    assert {"id", "version", "channel", "pubstatus", "signal"} <= set(shown)
    assert set(item.desk()) <= set(PUBLIC) | set(DESK)
    assert "source" not in item.whole()


@settings(deadline=None)
@given(items)
def test_what_is_shown_is_json(item: Later) -> None:
    """Nothing empty, no date that JSON does not know."""
    for shown in (item.public(), item.desk(), item.whole()):
        assert set(shown) == set(json.loads(json.dumps(shown)))
        assert not [name for name, value in shown.items() if value in (None, "", (), False) and name != "version"]


@settings(deadline=None)
@given(items)
def test_what_is_stored_is_read_back(item: Later) -> None:
    """JSON and back is the same item, and fields of another release are passed over."""
    read = Item.model_validate_json(item.unstamped(frozenset()))
    assert item.whole() | {"version": 0} == read.whole()


def test_what_the_store_will_set_is_not_written() -> None:
    """The version and the times that are asked for come from the store's own step, so an item does not say them."""
    written = json.loads(FULL.unstamped(frozenset({"versioncreated", "bumped_at"})))
    assert {"version", "versioncreated", "bumped_at"} == set(Item.model_fields) - set(written)
    assert "The bridge is open" == written["headline"]
    assert {"version"} == set(json.loads(FULL.unstamped(frozenset({"versioncreated"})))) ^ (
        set(Item.model_fields) - {"versioncreated"}
    )


def test_what_an_item_does_not_have_is_not_written() -> None:
    """A record is kept for ever; nulls are not."""
    assert "null" not in stored().unstamped(frozenset())


@settings(deadline=None)
@given(moments)
@example(1_095_096_577_422)
def test_a_moment_is_written_with_the_same_length_always(moment: int) -> None:
    """RFC 3339 in UTC, three figures for milliseconds, so that texts sort as moments do."""
    assert 24 == len(iso(moment))
    assert iso(moment) >= iso(moment - 1 if moment else 0)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (MOMENT, SHOWN),
        (MOMENT + 670, "2026-11-23T07:31:39.000Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_a_moment_is_written_in_utc(moment: int, text: str) -> None:
    """From the first that there is to the last."""
    assert text == iso(moment)


@pytest.mark.parametrize("thing", [FULL, FULL.push], ids=["item", "push"])
def test_nothing_changes_in_place(thing: Item | Push) -> None:
    """A version is what it was."""
    with pytest.raises(ValidationError):
        thing.sound = False  # type: ignore[union-attr,misc]
