"""How often one address may try in a minute; counted in this process alone, and for only so many addresses."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from ticker.errors import RateLimited

MINUTE = 60
MOST = 100_000
"""Addresses that are counted at once; then the one that was quiet for the longest is forgotten."""


class Limit:
    """Counts for each address, and refuses it for the rest of the minute when it has had enough."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic, most: int = MOST) -> None:
        """`per_minute` 0 is no limit; `clock` gives seconds; at most `most` addresses are held."""
        self._per_minute = per_minute
        self._clock = clock
        self._most = most
        self._minute = 0
        self._counts: dict[str, int] = {}  # the one that spoke last stands last

    def __len__(self) -> int:
        """How many addresses are held."""
        return len(self._counts)

    def spend(self, address: str) -> None:
        """Count one try of this address, or of the network that stands for it (`address.bucket`).

        Raises RateLimited, with the seconds until the minute is over.
        """
        if not self._per_minute:
            return
        now = self._clock()
        minute = int(now // MINUTE)
        if minute != self._minute:
            self._minute = minute
            self._counts.clear()
        count = self._counts.pop(address, 0) + 1
        if len(self._counts) >= self._most:
            del self._counts[next(iter(self._counts))]
        self._counts[address] = count
        if count > self._per_minute:
            raise RateLimited(
                f"Your address may try {self._per_minute} times a minute without a valid key, and has.",
                retry_after=max(1, math.ceil((minute + 1) * MINUTE - now)),
            )
