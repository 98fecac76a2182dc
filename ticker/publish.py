"""`POST …/items`: a new alert, or a look at what it would become.

Nothing here knows a reader: an alert posted to this process takes the same road through the log as one posted to
any other.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from ulid import ULID

from ticker import acts, preview
from ticker.draft import Draft
from ticker.editing import DEADLINE, Asked, Editing, document, flag, idempotency, within
from ticker.errors import NotReplaceable


class Publisher:
    """Takes new items."""

    def __init__(self, editing: Editing) -> None:
        self._editing = editing

    async def post(self, request: Request) -> Response:
        """Publish, schedule, or submit for approval; `?dry_run=1` stores nothing and shows what would be."""
        async with self._editing.asked(request, "publish", "publish") as asked:
            dry, allow_similar = flag(request, "dry_run"), flag(request, "allow_similar")
            draft = await self._editing.body(request, Draft)
            once = idempotency(request, asked.key, draft)
            change = acts.publish(draft, asked.channel, str(ULID()), asked.key.id)
            async with within(DEADLINE):
                await self._replaceable(asked, draft)
                if dry:
                    rehearsed = await asked.log.append(change, asked.by, dry=True)
                    return document(preview.shown(rehearsed, change, asked.channel))
                detail = "similar text allowed" if allow_similar else ""
                appended = await asked.log.append(change, asked.by, detail=detail, guard=not allow_similar, **once)
                return await self._editing.answer(asked, appended, 201, preview.warned(appended.item, asked.channel))

    async def _replaceable(self, asked: Asked, draft: Draft) -> None:
        if draft.replaces is None:
            return
        replaced = await asked.log.item(draft.replaces)
        # A retraction is final, so this stays true until the item is stored.
        if replaced is None or replaced.state != "retracted":
            raise NotReplaceable(field="replaces")
