"""The published documents, to hold answers and frames against."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.stage import Stage

HERE = "urn:document"


class Described:
    """A document whose schemas things have to fit."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        resource: Resource[Any] = DRAFT202012.create_resource(document)
        self._registry: Registry[Any] = Registry().with_resource(HERE, resource)

    @classmethod
    async def of(cls, stage: Stage, address: str = "/openapi.json") -> Described:
        """The document that a running service serves."""
        answer = await stage.http.get(address)
        assert answer.status_code == 200, answer.text
        return cls(answer.json())

    def wrong(self, thing: Any, *pointer: str) -> list[str]:
        """What is wrong with this, by the schema at that place; nothing when it fits."""
        place = "/".join(part.replace("~", "~0").replace("/", "~1") for part in pointer)
        schema = {"$ref": f"{HERE}#/{place}"}
        validator = Draft202012Validator(schema, registry=self._registry, format_checker=FormatChecker())
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(thing)]

    def at(self, *pointer: str) -> tuple[str, ...]:
        """The place that this one refers to, or itself."""
        found: Any = self.document
        for part in pointer:
            found = found[part]
        return tuple(found["$ref"].removeprefix("#/").split("/")) if "$ref" in found else pointer

    def operation(self, request: httpx.Request) -> tuple[str, str, str]:
        """Where the operation stands that this request is one of."""
        for path in self.document["paths"]:
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))
            if re.fullmatch(pattern, request.url.path):
                return "paths", path, request.method.lower()
        raise AssertionError(f"{request.url.path} is not described")

    def unlike(self, answer: httpx.Response) -> list[str]:
        """What of this answer is not as it is described: its status, its type, its headers, its body."""
        place: tuple[str, ...] = (*self.operation(answer.request), "responses")
        told: Any = self.document
        for part in place:
            told = told[part]
        if str(answer.status_code) not in told:
            return [f"{answer.status_code} is not described, only {', '.join(told)}"]
        place = self.at(*place, str(answer.status_code))
        told = self.document
        for part in place:
            told = told[part]
        found: list[str] = []
        for name, header in told.get("headers", {}).items():
            spot = self.at(*place, "headers", name)
            if name in answer.headers:
                value: Any = answer.headers[name]
                found += self.wrong(int(value) if value.isdigit() else value, *spot, "schema")
            elif header.get("required"):
                found.append(f"{name} is missing")
        if not answer.content:
            return found
        media = answer.headers["Content-Type"].partition(";")[0]
        if media not in told.get("content", {}):
            return [*found, f"{media} is not described"]
        body = answer.text if media.endswith("rss+xml") else answer.json()
        return found + self.wrong(body, *place, "content", media, "schema")


def references(part: Any) -> Iterator[str]:
    """Every reference in a document."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def broken(document: dict[str, Any]) -> list[str]:
    """References that lead nowhere."""
    found: list[str] = []
    for reference in references(document):
        at: Any = document
        for part in reference.removeprefix("#/").split("/"):
            at = at.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(at, dict) else None
        if at is None:
            found.append(reference)
    return found
