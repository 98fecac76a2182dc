"""The frames of the live stream as they are described, held against those that are made."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from ticker import frames, wire
from ticker.answers import Wire
from ticker.channel import DEFAULT
from ticker.entry import Cursor
from ticker.entry import Entry as Entered
from ticker.item import Item
from ticker.reach import receipt
from ticker.window import REMOVE, REPLACE

EN = DEFAULT[0]
ITEM = Item(
    id="01M84KNK82EG1GQT586YRGEF7V",
    version=1,
    channel="en",
    headline="The bridge is open",
    language="en",
    firstcreated=1_795_451_146_381,
    published_at=1_795_451_146_381,
    versioncreated=1_795_451_146_381,
)
GONE = ITEM.model_copy(update={"version": 2, "pubstatus": "canceled", "signal": "retraction", "correction_note": "No"})
CURSOR, BOUNDS = Cursor(1_795_451_146_381, 7), (500, 30_000)
ENTRIES = [wire.entry(Entered(CURSOR, Cursor(0, 0), act, of)) for act, of in (("publish", ITEM), ("retract", GONE))]
MADE = {
    "snapshot": wire.snapshot(EN, CURSOR, 1, [ITEM], BOUNDS),
    "empty snapshot": wire.snapshot(EN, CURSOR, 1, [], BOUNDS),
    "resume": wire.resume(EN, CURSOR, 1, ENTRIES, BOUNDS),
    "empty resume": wire.resume(EN, CURSOR, 1, [], BOUNDS),
    "reset": wire.reset(
        wire.Reset.LAG, EN, CURSOR, 1, [ITEM], {GONE.id: None, "01M84KMM5A4XTD8M4F778A0Y2Y": 3}, BOUNDS
    ),
    "entry": ENTRIES[0],
    "retraction": ENTRIES[1],
    "snapshot that asks": wire.snapshot(EN, CURSOR, 1, [], BOUNDS, 0.01),
    "resume that asks": wire.resume(EN, CURSOR, 1, [], BOUNDS, 1.0),
    "reset that asks": wire.reset(wire.Reset.LAG, EN, CURSOR, 1, [], {}, BOUNDS, 0.5),
    "heartbeat": wire.heartbeat(CURSOR, 1),
    "stale heartbeat": wire.heartbeat(CURSOR, 1, stale=True),
}


def described(frame: bytes) -> type[BaseModel]:
    """The model of a frame, by its type."""
    return next(model for model in frames.FRAMES if model.__name__.lower() == json.loads(frame)["type"])


@pytest.mark.parametrize("name", MADE)
def test_a_frame_is_what_is_described(name: str) -> None:
    """Every field is known, and none that is described as always there is missing."""
    TypeAdapter(described(MADE[name])).validate_json(MADE[name])


@pytest.mark.parametrize("name", MADE)
def test_a_frame_with_one_field_more_or_less_is_not(name: str) -> None:
    """So a field that is added to a frame has to be described."""
    whole: dict[str, Any] = json.loads(MADE[name])
    model = TypeAdapter(described(MADE[name]))
    less = [{key: whole[key] for key in whole if key != left} for left in whole if left not in ("stale", "receipts")]
    for wrong in ({**whole, "more": 1}, *less):
        with pytest.raises(ValidationError):
            model.validate_json(json.dumps(wrong))


def test_every_frame_that_is_made_is_described() -> None:
    """Five types, each with a model of its name."""
    assert {json.loads(frame)["type"] for frame in MADE.values()} == {m.__name__.lower() for m in frames.FRAMES}


@pytest.mark.parametrize("name", ["snapshot", "resume", "reset"])
def test_nobody_is_asked_for_receipts_unless_told_to(name: str) -> None:
    """The share stands in the frame when there is one, and nothing does when there is none."""
    assert "receipts" not in json.loads(MADE[name])
    assert 0 < json.loads(MADE[f"{name} that asks"])["receipts"] <= 1


def test_a_receipt_that_is_described_is_one_that_is_taken() -> None:
    """Both are of the same message."""
    told = frames.Seen(type="seen", cursor=str(CURSOR)).model_dump_json().encode()
    assert str(CURSOR) == receipt(told)


def test_the_reasons_of_a_reset_are_those_that_are_sent() -> None:
    """No more and no less."""
    sent = {value for name, value in vars(wire.Reset).items() if name.isupper()}
    assert sent == set(get_args(frames.Reset.model_fields["reason"].annotation))


def test_the_acts_are_those_that_a_window_knows() -> None:
    """No more and no less."""
    assert {"publish", *REPLACE, *REMOVE} == set(get_args(Wire))
