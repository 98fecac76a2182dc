"""A reader's event stream (server-sent events): the same frames as events, over plain HTTP.

The answer has no length and is not cut into chunks; it ends with the line. So the same bytes do for every reader,
whichever version of HTTP it or its proxy speaks.
"""

from __future__ import annotations

import json

from ticker.connection import Connection, Door, Scope
from ticker.lane import Way
from ticker.wire import CloseCode, encode

MEDIA_TYPE = "text/event-stream"
ANSWER = (
    b"HTTP/1.1 200 OK\r\n"
    b"Content-Type: text/event-stream; charset=utf-8\r\n"
    b"Cache-Control: no-store\r\n"
    b"Connection: close\r\n"
    b"Access-Control-Allow-Origin: *\r\n"
    b"X-Accel-Buffering: no\r\n"  # nginx would collect events until its buffer is full
    b"X-Content-Type-Options: nosniff\r\n"
    b"Referrer-Policy: no-referrer\r\n\r\n"
)


class EventStreamConnection(Connection):
    """One reader who came by event stream."""

    __slots__ = ()

    def __init__(self, door: Door) -> None:
        super().__init__(door)
        self.way = Way.EVENTS

    def begin(self, scope: Scope) -> None:
        """Answer the request, and enter."""
        self.enter(scope, ANSWER)

    def data_received(self, data: bytes) -> None:
        """Nobody sends another request before the first one has been answered, and this answer has no end."""
        self.cut()

    def farewell(self, code: int, reason: str) -> bytes:
        """An event of its own kind, since a browser that reads events comes back whatever it is told."""
        told = b"event: close\ndata: %b\n\n" % encode({"code": code, "reason": reason})
        if code == CloseCode.DRAINING:
            return b"retry: %d\n" % json.loads(reason)["retry_ms"] + told
        return told


def asked_for(scope: Scope) -> bool:
    """Whether a request wants events: a GET that accepts them by name, to the address of a live line."""
    return (
        scope["method"] == "GET"
        and scope["path"].startswith("/v1/channels/")
        and scope["path"].endswith(("/live", "/desk"))
        and any(name == b"accept" and MEDIA_TYPE.encode() in value.lower() for name, value in scope["headers"])
    )
