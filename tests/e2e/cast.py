"""Who takes part: the service, the pages of its readers, and what those pages complain of."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol

from playwright.sync_api import Page


class Service(Protocol):
    """A running server with the built-in channels."""

    url: str
    key: str

    def post(self, channel: str, headline: str, **fields: Any) -> dict[str, Any]: ...
    def retract(self, channel: str, item_id: str, reason: str) -> dict[str, Any]: ...
    def stop(self) -> object: ...
    def start(self) -> None: ...
    def kill(self) -> None: ...


NewPage = Callable[..., Page]


class Complaints:
    """What the pages of one test said that no page should say."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._allowed: list[str] = []

    def allow(self, pattern: str) -> None:
        """Expect complaints that match: a test that cuts the line makes the browser say so."""
        self._allowed.append(pattern)

    @property
    def unexpected(self) -> list[str]:
        """What no test allowed."""
        return [said for said in self.heard if not any(re.search(allowed, said) for allowed in self._allowed)]
