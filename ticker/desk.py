"""What the desk has to know besides: the rules of its channels, and who else is at work in one of them."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from ticker import census, presence
from ticker.answers import ABSENT, Channel, Holder, Time, Told
from ticker.draft import ATTRIBUTION, HEADLINE, NOTE, PUSH_HEADLINE, WARN_LENGTHS, ItemId, Whereabouts
from ticker.editing import DEADLINE, Editing, document, within
from ticker.item import iso

LIMITS = {"headline": HEADLINE, "push_headline": PUSH_HEADLINE, "attribution": ATTRIBUTION, "note": NOTE}
SHOWN = frozenset({"name", "title", "language", "direction", "window", "age", "approve", "push_hold"})


class ChannelRules(Channel):
    """A channel, and what it asks of its items."""

    window: int = Field(ge=1, description="items in the rolling window")
    age: int = Field(ge=1, description="hours for which an item may stand in the window")
    approve: int = Field(ge=0, description="items as urgent as this, or more, need a second pair of eyes; 0: none")
    push_hold: int = Field(ge=0, description="seconds for which a push waits before it leaves")
    labels: dict[str, str] = Field(description="urgency → what it is called here")
    sections: list[str]
    regions: list[str]


class Limits(Told):
    """The greatest lengths of texts, in characters."""

    headline: int
    push_headline: int
    attribution: int
    note: int


class Rules(Told):
    """What is asked of items, in general and in each channel of the key."""

    limits: Limits
    warn: list[int] = Field(description="characters of a headline beyond which its editor is warned")
    channels: list[ChannelRules]


class Editor(Told):
    """Somebody else at the desk of this channel."""

    desk: str = Field(description="the name of the page")
    key: Holder
    item: ItemId = Field(ABSENT, description="what this editor has open")
    act: str = Field(ABSENT, description="what this editor is about to do to it")
    since: Time = Field(description="since when")


class Presence(Told):
    """What is going on in a channel."""

    editors: list[Editor] = Field(description="everybody else, who has been there longest first")
    record: int = Field(
        ge=0, description="number of the newest record of the audit: another one, and something was done"
    )
    readers: int = Field(ge=0, description="connected now, in all processes")
    processes: int = Field(ge=0, description="processes that serve them")
    time: Time


class Desk:
    """Answers the page where editors post."""

    def __init__(self, editing: Editing) -> None:
        self._editing = editing

    async def rules(self, request: Request) -> Response:
        """`GET /v1/rules`: what is asked of items, in general and in each channel of the key."""
        async with within(DEADLINE):
            key = await self._editing.admission.key(request)
        found = [
            channel for name, channel in self._editing.channels.items() if not key.channels or name in key.channels
        ]
        channels: list[dict[str, Any]] = [
            {
                **channel.model_dump(include=set(SHOWN)),
                "labels": {str(urgency): label for urgency, label in channel.labels.items()},
                "sections": list(channel.sections),
                "regions": list(channel.regions),
            }
            for channel in found
        ]
        return document({"limits": LIMITS, "warn": sorted(WARN_LENGTHS), "channels": channels})

    async def presence(self, request: Request) -> Response:
        """`POST …/presence`: say which item this page has open, and be told what goes on in the channel."""
        async with self._editing.asked(request, "read") as asked:
            here = await self._editing.body(request, Whereabouts)
            store, channel = self._editing.store, asked.channel.name
            async with within(DEADLINE):
                now = await asked.log.now()
                await presence.tell(store, channel, asked.key, here.desk, here.item, here.act, now)
                found = await presence.others(store, channel, asked.key, here.desk, now)
                readers, processes = await census.readers(store, channel, now)
                newest = await asked.audit.newest(1)
            return document(
                {
                    "editors": [_told(seen) for seen in found],
                    "record": newest[0].number if newest else 0,
                    "readers": readers,
                    "processes": processes,
                    "time": iso(now),
                }
            )


def _told(seen: presence.Seen) -> dict[str, Any]:
    document = {
        "desk": seen.desk,
        "key": {"id": seen.key, "name": seen.name},
        "item": seen.item,
        "act": seen.act,
        "since": iso(seen.since),
    }
    return {name: value for name, value in document.items() if value is not None}
