"""What a phone is told, and whether it may be told still: a table of cases."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ticker.bridges.notice import WITHDRAWN_MS, Notice, body, judged, name_of, notice, pushed, rehearsed
from ticker.channel import DEFAULT
from ticker.entry import Cursor, Entry
from ticker.item import Item

from tests.test_hub import entry

NOW = 1_795_000_000_000


def item(**fields: Any) -> Item:
    """An item on air whose push leaves now."""
    given = {
        "id": "01M84KNK82EG1GQT586YRGEF7V",
        "version": 1,
        "channel": "en",
        "headline": "17 are safe",
        "language": "en",
        "versioncreated": NOW - 5000,
        "published_at": NOW - 5000,
        "push_at": NOW,
        "expires": NOW + 3_600_000,
    }
    return Item.model_validate(given | fields)


def told(**fields: Any) -> Notice:
    """A notice of it."""
    return notice(item(**fields), fields.get("version", 1), DEFAULT[0], NOW, had=False, clear=False)


@pytest.mark.parametrize(
    ("fields", "verdict"),
    [
        ({}, (True, None)),
        ({"version": 2}, (True, None)),  # a pin: another version, the same push
        ({"version": 2, "push_at": NOW + 1}, (False, "superseded")),
        ({"version": 2, "push_at": None}, (False, "cancelled")),  # undone, or for the web only by now
        ({"state": "held", "pubstatus": "withheld", "push_at": None}, (False, "cancelled")),
        ({"state": "retracted", "pubstatus": "canceled", "push_at": None}, (False, "cancelled")),
        ({"state": "expired", "push_at": None}, (False, "expired")),
        ({"expires": NOW}, (False, "expired")),
    ],
)
def test_a_push_is_sent_as_long_as_it_is_the_newest(fields: dict[str, Any], verdict: tuple[bool, str | None]) -> None:
    """By the item as it stands; else it says how it ended."""
    assert verdict == tuple(judged(1, NOW, item(**fields), NOW))


def test_a_withdrawal_is_sent_for_a_day() -> None:
    """And of an item that is not retracted, or is not there, nothing is."""
    gone = item(state="retracted", pubstatus="canceled", version=2, push_at=None, expires=None)
    assert judged(2, 0, gone, NOW).send
    assert (False, "expired") == tuple(judged(2, 0, gone, gone.versioncreated + WITHDRAWN_MS))
    assert (False, "cancelled") == tuple(judged(2, 0, item(), NOW)) == tuple(judged(1, NOW, None, NOW))


@pytest.mark.parametrize(
    ("urgency", "signal", "had", "told"),
    [
        (1, "new", False, ("alert", "time-sensitive", True)),
        (2, "new", False, ("alert", "time-sensitive", True)),
        (3, "new", False, ("alert", "active", False)),
        (1, "correction", True, ("update", "active", False)),
        (2, "correction", True, ("update", "passive", False)),
        (1, "update", True, ("update", "passive", False)),
        (1, "correction", False, ("alert", "time-sensitive", True)),
    ],
)
def test_how_loud_it_is(urgency: int, signal: str, had: bool, told: tuple[str, str, bool]) -> None:
    """A flash and a bulletin are time-sensitive, a correction of a flash is active, other updates are passive."""
    found = notice(item(urgency=urgency, signal=signal), 1, DEFAULT[0], NOW, had=had, clear=False)
    assert told == (found.action, found.level, found.sound)


def test_a_phone_that_is_away_is_waited_for_as_long_as_the_alert_holds() -> None:
    """The push's ttl or the time to the expiry, whichever is shorter."""
    assert 3600 == told(expires=NOW + 9_000_000).ttl
    assert 60 == told(expires=NOW + 60_999).ttl
    assert 20 == told(push={"ttl": 20}).ttl
    withdrawn = item(state="retracted", pubstatus="canceled", expires=None, versioncreated=NOW, correction_note="x")
    assert WITHDRAWN_MS // 1000 == notice(withdrawn, 2, DEFAULT[0], NOW, had=True, clear=False).ttl


def test_what_is_withdrawn_keeps_no_word_of_its_text() -> None:
    """Replaced by the reason, or cleared."""
    gone = item(state="retracted", pubstatus="canceled", correction_note="A drill", link="https://news.example/1")
    for clear, action in ((False, "withdraw"), (True, "clear")):
        found = notice(gone, 2, DEFAULT[0], NOW, had=True, clear=clear)
        assert (action, "Alert withdrawn: A drill", None, False) == (found.action, found.body, found.url, found.sound)


def test_the_text_on_a_phone_is_its_own_or_the_headline_with_who_says_so() -> None:
    """The push headline stands for all of it."""
    assert "Coast guard: 17 are safe" == body(item(attribution="Coast guard"))
    assert "All safe" == body(item(attribution="Coast guard", push_headline="All safe"))


@pytest.mark.parametrize(
    ("act", "fields", "rings"),
    [
        ("publish", {}, NOW),
        ("update", {}, NOW),
        ("correct", {}, NOW),
        ("retract", {"state": "retracted"}, 0),
        ("pin", {}, None),
        ("expire", {}, None),
        ("update", {"push_at": None}, None),
        ("update", {"push": {"enabled": False}}, None),
        ("update", {"push_at": NOW - 6000}, None),
    ],
)
def test_which_entries_make_a_push(act: str, fields: dict[str, Any], rings: int | None) -> None:
    """A pin and an end make none; a push that had left before is not sent again by a later act."""
    assert rings == pushed(Entry(Cursor(1, 1), Cursor(0, 0), act, item(**fields)))


def test_a_row_has_one_id_for_good() -> None:
    """A UUID, the same at each try, another for another version or target."""
    assert name_of("i", 1, "fcm", "t") == name_of("i", 1, "fcm", "t")
    assert 4 == len({name_of("i", v, "fcm", t) for v in (1, 2) for t in "ab"})


def test_a_rehearsal_of_a_withdrawal_holds_none_of_its_text() -> None:
    """Only that it was withdrawn, and why."""
    found = rehearsed(entry(2, "item1", "retract", 2, correction_note="Sent in error"))
    assert "Alert withdrawn: Sent in error" == found["body"]
    assert "headline" not in json.dumps(found)
