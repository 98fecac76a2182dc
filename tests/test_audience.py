"""Who is watching, as the desk is told: over all processes, and exactly."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from ticker.audience import told
from ticker.reach import Spread, Tally
from ticker.store import Store
from websockets.asyncio.client import ClientConnection

from tests.desk import CHANNEL, ITEMS, NOBODY, act, done, editor, problem
from tests.documents import Described
from tests.stage import Stage, entries, frame, running
from tests.waiting import until

CROWD = 200
PROMISED = 5.0
"""Seconds after which the desk knows who has an alert."""


async def reach(stage: Stage, item: str) -> Any:
    """What is told of an item of `en`."""
    answer = await stage.http.get(f"{ITEMS}/{item}/reach")
    assert 200 == answer.status_code, answer.text
    return answer.json()


async def crowd(stack: AsyncExitStack, *halves: Stage) -> list[ClientConnection]:
    """Readers, spread over these processes, who have their first frame."""
    lines = [await stack.enter_async_context(halves[n % len(halves)].reader()) for n in range(CROWD)]
    for line in lines:
        await frame(line)
    return lines


async def test_every_reader_of_every_process_is_counted_once(store: Store, valkey: str) -> None:
    """200 of 200 within five seconds, and so for a correction; those who leave are readers no more, and have had it."""
    async with (
        running(valkey, role="api") as api,
        running(valkey, role="fanout", receipts=1) as first,
        running(valkey, role="fanout", receipts=1) as second,
        AsyncExitStack() as stack,
    ):
        lines = await crowd(stack, first, second)
        item = (await api.post("The bridge is open"))["item"]["id"]
        (cursor,) = {(await entries(line, 1))[0]["cursor"] for line in lines}

        async def all_of(version: int) -> bool:
            found = await reach(api, item)
            return [CROWD, CROWD, version] == [found[name] for name in ("readers", "reached", "version")]

        await until(lambda: all_of(1), "200 of 200", PROMISED)
        found = await reach(api, item)
        assert 2 == found["processes"]
        assert 0 <= found["p50_ms"] <= found["p95_ms"] <= found["last_ms"] < 60_000
        assert {"asked": CROWD, "count": 0} == found["seen"]
        assert [] == found["earlier"]

        for line in lines[:50]:
            await line.send(json.dumps({"type": "seen", "cursor": cursor}))
        await until(lambda: seen(api, item, 50), "the receipts", PROMISED)
        assert {"asked", "count", "p50_ms", "p95_ms"} == set((await reach(api, item))["seen"])

        change = {"signal": "correction", "headline": "It is shut", "correction_note": "It is not open"}
        await done(api, item, "change", change)
        await until(lambda: all_of(2), "200 of 200 for the correction", PROMISED)
        ((earlier),) = (await reach(api, item))["earlier"]
        assert (1, CROWD, 50) == (earlier["version"], earlier["reached"], earlier["seen"]["count"])

        await asyncio.gather(*(line.close() for line in lines[:30]))
        await until(lambda: connected(api, CROWD - 30), "those who left not to be counted", PROMISED)
        assert CROWD == (await reach(api, item))["reached"]


async def seen(stage: Stage, item: str, number: int) -> bool:
    """Whether so many have said that they have shown it."""
    return bool(number == (await reach(stage, item))["seen"]["count"])


async def connected(stage: Stage, number: int) -> bool:
    """Whether so many read `en`, by the desk's figure."""
    answer = await stage.http.get(f"{CHANNEL}/readers")
    assert 200 == answer.status_code, answer.text
    return bool(number == answer.json()["readers"])


async def test_a_process_that_ends_leaves_no_readers_behind(store: Store, valkey: str) -> None:
    """What it has counted stays: the item had reached them."""
    async with running(valkey, role="api") as api:
        async with running(valkey, role="fanout", drain=0) as readers, readers.reader() as line:
            await frame(line)
            item = (await api.post("The bridge is open"))["item"]["id"]
            await entries(line, 1)
            await until(lambda: connected(api, 1), "the reader")
        assert {"readers": 0, "processes": 0} == (await api.http.get(f"{CHANNEL}/readers")).json()
        assert (0, 1) == ((found := await reach(api, item))["readers"], found["reached"])


async def test_an_alert_posted_while_readers_were_reset_has_reached_them(store: Store, valkey: str) -> None:
    """They have it with the window that they are given anew; what they had before is not counted a second time."""
    async with running(valkey) as stage, stage.reader() as line:
        await frame(line)
        old = (await stage.post("before"))["item"]["id"]
        await entries(line, 1)
        await until(lambda: reached(stage, old), "the first alert")
        await store.redis.hset("{ticker:en}:meta", "replid", "0" * 40)
        new = (await stage.post("after the fault"))["item"]["id"]
        while (await frame(line))["type"] != "reset":
            pass
        await until(lambda: reached(stage, new), "the alert in the reset")
        assert 1 == (await reach(stage, old))["reached"]


async def reached(stage: Stage, item: str) -> bool:
    """Whether one reader has it."""
    return bool(1 == (await reach(stage, item))["reached"])


async def test_an_item_that_reached_nobody_has_no_times(stage: Stage) -> None:
    """And one that is not there is not found."""
    item = (await stage.post("The bridge is open"))["item"]["id"]
    found = await reach(stage, item)
    assert {"version": 1, "reached": 0, "seen": {"asked": 0, "count": 0}, "earlier": []}.items() <= found.items()
    assert not {"p50_ms", "p95_ms", "last_ms"} & set(found)
    unknown = await stage.http.get(f"{ITEMS}/01M84KNK82EG1GQT586YRGEF7V/reach")
    assert (404, "unknown-item", None) == problem(unknown)


async def test_what_never_was_on_air_has_reached_nobody(stage: Stage) -> None:
    """Its newest version is the one that is told of, whichever was shown last."""
    item = (await stage.post("The bridge is open"))["item"]["id"]
    assert 200 == (await act(stage, item, "hold")).status_code
    assert 2 == (await reach(stage, item))["version"]


@pytest.mark.parametrize("path", [f"{ITEMS}/01M84KNK82EG1GQT586YRGEF7V/reach", f"{CHANNEL}/readers"])
async def test_only_those_who_may_read_are_told(stage: Stage, store: Store, path: str) -> None:
    """How many are watching is the newsroom's."""
    assert 401 == (await stage.http.get(path, headers=NOBODY)).status_code
    assert 403 == (await stage.http.get(path, headers=await editor(store, "poster", "publish"))).status_code
    elsewhere = await editor(store, "editor of ar", "read", channels=("ar",))
    assert 403 == (await stage.http.get(path, headers=elsewhere)).status_code


async def test_the_answers_are_as_they_are_described(stage: Stage) -> None:
    """With readers and without."""
    described = await Described.of(stage)

    async def fits(path: str) -> httpx.Response:
        answer = await stage.http.get(path)
        assert 200 == answer.status_code
        assert [] == described.unlike(answer), answer.text
        return answer

    async with stage.reader() as line:
        await frame(line)
        item = (await stage.post("The bridge is open"))["item"]["id"]
        await fits(f"{ITEMS}/{item}/reach")
        await done(stage, item, "pin", {})
        await entries(line, 2)
        await until(lambda: reached(stage, item), "the pin")
        assert 1 == len((await fits(f"{ITEMS}/{item}/reach")).json()["earlier"])
        await fits(f"{CHANNEL}/readers")


def test_nobody_answers_who_was_not_asked() -> None:
    """How many are asked is chance, and known only as what is likely."""
    tally = Tally("a", 1, 0, reached=Spread(100, 5, {3: 100}), seen=Spread(3, 9, {4: 3}), asked=1.0)
    assert {"asked": 3, "count": 3} == {name: told(tally)["seen"][name] for name in ("asked", "count")}
