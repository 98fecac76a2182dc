"""The line of a command to the service: address, key, tries."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.stage import KEY, Service, free_port
from tests.terminal import SHORT_PAUSES, Run, cursors, gateway, item, window
from tests.waiting import until_now

# keys that a client gives


def test_without_a_key_nothing_is_sent(run: Run, at: Service, environment: pytest.MonkeyPatch) -> None:
    """A stranger is told how to give one."""
    environment.delenv("TICKER_KEY")
    ran = run("post", "en", "A headline")
    assert 1 == ran.status
    assert "ticker: TICKER_KEY: is missing; give a key with it, with --key or with TICKER_KEY_FILE.\n" == ran.err


def test_a_key_that_nobody_made_is_refused(run: Run, at: Service) -> None:
    """The flag goes before the environment, and the service does not know this key."""
    ran = run("post", "en", "A headline", "--key", "a stranger's")
    assert (1, "ticker: 401 A valid key is needed: This key is not known here.\n") == (ran.status, ran.err)


def test_a_key_may_stand_in_a_file(run: Run, at: Service, environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As containers give their secrets; the line's end does not count."""
    file = tmp_path / "key"
    file.write_text(KEY + "\n", encoding="utf-8")
    environment.delenv("TICKER_KEY")
    environment.setenv("TICKER_KEY_FILE", str(file))
    assert 0 == run("post", "en", "A headline").status


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="missing"),
        pytest.param(b"\xff", id="not UTF-8"),
    ],
)
def test_a_key_file_that_cannot_be_read_is_named(
    run: Run, environment: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    """Nothing is sent without it."""
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    environment.delenv("TICKER_KEY")
    environment.setenv("TICKER_KEY_FILE", str(file))
    ran = run("post", "en", "A headline")
    assert 1 == ran.status
    assert ran.err.startswith("ticker: TICKER_KEY_FILE: cannot be read (")


@pytest.mark.parametrize("key", ["ключ", "a key\nof two lines"], ids=["Cyrillic", "two lines"])
def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(run: Run, at: Service, key: str) -> None:
    """No trace, no tries, and the key does not stand on the screen."""
    random.seed(SHORT_PAUSES)
    ran = run("post", "en", "A headline", "--key", key)
    assert 1 == ran.status
    assert "TICKER_KEY" in ran.err
    assert key.strip() not in ran.err


@pytest.mark.parametrize("command", [["post", "en", "x"], ["watch", "en"]], ids=lambda command: command[0])
def test_an_address_that_is_none_is_refused(run: Run, command: list[str]) -> None:
    """The sentence names the variable and the address."""
    ran = run(*command, "--url", "ticker.example:8000")
    assert (1, "ticker: TICKER_URL: 'ticker.example:8000' is not an http:// or https:// address.\n") == (
        ran.status,
        ran.err,
    )


@pytest.mark.parametrize("command", [["post", "en", "x"], ["watch", "en"]], ids=lambda command: command[0])
def test_an_address_with_half_a_host_is_refused(run: Run, command: list[str]) -> None:
    """A sentence that names the variable, not a trace."""
    random.seed(SHORT_PAUSES)
    ran = run(*command, "--url", "http://[ticker.example")
    assert 1 == ran.status
    assert ran.err.startswith("ticker: TICKER_URL: ")


# tries


@pytest.mark.parametrize(
    "first",
    [["drop"], ["lose the answer"], ["502"], ["503"], ["504"], ["429"], ["lose the answer", "503", "drop"]],
    ids=", ".join,
)
def test_a_post_is_repeated_until_it_is_answered_and_becomes_one_item(run: Run, at: Service, first: list[str]) -> None:
    """The same Idempotency-Key each time, so that an answer that was lost costs no second alert."""
    random.seed(SHORT_PAUSES)
    headline = f"After {', '.join(first)}"
    with gateway(at.url, *first) as before:
        ran = run("post", "es", headline, "--url", before.url)
    assert 0 == ran.status
    assert 1 == len(ran.lines)
    assert len(first) + 1 == len(before.keys)
    assert 1 == len(set(before.keys))
    assert before.keys[0]
    until_now(lambda: headline in window(at, "es"), "the item to stand")
    # The log is in order: once the next item stands, nothing else comes before it.
    following = f"The one after {headline}"
    last = run("post", "es", following)
    until_now(lambda: following == window(at, "es")[-1], "the next item to stand")
    assert 1 == window(at, "es").count(headline)
    assert cursors(ran.lines)[0].n + 1 == cursors(last.lines)[0].n


def test_each_item_has_a_key_of_its_own(run: Run, at: Service, tmp_path: Path) -> None:
    """Two alerts with the same words are two alerts."""
    file = tmp_path / "alerts"
    file.write_text('{"headline": "Goal"}\n{"headline": "Goal"}\n', encoding="utf-8")
    with gateway(at.url) as before:
        ran = run("post", "en", "--file", str(file), "--allow-similar", "--url", before.url)
    assert 2 == len(set(before.keys)) == len({line.split()[1] for line in ran.lines})


def test_a_refusal_is_not_repeated(run: Run, at: Service) -> None:
    """What is wrong stays wrong, and the editor learns it at once."""
    with gateway(at.url) as before:
        assert 1 == run("post", "en", "", "--url", before.url).status
        assert 1 == len(before.keys)


def test_a_gateway_that_says_something_else_is_quoted_by_its_status(run: Run) -> None:
    """An answer that is not ours has no sentence that could be told."""
    with gateway("http://127.0.0.1:9", "404") as before:
        ran = run("post", "en", "A headline", "--url", before.url)
    assert (1, "ticker: the server answered 404\n") == (ran.status, ran.err)


def test_an_answer_that_is_not_a_tickers_is_a_failure(run: Run) -> None:
    """Another program at this address says 200 to anything; nobody may believe that the alert stands."""
    with gateway("http://127.0.0.1:9", "200") as before:
        ran = run("post", "en", "A headline", "--url", before.url)
    assert (1, "") == (ran.status, ran.out)
    assert ran.err.startswith("ticker: ")


def test_a_change_whose_answer_was_lost_is_made_once(run: Run, at: Service) -> None:
    """The repeated request names a version that is the newest no longer; it is known by its key."""
    random.seed(SHORT_PAUSES)
    item_id = at.post("en", "Three goals")["item"]["id"]
    with gateway(at.url, "lose the answer", "503") as before:
        ran = run("correct", "en", item_id, "--headline", "Four goals", "--note", "Four.", "--url", before.url)
    assert (0, "") == (ran.status, ran.err)
    assert (3, 1) == (len(before.keys), len(set(before.keys)))
    assert (2, "Four goals") == (item(at, item_id)["version"], item(at, item_id)["headline"])


@pytest.mark.parametrize("answer", ["200", "412"])
def test_a_change_that_something_else_answers_is_a_failure(run: Run, at: Service, answer: str) -> None:
    """A sentence, and no trace."""
    item_id = at.post("en", f"Behind a gateway that says {answer}")["item"]["id"]
    with gateway(at.url, answer) as before:
        ran = run("correct", "en", item_id, "--headline", "x", "--note", "x", "--url", before.url)
    said = f"{before.url} does not answer as a ticker does; is the address right?"
    assert (1, "", f"ticker: {'the server answered 412' if answer == '412' else said}\n") == (
        ran.status,
        ran.out,
        ran.err,
    )


def test_an_item_that_something_else_answers_for_is_not_changed(run: Run, at: Service) -> None:
    """Whatever stands at that address has no version."""
    with gateway(f"{at.url}/health/live?") as before:
        ran = run("update", "en", "x", "--headline", "x", "--url", before.url)
    assert (1, []) == (ran.status, before.keys)
    assert ran.err == f"ticker: {before.url} does not answer as a ticker does; is the address right?\n"


def test_where_nobody_answers_it_is_said_after_five_tries(run: Run) -> None:
    """The command ends with a sentence that names the address."""
    random.seed(SHORT_PAUSES)
    url = f"http://127.0.0.1:{free_port()}"
    ran = run("post", "en", "A headline", "--url", url)
    assert 1 == ran.status
    assert ran.err.startswith(f"ticker: {url} does not answer (")


def test_a_gateway_that_stays_shut_is_tried_five_times(run: Run) -> None:
    """Five times, not for ever; then its last answer is told."""
    random.seed(SHORT_PAUSES)
    with gateway("http://127.0.0.1:9", *["503"] * 9) as before:
        ran = run("post", "en", "A headline", "--url", before.url)
    assert (1, "ticker: the server answered 503\n") == (ran.status, ran.err)
    assert 5 == len(before.keys)
