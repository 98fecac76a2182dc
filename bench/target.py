"""Where a gauge reads and posts."""

from dataclasses import dataclass


class RoundError(Exception):
    """The server did something that makes this round worthless: refused, closed, or never answered."""


@dataclass(frozen=True)
class Target:
    """Frames that do not begin with `alert_prefix` are no alerts: snapshots, heartbeats."""

    port: int
    live_path: str
    post_path: str
    post_headers: tuple[str, ...] = ()
    alert_prefix: bytes = b""
