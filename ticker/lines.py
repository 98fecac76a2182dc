"""Where the keys of a TOML document stand, so that a wrong value can be refused with its line.

The standard parser tells the lines of what is no TOML, but not those of what it has read.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence

Path = tuple[str | int, ...]
"""The keys that lead to a value; the elements of an array count from 0."""

_TOKEN = re.compile(
    r'''(?P<blank>[ \t\r]+|\#[^\n]*)
      | (?P<line>\n)
      | (?P<text>"""(?:[^"\\]|\\.|"(?!""))*"{3,5}  # up to two quotes may stand before the three that end it
               | \'\'\'(?:[^']|'(?!\'\'))*\'{3,5}
               | "(?:[^"\\]|\\.)*"
               | '[^']*')
      | (?P<mark>[\[\]{},=.])
      | (?P<word>[^\s\[\]{},=.\#"']+)''',
    re.VERBOSE | re.DOTALL,
)


def lines(document: str) -> dict[Path, int]:
    """Every table, key and element of an array in a valid document → its line, from 1. What is not valid is a guess."""
    return _Reading().read(document)


def nearest(known: dict[Path, int], path: Sequence[str | int]) -> int | None:
    """The line of what this path leads to, or, where that is missing, of the nearest above it that is there."""
    ways = (tuple(path[:length]) for length in range(len(path), 0, -1))
    return next((known[way] for way in ways if way in known), None)


class _Reading:
    """Reads from token to token. It trusts that the parser has taken the document, and checks nothing again."""

    def __init__(self) -> None:
        self._found: dict[Path, int] = {}
        self._table: Path = ()  # the one that the last header opened
        self._arrays: dict[Path, int] = {}  # arrays of tables, and which of its tables is being filled
        self._keys: list[str] = []  # of the key or the header that is being read
        self._line = 0  # where it began
        self._brackets = 0  # of the header
        self._value: Path | None = None  # whose value is being read; None where a key or a header can stand
        self._within: list[tuple[Path, bool]] = []  # arrays and inline tables that are open; True: an array
        self._counts: list[int] = []  # for each of them, the elements that have ended

    def read(self, document: str) -> dict[Path, int]:
        line = 1
        for token in _TOKEN.finditer(document):
            if token.lastgroup != "blank":
                if self._value is None:
                    self._in_key(token[0], line)
                else:
                    self._in_value(self._value, token[0], line)
            line += token[0].count("\n")
        return self._found

    def _in_key(self, token: str, line: int) -> None:
        match token:
            case "[":
                self._brackets += 1
            case "]" if self._keys:
                self._table = self._note(())
            case "=":
                self._value = self._note(self._within[-1][0] if self._within else self._table)
            case "}":
                self._close()
            case "\n":
                self._brackets = 0
            case "]" | "." | ",":
                pass
            case _:
                if not self._keys:
                    self._line = line
                self._keys.append(_plain(token))

    def _in_value(self, path: Path, part: str, line: int) -> None:
        within, in_array = self._within[-1] if self._within else ((), False)
        match part:
            case "]" | "}":
                self._close()
            case ",":
                self._counts[-1] += 1
                if not in_array:
                    self._value = None
            case "\n":
                if not self._within:
                    self._value = None
            case _:
                if in_array:
                    path = (*within, self._counts[-1])
                    self._found.setdefault(path, line)
                if part in ("[", "{"):
                    self._within.append((path, part == "["))
                    self._counts.append(0)
                    self._value = path if part == "[" else None

    def _close(self) -> None:
        self._value, _ = self._within.pop()
        self._counts.pop()

    def _note(self, path: Path) -> Path:
        """Note the keys that were read, below this path. Returns the path that they lead to."""
        for number, key in enumerate(self._keys, 1):
            path = (*path, key)
            self._found.setdefault(path, self._line)
            if self._brackets == 2 and number == len(self._keys):
                self._arrays[path] = self._arrays.get(path, -1) + 1
            if path in self._arrays:
                path = (*path, self._arrays[path])
        self._keys.clear()
        # A table that was only named on the way to another before has its own header here.
        self._found[path] = self._line
        return path


def _plain(token: str) -> str:
    """A key without its quotes."""
    if token[0] == "'":
        return token[1:-1]
    return str(tomllib.loads(f"key = {token}")["key"]) if token[0] == '"' else token
