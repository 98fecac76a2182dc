"""The item: what an editor may send, what may happen to it, what the public sees of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from ticker import item as rules
from ticker.channel import DEFAULT
from ticker.errors import AlreadyRetracted, Unprocessable
from ticker.item import PUBLIC, STAMPED, WITHDRAWN, Draft, Item, Reason, iso, milliseconds

EN, AR, _ = DEFAULT
MOMENT = 1_795_419_098_330
SHOWN = "2026-11-23T07:31:38.330Z"


def draft(**fields: Any) -> Draft:
    """What an editor sends, through the parser that a request goes through."""
    return Draft.model_validate_json(json.dumps({"headline": "The bridge is open again", **fields}))


def stored(**fields: Any) -> Item:
    """An item as the editor of `en` posted it."""
    return Item(
        **{"id": "A", "version": 1, "channel": "en", "headline": "The bridge is open", "language": "en", **fields}
    )


def test_a_headline_alone_is_enough() -> None:
    """Everything else has a value that needs no thought while it is urgent."""
    plain = draft()
    assert ("The bridge is open again", 5, False) == (plain.headline, plain.urgency, plain.live)
    assert (None, None, None, None) == (plain.attribution, plain.link, plain.story, plain.expires)
    assert () == plain.sections == plain.regions == plain.tags


def test_everything_that_an_editor_can_say_is_kept() -> None:
    """Each field arrives as it was sent, trimmed where it is a line."""
    full = draft(
        attribution=" Harbour Police ",
        urgency=1,
        link="https://news.example/bridge",
        sections=["politics", "world"],
        regions=["europe"],
        tags=["Bridge", "جسر"],
        story="bridge-2026",
        expires="2026-11-23T08:31:38.330+01:00",
        live=True,
    )
    assert ("Harbour Police", 1, "https://news.example/bridge") == (
        full.attribution,
        full.urgency,
        full.link,
    )
    assert (("politics", "world"), ("europe",), ("Bridge", "جسر")) == (full.sections, full.regions, full.tags)
    assert ("bridge-2026", True) == (full.story, full.live)
    assert full.expires is not None
    assert MOMENT == milliseconds(full.expires)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("headline", "", id="empty headline"),
        pytest.param("headline", "x " * 141, id="headline of 281"),
        pytest.param("headline", "Not\u202eguilty", id="headline with a bidi override"),
        pytest.param("headline", ["x"], id="headline that is a list"),
        pytest.param("attribution", "", id="empty attribution"),
        pytest.param("attribution", "x " * 51, id="attribution of 101"),
        pytest.param("urgency", 0, id="urgency 0"),
        pytest.param("urgency", 10, id="urgency 10"),
        pytest.param("urgency", "1", id="urgency as text"),
        pytest.param("urgency", True, id="urgency as truth"),
        pytest.param("link", "http://news.example", id="link without encryption"),
        pytest.param("link", "javascript:alert(1)", id="link that is a program"),
        pytest.param("link", "/bridge", id="link without a host"),
        pytest.param("link", "https://editor:pass@news.example", id="link with a password"),
        pytest.param("link", "https://editor@news.example", id="link with a user"),
        pytest.param("link", "https://news.example/a\nb", id="link over two lines"),
        pytest.param("link", "https://news.example/" + "a-" * 1024, id="link of more than 2048"),
        pytest.param("link", 5, id="link that is a number"),
        pytest.param("sections", ["a", "b", "c", "d"], id="four sections"),
        pytest.param("sections", ["a", "a"], id="a section twice"),
        pytest.param("regions", list("abcdef"), id="six regions"),
        pytest.param("regions", ["a", "a"], id="a region twice"),
        pytest.param("tags", list("abcdefghijk"), id="eleven tags"),
        pytest.param("tags", ["x " * 33], id="a tag of 65"),
        pytest.param("tags", ["x", " x"], id="a tag twice, by a space"),
        pytest.param("tags", [""], id="an empty tag"),
        pytest.param("story", "Bridge", id="story in capitals"),
        pytest.param("story", "a" * 33, id="story of 33"),
        pytest.param("expires", "2026-11-23T07:31:38", id="expiry without a zone"),
        pytest.param("expires", "tomorrow", id="expiry in words"),
        pytest.param("live", "yes", id="live as text"),
        pytest.param("headlin", "x", id="a field that does not exist"),
        pytest.param("version", 7, id="a field that the store sets"),
        pytest.param("pubstatus", "withheld", id="a field that no editor sends"),
    ],
)
def test_what_a_field_does_not_take_is_refused_with_the_field(field: str, value: object) -> None:
    """A typing error must not lose a fact, and the refusal says where it is."""
    with pytest.raises(ValidationError) as refused:
        draft(**{field: value})
    assert field == refused.value.errors()[0]["loc"][0]


@pytest.mark.parametrize(
    "link",
    ["https://news.example/" + "a" * 100, "https://news.example/world/bridge?from=ticker&at=2026_11_23&" + "x=1&" * 20],
    ids=["long path", "long query"],
)
def test_a_link_may_be_one_long_word(link: str) -> None:
    """Addresses have no spaces; what no screen can break is a matter of headlines."""
    assert link == draft(link=link).link


def test_a_new_item_is_of_its_channel() -> None:
    """Language and direction come from the channel, the id from outside, version and times from nobody yet."""
    item = rules.publish(draft(), AR, "01ARZ")
    assert ("01ARZ", "ar", "ar", "rtl") == (item.id, item.channel, item.language, item.direction)
    assert (0, 0, 0, 0, None) == (item.version, item.firstcreated, item.published_at, item.versioncreated, item.expires)
    assert ("usable", "new") == (item.pubstatus, item.signal)


def test_a_new_item_keeps_what_its_editor_said() -> None:
    """No field of the draft is lost on the way into the item, but the expiry, which is the store's."""
    sent = draft(
        attribution="Police", urgency=2, sections=["world"], regions=["asia"], tags=["t"], story="s", live=True
    )
    item = rules.publish(sent, EN, "A")
    kept = {name: getattr(item, name) for name in Draft.model_fields if name != "expires"}
    assert sent.model_dump(exclude={"expires"}) == kept


def test_an_empty_story_is_none() -> None:
    """A form sends an empty field where nothing was typed."""
    assert rules.publish(draft(story=""), EN, "A").story is None


@pytest.mark.parametrize("field", ["sections", "regions"])
def test_a_name_that_is_not_on_the_channels_list_is_refused(field: str) -> None:
    """The refusal names the field, the wrong word and what there is."""
    known = getattr(EN, field)
    with pytest.raises(Unprocessable) as refused:
        rules.publish(draft(**{field: [known[0], "atlantis"]}), EN, "A")
    assert field == refused.value.field
    assert f"'atlantis' is not one of the {field} of en: {', '.join(known)}." == refused.value.detail


def test_a_channel_without_a_list_says_so() -> None:
    """Where there are no regions, none is taken."""
    bare = EN.model_copy(update={"regions": ()})
    with pytest.raises(Unprocessable, match=r"of en: it has none\.$"):
        rules.publish(draft(regions=["europe"]), bare, "A")


def test_a_retraction_takes_the_item_back_with_its_reason() -> None:
    """The item is canceled, the note says why, and it neither expires nor is pinned any more."""
    item = rules.retract(stored(expires=MOMENT, pinned_until=MOMENT), "The bridge is closed")
    assert ("canceled", "retraction", "The bridge is closed") == (item.pubstatus, item.signal, item.correction_note)
    assert (None, None) == (item.expires, item.pinned_until)
    assert ("A", "en") == (item.id, item.channel)


def test_a_retraction_leaves_the_old_version_alone() -> None:
    """An item does not change; there is a new one."""
    item = stored()
    rules.retract(item, "wrong")
    assert "usable" == item.pubstatus


def test_a_retraction_is_final() -> None:
    """Who retracts again is told, and the first reason stands."""
    with pytest.raises(AlreadyRetracted):
        rules.retract(rules.retract(stored(), "first"), "second")


def test_an_expired_item_was_not_wrong() -> None:
    """It has no end any more, and keeps its text and its status."""
    item = rules.expire(stored(expires=MOMENT))
    assert stored() == item


@pytest.mark.parametrize("reason", ["", " ", "x " * 251, "a\nb"], ids=["empty", "blank", "501 characters", "two lines"])
def test_a_retraction_needs_one_line_that_says_why(reason: str) -> None:
    """The public is told why, in a sentence that fits."""
    with pytest.raises(ValidationError):
        Reason(reason=reason)
    assert "Sent in error" == Reason(reason="Sent in error").reason


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


def test_nothing_of_a_retracted_items_text_is_public() -> None:
    """The id, the act and the reason remain; the words are gone."""
    item = rules.retract(
        stored(headline="Mayor arrested", attribution="Police", tags=("mayor",), link="https://news.example/mayor"),
        "He was not",
    )
    assert {
        "id": "A",
        "version": 1,
        "channel": "en",
        "pubstatus": "canceled",
        "signal": "retraction",
        "correction_note": "He was not",
        "versioncreated": iso(0),
    } == item.public()


class Later(Item):
    """An item of a later release, with fields that only the newsroom reads."""

    ednote: str = "do not use before the family knows"
    publisher: str = "the editor of en"


lines = st.text(max_size=10)
few = st.lists(lines, max_size=3).map(tuple)
moments = st.integers(0, 253_402_300_799_999)
perhaps = st.none() | moments
items = st.builds(
    Later,
    id=lines,
    version=st.integers(0, 99),
    channel=lines,
    headline=lines,
    attribution=st.none() | lines,
    language=lines,
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
    published_at=moments,
    versioncreated=moments,
    expires=perhaps,
    pinned_until=perhaps,
)


@settings(deadline=None)
@given(items)
def test_no_private_field_is_ever_public(item: Later) -> None:
    """Whatever the item, only fields on the list leave the house, and of a canceled one fewer still."""
    shown = item.public()
    assert set(shown) <= set(WITHDRAWN if item.pubstatus == "canceled" else PUBLIC)
    assert not {"ednote", "publisher"} & set(shown)
    assert {"id", "version", "channel", "pubstatus"} <= set(shown)
    assert shown == json.loads(json.dumps(shown)) | {
        name: shown[name] for name in shown if isinstance(shown[name], tuple)
    }


@settings(deadline=None)
@given(items)
def test_what_is_stored_is_read_back(item: Later) -> None:
    """JSON and back is the same item, and fields of another release are passed over."""
    read = Item.model_validate_json(item.unstamped(frozenset()))
    assert item.public() == read.public()


def test_what_the_store_will_set_is_not_written() -> None:
    """Version and times come from the store's own step, so an item says nothing of them beforehand."""
    item = stored(firstcreated=MOMENT, published_at=MOMENT, versioncreated=MOMENT, expires=MOMENT)
    written = json.loads(item.unstamped())
    assert not STAMPED & set(written)
    assert "The bridge is open" == written["headline"]
    assert {"version"} == STAMPED & set(json.loads(item.unstamped(STAMPED - {"version"})))


@settings(deadline=None)
@given(moments)
@example(1_095_096_577_422)
def test_a_moment_is_written_and_read_without_loss(moment: int) -> None:
    """Milliseconds to text and back, up to the end of the year 9999."""
    assert moment == milliseconds(datetime.fromisoformat(iso(moment)))


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (MOMENT, SHOWN),
        (MOMENT + 670, "2026-11-23T07:31:39.000Z"),
    ],
)
def test_a_moment_is_written_with_three_figures_for_milliseconds(moment: int, text: str) -> None:
    """RFC 3339 in UTC, always as long."""
    assert text == iso(moment)


def test_a_zone_is_counted_in() -> None:
    """The same moment said in Kathmandu and in Greenwich is one number."""
    kathmandu = datetime(2026, 11, 23, 13, 16, 38, 330_000, timezone(timedelta(hours=5, minutes=45)))
    assert MOMENT == milliseconds(kathmandu) == milliseconds(datetime(2026, 11, 23, 7, 31, 38, 330_000, UTC))


def test_an_expiry_that_is_taken_can_be_shown() -> None:
    """The last hours of the year 9999 west of Greenwich are refused, or shown: no reader may stumble over them."""
    try:
        sent = draft(expires="9999-12-31T23:59:59-12:00")
    except ValidationError:
        return
    assert sent.expires is not None
    assert iso(milliseconds(sent.expires))


@pytest.mark.parametrize("model", [Draft, Reason, Item])
def test_nothing_changes_in_place(model: type[BaseModel]) -> None:
    """Drafts, reasons and items are frozen: what was checked stays as it was checked."""
    assert model.model_config.get("frozen")
