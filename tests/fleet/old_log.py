"""A log that an older release has written, kept as JSON; how it was made, and how it is put into a store.

`old-log.json` is from commit eacbfee, the last one before the bridge to phones:

    git archive eacbfee | tar x -C DIRECTORY
    .venv/bin/python -m tests.fleet.old_log DIRECTORY > tests/fleet/old-log.json
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
from ticker.store import Store

from tests.stage import AUTHORIZED, KEY, PLAIN, free_port, short_directory
from tests.waiting import until_now

FILE = Path(__file__).parent / "old-log.json"


def kept() -> dict[str, Any]:
    """The keys of the old log, and the window as the old release told it."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


async def restore(store: Store, keys: dict[str, Any], expires: int) -> None:
    """Put the keys into an empty store, which then is the one that they were written by.

    The day that the alerts were for is over: they expire at this moment (ms) instead.
    """
    redis: Any = store.redis
    for key, (kind, value) in keys.items():
        match kind:
            case "hash":
                await redis.hset(key, mapping=value)
            case "set":
                await redis.sadd(key, *value)
            case "zset":
                await redis.zadd(key, value)
            case "list":
                await redis.rpush(key, *value)
            case "string":
                await redis.set(key, value)
            case "stream":
                for entry, fields in value:
                    await redis.xadd(key, fields, id=entry)
    for name, stored in keys["{ticker:en}:items"][1].items():
        moved = re.sub(r'"(expires|pinned_until)":\d+', rf'"\1":{expires}', stored)
        await redis.hset("{ticker:en}:items", name, moved)
        if name in keys["{ticker:en}:due"][1]:
            await redis.zadd("{ticker:en}:due", {name: expires})
    # Another replication id would begin a new epoch, as after a restore from a backup.
    told = await redis.info("replication")
    await redis.hset("{ticker:en}:meta", "replid", told["master_replid"])


async def dump(store: Store) -> dict[str, Any]:
    """Every key of the channel `en`, with its kind."""
    redis: Any = store.redis
    found: dict[str, Any] = {}
    for name in sorted(await redis.keys("{ticker:en}:*")):
        kind = (await redis.type(name)).decode()
        match kind:
            case "hash":
                value: Any = _text(await redis.hgetall(name))
            case "set":
                value = sorted(_text(list(await redis.smembers(name))))
            case "zset":
                value = {member.decode(): score for member, score in await redis.zrange(name, 0, -1, withscores=True)}
            case "list":
                value = _text(await redis.lrange(name, 0, -1))
            case "string":
                value = _text(await redis.get(name))
            case "stream":
                value = [[entry.decode(), _text(fields)] for entry, fields in await redis.xrange(name)]
            case _:
                raise AssertionError(kind)
        found[name.decode()] = [kind, value]
    return found


def _text(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, dict):
        return {_text(name): _text(found) for name, found in value.items()}
    return [_text(found) for found in value] if isinstance(value, list) else value


def _made(directory: Path, data: Path) -> dict[str, Any]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "ticker", "serve", "--port", str(port), "--data", str(data)],
        cwd=directory,
        env=os.environ | {"TICKER_BOOTSTRAP_KEY": KEY},
        stdout=subprocess.DEVNULL,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=AUTHORIZED, **PLAIN) as http:

            def ready() -> bool:
                try:
                    return http.get("/health/ready").status_code == 200
                except httpx.TransportError:
                    return False

            until_now(ready, "the old release to be ready", 30)

            def sent(path: str, method: str = "POST", tag: str = "", **body: Any) -> Any:
                headers = {"If-Match": tag} if tag else {}
                answer = http.request(method, f"/v1/channels/en/items{path}", json=body, headers=headers)
                assert answer.is_success, answer.text
                return answer.json()["item"]

            stands = sent("", headline="All 17 passengers are safe", attribution="Coast guard", urgency=2)
            sent(
                f"/{stands['id']}",
                "PATCH",
                '"1"',
                signal="correction",
                headline="All 19 passengers are safe",
                correction_note="19, not 17",
            )
            away = sent("", headline="The bridge has fallen", urgency=1)
            sent(f"/{away['id']}/retract", reason="It stands")
            held = sent("", headline="The minister resigns")
            sent(f"/{held['id']}/hold")
            pinned = sent("", headline="Polls have closed", sections=["politics"], tags=["vote"])
            sent(f"/{pinned['id']}/pin")
            sent("", headline="The strike is over", story="strike")
            window = http.get("/v1/channels/en/items").json()

        async def all_of_it() -> dict[str, Any]:
            store = Store((data / "store.url").read_text(encoding="utf-8").strip())
            try:
                return await dump(store)
            finally:
                await store.close()

        return {"keys": asyncio.run(all_of_it()), "window": window}
    finally:
        process.terminate()
        process.wait(20)


if __name__ == "__main__":
    with short_directory() as place:
        json.dump(_made(Path(sys.argv[1]), place / "data"), sys.stdout, ensure_ascii=False, indent=1)
