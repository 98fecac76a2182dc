"""The other end of the HTTP API: what a command asks of the service, repeated while that is away."""

from __future__ import annotations

import asyncio
import json
import os
import random
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx
from ulid import ULID

from ticker.errors import SettingsError, TickerError

URL = "http://127.0.0.1:8000"
TIMEOUT = 10.0
TRIES = 5
BACK_OFF = (0.5, 30.0)
AWAY = frozenset({429, 502, 503, 504})
NO_FLAGS: Mapping[str, str] = {}


class Failed(TickerError):
    """The command could not do what it was asked to."""


class Refused(Failed):
    """The service said no, with this HTTP status. `problem` is its answer; empty when that was none of ours."""

    def __init__(self, by: int, body: bytes) -> None:
        self.by = by
        self.problem: Mapping[str, Any] = {}
        try:
            problem = json.loads(body)
            said = f"{by} {problem['title']}: {problem['detail']}"
            self.problem = problem
        except (ValueError, KeyError, TypeError):
            said = f"the server answered {by}"
        super().__init__(said)


class Client:
    """An editor's line to the service; a context manager that closes it."""

    def __init__(self, options: Namespace) -> None:
        """Address and key are those of the flags, or of the environment. Raises SettingsError."""
        headers = {"Authorization": f"Bearer {_key(options)}"}
        self._http = httpx.AsyncClient(base_url=address(options), headers=headers, timeout=TIMEOUT)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._http.aclose()

    async def version(self, path: str) -> int:
        """The newest version of the item at this address. Raises Failed, Refused."""
        version = (await self._ask("GET", path)).get("version")
        if isinstance(version, int):
            return version
        raise self._strange()

    async def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any],
        flags: Mapping[str, str] = NO_FLAGS,
        version: int | None = None,
    ) -> dict[str, Any]:
        """One act; with a version, only if that is the newest one. Raises Failed, Refused."""
        # The same key at each try: however often it is sent, it is done once.
        headers = {"Idempotency-Key": str(ULID()), "Content-Type": "application/json"}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        try:
            content = json.dumps(body, allow_nan=False)
        except ValueError as error:
            raise Failed(f"This cannot be sent as JSON ({error}).") from None
        answer = await self._ask(method, path, content=content, headers=headers, params=flags)
        if {"cursor", "dry_run"} & answer.keys() and isinstance(answer.get("item"), dict) and "id" in answer["item"]:
            return answer
        raise self._strange()

    async def _ask(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        failed = Failed()
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(random.uniform(0, BACK_OFF[0] * 2**attempt))  # noqa: S311 - spreads load
            try:
                answer = await self._http.request(method, path, **request)
            except httpx.TransportError as error:
                failed = Failed(f"{self._http.base_url} does not answer ({error or type(error).__name__})")
                continue
            if answer.is_success:
                try:
                    found = answer.json()
                except ValueError:
                    found = None
                if isinstance(found, dict):
                    return found
                raise self._strange()
            failed = refused = Refused(answer.status_code, answer.content)
            if answer.status_code not in AWAY and refused.problem.get("retry") is not True:
                break
        raise failed

    def _strange(self) -> Failed:
        return Failed(f"{self._http.base_url} does not answer as a ticker does; is the address right?")


def items_path(channel: str) -> str:
    """The address of a channel's items."""
    return f"/v1/channels/{quote(channel, safe='')}/items"


def item_path(channel: str, item_id: str) -> str:
    """The address of an item."""
    return f"{items_path(channel)}/{quote(item_id, safe='')}"


def address(options: Namespace) -> str:
    """The address of the service. Raises SettingsError when it is none."""
    url: str = (options.url or os.environ.get("TICKER_URL") or URL).rstrip("/")
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return url
    except ValueError:
        pass
    raise SettingsError("TICKER_URL", f"'{url}' is not an http:// or https:// address.")


def line(item: Mapping[str, Any]) -> str:
    """An item in one line, for people."""
    if "headline" not in item:
        return "held" if item.get("pubstatus") == "withheld" else f"withdrawn: {item.get('correction_note', '')}"
    said = f"{item['attribution']}: {item['headline']}" if "attribution" in item else str(item["headline"])
    return f"{said} ({item['correction_note']})" if "correction_note" in item else said


def _key(options: Namespace) -> str:
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
    return key
