"""How a version goes on air or is laid aside, and what follows from that in time.

There is no clock here: a time that depends on the moment of storing is given as a distance from it, and the store
measures it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ticker.channel import Channel
from ticker.errors import ExpiresTooSoon
from ticker.item import Item

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Change:
    """One act, ready to be stored."""

    act: str
    """What the audit calls it."""
    wire: str | None
    """What the log tells readers; None for what they never knew of."""
    item: Item
    """The new version; the store sets its version and times."""
    expected: int
    """The version that has to be the newest; 0: the item is new."""
    stamps: tuple[str, ...] = ("versioncreated",)
    """Times to set to the moment of storing."""
    after: dict[str, int] = field(default_factory=dict)
    """Times to set to so many milliseconds after it."""
    ahead: dict[str, int] = field(default_factory=dict)
    """Times, by field, that have to lie after it."""
    due: tuple[int, ...] = ()
    """Moments at which the sweep has to look at the item again."""
    due_after: tuple[int, ...] = ()
    """The same, as distances from the moment of storing."""
    pins: bool = False
    """Whether no other item of the channel may be pinned."""
    undoes: int | None = None
    """When the push leaves that is stopped: this has to lie ahead."""


def on_air(
    item: Item, channel: Channel, act: str, *, wire: str = "publish", pins_for: int | None = None, **more: Any
) -> Change:
    """The item among those that the public sees, with all that follows in time."""
    first = item.published_at is None
    top = wire == "publish" and not first
    item = item.model_copy(update={"state": "published", "pubstatus": "usable", "publish_at": None, "embargoed": None})
    if first:
        # Whatever was mended before, the public has seen nothing that could have been wrong.
        item = item.model_copy(update={"signal": "new", "correction_note": None})
    age = channel.age * HOUR_MS
    stamps = ["versioncreated", *(["published_at"] if first else []), *(["bumped_at"] if top else [])]
    after: dict[str, int] = {}
    due: list[int] = []
    due_after: list[int] = []
    if item.expires is None:
        if first or top:
            after["expires"] = age
            due_after.append(age)
        else:
            item = item.model_copy(update={"expires": too_old(item, channel)})
    if item.expires is not None:
        due.append(item.expires)
    if pins_for is not None:
        after["pinned_until"] = pins_for
        due_after.append(pins_for)
    elif item.pinned_until is not None:
        due.append(item.pinned_until)
    elif first or top:
        due_after.append(age)
    else:
        due.append(too_old(item, channel))
    if wire == "publish" or act in ("update", "correction", "refile"):
        item = item.model_copy(update={"push_at": None})
        if item.push.enabled:
            after["push_at"] = channel.push_hold * 1000
    expected = more.pop("expected", item.version)
    return Change(act, wire, item, expected, tuple(stamps), after, due=tuple(due), due_after=tuple(due_after), **more)


def aside(item: Item, act: str, *, expected: int | None = None, **more: Any) -> Change:
    """The item where the public does not see it."""
    moment = planned(item)
    if item.expires is not None and moment and item.expires <= moment:
        raise ExpiresTooSoon(field="expires")
    due = [due_at for due_at in (moment if item.state == "scheduled" else 0, item.expires) if due_at]
    withheld = item.model_copy(update={"pubstatus": "withheld"})
    return Change(act, None, withheld, item.version if expected is None else expected, due=tuple(due), **more)


def planned(item: Item) -> int:
    """When a scheduled item may be public: not before its embargo ends. 0 when nothing is planned."""
    return max(item.publish_at or 0, item.embargoed or 0)


def too_old(item: Item, channel: Channel) -> int:
    """When the item leaves the window, however long it was meant to stand."""
    return (item.bumped_at or item.published_at or 0) + channel.age * HOUR_MS
