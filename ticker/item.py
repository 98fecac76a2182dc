"""An item and what may happen to it: pure functions from an old version to the new one.

No clock and no id is made here: the store sets version and times (`version`, `firstcreated`, `published_at`,
`versioncreated`, `expires`) in the same atomic step that gives the entry its place in the log.
Field names follow IPTC ninjs 3.1.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    TypeAdapter,
    UrlConstraints,
    ValidationError,
)

from ticker.channel import Channel
from ticker.errors import AlreadyRetracted, Unprocessable
from ticker.text import line

HEADLINE = 280
ATTRIBUTION = 100
NOTE = 500
TAG = 64
FAR = datetime(2200, 1, 1, tzinfo=UTC)
LINK = 2048
DAY_MS = 24 * 3600 * 1000
"""How long an item stands when its editor does not say."""

STAMPED = frozenset({"version", "firstcreated", "published_at", "versioncreated", "expires"})
"""Fields that only the store sets."""

# Any field that is not named here never leaves the house.
PUBLIC = (
    "id",
    "version",
    "channel",
    "headline",
    "attribution",
    "language",
    "direction",
    "urgency",
    "pubstatus",
    "signal",
    "correction_note",
    "sections",
    "regions",
    "tags",
    "story",
    "link",
    "live",
    "firstcreated",
    "published_at",
    "versioncreated",
    "expires",
    "pinned_until",
)
# What remains of an item that was taken back: never its text.
WITHDRAWN = ("id", "version", "channel", "pubstatus", "signal", "correction_note", "versioncreated")
TIMES = frozenset({"firstcreated", "published_at", "versioncreated", "expires", "pinned_until"})


def _line(most: int) -> AfterValidator:
    return AfterValidator(lambda text: line(text, most))


_URL: TypeAdapter[HttpUrl] = TypeAdapter(Annotated[HttpUrl, UrlConstraints(allowed_schemes=["https"])])


def _https(text: str) -> str:
    # The URL parser drops tabs and line breaks silently; what an editor pasted wrongly should be said.
    clean = line(text, LINK, longest_word=LINK)
    try:
        url = _URL.validate_python(clean)
    except ValidationError as error:
        raise ValueError(error.errors(include_url=False)[0]["msg"]) from None
    if url.username or url.password:
        raise ValueError("holds a user name; give the plain address")
    return str(url)


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) != len(values):
        raise ValueError("names something twice")
    return values


def _within_reach(moment: datetime) -> datetime:
    # Near the year 10000 a time can be read but not written again in UTC.
    if moment >= FAR:
        raise ValueError(f"is after {FAR:%Y}; leave it out for a day")
    return moment


Expiry = Annotated[AwareDatetime, AfterValidator(_within_reach)]
Headline = Annotated[str, _line(HEADLINE)]
Attribution = Annotated[str, _line(ATTRIBUTION)]
Note = Annotated[str, _line(NOTE)]
Tag = Annotated[str, _line(TAG)]
Story = Annotated[str, Field(pattern=r"^[a-z0-9-]{0,32}$")]
Link = Annotated[str, AfterValidator(_https)]


class Draft(BaseModel):
    """What an editor sends to publish an item. Unknown fields are refused: a typing error must not lose a fact."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    headline: Headline = Field(description=f"1 to {HEADLINE} characters, one line of plain text")
    attribution: Attribution | None = Field(None, description="who says so; shown before the headline")
    urgency: int = Field(5, ge=1, le=9, description="1 flash, 2 bulletin, 3 urgent, 5 normal, 9 least")
    link: Link | None = Field(None, description="https address of the story")
    sections: Annotated[tuple[str, ...], Field(max_length=3), AfterValidator(_distinct)] = ()
    regions: Annotated[tuple[str, ...], Field(max_length=5), AfterValidator(_distinct)] = ()
    tags: Annotated[tuple[Tag, ...], Field(max_length=10), AfterValidator(_distinct)] = ()
    story: Story | None = Field(None, description="thread key; the same in every channel that covers the story")
    expires: Annotated[AwareDatetime, AfterValidator(_within_reach)] | None = Field(
        None, description="when it leaves the ticker; a day after posting by default"
    )
    live: bool = Field(False, description="part of live coverage")


class Reason(BaseModel):
    """What an editor sends to retract an item."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    reason: Note = Field(description=f"public note, 1 to {NOTE} characters")


class Item(BaseModel):
    """One version of one alert, as it is stored. Times are milliseconds since 1970 (UTC), from the store's clock."""

    # Other releases of the program may have written more fields into the same log.
    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    version: int = 0
    channel: str
    headline: str
    attribution: str | None = None
    language: str
    direction: Literal["ltr", "rtl"] = "ltr"
    urgency: int = 5
    pubstatus: Literal["usable", "withheld", "canceled"] = "usable"
    signal: Literal["new", "update", "correction", "refile", "hold", "retraction"] = "new"
    correction_note: str | None = None
    sections: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    story: str | None = None
    link: str | None = None
    live: bool = False
    firstcreated: int = 0
    published_at: int = 0
    versioncreated: int = 0
    expires: int | None = None
    pinned_until: int | None = None

    def unstamped(self, stamps: frozenset[str] = STAMPED) -> str:
        """JSON of this item without the fields that the store will set."""
        return self.model_dump_json(exclude=set(stamps), exclude_none=True)

    def public(self) -> dict[str, Any]:
        """The item as anybody may see it: an allow-list of fields, times in ISO 8601, absent when empty."""
        names = WITHDRAWN if self.pubstatus == "canceled" else PUBLIC
        shown: dict[str, Any] = {}
        for name in names:
            value = getattr(self, name)
            if value is None or value == () or value is False:
                continue
            shown[name] = iso(value) if name in TIMES else value
        return shown


def iso(milliseconds: int) -> str:
    """RFC 3339 in UTC with milliseconds: 2026-11-23T07:31:38.330Z."""
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware datetime."""
    return (moment - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)


def publish(draft: Draft, channel: Channel, item_id: str) -> Item:
    """A new item of this channel.

    Raises Unprocessable when a section or a region is not on the channel's list.
    """
    for field, known in (("sections", channel.sections), ("regions", channel.regions)):
        for name in getattr(draft, field):
            if name not in known:
                raise Unprocessable(
                    f"'{name[:64]}' is not one of the {field} of {channel.name}: {', '.join(known) or 'it has none'}.",
                    field=field,
                )
    return Item(
        id=item_id,
        channel=channel.name,
        language=channel.language,
        direction=channel.direction,
        **draft.model_dump(exclude={"expires", "story"}),
        story=draft.story or None,
    )


def retract(item: Item, reason: str) -> Item:
    """The item taken back, with the public note that says why.

    Raises AlreadyRetracted: a retraction is final.
    """
    if item.pubstatus == "canceled":
        raise AlreadyRetracted
    return item.model_copy(
        update={
            "pubstatus": "canceled",
            "signal": "retraction",
            "correction_note": reason,
            "expires": None,
            "pinned_until": None,
        }
    )


def expire(item: Item) -> Item:
    """The item at the end of its time: it leaves the window, and nothing was wrong with it."""
    return item.model_copy(update={"expires": None})
