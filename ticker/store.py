"""The line to Redis or Valkey: the only module that imports redis.

Two kinds of connections: a bounded pool for commands that answer at once, and one connection of its own for each
blocking read, which is thrown away rather than returned when its read is cancelled.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    ClusterDownError,
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)

from ticker.errors import StoreUnavailable

log = logging.getLogger("ticker.store")

CONNECT = 1.0
ANSWER = 1.5
"""Seconds to connect and to answer: a post must be refused within two."""
POOL = 64

# Answers that say "not now", not "never". Anything else that the server refuses is a fault of ours and must be heard.
PASSING = (ClusterDownError, MasterDownError, OutOfMemoryError, ReadOnlyError, TryAgainError)
PASSING_WORDS = ("OOM", "MISCONF", "READONLY", "NOREPLICAS", "BUSY")


class Store:
    """One Redis or Valkey server, by its URL (`redis://`, `rediss://`, `unix://`)."""

    def __init__(self, url: str) -> None:
        self._url = url
        # Nothing is sent twice behind our back: redis-py repeats a command by default, and so can append an entry
        # a second time. The idempotency record is what makes a repetition safe, and only the caller can name it.
        # RESP 2, because 8.1.0 mishandles stale pooled connections under RESP 3.
        self._options: dict[str, Any] = {
            "retry": Retry(NoBackoff(), 0),
            "protocol": 2,
            "socket_connect_timeout": CONNECT,
        }
        pool = BlockingConnectionPool.from_url(
            url, max_connections=POOL, timeout=CONNECT, socket_timeout=ANSWER, **self._options
        )
        self.redis = Redis(connection_pool=pool)
        self._durability: str | None = None

    @asynccontextmanager
    async def blocking(self, wait: float) -> AsyncIterator[Redis]:
        """A client with a connection of its own for reads that block up to `wait` seconds."""
        # The server must answer an empty read before the socket gives up on it.
        pool = ConnectionPool.from_url(self._url, max_connections=1, socket_timeout=wait + ANSWER, **self._options)
        client = Redis(connection_pool=pool)
        try:
            yield client
        finally:
            # Cancelled in the middle of a read, the connection still owes an answer; nobody may be given that.
            await client.aclose()
            await pool.disconnect()

    async def durability(self) -> str:
        """What the server's append-only file promises: `memory`, `everysec` or `fsync`.

        `memory` too when the server will not say: a promise is never guessed.
        """
        if self._durability is None:
            try:
                async with reaching():
                    told = {
                        **await self.redis.config_get("appendonly"),
                        **await self.redis.config_get("appendfsync"),
                    }
            except ResponseError as error:
                log.warning("the store does not tell its durability (%s): answers say 'memory'", error)
                told = {}
            file = told.get("appendonly") == "yes"
            self._durability = (
                {"always": "fsync", "everysec": "everysec"}.get(str(told.get("appendfsync")), "memory")
                if file
                else "memory"
            )
        return self._durability

    async def close(self) -> None:
        """Close every connection."""
        await self.redis.aclose()
        await self.redis.connection_pool.disconnect()


@asynccontextmanager
async def reaching() -> AsyncIterator[None]:
    """Turn what says "the store is away" into StoreUnavailable; let a fault of ours through as it is."""
    try:
        yield
    except ResponseError as error:
        if isinstance(error, PASSING) or str(error).startswith(PASSING_WORDS):
            raise StoreUnavailable(f"The store refuses this for now ({str(error)[:120]}).") from error
        raise
    except (RedisError, OSError, TimeoutError) as error:
        log.debug("store: %s", error)
        raise StoreUnavailable from error
