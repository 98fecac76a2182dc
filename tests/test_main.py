"""The command line itself: its commands, its flags, its exit status."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
import ticker
from ticker import __main__ as program
from ticker import commands, load
from ticker.__main__ import main
from ticker.settings import Settings

ITEMS = ["post", "correct", "update", "retract", "hold", "release", "approve", "pin", "unpin", "expire", "undo"]
COMMANDS = ["serve", "api", "fanout", "push", *ITEMS, "watch", "load", "keys", "audit", "backup", "restore", "check"]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nothing of this machine's own settings."""
    for name in list(os.environ):
        if name.startswith("TICKER_"):
            monkeypatch.delenv(name)
    return monkeypatch


def ended(*arguments: str) -> int | str | None:
    """The status with which the parser itself ends the program."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    return end.value.code


def test_the_program_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    """The version is that of the package."""
    assert 0 == ended("--version")
    assert f"ticker {ticker.__version__}\n" == capsys.readouterr().out


def test_the_first_sentence_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """What the module says that there is, there is."""
    assert COMMANDS == re.findall(r"`(?:ticker )?(\w+)`", program.__doc__ or "")
    assert 0 == ended("--help")
    told = capsys.readouterr().out
    assert COMMANDS == [name for name in re.findall(r"^    (\w+) ", told, re.MULTILINE) if name in COMMANDS]


@pytest.mark.parametrize(
    "command",
    [
        *([name] for name in COMMANDS),
        *(["keys", act] for act in ("create", "list", "revoke")),
        *(["audit", act] for act in ("show", "verify")),
    ],
    ids=" ".join,
)
def test_every_command_has_its_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody needs the documentation beside the keyboard."""
    assert 0 == ended(*command, "--help")
    assert capsys.readouterr().out.startswith(f"usage: ticker {' '.join(command)} ")


@pytest.mark.parametrize("command", ["serve", "api", "fanout", "push", "check"])
def test_every_setting_is_a_flag(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With the name of the variable in small letters, and what it is."""
    ended(command, "--help")
    # Lines are broken where the terminal ends, at hyphens too.
    told = "".join(capsys.readouterr().out.split())
    for name, field in Settings.model_fields.items():
        assert f"--{name.replace('_', '-')}" in told
        assert "".join(str(field.description).split()) in told


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="no command"),
        pytest.param(["sing"], id="an unknown command"),
        pytest.param(["check", "--colour", "red"], id="an unknown flag"),
        pytest.param(["post"], id="no channel"),
        pytest.param(["post", "en", "x", "--urgency", "high"], id="urgency in words"),
        pytest.param(["retract", "en", "A"], id="no reason"),
        pytest.param(["correct", "en", "A", "--headline", "x"], id="no note"),
        pytest.param(["update", "en", "--headline", "x"], id="no item"),
        pytest.param(["update", "en", "A", "--replaces", "B"], id="a field that only a new item has"),
        pytest.param(["pin", "en", "A", "--until", "2098-01-01T00:00:00Z", "--minutes", "5"], id="two ends of a pin"),
        pytest.param(["pin", "en", "A", "--minutes", "0"], id="no minutes"),
        pytest.param(["pin", "en", "A", "--minutes", "99999999999"], id="more minutes than there are"),
        pytest.param(["pin", "en", "A", "--minutes", "half"], id="minutes in words"),
        pytest.param(["hold", "en", "A", "why"], id="a reason that needs its flag"),
        pytest.param(["keys"], id="no act"),
        pytest.param(["keys", "create", "desk", "--scope", "sing"], id="an unknown scope"),
        pytest.param(["check", "--role", "sing"], id="an unknown role"),
    ],
)
def test_a_wrong_call_ends_with_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What was called wrongly is told apart from what was refused, and nothing is done."""
    assert 2 == ended(*arguments)
    said = capsys.readouterr()
    assert "" == said.out
    assert said.err.startswith("usage: ticker ")


@pytest.mark.parametrize("command", ITEMS)
def test_whatever_is_done_to_items_can_be_tried_first(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each has its dry run, and finds the service and the key by the same flags."""
    ended(command, "--help")
    told = capsys.readouterr().out
    for flag in ("--dry-run", "--url", "--key"):
        assert f"  {flag} " in told


@pytest.mark.parametrize("role", ["api", "fanout", "push"])
def test_a_role_that_shares_a_store_does_not_start_without_one(role: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence that names the variable, and status 1."""
    assert 1 == main([role])
    assert (
        f"ticker: TICKER_REDIS_URL: 'ticker {role}' shares a store with others; name it (redis://HOST:PORT).\n"
        == capsys.readouterr().err
    )


@pytest.mark.parametrize("role", ["serve", "api", "fanout", "push", "check"])
def test_a_wrong_setting_keeps_the_program_from_starting(
    role: str, nothing_set: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the environment or from a flag, it is refused by the same name."""
    assert 1 == main([role, "--port", "eighty"])
    assert capsys.readouterr().err.startswith("ticker: TICKER_PORT: ")
    nothing_set.setenv("TICKER_WORKERS", "none")
    assert 1 == main([role])
    assert capsys.readouterr().err.startswith("ticker: TICKER_WORKERS: ")


def test_a_flag_goes_before_the_environment(
    nothing_set: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And a switch that is not given leaves the variable as it is."""
    nothing_set.setenv("TICKER_PORT", "9001")
    nothing_set.setenv("TICKER_SAMPLES", "true")
    assert 0 == main(["check", "--port", "9002"])
    told = capsys.readouterr().out.splitlines()
    assert "TICKER_PORT=9002" in told
    assert "TICKER_SAMPLES=True" in told


def test_a_switch_needs_no_value(capsys: pytest.CaptureFixture[str]) -> None:
    """--samples alone says yes."""
    assert 0 == main(["check", "--samples"])
    assert "TICKER_SAMPLES=True" in capsys.readouterr().out.splitlines()


def test_the_package_is_the_program() -> None:
    """`python -m ticker` ends with the command's own status."""
    command = [sys.executable, "-m", "ticker", "check"]
    assert 0 == subprocess.run(command, capture_output=True, timeout=30).returncode
    assert 1 == subprocess.run([*command, "--port", "eighty"], capture_output=True, timeout=30).returncode


@pytest.mark.parametrize(
    "buffered",
    [
        pytest.param({}, id="buffered"),
        pytest.param({"PYTHONUNBUFFERED": "1"}, id="unbuffered"),
    ],
)
def test_output_that_nobody_reads_ends_the_program_quietly(buffered: dict[str, str]) -> None:
    """`ticker check | true` leaves neither a trace nor a complaint of the interpreter."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"} | buffered
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "ticker", "check"], stdout=writer, stderr=subprocess.PIPE, env=environ, timeout=30
        )
    finally:
        os.close(writer)
    assert (1, b"") == (ran.returncode, ran.stderr)


def test_what_the_parser_offers_is_what_the_commands_do() -> None:
    """It does not load them, so it names them itself."""
    assert set(commands.CLIENT) == program.EDITING
    for way in load.MIX:
        assert way == program._parser().parse_args(["load", "en", "--way", way]).way
