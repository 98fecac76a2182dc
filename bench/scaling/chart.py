"""Lines over time as SVG, readable on a light page and on a dark one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from bench.plot import nice_step

WIDTH, PANEL, LEFT, RIGHT, TOP, GAP, FOOT = 760, 170, 78, 20, 84, 56, 50
COLOURS = 3
STYLE = (
    "text{fill:#1c1c1c}.s{fill:#5a5f66}.g{stroke:#dcdfe3}.b{fill:#ffffff}.l{fill:none;stroke-width:2}"
    ".c0{stroke:#1f5fa8}.c1{stroke:#b3261e}.c2{stroke:#3d7a2a}.m{stroke:#8a8a8a;stroke-dasharray:4 4}"
    "@media (prefers-color-scheme:dark){text{fill:#e8eaed}.s{fill:#a8adb4}.g{stroke:#3a3f46}.b{fill:#14171b}"
    ".c0{stroke:#6fb1f5}.c1{stroke:#ff8a80}.c2{stroke:#8fd175}.m{stroke:#9a9a9a}}"
)


@dataclass(frozen=True)
class Series:
    """One line: values at evenly spaced times."""

    label: str
    values: Sequence[float] | NDArray[np.float64]
    colour: int = 0


@dataclass(frozen=True)
class Panel:
    """What is drawn over one axis; `axis` names the figure and its unit."""

    axis: str
    series: Sequence[Series]


def lines(title: str, panels: Sequence[Panel], step: float, marks: Sequence[tuple[float, str]] = ()) -> str:
    """One panel under the other over the same seconds; values are `step` seconds apart, none is negative.

    `marks` are moments: seconds and what happened.
    """
    seconds = max(len(series.values) for panel in panels for series in panel.series) * step
    height = TOP + len(panels) * (PANEL + GAP) - GAP + FOOT
    room = WIDTH - LEFT - RIGHT

    def x(value: float) -> float:
        return round(LEFT + room * value / seconds, 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'font-family="system-ui, sans-serif" font-size="12" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="b" width="{WIDTH}" height="{height}"/>',
        f'<text x="16" y="26" font-size="15" font-weight="600">{escape(title)}</text>',
    ]
    across = nice_step(seconds)
    bottom = TOP + len(panels) * (PANEL + GAP) - GAP
    for at, label in marks:
        for number in range(len(panels)):
            top = TOP + number * (PANEL + GAP)
            parts.append(f'<line class="m" x1="{x(at)}" y1="{top}" x2="{x(at)}" y2="{top + PANEL}"/>')
        side = "end" if x(at) > WIDTH * 0.7 else "start"
        parts.append(f'<text class="s" x="{x(at)}" y="{TOP - 30}" text-anchor="{side}">{escape(label)}</text>')
    for number, panel in enumerate(panels):
        top = TOP + number * (PANEL + GAP)
        parts += _panel(panel, top, x, step)
        for tick in range(int(seconds / across * 1.0001) + 1):
            parts.append(
                f'<text class="s" x="{x(tick * across)}" y="{top + PANEL + 17}" text-anchor="middle">'
                f"{tick * across:g}</text>"
            )
    parts.append(f'<text class="s" x="{LEFT + room / 2}" y="{bottom + 38}" text-anchor="middle">time, s</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(panel: Panel, top: int, x: object, step: float) -> list[str]:
    assert callable(x)
    greatest = max(float(max(series.values, default=0.0)) for series in panel.series) or 1.0
    tick = nice_step(greatest)
    end = tick * math.ceil(greatest / tick * 1.0001)

    def y(value: float) -> float:
        return round(top + PANEL * (1 - value / end), 1)

    parts = [f'<text class="s" x="{LEFT}" y="{top - 9}">{escape(panel.axis)}</text>']
    place = float(WIDTH - RIGHT)
    if len(panel.series) > 1:
        for series in reversed(panel.series):
            parts.append(f'<text x="{place:.1f}" y="{top - 9}" text-anchor="end">{escape(series.label)}</text>')
            place -= 6.3 * len(series.label) + 8
            ends = f'x1="{place - 20:.1f}" y1="{top - 13}" x2="{place:.1f}" y2="{top - 13}"'
            parts.append(f'<line class="l c{series.colour}" {ends}/>')
            place -= 42
    for number in range(round(end / tick) + 1):
        level = y(number * tick)
        parts.append(f'<line class="g" x1="{LEFT}" y1="{level}" x2="{WIDTH - RIGHT}" y2="{level}"/>')
        parts.append(f'<text class="s" x="{LEFT - 8}" y="{level + 4}" text-anchor="end">{short(number * tick)}</text>')
    for series in panel.series:
        points = " ".join(f"{x((at + 0.5) * step)},{y(value)}" for at, value in enumerate(series.values))
        parts.append(f'<polyline class="l c{series.colour % COLOURS}" points="{points}"/>')
    return parts


def short(value: float) -> str:
    """A number in few characters: 1.5 M, 20 k, 300, 0.25."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g}"
