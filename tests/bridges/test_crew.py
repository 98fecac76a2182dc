"""The bridges of all channels: those that come, and those that go."""

from __future__ import annotations

import asyncio

from pydantic import SecretStr
from ticker import tasks
from ticker.bridges.crew import LATE, Crew
from ticker.channel import DEFAULT
from ticker.metrics import Metrics
from ticker.settings import Settings
from ticker.store import Store

from tests.test_metrics import value
from tests.waiting import until


async def test_each_channel_has_its_bridge_as_long_as_there_is_the_channel(store: Store) -> None:
    """One that is new joins its group; one that is gone claims no more."""
    channels = {channel.name: channel for channel in DEFAULT[:1]}
    settings = Settings(redis_url=SecretStr("redis://127.0.0.1:1"))
    figures = Metrics(channels)
    crew = Crew(store, settings, channels, figures)
    assert {"en": None} == crew.late()
    task = asyncio.create_task(crew.run())

    async def joined(name: str) -> bool:
        key = f"{{ticker:{name}}}:log"
        return bool(await store.redis.exists(key)) and bool(await store.redis.xinfo_groups(key))

    await until(lambda: joined("en"), "the bridge of en")
    channels["ar"] = DEFAULT[1]
    crew.look()
    await until(lambda: joined("ar"), "the bridge of ar")
    await until(lambda: not crew.late(), "both to claim")
    crew.tell()
    age = value(figures.page(), "ticker_push_claim_age_seconds", channel="en")
    assert age is not None
    assert 0 <= age < LATE
    assert 0 == value(figures.page(), "ticker_pushes_total", provider="log", outcome="dead_lettered")

    async def alone() -> bool:
        return {"push of ar"} == {
            found.get_coro().cr_frame.f_locals.get("name")  # type: ignore[union-attr]
            for found in asyncio.all_tasks()
            if getattr(found.get_coro(), "__name__", "") == "supervised"
        }

    del channels["en"]
    crew.look()
    await until(alone, "the bridge of en to end")
    assert {} == crew.late()
    await tasks.end([task])
