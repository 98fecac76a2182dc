"""Who may still come in: the places that this process has for readers, and what it keeps back from them."""

from __future__ import annotations

import logging
import os
import resource
import socket
import time
from collections.abc import Callable
from contextlib import suppress

from ticker.address import Proxies
from ticker.errors import Full, RateLimited, TickerError

log = logging.getLogger("ticker.places")

POLL_AFTER = 10
"""Seconds told to readers who find no place."""
LONGEST_AFTER = 60
"""Seconds told at most to those who come faster than readers are let in."""
BURST_SECONDS = 2
"""Readers of so many seconds may come at once."""
RESERVE = 64
RESERVE_SHARE = 50
"""One descriptor in so many is kept back, and `RESERVE` at least."""
MOST_DESCRIPTORS = 1_048_576
"""What the limit of descriptors is raised to at most; some systems call their limit infinite, and refuse to set it."""
LOOK_SECONDS = 1.0
GROWTH = 100
"""Memory that grows by less than its cap over this is noise, and not a reason to take fewer readers."""
MIB = 1_048_576

Place = str | bytes
"""What was counted for a reader, to be given back when he leaves."""
NOBODY: Place = ""
"""The place of a reader whose address is not counted."""

_MAPPED = bytes(10) + b"\xff\xff"
_LOOPBACK = bytes(15) + b"\x01"


class Descriptors:
    """For whom the descriptors of this process are.

    The kernel gives the lowest number that is free. So a line whose number is N says that N descriptors are in use,
    and nothing has to be counted; and what stands above a number is never taken by those who have to stay below it.
    """

    def __init__(self, limit: int) -> None:
        """`limit` is how many the process may have open (RLIMIT_NOFILE)."""
        reserve = min(max(RESERVE, limit // RESERVE_SHARE), limit // 2)
        self.readers = limit - reserve
        """Readers have numbers below this; up to `requests` there are posts, polling and health."""
        self.requests = limit - reserve // 2
        """From here on only health is answered."""
        self.health = limit - reserve // 4
        """From here on nobody is: what is left is for the store and for files."""

    @classmethod
    def of_process(cls) -> Descriptors:
        """By the limit of this process."""
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return cls(MOST_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft)


def raise_limit() -> None:
    """Have as many descriptors as this process may allow itself; workers inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < most:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def resident() -> int:
    """Bytes of memory that this process holds (RSS); where the system does not tell, the most it ever held."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Places:
    """The places for readers. A reader is an open line: a WebSocket, or a stream of server-sent events."""

    def __init__(
        self,
        most: int,
        *,
        per_address: int = 0,
        rate: int = 0,
        memory: int = 0,
        proxies: Proxies | None = None,
        descriptors: Descriptors | None = None,
        clock: Callable[[], float] = time.monotonic,
        resident: Callable[[], int] = resident,
    ) -> None:
        """`most` readers in all; the others are no limit when 0: readers for each address, readers a second, MiB.

        The readers of loopback and of the named `proxies` are not counted by address: they stand for many.
        """
        self.open = 0
        """Readers who are in."""
        self.refused = dict.fromkeys(("readers", "descriptors", "address", "memory", "rate"), 0)
        """How many were refused, by what there was too much of."""
        self._most = most
        self._per_address = per_address
        self._rate = rate
        self._memory = memory * MIB
        self._proxies = proxies or Proxies()
        self._below = (descriptors or Descriptors.of_process()).readers
        self._clock = clock
        self._resident = resident

        self._counts: dict[Place, int] = {}
        self._proxied: set[Place] = set()
        """Addresses that reached the limit and turned out to be a proxy's."""
        self._allowance = float(rate * BURST_SECONDS)
        self._allowed_at = clock()
        self._turned_away = 0.0
        """Who was told to come back and has not had the time to; they are let in `rate` a second."""
        self._fits: int | None = None
        """Readers whom the memory was enough for, once it has reached its cap."""
        self._peak = self._memory
        self._looked_at = float("-inf")

    def take(self, address: str | None, descriptor: int = -1) -> Place:
        """Let a reader in from this address, on the line with this number. Returns what `free` has to be given.

        Raises Full or RateLimited, with the seconds after which to come back.
        """
        if self.open >= self._most:
            raise self._refusal("readers", Full(retry_after=POLL_AFTER))
        if descriptor >= self._below:
            raise self._refusal("descriptors", Full(retry_after=POLL_AFTER))
        place: Place = NOBODY
        if self._per_address and address is not None and not address.startswith("127."):
            place = _counted(address)
            if self._counts.get(place, 0) >= self._per_address:
                place = self._beyond(place, address)
        if self._memory or self._rate:
            now = self._clock()
            if self._memory:
                self._remember(now)
            if self._rate:
                self._pace(now)
        if place:
            self._counts[place] = self._counts.get(place, 0) + 1
        self.open += 1
        return place

    def free(self, place: Place) -> None:
        """The reader to whom `take` gave this has left. To be called once."""
        self.open -= 1
        if place:
            left = self._counts[place] - 1
            if left:
                self._counts[place] = left
            else:
                del self._counts[place]

    def _beyond(self, place: Place, address: str) -> Place:
        if place in self._proxied:
            return NOBODY
        if self._proxies.names(address):
            self._proxied.add(place)
            return NOBODY
        told = f"Your address has {self._per_address} readers open, which is all it may have. "
        raise self._refusal("address", RateLimited(told + "Close one, or poll …/items.", retry_after=POLL_AFTER))

    def _remember(self, now: float) -> None:
        """Refuse beyond what the memory is enough for.

        Python seldom gives memory back to the system, but it uses it again. So it is not the memory alone that says
        whether one more fits: as many fit as did when the cap was reached, for as long as it does not grow further.
        """
        if now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            held = self._resident()
            if held < self._memory:
                self._fits, self._peak = None, self._memory
            elif self._fits is None or held > self._peak + self._memory // GROWTH:
                self._fits, self._peak = self.open, held
                log.warning("%d MB are held, and no more readers taken than the %d who are in", held // MIB, self.open)
        if self._fits is not None and self.open >= self._fits:
            raise self._refusal("memory", Full(retry_after=POLL_AFTER))

    def _pace(self, now: float) -> None:
        rate = self._rate
        passed = (now - self._allowed_at) * rate
        self._allowed_at = now
        self._allowance = min(rate * BURST_SECONDS, self._allowance + passed)
        self._turned_away = max(0.0, self._turned_away - passed)
        if self._allowance >= 1:
            self._allowance -= 1
            return
        self._turned_away += 1
        told = "More readers come than are let in at a time. Poll …/items meanwhile, and come back."
        # Each is told a time at which there is room for him; told the same one, they would all come at once again.
        after = min(LONGEST_AFTER, 1 + int(self._turned_away / rate))
        raise self._refusal("rate", Full(told, retry_after=after))

    def _refusal(self, reason: str, error: TickerError) -> TickerError:
        self.refused[reason] += 1
        return error


def _counted(address: str) -> Place:
    """What is counted for an address as the kernel or `Proxies` writes it: itself, or for IPv6 the /64."""
    if ":" not in address:
        return address
    try:
        packed = socket.inet_pton(socket.AF_INET6, address.partition("%")[0])
    except OSError:
        return address
    if packed.startswith(_MAPPED):
        four = packed[12:]
        return NOBODY if four[0] == 127 else socket.inet_ntop(socket.AF_INET, four)
    return NOBODY if packed == _LOOPBACK else packed[:8]
