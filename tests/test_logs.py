"""What this program logs, seen from outside: a process of its own, and what it writes to standard error."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

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
