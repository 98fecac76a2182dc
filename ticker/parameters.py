"""The headers, and the fields of the query, that operations take."""

from __future__ import annotations

from ticker.operation import Parameter
from ticker.text import findable

MOST_VALUES = 10
LONGEST_VALUE = 64
MOST_RECORDS = 500
LAST_NUMBER = 2**53
"""The greatest whole number that every reader of JSON holds."""

_YES_OR_NO = {"type": "string", "enum": ["0", "1", "false", "true"], "default": "0"}
_TEXT = {"type": "string", "minLength": 1, "maxLength": LONGEST_VALUE}
_URGENCY = {"type": "integer", "minimum": 1, "maximum": 9}

DRY_RUN = Parameter("dry_run", "query", _YES_OR_NO, "`1`: store nothing, and show what would be")
ALLOW_SIMILAR = Parameter("allow_similar", "query", _YES_OR_NO, "`1`: publish although the same text stands already")

FILTERS = tuple(
    Parameter(
        name,
        "query",
        {"type": "array", "items": _URGENCY if name == "urgency" else _TEXT, "maxItems": MOST_VALUES},
        f"only items with this {name}; given several times, with one of these",
    )
    for name in ("section", "region", "tag", "urgency")
)
CURSOR = Parameter("cursor", "query", {"type": "string"}, "the newest cursor of the client; without it: a snapshot")

TIME = Parameter(
    "time", "query", {"type": "string", "format": "date-time"}, "RFC 3339 with an offset: any moment", required=True
)
AFTER = Parameter(
    "after",
    "query",
    {"type": "integer", "minimum": 0, "maximum": LAST_NUMBER},
    "the records after this number, oldest first; without it the last ones, newest first",
)
LIMIT = Parameter(
    "limit", "query", {"type": "integer", "minimum": 1, "maximum": MOST_RECORDS, "default": 100}, "so many at most"
)

URL = Parameter(
    "url", "query", {"type": "string", "minLength": 1}, "the address of a channel's page here: /embed/…", required=True
)
_PIXELS = {"type": "integer", "minimum": 1, "maximum": 99_999_999}
MOST_WIDTH = Parameter("maxwidth", "query", _PIXELS, "pixels that the frame may be wide at most")
MOST_HEIGHT = Parameter("maxheight", "query", _PIXELS, "pixels that the frame may be high at most")
FORMAT = Parameter("format", "query", {"type": "string", "enum": ["json"], "default": "json"}, "of the answer")

ONCE = Parameter(
    "Idempotency-Key",
    "header",
    {"type": "string", "pattern": "^[!-~]{1,200}$"},
    "names this request: sent again within 24 hours, it changes nothing and is answered the same",
)
VERSION = r'(?:W/)?"([1-9][0-9]{0,8})"'
"""The ETag of a version; a weak one is what a proxy made of it."""
VERSIONS = rf"{VERSION}(?:[ \t]*,[ \t]*{VERSION})*"
IF_MATCH = Parameter(
    "If-Match",
    "header",
    # Programs that make values from it find nothing but `*`: no other is right without having seen the item.
    {"type": "string", "pattern": findable(rf"(?:\*|{VERSIONS})$", *[r"\*"] * 3)},
    'the ETag of the version that is changed (`"3"`), so that no change is overwritten unseen; `*` for whichever it is',
    required=True,
)
IF_NONE_MATCH = Parameter("If-None-Match", "header", {"type": "string"}, "an ETag; 304 while nothing is newer")
