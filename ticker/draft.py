"""What editors send: the fields of an alert, of a change to it, and of each act on it.

Unknown fields are refused everywhere: a typing error must not lose a fact. Field names follow IPTC ninjs 3.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    HttpUrl,
    TypeAdapter,
    UrlConstraints,
    ValidationError,
)
from pydantic_core import CoreSchema, core_schema

from ticker.text import findable, line, pattern

HEADLINE = 280
PUSH_HEADLINE = 120
ATTRIBUTION = 100
NOTE = 500
TAG = 64
PLACE = 64
LINK = 2048
LAST_MS = 253_402_300_799_999
"""The last moment of the year 9999 in UTC: the last one that can be written as a date."""
WARN_LENGTHS = (120, 90)
"""Characters of a headline from which on its editor is warned: cut on many phones, long for a bar."""

_LINK = findable("https://", r"https://[a-z]{1,60}\.[a-z]{2,20}(?:/[a-z0-9]*)*")
"""For the schema, which cannot say all that the URL standard does; what is planned is surely taken."""
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d", re.ASCII)
_URL: TypeAdapter[HttpUrl] = TypeAdapter(Annotated[HttpUrl, UrlConstraints(allowed_schemes=["https"])])


@dataclass(frozen=True, slots=True)
class Line:
    """Marks a text as one line of at most so many characters; the schema says the same as the check does."""

    most: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(lambda text: line(text, self.most), handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "minLength": 1, "maxLength": self.most, "pattern": pattern()}


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


def _dated(moment: object) -> object:
    # The parser also takes a number in quotes, for seconds since 1970, and a day without an hour.
    if isinstance(moment, datetime) or (isinstance(moment, str) and _MOMENT.match(moment)):
        return moment
    raise ValueError("takes a moment with an offset, like 2026-11-23T07:30:00Z")


def _whole(number: object) -> object:
    # JSON has one kind of number: 5.0 is 5.
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) != len(values):
        raise ValueError("names something twice")
    return values


# What a channel lists, or may list; whether it does is asked when the channel is known.
Listed = Annotated[str, Field(min_length=1, max_length=TAG)]
Headline = Annotated[str, Line(HEADLINE)]
PushHeadline = Annotated[str, Line(PUSH_HEADLINE)]
Attribution = Annotated[str, Line(ATTRIBUTION)]
Note = Annotated[str, Line(NOTE)]
Tag = Annotated[str, Line(TAG)]
Place = Annotated[str, Line(PLACE)]
Story = Annotated[str, Field(pattern=r"^[a-z0-9-]{0,32}$")]
ItemId = Annotated[str, Field(pattern=r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
Language = Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}$")]
Direction = Literal["ltr", "rtl"]
Urgency = Annotated[int, Field(ge=1, le=9), BeforeValidator(_whole)]
Seconds = Annotated[int, Field(ge=0, le=2_419_200), BeforeValidator(_whole)]
Link = Annotated[
    str,
    AfterValidator(_https),
    Field(json_schema_extra={"format": "uri", "maxLength": LINK, "pattern": _LINK}),
]
_Unique = Field(json_schema_extra={"uniqueItems": True})
Sections = Annotated[tuple[Listed, ...], Field(max_length=3), AfterValidator(_distinct), _Unique]
Regions = Annotated[tuple[Listed, ...], Field(max_length=5), AfterValidator(_distinct), _Unique]
Tags = Annotated[tuple[Tag, ...], Field(max_length=10), AfterValidator(_distinct), _Unique]
Moment = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_dated)]


class _Sent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Push(_Sent):
    """How an alert goes to phones."""

    enabled: bool = Field(True, description="false: the web only")
    topics: Annotated[tuple[Tag, ...], Field(max_length=20), AfterValidator(_distinct), _Unique] = ()
    ttl: Seconds = Field(3600, description="seconds for which a phone that is off is waited for")
    sound: bool = Field(False, description="whether phones may make a sound")


class Draft(_Sent):
    """What an editor sends to publish an item."""

    headline: Headline = Field(description=f"1 to {HEADLINE} characters, one line of plain text")
    push_headline: PushHeadline | None = Field(None, description="the text on phones, when it is another")
    attribution: Attribution | None = Field(None, description="who says so; shown before the headline")
    language: Language | None = Field(None, description="BCP 47; the channel's by default")
    direction: Direction | None = Field(None, description="the channel's by default")
    urgency: Urgency = Field(5, description="1 flash, 2 bulletin, 3 urgent, 5 normal, 9 least")
    link: Link | None = Field(None, description="https address of the story")
    sections: Sections = Field((), description="of the channel's list")
    regions: Regions = Field((), description="of the channel's list")
    tags: Tags = Field((), description="free words")
    located: Place | None = Field(None, description="where it was written")
    story: Story | None = Field(None, description="thread key; the same in every channel that covers the story")
    live: bool = Field(False, description="part of live coverage")
    developing: bool = Field(False, description="more is to come")
    replaces: ItemId | None = Field(None, description="a retracted item that this one stands for")
    ednote: Note | None = Field(None, description="for colleagues; never shown to the public")
    publish_at: Moment | None = Field(None, description="when it is published; now by default")
    embargoed: Moment | None = Field(None, description="before this moment nobody may show it")
    expires: Moment | None = Field(None, description="when it leaves the ticker; the channel's age by default")
    push: Push = Field(Push(), description="how it goes to phones")


def _of_patch(schema: dict[str, Any]) -> None:
    # What is not sent is not changed, whatever stands below.
    for field in schema["properties"].values():
        field.pop("default", None)
    noted = {"properties": {"correction_note": {"type": "string"}}, "required": ["correction_note"]}
    schema["anyOf"] = [{"properties": {"signal": {"enum": ["update", "refile"]}}}, noted]


class Patch(_Sent):
    """What an editor sends to change an item. Fields that are not named stay; null takes an optional one away."""

    model_config = ConfigDict(json_schema_extra=_of_patch)

    signal: Literal["update", "correction", "refile"] = Field(
        description="update: there is more; correction: it was wrong; refile: the same again"
    )
    correction_note: Note | None = Field(None, description="public; what was wrong. Required for a correction")
    bump: bool = Field(False, description="an update that moves to the top")
    # These defaults are never read: only fields that were sent are taken over.
    headline: Headline = Field("", description="as for a new item")
    push_headline: PushHeadline | None = None
    attribution: Attribution | None = None
    language: Language = ""
    direction: Direction = "ltr"
    urgency: Urgency = 5
    link: Link | None = None
    sections: Sections = ()
    regions: Regions = ()
    tags: Tags = ()
    located: Place | None = None
    story: Story | None = None
    live: bool = False
    developing: bool = False
    ednote: Note | None = None
    publish_at: Moment | None = Field(None, description="only while it is scheduled; null: now")
    embargoed: Moment | None = Field(None, description="only while it is scheduled")
    expires: Moment | None = Field(None, description="null: the channel's age")
    push: Push = Push()

    def given(self) -> dict[str, Any]:
        """The fields of the item that are named, with their values."""
        named = self.model_fields_set - {"signal", "correction_note", "bump"}
        return {name: getattr(self, name) for name in named}


class Reason(_Sent):
    """What an editor sends to retract an item."""

    reason: Note = Field(description=f"public note, 1 to {NOTE} characters")


class Hold(_Sent):
    """What an editor may send to hold an item."""

    reason: Note | None = Field(None, description="for colleagues and the audit; never shown to the public")


class Pin(_Sent):
    """What an editor may send to pin an item."""

    until: Moment | None = Field(None, description="when the pin ends; an hour from now by default")


class Nothing(_Sent):
    """The body of an act that needs no words: none, or an empty object."""


class Login(_Sent):
    """What the desk sends to begin a session."""

    key: str = Field(min_length=1, max_length=500, description="a key, as 'ticker keys create' showed it")


class Whereabouts(_Sent):
    """What a page of the desk says of itself."""

    desk: str = Field(pattern=r"^[a-z0-9]{8,32}$", description="a name that the page has given itself")
    item: ItemId | None = Field(None, description="the item that its editor has open")
    act: Literal["update", "correction", "refile", "retract"] | None = Field(
        None, description="what the editor is about to do to it"
    )


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970 of an aware datetime; the nearest that can be written as a date again."""
    return max(0, min((moment - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1), LAST_MS))
