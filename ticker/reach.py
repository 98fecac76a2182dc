"""How many readers had an entry, and when: what one process knows of one channel.

Two things are counted: that the kernel took the entry for a reader, and, of some readers, that it was shown. Both as
histograms of fixed size, so a reader costs nothing but a number that rises.
"""

from __future__ import annotations

import json
import math
import time
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from ticker.delivery import Delivery
from ticker.entry import Cursor, Entry
from ticker.item import Item
from ticker.metrics import Metrics

STEPS = 4
"""Buckets for each doubling of the time: a quantile is off by a fifth of itself at most."""
LAST_BUCKET = 27 * STEPS
"""Of 37 hours; the counts are kept for 24."""
BOUNDS = [2 ** (bucket / STEPS) for bucket in range(LAST_BUCKET)]
"""Upper bounds of all buckets but the last, milliseconds."""
MOST = 1000
"""Entries of a channel that are counted, the newest ones."""
MOST_EARLY = 100
"""Receipts of an entry that are kept until its broadcast has been told of."""
LONGEST = 100
"""Greatest receipt, bytes."""
SPREAD = 4.0
"""Standard deviations by which the receipts of an entry may be more than were asked for."""


@dataclass(slots=True)
class Spread:
    """How many readers it took how long, in milliseconds."""

    count: int = 0
    last: int = 0
    """The greatest time."""
    buckets: dict[int, int] = field(default_factory=dict)

    def add(self, ms: float, readers: int = 1) -> None:
        """So many readers took this long."""
        self.steps([(ms, readers)], 1.0, 0.0)

    def steps(self, steps: Sequence[tuple[float, int]], scale: float, base: float) -> None:
        """So many readers at each of these moments, of which one times `scale` plus `base` is a time; the last is last.

        Of a burst there are thousands, while readers wait.
        """
        buckets = self.buckets
        for moment, readers in steps:
            bucket = bisect_left(BOUNDS, moment * scale + base)
            buckets[bucket] = buckets.get(bucket, 0) + readers
            self.count += readers
        self.last = max(self.last, round(steps[-1][0] * scale + base))

    def merge(self, other: Spread) -> None:
        """Add what another process has counted."""
        self.count += other.count
        self.last = max(self.last, other.last)
        for bucket, readers in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + readers

    def quantile(self, part: float) -> int:
        """The time within which this part of the readers had it; between the bounds of a bucket they are spread."""
        wanted, before = part * self.count, 0
        for bucket, readers in sorted(self.buckets.items()):
            if before + readers >= wanted:
                least, most = BOUNDS[bucket - 1] if bucket else 0.0, 2 ** (bucket / STEPS)
                return min(round(least + (most - least) * (wanted - before) / readers), self.last)
            before += readers
        return self.last

    def told(self) -> list[Any]:
        """As it is stored."""
        return [self.count, self.last, [*self.buckets.items()]]

    @classmethod
    def read(cls, told: list[Any]) -> Self:
        """What was stored. Raises ValueError or TypeError when it was something else."""
        count, last, buckets = told
        return cls(int(count), int(last), {int(bucket): int(readers) for bucket, readers in buckets})


@dataclass(slots=True)
class Tally:
    """One version of an item: when it was stored, and who was given it."""

    item: str
    version: int
    at: int
    """By the store's clock, milliseconds."""
    reached: Spread = field(default_factory=Spread)
    seen: Spread = field(default_factory=Spread)
    asked: float = 0.0
    """How many readers are likely to send a receipt."""
    early: list[int] = field(default_factory=list)

    @property
    def room(self) -> bool:
        """Whether one more receipt can be true: nobody sees what he was not given, and chance has its bounds."""
        likely = self.asked + SPREAD * math.sqrt(self.asked) + SPREAD
        return self.seen.count < min(self.reached.count, likely)

    def merge(self, other: Tally) -> None:
        """Add what another process has counted of the same version."""
        self.reached.merge(other.reached)
        self.seen.merge(other.seen)
        self.asked += other.asked

    def json(self) -> str:
        """As it is stored."""
        told = {"reached": self.reached.told(), "seen": self.seen.told(), "asked": round(self.asked, 3)}
        return json.dumps(told, separators=(",", ":"))

    @classmethod
    def read(cls, item: str, version: int, text: str) -> Self | None:
        """What was stored; None when it was something else."""
        try:
            told = json.loads(text)
            reached, seen = Spread.read(told["reached"]), Spread.read(told["seen"])
            return cls(item, version, 0, reached, seen, float(told["asked"]))
        except (ValueError, TypeError, KeyError):
            return None


def _nobody() -> None:
    """Nobody writes what is counted."""


class Reach:
    """What this process knows of one channel."""

    def __init__(self, clock: Callable[[], int], share: float = 0.0, most: int = MOST) -> None:
        """`clock` is the store's, milliseconds; `share` the part of the readers who are asked for receipts."""
        self.clock = clock
        self.dropped = 0
        """Counts that were given up before they could be written, since the last look."""
        self.counted: Callable[[], object] = _nobody
        """Called when there may be something to write."""
        self._share = share
        self._most = most
        self._tallies: OrderedDict[str, Tally] = OrderedDict()
        self._unwritten: dict[str, None] = {}
        self._window: list[str] | None = None

    def note(self, entries: Iterable[Entry]) -> set[str]:
        """Entries that will be handed out. Returns the cursors of those that are new here."""
        fresh: set[str] = set()
        for entry in entries:
            cursor = str(entry.cursor)
            if cursor not in self._tallies:
                fresh.add(cursor)
                self._tallies[cursor] = Tally(entry.item.id, entry.item.version, entry.item.versioncreated)
        while len(self._tallies) > self._most:
            oldest, _ = self._tallies.popitem(last=False)
            if oldest in self._unwritten:
                del self._unwritten[oldest]
                self.dropped += 1
        return fresh

    @contextmanager
    def anew(self, entries: Iterable[Entry], items: Iterable[Item]) -> Iterator[None]:
        """Everybody is given the whole window, `items`, meanwhile: what is new in it has reached them by that."""
        fresh, shown = self.note(entries), {(item.id, item.version) for item in items}
        self._window = [of for of in fresh if (self._tallies[of].item, self._tallies[of].version) in shown]
        try:
            yield
        finally:
            self._window = None

    def told(self, delivery: Delivery) -> list[tuple[float, float]]:
        """Count a broadcast. Returns, for each entry that it was the first of, the seconds to first and last reader."""
        now = self.clock() - time.monotonic() * 1000
        ages: list[tuple[float, float]] = []
        reached = delivery.reached
        if self._window is not None:
            reached = dict.fromkeys(self._window, [(delivery.ended, delivery.readers)] if delivery.readers else [])
        for cursor, steps in reached.items():
            tally = self._tallies.get(cursor)
            if tally is None or not steps:
                continue
            base, before = now - tally.at, tally.reached.count
            if not before:
                first, last = steps[0][0] + base / 1000, steps[-1][0] + base / 1000
                ages.append((max(first, 0.0), max(last, 0.0)))
            tally.reached.steps(steps, 1000.0, base)
            tally.asked += self._share * (tally.reached.count - before)
            while tally.early and tally.room:
                tally.seen.add(tally.early.pop(0))
            tally.early.clear()
            self._unwritten[cursor] = None
        self.counted()
        return ages

    def seen(self, cursor: str) -> bool:
        """A reader says that it has shown this entry. False when that cannot be, or is not asked."""
        tally = self._tallies.get(cursor)
        if tally is None or not self._share:
            return False
        ms = self.clock() - tally.at
        if not tally.reached.count:
            # Of the first readers of a great crowd: the broadcast is still under way.
            if len(tally.early) >= MOST_EARLY:
                return False
            tally.early.append(ms)
            return True
        if not tally.room:
            return False
        tally.seen.add(ms)
        self._unwritten[cursor] = None
        self.counted()
        return True

    def __len__(self) -> int:
        return len(self._unwritten)

    def take(self, most: int) -> list[tuple[str, Tally]]:
        """The counts, at most so many, that have changed since they were taken last: the oldest change first."""
        cursors = list(self._unwritten)[:most]
        for cursor in cursors:
            del self._unwritten[cursor]
        return [(cursor, self._tallies[cursor]) for cursor in cursors]

    def put_back(self, cursors: Iterable[str]) -> None:
        """What was taken could not be written."""
        for cursor in cursors:
            if cursor in self._tallies:
                self._unwritten[cursor] = None
            else:
                self.dropped += 1


class Receipts:
    """The messages that readers send."""

    def __init__(self, reaches: Mapping[str, Reach], metrics: Metrics) -> None:
        """`reaches` by the name of the channel; it may change meanwhile."""
        self._reaches = reaches
        self._metrics = metrics

    def take(self, channel: str, message: bytes) -> bool:
        """Count a message of a reader of this channel, `{"type":"seen","cursor":"…"}`; pass over anything else."""
        reach = self._reaches.get(channel)
        if reach is None:
            return False
        cursor = receipt(message)
        counted = cursor is not None and reach.seen(cursor)
        self._metrics.receipt(channel, counted=counted)
        return counted


def receipt(message: bytes) -> str | None:
    """The cursor in a receipt; None when it is none."""
    if len(message) > LONGEST:
        return None
    try:
        told = json.loads(message)
    except (ValueError, RecursionError):
        return None
    if not isinstance(told, dict) or told.keys() != {"type", "cursor"} or told["type"] != "seen":
        return None
    cursor = told["cursor"]
    return cursor if isinstance(cursor, str) and Cursor.parse(cursor) is not None else None
