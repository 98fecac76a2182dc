"""A reader's WebSocket (RFC 6455): shaken hands with from what uvicorn has parsed already."""

from __future__ import annotations

import asyncio
import binascii
import hashlib
import logging
from collections.abc import Iterable

from websockets.datastructures import Headers
from websockets.exceptions import InvalidHeader
from websockets.frames import Opcode
from websockets.headers import parse_extension
from websockets.http11 import Request
from websockets.server import ServerProtocol

from ticker import wire
from ticker.connection import Connection, Door, Scope
from ticker.inbound import Inbound, Message
from ticker.lane import Way
from ticker.wire import CloseCode

log = logging.getLogger("ticker.websocket")

INBOUND = 4096
"""Greatest message that a reader may send, bytes."""
MOST_FRAMES, MOST_BYTES, PERIOD = 200, 65_536, 10.0
"""What a reader may send in so many seconds. One that is asked for receipts sends a short one for each alert."""

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY_BYTES = 16
_SHA1 = hashlib.sha1(usedforsecurity=False)  # to be copied: for a new one OpenSSL looks its algorithm up each time
SWITCHING = 101
ANSWER = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
DEFLATE = b"\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover"
USUAL_OFFERS = frozenset({b"permessage-deflate; client_max_window_bits", b"permessage-deflate"})
"""What browsers send, so that it need not be parsed."""
KEPT_TO = {
    "server_no_context_takeover": (None,),
    "client_no_context_takeover": (None,),
    "client_max_window_bits": (None, *map(str, range(8, 16))),
    "server_max_window_bits": ("15",),
}
"""What may be asked of us: our frames are compressed once, with the whole window, for everybody."""

Fields = Iterable[tuple[bytes, bytes]]


class WebSocketConnection(Connection):
    """One reader who came by WebSocket."""

    __slots__ = ("_bytes", "_frames", "_inbound", "_since")

    inbound = INBOUND
    most_frames, most_bytes = MOST_FRAMES, MOST_BYTES

    def __init__(self, door: Door) -> None:
        super().__init__(door)
        self._inbound: Inbound | None = None
        self._since = 0.0
        self._frames = self._bytes = 0

    def upgrade(self, scope: Scope, target: bytes, *, deflate: bool) -> None:
        """Answer the upgrade request, and enter.

        `target` is the request's path and query as they came; `deflate`, whether compression is granted.
        """
        accept = accepted(scope["headers"])
        if accept is None or scope["method"] != "GET" or scope["http_version"] != "1.1":
            self._refuse_handshake(scope, target)
            return
        answer = ANSWER + accept
        if deflate and deflates(scope["headers"]):
            self.way = Way.DEFLATED
            answer += DEFLATE
        self.enter(scope, answer + b"\r\n\r\n")

    def data_received(self, data: bytes) -> None:
        """Frames, or parts of them."""
        if self.asking:
            self.cut()  # nobody who keeps to the protocol speaks before he has been answered
            return
        if self._inbound is None:
            self._inbound = Inbound(self.inbound, deflate=self.way is Way.DEFLATED)
        inbound = self._inbound
        came, frames = inbound.take(data)
        if self._flooded(frames, len(data)):
            self.close(CloseCode.FLOOD, "too many messages")
            return
        for part in came:
            if isinstance(part, Message):
                self.heard(part)
            else:
                self.rest(part)
        if inbound.over:
            log.debug("reader closed: %s", inbound.violation)
            self._leave()
            if self._transport is not None:
                self._transport.close()
        elif inbound.idle:
            self._inbound = None

    def heard(self, message: Message) -> None:
        """A message has come."""
        if message.opcode is Opcode.TEXT:
            self._door.heard(self, message.data)

    def farewell(self, code: int, reason: str) -> bytes:
        """A close frame."""
        return wire.close_frame(code, reason)

    def connection_lost(self, exc: Exception | None) -> None:
        """The line is gone."""
        super().connection_lost(exc)
        self._inbound = None

    def _flooded(self, frames: int, size: int) -> bool:
        now = asyncio.get_running_loop().time()
        if now - self._since > PERIOD:
            self._since, self._frames, self._bytes = now, 0, 0
        self._frames += frames
        self._bytes += size
        return self._frames > self.most_frames or self._bytes > self.most_bytes

    def _refuse_handshake(self, scope: Scope, target: bytes) -> None:
        """Whoever does not shake hands as the RFC says is told so in the library's words."""
        fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        answer = ServerProtocol().accept(Request(target.decode("latin-1"), Headers(fields)))
        if self._transport is None:
            return
        if answer.status_code == SWITCHING:
            self._transport.abort()  # by another method than GET, or in another version of HTTP
        else:
            self._transport.write(answer.serialize())
            self._transport.close()


def accepted(fields: Fields) -> bytes | None:
    """What answers the key of an upgrade (RFC 6455, 4.2.2); None when the request is not as the RFC wants it."""
    keys = [value for name, value in fields if name == b"sec-websocket-key"]
    versions = [value for name, value in fields if name == b"sec-websocket-version"]
    if len(keys) != 1 or versions != [b"13"]:
        return None
    try:
        if len(binascii.a2b_base64(keys[0], strict_mode=True)) != KEY_BYTES:
            return None
    except binascii.Error:
        return None
    hashed = _SHA1.copy()
    hashed.update(keys[0] + GUID)
    return binascii.b2a_base64(hashed.digest(), newline=False)


def deflates(fields: Fields) -> bool:
    """Whether an offer among these headers is one that frames for everybody keep to (RFC 7692, 7.1)."""
    offers = [value for name, value in fields if name == b"sec-websocket-extensions"]
    return any(offer in USUAL_OFFERS or _kept_to(offer) for offer in offers)


def _kept_to(offer: bytes) -> bool:
    try:
        found = parse_extension(offer.decode("latin-1"))
    except InvalidHeader:
        return False
    return any(
        name == "permessage-deflate"
        and len(dict(parameters)) == len(parameters)
        and all(value in KEPT_TO.get(parameter, ()) for parameter, value in parameters)
        for name, parameters in found
    )
