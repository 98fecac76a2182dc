"""Where everything is joined: the routes of each role, and what is said when nothing fits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from ticker.app import Process, Role, create_app
from ticker.channel import Channel, differences
from ticker.fanout import LATE
from ticker.settings import Settings
from ticker.store import Store

from tests.stage import Stage, entries, frame, running


@pytest.mark.parametrize(
    ("role", "method", "path", "status"),
    [
        ("api", "GET", "/v1/channels/en/items", 405),
        ("api", "GET", "/v1/channels/en/live", 404),
        ("api", "GET", "/", 404),
        ("fanout", "POST", "/v1/channels/en/items", 405),
        ("fanout", "POST", "/v1/channels/en/items/x/retract", 404),
        ("fanout", "GET", "/", 200),
        ("fanout", "GET", "/widget/v1/breaking-ticker.js", 200),
        ("serve", "DELETE", "/v1/channels/en/items", 405),
        ("serve", "GET", "/v1/channels/en/items/", 404),
        ("serve", "GET", "/v2/channels", 404),
    ],
)
async def test_each_role_answers_what_is_its_own(
    store: Store, valkey: str, role: str, method: str, path: str, status: int
) -> None:
    """And refuses the rest as a problem document."""
    async with running(valkey, role=role) as stage:  # type: ignore[arg-type]
        answer = await stage.http.request(method, path)
        assert status == answer.status_code
        if status >= 400:
            assert "application/problem+json" == answer.headers["Content-Type"]
        if status == 405:
            whole = {"api": "POST", "fanout": "GET, HEAD", "serve": "GET, HEAD, POST"}
            assert whole[role] == answer.headers["Allow"]


async def test_api_and_fanout_meet_only_in_the_store(store: Store, valkey: str) -> None:
    """What is posted to one process stands on the readers of two others, in the same order."""
    async with (
        running(valkey, role="api") as api,
        running(valkey, role="fanout") as first,
        running(valkey, role="fanout") as second,
        first.reader() as one,
        second.reader() as two,
    ):
        await frame(one)
        await frame(two)
        posted = await asyncio.gather(*(api.post(f"item {n}") for n in range(50)))
        seen = await entries(one, 50)
        assert seen == await entries(two, 50)
        assert {p["cursor"] for p in posted} == {entry["cursor"] for entry in seen}


async def test_every_answer_has_its_headers(stage: Stage) -> None:
    """No sniffing, no referrer, and not who serves it."""
    for path in ("/", "/v1/channels", "/nowhere", "/widget/v1/window.js"):
        answer = await stage.http.get(path)
        assert ("nosniff", "no-referrer") == (
            answer.headers["X-Content-Type-Options"],
            answer.headers["Referrer-Policy"],
        )
        assert "Server" not in answer.headers


async def test_a_fault_of_ours_is_a_sentence_not_a_trace(store: Store, valkey: str) -> None:
    """Data under our keys that we did not write: 500 as a problem document, and the next request is served."""
    async with running(valkey) as stage:
        await store.redis.hset("{ticker:en}:items", "broken", "no json")
        answer = await stage.http.get("/v1/channels/en/items/broken")
        assert (500, "urn:ticker:problem:internal") == (answer.status_code, answer.json()["type"])
        assert "Traceback" not in answer.text
        await stage.post("still here")


async def test_a_caller_who_hangs_up_hurts_nobody(stage: Stage) -> None:
    """Half a body, and gone."""
    port = int(stage.url.rsplit(":", 1)[1])
    for _ in range(5):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        head = (
            "POST /v1/channels/en/items HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n"
        )
        authorization = stage.http.headers["Authorization"]
        writer.write(f'{head}Authorization: {authorization}\r\n\r\n{{"headline":'.encode())
        await writer.drain()
        writer.close()
    await stage.post("still here")
    assert ["still here"] == await stage.window()


def test_an_app_needs_a_store() -> None:
    """Whoever builds one without is told at once."""
    with pytest.raises(AssertionError):
        create_app(Settings())


@asynccontextmanager
async def at_work(store: str, role: Role) -> AsyncIterator[Process]:
    """The objects of a process with all its tasks, without a socket."""
    process = Process(Settings(redis_url=SecretStr(store)), role)
    async with process.lifespan(Starlette()):
        yield process


async def changed(process: Process, *there: Channel) -> None:
    """Give the process these channels."""
    found = {channel.name: channel for channel in there}
    await process.take(found, differences(process.channels, found))


def followed() -> set[str]:
    """The tasks at work that read a log."""
    return {name for task in asyncio.all_tasks() if (name := task.get_name()).startswith("fan-out of ")}


FR = Channel(name="fr", title="Alertes", language="fr")


async def test_what_belongs_to_a_channel_comes_and_goes_with_it(store: Store, valkey: str) -> None:
    """Its log, its hub, its fan-out and its task, in the order of the file; nothing of it runs on."""
    async with at_work(valkey, "serve") as process:
        english, arabic, spanish = process.channels.values()
        shared = (process.channels, process.logs, process.fanouts, process.hubs)
        hub = process.hubs["en"]
        await changed(process, FR, english, arabic, spanish)
        assert [["fr", "en", "ar", "es"]] * 4 == [list(mapping) for mapping in shared]
        assert {"fan-out of fr", "fan-out of en", "fan-out of ar", "fan-out of es"} == followed()
        await changed(process, arabic, english)
        assert [["ar", "en"]] * 4 == [list(mapping) for mapping in shared]
        assert {"fan-out of ar", "fan-out of en"} == followed()
        assert hub is process.hubs["en"]


async def test_a_process_that_was_ready_stays_so_while_a_channel_begins(store: Store, valkey: str) -> None:
    """It is there for readers when a heartbeat has come back through it, and not before."""
    async with at_work(valkey, "fanout") as process:
        taking = asyncio.create_task(changed(process, *process.channels.values(), FR))
        while not taking.done():
            assert "fr" not in process.fanouts
            await asyncio.sleep(0)
        await taking
        assert process.fanouts["fr"].delivering.is_set()
        assert process.fanouts["fr"].age < LATE


async def test_a_store_that_is_away_does_not_hold_up_a_reload_for_ever() -> None:
    """The channel is taken on, and read when the store is there again."""
    async with at_work("redis://127.0.0.1:1", "fanout") as process, asyncio.timeout(10):
        await changed(process, *process.channels.values(), FR)
        assert not process.hubs["fr"].loaded


async def test_the_editors_half_takes_a_channel_without_a_hub(store: Store, valkey: str) -> None:
    """It has a log, and nothing reads it there."""
    async with at_work(valkey, "api") as process:
        await changed(process, FR)
        assert (["fr"], ["fr"], {}, {}) == (
            list(process.channels),
            list(process.logs),
            process.fanouts,
            process.hubs,
        )


async def test_other_settings_of_a_channel_are_those_of_its_hub(store: Store, valkey: str) -> None:
    """Whoever asks for the channel next is given them, and the hub stays."""
    async with at_work(valkey, "serve") as process:
        english, *others = process.channels.values()
        hub = process.hubs["en"]
        await changed(process, english.model_copy(update={"title": "Latest", "window": 3}), *others)
        assert ("Latest", 3, "Latest") == (hub.channel.title, hub.channel.window, process.channels["en"].title)
        assert hub is process.hubs["en"]
