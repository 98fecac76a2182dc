"""Every name that somebody can type or read stands in the documents, and every such name in them is one.

Both sides are walked: the tables of the code, and all that the documents set as code. `test_docs` has the tables that
are the same line by line; the widget's own names are held against its README in a browser (`test_widget_host`).
"""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml
from ticker import client, settings, traces
from ticker.__main__ import _parser
from ticker.app import ROLE
from ticker.bridges.notice import OUTCOMES
from ticker.bridges.provider import Provider
from ticker.errors import SettingsError, TickerError
from ticker.metrics import SHARED
from ticker.problem import TYPE
from ticker.settings import PREFIX, Settings
from ticker.wire import CloseCode

from tests.test_docs import DOCS, MARKDOWN, ROOT, document, names, section, table
from tests.test_house import modules
from tests.test_metrics import figures

FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OTHERS = frozenset(
    {"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_SERVICE_NAME", "OTEL_TRACES_SAMPLER"}
)
"""Variables that OpenTelemetry itself reads, and that our documents send people to."""


@cache
def everything() -> str:
    """All documents."""
    return "\n".join(file.read_text(encoding="utf-8") for file in MARKDOWN)


@cache
def code() -> str:
    """What they set as code, in lines and in blocks."""
    text = everything()
    blocks = [block for _, block in FENCED.findall(text)]
    return "\n".join([*blocks, *names(FENCED.sub("", text))])


@cache
def parsers() -> dict[str, argparse.ArgumentParser]:
    """Every command by its words."""

    def walk(parser: argparse.ArgumentParser, name: str) -> Iterator[tuple[str, argparse.ArgumentParser]]:
        yield name, parser
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for below, found in action.choices.items():
                    yield from walk(found, f"{name} {below}")

    return dict(walk(_parser(), "ticker"))


def flags(parser: argparse.ArgumentParser) -> set[str]:
    """The long flags of a command."""
    return {flag for action in parser._actions for flag in action.option_strings if flag.startswith("--")}


def of_settings() -> set[str]:
    """Those that are settings, with the form that says no."""
    found = {f"--{name.replace('_', '-')}" for name in Settings.model_fields}
    return found | {flag.replace("--", "--no-", 1) for flag in found}


def problems() -> dict[str, type[TickerError]]:
    """Every problem that can be answered, wherever it stands; what only a command says has no type of its own."""
    for name in modules():
        if name != "__main__":
            importlib.import_module(f"ticker.{name}")

    def walk(of: type[TickerError]) -> Iterator[type[TickerError]]:
        yield of
        for below in of.__subclasses__():
            yield from walk(below)

    return {error.slug: error for error in walk(TickerError) if error is not SettingsError}


def providers() -> set[str]:
    """Every provider of pushes, by the name that it has in figures and commands."""
    found: set[str] = set()
    for name in modules():
        if name.startswith("bridges."):
            module = importlib.import_module(f"ticker.{name}")
            for made in vars(module).values():
                if (
                    isinstance(made, type)
                    and made is not Provider
                    and hasattr(made, "send")
                    and hasattr(made, "audiences")
                ):
                    found.add(str(vars(made)["name"]))
    return found


def variables() -> set[str]:
    """Every variable of the environment that the code reads: by name, and by the names of others."""
    own = {PREFIX + name.upper() for name in Settings.model_fields}
    return own | {name + "_FILE" for name in own} | settings.CLIENT | {*traces.ENDPOINTS, traces.DISABLED}


# What there is stands in the documents.


def test_every_flag_of_every_command_is_told() -> None:
    """Those that are settings stand in their table; the others where commands are, as code."""
    told = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", code()))
    missing = {
        f"{command} {flag}"
        for command, parser in parsers().items()
        for flag in flags(parser) - of_settings() - {"--help", "--version"}
        if flag not in told
    }
    assert set() == missing


def test_every_positional_of_a_command_is_told() -> None:
    """In capitals, where the command stands in the manual."""
    told = {re.sub(r" [A-Z]+", "", names(row[0])[0]): row[0] for row in table(section("operating.md", "## Commands"))}
    for command, row in told.items():
        needed = [
            action
            for action in parsers()[command]._actions
            if not action.option_strings and not isinstance(action, argparse._SubParsersAction) and action.nargs != "*"
        ]
        assert len(needed) == len(re.findall(r"(?<= )[A-Z]+", row)), command


def test_every_problem_stands_in_the_reference() -> None:
    """Also those that a line is told before a request is made of it."""
    told = {name for _, cell in _cells("api.md") for name in names(cell)}
    assert set() == set(problems()) - told


def test_every_provider_stands_in_the_document_of_pushes() -> None:
    """By the name that stands in figures, in commands and in the status of an item; so does every outcome."""
    assert {"fcm", "apns", "webpush", "webhook", "log"} == providers()
    rows = {names(row[0])[0] for row in table(section("push.md", "## Providers"))}
    assert providers() == rows
    assert set() == set(OUTCOMES) - set(names(section("push.md", "## The outbox")))


def test_every_variable_of_the_environment_is_told() -> None:
    """Read out of the source: whatever looks like one there is a setting, or stands in the reference."""
    source = "".join(path.read_text(encoding="utf-8") for path in modules().values())
    literal = set(re.findall(r"[\"'](TICKER_[A-Z_]+|OTEL_[A-Z_]+|PROMETHEUS_[A-Z_]+)[\"']", source))
    told = set(re.findall(r"`([A-Z][A-Z_]+)`", everything()))
    assert set() == literal - told - {PREFIX}
    assert {SHARED, ROLE} <= {name for row in table(section("reference.md", "## Variables")) for name in names(row[0])}


def test_the_reference_leads_to_each_kind_of_name() -> None:
    """One place for each, and a link to it."""
    kinds = [row[0] for row in table(section("reference.md", "## Where each name is explained"))]
    assert len(set(kinds)) == len(kinds) >= 15
    for row in table(section("reference.md", "## Where each name is explained")):
        assert re.search(r"\]\([^)]+\)", row[1]), row


# What stands in the documents is there.


def test_every_variable_in_the_documents_is_one() -> None:
    """Also in the files that a fleet is started with."""
    files = [
        path for path in (ROOT / "docker-compose.yml", ROOT / ".env.example", ROOT / "Dockerfile") if path.exists()
    ]
    text = everything() + "".join(path.read_text(encoding="utf-8") for path in files)
    asked = set(re.findall(r"\$\{([A-Z_]+)", "".join(path.read_text(encoding="utf-8") for path in files)))
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    longer = set(re.findall(r'os\.environ\.get\("(TICKER_TEST_[A-Z]+)"', tests))
    told = set(re.findall(r"\b(TICKER_[A-Z][A-Z_]*[A-Z])\b", text)) - asked
    assert set() == told - variables() - longer - {ROLE}
    assert set() == set(re.findall(r"`(OTEL_[A-Z_]+[A-Z])`", text)) - variables() - OTHERS


def test_every_flag_in_a_command_of_the_documents_is_one_of_that_command() -> None:
    """In blocks that can be copied, and in lines."""
    wrong: list[str] = []
    seen = 0
    for line in re.findall(r"(?:^|[\s`/])(ticker [a-z].*)$", code().replace("\\\n", " "), re.MULTILINE):
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue  # a sentence with an apostrophe
        command, *rest = words
        while rest and f"{command} {rest[0]}" in parsers():
            command = f"{command} {rest.pop(0)}"
        if command == "ticker":
            continue
        seen += 1
        given = {word.partition("=")[0] for word in rest if re.match(r"--[a-z]", word)}
        wrong += [f"{command} {flag}" for flag in given - flags(parsers()[command]) - {"--version"}]
    assert [] == wrong
    assert seen > 20


def test_every_command_in_the_documents_is_one() -> None:
    """`ticker` and a word that is none sends somebody to an error."""
    commands = {name.split()[1] for name in parsers() if " " in name}
    told = set(re.findall(r"`ticker ([a-z]+)", everything()))
    assert set() == told - commands


def test_every_figure_in_the_documents_is_one() -> None:
    """And in what operators are told by the alarms."""
    known = {f"{name}_total" if figure.kind == "counter" else name for name, figure in figures().items()}
    rules = yaml.safe_load((ROOT / "deploy" / "prometheus" / "rules.yml").read_text(encoding="utf-8"))
    known |= {rule["record"] for group in rules["groups"] for rule in group["rules"] if "record" in rule}
    notes = [str(rule.get("annotations", "")) for group in rules["groups"] for rule in group["rules"]]
    text = "\n".join([code(), *notes])
    told = set(re.findall(r"(?<![\w:{/.])ticker_[a-z_]+[a-z]\b(?!\.)", text))
    assert set() == told - known


def test_every_problem_in_the_documents_is_one() -> None:
    """By its whole name, wherever it stands, and in the tables of the reference."""
    told = set(re.findall(re.escape(TYPE) + r"([a-z-]+[a-z])", everything()))
    assert set() == told - set(problems())
    listed = {names(row[0])[0]: row[1] for row in _rows("api.md") if len(row) == 4 and row[1].isdigit()}
    assert set() == set(listed) - set(problems())
    assert {} == {slug: status for slug, status in listed.items() if str(problems()[slug].status) != status}


def test_every_close_code_in_the_documents_is_one() -> None:
    """In our range, or given a meaning by RFC 6455."""
    told = {int(found) for found in re.findall(r"\b(4[05]\d\d)\b", "".join(_prose("protocol.md", "widget.md")))}
    edges = {4000, 4499, 4500, 4999}
    assert set() == told - set(CloseCode) - edges - {4096}


def test_every_name_of_the_widget_in_the_documents_is_one() -> None:
    """Its events, and what its colours are called."""
    source = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "web" / "widget").glob("*.js")))
    emitted = {f"ticker-{name}" for name in re.findall(r"#(?:emit|tell)\((?:\w+ \? '\w+' : )?'(\w+)'", source)}
    assert emitted
    told = set(re.findall(r"`(ticker-(?:item|update|retract|status|[a-z]+ed|error|open|close))`", everything()))
    assert emitted == told
    properties = set(re.findall(r"var\((--ticker-[\w-]+)", source))
    assert properties == set(re.findall(r"(--ticker-[a-z-]+[a-z])", everything()))


@pytest.mark.parametrize("name", ["TICKER_URL", "TICKER_KEY"])
def test_what_a_client_reads_is_told_where_commands_are(name: str) -> None:
    """And is what the client reads."""
    assert name in settings.CLIENT
    assert f'"{name}"' in Path(str(client.__file__)).read_text(encoding="utf-8")
    assert name in section("operating.md", "## Commands")


def _rows(name: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in document(name).splitlines()
        if line.startswith("| `")
    ]


def _cells(name: str) -> list[tuple[int, str]]:
    return [(number, row[0]) for number, row in enumerate(_rows(name))]


def _prose(*files: str) -> Iterator[str]:
    for name in files:
        yield (DOCS / name).read_text(encoding="utf-8")
