"""Readers who stand at the same entry, side by side: what is written to one of them is written to all.

When a frame goes out, nothing of such a reader is looked at but its socket. Its object stays where it is, and with it
the memory that the kernel needs for its own work; that is most of what a loop over objects costs.
"""

from __future__ import annotations

from enum import IntEnum
from itertools import repeat
from socket import SocketType
from typing import Protocol

SIZE = 400
"""Readers of a lane, and writes between two looks at the event loop: 5,000 in a row are 50 ms for everybody else."""

_send = SocketType.send


class Way(IntEnum):
    """How a frame stands on a reader's line."""

    PLAIN = 0
    """As a WebSocket text frame."""
    DEFLATED = 1
    """The same, compressed on its own (permessage-deflate, RFC 7692), so that one frame does for everybody."""
    EVENTS = 2
    """As an event of an event stream (server-sent events, HTML 9.2)."""


class Reader(Protocol):
    """What the hub knows of a connection."""

    way: Way
    line: SocketType | None
    """Where the kernel takes its bytes at once; None when only its transport may be written to."""
    position: int
    """The number of the last entry that was written to it, unless it is in a lane: then the lane knows."""
    slot: int
    stuck_since: float
    """When its transport stopped taking (monotonic seconds), 0 while it takes."""
    lane: Lane | None
    place: int
    """Where it stands in its lane."""

    def write(self, data: bytes) -> None: ...
    def rest(self, data: bytes) -> None:
        """Take over what the kernel did not take of a frame."""

    def close(self, code: int, reason: str) -> None: ...
    def cut(self) -> None: ...


class Lane:
    """Some readers of one group who take data, all at one position and all in one way."""

    __slots__ = ("lines", "position", "readers", "slot", "way")

    def __init__(self, way: Way, position: int, slot: int) -> None:
        """`position` is the number of the last entry that was written to them."""
        self.way = way
        self.position = position
        self.slot = slot
        self.readers: list[Reader] = []
        self.lines: list[SocketType] = []

    def __len__(self) -> int:
        return len(self.readers)

    def enter(self, reader: Reader) -> None:
        """Take this reader in; it must have a line, and stand where the lane stands."""
        assert reader.line is not None
        reader.lane, reader.place = self, len(self.readers)
        self.readers.append(reader)
        self.lines.append(reader.line)

    def leave(self, reader: Reader) -> None:
        """Let this reader go. The last one takes its place."""
        place, last, line = reader.place, self.readers.pop(), self.lines.pop()
        if last is not reader:
            self.readers[place], self.lines[place], last.place = last, line, place
        reader.lane, reader.position = None, self.position

    def write(self, data: bytes) -> int:
        """Write this to all of them, and let the transport have what the kernel does not take. Returns to how many.

        There is no `await` in here: nobody comes or goes meanwhile. Nor is there a step of the interpreter between
        two sends, as long as the kernel takes all: its own work has driven out of the caches what such a step needs.
        """
        size, number = len(data), len(self.lines)
        taken: list[int] = []
        sends = map(_send, self.lines, repeat(data))
        while len(taken) < number:
            try:
                taken.extend(sends)
            except BlockingIOError:
                taken.append(0)
            except OSError:
                taken.append(-1)
        if taken.count(size) < number:
            left = [(reader, sent) for reader, sent in zip(self.readers, taken, strict=True) if sent != size]
            for reader, sent in left:
                if sent < 0:
                    reader.cut()  # the peer is gone
                else:
                    reader.rest(data[sent:])
        return number
