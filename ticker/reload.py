"""Reads the channels file again when asked to, while everything runs on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from ticker import channel as channels
from ticker.channel import Channel, Difference
from ticker.errors import SettingsError

log = logging.getLogger("ticker.reload")

Take = Callable[[dict[str, Channel], Difference], Awaitable[None]]


class Reload:
    """One reading after the other, however often it is asked for."""

    def __init__(self, file: Path | None, known: Mapping[str, Channel]) -> None:
        """`known` are the channels as they stand; whoever takes others changes that very mapping."""
        self._file = file
        self._known = known
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Have the file read again."""
        self._asked.set()

    async def run(self, take: Take) -> None:
        """Give what was read, and what is different, to `take`, until cancelled. A wrong file changes nothing."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            if self._file is None:
                log.info("there is nothing to reload: no file of channels is set (TICKER_CHANNELS)")
                continue
            try:
                # The readers are served meanwhile.
                found = await asyncio.to_thread(channels.load, self._file)
            except SettingsError as error:
                log.error("the channels stay as they were. %s", error)
                continue
            difference = channels.differences(self._known, found)
            await take(found, difference)
            log.info("the channels were reloaded: %s", difference or "nothing has changed")
