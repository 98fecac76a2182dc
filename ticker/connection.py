"""A reader's line, on the transport itself: bytes out, and almost nothing kept.

uvicorn hands over the transport after it has read the request. There is no task and no queue per reader. What kind
of line it is, and what its reader may say on it, is for `websocket` and `eventstream`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, MutableMapping
from socket import SocketType
from typing import Any, Protocol, cast

from ticker.errors import StoreUnavailable, TickerError
from ticker.group import Group
from ticker.hub import Hub
from ticker.lane import Lane, Way
from ticker.problem import Problem

log = logging.getLogger("ticker.connection")

ASK_SECONDS = 1.8

Scope = MutableMapping[str, Any]
"""A request as ASGI tells it: `path`, `query_string`, `headers` (names in lower case), `client`."""

# The loop only holds its tasks weakly.
_asking: set[asyncio.Task[None]] = set()


class Door(Protocol):
    """Decides where a reader goes."""

    def admit(self, reader: Connection, scope: Scope) -> Coroutine[Any, Any, None] | None:
        """What has to be asked of the store about this reader first; None for the public. Raises TickerError."""
        ...

    def open(self, reader: Connection, scope: Scope) -> tuple[Hub, Group, bytes]:
        """The hub and the group that the reader has entered, and its first frame. Raises TickerError to refuse."""
        ...

    def refused(self, reader: Connection, scope: Scope, error: TickerError) -> None:
        """The reader is told that it may not enter."""
        ...

    def heard(self, reader: Connection, message: bytes) -> None:
        """The reader has sent a message."""
        ...

    def left(self, reader: Connection) -> None:
        """The reader for whom a place was found has gone."""
        ...


class Connection(asyncio.Protocol):
    """One reader. The hub writes to it; what `lane.Reader` names is the hub's."""

    __slots__ = (
        "_door",
        "_group",
        "_inside",
        "_transport",
        "hub",
        "lane",
        "line",
        "place",
        "position",
        "slot",
        "stuck_since",
        "taken",
        "way",
    )

    def __init__(self, door: Door) -> None:
        # Not in uvicorn's `server_state.connections`: it would close all of them with one code at one moment.
        self._door = door
        self._transport: asyncio.Transport | None = None
        self._group: Group | None = None
        self._inside = False
        self.hub: Hub | None = None
        self.taken: str | bytes = ""
        """The place that the door has found for it."""
        self.way = Way.PLAIN
        self.lane: Lane | None = None
        self.line: SocketType | None = None  # given by whoever hands the transport over, unless that speaks TLS
        self.place = 0
        self.position = 0
        self.slot = 0
        self.stuck_since = 0.0

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport is ours from now on."""
        self._transport = cast(asyncio.Transport, transport)
        # Whatever the transport has to keep pauses us, so that nothing is ever written past what it holds.
        self._transport.set_write_buffer_limits(high=0)

    def connection_lost(self, exc: Exception | None) -> None:
        """The line is gone, whoever ended it."""
        self._leave()
        self._transport = None

    def eof_received(self) -> None:
        """None: the transport closes itself."""

    def pause_writing(self) -> None:
        """The transport's buffer is full."""
        if self.hub is not None and self._group is not None:
            self.hub.pause(self._group, self, asyncio.get_running_loop().time())

    def resume_writing(self) -> None:
        """The transport's buffer has drained."""
        if self.hub is not None and self._group is not None:
            self.hub.resume(self._group, self)

    # lane.Reader

    def write(self, data: bytes) -> None:
        """Write prebuilt frames.

        The kernel is given them at once, past the transport's bookkeeping; what it does not take goes the
        transport's way, which then holds something, pauses us, and is written to no more until it holds nothing.
        """
        sent = 0
        if self.line is not None:
            try:
                sent = self.line.send(data)
            except BlockingIOError:
                pass
            except OSError:
                self.cut()  # the peer is gone
                return
        if sent < len(data):
            self.rest(data[sent:])

    def rest(self, data: bytes) -> None:
        """Leave to the transport what the kernel did not take."""
        if self._transport is not None:
            self._transport.write(data)

    def close(self, code: int, reason: str) -> None:
        """Say why, and hang up. Who takes nothing is hung up on without a word."""
        self._leave()
        if self._transport is not None:
            if self.stuck_since:
                self._transport.abort()
            else:
                self._transport.write(self.farewell(code, reason))
                self._transport.close()

    def farewell(self, code: int, reason: str) -> bytes:
        """What says on a line of this kind that it ends, and why."""
        raise NotImplementedError

    def cut(self) -> None:
        """Drop the line at once, so that its memory and its descriptor are free."""
        self._leave()
        if self._transport is not None:
            # close() would wait for a buffer that a zero-window peer never takes.
            self._transport.abort()

    @property
    def descriptor(self) -> int:
        """The number of its socket; -1 when that is the transport's alone, or given back."""
        return -1 if self.line is None else self.line.fileno()

    @property
    def gone(self) -> bool:
        """Whether the line has ended."""
        return self._transport is None or self._transport.is_closing()

    @property
    def asking(self) -> bool:
        """Whether it has not been decided yet if this reader may enter."""
        return self.hub is None

    def _leave(self) -> None:
        if self.hub is not None and self._group is not None:
            self.hub.leave(self._group, self)
            self._group = None
        if self.line is not None:
            # The transport closes the socket, and its number may soon be another connection's.
            self.line.detach()
            self.line = None
        if self._inside:
            self._inside = False
            self._door.left(self)

    # Coming in

    def enter(self, scope: Scope, answer: bytes) -> None:
        """Join, if the door lets us; whoever is refused is told so.

        The answer and the first frame leave in one write: a reader who is in has something to show.
        """
        try:
            asking = self._door.admit(self, scope)
            if asking is None:
                self._open(scope, answer)
                return
        except TickerError as error:
            self._refuse(scope, error)
            return
        task = asyncio.create_task(self._ask(asking, scope, answer))
        _asking.add(task)
        task.add_done_callback(_asking.discard)

    def _open(self, scope: Scope, answer: bytes) -> None:
        self.hub, self._group, first = self._door.open(self, scope)
        self._inside = True
        self.write(answer + first)

    async def _ask(self, asking: Coroutine[Any, Any, None], scope: Scope, answer: bytes) -> None:
        try:
            async with asyncio.timeout(ASK_SECONDS):
                await asking
            if not self.gone:
                self._open(scope, answer)
        except TimeoutError:
            self._refuse(scope, StoreUnavailable())
        except TickerError as error:
            self._refuse(scope, error)
        except Exception:
            log.exception("whether a reader may enter could not be asked")
            self._refuse(scope, TickerError())

    def _refuse(self, scope: Scope, error: TickerError) -> None:
        self._door.refused(self, scope, error)
        if self._transport is not None and not self.gone:
            self._transport.write(Problem.of(error).response())
            self._transport.close()
