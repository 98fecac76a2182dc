"""The rolling window: the cases that hold for the browser too, and what holds for any sequence."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ticker.window import REMOVE, REPLACE, TOMBSTONES, Window, pinned

CASES = json.loads((Path(__file__).parent / "cases" / "window.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Alert:
    """What the window needs to know of an item, and its text."""

    id: str
    version: int = 1
    pinned_until: str | None = None
    headline: str = ""
    pubstatus: str = "usable"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_window_does_as_the_shared_case_says(case: dict[str, Any]) -> None:
    """The fold in Python gives the answers that the fold in the browser is held to."""
    window: Window[Alert] = Window(case["size"])
    for entry in case["entries"]:
        window.apply(entry["act"], Alert(**entry["item"]))
    assert case["items"] == [item.id for item in window.items]
    assert case["tombstones"] == window.tombstones == list(window.gone)
    if "versions" in case:
        assert case["versions"] == list(window.gone.values())
    if "headlines" in case:
        assert case["headlines"] == [item.headline for item in window.items]


@pytest.mark.parametrize("act", ["publish", *sorted(REPLACE | REMOVE)])
def test_an_act_that_changes_something_says_so_once(act: str) -> None:
    """The same entry again changes nothing, and the window says that too."""
    window: Window[Alert] = Window()
    window.apply("publish", Alert("A", 1))
    later = Alert("A", 2)
    assert window.apply(act, later)
    assert not window.apply(act, later)


@pytest.mark.parametrize("act", sorted(REPLACE | {"sing", ""}))
def test_an_act_on_what_is_not_there_changes_nothing(act: str) -> None:
    """Neither a correction of an item that has left nor an act of another release brings anything in."""
    window: Window[Alert] = Window()
    assert not window.apply(act, Alert("A"))
    assert [] == window.items
    assert [] == window.tombstones


def test_a_retraction_of_what_has_left_the_window_is_remembered() -> None:
    """Whoever still shows it must learn that it is gone."""
    window: Window[Alert] = Window()
    assert window.apply("retract", Alert("A", 2))
    assert ["A"] == window.tombstones


def test_what_is_in_the_window_can_be_asked_for() -> None:
    """By id, and only as long as it stands."""
    window: Window[Alert] = Window()
    window.apply("publish", Alert("A"))
    assert "A" in window
    window.apply("expire", Alert("A", 2))
    assert "A" not in window


def test_when_all_are_pinned_the_oldest_leaves() -> None:
    """The window stays as large as it is, whatever an editor pins."""
    window: Window[Alert] = Window(2)
    for name in "ABC":
        window.apply("publish", Alert(name, pinned_until="2026-11-24T00:00:00.000Z"))
    assert ["C", "B"] == [item.id for item in window.items]


def test_an_alert_that_finds_no_place_changed_nothing() -> None:
    """Where every place is pinned a new alert does not stand, and the window does not say that it does."""
    window: Window[Alert] = Window(1)
    window.apply("publish", Alert("A", pinned_until="2026-11-24T00:00:00.000Z"))
    assert window.apply("publish", Alert("B")) == ("B" in window)


def test_the_oldest_tombstone_is_forgotten_when_there_are_too_many() -> None:
    """What is remembered of the withdrawn is bounded."""
    window: Window[Alert] = Window()
    for number in range(TOMBSTONES + 1):
        window.apply("retract", Alert(str(number)))
    assert [str(number) for number in range(1, TOMBSTONES + 1)] == window.tombstones


def test_a_tombstone_that_is_renewed_is_not_the_oldest() -> None:
    """An item that expired long ago and is retracted now is remembered for as long as any other."""
    window: Window[Alert] = Window()
    for number in range(TOMBSTONES):
        window.apply("expire", Alert(str(number)))
    window.apply("retract", Alert("0", 2))
    window.apply("expire", Alert("one more"))
    assert (TOMBSTONES, "0") == (len(window.tombstones), window.tombstones[-2])


def test_what_is_told_of_the_tombstones_is_a_copy() -> None:
    """Nobody outside takes a stone away."""
    window: Window[Alert] = Window()
    window.apply("retract", Alert("A"))
    window.gone.clear()
    assert {"A": None} == window.gone


def test_an_item_with_an_end_to_its_pin_is_pinned() -> None:
    """The log unpins it when the time has come; the window has no clock."""
    assert pinned(Alert("A", pinned_until="2026-11-24T00:00:00.000Z"))
    assert not pinned(Alert("A"))


acts = st.sampled_from(["publish", *sorted(REPLACE | REMOVE), "sing"])
alerts = st.builds(
    Alert,
    st.sampled_from("ABCDEFG"),
    st.integers(1, 9),
    st.none() | st.just("2026-11-24T00:00:00.000Z"),
    st.text(max_size=2),
)


@settings(deadline=None)
@given(st.integers(1, 4), st.lists(st.tuples(acts, alerts), max_size=40))
def test_any_sequence_leaves_a_window_that_holds(size: int, entries: list[tuple[str, Alert]]) -> None:
    """Never too many, never one that was withdrawn, never an older version than before, pinned ones first.

    Nothing that was once retracted comes back, and nothing else comes back older than it went.
    """
    window: Window[Alert] = Window(size)
    before: dict[str, Alert] = {}
    for act, alert in entries:
        gone = window.gone
        changed = window.apply(act, alert)
        for item_id in gone.keys() - window.gone.keys():
            went = gone[item_id]
            assert went is not None
            assert ("publish", item_id) == (act, alert.id)
            assert alert.version > went
        now = {item.id: item for item in window.items}
        assert len(window.items) == len(now) <= size
        assert not set(now) & set(window.tombstones)
        assert all(now[item_id].version >= before[item_id].version for item_id in now.keys() & before.keys())
        assert [pinned(item) for item in window.items] == sorted((pinned(item) for item in window.items), reverse=True)
        assert changed or now == before
        before = now


@settings(deadline=None)
@given(st.lists(st.tuples(acts, alerts), max_size=30))
def test_what_came_twice_in_a_row_came_once(entries: list[tuple[str, Alert]]) -> None:
    """A reader who gets every entry twice shows what the others show."""
    once: Window[Alert] = Window()
    twice: Window[Alert] = Window()
    for act, alert in entries:
        once.apply(act, alert)
        twice.apply(act, alert)
        assert not twice.apply(act, alert)
    assert (once.items, once.tombstones) == (twice.items, twice.tombstones)
