"""The lines of a TOML document: each key where it stands, however it is written."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ticker.lines import Path, lines, nearest

EVERYTHING = '''
# [not.a.table]
title = "a # b = [c]"  # a comment with "quotes' and [brackets]
a.b . "c d" = 1
[channels . en]
direction = 'up'
labels = { 1 = "flash", "2" = 'a, b = {', n.m = [ {x = 1}, {} ] } # }
sections = [
  "politics", # ]
  """wor
ld \\""" ""
""",

  \'\'\'sp'o''rt\'\'\', [[1], [
    2,]]
]
at = 1979-05-27 07:32:00.5Z
f = -1.5e3
empty = []
nothing = {}
[ "channels".'e.n' ]
"t\\u0069tle" = """"quoted""""" # two of the five are text
[[list.of]]
x = 1
[list.of.below]
y = 2
[[list.of]]
[[list.of.more]]
z = 3
[channels]
late = true
'''


def flat(value: Any, path: Path = ()) -> set[Path]:
    """The paths of all that stands in a parsed document."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = {path} if path else set()
    return found.union(*(flat(inner, (*path, key)) for key, inner in below))


def test_every_way_of_writing_is_read() -> None:
    """Strings of all kinds, comments, dotted and quoted keys, inline tables, arrays over several lines."""
    assert flat(tomllib.loads(EVERYTHING)) == set(lines(EVERYTHING))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("title",), 'title = "a # b'),
        (("a", "b", "c d"), "a.b ."),
        (("channels", "en"), "[channels . en]"),
        (("channels", "en", "direction"), "direction ="),
        (("channels", "en", "labels", "2"), "labels ="),
        (("channels", "en", "labels", "n", "m", 1), "labels ="),
        (("channels", "en", "sections"), "sections ="),
        (("channels", "en", "sections", 0), '"politics"'),
        (("channels", "en", "sections", 1), '"""wor'),
        (("channels", "en", "sections", 2), "'''sp"),
        (("channels", "en", "sections", 3, 1, 0), "2,"),
        (("channels", "en", "at"), "at ="),
        (("channels", "en", "nothing"), "nothing ="),
        (("channels", "e.n", "title"), '"t\\u0069tle"'),
        (("list", "of", 0, "below", "y"), "y = 2"),
        (("list", "of", 1, "more", 0, "z"), "z = 3"),
        (("channels",), "[channels]"),
        (("channels", "late"), "late ="),
    ],
)
def test_a_key_stands_where_it_is_written(path: Path, text: str) -> None:
    """The line on which its key, its header or its element begins."""
    each = enumerate(EVERYTHING.split("\n"), 1)
    assert next(number for number, line in each if line.strip().startswith(text)) == lines(EVERYTHING)[path]


def test_what_is_missing_is_looked_for_above() -> None:
    """A key that is not there is to be put where its table begins; without even that there is no line."""
    known = lines("[channels.en]\ntitle = 'x'\n")
    assert (2, 1, 1, None) == (
        nearest(known, ("channels", "en", "title", "[key]")),
        nearest(known, ("channels", "en", "language")),
        nearest(known, ("channels", "fr")),
        nearest(known, ("colour",)),
    )


def test_the_end_of_a_line_may_be_that_of_another_system() -> None:
    """CR and LF count as one."""
    assert {("a",): 1, ("b",): 3} == lines("a = 1\r\n\r\nb = 2\r\n")


def test_what_is_nested_deeply_or_long_is_read_all_the_same() -> None:
    """As deep as the parser itself goes, and a megabyte."""
    deep = "a = " + "[" * 200 + "]" * 200
    assert 200 == len(lines(deep))
    long = "".join(f'k{number} = """{"x" * 90}"""\n' for number in range(10_000))
    assert 10_000 == lines(long)["k9999",]


keys = st.text(min_size=0, max_size=4)
values = st.recursive(
    st.one_of(st.integers(-9, 9), st.booleans(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=6)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=6,
)


def quoted(text: str) -> str:
    """A basic string."""
    escaped = "".join(
        f"\\U{ord(character):08x}" if character in '"\\' or not character.isprintable() else character
        for character in text
    )
    return f'"{escaped}"'


def written(value: Any, gap: str) -> str:
    """A value as TOML; `gap` stands wherever an array may have a break."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)} = {written(inner, gap)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        # Within an inline table an array may still be spread over lines.
        return f"[{gap}" + "".join(f"{written(inner, gap)},{gap}" for inner in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return quoted(value) if isinstance(value, str) else repr(value)


@given(
    st.dictionaries(keys, st.dictionaries(keys, values, max_size=3), max_size=3),
    st.sampled_from(["", " ", "\n", " # ]}'\"\n  "]),
)
def test_whatever_is_written_every_key_is_found(document: dict[str, dict[str, Any]], gap: str) -> None:
    """The paths are those that the parser finds, and the line of a key is the one that begins with it."""
    text = "".join(
        f"[{quoted(name)}]\n" + "".join(f"{quoted(key)} = {written(value, gap)}\n" for key, value in table.items())
        for name, table in document.items()
    )
    found = lines(text)
    assert flat(tomllib.loads(text)) == set(found)
    each = text.split("\n")
    for name, table in document.items():
        assert each[found[name,] - 1].startswith(f"[{quoted(name)}]")
        for key in table:
            assert each[found[name, key] - 1].startswith(f"{quoted(key)} = ")
