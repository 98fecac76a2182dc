"""A line on which a test says what comes, so that it can send what no server of ours sends."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Page, WebSocketRoute


class Feed:
    """A line on which a test says what comes."""

    def __init__(self, page: Page, *items: dict[str, Any]) -> None:
        self.items = items
        self._lines: list[WebSocketRoute] = []
        self._n = 0
        page.route_web_socket("**/live*", self._open)

    def _open(self, line: WebSocketRoute) -> None:
        self._lines.append(line)
        self.send(type="snapshot", items=self.items)

    def send(self, **frame: Any) -> None:
        """One frame with the next cursor."""
        self._n += 1
        self._lines[-1].send(json.dumps({"channel": "en", "cursor": f"1-{self._n}", **frame}))

    def entry(self, act: str, item: dict[str, Any]) -> None:
        """One act."""
        self.send(type="entry", previous=f"1-{self._n}", act=act, item=item)


def alert(item_id: str, version: int = 1, **fields: Any) -> dict[str, Any]:
    """An item as it comes over the line."""
    return {"id": item_id, "version": version, "channel": "en", "headline": f"Alert {item_id}", **fields}
