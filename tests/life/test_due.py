"""What has a time of its own: done when it has come, once, whoever was away and however many there are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from ticker import embedded
from ticker.item import iso
from ticker.store import Store
from ticker.stream import Log

from tests.life.house import Watcher
from tests.life.model import BY_ITSELF, Doc, milliseconds
from tests.stage import KEY, PLAIN, Service, Stage, free_port, short_directory
from tests.waiting import until, until_now

SOON = 4000
"""Milliseconds in which everything is prepared, and a process killed."""
QUIET = 2500
"""Milliseconds after the last act in which everybody has looked for more at least twice."""
CROWD = 15


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """`ticker serve` that speaks to its readers often."""
    with short_directory() as directory:
        found = Service(directory, "--heartbeat", "0.5")
        found.start()
        try:
            yield found
        finally:
            found.end()


@asynccontextmanager
async def watched(url: str) -> AsyncIterator[tuple[Stage, Watcher]]:
    """An editor of this process, and a reader who is there from the beginning."""
    async with editing(url) as stage:
        watcher = Watcher(stage, "en", size=10)
        try:
            await watcher.come()
            yield stage, watcher
        finally:
            await watcher.leave()


@asynccontextmanager
async def editing(url: str) -> AsyncIterator[Stage]:
    """An editor of this process."""
    stage = Stage(url)
    try:
        yield stage
    finally:
        await stage.http.aclose()


async def act(stage: Stage, item_id: str, name: str, body: Any = None) -> None:
    """Something that is done to an item, and taken."""
    answer = await stage.http.post(f"/v1/channels/en/items/{item_id}/{name}", json=body)
    assert answer.status_code == 200, answer.text


async def by_itself(stage: Stage) -> list[Doc]:
    """The records of what nobody did, oldest first."""
    records = (await stage.http.get("/v1/channels/en/audit?after=0&limit=500")).json()["records"]
    return [record for record in records if record["by"] == BY_ITSELF]


async def quiet(stage: Stage, watcher: Watcher, number: int) -> list[Doc]:
    """These records, once there are so many and the reader has heard that time went on after the last of them."""
    found: list[Doc] = []

    async def done() -> bool:
        found[:] = await by_itself(stage)
        return len(found) >= number

    await until(done, f"{number} acts to be done by themselves")
    over = iso(milliseconds(found[-1]["at"]) + QUIET)
    await until(lambda: watcher.frames[-1]["time"] > over if "time" in watcher.frames[-1] else False, "time to go on")
    return await by_itself(stage)


async def test_what_came_due_while_nobody_ran_is_done_once_at_the_start(service: Service) -> None:
    """A schedule, an embargo, an expiry and the end of a pin; what would have come and gone is never shown."""
    async with watched(service.url) as (stage, watcher):
        begun = int(time.time() * 1000)
        due = iso(begun + SOON)
        ids: dict[str, str] = {}
        for name, fields in {
            "standing": {},
            "ending": {"expires": due},
            "pinned": {},
            "scheduled": {"publish_at": due},
            "embargoed": {"embargoed": due},
            "come and gone": {"publish_at": due, "expires": iso(begun + SOON + 1)},
            "held and ended": {"expires": due},
        }.items():
            ids[name] = (await stage.post(name, **fields))["item"]["id"]
        await act(stage, ids["pinned"], "pin", {"until": due})
        await act(stage, ids["held and ended"], "hold")
        shown = ["pinned", "ending", "standing"]
        await until(lambda: shown == [row["headline"] for row in watcher.bar.items], "the reader to have it all")
        assert time.time() * 1000 < begun + SOON, "this machine was too slow for this test"
        heard = len(watcher.entries)
        service.kill()
        await watcher.leave()
        until_now(lambda: time.time() * 1000 > begun + SOON + 1, "the time to come")
        service.start()
        await watcher.come()
        acts = await quiet(stage, watcher, 6)

        expected = Counter(
            {
                ("publish", "scheduled"): 1,
                ("publish", "embargoed"): 1,
                ("expire", "ending"): 1,
                ("expire", "come and gone"): 1,
                ("expire", "held and ended"): 1,
                ("unpin", "pinned"): 1,
            }
        )
        names = {item_id: name for name, item_id in ids.items()}
        assert expected == Counter((record["act"], names[record["item"]]) for record in acts)
        assert not [record for record in acts if record["at"] < due]
        window = (await stage.http.get("/v1/channels/en/items")).json()["items"]
        assert window == watcher.bar.items
        # The two that were due in the same moment may have come in either order.
        assert {"scheduled", "embargoed"} == {item["headline"] for item in window[:2]}
        assert ["pinned", "standing"] == [item["headline"] for item in window[2:]]
        address = embedded.address(service.data)
        assert address is not None
        store = Store(address)
        logged = Counter((entry.act, names[entry.item.id]) for entry in (await Log(store, "en").read(100)).entries)
        await store.close()
        assert {1} == {*logged.values()}
        # What was held when its time ended had left the screens before; what came and went was never on one.
        assert {*expected} - {*logged} == {("expire", "come and gone")}
        told = Counter((kind, item["id"]) for kind, item in watcher.entries)
        assert not [entry for entry, times in told.items() if times > 1]
        hidden = {ids["come and gone"], ids["held and ended"]}
        assert not [item for _, item in watcher.entries[heard:] if item["id"] in hidden]
        assert not [item for frame in watcher.frames for item in frame.get("items", []) if item["id"] in hidden]


class Role:
    """`ticker api` or `ticker fanout` in a process of its own."""

    def __init__(self, name: str, redis: str, output: Path) -> None:
        self.name, self.output, port = name, output, free_port()
        self.url = f"http://127.0.0.1:{port}"
        environ = {variable: value for variable, value in os.environ.items() if not variable.startswith("TICKER_")}
        environ |= {"TICKER_REDIS_URL": redis, "TICKER_BOOTSTRAP_KEY": KEY, "TICKER_HEARTBEAT": "0.5"}
        command = [sys.executable, "-m", "ticker", name, "--port", str(port)]
        with output.open("wb") as said:
            self.process = subprocess.Popen(command, env=environ, stdout=said, stderr=said)

    def ready(self) -> bool:
        """Whether it can do its work."""
        assert self.process.poll() is None, self.output.read_text()
        try:
            return httpx.get(self.url + "/health/ready", **PLAIN).status_code == 200
        except httpx.TransportError:
            return False

    def end(self) -> None:
        """Whatever happened in the test, it does not go on."""
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        self.process.wait(20)


@contextmanager
def roles(redis: str, *names: str) -> Iterator[list[Role]]:
    """Processes on one store, ready."""
    with short_directory() as directory, ExitStack() as ending:
        found = [Role(name, redis, directory / str(number)) for number, name in enumerate(names)]
        for role in found:
            ending.callback(role.end)
        for role in found:
            until_now(role.ready, f"ticker {role.name} to be ready", 30)
        yield found


async def test_what_is_due_to_many_at_once_is_done_once_however_many_look(store: Store, valkey: str) -> None:
    """Two processes for editors wake in the same moment and find the same thirty items due."""
    with roles(valkey, "api", "api", "fanout") as (one, two, readers):
        async with watched(readers.url) as (_, watcher), editing(one.url) as stage:
            due = int(time.time() * 1000) + SOON
            coming = [(await stage.post(f"coming {n}", publish_at=iso(due)))["item"]["id"] for n in range(CROWD)]
            going = [(await stage.post(f"going {n}", expires=iso(due)))["item"]["id"] for n in range(CROWD)]
            await until(lambda: len(watcher.entries) == CROWD, "the reader to have it all")
            for role in (one, two):
                role.process.send_signal(signal.SIGSTOP)
            assert time.time() * 1000 < due, "this machine was too slow for this test"
            until_now(lambda: time.time() * 1000 > due, "the time to come")
            for role in (one, two):
                role.process.send_signal(signal.SIGCONT)
            acts = await quiet(stage, watcher, 2 * CROWD)

            expected = Counter(
                {("publish", item_id) for item_id in coming} | {("expire", item_id) for item_id in going}
            )
            assert expected == Counter((record["act"], record["item"]) for record in acts)
            assert expected == Counter((kind, item["id"]) for kind, item in watcher.entries[CROWD:])
            assert not [record for record in acts if record["at"] < iso(due)]
