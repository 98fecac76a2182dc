"""What is read from a channel's log: entries, the cursor that names their place, heartbeats."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from ticker.item import Item

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


@dataclass(frozen=True, slots=True)
class Pulse:
    """A heartbeat that was read back: the log's cursor and last entry when it was written, and the store's time."""

    id: bytes
    cursor: Cursor
    last: Cursor
    at: int


@dataclass(frozen=True, slots=True)
class State:
    """A log read in one step: its cursor, its last entry's id, and its newest entries, oldest first."""

    cursor: Cursor
    last: Cursor
    entries: list[Entry]
