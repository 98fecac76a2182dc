"""The widget as one file, in every version that is still given out: its bytes, its address and its hash.

A version's address names its version and its bytes, so whatever lies there can be kept for ever.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

_INSTALLED = Path(__file__).parent / "web"
WEB = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parent.parent / "web"
"""`web/` inside the wheel, or beside the package in a checkout."""

SCRIPT = "breaking-ticker.js"
_NAME = re.compile(r"breaking-ticker-(\d+)\.(\d+)\.(\d+)\.js")
_MARK = 10
"""Hex digits of the hash in an address: enough to tell apart what one house has ever built."""


@dataclass(frozen=True, slots=True)
class Release:
    """One version of the file."""

    version: str
    body: bytes
    packed: bytes
    """The same for who takes gzip."""
    name: str
    """What stands in its address: `1.0.0-3f9a2c1b08`."""
    integrity: str
    """What a page gives as `integrity` (Subresource Integrity, SHA-384)."""

    @classmethod
    def of(cls, version: str, body: bytes) -> Release:
        """The release with these bytes."""
        mark = hashlib.sha256(body).hexdigest()[:_MARK]
        integrity = "sha384-" + base64.b64encode(hashlib.sha384(body).digest()).decode()
        return cls(version, body, gzip.compress(body, 9, mtime=0), f"{version}-{mark}", integrity)

    @property
    def path(self) -> str:
        """Where it lies for good."""
        return f"/widget/{self.name}/{SCRIPT}"


class Releases:
    """All versions in a folder, the newest last."""

    def __init__(self, folder: Path = WEB / "widget" / "bundle") -> None:
        """Reads the folder once."""
        found = [(match, path) for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))]
        found.sort(key=lambda pair: tuple(map(int, pair[0].groups())))
        self.all = [Release.of(".".join(match.groups()), path.read_bytes()) for match, path in found]
        self._named = {release.name: release for release in self.all}

    @property
    def newest(self) -> Release:
        """What the address without a version leads to."""
        return self.all[-1]

    def get(self, name: str) -> Release | None:
        """The release with this name in its address."""
        return self._named.get(name)
