"""Health: green when alerts arrive, not when a port is open."""

from __future__ import annotations

from pathlib import Path

import pytest
from ticker.store import Store

from tests.stage import Stage, redis_server, running, short_directory
from tests.waiting import until


async def test_a_service_that_delivers_is_ready(stage: Stage) -> None:
    """200, never from a cache."""
    answer = await stage.http.get("/health/ready")
    assert (200, {"status": "ready"}) == (answer.status_code, answer.json())
    assert "no-store" == answer.headers["Cache-Control"]
    assert 200 == (await stage.http.get("/health/live")).status_code


async def test_a_service_whose_heartbeats_do_not_come_back_is_not_ready(
    redis7: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store takes connections and answers nobody: live, but not ready, and ready again when it wakes."""
    monkeypatch.setattr("ticker.health.LATE", 3.0)  # the same rule with less patience
    admin = Store(redis7)
    await admin.redis.flushall()
    async with running(redis7) as stage:
        await admin.redis.client_pause(8000, all=True)

        async def ready() -> bool:
            return (await stage.http.get("/health/ready")).status_code == 200

        async def unready() -> bool:
            return not await ready()

        await until(unready, "readiness to go red")
        answer = await stage.http.get("/health/ready")
        assert (503, "2") == (answer.status_code, answer.headers["Retry-After"])
        assert {"en", "ar", "es"} >= set(answer.json()["seconds_since_heartbeat"])
        assert 200 == (await stage.http.get("/health/live")).status_code
        await until(ready, "readiness to come back", 30)
    await admin.redis.connection_pool.disconnect()
    await admin.close()


async def test_an_api_process_is_ready_while_the_store_takes_writes(anyio_backend: object) -> None:
    """It has no readers: what counts is whether a post would be taken."""
    with short_directory() as directory, redis_server(Path(directory)) as url:
        async with running(url, role="api") as stage:
            store = Store(url)
            await store.redis.config_set("maxmemory", "1")

            async def refused() -> bool:
                answer = await stage.http.get("/health/ready")
                return answer.status_code == 503 and "memory" in answer.json()["reason"]

            await until(refused, "the refusal to be told")
            await store.redis.config_set("maxmemory", "0")
            assert 200 == (await stage.http.get("/health/ready")).status_code
            await store.close()
