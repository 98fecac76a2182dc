"""The readers of one filter: the window that they share, the frames that lead them to the head, themselves."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ticker import wire
from ticker.entry import START, Cursor, Entry
from ticker.item import Item
from ticker.window import Window


class Reader(Protocol):
    """What the hub knows of a connection."""

    position: int
    """The number of the last entry that was written to it."""
    slot: int
    stuck_since: float
    """When its transport stopped taking (monotonic seconds), 0 while it takes."""

    def write(self, data: bytes) -> None: ...
    def close(self, code: int, reason: str) -> None: ...
    def cut(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Selector:
    """What a reader asked to see. Values of one field are alternatives; all fields given have to match."""

    sections: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    urgencies: frozenset[int] = frozenset()

    def matches(self, item: Item) -> bool:
        """Whether this item is one of those asked for."""
        return (
            (not self.sections or not self.sections.isdisjoint(item.sections))
            and (not self.regions or not self.regions.isdisjoint(item.regions))
            and (not self.tags or not self.tags.isdisjoint(item.tags))
            and (not self.urgencies or item.urgency in self.urgencies)
        )


EVERYTHING = Selector()


@dataclass(frozen=True, slots=True)
class Built:
    """An entry's frame, built once: as JSON for a resume, and as bytes for the line."""

    n: int
    entry: Entry
    json: bytes
    frame: bytes
    altered: bool = False
    """Whether it no longer says what the log said, since that was taken back."""


class Group:
    """The readers of one selector: their window, their frames, themselves."""

    def __init__(self, selector: Selector, size: int, ring: int) -> None:
        self.selector = selector
        self.window: Window[Item] = Window(size)
        self.built: deque[Built] = deque(maxlen=ring)
        # In the order of joining, so that what is read of neighbours, here and in the kernel, lies side by side.
        self.members: dict[Reader, None] = {}
        self.snapshot: tuple[Cursor, int, bytes] | None = None
        self._evicted = START  # the last entry that made an item leave for want of room

    def fold(self, entry: Entry) -> bool:
        """Fold one entry in. False when it is none of this group's business."""
        # What a correction moved out of the selection has to reach those who hold the item.
        if not self.selector.matches(entry.item) and entry.item.id not in self.window:
            return False
        self.window.apply(entry.act, entry.item)
        if self.window.evicted:
            self._evicted = entry.cursor
        return True

    def take(self, other: Group) -> None:
        """Take over what another group with the same selector has folded; the readers stay."""
        self.window, self.built, self._evicted = other.window, other.built, other._evicted
        self.snapshot = None

    def withdraw(self, last: Entry) -> None:
        """Take the text of an item that was retracted, or is held, out of what is kept for those who come back."""
        for place, built in enumerate(self.built):
            if built.entry.item.id == last.item.id:
                self.built[place] = build(withdrawn(built.entry, last), altered=True)

    def missed(self, position: int) -> list[Built]:
        """The frames after this position, oldest first."""
        found: list[Built] = []
        for built in reversed(self.built):
            if built.n <= position:
                break
            found.append(built)
        found.reverse()
        return found

    def leads(self, missed: Sequence[Built]) -> bool:
        """Whether these frames, the newest ones, lead a reader to this window.

        What was taken back takes no place in them, so what it pushed out would stay with him, pinned even.
        """
        altered = next((built.entry.cursor for built in missed if built.altered), None)
        return altered is None or self._evicted < altered

    def __len__(self) -> int:
        return len(self.members)


def withdraws(entry: Entry) -> bool:
    """Whether this entry takes back what the entries before it said of its item: a retraction, or a hold."""
    return entry.item.pubstatus != "usable"


def withdrawn(entry: Entry, last: Entry) -> Entry:
    """This entry, in its place in the log, as whoever missed it may still see it: `last` took it back."""
    return replace(entry, act=last.act, item=last.item)


def build(entry: Entry, *, altered: bool = False) -> Built:
    """Build an entry's frame."""
    json = wire.entry(entry)
    return Built(entry.cursor.n, entry, json, wire.text_frame(json), altered)
