"""Takes out what has expired: an act like any other, in the log, once, whichever process sweeps.

The store's clock says what is due; the version check of the append makes it happen once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from ticker import item as rules
from ticker.errors import StaleVersion, StoreUnavailable
from ticker.stream import Change, Log

log = logging.getLogger("ticker.sweep")

EVERY = 1.0
"""Seconds between two sweeps."""


async def run(streams: Sequence[Log]) -> None:
    """Sweep until cancelled."""
    while True:
        for stream in streams:
            try:
                await sweep(stream)
            except StoreUnavailable as error:
                log.debug("%s: not swept: %s", stream.channel, error)
        await asyncio.sleep(EVERY)


async def sweep(stream: Log) -> int:
    """Expire what is due in one channel. Returns how many items this process expired."""
    expired = 0
    for item_id in await stream.due():
        item = await stream.item(item_id)
        if item is None:
            continue
        try:
            await stream.append(Change("expire", rules.expire(item), item.version))
            expired += 1
        except StaleVersion:
            log.debug("%s: %s was changed or swept by another process", stream.channel, item_id)
    return expired
