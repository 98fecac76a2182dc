"""The register of a channel: the targets that are stored, in parts of which each is read at once."""

from __future__ import annotations

from collections.abc import Sequence

from ticker.bridges.target import Target, bucket_of
from ticker.store import Store, reaching, text

MOST = 1_000_000
"""Targets of one provider in a channel, when nothing else is said."""


class Register:
    """The targets of one channel that are stored."""

    def __init__(self, store: Store, channel: str, most: int = MOST) -> None:
        """`most` is how many there may be of each provider."""
        self._store = store
        self._channel = channel
        self._most = most
        self._change = store.script("bridges/target")

    def _keys(self, provider: str, bucket: str) -> list[str]:
        hold = f"{{ticker:{self._channel}}}:push:"
        return [f"{hold}targets:{provider}:{bucket}", f"{hold}buckets:{provider}", f"{hold}targets"]

    async def add(self, target: Target) -> bool:
        """Register one, or what it wants anew. False when there are too many."""
        bucket = bucket_of(target.id)
        async with reaching():
            done = await self._change(
                keys=self._keys(target.provider, bucket),
                args=[
                    target.id,
                    bucket,
                    target.provider,
                    target.model_dump_json(exclude_defaults=True),
                    self._most,
                ],
            )
        return int(done) == 1

    async def remove(self, provider: str, target_id: str, stands: Target | None = None) -> bool:
        """Take one away; only as it was known, when `stands` tells how. False when there was none, or another."""
        bucket = bucket_of(target_id)
        only = [stands.model_dump_json(exclude_defaults=True)] if stands else []
        async with reaching():
            done = await self._change(
                keys=self._keys(provider, bucket), args=[target_id, bucket, provider, "", 0, *only]
            )
        return int(done) == 1

    async def buckets(self, provider: str) -> list[str]:
        """The parts that hold somebody."""
        async with reaching():
            found = await self._store.redis.smembers(self._keys(provider, "")[1])
        return sorted(text(bucket) for bucket in found)

    async def bucket(self, provider: str, bucket: str) -> list[Target]:
        """All targets of a part."""
        async with reaching():
            found = await self._store.redis.hvals(self._keys(provider, bucket)[0])
        return [Target.model_validate_json(target) for target in found]

    async def some(self, provider: str, bucket: str, target_ids: Sequence[str]) -> dict[str, Target]:
        """Those of these that are still there."""
        if not target_ids:
            return {}
        async with reaching():
            found = await self._store.redis.hmget(self._keys(provider, bucket)[0], list(target_ids))
        return {
            target_id: Target.model_validate_json(target)
            for target_id, target in zip(target_ids, found, strict=True)
            if target
        }

    async def count(self) -> dict[str, int]:
        """How many there are of each provider."""
        async with reaching():
            found = await self._store.redis.hgetall(self._keys("", "")[2])
        return {text(provider): int(number) for provider, number in sorted(found.items()) if int(number)}
