"""The fleet of `docker-compose.yml` as processes: the same commands and environment, the store's users, the proxy."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.faults.servers import server
from tests.fleet.deployed import Part, acl, planned
from tests.fleet.proxy import Proxy, proxy
from tests.stage import AUTHORIZED, PLAIN, entries, frame, short_directory
from tests.waiting import until

LIVE = "/v1/channels/en/live"
WINDOW = "/v1/channels/en/items"
ALERTS = 4


@dataclass(frozen=True)
class Fleet:
    """One process for each container."""

    api: Part
    fanouts: list[Part]
    push: Part
    proxy: Proxy

    def reader(self) -> connect:
        """A line through the proxy."""
        return connect(self.proxy.url.replace("http", "ws") + LIVE, proxy=None)


@pytest.fixture
async def fleet(redis7: str) -> AsyncIterator[Fleet]:
    """All roles, ready behind the proxy, on an empty store of their own that knows each by its user."""
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(short_directory())
        store = stack.enter_context(server(directory))
        users = acl()
        # The last is the one that shuts the door.
        for name, *rules in [*users[1:], users[0]]:
            store.command("ACL", "SETUSER", name, "reset", *rules)

        started: list[Part] = []
        for name in ("api", "push", *["fanout"] * planned("fanout").replicas):
            started.append(Part(planned(name), store.port, directory / f"output-{len(started)}"))
            stack.callback(started[-1].end)
        api, push, *fanouts = started
        for part in started:
            await until(part.ready, f"{part.plan.name} to be ready; it said: {part.said}", 30)
        before = stack.enter_context(proxy([api.port], [part.port for part in fanouts], drain="4s"))
        yield Fleet(api, fanouts, push, before)


def readers(part: Part) -> int:
    """How many lines this fan-out has, by its own figures."""
    page = httpx.get(part.url + "/metrics", **PLAIN).text
    return sum(int(float(line.split()[1])) for line in page.splitlines() if line.startswith("ticker_readers{"))


async def event(events: AsyncIterator[str], kind: str) -> Any:
    """The next Server-Sent Event of this type; others, such as heartbeats, are passed over."""
    async with asyncio.timeout(10):
        async for line in events:
            if line.startswith("data: ") and (told := json.loads(line.removeprefix("data: ")))["type"] == kind:
                return told
    raise AssertionError("the event stream ended")


async def closed(line: ClientConnection) -> int | None:
    """The code with which this line ends, None when it ends without a word."""
    try:
        while True:
            await frame(line)
    except ConnectionClosed as ended:
        return ended.rcvd.code if ended.rcvd else None


async def test_an_alert_goes_from_api_to_two_fanouts_and_to_phones_through_the_proxy(fleet: Fleet) -> None:
    """One address for lines on both fan-outs, an event stream, the polled window, and posts; and an end in time."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=fleet.proxy.url, **PLAIN))
        lines = [await stack.enter_async_context(fleet.reader()) for _ in fleet.fanouts]
        assert {"snapshot"} == {(await frame(line))["type"] for line in lines}
        assert [1, 1] == [readers(part) for part in fleet.fanouts]
        stream = await stack.enter_async_context(http.stream("GET", LIVE, headers={"Accept": "text/event-stream"}))
        events = stream.aiter_lines()
        assert [] == (await event(events, "snapshot"))["items"]

        async def post(number: int) -> httpx.Response:
            return await http.post(WINDOW, json={"headline": f"Alert number {number} stands"}, headers=AUTHORIZED)

        answers = await asyncio.gather(*map(post, range(ALERTS)))
        assert [201] * ALERTS == [answer.status_code for answer in answers]
        cursors = sorted((answer.json()["cursor"] for answer in answers), key=lambda cursor: int(cursor.split("-")[1]))
        for line in lines:
            assert cursors == [entry["cursor"] for entry in await entries(line, ALERTS)]
        # Each in its moment: what is collected on the way would come only when more follows.
        assert cursors == [(await event(events, "entry"))["cursor"] for _ in cursors]

        async def polled() -> bool:
            return bool((await http.get(WINDOW)).json()["cursor"] == cursors[-1])

        await until(polled, "the polled window to have them", 5)
        path = f"{WINDOW}/{answers[0].json()['item']['id']}/retract"
        assert 200 == (await http.post(path, json={"reason": "A test"}, headers=AUTHORIZED)).status_code
        for line in lines:
            assert "retract" == (await entries(line, 1))[0]["act"]

        # A new configuration leaves the lines where they are for a while, and new ones go on.
        fleet.proxy.reload()
        assert 201 == (await post(ALERTS)).status_code
        for line in lines:
            assert "publish" == (await entries(line, 1))[0]["act"]
        assert {None} == {await closed(line) for line in lines}
        again = [await stack.enter_async_context(fleet.reader()) for _ in lines]
        assert {"snapshot"} == {(await frame(line))["type"] for line in again}

        told = {answer.json()["item"]["id"] for answer in answers[1:]}
        await until(lambda: all(item in fleet.push.said for item in told), "the bridge to tell of what stands")
        assert answers[0].json()["item"]["id"] not in fleet.push.said

        # One that is killed costs its readers another try, and nobody else anything.
        fleet.fanouts[0].end()
        assert {200} == {(await http.get("/v1/channels")).status_code for _ in range(4)}
        last = await stack.enter_async_context(fleet.reader())
        assert "snapshot" == (await frame(last))["type"]
        await until(lambda: readers(fleet.fanouts[1]) == 2, "the other one to have its own and this one")

        parts = [fleet.api, fleet.fanouts[1], fleet.push]
        for part in parts:
            part.process.terminate()
        assert 1012 == await closed(last)
        assert [0, 0, 0] == await asyncio.gather(*(asyncio.to_thread(part.stop) for part in parts))
        answer = await post(ALERTS + 1)
        assert (503, True) == (answer.status_code, answer.json()["retry"])
