"""Refusals as they leave the house: `application/problem+json`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError
from ticker.draft import Draft, Reason
from ticker.errors import (
    Full,
    Malformed,
    RateLimited,
    StoreUnavailable,
    TickerError,
    Unauthorized,
    UnknownChannel,
    Unprocessable,
    UpgradeRequired,
)
from ticker.problem import Problem, of_validation


def document(error: TickerError) -> Any:
    """The body of the refusal that tells of this error."""
    return json.loads(Problem.of(error).body)


def refused(body: bytes) -> TickerError:
    """What is said of a body that is no draft."""
    with pytest.raises(ValidationError) as error:
        Draft.model_validate_json(body)
    return of_validation(error.value)


def test_a_refusal_has_a_type_a_sentence_and_says_whether_a_retry_helps() -> None:
    """Everything that a program and a person need, and nothing that is not known."""
    assert {
        "type": "urn:ticker:problem:unknown-channel",
        "title": "Unknown channel",
        "status": 404,
        "detail": "There is no such channel.",
        "retry": False,
    } == document(UnknownChannel())


def test_a_refusal_names_the_field() -> None:
    """An editor's form can show the sentence where it belongs."""
    assert "tags.0" == document(Unprocessable("is empty", field="tags.0"))["field"]


def test_a_refusal_says_under_which_name_the_log_has_it() -> None:
    """When the request has one: what is refused before that has none."""
    assert "r-1" == json.loads(Problem.of(UnknownChannel(), "r-1").body)["request_id"]


def test_a_refusal_is_not_kept_by_any_cache() -> None:
    """What is wrong now may be right in a second."""
    headers = Problem.of(UnknownChannel()).headers
    assert {"Content-Type": "application/problem+json", "Cache-Control": "no-store"} == headers


@pytest.mark.parametrize(
    ("error", "header", "value"),
    [
        (RateLimited(retry_after=17), "Retry-After", "17"),
        (StoreUnavailable(), "Retry-After", "2"),
        (Unauthorized(), "WWW-Authenticate", "Bearer"),
        (UpgradeRequired(), "Upgrade", "websocket"),
        (UpgradeRequired(), "Connection", "Upgrade"),
    ],
    ids=["rate limit", "store away", "no key", "no WebSocket", "no WebSocket, the connection"],
)
def test_a_refusal_carries_the_header_that_its_status_asks_for(error: TickerError, header: str, value: str) -> None:
    """What HTTP wants to be told with this status is told (RFC 9110)."""
    assert value == Problem.of(error).headers[header]


def test_the_status_can_be_said_in_words() -> None:
    """A refused upgrade has a status line."""
    problem = Problem.of(Full())
    assert (503, "Service Unavailable") == (problem.status, problem.phrase)


def test_a_refused_upgrade_says_its_length_and_ends_the_line() -> None:
    """Nothing follows on a line that did not become a WebSocket."""
    problem = Problem.of(UpgradeRequired())
    head, _, body = problem.response().partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert ("HTTP/1.1 426 Upgrade Required", problem.body) == (status, body)
    assert len(lines) == len(headers), "a field stands twice"
    assert str(len(problem.body)) == headers["Content-Length"]
    assert "close" == headers["Connection"]
    assert "application/problem+json" == headers["Content-Type"]
    assert "*" == headers["Access-Control-Allow-Origin"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"headline=x", b'{"headline": "\\ud800"}', b'{"headline": "\xff"}', b'\xef\xbb\xbf{"headline": "x"}'],
    ids=["nothing", "half", "a form", "a lone surrogate", "not UTF-8", "a byte order mark"],
)
def test_what_is_no_json_is_malformed(body: bytes) -> None:
    """The sentence says that it is the body, and no field is named."""
    error = refused(body)
    assert isinstance(error, Malformed)
    assert error.detail.startswith("The body is not JSON that is taken here: ")
    assert error.field is None


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        pytest.param(b"{}", "headline", "headline: Field required.", id="no headline"),
        pytest.param(b'{"headline": " "}', "headline", "headline: is empty.", id="empty headline"),
        pytest.param(b'{"headline": "x", "tags": ["a", ""]}', "tags.1", "tags.1: is empty.", id="second tag"),
        pytest.param(
            b'{"headline": "x", "headlin": "y"}',
            "headlin",
            "headlin: is not a field of this request; leave it out or mend its name.",
            id="unknown field",
        ),
        pytest.param(
            b'{"headline": "x", "sections": ["a", "a"]}', "sections", "sections: names something twice.", id="twice"
        ),
    ],
)
def test_a_field_that_is_wrong_is_named_with_a_sentence(body: bytes, field: str, said: str) -> None:
    """The sentence begins with the field and says what to mend."""
    error = refused(body)
    assert isinstance(error, Unprocessable)
    assert (field, said) == (error.field, error.detail)


@pytest.mark.parametrize("body", [b"[]", b"null", b'"x"', b"5"])
def test_json_that_is_no_object_is_refused_as_a_body(body: bytes) -> None:
    """No field is named where there is none."""
    error = refused(body)
    assert error.detail.startswith("The body: ")
    assert error.field is None


def test_the_first_thing_that_is_wrong_is_told() -> None:
    """One sentence at a time, in the order of the fields."""
    assert "headline" == refused(b'{"headline": "", "urgency": 99}').field


def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    """A body may hold what nobody should find in a log."""
    error = refused(b'{"headline": "x", "urgency": "the name of the source"}')
    assert "source" not in error.detail


def test_a_refusal_is_short_however_long_the_name_of_a_field() -> None:
    """An answer does not grow with the nonsense that was sent."""
    error = refused(b'{"headline": "x", "' + b"y" * 5000 + b'": 1}')
    assert len(error.detail) <= 400
    assert "y" * 100 == error.field


def test_another_request_is_told_in_the_same_words() -> None:
    """A retraction without a reason is refused like an item without a headline."""
    with pytest.raises(ValidationError) as error:
        Reason.model_validate_json(b"{}")
    assert "reason: Field required." == of_validation(error.value).detail
