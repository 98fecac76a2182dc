"""What is made of Autobahn's report, and that docs/conformance.md is of what is locked."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from pathlib import Path

import pytest
from ticker.websocket import INBOUND, MOST_BYTES, MOST_FRAMES, PERIOD

from tests.autobahn.__main__ import BEYOND, LOCKED, PAGE, TOO_BIG
from tests.autobahn.report import BEGIN, END, Outcome, counted, exceptions, put, read


def outcome(case: str, behavior: str = "OK", closing: str = "OK", code: int | None = 1000, reason: str = "") -> Outcome:
    """Of this case."""
    return Outcome(case, behavior, closing, code, reason)


@pytest.fixture
def page() -> str:
    """The document."""
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture
def results(page: str) -> list[list[str]]:
    """The rows of its tables, a list of cells each."""
    told = page.partition(BEGIN)[2].partition(END)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in told.splitlines() if line.startswith("|")]


@pytest.mark.parametrize(
    ("told", "failed"),
    [
        (outcome("1.1.1"), False),
        (outcome("6.4.3", "NON-STRICT"), False),
        (outcome("7.1.6", "INFORMATIONAL", "INFORMATIONAL"), False),
        (outcome("13.3.1", "UNIMPLEMENTED"), False),
        (outcome("12.1.1", "UNIMPLEMENTED"), True),
        (outcome("1.1.1", "FAILED"), True),
        (outcome("1.1.1", "OK", "FAILED"), True),
        (outcome("1.1.1", "OK", "WRONG CODE"), True),
        (outcome("1.1.1", "OK", "UNCLEAN"), True),
        (outcome("1.1.1", "OK", "FAILED BY CLIENT"), True),
        (outcome("13.3.1", "UNIMPLEMENTED", "UNCLEAN"), True),
        (outcome("1.1.1", "something new"), True),
    ],
)
def test_a_case_fails_unless_it_is_known_to_be_well(told: Outcome, failed: bool) -> None:
    """By what was said and by how the line ended; compression may be declined only where that is meant."""
    assert failed == told.failed


def test_a_report_is_read_in_the_order_of_the_cases(tmp_path: Path) -> None:
    """With Autobahn's words on what is not OK."""
    told = {
        "7.10.1": ("OK", "WRONG CODE", 1002),
        "7.9.1": ("NON-STRICT", "OK", None),
    }
    index = {
        case: {"behavior": behavior, "behaviorClose": closing, "remoteCloseCode": code, "reportfile": f"{case}.json"}
        for case, (behavior, closing, code) in told.items()
    }
    (tmp_path / "index.json").write_text(json.dumps({"127.0.0.1:1": index}))
    for case in told:
        (tmp_path / f"{case}.json").write_text(json.dumps({"result": "said", "resultClose": "closed."}))
    assert [
        outcome("7.9.1", "NON-STRICT", code=None, reason="said."),
        outcome("7.10.1", closing="WRONG CODE", code=1002, reason="closed."),
    ] == read(tmp_path)


def test_cases_are_counted_by_group() -> None:
    """A failed one as failed, however it failed."""
    rows = counted([outcome("1.1.1"), outcome("1.2.1", "OK", "UNCLEAN"), outcome("6.4.3", "NON-STRICT")]).splitlines()
    assert ["1.*", "frames", "2", "1", "0", "0", "0", "1"] == re.split(r" \| ", rows[2].strip("| "))
    assert ["all", "", "3", "1", "1", "0", "0", "1"] == re.split(r" \| ", rows[-1].strip("| "))


def test_what_came_out_alike_stands_in_one_line() -> None:
    """And what is OK in none."""
    assert "None." == exceptions([outcome("1.1.1")])
    told = exceptions([outcome(f"13.3.{n}", "UNIMPLEMENTED", reason="no") for n in range(1, 19)] + [outcome("1.1.1")])
    assert "| 13.3.1 to 13.3.18 (18) | UNIMPLEMENTED | 1000 | no |" == told.splitlines()[-1]
    assert 3 == len(told.splitlines())


def test_only_what_stands_between_the_marks_is_replaced() -> None:
    """A document without them is not touched."""
    assert f"a\n{BEGIN}\n\nnew\n\n{END}\nb" == put(f"a\n{BEGIN}old{END}\nb", "new")
    with pytest.raises(ValueError, match="lacks"):
        put(f"a\n{BEGIN}\nb", "new")


def test_the_results_are_of_the_versions_that_are_locked(page: str) -> None:
    """Whoever updates one of them runs `make autobahn` again."""
    locked = re.search(r"^kosoku==(\S+)", LOCKED.read_text(encoding="utf-8"), re.MULTILINE)
    assert locked is not None
    assert f"kosoku {locked[1]}, websockets {version('websockets')}, uvloop {version('uvloop')}." in page


def test_no_case_has_failed(results: list[list[str]]) -> None:
    """Of all 517 that there are."""
    totals = [row for row in results if row[0] == "all"]
    assert 517 == sum(int(total) for _, _, total, *_ in totals)
    assert ["0", "0"] == [failed for *_, failed in totals]


def test_what_is_not_ok_is_explained(page: str, results: list[list[str]]) -> None:
    """In our own words, by its group."""
    explained = " ".join(re.findall(r"^- \*\*(.*?)\*\*", page, re.MULTILINE))
    cases = [row[0] for row in results[[row[0] for row in results].index("case") + 2 :]]
    assert cases
    unexplained = [case for case in cases if not any(name in explained for name in _names(case))]
    assert [] == unexplained


def _names(case: str) -> set[str]:
    return {case.split(",")[0].split(" ")[0], ".".join(case.split(".")[:2])}


def test_the_bounds_are_those_that_are_told(page: str) -> None:
    """And the cases that are beyond them were closed for it."""
    told = f"messages up to {INBOUND:,} bytes, {MOST_FRAMES} frames and {MOST_BYTES:,} bytes in {PERIOD:g} seconds"
    assert told in page
    assert ", ".join(f"{case}: {TOO_BIG}" for case in BEYOND) in page
