"""The commands: `ticker serve`, `api`, `fanout`, `push`; `post`, `correct`, `update`, `retract`, `hold`, `release`,
`approve`, `pin`, `unpin`, `expire`, `undo`; `watch`, `load`, `keys`, `audit`, `backup`, `restore`, `check`.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from ticker import __version__, logs
from ticker.errors import TickerError
from ticker.scope import SCOPES
from ticker.settings import Settings

if TYPE_CHECKING:
    from ticker.app import Role

log = logging.getLogger("ticker")

ROLES = {
    "serve": "everything in one process group, on the embedded store unless TICKER_REDIS_URL is set",
    "api": "HTTP for editors",
    "fanout": "WebSocket and HTTP for readers",
    "push": "the mobile push bridge; prints what it would send when no provider is set",
}
ACTS = {
    "hold": "take an item off every screen until it is released",
    "release": "put a held item on air again, on top",
    "approve": "let an item out that waits for a second pair of eyes",
    "pin": "put an item before all others",
    "unpin": "put a pinned item back in its place",
    "expire": "take an item off the ticker now; nothing was wrong with it",
    "undo": "stop an item's push that has not left yet",
}
EDITING = frozenset({"post", "correct", "update", "retract", *ACTS})
MOST_MINUTES = 100 * 365 * 24 * 60


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit status: 0 done, 1 refused or failed, 2 called wrongly."""
    options = _parser().parse_args(arguments)
    try:
        status = _run(options)
        # Here rather than at the interpreter's end: a pipe that was closed is found out while it can be told.
        sys.stdout.flush()
        return status
    except TickerError as error:
        print(f"ticker: {error.detail}", file=sys.stderr)
    except BrokenPipeError:
        # Whoever read our output has gone; what is still buffered must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return 130
    return 1


def _run(options: argparse.Namespace) -> int:
    command: str = options.command
    # Each loads what it needs and nothing else: an editor's command does not wait for the parts of a server.
    if command == "watch":
        from ticker import watch

        return asyncio.run(watch.watch(options))
    if command == "load":
        import uvloop

        from ticker import load

        return uvloop.run(load.load(options))
    if command in EDITING:
        from ticker import commands

        return asyncio.run(commands.CLIENT[command](options))
    settings = Settings.load(os.environ, {name: getattr(options, name, None) for name in Settings.model_fields})
    logs.configure(settings.log_level, settings.log_format)
    for variable in Settings.unknown(os.environ):
        log.warning("%s is not a setting and does nothing; 'ticker check' lists those that there are", variable)
    if command in ("check", "keys"):
        from ticker import commands

        if command == "check":
            return commands.check(settings, options.role)
        return asyncio.run(commands.keys(settings, options))
    if command == "audit":
        from ticker import inspection

        return asyncio.run(inspection.audit(settings, options))
    if command in ("backup", "restore"):
        from ticker import backup

        return asyncio.run((backup.backup if command == "backup" else backup.restore)(settings, options))
    if command == "push" and options.act:
        from ticker import pushing

        return asyncio.run(pushing.push(settings, options))
    from ticker import serve

    return serve.push(settings) if command == "push" else serve.run(settings, cast("Role", command))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ticker", description="A real-time breaking-news ticker.")
    parser.add_argument("--version", action="version", version=f"ticker {__version__}")
    added = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    settings = _settings()
    client = argparse.ArgumentParser(add_help=False)
    client.add_argument("--url", help="address of the service (TICKER_URL, default http://127.0.0.1:8000)")
    client.add_argument("--key", help="API key (TICKER_KEY, or a file named by TICKER_KEY_FILE)")

    for role, what in ROLES.items():
        parser_of_role = added.add_parser(role, help=what, parents=[settings])
        if role == "push":
            _pushing(parser_of_role, settings)

    _editing(added, client)

    watching = added.add_parser("watch", help="print a channel as it happens", parents=[client])
    watching.add_argument("channel")
    watching.add_argument("--cursor", help="begin after this cursor")
    watching.add_argument("--json", action="store_true", help="print every frame as it is")

    loading = added.add_parser("load", help="readers against a service of yours, and a report", parents=[client])
    loading.add_argument("channel")
    loading.add_argument("--readers", type=int, default=100, help="how many; default 100, at most 20,000")
    loading.add_argument("--seconds", type=float, default=30, help="for how long; default 30, at most 3,600")
    loading.add_argument("--ramp", type=float, default=100, help="readers who come in a second; default 100")
    loading.add_argument(
        "--way", choices=["ws", "sse", "poll", "mixed"], default="ws", help="how they read; default ws"
    )
    loading.add_argument("--post", type=float, default=0, help="alerts a second, published by the key; default none")
    loading.add_argument("--yes", action="store_true", help="so be it: readers of the channel see those alerts")
    loading.add_argument("--json", action="store_true", help="the report as JSON")

    keys = added.add_parser("keys", help="make, list and revoke keys")
    acts = keys.add_subparsers(dest="act", required=True, metavar="ACT")
    create = acts.add_parser("create", help="make a key and show it, once", parents=[settings])
    create.add_argument("name", help="whose key it is")
    create.add_argument(
        "--scope", action="append", choices=SCOPES, help="may be repeated; default read, publish, correct, retract"
    )
    create.add_argument("--channel", action="append", help="may be repeated; default every channel")
    create.add_argument("--days", type=float, help="days until it expires; default never")
    acts.add_parser("list", help="the keys, without their secrets", parents=[settings])
    revoke = acts.add_parser("revoke", help="end a key", parents=[settings])
    revoke.add_argument("id", help="the key's id, as 'keys list' shows it")

    audit = added.add_parser("audit", help="the record of who did what, and whether it was changed")
    acts = audit.add_subparsers(dest="act", required=True, metavar="ACT")
    show = acts.add_parser("show", help="print it, oldest first", parents=[settings])
    show.add_argument("channel", nargs="?", help="a channel, or 'keys'; default all of them")
    show.add_argument("--after", type=int, help="the records after this number; default the newest")
    show.add_argument("--limit", type=int, default=50, help="at most so many; default 50")
    show.add_argument("--json", action="store_true", help="a line of JSON each, with both versions")
    verify = acts.add_parser("verify", help="read all, and name every record that was changed", parents=[settings])
    verify.add_argument("channel", nargs="?", help="a channel, or 'keys'; default all of them")
    verify.add_argument(
        "--against",
        nargs="+",
        metavar="FILE",
        help="JSON lines: answers to posts, what a reader was sent, or what a webhook was told",
    )

    saving = added.add_parser("backup", help="the embedded store as one file", parents=[settings])
    saving.add_argument("file", help="where to; it must not be there yet")
    restoring = added.add_parser("restore", help="a store out of that file", parents=[settings])
    restoring.add_argument("file", help="what 'ticker backup' wrote")

    check = added.add_parser("check", help="the effective settings", parents=[settings])
    check.add_argument("--role", choices=list(ROLES), default="serve", help="for which role they should be complete")
    return parser


def _pushing(parser: argparse.ArgumentParser, settings: argparse.ArgumentParser) -> None:
    """What can be asked of the bridge; without any of it, it runs."""
    acts = parser.add_subparsers(dest="act", metavar="ACT")
    status = acts.add_parser("status", help="what became of the pushes of an item", parents=[settings])
    status.add_argument("item", help="the item's id")
    dead = acts.add_parser("dead", help="pushes that were given up").add_subparsers(
        dest="dead", required=True, metavar="ACT"
    )
    for name, what in (
        ("list", "show them, with the reasons"),
        ("retry", "try them again"),
        ("drop", "forget them"),
    ):
        letters = dead.add_parser(name, help=what, parents=[settings])
        letters.add_argument("letter", nargs="*", help="ids, as 'list' shows them; default all")
        letters.add_argument("--channel", dest="channel", help="only of this channel")
    test = acts.add_parser("test", help="what would be sent; Firebase is asked for a dry run", parents=[settings])
    test.add_argument("channel")
    acts.add_parser("vapid", help="make a key for Web Push, and print it", parents=[settings])


def _editing(added: Any, client: argparse.ArgumentParser) -> None:
    """The commands of editors; each as dry run, too."""
    editor = argparse.ArgumentParser(add_help=False, parents=[client])
    editor.add_argument("channel")
    editor.add_argument("--dry-run", action="store_true", help="do nothing, and print as JSON what would be")
    fields = _fields()

    post = added.add_parser("post", help="publish one headline, or JSON from a file", parents=[editor, fields])
    post.add_argument("headline", nargs="?", help="'Attribution: headline' stays one headline; see --attribution")
    post.add_argument("--file", help="JSON lines or a JSON array of items; - is standard input")
    post.add_argument("--replaces", metavar="ITEM", help="id of a retracted item that this one stands for")
    post.add_argument("--allow-similar", action="store_true", help="also when the same text stands already")

    item = argparse.ArgumentParser(add_help=False, parents=[editor])
    item.add_argument("item", help="the item's id")
    changed = argparse.ArgumentParser(add_help=False, parents=[item, fields])
    changed.add_argument("--headline", help="an empty text takes a field away, but for the headline")
    correct = added.add_parser("correct", help="mend what was wrong; it keeps its place", parents=[changed])
    correct.add_argument("--note", required=True, help="public note that says what was wrong")
    update = added.add_parser("update", help="say more", parents=[changed])
    update.add_argument("--note", help="public note that says what is new")
    update.add_argument("--bump", action="store_true", help="move the item to the top")

    retract = added.add_parser("retract", help="take an item back, for good", parents=[item])
    retract.add_argument("reason", help="public note that says why")
    for act, what in ACTS.items():
        parser = added.add_parser(act, help=what, parents=[item])
        if act == "hold":
            parser.add_argument("--reason", help="for colleagues; never shown to the public")
        if act == "pin":
            end = parser.add_mutually_exclusive_group()
            end.add_argument("--until", metavar="TIME", help="with its offset; default an hour from now")
            end.add_argument("--minutes", dest="until", metavar="N", type=minutes, help="minutes from now")


def _fields() -> argparse.ArgumentParser:
    """A flag for the fields of an item that a line of text can hold."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group("fields", "times like 2026-11-23T18:00:00+01:00")
    group.add_argument("--attribution", help="who says so")
    group.add_argument("--urgency", type=int, help="1 flash to 9, default 5")
    group.add_argument("--link", help="https address of the story")
    group.add_argument("--push-headline", help="the text on phones, when it is another")
    group.add_argument("--section", dest="sections", metavar="NAME", action="append", help="may be repeated")
    group.add_argument("--region", dest="regions", metavar="NAME", action="append", help="may be repeated")
    group.add_argument("--tag", dest="tags", metavar="WORD", action="append", help="may be repeated")
    group.add_argument("--story", help="key of the story, the same in every channel")
    group.add_argument("--ednote", help="for colleagues; never shown to the public")
    group.add_argument("--publish-at", metavar="TIME", help="when it is published; default now")
    group.add_argument("--embargoed", metavar="TIME", help="before this moment nobody may show it")
    group.add_argument("--expires", metavar="TIME", help="when it leaves the ticker; default the channel's age")
    return parser


def _settings() -> argparse.ArgumentParser:
    """A flag for every setting, named after it."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group("settings", "each also as environment variable TICKER_NAME or TICKER_NAME_FILE")
    for name, field in Settings.model_fields.items():
        kind: dict[str, Any] = {"action": argparse.BooleanOptionalAction} if field.annotation is bool else {}
        described = (field.description or "").replace("%", "%%")
        group.add_argument(f"--{name.replace('_', '-')}", dest=name, help=described, **kind)
    return parser


def minutes(text: str) -> str:
    """The moment so many minutes from now, by this machine's clock. Raises ValueError when it is no such number."""
    number = int(text)
    if not 0 < number <= MOST_MINUTES:
        raise ValueError(text)
    return f"{datetime.now(UTC) + timedelta(minutes=number):%Y-%m-%dT%H:%M:%SZ}"


if __name__ == "__main__":
    sys.exit(main())
