"""Tables and plots: medians over the rounds, ratios within each round."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from bench.measures import MEASURES, Column, Goal, Load, Measure
from bench.peers import PEERS
from bench.plot import OURS, PLAIN, REFERENCE, Bar, Line, bars

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
PAGE, FOLDER, FIGURES = "performance.md", "performance", "figures.json"
TITLES = {"floor": "floor", "ticker": "ticker"} | {name: peer.title for name, peer in PEERS.items()}

Results = dict[str, dict[str, Any]]
"""By measure: `where`, `load`, `faults`, and `rounds`, each a figure by server and column."""


def values(result: dict[str, Any], server: str, column: str, *, ratio: bool = False) -> list[float]:
    """A figure in each round in which it is there; with `ratio`, over the floor's of the same round."""
    found: list[float] = []
    for one in result["rounds"]:
        value = one.get(server, {}).get(column)
        if ratio:
            least = one.get("floor", {}).get(column)
            value = value / least if value is not None and least else None
        if value is not None:
            found.append(value)
    return found


def servers(result: dict[str, Any]) -> list[str]:
    """Who took part, in the order of every table."""
    return [name for name in TITLES if any(name in one for one in result["rounds"])]


def text(results: Results) -> str:
    """All of it in Markdown."""
    parts = ["\n".join(_goals(results))]
    for measure in MEASURES:
        if measure.name in results:
            parts.append("\n".join(_measure(measure, results[measure.name])))
    parts.append("\n".join(_faults(results)))
    parts.append("\n".join(_peers(results)))
    parts.append("\n".join(_origins(results)))
    return "\n\n".join(part for part in parts if part) + "\n"


def plots(results: Results) -> dict[str, str]:
    """By the name of the file."""
    found: dict[str, str] = {}
    for measure in MEASURES:
        if measure.name in results:
            for name, _, drawing in _plots(measure, results[measure.name]):
                found[name] = drawing
    return found


def write(docs: Path, results: Results) -> None:
    """Put the results between the marks of the page. What was not measured this time stays as it was.

    Raises SystemExit when the marks are missing.
    """
    folder = docs / FOLDER
    folder.mkdir(exist_ok=True)
    figures = folder / FIGURES
    known: Results = json.loads(figures.read_text(encoding="utf-8")) if figures.exists() else {}
    known |= {name: result for name, result in results.items() if servers(result)}
    page = docs / PAGE
    content = page.read_text(encoding="utf-8")
    if BEGIN not in content or END not in content:
        raise SystemExit(f"bench: {PAGE} has no marks {BEGIN} and {END}")
    page.write_text(inserted(content, known), encoding="utf-8")
    figures.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    for old in folder.glob("*.svg"):
        old.unlink()
    for name, drawing in plots(known).items():
        (folder / name).write_text(drawing, encoding="utf-8")


def inserted(content: str, results: Results) -> str:
    """The page with these results between its marks."""
    before, _, rest = content.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{text(results)}\n{END}{after}"


def reached(goal: Goal, result: dict[str, Any]) -> float | None:
    """What ticker reached of it, or None when it was not measured."""
    found = values(result, "ticker", goal.column, ratio=goal.ratio)
    return median(found) if found else None


def met(goal: Goal, value: float) -> bool:
    """Whether that is enough."""
    return value >= goal.bound if goal.at_least else value <= goal.bound


def _goals(results: Results) -> Iterator[str]:
    rows: list[str] = []
    for measure in MEASURES:
        for goal in measure.goals:
            value = reached(goal, results[measure.name]) if measure.name in results else None
            if value is not None:
                sign = "≥" if goal.at_least else "≤"
                told = _number(value, 2 if value < 1000 else 0)
                rows.append(_row([goal.text, f"{sign} {goal.bound:,g}", told, "yes" if met(goal, value) else "**no**"]))
    if rows:
        yield from ("### Targets", "", _row(["", "target", "ticker", "met"]), _row(["---", "---:", "---:", "---"]))
        yield from rows


def _measure(measure: Measure, result: dict[str, Any]) -> Iterator[str]:
    load = Load(**{name: value for name, value in result["load"].items() if name != "rounds"})
    present = servers(result)
    counted = len(result["rounds"])
    rounds = f"Medians of {counted} rounds." if counted > 1 else "One round."
    yield from (f"### {measure.title}", "", f"{measure.about(load)} {rounds}", "")
    if load.workers > 1:
        yield from (f"ticker with {load.workers} workers, held to no core.", "")
    compared = "floor" in present and len(present) > 1
    if len(present) == 1:
        yield from (_row(["", TITLES[present[0]]]), _row(["---", "---:"]))
        for column in measure.columns:
            yield _row([column.title, _cell(result, present[0], column)])
    elif present:
        titles = [""]
        for column in measure.columns:
            titles += [column.title, *(["÷ floor"] if compared and column.ratio else [])]
        yield from (_row(titles), _row(["---", *("---:" for _ in titles[1:])]))
        for server in present:
            cells = [TITLES[server]]
            for column in measure.columns:
                cells.append(_cell(result, server, column))
                if compared and column.ratio:
                    cells.append(_cell(result, server, column, ratio=True))
            yield _row(cells)
    for name, what, _ in _plots(measure, result):
        yield from ("", f"![{what}]({FOLDER}/{name})")


def _plots(measure: Measure, result: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Name, description and drawing of each."""
    present = servers(result)
    plotted = [column for column in measure.columns if column.plotted]
    if len(present) == 1:
        rows = [
            Bar(column.title, median(found), found, OURS)
            for column in plotted
            if (found := values(result, present[0], column.key))
        ]
        if not rows:
            return
        goals = [goal for goal in measure.goals if goal.column in {column.key for column in plotted} and not goal.ratio]
        line = Line(goals[0].bound, f"target {goals[0].bound:,g}") if goals else None
        axis = measure.axis or plotted[0].title
        yield f"{measure.name}.svg", measure.title, bars(measure.title, axis, rows, line, plotted[0].digits)
        return
    for column in plotted:
        absolute = any(goal.column == column.key and not goal.ratio for goal in measure.goals)
        ratio = column.ratio and "floor" in present and not absolute
        rows = []
        for server in present:
            if found := values(result, server, column.key, ratio=ratio):
                colour = OURS if server == "ticker" else REFERENCE if server == "floor" else PLAIN
                rows.append(Bar(TITLES[server], median(found), found, colour))
        if not rows:
            continue
        goals = [goal for goal in measure.goals if goal.column == column.key and goal.ratio == ratio]
        line = Line(goals[0].bound, f"ticker's target {goals[0].bound:,g}") if goals else None
        what = column.title.rpartition(", ")[0] or column.title
        axis = f"{what}, floor = 1" if ratio else column.title
        title = f"{measure.title}: {what}"
        yield f"{measure.name}-{column.key}.svg", title, bars(title, axis, rows, line, 2 if ratio else column.digits)


def _faults(results: Results) -> Iterator[str]:
    # Measures of one start share their faults.
    faults = dict.fromkeys(" ".join(fault.split()) for result in results.values() for fault in result["faults"])
    if faults:
        yield from ("### Rounds that do not count", "")
        for fault in faults:
            yield f"- {fault}"


def _peers(results: Results) -> Iterator[str]:
    present = {server for result in results.values() for server in servers(result)}
    rows = [_row([peer.title, peer.settings]) for name, peer in PEERS.items() if name in present]
    if rows:
        yield from ("### How the peers are set", "", _row(["peer", "settings"]), _row(["---", "---"]))
        yield from rows


def _origins(results: Results) -> Iterator[str]:
    """Each machine, day and command once, with what was measured there."""
    by_origin: dict[str, list[str]] = {}
    for name, result in results.items():
        by_origin.setdefault(json.dumps(result["where"]), []).append(name)
    if by_origin:
        yield from ("### Where the figures are from", "")
    for origin, names in by_origin.items():
        where: dict[str, str] = json.loads(origin)
        command = where.pop("command")
        told = "; ".join(f"{name}: {value}" for name, value in where.items())
        yield f"- {', '.join(names)}: `{command}`. {told}."


def _cell(result: dict[str, Any], server: str, column: Column, *, ratio: bool = False) -> str:
    found = values(result, server, column.key, ratio=ratio)
    return _number(median(found), 2 if ratio else column.digits) if found else "–"


def _number(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}"


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
