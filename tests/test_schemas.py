"""The schemas of models: references that lead somewhere, and nothing written twice."""

from __future__ import annotations

from typing import Annotated

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field
from ticker import schemas
from ticker.text import pattern

HOUR = {"type": "string", "pattern": "^[0-9]{2}:[0-9]{2}$", "description": "an hour"}
Hour = Annotated[str, Field(pattern=HOUR["pattern"])]


class Door(BaseModel):
    """A door."""

    opens: Hour
    closes: Hour | None = Field(None, description="when it closes")


class House(BaseModel):
    """A house."""

    doors: list[Door]


def test_each_model_is_found_with_what_it_refers_to() -> None:
    """The references lead to where the document keeps them."""
    found, named = schemas.of([House, Door, House | None])
    assert {"$ref": "#/components/schemas/House"} == found[House]
    assert {"House", "Door"} == set(named)
    assert {"$ref": "#/components/schemas/Door"} == named["House"]["properties"]["doors"]["items"]
    assert [{"$ref": "#/components/schemas/House"}, {"type": "null"}] == found[House | None]["anyOf"]


def test_a_field_has_no_title_that_only_repeats_its_name() -> None:
    """What every reader can make of the name is not sent."""
    _, named = schemas.of([Door])
    assert [] == [name for name, field in named["Door"]["properties"].items() if "title" in field]


def test_what_stands_in_many_places_is_written_once() -> None:
    """A reference stands in its place, with what is said of the place alone; what else there is stays."""
    _, named = schemas.of([Door])
    told = schemas.shared(named, {"Hour": HOUR})["Door"]["properties"]
    reference = {"$ref": "#/components/schemas/Hour"}
    assert reference == told["opens"]
    assert [reference, {"type": "null"}] == told["closes"]["anyOf"]
    assert "when it closes" == told["closes"]["description"]
    assert HOUR["pattern"] not in str(told)


@pytest.mark.parametrize("text", [True, False])
def test_what_is_common_is_valid_and_costs_nothing_that_is_not_asked_for(text: bool) -> None:
    """Each is a schema of its own; the pattern of a text only stands where texts are taken."""
    common = schemas.common(text=text)
    for schema in common.values():
        Draft202012Validator.check_schema(schema)
    assert ["Cursor", "ItemId", "Time", *(["Text"] if text else [])] == list(common)
    assert text == (pattern() in [schema["pattern"] for schema in common.values()])
