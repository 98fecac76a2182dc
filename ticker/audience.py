"""Who is watching, for the desk: the readers of a channel, and how many of them have an item."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from ticker import census
from ticker.answers import ABSENT, Told, Version
from ticker.draft import ItemId
from ticker.editing import DEADLINE, Editing, document, within
from ticker.errors import UnknownItem
from ticker.reach import Spread, Tally

Milliseconds = int


class Times(Told):
    """How many, and how long after it was stored; no times when it was nobody."""

    p50_ms: Milliseconds = Field(ABSENT, ge=0, description="within which half of them had it")
    p95_ms: Milliseconds = Field(ABSENT, ge=0, description="within which 19 of 20 had it")


class Seen(Times):
    """Those who were asked to say when it was shown."""

    asked: int = Field(ge=0, description="how many are likely to have been asked")
    count: int = Field(ge=0, description="how many have said so")


class ReachOfVersion(Times):
    """One version, and the readers whose line took it."""

    version: Version
    reached: int = Field(ge=0, description="readers whose line took it, as it came or catching up")
    last_ms: Milliseconds = Field(ABSENT, ge=0, description="when the last of them had it")
    seen: Seen


class Reach(ReachOfVersion):
    """The newest version of an item, and the ones before it that were counted within the last 24 hours."""

    item: ItemId
    readers: int = Field(ge=0, description="readers of the channel who are connected now")
    processes: int = Field(ge=0, description="processes that serve them")
    earlier: list[ReachOfVersion] = Field(description="newest first")


class ReaderCount(Told):
    """The readers of a channel."""

    readers: int = Field(ge=0, description="connected now, in all processes")
    processes: int = Field(ge=0, description="processes that serve them")


class Audience:
    """Answers editors who want to know whether anybody has it."""

    def __init__(self, editing: Editing) -> None:
        self._editing = editing

    async def reach(self, request: Request) -> Response:
        """`GET …/items/{id}/reach`: how many readers have it, in its newest version and those before."""
        async with self._editing.asked(request, "read") as asked, within(DEADLINE):
            item = await asked.log.item(asked.item_id)
            if item is None:
                raise UnknownItem
            number, processes = await self._readers(asked.channel.name)
            tallies = await census.reach(self._editing.store, asked.channel.name, item.id)
            newest = tallies.pop(item.version, Tally(item.id, item.version, 0))
            return document(
                {
                    "item": item.id,
                    "readers": number,
                    "processes": processes,
                    **told(newest),
                    "earlier": [told(tally) for version, tally in tallies.items() if version < item.version],
                }
            )

    async def readers(self, request: Request) -> Response:
        """`GET …/readers`: how many are connected now."""
        async with self._editing.asked(request, "read") as asked, within(DEADLINE):
            number, processes = await self._readers(asked.channel.name)
            return document({"readers": number, "processes": processes})

    async def _readers(self, channel: str) -> tuple[int, int]:
        now = await self._editing.logs[channel].now()
        return await census.readers(self._editing.store, channel, now)


def told(tally: Tally) -> dict[str, Any]:
    """One version as it is answered."""
    last = {"last_ms": tally.reached.last} if tally.reached.count else {}
    # Chance may have asked more than were to be expected; nobody answers who was not asked.
    asked = max(round(tally.asked), tally.seen.count)
    seen = {"asked": asked, "count": tally.seen.count, **_times(tally.seen)}
    return {
        "version": tally.version,
        "reached": tally.reached.count,
        **_times(tally.reached),
        **last,
        "seen": seen,
    }


def _times(spread: Spread) -> dict[str, int]:
    return {"p50_ms": spread.quantile(0.5), "p95_ms": spread.quantile(0.95)} if spread.count else {}
