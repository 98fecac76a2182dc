"""Frames: bytes that any WebSocket client reads, and JSON in them that says what it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ticker import acts, wire
from ticker.channel import DEFAULT
from ticker.entry import Cursor, Entry
from ticker.item import Item
from ticker.wire import CloseCode
from websockets.client import ClientProtocol
from websockets.frames import Close, Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

EN, AR, _ = DEFAULT
EPOCH = 1_795_419_000_000
NOW = 1_795_419_098_330
CURSOR = Cursor(EPOCH, 7)
ITEM = Item(id="A", version=1, channel="en", headline="“Open”, says the mayor of Málaga: فُتح", language="en")
RECONNECT = (500, 30_000)


def received(data: bytes) -> list[Frame]:
    """What a browser's side of the line makes of these bytes."""
    client = ClientProtocol(parse_uri("ws://ticker.example/"), state=State.OPEN, max_size=None)
    client.receive_data(data)
    assert client.parser_exc is None
    return [event for event in client.events_received() if isinstance(event, Frame)]


def told(payload: bytes) -> Any:
    """The JSON of a payload."""
    return json.loads(payload)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536], ids="{} bytes".format)
def test_a_text_frame_of_any_size_is_read_as_it_was_written(size: int) -> None:
    """Each of the three ways to write a length is read by the library's own client."""
    payload = b"x" * size
    (frame,) = received(wire.text_frame(payload))
    assert (Opcode.TEXT, payload, True) == (frame.opcode, bytes(frame.data), frame.fin)


def test_frames_that_are_written_one_after_the_other_are_read_apart() -> None:
    """Bytes are joined for a reader who is behind, and he still gets each frame."""
    payloads = [b"one", b"", b"x" * 200, "جسر".encode()]
    assert payloads == [bytes(frame.data) for frame in received(b"".join(map(wire.text_frame, payloads)))]


@pytest.mark.parametrize("code", CloseCode, ids=lambda code: code.name)
def test_every_close_code_goes_over_the_line(code: CloseCode) -> None:
    """The client gets the code and the reason, and no code that it must refuse."""
    (frame,) = received(wire.close_frame(code, '{"retry_ms":1234}'))
    assert Opcode.CLOSE is frame.opcode
    assert Close(code, '{"retry_ms":1234}') == Close.parse(frame.data)


def test_a_close_frame_needs_no_reason() -> None:
    """The code says enough."""
    (frame,) = received(wire.close_frame(CloseCode.SLOW))
    assert Close(4008, "") == Close.parse(frame.data)


def test_the_range_of_a_close_code_says_whether_to_come_back() -> None:
    """Those of the first half thousand come back, those of the second do not."""
    assert [CloseCode.REVOKED, CloseCode.FULL, CloseCode.GONE] == [code for code in CloseCode if code >= 4500]
    assert {1008, 1012} == {code for code in CloseCode if not 4000 <= code <= 4999}


def test_json_is_compact_and_in_utf_8() -> None:
    """An Arabic headline takes its own bytes, not six for a letter."""
    assert '{"a":["جسر",null]}'.encode() == wire.encode({"a": ["جسر", None]})


def test_an_entry_says_where_it_stands_and_what_was_done() -> None:
    """Its place, the place before it, the act, and the item as the public sees it."""
    assert {
        "type": "entry",
        "cursor": f"{EPOCH}-7",
        "previous": f"{EPOCH}-6",
        "act": "publish",
        "item": ITEM.public(),
    } == told(wire.entry(Entry(CURSOR, Cursor(EPOCH, 6), "publish", ITEM)))


def test_a_retraction_carries_no_text() -> None:
    """Neither the withdrawn words nor who said them stand anywhere in the frame."""
    item = acts.retract(ITEM.model_copy(update={"attribution": "Port Authority"}), "It is closed").item
    payload = wire.entry(Entry(CURSOR, Cursor(EPOCH, 6), "retract", item))
    assert "headline" not in told(payload)["item"]
    assert "It is closed" == told(payload)["item"]["correction_note"]
    for words in ("mayor", "Málaga", "Port Authority"):
        assert words.encode() not in payload


def test_a_snapshot_gives_the_window_and_how_to_come_back() -> None:
    """The first frame of a reader who knows nothing."""
    assert {
        "type": "snapshot",
        "channel": "en",
        "language": "en",
        "direction": "ltr",
        "cursor": f"{EPOCH}-7",
        "time": "2026-11-23T07:31:38.330Z",
        "items": [ITEM.public()],
        "reconnect": {"min_ms": 500, "max_ms": 30_000},
    } == told(wire.snapshot(EN, CURSOR, NOW, iter([ITEM]), RECONNECT))


def test_an_empty_channel_says_which_way_it_runs() -> None:
    """Without an item that would tell, the frame itself gives language and direction."""
    frame = told(wire.snapshot(AR, CURSOR, NOW, [], RECONNECT))
    assert ("ar", "rtl", []) == (frame["language"], frame["direction"], frame["items"])


@pytest.mark.parametrize("reason", [wire.Reset.EPOCH, wire.Reset.WINDOW, wire.Reset.LAG])
def test_a_reset_gives_everything_and_says_why(reason: str) -> None:
    """The window, what was withdrawn meanwhile, and the reason."""
    assert {
        "type": "reset",
        "channel": "en",
        "language": "en",
        "direction": "ltr",
        "cursor": f"{EPOCH}-7",
        "time": "2026-11-23T07:31:38.330Z",
        "reason": reason,
        "items": [ITEM.public()],
        "tombstones": ["B", "C"],
        "versions": [3, None],
        "reconnect": {"min_ms": 500, "max_ms": 30_000},
    } == told(wire.reset(reason, EN, CURSOR, NOW, [ITEM], {"B": 3, "C": None}, RECONNECT))


@pytest.mark.parametrize("number", [0, 1, 3])
def test_a_resume_holds_exactly_the_entries_it_was_given(number: int) -> None:
    """Entries that were encoded once are put together without being read again."""
    entries = [wire.entry(Entry(Cursor(EPOCH, n + 1), Cursor(EPOCH, n), "publish", ITEM)) for n in range(number)]
    assert {
        "type": "resume",
        "channel": "en",
        "language": "en",
        "direction": "ltr",
        "cursor": f"{EPOCH}-7",
        "time": "2026-11-23T07:31:38.330Z",
        "reconnect": {"min_ms": 500, "max_ms": 30_000},
        "entries": [json.loads(entry) for entry in entries],
    } == told(wire.resume(EN, CURSOR, NOW, entries, RECONNECT))


def test_a_heartbeat_says_how_far_the_log_has_come() -> None:
    """The line lives, and a reader who missed something can see it."""
    assert {"type": "heartbeat", "cursor": f"{EPOCH}-7", "time": "2026-11-23T07:31:38.330Z"} == told(
        wire.heartbeat(CURSOR, NOW)
    )


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300))
def test_any_headline_survives_the_line(headline: str) -> None:
    """What an editor wrote is what a reader gets, character for character."""
    item = ITEM.model_copy(update={"headline": headline})
    (frame,) = received(wire.text_frame(wire.snapshot(EN, CURSOR, NOW, [item], RECONNECT)))
    assert headline == json.loads(bytes(frame.data))["items"][0]["headline"]
