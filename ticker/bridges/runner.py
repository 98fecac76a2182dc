"""Claims each entry of a channel's log for exactly one worker, reads its item again, and gives it to the provider.

At least once: an entry is acknowledged after the provider took it. What a dead worker held is taken over.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from ticker.entry import Entry
from ticker.errors import StoreUnavailable
from ticker.item import Item
from ticker.stream import Log

log = logging.getLogger("ticker.bridges")

GROUP = "push"
TAKE_OVER_MS = 30_000
"""After so long without an acknowledgement an entry is taken from the worker that claimed it."""
RETRY_SECONDS = 1.0


class Provider(Protocol):
    """Sends one act on to phones."""

    async def send(self, entry: Entry) -> None:
        """Returns when the provider has accepted it."""
        ...


async def run(stream: Log, worker: str, provider: Provider) -> None:
    """See to one channel's entries until cancelled."""
    claims = stream.claims(GROUP, worker)
    while True:
        try:
            await claims.join()
            async with claims.incoming() as batches:
                async for batch in batches:
                    for entry in [*await claims.left_over(TAKE_OVER_MS), *batch]:
                        # The item as it stands now: what was taken back since must not ring a phone.
                        if fit(entry, await stream.item(entry.item.id)):
                            await provider.send(entry)
                        await claims.done(entry)
        except StoreUnavailable as error:
            log.warning("%s: the log cannot be claimed: %s", stream.channel, error)
            await asyncio.sleep(RETRY_SECONDS)


def fit(entry: Entry, newest: Item | None) -> bool:
    """Whether this entry is still worth sending: of the newest version of its item, and no mere end of its time."""
    return newest is not None and newest.version == entry.item.version and entry.act != "expire"
