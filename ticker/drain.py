"""SIGTERM: say that this process will go, send its readers away a few at a time, and only then stop listening.

Whoever is sent away is told for how long to wait, each something else, so that those who come back elsewhere do not
all come in one second. Posts go on being answered until the end.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from ticker.lane import Reader
from ticker.wire import CloseCode, encode

NOTICE = 0.2
"""Part of the time for which nobody is sent away yet, so that whoever asks for our health hears of it first."""
ECHO = 1.0
"""Seconds within which a second SIGTERM is the first one told again: the kernel tells of the end of a parent once for
each thread that it had (`tie`)."""
SLICES = 50
SLICE = 500
SPREAD_MS = 2
"""Milliseconds by which each reader that is sent away widens the time over which they come back."""


class Drain:
    """The end of this process, in order."""

    def __init__(
        self,
        readers: Callable[[], Sequence[Reader]],
        seconds: float,
        reconnect: tuple[int, int],
        *,
        among_others: bool = False,
    ) -> None:
        """`seconds` is the time over which readers are sent away, `reconnect` the bounds of their delays in ms.

        `among_others`: there are processes like this one, and somebody who asks for our health chooses among them. Then
        he is given the time to hear of it also when nobody has to be sent away, since editors and pollers still come.
        """
        self.begun = False
        self._among_others = among_others
        self._readers = readers
        self._seconds = seconds
        self._least, self._most = reconnect
        self._task: asyncio.Task[None] | None = None
        self._since = 0.0

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Take SIGTERM in the running loop, and pass it on to whom it was for when the readers are gone."""
        loop = asyncio.get_running_loop()
        before = signal.getsignal(signal.SIGTERM)
        loop.add_signal_handler(signal.SIGTERM, self._asked, before)
        try:
            yield
        finally:
            if self._task is None:
                self._give_back(before)
            else:
                self._task.cancel()

    def _asked(self, before: Callable[[int, FrameType | None], object] | int | None) -> None:
        now = asyncio.get_running_loop().time()
        if self._task is None:
            self.begun, self._since = True, now
            self._task = asyncio.create_task(self._run())
            # Not by the task: one that is cancelled before its first step does nothing at all, and nobody would end.
            self._task.add_done_callback(lambda _: self._pass_on(before))
        elif now - self._since > ECHO:
            self._task.cancel()  # twice: somebody is in a hurry

    async def _run(self) -> None:
        if self._among_others or self._readers():
            await asyncio.sleep(self._seconds * NOTICE)
            await self._spread(self._seconds * (1 - NOTICE))

    def _pass_on(self, before: Callable[[int, FrameType | None], object] | int | None) -> None:
        self._give_back(before)
        signal.raise_signal(signal.SIGTERM)

    def _give_back(self, before: Callable[[int, FrameType | None], object] | int | None) -> None:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
        signal.signal(signal.SIGTERM, before)

    async def _spread(self, seconds: float) -> None:
        leaving = self._readers()
        if not leaving:
            return
        # A few are gone at once: it is the crowd that needs time.
        slices = min(SLICES, 1 + len(leaving) // 10)
        size = -(-len(leaving) // slices)
        for start in range(0, len(leaving), size):
            await self.send_away(leaving[start : start + size], among=len(leaving))
            if start + size < len(leaving):
                await asyncio.sleep(seconds / SLICES)

    async def send_away(self, readers: Sequence[Reader], among: int | None = None) -> None:
        """Close these lines, each with another delay; `among` is how many are to come back in all."""
        widest = 2 * self._least + SPREAD_MS * (among or len(readers))
        # A lone reader should not wait for as long as a hundred thousand have to.
        most = max(self._least, min(widest, self._most))
        for number, reader in enumerate(readers):
            retry = random.randint(self._least, most)  # noqa: S311 - spreads load, guards nothing
            reader.close(CloseCode.DRAINING, encode({"retry_ms": retry}).decode())
            if number % SLICE == 0:
                await asyncio.sleep(0)
