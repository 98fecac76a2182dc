"""The line to Redis or Valkey: the only module that imports redis.

Two kinds of connections: a bounded pool for commands that answer at once, and one connection of its own for each
blocking read, which is thrown away rather than returned when its read is cancelled.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from importlib.resources import files
from typing import Any, cast
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit
from weakref import WeakSet

from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import Connection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import (
    ClusterDownError,
    MasterDownError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import TimeoutError as NoAnswer

from ticker.errors import StoreUnavailable

log = logging.getLogger("ticker.store")

CONNECT = 1.0
ANSWER = 1.5
"""Seconds to connect and to answer: a post must be refused within two."""
POOL = 64
REPLICA_MS = 800
"""How long replicas are waited for; what they have not taken by then is stored all the same, and said to be less."""
FOLLOW = 1.0
"""Seconds between two questions to the Sentinels."""
ASK_AGAIN = 10.0
"""Seconds after which the store is asked again how durable it is."""

Refused = ResponseError
"""The server answered that it does not do this: a fault of ours, or a user without the right."""
KINDS = ("connection", "timeout", "passing", "refused")
"""Why a command failed: no line, no answer in time, "not now", "never"."""
FAILURES: Counter[str] = Counter(dict.fromkeys(KINDS, 0))
"""How often each kind was met in this process."""

# Answers that say "not now", not "never". Anything else that the server refuses is a fault of ours and must be heard.
PASSING = (ClusterDownError, MasterDownError, OutOfMemoryError, ReadOnlyError, TryAgainError)
# A transaction wraps what its commands were answered: `Command # 1 (…) of pipeline caused error: ('NOREPLICAS …`.
PASSING_WORDS = re.compile(
    r"(?:^|\(['\"])(?:OOM|MISCONF|READONLY|NOREPLICAS|BUSY|LOADING|CLUSTERDOWN|MASTERDOWN|TRYAGAIN)\b"
)

NEW_FORMAT = "NEWFORMAT"
"""How a script of ours says that a newer release writes the log (epoch.lua)."""


class Store:
    """Redis or Valkey behind one address: a server, the master that Sentinels know, or a Cluster."""

    def __init__(self, url: str, *, read_url: str | None = None, replicas: int = 0) -> None:
        """`read_url` is where blocking reads of the log go, when not to the master (a replica, or several by Sentinel).

        `replicas` is the number of replicas that an entry is waited for; see `durability`.
        """
        self.replicas = replicas
        self._url = url
        self._read_url = read_url or url
        # Nothing is sent twice behind our back: redis-py repeats a command by default, and so can append an entry
        # a second time. The idempotency record is what makes a repetition safe, and only the caller can name it.
        # RESP 2, because 8.1.0 mishandles stale pooled connections under RESP 3.
        self.redis = connected(url, most=POOL, answer=ANSWER)
        self._scripts: dict[tuple[str, ...], AsyncScript] = {}
        self._durability: tuple[float, str] | None = None

    def script(self, *parts: str) -> AsyncScript:
        """A script out of our `.lua` files, run as one."""
        if parts not in self._scripts:
            package = files("ticker")
            text = "".join((package / f"{part}.lua").read_text(encoding="utf-8") for part in parts)
            self._scripts[parts] = self.redis.register_script(text)
        return self._scripts[parts]

    async def run(self, script: AsyncScript, keys: list[str], args: list[str]) -> tuple[Any, int]:
        """The answer of a script that writes, and how many replicas have taken it when that was to be waited for."""
        if not self.replicas or isinstance(self.redis, RedisCluster):
            return await script(keys=keys, args=args), 0
        # WAIT is about what the same connection wrote.
        async with self.redis.client() as line:
            answer = await script(keys=keys, args=args, client=line)
            return answer, int(await line.wait(self.replicas, REPLICA_MS))

    async def together(self, script: AsyncScript, calls: Sequence[tuple[list[str], list[Any]]]) -> list[Any]:
        """The answers of one script to several (keys, args): in one go, where all keys are on one server.

        Whoever waits for anything that they write is woken at one moment.
        """
        if len(calls) > 1 and not isinstance(self.redis, RedisCluster):
            async with self.redis.pipeline(transaction=False) as pipe:
                for keys, args in calls:
                    pipe.evalsha(script.sha, len(keys), *keys, *args)
                answers = await pipe.execute(raise_on_error=False)
            fault = next((answer for answer in answers if isinstance(answer, Exception)), None)
            if fault is None:
                return answers
            if not isinstance(fault, NoScriptError):  # called alone, it is given the script
                raise fault
        return [await script(keys=keys, args=args) for keys, args in calls]

    @asynccontextmanager
    async def blocking(self, wait: float, *, writes: bool = False) -> AsyncIterator[Redis]:
        """A client with a connection of its own for reads that block up to `wait` seconds.

        `writes`: the read changes something (a claim), so it is the master that is asked.
        """
        # The server must answer an empty read before the socket gives up on it.
        client = connected(self._url if writes else self._read_url, most=1, answer=wait + ANSWER)
        try:
            yield client
        finally:
            # Cancelled in the middle of a read, the connection still owes an answer; nobody may be given that.
            await disconnected(client)

    async def durability(self) -> str:
        """What the server's append-only file promises: `memory`, `everysec` or `fsync`.

        `memory` too when the server will not say: a promise is never guessed. Asked again every now and then, since
        an operator can change it while we run.
        """
        now = time.monotonic()
        if self._durability is None or now - self._durability[0] > ASK_AGAIN:
            try:
                async with reaching():
                    told = await _config(self.redis)
            except ResponseError as error:
                if self._durability is None:
                    log.warning("the store does not tell its durability (%s): answers say 'memory'", error)
                told = {}
            file = told.get("appendonly") == "yes"
            found = {"always": "fsync", "everysec": "everysec"}.get(told.get("appendfsync", ""), "memory")
            self._durability = (now, found if file else "memory")
        return self._durability[1]

    async def follow(self) -> None:
        """Move to another master when the Sentinels name one, though the old one still answers. Until cancelled."""
        pool = self.redis.connection_pool if not isinstance(self.redis, RedisCluster) else None
        if not isinstance(pool, SentinelConnectionPool):
            await asyncio.Event().wait()
            return
        while True:
            await asyncio.sleep(FOLLOW)
            try:
                # Hangs up on every idle line when it is another.
                await pool.get_master_address()  # type: ignore[no-untyped-call]
            except (RedisError, OSError) as error:
                log.debug("the Sentinels do not name a master: %s", error)

    async def close(self) -> None:
        """Close every connection."""
        await disconnected(self.redis)


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


def connected(url: str, *, most: int, answer: float) -> Redis:
    """A client for an address in any of the forms that are taken, with at most so many connections.

    It behaves the same for all of them; `answer` is the time that the server has to answer, in seconds.
    """
    options: dict[str, Any] = {
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
        "socket_connect_timeout": CONNECT,
        "socket_timeout": answer,
    }
    parts = urlsplit(url)
    scheme, secure = parts.scheme.replace("rediss", "redis"), parts.scheme.startswith("rediss")
    if scheme not in ("redis-sentinel", "redis-cluster"):
        pool_class = ConnectionPool if most == 1 else BlockingConnectionPool
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


async def _config(redis: Redis) -> dict[str, str]:
    if isinstance(redis, RedisCluster):
        # What is weakest anywhere is what can be promised.
        nodes = [await node.execute_command("CONFIG", "GET", "append*") for node in redis.get_primaries()]
        found = [_pairs(told) for told in nodes]
        order = ["always", "everysec"]
        weakest = max(found, key=lambda told: order.index(f) if (f := told.get("appendfsync", "")) in order else 9)
        return {**weakest, "appendonly": "yes" if all(told.get("appendonly") == "yes" for told in found) else "no"}
    return {str(name): str(value) for name, value in (await redis.config_get("append*")).items()}


def _pairs(told: Any) -> dict[str, str]:
    pairs = told.items() if isinstance(told, dict) else zip(told[::2], told[1::2], strict=True)
    return {text(name): text(value) for name, value in pairs}


def _hosts(parts: SplitResult, port: int) -> list[tuple[str, int]]:
    """The hosts of an address that names several: `h1:p1,h2:p2`."""
    found = [urlsplit(f"//{host}") for host in parts.netloc.rpartition("@")[2].split(",")]
    return [(host.hostname or "127.0.0.1", host.port or port) for host in found]


def text(found: bytes | str) -> str:
    """What the server sent as text: the types of redis-py leave open which it is."""
    return found.decode() if isinstance(found, bytes) else found


@asynccontextmanager
async def reaching() -> AsyncIterator[None]:
    """Turn what says "the store is away" into StoreUnavailable; let a fault of ours through as it is."""
    try:
        yield
    except ResponseError as error:
        if NEW_FORMAT in str(error):
            FAILURES["refused"] += 1
            raise StoreUnavailable(str(error).partition(NEW_FORMAT)[2].partition(" script:")[0].strip()) from error
        passing = isinstance(error, PASSING) or PASSING_WORDS.search(str(error))
        FAILURES["passing" if passing else "refused"] += 1
        if passing:
            raise StoreUnavailable(f"The store refuses this for now ({str(error)[:120]}).") from error
        raise
    except (RedisError, OSError, TimeoutError) as error:
        FAILURES["timeout" if isinstance(error, (NoAnswer, TimeoutError)) else "connection"] += 1
        log.debug("store: %s", error)
        raise StoreUnavailable from error
    except RuntimeError as error:
        # What uvloop says of a line that the other end has just closed; the Redis client lets it through.
        if "handler is closed" not in str(error):
            raise
        FAILURES["connection"] += 1
        raise StoreUnavailable from error
