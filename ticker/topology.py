"""Clients for a server alone, for the master that Sentinels know, and for a Cluster: alike to whoever uses them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, cast
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit
from weakref import WeakSet

from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import Connection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NoLine
from redis.exceptions import RedisError

CONNECT = 1.0
"""Seconds to connect."""


class Lines(BlockingConnectionPool):
    """The library's bounded pool, with a short way for whoever finds a line that is free and in order.

    Its own takes a lock, a deadline and several accounts that nobody reads, for each command: in a process that has
    nothing else to do, that was a fifth of all functions that were called.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._waiting = 0
        """Who waits for a line: nobody goes the short way past them, and they are told of one that becomes free."""

    async def get_connection(self, command_name: str | None = None, *keys: Any, **options: Any) -> Any:
        """A line that is in order, within CONNECT seconds. Raises redis' ConnectionError."""
        if self._available_connections and not self._waiting:
            line: Any = self.get_available_connection()  # type: ignore[no-untyped-call]
            try:
                if not await _in_order(line):
                    await self.ensure_connection(line)
            except BaseException:
                await self.release(line)
                raise
            return line
        self._waiting += 1
        try:
            return await super().get_connection()  # type: ignore[no-untyped-call]
        finally:
            self._waiting -= 1

    async def release(self, connection: Any) -> None:
        """Give it back."""
        if self._waiting or connection.should_reconnect():
            await super().release(connection)
            return
        self._in_use_connections.remove(connection)
        self._available_connections.append(connection)


async def _in_order(line: Any) -> bool:
    try:
        # What has something to be read is closed by the other end, or still owes somebody an answer.
        return line.is_connected and not await line.can_read()
    except NoLine:
        return False


class Shards(RedisCluster):
    """A Cluster, and every line to it: after a fault the library forgets some that it has open."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.lines: WeakSet[Connection] = WeakSet()
        lines, library = self.lines, self.connection_kwargs["connection_class"]

        class Line(library):  # type: ignore[misc, valid-type]
            def __init__(self, **given: Any) -> None:
                super().__init__(**given)
                lines.add(self)

        self.connection_kwargs["connection_class"] = Line
        for node in self.nodes_manager.startup_nodes.values():
            node.connection_class = Line


class Quorum(Sentinel):
    """Sentinels of which the newest opinion counts: one that was cut off with an old master is not believed."""

    async def discover_master(self, service_name: str) -> tuple[str, int]:
        """Address and port of the master, from the Sentinel with the highest configuration epoch."""
        asked = await asyncio.gather(
            *(sentinel.sentinel_masters() for sentinel in self.sentinels), return_exceptions=True
        )
        states = [masters[service_name] for masters in asked if isinstance(masters, dict) and service_name in masters]
        states = [state for state in states if self.check_master_state(state, service_name)]
        if not states:
            raise MasterNotFoundError(f"{len(asked)} Sentinels know no master '{service_name}'")
        newest = max(states, key=lambda state: int(state.get("config-epoch", 0)))
        return str(newest["ip"]), int(newest["port"])


def connected(url: str, *, most: int, answer: float | None) -> Redis:
    """A client for an address in any of the forms that are taken, with at most so many connections.

    It behaves the same for all of them; `answer` is the time that the server has to answer, in seconds (None: whoever
    asks sees to that).
    """
    options: dict[str, Any] = {
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
        # Nor is our library told: it is two questions for each line, and the library reads its own version from its
        # package's files each time.
        "driver_info": None,
        "socket_connect_timeout": CONNECT,
        "socket_timeout": answer,
    }
    parts = urlsplit(url)
    scheme, secure = parts.scheme.replace("rediss", "redis"), parts.scheme.startswith("rediss")
    if scheme not in ("redis-sentinel", "redis-cluster"):
        pool_class = ConnectionPool if most == 1 else Lines
        wait = {} if most == 1 else {"timeout": CONNECT}
        return Redis(connection_pool=pool_class.from_url(url, max_connections=most, **wait, **options))
    if parts.username or parts.password:
        options |= {"username": unquote(parts.username or "") or None, "password": unquote(parts.password or "")}
    hosts = _hosts(parts, 26379 if scheme == "redis-sentinel" else 6379)
    if scheme == "redis-cluster":
        nodes = [ClusterNode(host, port) for host, port in hosts]
        # What it repeats by itself are redirections, which the server sends before it does anything.
        return cast(Redis, Shards(startup_nodes=nodes, ssl=secure, **options))
    query = dict(parse_qsl(parts.query))
    # Sentinels have users of their own, or none.
    user = {"username": query.get("sentinel_username"), "password": query.get("sentinel_password")}
    asking = {**options, **user, "socket_timeout": CONNECT, "ssl": secure}
    sentinel = Quorum(hosts, sentinel_kwargs=asking, **options)  # type: ignore[no-untyped-call]
    service, _, role = parts.path.strip("/").partition("/")
    found = sentinel.slave_for if role == "replica" else sentinel.master_for
    return cast(Redis, found(service, ssl=secure, max_connections=most))


async def disconnected(client: Redis) -> None:
    """Close a client and every connection of it, those in use as well."""
    await client.aclose()
    if isinstance(client, Shards):
        for line in list(client.lines):
            with suppress(RedisError, OSError):
                await line.disconnect(nowait=True)
    pool = getattr(client, "connection_pool", None)
    if pool is not None:
        await pool.disconnect()
        sentinels = getattr(pool, "sentinel_manager", None)
        for sentinel in sentinels.sentinels if sentinels is not None else ():
            await disconnected(sentinel)


def _hosts(parts: SplitResult, port: int) -> list[tuple[str, int]]:
    """The hosts of an address that names several: `h1:p1,h2:p2`."""
    found = [urlsplit(f"//{host}") for host in parts.netloc.rpartition("@")[2].split(",")]
    return [(host.hostname or "127.0.0.1", host.port or port) for host in found]
