"""`ticker load`: bounds, the report, and that a service which loses something is found out."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from argparse import Namespace
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from ticker import load
from ticker.client import Failed
from ticker.errors import SettingsError
from ticker.store import Store
from websockets.asyncio.client import connect

from tests.stage import KEY, PLAIN, Stage, running
from tests.test_docs import names, section, table
from tests.waiting import until


def asked(url: str = "http://127.0.0.1:9", **given: Any) -> Namespace:
    """The command line."""
    return Namespace(
        **{
            "url": url,
            "key": KEY,
            "channel": "en",
            "readers": 5,
            "seconds": 1.0,
            "ramp": 100.0,
            "way": "ws",
            "post": 0.0,
            "yes": False,
            "json": True,
        }
        | given
    )


class Careless:
    """A gateway before a service that does something to what readers are sent."""

    def __init__(self, target: str, spoil: Callable[[int, str], list[str]]) -> None:
        """`spoil` is given the number of the reader and a frame, and says what he is sent instead."""
        self.url = ""
        self._target, self._spoil, self._readers = target, spoil, 0

    async def live(self, line: WebSocket) -> None:
        """A reader."""
        number, self._readers = self._readers, self._readers + 1
        await line.accept()
        address = self._target.replace("http", "ws", 1) + line.url.path
        with suppress(WebSocketDisconnect):
            async with connect(address, proxy=None) as real:
                async for text in real:
                    for spoilt in self._spoil(number, str(text)):
                        await line.send_text(spoilt)

    async def post(self, request: Request) -> Response:
        """An editor."""
        headers = {name: request.headers[name] for name in ("authorization", "content-type", "idempotency-key")}
        async with httpx.AsyncClient(base_url=self._target, **PLAIN) as http:
            answer = await http.post(request.url.path, content=await request.body(), headers=headers)
        return Response(answer.content, answer.status_code, {"Content-Type": "application/json"})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve."""
        path = "/v1/channels/en/"
        app = Starlette(
            routes=[WebSocketRoute(path + "live", self.live), Route(path + "items", self.post, methods=["POST"])]
        )
        config = uvicorn.Config(app, port=0, log_config=None, access_log=False, lifespan="off", ws="websockets-sansio")
        server = uvicorn.Server(config)
        task = asyncio.create_task(server._serve())
        try:
            await until(lambda: server.started or task.done(), "the gateway to listen")
            self.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
            yield
        finally:
            server.should_exit = server.force_exit = True
            await asyncio.wait_for(task, 10)


def report(capsys: pytest.CaptureFixture[str]) -> Any:
    """What it said."""
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"readers": 20_001}, "--readers takes a number up to 20,000, and not 20001."),
        ({"readers": 0}, "--readers takes"),
        ({"readers": -1}, "--readers takes"),
        ({"seconds": 3601.0}, "--seconds takes"),
        ({"seconds": float("nan")}, "--seconds takes"),
        ({"ramp": 2001.0}, "--ramp takes"),
        ({"post": 21.0, "yes": True}, "--post takes"),
        ({"post": 1.0}, "--post publishes alerts that everybody who watches 'en' sees; --yes says so be it."),
    ],
)
async def test_nothing_is_begun_beyond_the_bounds(given: dict[str, Any], said: str) -> None:
    """Nobody is there at this address, and nobody is asked."""
    with pytest.raises(Failed, match=r"^--") as refused:
        await load.load(asked(**given))
    assert refused.value.detail.startswith(said)


def test_the_bounds_are_those_in_the_manual() -> None:
    """No more and no less."""
    rows = table(section("operating.md", "## Trying what it carries"))
    assert {f"--{name}": f"{most:,}" for name, most in load.MOST.items()} == {
        names(flag)[0]: most for flag, most in rows
    }


async def test_nobody_posts_without_a_key(environment: pytest.MonkeyPatch) -> None:
    """It is missed before the first reader comes."""
    environment.delenv("TICKER_KEY")
    with pytest.raises(SettingsError):
        await load.load(asked(key=None, post=1.0, yes=True))


async def test_a_run_tells_what_readers_were_given(
    stage: Stage, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of every way come in, every alert comes to all who were there, and no phone is told."""
    assert 0 == await load.load(asked(stage.url, readers=20, way="mixed", post=10.0, yes=True, ramp=200.0))
    told = report(capsys)
    assert (20, 20, 0, 0) == (told["readers"], told["joined"], told["away"], told["gone"])
    assert told["posted"] == told["received_by_all"] > 0
    assert told["received"] == told["to_receive"] >= told["posted"]
    assert ([], {}, {}, 0) == (told["wrong"], told["refused"], told["not_posted"], told["resets"])
    for name in ("first_frame_seconds", "post_to_reader_seconds", "own_delay_seconds"):
        assert 0 <= told[name]["p50"] <= told[name]["p99"] <= told[name]["last"] < 15
    stored = [json.loads(item) for item in await store.redis.hvals("{ticker:en}:items")]
    assert [False] * told["posted"] == [item["push"]["enabled"] for item in stored][: told["posted"]]
    assert all(item["expires"] for item in stored)


class Lose:
    """The second reader is not sent the second alert that comes when he is there."""

    def __init__(self) -> None:
        self._seen = 0

    def __call__(self, number: int, text: str) -> list[str]:
        self._seen += number == 1 and '"entry"' in text
        return [] if number == 1 and '"entry"' in text and self._seen == 2 else [text]


def double(number: int, text: str) -> list[str]:
    """The second reader is sent every alert twice."""
    return [text, text] if number == 1 and '"entry"' in text else [text]


def mute(number: int, text: str) -> list[str]:
    """The second reader is sent no alert at all, and no hole shows it."""
    return [] if number == 1 and '"entry"' in text else [text]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [(Lose(), "was the last he had"), (double, "was the last he had"), (mute, "was given nothing after")],
)
async def test_a_service_that_loses_or_doubles_is_found_out(
    stage: Stage,
    spoil: Callable[[int, str], list[str]],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The report is given all the same; the command fails and names the reader."""
    monkeypatch.setattr(load, "SETTLE", 0.5)
    careless = Careless(stage.url, spoil)
    async with careless.running():
        with pytest.raises(Failed) as failed:
            await load.load(asked(careless.url, readers=3, ramp=1_000.0, seconds=2.0, post=10.0, yes=True))
    told = report(capsys)
    assert told["wrong"]
    assert failed.value.detail.startswith("Not as it was promised:\n  reader ")
    assert all(said in sentence for sentence in told["wrong"])
    assert 1 == len({sentence.partition(":")[0] for sentence in told["wrong"]})
    assert (spoil is double) == (told["received"] == told["to_receive"])


async def test_who_is_refused_comes_back_when_he_is_told_to(store: Store, valkey: str, capsys: Any) -> None:
    """A full service says to ask again in ten seconds, so in one each asks once."""
    async with running(valkey, max_readers=2) as stage:
        assert 0 == await load.load(asked(stage.url, readers=5, json=False))
    said = capsys.readouterr().out
    assert "2 of 5 came in; 3 away at the end" in said
    assert "3 by 503; 0 tries found nobody" in said


async def test_a_service_that_is_away_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody came in, which is no success."""
    with pytest.raises(Failed, match=r"Nobody came in\."):
        await load.load(asked(readers=2, seconds=0.2))
    assert 2 == report(capsys)["failed"]


async def test_a_wrong_key_is_told_once(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """No second post is tried."""
    with pytest.raises(Failed, match="Nothing could be posted: 401"):
        await load.load(asked(stage.url, key="no key of this house, and of no other", post=20.0, yes=True, readers=1))
    assert [1] == list(report(capsys)["not_posted"].values())


async def test_it_ends_by_the_keyboard_with_its_report(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """Long before its time, every line closed, with the status that shells know."""
    run = asyncio.create_task(load.load(asked(stage.url, seconds=600.0)))

    async def inside() -> bool:
        metrics = (await stage.http.get("/metrics")).text
        return 'ticker_readers{channel="en",way="websocket"} 5.0' in metrics

    await until(inside, "the readers to come in")
    os.kill(os.getpid(), signal.SIGINT)
    assert 130 == await asyncio.wait_for(run, 15)
    assert 5 == report(capsys)["joined"]
