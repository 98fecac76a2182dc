"""The rolling window of a channel: a pure fold of its entries, without clock and without I/O.

`web/widget/window.js` is the same fold in the browser; `tests/cases/window.json` holds both to the same answers.
"""

from __future__ import annotations

from typing import Any, Generic, Protocol, TypeVar

TOMBSTONES = 1000
"""Ids of withdrawn items that are remembered, newest last; what falls out is older than any client that can resume."""

REPLACE = frozenset({"update", "correct", "pin", "unpin"})
REMOVE = frozenset({"retract", "expire"})


class Versioned(Protocol):
    """What the window needs to know of an item."""

    @property
    def id(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def pinned_until(self) -> Any: ...


T = TypeVar("T", bound=Versioned)


class Window(Generic[T]):
    """The current text of the last `size` items that can be shown.

    Withdrawn items take no place: ten retractions do not push out ten alerts.
    """

    def __init__(self, size: int = 10) -> None:
        self.size = size
        self._items: dict[str, T] = {}  # oldest first, in the order of publishing
        self._gone: dict[str, int] = {}  # id -> version that took it away, oldest first

    def apply(self, act: str, item: T) -> bool:
        """Fold one entry in. False when it changed nothing: older than what is known, unknown, or out of the window."""
        if item.id in self._gone:
            return False
        known = self._items.get(item.id)
        if known is not None and known.version >= item.version:
            return False
        if act == "publish" or (act in REPLACE and known is not None):
            self._items[item.id] = item
            self._trim()
            return item.id in self._items
        if act in REMOVE:
            self._items.pop(item.id, None)
            self._gone[item.id] = item.version
            if len(self._gone) > TOMBSTONES:
                del self._gone[next(iter(self._gone))]
            return True
        return False

    def _trim(self) -> None:
        if len(self._items) <= self.size:
            return
        oldest = next((item.id for item in self._items.values() if not pinned(item)), next(iter(self._items)))
        del self._items[oldest]

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._items

    @property
    def items(self) -> list[T]:
        """Newest first, pinned ones before them."""
        newest = list(reversed(self._items.values()))
        return sorted(newest, key=lambda item: not pinned(item))

    @property
    def tombstones(self) -> list[str]:
        """Ids of items that were withdrawn, oldest first."""
        return list(self._gone)


def pinned(item: Versioned) -> bool:
    """Whether the item stands before the others."""
    return item.pinned_until is not None
