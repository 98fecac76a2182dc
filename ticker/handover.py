"""Where a request becomes a reader's line: uvicorn has parsed it, and gives its transport away.

What uvicorn has read is not read again. Its protocol object, and with it all that belongs to a request, is gone as
soon as the line stands.
"""

from __future__ import annotations

import asyncio
from socket import SocketType
from typing import Any, ClassVar, cast
from urllib.parse import unquote

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ticker.connection import Connection, Door, Scope
from ticker.eventstream import EventStreamConnection, asked_for
from ticker.websocket import WebSocketConnection


class Handover(HttpToolsProtocol):
    """uvicorn's HTTP, which knows what a reader is."""

    reader: ClassVar[type[WebSocketConnection]] = WebSocketConnection
    """What becomes of an upgrade."""

    _streaming = False
    _upgrading: bool | None = None

    line: SocketType | None = None
    """Our own hold on the transport's socket, which goes on owning it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As uvicorn does it; but the addresses are asked of the socket, which uvloop makes anew for each question."""
        self.connections.add(self)
        self.transport = transport
        self.flow = FlowControl(transport)
        found = transport.get_extra_info("socket")
        self.line = SocketType(found.family, found.type, found.proto, found.fileno())
        self.line.setblocking(False)
        self.server = _address(self.line.getsockname())
        try:
            self.client = _address(self.line.getpeername())
        except OSError:
            self.client = None  # it has gone already
        self.scheme = "http" if transport.get_extra_info("sslcontext") is None else "https"

    def connection_lost(self, exc: Exception | None) -> None:
        """The line is gone, whoever ended it."""
        self._let_go()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """The headers of an upgrade are complete."""
        path, _, query = self.url.partition(b"?")
        self.scope["path"] = unquote(path.decode("latin-1"))
        self.scope["query_string"] = query
        self.scope["http_version"] = self.parser.get_http_version()
        reader = self.reader(self._door)
        self._give_away(reader)
        reader.upgrade(self._asked, self.url, deflate=bool(self.app_state["deflate"]))

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._upgrading = None
        super().on_message_begin()

    def _should_upgrade(self) -> bool:
        """Whether it asks for a WebSocket: uvicorn looks through the headers three times, and once will do."""
        if self._upgrading is None:
            self._upgrading = super()._should_upgrade()
        return self._upgrading

    def on_headers_complete(self) -> None:
        """The headers of a request are complete; one for an event stream gets no task of its own."""
        if self.cycle is None or self.cycle.response_complete:
            path, _, query = self.url.partition(b"?")
            self.scope |= {
                "method": self.parser.get_method().decode("ascii"),
                "path": unquote(path.decode("latin-1")),
                "query_string": query,
            }
            self._streaming = not self.parser.should_upgrade() and asked_for(self._asked)
        if not self._streaming:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of a request's body; that for an event stream has none that counts."""
        if not self._streaming:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is complete."""
        if not self._streaming:
            super().on_message_complete()
        elif self.transport.get_protocol() is self:
            reader = EventStreamConnection(self._door)
            self._give_away(reader)
            reader.begin(self._asked)

    def data_received(self, data: bytes) -> None:
        """Bytes of a request."""
        super().data_received(data)
        if self.transport.get_protocol() is not self:
            self.parser = cast(Any, None)  # it holds us, and we hold it

    @property
    def _door(self) -> Door:
        door: Door = self.app_state["door"]
        return door

    @property
    def _asked(self) -> Scope:
        return cast(Scope, self.scope)

    def release(self) -> None:
        """From now on the line is another protocol's."""
        self.connections.discard(self)
        self._unset_keepalive_if_required()

    def _give_away(self, reader: Connection) -> None:
        self.release()
        # First, so that whatever the first frame does to the transport's buffer is told to the reader.
        self.transport.set_protocol(reader)
        if self.scheme == "http":
            reader.line, self.line = self.line, None
        self._let_go()  # past TLS nothing may be written
        reader.connection_made(self.transport)

    def _let_go(self) -> None:
        """The transport closes the socket, and its number may soon be another line's."""
        if self.line is not None:
            self.line.detach()
            self.line = None


def _address(found: Any) -> tuple[str, int] | None:
    return (found[0], found[1]) if isinstance(found, tuple) else None
