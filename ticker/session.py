"""A session of the desk: a cookie that stands for a key, so that no page ever holds the key itself.

The cookie is a random token; the store holds its hash, the id of the key, and a hash that binds the two. Whatever ends
the key ends the session, also another key in its place: one that is given from outside keeps its name when it changes.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from ticker.auth import Key, Keyring
from ticker.errors import Unauthorized
from ticker.store import Store, reaching, text

COOKIE = "ticker_session"
LIFE_SECONDS = 12 * 3600
"""A shift and a half; then the key has to be given again."""
LONGEST = 100
ENDED = "This session has ended. Log in again."


class Sessions:
    """The sessions in the store."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._redis = store.redis
        self._keyring = keyring

    async def begin(self, key: Key) -> str:
        """A new session of this key; the token for the cookie."""
        token = secrets.token_urlsafe(32)
        async with reaching():
            await self._redis.set(_name(token), f"{key.id} {_bond(token, key)}", ex=LIFE_SECONDS)
        return token

    async def key(self, token: str) -> Key:
        """The key that a session stands for. Raises Unauthorized when the session, or its key, has ended."""
        found = None
        if 0 < len(token) <= LONGEST:
            async with reaching():
                found = await self._redis.get(_name(token))
        if found is None:
            raise Unauthorized(ENDED)
        key_id, _, bond = text(found).partition(" ")
        key = await self._keyring.get(key_id)
        if not hmac.compare_digest(bond, _bond(token, key)):
            raise Unauthorized(ENDED)
        return key

    async def end(self, token: str) -> bool:
        """End a session. False when there is none."""
        async with reaching():
            return bool(await self._redis.delete(_name(token)))


def _name(token: str) -> str:
    return f"{{ticker}}:session:{hashlib.sha256(token.encode()).hexdigest()}"


def _bond(token: str, key: Key) -> str:
    # Not the key's own hash: a key that somebody chose could be guessed from that.
    return hashlib.sha256(f"{token} {key.digest}".encode()).hexdigest()
