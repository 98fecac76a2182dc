"""One version of one alert, and who may see what of it.

No clock and no id is made here: the store sets version and times in the same atomic step that gives an entry its
place in the log. Field names follow IPTC ninjs 3.1.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

# Any field that is not named here never reaches the public.
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
    "located",
    "story",
    "link",
    "live",
    "developing",
    "replaces",
    "firstcreated",
    "published_at",
    "bumped_at",
    "versioncreated",
    "expires",
    "pinned_until",
)
# What the public sees of an item that was taken back, or is held: never its text.
WITHDRAWN = ("id", "version", "channel", "pubstatus", "signal", "correction_note", "versioncreated")
# What its editors see besides.
DESK = ("state", "push_headline", "publish_at", "embargoed", "push", "push_at", "expired_at", "author")
TIMES = frozenset(
    {
        "firstcreated",
        "published_at",
        "bumped_at",
        "versioncreated",
        "expires",
        "pinned_until",
        "publish_at",
        "embargoed",
        "push_at",
        "expired_at",
    }
)

State = Literal["pending", "scheduled", "published", "held", "expired", "retracted"]
"""Where an item stands in its life. `pending` waits for a second pair of eyes."""


class Push(BaseModel):
    """How an item goes to phones; `ttl` in seconds."""

    model_config = ConfigDict(frozen=True, extra="allow")

    enabled: bool = True
    topics: tuple[str, ...] = ()
    ttl: int = 3600
    sound: bool = False


class Item(BaseModel):
    """One version of one alert, as it is stored. Times are milliseconds since 1970 (UTC), from the store's clock."""

    # Other releases of the program may have written more fields into the same log; they are kept through an edit.
    model_config = ConfigDict(frozen=True, extra="allow")

    id: str
    version: int = 0
    channel: str
    state: State = "published"
    headline: str
    push_headline: str | None = None
    attribution: str | None = None
    language: str
    direction: Literal["ltr", "rtl"] = "ltr"
    urgency: int = 5
    pubstatus: Literal["usable", "withheld", "canceled"] = "usable"
    signal: Literal["new", "update", "correction", "refile", "hold", "retraction"] = "new"
    correction_note: str | None = None
    ednote: str | None = None
    sections: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    located: str | None = None
    story: str | None = None
    link: str | None = None
    live: bool = False
    developing: bool = False
    replaces: str | None = None
    push: Push = Push()
    author: str | None = None
    firstcreated: int = 0
    published_at: int | None = None
    bumped_at: int | None = None
    versioncreated: int = 0
    publish_at: int | None = None
    embargoed: int | None = None
    expires: int | None = None
    pinned_until: int | None = None
    push_at: int | None = None
    expired_at: int | None = None

    def unstamped(self, stamps: frozenset[str]) -> str:
        """JSON of this item without the fields that the store will set."""
        return self.model_dump_json(exclude={"version", *stamps}, exclude_none=True)

    def known(self) -> bool:
        """Whether the public knows of this item: it is, or was, on air, and is not held."""
        return self.pubstatus != "withheld" and self.published_at is not None

    def public(self) -> dict[str, Any]:
        """The item as anybody may see it: an allow-list of fields, times in ISO 8601, absent when empty."""
        return self._shown(PUBLIC if self.pubstatus == "usable" else WITHDRAWN)

    def desk(self) -> dict[str, Any]:
        """The item as its editors see it in answers: the public fields, whatever its state, and its plans."""
        return self._shown(WITHDRAWN if self.pubstatus == "canceled" else PUBLIC + DESK)

    def whole(self) -> dict[str, Any]:
        """Every field, the note to colleagues included: for the history of an item, which needs a key."""
        return self._shown((*PUBLIC, *DESK, "ednote"))

    def _shown(self, names: tuple[str, ...]) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        for name in names:
            value = getattr(self, name)
            if value in (None, (), "") or value is False:
                continue
            if name in TIMES:
                value = iso(value)
            shown[name] = value.model_dump(exclude_defaults=True) if isinstance(value, Push) else value
        return shown


def iso(milliseconds: int) -> str:
    """RFC 3339 in UTC with milliseconds: 2026-11-23T07:31:38.330Z."""
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC).isoformat()[:19]
    return f"{moment}.{milliseconds % 1000:03d}Z"
