"""Claiming a log: as one of a consumer group, each entry goes to one worker, who acknowledges it.

What a worker cannot read is told as such, and so is what the log has trimmed before anybody saw to it: neither holds
up what stands behind it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from ticker.entry import START, Cursor, Entry, understood
from ticker.store import Store, reaching, text

BLOCK_MS = 4000
BATCH = 500


@dataclass(frozen=True, slots=True)
class Poison:
    """An entry that cannot be read, with the reason."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Lost:
    """Entries that were trimmed before they were seen to: the id of one that was claimed, or how many were not."""

    id: str
    number: int = 1


Found = Entry | Poison | Lost


class Claims:
    """A consumer group on a log: every entry goes to one worker and stays his until he acknowledges it."""

    def __init__(self, store: Store, channel: str, group: str, worker: str) -> None:
        self._store = store
        self._log, self._group, self._worker = f"{{ticker:{channel}}}:log", group, worker
        self._meta = f"{{ticker:{channel}}}:meta"

    async def join(self) -> Lost | None:
        """Make the group if it is new. It begins with what comes next: phones must not ring for yesterday's news.

        Tells what a group that was there before has missed for good, since nobody was awake.
        """
        async with reaching():
            groups: list[Any] = []
            if await self._store.redis.exists(self._log):
                groups = await self._store.redis.xinfo_groups(self._log)
            mine = next((found for found in groups if found["name"] == self._group.encode()), None)
            if mine is None:
                await self._store.redis.xgroup_create(self._log, self._group, id="$", mkstream=True)
                return None
            oldest: Any = await self._store.redis.xrange(self._log, count=1)
        last = Cursor.parse(text(mine["last-delivered-id"])) or START
        first = Cursor.parse(text(oldest[0][0])) if oldest else None
        # Numbers are without holes within an epoch; across one nobody can say how many there were.
        if first is not None and first.epoch == last.epoch and first.n > last.n + 1:
            return Lost(f"{last.epoch}-{last.n + 1}", first.n - last.n - 1)
        return None

    async def left_over(self, idle_ms: int) -> list[Found]:
        """Take over what a worker claimed and did not acknowledge for `idle_ms`; with it, what was trimmed by then."""
        found: list[Found] = []
        start = "0-0"
        while True:
            async with reaching():
                answer: Any = await self._store.redis.xautoclaim(
                    self._log, self._group, self._worker, min_idle_time=idle_ms, start_id=start, count=BATCH
                )
            start, entries, *deleted = answer
            found += [_read(stream_id, fields) for stream_id, fields in entries]
            found += [Lost(text(stream_id)) for stream_id in (deleted[0] if deleted else ())]
            if text(start) == "0-0" or len(found) >= BATCH:
                return found

    @asynccontextmanager
    async def incoming(self) -> AsyncIterator[AsyncIterator[list[Found]]]:
        """Batches of entries that nobody has claimed yet, on a connection of their own; an empty one every 4 s."""
        async with self._store.blocking(BLOCK_MS / 1000) as redis:

            async def batches() -> AsyncIterator[list[Found]]:
                while True:
                    async with reaching():
                        answer: Any = await redis.xreadgroup(
                            self._group, self._worker, {self._log: ">"}, count=BATCH, block=BLOCK_MS
                        )
                    yield [_read(stream_id, fields) for _, found in answer for stream_id, fields in found]

            yield batches()

    async def understood(self) -> None:
        """Raises StoreUnavailable when a newer release writes the log: nothing of it is to be acknowledged here."""
        async with reaching():
            found = await self._store.redis.hget(self._meta, "format")
        understood(int(found or 1))

    async def lay_down(self, idle_ms: int) -> int:
        """Let others have at once what this worker claimed and did not acknowledge, since he ends; how many it was.

        They are made as old as `idle_ms`, by which others know what was left behind.
        """
        async with reaching():
            # From the beginning, a group gives a worker what is his already.
            answer: Any = await self._store.redis.xreadgroup(self._group, self._worker, {self._log: "0-0"}, count=BATCH)
            ids = [stream_id for _, found in answer for stream_id, _ in found]
            if ids:
                await self._store.redis.xclaim(self._log, self._group, self._worker, 0, ids, idle=idle_ms, justid=True)
        return len(ids)

    async def done(self, ids: Sequence[str]) -> None:
        """Acknowledge entries."""
        if ids:
            async with reaching():
                await self._store.redis.xack(self._log, self._group, *ids)


def _read(stream_id: bytes, fields: dict[bytes, bytes] | None) -> Found:
    if fields is None:  # how some servers tell of what was trimmed
        return Lost(text(stream_id))
    try:
        return Entry.read(stream_id, fields)
    except ValueError as error:
        return Poison(text(stream_id), str(error)[:300])
