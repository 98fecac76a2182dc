"""Editors at work: what they send to the service, and what they read in its answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from ticker.auth import Keyring
from ticker.item import Item
from ticker.scope import Scope
from ticker.store import Store
from ticker.stream import Log

from tests.stage import PLAIN, Stage

CHANNEL = "/v1/channels/en"
ITEMS = CHANNEL + "/items"
NOBODY = {"Authorization": ""}
"""Header of a request that brings no key where one is needed."""


async def sent(
    stage: Stage, body: Any = None, path: str = ITEMS, method: str = "POST", **headers: str
) -> httpx.Response:
    """A request with these headers; a body that is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await stage.http.request(
        method, path, content=content, headers={"Content-Type": "application/json", **headers}
    )


async def act(stage: Stage, item: str, name: str, body: Any = None, **headers: str) -> httpx.Response:
    """An act on an item of `en`; `change` is a PATCH, of whatever version when no header says which."""
    if name == "change":
        headers = {"If-Match": "*", **headers}
        return await stage.http.patch(f"{ITEMS}/{item}", json=body, headers=headers)
    return await stage.http.post(f"{ITEMS}/{item}/{name}", json=body, headers=headers)


async def done(stage: Stage, item: str, name: str, body: Any = None, **headers: str) -> Any:
    """The same, and it is taken; the body of the answer."""
    answer = await act(stage, item, name, body, **headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def public(stage: Stage, path: str, **headers: str) -> httpx.Response:
    """What the public gets."""
    async with httpx.AsyncClient(base_url=stage.url, headers=headers, **PLAIN) as nobody:
        return await nobody.get(path)


def problem(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Status, the end of the type, and the field of a refusal."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == answer.status_code
    assert document["title"]
    assert document["detail"]
    assert isinstance(document["retry"], bool)
    return answer.status_code, document["type"].rpartition(":")[2], document.get("field")


async def editor(store: Store, name: str, *scopes: Scope, channels: tuple[str, ...] = ()) -> dict[str, str]:
    """The header of somebody with a key of his own."""
    token, _ = await Keyring(store).create(name, scopes, channels)
    return {"Authorization": f"Bearer {token}"}


async def records(stage: Stage, channel: str = "en") -> list[Any]:
    """The record of a channel, oldest first."""
    answer = await stage.http.get(f"/v1/channels/{channel}/audit?after=0&limit=500")
    assert answer.status_code == 200, answer.text
    found: list[Any] = answer.json()["records"]
    return found


async def stored(store: Store, item: str, channel: str = "en") -> Item:
    """The newest version of an item, as the store holds it."""
    found = await Log(store, channel).item(item)
    assert found is not None
    return found


async def everything(store: Store) -> dict[bytes, Any]:
    """Every key of the store with what it holds; not those that count requests or readers, nor the heartbeat."""
    redis: Any = store.redis
    read = {
        b"string": redis.get,
        b"hash": redis.hgetall,
        b"set": redis.smembers,
        b"list": lambda name: redis.lrange(name, 0, -1),
        b"zset": lambda name: redis.zrange(name, 0, -1, withscores=True),
        b"stream": redis.xrange,
    }
    found: dict[bytes, Any] = {}
    async for name in redis.scan_iter(count=1000):
        if name.startswith(b"{ticker}:rate:") or name == b"{ticker}:used" or name.endswith((b":pulse", b":readers")):
            continue
        held = await read[await redis.type(name)](name)
        if name.endswith(b":meta"):
            found |= {name + b" " + field: value for field, value in held.items() if field != b"pulsed"}
        else:
            found[name] = held
    return found


def soon(seconds: float) -> str:
    """A moment so far from now, as an editor writes it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
