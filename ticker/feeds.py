"""A channel for readers of feeds and for search engines, which keep what they were given and ask again."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from ticker.formats import Feed, json_feed, live_blog, rss
from ticker.group import Selector
from ticker.hub import Hub
from ticker.polling import Kept, asked, polled, query


class Feeds:
    """The channels of this process as feeds."""

    def __init__(self, hubs: dict[str, Hub], public_url: str | None) -> None:
        """`public_url` is the address of the service in feeds; without it, the one that the request came to."""
        self._hubs = hubs
        self._public_url = public_url
        self._kept = Kept()

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
            base = self._public_url or asked(request)
            path = f"/v1/channels/{hub.channel.name}/feed.{kind}{query(selector)}"

            def made() -> bytes:
                items = hub.window(selector) + hub.withdrawn(selector)
                return write(Feed.of(hub.channel, str(hub.cursor), base, path, items))

            return self._kept.get(hub, (base, path), made)

        return polled(request, self._hubs, build, media_type)
