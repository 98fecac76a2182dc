"""Who may do what: keys, made once, shown once, stored as a hash.

A key is `tk_<id>_<secret>`: the id finds the record, the secret (256 random bits) proves the right to it. A hash
without salt and stretching is enough for a secret that nobody chose.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from ticker.errors import Forbidden, RateLimited, Unauthorized
from ticker.scope import Scope
from ticker.store import Store, reaching, text

_TOKEN = re.compile(r"tk_([0-9a-f]{16})_[A-Za-z0-9_-]{43}", re.ASCII)
KEYS = "{ticker}:keys"
USED = "{ticker}:used"
BOOTSTRAP = "bootstrap"


class Key(BaseModel):
    """What is stored of a key. An empty list of channels means every channel; `admin` may do everything."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    name: str
    digest: str
    scopes: tuple[Scope, ...]
    channels: tuple[str, ...] = ()
    created: int
    expires: int | None = None
    revoked: int | None = None

    def may(self, scope: Scope, channel: str) -> bool:
        """Whether the key gives this right."""
        return bool({"admin", scope} & set(self.scopes)) and (not self.channels or channel in self.channels)

    def check(self, scope: Scope, channel: str) -> None:
        """Raises Forbidden when the key does not give this right."""
        if "admin" not in self.scopes and scope not in self.scopes:
            raise Forbidden(f"The key '{self.name}' lacks the scope '{scope}'; it has: {', '.join(self.scopes)}.")
        if self.channels and channel not in self.channels:
            raise Forbidden(f"The key '{self.name}' is not for channel '{channel}'.")


class Keyring:
    """The keys in the store, and one that was given from outside."""

    def __init__(self, store: Store, bootstrap: str | None = None, rate: int = 0) -> None:
        """`rate` is posts per minute and key, 0 for no limit."""
        self._redis = store.redis
        self._rate = rate
        self._noted: dict[str, int] = {}
        self._bootstrap = (
            Key(id=BOOTSTRAP, name="bootstrap", digest=_digest(bootstrap), scopes=("admin",), created=0)
            if bootstrap
            else None
        )

    async def create(
        self,
        name: str,
        scopes: tuple[Scope, ...],
        channels: tuple[str, ...] = (),
        lifetime: float | None = None,
    ) -> tuple[str, Key]:
        """A new key, and its record. The key itself is nowhere stored. `lifetime` is in seconds."""
        key_id, now = secrets.token_hex(8), int(time.time() * 1000)
        token = f"tk_{key_id}_{secrets.token_urlsafe(32)}"
        key = Key(
            id=key_id,
            name=name,
            digest=_digest(token),
            scopes=scopes,
            channels=channels,
            created=now,
            expires=None if lifetime is None else now + int(lifetime * 1000),
        )
        async with reaching():
            await self._redis.hset(KEYS, key_id, key.model_dump_json())
        return token, key

    async def list(self) -> list[Key]:
        """All keys, oldest first."""
        async with reaching():
            found = await self._redis.hvals(KEYS)
        return sorted((Key.model_validate_json(value) for value in found), key=lambda key: key.created)

    async def revoke(self, key_id: str) -> bool:
        """End a key. False when there is none with this id."""
        key = await self._find(key_id)
        if key is None:
            return False
        ended = key.model_copy(update={"revoked": int(time.time() * 1000)})
        async with reaching():
            await self._redis.hset(KEYS, key_id, ended.model_dump_json())
        return True

    async def authenticate(self, authorization: str | None) -> Key:
        """The key of an `Authorization: Bearer …` header.

        Raises Unauthorized when there is none, or it is unknown, revoked or expired; StoreUnavailable.
        """
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized
        return await self.prove(token)

    async def prove(self, token: str) -> Key:
        """The key that this is. Raises as `authenticate`."""
        digest = _digest(token)
        if self._bootstrap is not None and hmac.compare_digest(digest, self._bootstrap.digest):
            return self._bootstrap
        match = _TOKEN.fullmatch(token)
        key = await self._find(match[1]) if match else None
        if key is None or not hmac.compare_digest(digest, key.digest):
            raise Unauthorized("This key is not known here.")
        return _living(key)

    async def get(self, key_id: str) -> Key:
        """The key with this id, by whatever it was proven before. Raises as `authenticate`."""
        key = await self._find(key_id)
        if key is None:
            raise Unauthorized("This key is not known here.")
        return _living(key)

    async def ended(self, key_ids: Sequence[str]) -> set[str]:
        """Those of these keys that were revoked, or have expired, or are gone."""
        asked = [key_id for key_id in key_ids if key_id != BOOTSTRAP]
        if not asked:
            return set()
        async with reaching():
            found = await self._redis.hmget(KEYS, asked)
        ended: set[str] = set()
        for key_id, value in zip(asked, found, strict=True):
            try:
                if value is None:
                    raise Unauthorized
                _living(Key.model_validate_json(value))
            except Unauthorized:
                ended.add(key_id)
        return ended

    async def used(self) -> dict[str, int]:
        """When each key was last used, milliseconds, to the minute."""
        async with reaching():
            found = await self._redis.hgetall(USED)
        return {text(key_id): int(at) for key_id, at in found.items()}

    async def spend(self, key: Key) -> None:
        """Count one request of this key. Raises RateLimited, with the seconds to wait, when its minute is used up."""
        minute, second = divmod(int(time.time()), 60)
        fresh = self._noted.get(key.id) == minute
        if not self._rate and fresh:
            return
        counter = f"{{ticker}}:rate:{key.id}:{minute}"
        async with reaching(), self._redis.pipeline(transaction=True) as pipe:
            pipe.incr(counter)
            pipe.expire(counter, 120)
            if not fresh:
                pipe.hset(USED, key.id, str(minute * 60_000))
            used, *_ = await pipe.execute()
        # Once a minute is often enough to see which keys nobody needs any more.
        self._noted[key.id] = minute
        if self._rate and used > self._rate:
            raise RateLimited(
                f"The key '{key.name}' has used its {self._rate} posts of this minute.", retry_after=60 - second
            )

    async def _find(self, key_id: str) -> Key | None:
        if key_id == BOOTSTRAP:
            return self._bootstrap
        async with reaching():
            found = await self._redis.hget(KEYS, key_id)
        return Key.model_validate_json(found) if found else None


def _living(key: Key) -> Key:
    if key.revoked is not None:
        raise Unauthorized("This key was revoked.")
    if key.expires is not None and key.expires <= time.time() * 1000:
        raise Unauthorized("This key has expired.")
    return key


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
