"""What was done while nobody looked, or while somebody else wrote."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
from ticker.audit import Audit
from ticker.store import Store

from tests.life.house import Watcher
from tests.stage import Stage
from tests.waiting import until

WINDOW = 10
"""Of a channel that is not told another."""
LOOKS = 5


@pytest.mark.parametrize("query", ["", "?section=world"], ids=["everything", "a filter"])
@pytest.mark.parametrize("act", ["retract", "hold"])
async def test_who_was_away_keeps_nothing_that_others_have_let_go(stage: Stage, act: str, query: str) -> None:
    """What a full window let go for an item comes back to nobody when that item is taken back."""
    headlines = [f"Line {number}" for number in range(WINDOW)]
    for headline in headlines:
        await stage.post(headline, sections=["world"])
    async with AsyncExitStack() as leaving:
        watchers = [Watcher(stage, "en", query, WINDOW) for _ in range(2)]
        for watcher in watchers:
            leaving.push_async_callback(watcher.leave)
            await watcher.come()
        stayed, went = watchers
        await went.leave()
        last = (await stage.post("The last one", sections=["world"]))["item"]["id"]
        body = {"reason": "It was not so"} if act == "retract" else {}
        assert (await stage.http.post(f"/v1/channels/en/items/{last}/{act}", json=body)).is_success
        await until(lambda: len(stayed.entries) == 2, "the reader who stayed to be told")
        await went.come()
        expected = headlines[:0:-1]
        assert expected == await stage.window(query=query)
        assert expected == [row["headline"] for row in stayed.bar.items]
        assert expected == [row["headline"] for row in went.bar.items]


async def test_who_was_away_is_resumed_when_nothing_had_to_make_room(stage: Stage) -> None:
    """A retraction alone is no reason to send the whole window again."""
    await stage.post("The first")
    watcher = Watcher(stage, "en", size=WINDOW)
    await watcher.come()
    await watcher.leave()
    await stage.retract((await stage.post("The second"))["item"]["id"])
    await watcher.come()
    await watcher.leave()
    assert ["snapshot", "resume"] == [frame["type"] for frame in watcher.frames]
    assert ["The first"] == [row["headline"] for row in watcher.bar.items]


async def test_the_record_can_be_verified_while_it_is_written(store: Store) -> None:
    """Whoever looks at the chain of a busy channel is not told that its end is missing."""
    audit = Audit(store, "en")
    verdicts = []

    async def verify() -> None:
        for _ in range(LOOKS):
            verdicts.append(await audit.verify())

    verifying = asyncio.create_task(verify())
    while not verifying.done():
        await audit.note("refused", "amal Amal", refused="similar")
    await verifying
    assert [[]] * LOOKS == [verdict.wrong for verdict in verdicts]
    assert verdicts[0].records < verdicts[-1].records
