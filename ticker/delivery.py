"""What one broadcast did: for how many readers the kernel took what, and when."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Delivery:
    """Frames that were handed to the kernel since `began`: one broadcast, or one reader catching up.

    Times are those of `time.monotonic`, in seconds.
    """

    began: float
    ended: float = 0.0
    frames: int = 0
    """Entries times readers."""
    size: int = 0
    """Bytes that the kernel, or the transport, took."""
    readers: int = 0
    """Readers who were written to."""
    lagging: int = 0
    """Readers who were passed over, since they take nothing at the moment."""
    reached: dict[str, list[tuple[float, int]]] = field(default_factory=dict)
    """By the cursor of an entry: how many more readers had it at which moment, in the order of time."""
