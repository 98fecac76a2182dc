"""What is read from a channel's log: entries, the cursor that names their place, heartbeats."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from ticker.errors import StoreUnavailable
from ticker.item import Item

FORMAT = 1
"""The format of the log that this release knows and writes; `epoch.lua` has the same number (docs/decisions/0015)."""

_CURSOR = re.compile(r"(0|[1-9][0-9]{0,14})-(0|[1-9][0-9]{0,14})", re.ASCII)
_TRACE = re.compile(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class Cursor(NamedTuple):
    """`<epoch>-<n>`: the life of the log (milliseconds when it began) and the entry's number in it, without holes.

    The same string is stream id, WebSocket cursor and `?cursor=`, and begins the ETag. To clients it is opaque.
    """

    epoch: int
    n: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The cursor in this text, or None when it is none."""
        match = _CURSOR.fullmatch(text)
        return cls(int(match[1]), int(match[2])) if match else None

    def __str__(self) -> str:
        return f"{self.epoch}-{self.n}"


START = Cursor(0, 0)
"""Before the first entry of any log."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One act on one item. `previous` is the entry before it, so that a log that was forked is seen."""

    cursor: Cursor
    previous: Cursor
    act: str
    item: Item
    trace: str = field(default="", compare=False)
    """The `traceparent` of whoever appended it (W3C Trace Context), for our own processes; readers are not told."""

    @classmethod
    def read(cls, stream_id: bytes, fields: Mapping[bytes, bytes]) -> Self:
        """The entry as the append script wrote it. Raises ValueError when it was not written by it."""
        cursor = Cursor.parse(stream_id.decode("ascii"))
        previous = Cursor.parse(fields.get(b"previous", b"").decode("ascii"))
        act, item = fields.get(b"act"), fields.get(b"item")
        if cursor is None or previous is None or act is None or item is None:
            raise ValueError(f"entry {stream_id!r} lacks a field that every entry has")
        # Of no weight: what is not one, or of a version to come, is no trace.
        trace = fields.get(b"trace")
        known = trace.decode("ascii") if trace and _TRACE.fullmatch(trace) else ""
        return cls(cursor, previous, act.decode("ascii"), Item.model_validate_json(item), known)

    @classmethod
    def passed(cls, stream_id: bytes, fields: Mapping[bytes, bytes]) -> Self:
        """The same for whoever hands it on: what cannot be read here keeps its place, so that there is no hole.

        Its act is then `unread`, which readers pass over; but what takes an item away still does.
        """
        try:
            return cls.read(stream_id, fields)
        except ValueError:
            cursor = Cursor.parse(stream_id.decode("ascii")) or START
            previous = Cursor.parse(fields.get(b"previous", b"").decode("ascii", "replace")) or START
            act = fields.get(b"act", b"").decode("ascii", "replace")
            away = act in TAKES_AWAY
            return cls(cursor, previous, act if away else UNREAD, _remains(fields.get(b"item", b""), away=away))


UNREAD = "unread"
TAKES_AWAY = frozenset({"retract", "expire"})


def _remains(stored: bytes, *, away: bool) -> Item:
    """Of an item that cannot be read: which it is, and whether it is on air."""
    try:
        found = json.loads(stored)
        item_id, version = str(found["id"]), int(found["version"])
    except (ValueError, TypeError, KeyError):
        item_id, version = "", 0
    return Item(
        id=item_id,
        version=version,
        channel="",
        headline="",
        language="",
        state="expired",
        pubstatus="canceled" if away else "usable",
    )


@dataclass(frozen=True, slots=True)
class Pulse:
    """A heartbeat that was read back: the log's cursor when it was written, and the store's time.

    `format` is that of the release that wrote it.
    """

    id: bytes
    cursor: Cursor
    at: int
    format: int = 1


@dataclass(frozen=True, slots=True)
class State:
    """A log read in one step: its cursor, its last entry's id, and its newest entries, oldest first."""

    cursor: Cursor
    last: Cursor
    entries: list[Entry]


def understood(format: int) -> None:
    """Raises StoreUnavailable when a log of this format is none of ours to touch."""
    if format > FORMAT:
        raise StoreUnavailable(f"a newer release writes this log, in format {format}; this one knows {FORMAT}")
