"""What an alert would look like everywhere, before anybody sees it, and what its editor should know."""

from __future__ import annotations

from typing import Any

from ticker import wire
from ticker.airing import HOUR_MS, Change
from ticker.bridges.notice import rehearsed as on_phones
from ticker.channel import Channel
from ticker.draft import WARN_LENGTHS
from ticker.entry import Cursor, Entry
from ticker.item import Item
from ticker.stream import Appended


def shown(rehearsed: Appended, change: Change, channel: Channel) -> dict[str, Any]:
    """Each surface with what it would get, and the bytes of it. Nothing for the public while the item waits."""
    item = rehearsed.item
    surfaces: dict[str, Any] = {}
    if change.wire is not None:
        entry = Entry(Cursor(0, 1), Cursor(0, 0), change.wire, item)
        frame = wire.entry(entry)
        surfaces["live"] = {"bytes": len(wire.text_frame(frame)), "entry": {"act": change.wire, "item": item.public()}}
        surfaces["items"] = _sized(item.public())
        rings = "push_at" in change.after or change.act == "retract"
        surfaces["push"] = [_pushed(entry)] if rings else []
    return {
        "dry_run": True,
        "item": item.desk(),
        "surfaces": surfaces,
        "similar": rehearsed.twin or None,
        **warned(item, channel),
    }


def warned(item: Item, channel: Channel) -> dict[str, Any]:
    """What is allowed and yet worth a second look: `{"warnings": […]}`, or nothing."""
    warnings: list[str] = []
    length = len(item.headline)
    for limit in WARN_LENGTHS:
        if length > limit:
            warnings.append(f"The headline has {length} characters; beyond {limit} many screens cut it.")
            break
    if item.expires is not None and item.published_at is not None:
        age = channel.age * HOUR_MS
        if item.expires > item.published_at + age:
            warnings.append(f"It leaves the ticker after {channel.age} hours, before it expires.")
    return {"warnings": warnings} if warnings else {}


def _sized(content: Any) -> dict[str, Any]:
    return {"bytes": len(wire.encode(content)), "item": content}


def _pushed(entry: Entry) -> dict[str, Any]:
    told = on_phones(entry)
    return {"target": "log", "bytes": len(wire.encode(told)), "payload": told}
