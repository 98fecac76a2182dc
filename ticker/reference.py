"""The service described by itself: the documents for programs, made when they are first asked for."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ticker import asyncapi, openapi
from ticker.channel import Channel
from ticker.operation import JSON, Operation
from ticker.wire import encode


@dataclass(frozen=True, slots=True)
class Built:
    """A document, ready to be sent, and the channels that it tells of."""

    channels: tuple[Channel, ...]
    body: bytes
    etag: str


class Reference:
    """The documents of one process."""

    def __init__(self, operations: Callable[[], list[Operation]], channels: Mapping[str, Channel]) -> None:
        """`channels` may change; what was made of others is then made anew."""
        self._operations = operations
        self._channels = channels
        self._built: dict[str, Built] = {}
        self._building = asyncio.Lock()

    async def openapi(self, request: Request) -> Response:
        """`GET /openapi.json`: this API as OpenAPI 3.1."""
        return await self._answer(request, "openapi", lambda channels: openapi.build(self._operations(), channels))

    async def asyncapi(self, request: Request) -> Response:
        """`GET /asyncapi.json`: the live stream as AsyncAPI 3.0."""
        return await self._answer(request, "asyncapi", asyncapi.build)

    async def _answer(
        self, request: Request, name: str, build: Callable[[Mapping[str, Channel]], dict[str, Any]]
    ) -> Response:
        async with self._building:
            channels = dict(self._channels)
            built = self._built.get(name)
            if built is None or built.channels != tuple(channels.values()):
                # The readers are served meanwhile.
                body = await asyncio.to_thread(lambda: encode(build(channels)))
                built = Built(tuple(channels.values()), body, f'"{hashlib.sha256(body).hexdigest()[:20]}"')
                self._built[name] = built
        headers = {"ETag": built.etag, "Cache-Control": "public, max-age=60"}
        given = request.headers.get("If-None-Match", "")
        if built.etag in [tag.strip().removeprefix("W/") for tag in given.split(",")]:
            return Response(status_code=304, headers=headers)
        return Response(built.body, headers=headers, media_type=JSON)
