"""The judge: what he lets pass, and that he sees every kind of broken promise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ticker import oracle
from ticker.audit import Record

EPOCH = 1_795_000_000_000


def cursor(n: int, epoch: int = EPOCH) -> str:
    """A place in the log."""
    return f"{epoch}-{n}"


def entry(n: int, act: str = "publish", item: str = "A", text: str | None = "news", **fields: Any) -> dict[str, Any]:
    """One act as a reader is sent it."""
    shown = {"id": item, "version": n} | ({"headline": text} if text else {})
    return {"type": "entry", "cursor": cursor(n), "previous": cursor(n - 1), "act": act, "item": shown, **fields}


def snapshot(n: int, *items: str) -> dict[str, Any]:
    """The window as a reader is shown it."""
    return {"type": "snapshot", "cursor": cursor(n), "items": [{"id": item, "headline": "news"} for item in items]}


def heartbeat(n: int) -> dict[str, Any]:
    """A sign of life."""
    return {"type": "heartbeat", "cursor": cursor(n)}


def record(number: int, item: str, version: int) -> Record:
    """An act on record."""
    after = f'{{"version":{version},"id":"{item}","channel":"en","headline":"x","language":"en"}}'
    return Record(number, (("act", "publish"), ("after", after)), "")


def answer(item: str, version: int) -> dict[str, Any]:
    """What a post was answered with."""
    return {"item": {"id": item, "version": version, "channel": "en"}, "durability": "fsync"}


GOOD = {
    "from a snapshot on": [snapshot(1), entry(2), entry(3), heartbeat(3)],
    "from nothing on": [{"type": "snapshot", "cursor": cursor(0), "items": []}, {**entry(1), "previous": "0-0"}],
    "back with what was missed": [
        snapshot(1),
        entry(2),
        {"type": "resume", "cursor": cursor(4), "entries": [entry(3), entry(4)]},
        entry(5),
    ],
    "back with nothing missed": [snapshot(1), {"type": "resume", "cursor": cursor(1), "entries": []}],
    "a reset into another life": [
        snapshot(7),
        {"type": "reset", "cursor": cursor(0, EPOCH + 1), "items": [], "tombstones": []},
        {**entry(1), "cursor": cursor(1, EPOCH + 1), "previous": cursor(7)},
    ],
}


@pytest.mark.parametrize("frames", GOOD.values(), ids=GOOD.keys())
def test_a_reader_who_was_given_everything_is_no_case(frames: list[dict[str, Any]]) -> None:
    """Cursors rise by one, across lines and lives."""
    assert [] == oracle.holes("amal", frames)


BAD = {
    "one left out": [snapshot(1), entry(3)],
    "one twice": [snapshot(1), entry(2), entry(2)],
    "an entry before any snapshot": [entry(2)],
    "a resume that leaves one out": [snapshot(1), {"type": "resume", "cursor": cursor(3), "entries": [entry(3)]}],
    "a resume that ends elsewhere": [snapshot(1), {"type": "resume", "cursor": cursor(3), "entries": [entry(2)]}],
    "another life without a word": [snapshot(1), {**entry(2), "cursor": cursor(2, EPOCH + 1)}],
    "a heartbeat ahead of what was sent": [snapshot(1), heartbeat(2)],
    "a heartbeat behind": [snapshot(2), heartbeat(1)],
    "a fork with the same numbers": [snapshot(1), {**entry(2), "previous": cursor(9)}],
    "no cursor": [{"type": "snapshot", "items": []}],
}


@pytest.mark.parametrize("frames", BAD.values(), ids=BAD.keys())
def test_a_reader_who_was_not_is_named(frames: list[dict[str, Any]]) -> None:
    """With what he had and what he was given."""
    wrong = oracle.holes("amal", frames)
    assert 1 == len(wrong)
    assert wrong[0].startswith("amal: ")


LEAKS = {
    "in an entry": [entry(1, "retract", text=None), entry(2, "update")],
    "in its own retraction": [entry(1, "retract", text="news")],
    "in a resume": [{"type": "resume", "entries": [entry(1, "retract", text=None), entry(2)]}],
    "in a later window": [entry(1, "retract", text=None), snapshot(2, "B", "A")],
}


@pytest.mark.parametrize("frames", LEAKS.values(), ids=LEAKS.keys())
def test_a_text_that_comes_again_after_its_retraction_is_told(frames: list[dict[str, Any]]) -> None:
    """Wherever it comes."""
    assert ["luis: the text of the retracted item A came again"] == oracle.leaks("luis", frames)


def test_other_items_and_held_ones_may_come_again() -> None:
    """Only a retraction is final."""
    held = [entry(1), entry(2, "expire", text=None), entry(3)]
    assert [] == oracle.leaks("luis", [*held, entry(4, "retract", "B", text=None), snapshot(4, "A")])


def test_what_was_acknowledged_and_is_not_on_record_is_lost() -> None:
    """By item and version."""
    records = [record(1, "A", 1), record(2, "A", 2)]
    answers = [answer("A", 1), answer("A", 2), answer("A", 3), answer("B", 1)]
    assert [("A", 3), ("B", 1)] == [
        (found["item"]["id"], found["item"]["version"]) for found in oracle.lost(records, answers)
    ]


def test_a_version_twice_and_a_version_left_out_are_told() -> None:
    """Refusals on record have no version and do not count."""
    refusal = Record(3, (("act", "pin"), ("refused", "pin-taken")), "")
    assert [] == oracle.doubled([record(1, "A", 1), refusal, record(2, "B", 1), record(3, "A", 2)])
    assert ["version 1 of item A is on record twice"] == oracle.doubled([record(1, "A", 1), record(2, "A", 1)])
    assert ["item A goes from version 1 to 3"] == oracle.doubled([record(1, "A", 1), record(2, "A", 3)])


def version(item: str, number: int, **fields: Any) -> Record:
    """A version on record, on air and with a push, unless `fields` say otherwise."""
    after = {"version": number, "id": item, "channel": "en", "headline": "x", "language": "en", "push_at": 1, **fields}
    return Record(number, (("act", "publish"), ("after", json.dumps(after))), "")


def push(item: str, number: int, action: str = "alert") -> dict[str, Any]:
    """What a webhook was told."""
    return {"type": f"alert.{action}", "data": {"id": item, "version": number, "channel": "en"}}


RETRACTED = {"state": "retracted", "push_at": None}
TOLD = {
    "an alert": ([version("A", 1)], [push("A", 1)]),
    "an alert twice": ([version("A", 1)], [push("A", 1), push("A", 1)]),
    "only the newer one": ([version("A", 1), version("A", 2, push_at=2)], [push("A", 2)]),
    "an alert that was pinned": ([version("A", 1), version("A", 2)], [push("A", 1)]),
    "a withdrawal": ([version("A", 1), version("A", 2, **RETRACTED)], [push("A", 1), push("A", 2, "withdraw")]),
    "nothing of what was taken back in time": ([version("A", 1), version("A", 2, **RETRACTED)], []),
    "nothing of what is for the web only": ([version("A", 1, push={"enabled": False})], []),
    "nothing of what has ended": ([version("A", 1, state="expired")], []),
}


@pytest.mark.parametrize(("records", "told"), TOLD.values(), ids=TOLD.keys())
def test_a_target_that_was_told_how_it_stands_is_no_case(records: list[Record], told: list[dict[str, Any]]) -> None:
    """At least once, and only what has to be."""
    assert [] == oracle.unpushed("phone", records, told)


UNTOLD = {
    "nothing": ([version("A", 1)], [], "not told of item A in version 1"),
    "only the older one": (
        [version("A", 1), version("A", 2, push_at=2)],
        [push("A", 1)],
        "not told of item A in version 2",
    ),
    "what nobody posted": ([], [push("A", 1)], "told of item A in version 1, which is not on record"),
    "the older one last": (
        [version("A", 1), version("A", 2, push_at=2)],
        [push("A", 2), push("A", 1)],
        "told of item A in version 1 after a newer one",
    ),
    "no withdrawal": (
        [version("A", 1), version("A", 2, **RETRACTED)],
        [push("A", 1)],
        "told of item A, and not that it was withdrawn",
    ),
}


@pytest.mark.parametrize(("records", "told", "wrong"), UNTOLD.values(), ids=UNTOLD.keys())
def test_a_target_that_was_not_is_named(records: list[Record], told: list[dict[str, Any]], wrong: str) -> None:
    """With the item and the version."""
    assert [f"phone: {wrong}"] == oracle.unpushed("phone", records, told)
    assert [f"phone: {wrong}"] == oracle.judged(records, [], {}, {"phone": told})


def test_the_judgement_is_all_of_it() -> None:
    """A sentence for each promise that was not kept."""
    wrong = oracle.judged(
        [record(1, "A", 1), record(2, "A", 1)],
        [answer("B", 1)],
        {"amal": [snapshot(1), entry(3)], "luis": [snapshot(1), entry(2, "retract", text="news")]},
    )
    assert 4 == len(wrong)
    assert "item B in version 1 was acknowledged (fsync) and is not on record" == wrong[0]
