"""A channel for readers of feeds and for search engines, which keep what they were given and ask again."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from ticker.channel import Channel
from ticker.entry import Cursor
from ticker.errors import Malformed
from ticker.formats import Feed, json_feed, live_blog, rss
from ticker.group import Selector
from ticker.hub import Hub
from ticker.polling import polled
from ticker.settings import AUTHORITY

MOST_BUILT = 100
"""Built feeds that are kept: each channel, format, filter and address makes another."""


class Feeds:
    """The channels of this process as feeds."""

    def __init__(self, hubs: dict[str, Hub], public_url: str | None) -> None:
        """`public_url` is the address of the service in feeds; without it, the one that the request came to."""
        self._hubs = hubs
        self._public_url = public_url
        self._built: dict[str, tuple[Cursor, Channel, bytes]] = {}

    async def json(self, request: Request) -> Response:
        """`GET /v1/channels/{channel}/feed.json`: the channel as JSON Feed 1.1."""
        return self._answer(request, "json", json_feed, "application/feed+json")

    async def rss(self, request: Request) -> Response:
        """`GET /v1/channels/{channel}/feed.rss`: the channel as RSS 2.0."""
        return self._answer(request, "rss", rss, "application/rss+xml; charset=utf-8")

    async def jsonld(self, request: Request) -> Response:
        """`GET /v1/channels/{channel}/feed.jsonld`: the channel as a LiveBlogPosting of schema.org."""
        return self._answer(request, "jsonld", live_blog, "application/ld+json")

    def _answer(self, request: Request, kind: str, write: Callable[[Feed], bytes], media_type: str) -> Response:
        def build(hub: Hub, selector: Selector) -> bytes:
            base = self._public_url or _own(request)
            path = f"/v1/channels/{hub.channel.name}/feed.{kind}{_query(selector)}"
            cursor, channel, body = self._built.get(base + path, (None, None, b""))
            if (cursor, channel) == (hub.cursor, hub.channel):
                return body
            items = hub.window(selector) + hub.withdrawn(selector)
            body = write(Feed.of(hub.channel, str(hub.cursor), base, path, items))
            self._keep(base + path, (hub.cursor, hub.channel, body))
            return body

        return polled(request, self._hubs, build, media_type)

    def _keep(self, address: str, built: tuple[Cursor, Channel, bytes]) -> None:
        self._built.pop(address, None)
        self._built[address] = built
        if len(self._built) > MOST_BUILT:
            del self._built[next(iter(self._built))]


def _own(request: Request) -> str:
    """The address that the request came to. Whoever asks can write any Host, and it gets into the answer."""
    hosts = request.headers.getlist("Host")
    if len(hosts) != 1 or not AUTHORITY.fullmatch(hosts[0]):
        raise Malformed("The Host header names no host.", field="Host")
    return f"{request.scope['scheme']}://{hosts[0].lower()}"


def _query(selector: Selector) -> str:
    given = (
        ("section", selector.sections),
        ("region", selector.regions),
        ("tag", selector.tags),
        ("urgency", map(str, selector.urgencies)),
    )
    fields = [(name, value) for name, values in given for value in sorted(values)]
    return "?" + urlencode(fields) if fields else ""
