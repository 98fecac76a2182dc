"""How fast one provider is sent to by this process: so many lots at once, so many requests a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable


class Pace:
    """A bucket of tokens, filled at a steady rate, that holds those of one second."""

    def __init__(
        self,
        rate: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`rate` is requests a second, 0 for no limit."""
        self._rate = rate
        self._clock, self._sleep = clock, sleep
        self._tokens, self._at = rate, clock()

    async def take(self, number: int) -> None:
        """Wait until so many requests may be sent. Whoever comes later waits for those before."""
        if not self._rate:
            return
        now = self._clock()
        self._tokens = min(self._rate, self._tokens + (now - self._at) * self._rate) - number
        self._at = now
        if self._tokens < 0:
            # Below nothing it stands for what others have taken in advance, so nobody has to be woken.
            await self._sleep(-self._tokens / self._rate)


def backoff(attempts: int, chance: float, *, first: float, most: float) -> float:
    """Seconds until the next try after so many: full jitter, so that not all come back in the same moment.

    `chance` is from 0 to 1.
    """
    return chance * min(most, first * 2.0 ** min(attempts, 30))
