"""The tree of errors, each with its status, its problem type and what to do next.

TickerError
├── SettingsError                 the program cannot start as it was told to
├── Malformed            400      no JSON, or not what HTTP allows
├── Unauthorized         401      no key, or none that is known
├── Forbidden            403      the key may not do this
├── NotFound             404
│   ├── UnknownChannel   404
│   └── UnknownItem      404
├── MethodNotAllowed     405
├── Conflict             409
│   ├── IdempotencyConflict  409  the same Idempotency-Key with another request
│   ├── StaleVersion         409  somebody else changed the item first
│   └── AlreadyRetracted     409  a retraction is final
├── TooLarge             413
├── UnsupportedMedia     415
├── Unprocessable        422      JSON, but not an item; names the field
├── UpgradeRequired      426
├── RateLimited          429
└── Unavailable          503
    ├── StoreUnavailable 503      Redis is away, or refuses to write
    └── Full             503      this process takes no more readers

A TickerError that leaves the house becomes `application/problem+json` (RFC 9457) in `problem.py`,
the only place where that happens.
"""

from __future__ import annotations


class TickerError(Exception):
    """Something went wrong inside ticker. The log of the server says what."""

    status = 500
    slug = "internal"
    title = "Internal error"
    retry = False
    """Whether the same request can succeed later without being changed."""

    def __init__(self, detail: str | None = None, *, field: str | None = None, retry_after: int | None = None) -> None:
        """The docstring of the class is the sentence that is told when no other is given.

        `field` is the path of the offending field (`link`, `tags.0`) or header, `retry_after` is in seconds.
        """
        self.detail = detail or (type(self).__doc__ or "").strip().splitlines()[0]
        self.field = field
        self.retry_after = retry_after
        super().__init__(self.detail)


class SettingsError(TickerError):
    """A setting is missing or wrong."""

    def __init__(self, variable: str, detail: str) -> None:
        """`variable` is the environment variable, or the file and line, that has to be mended."""
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


class StaleVersion(Conflict):
    """The item was changed in the meantime. Read it again and repeat the change on its newest version."""

    slug, title, retry = "stale-version", "The item has a newer version", True


class AlreadyRetracted(Conflict):
    """The item is retracted, and a retraction is final. Publish a new item instead."""

    slug, title = "already-retracted", "The item is retracted"


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
    """This address speaks WebSocket. Connect with a WebSocket client, or poll …/items."""

    status, slug, title = 426, "upgrade-required", "WebSocket upgrade required"


class RateLimited(TickerError):
    """Too many posts with this key within a minute."""

    status, slug, title, retry = 429, "rate-limited", "Too many requests", True


class Unavailable(TickerError):
    """The service cannot do this right now. Try again shortly."""

    status, slug, title, retry = 503, "unavailable", "Temporarily unavailable", True


class StoreUnavailable(Unavailable):
    """The store did not take this in time; it may or may not be stored. Repeat it with the same Idempotency-Key."""

    slug, title = "store-unavailable", "The store is away"

    def __init__(self, detail: str | None = None, *, retry_after: int = 2) -> None:
        """`retry_after` is in seconds and always set, since a store that is away comes back."""
        super().__init__(detail, retry_after=retry_after)


class Full(Unavailable):
    """This server takes no more readers. Poll …/items, or come back later."""

    slug, title = "full", "No more readers"
