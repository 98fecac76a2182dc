"""What a process holds of what it may hold, and how often its store failed: looked at when somebody asks."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from ticker.metrics import Metrics
from ticker.places import MIB, Descriptors, resident
from ticker.store import FAILURES, KINDS


class Vitals:
    """Notes the figures of this process that nothing else counts."""

    def __init__(
        self, metrics: Metrics, *, readers: int = 0, memory: int = 0, beside: Callable[[], None] | None = None
    ) -> None:
        """`readers` and `memory` (MB) are what it may have, 0 for no limit; `beside` is looked at, too."""
        self._metrics = metrics
        self._readers = readers
        self._memory = memory * MIB
        self._beside = beside
        self._descriptors = Descriptors.of_process().readers
        self._failures = dict(FAILURES)
        # Two may ask at once, from threads of their own.
        self._lock = threading.Lock()

    def look(self) -> None:
        """Note how everything stands."""
        with self._lock:
            for kind in KINDS:
                # From the first look on, so that the first failure is seen as a rise.
                self._metrics.store_failed(kind, FAILURES[kind] - self._failures.get(kind, 0))
            self._failures = dict(FAILURES)
        self._metrics.holds(
            memory=(resident(), self._memory), descriptors=(descriptors(), self._descriptors), readers=self._readers
        )
        if self._beside is not None:
            self._beside()


def descriptors() -> int:
    """Descriptors in use, or a few less: the kernel gives the lowest number that is free."""
    try:
        number = os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return Descriptors.of_process().requests
    os.close(number)
    return number
