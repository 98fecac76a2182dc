"""Tasks beside the requests: heard when they fail, ended when they should."""

from __future__ import annotations

import asyncio

import pytest
from ticker import tasks


async def test_a_task_that_fails_is_heard_and_begins_anew(caplog: pytest.LogCaptureFixture) -> None:
    """Its trace is in the log, and the second run goes on."""
    runs = asyncio.Queue[int]()

    async def run() -> None:
        runs.put_nowait(1)
        if runs.qsize() == 1:
            raise RuntimeError("a fault of ours")
        await asyncio.Event().wait()

    task = asyncio.create_task(tasks.supervised("the thing", run))
    async with asyncio.timeout(10):
        while runs.qsize() < 2:
            await asyncio.wait([task], timeout=0.01)
    await tasks.end([task])
    assert task.cancelled()
    assert "the task 'the thing' failed" in caplog.text
    assert "a fault of ours" in caplog.text


async def test_a_task_that_loses_a_cancellation_ends_all_the_same() -> None:
    """As a library may: the first one becomes an error that the task survives."""
    lost = 0

    async def stubborn() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lost += 1
                if lost > 1:
                    raise

    task = asyncio.create_task(stubborn())
    await asyncio.wait([task], timeout=0.01)
    await asyncio.wait_for(tasks.end([task]), 5)
    assert (True, 2) == (task.cancelled(), lost)


async def test_events_are_waited_for_but_not_for_ever() -> None:
    """All of them, or until the time is up; nothing is left running."""
    first, second = asyncio.Event(), asyncio.Event()
    before = asyncio.all_tasks()
    first.set()
    await tasks.within(0.01, [first, second])
    assert before == asyncio.all_tasks()
    waiting = asyncio.create_task(tasks.within(60, [first, second]))
    await asyncio.sleep(0)
    assert not waiting.done()
    second.set()
    await asyncio.wait_for(waiting, 10)
    await tasks.within(60, [])


async def test_who_is_cancelled_while_he_ends_others_ends_them_all_the_same() -> None:
    """A task that holds out for a while is not left behind by one who is told to hurry."""
    held_out = asyncio.Event()

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            held_out.set()
            await asyncio.Event().wait()

    async def parent() -> None:
        child = asyncio.create_task(stubborn())
        children.append(child)
        try:
            await asyncio.Event().wait()
        finally:
            await tasks.end([child])

    children: list[asyncio.Task[None]] = []
    ending = asyncio.create_task(parent())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    ending.cancel()
    await asyncio.wait_for(held_out.wait(), 5)
    await tasks.end([ending])
    assert [True] == [child.done() for child in children]
    assert ending.cancelled()


async def test_who_waits_for_an_event_waits_no_longer_than_told() -> None:
    """Until it is set, or until the time, by which it is set."""
    loop, event = asyncio.get_running_loop(), asyncio.Event()
    far = loop.time() + 3600
    waiting = asyncio.create_task(tasks.woken(event, far))
    await asyncio.sleep(0)
    event.set()
    await asyncio.wait_for(waiting, 5)
    event.clear()
    near = loop.time() + 0.02
    await asyncio.wait_for(tasks.woken(event, near), 5)
    assert event.is_set()
    assert loop.time() >= near - tasks.EARLY
