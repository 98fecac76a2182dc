"""Entries and cursors: what the log says, read strictly."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ticker import wire
from ticker.entry import START, Cursor, Entry
from ticker.item import Item

ITEM = Item(id="A", version=1, channel="en", headline="The bridge is open again", language="en")
FIELDS = {b"previous": b"1795419098330-1", b"act": b"publish", b"item": ITEM.model_dump_json().encode()}

numbers = st.integers(0, 10**15 - 1)


@settings(deadline=None)
@given(numbers, numbers)
def test_a_cursor_is_read_as_it_was_written(epoch: int, n: int) -> None:
    """Text and back is the same cursor."""
    assert Cursor(epoch, n) == Cursor.parse(str(Cursor(epoch, n)))


@settings(deadline=None)
@given(st.text() | st.from_regex(r"\A[0-9]{1,17}-[0-9]{1,17}\Z"))
def test_any_text_is_a_cursor_or_none(text: str) -> None:
    """A reader may send anything: nothing is raised, and what is taken has one spelling only."""
    cursor = Cursor.parse(text)
    assert cursor is None or text == str(cursor)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "1",
        "1-",
        "-1",
        "1-2-3",
        "01-2",
        "1-02",
        "+1-2",
        "1 -2",
        "1-2\n",
        "٣-٤",
        "1-1000000000000000",
        "0x1-2",
        "1.0-2",
    ],
    ids=ascii,
)
def test_what_only_looks_like_a_cursor_is_none(text: str) -> None:
    """One spelling for each place, since the same string is id, ETag and query."""
    assert Cursor.parse(text) is None


def test_cursors_are_ordered_by_life_and_number() -> None:
    """Any entry of a later life comes after all of an earlier one, and the start before everything."""
    assert [START, Cursor(1, 9), Cursor(1, 10), Cursor(2, 0)] == sorted(
        [Cursor(2, 0), Cursor(1, 10), START, Cursor(1, 9)]
    )
    assert "0-0" == str(START)


def test_an_entry_is_read_as_the_script_wrote_it() -> None:
    """Place, the place before, act and item."""
    entry = Entry.read(b"1795419098330-2", FIELDS)
    assert Entry(Cursor(1795419098330, 2), Cursor(1795419098330, 1), "publish", ITEM) == entry


def test_a_field_that_a_later_release_wrote_is_passed_over() -> None:
    """Two releases can read one log."""
    assert ITEM == Entry.read(b"5-2", {**FIELDS, b"shard": b"7"}).item


TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_the_trace_of_an_entry_is_no_part_of_what_it_says() -> None:
    """For our own processes only: the same entry with it and without it is the same frame."""
    entry = Entry.read(b"1795419098330-2", {**FIELDS, b"trace": TRACE.encode()})
    assert TRACE == entry.trace
    assert Entry.read(b"1795419098330-2", FIELDS) == entry
    assert wire.entry(Entry.read(b"1795419098330-2", FIELDS)) == wire.entry(entry)


@pytest.mark.parametrize("trace", [b"", b"x", b"01" + TRACE[2:].encode(), TRACE.encode() + b"-more", b"\xff" * 55])
def test_a_trace_that_cannot_be_read_is_none(trace: bytes) -> None:
    """One of a version to come, or anything else: the alert goes on its way all the same."""
    assert "" == Entry.read(b"5-2", {**FIELDS, b"trace": trace}).trace


@pytest.mark.parametrize("field", [b"previous", b"act", b"item"], ids=bytes.decode)
def test_an_entry_without_one_of_its_fields_is_refused(field: bytes) -> None:
    """Something else wrote to our log; guessing would show it to readers."""
    with pytest.raises(ValueError, match=r"^entry b'5-2' lacks a field that every entry has$"):
        Entry.read(b"5-2", {name: value for name, value in FIELDS.items() if name != field})


@pytest.mark.parametrize(
    ("stream_id", "changed"),
    [
        pytest.param(b"five-2", {}, id="an id that is no cursor"),
        pytest.param(b"\xff-2", {}, id="an id that is no text"),
        pytest.param(b"5-2", {b"previous": b"4"}, id="a predecessor that is no cursor"),
        pytest.param(b"5-2", {b"previous": b"\xff"}, id="a predecessor that is no text"),
        pytest.param(b"5-2", {b"act": b"\xff"}, id="an act that is no text"),
        pytest.param(b"5-2", {b"item": b"{"}, id="an item that is no JSON"),
        pytest.param(b"5-2", {b"item": b'{"id": "A"}'}, id="an item without a headline"),
    ],
)
def test_an_entry_that_we_did_not_write_is_refused(stream_id: bytes, changed: dict[bytes, bytes]) -> None:
    """Always ValueError, whatever is wrong with it."""
    with pytest.raises(ValueError):  # noqa: PT011 - the sentences are those of three parsers
        Entry.read(stream_id, {**FIELDS, **changed})
