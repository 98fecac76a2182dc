"""The channels file is read again while everything runs on: what is right takes effect, what is wrong nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from ticker import channel as channels
from ticker import tasks
from ticker.channel import Channel, Difference
from ticker.reload import Reload

from tests.waiting import until

EN = "[channels.en]\ntitle = 'News'\nlanguage = 'en'\n"
FR = "[channels.fr]\ntitle = 'Alertes'\nlanguage = 'fr'\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with one channel."""
    file = tmp_path / "channels.toml"
    file.write_text(EN, encoding="utf-8")
    return file


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What was logged, each with its level."""
    caplog.set_level(logging.INFO, "ticker.reload")
    return lambda: [f"{record.levelname}: {record.getMessage()}" for record in caplog.records]


class Taker:
    """Takes what is read, as a process does, and keeps the differences."""

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self.known = channels.load(file)
        self.taken: list[Difference] = []
        self.begun = asyncio.Event()
        self.may_take = asyncio.Event()
        self.may_take.set()
        self.reload = Reload(file, self.known)

    def ask(self, text: str) -> None:
        """Write this into the file, and have it read."""
        assert self.file is not None
        self.file.write_text(text, encoding="utf-8")
        self.reload.ask()

    async def take(self, found: dict[str, Channel], difference: Difference) -> None:
        self.begun.set()
        await self.may_take.wait()
        self.known.clear()
        self.known.update(found)
        self.taken.append(difference)


@asynccontextmanager
async def taking(file: Path | None) -> AsyncIterator[Taker]:
    """A taker that waits to be asked."""
    taker = Taker(file)
    task = asyncio.create_task(taker.reload.run(taker.take))
    try:
        yield taker
    finally:
        await tasks.end([task])


async def test_what_is_different_is_taken_and_told_in_one_line(file: Path, said: Callable[[], list[str]]) -> None:
    """And only when somebody asks."""
    async with taking(file) as taker:
        taker.ask(FR + EN.replace("News", "Latest"))
        await until(lambda: bool(said()), "the line")
        assert [Difference(("fr",), (), (("en", ("title",)),))] == taker.taken
        assert ["fr", "en"] == list(taker.known)
        assert ["INFO: the channels were reloaded: fr is new; en has another title"] == said()
        taker.ask(FR)
        await until(lambda: len(said()) == 2, "the second line")
        assert Difference((), ("en",), ()) == taker.taken[1]


async def test_nothing_different_is_told_as_well(file: Path, said: Callable[[], list[str]]) -> None:
    """So that whoever asked knows that he was heard."""
    async with taking(file) as taker:
        taker.reload.ask()
        await until(lambda: bool(said()), "the line")
        assert ["INFO: the channels were reloaded: nothing has changed"] == said()


async def test_a_wrong_file_changes_nothing_and_is_told_with_its_line(
    file: Path, said: Callable[[], list[str]]
) -> None:
    """And the next one, mended, is taken."""
    async with taking(file) as taker:
        taker.ask(EN + "window = 0\n" + FR)
        await until(lambda: bool(said()), "the line")
        reason = "channels.en.window: Input should be greater than or equal to 1."
        assert [f"ERROR: the channels stay as they were. TICKER_CHANNELS: {file}:4: {reason}"] == said()
        assert ([], ["en"]) == (taker.taken, list(taker.known))
        taker.ask(EN + FR)
        await until(lambda: bool(taker.taken), "the mended file to be taken")
        assert ["en", "fr"] == list(taker.known)


async def test_without_a_file_there_is_nothing_to_reload(said: Callable[[], list[str]]) -> None:
    """The built-in channels do not change."""
    async with taking(None) as taker:
        taker.reload.ask()
        await until(lambda: bool(said()), "the line")
        assert ["INFO: there is nothing to reload: no file of channels is set (TICKER_CHANNELS)"] == said()
        assert [] == taker.taken


async def test_who_asks_while_it_is_being_done_is_not_forgotten(file: Path) -> None:
    """However often: the file is read once more, when the first is done."""
    async with taking(file) as taker:
        taker.may_take.clear()
        taker.ask(EN + FR)
        await asyncio.wait_for(taker.begun.wait(), 10)
        for _ in range(5):
            taker.ask(FR)
        taker.may_take.set()
        await until(lambda: ["fr"] == list(taker.known), "the newest file to be taken")
        assert len(taker.taken) == 2
