"""A phone as its reader sees it: what stands on it, how often it rang. Between it and the provider: a mailbox."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Shown:
    """One notification."""

    version: int
    action: str
    body: str


@dataclass
class Phone:
    """Shows one notification for each item, in its newest version; older ones that come late change nothing."""

    shown: dict[str, Shown] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)
    """Newest version of each item that ever came, also when nothing of it stands any more."""
    rung: list[tuple[str, int]] = field(default_factory=list)
    taken: list[tuple[str, int]] = field(default_factory=list)
    """Every notice that came, repetitions included."""

    def take(self, told: dict[str, Any], body: str, *, sound: bool) -> None:
        """What the app does with a notice."""
        item, version = str(told["id"]), int(told["version"])
        self.taken.append((item, version))
        if version <= self.seen.get(item, 0):
            return
        self.seen[item] = version
        if told["action"] == "clear":
            self.shown.pop(item, None)
            return
        self.shown[item] = Shown(version, str(told["action"]), body)
        if sound:
            self.rung.append((item, version))


@dataclass
class Waiting:
    """A notice that waits for its phone; `until` in seconds of the provider's clock."""

    until: float
    told: dict[str, Any]
    body: str
    sound: bool


class Mailbox:
    """What a provider keeps for one phone."""

    def __init__(self, clock: Callable[[], float], shuffle: random.Random | None = None) -> None:
        """With `shuffle` it promises no order."""
        self.phone = Phone()
        self.online = True
        self._clock = clock
        self._shuffle = shuffle
        self._waiting: dict[str, Waiting] = {}
        self._number = 0

    def put(self, waiting: Waiting, collapse: str = "") -> None:
        """Keep a notice, in place of an earlier one of the same key; deliver it when the phone is there."""
        self._number += 1
        key = collapse or f"#{self._number}"
        self._waiting.pop(key, None)
        self._waiting[key] = waiting
        if self.online:
            self.deliver()

    def deliver(self) -> None:
        """Give the phone what waits and is not over."""
        found = list(self._waiting.values())
        self._waiting.clear()
        if self._shuffle is not None:
            self._shuffle.shuffle(found)
        for waiting in found:
            if waiting.until > self._clock():
                self.phone.take(waiting.told, waiting.body, sound=waiting.sound)

    def come_back(self) -> None:
        """The phone has a line again."""
        self.online = True
        self.deliver()
