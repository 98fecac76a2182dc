"""The readers' half over HTTP: the door to the live stream, and the window for those who poll."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any
from urllib.parse import parse_qs, unquote

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from websockets.http11 import Request as Upgrade

from ticker.admission import Admission
from ticker.connection import Connection
from ticker.drain import Drain
from ticker.errors import (
    Full,
    NotFound,
    StoreUnavailable,
    Unavailable,
    Unprocessable,
    UpgradeRequired,
)
from ticker.group import Group, Selector
from ticker.hub import Hub
from ticker.polling import polled, selected, standing
from ticker.wire import CloseCode, encode

log = logging.getLogger("ticker.live")

WATCH_SECONDS = 1.0

MOST_FIELDS = 50
POLL_AFTER = 10
"""Seconds told to readers who find no place."""


class Readers:
    """The channels of this process, and how many readers they may have."""

    def __init__(self, hubs: dict[str, Hub], most: int, admission: Admission, drain: Drain) -> None:
        self._hubs = hubs
        self._most = most
        self._admission = admission
        self._drain = drain
        self._keyed: dict[Connection, str] = {}
        """Readers who came with a key, and its id."""

    def admit(self, reader: Connection, request: Upgrade) -> Coroutine[Any, Any, None] | None:
        """Nobody asks the public who it is; who names a key is held to it, and whoever opens the desk's line has to."""
        path = unquote(request.path.partition("?")[0])
        if "Authorization" not in request.headers and not path.endswith("/desk"):
            return None
        return self._admit(reader, request)

    async def _admit(self, reader: Connection, request: Upgrade) -> None:
        channel = _channel(request.path)
        key = await self._admission.key(_connection(reader, request))
        key.check("read", channel)
        self._keyed[reader] = key.id

    async def watch(self) -> None:
        """Send away, within seconds, whoever's key has ended."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            for reader in [reader for reader in self._keyed if reader.gone]:
                del self._keyed[reader]
            try:
                ended = await self._admission.ended(list(set(self._keyed.values())))
            except StoreUnavailable as error:
                log.warning("whether keys have ended cannot be asked: %s", error)
                continue
            for reader in [reader for reader, key_id in self._keyed.items() if key_id in ended]:
                del self._keyed[reader]
                reader.close(CloseCode.REVOKED, "the key has ended")

    def open(self, reader: Connection, request: Upgrade) -> tuple[Hub, Group, bytes]:
        """`GET /v1/channels/{channel}/live` as a WebSocket: join, with a snapshot, a resume or a reset."""
        hub = standing(self._hubs, _channel(request.path))
        query = request.path.partition("?")[2]
        try:
            fields = parse_qs(query, keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError:
            raise Unprocessable(f"The query has more than {MOST_FIELDS} fields.") from None
        selector = selected(fields)
        if self._drain.begun:
            raise Unavailable("This process is stopping. Come back, and another one answers.", retry_after=1)
        if sum(map(len, self._hubs.values())) >= self._most:
            raise Full(retry_after=POLL_AFTER)
        cursors = fields.get("cursor")
        group, first = hub.join(reader, selector, cursors[-1] if cursors else None)
        return hub, group, first

    async def live(self, request: Request) -> Response:
        """`GET …/live` without an upgrade."""
        standing(self._hubs, request.path_params["channel"])
        raise UpgradeRequired

    async def items(self, request: Request) -> Response:
        """`GET /v1/channels/{channel}/items`: the window as it stands; the ETag is the cursor."""

        def window(hub: Hub, selector: Selector) -> bytes:
            items = [item.public() for item in hub.window(selector)]
            return encode({"channel": hub.channel.name, "cursor": str(hub.cursor), "items": items})

        return polled(request, self._hubs, window, "application/json")

    async def channels(self, request: Request) -> Response:
        """`GET /v1/channels`: what can be subscribed to."""
        document = {
            "channels": [
                {
                    "name": hub.channel.name,
                    "title": hub.channel.title,
                    "language": hub.channel.language,
                    "direction": hub.channel.direction,
                }
                for hub in self._hubs.values()
            ]
        }
        headers = {"Cache-Control": "public, max-age=60"}
        return Response(encode(document), headers=headers, media_type="application/json")


def _channel(address: str) -> str:
    match unquote(address.partition("?")[0]).split("/"):
        case ["", "v1", "channels", channel, "live" | "desk"]:
            return channel
    raise NotFound


def _connection(reader: Connection, request: Upgrade) -> HTTPConnection:
    """The upgrade as the rest of the house knows a request."""
    return HTTPConnection(
        {
            "type": "websocket",
            "headers": [(name.lower().encode(), value.encode()) for name, value in request.headers.raw_items()],
            "client": reader.peer,
        }
    )
