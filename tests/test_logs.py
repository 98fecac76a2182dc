"""What this program logs, seen from outside: a process of its own, and what it writes to standard error."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ticker import logs

from tests.test_publish import BAD_HEADLINES, GOOD_HEADLINES

LIBRARIES = ["uvicorn.error", "httpx", "httpcore.connection"]

PROGRAM = """
import logging, sys
from ticker import logs
logs.configure(sys.argv[1])
for name in ("ticker.app", "uvicorn.error", "httpx", "httpcore.connection"):
    for level in ("DEBUG", "INFO", "WARNING", "ERROR"):
        logging.getLogger(name).log(getattr(logging, level), "a record")
"""


def said(level: str) -> list[tuple[str, str]]:
    """Level and name of each line that a process at this level writes; nothing may go to standard output."""
    ran = subprocess.run([sys.executable, "-c", PROGRAM, level], capture_output=True, text=True, check=True, timeout=30)
    assert "" == ran.stdout
    found = [
        re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ([A-Z]+) (\S+): a record", row)
        for row in ran.stderr.splitlines()
    ]
    assert None not in found
    return [(row[1], row[2]) for row in found if row]


@pytest.mark.parametrize(
    ("level", "ours"),
    [
        ("debug", ["DEBUG", "INFO", "WARNING", "ERROR"]),
        ("info", ["INFO", "WARNING", "ERROR"]),
        ("warning", ["WARNING", "ERROR"]),
        ("error", ["ERROR"]),
    ],
)
def test_our_records_are_written_from_the_level_up(level: str, ours: list[str]) -> None:
    """One line a record on standard error, with its time, its level and who says it."""
    assert ours == [found for found, name in said(level) if name == "ticker.app"]


def test_a_library_is_heard_only_when_something_is_wrong() -> None:
    """Each request of a library below is not our news, even when we look for a fault."""
    assert [("WARNING", name) for name in LIBRARIES] == [
        found for found in said("debug") if found[1] in LIBRARIES and found[0] != "ERROR"
    ]


# What is in a record stays in it.

HOSTILE = {
    **BAD_HEADLINES,
    **{f"good {number}": text for number, text in enumerate(GOOD_HEADLINES)},
    "a line of its own": "x\n2026-11-26 03:50:54,123 INFO ticker: all is well",
    "an object of its own": 'x"}\n{"level":"info","message":"all is well"}',
    "carriage return": "all is well\r",
    "a terminal's escape": "\x1b]0;owned\x07\x1b[2J\x9b2J",
    "half a character": "\ud83d and \udc80",
    "backslashes": "\\n \\u000a \\",
    "markup": "<img src=x onerror=alert(1)> %s %(message)s {0}",
    "del": "a\x7fb",
}
LINE_ENDS = re.compile("[\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029]")


def record(message: str, *arguments: Any, error: BaseException | None = None, **more: Any) -> logging.LogRecord:
    """A record as the library makes it."""
    exc_info = None if error is None else (type(error), error, error.__traceback__)
    made = logging.LogRecord("ticker.app", logging.WARNING, __file__, 1, message, arguments, exc_info)
    for name, value in more.items():
        setattr(made, name, value)
    return made


def as_json(made: logging.LogRecord) -> Any:
    """What a program reads of it; it has to be one line of ASCII without a control character."""
    line = logs.Json().format(made)
    assert re.fullmatch("[ -~]+", line)
    return json.loads(line)


def failed(text: str) -> ValueError:
    """A fault that says this, with where it happened."""
    try:
        raise ValueError(text)
    except ValueError as error:
        return error


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_whatever_is_logged_is_one_line_of_each_form(text: str) -> None:
    """And a program reads it as it was, but for halves of characters, which are none."""
    whole = re.sub("[\ud800-\udfff]", "\ufffd", text)
    told = as_json(record("refused: %s", text, channel=text))
    assert (f"refused: {whole}", whole) == (told["message"], told["channel"])
    line = logs.Text().format(record("refused: %s", text))
    assert None is LINE_ENDS.search(line)
    assert line.isprintable() or not text.isprintable()
    assert not set(line) & {chr(point) for point in (*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000))}


@given(st.text(st.characters(codec=None), max_size=60))
def test_no_text_at_all_breaks_a_line(text: str) -> None:
    """Whatever somebody thinks of; what is left can be written as UTF-8."""
    as_json(record("%s", text, error=failed(text)))
    assert 1 == len(logs.Text().format(record("%s", text)).encode().decode().splitlines())


def test_no_line_of_a_traceback_looks_like_a_record() -> None:
    """As text it stands below its record, indented; as JSON it is a part of it."""
    forged = "x\n2026-11-26 03:50:54,123 INFO ticker: all is well"
    first, *below = logs.Text().format(record("a fault", error=failed(forged))).split("\n")
    assert first.endswith("WARNING ticker.app: a fault")
    assert below
    assert [] == [line for line in below if not line.startswith("  ")]
    assert forged in as_json(record("a fault", error=failed(forged)))["exception"]


def test_an_object_has_the_time_in_utc_and_says_who_speaks() -> None:
    """By the millisecond, as RFC 3339 has it."""
    made = record("a reader came", stack_info="Stack (most recent call last):\n  here")
    told = as_json(made)
    assert {"time", "level", "logger", "message", "stack"} == set(told)
    assert ("warning", "ticker.app", "a reader came") == (told["level"], told["logger"], told["message"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told["time"])
    assert datetime.fromisoformat(told["time"]) - datetime.fromtimestamp(made.created, UTC) < timedelta(milliseconds=1)


async def test_a_record_tells_of_the_request_in_which_it_was_made() -> None:
    """Whoever makes it; what is said of the record itself goes first, and nothing is left behind for the next one."""
    logs.note(channel="nobody asked")
    logs.begin("r-1")
    logs.note(channel="en", item="01M8")
    told = as_json(record("stored", item="01M9"))
    assert ("r-1", "en", "01M9") == (told["request_id"], told["channel"], told["item"])
    assert logs.Text().format(record("stored")).endswith(": stored [request_id r-1]")
    logs.begin("r-2")
    assert "channel" not in as_json(record("stored"))


SECRET = "tk_0123456789abcdef_" + "s" * 43


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"key {SECRET} refused", "key tk_0123456789abcdef_*** refused"),
        ("redis://api:s3cret@store:6379 is away", "redis://api:***@store:6379 is away"),
        ("Authorization: Bearer s3cret", "Authorization: Bearer ***"),
    ],
)
def test_what_gives_a_right_is_not_shown(text: str, shown: str) -> None:
    """In messages and in tracebacks of both forms."""
    told = as_json(record("%s", text, error=failed(text)))
    assert shown == told["message"]
    assert text not in told["exception"]
    line = logs.Text().format(record("%s", text, error=failed(text)))
    assert (True, False) == (shown in line, text in line)


ENDS = """
import logging, sys, threading, warnings
from ticker import logs
logs.configure("info", "json")
logging.getLogger("ticker.app").info("two\\nlines")
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
raise SystemError("the end\\nof it")
"""


def test_a_process_that_dies_says_so_in_the_same_form() -> None:
    """Each line of standard error is an object, the traceback of the end included."""
    ran = subprocess.run([sys.executable, "-c", ENDS], capture_output=True, text=True, timeout=30)
    told = [json.loads(line) for line in ran.stderr.splitlines()]
    assert ["info", "error", "critical"] == [found["level"] for found in told]
    assert "ZeroDivisionError" in told[1]["exception"]
    assert told[2]["exception"].endswith("SystemError: the end\nof it")
