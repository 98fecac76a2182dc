"""The product's own rules and limits, read from where they stand, so that model and product cannot drift apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ticker import drain, places, tail
from ticker.serve import BACKLOG
from ticker.settings import Settings
from ticker.stream import PULSE_MS

WIDGET = Path(__file__).parents[2] / "web" / "widget" / "connection.js"
BUILT_IN_CHANNELS = 3
_CONSTANT = re.compile(r"^const ([A-Z_]+) = ([0-9_]+);$", re.MULTILINE)
_GROWTH = re.compile(r"Math\.max\(min, 1\) \* 2 \*\* \(this\.#failures \+ (\d+)\)")


def widget_constants(source: str) -> dict[str, int]:
    """The numbers at the head of the widget's connection, by name, and `FIRST_DOUBLINGS` out of its back-off.

    Raises SystemExit when the back-off is not written as it is known here.
    """
    found = {name: int(value) for name, value in _CONSTANT.findall(source)}
    growth = _GROWTH.search(source)
    if growth is None:
        raise SystemExit(
            "bench.scaling: the back-off in web/widget/connection.js is no longer the one that is modelled"
        )
    return found | {"FIRST_DOUBLINGS": int(growth[1])}


@dataclass(frozen=True)
class Client:
    """How a reader comes back (web/widget/connection.js); times in seconds."""

    least: float
    most: float
    first_doublings: int
    """The first bound is `least` times two to this; it doubles with each failure."""
    silence: float
    opening: float
    stable: float
    poll: float
    patience: float
    failures_before_polling: int

    def bound(self, failures: int) -> float:
        """The longest delay after so many failures in a row."""
        return min(self.most, max(self.least, 0.001) * 2.0 ** (failures + self.first_doublings))


@dataclass(frozen=True)
class Door:
    """What a fan-out process lets in (ticker/places.py)."""

    most: int
    rate: float
    """Readers a second; 0 is no limit."""
    burst: float
    """Seconds of that which may come at once."""
    full_after: float
    """Seconds told to those who find no place."""
    longest_after: float
    backlog: int
    """Connections that the kernel keeps for a process that is busy (ticker/serve.py)."""


@dataclass(frozen=True)
class Leaving:
    """How a process sends its readers away (ticker/drain.py)."""

    seconds: float
    notice: float
    """Part of `seconds` in which nobody is sent away yet."""
    slices: int
    least: float
    most: float
    spread: float
    """Seconds by which each reader widens the time over which they come back."""

    def bound(self, readers: int) -> float:
        """The longest delay that one of so many is told."""
        return max(self.least, min(2 * self.least + self.spread * readers, self.most))


@dataclass(frozen=True)
class Rules:
    """All of it, by the settings' defaults or by those given."""

    client: Client
    door: Door
    leaving: Leaving
    heartbeat: float
    pulse: float
    """Seconds between two heartbeats of the log."""
    store_back_off: tuple[float, float]
    log_again: float
    """Seconds until one log is tried again that could not be read, while others could."""
    ring: int
    channels: int = BUILT_IN_CHANNELS


def rules(settings: Settings | None = None, source: str | None = None) -> Rules:
    """The rules under these settings; without any, under the defaults. `source` is the widget's connection."""
    settings = settings or Settings()
    script = widget_constants(WIDGET.read_text(encoding="utf-8") if source is None else source)
    least, most = settings.reconnect_min_ms / 1000, settings.reconnect_max_ms / 1000
    return Rules(
        Client(
            least,
            most,
            script["FIRST_DOUBLINGS"],
            script["SILENCE_MS"] / 1000,
            script["OPENING_MS"] / 1000,
            script["STABLE_MS"] / 1000,
            script["POLL_MS"] / 1000,
            script["PATIENCE_MS"] / 1000,
            script["FAILURES_BEFORE_POLLING"],
        ),
        Door(
            settings.max_readers,
            settings.accept_rate,
            places.BURST_SECONDS,
            places.POLL_AFTER,
            places.LONGEST_AFTER,
            BACKLOG,
        ),
        Leaving(settings.drain, drain.NOTICE, drain.SLICES, least, most, drain.SPREAD_MS / 1000),
        settings.heartbeat,
        PULSE_MS / 1000,
        tail.BACK_OFF,
        tail.AGAIN_SECONDS,
        settings.ring,
    )
