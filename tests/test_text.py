"""A line that the public reads: plain text, one line, nothing that reorders or hides."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from ticker.text import BIDI_CONTROLS, LONGEST_WORD, MOST_MARKS, findable, folded, line, pattern

MARK = "\u0301"


@pytest.mark.parametrize(
    "headline",
    [
        "The bridge is open again",
        "عاجل: فتح الجسر من جديد",
        "می‌خواهم",  # a zero-width non-joiner belongs to Persian spelling
        "Última hora: el puente está abierto",
        "橋は再び開通した。" * 20,
        "สะพานเปิดอีกครั้งแล้ว" * 10,
        "Families 👩‍👩‍👧 return home 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "“It holds,” the mayor says — after 9 days",
        "5",
        "x" * LONGEST_WORD,
    ],
    ids=["English", "Arabic", "Persian", "Spanish", "Japanese", "Thai", "emoji", "quotes", "a figure", "longest word"],
)
def test_what_newsrooms_write_is_taken_as_it_is(headline: str) -> None:
    """Every script of our readers goes through unchanged."""
    assert headline == line(headline, 280)


def test_space_around_the_line_is_taken_off() -> None:
    """A copied headline keeps no space at its ends."""
    assert "The bridge is open" == line("  The bridge is open \u00a0", 280)


def test_letters_are_composed() -> None:
    """The same word typed on two keyboards is one text (NFC)."""
    assert "é" == line("e\u0301", 280)


@pytest.mark.parametrize("character", sorted(BIDI_CONTROLS), ids=lambda character: f"U+{ord(character):04X}")
def test_a_bidi_control_is_refused_and_named(character: str) -> None:
    """A headline with a bidi override is refused and the character is named."""
    name = unicodedata.name(character)
    with pytest.raises(ValueError, match=rf"^holds U\+{ord(character):04X} \({name}\), which reorders text"):
        line(f"Court finds {character}guilty", 280)


@pytest.mark.parametrize(
    ("character", "said"),
    [
        ("\n", r"U\+000A \(no name\), a control character"),
        ("\t", r"U\+0009 \(no name\), a control character"),
        ("\x00", r"U\+0000 \(no name\), a control character"),
        ("\x85", r"U\+0085 \(no name\), a control character"),
        ("\u2028", r"U\+2028 \(LINE SEPARATOR\), a line break"),
        ("\u2029", r"U\+2029 \(PARAGRAPH SEPARATOR\), a line break"),
        ("\ud800", r"U\+D800 \(no name\), half of a character"),
        ("\ue000", r"U\+E000 \(no name\), which has no agreed meaning"),
        ("\uffff", r"U\+FFFF \(no name\), which has no agreed meaning"),
        ("\u200b", r"U\+200B \(ZERO WIDTH SPACE\), an invisible character"),
        ("\ufeff", r"U\+FEFF \(ZERO WIDTH NO-BREAK SPACE\), an invisible character"),
        ("\U000e0067", r"U\+E0067 \(TAG LATIN SMALL LETTER G\), an invisible character"),
        ("\U000e0001", r"U\+E0001 \(LANGUAGE TAG\), an invisible character"),
    ],
)
def test_a_character_that_is_no_plain_text_is_refused_and_named(character: str, said: str) -> None:
    """The refusal gives the code point, its name, and the reason."""
    with pytest.raises(ValueError, match=rf"^holds {said}"):
        line(f"The bridge{character}is open", 280)


@pytest.mark.parametrize(
    "text",
    ["", " ", "\u00a0\u2003", "\u00ad", "\u200d", MARK, "\ufe0f"],
    ids=lambda text: "+".join(f"U+{ord(character):04X}" for character in text) or "nothing",
)
def test_a_line_in_which_nothing_can_be_seen_is_refused(text: str) -> None:
    """What shows nothing on a screen is no headline."""
    with pytest.raises(ValueError, match=r"^is empty$"):
        line(text, 280)


@pytest.mark.parametrize("character", ["\u115f", "\u1160", "\u3164", "\uffa0", "\u2800"], ids=unicodedata.name)
def test_a_letter_that_cannot_be_seen_is_no_headline(character: str) -> None:
    """Fillers and the blank Braille pattern show nothing, whatever their category."""
    with pytest.raises(ValueError, match=r"^(holds|is empty)"):
        line(character, 280)


def test_the_limit_counts_what_is_kept() -> None:
    """As many characters as the limit are taken, without the space around them, and one more is not."""
    assert "ab cd" == line(" ab cd ", 5)
    with pytest.raises(ValueError, match=r"^has 6 characters, at most 5 are taken$"):
        line("ab cde", 5)


def test_the_limit_counts_code_points() -> None:
    """An Arabic letter and an emoji count as one each, whatever they take in bytes."""
    assert "جسر🌉" == line("جسر🌉", 4)


def test_a_word_without_end_is_refused() -> None:
    """A run that no screen can break is not taken; hyphens and spaces break it."""
    with pytest.raises(ValueError, match=rf"^holds a word of more than {LONGEST_WORD} characters"):
        line("a" * (LONGEST_WORD + 1), 280)
    assert 161 == len(line("a" * LONGEST_WORD + "-" + "a" * LONGEST_WORD, 280))


def test_an_address_may_be_one_long_word() -> None:
    """Where nothing can be broken anyway, the longest word is what the caller says."""
    assert 281 == len(line("a" * 281, 281, longest_word=281))
    with pytest.raises(ValueError, match=r"^holds a word of more than 100 characters"):
        line("a" * 101, 281, longest_word=100)


def test_as_many_marks_as_any_language_needs_are_taken_and_no_tower() -> None:
    """Six marks may stand on a letter, seven would climb over the line above."""
    assert line("x" + MARK * MOST_MARKS, 280)
    with pytest.raises(ValueError, match=rf"^stacks more than {MOST_MARKS} marks on one letter$"):
        line("x" + MARK * (MOST_MARKS + 1), 280)


@pytest.mark.parametrize("between", ["\u200d", "\u200c", "\u00ad"], ids=lambda text: f"U+{ord(text):04X}")
def test_an_invisible_character_is_no_way_round_the_tower(between: str) -> None:
    """Marks go on counting across what cannot be seen: they stand on the same letter still."""
    with pytest.raises(ValueError, match=r"^stacks more than"):
        line("x" + (MARK * MOST_MARKS + between) * 5, 280)


def test_marks_on_the_next_letter_count_from_one() -> None:
    """A long vocalised word is no tower."""
    assert line(("x" + MARK * MOST_MARKS) * 10, 280)


def taken(text: str, most: int) -> tuple[str | None, str]:
    """The line that became of this text, or the sentence with which it was refused."""
    try:
        return line(text, most), ""
    except ValueError as refused:
        return None, str(refused)


@settings(deadline=None)
@given(st.text(), st.integers(0, 300))
@example("\ud800", 10)
@example("\u0344" * 3 + "a", 10)
def test_any_text_is_a_line_or_refused_with_a_sentence(text: str, most: int) -> None:
    """Nothing but ValueError comes out, and what is taken is taken again unchanged."""
    clean, said = taken(text, most)
    if clean is None:
        assert said.startswith(("holds ", "has ", "is empty", "stacks "))
    else:
        assert 1 <= len(clean) <= most
        assert unicodedata.is_normalized("NFC", clean)
        assert clean == line(clean, most)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Bridge open", "BRIDGE OPEN"),
        ("Bridge open", "  bridge,\u00a0open! "),
        ("“Bridge” — open?", "'Bridge' - open..."),
        ("Straße", "STRASSE"),
        ("ΛΟΓΟΣ", "λογος"),
        ("５ＧＨｚ ﬁbre", "5ghz fibre"),
        ("Málaga", "Ma\u0301laga"),
        ("عاجـــل: فُتِحَ الجسر", "عاجل فتح الجسر"),
        ("هٰذا", "هذا"),
        ("Fire ✔\ufe0f", "fire ✔"),
        ("Co-operation", "co\u00adoperation"),
    ],
    ids=[
        "case",
        "spaces",
        "quotes",
        "sharp s",
        "final sigma",
        "width",
        "composed",
        "Arabic",
        "dagger alef",
        "picture",
        "hyphens",
    ],
)
def test_texts_that_say_the_same_fold_to_the_same(one: str, other: str) -> None:
    """Case, punctuation, spaces, and what Arabic writes or leaves out at will: typed twice, it is one alert."""
    assert folded(one) == folded(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("17 missing", "19 missing"),
        ("el puente", "él puente"),
        ("Bridge open", "Bridge opens"),
        ("علم", "عالم"),
        ("हिन्दी", "हन्द"),
        ("か", "が"),
    ],
    ids=["figures", "an accent", "a letter", "an Arabic letter", "vowels of Hindi", "a voiced kana"],
)
def test_texts_that_say_something_else_do_not(one: str, other: str) -> None:
    """A figure or a letter is the news; marks that other scripts cannot do without count as well."""
    assert folded(one) != folded(other)


@settings(deadline=None)
@given(st.text(max_size=50))
def test_what_is_folded_is_folded_for_good(text: str) -> None:
    """Spaces and punctuation around and within change nothing."""
    assert folded(text) == folded(f" «{text}»… ") == folded(text).replace(" ", "")


NASTY = "ab \u00a0\u3000-\u2010\u00ad\u200c\u200d\n\r\t\x00\x7f\x85\u2028\u202e\u2066\ufeff\u200b^$[]\\/.*'\"<&"
NASTY += "éجـ速ア한กⒶ½€\U0001f3f4\U000e0067\U000e007f\U000e0001\ud800\ue000\uffff\u2800\u3164\u0378🌉\U0010ffff"
words = st.tuples(st.sampled_from("aج🌉é"), st.integers(LONGEST_WORD - 2, LONGEST_WORD + 2)).map(lambda n: n[0] * n[1])
nasty = st.lists(st.text(NASTY, max_size=5) | words | st.text(max_size=3), max_size=6).map("".join)


@settings(deadline=None, max_examples=500)
@given(nasty)
@example("x\n")
@example("\U0001f3f4\U000e0067\U000e007f")
@example("x\U000e0067")
@example("")
@example("[-]^\\")
def test_the_expression_says_what_the_check_says(text: str) -> None:
    """Whoever checks by the published schema takes and refuses the same texts, but for towers of marks and length."""
    text = unicodedata.normalize("NFC", text)
    clean, said = taken(text, 10_000)
    assume(not said.startswith("stacks "))
    assert (clean is not None) == bool(re.search(pattern(), text))


def test_the_expression_knows_every_character() -> None:
    """One by one after a letter, each is taken by both or by neither; of the ideographs the first and the last."""
    expression = re.compile(pattern())
    points = [*range(0x3402), *range(0x9FFE, 0xAC02), *range(0xD7A2, 0x20002), *range(0xE0000, 0xE0200), 0x10FFFF]
    wrong = [
        f"U+{point:04X}"
        for point in points
        if unicodedata.is_normalized("NFC", text := "x" + chr(point))
        and (taken(text, 9)[0] is not None) != bool(expression.search(text))
    ]
    assert [] == wrong


@settings(deadline=None)
@given(st.text("ab1 \n", max_size=6))
@example("a1\n")
def test_an_expression_that_can_be_found_is_the_same_expression(text: str) -> None:
    """A plan helps those who make texts from it, and lets through nothing that the expression does not."""
    plain = re.compile(r"^[ab]+1$")
    assert bool(plain.search(text)) == bool(re.search(findable(plain.pattern, "a1", "b", "[ab]1"), text))


@settings(deadline=None)
@given(nasty)
@example("x")
@example("x\n")
def test_an_expression_with_a_plan_takes_the_same_texts(text: str) -> None:
    """The plan is for whoever makes texts, and changes nothing for whoever checks them."""
    assert bool(re.search(pattern(), text)) == bool(re.search(findable(pattern(), "[a-z]+", "[ -~]+"), text))


@settings(deadline=None, max_examples=20)
@given(st.from_regex(findable(pattern(), "[a-z]+", "[ -~]+")))
def test_texts_are_found_by_the_plan_and_are_taken(text: str) -> None:
    """Without looking at every character of the world, which takes seconds."""
    clean, said = taken(text.removesuffix("\n"), 10_000)
    assume(not said.startswith("stacks "))
    assert clean is not None
