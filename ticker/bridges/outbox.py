"""The outbox of a channel: one row for each version, provider and target, in the store, until it has ended.

Rows lie in lots, one for each item, provider and part of the targets. A lot is seen to by one worker at a time, who
holds it as long as he keeps saying so; so what one target is told of one item goes out one after the other. A row that
has ended becomes a number; who was told which version is kept for as long as that may have to be taken back.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ticker.bridges.notice import Outcome
from ticker.item import Item
from ticker.store import Store, reaching, text

KEEP_MS = 3 * 24 * 3600 * 1000
"""For how long after the last act it is known who was told what of an item."""
COUNTS_MS = 7 * 24 * 3600 * 1000
PLANNED_MS = 24 * 3600 * 1000
LEASE_MS = 30_000
"""After so long without a word from its worker a lot is free again."""
MOST_DEAD = 10_000
"""Dead letters that are kept; the oldest go."""


class Row(NamedTuple):
    """One row that has not ended: when it is due, how often it was tried, and when its push was to leave."""

    version: int
    target: str
    due: int
    attempts: int
    push_at: int

    @property
    def field(self) -> str:
        """Its name in the lot."""
        return f"{self.version}/{self.target}"

    def noted(self, *, sending: bool = False) -> str:
        """As it stands in the store. `sending`: it may have been sent when the worker dies."""
        return f"{self.due},{self.attempts},{int(sending)},{self.push_at}"


class Settled(NamedTuple):
    """What became of a row: an outcome, or None and the row as it is to be tried again."""

    row: Row
    outcome: Outcome | None
    had: bool = False
    again: Row | None = None
    letter: Mapping[str, Any] | None = None


class Lot(NamedTuple):
    """A part of the rows of one item, for one provider."""

    item: str
    bucket: str

    @property
    def name(self) -> str:
        """Its name in the queue."""
        return f"{self.item}/{self.bucket}"


@dataclass(slots=True)
class Claimed:
    """A lot in a worker's hands."""

    lot: Lot
    provider: str
    token: str
    now: int
    rows: list[Row]
    had: dict[str, int] = field(default_factory=dict)


class Due(NamedTuple):
    """What is due: for each provider its lots, and how many have rows at all; the moment of the next; the time."""

    lots: dict[str, list[Lot]]
    waiting: dict[str, int]
    next: int | None
    now: int


class Outbox:
    """The outbox of one channel."""

    def __init__(self, store: Store, channel: str, *, lease_ms: int = LEASE_MS) -> None:
        self.channel = channel
        self._store = store
        self._lease_ms = lease_ms
        self._plan, self._due, self._claim, self._begin, self._settle, self._release, self._revive = (
            store.script(f"bridges/{name}") for name in ("plan", "due", "claim", "begin", "settle", "release", "revive")
        )

    def _key(self, *names: str) -> str:
        return f"{{ticker:{self.channel}}}:push:" + ":".join(names)

    def _items(self) -> str:
        return f"{{ticker:{self.channel}}}:items"

    async def plan(
        self,
        provider: str,
        lot: Lot,
        version: int,
        push_at: int,
        due: int,
        targets: Sequence[str],
        *,
        earlier: bool,
    ) -> int:
        """Rows for these targets, and (`earlier`) for all who were told of the item before.

        Returns how many are new; -1 when this version was planned before.
        """
        row = Row(version, "", due, 0, push_at).noted()
        async with reaching():
            found: int = await self._plan(
                keys=[
                    self._key("rows", provider, lot.name),
                    self._key("queue", provider),
                    self._key("counts", lot.item),
                    self._key("planned", lot.item, str(version)),
                    self._key("lots", provider, lot.item),
                ],
                args=[
                    lot.name,
                    lot.bucket,
                    provider,
                    version,
                    row,
                    due,
                    int(earlier),
                    COUNTS_MS,
                    PLANNED_MS,
                    *targets,
                ],
            )
        return found

    async def lots(self, provider: str, item_id: str) -> set[str]:
        """The buckets in which somebody was, or is to be, told of this item."""
        async with reaching():
            found = await self._store.redis.smembers(self._key("lots", provider, item_id))
        return {text(bucket) for bucket in found}

    async def due(self, providers: Sequence[str], most: int) -> Due:
        """At most so many lots of each provider that are due."""
        async with reaching():
            now, *queues = await self._due(keys=[self._key("queue", name) for name in providers], args=[most])
        lots = {
            name: [Lot(*text(lot).split("/", 1)) for lot in found]
            for name, (found, _, _) in zip(providers, queues, strict=True)
        }
        waiting = {name: int(number) for name, (_, _, number) in zip(providers, queues, strict=True)}
        later = [int(float(moment)) for _, moment, _ in queues if moment]
        return Due(lots, waiting, min(later) if later else None, int(now))

    async def claim(self, provider: str, lot: Lot) -> Claimed | None:
        """Take a lot, unless it is not due any more or somebody was faster."""
        token = secrets.token_hex(8)
        async with reaching():
            answer: Any = await self._claim(
                keys=[
                    self._key("queue", provider),
                    self._key("rows", provider, lot.name),
                    self._key("had", provider, lot.name),
                    self._key("counts", lot.item),
                ],
                args=[lot.name, token, self._lease_ms, provider, KEEP_MS],
            )
        if not answer:
            return None
        now, rows, had = answer
        found = [_row(text(name), text(value)) for name, value in _pairs(rows) if name != b"!"]
        return Claimed(
            lot, provider, token, int(now), found, {text(target): int(version) for target, version in _pairs(had)}
        )

    async def begin(self, claimed: Claimed, rows: Iterable[Row]) -> tuple[int, Item | None] | None:
        """Note that these rows are about to be sent, and read the item anew. Returns the time and the item.

        None when the lot is not in this worker's hands any more.
        """
        noted = [part for row in rows for part in (row.field, row.noted(sending=True))]
        async with reaching():
            answer: Any = await self._begin(
                keys=[
                    self._key("queue", claimed.provider),
                    self._key("rows", claimed.provider, claimed.lot.name),
                    self._items(),
                ],
                args=[claimed.lot.name, claimed.token, self._lease_ms, claimed.lot.item, *noted],
            )
        if not answer:
            return None
        now, item = answer
        return int(now), Item.model_validate_json(item) if item else None

    async def settle(self, claimed: Claimed, settled: Sequence[Settled]) -> int:
        """Note what became of some rows; how many have ended."""
        if not settled:
            return 0
        args: list[Any] = []
        for row, outcome, had, again, letter in settled:
            data = again.noted() if again else json.dumps(letter, ensure_ascii=False) if letter else ""
            args += [row.field, outcome or "", int(had), data]
        async with reaching():
            ended: int = await self._settle(
                keys=[
                    self._key("rows", claimed.provider, claimed.lot.name),
                    self._key("had", claimed.provider, claimed.lot.name),
                    self._key("counts", claimed.lot.item),
                    self._key("dead"),
                ],
                args=[claimed.token, claimed.provider, KEEP_MS, COUNTS_MS, MOST_DEAD, *args],
            )
        for row, _, had, _, _ in settled:
            if had:
                claimed.had.setdefault(row.target, row.version)
        return ended

    async def release(self, claimed: Claimed) -> None:
        """Lay a lot down."""
        async with reaching():
            await self._release(
                keys=[self._key("queue", claimed.provider), self._key("rows", claimed.provider, claimed.lot.name)],
                args=[claimed.lot.name, claimed.token],
            )

    async def status(self, item_id: str) -> dict[int, dict[str, dict[str, int]]]:
        """How the pushes of an item stand: version → provider → outcome (or `pending`) → rows; newest first."""
        async with reaching():
            found = await self._store.redis.hgetall(self._key("counts", item_id))
        counts: dict[int, dict[str, dict[str, int]]] = {}
        for name, number in found.items():
            version, provider, outcome = text(name).split("/")
            if int(number):
                counts.setdefault(int(version), {}).setdefault(provider, {})[outcome] = int(number)
        return {version: dict(sorted(counts[version].items())) for version in sorted(counts, reverse=True)}

    # Dead letters.

    async def bury(self, letter: Mapping[str, Any]) -> None:
        """Keep a dead letter that was never a row: an entry that cannot be read, or was trimmed."""
        async with reaching():
            await self._store.redis.xadd(
                self._key("dead"),
                {"letter": json.dumps(letter, ensure_ascii=False)},
                maxlen=MOST_DEAD,
                approximate=False,
            )

    async def dead(self, most: int = MOST_DEAD) -> list[tuple[str, dict[str, Any]]]:
        """The dead letters with their ids, oldest first."""
        async with reaching():
            found: Any = await self._store.redis.xrange(self._key("dead"), count=most)
        return [(text(name), json.loads(fields[b"letter"])) for name, fields in found]

    async def drop(self, letter_id: str) -> bool:
        """Forget a dead letter."""
        async with reaching():
            return bool(await self._store.redis.xdel(self._key("dead"), letter_id))

    async def revive(self, letter_id: str, letter: Mapping[str, Any], now: int) -> bool:
        """Make a row of a dead letter again. False when it is gone."""
        provider, version, target = letter["provider"], int(letter["version"]), letter["target"]
        lot = Lot(letter["item"], letter["bucket"])
        row = Row(version, target, now, 0, int(letter["push_at"]))
        async with reaching():
            return bool(
                await self._revive(
                    keys=[
                        self._key("dead"),
                        self._key("rows", provider, lot.name),
                        self._key("queue", provider),
                        self._key("counts", lot.item),
                        self._key("lots", provider, lot.item),
                    ],
                    args=[
                        letter_id,
                        row.field,
                        row.noted(),
                        lot.name,
                        lot.bucket,
                        f"{version}/{provider}",
                        COUNTS_MS,
                    ],
                )
            )


def _pairs(flat: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    return list(zip(flat[::2], flat[1::2], strict=True))


def _row(name: str, value: str) -> Row:
    version, target = name.split("/", 1)
    due, attempts, _, push_at = value.split(",")
    return Row(int(version), target, int(due), int(attempts), int(push_at))
