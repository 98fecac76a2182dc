"""Reading on in the logs: one blocking read for all that stand on one server, and for each fan-out what is its own.

A process that follows many channels so has one connection for them, and is woken once when they tell something
together, as they do with each heartbeat. Of a Cluster every log is read apart, since each may be on another node.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ticker.entry import Cursor, Entry, Pulse
from ticker.errors import StoreUnavailable
from ticker.fanout import MOST, Fanout
from ticker.store import Ask, Refused, Store, reaching
from ticker.stream import Log, cursor_of

log = logging.getLogger("ticker.tail")

BLOCK_MS = 4000
"""How long a read waits; somebody should write a heartbeat every two seconds."""
BACK_OFF = (0.1, 2.0)
"""Least and greatest delay before the store is tried again, seconds."""


AGAIN_SECONDS = 1.0
"""After so long a log that could not be read, while others could, is tried again."""

Trouble = StoreUnavailable | Refused


class News(NamedTuple):
    """What one read has found of one log."""

    entries: list[Entry]
    pulse: Pulse | None


class Tail:
    """Reads on from positions that only move forward; nothing is acknowledged."""

    def __init__(self, ask: Ask) -> None:
        """`ask` is a line of the store that nobody else uses (`Store.line`)."""
        self._ask = ask

    async def read(
        self, places: Mapping[Log, tuple[Cursor, bytes]], *, block: int | None = BLOCK_MS
    ) -> dict[Log, News]:
        """The logs that have entries after these cursors or a heartbeat after these ids; waits for the first of them.

        After `block` milliseconds (None: at once) there may be none. Raises StoreUnavailable, and Refused when the
        server does not read one of them.
        """
        keys = [key for found in places for key in (found.key, found.pulse)]
        ids = [id for cursor, beat in places.values() for id in (str(cursor), beat)]
        wait = () if block is None else ("BLOCK", block)
        async with reaching():
            answer = await self._ask("XREAD", "COUNT", MOST, *wait, "STREAMS", *keys, *ids)
        told = {key.decode(): found for key, found in answer or ()}
        return {
            stream: News(
                [Entry.passed(stream_id, _pairs(fields)) for stream_id, fields in told.get(stream.key, ())],
                _pulse(*told[stream.pulse][-1]) if stream.pulse in told else None,
            )
            for stream in places
            if stream.key in told or stream.pulse in told
        }


class Following:
    """Reads for the fan-outs of some channels."""

    def __init__(self, store: Store, fanouts: Sequence[Fanout]) -> None:
        """All of one server, or one alone."""
        self._store = store
        self._fanouts = fanouts
        self._troubles: dict[Fanout, tuple[float, Trouble]] = {}
        """Those whose own log cannot be read, while others can: when to try it again, and why it cannot."""

    async def run(self) -> None:
        """Follow the logs until cancelled."""
        delays: Iterator[float] | None = None
        while True:
            try:
                async with self._store.line(BLOCK_MS / 1000) as ask:
                    tail = Tail(ask)
                    while True:
                        standing = await self._standing()
                        found = await self._read(tail, standing)
                        if delays is not None:
                            log.warning("%s can be read again", self._logs)
                            delays = None
                        for fanout in standing:
                            await self._give(fanout, found.get(fanout.log))
                        if not found:
                            break  # no server in order is so silent: another line will show
            except StoreUnavailable as error:
                if delays is None:
                    log.warning("%s cannot be read: %s", self._logs, error.__cause__ or error)
                    delays = _delays()
                await asyncio.sleep(next(delays))

    @property
    def _logs(self) -> str:
        return "the log of " + ", ".join(fanout.log.channel for fanout in self._fanouts)

    async def _standing(self) -> list[Fanout]:
        """Those that have a place to read on from. Raises what keeps all of them from one."""
        now = asyncio.get_running_loop().time()
        standing: list[Fanout] = []
        for fanout in self._fanouts:
            again, _ = self._troubles.get(fanout, (0.0, None))
            if now >= again and (fanout.standing or await self._stand(fanout)):
                standing.append(fanout)
        if not standing:
            raise next(trouble for _, trouble in self._troubles.values())
        return standing

    async def _stand(self, fanout: Fanout) -> bool:
        try:
            await fanout.stand()
        except (StoreUnavailable, Refused) as error:
            self._note(fanout, error)
            return False
        return True

    async def _read(self, tail: Tail, standing: list[Fanout]) -> dict[Log, News]:
        """What is new of these logs; one that the server does not read keeps nobody from the others."""
        try:
            return await tail.read({fanout.log: fanout.place for fanout in standing})
        except Refused:
            if len(standing) == 1:
                raise
        found: dict[Log, News] = {}
        for fanout in list(standing):
            try:
                found |= await tail.read({fanout.log: fanout.place}, block=None)
            except Refused as error:
                standing.remove(fanout)
                self._note(fanout, error)
        return found

    async def _give(self, fanout: Fanout, news: News | None) -> None:
        try:
            if news is None:
                fanout.silent()
            else:
                await fanout.take(*news)
        except StoreUnavailable as error:
            self._note(fanout, error)
        else:
            if self._troubles.pop(fanout, None) is not None:
                log.warning("%s: its log can be read again", fanout.log.channel, extra={"channel": fanout.log.channel})

    def _note(self, fanout: Fanout, trouble: Trouble) -> None:
        """It is left out for a while; should all be, that is told as the trouble of all."""
        fanout.doubt()
        if fanout not in self._troubles and len(self._fanouts) > 1:
            told = "%s: its log cannot be read: %s"
            channel = fanout.log.channel
            log.warning(told, channel, trouble.__cause__ or trouble, extra={"channel": channel})
        self._troubles[fanout] = (asyncio.get_running_loop().time() + AGAIN_SECONDS, trouble)


def _pulse(stream_id: bytes, told: Sequence[bytes]) -> Pulse:
    fields = _pairs(told)
    return Pulse(
        stream_id,
        cursor_of(fields[b"cursor"]),
        int(fields[b"at"]),
        int(fields.get(b"format", b"1")),
    )


def _pairs(told: Sequence[bytes]) -> dict[bytes, bytes]:
    return dict(zip(told[::2], told[1::2], strict=True))


def _delays() -> Iterator[float]:
    least, most = BACK_OFF
    bound = least
    while True:
        yield random.uniform(least, bound)  # noqa: S311 - spreads retries, guards nothing
        bound = min(most, bound * 2)
