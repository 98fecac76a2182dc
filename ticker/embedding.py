"""A channel as a page that others frame, and the answer to a CMS that was given the address of one (oEmbed)."""

from __future__ import annotations

import re
from html import escape
from typing import Any
from urllib.parse import urlencode, urlsplit

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from ticker.errors import UnknownChannel, Unprocessable
from ticker.group import Selector
from ticker.hub import Hub
from ticker.item import Item, iso
from ticker.polling import Kept, asked, polled, standing
from ticker.wire import encode

HEADERS = {
    # Everybody may frame it; it loads our own files and nothing else.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors *; require-trusted-types-for 'script'"
    ),
    "Cross-Origin-Resource-Policy": "cross-origin",
}
MODES = ("rotate", "scroll", "list")
THEMES = ("light", "dark")
MOST_ITEMS = 100
WIDTH, LEAST_WIDTH = 640, 240
HEIGHTS = {"rotate": 120, "scroll": 88, "list": 480}
"""Pixels that a frame needs at its narrowest, under a finger; by mode."""
_TAG = re.compile(r"[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8}){0,4}")
AGAIN_SECONDS = 60
"""How often a page without a script asks again."""
CACHE_SECONDS = 86_400


class Embedding:
    """The channels of this process as pages to frame."""

    def __init__(self, hubs: dict[str, Hub], public_url: str | None) -> None:
        """`public_url` is the address of the service; without it, the one that a request came to."""
        self._hubs = hubs
        self._public_url = public_url
        self._kept = Kept()

    async def page(self, request: Request) -> Response:
        """`GET /embed/{channel}`: the channel as a page for a frame, which stands without a script too."""
        attributes = attributes_of(request.query_params)

        def build(hub: Hub, selector: Selector) -> bytes:
            base = self._public_url or asked(request)
            address = _address(base, hub.channel.name, request.query_params)
            told = f"{base}/oembed?{urlencode({'url': address})}"
            return self._kept.get(hub, (base, address), lambda: page(hub, selector, attributes, told))

        answer = polled(request, self._hubs, build, "text/html; charset=utf-8")
        answer.headers.update(HEADERS)
        return answer

    async def oembed(self, request: Request) -> Response:
        """`GET /oembed`: how to frame the address that is given (oEmbed 1.0)."""
        given = request.query_params
        _one(given, "format", ("json",))
        base = self._public_url or asked(request)
        if not given.get("url"):
            raise Unprocessable("url is missing: the address of a channel's page, /embed/…", field="url")
        try:
            address = urlsplit(given["url"])
        except ValueError:
            raise UnknownChannel("url is no address.", field="url") from None
        name = address.path.removeprefix(urlsplit(base).path + "/embed/")
        if (address.netloc.lower(), name) != (urlsplit(base).netloc, name.strip("/")) or name not in self._hubs:
            raise UnknownChannel("url is not the address of a channel's page here.", field="url")
        asked_for = QueryParams(address.query)
        told = described(
            standing(self._hubs, name),
            attributes_of(asked_for),
            base,
            _address(base, name, asked_for),
            _number(given, "maxwidth"),
            _number(given, "maxheight"),
        )
        return Response(encode(told), headers={"Cache-Control": "public, max-age=300"}, media_type="application/json")


def _address(base: str, name: str, given: QueryParams) -> str:
    fields = urlencode(given.multi_items())
    return f"{base}/embed/{name}" + (f"?{fields}" if fields else "")


def attributes_of(given: QueryParams) -> dict[str, str]:
    """The element's attributes as a query names them. Raises Unprocessable for a value that it does not take."""
    found = {"mode": _one(given, "mode", MODES), "theme": _one(given, "theme", THEMES)}
    found["max"] = str(number) if (number := _number(given, "max", MOST_ITEMS)) else None
    lang = given.get("lang", "")
    if lang and not _TAG.fullmatch(lang):
        raise Unprocessable("lang is no language tag.", field="lang")
    found["lang"] = lang
    for name in ("section", "region", "tag"):
        found[name] = ",".join(given.getlist(name))
    return {name: value for name, value in found.items() if value}


def page(hub: Hub, selector: Selector, attributes: dict[str, str], described: str) -> bytes:
    """The page: the element, and inside it what stands now, for those who have no script.

    `described` is where its oEmbed is. What it loads is named from where it lies, whatever proxy stands before us.
    """
    channel = hub.channel
    written = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
    rows = "\n".join(_row(item) for item in hub.window(selector))
    described = escape(described)
    title = escape(channel.title)
    return f"""<!doctype html>
<html lang="{escape(channel.language)}" dir="{channel.direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="{escape(attributes.get("theme", "light dark"))}">
<meta name="robots" content="noindex">
<title>{title}</title>
<link rel="alternate" type="application/json+oembed" href="{described}" title="{title}">
<link rel="stylesheet" href="v1/embed.css">
<noscript><meta http-equiv="refresh" content="{AGAIN_SECONDS}"></noscript>
<script type="module" src="v1/embed.js"></script>
</head>
<body>
<breaking-ticker channel="{channel.name}"{written}>
<ul>
{rows}
</ul>
</breaking-ticker>
</body>
</html>
""".encode()


def _row(item: Item) -> str:
    said = f'<bdi dir="{escape(item.direction or "auto")}">{escape(item.headline)}</bdi>'
    if item.attribution:
        said = f"<bdi><b>{escape(item.attribution)}</b></bdi>: {said}"
    if (item.link or "").startswith("https://"):
        said = f'<a href="{escape(item.link or "")}" target="_blank" rel="noopener">{said}</a>'
    if item.correction_note:
        said += f" <small><bdi>{escape(item.correction_note)}</bdi></small>"
    time = iso(item.bumped_at or item.published_at or item.firstcreated)
    return f'<li lang="{escape(item.language)}">{said} <time datetime="{time}">{time[11:16]} UTC</time></li>'


def described(
    hub: Hub, attributes: dict[str, str], base: str, address: str, most_width: int | None, most_height: int | None
) -> dict[str, Any]:
    """The oEmbed of a channel's page, no larger than it may be, where that is enough to read it."""
    width = max(LEAST_WIDTH, min(WIDTH, most_width or WIDTH))
    height = HEIGHTS[attributes.get("mode", "rotate")]
    if most_height is not None:
        height = max(HEIGHTS["scroll"], min(height, most_height))
    frame = (
        f'<iframe src="{escape(address)}" title="{escape(hub.channel.title)}" width="{width}" height="{height}" '
        'loading="lazy" sandbox="allow-scripts allow-same-origin allow-popups" frameborder="0"></iframe>'
    )
    return {
        "version": "1.0",
        "type": "rich",
        "title": hub.channel.title,
        "provider_name": "ticker",
        "provider_url": base,
        "cache_age": CACHE_SECONDS,
        "html": frame,
        "width": width,
        "height": height,
    }


def _one(given: QueryParams, name: str, known: tuple[str, ...]) -> str | None:
    value = given.get(name)
    if value and value not in known:
        raise Unprocessable(f"{name} takes {', '.join(known)}.", field=name)
    return value or None


def _number(given: QueryParams, name: str, most: int = 100_000) -> int | None:
    value = given.get(name)
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and int(value[:9]) > 0 and len(value) < 9):
        raise Unprocessable(f"{name} takes a whole number from 1 on.", field=name)
    return min(int(value), most)
