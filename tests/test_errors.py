"""The tree of errors: each with a status, a stable type, a sentence, and whether a retry helps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus

import pytest
from ticker import errors
from ticker.errors import Full, SettingsError, StoreUnavailable, TickerError, Unavailable, UnknownItem


def below(error: type[TickerError]) -> Iterator[type[TickerError]]:
    """Every kind of error in the module that is a kind of this one."""
    for kind in error.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield kind
            yield from below(kind)


EVERY = list(below(TickerError))
REFUSALS = [kind for kind in EVERY if kind is not SettingsError]
each_refusal = pytest.mark.parametrize("kind", REFUSALS, ids=lambda kind: kind.__name__)


def drawn() -> set[tuple[str, str, int]]:
    """The tree in the module's docstring: name, parent, status."""
    found = set()
    parents = {0: "TickerError"}
    for row in re.finditer(r"^((?:│   |    )*)[├└]── (\w+) +(\d{3})?", errors.__doc__ or "", re.MULTILINE):
        depth = len(row[1]) // 4
        parents[depth + 1] = row[2]
        found.add((row[2], parents[depth], int(row[3] or TickerError.status)))
    return found


def test_the_drawn_tree_is_the_tree() -> None:
    """Every error stands in the drawing at the top of the module, below its parent and with its status."""
    assert {(kind.__name__, kind.__mro__[1].__name__, kind.status) for kind in EVERY} == drawn()


@each_refusal
def test_every_refusal_has_a_status_of_http(kind: type[TickerError]) -> None:
    """The status is one that HTTP knows, and one that says no."""
    assert HTTPStatus(kind.status) >= 400


@each_refusal
def test_every_refusal_says_one_whole_sentence(kind: type[TickerError]) -> None:
    """The docstring is the sentence that is told when no other is given, and its first line is whole."""
    told = kind().detail
    assert str(kind()) == told
    assert told == (kind.__doc__ or "").strip()
    assert told.endswith(".")


def test_no_two_refusals_have_the_same_type() -> None:
    """The slug is what a program tells refusals apart by."""
    slugs = [TickerError.slug, *(kind.slug for kind in REFUSALS)]
    assert sorted(set(slugs)) == sorted(slugs)


def test_a_retry_is_promised_only_where_it_can_help() -> None:
    """Too fast, too early or outrun by others: these pass by themselves, the others do not."""
    promised = {kind.__name__ for kind in EVERY if kind.retry}
    assert {"Contended", "RateLimited", "Unavailable", "StoreUnavailable", "Full"} == promised


def test_an_error_of_ours_promises_nothing() -> None:
    """A fault has status 500, no retry, and a sentence that gives nothing away."""
    error = TickerError()
    assert (500, "internal", False) == (error.status, error.slug, error.retry)
    assert "Something went wrong inside ticker. The log of the server says what." == error.detail


def test_a_sentence_of_its_own_replaces_the_docstring() -> None:
    """What is said at the place where it went wrong is what is told."""
    error = UnknownItem("There is no item X.", field="id", retry_after=3)
    assert ("There is no item X.", "id", 3) == (error.detail, error.field, error.retry_after)
    assert "There is no item X." == str(error)


def test_without_field_and_delay_none_are_told() -> None:
    """Nothing is invented where nothing is known."""
    error = UnknownItem()
    assert (None, None) == (error.field, error.retry_after)


def test_a_settings_error_begins_with_the_variable() -> None:
    """Who reads the sentence knows what to mend."""
    error = SettingsError("TICKER_PORT", "is not a number.")
    assert "TICKER_PORT: is not a number." == error.detail
    assert "TICKER_PORT" == error.variable == error.field


@pytest.mark.parametrize(("given", "told"), [(None, 2), (7, 7)], ids=["by default", "when said"])
def test_a_store_that_is_away_says_when_to_come_back(given: int | None, told: int) -> None:
    """There is always a number of seconds, since a store that is away comes back."""
    error = StoreUnavailable() if given is None else StoreUnavailable(retry_after=given)
    assert told == error.retry_after


def test_what_is_unavailable_can_be_caught_as_one() -> None:
    """A store that is away and a full house are both a service that cannot, right now."""
    assert {"StoreUnavailable", "Full"} == {kind.__name__ for kind in below(Unavailable)}
    assert issubclass(Full, Unavailable)
