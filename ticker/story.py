"""One story in several channels: what a correction in one of them calls into question in the others."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ticker.item import Item
from ticker.stream import Log

WRONG = frozenset({"correction", "retraction"})
STANDING = frozenset({"pending", "scheduled", "published", "held"})


async def siblings(logs: Mapping[str, Log], item: Item) -> dict[str, Any]:
    """Where else to look after this item was corrected or taken back: `{"siblings": […]}`, or nothing."""
    if item.signal not in WRONG:
        return {}
    found = [
        {"channel": other.channel, "id": other.id, "version": other.version, "headline": other.headline}
        for other in await _others(logs, item)
        if other.state in STANDING
    ]
    return {"siblings": found} if found else {}


async def flags(logs: Mapping[str, Log], item: Item) -> list[dict[str, Any]]:
    """Why this item has to be looked at: what was corrected or taken back elsewhere since it was last touched.

    Nothing is stored for this, so nothing can be forgotten: touching the item is what takes the flag away.
    """
    return [
        {
            "item": item.whole(),
            "because": {
                "channel": other.channel,
                "id": other.id,
                "version": other.version,
                "signal": other.signal,
                "correction_note": other.correction_note,
            },
        }
        for other in await _others(logs, item)
        if other.signal in WRONG and other.versioncreated > item.versioncreated
    ]


async def _others(logs: Mapping[str, Log], item: Item) -> list[Item]:
    if not item.story:
        return []
    found = await asyncio.gather(*(log.of_story(item.story) for name, log in logs.items() if name != item.channel))
    return [other for items in found for other in items]
