"""Quiet hours: a part of each day, in a time zone, in which phones are left alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d) ([A-Za-z0-9_+/-]{1,64})", re.ASCII)
ALL = "all"
"""The name under which the quiet hours of a whole channel stand, for targets that follow no topic."""


@dataclass(frozen=True, slots=True)
class Hours:
    """From one minute of the day to another, past midnight when the second is the smaller one."""

    begin: int
    end: int
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: str) -> Self:
        """`22:00-07:00 Europe/Madrid`. Raises ValueError for anything else."""
        match = _HOURS.fullmatch(text)
        if match is None:
            raise ValueError("is no time like '22:00-07:00 Europe/Madrid'")
        begin, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
        if begin == end:
            raise ValueError("begins when it ends")
        try:
            zone = ZoneInfo(match[5])
        except (OSError, ValueError, KeyError):
            raise ValueError(f"names no time zone: '{match[5]}'") from None
        return cls(begin, end, zone)

    def until(self, now: int) -> int:
        """When they end, milliseconds, if they are at this moment; 0 when they are not."""
        moment = datetime.fromtimestamp(now / 1000, UTC).astimezone(self.zone)
        minute = moment.hour * 60 + moment.minute
        past_midnight = self.begin > self.end
        inside = minute >= self.begin or minute < self.end if past_midnight else self.begin <= minute < self.end
        if not inside:
            return 0
        end = moment.replace(hour=self.end // 60, minute=self.end % 60, second=0, microsecond=0)
        if past_midnight and minute >= self.begin:
            end += timedelta(days=1)
        # By the wall: across a change of the clocks the hours are as long as the wall says.
        return max(int(end.timestamp() * 1000), now + 1)


def until(hours: Mapping[str, Hours], topics: Iterable[str], now: int) -> int:
    """When the last of these topics is loud again, if all of them are quiet now; 0 when one may ring.

    Whoever follows no topic is under the hours of the channel, and so is a topic that has none of its own.
    """
    ends = []
    for topic in list(topics) or [ALL]:
        found = hours.get(topic) or hours.get(ALL)
        end = found.until(now) if found else 0
        if not end:
            return 0
        ends.append(end)
    return min(ends)
