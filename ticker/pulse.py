"""Keeps a log's heart beating, and does to its items what has come due: publication, expiry, the end of a pin.

Every process asks for both every two seconds, by the store's clock, and one script tells both. Whoever does what is
due asks at the moment of it as well: it was told of the next one with the heartbeat, or has appended it since. What has
come due is an act like any other; the version check of the append makes it happen once, whichever process is first, and
a process that was away finds it still due.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from math import inf

from ticker import acts, tasks
from ticker.channel import Channel
from ticker.errors import ExpiryInThePast, StaleVersion, StoreUnavailable
from ticker.store import Refused
from ticker.stream import PULSE_MS, Beat, Log, beats

log = logging.getLogger("ticker.pulse")

BY = "ticker by itself"
AGAIN_SECONDS = 1.0
"""What could not be asked for, or was due and may be still, is looked at again after so long."""
LATER = tasks.EARLY + 0.002
"""Seconds after a moment at which it has surely come by the store's clock, though the loop wakes somebody too early."""


async def run(streams: Mapping[str, Log], channels: Mapping[str, Channel], *, sweeping: bool) -> None:
    """Beat until cancelled; with `sweeping`, do what is due as well. Both mappings may change meanwhile."""
    failing: set[str] = set()
    agenda = Agenda()
    while True:
        logs = list(streams.values())
        agenda.clear()
        if sweeping:
            for stream in logs:
                stream.coming = agenda.add
        found = await beats(logs)
        if sweeping:
            agenda.read(found)
        pause = PULSE_MS / 1000
        for stream, beat in zip(logs, found, strict=True):
            if sweeping and isinstance(beat, Beat) and beat.due and stream.channel in channels:
                pause = min(pause, AGAIN_SECONDS)
                try:
                    await sweep(stream, beat, channels[stream.channel])
                except StoreUnavailable as error:
                    beat = error
            if not isinstance(beat, Beat):
                pause = min(pause, AGAIN_SECONDS)
            _note(failing, stream.channel, beat)
        await agenda.wait(tasks.moment(pause))


class Agenda:
    """When something comes due next, by the loop's clock."""

    def __init__(self) -> None:
        self._zero = asyncio.get_running_loop().time() - time.time()
        """The loop's time at which the store's began; by our own clock until the store has told its."""
        self._next = inf
        self._sooner = asyncio.Event()

    def clear(self) -> None:
        """Nothing is known; the store is about to be asked."""
        self._next = inf

    def read(self, found: list[Beat | StoreUnavailable | Refused]) -> None:
        """The store has told this."""
        now = asyncio.get_running_loop().time()
        for beat in found:
            if isinstance(beat, Beat):
                self._zero = now - beat.at / 1000
                if beat.next is not None:
                    self.add(beat.next)

    def add(self, moment: int) -> None:
        """Something comes due at this moment, milliseconds of the store's clock."""
        at = self._zero + moment / 1000 + LATER
        if at < self._next:
            self._next = at
            self._sooner.set()

    async def wait(self, end: float) -> None:
        """Return at this time of the loop, or as soon as something comes due."""
        loop = asyncio.get_running_loop()
        while (until := min(end, self._next)) - loop.time() > tasks.EARLY:
            self._sooner.clear()
            await tasks.woken(self._sooner, until)


def _note(failing: set[str], channel: str, beat: Beat | StoreUnavailable | Refused) -> None:
    if isinstance(beat, Beat):
        failing.discard(channel)
    elif channel not in failing:
        failing.add(channel)
        about = {"channel": channel}
        log.warning("%s: no heartbeat can be written: %s", channel, beat.__cause__ or beat, extra=about)


async def sweep(stream: Log, beat: Beat, channel: Channel) -> int:
    """Do what this heartbeat of a channel found due. Returns how many acts this process did."""
    done = 0
    for item in await stream.items(beat.due):
        # Another process may have been here since, or an editor changed the item's times.
        change = acts.sweep(item, beat.at, channel)
        if change is None:
            continue
        try:
            await stream.append(change, BY)
            done += 1
        except (StaleVersion, ExpiryInThePast):
            # Its time may have ended since the heartbeat, too: then the next one takes it away.
            about = {"channel": stream.channel, "item": item.id}
            log.debug("%s: %s was changed by somebody else first", stream.channel, item.id, extra=about)
    return done
