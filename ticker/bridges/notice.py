"""What a phone is told of a version of an item, and whether it may still be told: pure rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple
from uuid import UUID, uuid5

from ticker.channel import Channel
from ticker.entry import Entry
from ticker.item import Item

Action = Literal["alert", "update", "withdraw", "clear"]
Level = Literal["time-sensitive", "active", "passive"]
Outcome = Literal["accepted", "superseded", "expired", "cancelled", "dead_lettered"]
OUTCOMES: tuple[Outcome, ...] = ("accepted", "superseded", "expired", "cancelled", "dead_lettered")
"""How a row of the outbox ends."""
RINGING = frozenset({"publish", "update", "correct"})
URGENT = 2
"""An item of this urgency or a greater one is time-sensitive."""
FLASH = 1
WITHDRAWN_MS = 24 * 3600 * 1000
"""For how long the withdrawal of an alert is tried."""
_IDS = UUID("6b1f3d5e-5a0c-4a53-9e0f-0c9d3e6c2b11")


@dataclass(frozen=True, slots=True)
class Notice:
    """What is shown: `ttl` in seconds, for which a phone that is away is waited for."""

    action: Action
    channel: str
    id: str
    version: int
    title: str
    body: str
    language: str
    direction: str
    level: Level
    sound: bool
    ttl: int
    url: str | None = None
    story: str | None = None


class Verdict(NamedTuple):
    """`send` when it may be sent now; else how it ends."""

    send: bool
    outcome: Outcome | None = None


SEND = Verdict(True)


def pushed(entry: Entry) -> int | None:
    """When the push that this entry makes may leave, milliseconds; 0 for a withdrawal, None when it makes none.

    A pin changes nothing that a phone shows, and what is taken off the ticker at the end of its time was not wrong.
    """
    if entry.act == "retract":
        return 0
    item = entry.item
    if entry.act not in RINGING or not item.push.enabled or item.push_at is None:
        return None
    return item.push_at if item.push_at >= item.versioncreated else None


def judged(version: int, push_at: int, newest: Item | None, now: int) -> Verdict:
    """Whether the push of a version may be sent, by the item as it stands.

    `push_at` is when it was to leave, which names the push: a pin makes a new version and leaves that as it is. 0 for
    a withdrawal.
    """
    if newest is None:
        return Verdict(False, "cancelled")
    if push_at == 0:
        if newest.state != "retracted":
            return Verdict(False, "cancelled")
        return Verdict(False, "expired") if now >= newest.versioncreated + WITHDRAWN_MS else SEND
    if newest.state == "expired" or (newest.expires is not None and newest.expires <= now):
        return Verdict(False, "expired")
    if newest.state != "published":
        return Verdict(False, "cancelled")
    if newest.push_at != push_at or newest.version < version:
        # Without a push of its own the newer version takes this one away: undone, or for the web only by now.
        return Verdict(False, "superseded" if newest.push_at is not None else "cancelled")
    return SEND


def notice(newest: Item, version: int, channel: Channel, now: int, *, had: bool, clear: bool) -> Notice:
    """What one target is told. `had`: it was told an earlier version. `clear`: a withdrawn alert leaves no word."""
    withdrawn = newest.state == "retracted"
    action: Action = ("clear" if clear else "withdraw") if withdrawn else "update" if had else "alert"
    level: Level = "passive"
    if action == "alert":
        level = "time-sensitive" if newest.urgency <= URGENT else "active"
    elif action == "update" and newest.signal == "correction" and newest.urgency <= FLASH:
        level = "active"
    end = newest.versioncreated + WITHDRAWN_MS if withdrawn else newest.expires
    left = newest.push.ttl if end is None else max(0, min(newest.push.ttl, (end - now) // 1000))
    return Notice(
        action=action,
        channel=newest.channel,
        id=newest.id,
        version=version,
        title=channel.title,
        body=body(newest),
        language=newest.language,
        direction=newest.direction,
        level=level,
        sound=action == "alert" and (newest.push.sound or newest.urgency <= URGENT),
        # What is taken back has to reach those who are away for longer than the alert was meant to.
        ttl=(max(0, end - now) // 1000 if withdrawn and end else left),
        url=None if withdrawn else newest.link,
        story=newest.story,
    )


def body(item: Item) -> str:
    """The text on a phone."""
    if item.pubstatus == "canceled":
        return f"Alert withdrawn: {item.correction_note}"
    if item.push_headline:
        return item.push_headline
    return f"{item.attribution}: {item.headline}" if item.attribution else item.headline


def rehearsed(entry: Entry) -> dict[str, Any]:
    """What phones would be told of this act: in a rehearsal nobody can say who was told before."""
    item = entry.item
    return {
        "would_send": entry.act,
        "channel": item.channel,
        "id": item.id,
        "version": item.version,
        "cursor": str(entry.cursor),
        "body": body(item),
    }


def name_of(item_id: str, version: int, provider: str, target: str) -> str:
    """The id of one row of the outbox, the same at each try: a UUID (RFC 9562, version 5)."""
    return str(uuid5(_IDS, f"{item_id}/{version}/{provider}/{target}"))
