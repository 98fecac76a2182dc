"""Keeps a log's heart beating, and does to its items what has come due: publication, expiry, the end of a pin.

Both are seen to once a second in every process, by the store's clock, and one script tells both. What has come due
is an act like any other; the version check of the append makes it happen once, whichever process is first, and a
process that was away finds it still due.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from ticker import acts, tasks
from ticker.channel import Channel
from ticker.errors import ExpiryInThePast, StaleVersion, StoreUnavailable
from ticker.store import Refused
from ticker.stream import PULSE_MS, Beat, Log, beats

log = logging.getLogger("ticker.pulse")

BY = "ticker by itself"


async def run(streams: Mapping[str, Log], channels: Mapping[str, Channel], *, sweeping: bool) -> None:
    """Beat until cancelled; with `sweeping`, do what is due as well. Both mappings may change meanwhile."""
    failing: set[str] = set()
    async for _ in tasks.ticks(PULSE_MS / 1000):
        logs = list(streams.values())
        for stream, beat in zip(logs, await beats(logs), strict=True):
            if sweeping and isinstance(beat, Beat) and beat.due and stream.channel in channels:
                try:
                    await sweep(stream, beat, channels[stream.channel])
                except StoreUnavailable as error:
                    beat = error
            _note(failing, stream.channel, beat)


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
