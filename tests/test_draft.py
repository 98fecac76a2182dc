"""What editors send: each field's rules, for a new item, a change and each act."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError
from ticker import draft as drafts
from ticker.draft import Draft, Hold, Login, Nothing, Patch, Pin, Push, Reason, milliseconds
from ticker.item import iso

MOMENT = 1_795_419_098_330
SHOWN = "2026-11-23T07:31:38.330Z"
LATER = "2026-11-23T08:31:38.330+01:00"
ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
OPTIONAL = {"push_headline", "attribution", "link", "located", "story", "ednote", "publish_at", "embargoed", "expires"}
"""Fields of an item that can be taken away again."""
MODELS: list[type[BaseModel]] = [Draft, Patch, Reason, Hold, Pin, Nothing, Login, Push]


def draft(**fields: Any) -> Draft:
    """What an editor sends, through the parser that a request goes through."""
    return Draft.model_validate_json(json.dumps({"headline": "The bridge is open again", **fields}))


def patch(**fields: Any) -> Patch:
    """What an editor sends to change an item."""
    return Patch.model_validate_json(json.dumps({"signal": "update", **fields}))


def test_a_headline_alone_is_enough() -> None:
    """Everything else has a value that needs no thought while it is urgent."""
    plain = draft()
    assert ("The bridge is open again", 5, False, False) == (
        plain.headline,
        plain.urgency,
        plain.live,
        plain.developing,
    )
    optional = [
        "attribution",
        "push_headline",
        "language",
        "direction",
        "link",
        "located",
        "story",
        "replaces",
        "ednote",
    ]
    assert {None} == {getattr(plain, name) for name in [*optional, "publish_at", "embargoed", "expires"]}
    assert () == plain.sections == plain.regions == plain.tags
    assert (True, (), 3600, False) == (plain.push.enabled, plain.push.topics, plain.push.ttl, plain.push.sound)


FULL = {
    "headline": "The bridge is open again",
    "push_headline": "Bridge open",
    "attribution": "Harbour Police",
    "language": "pt-BR",
    "direction": "rtl",
    "urgency": 1,
    "link": "https://news.example/bridge",
    "sections": ["politics", "world"],
    "regions": ["europe"],
    "tags": ["Bridge", "جسر"],
    "located": "Málaga",
    "story": "bridge-2026",
    "live": True,
    "developing": True,
    "replaces": ULID,
    "ednote": "Call the harbour before noon",
    "publish_at": LATER,
    "embargoed": LATER,
    "expires": LATER,
    "push": {"enabled": False, "topics": ["harbour"], "ttl": 0, "sound": True},
}


def test_everything_that_an_editor_can_say_is_kept() -> None:
    """Each field arrives as it was sent; a moment is the same moment in every zone."""
    assert set(FULL) == set(Draft.model_fields)
    kept = draft(**FULL).model_dump()
    moments = {"publish_at", "embargoed", "expires"}
    assert {MOMENT} == {milliseconds(kept.pop(name)) for name in moments}
    assert {name: value for name, value in FULL.items() if name not in moments} == json.loads(json.dumps(kept))


def test_lines_are_trimmed() -> None:
    """A copied text keeps no space at its ends, in any field that is one line."""
    lines = ("headline", "push_headline", "attribution", "located", "ednote")
    trimmed = draft(**dict.fromkeys(lines, "  x\xa0"), tags=[" x "])
    assert {"x"} == {getattr(trimmed, name) for name in lines}
    assert ("x",) == trimmed.tags


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("headline", "", id="empty headline"),
        pytest.param("headline", "x " * 140 + "x", id="headline of 281"),
        pytest.param("headline", "Not\u202eguilty", id="headline with a bidi override"),
        pytest.param("headline", ["x"], id="headline that is a list"),
        pytest.param("headline", None, id="headline that is null"),
        pytest.param("push_headline", "", id="empty headline for phones"),
        pytest.param("push_headline", "x " * 60 + "x", id="headline for phones of 121"),
        pytest.param("attribution", "", id="empty attribution"),
        pytest.param("attribution", "x " * 50 + "x", id="attribution of 101"),
        pytest.param("language", "", id="empty language"),
        pytest.param("language", "english", id="language in words"),
        pytest.param("language", "en_GB", id="language as POSIX writes it"),
        pytest.param("language", "e", id="language of one letter"),
        pytest.param("direction", "up", id="a direction that is none"),
        pytest.param("urgency", 0, id="urgency 0"),
        pytest.param("urgency", 10, id="urgency 10"),
        pytest.param("urgency", "1", id="urgency as text"),
        pytest.param("urgency", True, id="urgency as truth"),
        pytest.param("urgency", 1.5, id="urgency and a half"),
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
        pytest.param("sections", [""], id="an empty section"),
        pytest.param("sections", ["a" * 65], id="a section of 65"),
        pytest.param("sections", "world", id="sections that are a text"),
        pytest.param("regions", list("abcdef"), id="six regions"),
        pytest.param("regions", ["a", "a"], id="a region twice"),
        pytest.param("tags", list("abcdefghijk"), id="eleven tags"),
        pytest.param("tags", ["x " * 32 + "x"], id="a tag of 65"),
        pytest.param("tags", ["x", " x"], id="a tag twice, by a space"),
        pytest.param("tags", [""], id="an empty tag"),
        pytest.param("located", "x " * 32 + "x", id="place of 65"),
        pytest.param("story", "Bridge", id="story in capitals"),
        pytest.param("story", "a" * 33, id="story of 33"),
        pytest.param("story", "bridge\n", id="story with a line break"),
        pytest.param("replaces", ULID[1:], id="id that is too short"),
        pytest.param("replaces", ULID.lower(), id="id in small letters"),
        pytest.param("replaces", "8" + ULID[1:], id="id beyond the last ULID"),
        pytest.param("ednote", "x " * 250 + "x", id="note of 501"),
        pytest.param("ednote", "one\ntwo", id="note of two lines"),
        pytest.param("expires", "2026-11-23T07:31:38", id="expiry without a zone"),
        pytest.param("expires", "tomorrow", id="expiry in words"),
        pytest.param("expires", 1795419098, id="expiry as a number"),
        pytest.param("expires", "1795419098", id="expiry as a number in quotes"),
        pytest.param("publish_at", "2026-11-23T07:31:38", id="plan without a zone"),
        pytest.param("publish_at", "2026-11-23", id="plan that is a day"),
        pytest.param("embargoed", "2026-13-01T00:00:00Z", id="embargo in a thirteenth month"),
        pytest.param("live", "yes", id="live as text"),
        pytest.param("live", 1, id="live as a number"),
        pytest.param("developing", None, id="developing that is null"),
        pytest.param("push", None, id="push that is null"),
        pytest.param("push", True, id="push as truth"),
        pytest.param("headlin", "x", id="a field that does not exist"),
        pytest.param("version", 7, id="a field that the store sets"),
        pytest.param("pubstatus", "withheld", id="a field that no editor sends"),
        pytest.param("state", "published", id="a state that no editor sends"),
        pytest.param("push_at", LATER, id="a time that the store sets"),
        pytest.param("author", "somebody else", id="another author"),
    ],
)
def test_what_a_field_does_not_take_is_refused_with_the_field(field: str, value: object) -> None:
    """A typing error must not lose a fact, and the refusal says where it is."""
    with pytest.raises(ValidationError) as refused:
        draft(**{field: value})
    assert field == refused.value.errors()[0]["loc"][0]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("enabled", "no", id="enabled as text"),
        pytest.param("topics", [str(number) for number in range(21)], id="21 topics"),
        pytest.param("topics", ["x", "x"], id="a topic twice"),
        pytest.param("topics", ["x " * 32 + "x"], id="a topic of 65"),
        pytest.param("ttl", -1, id="less than no time"),
        pytest.param("ttl", 2_419_201, id="more than four weeks"),
        pytest.param("sound", 0, id="sound as a number"),
        pytest.param("vibrate", True, id="a field that does not exist"),
    ],
)
def test_what_a_push_does_not_take_is_refused_with_the_field(field: str, value: object) -> None:
    """The field is named with its parent."""
    with pytest.raises(ValidationError) as refused:
        draft(push={field: value})
    assert ("push", field) == refused.value.errors()[0]["loc"][:2]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("headline", "x " * 139 + "xx"),
        ("push_headline", "x " * 59 + "xx"),
        ("attribution", "x " * 49 + "xx"),
        ("located", "x " * 31 + "xx"),
        ("ednote", "x " * 249 + "xx"),
        ("tags", ["x " * 31 + "xx", *list("abcdefghi")]),
        ("sections", ["a" * 64, "b", "c"]),
        ("regions", list("abcde")),
        ("story", "a" * 32),
        ("language", "zh-Hant-TW"),
        ("urgency", 9),
        ("push", {"topics": [str(number) for number in range(20)], "ttl": 2_419_200}),
        ("replaces", "7" + "Z" * 25),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 20 else "",
)
def test_each_limit_is_taken_to_its_last_character(field: str, value: object) -> None:
    """What the table in the docs allows is allowed."""
    assert value == json.loads(draft(**{field: value}).model_dump_json(exclude_unset=True))[field]


@pytest.mark.parametrize(
    "link",
    ["https://news.example/" + "a" * 100, "https://news.example/world/bridge?from=ticker&at=2026_11_23&" + "x=1&" * 20],
    ids=["long path", "long query"],
)
def test_a_link_may_be_one_long_word(link: str) -> None:
    """Addresses have no spaces; what no screen can break is a matter of headlines."""
    assert link == draft(link=link).link


def test_a_link_is_kept_as_a_browser_would_send_it() -> None:
    """Hosts in small letters, other scripts encoded: no screen has to know how."""
    assert "https://xn--mlaga-xqa.example/" == draft(link="https://MÁLAGA.example").link


def test_a_change_says_what_kind_it_is() -> None:
    """Update, correction or refile; there is no other, and none by default."""
    assert ["update", "correction", "refile"] == [
        patch(signal=kind).signal for kind in ("update", "correction", "refile")
    ]
    for body in ({}, {"signal": "retraction"}, {"signal": None}):
        with pytest.raises(ValidationError) as refused:
            Patch.model_validate_json(json.dumps(body))
        assert ("signal",) == refused.value.errors()[0]["loc"]


def test_a_change_names_only_what_it_changes() -> None:
    """What is not sent is not there, whatever its default: an item's urgency is not reset by a comma."""
    assert {} == patch().given()
    assert {} == patch(signal="correction", correction_note="It was 17", bump=True).given()
    assert {"urgency": 5, "attribution": None} == patch(urgency=5, attribution=None).given()


def test_a_change_takes_the_fields_of_a_new_item_by_the_same_rules() -> None:
    """All but `replaces`, which is said once; a field that is wrong in one is wrong in the other."""
    assert set(Draft.model_fields) - {"replaces"} == set(Patch.model_fields) - {"signal", "correction_note", "bump"}
    same = {name: value for name, value in FULL.items() if name != "replaces"}
    assert {name: getattr(draft(**FULL), name) for name in same} == patch(**same).given()


@pytest.mark.parametrize("field", sorted(Patch.model_fields))
def test_null_takes_an_optional_field_away_and_no_other(field: str) -> None:
    """An item cannot lose its headline."""
    if field in OPTIONAL:
        assert {field: None} == patch(**{field: None}).given()
    elif field != "correction_note":
        with pytest.raises(ValidationError) as refused:
            patch(**{field: None})
        assert (field,) == refused.value.errors()[0]["loc"]


def test_the_schema_of_a_change_promises_no_default() -> None:
    """What is not sent is not changed, so no default may stand in the published schema."""
    properties = Patch.model_json_schema()["properties"]
    assert [] == [name for name, field in properties.items() if "default" in field]
    assert 5 == Draft.model_json_schema()["properties"]["urgency"]["default"]


@pytest.mark.parametrize("model", [Reason, Hold], ids=lambda model: model.__name__)
@pytest.mark.parametrize(
    "reason", ["", " ", "x " * 250 + "x", "a\nb"], ids=["empty", "blank", "501 characters", "two lines"]
)
def test_a_reason_is_one_line_that_says_why(model: type[Reason | Hold], reason: str) -> None:
    """A sentence that fits."""
    with pytest.raises(ValidationError):
        model(reason=reason)
    assert "Sent in error" == model(reason=" Sent in error ").reason


def test_acts_that_need_no_words_take_none() -> None:
    """A retraction needs its reason, a login its key; a hold and a pin may say something, the others nothing."""
    assert (None, None) == (Hold().reason, Pin().until)
    for model in (Reason, Login):
        with pytest.raises(ValidationError):
            model.model_validate_json("{}")
    with pytest.raises(ValidationError):
        Nothing.model_validate_json('{"reason": "x"}')


@pytest.mark.parametrize("until", ["2026-11-23T07:31:38", 5, "soon"])
def test_a_pin_ends_at_a_moment_with_a_zone(until: object) -> None:
    """As all moments do."""
    with pytest.raises(ValidationError):
        Pin.model_validate_json(json.dumps({"until": until}))


@pytest.mark.parametrize("key", ["", "x" * 501, None, 5])
def test_a_login_gives_one_key(key: object) -> None:
    """1 to 500 characters, of any kind: whether it is a key is asked elsewhere."""
    with pytest.raises(ValidationError):
        Login.model_validate_json(json.dumps({"key": key}))
    assert "ключ" == Login.model_validate_json('{"key": "ключ"}').key


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_nothing_changes_in_place_and_nothing_unknown_is_taken(model: type[BaseModel]) -> None:
    """What was checked stays as it was checked."""
    assert (True, "forbid", True) == tuple(model.model_config.get(name) for name in ("frozen", "extra", "strict"))


LINES = {
    "headline": drafts.Headline,
    "push_headline": drafts.PushHeadline,
    "attribution": drafts.Attribution,
    "note": drafts.Note,
    "tag": drafts.Tag,
    "place": drafts.Place,
}
texts = st.text(max_size=600) | st.text("xé \u0301\u200d-جسر速🌉\n\u202e", max_size=600)


@settings(deadline=None)
@given(st.sampled_from(sorted(LINES)), texts)
def test_what_is_taken_as_a_line_is_what_the_schema_says(name: str, text: str) -> None:
    """No text that the check takes is refused by the schema, so a form that checks by the schema loses nothing."""
    kind: TypeAdapter[str] = TypeAdapter(LINES[name])
    schema = kind.json_schema()
    try:
        clean = kind.validate_python(text)
    except ValidationError:
        return
    assert schema["minLength"] <= len(clean) <= schema["maxLength"]
    assert re.search(schema["pattern"], clean)


def test_a_link_of_the_schema_is_surely_taken() -> None:
    """The schema promises less than is taken, and nothing that is not."""
    kind: TypeAdapter[str] = TypeAdapter(drafts.Link)
    schema = kind.json_schema()
    assert ("uri", 2048) == (schema["format"], schema["maxLength"])
    for link in ("https://news.example", "https://news.example/a/b1//"):
        assert re.search(schema["pattern"], link)
        assert kind.validate_python(link)


@settings(deadline=None)
@given(st.integers(0, 253_402_300_799_999))
def test_a_moment_is_written_and_read_without_loss(moment: int) -> None:
    """Milliseconds to text and back, up to the end of the year 9999."""
    assert moment == milliseconds(datetime.fromisoformat(iso(moment)))


def test_a_zone_is_counted_in() -> None:
    """The same moment said in Kathmandu and in Greenwich is one number."""
    kathmandu = datetime(2026, 11, 23, 13, 16, 38, 330_000, timezone(timedelta(hours=5, minutes=45)))
    assert MOMENT == milliseconds(kathmandu) == milliseconds(datetime(2026, 11, 23, 7, 31, 38, 330_000, UTC))


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        ("9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59.999Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
        ("1969-12-31T23:59:59Z", "1970-01-01T00:00:00.000Z"),
        ("0001-01-01T00:00:00+14:00", "1970-01-01T00:00:00.000Z"),
    ],
)
def test_every_moment_that_is_taken_can_be_shown(sent: str, shown: str) -> None:
    """What cannot be written as a date again is moved to the nearest that can: no reader may stumble over it."""
    assert shown == iso(milliseconds(datetime.fromisoformat(sent)))
