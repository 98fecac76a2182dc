"""Clients for every form of address; what they do under Sentinels and in a Cluster is in tests/faults."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import BlockingConnectionPool, RedisCluster
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.exceptions import ConnectionError as NoLine
from ticker.topology import CONNECT, Lines, Shards, connected, disconnected

from tests.waiting import until


@pytest.mark.parametrize(
    ("url", "pool"),
    [
        ("redis://h:1", BlockingConnectionPool),
        ("rediss://u:p@h:1/2", BlockingConnectionPool),
        ("unix:///x.sock", BlockingConnectionPool),
        ("redis-sentinel://h1:1,h2/house", SentinelConnectionPool),
        ("redis-sentinel://h1:1,h2/house/replica", SentinelConnectionPool),
    ],
)
async def test_each_form_of_address_has_its_client(url: str, pool: type, anyio_backend: object) -> None:
    """With the same bounds, and nothing repeated behind our back."""
    client = connected(url, most=3, answer=0.7)
    found = client.connection_pool
    assert isinstance(found, pool)
    assert 3 == found.max_connections
    options = found.connection_kwargs
    assert (CONNECT, 0.7) == (options["socket_connect_timeout"], options["socket_timeout"])
    assert 0 == options["retry"].get_retries()
    await disconnected(client)


async def test_a_cluster_is_asked_by_any_of_its_nodes(anyio_backend: object) -> None:
    """Ports that are not named are the usual one; the user is the same at each."""
    client = connected("redis-clusters://u:p@h1:1,h2".replace("clusters", "cluster"), most=3, answer=0.7)
    assert isinstance(client, Shards)
    assert isinstance(client, RedisCluster)
    nodes = client.nodes_manager.startup_nodes.values()
    assert {("h1", 1), ("h2", 6379)} == {(node.host, node.port) for node in nodes}
    await disconnected(client)


async def test_all_are_answered_however_few_lines_there_are(valkey: str, anyio_backend: object) -> None:
    """Who waits for a line is given one; there are never more, and all are given back."""
    client = connected(valkey, most=3, answer=5)
    pool = client.connection_pool
    assert isinstance(pool, Lines)
    for _ in range(3):
        found = await asyncio.gather(*(client.echo(str(number)) for number in range(100)))
        assert [str(number).encode() for number in range(100)] == found
        assert (3, 0) == (len(pool._available_connections), len(pool._in_use_connections))
    assert 0 == pool._waiting
    await disconnected(client)


async def test_a_line_that_was_closed_meanwhile_is_made_anew(valkey: str, anyio_backend: object) -> None:
    """Nobody is given an error for what happened while nobody asked."""
    client, other = connected(valkey, most=2, answer=5), connected(valkey, most=2, answer=5)
    number = await client.client_id()
    assert await other.client_kill_filter(_id=str(number))
    (line,) = client.connection_pool._available_connections
    await until(line.can_read, "the line to be found closed")
    assert number != await client.client_id()
    await disconnected(client)
    await disconnected(other)


async def test_who_finds_no_line_for_too_long_is_told(valkey: str, anyio_backend: object) -> None:
    """As by the library itself; and the next one who asks is served."""
    client = connected(valkey, most=2, answer=5)
    pool: Any = client.connection_pool
    lines = [await pool.get_connection(), await pool.get_connection()]
    with pytest.raises(NoLine):
        await client.ping()
    for line in lines:
        await pool.release(line)
    assert await client.ping()
    await disconnected(client)
