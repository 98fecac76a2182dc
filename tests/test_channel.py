"""Channels: the built-in three, or those of a file, which is refused by line and reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError
from ticker import channel
from ticker.channel import FILE_BYTES, LABELS, MOST, REGIONS, SECTIONS, Channel, Difference, differences
from ticker.errors import SettingsError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the channels are written."""
    return tmp_path / "channels.toml"


def refusal(file: Path) -> str:
    """What is said of this file, after its name."""
    with pytest.raises(SettingsError) as refused:
        channel.load(file)
    before = f"TICKER_CHANNELS: {file}:"
    assert refused.value.detail.startswith(before)
    return refused.value.detail.removeprefix(before).removesuffix(".")


def test_without_a_file_there_are_three_channels() -> None:
    """English, Arabic and Spanish, each under its own name."""
    found = channel.load(None)
    assert ["en", "ar", "es"] == list(found)
    assert all(name == known.name == known.language for name, known in found.items())


def test_arabic_runs_from_right_to_left_and_the_others_do_not() -> None:
    """The direction is that of the language."""
    assert {"en": "ltr", "ar": "rtl", "es": "ltr"} == {
        name: found.direction for name, found in channel.load(None).items()
    }


def test_a_file_replaces_the_built_in_channels(file: Path) -> None:
    """What stands in the file is what there is, in its order."""
    file.write_text(
        """
        [channels.fa]
        title = "خبر فوری"
        language = "fa"
        direction = "rtl"
        window = 20
        age = 48
        approve = 2
        push_hold = 0
        labels = { 1 = "فوری" }
        sections = ["politics", "bazaar"]
        regions = []

        [channels.en-sport]
        title = "  Sport "
        language = "en-GB"
        """,
        encoding="utf-8",
    )
    found = channel.load(file)
    assert ["fa", "en-sport"] == list(found)
    assert (
        Channel(
            name="fa",
            title="خبر فوری",
            language="fa",
            direction="rtl",
            window=20,
            age=48,
            approve=2,
            push_hold=0,
            labels={1: "فوری"},
            sections=("politics", "bazaar"),
            regions=(),
        )
        == found["fa"]
    )
    assert {
        "name": "en-sport",
        "title": "Sport",
        "language": "en-GB",
        "direction": "ltr",
        "window": 10,
        "age": 24,
        "approve": 0,
        "labels": LABELS,
        "push_hold": 5,
        "quiet": {},
        "sections": SECTIONS,
        "regions": REGIONS,
    } == found["en-sport"].model_dump()


EN = "[channels.en]\ntitle = 'x'\nlanguage = 'en'\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("[channels.en", "1: Expected ']' at the end of a table declaration", id="no TOML"),
        pytest.param("\n\n[channels.en\n\n\n", "3: Expected ']' at the end of a table declaration", id="no TOML below"),
        pytest.param(EN + "window = ", "4: Invalid value", id="no value"),
        pytest.param(EN + "title = 'y'", "4: Cannot overwrite a value", id="a field twice"),
        pytest.param("", " has no [channels.NAME] table", id="empty"),
        pytest.param("\nchannels = 3", "2: channels: has no [channels.NAME] table", id="no table"),
        pytest.param("[channels]", "1: channels: has no [channels.NAME] table", id="no channel"),
        pytest.param(EN + "[channel.ar]", "4: channel: is not known; there is: channels", id="another table"),
        pytest.param("[channels]\nen = 3", "2: channels.en: is no table", id="a channel that is no table"),
        pytest.param("[[channels.en]]", "1: channels.en: is no table", id="a list of tables"),
        pytest.param("\n[channels.en]\nlanguage = 'en'", "2: channels.en.title: is missing", id="no title"),
        pytest.param("channels.en.title = 'x'", "1: channels.en.language: is missing", id="no language"),
        pytest.param("[channels.en]\ntitle = ''\nlanguage = 'en'", "2: channels.en.title: is empty", id="empty title"),
        pytest.param(
            "[channels.en]\ntitle = \"a\\u202Eb\"\nlanguage = 'en'",
            "2: channels.en.title: holds U+202E (RIGHT-TO-LEFT OVERRIDE), which reorders text; write it without",
            id="a title that turns",
        ),
        pytest.param(
            f"[channels.en]\ntitle = '{'x ' * 51}'\nlanguage = 'en'",
            "2: channels.en.title: has 101 characters, at most 100 are taken",
            id="long title",
        ),
        pytest.param("[channels.en]\ntitle = 3\nlanguage = 'en'", "2: channels.en.title: is no text", id="title"),
        pytest.param(
            "[channels.EN]\ntitle = 'x'\nlanguage = 'en'",
            "1: channels.EN: takes a-z and 0-9, up to 32 of them, and single hyphens between",
            id="name in capitals",
        ),
        pytest.param(
            "[channels.'a b']\ntitle = 'x'\nlanguage = 'en'",
            "1: channels.a b: takes a-z and 0-9, up to 32 of them, and single hyphens between",
            id="space in a name",
        ),
        pytest.param(
            '[channels."a\\nb"]\ntitle = 1\n',
            r"1: channels.'a\nb': takes a-z and 0-9, up to 32 of them, and single hyphens between",
            id="a name of two lines",
        ),
        pytest.param(
            "[channels.en]\ntitle = 'x'\n\nlanguage = 'English'",
            "4: channels.en.language: is no language tag (BCP 47), like 'en', 'pt-BR' or 'zh-Hant'",
            id="language",
        ),
        pytest.param(
            EN + "# up?\ndirection = 'up'", "5: channels.en.direction: Input should be 'ltr' or 'rtl'", id="direction"
        ),
        pytest.param(
            EN + "window = 0", "4: channels.en.window: Input should be greater than or equal to 1", id="no window"
        ),
        pytest.param(
            EN + "window = 101", "4: channels.en.window: Input should be less than or equal to 100", id="great window"
        ),
        pytest.param(EN + "window = '10'", "4: channels.en.window: is no whole number", id="window in quotes"),
        pytest.param(EN + "window = true", "4: channels.en.window: is no whole number", id="a window that is true"),
        pytest.param(EN + "age = 10.0", "4: channels.en.age: is no whole number", id="a broken age"),
        pytest.param(EN + "age = 0", "4: channels.en.age: Input should be greater than or equal to 1", id="no age"),
        pytest.param(
            EN + "age = 169", "4: channels.en.age: Input should be less than or equal to 168", id="more than a week"
        ),
        pytest.param(
            EN + "approve = 10", "4: channels.en.approve: Input should be less than or equal to 9", id="approve"
        ),
        pytest.param(
            EN + "push_hold = 61", "4: channels.en.push_hold: Input should be less than or equal to 60", id="push_hold"
        ),
        pytest.param(EN + "labels = 'x'", "4: channels.en.labels: is no table", id="labels"),
        pytest.param(
            EN + "[channels.en.labels]\n1 = 'x'\n0 = 'y'",
            "6: channels.en.labels.0: is no urgency; those are 1 to 9",
            id="label of no urgency",
        ),
        pytest.param(
            EN + "labels = { 1 = 'x', 01 = 'y' }",
            "4: channels.en.labels.01: is no urgency; those are 1 to 9",
            id="label of one urgency twice",
        ),
        pytest.param(EN + "labels = { 1 = ' ' }", "4: channels.en.labels.1: is empty", id="empty label"),
        pytest.param(
            EN + f"labels = {{ 1 = '{'x' * 31}' }}",
            "4: channels.en.labels.1: has 31 characters, at most 30 are taken",
            id="long label",
        ),
        pytest.param(
            EN + "\ncolour = 'red'",
            "5: channels.en.colour: is not known; there are: title, language, direction, window, age, approve, labels, "
            "push_hold, quiet, sections, regions",
            id="unknown",
        ),
        pytest.param(
            EN + "name = 'ar'",
            "4: channels.en.name: is not known; there are: title, language, direction, window, age, approve, labels, "
            "push_hold, quiet, sections, regions",
            id="another name",
        ),
        pytest.param(
            EN + "sections = [\n  'a',  # ]\n  'B',\n]",
            "6: channels.en.sections.1: takes a-z and 0-9, up to 32 of them, and single hyphens between",
            id="section",
        ),
        pytest.param(EN + "sections = ['a', 'b', 'a']", "4: channels.en.sections: names 'a' twice", id="section twice"),
        pytest.param(EN + "regions = ['a', 'a']", "4: channels.en.regions: names 'a' twice", id="region twice"),
        pytest.param(EN + "regions = 'africa'", "4: channels.en.regions: is no list", id="region"),
        pytest.param("x = " + "[" * 5000, " cannot be read (", id="deep"),
        pytest.param("x = " + "9" * 5000, " cannot be read (Exceeds the limit (4300 digits)", id="number without end"),
    ],
)
def test_what_is_wrong_in_the_file_is_said_with_its_line(file: Path, text: str, said: str) -> None:
    """The refusal names the variable, the file, the line, the table's field and the reason."""
    file.write_text(text, encoding="utf-8")
    told = refusal(file)
    assert said == (told if said[0] != " " else told[: len(said)])


def test_the_lines_of_another_system_are_counted_as_they_are_shown(file: Path) -> None:
    """With CR and LF."""
    file.write_bytes((EN + "window = 0").replace("\n", "\r\n").encode())
    assert "4: channels.en.window: Input should be greater than or equal to 1" == refusal(file)


def test_a_file_that_is_not_there_is_refused(file: Path) -> None:
    """No channel is served in place of those that were asked for."""
    assert " cannot be read (No such file or directory)" == refusal(file)


def test_a_file_in_another_encoding_is_refused_with_the_line(file: Path) -> None:
    """The line on which it shows."""
    file.write_bytes(b"# one\n# two\n# caf\xe9\n")
    assert "3: is not in UTF-8" == refusal(file)


def test_a_file_is_not_read_without_end(file: Path) -> None:
    """A megabyte, and not one byte more."""
    file.write_bytes(EN.encode().ljust(FILE_BYTES, b"\n"))
    assert ["en"] == list(channel.load(file))
    file.write_bytes(EN.encode().ljust(FILE_BYTES + 1, b"\n"))
    assert " is larger than 1,048,576 bytes" == refusal(file)


def test_a_file_holds_only_so_many_channels(file: Path) -> None:
    """The one that is too many is named."""
    tables = [f"[channels.c{number}]\ntitle = 'x'\nlanguage = 'en'\n" for number in range(MOST + 1)]
    file.write_text("".join(tables[:MOST]))
    assert MOST == len(channel.load(file))
    file.write_text("".join(tables))
    assert f"{3 * MOST + 1}: channels.c{MOST}: is one too many; {MOST} channels are taken" == refusal(file)


@pytest.mark.parametrize("name", ["en", "e", "en-sport", "a" * 32, "4u"])
def test_a_name_is_small_letters_figures_and_single_hyphens(name: str) -> None:
    """A name that can stand in an address as it is."""
    assert name == Channel(name=name, title="x", language="en").name


@pytest.mark.parametrize("name", ["", "-en", "en-", "en--sport", "En", "a" * 33, "en\n", "{en}", "é", "en/ar"])
def test_any_other_name_is_refused(name: str) -> None:
    """Nothing that would have to be quoted in an address or in a key of the store."""
    with pytest.raises(ValidationError):
        Channel(name=name, title="x", language="en")


@pytest.mark.parametrize(
    "tag",
    [
        "en",
        "EN-us",
        "ckb",
        "zh-Hant",
        "zh-yue-HK",
        "es-419",
        "sl-rozaj-biske-1994",
        "de-CH-1901",
        "ar-EG-u-nu-latn",
        "de-x-berlin",
    ],
)
def test_a_language_is_a_tag_of_bcp_47(tag: str) -> None:
    """Well-formed by RFC 5646: script, region, variants, extensions, private use."""
    assert tag == Channel(name="x", title="x", language=tag).language


@pytest.mark.parametrize(
    "tag",
    [
        "",
        "e",
        "english",
        "en_US",
        "en-",
        "-en",
        "en--US",
        "en-u",
        "en-USA1",
        "x-berlin",
        "é",
        "en\n",
        "en-" + "a1b2c-" * 5 + "x-yz",
    ],
)
def test_anything_else_is_no_language(tag: str) -> None:
    """Above all not its name, and nothing longer than anybody has to take."""
    with pytest.raises(ValidationError, match="is no language tag"):
        Channel(name="x", title="x", language=tag)


@pytest.mark.parametrize(
    ("tag", "direction"),
    [
        *((tag, "rtl") for tag in ("ar", "he", "fa", "ur", "ps", "sd", "ug", "yi", "dv", "ckb", "AR-eg", "fa-AF")),
        *((tag, "rtl") for tag in ("pa-Arab", "az-Arab-IR", "ar-Arab")),
        *((tag, "ltr") for tag in ("en", "es", "zh-Hant", "az", "arn", "ur-Latn", "yi-Latn-US")),
    ],
)
def test_a_language_brings_its_direction(tag: str, direction: str) -> None:
    """The script decides where one is named."""
    assert direction == Channel(name="x", title="x", language=tag).direction


def test_a_direction_that_is_given_stands() -> None:
    """Whoever sets it knows better."""
    assert "ltr" == Channel(name="x", title="x", language="ar", direction="ltr").direction
    assert "rtl" == Channel(name="x", title="x", language="en", direction="rtl").direction


def test_a_channel_does_not_change() -> None:
    """Another one takes its place when the file is read again."""
    english = channel.load(None)["en"]
    with pytest.raises(ValidationError):
        english.window = 3  # type: ignore[misc]


def test_no_channel_shares_its_labels_with_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default is everybody's, and a copy of it each one's."""
    found = channel.load(None)
    # For so long: without a file all of this process have these channels.
    monkeypatch.setitem(found["en"].labels, 1, "changed")
    assert "flash" == found["ar"].labels[1] == LABELS[1]


def test_the_difference_of_two_files_is_told_by_name() -> None:
    """What is new, what is gone, and which fields of what stays are others."""
    old = channel.load(None)
    new = {
        "fr": Channel(name="fr", title="Alertes", language="fr"),
        "en": old["en"].model_copy(update={"title": "News", "window": 5}),
        "ar": old["ar"],
    }
    found = differences(old, new)
    assert Difference(added=("fr",), removed=("es",), changed=(("en", ("title", "window")),)) == found
    assert "fr is new; es is gone; en has another title, window" == str(found)


def test_without_a_difference_there_is_none() -> None:
    """Another order is no difference."""
    old = channel.load(None)
    found = differences(old, dict(reversed(channel.load(None).items())))
    assert (False, "") == (bool(found), str(found))
    assert differences({}, old)
    assert differences(old, {})
    assert differences(old, old | {"es": old["es"].model_copy(update={"age": 1})})
