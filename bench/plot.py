"""A bar chart as SVG: medians as bars, every round as a dot, what has to be reached as a line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, LABELS, VALUES, ROW, TOP, BOTTOM = 760, 200, 80, 30, 72, 52
PLAIN, OURS, REFERENCE = "#9db4c8", "#1f5fa8", "#8a8a8a"
TICKS = 6


@dataclass(frozen=True)
class Bar:
    """One row: its median, and the rounds that it is the median of."""

    label: str
    value: float
    rounds: Sequence[float] = ()
    colour: str = PLAIN


@dataclass(frozen=True)
class Line:
    """A value that is to be seen across all rows."""

    value: float
    label: str


def bars(title: str, axis: str, rows: Sequence[Bar], line: Line | None = None, digits: int = 2) -> str:
    """The chart; `axis` names the figure and its unit. Every value is at least 0."""
    shown = [row.value for row in rows] + [value for row in rows for value in row.rounds]
    greatest = max([*shown, line.value if line else 0.0]) or 1.0
    step = nice_step(greatest)
    end = step * math.ceil(greatest / step * 1.0001)
    room = WIDTH - LABELS - VALUES
    foot = TOP + ROW * len(rows)

    def x(value: float) -> float:
        return round(LABELS + room * value / end, 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {foot + BOTTOM}" width="{WIDTH}" '
        f'height="{foot + BOTTOM}" font-family="system-ui, sans-serif" font-size="13" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{foot + BOTTOM}" fill="#ffffff"/>',
        f'<text x="16" y="28" font-size="16" font-weight="600" fill="#1c1c1c">{escape(title)}</text>',
    ]
    for number in range(round(end / step) + 1):
        value = number * step
        parts.append(f'<line x1="{x(value)}" y1="{TOP - 6}" x2="{x(value)}" y2="{foot}" stroke="#e3e3e3"/>')
        parts.append(f'<text x="{x(value)}" y="{foot + 18}" text-anchor="middle" fill="#555555">{value:,.10g}</text>')
    parts.append(
        f'<text x="{LABELS + room / 2}" y="{foot + 40}" text-anchor="middle" fill="#333333">{escape(axis)}</text>'
    )
    for number, row in enumerate(rows):
        middle = TOP + ROW * number + ROW / 2 - 3
        width = round(x(row.value) - LABELS, 1)
        parts += [
            f'<text x="{LABELS - 10}" y="{middle + 4}" text-anchor="end" fill="#1c1c1c">{escape(row.label)}</text>',
            f'<rect x="{LABELS}" y="{middle - 9}" width="{width}" height="18" fill="{row.colour}"/>',
        ]
        parts += [
            f'<circle cx="{x(value)}" cy="{middle}" r="2.5" fill="#ffffff" stroke="#333333"/>' for value in row.rounds
        ]
        furthest = max([row.value, *row.rounds])
        parts.append(f'<text x="{x(furthest) + 8:.1f}" y="{middle + 4}" fill="#333333">{row.value:,.{digits}f}</text>')
    if line is not None:
        parts.append(
            f'<line x1="{x(line.value)}" y1="{TOP - 10}" x2="{x(line.value)}" y2="{foot}" stroke="#b3261e" '
            'stroke-dasharray="5 4"/>'
        )
        side = "end" if x(line.value) > WIDTH * 0.7 else "start"
        parts.append(
            f'<text x="{x(line.value)}" y="{TOP - 14}" text-anchor="{side}" fill="#b3261e" '
            f'font-size="12">{escape(line.label)}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def nice_step(greatest: float) -> float:
    """1, 2 or 5 times a power of ten, so that about six of them reach `greatest`."""
    rough = greatest / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    return next(times * power for times in (1, 2, 5, 10) if times * power >= rough * 0.9999)
