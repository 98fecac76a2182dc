"""What is simulated, and what is told of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bench.scaling.figures import Figures
from bench.scaling.rules import Rules

Indices = NDArray[np.int32]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Setting:
    """What is simulated; times in seconds."""

    rules: Rules
    costs: Figures
    readers: int
    processes: int
    seconds: float
    step: float = 0.05
    seed: int = 1
    cores: int = 0
    """Cores for all processes, dealt out in turn; 0: one for each."""
    obedient: float = 0.0
    """Part of the readers who come back when Retry-After says. A browser cannot read it from a WebSocket."""
    present: float = 1.0
    """Part of the readers who have a line at the start; the others come by `arrive`."""
    fewest: bool = False
    """Whether the balancer draws two processes, and takes the one with fewer readers."""


@dataclass
class History:
    """One value for each step."""

    joins: Floats
    attempts: Floats
    refused: Floats
    away: Floats
    """Readers without a line, of those who want one."""
    polling: Floats
    """Of those, readers who poll meanwhile."""
    fullest: Floats
    """Readers of the process that has most."""
    queue: Floats
    """Seconds that the busiest core is behind."""
    running: Floats
    """Processes."""
    alerts: list[tuple[float, float, int]] = field(default_factory=list)
    """When, seconds to the last of those who had a line, and how many had none."""

    @classmethod
    def of(cls, steps: int) -> History:
        """Nothing yet."""
        joins, attempts, refused, away, polling, fullest, queue, running = (np.zeros(steps) for _ in range(8))
        return cls(joins, attempts, refused, away, polling, fullest, queue, running)
