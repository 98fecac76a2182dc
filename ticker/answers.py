"""What answers look like, field by field: the schemas that are published, and that tests hold real answers against.

Nothing is built from these models; they describe what `item`, `preview`, `history` and the others say. A field that
may be missing is never null.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ticker.draft import Direction, ItemId, Urgency
from ticker.item import State
from ticker.scope import Scope

ABSENT: Any = None
"""The default of a field that may be missing."""

Time = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
        json_schema_extra={"format": "date-time"},
        description="RFC 3339, UTC, milliseconds",
        examples=["2026-11-23T07:31:38.330Z"],
    ),
]
Position = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{1,15}-[0-9]{1,15}$",
        description="cursor: a place in the channel's log; opaque",
        examples=["1795451146381-11"],
    ),
]
Version = Annotated[int, Field(ge=1, description="1, and one more with each act")]
Signal = Literal["new", "update", "correction", "refile", "hold", "retraction"]
Wire = Literal["publish", "update", "correct", "retract", "expire", "pin", "unpin"]
"""Acts as readers are told of them."""


def _absent(schema: dict[str, Any]) -> None:
    for told in schema["properties"].values():
        told.pop("default", None)


class Told(BaseModel):
    """Something that is answered: these fields and no others. Its schema is made when it is first asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, json_schema_extra=_absent, defer_build=True)


class _Form(Told):
    """What every form of an item has."""

    id: ItemId = Field(description="ULID; the same for the item's whole life")
    version: Version
    channel: str


class WithdrawnForm(_Form):
    """An item that was taken back, or is held: never its text."""

    pubstatus: Literal["withheld", "canceled"]
    signal: Signal
    correction_note: str = Field(ABSENT, description="why it was taken back")
    versioncreated: Time


class _Text(_Form):
    headline: str = Field(min_length=1)
    attribution: str = Field(ABSENT, description="who says so; stands before the headline")
    language: str = Field(description="BCP 47")
    direction: Direction
    urgency: Urgency
    signal: Signal
    correction_note: str = Field(ABSENT, description="what was wrong before")
    sections: list[str] = ABSENT
    regions: list[str] = ABSENT
    tags: list[str] = ABSENT
    located: str = Field(ABSENT, description="where it was written")
    story: str = Field(ABSENT, description="joins items on one story, in every channel")
    link: str = Field(ABSENT, description="https address", json_schema_extra={"format": "uri"})
    live: Literal[True] = Field(ABSENT, description="part of live coverage")
    developing: Literal[True] = Field(ABSENT, description="more is to come")
    replaces: ItemId = Field(ABSENT, description="the retracted item that this one stands for")
    firstcreated: Time
    published_at: Time = ABSENT
    bumped_at: Time = Field(ABSENT, description="when it came to the top again")
    versioncreated: Time
    expires: Time = Field(ABSENT, description="when it leaves the window")
    pinned_until: Time = Field(ABSENT, description="until when it stands before the others")


class PublicForm(_Text):
    """An item as anybody may see it. A field that is empty, or false, is left out."""

    pubstatus: Literal["usable"]


class PushPlan(Told):
    """How an item goes to phones; what is as usual is left out."""

    enabled: Literal[False] = ABSENT
    topics: list[str] = ABSENT
    ttl: int = Field(ABSENT, ge=0, description="seconds")
    sound: Literal[True] = ABSENT


class DeskForm(_Text):
    """An item as its editors see it: whatever its state, with its plans."""

    pubstatus: Literal["usable", "withheld"]
    state: State = Field(description="pending: waits for a second pair of eyes")
    push_headline: str = ABSENT
    publish_at: Time = ABSENT
    embargoed: Time = ABSENT
    push: PushPlan
    push_at: Time = Field(ABSENT, description="when the push leaves; until then it can be undone")
    expired_at: Time = ABSENT
    author: str = Field(ABSENT, description="id of the key that wrote this version")


class WholeForm(DeskForm):
    """Every field of a version, the note to colleagues included."""

    pubstatus: Literal["usable", "withheld", "canceled"]  # type: ignore[assignment]  # of more forms than its parent's
    ednote: str = ABSENT


Public = PublicForm | WithdrawnForm
Desk = DeskForm | WithdrawnForm


class Sibling(Told):
    """An item of the same story in another channel."""

    channel: str
    id: ItemId
    version: Version
    headline: str


class Answer(Told):
    """What every act on an item is answered with."""

    item: Desk
    cursor: Position
    durability: Literal["memory", "everysec", "fsync"] = Field(description="what the store promises at this moment")
    warnings: list[str] = Field(ABSENT, description="allowed, and yet worth a second look")
    siblings: list[Sibling] = Field(ABSENT, description="what this correction calls into question elsewhere")


class LiveSurface(Told):
    """What would go over the live stream."""

    class Act(Told):
        """The act and the item in it."""

        act: Wire
        item: Public

    bytes: int
    entry: Act


class WindowSurface(Told):
    """What would stand in the window."""

    bytes: int
    item: Public


class PushSurface(Told):
    """What a provider would be given."""

    target: str
    bytes: int
    payload: dict[str, Any]


class Surfaces(Told):
    """Each surface with what it would get; none while the item waits."""

    live: LiveSurface = ABSENT
    items: WindowSurface = ABSENT
    push: list[PushSurface] = ABSENT


class Rehearsal(Told):
    """What would be, when nothing was stored."""

    dry_run: Literal[True]
    item: Desk
    surfaces: Surfaces
    similar: ItemId | None = Field(description="an item that says the same already")
    warnings: list[str] = ABSENT


class Window(Told):
    """The items that stand, pinned ones first, then newest first."""

    channel: str
    cursor: Position
    items: list[PublicForm]


class Channel(Told):
    """A channel that can be subscribed to."""

    name: str
    title: str
    language: str
    direction: Direction


class Channels(Told):
    """The channels there are."""

    channels: list[Channel]


class By(Told):
    """Whose key it was; empty for what the service did by itself."""

    key: str
    name: str


class StoredVersion(Told):
    """One version, and who made it."""

    version: Version
    at: Time
    act: str
    by: By
    item: WholeForm


class Versions(Told):
    """Every version of an item, oldest first."""

    id: ItemId
    versions: list[StoredVersion]


class Cause(Told):
    """What was corrected or taken back elsewhere."""

    channel: str
    id: ItemId
    version: Version
    signal: Signal
    correction_note: str | None


class Flag(Told):
    """An item that has to be looked at, and why."""

    item: WholeForm
    because: Cause


class Queue(Told):
    """What waits."""

    channel: str
    pending: list[WholeForm]
    scheduled: list[WholeForm]
    held: list[WholeForm]
    flagged: list[Flag]


class At(Told):
    """What the bar showed."""

    channel: str
    time: Time
    items: list[PublicForm]


class AuditRecord(Told):
    """One act, or one refusal of an act; versions with every field."""

    number: int = Field(ge=1)
    at: Time
    act: str
    item: str = ABSENT
    by: By
    detail: str = ABSENT
    refused: str = Field(ABSENT, description="name of the problem, when it was refused")
    before: WholeForm = ABSENT
    after: WholeForm = ABSENT
    hash: str = Field(pattern=r"^[0-9a-f]{40}$", description="over the record and the hash before it")


class Records(Told):
    """A piece of the record of a channel."""

    channel: str
    records: list[AuditRecord]


class Holder(Told):
    """The key behind a request; never the key itself."""

    id: str
    name: str


class Session(Told):
    """Who this is, and what it may do."""

    key: Holder
    scopes: list[Scope]
    channels: list[str]


class Alive(Told):
    """The process answers."""

    status: Literal["live"]


class Ready(Told):
    """Alerts reach the readers."""

    status: Literal["ready"]


class NotReady(Told):
    """They may not."""

    status: Literal["not ready"]
    reason: str
    seconds_since_heartbeat: dict[str, float | None]


class Problem(Told):
    """A refusal (RFC 9457)."""

    type: str = Field(description="stable; starts with urn:ticker:problem:")
    title: str
    status: int
    detail: str = Field(description="a sentence for people")
    retry: bool = Field(description="whether the same request can succeed later without being changed")
    field: str = Field(ABSENT, description="the field, header or parameter that is wrong")
    request_id: str = Field(ABSENT, description="what the log of the server knows the request by")
    item: Desk = Field(ABSENT, description="the newest version, when If-Match named another")
