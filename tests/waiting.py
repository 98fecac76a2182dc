"""Waiting for what has to happen, with a deadline. Nothing else in the tests lets time pass."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

DEADLINE = 15.0
_STEP = 0.01


async def until(
    happened: Callable[[], Awaitable[bool]] | Callable[[], bool], what: str, deadline: float = DEADLINE
) -> None:
    """Return as soon as `happened()` is true; fail, saying what was waited for, after `deadline` seconds."""
    end = time.monotonic() + deadline
    while True:
        found = happened()
        if await found if isinstance(found, Awaitable) else found:
            return
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline:g} s in vain: {what}")
        await asyncio.sleep(_STEP)


def until_now(happened: Callable[[], bool], what: str, deadline: float = DEADLINE) -> None:
    """The same without an event loop."""
    end = time.monotonic() + deadline
    while not happened():
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline:g} s in vain: {what}")
        time.sleep(_STEP)
