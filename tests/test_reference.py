"""The documents as they are served: made once, off the loop, and anew when the channels are others."""

from __future__ import annotations

import asyncio
import threading

import pytest
from starlette.requests import Request
from starlette.responses import Response
from ticker.answers import Alive
from ticker.channel import DEFAULT, Channel
from ticker.operation import Operation, on
from ticker.reference import Reference

from tests.stage import Stage, running

WEATHER = Channel(name="weather", title="Weather", language="en")


async def alive(request: Request) -> Response:
    """Whether it answers."""
    return Response("")


class Built:
    """A reference, and from where its operations were asked."""

    def __init__(self) -> None:
        self.channels = {channel.name: channel for channel in DEFAULT}
        self.threads: list[int] = []
        self.reference = Reference(self._operations, self.channels)

    def _operations(self) -> list[Operation]:
        self.threads.append(threading.get_ident())
        return [on("GET", "/alive/{channel}", "alive", alive, "public", Alive)]

    async def get(self, etag: str = "") -> Response:
        """The document."""
        headers = [(b"if-none-match", etag.encode())] if etag else []
        return await self.reference.openapi(Request({"type": "http", "method": "GET", "headers": headers}))


async def test_a_document_is_made_when_it_is_first_asked_for_and_once() -> None:
    """However many ask at the same moment."""
    built = Built()
    assert [] == built.threads
    answers = await asyncio.gather(*(built.get() for _ in range(20)))
    assert 1 == len(built.threads)
    assert 1 == len({bytes(answer.body) for answer in answers})


async def test_the_loop_serves_readers_while_a_document_is_made() -> None:
    """It takes half a second of computing, in a thread of its own."""
    built = Built()
    await built.get()
    assert threading.get_ident() not in built.threads


async def test_a_document_is_made_anew_when_the_channels_are_others() -> None:
    """After a reload it names those that there are, under another ETag; what is the same is not made again."""
    built = Built()
    before = await built.get()
    built.channels["weather"] = WEATHER
    after = await built.get()
    assert b"weather" not in before.body
    assert b"weather" in after.body
    assert before.headers["ETag"] != after.headers["ETag"]
    await built.get()
    assert 2 == len(built.threads)


async def test_who_has_it_already_is_told_so() -> None:
    """304 without a body, for the same ETag only: among others, and as a proxy may have weakened it."""
    built = Built()
    etag = (await built.get()).headers["ETag"]
    for given in (etag, f"W/{etag}", f'"other", {etag}'):
        same = await built.get(given)
        assert (304, b"") == (same.status_code, bytes(same.body))
    other = await built.get('"other"')
    assert (200, True) == (other.status_code, b"openapi" in other.body)


@pytest.mark.parametrize("address", ["/openapi.json", "/asyncapi.json"])
async def test_a_cache_may_keep_a_document_for_a_minute(stage: Stage, address: str) -> None:
    """And any site may read it."""
    answer = await stage.http.get(address, headers={"Origin": "https://news.example", "Authorization": ""})
    assert (200, "application/json") == (answer.status_code, answer.headers["Content-Type"])
    assert "public, max-age=60" == answer.headers["Cache-Control"]
    assert "*" == answer.headers["Access-Control-Allow-Origin"]
    assert 304 == (await stage.http.get(address, headers={"If-None-Match": answer.headers["ETag"]})).status_code


async def test_each_half_serves_the_document_of_what_it_serves(valkey: str) -> None:
    """Who edits learns nothing of the live stream there, and who reads nothing of editing."""
    async with running(valkey, role="api") as api, running(valkey, role="fanout") as fanout:
        editing = (await api.http.get("/openapi.json")).json()["paths"]
        reading = (await fanout.http.get("/openapi.json")).json()["paths"]
        assert "/v1/channels/{channel}/items/{id}/retract" in editing.keys() - reading.keys()
        assert "/v1/channels" in reading.keys() - editing.keys()
        assert (404, 200) == (
            (await api.http.get("/asyncapi.json")).status_code,
            (await fanout.http.get("/asyncapi.json")).status_code,
        )
