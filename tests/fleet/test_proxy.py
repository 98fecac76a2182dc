"""The configuration of the proxy, tried with the real nginx: who answers what, and what is passed on."""

from __future__ import annotations

import asyncio
import functools
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx
import pytest
from pydantic import SecretStr
from ticker.app import Process, Role
from ticker.errors import Unavailable
from ticker.operation import Operation
from ticker.problem import Problem
from ticker.settings import Settings

from tests.fleet.half import Half
from tests.fleet.proxy import TEMPLATE, Proxy, proxy
from tests.stage import PLAIN
from tests.waiting import until

WINDOW = "/v1/channels/en/items"
POST = {"headline": "The bridge is open again"}


@dataclass(frozen=True)
class Before:
    """The proxy before two servers of each half, of which the first of each is not there."""

    proxy: Proxy
    editors: Half
    readers: Half
    http: httpx.AsyncClient


@pytest.fixture
async def before() -> AsyncIterator[Before]:
    """Nobody answers at the first address of each half."""
    editors, readers = Half("editors"), Half("readers")
    async with AsyncExitStack() as stack:
        for half in (editors, readers):
            await stack.enter_async_context(half.running())
        found = stack.enter_context(
            proxy([Half("nobody").port, editors.port], [Half("nobody").port, readers.port], drain="1s")
        )
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=found.url, **PLAIN))
        yield Before(found, editors, readers, http)


async def operations(role: Role) -> list[Operation]:
    """What a process of this role serves."""
    process = Process(Settings(redis_url=SecretStr("redis://127.0.0.1:1")), role)
    try:
        return process.operations()
    finally:
        await process.store.close()


def address(operation: Operation) -> str:
    """Its address with something in each place."""
    given = {"channel": "en", "file": "a.js"}
    return re.sub(r"\{(\w+)\}", lambda match: given.get(match[1], "01M8B0DY"), operation.path)


def logged(proxy: Proxy, request_id: str) -> bool:
    """Whether a request stands in the log, which is written after its answer."""
    return request_id in proxy.said


async def test_each_route_is_answered_by_a_half_that_has_it(before: Before) -> None:
    """Not by luck: by the table of routes itself, with the methods; health and figures are nobody's business."""
    by_half = {"editors": await operations("api"), "readers": await operations("fanout")}
    served = {half: {(operation.method, operation.path) for operation in found} for half, found in by_half.items()}
    for operation in [operation for found in by_half.values() for operation in found]:
        answer = await before.http.request(operation.method, address(operation))
        if operation.path == "/metrics" or operation.path.startswith("/health/"):
            assert 404 == answer.status_code, operation
            continue
        assert 200 == answer.status_code, operation
        assert (operation.method, operation.path) in served[answer.json()["half"]], operation


@pytest.mark.parametrize("path", ["/metrics?x=1", "/%6detrics", "//metrics", "/desk/../metrics", "/health/%72eady"])
async def test_no_spelling_of_the_figures_gets_through(before: Before, path: str) -> None:
    """The way in which an address is written makes it no other."""
    assert 404 == (await before.http.get(before.proxy.url + path)).status_code
    assert [] == before.editors.asked + before.readers.asked


async def test_the_client_is_told_of_behind_whatever_he_wrote_himself(before: Before) -> None:
    """ticker reads X-Forwarded-For from the right, up to the first address that is no proxy's."""
    headers = {"X-Forwarded-For": "203.0.113.9", "Host": "news.example"}
    for half in ("/desk", "/v1/channels"):
        told = (await before.http.get(half, headers=headers)).json()["headers"]
        assert "203.0.113.9, 127.0.0.1" == told["x-forwarded-for"]
        assert "news.example" == told["host"]


async def test_an_id_of_a_request_is_passed_on_or_made(before: Before) -> None:
    """One that could break a line of a log is not taken."""
    for given, kept in (("a-request:1", True), ("a request", False), ("a" * 129, False), ("", False)):
        told = (await before.http.get("/v1/channels", headers={"X-Request-Id": given})).json()["headers"]
        assert kept == (told["x-request-id"] == given)
        assert re.fullmatch(r"[A-Za-z0-9._:+/=@-]{1,128}", told["x-request-id"])
        await until(functools.partial(logged, before.proxy, told["x-request-id"]), "the request to be logged")


async def test_only_a_line_of_a_reader_is_upgraded(before: Before) -> None:
    """And a connection to an api is never used for another request, which could meet its end."""
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade"}
    told = (await before.http.get("/v1/channels/en/live", headers=upgrade)).json()["headers"]
    assert ("websocket", "upgrade") == (told["upgrade"], told["connection"])
    assert "connection" not in (await before.http.get("/v1/channels")).json()["headers"]
    assert "close" == (await before.http.post(WINDOW, json=POST)).json()["headers"]["connection"]


async def test_a_post_that_was_sent_is_not_sent_twice(before: Before) -> None:
    """Who refuses the connection was told nothing, so the next one is asked; who breaks it may have stored the post."""
    assert 200 == (await before.http.post(WINDOW, json=POST)).status_code
    before.editors.breaks = True
    before.editors.asked.clear()
    answer = await before.http.post(WINDOW, json=POST)
    assert [f"POST {WINDOW}"] == before.editors.asked
    assert (503, "1") == (answer.status_code, answer.headers["Retry-After"])
    assert "application/problem+json" == answer.headers["Content-Type"]


async def test_an_answer_of_the_proxy_itself_is_a_problem_of_ours(before: Before) -> None:
    """A page of any origin can read it, and finds in it what ticker itself says."""
    before.readers.breaks = True
    told = (await before.http.get("/v1/channels")).json()
    meant = httpx.Response(503, content=Problem.of(Unavailable()).body).json()
    assert told | {"detail": ""} == meant | {"detail": ""}


async def test_the_polled_window_is_fetched_once_for_all_who_poll(before: Before) -> None:
    """For as long as it says, and for each query, but not for pages of other origins, which are told more."""
    before.readers.cache = "public, max-age=0, s-maxage=60"
    asked = before.readers.asked
    kinds = {
        "plain": (WINDOW, {}),
        "sport": (WINDOW + "?section=sport", {}),
        "page": (WINDOW, {"Origin": "https://a.example"}),
    }
    for path, headers in kinds.values():

        async def kept(path: str = path, headers: dict[str, str] = headers) -> bool:
            number = len(asked)
            assert 200 == (await before.http.get(path, headers=headers)).status_code
            return number == len(asked)

        assert not await kept(), "this one is like none before"
        # It is kept when its answer has left, which may be after its answer has come.
        await until(kept, "it to be kept")

    asked.clear()
    for path, headers in kinds.values():
        await before.http.get(path, headers=headers)
    assert [] == asked
    await before.http.post(WINDOW, json=POST)
    await before.http.post(WINDOW, json=POST)
    assert 2 == len(before.editors.asked)


async def test_a_window_is_not_given_out_for_longer_than_it_says(before: Before) -> None:
    """Not even when no newer one can be had: an alert that was withdrawn meanwhile would stand in it."""
    before.readers.cache = "public, max-age=0, s-maxage=2, stale-while-revalidate=2"
    asked = before.readers.asked

    async def kept() -> bool:
        number = len(asked)
        assert 200 == (await before.http.get(WINDOW)).status_code
        return number == len(asked)

    await until(kept, "it to be kept")
    before.readers.breaks = True
    assert 200 == (await before.http.get(WINDOW)).status_code

    async def refused() -> bool:
        return (await before.http.get(WINDOW)).status_code == 503

    await until(refused, "the window to be too old")


async def test_nginx_takes_the_configuration_and_warns_of_nothing_in_it(before: Before) -> None:
    """Its own check; the limit of open files is the machine's."""
    ran = await asyncio.to_thread(
        subprocess.run, before.proxy.command("-t"), capture_output=True, text=True, timeout=10
    )
    assert 0 == ran.returncode, ran.stderr
    assert [] == [line for line in ran.stderr.splitlines() if "[" in line and "open file resource limit" not in line]


def test_a_line_may_be_silent_for_longer_than_the_heartbeat() -> None:
    """Two heartbeats may be late; and its frames are not collected."""
    block = re.search(
        r"location ~ \^/v1/channels/\[\^/\]\+/live\$ \{(.*?)\n        \}", TEMPLATE.read_text(), re.DOTALL
    )
    assert block is not None
    seconds = re.search(r"proxy_read_timeout (\d+)s;", block[1])
    assert seconds is not None
    assert int(seconds[1]) >= 3 * Settings().heartbeat
    assert "proxy_buffering off;" in block[1]
