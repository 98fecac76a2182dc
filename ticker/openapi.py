"""What is served, as an OpenAPI 3.1 document: made from the operations that the router has, and from their models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from ticker import __version__, schemas
from ticker.answers import Problem
from ticker.channel import Channel
from ticker.draft import Draft, ItemId, Patch, Reason
from ticker.errors import TickerError
from ticker.operation import JSON, Operation, Reply
from ticker.problem import MEDIA_TYPE, TYPE
from ticker.registration import Subscription, TargetDraft
from ticker.schemas import Schema
from ticker.session import COOKIE
from ticker.text import findable

VERSION = "3.1.0"
TARGET = "^[A-Za-z0-9_-]{20}$"
LETTERS = ("!-~", "!-~¡-ÿ", "ء-ي", "!-~¡-ÿء-ي🌉")
"""Texts of these, with no space around them, are nearly always taken as they are."""
ABOUT = """\
Publish an alert once; it stands, correct, on every screen within a second, and goes when it is taken back.

Reading is public. Editing needs a key, as `Authorization: Bearer KEY` or as a session of the desk. A request with an
`Idempotency-Key` can be repeated without harm. What is refused is told as `application/problem+json` (RFC 9457), by
a `type` that never changes. The live stream, `GET /v1/channels/{channel}/live` as a WebSocket, is described in
[/asyncapi.json](/asyncapi.json)."""
TAGS = {
    "Reading": "What is public.",
    "Editing": "What editors do to items. Every act is answered alike, and is in the audit.",
    "Looking back": "What was, and what waits.",
    "Audience": "Who is watching, and how many have it.",
    "Push": "Phones, browsers and webhooks that are told of alerts, and what became of that.",
    "Desk": "What a page for editors has to know besides.",
    "Session": "A cookie that stands for a key, for pages.",
    "Health": "For whoever runs the service.",
    "Reference": "The service, described.",
}
HEADERS: dict[str, Schema] = {
    "Cache-Control": {"description": "who may keep it, and for how long", "schema": {"type": "string"}},
    "ETag": {"description": "this answer in a word", "schema": {"type": "string", "pattern": '^"[0-9a-f-]+"$'}},
    "Idempotency-Replayed": {
        "description": "sent when this is the answer to an earlier request",
        "schema": {"type": "string", "const": "true"},
    },
    "Location": {"description": "address of the item", "schema": {"type": "string", "format": "uri-reference"}},
    "Retry-After": {"description": "seconds to wait", "schema": {"type": "integer", "minimum": 0}},
    "Set-Cookie": {"description": "the session; no script can read it", "schema": {"type": "string"}},
    "WWW-Authenticate": {"description": "how to say who you are", "schema": {"type": "string"}},
}
ALWAYS = {HTTPStatus.UNAUTHORIZED: "WWW-Authenticate", HTTPStatus.SERVICE_UNAVAILABLE: "Retry-After"}
EXAMPLES: dict[type, Schema] = {
    Draft: {"attribution": "Coast guard", "headline": "All 17 passengers are safe.", "urgency": 2},
    Patch: {
        "signal": "correction",
        "headline": "All 19 passengers are safe.",
        "correction_note": "There were 19 passengers, not 17.",
    },
    Reason: {"reason": "The port authority has withdrawn it."},
}
SECURITY: dict[str, Schema] = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key, as `ticker keys create` showed it. What it may do is told with each operation.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "A session that was begun with a key. Only taken from our own pages.",
    },
}

_PLAIN: dict[Any, Schema] = {None: {}, str: {"type": "string"}, dict: {"type": "object"}}


def build(operations: Iterable[Operation], channels: Mapping[str, Channel]) -> dict[str, Any]:
    """The document. Takes half a second, for the pattern of a text."""
    told = [operation for operation in operations if operation.replies]
    replies = [reply.model for operation in told for reply in operation.replies if reply.model not in _PLAIN]
    taken = [operation.body for operation in told if operation.body is not None]
    models, named = schemas.of([*replies, *taken, Problem])
    for name in (Draft.__name__, Patch.__name__, Subscription.__name__, TargetDraft.__name__):
        if name in named:
            _list(named[name], channels.values())
    common = schemas.common(text=bool(taken))
    responses = _Responses([operation.name for operation in told if "{id}" in operation.path], models)
    paths: dict[str, Any] = {}
    for operation in told:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, models, responses)
    for path, methods in paths.items():
        if parameters := [_in_path(name, channels) for name in ("channel", "id", "target") if f"{{{name}}}" in path]:
            methods["parameters"] = parameters
    document = {
        "openapi": VERSION,
        "info": {"title": "ticker", "version": __version__, "description": ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": about} for name, about in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(named.items())),
            "responses": responses.shared,
            "headers": {name: HEADERS[name] for name in sorted(responses.headers)},
            "securitySchemes": SECURITY,
        },
    }
    found: dict[str, Any] = schemas.shared(document, common)
    if taken:
        plans = [f"[{letters}](?:[ {letters}]*[{letters}])?" for letters in LETTERS]
        common["Text"]["pattern"] = findable(common["Text"]["pattern"], *plans)
    found["components"]["schemas"] |= common
    return found


def _operation(operation: Operation, models: Mapping[Any, Schema], responses: _Responses) -> Schema:
    told: Schema = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": [
            {
                "name": parameter.name,
                "in": parameter.place,
                "description": parameter.description,
                "required": parameter.required,
                "schema": parameter.schema,
            }
            for parameter in operation.takes
        ],
        "responses": responses.of(operation),
        "security": _security(operation),
    }
    if operation.body is not None:
        told["requestBody"] = {
            "required": operation.needs_body,
            "content": {JSON: {"schema": models[operation.body], **_example(operation.body)}},
        }
    return {name: value for name, value in told.items() if value != []}


def _example(model: type) -> Schema:
    return {"example": EXAMPLES[model]} if model in EXAMPLES else {}


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    match operation.access:
        case "public":
            return []
        case "anybody":
            return [{}, {"key": []}, {"session": []}]
        case "key":
            return [{"key": []}, {"session": []}]
        case "session":
            return [{"session": []}]
        case scope:
            return [{"key": [scope]}, {"session": [scope]}]


def _in_path(name: str, channels: Mapping[str, Channel]) -> Schema:
    if name == "channel":
        schema, about = {"type": "string", "enum": list(channels)}, "name of the channel"
    elif name == "target":
        schema, about = {"type": "string", "pattern": TARGET}, "id of the target, as it was answered"
    else:
        schema, about = schemas.one(ItemId), "id of the item"
    return {"name": name, "in": "path", "required": True, "description": about, "schema": schema}


def _list(schema: Schema, channels: Iterable[Channel]) -> None:
    """Name the sections and regions that there are, in whatever channel."""
    channels = list(channels)
    for name in ("sections", "regions"):
        known = list(dict.fromkeys(word for channel in channels for word in getattr(channel, name)))
        schema["properties"][name]["items"] = {"enum": known} if known else False


class _Responses:
    """Answers of operations; refusals that several share stand among the components once."""

    def __init__(self, on_items: Sequence[str], models: Mapping[Any, Schema]) -> None:
        self.shared: dict[str, Schema] = {}
        self.headers: set[str] = set()
        self._on_items = on_items
        self._models = models

    def of(self, operation: Operation) -> dict[str, Schema]:
        """Status → answer, of one operation."""
        found = {str(reply.status): self._reply(operation, reply) for reply in operation.replies}
        for status, problems in operation.problems().items():
            refusal = self._refusal(status, problems)
            if str(status) in found:
                # The same status has an answer of another kind.
                found[str(status)]["content"] |= refusal["content"]
                continue
            name = "Or".join(problem.__name__ for problem in problems)
            if len(problems) <= 3:
                self.shared[name] = refusal
                refusal = {"$ref": f"#/components/responses/{name}"}
            found[str(status)] = refusal
        return dict(sorted(found.items()))

    def _reply(self, operation: Operation, reply: Reply) -> Schema:
        told: Schema = {"description": reply.description}
        if reply.headers:
            told["headers"] = {name.rstrip("?"): self._header(name) for name in reply.headers}
        if reply.model is not None:
            schema = _PLAIN.get(reply.model) or self._models[reply.model]
            told["content"] = {reply.media: {"schema": schema}}
        if reply.status == HTTPStatus.CREATED:
            told["links"] = {name: _link(name) for name in self._on_items}
        return told

    def _refusal(self, status: int, problems: Sequence[type[TickerError]]) -> Schema:
        told: Schema = {
            "description": "\n".join(f"- `{problem.slug}`: {_sentence(problem)}" for problem in problems),
            "content": {
                MEDIA_TYPE: {
                    "schema": {
                        "allOf": [self._models[Problem]],
                        "properties": {
                            "type": {"enum": [TYPE + problem.slug for problem in problems]},
                            "status": {"const": status},
                        },
                    }
                }
            },
        }
        if status in ALWAYS:
            told["headers"] = {ALWAYS[HTTPStatus(status)]: self._header(ALWAYS[HTTPStatus(status)])}
        return told

    def _header(self, name: str) -> Schema:
        # `ETag?`: not with every answer of this kind.
        plain = name.rstrip("?")
        self.headers.add(plain)
        return {"$ref": f"#/components/headers/{plain}"}


def _sentence(problem: type[TickerError]) -> str:
    return (problem.__doc__ or "").strip().splitlines()[0]


def _link(name: str) -> Schema:
    item = "$response.body#/item/"
    return {"operationId": name, "parameters": {"channel": item + "channel", "id": item + "id"}}
