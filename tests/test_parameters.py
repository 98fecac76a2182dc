"""The parameters: what is published of each is what is checked."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams
from starlette.requests import Request
from ticker.editing import IDEMPOTENCY_KEY, flag, if_match
from ticker.errors import Unprocessable
from ticker.parameters import ALLOW_SIMILAR, DRY_RUN, FILTERS, IF_MATCH, ONCE
from ticker.polling import selected


def asked(query: str = "", **headers: str) -> Request:
    """A request with this query and these headers."""
    raw = [(name.replace("_", "-").lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Request({"type": "http", "method": "PATCH", "query_string": query.encode(), "headers": raw})


def taken(request: Request) -> bool:
    """Whether the service takes this If-Match."""
    try:
        if_match(request)
    except Unprocessable:
        return False
    return True


@pytest.mark.parametrize(
    ("given", "versions"),
    [
        ("*", None),
        ('"3"', {3}),
        ('W/"3"', {3}),
        ('"3", "4"', {3, 4}),
        ('"3","4"', {3, 4}),
        ('"3" ,\tW/"40"', {3, 40}),
        ('"999999999"', {999_999_999}),
    ],
)
def test_a_version_is_named_by_its_etag(given: str, versions: set[int] | None) -> None:
    """One, several, or any; as a proxy may have weakened it."""
    assert versions == if_match(asked(If_Match=given))
    assert re.search(IF_MATCH.schema["pattern"], given)


@pytest.mark.parametrize(
    "given", ["", "3", '"0"', '"03"', '"3', '"3" "4"', '"3",', "**", '*, "3"', 'x"3"', '"1000000000"']
)
def test_what_is_no_etag_of_a_version_is_refused(given: str) -> None:
    """And the published expression refuses it as well."""
    assert not taken(asked(If_Match=given))
    assert not re.search(IF_MATCH.schema["pattern"], given)


def test_no_if_match_names_no_version() -> None:
    """Which is another thing than any."""
    assert frozenset() == if_match(asked())


@given(st.text(st.sampled_from('*"W/123,0 \tx'), max_size=12).map(lambda text: text.strip(" \t")))
def test_the_expression_for_if_match_says_what_the_check_says(given: str) -> None:
    """Whatever is sent."""
    assert taken(asked(If_Match=given)) == bool(re.search(IF_MATCH.schema["pattern"], given))


@pytest.mark.parametrize("name", [DRY_RUN.name, ALLOW_SIMILAR.name])
def test_yes_and_no_are_those_that_are_published(name: str) -> None:
    """And their default is no."""
    said = {value: flag(asked(f"{name}={value}"), name) for value in DRY_RUN.schema["enum"]}
    assert {"0": False, "1": True, "false": False, "true": True} == said
    assert flag(asked(), name) is said[DRY_RUN.schema["default"]]
    for value in ("", "yes", "TRUE", "2"):
        with pytest.raises(Unprocessable):
            flag(asked(f"{name}={value}"), name)


@given(st.text(max_size=5) | st.text(st.characters(codec="ascii"), min_size=195, max_size=205))
def test_the_expression_for_an_idempotency_key_says_what_the_check_says(key: str) -> None:
    """Length and letters; a line break at the end is no way round."""
    published = re.compile(ONCE.schema["pattern"].replace("$", r"\Z"))
    assert bool(IDEMPOTENCY_KEY.fullmatch(key)) == bool(published.search(key))


@pytest.mark.parametrize("parameter", FILTERS, ids=lambda parameter: parameter.name)
def test_a_filter_takes_as_many_values_as_are_published_and_none_that_is_not(parameter: object) -> None:
    """The limits stand in the document, and one more is refused."""
    filter_ = next(known for known in FILTERS if known is parameter)
    items, most = filter_.schema["items"], filter_.schema["maxItems"]
    numbers = items["type"] == "integer"
    good = [str(items["minimum"]), str(items["maximum"])] if numbers else ["x", "x" * items["maxLength"]]
    bad = (
        [str(items["minimum"] - 1), str(items["maximum"] + 1), "x"] if numbers else ["", "x" * (items["maxLength"] + 1)]
    )

    def takes(*values: str) -> bool:
        query = QueryParams([(filter_.name, value) for value in values])
        try:
            selected({filter_.name: query.getlist(filter_.name)})
        except Unprocessable:
            return False
        return True

    assert all(takes(value) for value in good)
    assert not any(takes(value) for value in bad)
    assert takes(*good[:1] * most)
    assert not takes(*good[:1] * (most + 1))
