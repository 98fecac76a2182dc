"""The readers' half over HTTP: the door to the live stream, and the window for those who poll."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote

from starlette.requests import Request
from starlette.responses import Response
from websockets.http11 import Request as Upgrade

from ticker.errors import Full, NotFound, Unavailable, UnknownChannel, Unprocessable, UpgradeRequired
from ticker.group import Group, Reader, Selector
from ticker.hub import Hub
from ticker.wire import encode

MOST_FIELDS = 50
MOST_VALUES = 10
LONGEST_VALUE = 64
POLL_AFTER = 10
"""Seconds told to readers who find no place."""


class Readers:
    """The channels of this process, and how many readers they may have."""

    def __init__(self, hubs: dict[str, Hub], most: int) -> None:
        self._hubs = hubs
        self._most = most

    def open(self, reader: Reader, request: Upgrade) -> tuple[Hub, Group, bytes]:
        """`GET /v1/channels/{channel}/live` as a WebSocket: join, with a snapshot, a resume or a reset."""
        path, _, query = request.path.partition("?")
        match unquote(path).split("/"):
            case ["", "v1", "channels", channel, "live"]:
                hub = self._hub(channel)
            case _:
                raise NotFound
        try:
            fields = parse_qs(query, keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError:
            raise Unprocessable(f"The query has more than {MOST_FIELDS} fields.") from None
        selector = selected(fields)
        if sum(map(len, self._hubs.values())) >= self._most:
            raise Full(retry_after=POLL_AFTER)
        cursors = fields.get("cursor")
        group, first = hub.join(reader, selector, cursors[-1] if cursors else None)
        return hub, group, first

    async def live(self, request: Request) -> Response:
        """`GET …/live` without an upgrade."""
        self._hub(request.path_params["channel"])
        raise UpgradeRequired

    async def items(self, request: Request) -> Response:
        """`GET /v1/channels/{channel}/items`: the window as it stands; the ETag is the cursor."""
        hub = self._hub(request.path_params["channel"])
        fields = {name: request.query_params.getlist(name) for name in request.query_params}
        selector = selected(fields)
        etag = f'"{hub.cursor}"'
        headers = {
            "ETag": etag,
            # A CDN may carry the polling: one request a second reaches us, whoever asks.
            "Cache-Control": "public, max-age=0, s-maxage=1, stale-while-revalidate=10",
        }
        if etag in [tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")]:
            return Response(status_code=304, headers=headers)
        document = {
            "channel": hub.channel.name,
            "cursor": str(hub.cursor),
            "items": [item.public() for item in hub.window(selector)],
        }
        return Response(encode(document), headers=headers, media_type="application/json")

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

    def _hub(self, channel: str) -> Hub:
        hub = self._hubs.get(channel)
        if hub is None:
            raise UnknownChannel(f"There is no such channel; there are: {', '.join(self._hubs)}.")
        if not hub.loaded:
            raise Unavailable("The log has not been read yet. Try again shortly.", retry_after=1)
        return hub


def selected(fields: dict[str, list[str]]) -> Selector:
    """The filter in a query. Raises Unprocessable when there are too many values, or one that cannot be."""
    for name in ("section", "region", "tag", "urgency"):
        values = fields.get(name, [])
        if len(values) > MOST_VALUES or any(not 0 < len(value) <= LONGEST_VALUE for value in values):
            raise Unprocessable(
                f"{name} takes at most {MOST_VALUES} values of 1 to {LONGEST_VALUE} characters.", field=name
            )
    try:
        urgencies = frozenset(int(value) for value in fields.get("urgency", []))
    except ValueError:
        raise Unprocessable("urgency takes numbers from 1 to 9.", field="urgency") from None
    return Selector(
        sections=frozenset(fields.get("section", [])),
        regions=frozenset(fields.get("region", [])),
        tags=frozenset(fields.get("tag", [])),
        urgencies=urgencies,
    )
