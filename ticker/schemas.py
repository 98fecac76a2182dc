"""JSON Schemas of models, with what stands in many of them written once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from ticker.answers import Position, Time
from ticker.draft import ItemId
from ticker.text import pattern

REFERENCE = "#/components/schemas/{model}"

Schema = dict[str, Any]


class _Generate(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False  # "Push Headline" says no more than push_headline


def one(model: Any) -> Schema:
    """The schema of a model that refers to no others."""
    return TypeAdapter(model).json_schema(schema_generator=_Generate)


def common(*, text: bool) -> dict[str, Schema]:
    """What stands in many models, by name. The pattern of a text that is taken costs half a second."""
    found = {"Cursor": one(Position), "ItemId": one(ItemId), "Time": one(Time)}
    if text:
        found["Text"] = {"type": "string", "pattern": pattern(), "description": "one line of plain text"}
    return found


def of(models: Iterable[Any]) -> tuple[dict[Any, Schema], dict[str, Schema]]:
    """Each model, or union of models, with its schema, and the schemas that these refer to, by name."""
    adapters = [(model, TypeAdapter(model)) for model in dict.fromkeys(models)]
    found, together = TypeAdapter.json_schemas(
        [(model, "validation", adapter) for model, adapter in adapters],
        ref_template=REFERENCE,
        schema_generator=_Generate,
    )
    return {model: schema for (model, _), schema in found.items()}, together.get("$defs", {})


def shared(schema: Any, common: Mapping[str, Schema]) -> Any:
    """The same, with a reference wherever the pattern of one of these stands."""
    if isinstance(schema, list):
        return [shared(part, common) for part in schema]
    if not isinstance(schema, dict):
        return schema
    told = {name: shared(part, common) for name, part in schema.items()}
    for name, one in common.items():
        if told.get("pattern") == one["pattern"]:
            rest = {key: value for key, value in told.items() if one.get(key) != value}
            return {"$ref": REFERENCE.format(model=name), **rest}
    return told
