"""A reader's WebSocket, on the transport itself: bytes out, and almost nothing kept.

uvicorn hands over the transport after it has read the upgrade request (`ws=Connection`). There is no task and no
queue per reader. The protocol (RFC 6455) is that of the `websockets` library, used without I/O; its parser is made
when bytes arrive and dropped between messages, since most readers never send any.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Coroutine
from typing import Any, Protocol, cast

from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.frames import Frame
from websockets.http11 import Request, Response
from websockets.protocol import Protocol as WebSocket
from websockets.protocol import Side, State
from websockets.server import ServerProtocol

from ticker import wire
from ticker.errors import StoreUnavailable, TickerError
from ticker.group import Group
from ticker.hub import Hub
from ticker.problem import Problem

log = logging.getLogger("ticker.connection")

INBOUND = 4096
"""Greatest message that a reader may send, bytes."""
MASK = 4
ASKING = -1
"""In place of a count of bytes: whether this reader may enter is being asked."""

ASK_SECONDS = 1.8

_write = os.write
# The loop only holds its tasks weakly.
_asking: set[asyncio.Task[None]] = set()


class Door(Protocol):
    """Decides where a reader goes."""

    def admit(self, reader: Connection, request: Request) -> Coroutine[Any, Any, None] | None:
        """What has to be asked of the store about this reader first; None for the public. Raises TickerError."""
        ...

    def open(self, reader: Connection, request: Request) -> tuple[Hub, Group, bytes]:
        """The hub and the group that the reader has entered, and its first frame. Raises TickerError to refuse."""
        ...


class Connection(asyncio.Protocol):
    """One reader. The hub writes to it; `position`, `slot` and `stuck_since` are the hub's."""

    __slots__ = (
        "_descriptor",
        "_door",
        "_given",
        "_group",
        "_hub",
        "_parsed",
        "_parser",
        "_transport",
        "position",
        "slot",
        "stuck_since",
    )

    def __init__(self, config: Any, server_state: Any, app_state: dict[str, Any], _loop: Any = None) -> None:
        """As uvicorn calls it. `app_state` is the state of the lifespan and holds the `door`."""
        # Not in `server_state.connections`: uvicorn would close all of them with the same code at the same moment.
        self._door: Door = app_state["door"]
        self._transport: asyncio.Transport | None = None
        self._hub: Hub | None = None
        self._group: Group | None = None
        self._parser: WebSocket | None = None
        self._given = self._parsed = 0  # bytes given to the parser, and bytes of the frames that came out
        self._descriptor = -1
        self.position = 0
        self.slot = 0
        self.stuck_since = 0.0

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """uvicorn calls this before it hands over the request."""
        self._transport = cast(asyncio.Transport, transport)
        # Whatever the transport has to keep pauses us, so that nothing is ever written past what it holds.
        self._transport.set_write_buffer_limits(high=0)
        if transport.get_extra_info("sslcontext") is None:
            self._descriptor = transport.get_extra_info("socket").fileno()

    def connection_lost(self, exc: Exception | None) -> None:
        """The line is gone, whoever ended it."""
        self._leave()
        self._transport = self._parser = None

    def data_received(self, data: bytes) -> None:
        """The upgrade request, and then whatever the reader sends."""
        if self._hub is None:
            if self._given == ASKING:
                self.cut()  # nobody who keeps to the protocol speaks before he has been answered
            else:
                self._shake_hands(data)
        else:
            self._listen(data)

    def eof_received(self) -> None:
        """None: the transport closes itself."""

    def pause_writing(self) -> None:
        """The transport's buffer is full."""
        if self._hub is not None and self._group is not None:
            self._hub.pause(self._group, self, asyncio.get_running_loop().time())

    def resume_writing(self) -> None:
        """The transport's buffer has drained."""
        if self._hub is not None and self._group is not None:
            self._hub.resume(self._group, self)

    # hub.Reader

    def write(self, data: bytes) -> None:
        """Write prebuilt frames.

        The kernel is given them at once, past the transport's bookkeeping; what it does not take goes the
        transport's way, which then holds something, pauses us, and is written to no more until it holds nothing.
        """
        if self._descriptor >= 0:
            try:
                sent = _write(self._descriptor, data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.cut()  # the peer is gone
                return
            if sent == len(data):
                return
            data = data[sent:]
        if self._transport is not None:
            self._transport.write(data)

    def close(self, code: int, reason: str) -> None:
        """Say why, and hang up. Who takes nothing is hung up on without a word."""
        self._leave()
        if self._transport is not None:
            if self.stuck_since:
                self._transport.abort()
            else:
                self._transport.write(wire.close_frame(code, reason))
                self._transport.close()

    def cut(self) -> None:
        """Drop the line at once, so that its memory and its descriptor are free."""
        self._leave()
        if self._transport is not None:
            # close() would wait for a buffer that a zero-window peer never takes.
            self._transport.abort()

    @property
    def peer(self) -> tuple[str, int] | None:
        """Host and port of the other end, as uvicorn tells them of a request."""
        found = self._transport.get_extra_info("peername") if self._transport is not None else None
        return (str(found[0]), int(found[1])) if isinstance(found, tuple) else None

    @property
    def gone(self) -> bool:
        """Whether the line has ended."""
        return self._transport is None or self._transport.is_closing()

    def _leave(self) -> None:
        # The number may soon be another connection's.
        self._descriptor = -1
        if self._hub is not None and self._group is not None:
            self._hub.leave(self._group, self)
            self._group = None

    # RFC 6455

    def _shake_hands(self, data: bytes) -> None:
        assert self._transport is not None
        server = ServerProtocol(max_size=INBOUND)
        server.receive_data(data)
        requests = [event for event in server.events_received() if isinstance(event, Request)]
        if not requests:
            self._transport.abort()
            return
        asking = self._door.admit(self, requests[0])
        if asking is None:
            self._enter(server, requests[0])
        else:
            self._given = ASKING
            task = asyncio.create_task(self._ask(asking, server, requests[0]))
            _asking.add(task)
            task.add_done_callback(_asking.discard)

    async def _ask(self, asking: Coroutine[Any, Any, None], server: ServerProtocol, request: Request) -> None:
        refused: TickerError | None = None
        try:
            async with asyncio.timeout(ASK_SECONDS):
                await asking
        except TickerError as error:
            refused = error
        except TimeoutError:
            refused = StoreUnavailable()
        except Exception:
            log.exception("whether a reader may enter could not be asked")
            refused = TickerError()
        self._given = 0
        if self._transport is not None and not self._transport.is_closing():
            self._enter(server, request, refused)

    def _enter(self, server: ServerProtocol, request: Request, refused: TickerError | None = None) -> None:
        assert self._transport is not None
        answer = server.accept(request)
        first = b""
        if answer.status_code == 101:
            try:
                if refused is not None:
                    raise refused
                self._hub, self._group, first = self._door.open(self, request)
            except TickerError as error:
                answer = _refusal(error)
        # The answer and the first frame leave in one write: a reader who is in has something to show.
        self.write(answer.serialize() + first)
        if answer.status_code != 101:
            self._transport.close()

    def _listen(self, data: bytes) -> None:
        assert self._transport is not None
        if self._parser is None:
            self._parser = WebSocket(Side.SERVER, state=State.OPEN, max_size=INBOUND)
            self._given = self._parsed = 0
        parser = self._parser
        self._given += len(data)
        parser.receive_data(data)
        for event in parser.events_received():
            if isinstance(event, Frame):
                self._parsed += _length(event)
        # Pongs, the echo of a close frame, or the close frame of a violation.
        out = b"".join(parser.data_to_send())
        if out:
            self._transport.write(out)
        if parser.close_expected() or parser.state is not State.OPEN:
            if isinstance(parser.parser_exc, ProtocolError | PayloadTooBig | UnicodeDecodeError):
                log.debug("reader closed for a violation: %s", parser.parser_exc)
            self._leave()
            self._transport.close()
        elif self._given == self._parsed and parser.current_size is None:
            # Between messages. The library keeps a half-read header inside a generator: dropped any earlier,
            # bytes would be lost.
            self._parser = None


def _length(frame: Frame) -> int:
    """Bytes of a masked frame on the wire, in its shortest form (longer forms only keep the parser longer)."""
    size = len(frame.data)
    return 2 + (0 if size < 126 else 2 if size < 65536 else 8) + MASK + size


def _refusal(error: TickerError) -> Response:
    problem = Problem.of(error)
    return Response(problem.status, problem.phrase, problem.websocket_headers(), problem.body)
