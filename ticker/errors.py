"""The tree of errors, each with its status, its problem type and what to do next.

TickerError
├── SettingsError                 the program cannot start as it was told to
├── Malformed            400      no JSON, or not what HTTP allows
├── Unauthorized         401      no key, or none that is known
├── Forbidden            403      the key may not do this
│   ├── OwnApproval      403      the second pair of eyes has to be another's
│   └── ForeignOrigin    403      a page of another site used a session
├── NotFound             404
│   ├── UnknownChannel   404
│   └── UnknownItem      404
├── MethodNotAllowed     405
├── Conflict             409
│   ├── IdempotencyConflict  409  the same Idempotency-Key with another request
│   ├── Contended            409  others change the item without a pause
│   ├── Similar              409  the same text stands already
│   ├── PastTime             409  a moment that lies behind
│   │   ├── ExpiryInThePast  409
│   │   ├── ScheduleInThePast 409
│   │   ├── EmbargoInThePast 409
│   │   └── PinInThePast     409
│   ├── ExpiresTooSoon       409  it would end before it begins
│   ├── PinTaken             409  another item of the channel is pinned
│   ├── NotReplaceable       409  what it replaces is not a retracted item
│   └── IllegalTransition    409  not from the state that the item is in
│       ├── AlreadyRetracted 409
│       ├── AlreadyExpired   409
│       ├── AlreadyHeld      409
│       ├── AlreadyStanding  409
│       ├── NotHeld          409
│       ├── NotPending       409
│       ├── NotPinned        409
│       ├── NotPublished     409
│       ├── NothingChanged   409
│       ├── NothingToUndo    409
│       ├── PushSent         409
│       └── ApprovalNeeded   409
├── StaleVersion         412      If-Match names an older version; carries the newest
├── TooLarge             413
├── UnsupportedMedia     415
├── Unprocessable        422      JSON, but not an item; names the field
├── UpgradeRequired      426
├── IfMatchRequired      428
├── RateLimited          429
└── Unavailable          503
    ├── StoreUnavailable 503      Redis is away, or refuses to write
    └── Full             503      this process takes no more readers

One that leaves the house becomes `application/problem+json` (RFC 9457) in `problem.py`, and only there.
"""

from __future__ import annotations

from typing import Any


class TickerError(Exception):
    """Something went wrong inside ticker. The log of the server says what."""

    status, slug, title = 500, "internal", "Internal error"
    # Whether the same request can succeed later without being changed, and when to try, seconds.
    retry = False
    after: int | None = None

    def __init__(self, detail: str | None = None, *, field: str | None = None, retry_after: int | None = None) -> None:
        """`detail` is the docstring of the class unless given, `field` the field (`tags.0`) or header, seconds."""
        self.detail = detail or (type(self).__doc__ or "").strip().splitlines()[0]
        self.field = field
        self.retry_after = self.after if retry_after is None else retry_after
        super().__init__(self.detail)


class SettingsError(TickerError):
    """A setting is missing or wrong."""

    def __init__(self, variable: str, detail: str) -> None:
        """`variable` is what has to be mended: the environment variable."""
        self.variable = variable
        super().__init__(f"{variable}: {detail}", field=variable)


class Malformed(TickerError):
    """The body is not a JSON object in UTF-8. Send one JSON object."""

    status, slug, title = 400, "malformed", "Malformed request"


class Unauthorized(TickerError):
    """This needs a key. Send it as 'Authorization: Bearer KEY'; 'ticker keys create' makes one."""

    status, slug, title = 401, "unauthorized", "A valid key is needed"


class Forbidden(TickerError):
    """This key may not do this. Ask for a key with the right scope and channel."""

    status, slug, title = 403, "forbidden", "The key lacks the right"


class OwnApproval(Forbidden):
    """An item is approved by somebody else than its author. Ask a colleague, with a key of his own."""

    slug, title = "own-approval", "Approved by its own author"


class ForeignOrigin(Forbidden):
    """A session is only taken from our own pages. Send a key as 'Authorization: Bearer KEY' instead."""

    slug, title = "foreign-origin", "Sent from another site"


class NotFound(TickerError):
    """Nothing stands at this address. The routes are listed in docs/api.md."""

    status, slug, title = 404, "not-found", "Nothing here"


class UnknownChannel(NotFound):
    """There is no such channel."""

    slug, title = "unknown-channel", "Unknown channel"


class UnknownItem(NotFound):
    """There is no such item in this channel."""

    slug, title = "unknown-item", "Unknown item"


class MethodNotAllowed(TickerError):
    """This address does not take this method. The Allow header lists those it takes."""

    status, slug, title = 405, "method-not-allowed", "Method not allowed"


class Conflict(TickerError):
    """The request contradicts what is stored."""

    status, slug, title = 409, "conflict", "Conflict"


class IdempotencyConflict(Conflict):
    """This Idempotency-Key was used for another request. Use a new key for a new alert."""

    slug, title = "idempotency-conflict", "Idempotency-Key used for another request"


class Contended(Conflict):
    """Others changed the item at the same moment, several times over. Send it again."""

    slug, title, retry = "contended", "The item is being changed", True


class Similar(Conflict):
    """The same text was published in this channel within the last 30 minutes. Add ?allow_similar=1 if it is meant."""

    slug, title = "similar", "The same text stands already"


class PastTime(Conflict):
    """This moment lies in the past."""

    slug, title = "time-in-the-past", "A time in the past"


class ExpiryInThePast(PastTime):
    """'expires' lies in the past. Retract the item, or expire it by hand."""

    slug = "expiry-in-the-past"


class ScheduleInThePast(PastTime):
    """'publish_at' lies in the past. Leave it out to publish at once."""

    slug = "schedule-in-the-past"


class EmbargoInThePast(PastTime):
    """'embargoed' lies in the past. Leave it out: the embargo is over."""

    slug = "embargo-in-the-past"


class PinInThePast(PastTime):
    """The pin would end in the past. Give a later 'until', or none for an hour."""

    slug = "pin-in-the-past"


class ExpiresTooSoon(Conflict):
    """The item would expire before it is published. Give a later 'expires', or none."""

    slug, title = "expires-before-publication", "It would end before it begins"


class PinTaken(Conflict):
    """Another item of this channel is pinned. Unpin it first."""

    slug, title = "pin-taken", "Another item is pinned"


class NotReplaceable(Conflict):
    """'replaces' names no retracted item of this channel. Retract the item first, then replace it."""

    slug, title = "not-replaceable", "Nothing to replace"


class IllegalTransition(Conflict):
    """This cannot be done with an item in the state it is in."""

    slug, title = "illegal-transition", "Not from this state"


class AlreadyRetracted(IllegalTransition):
    """The item is retracted, and a retraction is final. Publish a new item that 'replaces' it."""

    slug, title = "already-retracted", "The item is retracted"


class AlreadyExpired(IllegalTransition):
    """The item has expired. Publish a new one, or retract it if it was wrong."""

    slug, title = "already-expired", "The item has expired"


class AlreadyHeld(IllegalTransition):
    """The item is held already."""

    slug, title = "already-held", "The item is held"


class AlreadyStanding(IllegalTransition):
    """The item has been public; it cannot be scheduled or embargoed any more. Hold it instead."""

    slug, title = "already-published", "The item has been public"


class NotHeld(IllegalTransition):
    """The item is not held, so there is nothing to release."""

    slug, title = "not-held", "The item is not held"


class NotPending(IllegalTransition):
    """The item does not wait for approval."""

    slug, title = "not-pending", "Nothing to approve"


class NotPinned(IllegalTransition):
    """The item is not pinned."""

    slug, title = "not-pinned", "The item is not pinned"


class NotPublished(IllegalTransition):
    """The item is not on air."""

    slug, title = "not-published", "The item is not on air"


class NothingChanged(IllegalTransition):
    """The item says this already. Change a field, or send it as 'refile'."""

    slug, title = "nothing-changed", "Nothing would change"


class NothingToUndo(IllegalTransition):
    """No push of this item is waiting. Correct or retract the item instead."""

    slug, title = "nothing-to-undo", "No push is waiting"


class PushSent(IllegalTransition):
    """The push has left. Correct or retract the item instead: that reaches the phones too."""

    slug, title = "push-sent", "The push has left"


class ApprovalNeeded(IllegalTransition):
    """This channel wants a second pair of eyes: somebody else has to approve the item."""

    slug, title = "approval-needed", "A second pair of eyes is needed"


class StaleVersion(TickerError):
    """The item was changed in the meantime; 'item' is its newest version. Repeat the change on that one."""

    status, slug, title = 412, "stale-version", "The item has a newer version"

    def __init__(self, detail: str | None = None, *, newest: Any = None) -> None:
        """`newest` is the item as it stands, for whoever has to look at both."""
        super().__init__(detail, field="If-Match")
        self.newest = newest


class TooLarge(TickerError):
    """The body is larger than this server takes."""

    status, slug, title = 413, "too-large", "Body too large"


class UnsupportedMedia(TickerError):
    """Send 'Content-Type: application/json', in UTF-8 and without Content-Encoding."""

    status, slug, title = 415, "unsupported-media-type", "Unsupported media type"


class Unprocessable(TickerError):
    """A field does not hold what it should."""

    status, slug, title = 422, "invalid-item", "Invalid item"


class UpgradeRequired(TickerError):
    """This address is a live stream. Connect by WebSocket, accept text/event-stream, or poll …/items."""

    status, slug, title = 426, "upgrade-required", "WebSocket upgrade required"


class IfMatchRequired(TickerError):
    """Say which version you change: send its ETag as If-Match, so that nobody's change is overwritten unseen."""

    status, slug, title = 428, "if-match-required", "If-Match is needed"


class RateLimited(TickerError):
    """Too many posts with this key within a minute."""

    status, slug, title, retry = 429, "rate-limited", "Too many requests", True


class Unavailable(TickerError):
    """The service cannot do this right now. Try again shortly."""

    status, slug, title, retry = 503, "unavailable", "Temporarily unavailable", True


class StoreUnavailable(Unavailable):
    """The store did not take this in time; it may or may not be stored. Repeat it with the same Idempotency-Key."""

    slug, title = "store-unavailable", "The store is away"
    after = 2


class Full(Unavailable):
    """This server takes no more readers. Poll …/items, or come back later."""

    slug, title = "full", "No more readers"
