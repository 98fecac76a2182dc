"""What may stand in a line that the public reads: plain text, one line, nothing that reorders or hides."""

from __future__ import annotations

import functools
import re
import sys
import unicodedata

# Characters that turn or reorder the text around them. A headline with one of these can be made to read
# as its opposite on another site, so they are refused rather than removed (Unicode TR 36, TR 9).
BIDI_CONTROLS = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
JOINERS = frozenset("\u200c\u200d")
# Letters by their category that leave a blank: an alert that shows nothing.
FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
SOFT_HYPHEN = "\u00ad"
FLAG = "\U0001f3f4"
LONGEST_WORD = 80
MOST_MARKS = 6
# Most of a headline is made of few characters, and every alert passes here on its way.
PLAIN = re.compile(r"[ -~]*")
NO_LETTER = re.compile(r"[^a-z0-9]+")

# Scripts that are written without spaces: a whole headline is one run there, and lines break between letters.
SPACELESS = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x9FFF),  # CJK radicals, kana, ideographs
    (0xAC00, 0xD7FF),  # Hangul
    (0xF900, 0xFAFF),
    (0xFF00, 0xFFEF),
    (0x20000, 0x3FFFF),
)


def line(text: str, most: int, longest_word: int = LONGEST_WORD) -> str:
    """The text trimmed and in NFC, when it is one line of 1 to `most` code points.

    Raises ValueError with a sentence that names the character or the limit.
    """
    if not PLAIN.fullmatch(text):
        _check_characters(text)
    clean = unicodedata.normalize("NFC", text.strip())
    if not any(unicodedata.category(character)[0] in "LNPS" for character in clean):
        raise ValueError("is empty")
    if len(clean) > most:
        raise ValueError(f"has {len(clean)} characters, at most {most} are taken")
    _check_runs(clean, longest_word)
    return clean


def folded(text: str) -> str:
    """The text without case, width, punctuation, symbols and spaces: what makes two alerts the same.

    Arabic is compared without what is written or left out at will: vowel signs and the stretch between letters.
    """
    if PLAIN.fullmatch(text):
        return NO_LETTER.sub("", text.lower())
    return "".join(
        character
        for character in unicodedata.normalize("NFKC", text).casefold()
        if unicodedata.category(character)[0] in "LMN" and not _at_will(character)
    )


@functools.cache
def pattern(longest_word: int = LONGEST_WORD) -> str:
    """A regular expression for the texts in NFC that `line` takes, but for the marks on one letter and the length.

    Characters stand in it as themselves, so that Python, JavaScript and JSON Schema read it alike.
    """
    visible, other, breaks, tags = [], [], [], []
    for point in range(0x20, sys.maxunicode + 1):
        character = chr(point)
        if _tag(character):
            tags.append(point)
            continue
        if _refused(character, ""):
            continue
        if character.isspace() or character == "-" or _spaceless(character):
            breaks.append(point)
        else:
            other.append(point)
        if unicodedata.category(character)[0] in "LNPS":
            visible.append(point)
    flagged = f"(?<={_class([ord(FLAG), *tags])}){_class(tags)}"
    run = f"(?:{_class(other)}|{flagged}){{0,{longest_word}}}"
    # Python's $ also matches before a line break at the end.
    return f"^(?=[^\n]*{_class(visible)}){run}(?:{_class(breaks)}{run})*$(?!\n)"


def findable(expression: str, *plans: str) -> str:
    """The same expression, for programs that make texts from it: they try what fits a plan, and most of it is one.

    They look into everything but what must not follow; so the expression stands as what must not fail to follow.
    """
    return f"^(?!(?!{expression.removeprefix('^')}))(?:{'|'.join(plans)}|[^\n]+)$"


def _class(points: list[int]) -> str:
    ranges: list[list[int]] = []
    for point in points:
        if ranges and ranges[-1][1] == point - 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    special = set("\\]^-[")

    def written(point: int) -> str:
        return "\\" + chr(point) if chr(point) in special else chr(point)

    return (
        "["
        + "".join(written(first) if first == last else f"{written(first)}-{written(last)}" for first, last in ranges)
        + "]"
    )


def _check_characters(text: str) -> None:
    before = ""
    for character in text:
        reason = _refused(character, before)
        before = character
        if reason:
            name = unicodedata.name(character, "no name")
            raise ValueError(f"holds U+{ord(character):04X} ({name}), {reason}")


@functools.lru_cache(maxsize=10_000)
def _refused(character: str, before: str) -> str | None:
    if character in BIDI_CONTROLS:
        return "which reorders text; write it without"
    category = unicodedata.category(character)
    if category == "Cc":
        return "a control character; one line of plain text is taken"
    if category in ("Zl", "Zp"):
        return "a line break; one line is taken"
    if category == "Cs":
        return "half of a character (a lone surrogate)"
    if category in ("Co", "Cn"):
        return "which has no agreed meaning"
    # The flags of England, Scotland and Wales are a black flag and tags; anywhere else tags hide a text.
    flag = _tag(character) and (before == FLAG or _tag(before))
    harmless = character in JOINERS or character == SOFT_HYPHEN or flag
    if character in FILLERS or (category == "Cf" and not harmless):
        return "an invisible character"
    return None


def _check_runs(text: str, longest_word: int) -> None:
    word = marks = 0
    for character in text:
        mark, joins, breaks = _in_a_run(character)
        # A joiner between marks must not begin the count anew.
        if not joins:
            marks = marks + 1 if mark else 0
        if marks > MOST_MARKS:
            raise ValueError(f"stacks more than {MOST_MARKS} marks on one letter")
        word = 0 if breaks else word + 1
        if word > longest_word:
            raise ValueError(f"holds a word of more than {longest_word} characters; put spaces into it")


@functools.lru_cache(maxsize=10_000)
def _in_a_run(character: str) -> tuple[bool, bool, bool]:
    """Whether it is a mark on a letter, whether it only joins, and whether a word ends with it."""
    return (
        unicodedata.category(character) in ("Mn", "Me"),
        character in JOINERS or character == SOFT_HYPHEN,
        character.isspace() or character == "-" or _spaceless(character),
    )


def _tag(character: str) -> bool:
    return "\U000e0020" <= character <= "\U000e007f"


def _at_will(character: str) -> bool:
    # Tatweel, the vowel signs of Arabic, and what chooses between two pictures of a symbol.
    return character in "\u0640\u0670" or "\u064b" <= character <= "\u0652" or "\ufe00" <= character <= "\ufe0f"


def _spaceless(character: str) -> bool:
    point = ord(character)
    return any(first <= point <= last for first, last in SPACELESS)
