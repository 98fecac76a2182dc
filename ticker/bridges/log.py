"""The provider that sends nothing and prints what it would send, one JSON object a line."""

from __future__ import annotations

import sys
from typing import Any, TextIO

from ticker import wire
from ticker.entry import Entry


class LogProvider:
    """The default when no provider is configured."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out

    async def send(self, entry: Entry) -> None:
        """Print the act, the item and its version."""
        print(wire.encode(told(entry)).decode(), file=self._out, flush=True)


def told(entry: Entry) -> dict[str, Any]:
    """What a phone would be told of this act."""
    item = entry.item
    if item.pubstatus == "canceled":
        body = f"Alert withdrawn: {item.correction_note}"
    else:
        headline = item.push_headline or item.headline
        body = f"{item.attribution}: {headline}" if item.attribution and not item.push_headline else headline
    return {
        "would_send": entry.act,
        "channel": item.channel,
        "id": item.id,
        "version": item.version,
        "cursor": str(entry.cursor),
        "body": body,
    }
