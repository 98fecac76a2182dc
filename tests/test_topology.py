"""Clients for every form of address; what they do under Sentinels and in a Cluster is in tests/faults."""

from __future__ import annotations

import pytest
from redis.asyncio import BlockingConnectionPool, RedisCluster
from redis.asyncio.sentinel import SentinelConnectionPool
from ticker.topology import CONNECT, Shards, connected, disconnected


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
