"""The log of a channel: entries are appended in one atomic script; `tail` reads on in it, the bridge claims from it.

All keys of a channel stand under one hash tag, so that a Cluster keeps them together. All time is the store's.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ticker.airing import Change
from ticker.entry import START, Cursor, Entry, State
from ticker.errors import (
    EmbargoInThePast,
    ExpiryInThePast,
    IdempotencyConflict,
    PastTime,
    PinInThePast,
    PinTaken,
    PushSent,
    ScheduleInThePast,
    Similar,
    StaleVersion,
    StoreUnavailable,
    Unavailable,
)
from ticker.item import Item
from ticker.store import Refused, Store, reaching, text
from ticker.text import folded

if TYPE_CHECKING:
    from ticker.otel import Traces

log = logging.getLogger("ticker.stream")

REMEMBER_MS = 24 * 3600 * 1000
"""How long an idempotency key is remembered."""
PULSE_MS = 2000
"""How often each process asks for a heartbeat of every log."""
LEAST_PULSE_MS = PULSE_MS * 3 // 4
"""Least distance of two heartbeats of a log. Nobody comes so punctually that it could be the whole."""
MOST_DUE = 500
SIMILAR_MS = 30 * 60 * 1000
"""For how long the same text is taken for a slip."""
STORY_MS = 7 * 24 * 3600 * 1000
"""How long the items of a story are found by it after the last of them was touched."""
WAITING = frozenset({"pending", "scheduled", "held"})
SILENT = frozenset({"hold", "retract", "expire", "pin", "unpin", "undo"})
"""Acts that say no text anew, so that the half hour in which it is taken for a slip does not begin again."""

PAST: dict[str, type[PastTime]] = {
    "expires": ExpiryInThePast,
    "publish_at": ScheduleInThePast,
    "embargoed": EmbargoInThePast,
    "pinned_until": PinInThePast,
}
_PATH = {"pinned_until": "until"}


@dataclass(frozen=True, slots=True)
class Appended:
    """Where the entry stands, the item as it is stored, and whether an earlier request had put it there.

    `twin` is the item with the same text, when it was only asked what would be; `replicas` how many have it.
    """

    cursor: Cursor
    item: Item
    repeated: bool
    twin: str = ""
    replicas: int = 0


@dataclass(frozen=True, slots=True)
class Beat:
    """What a heartbeat found: the log's cursor, the store's time, and ids of the items whose time has come.

    `next` is when the next one's comes, milliseconds; None when nothing has a time.
    """

    cursor: Cursor
    at: int
    due: list[str]
    next: int | None


def _nobody(moment: int) -> None:
    """Nobody does what comes due."""


class Log:
    """The log of one channel."""

    def __init__(self, store: Store, channel: str, length: int = 10_000, traces: Traces | None = None) -> None:
        """`length` is the number of entries that the log keeps; `traces` is told of what is appended."""
        self.channel = channel
        self.store = store
        self.coming: Callable[[int], None] = _nobody
        """Told of each moment, in the store's milliseconds, at which something that was appended here comes due."""
        self._length = length
        self._traces = traces
        self.key, self._meta, self._items, self._due, self.pulse, self._waiting, self._audit = map(
            self._key, ("log", "meta", "items", "due", "pulse", "waiting", "audit")
        )
        self._append = store.script("epoch", "audit", "append")
        self.pulse_script = store.script("epoch", "pulse")
        self.pulse_keys = (self.key, self._meta, self.pulse, self._due)

    def _key(self, name: str) -> str:
        return f"{{ticker:{self.channel}}}:{name}"

    async def append(
        self,
        change: Change,
        by: str,
        *,
        detail: str = "",
        guard: bool = False,
        dry: bool = False,
        key: str = "",
        fingerprint: str = "",
    ) -> Appended:
        """Store one act, or find that `key` already has.

        `by` is who does it and `detail` what else the audit should know. `guard` refuses a text that was published
        within the last half hour. `dry` stores nothing and tells what would be. `key` names the request (whoever sends
        it again gets the same answer), `fingerprint` what it asked for.
        Raises IdempotencyConflict, StaleVersion, Similar, PastTime, PinTaken, PushSent, StoreUnavailable.
        """
        item = change.item
        words = "" if change.act in SILENT else folded(f"{item.attribution or ''} {item.headline}")
        ask: dict[str, Any] = {
            "act": change.act,
            "wire": change.wire,
            "id": item.id,
            "expected": change.expected,
            "stamps": change.stamps,
            "after": list(change.after.items()),
            "ahead": list(change.ahead.items()),
            "due": change.due,
            "due_after": change.due_after,
            "pins": change.pins,
            "pinned": item.pinned_until is not None or "pinned_until" in change.after,
            "push_at": change.undoes,
            "waiting": item.state in WAITING,
            "text": bool(words),
            "similar_ms": SIMILAR_MS,
            "guard": guard,
            "dry": dry,
            "replaces": item.replaces,
            "story": bool(item.story),
            "story_ms": STORY_MS,
            "by": by,
            "detail": detail,
            "fingerprint": fingerprint if key else None,
            "remember_ms": REMEMBER_MS,
            "length": self._length,
        }
        if self._traces is None or dry:
            answer, replicas = await self._run(ask, change, words, key)
        else:
            with self._traces.append(self.channel, change.act, item.id) as (ask["trace"], tell):
                answer, replicas = await self._run(ask, change, words, key)
                tell(outcome=text(answer[0]), **({"cursor": text(answer[1])} if answer[0] == b"appended" else {}))
        match answer:
            case [b"appended" | b"again" as outcome, cursor, stored]:
                item = Item.model_validate_json(stored)
                if outcome == b"appended" and (change.due or change.due_after):
                    self.coming(min([*change.due, *(item.versioncreated + far for far in change.due_after)]))
                return Appended(cursor_of(cursor), item, outcome == b"again", replicas=replicas)
            case [b"dry", cursor, stored, twin]:
                return Appended(cursor_of(cursor), Item.model_validate_json(stored), False, twin.decode())
            case [b"conflict"]:
                raise IdempotencyConflict(field="Idempotency-Key")
            case [b"stale", *newest]:
                raise StaleVersion(newest=Item.model_validate_json(newest[1]) if newest[1:] and newest[1] else None)
            case [b"similar", other]:
                raise Similar(f"{Similar.__doc__} It is item {other.decode()}.", field="headline")
            case [b"past", name]:
                raise PAST[name.decode()](field=_PATH.get(name.decode(), name.decode()))
            case [b"pinned", other]:
                raise PinTaken(f"Item {other.decode()} is pinned. Unpin it first.")
            case [b"late"]:
                raise PushSent
        raise AssertionError(f"the append script answered {answer!r}")

    async def _run(self, ask: dict[str, Any], change: Change, words: str, key: str) -> tuple[Any, int]:
        item = change.item
        async with reaching():
            return await self.store.run(
                self._append,
                [
                    self.key,
                    self._meta,
                    self._items,
                    self._due,
                    self._waiting,
                    self._audit,
                    self._key(f"history:{item.id}"),
                    self._key(f"text:{_digest(words)}"),
                    self._key(f"idem:{_digest(key)}"),
                    self._key(f"story:{item.story or ''}"),
                ],
                [
                    # What is absent is left out: the script would take a null for something.
                    json.dumps({name: value for name, value in ask.items() if value is not None}),
                    item.unstamped(frozenset({*change.stamps, *change.after})),
                ],
            )

    async def beat(self) -> Beat:
        """Write a heartbeat unless another process just did, and see what is due by the store's clock."""
        (told,) = await beats([self])
        if isinstance(told, Beat):
            return told
        raise told

    async def read(self, most: int) -> State:
        """The log as it stands, with its `most` newest entries. Begins it when it has no life yet."""
        await self.beat()
        async with reaching(), self.store.redis.pipeline(transaction=True) as pipe:
            pipe.hmget(self._meta, "epoch", "n", "last")
            pipe.xrevrange(self.key, count=most)
            (epoch, n, last), found = await pipe.execute()
        entries = [Entry.passed(stream_id, fields) for stream_id, fields in reversed(found)]
        return State(Cursor(int(epoch), int(n)), cursor_of(last), entries)

    async def now(self) -> int:
        """The store's time in milliseconds."""
        return (await self.beat()).at

    async def item(self, item_id: str) -> Item | None:
        """The newest version of an item. Raises Unavailable when another release has made what cannot be read here."""
        async with reaching():
            found = await self.store.redis.hget(self._items, item_id)
        try:
            return Item.model_validate_json(found) if found else None
        except ValueError:
            if not text(found or "").startswith('{"version":'):
                raise  # no release has written this
            raise Unavailable("This item was written by another release, and cannot be read by this one.") from None

    async def items(self, item_ids: Sequence[str]) -> list[Item]:
        """The newest versions of these items; unknown ones are left out, and those that cannot be read here."""
        if not item_ids:
            return []
        async with reaching():
            found = await self.store.redis.hmget(self._items, list(item_ids))
        items: list[Item] = []
        for stored in [stored for stored in found if stored]:
            try:
                items.append(Item.model_validate_json(stored))
            except ValueError:
                # Of another release: one such item must not hold up what is due of the others.
                log.warning("%s: an item cannot be read: %.120r", self.channel, stored)
        return items

    async def standing(self) -> list[Item]:
        """The items that something can still become of: on air, scheduled, held or pending."""
        async with reaching(), self.store.redis.pipeline(transaction=False) as pipe:
            pipe.zrange(self._due, 0, -1)
            pipe.smembers(self._waiting)
            due, waiting = await pipe.execute()
        return await self.items([item_id.decode() for item_id in dict.fromkeys([*due, *waiting])])

    async def of_story(self, story: str) -> list[Item]:
        """The items of a story that were touched within the last week."""
        async with reaching():
            found = await self.store.redis.smembers(self._key(f"story:{story}"))
        items = await self.items([text(item_id) for item_id in found])
        return [item for item in items if item.story == story]  # one that was of it may be of another by now

    async def empty(self) -> bool:
        """Whether nothing was ever posted here."""
        async with reaching():
            return not await self.store.redis.exists(self._items)


async def beats(logs: Sequence[Log]) -> list[Beat | StoreUnavailable | Refused]:
    """For each of these logs, which are all in one store, its heartbeat or why it has none.

    One script does for all of them: this is most of what a process does when nothing happens. In a Cluster each has its
    own, so that a node that is away keeps no log of another from living.
    """
    found: list[Beat | StoreUnavailable | Refused] = []
    for some in [[log] for log in logs] if logs and logs[0].store.sharded else [logs] if logs else []:
        keys = [key for log in some for key in log.pulse_keys]
        try:
            async with reaching():
                answers = await some[0].store.ask(some[0].pulse_script, keys, [LEAST_PULSE_MS, MOST_DUE])
            found += [await _beat(answer) for answer in answers]
        except (StoreUnavailable, Refused) as error:
            found += [error] * len(some)
    return found


async def _beat(answer: list[Any]) -> Beat | StoreUnavailable | Refused:
    if answer[0]:
        cursor, at, due, following = answer
        return Beat(
            cursor_of(cursor),
            int(at),
            [item_id.decode() for item_id in due],
            int(float(following)) if following else None,
        )
    try:
        async with reaching():
            raise Refused(text(answer[1]))
    except (StoreUnavailable, Refused) as error:
        return error


@lru_cache(256)  # a channel that is quiet says the same each time
def cursor_of(text: bytes) -> Cursor:
    """The cursor that a script of ours has written."""
    return Cursor.parse(text.decode()) or START


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
