"""The server: it ends as soon as it is told to, and what it does by the second it goes on doing."""

from __future__ import annotations

import asyncio
import gc
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from ticker.server import Server

from tests.waiting import until


async def silent(scope: Any, receive: Any, send: Any) -> None:
    """An application to which nobody comes."""


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Server, asyncio.Task[None]]]:
    """A server that has started, and its task."""
    found = Server(uvicorn.Config(silent, port=0, lifespan="off", log_config=None))
    task = asyncio.create_task(found._serve())
    try:
        await until(lambda: found.started, "the server to start")
        yield found, task
    finally:
        found.should_exit = True
        await asyncio.wait_for(task, 5)


async def test_it_ends_when_it_is_told_to() -> None:
    """It does not look whether it has to; it is woken."""
    async with serving() as (found, task):
        found.handle_exit(signal.SIGTERM, None)
        await asyncio.wait_for(task, 5)
        found._captured_signals.clear()


async def test_it_ends_when_it_was_told_to_before_it_began() -> None:
    """A signal may come while it starts."""
    found = Server(uvicorn.Config(silent, port=0, lifespan="off", log_config=None))
    found.should_exit = True
    await asyncio.wait_for(found._serve(), 5)


async def test_only_a_process_of_its_own_is_settled() -> None:
    """Where others live as well, the garbage collector is left as it was."""
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    async with serving():
        assert (before, frozen) == (gc.get_threshold(), gc.get_freeze_count())


def test_what_stands_when_it_has_started_is_not_walked_over_again() -> None:
    """Looked at from another process, since it holds for the whole of one."""
    program = """
import asyncio, gc, uvicorn
from ticker.server import COLLECT, Server
from tests.test_server import silent
async def main():
    found = Server(uvicorn.Config(silent, port=0, lifespan="off", log_config=None), alone=True)
    found.config.load()
    found.lifespan = found.config.lifespan_class(found.config)
    await found.startup()
    assert gc.get_freeze_count() > 1000 and gc.get_threshold() == COLLECT
    await found.shutdown()
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert (0, "") == (done.returncode, done.stderr)


async def test_every_second_has_its_date(monkeypatch: pytest.MonkeyPatch) -> None:
    """The `Date` header is of the second in which somebody is answered, and made once in it."""
    async with serving() as (found, _):
        state = found.server_state
        monkeypatch.setattr(time, "time", lambda: 1_795_000_000.9)
        first = state.default_headers
        assert b"Wed, 18 Nov 2026 11:06:40 GMT" == dict(first)[b"date"]
        assert state.default_headers is first
        monkeypatch.setattr(time, "time", lambda: 1_795_000_001.0)
        assert b"Wed, 18 Nov 2026 11:06:41 GMT" == dict(state.default_headers)[b"date"]
