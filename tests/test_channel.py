"""Channels: the built-in three, or those of a file, which is refused by what is wrong in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError
from ticker import channel
from ticker.channel import REGIONS, SECTIONS, Channel
from ticker.errors import SettingsError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the channels are written."""
    return tmp_path / "channels.toml"


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
        sections = ["politics", "bazaar"]
        regions = []

        [channels.en-sport]
        title = "Sport"
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
            sections=("politics", "bazaar"),
            regions=(),
        )
        == (found["fa"])
    )
    assert ("ltr", 10, SECTIONS, REGIONS) == (
        found["en-sport"].direction,
        found["en-sport"].window,
        found["en-sport"].sections,
        found["en-sport"].regions,
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("[channels.en", "Expected", id="no TOML"),
        pytest.param("", r"has no \[channels.NAME\] table", id="empty"),
        pytest.param("channels = 3", r"has no \[channels.NAME\] table", id="no table"),
        pytest.param("[channels]", r"has no \[channels.NAME\] table", id="no channel"),
        pytest.param("[channels]\nen = 3", r"channels\.en: ", id="a channel that is no table"),
        pytest.param("[channels.en]\nlanguage = 'en'", r"channels\.en\.title: ", id="no title"),
        pytest.param("[channels.en]\ntitle = ''\nlanguage = 'en'", r"channels\.en\.title: ", id="empty title"),
        pytest.param("[channels.EN]\ntitle = 'x'\nlanguage = 'en'", r"channels\.EN\.name: ", id="name in capitals"),
        pytest.param("[channels.'a b']\ntitle = 'x'\nlanguage = 'en'", r"channels\.a b\.name: ", id="space in a name"),
        pytest.param("[channels.en]\ntitle = 'x'\nlanguage = 'English'", r"channels\.en\.language: ", id="language"),
        pytest.param(
            "[channels.en]\ntitle = 'x'\nlanguage = 'en'\ndirection = 'up'",
            r"channels\.en\.direction: ",
            id="direction",
        ),
        pytest.param("[channels.en]\ntitle = 'x'\nlanguage = 'en'\nwindow = 0", r"channels\.en\.window: ", id="window"),
        pytest.param(
            "[channels.en]\ntitle = 'x'\nlanguage = 'en'\ncolour = 'red'", r"channels\.en\.colour: ", id="unknown"
        ),
        pytest.param(
            "[channels.en]\ntitle = 'x'\nlanguage = 'en'\nsections = ['a', 'B']",
            r"channels\.en\.sections\.1: ",
            id="section",
        ),
    ],
)
def test_what_is_wrong_in_the_file_is_said_with_its_place(file: Path, text: str, said: str) -> None:
    """The refusal names the variable, the file and the table's field."""
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=rf"^TICKER_CHANNELS: .*channels\.toml: {said}"):
        channel.load(file)


@pytest.mark.parametrize("content", [None, b"\xff"], ids=["missing", "not in UTF-8"])
def test_a_file_that_cannot_be_read_is_refused(file: Path, content: bytes | None) -> None:
    """No channel is served in place of those that were asked for."""
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"^TICKER_CHANNELS: .*channels\.toml: "):
        channel.load(file)


@pytest.mark.parametrize("name", ["en", "e", "en-sport", "a" * 32, "4u"])
def test_a_name_is_small_letters_figures_and_single_hyphens(name: str) -> None:
    """A name that can stand in an address as it is."""
    assert name == Channel(name=name, title="x", language="en").name


@pytest.mark.parametrize("name", ["", "-en", "en-", "en--sport", "En", "a" * 33, "en\n", "{en}", "é", "en/ar"])
def test_any_other_name_is_refused(name: str) -> None:
    """Nothing that would have to be quoted in an address or in a key of the store."""
    with pytest.raises(ValidationError):
        Channel(name=name, title="x", language="en")


def test_a_channel_does_not_change() -> None:
    """It is set at the start and holds."""
    english = channel.load(None)["en"]
    with pytest.raises(ValidationError):
        english.window = 3  # type: ignore[misc]
