"""The record of a channel: who did what, when, from which version to which, in a chain of hashes.

It is written by the store in the same step as the act, never trimmed, and read here. Each record holds a hash over
itself and the hash before it, so a record that was changed or taken out is found, and its number is told. The chain
is SHA-1, since that is what a script in the store can compute (docs/decisions/0008).
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from ticker.draft import LAST_MS
from ticker.errors import TickerError
from ticker.item import Item, iso
from ticker.store import Store, reaching, text

NOTHING = "0" * 40
"""The hash before the first record."""
BATCH = 200
LAST_IN_PLACE = 2**64 - 1
"""The greatest second half of an id in the stream; ours are all 0."""
HOUSE = ""
"""The name of the chain for what concerns no channel: keys."""


@dataclass(frozen=True, slots=True)
class Record:
    """One act, or one refusal of an act. `number` counts 1, 2, 3 without holes; `at` is in milliseconds."""

    number: int
    fields: tuple[tuple[str, str], ...]
    """Names and values as they were hashed, without the hash."""
    hash: str

    @classmethod
    def read(cls, stream_id: bytes, pairs: Sequence[bytes]) -> Self:
        """The record as the store holds it."""
        parts = [part.decode("utf-8", "surrogateescape") for part in pairs]
        fields = tuple(zip(parts[::2], parts[1::2], strict=True))
        digest = fields[-1][1] if fields and fields[-1][0] == "hash" else ""
        return cls(int(stream_id.partition(b"-")[0]), fields[:-1] if digest else fields, digest)

    def get(self, name: str) -> str:
        """The value of a field, empty when there is none."""
        return dict(self.fields).get(name, "")

    @property
    def at(self) -> int:
        """When it was, by the store's clock; 0 when somebody has made something else of it."""
        at = self.get("at")
        return min(int(at), LAST_MS) if at.isascii() and at.isdigit() and len(at) < 20 else 0

    @property
    def after(self) -> Item | None:
        """The version that the act made; None as well when it cannot be read any more."""
        return self._version("after")

    @property
    def before(self) -> Item | None:
        """The version that it was made from; None as well when it cannot be read any more."""
        return self._version("before")

    def _version(self, name: str) -> Item | None:
        # A record that was changed by hand has to be found and told of; it must not stop those who read it.
        try:
            return Item.model_validate_json(stored) if (stored := self.get(name)) else None
        except ValueError:
            return None

    def digest(self, previous: str) -> str:
        """The hash that this record should have after that one."""
        hashed = f"{previous}{self.number}".encode()
        for pair in self.fields:
            for part in pair:
                value = part.encode("utf-8", "surrogateescape")
                hashed += b" %d:%b" % (len(value), value)
        return hashlib.sha1(hashed, usedforsecurity=False).hexdigest()

    def told(self) -> dict[str, Any]:
        """The record for people with a key: JSON, versions with every field."""
        act, item, by, detail, refused = (
            self.get(name).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            for name in ("act", "item", "by", "detail", "refused")
        )
        key, _, name = by.partition(" ")
        document: dict[str, Any] = {
            "number": self.number,
            "at": iso(self.at),
            "act": act,
            "item": item or None,
            "by": {"key": key, "name": name},
            "detail": detail or None,
            "refused": refused or None,
            "before": self.before.whole() if self.before else None,
            "after": self.after.whole() if self.after else None,
            "hash": self.hash,
        }
        return {name: value for name, value in document.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look at a whole chain found: how many records, the last hash, and what is wrong, a sentence each."""

    records: int
    head: str
    wrong: list[str]


class Audit:
    """The record of one channel, or of the house."""

    def __init__(self, store: Store, channel: str = HOUSE) -> None:
        tag = f"{{ticker:{channel}}}" if channel else "{ticker}"
        self.channel = channel
        self._redis = store.redis
        self._audit, self._meta = f"{tag}:audit", f"{tag}:meta"
        self._history = f"{tag}:history:"
        self._record = store.script("epoch", "audit", "record")

    async def note(self, act: str, by: str, *, item: str = "", detail: str = "", refused: str = "") -> int:
        """Record what changed no item: a refusal (`refused` is its problem type), a key. Returns its number."""
        fields = {"act": act, "item": item, "by": by, "detail": detail, "refused": refused}
        pairs = [part for pair in fields.items() for part in pair]
        async with reaching():
            return int(await self._record(keys=[self._audit, self._meta], args=pairs))

    async def refusal(self, act: str, by: str, item: str, error: TickerError) -> int:
        """Record that something was tried and refused."""
        return await self.note(act, by, item=item, detail=error.detail[:400], refused=error.slug)

    async def records(self, after: int = 0, most: int | None = None) -> AsyncIterator[Record]:
        """The records after that number, oldest first."""
        sent = 0
        while most is None or sent < most:
            batch = await self._range(
                f"({after}-{LAST_IN_PLACE}", "+", BATCH if most is None else min(BATCH, most - sent)
            )
            for record in batch:
                yield record
            if not batch:
                return
            after, sent = batch[-1].number, sent + len(batch)

    async def newest(self, most: int) -> list[Record]:
        """The last records, newest first."""
        async with reaching():
            found = await self._redis.xrevrange(self._audit, count=most)
        return _records(found)

    async def until(self, moment: int, most: int) -> list[Record]:
        """The last records up to a moment (milliseconds), oldest first.

        Records are numbered, not timed, and the store's clock may have been set back: halving finds the place all the
        same, to the record, wherever the clock only ran forward.
        """
        newest = await self.newest(1)
        low, high = 0, newest[0].number if newest else 0
        while low < high:
            middle = (low + high + 1) // 2
            found = await self._range(f"{middle}-0", "+", 1)
            if found and found[0].at <= moment:
                low = middle
            else:
                high = middle - 1
        return [record async for record in self.records(max(0, low - most), min(most, low))]

    async def of_item(self, item_id: str) -> list[Record]:
        """The records that made the versions of an item, oldest first."""
        async with reaching():
            ids = await self._redis.lrange(self._history + item_id, 0, -1)
        found: list[Record] = []
        for start in range(0, len(ids), BATCH):
            async with reaching(), self._redis.pipeline(transaction=False) as pipe:
                for record_id in ids[start : start + BATCH]:
                    pipe.xrange(self._audit, record_id, record_id)
                found += [record for answer in await pipe.execute() for record in _records(answer)]
        return found

    async def verify(self) -> Verdict:
        """Read the whole chain, and tell every record that is not what was written."""
        previous, expected, wrong = NOTHING, 1, []
        place = b"0-0"
        while True:
            # In one step, since others go on writing: when nothing is left to read, the head is that of what was read.
            async with reaching(), self._redis.pipeline(transaction=True) as pipe:
                pipe.xrange(self._audit, b"(" + place, "+", count=BATCH)
                pipe.hmget(self._meta, "audited", "audit_hash")
                found, (audited, head) = await pipe.execute()
            for record in _records(found):
                if record.number < expected:
                    wrong.append(f"a record was put after number {record.number}")
                    continue
                if record.number > expected:
                    wrong.append(f"records {expected} to {record.number - 1} are missing")
                elif record.digest(previous) != record.hash:
                    wrong.append(f"record {record.number} ({iso(record.at)}, {record.get('act')}) was changed")
                # From its own hash on, so that one change is told once.
                previous, expected = record.hash, record.number + 1
            if not found:
                break
            place = found[-1][0]
        last = text(audited) if audited is not None else ""
        if last.isdigit() and int(last) >= expected:
            wrong.append(f"records {expected} to {last} are missing at the end")
        elif head is not None and text(head) != previous:
            wrong.append(f"record {expected - 1}, the last one, was changed together with its hash")
        return Verdict(expected - 1, previous, wrong)

    async def _range(self, start: str, end: str, most: int) -> list[Record]:
        async with reaching():
            return _records(await self._redis.xrange(self._audit, start, end, most))


def _records(found: Any) -> list[Record]:
    # The mapping keeps the order in which the fields stand, and were hashed.
    return [Record.read(stream_id, [part for pair in fields.items() for part in pair]) for stream_id, fields in found]
