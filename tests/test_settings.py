"""Settings: complete at the start, or refused by the name of the variable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from pydantic import ValidationError
from ticker.errors import SettingsError
from ticker.settings import PREFIX, Settings

SECRET = "a bootstrap key of 32 characters or more"
STORE = "redis://editor:pass-word@store.example:6379/0"

words = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=40)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A file that holds a value, as a secret is given to a container."""
    file = tmp_path / "value"
    file.write_text("9001\n", encoding="utf-8")
    return file


def test_nothing_given_is_complete() -> None:
    """Without a single variable the program can start, on this machine only."""
    settings = Settings.load({})
    assert ("127.0.0.1", 8000, Path(".data"), 1) == (settings.host, settings.port, settings.data, settings.workers)
    assert (None, None, None) == (settings.redis_url, settings.bootstrap_key, settings.channels)


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        ("TICKER_HOST", "0.0.0.0", "0.0.0.0"),
        ("TICKER_PORT", "0", 0),
        ("TICKER_DATA", "/var/lib/ticker", Path("/var/lib/ticker")),
        ("TICKER_RATE_LIMIT", "0", 0),
        ("TICKER_HEARTBEAT", "2.5", 2.5),
        ("TICKER_SAMPLES", "1", True),
        ("TICKER_SAMPLES", "false", False),
        ("TICKER_FSYNC", "always", "always"),
        ("TICKER_CHANNELS", "channels.toml", Path("channels.toml")),
    ],
)
def test_a_variable_becomes_a_setting_of_its_type(variable: str, text: str, value: object) -> None:
    """Every setting can be given as text in the environment."""
    assert value == getattr(Settings.load({variable: text}), variable.removeprefix(PREFIX).lower())


def test_proxies_are_named_by_address_or_network() -> None:
    """Nobody is by default; a slip is told at the start, not with the first request."""
    assert None is Settings.load({}).proxies
    named = "10.0.0.5, fd00::/8"
    assert named == Settings.load({"TICKER_PROXIES": named}).proxies
    assert named == Settings.load(Settings.load({"TICKER_PROXIES": named}).environ()).proxies
    with pytest.raises(SettingsError, match=r"^TICKER_PROXIES: .*'proxy\.example' is no address and no network"):
        Settings.load({"TICKER_PROXIES": "10.0.0.5, proxy.example"})


@pytest.mark.parametrize("address", ["http://127.0.0.1:8000", "https://news.example", "https://[2001:db8::1]/ticker"])
def test_the_public_address_is_kept_without_a_slash_at_its_end(address: str) -> None:
    """Paths are written behind it."""
    assert address == Settings.load({"TICKER_PUBLIC_URL": address}).public_url
    assert address == Settings.load({"TICKER_PUBLIC_URL": address + "/"}).public_url


@pytest.mark.parametrize(
    "address",
    [
        "news.example",
        "//news.example",
        "ftp://news.example",
        "https://",
        "https://user@news.example",
        "https://news.example?x=1",
        "https://news.example/#x",
        "https://news.example/a b",
        "https://news\u0435.example",
    ],
)
def test_what_is_no_public_address_is_refused(address: str) -> None:
    """It stands in every feed; a slip is told at the start."""
    with pytest.raises(SettingsError, match=r"^TICKER_PUBLIC_URL: .* like https://news\.example\.$"):
        Settings.load({"TICKER_PUBLIC_URL": address})


def test_a_file_gives_what_stands_in_it(kept: Path) -> None:
    """TICKER_PORT_FILE names a file; the line's end does not count."""
    assert 9001 == Settings.load({"TICKER_PORT_FILE": str(kept)}).port


def test_a_flag_goes_before_a_variable_and_a_variable_before_a_file(kept: Path) -> None:
    """The nearer to the hand that typed it, the stronger."""
    environ = {"TICKER_PORT_FILE": str(kept), "TICKER_PORT": "9002"}
    assert 9003 == Settings.load(environ, {"port": "9003"}).port
    assert 9002 == Settings.load(environ, {"port": None}).port
    assert 9001 == Settings.load({**environ, "TICKER_PORT": ""}).port


def test_an_empty_variable_is_one_that_was_not_set() -> None:
    """Compose files pass empty strings for what nobody filled in."""
    empty = {PREFIX + name.upper(): "" for name in Settings.model_fields}
    assert Settings() == Settings.load(empty)
    assert Settings() == Settings.load({variable + "_FILE": "" for variable in empty})


def test_a_file_that_is_overruled_is_not_read() -> None:
    """A variable that is set needs no file, even when the file is not there."""
    assert 9002 == Settings.load({"TICKER_PORT": "9002", "TICKER_PORT_FILE": "/nowhere/at/all"}).port


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["missing", "not in UTF-8"])
def test_a_file_that_cannot_be_read_is_named_by_its_variable(tmp_path: Path, content: bytes | None) -> None:
    """The program does not start, and says which variable leads nowhere."""
    file = tmp_path / "value"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"^TICKER_BOOTSTRAP_KEY_FILE: cannot be read \(") as refused:
        Settings.load({"TICKER_BOOTSTRAP_KEY_FILE": str(file)})
    assert "TICKER_BOOTSTRAP_KEY_FILE" == refused.value.variable


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("TICKER_PORT", "eighty"),
        ("TICKER_PORT", "65536"),
        ("TICKER_WORKERS", "0"),
        ("TICKER_BOOTSTRAP_KEY", "short"),
        ("TICKER_FSYNC", "sometimes"),
        ("TICKER_LOG_LENGTH", "99"),
        ("TICKER_HEARTBEAT", "nan"),
        ("TICKER_STUCK", "0"),
        ("TICKER_MAX_BODY", "1023"),
        ("TICKER_SAMPLES", "perhaps"),
        ("TICKER_LOG_LEVEL", "loud"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_variable(variable: str, text: str) -> None:
    """The program does not start with a setting that it cannot keep."""
    with pytest.raises(SettingsError, match=rf"^{variable}: ") as refused:
        Settings.load({variable: text})
    assert variable == refused.value.variable


@pytest.mark.parametrize("address", ["store.example:6379", "http://store.example", "redis//store", "file:///store"])
def test_an_address_that_no_store_has_is_refused(address: str) -> None:
    """Only redis://, rediss:// and unix:// lead to a store; anything else must not wait for the first post."""
    with pytest.raises(SettingsError, match=r"^TICKER_REDIS_URL: "):
        Settings.load({"TICKER_REDIS_URL": address})


def test_a_wrong_flag_is_refused_by_the_name_of_its_variable() -> None:
    """A flag and its variable are one setting, with one name in what is said."""
    with pytest.raises(SettingsError, match=r"^TICKER_PORT: "):
        Settings.load({}, {"port": "eighty"})


def test_an_unknown_setting_is_refused_by_name() -> None:
    """A typing error must not be taken for a setting that has its default."""
    with pytest.raises(SettingsError, match=r"^TICKER_PROT: "):
        Settings.load({}, {"prot": "80"})


def test_a_refusal_does_not_repeat_a_secret() -> None:
    """What is said of a wrong key is not the key."""
    with pytest.raises(SettingsError) as refused:
        Settings.load({"TICKER_BOOTSTRAP_KEY": "hunter2"})
    assert "hunter2" not in refused.value.detail
    assert refused.value.__cause__ is None


def test_secrets_are_masked_wherever_settings_are_shown() -> None:
    """Neither the key nor the store's password can be read in what an operator sees."""
    settings = Settings.load({"TICKER_BOOTSTRAP_KEY": SECRET, "TICKER_REDIS_URL": STORE})
    for shown in (str(settings.masked()), str(settings), repr(settings)):
        assert SECRET not in shown
        assert "pass-word" not in shown


def test_every_setting_is_shown_and_what_is_not_set_is_said() -> None:
    """An operator sees each variable with its value, or that there is none."""
    shown = Settings.load({"TICKER_PORT": "9001"}).masked()
    assert {PREFIX + name.upper() for name in Settings.model_fields} == set(shown)
    assert "9001" == shown["TICKER_PORT"]
    assert "(not set)" == shown["TICKER_REDIS_URL"]


def test_settings_do_not_change() -> None:
    """What the program was told at the start holds until its end."""
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]


def test_every_setting_says_what_it_is() -> None:
    """The description is the help of the flag."""
    assert [] == [name for name, field in Settings.model_fields.items() if not field.description]


def test_workers_get_secrets_in_full() -> None:
    """A process of ours gets what an operator does not see."""
    environ = Settings.load({"TICKER_BOOTSTRAP_KEY": SECRET, "TICKER_REDIS_URL": STORE}).environ()
    assert (SECRET, STORE) == (environ["TICKER_BOOTSTRAP_KEY"], environ["TICKER_REDIS_URL"])
    assert "TICKER_CHANNELS" not in environ


@hypothesis(deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "host": words.filter(bool),
            "port": st.integers(0, 65535),
            "data": words.filter(bool).map(Path),
            "bootstrap_key": words.map(lambda text: text + SECRET),
            "redis_url": st.just(STORE),
            "rate_limit": st.integers(0),
            "fsync": st.sampled_from(["always", "everysec", "no"]),
            "heartbeat": st.floats(0.001, 300),
            "samples": st.booleans(),
        },
    )
)
def test_a_worker_has_the_settings_of_the_process_that_started_it(given: dict[str, Any]) -> None:
    """Whatever the settings, they go through the environment unchanged."""
    settings = Settings(**given)
    assert settings == Settings.load(settings.environ())


def refused(environ: dict[str, str]) -> str | None:
    """The variable for which these settings are refused."""
    try:
        Settings.load(environ)
    except SettingsError as error:
        return error.variable
    return None


@hypothesis(deadline=None)
@given(st.dictionaries(st.sampled_from([PREFIX + name.upper() for name in Settings.model_fields]), words))
def test_any_environment_is_taken_or_refused_by_name(environ: dict[str, str]) -> None:
    """Whatever stands in the variables, there are settings or a refusal that names one of them."""
    assert refused(environ) in {None, *environ}


@pytest.mark.parametrize("text", ["none", "10.0.0.0/8", "127.0.0.1, ::1"])
def test_who_reads_the_figures_is_named_by_addresses_or_nobody_is(text: str) -> None:
    """An empty variable counts as not set, so there is a word for nobody."""
    assert text == Settings.load({"TICKER_METRICS": text}).metrics
    assert "127.0.0.0/8,::1" == Settings.load({"TICKER_METRICS": ""}).metrics


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        *(("TICKER_METRICS", wrong) for wrong in ("everybody", "none,10.0.0.1")),
        *(("TICKER_RECEIPTS", wrong) for wrong in ("1.1", "-0.1", "nan")),
    ],
)
def test_what_cannot_be_said_of_figures_and_receipts_is_refused(variable: str, value: str) -> None:
    """By the variable's name."""
    assert variable == refused({variable: value})
