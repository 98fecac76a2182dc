"""A client's line before it is a reader's: HTTP by uvicorn, with an end to everything that a client can draw out."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterable
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from ticker.deadlines import BODY_SECONDS, HEAD_SECONDS, Front
from ticker.errors import Full, Malformed, TickerError
from ticker.handover import Handover
from ticker.places import POLL_AFTER
from ticker.problem import Problem

log = logging.getLogger("ticker.http")

MOST_HEAD = 16_384
"""Bytes of a request line and its headers."""
MOST_HEADERS = 100
MOST_AROUND = 262_144
"""Bytes of chunk sizes and trailers around a body."""
MOST_PIPELINED = 16
"""Requests that may wait behind the one that is being answered."""

BETWEEN, HEAD, BODY, RELEASED = range(4)
"""What we wait for: the next request, the rest of its headers, the rest of its body; nothing, it is no HTTP."""


class RequestTimeout(TickerError):
    """The request took too long to arrive. Send it again, at once as a whole."""

    status, slug, title, retry = 408, "request-timeout", "The request came too slowly", True


class HeadersTooLarge(TickerError):
    """The request's address and headers are too large. Send fewer or shorter ones."""

    status, slug, title = 431, "headers-too-large", "Headers too large"


class Http(Handover):
    """One client's line, as uvicorn serves it (`http=`)."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        head: float = HEAD_SECONDS,
        body: float = BODY_SECONDS,
    ) -> None:
        """As uvicorn calls it; `head` and `body` are seconds. The lines of one server share what is in `app_state`."""
        super().__init__(config, server_state, app_state, _loop)
        front = app_state.get("front")
        if front is None:
            front = app_state["front"] = Front(self.loop, head, body)
        self._front: Front = front
        self._phase = BETWEEN
        self._begun = False
        self._given = 0
        """Bytes of the head, or of what stands around the body."""
        self._refused: TickerError | None = None
        self.descriptor = -1

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come."""
        super().connection_made(transport)
        assert self.line is not None
        self.descriptor = self.line.fileno()
        self._await_head()
        descriptors = self._front.descriptors
        if self.descriptor >= descriptors.requests:
            self._front.make_room()
            if self.descriptor >= descriptors.health:
                self._shed()

    def connection_lost(self, exc: Exception | None) -> None:
        """The line is gone, whoever ended it."""
        self._front.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A part of a request."""
        if self._phase == BETWEEN:
            # Not only when a request begins: empty lines end the wait for the next one, and do not begin it.
            self._await_head()
        self._given += len(data)
        super().data_received(data)
        if self._phase == HEAD:
            if self._given > MOST_HEAD:
                self.refuse(HeadersTooLarge())
        elif self._phase == BODY and (self._given > MOST_AROUND or len(self.headers) > MOST_HEADERS):
            self.refuse(Malformed("There is too much around the body. Send it with 'Content-Length'."))

    def pause_writing(self) -> None:
        """The client does not take what it asked for."""
        super().pause_writing()
        self._await_taking()

    def resume_writing(self) -> None:
        """It has taken it."""
        self._front.answers.end(self)
        super().resume_writing()

    # httptools, by way of uvicorn

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        if self._phase == BETWEEN:  # it came together with the end of the request before
            self._await_head()
        self._begun = True

    def on_headers_complete(self) -> None:
        """Whatever is refused here is refused before the application hears of it."""
        if len(self.headers) > MOST_HEADERS or (self._given > MOST_HEAD and self._size_of_head() > MOST_HEAD):
            self._fail(HeadersTooLarge())
        if len(self.pipeline) >= MOST_PIPELINED:
            self._fail(Malformed("Too many requests wait for their answers on this line."))
        descriptors = self._front.descriptors
        if self.descriptor >= descriptors.requests and not self.url.startswith(b"/health/"):
            self._fail(Full(retry_after=POLL_AFTER))
        self._front.heads.end(self)
        self._phase = BODY
        self._given = 0
        self._front.begin(self._front.bodies, self)
        super().on_headers_complete()
        if self.descriptor >= descriptors.readers and self.cycle is not None:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        self._given -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is here."""
        self._front.bodies.end(self)
        self._phase = BETWEEN
        self._given = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is written; whether it is taken is another matter."""
        if self.transport.get_write_buffer_size():
            self._await_taking()
        super().on_response_complete()

    def handle_websocket_upgrade(self) -> None:
        """The one place where a line becomes a reader's by an upgrade."""
        if self._answering:
            # The answer would be written into the reader's frames.
            self.cut()
            return
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """What uvicorn does when the parser takes no more."""
        self.refuse(self._refused or Malformed("This is not HTTP/1.1."))

    # The end of it

    def release(self) -> None:
        """From now on the line is another protocol's."""
        super().release()
        self._phase = RELEASED
        self._front.forget(self)

    def refuse(self, error: TickerError) -> None:
        """Answer with a problem, if that can still be told from another answer, and hang up."""
        if self.transport.is_closing():
            return
        self._front.forget(self)
        answered = self._phase == BODY and self.cycle is not None and self.cycle.response_started
        if answered or (self._answering and (self.pipeline or self._phase != BODY)):
            self.cut()
            return
        if self._answering:
            # The application is told that nobody listens any more, so that it does not answer too.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._phase = RELEASED
        self.transport.write(_answer(error, self.server_state.default_headers))
        self._close()

    def cut(self) -> None:
        """Drop the line at once, so that its memory and its descriptor are free."""
        self._front.forget(self)
        self.transport.abort()

    def request_late(self) -> None:
        """The head or the body is not here in time."""
        log.debug("%s is too slow", self.client)
        if self._begun:
            self.refuse(RequestTimeout())
        else:
            self.transport.close()

    def answer_late(self) -> None:
        """The answer is not taken in time."""
        if self.transport.get_write_buffer_size():
            self.cut()

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _await_head(self) -> None:
        self._phase = HEAD
        self._begun = False
        self._given = 0
        self._front.begin(self._front.heads, self)

    def _await_taking(self) -> None:
        if not self._front.answers.holds(self):
            self._front.begin(self._front.answers, self)

    def _size_of_head(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _fail(self, error: TickerError) -> None:
        self._refused = error
        raise error  # the parser stops, and `send_400_response` is called

    def _shed(self) -> None:
        # What stands unread when a line is closed makes the kernel reset it, and the client may not see the answer.
        try:
            os.read(self.descriptor, MOST_HEAD)
        except OSError:
            log.debug("%s has not asked yet", self.client)
        self._front.forget(self)
        self._phase = RELEASED
        self.transport.write(SHED)
        self._close()

    def _close(self) -> None:
        self.transport.close()
        if self.transport.get_write_buffer_size():
            self._await_taking()


def _answer(error: TickerError, default: Iterable[tuple[bytes, bytes]] = ()) -> bytes:
    problem = Problem.of(error)
    headers = [*default, *((name.encode(), value.encode()) for name, value in problem.headers.items())]
    headers += [(b"Content-Length", str(len(problem.body)).encode()), (b"Connection", b"close")]
    head = b"".join(b"%s: %s\r\n" % header for header in headers)
    return b"HTTP/1.1 %d %s\r\n%s\r\n%s" % (problem.status, problem.phrase.encode(), head, problem.body)


SHED = _answer(Full("This process has no descriptor left. Come back later.", retry_after=POLL_AFTER))
