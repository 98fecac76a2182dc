"""The live stream, as an AsyncAPI 3.0 document: made from the frames, the filters and the close codes there are."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from ticker import __version__, frames, schemas
from ticker.channel import Channel
from ticker.frames import FRAMES, SENT
from ticker.parameters import CURSOR, FILTERS
from ticker.schemas import Schema
from ticker.wire import CloseCode, Reset

VERSION = "3.0.0"
ADDRESS = "/v1/channels/{channel}/live"
CODES = {
    CloseCode.FLOOD: "the client sent far too much: come back, with the cursor",
    CloseCode.DRAINING: "this process stops: come back, with the cursor, after the `retry_ms` of the reason",
    CloseCode.SLOW: "the client took nothing for too long: come back with the cursor",
    CloseCode.RESET: "the client's position is of no use: come back without a cursor",
    CloseCode.REVOKED: "the key of this line has ended: do not come back with it",
    CloseCode.FULL: "no place: do not come back; poll the window",
    CloseCode.GONE: "the channel is none any more: do not come back",
}
REASONS = {
    Reset.EPOCH: "the log began a new life, or the cursor was never one of this log",
    Reset.WINDOW: "the cursor is older than what can be caught up on, or the channel was set up anew",
    Reset.LAG: "the client took too slowly, and what it missed is no longer held",
}
ABOUT = """\
The alerts of a channel as they come, over a WebSocket (RFC 6455) at the address of the HTTP API. No key, no cookie,
no subprotocol; any origin. Frames are text, each one JSON object with a `type`. A refusal comes before the handshake,
as HTTP with a problem (RFC 9457), as [/openapi.json](/openapi.json) has them.

The cursor of the newest frame is the client's position; with it in the query the stream goes on where it broke off.
Clients need to send nothing; some may tell what they have shown. They ignore frames, acts and fields that they do not
know, and versions that are not newer than theirs.

With `Accept: text/event-stream` the same address answers with the same frames as server-sent events, the id of each
being its cursor; `Last-Event-ID` is then the cursor to go on from."""


def build(channels: Mapping[str, Channel]) -> dict[str, Any]:
    """The document."""
    models, named = schemas.of([*FRAMES, *SENT])
    names = {frame: frame.__name__.lower() for frame in (*FRAMES, *SENT)}
    document = {
        "asyncapi": VERSION,
        "info": {"title": "ticker, live", "version": __version__, "description": ABOUT},
        "defaultContentType": "application/json",
        "channels": {
            "live": {
                "address": ADDRESS,
                "title": "The live stream of a channel",
                "description": _listed("Close codes:", {str(code.value): CODES[code] for code in CloseCode}),
                "parameters": {"channel": {"enum": list(channels), "description": "name of the channel"}},
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names.values()},
                "bindings": {"ws": {"method": "GET", "query": _query(), "bindingVersion": "0.1.0"}},
            }
        },
        "operations": {
            "follow": {
                "action": "send",
                "channel": {"$ref": "#/channels/live"},
                "summary": "First a snapshot, a resume or a reset; then each act, and a heartbeat now and then.",
                "messages": [{"$ref": f"#/channels/live/messages/{names[frame]}"} for frame in FRAMES],
            },
            "receipt": {
                "action": "receive",
                "channel": {"$ref": "#/channels/live"},
                "summary": "From a client that is among those who are asked: it has shown an entry.",
                "messages": [{"$ref": f"#/channels/live/messages/{names[frame]}"} for frame in SENT],
            },
        },
        "components": {
            "messages": {
                name: {
                    "name": name,
                    "title": frame.__name__,
                    "summary": inspect.getdoc(frame),
                    **({"description": _listed("Reasons:", REASONS)} if frame is frames.Reset else {}),
                    "payload": models[frame],
                }
                for frame, name in names.items()
            },
            "schemas": dict(sorted(named.items())),
        },
    }
    # Not the pattern of a text: what is read was checked when it was written.
    common = schemas.common(text=False)
    found: dict[str, Any] = schemas.shared(document, common)
    found["components"]["schemas"] |= common
    return found


def _listed(head: str, told: Mapping[str, str]) -> str:
    return "\n".join([head, *(f"- `{name}`: {meaning}" for name, meaning in told.items())])


def _query() -> Schema:
    return {
        "type": "object",
        "properties": {taken.name: {**taken.schema, "description": taken.description} for taken in (CURSOR, *FILTERS)},
    }
