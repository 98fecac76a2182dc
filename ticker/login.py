"""Sessions over HTTP: the desk gives a key once, and holds a cookie that no script can read."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ticker.admission import own_page
from ticker.auth import Key
from ticker.draft import Login
from ticker.editing import DEADLINE, Editing, document, within
from ticker.errors import Unauthorized
from ticker.scope import SCOPES
from ticker.session import COOKIE, LIFE_SECONDS


class Door:
    """Lets editors in and out."""

    def __init__(self, editing: Editing, *, secure: bool) -> None:
        """`secure`: the public address is https, so the cookie never travels without it."""
        self._editing = editing
        self._secure = secure

    async def begin(self, request: Request) -> Response:
        """`POST /v1/session`: a key against a session."""
        login = await self._editing.body(request, Login)
        async with within(DEADLINE):
            key = await self._editing.admission.prove(request, login.key)
            token = await self._editing.admission.sessions.begin(key)
        answer = document(self._told(key))
        answer.set_cookie(COOKIE, token, max_age=LIFE_SECONDS, **self._attributes(request))
        return answer

    async def show(self, request: Request) -> Response:
        """`GET /v1/session`: whose key this is, and what it may do."""
        async with within(DEADLINE):
            return document(self._told(await self._editing.admission.key(request)))

    async def end(self, request: Request) -> Response:
        """`DELETE /v1/session`: the cookie is worth nothing from now on."""
        token = request.cookies.get(COOKIE)
        if token is None:
            raise Unauthorized("There is no session to end.")
        own_page(request.headers)
        async with within(DEADLINE):
            if not await self._editing.admission.sessions.end(token):
                raise Unauthorized("There is no session to end.")
        answer = Response(status_code=204, headers={"Cache-Control": "no-store"})
        answer.delete_cookie(COOKIE, **self._attributes(request))
        return answer

    def _told(self, key: Key) -> dict[str, Any]:
        channels = [name for name in self._editing.channels if not key.channels or name in key.channels]
        scopes = SCOPES if "admin" in key.scopes else key.scopes
        return {"key": {"id": key.id, "name": key.name}, "scopes": list(scopes), "channels": channels}

    def _attributes(self, request: Request) -> dict[str, Any]:
        secure = self._secure or request.url.scheme == "https"
        return {"path": "/", "httponly": True, "samesite": "strict", "secure": secure}
