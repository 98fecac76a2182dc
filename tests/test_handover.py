"""From a request to a reader's line: what uvicorn must keep doing for us, and whose line it is at which moment."""

from __future__ import annotations

import asyncio
import inspect
import json

import pytest
from ticker.handover import Handover
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tests.stage import Stage
from tests.test_connection import UPGRADE, raw, received

LIVE = "/v1/channels/en/live"
STREAM = f"GET {LIVE} HTTP/1.1\r\nHost: ticker\r\nAccept: text/event-stream\r\n\r\n"
WINDOW = "GET /v1/channels/en/items HTTP/1.1\r\nHost: ticker\r\n\r\n"


@pytest.mark.parametrize(
    ("method", "words"),
    [
        (
            HttpToolsProtocol.data_received,
            ["parser.feed_data(data)", "HttpParserUpgrade", "websocket_upgrade()"],
        ),
        (HttpToolsProtocol.on_headers_complete, ['scope["method"]', "_should_upgrade()", "_start_asgi_task"]),
        (HttpToolsProtocol.on_message_begin, ['self.url = b""', '"client": self.client', '"headers": self.headers']),
    ],
    ids=["bytes", "headers", "a request"],
)
def test_uvicorn_goes_the_way_that_we_leave(method: object, words: list[str]) -> None:
    """These steps of its own, in this order, are what is taken over."""
    source = inspect.getsource(method)  # type: ignore[arg-type]
    assert sorted(source.index(word) for word in words) == [source.index(word) for word in words]


def test_nothing_is_taken_over_that_uvicorn_does_not_have() -> None:
    """Each method that is replaced here is one of its own."""
    own = {name for name, value in vars(Handover).items() if inspect.isfunction(value)}
    assert {"release", "_give_away", "_let_go"} == {name for name in own if not hasattr(HttpToolsProtocol, name)}


async def answered(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    """The status line of the next answer, and its body."""
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).decode()
    length = next(line for line in head.lower().split("\r\n") if line.startswith("content-length:"))
    return head.split("\r\n")[0], await reader.readexactly(int(length.partition(":")[2]))


async def test_a_line_may_have_served_requests_before_it_is_a_readers(stage: Stage) -> None:
    """A browser uses a line again that is still open."""
    for last in (UPGRADE.format(path=LIVE), STREAM):
        async with raw(stage, WINDOW) as (reader, writer):
            assert "HTTP/1.1 200 OK" == (await answered(reader))[0]
            writer.write(last.encode())
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            if b" 101 " in head:
                assert "snapshot" == json.loads(bytes((await received(reader)).data))["type"]
            else:
                assert b"event-stream" in head
                assert b'"snapshot"' in await asyncio.wait_for(reader.readuntil(b"\n\n"), 5)
            await stage.post(f"to whoever is there, by {len(last)} bytes")
            assert b"to whoever" in await asyncio.wait_for(reader.readuntil(b"whoever"), 5)


async def test_a_stream_that_is_asked_for_too_early_is_none(stage: Stage) -> None:
    """Behind a request that has not been answered yet: what was first is answered first, whole."""
    async with raw(stage, WINDOW + STREAM) as (reader, writer):
        status, body = await answered(reader)
        assert ("HTTP/1.1 200 OK", "en") == (status, json.loads(body)["channel"])
        assert b"event-stream" not in (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5))
        writer.close()


async def test_a_body_of_a_request_for_a_stream_is_passed_over(stage: Stage) -> None:
    """It has no meaning, and harms nobody."""
    request = STREAM.replace("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\nhello")
    async with raw(stage, request) as (reader, _):
        assert b" 200 OK" in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert b'"snapshot"' in await asyncio.wait_for(reader.readuntil(b"\n\n"), 5)


@pytest.mark.parametrize("path", ["/v1/channels/%65n/live", "/v1/channels/en/live?", "/v1/channels/en/live?x=%ff"])
async def test_an_address_may_be_written_in_other_ways(stage: Stage, path: str) -> None:
    """With escapes, with an empty query, with one that says nothing to us."""
    async with raw(stage, UPGRADE.format(path=path)) as (reader, _):
        assert b" 101 " in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)


@pytest.mark.parametrize("path", ["/", "/v1/channels/en/items", "/v1/channels/en/live/", "/v1/channels/%2Fen/live"])
async def test_an_upgrade_anywhere_else_finds_nothing(stage: Stage, path: str) -> None:
    """As a problem, over HTTP."""
    async with raw(stage, UPGRADE.format(path=path)) as (reader, _):
        status, body = await answered(reader)
    assert ("HTTP/1.1 404 Not Found", 404) == (status, json.loads(body)["status"])
