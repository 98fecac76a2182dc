"""How what is not done is answered; each refusal by itself stands with what it refuses."""

from __future__ import annotations

import logging

import pytest
from ticker.errors import TickerError
from ticker.refusal import HANDLERS

from tests.desk import ITEMS, problem, sent
from tests.stage import Stage, free_port, running


async def test_an_address_that_is_none_is_a_problem(stage: Stage) -> None:
    """Also one that a router would mend."""
    for path in ("/nowhere", f"{ITEMS}/", "/v1//channels"):
        answer = await stage.http.get(path)
        assert (404, "not-found") == problem(answer)[:2]


async def test_a_method_that_is_not_taken_is_told_those_that_are(stage: Stage) -> None:
    """Of all operations of the address, not only of the first."""
    answer = await stage.http.put(ITEMS, json={})
    assert (405, "method-not-allowed") == problem(answer)[:2]
    assert "GET, HEAD, POST" == answer.headers["Allow"]


async def test_the_rest_of_a_body_that_is_too_large_is_no_request(stage: Stage) -> None:
    """The line ends with the answer."""
    answer = await sent(stage, {"headline": "x" * 20_000})
    assert (413, "close") == (answer.status_code, answer.headers["Connection"])


def test_every_error_of_ours_is_caught() -> None:
    """And what is none, too."""
    assert {TickerError, Exception} <= set(HANDLERS)


async def test_a_store_that_is_away_is_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """With what was asked, and why it was refused; the editor is told to repeat it."""
    with caplog.at_level(logging.WARNING, "ticker.app"):
        async with running(f"redis://127.0.0.1:{free_port()}", role="api", wait=False) as stage:
            answer = await sent(stage, {"headline": "x"})
    assert (503, "store-unavailable") == problem(answer)[:2]
    assert f"POST {ITEMS}: refused, the store is away: Error 111" in caplog.text
