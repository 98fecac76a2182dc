"""What goes over the line: JSON frames built once, and the codes that close a connection.

Every function here returns bytes that are written as they are, to as many readers as there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Any

from pydantic_core import to_json
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Close, Frame, Opcode

from ticker.channel import Channel
from ticker.entry import Cursor, Entry
from ticker.item import Item, iso
from ticker.lane import Way

# Without a context that lasts from message to message, so that it has no state, and its frames have no addressee.
_DEFLATE = PerMessageDeflate(True, True, 15, 15)


class CloseCode(IntEnum):
    """Why the server closes a connection, and by its range whether to come back.

    1008, 1012 and 4000-4499: come back, with the newest cursor unless the code says otherwise.
    4500-4999: do not come back by WebSocket; poll …/items instead.
    """

    FLOOD = 1008
    """The reader sent far more than a reader has to say (RFC 6455, 7.4.1)."""
    DRAINING = 1012
    """This process stops. The reason is `{"retry_ms": n}`, another n for each connection (RFC 6455, 7.4.1)."""
    SLOW = 4008
    """The reader took nothing for too long. Come back with the cursor."""
    RESET = 4010
    """The reader's position is of no use. Come back without a cursor."""
    REVOKED = 4501
    """The key of this line was revoked, or has expired."""
    FULL = 4503
    """No place. Poll."""
    GONE = 4504
    """The channel is none any more."""


class Reset:
    """Why a reader gets the whole window instead of what it missed."""

    EPOCH = "epoch"
    """The log began a new life, or the cursor was never one of this log."""
    WINDOW = "window"
    """The cursor is older than what can be caught up on, or what was taken back since had pushed out what the reader
    would keep, or the channel has another window, language or direction."""
    LAG = "lag"
    """The reader was slow, and what it missed is no longer held."""


def encode(document: object) -> bytes:
    """Compact JSON in UTF-8."""
    return to_json(document)


def text_frame(payload: bytes) -> bytes:
    """One unmasked WebSocket text frame (RFC 6455, 5.2)."""
    return Frame(Opcode.TEXT, payload).serialize(mask=False)


def deflated_frame(payload: bytes) -> bytes:
    """The same with its payload compressed, unless that would make it longer."""
    plain = text_frame(payload)
    packed = Frame(Opcode.TEXT, payload).serialize(mask=False, extensions=[_DEFLATE])
    return packed if len(packed) < len(plain) else plain


def event(payload: bytes, cursor: Cursor) -> bytes:
    """One event of an event stream. Its id is what a browser names when it comes back."""
    return b"id: %b\ndata: %b\n\n" % (str(cursor).encode(), payload)


def dressed(way: Way, payload: bytes, cursor: Cursor) -> bytes:
    """A JSON text as it stands on a line of this kind."""
    if way is Way.PLAIN:
        return text_frame(payload)
    return event(payload, cursor) if way is Way.EVENTS else deflated_frame(payload)


def close_frame(code: int, reason: str = "") -> bytes:
    """One unmasked close frame; the reason is at most 123 bytes."""
    return Frame(Opcode.CLOSE, Close(code, reason).serialize()).serialize(mask=False)


def entry(entry: Entry) -> bytes:
    """`{"type":"entry",…}`: a retraction carries no text, since the public form of a withdrawn item has none."""
    return encode(
        {
            "type": "entry",
            "cursor": str(entry.cursor),
            "previous": str(entry.previous),
            "act": entry.act,
            "item": entry.item.public(),
        }
    )


def snapshot(
    channel: Channel,
    cursor: Cursor,
    time: int,
    items: Iterable[Item],
    reconnect: tuple[int, int],
    receipts: float = 0.0,
) -> bytes:
    """`{"type":"snapshot",…}`, the first frame of a reader without a cursor. `time` is in milliseconds.

    `receipts`, here and in the others, is the part of the readers who are asked to say what they have shown.
    """
    return encode(
        {
            **_head("snapshot", channel, cursor, time),
            "items": [item.public() for item in items],
            **_asked(reconnect, receipts),
        }
    )


def reset(
    reason: str,
    channel: Channel,
    cursor: Cursor,
    time: int,
    items: Iterable[Item],
    gone: Mapping[str, int | None],
    reconnect: tuple[int, int],
    receipts: float = 0.0,
) -> bytes:
    """`{"type":"reset",…}`: forget what you hold, here is everything, and what went, with the version that took it.

    No version (None): it was retracted, and never comes back.
    """
    return encode(
        {
            **_head("reset", channel, cursor, time),
            "reason": reason,
            "items": [item.public() for item in items],
            "tombstones": list(gone),
            "versions": list(gone.values()),
            **_asked(reconnect, receipts),
        }
    )


def resume(
    channel: Channel,
    cursor: Cursor,
    time: int,
    entries: Sequence[bytes],
    reconnect: tuple[int, int],
    receipts: float = 0.0,
) -> bytes:
    """`{"type":"resume",…}`: exactly the entries after the reader's cursor, perhaps none."""
    head = encode({**_head("resume", channel, cursor, time), **_asked(reconnect, receipts)})
    return head[:-1] + b',"entries":[' + b",".join(entries) + b"]}"


def heartbeat(cursor: Cursor, time: int, *, stale: bool = False) -> bytes:
    """`{"type":"heartbeat",…}`: the line lives, and this is how far the log has come.

    With `"stale":true` that is as far as this process knows: it has not heard from the log for a while.
    """
    document: dict[str, Any] = {"type": "heartbeat", "cursor": str(cursor), "time": iso(time)}
    return encode({**document, "stale": True} if stale else document)


def _head(kind: str, channel: Channel, cursor: Cursor, time: int) -> dict[str, Any]:
    # Language and direction: an empty channel has no item that would tell them.
    return {
        "type": kind,
        "channel": channel.name,
        "language": channel.language,
        "direction": channel.direction,
        "cursor": str(cursor),
        "time": iso(time),
    }


def _asked(bounds: tuple[int, int], receipts: float) -> dict[str, Any]:
    """What a first frame asks of a client."""
    reconnect = {"reconnect": {"min_ms": bounds[0], "max_ms": bounds[1]}}
    return {**reconnect, "receipts": receipts} if receipts else reconnect
