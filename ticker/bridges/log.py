"""The provider that sends nothing and prints what it would send, one JSON object a line."""

from __future__ import annotations

import sys
from typing import TextIO

from ticker import wire
from ticker.entry import Entry


class LogProvider:
    """The default when no provider is configured."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out

    async def send(self, entry: Entry) -> None:
        """Print the act, the item and its version."""
        item = entry.item
        told = {
            "would_send": entry.act,
            "channel": item.channel,
            "id": item.id,
            "version": item.version,
            "cursor": str(entry.cursor),
        }
        if item.pubstatus == "canceled":
            told["body"] = f"Alert withdrawn: {item.correction_note}"
        else:
            told["body"] = f"{item.attribution}: {item.headline}" if item.attribution else item.headline
        print(wire.encode(told).decode(), file=self._out, flush=True)
