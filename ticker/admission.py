"""Who sends a request: a key in its header, or the session that stands for one.

A session only counts for requests from our own pages, since a browser sends its cookie along for whoever asks.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from ticker.address import Proxies, bucket
from ticker.auth import Key, Keyring
from ticker.errors import ForeignOrigin, Unauthorized
from ticker.limit import Limit
from ticker.session import COOKIE, Sessions

SAFE = frozenset({"GET", "HEAD"})


class Admission:
    """The door of the editors' half."""

    def __init__(self, keyring: Keyring, sessions: Sessions, limit: Limit, proxies: Proxies) -> None:
        """`limit` counts the requests of an address that bring no valid key."""
        self._keyring = keyring
        self.sessions = sessions
        self._limit = limit
        self._proxies = proxies

    async def key(self, connection: HTTPConnection) -> Key:
        """The key behind a request, whatever it may do.

        Raises Unauthorized, ForeignOrigin, RateLimited (many wrong keys from one address), StoreUnavailable.
        """
        try:
            if "Authorization" in connection.headers:
                return await self._keyring.authenticate(connection.headers["Authorization"])
            token = connection.cookies.get(COOKIE)
            if token is None:
                raise Unauthorized
            if connection.scope.get("method") not in SAFE or connection.scope["type"] == "websocket":
                own_page(connection.headers)
            return await self.sessions.key(token)
        except Unauthorized:
            self._limit.spend(self.address(connection))
            raise

    async def prove(self, connection: HTTPConnection, token: str) -> Key:
        """The key with these words, for a login. Raises as `key` does."""
        own_page(connection.headers)
        try:
            return await self._keyring.prove(token)
        except Unauthorized:
            self._limit.spend(self.address(connection))
            raise

    def stranger(self, connection: HTTPConnection) -> None:
        """Count a request that needs no key and yet leaves something behind. Raises RateLimited."""
        self._limit.spend(self.address(connection))

    async def spend(self, key: Key) -> None:
        """Count one act of this key. Raises RateLimited."""
        await self._keyring.spend(key)

    async def ended(self, key_ids: Sequence[str]) -> set[str]:
        """Those of these keys that are worth nothing any more."""
        return await self._keyring.ended(key_ids)

    def reader(self, scope: MutableMapping[str, Any]) -> str | None:
        """The address of a reader who opens a line with this request; None when the line has none."""
        peer = scope["client"]
        forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
        if peer is None or not forwarded:
            return peer and str(peer[0])
        return self._proxies.client(str(peer[0]), forwarded)

    def address(self, connection: HTTPConnection) -> str:
        """Whom a request is counted for: the client's address, or his network."""
        return bucket(self.client(connection))

    def client(self, connection: HTTPConnection) -> str:
        """The client's address, as the proxies of ours tell it; empty when the line has none."""
        peer = connection.client.host if connection.client else ""
        return self._proxies.client(peer, connection.headers.getlist("X-Forwarded-For"))


def given(connection: HTTPConnection) -> bool:
    """Whether a request brings a key or a session at all."""
    return "Authorization" in connection.headers or COOKIE in connection.cookies


def own_page(headers: Mapping[str, str]) -> None:
    """Raises ForeignOrigin unless a page of ours sends this."""
    origin = headers.get("Origin")
    if origin is None:
        # Every browser that could be tricked tells one or the other.
        if headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            raise ForeignOrigin
        return
    try:
        host = urlsplit(origin).netloc
    except ValueError:
        host = ""
    if not host or host.lower() != headers.get("Host", "").lower():
        raise ForeignOrigin
