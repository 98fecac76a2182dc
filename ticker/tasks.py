"""Tasks that run beside the requests: none dies unheard, and all of them end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any

log = logging.getLogger("ticker.tasks")

AGAIN_SECONDS = 1.0
CANCEL_AGAIN = 0.5

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
