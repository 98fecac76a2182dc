"""What is told of a request: its id, a line in the log when somebody wants one, and the trace it begins.

Readers' lines do not come by here: they are given away before a request is made of them.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Mapping
from itertools import count
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ticker import logs
from ticker.address import Proxies

if TYPE_CHECKING:
    from ticker.otel import Traces

log = logging.getLogger("ticker.access")

HEADER = "X-Request-Id"
NAME = HEADER.lower().encode()
PROCESS = secrets.token_hex(8)
"""Begins the ids that are made here: they are no secret, only no other request has them."""
REQUEST_ID = "ticker.request_id"
"""Where a request's scope has it."""
SANE = re.compile(rb"[A-Za-z0-9._:+/=@-]{1,128}")
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
SHOWN = frozenset({"channel", "id", "file", "release"})
"""What of an address may stand in the log; whoever knows the id of a target may end what it is told."""
LONGEST_PATH = 200

_numbers = count()


class Access:
    """ASGI: goes around everything that answers a request."""

    def __init__(
        self, app: ASGIApp, *, logged: bool = False, proxies: Proxies | None = None, traces: Traces | None = None
    ) -> None:
        """`logged`: a line for each request, with the client's address as the `proxies` of ours tell it."""
        self._app = app
        self._logged = logged
        self._proxies = proxies or Proxies()
        self._traces = traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = scope[REQUEST_ID] = _asked(scope) or f"{PROCESS}{next(_numbers):016x}"
        about = logs.begin(request_id)
        status = 500  # what a fault is answered with, outside of here

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                # A cache would give one reader's id to all that come after.
                for name, value in message["headers"]:
                    if name == b"cache-control" and b"public" in value:
                        break
                else:
                    message["headers"] = [*message["headers"], (NAME, request_id.encode())]
            await send(message)

        try:
            if self._traces is None or scope["method"] in SAFE:
                await self._app(scope, receive, sent)
            else:
                parent = _header(scope, b"traceparent").decode("latin-1")
                with self._traces.request(scope["method"], parent) as (about["trace_id"], tell):
                    try:
                        await self._app(scope, receive, sent)
                    finally:
                        tell(_route(scope), status, **_found(about))
        finally:
            if self._logged:
                self._tell(scope, status, round((time.perf_counter() - began) * 1000, 1))

    def _tell(self, scope: Scope, status: int, milliseconds: float) -> None:
        method, path = scope["method"], _path(scope)
        forwarded = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
        client = self._proxies.client(scope["client"][0] if scope.get("client") else "", forwarded)
        told = {"method": method, "path": path, "status": status, "milliseconds": milliseconds, "client": client}
        log.info("%s %s %d, %.1f ms, %s", method, path, status, milliseconds, client, extra=told)


def _found(about: Mapping[str, logs.Value]) -> dict[str, logs.Value]:
    return {name: about[name] for name in ("channel", "item") if name in about}


def _path(scope: Scope) -> str:
    """The address without its query, and without what may be a secret in it."""
    path = str(scope["path"])
    given: Mapping[str, Any] = scope.get("path_params", {})
    for name, value in given.items():
        if name not in SHOWN:
            path = path.replace(str(value), "***")
    return path if len(path) <= LONGEST_PATH else path[:LONGEST_PATH] + "…"


def _route(scope: Scope) -> str:
    """The address as the list of routes has it."""
    path = str(scope["path"])
    given: Mapping[str, Any] = scope.get("path_params", {})
    if not given:
        return path[:LONGEST_PATH] if "endpoint" in scope else "(none)"
    parts = path.split("/")
    for name, value in given.items():
        parts = [f"{{{name}}}" if part == str(value) else part for part in parts]
    return "/".join(parts)


def _asked(scope: Scope) -> str:
    value = _header(scope, NAME)
    return value.decode() if value and SANE.fullmatch(value) else ""


def _header(scope: Scope, name: bytes) -> bytes:
    """The only header of this name; empty when there is none, or more than one."""
    found = [value for known, value in scope["headers"] if known == name]
    return found[0] if len(found) == 1 else b""
