"""The store's clock jumps. Numbers as in docs/faults.md."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.faults.servers import Server
from tests.faults.test_store import scene
from tests.faults.witness import settled
from tests.stage import short_directory
from tests.waiting import until

SOURCE = Path(__file__).with_name("clock.c")


class Clock:
    """The clock of a server, which can be set."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.set(0)

    def set(self, seconds: int) -> None:
        """So many seconds ahead of ours; behind it when negative."""
        self.file.write_text(str(seconds))


@pytest.fixture
def clocked(redis7: str) -> Iterator[tuple[Server, Clock]]:
    """A server with a clock of its own."""
    compiler = shutil.which("cc")
    if compiler is None:
        if os.environ.get("CI"):
            pytest.fail("CI must be able to set a server's clock; 'make test' installs a C compiler")
        pytest.skip("setting a server's clock needs a C compiler (cc)")
    with short_directory() as directory:
        clock, library = Clock(directory / "clock"), directory / "clock.so"
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE)], check=True)
        environ = {"LD_PRELOAD": str(library), "CLOCK_FILE": str(clock.file)}
        server = Server(directory / "redis", "--appendonly", "yes", environ=environ)
        server.start()
        try:
            yield server, clock
        finally:
            server.kill()


@pytest.mark.parametrize("hours", [1, -1])
async def test_f12_a_clock_that_jumps_changes_no_order(clocked: tuple[Server, Clock], hours: int) -> None:
    """An hour ahead or back between two posts: cursors rise, readers stay, nobody is told a hole."""
    server, clock = clocked
    async with scene(server.url) as on:
        await on.desk.post("before")
        clock.set(hours * 3600)
        await on.desk.post("after")
        await settled(on.readers, on.stage.url, ["after", "before"])
        clock.set(0)
        await on.desk.post("and back")
        await settled(on.readers, on.stage.url, ["and back", "after", "before"])
        assert [1, 1] == [reader.lines for reader in on.readers]
        await on.clean()


async def test_f12_what_is_due_is_due_by_the_stores_clock(clocked: tuple[Server, Clock]) -> None:
    """Scheduled in half an hour; the store's clock goes on by an hour, ours does not: it is published."""
    server, clock = clocked
    async with scene(server.url) as on:
        await on.desk.post("later", publish_at=(datetime.now(UTC) + timedelta(minutes=30)).isoformat())
        assert [] == await on.stage.window()
        clock.set(3600)
        await until(lambda: all(["later"] == reader.shown() for reader in on.readers), "the item to be published")
        await on.clean()
