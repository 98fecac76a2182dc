"""A group: what its readers asked for, what they share, and what is held for those who come back."""

from __future__ import annotations

import pytest
from ticker.entry import Entry
from ticker.group import EVERYTHING, Built, Group, Selector, withdrawn, withdraws
from ticker.lane import Way

from tests.test_hub import entry, hold


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        (Selector(), True),
        (Selector(sections=frozenset({"sport"})), True),
        (Selector(sections=frozenset({"world"})), False),
        (Selector(sections=frozenset({"world", "sport"})), True),
        (Selector(regions=frozenset({"asia"})), False),
        (Selector(tags=frozenset({"final"})), True),
        (Selector(urgencies=frozenset({1, 2})), True),
        (Selector(urgencies=frozenset({3})), False),
        (Selector(sections=frozenset({"sport"}), urgencies=frozenset({3})), False),
    ],
    # Not by their text: the order of a set's members differs from one process to the next.
    ids=map(str, range(9)),
)
def test_a_selector_takes_any_value_of_each_field(selector: Selector, matches: bool) -> None:
    """Values of one field are alternatives, all fields given have to match."""
    assert matches == selector.matches(entry(1, sections=("sport",), tags=("final",), urgency=2).item)


def folded(*entries: Entry, selector: Selector = EVERYTHING) -> Group:
    """A group that these entries were folded into."""
    group = Group(selector, 10, 100)
    for one in entries:
        if group.fold(one):
            group.built.append(Built(one))
    return group


def test_what_was_missed_is_what_comes_after_the_position() -> None:
    """Oldest first, whatever the group has left out in between."""
    log = [entry(n, sections=("sport",) if n % 2 else ()) for n in range(1, 8)]
    group = folded(*log, selector=Selector(sections=frozenset({"sport"})))
    assert [5, 7] == [built.n for built in group.missed(3)]
    assert [5, 7] == [built.n for built in group.missed(4)]
    assert [] == group.missed(7)


@pytest.mark.parametrize(
    ("one", "does"),
    [
        (entry(1, "a", "retract", 2), True),
        (hold(1, "a", 2), True),
        (entry(1, "a", "expire", 2), False),
        (entry(1, "a", "publish", 2), False),
        (entry(1, "a", "correct", 2, signal="correction"), False),
    ],
    ids=["a retraction", "a hold", "an expiry", "a publication", "a correction"],
)
def test_a_retraction_and_a_hold_withdraw_a_text(one: Entry, does: bool) -> None:
    """What has only grown old, or was corrected, was not wrong to show."""
    assert does == withdraws(one)


@pytest.mark.parametrize("last", [entry(4, "a", "retract", 3), hold(4, "a", 3)], ids=["retracted", "held"])
def test_a_withdrawn_item_keeps_its_places_and_loses_its_text(last: Entry) -> None:
    """Every held frame of it, and of nothing else."""
    group = folded(entry(1, "a"), entry(2, "b"), entry(3, "a", "correct", 2))
    group.withdraw(last)
    assert [1, 2, 3] == [built.n for built in group.built]
    assert [last.act, "publish", last.act] == [built.entry.act for built in group.built]
    assert [False, True, False] == [b"headline" in built.json for built in group.built]
    assert [False, True, False] == [b"headline" in built.frame(Way.PLAIN) for built in group.built]


@pytest.mark.parametrize("last", [entry(5, "a", "retract", 2), hold(5, "a", 2)], ids=["retracted", "held"])
def test_a_withdrawn_entry_stands_where_it_stood(last: Entry) -> None:
    """The same cursor after the same entry; the act says that it is gone."""
    first = entry(1, "a")
    gone = withdrawn(first, last)
    assert (first.cursor, first.previous, last.act, last.item) == (gone.cursor, gone.previous, gone.act, gone.item)
