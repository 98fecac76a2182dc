"""What was, and what waits: the versions of an item, the bar at any moment, the record, the queue. All need a key."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from ticker import story
from ticker.admission import given
from ticker.audit import Audit, Record
from ticker.channel import Channel
from ticker.draft import Moment, milliseconds
from ticker.editing import DEADLINE, Editing, document, within
from ticker.errors import RateLimited, Unauthorized, UnknownItem, Unprocessable
from ticker.item import Item, iso
from ticker.parameters import LAST_NUMBER, MOST_RECORDS
from ticker.window import Window
from ticker.wire import encode

DEPTH = 5000
"""Records before a moment from which the bar of that moment is put together."""
_MOMENT: TypeAdapter[datetime] = TypeAdapter(Moment)


class History:
    """Answers editors who look back, or ahead."""

    def __init__(self, editing: Editing) -> None:
        self._editing = editing

    async def item(self, request: Request) -> Response:
        """`GET …/items/{id}`: the newest version as the public may see it; with a key, whatever its state."""
        channel, key = self._editing.channel(request), None
        log = self._editing.logs[channel.name]
        async with within(DEADLINE):
            if given(request):
                try:
                    key = await self._editing.admission.key(request)
                except (Unauthorized, RateLimited):
                    # A browser goes on sending the cookie of a session that has ended, and its user is the public then.
                    if "Authorization" in request.headers:
                        raise
            item = await log.item(str(request.path_params["id"]))
        colleague = key is not None and key.may("read", channel.name)
        # An item that was never on air does not exist for the public, and a held one not for now.
        if item is None or not (colleague or item.known()):
            raise UnknownItem
        etag = f'"{item.version}"'
        cache = "private, no-cache" if colleague else "public, max-age=0, s-maxage=1"
        headers = {"ETag": etag, "Cache-Control": cache, "Vary": "Authorization, Cookie"}
        if request.headers.get("If-None-Match") == etag:
            return Response(status_code=304, headers=headers)
        shown = item.desk() if colleague else item.public()
        return Response(encode(shown), headers=headers, media_type="application/json")

    async def versions(self, request: Request) -> Response:
        """`GET …/items/{id}/versions`: every version, oldest first, with who made it."""
        async with self._editing.asked(request, "read") as asked, within(DEADLINE):
            records = await asked.audit.of_item(asked.item_id)
            if not records:
                raise UnknownItem
            # A record that somebody made unreadable is a matter for the verification of the chain.
            versions = [_version(record) for record in records if record.after is not None]
            return document({"id": asked.item_id, "versions": versions})

    async def at(self, request: Request) -> Response:
        """`GET …/at?time=`: what the bar showed at that moment."""
        async with self._editing.asked(request, "read") as asked:
            moment = _moment(request.query_params.get("time"))
            async with within(DEADLINE):
                shown = await bar(asked.audit, asked.channel, moment)
            items = [item.public() for item in shown]
            return document({"channel": asked.channel.name, "time": iso(moment), "items": items})

    async def records(self, request: Request) -> Response:
        """`GET …/audit`: the record, newest first; with `?after=` the records after that number, oldest first."""
        async with self._editing.asked(request, "read") as asked:
            limit = _number(request, "limit", 100, 1, MOST_RECORDS)
            after = _number(request, "after", -1, -1, LAST_NUMBER)
            async with within(DEADLINE):
                if after < 0:
                    found = await asked.audit.newest(limit)
                else:
                    found = [record async for record in asked.audit.records(after, limit)]
            return document({"channel": asked.channel.name, "records": [record.told() for record in found]})

    async def queue(self, request: Request) -> Response:
        """`GET …/queue`: what is scheduled, held or pending, and what a correction elsewhere calls into question."""
        async with self._editing.asked(request, "read") as asked, within(DEADLINE):
            items = await asked.log.standing()
            flagged = await asyncio.gather(*(story.flags(self._editing.logs, item) for item in items))
            document_: dict[str, Any] = {"channel": asked.channel.name}
            for state in ("pending", "scheduled", "held"):
                found = [item for item in items if item.state == state]
                document_[state] = [item.whole() for item in sorted(found, key=_when)]
            document_["flagged"] = [flag for flags in flagged for flag in flags]
            return document(document_)


async def bar(audit: Audit, channel: Channel, moment: int) -> list[Item]:
    """The window as it stood at a moment (milliseconds), folded from the record as readers folded it."""
    window: Window[Item] = Window(channel.window)
    for record in await audit.until(moment, DEPTH):
        if record.get("wire") and (item := record.after) is not None:
            window.apply(record.get("wire"), item)
    return window.items


def _version(record: Record) -> dict[str, Any]:
    told = record.told()
    after = told["after"]
    return {"version": after["version"], "at": told["at"], "act": told["act"], "by": told["by"], "item": after}


def _when(item: Item) -> int:
    return max(item.publish_at or 0, item.embargoed or 0) or item.firstcreated


def _moment(text: str | None) -> int:
    try:
        return milliseconds(_MOMENT.validate_python(text))
    except ValidationError:
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        raise Unprocessable(f"time takes a moment with an offset, like {now}.", field="time") from None


def _number(request: Request, name: str, default: int, least: int, most: int) -> int:
    given = request.query_params.get(name)
    if given is None:
        return default
    if not given.isascii() or not given.isdigit() or len(given) > 16 or not least <= int(given) <= most:
        raise Unprocessable(f"{name} takes a number from {max(least, 0)} to {most}.", field=name)
    return int(given)
