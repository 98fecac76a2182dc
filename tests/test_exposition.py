"""`/metrics` of a running service: what it tells, and to whom."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import httpx
import psutil
import pytest
from ticker import exposition, live
from ticker.store import Store
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.protocol import State

from tests.desk import ITEMS, act, editor, sent
from tests.stage import PLAIN, Service, Stage, entries, frame, running, short_directory
from tests.test_app import FR, at_work, changed
from tests.test_metrics import value
from tests.waiting import until


async def status(stage: Stage, **headers: str) -> int:
    """How somebody with these headers is answered; without an `Authorization` he has no key."""
    async with httpx.AsyncClient(base_url=stage.url, **PLAIN) as client:
        return (await client.get("/metrics", headers=headers)).status_code


async def told(stage: Stage) -> bytes:
    """The page as somebody near reads it."""
    async with httpx.AsyncClient(base_url=stage.url, **PLAIN) as client:
        answer = await client.get("/metrics")
    assert 200 == answer.status_code, answer.text
    assert "no-store" == answer.headers["Cache-Control"]
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return answer.content


async def test_readers_and_what_they_are_given_are_told(stage: Stage) -> None:
    """Who came in and how, what was written to them, and how long that took."""
    async with stage.reader() as one, stage.reader("?cursor=1-1") as two:
        for line in (one, two):
            await frame(line)
        with pytest.raises(InvalidStatus):
            await stage.reader(channel="nowhere")
        await stage.post("The bridge is open")
        for line in (one, two):
            await entries(line, 1)
        found = await told(stage)
        assert 2 == value(found, "ticker_readers", channel="en", way="websocket")
        assert 0 == value(found, "ticker_readers", channel="en", way="sse")
        assert 1 == value(found, "ticker_joins_total", channel="en", way="websocket", answer="snapshot")
        assert 1 == value(found, "ticker_joins_total", channel="en", way="websocket", answer="reset")
        assert 1 == value(found, "ticker_joins_total", channel="", way="websocket", answer="refused")
        assert 1 == value(found, "ticker_joins_refused_total", reason="unknown-channel")
        assert 2 == value(found, "ticker_deliveries_total", channel="en")
        assert 1 == value(found, "ticker_broadcast_seconds_count", channel="en")
        assert 1 == value(found, "ticker_post_to_socket_seconds_count", channel="en", reader="first")
        assert 1 == value(found, "ticker_post_to_socket_seconds_bucket", channel="en", reader="last", le="30.0")
        assert 0 == value(found, "ticker_cursor_lag_entries", channel="en")
        age = value(found, "ticker_heartbeat_age_seconds", channel="en")
        assert age is not None
        assert 0 <= age < 10
        size = value(found, "ticker_sent_bytes_total", channel="en")
        assert size is not None
        assert size > 2 * 100

    async def gone() -> bool:
        return value(await told(stage), "ticker_readers", channel="en", way="websocket") == 0

    await until(gone, "the readers to be gone")


async def test_acts_are_told_by_what_became_of_them(stage: Stage) -> None:
    """A rehearsal is no act; who has no key is refused like anybody else."""
    draft = {"headline": "The bridge is open"}
    once = {"Idempotency-Key": "a"}
    assert [201, 201] == [(await sent(stage, draft, **once)).status_code for _ in range(2)]
    assert 409 == (await sent(stage, draft)).status_code
    assert 401 == (await sent(stage, draft, Authorization="Bearer wrong")).status_code
    assert 200 == (await sent(stage, {"headline": "Another"}, path=f"{ITEMS}?dry_run=1")).status_code
    assert 422 == (await sent(stage, {}, path=f"{ITEMS}?dry_run=1")).status_code
    assert 404 == (await act(stage, "01M84KNK82EG1GQT586YRGEF7V", "pin", {})).status_code
    found = await told(stage)
    assert 1 == value(found, "ticker_acts_total", channel="en", act="publish", outcome="accepted")
    assert 1 == value(found, "ticker_acts_total", channel="en", act="publish", outcome="replayed")
    assert 1 == value(found, "ticker_acts_refused_total", act="publish", problem="similar")
    assert 1 == value(found, "ticker_acts_refused_total", act="publish", problem="unauthorized")
    assert None is value(found, "ticker_acts_refused_total", act="publish", problem="invalid-item")
    assert 1 == value(found, "ticker_acts_refused_total", act="pin", problem="unknown-item")


async def test_failures_of_the_store_are_told(store: Store, valkey: str) -> None:
    """By their kind, and since this process began."""
    async with running(valkey, role="api") as stage:
        before = value(await told(stage), "ticker_redis_errors_total", kind="timeout") or 0
        await store.redis.client_pause(3000, all=True)
        assert 503 == (await sent(stage, {"headline": "x"})).status_code
        assert (value(await told(stage), "ticker_redis_errors_total", kind="timeout") or 0) > before


# Who may.


async def test_who_is_near_needs_no_key(stage: Stage) -> None:
    """On a machine of its own the service can be watched as it is."""
    assert 200 == await status(stage)


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
async def test_who_comes_through_a_proxy_that_nobody_named_is_not_near(stage: Stage, header: str) -> None:
    """Its address is, and it speaks for the whole world."""
    assert 401 == await status(stage, **{header: "127.0.0.1"})


async def test_a_proxy_that_was_named_tells_who_is_near(store: Store, valkey: str) -> None:
    """Whom it speaks for counts."""
    async with running(valkey, proxies="127.0.0.1", metrics="127.0.0.1,10.1.0.0/16") as stage:
        assert 200 == await status(stage, **{"X-Forwarded-For": "10.1.2.3"})
        assert 401 == await status(stage, **{"X-Forwarded-For": "203.0.113.7"})
        assert 401 == await status(stage, **{"X-Forwarded-For": "10.1.2.3, 203.0.113.7"})
        assert 401 == await status(stage, **{"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=203.0.113.7"})


@pytest.mark.parametrize("setting", ["none", "10.0.0.0/8"])
async def test_who_is_not_named_needs_a_key_for_everything(store: Store, valkey: str, setting: str) -> None:
    """One that reads every channel, and no session of a page that is not ours."""
    async with running(valkey, metrics=setting) as stage:
        assert 401 == await status(stage)
        assert 401 == await status(stage, Authorization="Bearer wrong")
        assert 200 == await status(stage, **await editor(store, "prometheus", "read"))
        assert 200 == await status(stage, **await editor(store, "chief", "admin"))
        assert 403 == await status(stage, **await editor(store, "poster", "publish"))
        assert 403 == await status(stage, **await editor(store, "local", "read", channels=("en",)))


async def test_a_wrong_key_is_refused_from_near_as_well(stage: Stage) -> None:
    """Whoever names one is held to it."""
    assert 401 == await status(stage, Authorization="Bearer wrong")


# What stands still.


async def test_a_channel_that_is_gone_wakes_nobody(store: Store, valkey: str) -> None:
    """Its readers are none, and its heartbeat is not late."""
    async with at_work(valkey, "fanout") as process:
        process.exposition.look()
        await changed(process, *process.channels.values(), FR)
        process.exposition.look()
        assert 0 == value(process.metrics.page(), "ticker_readers", channel="fr", way="websocket")
        english, *_ = process.channels.values()
        await changed(process, english)
        process.exposition.look()
        assert 0 == value(process.metrics.page(), "ticker_heartbeat_age_seconds", channel="fr")


async def test_alone_nobody_looks_before_he_is_asked(store: Store, valkey: str) -> None:
    """An idle process stays idle."""
    async with at_work(valkey, "fanout") as process:
        await asyncio.sleep(0)
        assert None is value(process.metrics.page(), "ticker_readers", channel="en", way="websocket")


def test_ways_are_called_the_same_everywhere() -> None:
    """Who comes in and who is there are figures of the same readers."""
    assert set(live.WAYS.values()) == set(exposition.WAYS)


# Several workers.


async def test_whichever_worker_answers_tells_of_all(anyio_backend: object) -> None:
    """Readers and deliveries of both; when one dies its readers are gone, and what it has counted is not."""
    with short_directory() as directory:
        service = Service(directory, "--workers", "2")
        await asyncio.to_thread(service.start)
        try:
            async with AsyncExitStack() as stack:
                lines = [
                    await stack.enter_async_context(
                        connect(service.url.replace("http", "ws") + "/v1/channels/en/live", proxy=None)
                    )
                    for _ in range(40)
                ]
                for line in lines:
                    await frame(line)
                await asyncio.to_thread(service.post, "en", "The bridge is open")
                for line in lines:
                    await entries(line, 1)
                await until(lambda: agreed(service, "ticker_readers", len(lines), way="websocket"), "all readers")
                await until(lambda: agreed(service, "ticker_deliveries_total", len(lines)), "all deliveries")
                assert service.process is not None
                workers = psutil.Process(service.process.pid).children(recursive=True)
                next(worker for worker in workers if "spawn_main" in " ".join(worker.cmdline())).kill()

                def left() -> int:
                    return sum(line.state is State.OPEN for line in lines)

                await until(lambda: left() < len(lines), "the readers of one worker to be gone")
                await until(lambda: agreed(service, "ticker_readers", left(), way="websocket"), "the others alone")
                assert await agreed(service, "ticker_deliveries_total", len(lines))
        finally:
            await asyncio.to_thread(service.end)


async def agreed(service: Service, name: str, number: int, **labels: str) -> bool:
    """Whether everybody who is asked tells this number for `en`: each time over another line."""
    for _ in range(8):
        async with httpx.AsyncClient(**PLAIN) as client:
            page = (await client.get(service.url + "/metrics")).content
        if number != value(page, name, channel="en", **labels):
            return False
    return True
