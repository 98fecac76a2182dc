"""The documents say what the program does: what can be counted in the code is looked for in them."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from pydantic import SecretStr
from ticker import channel, errors, text
from ticker.__main__ import _parser
from ticker.app import Process
from ticker.draft import ATTRIBUTION, HEADLINE, LINK, NOTE, PUSH_HEADLINE, TAG, Draft
from ticker.errors import SettingsError, TickerError
from ticker.item import PUBLIC
from ticker.metrics import ANSWERS, REFUSED
from ticker.scope import SCOPES
from ticker.settings import PREFIX, Settings
from ticker.store import KINDS
from ticker.websocket import INBOUND
from ticker.window import REMOVE, REPLACE
from ticker.wire import CloseCode, Reset

from tests.test_metrics import figures

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
MARKDOWN = sorted(
    [
        ROOT / "README.md",
        ROOT / "CHANGELOG.md",
        ROOT / "bench" / "README.md",
        ROOT / "web" / "widget" / "README.md",
        *DOCS.rglob("*.md"),
    ]
)
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def document(name: str) -> str:
    """The text of a document in docs/."""
    return (DOCS / name).read_text(encoding="utf-8")


def section(name: str, heading: str) -> str:
    """What stands below this heading, up to the next of its kind or above."""
    level = heading.split(" ")[0]
    after = document(name).split(f"\n{heading}\n")[1]
    return re.split(rf"^#{{1,{len(level)}}} ", after, flags=re.MULTILINE)[0]


def table(content: str) -> list[list[str]]:
    """The rows of the first table, without its head, a list of cells each."""
    rows: list[list[str]] = []
    for line in content.splitlines():
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows:
            break
    return rows[2:]


def names(cell: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def problems(of: type[TickerError] = TickerError) -> Iterator[type[TickerError]]:
    """The tree of errors, but for those that never leave the house."""
    if of is not SettingsError and of.__module__ == errors.__name__:
        yield of
        for below in of.__subclasses__():
            yield from problems(below)


def commands(parser: argparse.ArgumentParser, before: str = "ticker") -> Iterator[str]:
    """Every command that can be typed, in full."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    # One that can be typed with nothing behind it stands for itself, whatever else may follow.
    if not below or not below[0].required:
        yield before
    for action in below:
        for name, found in action.choices.items():
            yield from commands(found, f"{before} {name}")


def anchors(content: str) -> set[str]:
    """The addresses of the headings, as they are made from their words."""
    headings = re.findall(r"^#+ (.*)$", FENCED.sub("", content), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_setting_stands_in_the_manual_with_its_flag_and_its_default() -> None:
    """The table is the settings, no more and no less, in their order."""
    told = [
        (*names(variable), *names(flag), *(names(default) or [default]))
        for variable, flag, default, _ in table(section("operating.md", "## Settings"))
    ]
    known = [
        (
            PREFIX + name.upper(),
            f"--{name.replace('_', '-')}",
            "none" if field.default is None else str(field.default),
        )
        for name, field in Settings.model_fields.items()
    ]
    assert known == told


def test_every_route_stands_in_the_reference() -> None:
    """The table is the routes of `ticker serve`, no more and no less."""
    process = Process(Settings(redis_url=SecretStr("redis://127.0.0.1:1")), "serve")
    known = {(method, route.path) for route in process.routes() for method in (route.methods or set()) - {"HEAD"}}
    told = [(names(method)[0], names(path)[0]) for method, path, *_ in table(section("api.md", "## Routes"))]
    assert sorted(known) == sorted(told)


@pytest.mark.parametrize("role", ["api", "fanout"])
def test_every_route_is_told_to_be_of_its_role(role: str) -> None:
    """Who runs the halves apart can read where each address is."""
    process = Process(Settings(redis_url=SecretStr("redis://127.0.0.1:1")), "api" if role == "api" else "fanout")
    known = {(method, route.path) for route in process.routes() for method in (route.methods or set()) - {"HEAD"}}
    told = [
        (names(method)[0], names(path)[0])
        for method, path, of, *_ in table(section("api.md", "## Routes"))
        if of in (role, "both")
    ]
    assert sorted(known) == sorted(told)


def test_every_refusal_stands_in_the_reference() -> None:
    """Each with its status and whether a repetition helps."""
    known = {(error.slug, str(error.status), "yes" if error.retry else "no") for error in problems()}
    told = [(names(slug)[0], status, retry) for slug, status, retry, _ in table(section("api.md", "## Refusals"))]
    assert sorted(known) == sorted(told)


def test_every_public_field_of_an_item_stands_in_the_reference() -> None:
    """The table is what anybody may see, in its order."""
    assert list(PUBLIC) == [names(field)[0] for field, *_ in table(section("api.md", "## The item"))]


def test_every_field_of_a_post_stands_in_the_reference() -> None:
    """The table is what an editor may send, in its order."""
    told = [names(field)[0] for field, *_ in table(section("api.md", "### Fields that are taken"))]
    assert list(Draft.model_fields) == told


@pytest.mark.parametrize(
    ("field", "limit"),
    [
        ("headline", HEADLINE),
        ("push_headline", PUSH_HEADLINE),
        ("attribution", ATTRIBUTION),
        ("link", LINK),
        ("tags", TAG),
    ],
)
def test_the_limit_of_a_field_is_the_one_that_is_told(field: str, limit: int) -> None:
    """An editor's tool is built from this table."""
    limits = {names(name)[0]: told for name, _, told, _ in table(section("api.md", "### Fields that are taken"))}
    assert str(limit) in re.findall(r"\d+", limits[field])


def test_the_other_limits_of_texts_are_those_that_are_told() -> None:
    """The length of a reason, the marks on a letter, the letters of a word."""
    assert f"1 to {NOTE} characters" in section("api.md", "## Retract")
    rules = section("api.md", "### Text")
    assert f"more than {text.MOST_MARKS} marks" in rules
    assert f"more than {text.LONGEST_WORD} characters" in rules


def test_every_character_that_turns_text_is_named() -> None:
    """A refused character can be looked up by its number."""
    rules = section("api.md", "### Text")
    told: set[str] = set()
    for first, last in re.findall(r"U\+([0-9A-F]{4})(?: to U\+([0-9A-F]{4}))?", rules):
        told |= {chr(point) for point in range(int(first, 16), int(last or first, 16) + 1)}
    assert set(text.BIDI_CONTROLS) == told


def test_every_close_code_stands_in_the_protocol() -> None:
    """Each with the name that it has in the code."""
    told = [(code, name) for code, name, *_ in table(section("protocol.md", "## Close codes"))]
    assert [(str(code.value), code.name.lower()) for code in CloseCode] == told


def test_every_reason_of_a_reset_stands_in_the_protocol() -> None:
    """A client can tell why it was given everything again."""
    known = [value for name, value in vars(Reset).items() if name.isupper()]
    told = [names(reason)[0] for reason, when in table(document("protocol.md").split("**`reset`**")[1])]
    assert known == told


def test_every_act_stands_in_the_protocol() -> None:
    """And what a client does with it."""
    rows = table(document("protocol.md").split("**`entry`**")[1])
    assert {"publish", *REPLACE, *REMOVE} == {name for act, _ in rows for name in names(act)}


def test_the_greatest_message_of_a_reader_is_the_one_that_is_told() -> None:
    """In the protocol and among the limits."""
    assert f"up to {INBOUND:,} bytes" in document("protocol.md")
    assert f"| a message from a reader | {INBOUND:,} bytes |" in document("operating.md")


def test_every_figure_stands_in_the_manual_with_its_kind_and_its_labels() -> None:
    """The table is what `/metrics` can tell, no more and no less."""
    told = {
        names(name)[0].removesuffix("_total"): (kind, tuple(names(labels)))
        for name, kind, labels, _ in table(section("operating.md", "## Figures"))
    }
    assert {name: (figure.kind, figure.labels) for name, figure in figures().items()} == told


def test_every_kind_of_failure_of_the_store_stands_in_the_manual() -> None:
    """And every answer to a reader."""
    rows = {names(row[0])[0]: row[3] for row in table(section("operating.md", "## Figures"))}
    assert set(KINDS) == set(names(rows["ticker_redis_errors_total"]))
    assert {*ANSWERS, REFUSED} == set(names(rows["ticker_joins_total"]))


def test_every_command_stands_in_the_manual() -> None:
    """The table is the command line, no more and no less."""
    told = [re.sub(r" [A-Z]+", "", names(command)[0]) for command, _ in table(section("operating.md", "## Commands"))]
    assert list(commands(_parser())) == told


def test_every_scope_of_a_key_stands_in_the_manual() -> None:
    """Those that open nothing yet too."""
    assert set() == set(SCOPES) - set(names(section("operating.md", "## Keys")))


def test_the_example_of_a_channels_file_is_one(tmp_path: Path) -> None:
    """Copied into a file as it stands, it loads, and it shows every field of a channel."""
    (example,) = [code for kind, code in FENCED.findall(document("operating.md")) if kind == "toml"]
    file = tmp_path / "channels.toml"
    file.write_text(example, encoding="utf-8")
    found = channel.load(file)
    assert [("en", "ltr"), ("ar", "rtl"), ("en-weather", "ltr")] == [
        (name, loaded.direction) for name, loaded in found.items()
    ]
    assert () == found["en-weather"].sections
    assert set() == {name for name in channel.Channel.model_fields if name != "name" and f"{name} = " not in example}


@pytest.mark.parametrize("file", MARKDOWN, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_link_leads_somewhere(file: Path) -> None:
    """A file that is there, and in it the heading that is named."""
    content = FENCED.sub("", file.read_text(encoding="utf-8"))
    broken: list[str] = []
    for link in re.findall(r"\]\(([^)\s]+)\)", content):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, heading = unquote(link).partition("#")
        target = file.parent / path if path else file
        if not target.exists() or (heading and heading not in anchors(target.read_text(encoding="utf-8"))):
            broken.append(link)
    assert [] == broken


def test_every_decision_is_linked_and_has_its_three_parts() -> None:
    """Numbered without a hole, found from the architecture, and telling why."""
    found = sorted((DOCS / "decisions").glob("*.md"))
    assert [f"{number:04}" for number in range(1, len(found) + 1)] == [file.name[:4] for file in found]
    assert [] == [file.name for file in found if f"(decisions/{file.name})" not in document("architecture.md")]
    for file in found:
        headings = re.findall(r"^## (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
        assert ["Context", "Decision", "Consequences"] == headings


def test_the_picture_is_small_enough_for_a_front_page() -> None:
    """300 KB at most, and a PNG."""
    picture = (DOCS / "demo.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 300_000


def test_every_promise_of_the_widget_names_tests_that_there_are() -> None:
    """21 points, each with a test of that name."""
    rows = table(section("widget.md", "## What is promised, and the test for each"))
    assert [str(number) for number in range(1, 22)] == [row[0] for row in rows]
    source = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests" / "e2e").glob("test_*.py")))
    tests = set(re.findall(r"^def (test_\w+)", source, re.MULTILINE))
    assert [] == [row[0] for row in rows if not names(row[2]) or set(names(row[2])) - tests]
    assert set() == set(names(document("widget.md").rpartition("\nIn Firefox")[2])) - tests
