"""Which editor has which item open at this moment, in the store for a few seconds at a time.

Nobody is kept from anything by it: a version that another has changed is refused whoever was seen. It only spares two
people the same work.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from ticker.auth import Key
from ticker.store import Store, reaching, text

LIVES_MS = 10_000
"""A page that has said nothing for so long is closed, or has lost its line."""
KEEP_SECONDS = 60
MOST = 200
"""Pages of one channel that are remembered; more are served all the same, and not told of."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A page of the desk, as it told of itself last. Times are milliseconds of the store's clock."""

    desk: str
    """The name that the page has given itself."""
    key: str
    name: str
    """Of the key."""
    item: str | None
    act: str | None
    since: int
    """When this page came to this item, or to the desk."""
    at: int


async def tell(store: Store, channel: str, key: Key, desk: str, item: str | None, act: str | None, now: int) -> None:
    """Note where this page is. Raises StoreUnavailable."""
    # Of one key alone: nobody may speak for another's page.
    name, place = _places(channel), f"{key.id} {desk}"
    async with reaching():
        before = _read(await store.redis.hget(name, place))
        seen = Seen(desk, key.id, key.name, item, act, now, now)
        if before is not None and before.item == item:
            seen = replace(seen, since=before.since)
        elif before is None and await store.redis.hlen(name) >= MOST:
            return
        told = json.dumps(asdict(seen), separators=(",", ":"))
        await store.hold([(name, place, told)], KEEP_SECONDS)


async def others(store: Store, channel: str, key: Key, desk: str, now: int) -> list[Seen]:
    """Everybody else who is at this channel, who has been there longest first. Raises StoreUnavailable."""
    name = _places(channel)
    async with reaching():
        told = {place: _read(value) for place, value in (await store.redis.hgetall(name)).items()}
        gone = [text(place) for place, seen in told.items() if seen is None or now - seen.at > LIVES_MS]
        if gone:
            await store.redis.hdel(name, *gone)
    own = f"{key.id} {desk}"
    living = {text(place): seen for place, seen in told.items() if seen is not None and text(place) not in {*gone, own}}
    return sorted(living.values(), key=lambda seen: (seen.since, seen.desk))


def _places(channel: str) -> str:
    return f"{{ticker:{channel}}}:presence"


def _read(value: bytes | str | None) -> Seen | None:
    """What is none of ours in the store is nobody."""
    try:
        found = Seen(**json.loads(text(value))) if value is not None else None
    except (ValueError, TypeError):
        return None
    return found if found is not None and isinstance(found.at, int) and isinstance(found.since, int) else None
