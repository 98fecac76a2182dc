"""The rolling window of a channel: a pure fold of its entries, without clock and without I/O.

`web/widget/window.js` is the same fold in the browser; `tests/cases/window.json` holds both to the same answers.
"""

from __future__ import annotations

from typing import Any, Generic, Protocol, TypeVar

TOMBSTONES = 1000
"""Ids of withdrawn items that are remembered, newest last; what falls out is older than any client that can resume."""

REPLACE = frozenset({"update", "correct", "pin", "unpin"})
REMOVE = frozenset({"retract", "expire"})
FINAL = "retract"
"""After this act nothing with the item's id comes back, whatever its version."""


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
        self._gone: dict[str, int | None] = {}  # id -> version that took it away, None for good; oldest first
        self.evicted = ""
        """Id of the item that left for want of room with the last entry, if one did."""

    def apply(self, act: str, item: T) -> bool:
        """Fold one entry in. False when it changed nothing: older than what is known, unknown, or out of the window."""
        self.evicted = ""
        known = self._items.get(item.id)
        if self._over(item) or (known is not None and known.version >= item.version):
            return False
        if act in REMOVE:
            self._items.pop(item.id, None)
            self._bury(item.id, None if act == FINAL else item.version)
            return True
        if act == "publish":
            # What is published again, moved up or released, stands as if it were new.
            self._items.pop(item.id, None)
            self._gone.pop(item.id, None)
            self._items[item.id] = item
            self._trim()
            return item.id in self._items
        if act in REPLACE and known is not None:
            self._items[item.id] = item
            return True
        return False

    def _over(self, item: T) -> bool:
        if item.id not in self._gone:
            return False
        version = self._gone[item.id]
        return version is None or item.version <= version

    def _bury(self, item_id: str, version: int | None) -> None:
        self._gone.pop(item_id, None)
        self._gone[item_id] = version
        if len(self._gone) > TOMBSTONES:
            del self._gone[next(iter(self._gone))]

    def _trim(self) -> None:
        if len(self._items) <= self.size:
            return
        oldest = next((item.id for item in self._items.values() if not pinned(item)), next(iter(self._items)))
        del self._items[oldest]
        self.evicted = oldest

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._items

    @property
    def items(self) -> list[T]:
        """Newest first, pinned ones before them."""
        newest = list(reversed(self._items.values()))
        return sorted(newest, key=lambda item: not pinned(item))

    @property
    def tombstones(self) -> list[str]:
        """Ids of items that were withdrawn or have expired, and did not come back; the newest last."""
        return list(self._gone)

    @property
    def gone(self) -> dict[str, int | None]:
        """The same, each with the version that took it away; None for one that never comes back."""
        return dict(self._gone)


def pinned(item: Versioned) -> bool:
    """Whether the item stands before the others."""
    return item.pinned_until is not None
