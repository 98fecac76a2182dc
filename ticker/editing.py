"""What every request of an editor goes through: who sends it, what it says, what is noted of it, how it is answered."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypedDict, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from ticker import logs
from ticker.admission import Admission
from ticker.audit import Audit
from ticker.auth import Key
from ticker.channel import Channel
from ticker.errors import (
    Malformed,
    StoreUnavailable,
    TickerError,
    TooLarge,
    UnknownChannel,
    Unprocessable,
    UnsupportedMedia,
)
from ticker.metrics import Metrics
from ticker.parameters import VERSION, VERSIONS
from ticker.problem import of_validation
from ticker.scope import Scope
from ticker.store import Store
from ticker.stream import Appended, Log
from ticker.wire import encode

DEADLINE = 1.8
"""Seconds in which the store has to take a post; then it is refused, within the two that are promised."""
IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,200}", re.ASCII)
YES, NO = frozenset({"1", "true"}), frozenset({"0", "false"})

B = TypeVar("B", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that was let in: in which channel, by whom, about which item (empty: a new one)."""

    channel: Channel
    log: Log
    audit: Audit
    key: Key
    item_id: str
    act: str
    """Empty when it only wants to look."""

    @property
    def by(self) -> str:
        """Who it is, for the audit."""
        return f"{self.key.id} {self.key.name}"


class Editing:
    """The way in and out of the editors' half; `app` builds one."""

    def __init__(
        self,
        store: Store,
        logs: Mapping[str, Log],
        channels: Mapping[str, Channel],
        admission: Admission,
        most: int,
        metrics: Metrics,
    ) -> None:
        """`most` is the greatest body in bytes."""
        self.store = store
        self.logs = logs
        self.channels = channels
        self.admission = admission
        self._most = most
        self._metrics = metrics

    def channel(self, request: Request) -> Channel:
        """The channel of the address. Raises UnknownChannel."""
        channel = self.channels.get(request.path_params["channel"])
        if channel is None:
            raise UnknownChannel(f"There is no such channel; there are: {', '.join(self.channels)}.")
        return channel

    @asynccontextmanager
    async def asked(self, request: Request, scope: Scope, act: str = "") -> AsyncIterator[Asked]:
        """Let a request in. What is refused inside, though its sender has a key, is noted as tried: `act`.

        A rehearsal is no try, so nothing is noted of it.
        Raises Unauthorized, Forbidden, RateLimited, UnknownChannel, StoreUnavailable.
        """
        try:
            async with self._asked(request, scope, act) as asked:
                yield asked
        except TickerError as error:
            if act and not _dry(request):
                self._metrics.act_refused(act, error.slug)
            raise

    @asynccontextmanager
    async def _asked(self, request: Request, scope: Scope, act: str) -> AsyncIterator[Asked]:
        channel = self.channel(request)
        log = self.logs[channel.name]  # now: a reload may end the channel while the store is asked
        async with within(DEADLINE):
            key = await self.admission.key(request)
            if act:
                # Before anything is noted: who sends too much must not fill the record with it.
                await self.admission.spend(key)
        item_id = str(request.path_params.get("id", ""))
        asked = Asked(channel, log, Audit(self.store, channel.name), key, item_id, act)
        logs.note(channel=channel.name, **({"item": item_id} if item_id else {}))
        try:
            key.check(scope, channel.name)
            yield asked
        except TickerError as error:
            if act and 400 <= error.status < 500 and not _dry(request):
                async with within(DEADLINE):
                    await asked.audit.refusal(act, asked.by, item_id[:64], error)
            raise

    async def body(self, request: Request, model: type[B]) -> B:
        """The body as this model. An act that needs no words may have none.

        Raises Malformed, TooLarge, UnsupportedMedia, Unprocessable.
        """
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > self._most:
                raise TooLarge(f"The body is larger than {self._most} bytes.")
        if not body and not _needed(model):
            return model()
        media, _, parameters = request.headers.get("Content-Type", "").partition(";")
        charset = parameters.strip().lower().replace('"', "")
        if media.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
            raise UnsupportedMedia
        if request.headers.get("Content-Encoding", "identity") != "identity":
            raise UnsupportedMedia(field="Content-Encoding")
        try:
            # From bytes, by one strict parser: the standard one takes NaN, UTF-16 and lone surrogates.
            found = model.model_validate_json(bytes(body))
        except ValidationError as error:
            raise of_validation(error) from None
        # It takes a field that is named twice, though, and readers of JSON disagree on which one counts.
        json.loads(body, object_pairs_hook=_once)
        return found

    async def answer(
        self, asked: Asked, appended: Appended, status: int = 200, more: Mapping[str, Any] | None = None
    ) -> Response:
        """What every act on an item is answered with, once it is stored."""
        self._metrics.acted(asked.channel.name, asked.act, replayed=appended.repeated)
        item = appended.item
        logs.note(item=item.id, cursor=str(appended.cursor))
        document = {
            "item": item.desk(),
            "cursor": str(appended.cursor),
            "durability": f"replicated({appended.replicas})" if appended.replicas else await self.store.durability(),
            **(more or {}),
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
    asked = f"{request.method} {request.url.path} {body.model_dump_json(exclude_unset=True)}"
    return {"key": f"{key.id}:{given}", "fingerprint": hashlib.sha256(asked.encode()).hexdigest()}


def if_match(request: Request) -> frozenset[int] | None:
    """The versions that the request may change; None for any (`*`), empty when it does not say.

    Raises Unprocessable when the header names none.
    """
    values = request.headers.getlist("If-Match")
    given = ",".join(values).strip(" \t")
    if given == "*":
        return None
    if values and not re.fullmatch(VERSIONS, given):
        raise Unprocessable('If-Match takes the ETag of a version, like "3", or *.', field="If-Match")
    return frozenset(int(number) for number in re.findall(VERSION, given))


def flag(request: Request, name: str) -> bool:
    """Whether a parameter of the query is set. Raises Unprocessable for what is neither yes nor no."""
    value = request.query_params.get(name, "0")
    if value not in YES | NO:
        raise Unprocessable(f"{name} takes 1 or 0.", field=name)
    return value in YES


def _dry(request: Request) -> bool:
    return request.query_params.get("dry_run", "") in YES


def document(content: object, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer for one editor, which no cache may keep."""
    told = {"Cache-Control": "no-store", **(headers or {})}
    return Response(encode(content), headers=told, media_type="application/json")


class within:  # noqa: N801 - read as a word of the statement that it stands in
    """`async with within(seconds)`: raises StoreUnavailable when what is inside takes longer."""

    __slots__ = ("_timeout",)

    def __init__(self, seconds: float) -> None:
        self._timeout = asyncio.timeout(seconds)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError:
            raise StoreUnavailable from None
        if isinstance(error, TimeoutError):
            raise StoreUnavailable from None


@functools.cache
def _needed(model: type[BaseModel]) -> bool:
    """Whether a body may not be left out."""
    return any(field.is_required() for field in model.model_fields.values())


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Malformed(f"The body names '{twice[:64]}' twice; send it once.", field=twice[:64])
    return found
