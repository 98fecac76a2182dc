"""What goes wrong at a provider, as a test wants it to."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fault:
    """An answer other than the usual one.

    `status` and `body` are answered; 0 is no answer at all, until the other side gives up. `taken`: the notice was
    taken all the same. `goaway`: the connection ends before the request is looked at (HTTP/2).
    """

    status: int = 500
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    taken: bool = False
    goaway: bool = False


@dataclass
class Script:
    """The faults of a provider, in the order in which requests come, or as a rule says."""

    queue: deque[Fault | None] = field(default_factory=deque)
    rule: Callable[[str], Fault | None] | None = None
    silent: asyncio.Event = field(default_factory=asyncio.Event)
    """Never set: what waits for it is not answered."""

    def next(self, target: str) -> Fault | None:
        """The fault of this request, if it has one."""
        if self.queue:
            return self.queue.popleft()
        return self.rule(target) if self.rule else None


@dataclass
class Complaints:
    """What a provider found wrong with requests."""

    told: list[str] = field(default_factory=list)

    def check(self, fine: object, sentence: str) -> bool:
        """Note the sentence unless it is fine."""
        if not fine:
            self.told.append(sentence)
        return bool(fine)
