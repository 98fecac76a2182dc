"""The editors' half over HTTP: who may, what, and then one append.

Nothing here knows a reader: an alert posted to this process takes the same road through the log as one posted to
any other.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from ulid import ULID

from ticker import item as rules
from ticker.auth import Key, Keyring, Scope
from ticker.channel import Channel
from ticker.errors import (
    AlreadyRetracted,
    StaleVersion,
    StoreUnavailable,
    TooLarge,
    UnknownChannel,
    UnknownItem,
    Unprocessable,
    UnsupportedMedia,
)
from ticker.item import DAY_MS, Draft, Reason
from ticker.problem import of_validation
from ticker.store import Store
from ticker.stream import Appended, Change, Log
from ticker.wire import encode

DEADLINE = 1.8
"""Seconds in which the store has to take a post; then it is refused, within the two that are promised."""
IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,200}", re.ASCII)
ATTEMPTS = 5
"""How often an act that names no version is repeated when somebody else changes the item first."""
NO_VERSION = -1

B = TypeVar("B", bound=BaseModel)


class Publisher:
    """Everything a post needs, passed in by `app`."""

    def __init__(
        self, store: Store, logs: dict[str, Log], channels: dict[str, Channel], keyring: Keyring, most: int
    ) -> None:
        """`most` is the greatest body in bytes."""
        self._store = store
        self._logs = logs
        self._channels = channels
        self._keyring = keyring
        self._most = most

    async def post(self, request: Request) -> Response:
        """`POST /v1/channels/{channel}/items`: publish a new item."""
        channel = self._channel(request)
        async with within(DEADLINE):
            key = await self._admit(request, "publish", channel)
        draft = await self._body(request, Draft)
        item = rules.publish(draft, channel, str(ULID()))
        change = Change(
            act="publish",
            item=item,
            expected=0,
            stamps=("firstcreated", "published_at", "versioncreated"),
            expires=f"+{DAY_MS}" if draft.expires is None else rules.milliseconds(draft.expires),
        )
        async with within(DEADLINE):
            appended = await self._logs[channel.name].append(change, **idempotency(request, key, draft))
            return await self._answer(appended, 201)

    async def retract(self, request: Request) -> Response:
        """`POST …/items/{id}/retract`: take an item back, with a public reason."""
        channel = self._channel(request)
        async with within(DEADLINE):
            key = await self._admit(request, "retract", channel)
        reason = await self._body(request, Reason)
        stream, item_id = self._logs[channel.name], str(request.path_params["id"])
        once = idempotency(request, key, reason)
        async with within(DEADLINE):
            for _ in range(ATTEMPTS):
                item = await stream.item(item_id)
                if item is None:
                    raise UnknownItem
                # A repeated request gets its first answer, although the item is retracted by now; so the store is
                # asked all the same, for a version that no item has.
                final = item.pubstatus == "canceled"
                change = Change(
                    act="retract",
                    item=item if final else rules.retract(item, reason.reason),
                    expected=NO_VERSION if final else item.version,
                )
                try:
                    return await self._answer(await stream.append(change, **once), 200)
                except StaleVersion:
                    if final:
                        raise AlreadyRetracted from None
        raise StaleVersion

    async def item(self, request: Request) -> Response:
        """`GET …/items/{id}`: the newest version; of a retracted item only that it was, and why."""
        channel = self._channel(request)
        async with within(DEADLINE):
            item = await self._logs[channel.name].item(str(request.path_params["id"]))
        if item is None:
            raise UnknownItem
        etag = f'"{item.version}"'
        headers = {"ETag": etag, "Cache-Control": "public, max-age=0, s-maxage=1"}
        if request.headers.get("If-None-Match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(encode(item.public()), headers=headers, media_type="application/json")

    def _channel(self, request: Request) -> Channel:
        channel = self._channels.get(request.path_params["channel"])
        if channel is None:
            raise UnknownChannel(f"There is no such channel; there are: {', '.join(self._channels)}.")
        return channel

    async def _admit(self, request: Request, scope: Scope, channel: Channel) -> Key:
        key = await self._keyring.authenticate(request.headers.get("Authorization"))
        key.check(scope, channel.name)
        await self._keyring.spend(key)
        return key

    async def _body(self, request: Request, model: type[B]) -> B:
        media, _, parameters = request.headers.get("Content-Type", "").partition(";")
        charset = parameters.strip().lower().replace('"', "")
        if media.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
            raise UnsupportedMedia
        if request.headers.get("Content-Encoding", "identity") != "identity":
            raise UnsupportedMedia(field="Content-Encoding")
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > self._most:
                raise TooLarge(f"The body is larger than {self._most} bytes.")
        try:
            # From bytes, by one strict parser: the standard one takes NaN, UTF-16 and lone surrogates.
            return model.model_validate_json(bytes(body))
        except ValidationError as error:
            raise of_validation(error) from None

    async def _answer(self, appended: Appended, status: int) -> Response:
        item = appended.item
        document = {
            "item": item.public(),
            "cursor": str(appended.cursor),
            "durability": await self._store.durability(),
        }
        headers = {
            "Location": f"/v1/channels/{item.channel}/items/{item.id}",
            "ETag": f'"{item.version}"',
            "Cache-Control": "no-store",
        }
        if appended.repeated:
            headers["Idempotency-Replayed"] = "true"
        return Response(encode(document), status, headers, "application/json")


class Once(TypedDict):
    """What names a request, so that its repetition is known: see `Log.append`."""

    key: str
    fingerprint: str


def idempotency(request: Request, key: Key, body: BaseModel) -> Once:
    """The request's `Idempotency-Key`, apart for each API key, and the fingerprint of what it asks for.

    Raises Unprocessable when the header is not 1 to 200 visible ASCII characters.
    """
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return {"key": "", "fingerprint": ""}
    if not IDEMPOTENCY_KEY.fullmatch(given):
        raise Unprocessable("Idempotency-Key takes 1 to 200 visible ASCII characters.", field="Idempotency-Key")
    asked = f"{request.method} {request.url.path} {body.model_dump_json()}"
    return {"key": f"{key.id}:{given}", "fingerprint": hashlib.sha256(asked.encode()).hexdigest()}


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """Raises StoreUnavailable when what is inside takes longer."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise StoreUnavailable from None
