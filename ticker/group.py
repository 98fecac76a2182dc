"""The readers of one filter: the window that they share, the frames that lead them to the head, themselves."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import NamedTuple

from ticker import wire
from ticker.channel import Channel
from ticker.delivery import Delivery
from ticker.entry import START, Cursor, Entry
from ticker.item import WITHDRAWN, Item
from ticker.lane import SIZE, Lane, Reader, Way
from ticker.window import Window

SLOTS = 25
"""Parts into which lanes are sorted, so that their heartbeats are spread over the interval."""
MOST_THIN = 4
"""Lanes that may stand three quarters empty."""
MOST_TAKEN_BACK = 20
"""Withdrawn items that are told of to those who keep what they were given."""


@dataclass(frozen=True, slots=True)
class Selector:
    """What a reader asked to see. Values of one field are alternatives; all fields given have to match."""

    sections: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    urgencies: frozenset[int] = frozenset()
    desk: bool = False
    """A page of the newsroom: it sees the same, and is no part of the audience that is counted."""

    def matches(self, item: Item) -> bool:
        """Whether this item is one of those asked for."""
        return (
            (not self.sections or not self.sections.isdisjoint(item.sections))
            and (not self.regions or not self.regions.isdisjoint(item.regions))
            and (not self.tags or not self.tags.isdisjoint(item.tags))
            and (not self.urgencies or item.urgency in self.urgencies)
        )


EVERYTHING = Selector()


class Built:
    """An entry's frame, built once: as JSON for a resume, and as bytes for each kind of line."""

    __slots__ = ("_frames", "altered", "entry", "json", "n")

    def __init__(self, entry: Entry, *, altered: bool = False) -> None:
        """`altered`: it no longer says what the log said, since that was taken back."""
        self.n = entry.cursor.n
        self.entry = entry
        self.altered = altered
        self.json = wire.entry(entry)
        self._frames: list[bytes | None] = [None for _ in Way]

    def frame(self, way: Way) -> bytes:
        """The bytes for a line of this kind."""
        found = self._frames[way]
        if found is None:
            found = self._frames[way] = wire.dressed(way, self.json, self.entry.cursor)
        return found


class Group:
    """The readers of one selector: their window, their frames, themselves."""

    def __init__(self, selector: Selector, size: int, ring: int, slots: Iterator[int] | None = None) -> None:
        """`slots` is shared by the groups of a hub, so that small ones do not all speak in the same moment."""
        self.selector = selector
        self.window: Window[Item] = Window(size)
        self.built: deque[Built] = deque(maxlen=ring)
        self.lanes: list[Lane] = []
        """Those who take data, each standing where its lane stands."""
        self.apart: dict[Reader, None] = {}
        """Those who take none at the moment, and those without a line: each stands where it stands."""
        self.snapshots: dict[Way, tuple[Cursor, int, bytes]] = {}
        self._slots = slots or count()
        self._evicted = START  # the last entry that made an item leave for want of room

    def seat(self, reader: Reader, position: int) -> None:
        """Take in a reader to whom everything up to this position was written."""
        reader.position = position
        self.apart.pop(reader, None)
        if reader.line is None:
            reader.slot = next(self._slots) % SLOTS
            self.apart[reader] = None
            return
        # The newest lane is the one that most likely has room; in the order of joining, what the kernel keeps of
        # neighbours lies side by side.
        for lane in reversed(self.lanes):
            if lane.way is reader.way and lane.position == position and len(lane) < SIZE:
                break
        else:
            lane = Lane(reader.way, position, next(self._slots) % SLOTS)
            self.lanes.append(lane)
        lane.enter(reader)

    def unseat(self, reader: Reader) -> None:
        """Let a reader go. It knows its own position again."""
        lane = reader.lane
        if lane is None:
            self.apart.pop(reader, None)
            return
        lane.leave(reader)
        if not lane:
            self.lanes.remove(lane)

    def close_ranks(self) -> None:
        """Make few full lanes of many thin ones. All must stand at one position."""
        thin = [lane for lane in self.lanes if len(lane) < SIZE // 4]
        if len(thin) <= MOST_THIN:
            return
        self.lanes = [lane for lane in self.lanes if len(lane) >= SIZE // 4]
        for lane in thin:
            for reader in lane.readers:
                self.seat(reader, lane.position)

    def set_back(self, position: int) -> None:
        """Everybody is to be given the whole window; `position` says why."""
        self.snapshots.clear()
        # Who has not been told of a new log yet will be told of that.
        places: tuple[Lane | Reader, ...] = (*self.lanes, *self.apart)
        for place in places:
            place.position = position if place.position >= 0 else max(place.position, position)

    def readers(self) -> Iterator[Reader]:
        """Everybody; do not let anybody come or go meanwhile."""
        yield from chain(self.apart, *(lane.readers for lane in self.lanes))

    def ways(self) -> Counter[Way]:
        """How many listen in which way."""
        found = Counter(reader.way for reader in self.apart)
        for lane in self.lanes:
            found[lane.way] += len(lane)
        return found

    @property
    def newest(self) -> int:
        """The number of the newest entry that concerns these readers."""
        return self.built[-1].n if self.built else 0

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
        self.snapshots.clear()

    def withdraw(self, last: Entry) -> None:
        """Take the text of an item that was retracted, or is held, out of what is kept for those who come back."""
        for place, built in enumerate(self.built):
            if built.entry.item.id == last.item.id:
                self.built[place] = Built(withdrawn(built.entry, last), altered=True)

    def missed(self, position: int) -> list[Built]:
        """The frames after this position, oldest first."""
        found: list[Built] = []
        for built in reversed(self.built):
            if built.n <= position:
                break
            found.append(built)
        found.reverse()
        return found

    def tell(self, delivery: Delivery, position: int, readers: int, size: int) -> None:
        """Note that so many readers who stood at this position were brought to the head with so many bytes."""
        if self.selector.desk:
            return
        now = time.monotonic()
        delivery.readers += readers
        delivery.size += size
        for built in self.missed(position) if position >= 0 else ():
            delivery.frames += readers
            delivery.reached.setdefault(str(built.entry.cursor), []).append((now, readers))

    def leads(self, missed: Sequence[Built]) -> bool:
        """Whether these frames, the newest ones, lead a reader to this window.

        What was taken back takes no place in them, so what it pushed out would stay with him, pinned even.
        """
        altered = next((built.entry.cursor for built in missed if built.altered), None)
        return altered is None or self._evicted < altered

    def __len__(self) -> int:
        return len(self.apart) + sum(map(len, self.lanes))


class Joined(NamedTuple):
    """How a reader has come in."""

    group: Group
    first: bytes
    """The first frame."""
    answer: str
    """`snapshot`, `resume` or `reset`."""


def withdraws(entry: Entry) -> bool:
    """Whether this entry takes back what the entries before it said of its item: a retraction, or a hold."""
    return entry.item.pubstatus != "usable"


def withdrawn(entry: Entry, last: Entry) -> Entry:
    """This entry, in its place in the log, as whoever missed it may still see it: `last` took it back."""
    return replace(entry, act=last.act, item=last.item)


def folded(selector: Selector, size: int, history: deque[Entry], epoch: int, slots: Iterator[int]) -> Group:
    """A group as it would stand had it been there all along, by the entries that are held."""
    group = Group(selector, size, history.maxlen or 0, slots)
    newest = {entry.item.id: entry for entry in history if withdraws(entry)}
    for entry in history:
        if newest.get(entry.item.id) is entry:
            # What comes after a hold is its release: that may be seen.
            del newest[entry.item.id]
        if group.fold(entry) and entry.cursor.epoch == epoch:
            last = newest.get(entry.item.id)
            group.built.append(Built(withdrawn(entry, last), altered=True) if last else Built(entry))
    return group


def taken_back(history: Sequence[Entry], selector: Selector, channel: Channel) -> list[Item]:
    """What a selector showed and was withdrawn, as far as these entries tell: at most 20, newest first.

    In their withdrawn form, so that nobody can tell their text by mistake.
    """
    shown = {entry.item.id for entry in history if selector.matches(entry.item)}
    found: dict[str, Item] = {}
    for entry in reversed(history):
        if entry.item.pubstatus == "canceled" and entry.item.id in shown and len(found) < MOST_TAKEN_BACK:
            found.setdefault(entry.item.id, entry.item)
    left = {"headline": "", "language": channel.language, "direction": channel.direction}
    kept = (item.model_dump(include=set(WITHDRAWN)) for item in found.values())
    return [Item(state="retracted", **left, **fields) for fields in kept]
