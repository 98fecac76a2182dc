"""What the commands do that are not a server: post, retract, watch, keys, check."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from argparse import Namespace
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
from ulid import ULID
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from ticker import channel as channels
from ticker import embedded
from ticker.auth import Key, Keyring
from ticker.errors import SettingsError, TickerError
from ticker.item import iso
from ticker.settings import Settings
from ticker.store import Store

URL = "http://127.0.0.1:8000"
TIMEOUT = 10.0
TRIES = 5
BACK_OFF = (0.5, 30.0)
DO_NOT_COME_BACK = 4500
MOST_DAYS = 36_500


class Failed(TickerError):
    """The command could not do what it was asked to."""


async def post(options: Namespace) -> int:
    """`ticker post CHANNEL …`: one item after the other, so that they stand in this order."""
    items = _items(options)
    path = f"/v1/channels/{quote(options.channel, safe='')}/items"
    async with _client(options) as client:
        for number, item in enumerate(items, 1):
            try:
                answer = await _send(client, path, item)
            except Failed as error:
                told = f" (item {number} of {len(items)}; {number - 1} were posted)" if len(items) > 1 else ""
                raise Failed(f"{error.detail}{told}") from None
            print(f"{answer['cursor']}  {answer['item']['id']}  {_line(answer['item'])}", flush=True)
    return 0


async def retract(options: Namespace) -> int:
    """`ticker retract CHANNEL ITEM REASON`."""
    channel, item = quote(options.channel, safe=""), quote(options.item, safe="")
    async with _client(options) as client:
        answer = await _send(client, f"/v1/channels/{channel}/items/{item}/retract", {"reason": options.reason})
    print(f"{answer['cursor']}  {answer['item']['id']}  retracted: {options.reason}")
    return 0


async def watch(options: Namespace) -> int:
    """`ticker watch CHANNEL`: what stands, and then every act as it happens, across broken lines."""
    address = _url(options).replace("http", "ws", 1) + f"/v1/channels/{quote(options.channel, safe='')}/live"
    cursor, delay = options.cursor, BACK_OFF[0]
    while True:
        told_to_wait = None
        query = "?" + urlencode({"cursor": cursor}) if cursor else ""
        try:
            async with connect(address + query, open_timeout=TIMEOUT, max_size=None) as line:
                async for text in line:
                    frame = json.loads(text)
                    cursor, delay = frame.get("cursor", cursor), BACK_OFF[0]
                    for told in [text] if options.json else _told(frame):
                        print(told, flush=True)
        except InvalidStatus as error:
            if error.response.status_code < 500 and error.response.status_code != 429:
                raise Failed(_refusal(error.response.status_code, bytes(error.response.body or b""))) from None
            reason = f"the server answered {error.response.status_code}"
        except BrokenPipeError:
            raise  # of our own output: nobody reads it any more
        except (OSError, TimeoutError, InvalidHandshake) as error:
            reason = str(error)
        except ConnectionClosed as error:
            if error.rcvd is not None and error.rcvd.code >= DO_NOT_COME_BACK:
                raise Failed(f"The server sent us away for good ({error.rcvd}).") from None
            told_to_wait, reason = _retry_after(error), str(error)
        else:
            reason = "the server closed the line"
        # Full jitter: a thousand watchers must not come back in the same second.
        pause = random.uniform(0, delay) if told_to_wait is None else told_to_wait  # noqa: S311
        delay = min(BACK_OFF[1], delay * 2)
        print(f"-- {reason}; again in {pause:.1f} s", file=sys.stderr, flush=True)
        await asyncio.sleep(pause)


CLIENT: dict[str, Callable[[Namespace], Coroutine[Any, Any, int]]] = {"post": post, "retract": retract, "watch": watch}


async def keys(settings: Settings, options: Namespace) -> int:
    """`ticker keys create|list|revoke`: straight in the store; a server need not run."""
    async with _keyring(settings) as keyring:
        if options.act == "create":
            if options.days is not None and not 0 < options.days <= MOST_DAYS:
                raise Failed(f"--days takes a number up to {MOST_DAYS}.")
            known = channels.load(settings.channels)
            for name in options.channel or ():
                if name not in known:
                    raise Failed(f"There is no channel '{name}'; there are: {', '.join(known)}.")
            token, key = await keyring.create(
                options.name,
                tuple(options.scope or ("publish", "retract")),
                tuple(options.channel or ()),
                None if options.days is None else options.days * 86_400,
            )
            print(_key(key), file=sys.stderr)
            print(token)
        elif options.act == "list":
            for key in await keyring.list():
                print(_key(key))
        elif await keyring.revoke(options.id):
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


def _items(options: Namespace) -> list[dict[str, Any]]:
    if (options.headline is None) == (options.file is None):
        raise Failed("Give one headline, or --file with JSON (- for standard input).")
    if options.file is None:
        named = {name: getattr(options, name) for name in ("headline", "attribution", "urgency", "link")}
        return [{name: value for name, value in named.items() if value is not None}]
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
    found: list[dict[str, Any]] = parsed
    return found


def _json_lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _client(options: Namespace) -> httpx.AsyncClient:
    key = options.key or os.environ.get("TICKER_KEY")
    file = os.environ.get("TICKER_KEY_FILE")
    if not key and file:
        try:
            key = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError("TICKER_KEY_FILE", f"cannot be read ({error}).") from None
    key = (key or "").strip()
    if not key:
        raise SettingsError("TICKER_KEY", "is missing; give a key with it, with --key or with TICKER_KEY_FILE.")
    if not (key.isascii() and key.isprintable()):
        raise SettingsError("TICKER_KEY", "holds characters that no key has.")
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.AsyncClient(base_url=_url(options), headers=headers, timeout=TIMEOUT)


async def _send(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """One post, repeated while the service is away. The same key every time: it becomes one item."""
    headers = {"Idempotency-Key": str(ULID()), "Content-Type": "application/json"}
    try:
        content = json.dumps(body, allow_nan=False)
    except ValueError as error:
        raise Failed(f"This cannot be sent as JSON ({error}).") from None
    reason = ""
    for attempt in range(TRIES):
        if attempt:
            await asyncio.sleep(random.uniform(0, BACK_OFF[0] * 2**attempt))  # noqa: S311 - spreads load
        try:
            answer = await client.post(path, content=content, headers=headers)
        except httpx.TransportError as error:
            reason = f"{client.base_url} does not answer ({error or type(error).__name__})"
            continue
        if answer.is_success:
            try:
                found: dict[str, Any] = answer.json()
                return {"item": found["item"], "cursor": found["cursor"]}
            except (ValueError, KeyError, TypeError):
                raise Failed(f"{client.base_url} does not answer as a ticker does; is the address right?") from None
        reason = _refusal(answer.status_code, answer.content)
        if answer.status_code not in (429, 502, 503, 504):
            break
    raise Failed(reason)


def _refusal(status: int, body: bytes) -> str:
    try:
        problem = json.loads(body)
        return f"{status} {problem['title']}: {problem['detail']}"
    except (ValueError, KeyError, TypeError):
        return f"the server answered {status}"


def _url(options: Namespace) -> str:
    url: str = (options.url or os.environ.get("TICKER_URL") or URL).rstrip("/")
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return url
    except ValueError:
        pass
    raise SettingsError("TICKER_URL", f"'{url}' is not an http:// or https:// address.")


def _told(frame: dict[str, Any]) -> Iterable[str]:
    """A frame in lines for people. Only acts have a cursor of their own; they begin with it."""
    match frame.get("type"):
        case "entry":
            yield _act(frame)
        case "resume":
            yield from map(_act, frame["entries"])
        case "snapshot" | "reset" as kind:
            yield f"-- {kind} at {frame['cursor']}: {len(frame['items'])} items"
            for item in frame["items"]:
                yield f"   {item['published_at']}  {_line(item)}"
            for item_id in frame.get("tombstones", ()):
                yield f"   withdrawn  {item_id}"


def _retry_after(error: ConnectionClosed) -> float | None:
    """Seconds after which a draining server wants us back: each client is given its own."""
    try:
        return float(json.loads(error.rcvd.reason)["retry_ms"]) / 1000 if error.rcvd else None
    except (ValueError, KeyError, TypeError):
        return None


def _act(entry: dict[str, Any]) -> str:
    return f"{entry['cursor']}  {entry['act']:<8} {entry['item']['id']}  {_line(entry['item'])}"


def _line(item: dict[str, Any]) -> str:
    if "headline" not in item:
        return f"withdrawn: {item.get('correction_note', '')}"
    return f"{item['attribution']}: {item['headline']}" if "attribution" in item else str(item["headline"])


def _key(key: Key) -> str:
    state = "revoked" if key.revoked else f"until {iso(key.expires)}" if key.expires else "no expiry"
    return f"{key.id}  {key.name}  {','.join(key.scopes)}  {','.join(key.channels) or 'every channel'}  {state}"


@asynccontextmanager
async def _keyring(settings: Settings) -> AsyncIterator[Keyring]:
    """The keyring of the store that these settings name; the embedded one is started when it does not run."""
    started: embedded.EmbeddedStore | None = None
    if settings.redis_url is not None:
        url = settings.redis_url.get_secret_value()
    elif (running := embedded.address(settings.data)) is not None:
        url = running
    else:
        started = embedded.EmbeddedStore(settings.data, settings.fsync)
        started.start()
        url = started.url
    store = Store(url)
    try:
        yield Keyring(store)
    finally:
        await store.close()
        if started is not None:
            started.stop()
