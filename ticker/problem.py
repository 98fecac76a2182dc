"""What leaves the house when something is refused: `application/problem+json` (RFC 9457), and only from here."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self

from pydantic import ValidationError

from ticker.errors import Malformed, StaleVersion, TickerError, Unprocessable
from ticker.wire import encode

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:ticker:problem:"
PUBLIC = {"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
"""Readers come from pages of every origin, and a browser shows a page what it was refused only with this."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal, ready to be sent."""

    status: int
    body: bytes
    headers: dict[str, str]

    @classmethod
    def of(cls, error: TickerError, request_id: str | None = None) -> Self:
        """The refusal that tells of this error: a stable type, a sentence, the field, and whether a retry helps.

        `request_id` is what the log has of the request.
        """
        document: dict[str, Any] = {
            "type": TYPE + error.slug,
            "title": error.title,
            "status": error.status,
            "detail": error.detail,
            "retry": error.retry,
        }
        if error.field is not None:
            document["field"] = error.field
        if request_id is not None:
            document["request_id"] = request_id
        more = {}
        if isinstance(error, StaleVersion) and error.newest is not None:
            document["item"] = error.newest.desk()
            more["ETag"] = f'"{error.newest.version}"'
        headers = {**more, "Content-Type": MEDIA_TYPE, "Cache-Control": "no-store"}
        if error.retry_after is not None:
            headers["Retry-After"] = str(error.retry_after)
        if error.status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        if error.status == HTTPStatus.UPGRADE_REQUIRED:
            headers |= {"Upgrade": "websocket", "Connection": "Upgrade"}
        return cls(error.status, encode(document), headers)

    @property
    def phrase(self) -> str:
        """The status in words."""
        return HTTPStatus(self.status).phrase

    def response(self) -> bytes:
        """The whole answer to a reader who finds no line, which ends after it."""
        headers = {**self.headers, **PUBLIC, "Content-Length": str(len(self.body)), "Connection": "close"}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {self.status} {self.phrase}\r\n{head}\r\n".encode("latin-1") + self.body


def of_validation(error: ValidationError) -> TickerError:
    """The first thing that is wrong with a body, with its field."""
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] in ("json_invalid", "json_type"):
        return Malformed(f"The body is not JSON that is taken here: {first['msg']}.")
    field = ".".join(str(part) for part in first["loc"]) or None
    what = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        what = "is not a field of this request; leave it out or mend its name"
    return Unprocessable(f"{field or 'The body'}: {what}."[:400], field=field and field[:100])
