"""The contract of the log once more, held by the master that Sentinels know, and by a Cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from ticker.store import Store

from tests import test_stream
from tests.faults.servers import cluster, sentinels
from tests.stage import short_directory

# The very tests, with another store below them.
globals().update({name: found for name, found in vars(test_stream).items() if name.startswith("test_")})


@pytest.fixture(scope="module")
def sentinel(redis7: str) -> Iterator[str]:
    """URL of a master that Sentinels watch."""
    with short_directory() as directory, sentinels(directory) as found:
        yield found.url


@pytest.fixture(scope="module")
def shards(redis7: str) -> Iterator[str]:
    """URL of a Cluster."""
    with short_directory() as directory, cluster(directory) as found:
        yield found.url


@pytest.fixture(params=["sentinel", "shards"])
async def each_store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """An empty store of each kind in turn."""
    store = Store(request.getfixturevalue(request.param))
    await store.redis.flushall()
    yield store
    await store.close()
