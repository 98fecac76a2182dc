"""What editors do to an item that is there: change it, hold it, pin it, take it back.

All of them are one thing: read the item, ask the rules what becomes of it, and store that if nobody was faster.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from ticker import acts, preview
from ticker.airing import Change
from ticker.channel import Channel
from ticker.draft import Hold, Nothing, Patch, Pin, Reason, milliseconds
from ticker.editing import DEADLINE, Asked, Editing, document, flag, idempotency, if_match, within
from ticker.errors import Conflict, Contended, Forbidden, IfMatchRequired, StaleVersion, UnknownItem
from ticker.item import Item
from ticker.scope import Scope
from ticker.story import siblings

ATTEMPTS = 5
"""How often an act that names no version is repeated when somebody else changes the item first."""
NO_VERSION = -1

B = TypeVar("B", bound=BaseModel)
Rule = Callable[[Item], Change]


class Changes:
    """Takes what is done to items."""

    def __init__(self, editing: Editing) -> None:
        self._editing = editing

    async def patch(self, request: Request) -> Response:
        """`PATCH …/items/{id}`: an update, a correction or a refile of exactly the version that was read."""

        def rule(asked: Asked, patch: Patch) -> Rule:
            return lambda item: acts.change(item, patch, asked.channel, asked.key.id)

        return await self._act(request, "correct", "change", Patch, rule, versioned=True)

    async def retract(self, request: Request) -> Response:
        """`POST …/items/{id}/retract`: take an item back, with a public reason."""
        return await self._act(
            request, "retract", "retract", Reason, lambda _, reason: lambda item: acts.retract(item, reason.reason)
        )

    async def hold(self, request: Request) -> Response:
        """`POST …/items/{id}/hold`: off every screen until it is released."""
        return await self._act(request, "correct", "hold", Hold, lambda _, __: acts.hold)

    async def release(self, request: Request) -> Response:
        """`POST …/items/{id}/release`: a held item on air again."""
        return await self._plain(request, "correct", "release", acts.release)

    async def expire(self, request: Request) -> Response:
        """`POST …/items/{id}/expire`: off the ticker now; nothing was wrong with it."""
        return await self._act(request, "correct", "expire", Nothing, lambda _, __: acts.expire_now)

    async def pin(self, request: Request) -> Response:
        """`POST …/items/{id}/pin`: before all others, until a moment."""

        def rule(asked: Asked, pin: Pin) -> Rule:
            until = None if pin.until is None else milliseconds(pin.until)
            return lambda item: acts.pin(item, until, asked.channel)

        return await self._act(request, "correct", "pin", Pin, rule)

    async def unpin(self, request: Request) -> Response:
        """`POST …/items/{id}/unpin`: back in its place."""
        return await self._plain(request, "correct", "unpin", acts.unpin)

    async def approve(self, request: Request) -> Response:
        """`POST …/items/{id}/approve`: the second pair of eyes lets a pending item out."""
        return await self._act(
            request,
            "publish",
            "approve",
            Nothing,
            lambda asked, _: lambda item: acts.approve(item, asked.channel, asked.key.id),
        )

    async def undo(self, request: Request) -> Response:
        """`POST …/items/{id}/undo`: stop the push that has not left yet."""
        return await self._plain(request, "correct", "undo", acts.undo)

    async def _plain(
        self, request: Request, scope: Scope, act: str, rule: Callable[[Item, Channel], Change]
    ) -> Response:
        return await self._act(request, scope, act, Nothing, lambda asked, _: lambda item: rule(item, asked.channel))

    async def _act(
        self,
        request: Request,
        scope: Scope,
        act: str,
        model: type[B],
        rule: Callable[[Asked, B], Rule],
        *,
        versioned: bool = False,
    ) -> Response:
        async with self._editing.asked(request, scope, act) as asked:
            versions = if_match(request)
            dry = flag(request, "dry_run")
            body = await self._editing.body(request, model)
            named = idempotency(request, asked.key, body)
            once: dict[str, Any] = {"dry": True} if dry else {**named}
            detail = getattr(body, "reason", None) or ""
            async with within(DEADLINE):
                for _ in range(ATTEMPTS):
                    item = await asked.log.item(asked.item_id)
                    if item is None:
                        raise UnknownItem
                    if versioned and versions == frozenset():
                        raise IfMatchRequired(field="If-Match")
                    refused: Conflict | Forbidden | StaleVersion | None = None
                    try:
                        if versions and item.version not in versions:
                            raise StaleVersion(newest=item)
                        change = rule(asked, body)(item)
                    except (Conflict, Forbidden, StaleVersion) as error:
                        # A repeated request gets its first answer, although it could not be made again by now; so
                        # the store is asked all the same, for a version that no item has.
                        refused, change = error, Change(act, None, item, NO_VERSION)
                    try:
                        appended = await asked.log.append(change, asked.by, detail=detail, **once)
                    except StaleVersion:
                        if refused is not None:
                            raise refused from None
                        continue
                    if dry:
                        return document(preview.shown(appended, change, asked.channel))
                    more = preview.warned(appended.item, asked.channel)
                    if act in ("change", "retract"):
                        more |= await siblings(self._editing.logs, appended.item)
                    return await self._editing.answer(asked, appended, 200, more)
            raise Contended
