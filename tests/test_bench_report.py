"""What is made of the figures: medians, ratios within a round, targets, tables, plots, and the page they stand on."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from bench import machine, report
from bench.__main__ import _options
from bench.measures import MEASURES, NAMES, STANDS, Load
from bench.peers import PEERS
from bench.plot import OURS, Bar, Line, bars, nice_step

ROOT = Path(__file__).parent.parent
SVG = "{http://www.w3.org/2000/svg}"
README = (ROOT / "bench" / "README.md").read_text(encoding="utf-8")


def result(*rounds: dict[str, dict[str, float]], faults: list[str] | None = None) -> dict[str, Any]:
    """One measure's results as they are stored."""
    where = {"date": "2026-11-24", "command": "python -m bench"}
    return {"where": where, "load": vars(Load()), "faults": faults or [], "rounds": list(rounds)}


def memory(*kilobytes: float) -> dict[str, Any]:
    """Rounds of ticker alone."""
    return result(*({"ticker": {"kilobytes": value}} for value in kilobytes))


def test_a_ratio_is_taken_within_a_round() -> None:
    """And not between medians of rounds in which the machine was another."""
    found = result(
        {"floor": {"cpu_us": 10.0}, "ticker": {"cpu_us": 11.0}},
        {"floor": {"cpu_us": 20.0}, "ticker": {"cpu_us": 26.0}},
        {"floor": {"cpu_us": 30.0}, "ticker": {"cpu_us": 36.0}},
    )
    assert pytest.approx([1.1, 1.3, 1.2]) == report.values(found, "ticker", "cpu_us", ratio=True)
    assert [11.0, 26.0, 36.0] == report.values(found, "ticker", "cpu_us")


def test_a_round_that_one_server_spoiled_counts_for_the_others() -> None:
    """But gives no ratio when the floor is missing."""
    found = result({"ticker": {"cpu_us": 11.0}}, {"floor": {"cpu_us": 10.0}, "ticker": {"cpu_us": 12.0}})
    assert [11.0, 12.0] == report.values(found, "ticker", "cpu_us")
    assert [1.2] == report.values(found, "ticker", "cpu_us", ratio=True)


@pytest.mark.parametrize(("measured", "met"), [(2.4, "yes"), (2.5, "yes"), (2.6, "**no**")])
def test_a_target_is_met_or_not(measured: float, met: str) -> None:
    """The median decides."""
    page = report.text({"memory": memory(0.1, measured, 9.9)})
    assert f"| memory (Pss) per idle connection, KB | ≤ 2.5 | {measured:.2f} | {met} |" in page


@pytest.mark.parametrize(("measured", "met"), [(1999.0, "**no**"), (2000.0, "yes")])
def test_a_target_may_be_a_least(measured: float, met: str) -> None:
    """Rates have to be reached, not kept below."""
    page = report.text({"post": result({"ticker": {"per_second_32": measured}})})
    assert f"| ≥ 2,000 | {measured:,.0f} | {met} |" in page


def test_what_went_wrong_is_told_once() -> None:
    """Measures of one start share their faults."""
    spoiled = result({"ticker": {"kilobytes": 2.0}}, faults=["round 1, ws:\n  3 items came twice"])
    page = report.text({"memory": spoiled, "join": spoiled})
    assert 1 == page.count("- round 1, ws: 3 items came twice")


def test_a_row_without_a_figure_is_a_dash_and_no_zero() -> None:
    """A server that never had a valid round is not the fastest."""
    page = report.text({"memory": result({"floor": {"kilobytes": 0.1}, "ticker": {}})})
    assert "| ticker | – |" in page


def test_the_page_keeps_its_prose_and_what_was_not_measured_again(tmp_path: Path) -> None:
    """Each measure is replaced alone; old plots of it go."""
    page = tmp_path / report.PAGE
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n", encoding="utf-8")
    report.write(tmp_path, {"memory": memory(2.0), "join": result({"ticker": {"cpu_us": 100.0}})})
    report.write(tmp_path, {"memory": memory(3.0)})
    content = page.read_text(encoding="utf-8")
    assert content.startswith(f"before\n{report.BEGIN}\n")
    assert content.endswith(f"{report.END}\nafter\n")
    assert "old" not in content
    assert "| KB per idle connection | 3.00 |" in content
    assert "| CPU per join, µs | 100 |" in content
    folder = tmp_path / report.FOLDER
    assert sorted(re.findall(r"\((?:performance/)(.*?\.svg)\)", content)) == sorted(
        path.name for path in folder.glob("*.svg")
    )
    assert {"memory", "join"} == set(json.loads((folder / report.FIGURES).read_text(encoding="utf-8")))


def test_a_page_without_marks_is_left_alone(tmp_path: Path) -> None:
    """And nothing else is written either."""
    page = tmp_path / report.PAGE
    page.write_text("prose\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="no marks"):
        report.write(tmp_path, {"memory": memory(2.0)})
    assert "prose\n" == page.read_text(encoding="utf-8")
    assert [] == list((tmp_path / report.FOLDER).glob("*"))


def test_the_page_shows_the_figures_that_are_kept() -> None:
    """Tables and plots in docs/ are those of figures.json, not of a run that was not kept."""
    docs = ROOT / "docs"
    figures = docs / report.FOLDER / report.FIGURES
    kept: report.Results = json.loads(figures.read_text(encoding="utf-8"))
    content = (docs / report.PAGE).read_text(encoding="utf-8")
    assert report.inserted(content, kept) == content
    drawn = {path.name: path.read_text(encoding="utf-8") for path in (docs / report.FOLDER).glob("*.svg")}
    assert report.plots(kept) == drawn


def test_a_plot_is_drawn_to_scale() -> None:
    """Bars as long as their values, a dot for each round, a line where the target is, and every label readable."""
    rows = [Bar("floor", 1.0, [0.9, 1.0]), Bar("a < b", 2.0, [2.0, 2.2], OURS)]
    drawing = ElementTree.fromstring(bars("Title", "axis, ms", rows, Line(1.5, "target")))
    widths = [float(bar.attrib["width"]) for bar in drawing.iter(f"{SVG}rect")][1:]
    assert widths[1] == pytest.approx(2 * widths[0], abs=0.2)
    assert 4 == len(list(drawing.iter(f"{SVG}circle")))
    left = float(list(drawing.iter(f"{SVG}rect"))[1].attrib["x"])
    dashed = [line for line in drawing.iter(f"{SVG}line") if "stroke-dasharray" in line.attrib]
    assert float(dashed[0].attrib["x1"]) - left == pytest.approx(1.5 * widths[0], abs=0.2)
    words = [label.text for label in drawing.iter(f"{SVG}text")]
    assert {"Title", "axis, ms", "a < b", "target", "1.00", "2.00"} <= set(words)


def test_a_plot_of_nothing_but_zeros_is_one_too() -> None:
    """The floor holds so little memory that it may be none."""
    ElementTree.fromstring(bars("Title", "KB", [Bar("floor", 0.0)]))


@pytest.mark.parametrize(("greatest", "step"), [(6.0, 1.0), (6.1, 2.0), (11.0, 2.0), (0.6, 0.1), (130_000.0, 50_000.0)])
def test_ticks_are_round_numbers(greatest: float, step: float) -> None:
    """1, 2 or 5 times a power of ten."""
    assert step == pytest.approx(nice_step(greatest))


def test_every_measure_is_explained() -> None:
    """In the table of bench/README.md, and given by one stand."""
    told = re.findall(r"^\| `([a-z]+)` \|", README, re.MULTILINE)
    assert list(NAMES) == told
    assert sorted(NAMES) == sorted(name for stand in STANDS for name in stand.gives)


def test_every_goal_is_of_a_column_that_is_measured() -> None:
    """And a ratio only where the floor takes part."""
    for measure in MEASURES:
        columns = {column.key: column for column in measure.columns}
        assert {goal.column for goal in measure.goals} <= set(columns)
        assert [goal for goal in measure.goals if goal.ratio and not columns[goal.column].ratio] == []


def test_every_peer_says_how_it_is_set() -> None:
    """Settings stand in the page beside its figures."""
    found = result({name: {"kilobytes": 1.0} for name in ("floor", *PEERS)})
    page = report.text({"memory": found})
    assert [] == [name for name, peer in PEERS.items() if f"| {peer.title} | {peer.settings} |" not in page]


def test_an_option_that_names_nothing_known_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Instead of a run that measures nothing."""
    monkeypatch.setattr("sys.argv", ["bench", "--only", "paced,speed"])
    with pytest.raises(SystemExit):
        _options()
    assert "speed is none of paced, burst" in capsys.readouterr().err


def test_no_path_of_the_machine_stands_beside_the_figures() -> None:
    """The command is repeatable elsewhere."""
    typed = ["-m", "bench", "--json", "/home/me/x.json", "--only", "paced", "--json=/home/me/x.json", "--write"]
    assert "python -m bench --only paced --write" == machine.command(typed)


def test_a_warm_up_is_shorter_and_still_whole() -> None:
    """Every kind of step has something to do."""
    usual, warm = Load(), Load().warm()
    assert warm.items < usual.items
    assert warm.posts < usual.posts
    assert min(Load(items=1, burst=1, peer_burst=1, posts=1).warm().__dict__.values()) > 0
