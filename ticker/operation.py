"""What can be asked of the service: each operation declared once, for those who serve it and those who describe it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ticker import errors
from ticker.errors import TickerError
from ticker.scope import SCOPES, Scope

Handler = Callable[[Request], Awaitable[Response]]
Access = Scope | Literal["public", "anybody", "key", "session"]
"""Who may: a key with this scope; everybody; everybody, and who has a key sees more; any key; a session."""
SAFE = frozenset({"GET", "HEAD"})
JSON = "application/json"
_ADDRESS = re.compile(r"^`[^`]*`: ")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A field of the query, or a header; `schema` is JSON Schema."""

    name: str
    place: Literal["query", "header"]
    schema: Mapping[str, Any]
    description: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered when nothing is refused.

    `model` is a pydantic model, a union of them, `dict` for any object, `str` for text, None for no body. A header
    with a question mark is not in every such answer.
    """

    status: int
    description: str
    model: Any = None
    headers: tuple[str, ...] = ()
    media: str = JSON


@dataclass(frozen=True, slots=True)
class Operation:
    """One method at one address. Without replies it is served and not described: a page, or the live stream."""

    method: str
    path: str
    name: str
    handler: Handler
    access: Access = "public"
    replies: tuple[Reply, ...] = ()
    body: type[BaseModel] | None = None
    takes: tuple[Parameter, ...] = ()
    refuses: tuple[type[TickerError], ...] = ()
    """What is not to be expected of every operation of this kind; see `problems`."""
    tag: str = ""

    def route(self) -> Route:
        """The same for the router."""
        return Route(self.path, self.handler, methods=[self.method])

    @property
    def summary(self) -> str:
        """The first line of the handler's docstring, without the address."""
        told = _ADDRESS.sub("", (inspect.getdoc(self.handler) or "").partition("\n")[0])
        return told[:1].upper() + told[1:]

    @property
    def needs_body(self) -> bool:
        """Whether the body may not be left out."""
        return self.body is not None and any(found.is_required() for found in self.body.model_fields.values())

    def problems(self) -> dict[int, list[type[TickerError]]]:
        """Status → the refusals that may be answered."""
        found: set[type[TickerError]] = {*self.refuses, errors.NotFound}
        if self.access != "public":
            found |= {errors.Unauthorized, errors.RateLimited, errors.StoreUnavailable}
            if self.method not in SAFE:
                found.add(errors.ForeignOrigin)
        if self.access in SCOPES:
            found.add(errors.Forbidden)
        if "{channel}" in self.path:
            found.add(errors.UnknownChannel)
        if "{id}" in self.path:
            found.add(errors.UnknownItem)
        if self.body is not None:
            found |= {errors.Malformed, errors.TooLarge, errors.UnsupportedMedia, errors.Unprocessable}
        if any(set(parameter.schema) != {"type"} for parameter in self.takes):
            found.add(errors.Unprocessable)
        by_status: dict[int, list[type[TickerError]]] = {}
        for error in sorted(found, key=lambda error: (error.status, error.slug)):
            by_status.setdefault(error.status, []).append(error)
        return by_status


def on(
    method: str,
    path: str,
    name: str,
    handler: Handler,
    access: Access = "public",
    *replies: Any,
    body: type[BaseModel] | None = None,
    takes: Iterable[Parameter] = (),
    refuses: Iterable[type[TickerError]] = (),
) -> Operation:
    """An operation; a model in place of a reply means 200 with it."""
    told = tuple(reply if isinstance(reply, Reply) else Reply(200, "As asked.", reply) for reply in replies)
    return Operation(method, path, name, handler, access, told, body, tuple(takes), tuple(refuses))


def tagged(tag: str, operations: Iterable[Operation]) -> list[Operation]:
    """Operations that belong together."""
    return [replace(operation, tag=tag) for operation in operations]
