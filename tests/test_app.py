"""Where everything is joined: the routes of each role, and what is said when nothing fits."""

from __future__ import annotations

import asyncio

import pytest
from ticker.app import create_app
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
