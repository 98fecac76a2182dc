"""The bridge of one channel: claims its entries and writes them into the outbox, and sends what there is due.

An entry is acknowledged when its rows are written; from then on the outbox remembers what is still to be done. So
whoever dies, at whatever point, loses nothing, and what he had in his hands is taken over.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from ticker import tasks
from ticker.bridges.notice import OUTCOMES
from ticker.bridges.outbox import Lot, Outbox
from ticker.bridges.pace import Pace
from ticker.bridges.planner import plan
from ticker.bridges.provider import Provider
from ticker.bridges.register import MOST, Register
from ticker.bridges.sender import HANDFUL, Rules, Sender
from ticker.channel import Channel
from ticker.claims import Claims, Found, Lost, Poison
from ticker.entry import Entry
from ticker.errors import StoreUnavailable
from ticker.metrics import Metrics
from ticker.store import Store

if TYPE_CHECKING:
    from ticker.otel import Traces

log = logging.getLogger("ticker.bridges")

GROUP = "push"
TAKE_OVER_MS = 30_000
"""After so long without an acknowledgement an entry is taken from its worker: writing its rows takes seconds."""
RETRY_SECONDS = 1.0
LOOK_SECONDS = 1.0
"""Longest wait between two looks at the outbox, into which other processes write as well."""
TRIES = 3
"""An entry whose rows cannot be written, for a reason that is not the store's, is buried after so many tries."""


class Fleet:
    """The providers of this process, and how fast each is sent to; shared by all channels."""

    def __init__(self, providers: Sequence[Provider], *, rate: float, at_once: int) -> None:
        """`rate` is requests a second and `at_once` requests under way, for each provider."""
        self.providers = {provider.name: provider for provider in providers}
        self.lots = max(1, at_once // HANDFUL)
        self.paces = {name: Pace(rate) for name in self.providers}
        self.rooms = {name: asyncio.Semaphore(self.lots) for name in self.providers}

    async def close(self) -> None:
        """Hang up on all of them."""
        for provider in self.providers.values():
            await provider.close()


class Bridge:
    """The bridge of one channel."""

    def __init__(
        self,
        store: Store,
        channel: str,
        fleet: Fleet,
        channels: Mapping[str, Channel],
        metrics: Metrics,
        rules: Rules | None = None,
        outbox: Outbox | None = None,
        most: int = MOST,
        traces: Traces | None = None,
    ) -> None:
        """`most` targets of each provider; `traces` is told of what is claimed."""
        self.channel = channel
        self.outbox = outbox or Outbox(store, channel)
        self.register = Register(store, channel, most)
        self._store = store
        self._fleet = fleet
        self._metrics = metrics
        self._traces = traces
        self._sender = Sender(self.outbox, self.register, channels, metrics, rules)
        self._wake = asyncio.Event()
        self._claimed: float | None = None
        metrics.bridged(channel, fleet.providers, OUTCOMES, ("poison", "trimmed"))
        self._failed: dict[str, int] = {}

    @property
    def age(self) -> float:
        """Seconds since the log was claimed, or an entry of it seen to."""
        return float("inf") if self._claimed is None else time.monotonic() - self._claimed

    @property
    def _about(self) -> dict[str, str]:
        return {"channel": self.channel}

    async def run(self, worker: str) -> None:
        """See to the channel until cancelled."""
        halves = [asyncio.create_task(half) for half in (self._claiming(worker), self._sending())]
        try:
            done, _ = await asyncio.wait(halves, return_when=asyncio.FIRST_COMPLETED)
            for half in done:
                half.result()
        finally:
            await tasks.end(halves)
            # What the other one failed of in the same moment is not told twice.
            for half in halves:
                if not half.cancelled():
                    half.exception()

    async def _claiming(self, worker: str) -> None:
        claims = Claims(self._store, self.channel, GROUP, worker)
        try:
            await self._claim(claims)
        finally:
            # What came in the moment of the end would else wait until others take it for left behind.
            with suppress(StoreUnavailable):
                if left := await claims.lay_down(TAKE_OVER_MS):
                    log.info("%s: %d entries are left to others", self.channel, left)

    async def _claim(self, claims: Claims) -> None:
        while True:
            try:
                await claims.understood()
                if missed := await claims.join():
                    await self._write(claims, [missed])
                async with claims.incoming() as batches:
                    await self._write(claims, await claims.left_over(TAKE_OVER_MS))
                    async for batch in batches:
                        await self._write(claims, batch)
                        await self._write(claims, await claims.left_over(TAKE_OVER_MS))
            except StoreUnavailable as error:
                log.warning("%s: the log cannot be claimed: %s", self.channel, error, extra=self._about)
                await asyncio.sleep(RETRY_SECONDS)

    async def _write(self, claims: Claims, batch: Sequence[Found]) -> None:
        if batch:
            try:
                await claims.understood()
            except StoreUnavailable:
                await claims.lay_down(TAKE_OVER_MS)
                raise
        # Only now: a bridge that may not touch the log is not at work.
        self._claimed = time.monotonic()
        for found in batch:
            name = str(found.cursor) if isinstance(found, Entry) else found.id
            if isinstance(found, Entry):
                if not await self._planned(found, name):
                    continue
            else:
                await self._bury(found)
            await claims.done([name])
            self._claimed = time.monotonic()
            self._failed.pop(name, None)

    async def _planned(self, entry: Entry, name: str) -> bool:
        """Whether this entry is seen to; else it stays claimed, and is taken up again."""
        try:
            if self._traces is None:
                await plan(entry, self.outbox, self.register, self._fleet.providers.values())
            else:
                with self._traces.taken("plan pushes", self.channel, [(entry.trace, name, entry.item.id)]):
                    await plan(entry, self.outbox, self.register, self._fleet.providers.values())
        except StoreUnavailable:
            raise
        except Exception as error:
            about = self._about | {"item": entry.item.id, "cursor": name}
            log.exception("%s: the rows of %s cannot be written", self.channel, name, extra=about)
            tries = self._failed[name] = self._failed.get(name, 0) + 1
            if tries < TRIES:
                return False
            await self._bury(Poison(name, f"a fault of ours: {type(error).__name__}"))
        self._wake.set()
        return True

    async def _bury(self, found: Poison | Lost) -> None:
        kind = "poison" if isinstance(found, Poison) else "trimmed"
        number = 1 if isinstance(found, Poison) else found.number
        reason = found.reason if isinstance(found, Poison) else "the log was trimmed before it was seen to"
        told = "%s: %d of the log from %s on: %s; no phone is told of it"
        log.error(told, self.channel, number, found.id, reason, extra=self._about | {"cursor": found.id})
        self._metrics.entries_lost(self.channel, kind, number)
        await self.outbox.bury({"entry": found.id, "entries": number, "kind": kind, "reason": reason})

    async def _sending(self) -> None:
        """Send what is due, a bounded number of lots at a time."""
        names = list(self._fleet.providers)
        under_way: dict[tuple[str, Lot], asyncio.Task[None]] = {}
        try:
            while True:
                self._wake.clear()
                wait = LOOK_SECONDS
                try:
                    due = await self.outbox.due(names, self._fleet.lots * 2)
                    fresh = [(name, lot) for name in names for lot in due.lots[name] if (name, lot) not in under_way]
                    for key in fresh:
                        under_way[key] = asyncio.create_task(self._see_to(*key))
                        under_way[key].add_done_callback(functools.partial(self._laid_down, under_way, key))
                    if due.next is not None:
                        wait = min(wait, max(0.0, (due.next - due.now) / 1000))
                    for name in names:
                        self._metrics.outbox_stands(self.channel, name, due.waiting[name])
                except StoreUnavailable as error:
                    log.warning("%s: the outbox cannot be read: %s", self.channel, error, extra=self._about)
                await tasks.woken(self._wake, asyncio.get_running_loop().time() + wait)
        finally:
            await tasks.end(list(under_way.values()))

    def _laid_down(
        self, under_way: dict[tuple[str, Lot], asyncio.Task[None]], key: tuple[str, Lot], _: asyncio.Task[None]
    ) -> None:
        under_way.pop(key, None)
        self._wake.set()

    async def _see_to(self, name: str, lot: Lot) -> None:
        try:
            async with self._fleet.rooms[name]:
                await self._sender.see_to(self._fleet.providers[name], lot, self._fleet.paces[name])
        except StoreUnavailable as error:
            about = self._about | {"item": lot.item}
            log.warning("%s: %s of %s waits for the store: %s", self.channel, lot.name, name, error, extra=about)
            await asyncio.sleep(RETRY_SECONDS)
        except Exception:
            about = self._about | {"item": lot.item}
            log.exception("%s: %s of %s could not be seen to", self.channel, lot.name, name, extra=about)
            await asyncio.sleep(RETRY_SECONDS)
