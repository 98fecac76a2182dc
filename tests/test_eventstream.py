"""The event stream: the same window, the same entries, the same cursors, over plain HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.routing import Route
from ticker.eventstream import asked_for
from ticker.hub import Hub
from ticker.live import Readers

from tests.stage import PLAIN, Stage, frame, running
from tests.test_connection import raw
from tests.waiting import until

EVENTS = {"Accept": "text/event-stream"}
GET = "GET {path} HTTP/1.1\r\nHost: ticker\r\nAccept: text/event-stream\r\n\r\n"


class Stream:
    """A reader of events, as the standard tells a browser to read them (HTML 9.2.6)."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.last_id = ""
        self.retry: int | None = None
        self._lines = response.aiter_lines()

    async def event(self) -> tuple[str, Any]:
        """The next event: its type, and its data."""
        kind, data = "message", list[str]()
        while True:
            async with asyncio.timeout(10):
                line = await anext(self._lines)
            if not line:
                if data:
                    return kind, json.loads("\n".join(data))
                continue
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            match name:
                case "id":
                    self.last_id = value
                case "retry":
                    self.retry = int(value)
                case "event":
                    kind = value
                case "data":
                    data.append(value)

    async def ended(self) -> bool:
        """Whether the line has ended without another event."""
        async with asyncio.timeout(10):
            return await anext(self._lines, None) is None


@asynccontextmanager
async def public(stage: Stage, query: str = "", **headers: str) -> AsyncIterator[Stream]:
    """Read events of a channel, without a key."""
    async with (
        httpx.AsyncClient(base_url=stage.url, **PLAIN) as http,
        http.stream("GET", f"/v1/channels/en/live{query}", headers={**EVENTS, **headers}) as response,
    ):
        yield Stream(response)


async def test_the_first_event_is_the_window_and_then_come_the_entries(stage: Stage) -> None:
    """Word for word what a WebSocket gets; the id of each is its cursor."""
    await stage.post("before")
    async with public(stage) as stream, stage.reader() as line:
        assert 200 == stream.response.status_code
        assert "text/event-stream; charset=utf-8" == stream.response.headers["Content-Type"]
        assert "*" == stream.response.headers["Access-Control-Allow-Origin"]
        kind, first = await stream.event()
        assert ("message", "snapshot", first["cursor"]) == (kind, first["type"], stream.last_id)
        assert ["before"] == [item["headline"] for item in first["items"]]
        await frame(line)
        posted = await stage.post("after")
        _, entry = await stream.event()
        assert (await frame(line), posted["cursor"]) == (entry, stream.last_id)
        await stage.retract(posted["item"]["id"])
        _, entry = await stream.event()
        assert ("retract", False) == (entry["act"], "headline" in entry["item"])


async def test_whoever_comes_back_gets_what_he_missed(stage: Stage) -> None:
    """From the id that the browser has; that counts more than the cursor in the address, which is an old one."""
    cursors = [(await stage.post(f"Number {number}, with words of its own"))["cursor"] for number in range(4)]
    for query, headers in (
        (f"?cursor={cursors[1]}", {}),
        ("", {"Last-Event-ID": cursors[1]}),
        (f"?cursor={cursors[3]}", {"Last-Event-ID": cursors[1]}),
    ):
        async with public(stage, query, **headers) as stream:
            _, first = await stream.event()
            assert ("resume", cursors[2:]) == (first["type"], [entry["cursor"] for entry in first["entries"]])
    async with public(stage, **{"Last-Event-ID": "nonsense"}) as stream:
        _, first = await stream.event()
        assert ("reset", "epoch") == (first["type"], first["reason"])


async def test_filters_hold_for_events_too(stage: Stage) -> None:
    """One group for both kinds of lines."""
    async with public(stage, "?section=sport") as stream:
        await stream.event()
        await stage.post("of no concern")
        await stage.post("final whistle", sections=["sport"])
        assert "final whistle" == (await stream.event())[1]["item"]["headline"]


async def test_a_quiet_stream_has_heartbeats(valkey: str) -> None:
    """As events, so that a page sees them, with the cursor as their id."""
    async with running(valkey, heartbeat=0.1) as stage, public(stage) as stream:
        _, first = await stream.event()
        _, beat = await stream.event()
        assert ("heartbeat", first["cursor"]) == (beat["type"], beat["cursor"])


@pytest.mark.parametrize(
    ("address", "status"),
    [("/v1/channels/xx/live", 404), ("/v1/channels/en/live?urgency=99", 422), ("/v1/channels/en/desk", 401)],
)
async def test_a_refusal_is_a_problem_that_any_page_may_read(stage: Stage, address: str, status: int) -> None:
    """With the header that lets a page of another origin see it."""
    async with httpx.AsyncClient(base_url=stage.url, **PLAIN) as http:
        answer = await http.get(address, headers=EVENTS)
    assert status == answer.status_code == answer.json()["status"]
    assert "application/problem+json" == answer.headers["Content-Type"]
    assert "*" == answer.headers["Access-Control-Allow-Origin"]


async def test_a_key_opens_the_desks_line(stage: Stage) -> None:
    """The same admission as for a WebSocket."""
    async with stage.http.stream("GET", "/v1/channels/en/desk", headers=EVENTS) as response:
        assert "snapshot" == (await Stream(response).event())[1]["type"]


async def test_whoever_is_sent_away_is_told_when_to_come_back(valkey: str) -> None:
    """A browser comes back by itself: after the time that it is told."""
    async with running(valkey) as stage, public(stage) as stream:
        await stream.event()
        assert stage.app is not None
        (hub,) = [hub for hub in hubs(stage) if len(hub)]
        (reader,) = hub.readers()
        reader.close(1012, '{"retry_ms":1234}')
        assert ("close", {"code": 1012, "reason": '{"retry_ms":1234}'}) == await stream.event()
        assert 1234 == stream.retry
        assert await stream.ended()
        assert 0 == len(hub)


async def test_a_stream_over_http_1_0_is_the_same(stage: Stage) -> None:
    """As many proxies ask: no chunks, no length, the end of the line is the end."""
    async with raw(stage, GET.format(path="/v1/channels/en/live").replace("1.1", "1.0")) as (reader, _):
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert b"chunked" not in head.lower()
        assert (await asyncio.wait_for(reader.readuntil(b"\n"), 5)).startswith(b"id: ")


async def test_the_answer_and_the_first_event_leave_together(stage: Stage) -> None:
    """In one write, as on a WebSocket."""
    async with raw(stage, GET.format(path="/v1/channels/en/live")) as (reader, _):
        got = await asyncio.wait_for(reader.read(65_536), 5)
    assert b'"type":"snapshot"' in got.partition(b"\r\n\r\n")[2]


async def test_whoever_asks_again_on_the_line_is_cut(stage: Stage) -> None:
    """The first answer has no end."""
    async with raw(stage, GET.format(path="/v1/channels/en/live")) as (reader, writer):
        await asyncio.wait_for(reader.readuntil(b"\n\n"), 5)
        writer.write(b"GET / HTTP/1.1\r\nHost: ticker\r\n\r\n")
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 5)
    await until(lambda: not any(map(len, hubs(stage))), "the line to be forgotten")


@pytest.mark.parametrize(
    ("method", "path", "accept", "asks"),
    [
        ("GET", "/v1/channels/en/live", b"text/event-stream", True),
        ("GET", "/v1/channels/en/live", b"application/json, Text/Event-Stream;q=0.5", True),
        ("GET", "/v1/channels/en/desk", b"text/event-stream", True),
        ("GET", "/v1/channels/en/live", b"*/*", False),
        ("GET", "/v1/channels/en/items", b"text/event-stream", False),
        ("POST", "/v1/channels/en/live", b"text/event-stream", False),
        ("HEAD", "/v1/channels/en/live", b"text/event-stream", False),
    ],
)
def test_events_are_asked_for_by_name(method: str, path: str, accept: bytes, asks: bool) -> None:
    """With GET, at the address of a live line."""
    assert asks == asked_for({"method": method, "path": path, "headers": [(b"accept", accept)]})


def hubs(stage: Stage) -> list[Hub]:
    """Those of a service in this process."""
    assert stage.app is not None
    (live,) = [route for route in stage.app.routes if isinstance(route, Route) and route.path.endswith("}/live")]
    readers: Readers = getattr(live.endpoint, "__self__")  # noqa: B009
    return list(readers._hubs.values())
