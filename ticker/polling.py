"""What everybody who polls goes through: which channel, what of it, and whether anything is new."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from ticker.channel import Channel
from ticker.errors import Malformed, Unavailable, UnknownChannel, Unprocessable
from ticker.group import Selector
from ticker.hub import Hub
from ticker.parameters import LONGEST_VALUE, MOST_VALUES
from ticker.settings import AUTHORITY

CACHE = "public, max-age=0, s-maxage=1, stale-while-revalidate=10"
"""A CDN may carry the polling: one request a second reaches us, whoever asks."""
ANYBODY = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Date, ETag"}
"""Also when no page of another origin asks: what a CDN keeps of this answer, it gives to those that do."""
MOST_BUILT = 200
"""Built answers that are kept: each channel, filter and form makes another."""
URGENCIES = frozenset("123456789")


class Kept:
    """Answers that were built, each until what it shows is another."""

    def __init__(self) -> None:
        self._built: dict[tuple[str, ...], tuple[Channel, str, bytes]] = {}

    def __len__(self) -> int:
        """How many there are."""
        return len(self._built)

    def get(self, hub: Hub, name: tuple[str, ...], build: Callable[[], bytes]) -> bytes:
        """What `build` makes of this hub as it stands, under this name; built once for all who ask."""
        channel, tag, body = self._built.get(name, (None, "", b""))
        if channel is hub.channel and tag == hub.tag:
            return body
        body = build()
        self._built.pop(name, None)
        self._built[name] = (hub.channel, hub.tag, body)
        if len(self._built) > MOST_BUILT:
            del self._built[next(iter(self._built))]
        return body


def standing(hubs: Mapping[str, Hub], channel: str) -> Hub:
    """The hub of this channel. Raises UnknownChannel, or Unavailable before its log was read."""
    hub = hubs.get(channel)
    if hub is None:
        raise UnknownChannel(f"There is no such channel; there are: {', '.join(hubs)}.")
    if not hub.loaded:
        raise Unavailable("The log has not been read yet. Try again shortly.", retry_after=1)
    return hub


def asked(request: Request) -> str:
    """The address that the request came to. Whoever asks can write any Host, and it gets into the answer.

    Raises Malformed.
    """
    hosts = request.headers.getlist("Host")
    if len(hosts) != 1 or not AUTHORITY.fullmatch(hosts[0]):
        raise Malformed("The Host header names no host.", field="Host")
    return f"{request.scope['scheme']}://{hosts[0].lower()}"


def polled(
    request: Request, hubs: Mapping[str, Hub], build: Callable[[Hub, Selector], bytes], media_type: str
) -> Response:
    """What `build` makes of the channel in the address, as the query filters it; 304 when the client has that already.

    Raises UnknownChannel, Unavailable, Unprocessable, and what `build` raises.
    """
    hub = standing(hubs, request.path_params["channel"])
    selector = selected({name: request.query_params.getlist(name) for name in request.query_params})
    etag = f'"{hub.tag}"'
    headers = {"ETag": etag, "Cache-Control": CACHE, **ANYBODY}
    if etag in [tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(build(hub, selector), headers=headers, media_type=media_type)


def selected(fields: Mapping[str, list[str]]) -> Selector:
    """The filter in a query. Raises Unprocessable when there are too many values, or one that cannot be."""
    for name in ("section", "region", "tag", "urgency"):
        values = fields.get(name, [])
        if len(values) > MOST_VALUES or any(not 0 < len(value) <= LONGEST_VALUE for value in values):
            raise Unprocessable(
                f"{name} takes at most {MOST_VALUES} values of 1 to {LONGEST_VALUE} characters.", field=name
            )
    urgencies = frozenset(fields.get("urgency", []))
    if urgencies - URGENCIES:
        raise Unprocessable("urgency takes numbers from 1 to 9.", field="urgency")
    return Selector(
        sections=frozenset(fields.get("section", [])),
        regions=frozenset(fields.get("region", [])),
        tags=frozenset(fields.get("tag", [])),
        urgencies=frozenset(map(int, urgencies)),
    )


def query(selector: Selector) -> str:
    """The same filter as a query again, always in one form; empty when there is none."""
    given = (
        ("section", selector.sections),
        ("region", selector.regions),
        ("tag", selector.tags),
        ("urgency", map(str, selector.urgencies)),
    )
    fields = [(name, value) for name, values in given for value in sorted(values)]
    return "?" + urlencode(fields) if fields else ""
