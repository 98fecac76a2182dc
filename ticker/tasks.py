"""Tasks that run beside the requests: none dies unheard, and all of them end."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from typing import Any

log = logging.getLogger("ticker.tasks")

AGAIN_SECONDS = 1.0
CANCEL_AGAIN = 0.5
EARLY = 0.005
"""Seconds by which the loop may wake somebody before his time."""
_PHASE = random.random()  # noqa: S311 - spreads the processes of a machine, guards nothing

Run = Callable[[], Coroutine[Any, Any, None]]


async def supervised(name: str, run: Run) -> None:
    """Run for as long as the process lives: a fault of ours is logged, and the task begins anew."""
    while True:
        try:
            await run()
        except Exception:
            log.exception("the task '%s' failed; it starts again", name)
        await asyncio.sleep(AGAIN_SECONDS)


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel until all have ended, also when whoever ends them is cancelled meanwhile: nothing goes on unheard.

    Once is not enough: `asyncio.wait_for` of Python 3.11, which the Redis client sends with, loses a cancellation that
    comes in the moment in which its inner task is done.
    """
    pending, cancelled = set(tasks), False
    while pending:
        for task in pending:
            task.cancel()
        try:
            await asyncio.wait(pending, timeout=CANCEL_AGAIN)
        except asyncio.CancelledError:
            cancelled = True
        pending = {task for task in pending if not task.done()}
    if cancelled:
        raise asyncio.CancelledError


async def within(seconds: float, events: Sequence[asyncio.Event]) -> None:
    """Wait until all of these are set, but no longer."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    if waiting:
        _, late = await asyncio.wait(waiting, timeout=seconds)
        await end(late)


def moment(seconds: float) -> float:
    """The next of the moments that are so far apart, by the loop's clock.

    They are the same for all who ask in this process, and of all seconds the tenths are some too: what is done again
    and again is done in one waking, which costs a process that has nothing else to do more than the work.
    """
    now = asyncio.get_running_loop().time() - _PHASE + min(EARLY, seconds / 2)
    return _PHASE + (math.floor(now / seconds) + 1) * seconds


async def woken(event: asyncio.Event, end: float) -> None:
    """Wait until this is set, but no longer than until this time of the loop, by which it is set."""
    timer = asyncio.get_running_loop().call_at(end, event.set)
    try:
        await event.wait()
    finally:
        timer.cancel()


async def ticks(seconds: float) -> AsyncIterator[None]:
    """At once, and then at each `moment`; those that come while the one before is still seen to are left out."""
    while True:
        yield
        await asyncio.sleep(moment(seconds) - asyncio.get_running_loop().time())
