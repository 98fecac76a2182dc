"""Claims each entry of a channel's log for exactly one worker, waits until its push may leave, and gives it on.

A push waits for a few seconds, so that its editor can still stop it. After that the item is read again: what was
changed, held or taken back meanwhile has an entry of its own. At least once: an entry is acknowledged after the
provider took it. What a dead worker held is taken over.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from ticker import tasks
from ticker.entry import Cursor, Entry
from ticker.errors import StoreUnavailable
from ticker.item import Item
from ticker.stream import Log

log = logging.getLogger("ticker.bridges")

GROUP = "push"
TAKE_OVER_MS = 90_000
"""After so long without an acknowledgement an entry is taken from its worker: longer than any push waits."""
RETRY_SECONDS = 1.0
MOST_AT_ONCE = 1000
"""Entries that one worker sees to at the same time; beyond that it claims no more."""


class Provider(Protocol):
    """Sends one act on to phones."""

    async def send(self, entry: Entry) -> None:
        """Returns when the provider has accepted it."""
        ...


async def run(stream: Log, worker: str, provider: Provider) -> None:
    """See to one channel's entries until cancelled."""
    claims = stream.claims(GROUP, worker)
    seen_to: dict[Cursor, asyncio.Task[None]] = {}

    async def see_to(entry: Entry) -> None:
        try:
            if await _ripe(stream, entry):
                await provider.send(entry)
            await claims.done(entry)
        except StoreUnavailable as error:
            log.warning("%s: %s waits for the store: %s", stream.channel, entry.cursor, error)
        except Exception:
            log.exception("%s: %s was not sent; it is tried again", stream.channel, entry.cursor)
        finally:
            del seen_to[entry.cursor]

    try:
        while True:
            try:
                await claims.join()
                async with claims.incoming() as batches:
                    async for batch in batches:
                        for entry in [*await claims.left_over(TAKE_OVER_MS), *batch]:
                            if entry.cursor not in seen_to:
                                seen_to[entry.cursor] = asyncio.create_task(see_to(entry))
                        while len(seen_to) >= MOST_AT_ONCE:
                            await asyncio.wait(seen_to.values(), return_when=asyncio.FIRST_COMPLETED)
            except StoreUnavailable as error:
                log.warning("%s: the log cannot be claimed: %s", stream.channel, error)
                await asyncio.sleep(RETRY_SECONDS)
    finally:
        await tasks.end(list(seen_to.values()))


async def _ripe(stream: Log, entry: Entry) -> bool:
    """Wait until this push may leave. False when it must not: superseded, stopped, or none at all."""
    while fit(entry, newest := await stream.item(entry.item.id)):
        assert newest is not None
        left = (newest.push_at or 0) - await stream.now()
        if left <= 0:
            return True
        await asyncio.sleep(left / 1000)
    return False


def fit(entry: Entry, newest: Item | None) -> bool:
    """Whether this entry rings: it is the newest version of its item, and a push that had not left before it."""
    if newest is None or newest.version != entry.item.version:
        return False
    if entry.act == "retract":
        return True
    item = entry.item
    return item.push.enabled and item.push_at is not None and item.push_at >= item.versioncreated
