"""What goes over the live stream, field by field: nothing is built from these models, they describe what is."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ticker.answers import ABSENT, Position, Public, PublicForm, Time, Told, Version, Wire
from ticker.draft import Direction, ItemId


class Reconnect(Told):
    """Bounds of the random wait before coming back."""

    min_ms: int = Field(ge=0)
    max_ms: int = Field(ge=0)


class Entry(Told):
    """One act on one item. A retraction carries no text."""

    type: Literal["entry"]
    cursor: Position
    previous: Position = Field(description="the entry before, in the log of the whole channel")
    act: Wire
    item: Public


class _First(Told):
    channel: str
    language: str = Field(description="BCP 47")
    direction: Direction
    cursor: Position
    time: Time = Field(description="the store's clock")
    reconnect: Reconnect
    receipts: float = Field(
        ABSENT, gt=0, le=1, description="the part of the clients who are asked to send `seen`, each by its own chance"
    )


class Snapshot(_First):
    """Everything that stands: the first frame of a client without a cursor. Newest first, pinned ones before."""

    type: Literal["snapshot"]
    items: list[PublicForm]


class Resume(_First):
    """Exactly the entries after the client's cursor, oldest first; perhaps none."""

    type: Literal["resume"]
    entries: list[Entry]


class Reset(_First):
    """Forget everything, here is what stands now. The first frame, or at any later moment."""

    type: Literal["reset"]
    reason: Literal["epoch", "window", "lag"] = Field(
        description="epoch: the cursor is of another life of the log; window: it is too old; lag: too slow"
    )
    items: list[PublicForm]
    tombstones: list[ItemId] = Field(description="items that were withdrawn or have expired, newest last")
    versions: list[Version | None] = Field(
        description="of each tombstone, the version that took it away; null: retracted, and it never comes back"
    )


class Heartbeat(Told):
    """The line lives, and this is how far the log has come."""

    type: Literal["heartbeat"]
    cursor: Position
    time: Time = Field(description="the store's clock")
    stale: Literal[True] = Field(ABSENT, description="so far as is known: the log has not been heard of for a while")


class Seen(Told):
    """A receipt: the client is among those who are asked, and has shown this entry."""

    type: Literal["seen"]
    cursor: Position = Field(description="of the entry")


SENT = (Seen,)
"""What a client may send."""
FRAMES = (Snapshot, Resume, Reset, Entry, Heartbeat)
