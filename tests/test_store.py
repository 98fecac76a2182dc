"""The line to the store: what is told when it is away, and what it promises."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import DataError, RedisClusterException, ResponseError, SlotNotCoveredError
from redis.exceptions import TimeoutError as RedisTimeoutError
from ticker.errors import StoreUnavailable
from ticker.store import ANSWER, FAILURES, KINDS, Store, reaching
from ticker.topology import CONNECT

from tests.waiting import until


async def test_a_store_that_is_not_there_is_away(anyio_backend: object) -> None:
    """Refused connections are said within the deadline for connecting."""
    store = Store("redis://127.0.0.1:1")
    began = time.monotonic()
    with pytest.raises(StoreUnavailable):
        async with reaching():
            await store.redis.ping()
    assert time.monotonic() - began < CONNECT + 1
    await store.close()


async def test_a_store_that_does_not_answer_is_away(store: Store) -> None:
    """A paused server costs a caller no more than the deadline for an answer."""
    await store.redis.client_pause(4000, all=True)
    began = time.monotonic()
    try:
        with pytest.raises(StoreUnavailable):
            async with reaching():
                await store.redis.ping()
        assert time.monotonic() - began < ANSWER + 1
    finally:
        # What the pause still holds back is answered on connections that nobody uses any more.
        await store.redis.connection_pool.disconnect()
        async with store.blocking(10) as patient:
            await patient.ping()


async def test_a_server_that_refuses_to_write_is_away_for_now(each_store: Store) -> None:
    """Out of memory is a state, not a fault of ours: 503 with the reason, and it passes."""
    await each_store.redis.config_set("maxmemory", "1")
    try:
        with pytest.raises(StoreUnavailable, match="memory"):
            async with reaching():
                await each_store.redis.set("x", "y")
    finally:
        await each_store.redis.config_set("maxmemory", "0")
    async with reaching():
        await each_store.redis.set("x", "y")


async def test_a_fault_of_ours_is_heard(each_store: Store) -> None:
    """A wrong command is no excuse to tell editors that the store is away."""
    with pytest.raises(ResponseError):
        async with reaching():
            await each_store.redis.execute_command("NO-SUCH-COMMAND")  # type: ignore[no-untyped-call]
    with pytest.raises((StoreUnavailable, DataError)):
        async with reaching():
            await each_store.redis.set("x", {})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("file", "fsync", "promised"),
    [("yes", "always", "fsync"), ("yes", "everysec", "everysec"), ("yes", "no", "memory"), ("no", "always", "memory")],
)
async def test_the_durability_told_is_the_servers_own(redis7: str, file: str, fsync: str, promised: str) -> None:
    """What an answer promises is read from the server's configuration."""
    store = Store(redis7)
    await store.redis.config_set("appendonly", file)
    await store.redis.config_set("appendfsync", fsync)
    try:
        assert promised == await store.durability()
    finally:
        await store.redis.config_set("appendonly", "yes")
        await store.redis.config_set("appendfsync", "everysec")
        await store.close()


async def test_a_server_that_does_not_tell_promises_nothing(redis7: str) -> None:
    """A user without CONFIG gets `memory`: a promise is never guessed."""
    admin = Store(redis7)
    await admin.redis.acl_setuser("app", enabled=True, nopass=True, keys=["*"], commands=["+@all", "-config"])
    store = Store(redis7.replace("redis://", "redis://app:x@"))
    try:
        assert "memory" == await store.durability()
    finally:
        await admin.redis.acl_deluser("app")
        await store.close()
        await admin.close()


async def test_a_blocking_read_holds_up_no_command(store: Store) -> None:
    """It has a connection of its own, which is closed when it is cancelled."""

    async def connections() -> int:
        return len(await store.redis.client_list())

    before = await connections()
    async with store.blocking(3) as patient:
        reading = asyncio.ensure_future(patient.xread({"nothing": "$"}, block=3000))
        assert await asyncio.wait_for(store.redis.ping(), 1)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)

    async def closed() -> bool:
        return await connections() <= before

    await until(closed, "the connection of the cancelled read to be closed")


@pytest.mark.parametrize(
    ("answer", "passes"),
    [
        ("NOREPLICAS Not enough good replicas to write.", True),
        ("Command # 1 (INCRBY x 1) of pipeline caused error: ('NOREPLICAS Not enough good replicas.',)", True),
        ("LOADING Redis is loading the dataset in memory", True),
        ("BUSYGROUP Consumer Group name already exists", False),
        ("ERR the word READONLY in a sentence", False),
    ],
)
async def test_a_refusal_for_now_is_known_wherever_it_stands(answer: str, passes: bool) -> None:
    """Alone or inside a transaction: it is a 503; anything else that is refused is a fault of ours."""
    with pytest.raises(StoreUnavailable if passes else ResponseError):
        async with reaching():
            raise ResponseError(answer)


async def test_a_line_that_closed_under_our_hands_is_a_store_that_is_away() -> None:
    """The loop says it in an error of its own; any other of that kind is a fault of ours."""
    with pytest.raises(StoreUnavailable):
        async with reaching():
            raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")
    with pytest.raises(RuntimeError, match="something else"):
        async with reaching():
            raise RuntimeError("something else")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RedisConnectionError("gone"), "connection"),
        (OSError("no route"), "connection"),
        (RedisClusterException("no node answers"), "connection"),  # type: ignore[no-untyped-call]
        (SlotNotCoveredError("Slot 1 is not covered by the cluster."), "connection"),  # type: ignore[no-untyped-call]
        (RuntimeError("unable to perform operation on <TCPTransport>; the handler is closed"), "connection"),
        (RedisTimeoutError("slow"), "timeout"),
        (TimeoutError(), "timeout"),
        (ResponseError("LOADING the dataset in memory"), "passing"),
        (ResponseError("NOPERM this user has no permissions"), "refused"),
    ],
)
async def test_every_failure_is_counted_by_its_kind(error: Exception, kind: str) -> None:
    """Once, under one of the names that are documented."""
    before = FAILURES.copy()
    with pytest.raises((StoreUnavailable, ResponseError)):
        async with reaching():
            raise error
    assert {kind: 1} == dict(FAILURES - before)
    assert set(KINDS) == set(FAILURES)


async def test_what_is_asked_in_one_moment_leaves_together_and_each_has_its_own_answer(each_store: Store) -> None:
    """Also when one of them is refused, and when the server has just forgotten all scripts."""
    script = each_store.redis.register_script(
        "if ARGV[1] == 'bad' then return redis.error_reply('NOT today') end "
        "return redis.call('INCRBY', KEYS[1], ARGV[1])"
    )

    async def asked(*args: object) -> list[object]:
        calls = (each_store.run(script, ["count"], [arg]) for arg in args)
        return [
            str(found) if isinstance(found, BaseException) else found[0]
            for found in await asyncio.gather(*calls, return_exceptions=True)
        ]

    assert [1, 3, 6] == await asked(1, 2, 3)
    assert [7, "NOT today", 9] == await asked(1, "bad", 2)
    await each_store.redis.script_flush()
    assert [10, 11] == await asked(1, 1)
    found: Any = await each_store.redis.info("commandstats")
    before = found["cmdstat_evalsha"]["calls"]
    assert [12] == await asked(1)
    found = await each_store.redis.info("commandstats")
    assert 1 == found["cmdstat_evalsha"]["calls"] - before


async def test_who_has_gone_before_it_left_has_asked_nothing(each_store: Store) -> None:
    """And nobody else's answer becomes his."""
    script = each_store.redis.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    gone = asyncio.ensure_future(each_store.run(script, ["count"], [100]))
    stays = asyncio.ensure_future(each_store.run(script, ["count"], [1]))
    gone.cancel()
    assert (1, 0) == await stays
    assert gone.cancelled()
    assert b"1" == await each_store.redis.get("count")
