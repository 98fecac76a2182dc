"""What may happen to an item: pure rules, each from an item to the change that is to be stored, or a refusal.

draft → pending → scheduled → published → update, correction, refile, pin → held → released or retracted;
published → expired or retracted. A retraction is final.
"""

from __future__ import annotations

from dataclasses import replace

from ticker.airing import HOUR_MS, Change, aside, on_air, planned, too_old
from ticker.channel import Channel
from ticker.draft import Draft, Patch, milliseconds
from ticker.errors import (
    AlreadyExpired,
    AlreadyHeld,
    AlreadyRetracted,
    AlreadyStanding,
    ApprovalNeeded,
    NotHeld,
    NothingChanged,
    NothingToUndo,
    NotPending,
    NotPinned,
    NotPublished,
    OwnApproval,
    Unprocessable,
)
from ticker.item import Item

PIN_MS = HOUR_MS
"""How long a pin holds when its editor does not say."""
PLANS = ("publish_at", "embargoed")


def publish(draft: Draft, channel: Channel, item_id: str, author: str) -> Change:
    """A new item: published at once, or scheduled, or pending where its channel asks for a second pair of eyes.

    Raises Unprocessable when a section or a region is not on the channel's list, ExpiresTooSoon.
    """
    listed(draft.sections, draft.regions, channel)
    plans = {name: milliseconds(moment) for name in PLANS if (moment := getattr(draft, name)) is not None}
    item = Item(
        id=item_id,
        channel=channel.name,
        language=draft.language or channel.language,
        direction=draft.direction or channel.direction,
        state="pending" if needs_approval(draft.urgency, channel) else "scheduled" if plans else "published",
        expires=None if draft.expires is None else milliseconds(draft.expires),
        story=draft.story or None,
        author=author,
        push=draft.push.model_dump(),
        **plans,
        **draft.model_dump(exclude={"language", "direction", "expires", "story", "push", *PLANS}),
    )
    if item.state == "published":
        change = on_air(item, channel, "publish", expected=0)
        return replace(change, stamps=("firstcreated", *change.stamps), ahead=_ahead(item, "expires"))
    return aside(
        item,
        "submit" if item.state == "pending" else "schedule",
        expected=0,
        stamps=("firstcreated", "versioncreated"),
        ahead=_ahead(item, *PLANS, "expires"),
    )


def change(item: Item, patch: Patch, channel: Channel, author: str) -> Change:
    """An update, a correction or a refile. A correction keeps the item's place; an update may move it to the top."""
    _standing(item)
    given = patch.given()
    listed(given.get("sections", ()), given.get("regions", ()), channel)
    if patch.signal == "correction" and patch.correction_note is None:
        raise Unprocessable("A correction needs a correction_note: what was wrong?", field="correction_note")
    if item.published_at is not None and any(given.get(name) is not None for name in PLANS):
        raise AlreadyStanding("The item has been public; it can be held, but not scheduled or embargoed.")
    raised = needs_approval(given.get("urgency", item.urgency), channel) and not needs_approval(item.urgency, channel)
    if raised and item.state != "pending":
        raise ApprovalNeeded(
            "This channel wants a second pair of eyes for such an urgency. Publish it as a new item.", field="urgency"
        )
    for name in (*PLANS, "expires"):
        if given.get(name) is not None:
            given[name] = milliseconds(given[name])
    if "push" in given:
        given["push"] = item.push.model_validate(given["push"].model_dump())
    if given.get("story") == "":
        given["story"] = None
    changed = {name: value for name, value in given.items() if value != getattr(item, name)}
    if not changed and patch.signal != "refile" and not patch.bump:
        raise NothingChanged
    new = item.model_copy(
        update={**changed, "signal": patch.signal, "correction_note": patch.correction_note, "author": author}
    )
    ahead = {name: changed[name] for name in (*PLANS, "expires") if changed.get(name) is not None}
    act: str = patch.signal
    if item.state == "published":
        wire = "correct" if act == "correction" else "publish" if patch.bump and act == "update" else "update"
        return on_air(new, channel, act, wire=wire, ahead=ahead)
    if item.state == "scheduled" and not planned(new):
        return on_air(new, channel, act, ahead=_ahead(new, "expires") | ahead)
    return aside(new, act, ahead=ahead)


def retract(item: Item, reason: str) -> Change:
    """The item taken back, with the public note that says why. Raises AlreadyRetracted: a retraction is final."""
    if item.state == "retracted":
        raise AlreadyRetracted
    return Change(
        act="retract",
        # Nobody is told that something was taken back that nobody was shown.
        wire="retract" if item.published_at is not None else None,
        item=item.model_copy(
            update={
                "state": "retracted",
                "pubstatus": "canceled",
                "signal": "retraction",
                "correction_note": reason,
                **dict.fromkeys((*PLANS, "expires", "pinned_until", "push_at")),
            }
        ),
        expected=item.version,
    )


def hold(item: Item) -> Change:
    """The item taken off every screen until it is released; whether it was wrong is not said."""
    _standing(item)
    if item.state == "pending":
        raise ApprovalNeeded("The item is held already: it waits for a second pair of eyes.")
    if item.state == "held":
        raise AlreadyHeld
    public = item.state == "published"
    held = item.model_copy(
        update={"state": "held", "signal": "hold", "correction_note": None, "pinned_until": None, "push_at": None}
    )
    return replace(aside(held, "hold"), wire="expire" if public else None)


def release(item: Item, channel: Channel) -> Change:
    """A held item on air again, on top; or scheduled again, when its time has not come."""
    _standing(item)
    if item.state == "pending":
        raise ApprovalNeeded("The item waits for a second pair of eyes; it is approved, not released.")
    if item.state != "held":
        raise NotHeld
    free = item.model_copy(update={"signal": "new" if item.published_at is None else "update"})
    if planned(item):
        return aside(free.model_copy(update={"state": "scheduled"}), "release")
    return on_air(free, channel, "release", ahead=_ahead(item, "expires"))


def approve(item: Item, channel: Channel, approver: str) -> Change:
    """A pending item let out by somebody else than its author."""
    _standing(item)
    if item.state != "pending":
        raise NotPending
    if item.author == approver:
        raise OwnApproval
    if planned(item):
        return aside(item.model_copy(update={"state": "scheduled"}), "approve")
    return on_air(item, channel, "approve", ahead=_ahead(item, "expires"))


def expire(item: Item) -> Change:
    """The item at the end of its time: it leaves the window, and nothing was wrong with it."""
    _standing(item)
    return Change(
        act="expire",
        wire="expire" if item.state == "published" else None,
        item=item.model_copy(
            update={"state": "expired", "pubstatus": _pubstatus(item), "pinned_until": None, "push_at": None}
        ),
        expected=item.version,
        stamps=("versioncreated", "expired_at"),
    )


def expire_now(item: Item) -> Change:
    """The same, by hand. Raises NotPublished for what is not on air."""
    if item.state in ("pending", "scheduled", "held"):
        raise NotPublished("The item is not on air; retract it, or change its 'expires'.")
    return expire(item)


def pin(item: Item, until: int | None, channel: Channel) -> Change:
    """The item before all others, until a moment. Only one of a channel at a time."""
    _on_air_only(item)
    item = item.model_copy(update={"pinned_until": until})
    if until is None:
        return on_air(item, channel, "pin", wire="pin", pins_for=PIN_MS, pins=True)
    return on_air(item, channel, "pin", wire="pin", ahead={"pinned_until": until}, pins=True)


def unpin(item: Item, channel: Channel) -> Change:
    """The item back in its place."""
    _on_air_only(item)
    if item.pinned_until is None:
        raise NotPinned
    return on_air(item.model_copy(update={"pinned_until": None}), channel, "unpin", wire="unpin")


def undo(item: Item, channel: Channel) -> Change:
    """The push stopped before it leaves; the web keeps showing the item."""
    _standing(item)
    if item.push_at is None or item.state != "published":
        raise NothingToUndo
    # What was never sent stays off the phones; what was sent once has to be corrected there too, should it come to it.
    push = item.push.model_copy(update={"enabled": item.signal != "new"})
    quiet = item.model_copy(update={"push": push, "push_at": None})
    return replace(on_air(quiet, channel, "undo", wire="update"), undoes=item.push_at)


def sweep(item: Item, at: int, channel: Channel) -> Change | None:
    """What has come due by itself at this moment: publication, expiry or the end of a pin; None for nothing."""
    if item.state not in ("scheduled", "published", "held", "pending"):
        return None
    # Before all else: what has ended while nobody looked is not published first.
    if item.expires is not None and item.expires <= at:
        return expire(item)
    if item.state == "scheduled":
        return on_air(item, channel, "publish", ahead=_ahead(item, "expires")) if planned(item) <= at else None
    if item.state == "published":
        if item.pinned_until is not None:
            return unpin(item, channel) if item.pinned_until <= at else None
        return expire(item) if too_old(item, channel) <= at else None
    return None


def listed(sections: tuple[str, ...], regions: tuple[str, ...], channel: Channel) -> None:
    """Raises Unprocessable when a section or a region is not on the channel's list."""
    for field_name, names, known in (("sections", sections, channel.sections), ("regions", regions, channel.regions)):
        for name in names:
            if name not in known:
                raise Unprocessable(
                    f"'{name[:64]}' is not one of the {field_name} of {channel.name}: "
                    f"{', '.join(known) or 'it has none'}.",
                    field=field_name,
                )


def needs_approval(urgency: int, channel: Channel) -> bool:
    """Whether the channel asks for a second pair of eyes."""
    return urgency <= channel.approve


def _pubstatus(item: Item) -> str:
    return "usable" if item.published_at is not None and item.state != "held" else "withheld"


def _ahead(item: Item, *names: str) -> dict[str, int]:
    # What has ended, and was not swept yet, is not shown for a moment first.
    return {name: value for name in names if (value := getattr(item, name)) is not None}


def _standing(item: Item) -> None:
    if item.state == "retracted":
        raise AlreadyRetracted
    if item.state == "expired":
        raise AlreadyExpired


def _on_air_only(item: Item) -> None:
    _standing(item)
    if item.state != "published":
        raise NotPublished
