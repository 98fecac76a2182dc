"""`ticker push status|dead|test|vapid`: straight from the store."""

from __future__ import annotations

import asyncio

import pytest
from ticker.bridges.provider import Answer
from ticker.bridges.webpush import private_key
from ticker.store import Store

from tests.bridges.stage import Printer, Room
from tests.terminal import Run


@pytest.fixture
def here(valkey: str, environment: pytest.MonkeyPatch) -> str:
    """The store that the commands talk to, empty."""
    environment.setenv("TICKER_REDIS_URL", valkey)

    async def empty() -> None:
        store = Store(valkey)
        await store.redis.flushall()
        await store.close()

    asyncio.run(empty())
    return valkey


def sent(url: str, *answers: Answer) -> str:
    """An item whose first push was answered so; its id."""

    async def send() -> str:
        store = Store(url)
        room, phone = Room(store), Printer()
        phone.answers = list(answers)
        async with room.sending(phone):
            item = await room.post("17 are safe")
            await room.settled(item)
        await store.close()
        return item.id

    return asyncio.run(send())


def test_what_became_of_a_push_is_told(here: str, run: Run) -> None:
    """By version, provider and outcome; an item that nobody knows is one."""
    item = sent(here)
    told = run("push", "status", item)
    assert 0 == told.status
    assert f"en  {item}  version 1  published" in told.out
    assert "version 1  printer  1 accepted" in told.out
    assert (1, True) == ((found := run("push", "status", "0" * 26)).status, "There is no item" in found.err)


def test_dead_letters_are_shown_tried_again_and_dropped(here: str, run: Run) -> None:
    """By their ids, or all of them."""
    item = sent(here, Answer("refused", "413 too large"))
    listed = run("push", "dead", "list")
    assert item in listed.out
    assert "413 too large" in listed.out
    letter = listed.out.split()[0]
    assert "" == run("push", "dead", "list", "--channel", "ar").out
    assert "1 are tried again" in run("push", "dead", "retry", letter).out
    assert "1 pending" in run("push", "status", item).out
    assert 1 == run("push", "dead", "drop", letter).status
    assert "0 are dropped" in run("push", "dead", "drop").out
    assert 1 == run("push", "dead", "list", "--channel", "nowhere").status


def test_an_entry_that_was_lost_is_shown_and_cannot_be_tried_again(here: str, run: Run) -> None:
    """There is nothing to try; it can be dropped."""

    async def bury() -> None:
        store = Store(here)
        await Room(store).outbox.bury({"entry": "5-1", "entries": 3, "kind": "trimmed", "reason": "gone"})
        await store.close()

    asyncio.run(bury())
    assert "trimmed: 3 from 5-1 on: gone" in run("push", "dead", "list").out
    assert "was an entry of the log" in run("push", "dead", "retry").out
    assert "1 are dropped" in run("push", "dead", "drop").out


def test_what_would_be_sent_is_told(here: str, run: Run, environment: pytest.MonkeyPatch) -> None:
    """By the one that prints when none is set; where nobody is registered it says so."""
    assert '"would_send":"alert"' in run("push", "test", "en").out
    environment.setenv("TICKER_WEBHOOKS", "1")
    assert "webhook: nobody is registered" in run("push", "test", "en").out
    assert 1 == run("push", "test", "nowhere").status


def test_a_key_for_web_push_is_made(here: str, run: Run) -> None:
    """Another one each time, as the settings take it."""
    first, second = run("push", "vapid").out.strip(), run("push", "vapid").out.strip()
    assert first != second
    private_key(first.removeprefix("TICKER_VAPID_KEY="))
