"""The line to Redis or Valkey; with `topology`, which makes the clients, the only module that imports redis.

Two kinds of connections: a bounded pool for commands that answer at once, and one connection of its own for each
blocking read, which is thrown away rather than returned when its read is cancelled.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.resources import files
from typing import Any

from hiredis import pack_command
from redis.asyncio import Redis, RedisCluster
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.commands.core import AsyncScript
from redis.exceptions import (
    ClusterDownError,
    MasterDownError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as NoLine
from redis.exceptions import TimeoutError as NoAnswer

from ticker.errors import StoreUnavailable
from ticker.topology import connected, disconnected

log = logging.getLogger("ticker.store")

ANSWER = 1.5
"""Seconds to answer: a post must be refused within two."""
POOL = 64
REPLICA_MS = 800
"""How long replicas are waited for; what they have not taken by then is stored all the same, and said to be less."""
FOLLOW = 1.0
"""Seconds between two questions to the Sentinels."""
CHANNEL = re.compile(r"\{ticker:(.+)\}:meta")
ASK_AGAIN = 10.0
"""Seconds after which the store is asked again how durable it is."""

Refused = ResponseError
"""The server answered that it does not do this: a fault of ours, or a user without the right."""
KINDS = ("connection", "timeout", "passing", "refused")
"""Why a command failed: no line, no answer in time, "not now", "never"."""
FAILURES: Counter[str] = Counter(dict.fromkeys(KINDS, 0))
"""How often each kind was met in this process."""

Ask = Callable[..., Coroutine[Any, Any, Any]]
"""Takes the words of a command."""
Command = Sequence[Any]
Call = tuple[list[str], list[Any]]
"""Keys and arguments of a script."""

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
        self._waiting: dict[AsyncScript, list[tuple[asyncio.Future[tuple[Any, int]], Call]]] = {}
        self._sending: set[asyncio.Task[None]] = set()  # the loop only holds its tasks weakly

    @property
    def sharded(self) -> bool:
        """Whether what belongs to two channels may be on two servers, so that no command can name both."""
        return isinstance(self.redis, RedisCluster)

    def script(self, *parts: str) -> AsyncScript:
        """A script out of our `.lua` files, run as one."""
        if parts not in self._scripts:
            package = files("ticker")
            text = "".join((package / f"{part}.lua").read_text(encoding="utf-8") for part in parts)
            self._scripts[parts] = self.redis.register_script(text)
        return self._scripts[parts]

    async def ask(self, script: AsyncScript, keys: list[str], args: list[Any]) -> Any:
        """The answer of a script; no replica is waited for."""
        (answer,), _ = await self._together(script, [(keys, args)])
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def run(self, script: AsyncScript, keys: list[str], args: list[Any]) -> tuple[Any, int]:
        """The answer of a script that writes, and how many replicas have taken it when that was to be waited for.

        What is asked in one turn of the loop leaves together: under load most of the cost is in the sending.
        """
        answered: asyncio.Future[tuple[Any, int]] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(script, [])
        if not waiting:
            asyncio.get_running_loop().call_soon(self._send, script)
        waiting.append((answered, (keys, args)))
        return await answered

    def _send(self, script: AsyncScript) -> None:
        # Whoever has gone by now has asked nothing.
        waiting = [(answered, call) for answered, call in self._waiting.pop(script) if not answered.done()]
        task = asyncio.create_task(self._sent(script, waiting))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _sent(self, script: AsyncScript, waiting: list[tuple[asyncio.Future[tuple[Any, int]], Call]]) -> None:
        answers: Sequence[Any]
        replicas = 0
        try:
            answers, replicas = await self._together(script, [call for _, call in waiting], self.replicas)
        except Exception as error:  # noqa: BLE001 - whoever asked is given it
            answers = [error] * len(waiting)
        for (answered, _), answer in zip(waiting, answers, strict=True):
            if answered.done():
                continue  # it was too late for whoever asked; what is written is written
            if isinstance(answer, Exception):
                answered.set_exception(answer)
            else:
                answered.set_result((answer, replicas))

    async def _together(
        self, script: AsyncScript, calls: Sequence[Call], replicas: int = 0, *, known: bool = True
    ) -> tuple[list[Any], int]:
        """For each call its answer or what it was refused with, and how many of so many replicas have them all."""
        if self.sharded:
            asked = (script(keys=keys, args=args) for keys, args in calls)
            found = await asyncio.gather(*asked, return_exceptions=True)
            # What the client was learning of the Cluster was given up together with somebody else's question.
            return [NoLine() if isinstance(told, asyncio.CancelledError) else told for told in found], 0
        commands: list[Command] = [("EVALSHA", script.sha, len(keys), *keys, *args) for keys, args in calls]
        if not known:
            commands.insert(0, ("SCRIPT", "LOAD", script.script))
        if replicas:
            commands.append(("WAIT", replicas, REPLICA_MS))  # about what the same line has written
        answers = (await self._asked(commands))[0 if known else 1 :]
        taken = answers.pop() if replicas else 0
        # A server that was started anew has no scripts; such a call has done nothing.
        undone = [number for number, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if undone and known:
            again, taken = await self._together(script, [calls[number] for number in undone], replicas, known=False)
            for number, answer in zip(undone, again, strict=True):
                answers[number] = answer
        return answers, taken if isinstance(taken, int) else 0

    async def _asked(self, commands: Sequence[Command]) -> list[Any]:
        """What each of these is answered, or refused with; they leave in one write. Not for a Cluster.

        On the library's own way there (repetitions that we forbid, tracing that we do not use, a task for each
        deadline, words packed one by one) a command costs more than with the server.
        """
        pool: Any = self.redis.connection_pool
        connection = await pool.get_connection()
        usual = connection.socket_timeout
        try:
            async with asyncio.timeout(usual):
                connection.socket_timeout = None  # nobody else has this line meanwhile
                await connection.send_packed_command(b"".join([pack_command(tuple(words)) for words in commands]))
                return [await _answer(connection) for _ in commands]
        finally:
            connection.socket_timeout = usual
            await pool.release(connection)

    async def hold(self, fields: Iterable[tuple[str, str, str]], seconds: int) -> None:
        """Set fields of hashes (key, field, value), each hash to be kept for so long from now; in one write."""
        commands: list[Command] = []
        for key, field, value in fields:
            commands += [("HSET", key, field, value), ("EXPIRE", key, seconds)]
        if self.sharded:
            async with self.redis.pipeline(transaction=False) as pipe:
                for words in commands:
                    pipe.execute_command(*words)
                await pipe.execute()
            return
        for answer in await self._asked(commands):
            if isinstance(answer, Exception):
                raise answer

    @asynccontextmanager
    async def blocking(self, wait: float) -> AsyncIterator[Redis]:
        """A client with a connection of its own for reads that block up to `wait` seconds and change something."""
        client = connected(self._url, most=1, answer=wait + ANSWER)
        try:
            yield client
        finally:
            await disconnected(client)  # cancelled in the middle of a read, it still owes an answer

    @asynccontextmanager
    async def line(self, wait: float) -> AsyncIterator[Ask]:
        """What asks one question after the other where the log is read, each answered within `wait` seconds and a bit.

        It has a connection of its own from its first question on, and gives the answers as the server has them.
        """
        within = wait + ANSWER
        client = connected(self._read_url, most=1, answer=within if self.sharded else None)
        if isinstance(client, RedisCluster):
            client.set_response_callback("XREAD", lambda answer, **_: answer)
        connection: Any = None

        async def ask(*words: Any) -> Any:
            nonlocal connection
            # One deadline for sending and answer: the library's own are a task for each command.
            async with asyncio.timeout(within):
                if isinstance(client, RedisCluster):
                    return await client.execute_command(*words)
                if connection is None:
                    pool: Any = client.connection_pool
                    connection = await pool.get_connection()
                await connection.send_packed_command(pack_command(words))
                return await connection.read_response()

        try:
            yield ask
        finally:
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
            promised = told.get("appendfsync") if told.get("appendonly") == "yes" else None
            self._durability = (now, {"always": "fsync", "everysec": "everysec"}.get(promised or "", "memory"))
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

    async def channels(self) -> list[str]:
        """The channels that this store has anything of, in the order of the alphabet."""
        async with reaching():
            found = [CHANNEL.match(text(key)) async for key in self.redis.scan_iter("{ticker:*}:meta", count=1000)]
        return sorted(match[1] for match in found if match)

    async def close(self) -> None:
        """Close every connection."""
        await disconnected(self.redis)


async def _answer(connection: Any) -> Any:
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error


async def _config(redis: Redis) -> dict[str, str]:
    if not isinstance(redis, RedisCluster):
        return _pairs(await redis.config_get("append*"))
    # What is weakest anywhere is what can be promised.
    found = [_pairs(await node.execute_command("CONFIG", "GET", "append*")) for node in redis.get_primaries()]
    order = ["always", "everysec"]
    weakest = max(found, key=lambda told: order.index(f) if (f := told.get("appendfsync", "")) in order else 9)
    return {**weakest, "appendonly": "yes" if all(told.get("appendonly") == "yes" for told in found) else "no"}


def _pairs(told: Any) -> dict[str, str]:
    pairs = told.items() if isinstance(told, dict) else zip(told[::2], told[1::2], strict=True)
    return {text(name): text(value) for name, value in pairs}


def text(found: bytes | str) -> str:
    """What the server sent as text: the types of redis-py leave open which it is."""
    return found.decode() if isinstance(found, bytes) else found


class _Reaching:
    """See `reaching`. It keeps nothing, so one serves all: a generator for each command is dearer than its answer."""

    async def __aenter__(self) -> None:
        """Nothing is to be done."""

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ResponseError):
            if NEW_FORMAT in str(error):
                FAILURES["refused"] += 1
                raise StoreUnavailable(str(error).partition(NEW_FORMAT)[2].partition(" script:")[0].strip()) from error
            passing = isinstance(error, PASSING) or PASSING_WORDS.search(str(error))
            FAILURES["passing" if passing else "refused"] += 1
            if passing:
                raise StoreUnavailable(f"The store refuses this for now ({str(error)[:120]}).") from error
        elif isinstance(error, (RedisError, RedisClusterException, OSError, TimeoutError)):
            FAILURES["timeout" if isinstance(error, (NoAnswer, TimeoutError)) else "connection"] += 1
            log.debug("store: %s", error)
            raise StoreUnavailable from error
        elif isinstance(error, RuntimeError) and "handler is closed" in str(error):
            # What uvloop says of a line that the other end has just closed; the Redis client lets it through.
            FAILURES["connection"] += 1
            raise StoreUnavailable from error


_REACHING = _Reaching()


def reaching() -> AbstractAsyncContextManager[None]:
    """Turn what says "the store is away" into StoreUnavailable; let a fault of ours through as it is."""
    return _REACHING
