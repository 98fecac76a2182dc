"""The provider that sends nothing and prints what it would send, one JSON object a line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, TextIO

from ticker import wire
from ticker.bridges.notice import Notice
from ticker.bridges.provider import ACCEPTED, Answer
from ticker.bridges.target import Target
from ticker.item import Item

NAME = "log"


class LogProvider:
    """The default when no provider is configured."""

    name = NAME

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out

    def audiences(self, item: Item) -> Sequence[Target]:
        """Whoever reads what is printed."""
        return [Target(id=NAME, provider=NAME, address=NAME, topics=item.push.topics)]

    async def send(self, notice: Notice, target: Target, row: str) -> Answer:
        """Print what a phone would be told."""
        print(wire.encode(shown(notice)).decode(), file=self._out or sys.stdout, flush=True)
        return ACCEPTED

    async def rehearse(self, notice: Notice, target: Target, row: str) -> str:
        """The same, without printing it."""
        return wire.encode(shown(notice)).decode()

    async def close(self) -> None:
        """Nothing is open."""


def shown(notice: Notice) -> dict[str, Any]:
    """What a phone would be told by this notice."""
    return {
        "would_send": notice.action,
        "channel": notice.channel,
        "id": notice.id,
        "version": notice.version,
        "title": notice.title,
        "body": notice.body,
        "level": notice.level,
        "ttl": notice.ttl,
    }
