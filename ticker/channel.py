"""A channel: a named feed with a language, a direction and its controlled lists.

The channels stand in a TOML file, which is refused by file, line and reason; what differs after it was read again is
told by name.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    ValidationError,
)

from ticker.errors import SettingsError
from ticker.lines import lines, nearest
from ticker.quiet import Hours
from ticker.text import line

FILE_BYTES = 1_048_576
MOST = 200
"""Channels in one file: each has its own log, and a reading of it in every process."""
TITLE = 100
LABEL = 30
LANGUAGE = 35
"""The length that RFC 5646, 4.4.1 asks everybody to take."""

SECTIONS = ("politics", "economy", "world", "sport", "culture", "technology", "health", "environment")
REGIONS = ("africa", "asia", "europe", "middle-east", "north-america", "oceania", "south-america")
LABELS = {1: "flash", 2: "bulletin", 3: "urgent", 5: "normal"}

RIGHT_TO_LEFT = frozenset({"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
RIGHT_TO_LEFT_SCRIPTS = frozenset({"adlm", "arab", "aran", "hebr", "mand", "nkoo", "rohg", "samr", "syrc", "thaa"})

# RFC 5646, 2.1. The longer primary subtags that it keeps in reserve name no language, and neither do private ones.
_LANGUAGE = re.compile(
    r"""(?P<language>[a-z]{2,3})(-[a-z]{3}){0,3}
        (-(?P<script>[a-z]{4}))?
        (-([a-z]{2}|[0-9]{3}))?
        (-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*
        (-[0-9a-wyz](-[a-z0-9]{2,8})+)*
        (-x(-[a-z0-9]{1,8})+)?""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
REASONS = {
    "missing": "is missing",
    "string_pattern_mismatch": "takes a-z and 0-9, up to 32 of them, and single hyphens between",
    "string_type": "is no text",
    "int_type": "is no whole number",
    "tuple_type": "is no list",
    "dict_type": "is no table",
}
"""What is said of a wrong value, where the words of the library are those of Python."""
_AT = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def _language(tag: str) -> str:
    if len(tag) > LANGUAGE or not _LANGUAGE.fullmatch(tag):
        raise ValueError("is no language tag (BCP 47), like 'en', 'pt-BR' or 'zh-Hant'")
    return tag


def _hours(text: object) -> Hours:
    if isinstance(text, Hours):
        return text
    if not isinstance(text, str):
        raise ValueError("is no text")
    return Hours.parse(text)


def _distinct(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) != len(names):
        twice = next(name for name, times in Counter(names).items() if times > 1)
        raise ValueError(f"names '{twice}' twice")
    return names


def _urgency(key: object) -> object:
    # A key of a TOML table is text, and of the ways to write a number in it only one is taken.
    if isinstance(key, str):
        if not re.fullmatch("[1-9]", key):
            raise ValueError("is no urgency; those are 1 to 9")
        return int(key)
    return key


def direction_of(language: str) -> Literal["ltr", "rtl"]:
    """The direction in which a language is written, by its script where the tag names one. It must be well-formed."""
    tag = _LANGUAGE.fullmatch(language.lower())
    assert tag is not None
    right_to_left = tag["script"] in RIGHT_TO_LEFT_SCRIPTS if tag["script"] else tag["language"] in RIGHT_TO_LEFT
    return "rtl" if right_to_left else "ltr"


Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](-?[a-z0-9]){0,31}$")]
Names = Annotated[tuple[Name, ...], AfterValidator(_distinct)]
Title = Annotated[str, AfterValidator(lambda text: line(text, TITLE))]
Label = Annotated[str, AfterValidator(lambda text: line(text, LABEL))]
Urgency = Annotated[int, BeforeValidator(_urgency), Field(strict=True, ge=1, le=9)]
Quiet = Annotated[Hours, PlainValidator(_hours)]
Language = Annotated[str, AfterValidator(_language)]


class Channel(BaseModel):
    """What readers can subscribe to. `direction` is that of the language: `ltr` or `rtl`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    title: Title
    language: Language = Field(description="BCP 47")
    direction: Literal["ltr", "rtl"] = Field(default_factory=lambda given: direction_of(given["language"]))
    window: int = Field(10, strict=True, ge=1, le=100, description="items in the rolling window")
    age: int = Field(24, strict=True, ge=1, le=168, description="hours for which an item may stand in the window")
    approve: int = Field(0, strict=True, ge=0, le=9, description="items as urgent as this, or more, need a second look")
    labels: dict[Urgency, Label] = Field(LABELS, description="what the urgencies are called")
    push_hold: int = Field(5, strict=True, ge=0, le=60, description="seconds for which a push waits before it leaves")
    quiet: dict[Label, Quiet] = Field({}, description="hours in which phones are left alone, by topic; flash overrides")
    sections: Names = SECTIONS
    regions: Names = REGIONS


DEFAULT = (
    Channel(name="en", title="Breaking news", language="en"),
    Channel(name="ar", title="عاجل", language="ar"),
    Channel(name="es", title="Última hora", language="es"),
)


def load(file: Path | None) -> dict[str, Channel]:
    """The channels of a TOML file (`[channels.en]`, `title = …`), or the built-in three.

    Raises SettingsError that names the file, the line and what is wrong there.
    """
    if file is None:
        return {channel.name: channel for channel in DEFAULT}
    document = _read(file)
    try:
        found = tomllib.loads(document)
    except tomllib.TOMLDecodeError as error:
        at = _AT.search(str(error))
        last = document.count("\n", 0, len(document.rstrip())) + 1
        _refuse(file, int(at[1]) if at and at[1] else last, _AT.sub("", str(error)))
    except (ValueError, RecursionError) as error:
        # What the parser does not foresee: a number of thousands of figures, brackets by the thousand.
        _refuse(file, None, f"cannot be read ({error})")
    try:
        return _channels(found)
    except _Wrong as error:
        where = ".".join(map(_written, error.path))
        _refuse(file, nearest(lines(document), error.path), f"{where}: {error.reason}" if where else error.reason)


@dataclass(frozen=True, slots=True)
class Difference:
    """What is not as it was, after the channels were read again. False when everything is."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Name of a channel, and the fields in which it differs."""

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def __str__(self) -> str:
        """For the log: `fr is new; es is gone; en has another title, window`."""
        told = [f"{name} is new" for name in self.added] + [f"{name} is gone" for name in self.removed]
        return "; ".join(told + [f"{name} has another {', '.join(fields)}" for name, fields in self.changed])


def differences(old: Mapping[str, Channel], new: Mapping[str, Channel]) -> Difference:
    """What somebody who holds the old channels has to do to hold the new ones."""
    both = [(name, dict(old[name]), dict(new[name])) for name in new if name in old]
    fields = ((name, tuple(field for field in before if before[field] != after[field])) for name, before, after in both)
    return Difference(
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
        changed=tuple((name, different) for name, different in fields if different),
    )


class _Wrong(Exception):
    def __init__(self, path: Sequence[str | int], reason: str) -> None:
        self.path = path
        self.reason = reason


def _read(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(FILE_BYTES + 1)
    except OSError as error:
        raise SettingsError("TICKER_CHANNELS", f"{file}: cannot be read ({error.strerror}).") from error
    if len(content) > FILE_BYTES:
        _refuse(file, None, f"is larger than {FILE_BYTES:,} bytes")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        _refuse(file, content.count(b"\n", 0, error.start) + 1, "is not in UTF-8")


def _channels(document: Mapping[str, Any]) -> dict[str, Channel]:
    for key in document:
        if key != "channels":
            raise _Wrong([key], "is not known; there is: channels")
    tables = document.get("channels")
    if not isinstance(tables, dict) or not tables:
        raise _Wrong(["channels"] if "channels" in document else [], "has no [channels.NAME] table")
    if len(tables) > MOST:
        raise _Wrong(["channels", list(tables)[MOST]], f"is one too many; {MOST} channels are taken")
    return {name: _channel(name, table) for name, table in tables.items()}


def _channel(name: str, table: object) -> Channel:
    if not isinstance(table, dict):
        raise _Wrong(["channels", name], "is no table")
    known = [field for field in Channel.model_fields if field != "name"]
    for key in table:
        if key not in known:
            raise _Wrong(["channels", name, key], f"is not known; there are: {', '.join(known)}")
    try:
        return Channel.model_validate({**table, "name": name})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = [part for part in first["loc"] if part not in ("name", "[key]")]
        raise _Wrong(["channels", name, *place], _reason(first["type"], first["msg"])) from None


def _reason(kind: str, told: str) -> str:
    return REASONS.get(kind, told.removeprefix("Value error, "))


def _written(key: str | int) -> str:
    text = str(key)
    return text if text.isprintable() and len(text) <= 64 else repr(text[:64])


def _refuse(file: Path, at: int | None, reason: str) -> NoReturn:
    place = file if at is None else f"{file}:{at}"
    raise SettingsError("TICKER_CHANNELS", f"{place}: {reason}.") from None
