"""The readers' half: the door to the live stream, and the window for those who poll."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from ticker import tasks
from ticker.admission import Admission
from ticker.connection import Connection, Scope
from ticker.drain import Drain
from ticker.errors import (
    NotFound,
    StoreUnavailable,
    TickerError,
    Unavailable,
    Unprocessable,
    UpgradeRequired,
)
from ticker.group import EVERYTHING, Group, Selector
from ticker.hub import Hub
from ticker.lane import Way
from ticker.metrics import Metrics
from ticker.places import Places
from ticker.polling import Kept, polled, query, selected, standing
from ticker.reach import Receipts
from ticker.wire import CloseCode, encode

log = logging.getLogger("ticker.live")

WATCH_SECONDS = 1.0

MOST_FIELDS = 50
WAYS = {Way.PLAIN: "websocket", Way.DEFLATED: "websocket", Way.EVENTS: "sse"}
"""Ways of coming in, as metrics name them."""


class Readers:
    """The channels of this process, and how many readers they may have."""

    def __init__(
        self,
        hubs: Mapping[str, Hub],
        places: Places,
        admission: Admission,
        drain: Drain,
        receipts: Receipts,
        metrics: Metrics,
    ) -> None:
        """`hubs` may change meanwhile."""
        self._hubs = hubs
        self._places = places
        self._admission = admission
        self._drain = drain
        self._receipts = receipts
        self._metrics = metrics
        self._windows = Kept()
        self._keyed: dict[Connection, str] = {}
        """Readers who came with a key, and its id."""
        self._some = asyncio.Event()
        """There may be some."""

    def admit(self, reader: Connection, scope: Scope) -> Coroutine[Any, Any, None] | None:
        """Nobody asks the public who it is; who names a key is held to it, and whoever opens the desk's line has to."""
        if not _at_desk(scope) and all(name != b"authorization" for name, _ in scope["headers"]):
            return None
        return self._admit(reader, scope)

    async def _admit(self, reader: Connection, scope: Scope) -> None:
        channel = _channel(scope)
        key = await self._admission.key(HTTPConnection({**scope, "type": "websocket"}))
        key.check("read", channel)
        self._keyed[reader] = key.id
        self._some.set()

    async def watch(self) -> None:
        """Send away, within seconds, whoever's key has ended."""
        async for _ in tasks.ticks(WATCH_SECONDS):
            for reader in [reader for reader in self._keyed if reader.gone]:
                del self._keyed[reader]
            if not self._keyed:
                self._some.clear()
                await self._some.wait()
            try:
                ended = await self._admission.ended(list(set(self._keyed.values())))
            except StoreUnavailable as error:
                log.warning("whether keys have ended cannot be asked: %s", error)
                continue
            for reader in [reader for reader, key_id in self._keyed.items() if key_id in ended]:
                del self._keyed[reader]
                reader.close(CloseCode.REVOKED, "the key has ended")

    def open(self, reader: Connection, scope: Scope) -> tuple[Hub, Group, bytes]:
        """`GET /v1/channels/{channel}/live`: join, with a snapshot, a resume or a reset."""
        name = _channel(scope)
        hub = standing(self._hubs, name)
        fields = _query(scope["query_string"])
        selector = selected(fields) if fields else EVERYTHING
        if _at_desk(scope):
            # Who has posted an alert wants to know who else has it.
            selector = replace(selector, desk=True)
        if self._drain.begun:
            raise Unavailable("This process is stopping. Come back, and another one answers.", retry_after=1)
        cursor = _last_event(scope) if reader.way is Way.EVENTS else None
        if cursor is None and fields:
            cursor = fields.get("cursor", [None])[-1]
        place = self._places.take(self._admission.reader(scope), reader.descriptor)
        try:
            group, first, answer = hub.join(reader, selector, cursor)
        except BaseException:
            self._places.free(place)
            raise
        reader.taken = place
        self._metrics.joined(name, WAYS[reader.way], answer)
        return hub, group, first

    def refused(self, reader: Connection, scope: Scope, error: TickerError) -> None:
        """A reader has found no line."""
        channel = scope["path"].split("/")[3:4]
        self._metrics.refused("".join(channel), WAYS[reader.way], error.slug)

    def heard(self, reader: Connection, message: bytes) -> None:
        """A reader has sent something; only receipts are asked for."""
        if reader.hub is not None:
            self._receipts.take(reader.hub.channel.name, message)

    def left(self, reader: Connection) -> None:
        """A reader has gone."""
        self._places.free(reader.taken)

    async def live(self, request: Request) -> Response:
        """`GET …/live` without an upgrade."""
        standing(self._hubs, request.path_params["channel"])
        raise UpgradeRequired

    async def items(self, request: Request) -> Response:
        """`GET /v1/channels/{channel}/items`: the window as it stands; the ETag is the cursor."""

        def window(hub: Hub, selector: Selector) -> bytes:
            def made() -> bytes:
                items = [item.public() for item in hub.window(selector)]
                return encode({"channel": hub.channel.name, "cursor": str(hub.cursor), "items": items})

            return self._windows.get(hub, (hub.channel.name, query(selector)), made)

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


def _channel(scope: Scope) -> str:
    match scope["path"].split("/"):
        case ["", "v1", "channels", channel, "live" | "desk"]:
            return str(channel)
    raise NotFound


def _at_desk(scope: Scope) -> bool:
    return str(scope["path"]).endswith("/desk")


def _query(query: bytes) -> dict[str, list[str]]:
    if not query:
        return {}
    try:
        return parse_qs(query.decode("latin-1"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Unprocessable(f"The query has more than {MOST_FIELDS} fields.") from None


def _last_event(scope: Scope) -> str | None:
    """The id of the last event that a browser has; it comes back with the address that it began with."""
    found = [value for name, value in scope["headers"] if name == b"last-event-id"]
    return found[-1].decode("latin-1") if found else None
