"""The answers as they are described, held against what an item says of itself."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from pydantic import TypeAdapter, ValidationError
from ticker import answers
from ticker.auth import Key
from ticker.errors import NotFound, StaleVersion, Unprocessable
from ticker.item import DESK, PUBLIC, WITHDRAWN, Item, Push, State
from ticker.problem import Problem
from ticker.wire import encode

LEAST = Item(id="01M84KNK82EG1GQT586YRGEF7V", version=1, channel="en", headline="x", language="en")
FULL = LEAST.model_copy(
    update={
        **{"push_headline": "y", "attribution": "Police", "correction_note": "No", "ednote": "secret", "author": "k1"},
        **{"sections": ("world",), "regions": ("asia",), "tags": ("a", "b"), "located": "Goma", "story": "bridge"},
        **{"link": "https://news.example/", "live": True, "developing": True, "replaces": LEAST.id},
        **{"push": Push(enabled=False, topics=("x",), ttl=5, sound=True), "publish_at": 5, "embargoed": 6},
        **{"published_at": 1, "bumped_at": 2, "expires": 7, "pinned_until": 8, "push_at": 9, "expired_at": 10},
    }
)
STATES = {
    "pending": {"pubstatus": "withheld"},
    "scheduled": {"pubstatus": "withheld"},
    "published": {"pubstatus": "usable"},
    "held": {"pubstatus": "withheld", "signal": "hold"},
    "expired": {"pubstatus": "usable"},
    "retracted": {"pubstatus": "canceled", "signal": "retraction"},
}


def fits(document: Any, model: Any) -> bool:
    """Whether an answer is what the model describes, as it goes over the line."""
    try:
        TypeAdapter(model).validate_json(encode(document))
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (answers.PublicForm, PUBLIC),
        (answers.DeskForm, (*PUBLIC, *DESK)),
        (answers.WholeForm, (*PUBLIC, *DESK, "ednote")),
        (answers.WithdrawnForm, WITHDRAWN),
    ],
)
def test_each_form_of_an_item_has_the_fields_that_are_described(
    model: type[answers.Told], names: tuple[str, ...]
) -> None:
    """No more, so that nothing private is described as public, and no less."""
    assert set(names) == set(model.model_fields)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("item", [LEAST, FULL], ids=["least", "full"])
def test_an_item_in_any_state_is_what_is_described(item: Item, state: str) -> None:
    """With every field, and with none that may be missing."""
    item = item.model_copy(update={"state": state, **STATES[state]})
    assert fits(item.public(), answers.Public)
    assert fits(item.desk(), answers.Desk)
    assert fits(item.whole(), answers.WholeForm)


def test_every_state_has_been_tried() -> None:
    """Also one that is added later."""
    assert set(STATES) == set(get_args(State))


@pytest.mark.parametrize("private", ["ednote", "push", "push_headline", "publish_at", "author", "state", "push_at"])
def test_no_public_answer_is_described_with_a_private_field(private: str) -> None:
    """What the desk sees is no public form."""
    assert not fits({**LEAST.public(), private: FULL.whole()[private]}, answers.Public)
    assert private in answers.WholeForm.model_fields


def test_a_withdrawn_item_is_described_without_its_text() -> None:
    """A headline in it is wrong."""
    gone = LEAST.model_copy(update={"pubstatus": "canceled", "signal": "retraction"}).public()
    assert fits(gone, answers.Public)
    assert not fits({**gone, "headline": "x"}, answers.Public)


def test_a_field_that_may_be_missing_is_never_null() -> None:
    """A client needs to look for one of them only."""
    assert fits(LEAST.public(), answers.Public)
    for name in set(PUBLIC) - set(LEAST.public()):
        assert not fits({**LEAST.public(), name: None}, answers.Public), name


def test_a_refusal_is_what_is_described() -> None:
    """With a field, with the newest version, and with neither."""
    refused = [NotFound(), Unprocessable(field="urgency"), StaleVersion(newest=FULL)]
    for error in refused:
        TypeAdapter(answers.Problem).validate_json(Problem.of(error).body)


def test_no_key_is_ever_answered() -> None:
    """The holder of a session is described by id and name; what proves the key has no place there."""
    assert {"id", "name"} == set(answers.Holder.model_fields) & set(Key.model_fields)
    assert "digest" not in answers.Holder.model_fields
