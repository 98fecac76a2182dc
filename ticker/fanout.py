"""The loop that reads a channel's log and hands it to the hub.

It starts from the log as it stands, follows it, and begins anew, telling every reader so, whenever the log is no
longer the one it knew. While the store is away the readers stay, and nobody is told anything that is not known.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ticker.channel import Channel
from ticker.entry import START, UNREAD, Cursor, Entry, Pulse
from ticker.errors import StoreUnavailable
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
BACK_OFF = (0.1, 2.0)
"""Least and greatest delay before the store is tried again, seconds."""


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
    """One channel's way from the log to its readers, in this process."""

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
        self.reach = Reach(clock) if reach is None else reach
        self._stream = stream
        self._clock = clock
        self._ring = ring
        self._traces = traces
        self.begun = asyncio.Event()
        """Set when the log has been read for the first time."""
        self.delivering = asyncio.Event()
        """Set when a heartbeat has come back through the stream for the first time."""
        self._handing_out = asyncio.Lock()
        # Held while readers are brought to the head: it must stand still for so long.
        self._last = START
        self._head = START
        self._heard: float | None = None
        self._beat = b""

    @property
    def age(self) -> float:
        """Seconds since a heartbeat was read back through the stream."""
        return float("inf") if self._heard is None else time.monotonic() - self._heard

    @property
    def lag(self) -> int:
        """Entries that the log had by its last heartbeat, and readers have not been given."""
        same = self._head.epoch == self.hub.cursor.epoch
        return max(self._head.n - self.hub.cursor.n, 0) if same else self._head.n

    @property
    def _about(self) -> dict[str, str]:
        return {"channel": self.hub.channel.name}

    async def run(self) -> None:
        """Follow the log until cancelled."""
        delays: Iterator[float] | None = None
        while True:
            try:
                if not self.hub.loaded:
                    await self._begin()
                async with self._stream.tail() as tail:
                    while True:
                        entries, pulse = await tail.read(self._last)
                        if delays is not None:
                            log.warning("%s: the log can be read again", self.hub.channel.name, extra=self._about)
                            delays = None
                        if not entries and pulse is None:
                            await self._doubt()
                            break
                        await self._take(entries, pulse)
            except StoreUnavailable as error:
                if delays is None:
                    cause = error.__cause__ or error
                    log.warning("%s: the log cannot be read: %s", self.hub.channel.name, cause, extra=self._about)
                    delays = _delays()
                await asyncio.sleep(next(delays))

    async def rechannel(self, channel: Channel) -> None:
        """Take over other settings of the channel; readers are given the window anew when it looks another way."""
        async with self._handing_out:
            if self.hub.rechannel(channel):
                with self.reach.anew((), ()):
                    await self.hub.deliver()

    async def _begin(self) -> None:
        state = await self._stream.read(self._ring)
        self._last = state.last
        async with self._handing_out:
            self.hub.load(state)
            self.begun.set()
            with self.reach.anew(state.entries, self.hub.window(EVERYTHING)):
                await self.hub.deliver()

    async def _take(self, entries: Sequence[Entry], pulse: Pulse | None) -> None:
        if not follows(entries, self._last):
            log.warning("%s: the log was forked; every reader is reset", self.hub.channel.name, extra=self._about)
            await self._begin()
            return
        if entries:
            for entry in entries:
                if entry.act == UNREAD:
                    log.error("%s: the entry %s cannot be read by this release", self.hub.channel.name, entry.cursor)
            # A fault and the first post after it can come before any heartbeat: numbers of a new epoch do not
            # continue those that readers hold.
            if entries[-1].cursor.epoch != self.hub.cursor.epoch:
                await self._begin()
                return
            self._last = entries[-1].cursor
            if self._traces is None:
                await self._hand_out(entries)
            else:
                told = [(entry.trace, str(entry.cursor), entry.item.id) for entry in entries]
                with self._traces.taken("broadcast", self.hub.channel.name, told, readers=len(self.hub)):
                    await self._hand_out(entries)
        if pulse is not None:
            self._head = pulse.cursor
            # Of another life, or written before what we have read: the log itself says which.
            if pulse.cursor.epoch != self.hub.cursor.epoch:
                await self._doubt()
            # A node that is cut off goes on showing the last one that it got; that is no sign of life.
            if pulse.id != self._beat:
                self._beat, self._heard = pulse.id, time.monotonic()
                self._clock.set(pulse.at)
            self.delivering.set()

    async def _hand_out(self, entries: Sequence[Entry]) -> None:
        async with self._handing_out:
            self.reach.note(entries)
            self.hub.apply(entries)
            await self.hub.deliver()

    async def _doubt(self) -> None:
        """Ask the log where it stands, and begin anew when that is not where we stand.

        A read from a position that the log has not reached (it was flushed, or restored, or its clock was set back)
        waits for ever in silence; so silence is a reason to ask, since somebody should write a heartbeat each second.
        """
        state = await self._stream.read(1)
        if state.cursor.epoch != self.hub.cursor.epoch or state.cursor.n < self.hub.cursor.n:
            told = "%s: the log is not the one that was read before; every reader is reset"
            log.warning(told, self.hub.channel.name, extra=self._about)
            await self._begin()


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
    while True:
        await asyncio.sleep(interval / SLOTS)
        slot = (slot + 1) % SLOTS
        before = asyncio.get_running_loop().time() - stuck
        for name, follower in list(followers.items()):
            hub = follower.hub
            hub.mark(follower.age > LATE)
            hub.beat(slot)
            cut = hub.cut_stuck(before)
            metrics.cut(name, cut)
            if cut:
                log.info("%s: cut %d readers that took nothing for %.0f s", name, cut, stuck, extra={"channel": name})


def _delays() -> Iterator[float]:
    least, most = BACK_OFF
    bound = least
    while True:
        yield random.uniform(least, bound)  # noqa: S311 - spreads retries, guards nothing
        bound = min(most, bound * 2)
