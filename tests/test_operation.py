"""An operation, declared once: what the router makes of it, and what follows from its parts."""

from __future__ import annotations

import pytest
from starlette.requests import Request
from starlette.responses import Response
from ticker import errors
from ticker.answers import Alive
from ticker.draft import Hold, Reason
from ticker.operation import Access, Operation, Parameter, Reply, on, tagged

ITEM = "/v1/channels/{channel}/items/{id}"


async def handler(request: Request) -> Response:
    """`POST …/wave`: wave to the readers.

    Nobody waves back.
    """
    return Response("waved")


async def undescribed(request: Request) -> Response:
    return Response("")


def slugs(operation: Operation) -> dict[int, list[str]]:
    """The names of what it refuses."""
    return {status: [error.slug for error in found] for status, found in operation.problems().items()}


def test_the_router_gets_what_was_declared() -> None:
    """Path, handler and method; HEAD comes with GET as everywhere."""
    route = on("GET", "/wave", "wave", handler).route()
    assert ("/wave", handler, {"GET", "HEAD"}) == (route.path, route.endpoint, route.methods)


def test_the_summary_is_the_first_line_of_the_docstring_without_the_address() -> None:
    """Whoever mends the docstring mends the documents."""
    assert "Wave to the readers." == on("POST", "/wave", "wave", handler).summary
    assert "" == on("POST", "/wave", "wave", undescribed).summary


def test_a_model_in_place_of_a_reply_is_answered_with_200() -> None:
    """A look at something needs no more words; a reply stands as it is given."""
    gone = Reply(204, "Gone.")
    assert (Reply(200, "As asked.", Alive), gone) == on("GET", "/wave", "wave", handler, "public", Alive, gone).replies


def test_a_body_is_needed_when_one_of_its_fields_is() -> None:
    """An act without words can be sent without a body."""
    told = [on("POST", "/wave", "wave", handler, body=body).needs_body for body in (Reason, Hold)]
    assert [True, False, False] == [*told, on("POST", "/wave", "wave", handler).needs_body]


@pytest.mark.parametrize(
    ("access", "method", "expected"),
    [
        ("public", "GET", {404: ["not-found"]}),
        ("anybody", "GET", {401: ["unauthorized"], 404: ["not-found"], 429: ["rate-limited"]}),
        ("key", "GET", {401: ["unauthorized"], 404: ["not-found"], 429: ["rate-limited"]}),
        ("session", "DELETE", {401: ["unauthorized"], 403: ["foreign-origin"], 404: ["not-found"]}),
        ("read", "GET", {401: ["unauthorized"], 403: ["forbidden"], 429: ["rate-limited"]}),
        ("publish", "POST", {403: ["forbidden", "foreign-origin"]}),
    ],
)
def test_who_may_tells_who_is_refused(access: Access, method: str, expected: dict[int, list[str]]) -> None:
    """The public is asked for nothing; a session counts only from our own pages, but for looking."""
    found = slugs(on(method, "/wave", "wave", handler, access))
    assert expected == {status: found.get(status) for status in expected}
    assert ("public" == access) == (503 not in found)


def test_the_address_tells_what_may_not_be_there() -> None:
    """A channel, and an item in it."""
    assert ["not-found"] == slugs(on("GET", "/wave", "wave", handler))[404]
    assert ["not-found", "unknown-channel", "unknown-item"] == slugs(on("GET", ITEM, "wave", handler))[404]


def test_what_is_taken_may_be_wrong() -> None:
    """A body in its form, a parameter in its value; a parameter that may hold any text is never wrong."""
    plain = Parameter("who", "query", {"type": "string"}, "whom to wave to")
    few = Parameter("hands", "query", {"type": "integer", "maximum": 2}, "how many hands")
    assert {404: ["not-found"]} == slugs(on("GET", "/wave", "wave", handler, takes=[plain]))
    assert ["invalid-item"] == slugs(on("GET", "/wave", "wave", handler, takes=[plain, few]))[422]
    assert {400, 404, 413, 415, 422} == set(slugs(on("POST", "/wave", "wave", handler, body=Hold)))


def test_what_is_refused_besides_stands_with_the_rest() -> None:
    """By status, each once, in an order that does not change."""
    refuses = [errors.PinTaken, errors.AlreadyHeld, errors.PinTaken]
    assert ["already-held", "pin-taken"] == slugs(on("POST", "/wave", "wave", handler, refuses=refuses))[409]


def test_operations_that_belong_together_share_a_tag() -> None:
    """And are the same otherwise."""
    one, other = on("GET", "/one", "one", handler), on("GET", "/other", "other", handler)
    assert [("Waving", "/one"), ("Waving", "/other")] == [(of.tag, of.path) for of in tagged("Waving", [one, other])]
