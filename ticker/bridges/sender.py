"""Sends the rows of a lot: a handful at a time, the item read again before each handful, and what came of it noted."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ticker import quiet
from ticker.bridges.notice import judged, name_of, notice
from ticker.bridges.outbox import Claimed, Lot, Outbox, Row, Settled
from ticker.bridges.pace import Pace, backoff
from ticker.bridges.provider import Answer, Provider
from ticker.bridges.register import Register
from ticker.bridges.target import AUDIENCE, Target
from ticker.channel import Channel
from ticker.item import Item
from ticker.metrics import Metrics

log = logging.getLogger("ticker.bridges")

HANDFUL = 32
"""Rows that are sent at the same time out of one lot."""
NOTED = 500
"""Rows whose end is noted in one step."""
FIRST, MOST = 1.0, 300.0
"""Seconds before the second try, doubled for each one after it, and the most."""


@dataclass(slots=True)
class Rules:
    """What an operator may set, and what a test does."""

    clear: bool = False
    """A withdrawn alert is taken off phones, rather than replaced by the word that it was withdrawn."""
    first: float = FIRST
    most: float = MOST
    chance: Callable[[], float] = field(default=random.random)


class Sender:
    """Sees to lots of one channel, for all providers."""

    def __init__(
        self,
        outbox: Outbox,
        register: Register,
        channels: Mapping[str, Channel],
        metrics: Metrics,
        rules: Rules | None = None,
    ) -> None:
        """`channels` may change meanwhile."""
        self._outbox = outbox
        self._register = register
        self._channels = channels
        self._metrics = metrics
        self._rules = rules or Rules()

    async def see_to(self, provider: Provider, lot: Lot, pace: Pace) -> None:
        """Send what of a lot is due, unless somebody else does. Raises StoreUnavailable."""
        claimed = await self._outbox.claim(provider.name, lot)
        if claimed is None:
            return
        try:
            await self._see_to(provider, claimed, pace)
        finally:
            # Whoever is told to end lays it down, so that nobody has to wait for him.
            await self._outbox.release(claimed)

    async def _see_to(self, provider: Provider, claimed: Claimed, pace: Pace) -> None:
        begun = await self._outbox.begin(claimed, ())
        if begun is None:
            return
        now, newest = begun
        # By target, older versions first; of those whose time is over none waits for its turn.
        rows = sorted(claimed.rows, key=lambda row: (row.target, row.version))
        over = [settled for row in rows if (settled := self._over(row, newest, now))]
        for place in range(0, len(over), NOTED):
            await self._settle(provider, claimed, over[place : place + NOTED], now)
        ended = {settled.row for settled in over}
        left = [row for row in rows if row not in ended and row.due <= now]
        for place in range(0, len(left), HANDFUL):
            if not await self._send(provider, claimed, left[place : place + HANDFUL], pace):
                return

    def _over(self, row: Row, newest: Item | None, now: int) -> Settled | None:
        verdict = judged(row.version, row.push_at, newest, now)
        return None if verdict.send else Settled(row, verdict.outcome)

    async def _send(self, provider: Provider, claimed: Claimed, rows: Sequence[Row], pace: Pace) -> bool:
        """Send a handful. False when the lot is somebody else's by now."""
        await pace.take(len(rows))
        targets = await self._targets(provider, claimed.lot, rows)
        # What is read here is what is sent: between the two there is no wait.
        begun = await self._outbox.begin(claimed, rows)
        if begun is None:
            return False
        now, newest = begun
        told = await asyncio.gather(
            *(self._one(provider, claimed, row, targets.get(row.target), newest, now) for row in rows)
        )
        await self._settle(provider, claimed, told, now)
        return True

    async def _targets(self, provider: Provider, lot: Lot, rows: Sequence[Row]) -> dict[str, Target]:
        ids = [row.target for row in rows]
        if lot.bucket == AUDIENCE:
            # What is not stored is what its name says.
            return {name: Target(id=name, provider=provider.name, address=name) for name in ids}
        return await self._register.some(provider.name, lot.bucket, ids)

    async def _one(
        self, provider: Provider, claimed: Claimed, row: Row, target: Target | None, newest: Item | None, now: int
    ) -> Settled:
        if (over := self._over(row, newest, now)) is not None:
            return over
        assert newest is not None
        if target is None:
            return Settled(row, "cancelled")  # it went away by itself
        channel = self._channels.get(newest.channel)
        if channel is None:
            return Settled(row, "cancelled")
        if end := self._quiet(channel, target, newest, row, now):
            return Settled(row, None, again=row._replace(due=end))
        had = claimed.had.get(row.target, 0)
        told = notice(newest, row.version, channel, now, had=0 < had < row.version, clear=self._rules.clear)
        name = name_of(newest.id, row.version, provider.name, row.target)
        try:
            answer = await provider.send(told, target, name)
        except Exception as error:
            # A fault of ours in one row must not hold up the others, nor come back for ever.
            about = {"channel": newest.channel, "item": newest.id}
            log.exception("%s: %s could not be sent by %s", newest.channel, name, provider.name, extra=about)
            answer = Answer("refused", f"a fault of ours: {type(error).__name__}")
        return await self._answered(provider, claimed, row, target, answer, now)

    def _quiet(self, channel: Channel, target: Target, item: Item, row: Row, now: int) -> int:
        """When a push that is held for the night is looked at again; 0 when it is not held."""
        if row.push_at == 0 or item.urgency <= 1:
            return 0
        followed = target.followed(item) or list(item.push.topics if target.id == target.address else ())
        return quiet.until(channel.quiet, followed, now)

    async def _answered(
        self, provider: Provider, claimed: Claimed, row: Row, target: Target, answer: Answer, now: int
    ) -> Settled:
        if answer.kind == "accepted":
            return Settled(row, "accepted", had=True)
        if answer.kind == "gone":
            # One that registered again after it was gone is there again.
            if answer.since is None or target.since <= answer.since:
                if await self._register.remove(provider.name, target.id, target):
                    self._metrics.target_removed(provider.name)
                return Settled(row, "cancelled")
            answer = Answer("later", answer.reason)
        if answer.kind == "refused":
            return Settled(row, "dead_lettered", letter=_letter(claimed, row, answer.reason, now))
        self._metrics.push_retried(provider.name)
        wait = backoff(row.attempts, self._rules.chance(), first=self._rules.first, most=self._rules.most)
        again = row._replace(attempts=row.attempts + 1, due=now + int(1000 * (wait + (answer.after or 0))))
        return Settled(row, None, had=answer.unknown, again=again)

    async def _settle(self, provider: Provider, claimed: Claimed, settled: Sequence[Settled], now: int) -> None:
        await self._outbox.settle(claimed, settled)
        for one in settled:
            if one.outcome is not None:
                # A withdrawal has no moment at which it was to leave.
                late = max(0, now - one.row.push_at) / 1000 if one.row.push_at else None
                self._metrics.push_ended(provider.name, one.outcome, late)


def _letter(claimed: Claimed, row: Row, reason: str, now: int) -> dict[str, Any]:
    return {
        "item": claimed.lot.item,
        "version": row.version,
        "provider": claimed.provider,
        "target": row.target,
        "bucket": claimed.lot.bucket,
        "push_at": row.push_at,
        "attempts": row.attempts + 1,
        "reason": reason,
        "at": now,
    }
