"""What each fan-out process has counted, side by side in the store, and the sum of it.

Every process writes fields of its own, whole and not by addition: what could not be written is written with the next
change, and nothing is ever counted twice. Whatever happens to the store, the fan-out does not wait for it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping, Sized

from ticker import tasks
from ticker.errors import StoreUnavailable
from ticker.metrics import Metrics
from ticker.reach import Reach, Tally
from ticker.store import Refused, Store, reaching, text

log = logging.getLogger("ticker.census")

EVERY = 1.0
"""Least distance of two writes of one count, seconds."""
REST = 2.0
"""Seconds between two looks at how many readers there are, while nothing is counted."""
BATCH = 50
"""Counts in one write: some milliseconds of work, between which readers are served."""
MOST = 200
"""Counts in one round: a burst is written afterwards, little by little."""
KEEP_SECONDS = 24 * 3600
REFRESH_MS = 5_000
"""A number of readers is told again after this time though it is the same."""
STALE_MS = 15_000
"""A process that has told nothing for so long has no readers."""
FORGET_SECONDS = 60
LEAVE_SECONDS = 1.0


class Census:
    """The writing half, one in a fan-out process."""

    def __init__(
        self, store: Store, reaches: Mapping[str, Reach], readers: Mapping[str, Sized], metrics: Metrics
    ) -> None:
        """Both mappings are by the name of the channel, and may change meanwhile."""
        self.process = secrets.token_hex(4)
        self._store = store
        self._reaches = reaches
        self._readers = readers
        self._metrics = metrics
        self._told: dict[str, tuple[int, int]] = {}
        """What was told last of each channel: readers, and when."""
        self._counted = asyncio.Event()
        self._failing = False

    async def run(self) -> None:
        """Write what has changed, until cancelled."""
        while True:
            self._counted.clear()
            for reach in self._reaches.values():
                reach.counted = self._counted.set
            await self.write()
            end = tasks.moment(REST)
            if not any(map(len, self._reaches.values())):
                await tasks.woken(self._counted, end)
            # What comes soon after one count is written with it.
            await asyncio.sleep(min(end, tasks.moment(EVERY)) - asyncio.get_running_loop().time())

    async def write(self) -> None:
        """Write what has changed; what cannot be written now stays changed."""
        try:
            for channel in list(self._reaches):
                await self._count(channel)
            await self._tell()
            self._failing = False
        except (StoreUnavailable, Refused) as error:
            if not self._failing:
                log.warning("how many readers have an alert cannot be written: %s", error.__cause__ or error)
            self._failing = True

    async def leave(self) -> None:
        """This process ends: write what is left, and take its readers out."""
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                for channel in list(self._reaches):
                    while len(self._reaches[channel]):
                        await self._count(channel)
                    async with reaching():
                        await self._store.redis.hdel(_readers(channel), self.process)
        except (StoreUnavailable, Refused, TimeoutError) as error:
            log.debug("the last counts could not be written: %s", error)

    async def _count(self, channel: str) -> None:
        reach = self._reaches[channel]
        for _ in range(0, MOST, BATCH):
            taken = reach.take(BATCH)
            if not taken:
                break
            try:
                async with reaching():
                    told = [(_reach(channel, t.item), f"{t.version}:{self.process}", t.json()) for _, t in taken]
                    await self._store.hold(told, KEEP_SECONDS)
            except BaseException:
                reach.put_back(cursor for cursor, _ in taken)
                raise
            finally:
                self._metrics.dropped(reach.dropped)
                reach.dropped = 0

    async def _tell(self) -> None:
        """Of all channels in one write: this is what a process without alerts does most often."""
        due: dict[str, tuple[int, int]] = {}
        for channel, reach in list(self._reaches.items()):
            if channel not in self._readers:
                continue
            now, number = reach.clock(), len(self._readers[channel])
            before, at = self._told.get(channel, (-1, 0))
            if number != before or not 0 <= now - at < REFRESH_MS:
                due[channel] = (number, now)
        if not due:
            return
        async with reaching():
            for channel, (_, now) in due.items():
                if channel not in self._told:
                    await self._forget(_readers(channel), now)
            told = [(_readers(channel), self.process, f"{number} {now}") for channel, (number, now) in due.items()]
            await self._store.hold(told, FORGET_SECONDS)
        self._told |= due

    async def _forget(self, key: str, now: int) -> None:
        """Those that were killed leave their field behind."""
        found = await self._store.redis.hgetall(key)
        gone = [text(name) for name, value in found.items() if now - _told(value)[1] > FORGET_SECONDS * 1000]
        if gone:
            await self._store.redis.hdel(key, *gone)


async def readers(store: Store, channel: str, now: int) -> tuple[int, int]:
    """Who is connected to a channel in all processes, and how many processes say so. `now` is the store's time in ms.

    Raises StoreUnavailable.
    """
    async with reaching():
        found = await store.redis.hgetall(_readers(channel))
    told = [_told(value) for value in found.values()]
    living = [number for number, at in told if now - at < STALE_MS]
    return sum(living), len(living)


async def reach(store: Store, channel: str, item: str) -> dict[int, Tally]:
    """Version → what all processes have counted of it within the last day; newest first. Raises StoreUnavailable."""
    async with reaching():
        found = await store.redis.hgetall(_reach(channel, item))
    tallies: dict[int, Tally] = {}
    for name, value in found.items():
        version, _, _ = text(name).partition(":")
        tally = Tally.read(item, int(version), text(value)) if version.isdigit() else None
        if tally is not None:
            tallies.setdefault(tally.version, Tally(item, tally.version, 0)).merge(tally)
    return dict(sorted(tallies.items(), reverse=True))


def _readers(channel: str) -> str:
    return f"{{ticker:{channel}}}:readers"


def _reach(channel: str, item: str) -> str:
    return f"{{ticker:{channel}}}:reach:{item}"


def _told(value: bytes | str) -> tuple[int, int]:
    number, _, at = text(value).partition(" ")
    return (int(number), int(at)) if number.isdigit() and at.isdigit() else (0, 0)
