"""What editors and operators do from a terminal: the acts on items over HTTP, keys and settings."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from ticker import channel as channels
from ticker.audit import Audit
from ticker.auth import Key, Keyring
from ticker.client import Client, Failed, Refused, item_path, items_path, line
from ticker.errors import SettingsError
from ticker.inspection import opened
from ticker.item import iso
from ticker.scope import Scope
from ticker.settings import Settings

EDITOR: tuple[Scope, ...] = ("read", "publish", "correct", "retract")
"""What a key may do when nothing is said."""
BY = "- the command line"
MOST_DAYS = 36_500
FIELDS = (
    "headline",
    "push_headline",
    "attribution",
    "urgency",
    "link",
    "sections",
    "regions",
    "tags",
    "story",
    "replaces",
    "ednote",
    "publish_at",
    "embargoed",
    "expires",
)
"""Fields of an item that have a flag."""
DONE = {
    "retract": "retracted",
    "hold": "held",
    "release": "released",
    "approve": "approved",
    "pin": "pinned",
    "unpin": "unpinned",
    "expire": "expired",
    "undo": "push stopped",
}
"""Acts that take no fields of an item, and what is said when one is done."""


async def post(options: Namespace) -> int:
    """`ticker post CHANNEL …`: one item after the other, so that they stand in this order."""
    items = _items(options)
    flags = _flags(options, "dry_run", "allow_similar")
    async with Client(options) as client:
        for number, item in enumerate(items, 1):
            try:
                answer = await client.send("POST", items_path(options.channel), item, flags)
            except Failed as error:
                told = f" (item {number} of {len(items)}; {number - 1} were posted)" if len(items) > 1 else ""
                raise Failed(f"{error.detail}{told}") from None
            _tell(answer, line(answer["item"]))
    return 0


async def change(options: Namespace) -> int:
    """`ticker correct|update CHANNEL ITEM …`: of the newest version, and of no other that came in between."""
    path = item_path(options.channel, options.item)
    signal, done = ("correction", "corrected") if options.command == "correct" else ("update", "updated")
    body = {"signal": signal, **_fields(options, taken_away=True)}
    if options.note is not None:
        body["correction_note"] = options.note
    if options.command == "update" and options.bump:
        body["bump"] = True
    async with Client(options) as client:
        newest = await client.version(path)
        try:
            answer = await client.send("PATCH", path, body, _flags(options, "dry_run"), newest)
        except Refused as error:
            if error.by != 412 or "item" not in error.problem:
                raise
            other = error.problem["item"]
            raise Failed(
                f"Somebody was faster, and nothing was changed. Version {other['version']} says: {line(other)}"
            ) from None
    _tell(answer, f"{done}: {line(answer['item'])}")
    return 0


async def act(options: Namespace) -> int:
    """`ticker retract|hold|release|approve|pin|unpin|expire|undo CHANNEL ITEM …`."""
    path = f"{item_path(options.channel, options.item)}/{options.command}"
    body = {name: value for name in ("reason", "until") if (value := getattr(options, name, None)) is not None}
    async with Client(options) as client:
        answer = await client.send("POST", path, body, _flags(options, "dry_run"))
    about = options.reason if options.command == "retract" else line(answer["item"])
    _tell(answer, f"{DONE[options.command]}: {about}")
    return 0


CLIENT: dict[str, Callable[[Namespace], Coroutine[Any, Any, int]]] = {
    "post": post,
    "correct": change,
    "update": change,
    **dict.fromkeys(DONE, act),
}


async def keys(settings: Settings, options: Namespace) -> int:
    """`ticker keys create|list|revoke`: straight in the store; a server need not run."""
    async with opened(settings) as store:
        keyring, audit = Keyring(store), Audit(store)
        if options.act == "create":
            if options.days is not None and not 0 < options.days <= MOST_DAYS:
                raise Failed(f"--days takes a number up to {MOST_DAYS}.")
            known = channels.load(settings.channels)
            for name in options.channel or ():
                if name not in known:
                    raise Failed(f"There is no channel '{name}'; there are: {', '.join(known)}.")
            token, key = await keyring.create(
                options.name,
                tuple(options.scope or EDITOR),
                tuple(options.channel or ()),
                None if options.days is None else options.days * 86_400,
            )
            await audit.note("create key", BY, detail=_key(key))
            print(_key(key), file=sys.stderr)
            print(token)
        elif options.act == "list":
            used = await keyring.used()
            for key in await keyring.list():
                last = f"last used {iso(used[key.id])[:16]}Z" if key.id in used else "never used"
                print(f"{_key(key)}  {last}")
        elif await keyring.revoke(options.id):
            await audit.note("revoke key", BY, detail=options.id)
            print(f"{options.id} is revoked")
        else:
            raise Failed(f"There is no key '{options.id}'; 'ticker keys list' shows them.")
    return 0


def check(settings: Settings, role: str) -> int:
    """`ticker check`: the effective settings, secrets masked. Raises SettingsError when something is missing."""
    for variable, value in settings.masked().items():
        print(f"{variable}={value}")
    found = channels.load(settings.channels)
    print(f"channels: {', '.join(found)}")
    if role != "serve" and settings.redis_url is None:
        raise SettingsError("TICKER_REDIS_URL", f"is missing; 'ticker {role}' shares a store with others.")
    print("store: " + ("as given" if settings.redis_url else f"embedded, in {settings.data}"))
    return 0


def _tell(answer: Mapping[str, Any], said: str) -> None:
    """What came of an act: a line, or the whole answer when nothing was done."""
    if "dry_run" in answer:
        print(json.dumps(answer, indent=2, ensure_ascii=False), flush=True)
        return
    item = answer["item"]
    print(f"{answer['cursor']}  {item['id']}  {said}{_state(item)}", flush=True)
    for warning in answer.get("warnings", ()):
        print(f"-- {warning}", file=sys.stderr, flush=True)
    for other in answer.get("siblings", ()):
        print(
            f"-- the same story in {other['channel']}: {other['id']}  {other['headline']}", file=sys.stderr, flush=True
        )


def _state(item: Mapping[str, Any]) -> str:
    """What stands behind an item that is not simply on air."""
    if item.get("state") == "scheduled":
        return f" (scheduled for {max(item.get('publish_at', ''), item.get('embargoed', ''))})"
    if item.get("state") == "pending":
        return " (waits for approval)"
    return f" (pinned until {item['pinned_until']})" if "pinned_until" in item else ""


def _flags(options: Namespace, *names: str) -> dict[str, str]:
    return {name: "1" for name in names if getattr(options, name)}


def _fields(options: Namespace, *, taken_away: bool = False) -> dict[str, Any]:
    """The fields that were given; when they may be taken away, an empty one is."""
    given = {name: value for name in FIELDS if (value := getattr(options, name, None)) is not None}
    if taken_away:
        return {name: [] if value == [""] else None if value == "" else value for name, value in given.items()}
    return given


def _items(options: Namespace) -> list[dict[str, Any]]:
    if (options.headline is None) == (options.file is None):
        raise Failed("Give one headline, or --file with JSON (- for standard input).")
    given = _fields(options)
    if options.file is None:
        return [given]
    try:
        text = sys.stdin.read() if options.file == "-" else Path(options.file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Failed(f"{options.file} cannot be read ({error}).") from None
    try:
        parsed: Any = json.loads(text) if text.lstrip().startswith("[") else _json_lines(text)
    except ValueError as error:
        raise Failed(f"{options.file} is neither a JSON array nor JSON lines ({error}).") from None
    if not all(isinstance(item, dict) for item in parsed):
        raise Failed(f"{options.file} holds something that is not a JSON object.")
    if not parsed:
        raise Failed(f"{options.file} holds no item.")
    return [{**given, **item} for item in parsed]


def _json_lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _key(key: Key) -> str:
    state = "revoked" if key.revoked else f"until {iso(key.expires)}" if key.expires else "no expiry"
    return f"{key.id}  {key.name}  {','.join(key.scopes)}  {','.join(key.channels) or 'every channel'}  {state}"
