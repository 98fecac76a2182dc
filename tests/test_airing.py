"""How a version goes on air or is laid aside, and what follows from that in time."""

from __future__ import annotations

import pytest
from ticker.airing import HOUR_MS, aside, on_air, planned, too_old
from ticker.channel import DEFAULT
from ticker.errors import ExpiresTooSoon
from ticker.item import Push

from tests.test_acts import DAY, LAST, LATER, NOW, stored, waiting
from tests.test_acts import on_air as public

EN = DEFAULT[0]
QUICK = EN.model_copy(update={"age": 2, "push_hold": 0})


def test_the_first_time_on_air_sets_the_time_of_publication() -> None:
    """And the expiry, by the channel's age, and when the push leaves; all measured by the store."""
    change = on_air(waiting("scheduled", publish_at=LATER, embargoed=LATER), QUICK, "publish")
    assert ("publish", "publish", 3) == (change.act, change.wire, change.expected)
    assert {"versioncreated", "published_at"} == set(change.stamps)
    assert {"expires": 2 * HOUR_MS, "push_at": 0} == change.after
    assert {2 * HOUR_MS} == set(change.due_after)
    assert ("published", "usable", None, None) == (
        change.item.state,
        change.item.pubstatus,
        change.item.publish_at,
        change.item.embargoed,
    )


def test_another_time_on_air_moves_to_the_top() -> None:
    """The first publication is kept, and the age is counted anew."""
    change = on_air(public(), EN, "release")
    assert {"versioncreated", "bumped_at"} == set(change.stamps)
    assert (NOW, (NOW + DAY,), (DAY,)) == (change.item.published_at, change.due, change.due_after)


@pytest.mark.parametrize("wire", ["update", "correct", "pin", "unpin"])
def test_what_keeps_its_place_keeps_its_age(wire: str) -> None:
    """No time but the version's own is set; it leaves when it would have left."""
    change = on_air(public(expires=NOW + 9 * DAY), EN, "x", wire=wire)
    assert (("versioncreated",), {}) == (change.stamps, change.after)
    assert ((NOW + 9 * DAY, NOW + DAY), ()) == (change.due, change.due_after)


def test_an_item_without_an_end_ends_by_its_channels_age() -> None:
    """As it stands in the window, from when it came there."""
    change = on_air(public(expires=None, bumped_at=LATER), EN, "update", wire="update")
    assert (LATER + DAY, {LATER + DAY}) == (change.item.expires, set(change.due))


def test_a_pinned_item_is_looked_at_again_when_its_pin_ends() -> None:
    """At a moment, or so long after it is stored."""
    assert (NOW + DAY, LATER) == on_air(public(pinned_until=LATER), EN, "pin", wire="pin").due
    change = on_air(public(), EN, "pin", wire="pin", pins_for=HOUR_MS)
    assert ({"pinned_until": HOUR_MS}, (NOW + DAY,), (HOUR_MS,)) == (change.after, change.due, change.due_after)


@pytest.mark.parametrize(
    ("act", "wire", "rings"),
    [
        ("publish", "publish", True),
        ("release", "publish", True),
        ("update", "update", True),
        ("correction", "correct", True),
        ("refile", "update", True),
        ("undo", "update", False),
        ("pin", "pin", False),
        ("unpin", "unpin", False),
    ],
)
def test_who_rings(act: str, wire: str, rings: bool) -> None:
    """Whatever says something; a push that waits is replaced by a new one, or by none where none is wanted."""
    loud, quiet = public(push_at=LATER), public(push_at=LATER, push=Push(enabled=False))
    assert ((None, 5000) if rings else (LATER, None)) == (
        on_air(loud, EN, act, wire=wire).item.push_at,
        on_air(loud, EN, act, wire=wire).after.get("push_at"),
    )
    assert ((None, None) if rings else (LATER, None)) == (
        on_air(quiet, EN, act, wire=wire).item.push_at,
        on_air(quiet, EN, act, wire=wire).after.get("push_at"),
    )


def test_what_the_public_sees_first_is_new_to_it() -> None:
    """Nothing is corrected before the eyes of those who saw nothing wrong; afterwards it is."""
    mended = {"signal": "correction", "correction_note": "It was 17"}
    first = on_air(waiting("scheduled", **mended), EN, "publish").item
    again = on_air(public(**mended), EN, "correction", wire="correct").item
    assert ("new", None) == (first.signal, first.correction_note)
    assert ("correction", "It was 17") == (again.signal, again.correction_note)


def test_what_is_laid_aside_is_withheld() -> None:
    """Nobody is told; a scheduled item comes due when its plans allow it, any item at its end."""
    change = aside(waiting("scheduled", pubstatus="usable", publish_at=LATER, expires=LAST), "update")
    assert ("update", None, "withheld", 3) == (change.act, change.wire, change.item.pubstatus, change.expected)
    assert (LATER, LAST) == change.due
    assert (LAST,) == aside(waiting("pending", publish_at=LATER, expires=LAST), "update").due
    assert () == aside(waiting("held"), "hold").due


def test_what_is_laid_aside_has_to_begin_before_it_ends() -> None:
    """Refused with the field."""
    with pytest.raises(ExpiresTooSoon) as refused:
        aside(waiting("scheduled", embargoed=LAST, expires=LAST), "update")
    assert "expires" == refused.value.field


def test_the_later_plan_counts() -> None:
    """Nothing is shown before its embargo ends, whenever it was to be published."""
    assert LAST == planned(stored(publish_at=LATER, embargoed=LAST)) == planned(stored(publish_at=LAST))
    assert 0 == planned(stored())


def test_an_item_is_too_old_a_channels_age_after_it_came_on_top() -> None:
    """From its publication, or from when it was moved up."""
    assert (NOW + DAY, LATER + DAY) == (too_old(public(), EN), too_old(public(bumped_at=LATER), EN))
