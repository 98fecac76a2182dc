"""What is read of a channel's log is judged here, and handed to the hub.

It starts from the log as it stands, follows it, and begins anew, telling every reader so, whenever the log is no
longer the one it knew. While the store is away the readers stay, and nobody is told anything that is not known.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from ticker import tasks
from ticker.channel import Channel
from ticker.entry import START, UNREAD, Cursor, Entry, Pulse, State, understood
from ticker.group import EVERYTHING, SLOTS
from ticker.hub import Hub
from ticker.metrics import Metrics
from ticker.reach import Reach
from ticker.stream import Log

if TYPE_CHECKING:
    from ticker.otel import Traces

log = logging.getLogger("ticker.fanout")

LATE = 10.0
"""Seconds without a heartbeat through the stream after which nobody can say that readers have everything."""
SILENT = 4.0
"""Seconds without anything of a log after which it is asked whether it is still the one that is read."""
MOST = 250
"""Entries that are read at once. Those of several reads are handed out together, but fewer than twice as many."""
INBOX = 2
"""Reads that may wait for the one before to be handed out: what comes later stays together in the log meanwhile."""
NO_PULSE = b"0-0"
AT_ONCE = 2
"""Parts of the readers that are spoken to in one waking: at the usual interval there is one every two seconds, the same
in which the log's heartbeat comes. An idle process pays more for being woken than for what it does then."""


class Clock:
    """The store's time, carried on by the monotonic clock between two heartbeats."""

    def __init__(self) -> None:
        self._offset: float | None = None

    def set(self, milliseconds: int) -> None:
        """The store's time is this."""
        self._offset = milliseconds - time.monotonic() * 1000

    def __call__(self) -> int:
        """Milliseconds since 1970, by the store's clock (by ours until the first heartbeat)."""
        if self._offset is None:
            return int(time.time() * 1000)
        return int(self._offset + time.monotonic() * 1000)


class Fanout:
    """One channel's way from the log to its readers, in this process.

    What `tail` reads is taken here and handed out by `run`, so that a broadcast holds up no other channel.
    """

    def __init__(
        self,
        stream: Log,
        hub: Hub,
        clock: Clock,
        ring: int,
        reach: Reach | None = None,
        traces: Traces | None = None,
    ) -> None:
        """`ring` is the number of entries that are read at the start; `reach` is told what will be handed out.

        `traces` is told of each broadcast.
        """
        self.hub = hub
        self.log = stream
        self.reach = Reach(clock) if reach is None else reach
        self._clock = clock
        self._ring = ring
        self._traces = traces
        self.begun = asyncio.Event()
        """Set when the log has been read for the first time."""
        self.delivering = asyncio.Event()
        """Set when a heartbeat has come back through the stream for the first time."""
        # Of what has been read.
        self._anew = True  # it does not lead on from what readers have
        self._doubted = False  # nor is it known whether the log still does
        self._position = START
        self._known = START  # as far as the log has come
        self._seen = NO_PULSE
        self._news = 0.0  # when something came last, monotonic seconds
        self._inbox: asyncio.Queue[State | list[Entry] | Pulse] = asyncio.Queue(INBOX)
        # Of what has been handed out.
        self._handing_out = asyncio.Lock()
        # Held while readers are brought to the head: it must stand still for so long.
        self._head = START
        self._heard: float | None = None
        self._since = time.monotonic()
        self._beat = b""

    @property
    def age(self) -> float:
        """Seconds since a heartbeat was read back through the stream."""
        return float("inf") if self._heard is None else time.monotonic() - self._heard

    @property
    def late(self) -> bool:
        """Whether nobody can say any more that readers have everything. Who has just begun has time to hear first."""
        return time.monotonic() - (self._since if self._heard is None else self._heard) > LATE

    @property
    def lag(self) -> int:
        """Entries that the log had by its last heartbeat, and readers have not been given."""
        same = self._head.epoch == self.hub.cursor.epoch
        return max(self._head.n - self.hub.cursor.n, 0) if same else self._head.n

    @property
    def _about(self) -> dict[str, str]:
        return {"channel": self.hub.channel.name}

    # What is read comes in; all of this is called by one task, in turn.

    @property
    def standing(self) -> bool:
        """Whether the log is read on from `place`; if not, `stand` has to find one first."""
        return not (self._anew or self._doubted)

    @property
    def place(self) -> tuple[Cursor, bytes]:
        """The last entry and the last heartbeat that were read."""
        return self._position, self._seen

    async def stand(self) -> None:
        """Find the place to read on from: where we are if the log still leads on from there, or else its end.

        Then every reader is reset. Raises StoreUnavailable.
        """
        if not self._anew:
            state = await self.log.read(1)
            if state.cursor.epoch != self._known.epoch or state.cursor.n < self._known.n:
                told = "%s: the log is not the one that was read before; every reader is reset"
                log.warning(told, self.hub.channel.name, extra=self._about)
                self._anew = True
        if self._anew:
            state = await self.log.read(self._ring)
            self._clear()  # all that is known by then
            self._inbox.put_nowait(state)
            self._position, self._known = state.last, state.cursor
        self._anew = self._doubted = False
        self._news = time.monotonic()

    def doubt(self) -> None:
        """It may be another log by now: `stand` has to ask."""
        self._doubted = True
        self._seen = NO_PULSE

    def silent(self) -> None:
        """Nothing came this time.

        A read from a position that the log has not reached (it was flushed, or restored, or its clock was set back)
        waits for ever in silence; so silence is a reason to ask, since somebody should write a heartbeat sooner.
        """
        if time.monotonic() - self._news > SILENT:
            self.doubt()

    async def take(self, entries: list[Entry], pulse: Pulse | None) -> None:
        """Take what was read from `place` on. Waits while too much is to be handed out.

        Raises StoreUnavailable when a newer release writes the log: what its entries mean is not known here.
        """
        self._news = time.monotonic()
        if pulse is not None:
            understood(pulse.format)
            self._seen = pulse.id
        if not follows(entries, self._position):
            log.warning("%s: the log was forked; every reader is reset", self.hub.channel.name, extra=self._about)
            self._anew = True
            return
        if entries:
            for entry in entries:
                if entry.act == UNREAD:
                    log.error("%s: the entry %s cannot be read by this release", self.hub.channel.name, entry.cursor)
            # A fault and the first post after it can come before any heartbeat: numbers of a new epoch do not
            # continue those that readers hold.
            if entries[-1].cursor.epoch != self._known.epoch:
                self._anew = True
                return
            await self._inbox.put(entries)
            self._position = self._known = entries[-1].cursor
        if pulse is not None:
            # Of another life, or written before what we have read: the log itself says which.
            if pulse.cursor.epoch != self._known.epoch:
                self._doubted = True
            # What came before it is told first: whoever does not get on has no sign of life.
            if self._inbox.empty() and not self._handing_out.locked():
                self._hear(pulse)
            else:
                await self._inbox.put(pulse)

    def _hear(self, pulse: Pulse) -> None:
        self._head = pulse.cursor
        # A node that is cut off goes on showing the last one that it got; that is no sign of life.
        if pulse.id != self._beat:
            self._beat, self._heard = pulse.id, time.monotonic()
            self._clock.set(pulse.at)
        self.delivering.set()

    def _clear(self) -> None:
        while not self._inbox.empty():
            self._inbox.get_nowait()

    # It is handed out.

    async def run(self) -> None:
        """Hand out what is taken, until cancelled."""
        if self.hub.loaded:
            # Whoever did this before us failed somewhere on the way.
            self._clear()
            self._anew = True
        while True:
            found: State | Pulse | list[Entry] | None = await self._inbox.get()
            entries: list[Entry] = []
            while isinstance(found, list):
                entries += found
                found = None if self._inbox.empty() or len(entries) >= MOST else self._inbox.get_nowait()
            # More at once than the ring holds would be a reset for everybody.
            for first in range(0, len(entries), self._ring):
                await self._hand_out(entries[first : first + self._ring])
            if isinstance(found, State):
                await self._begin(found)
            elif found is not None:
                self._hear(found)

    async def rechannel(self, channel: Channel) -> None:
        """Take over other settings of the channel; readers are given the window anew when it looks another way."""
        async with self._handing_out:
            if self.hub.rechannel(channel):
                with self.reach.anew((), ()):
                    await self.hub.deliver()

    async def _begin(self, state: State) -> None:
        async with self._handing_out:
            self.hub.load(state)
            self.begun.set()
            with self.reach.anew(state.entries, self.hub.window(EVERYTHING)):
                await self.hub.deliver()

    async def _hand_out(self, entries: Sequence[Entry]) -> None:
        async with self._handing_out:
            with self._traced(entries):
                self.reach.note(entries)
                self.hub.apply(entries)
                await self.hub.deliver()

    def _traced(self, entries: Sequence[Entry]) -> AbstractContextManager[object]:
        if self._traces is None:
            return nullcontext()
        told = [(entry.trace, str(entry.cursor), entry.item.id) for entry in entries]
        return self._traces.taken("broadcast", self.hub.channel.name, told, readers=len(self.hub))


def follows(entries: Sequence[Entry], last: Cursor) -> bool:
    """Whether each entry names the one before it, beginning with `last`; if not, the log was forked."""
    for entry in entries:
        if entry.previous != last:
            return False
        last = entry.cursor
    return True


async def beat_readers(followers: Mapping[str, Fanout], interval: float, stuck: float, metrics: Metrics) -> None:
    """Speak to every reader once in `interval` seconds, spread over it, and cut those stuck for `stuck` seconds.

    Whose log has been silent for too long is told so, and cut from nothing. Channels may come and go meanwhile.
    """
    slot = 0
    async for _ in tasks.ticks(interval / SLOTS * AT_ONCE):
        before = asyncio.get_running_loop().time() - stuck
        for name, follower in list(followers.items()):
            hub = follower.hub
            hub.mark(follower.late)
            for number in range(slot, slot + AT_ONCE):
                hub.beat(number % SLOTS)
            cut = hub.cut_stuck(before)
            if cut:
                metrics.cut(name, cut)
                log.info("%s: cut %d readers that took nothing for %.0f s", name, cut, stuck, extra={"channel": name})
        slot = (slot + AT_ONCE) % SLOTS
