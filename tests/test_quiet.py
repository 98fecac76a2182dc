"""Quiet hours: past midnight, in a time zone, by topic."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from ticker.quiet import Hours, until

NIGHT = Hours.parse("22:00-07:00 Europe/Madrid")


def at(text: str) -> int:
    """Milliseconds of a moment in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-11-25T21:00", "2026-11-26T06:00"),  # 22:00 there
        ("2026-11-26T02:30", "2026-11-26T06:00"),
        ("2026-11-26T06:00", ""),
        ("2026-11-25T20:59", ""),
        ("2026-07-01T20:00", "2026-07-02T05:00"),  # in summer
        ("2026-10-24T22:00", "2026-10-25T06:00"),  # the night in which the clocks go back
    ],
)
def test_they_end_by_the_clock_on_the_wall(now: str, end: str) -> None:
    """Also past midnight, and when the clocks change."""
    assert (at(end) if end else 0) == NIGHT.until(at(now))


def test_within_a_day_they_are_as_they_say() -> None:
    """Without a midnight between."""
    siesta = Hours.parse("14:00-16:30 UTC")
    assert at("2026-11-25T16:30") == siesta.until(at("2026-11-25T15:00"))
    assert 0 == siesta.until(at("2026-11-25T16:30")) == siesta.until(at("2026-11-25T13:59"))


@pytest.mark.parametrize(
    "text", ["", "22:00-07:00", "24:00-07:00 UTC", "22:00-22:00 UTC", "22:00-07:00 Nowhere/Town", "22:00-07:00 ../x"]
)
def test_anything_else_is_refused(text: str) -> None:
    """With what is wrong."""
    with pytest.raises(ValueError, match=r"is no|begins|names no"):
        Hours.parse(text)


def test_a_push_waits_only_when_all_of_its_topics_are_quiet() -> None:
    """A topic without hours of its own is under those of the channel; who follows none, too."""
    hours = {"all": NIGHT, "cup": Hours.parse("01:00-02:00 UTC")}
    midnight = at("2026-11-26T00:00")
    assert at("2026-11-26T06:00") == until(hours, [], midnight) == until(hours, ["rain"], midnight)
    assert 0 == until(hours, ["cup"], midnight) == until(hours, ["cup", "rain"], midnight) == until({}, [], midnight)
    assert at("2026-11-26T02:00") == until(hours, ["cup", "rain"], at("2026-11-26T01:30"))
