"""What may stand in a line that the public reads: plain text, one line, nothing that reorders or hides."""

from __future__ import annotations

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
    before = ""
    for character in text:
        reason = _refused(character, before)
        before = character
        if reason:
            name = unicodedata.name(character, "no name")
            raise ValueError(f"holds U+{ord(character):04X} ({name}), {reason}")
    clean = unicodedata.normalize("NFC", text.strip())
    if not any(unicodedata.category(character)[0] in "LNPS" for character in clean):
        raise ValueError("is empty")
    if len(clean) > most:
        raise ValueError(f"has {len(clean)} characters, at most {most} are taken")
    _check_runs(clean, longest_word)
    return clean


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
        mark = unicodedata.category(character) in ("Mn", "Me")
        # A joiner between marks must not begin the count anew.
        if character not in JOINERS and character != SOFT_HYPHEN:
            marks = marks + 1 if mark else 0
        if marks > MOST_MARKS:
            raise ValueError(f"stacks more than {MOST_MARKS} marks on one letter")
        breaks = character.isspace() or character == "-" or _spaceless(character)
        word = 0 if breaks else word + 1
        if word > longest_word:
            raise ValueError(f"holds a word of more than {longest_word} characters; put spaces into it")


def _tag(character: str) -> bool:
    return "\U000e0020" <= character <= "\U000e007f"


def _spaceless(character: str) -> bool:
    point = ord(character)
    return any(first <= point <= last for first, last in SPACELESS)
