"""Keeps a log's heart beating, and takes out of it what has expired.

Both are due once a second in every process, by the store's clock, and one script tells both. An expiry is an act in
the log like any other; the version check of the append makes it happen once, whichever process is first.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from ticker import item as rules
from ticker.errors import StaleVersion, StoreUnavailable
from ticker.stream import PULSE_MS, Beat, Change, Log

log = logging.getLogger("ticker.pulse")


async def run(streams: Sequence[Log], *, expiring: bool) -> None:
    """Beat until cancelled; with `expiring`, take out what is due as well."""
    failing = False
    while True:
        try:
            for stream in streams:
                beat = await stream.beat()
                if expiring and beat.due:
                    await expire(stream, beat)
            failing = False
        except StoreUnavailable as error:
            if not failing:
                log.warning("no heartbeat can be written: %s", error.__cause__ or error)
            failing = True
        await asyncio.sleep(PULSE_MS / 1000)


async def expire(stream: Log, beat: Beat) -> int:
    """Expire what this heartbeat of a channel found due. Returns how many items this process expired."""
    expired = 0
    for item_id in beat.due:
        item = await stream.item(item_id)
        # Another process may have expired it since, or an editor given it more time.
        if item is None or item.expires is None or item.expires > beat.at:
            continue
        try:
            await stream.append(Change("expire", rules.expire(item), item.version))
            expired += 1
        except StaleVersion:
            log.debug("%s: %s was changed, or expired by another process", stream.channel, item_id)
    return expired
