"""The commands: `ticker serve`, `api`, `fanout`, `push`, `post`, `retract`, `watch`, `keys`, `check`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any, cast

from ticker import __version__, commands, logs, serve
from ticker.app import Role
from ticker.auth import SCOPES
from ticker.errors import TickerError
from ticker.settings import Settings

log = logging.getLogger("ticker")


ROLES = {
    "serve": "everything in one process group, on the embedded store unless TICKER_REDIS_URL is set",
    "api": "HTTP for editors",
    "fanout": "WebSocket and HTTP for readers",
    "push": "the mobile push bridge; prints what it would send",
}


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
    if command in commands.CLIENT:
        return asyncio.run(commands.CLIENT[command](options))
    settings = Settings.load(os.environ, {name: getattr(options, name, None) for name in Settings.model_fields})
    logs.configure(settings.log_level)
    for variable in Settings.unknown(os.environ):
        log.warning("%s is not a setting and does nothing; 'ticker check' lists those that there are", variable)
    if command == "check":
        return commands.check(settings, options.role)
    if command == "keys":
        return asyncio.run(commands.keys(settings, options))
    if command == "push":
        return serve.push(settings)
    return serve.run(settings, cast(Role, command))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ticker", description="A real-time breaking-news ticker.")
    parser.add_argument("--version", action="version", version=f"ticker {__version__}")
    added = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    settings = _settings()
    client = argparse.ArgumentParser(add_help=False)
    client.add_argument("--url", help="address of the service (TICKER_URL, default http://127.0.0.1:8000)")
    client.add_argument("--key", help="API key (TICKER_KEY, or a file named by TICKER_KEY_FILE)")

    for role, what in ROLES.items():
        added.add_parser(role, help=what, parents=[settings])

    post = added.add_parser("post", help="publish one headline, or JSON from a file", parents=[client])
    post.add_argument("channel")
    post.add_argument("headline", nargs="?", help="'Attribution: headline' stays one headline; see --attribution")
    post.add_argument("--file", help="JSON lines or a JSON array of items; - is standard input")
    post.add_argument("--attribution", help="who says so")
    post.add_argument("--urgency", type=int, help="1 flash to 9, default 5")
    post.add_argument("--link", help="https address of the story")

    retract = added.add_parser("retract", help="take an item back", parents=[client])
    retract.add_argument("channel")
    retract.add_argument("item", help="the item's id")
    retract.add_argument("reason", help="public note that says why")

    watch = added.add_parser("watch", help="print a channel as it happens", parents=[client])
    watch.add_argument("channel")
    watch.add_argument("--cursor", help="begin after this cursor")
    watch.add_argument("--json", action="store_true", help="print every frame as it is")

    keys = added.add_parser("keys", help="make, list and revoke keys")
    acts = keys.add_subparsers(dest="act", required=True, metavar="ACT")
    create = acts.add_parser("create", help="make a key and show it, once", parents=[settings])
    create.add_argument("name", help="whose key it is")
    create.add_argument("--scope", action="append", choices=SCOPES, help="may be repeated; default publish and retract")
    create.add_argument("--channel", action="append", help="may be repeated; default every channel")
    create.add_argument("--days", type=float, help="days until it expires; default never")
    acts.add_parser("list", help="the keys, without their secrets", parents=[settings])
    revoke = acts.add_parser("revoke", help="end a key", parents=[settings])
    revoke.add_argument("id", help="the key's id, as 'keys list' shows it")

    check = added.add_parser("check", help="the effective settings", parents=[settings])
    check.add_argument("--role", choices=list(ROLES), default="serve", help="for which role they should be complete")
    return parser


def _settings() -> argparse.ArgumentParser:
    """A flag for every setting, named after it."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group("settings", "each also as environment variable TICKER_NAME or TICKER_NAME_FILE")
    for name, field in Settings.model_fields.items():
        kind: dict[str, Any] = {"action": "store_true", "default": None} if field.annotation is bool else {}
        described = (field.description or "").replace("%", "%%")
        group.add_argument(f"--{name.replace('_', '-')}", dest=name, help=described, **kind)
    return parser


if __name__ == "__main__":
    sys.exit(main())
