"""Targets over HTTP: browsers subscribe by themselves, others with a key; and what became of a push."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from ticker.answers import ABSENT, Told, Version
from ticker.bridges import signing
from ticker.bridges.guard import Forbidden, Guard
from ticker.bridges.outbox import Outbox
from ticker.bridges.register import Register
from ticker.bridges.target import Target, id_of
from ticker.channel import Channel
from ticker.draft import ItemId
from ticker.editing import DEADLINE, Editing, document, within
from ticker.errors import NotFound, Unavailable, UnknownItem, Unprocessable
from ticker.registration import Subscription, TargetDraft, Wants
from ticker.wire import encode

FULL_SECONDS = 3600
"""When to come back to a register that is full."""
TargetId = Field(pattern=r"^[A-Za-z0-9_-]{20}$", description="unguessable for who does not know the address")


class Offered(Told):
    """Whether browsers can subscribe, and with which key."""

    webpush: str = Field(ABSENT, description="`applicationServerKey`; missing when browsers are not sent to")


class Registered(Told):
    """A target that is stored."""

    id: str = TargetId
    provider: str
    secrets: list[str] = Field(ABSENT, description="of a webhook: what its requests are signed with; told only here")


class TargetCount(Told):
    """How many targets there are."""

    targets: dict[str, int] = Field(description="by provider")


class PushOfVersion(Told):
    """One version, by one provider."""

    version: Version
    provider: str
    outcomes: dict[str, int] = Field(
        description="`accepted` (by the provider, which is not: delivered), `superseded`, `expired`, `cancelled`, "
        "`dead_lettered`, and `pending`: has not ended"
    )


class PushStatus(Told):
    """What became of the pushes of an item, within the last 7 days; newest version first."""

    id: ItemId
    version: Version
    pushes: list[PushOfVersion]


class Subscriptions:
    """Answers browsers, and editors with a key."""

    def __init__(self, editing: Editing, public_key: str | None, browsers: Guard, others: Guard, most: int) -> None:
        """`public_key` is what browsers subscribe with; None: they do not. `most` is of a provider and a channel."""
        self._editing = editing
        self._public_key = public_key
        self._browsers = browsers
        self._others = others
        self._most = most

    async def offered(self, request: Request) -> Response:
        """`GET /v1/push`: whether browsers can subscribe, and with which key."""
        told = {"webpush": self._public_key} if self._public_key else {}
        return Response(encode(told), headers={"Cache-Control": "public, max-age=60"}, media_type="application/json")

    async def subscribe(self, request: Request) -> Response:
        """`POST …/subscriptions`: a browser subscribes, or says anew what it wants."""
        channel = self._editing.channel(request)
        if self._public_key is None:
            raise NotFound("Browsers cannot subscribe here: this service sends no Web Push.")
        # Where nobody subscribes the library behind it is never loaded.
        from ticker.bridges import sealing

        self._editing.admission.stranger(request)
        sent = await self._editing.body(request, Subscription)
        _checked(self._browsers, sent.endpoint, "endpoint")
        try:
            sealing.keys_of(sent.keys.p256dh, sent.keys.auth)
        except ValueError as error:
            raise Unprocessable(f"The key is none: {error}.", field="keys.p256dh") from None
        keys = {"p256dh": sent.keys.p256dh.rstrip("="), "auth": sent.keys.auth.rstrip("=")}
        return await self._register(channel, "webpush", sent.endpoint, sent, keys=keys)

    async def unsubscribe(self, request: Request) -> Response:
        """`DELETE …/subscriptions/{target}`: a browser wants no more; its id is all that it needs."""
        channel = self._editing.channel(request)
        self._editing.admission.stranger(request)
        async with within(DEADLINE):
            await self._remove(channel, str(request.path_params["target"]), ("webpush",))
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

    async def register(self, request: Request) -> Response:
        """`POST …/targets`: register a device or a webhook, or say anew what it wants."""
        async with self._editing.asked(request, "push") as asked:
            await self._editing.admission.spend(asked.key)
            sent = await self._editing.body(request, TargetDraft)
            if sent.provider != "webhook":
                address = sent.address.lower() if sent.provider == "apns" else sent.address
                return await self._register(asked.channel, sent.provider, address, sent)
            _checked(self._others, sent.address, "address")
            for number, secret in enumerate(sent.secrets):
                try:
                    signing.key_of(secret)
                except ValueError as error:
                    raise Unprocessable(f"This is no secret: {error}.", field=f"secrets.{number}") from None
            secrets = sent.secrets or (signing.fresh(),)
            return await self._register(asked.channel, "webhook", sent.address, sent, secrets=secrets)

    async def unregister(self, request: Request) -> Response:
        """`DELETE …/targets/{target}`: forget a device, a webhook or a browser."""
        async with self._editing.asked(request, "push") as asked, within(DEADLINE):
            await self._editing.admission.spend(asked.key)
            await self._remove(asked.channel, str(request.path_params["target"]), ("fcm", "apns", "webhook", "webpush"))
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

    async def count(self, request: Request) -> Response:
        """`GET …/targets`: how many there are of each provider."""
        async with self._editing.asked(request, "push") as asked, within(DEADLINE):
            return document({"targets": await self._of(asked.channel).count()})

    async def status(self, request: Request) -> Response:
        """`GET …/items/{id}/push`: what became of the pushes of an item."""
        async with self._editing.asked(request, "read") as asked, within(DEADLINE):
            item = await asked.log.item(asked.item_id)
            if item is None:
                raise UnknownItem
            found = await Outbox(self._editing.store, asked.channel.name).status(item.id)
            return document({"id": item.id, "version": item.version, "pushes": told(found)})

    def _of(self, channel: Channel) -> Register:
        return Register(self._editing.store, channel.name, self._most)

    async def _register(self, channel: Channel, provider: str, address: str, wants: Wants, **more: Any) -> Response:
        for name in ("sections", "regions"):
            for place, value in enumerate(getattr(wants, name)):
                if value not in getattr(channel, name):
                    raise Unprocessable(
                        f"There is no such one of the {name} of {channel.name}.", field=f"{name}.{place}"
                    )
        async with within(DEADLINE):
            target = Target(
                id=id_of(provider, address),
                provider=provider,
                address=address,
                since=await self._editing.logs[channel.name].now(),
                **wants.wanted(),
                **more,
            )
            if not await self._of(channel).add(target):
                raise Unavailable(f"{channel.name} has as many targets as it may have.", retry_after=FULL_SECONDS)
        secrets = {"secrets": list(target.secrets)} if target.secrets else {}
        return document({"id": target.id, "provider": provider, **secrets})

    async def _remove(self, channel: Channel, target_id: str, providers: tuple[str, ...]) -> None:
        register = self._of(channel)
        for provider in providers:
            if await register.remove(provider, target_id):
                return
        raise NotFound("There is no such target in this channel; its provider may have said that it is no more.")


def told(status: Mapping[int, Mapping[str, Mapping[str, int]]]) -> list[dict[str, Any]]:
    """How the pushes of an item stand, as it is answered."""
    return [
        {"version": version, "provider": provider, "outcomes": dict(outcomes)}
        for version, providers in status.items()
        for provider, outcomes in providers.items()
    ]


def _checked(guard: Guard, url: str, field: str) -> None:
    try:
        guard.check(url)
    except Forbidden as error:
        raise Unprocessable(f"This address is not sent to: {error}.", field=field) from None
