"""The log of a channel: entries are appended in one atomic script, tailed by readers, claimed by the bridge.

All keys of a channel stand under one hash tag, so that a Cluster keeps them together. All time is the store's.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from ticker.entry import START, Cursor, Entry, Pulse, State
from ticker.errors import IdempotencyConflict, StaleVersion, Unprocessable
from ticker.item import Item
from ticker.store import Store, reaching

REMEMBER_MS = 24 * 3600 * 1000
"""How long an idempotency key is remembered."""
PULSE_MS = 1000
"""Least distance of two heartbeats of a log."""
BLOCK_MS = 4000
BATCH = 500
MOST_DUE = 500


@dataclass(frozen=True, slots=True)
class Change:
    """One act to append. `item` is the new version; the store sets its version and times.

    `expected` is the version that has to be the newest (0: the item is new). `stamps` are the times to set to now.
    `expires` is milliseconds since 1970, or None for no expiry, or `+n` for n milliseconds from now.
    """

    act: str
    item: Item
    expected: int
    stamps: tuple[str, ...] = ("versioncreated",)
    expires: int | str | None = None


@dataclass(frozen=True, slots=True)
class Appended:
    """Where the entry stands, the item as it is stored, and whether an earlier request had put it there."""

    cursor: Cursor
    item: Item
    repeated: bool


@dataclass(frozen=True, slots=True)
class Beat:
    """What a heartbeat found: the log's cursor, the store's time, and ids of the items whose time has come."""

    cursor: Cursor
    at: int
    due: list[str]


class Log:
    """The log of one channel."""

    def __init__(self, store: Store, channel: str, length: int = 10_000) -> None:
        """`length` is the number of entries that the log keeps."""
        self.channel = channel
        self._store = store
        self._length = length
        self._log, self._meta, self._items, self._due, self._pulse = (
            f"{{ticker:{channel}}}:{name}" for name in ("log", "meta", "items", "due", "pulse")
        )
        self._append = store.redis.register_script(_script("append"))
        self._beat = store.redis.register_script(_script("pulse"))

    async def append(self, change: Change, *, key: str = "", fingerprint: str = "") -> Appended:
        """Append one act, or find that `key` already has.

        `key` names the request (whoever sends it again gets the same answer), `fingerprint` what it asked for.
        Raises IdempotencyConflict, StaleVersion, Unprocessable (expiry in the past), StoreUnavailable.
        """
        record = f"{{ticker:{self.channel}}}:idem:{hashlib.sha256(key.encode()).hexdigest()}"
        async with reaching():
            answer: list[Any] = await self._append(
                keys=[self._log, self._meta, self._items, self._due, record],
                args=[
                    change.act,
                    change.item.id,
                    change.expected,
                    change.item.unstamped(frozenset({"version", "expires", *change.stamps})),
                    ",".join(change.stamps),
                    "" if change.expires is None else change.expires,
                    fingerprint if key else "",
                    REMEMBER_MS,
                    self._length,
                ],
            )
        match answer:
            case [b"appended" | b"again" as outcome, cursor, item]:
                place = Cursor.parse(cursor.decode())
                assert place is not None
                return Appended(place, Item.model_validate_json(item), outcome == b"again")
            case [b"conflict"]:
                raise IdempotencyConflict(field="Idempotency-Key")
            case [b"stale", newest]:
                raise StaleVersion(f"The newest version is {newest.decode()}, not {change.expected}.")
            case [b"past"]:
                raise Unprocessable("expires is in the past.", field="expires")
        raise AssertionError(f"the append script answered {answer!r}")

    async def beat(self) -> Beat:
        """Write a heartbeat unless another process just did, and see what is due by the store's clock."""
        async with reaching():
            cursor, at, due = await self._beat(
                keys=[self._log, self._meta, self._pulse, self._due], args=[PULSE_MS, MOST_DUE]
            )
        return Beat(_cursor(cursor), int(at), [item_id.decode() for item_id in due])

    async def read(self, most: int) -> State:
        """The log as it stands, with its `most` newest entries. Begins it when it has no life yet."""
        await self.beat()
        async with reaching(), self._store.redis.pipeline(transaction=True) as pipe:
            pipe.hmget(self._meta, "epoch", "n", "last")
            pipe.xrevrange(self._log, count=most)
            (epoch, n, last), found = await pipe.execute()
        entries = [Entry.read(stream_id, fields) for stream_id, fields in reversed(found)]
        return State(Cursor(int(epoch), int(n)), _cursor(last), entries)

    @asynccontextmanager
    async def tail(self) -> AsyncIterator[Tail]:
        """A reader of this log with a connection of its own; its position is its own, nothing is acknowledged."""
        async with self._store.blocking(BLOCK_MS / 1000) as redis:
            yield Tail(redis, self._log, self._pulse)

    async def item(self, item_id: str) -> Item | None:
        """The newest version of an item."""
        async with reaching():
            found = await self._store.redis.hget(self._items, item_id)
        return Item.model_validate_json(found) if found else None

    async def empty(self) -> bool:
        """Whether nothing was ever posted here."""
        async with reaching():
            return not await self._store.redis.exists(self._items)

    def claims(self, group: str, worker: str) -> Claims:
        """The entries that this worker of a consumer group has to see to, each by exactly one worker."""
        return Claims(self._store, self._log, group, worker)


class Tail:
    """A position in a log that only moves forward."""

    def __init__(self, redis: Any, log: str, pulse: str) -> None:
        self._redis = redis
        self._log, self._pulse = log, pulse
        self._seen = b"0-0"

    async def read(self, position: Cursor) -> tuple[list[Entry], Pulse | None]:
        """Entries after `position` and the newest heartbeat; waits up to four seconds for either."""
        async with reaching():
            answer = await self._redis.xread(
                {self._log: str(position), self._pulse: self._seen}, count=BATCH, block=BLOCK_MS
            )
        entries: list[Entry] = []
        pulse: Pulse | None = None
        for stream, found in answer:
            if stream == self._log.encode():
                entries = [Entry.read(stream_id, fields) for stream_id, fields in found]
            else:
                stream_id, fields = found[-1]
                self._seen = stream_id
                pulse = Pulse(stream_id, _cursor(fields[b"cursor"]), _cursor(fields[b"last"]), int(fields[b"at"]))
        return entries, pulse


class Claims:
    """A consumer group on a log: every entry goes to one worker and stays his until he acknowledges it."""

    def __init__(self, store: Store, log: str, group: str, worker: str) -> None:
        self._store = store
        self._log, self._group, self._worker = log, group, worker

    async def join(self) -> None:
        """Make the group if it is new. It begins with what comes next: phones must not ring for yesterday's news."""
        async with reaching():
            groups = []
            if await self._store.redis.exists(self._log):
                groups = await self._store.redis.xinfo_groups(self._log)
            if not any(found["name"] == self._group.encode() for found in groups):
                await self._store.redis.xgroup_create(self._log, self._group, id="$", mkstream=True)

    async def left_over(self, idle_ms: int) -> list[Entry]:
        """Take over what a worker claimed and did not acknowledge for `idle_ms`."""
        async with reaching():
            answer: Any = await self._store.redis.xautoclaim(
                self._log, self._group, self._worker, min_idle_time=idle_ms, count=BATCH
            )
        _, found, *_ = answer
        return [Entry.read(stream_id, fields) for stream_id, fields in found]

    @asynccontextmanager
    async def incoming(self) -> AsyncIterator[AsyncIterator[list[Entry]]]:
        """Batches of entries that nobody has claimed yet, on a connection of their own; an empty one every 4 s."""
        async with self._store.blocking(BLOCK_MS / 1000) as redis:

            async def batches() -> AsyncIterator[list[Entry]]:
                while True:
                    async with reaching():
                        answer: Any = await redis.xreadgroup(
                            self._group, self._worker, {self._log: ">"}, count=BATCH, block=BLOCK_MS
                        )
                    yield [Entry.read(stream_id, fields) for _, found in answer for stream_id, fields in found]

            yield batches()

    async def done(self, entry: Entry) -> None:
        """Acknowledge an entry."""
        async with reaching():
            await self._store.redis.xack(self._log, self._group, str(entry.cursor))


def _cursor(text: bytes) -> Cursor:
    return Cursor.parse(text.decode()) or START


def _script(name: str) -> str:
    package = files("ticker")
    return "".join((package / part).read_text(encoding="utf-8") for part in ("epoch.lua", f"{name}.lua"))
