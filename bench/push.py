"""`python -m bench.push [TARGETS]`: one alert to that many browsers, with the worker killed half-way; rate and memory.

The store is the embedded one, `ticker push` a process of its own, the push service another one on loopback, which takes
every request at once, counts it, and opens nothing.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httptools
import psutil
import uvloop
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from ticker import acts
from ticker.bridges import sealing
from ticker.bridges.outbox import Outbox
from ticker.bridges.register import Register
from ticker.bridges.target import Target, bucket_of, id_of
from ticker.channel import DEFAULT
from ticker.draft import Draft
from ticker.embedded import EmbeddedStore
from ticker.store import Store
from ticker.stream import Log
from ulid import ULID

DEADLINE = 1200.0
CREATED = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
EN = DEFAULT[0].model_copy(update={"push_hold": 0})


class Line(asyncio.Protocol):
    """One connection of the push service."""

    def __init__(self, taken: Counter[bytes]) -> None:
        self._taken = taken
        self._parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._taken[url] += 1

    def on_message_complete(self) -> None:
        self._transport.write(CREATED)


def service(pipe: Connection) -> None:
    """The push service: tells its port, and when asked how many it took, and how many twice."""

    async def serve() -> None:
        taken: Counter[bytes] = Counter()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Line(taken), "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        done = asyncio.Event()

        def asked() -> None:
            if pipe.recv() == "end":
                done.set()
                return
            pipe.send((len(taken), sum(taken.values()), max(taken.values(), default=0)))

        loop.add_reader(pipe.fileno(), asked)
        await done.wait()

    uvloop.run(serve())


async def fill(store: Store, port: int, number: int) -> None:
    """Register so many browsers, which share a key."""
    point = generate_private_key(SECP256R1()).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    keys = {"p256dh": sealing.told(point), "auth": sealing.told(os.urandom(16))}
    register = Register(store, "en", number)
    prefix, buckets = "{ticker:en}:push:", set()
    # As the register writes them, by the hundred: what is measured is the sending.
    for first in range(0, number, 500):
        async with store.redis.pipeline(transaction=False) as pipe:
            for one in range(first, min(first + 500, number)):
                address = f"http://127.0.0.1:{port}/push/{one:032d}"
                target = Target(id=id_of("webpush", address), provider="webpush", address=address, keys=keys)
                bucket = bucket_of(target.id)
                pipe.hset(f"{prefix}targets:webpush:{bucket}", target.id, target.model_dump_json(exclude_defaults=True))
                buckets.add(bucket)
            await pipe.execute()
    await store.redis.sadd(f"{prefix}buckets:webpush", *buckets)
    await store.redis.hset(f"{prefix}targets", "webpush", str(number))
    assert number == (await register.count())["webpush"]
    assert buckets == set(await register.buckets("webpush"))


class Worker:
    """`ticker push`, and the most memory that it was seen with."""

    def __init__(self, url: str, output: Path) -> None:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("TICKER_")}
        key = generate_private_key(SECP256R1()).private_numbers().private_value.to_bytes(32)
        environ |= {
            "TICKER_REDIS_URL": url,
            "TICKER_VAPID_KEY": sealing.told(key),
            "TICKER_VAPID_SUBJECT": "mailto:ops@news.example",
            "TICKER_PUSH_TRUSTED": "127.0.0.0/8",
            "TICKER_PUSH_RATE": "0",
        }
        with output.open("ab") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ticker", "push"], env=environ, stdout=said, stderr=said
            )
        self.most = 0.0

    def look(self) -> None:
        """Note how much memory it has."""
        self.most = max(self.most, psutil.Process(self.process.pid).memory_info().rss / 1e6)


async def main(number: int) -> int:
    """Measure, and print it as JSON."""
    with tempfile.TemporaryDirectory(prefix="ticker-bench-") as name:
        directory = Path(name)
        embedded = EmbeddedStore(directory / "data")
        embedded.start()
        ours, theirs = multiprocessing.Pipe()
        fake = multiprocessing.get_context("spawn").Process(target=service, args=(theirs,), daemon=True)
        fake.start()
        store = Store(embedded.url)
        worker = None
        try:
            port = await asyncio.to_thread(ours.recv)
            await fill(store, port, number)
            before = (await store.redis.info("memory"))["used_memory"]
            worker = Worker(embedded.url, directory / "said")
            await until(lambda: joined(store), "the bridge to join")
            item = (await Log(store, "en").append(acts.publish(Draft(headline="x"), EN, str(ULID()), "a"), "a a")).item
            outbox, began = Outbox(store, "en"), time.monotonic()

            async def accepted() -> int:
                assert worker is not None
                worker.look()
                counts = await outbox.status(item.id)
                return counts.get(1, {}).get("webpush", {}).get("accepted", 0)

            async def half() -> bool:
                return await accepted() >= number // 2

            await until(half, "half of them")
            at_half = time.monotonic() - began
            worker.process.kill()
            worker.process.wait()
            noted, most = await accepted_of(outbox, item.id), worker.most
            ours.send("?")
            sent = ours.recv()[1]
            worker = Worker(embedded.url, directory / "said")
            again = time.monotonic()

            async def all_() -> bool:
                return await accepted() >= number

            await until(all_, "all of them")
            rest = time.monotonic() - again
            ours.send("?")
            targets, requests, times = ours.recv()
            held = (await store.redis.info("memory"))["used_memory"]
            counts = await outbox.status(item.id)
            told = {
                "targets": number,
                "first_half_per_second": round(number / 2 / at_half),
                "in_flight_at_the_kill": sent - noted,
                "second_half_seconds": round(rest, 1),
                "worker_mb": round(max(most, worker.most)),
                "targets_reached": targets,
                "requests": requests,
                "sent_twice": requests - targets,
                "most_for_one_target": times,
                "store_bytes_left_per_target": round((held - before) / number),
                "counts": counts,
            }
            print(json.dumps(told, indent=1))
            return 0 if requests - targets <= max(0, sent - noted) and targets == number else 1
        finally:
            if worker is not None:
                worker.process.kill()
                worker.process.wait()
            ours.send("end")
            fake.join(10)
            await store.close()
            embedded.stop()


async def accepted_of(outbox: Outbox, item_id: str) -> int:
    """How many are noted as accepted."""
    return (await outbox.status(item_id))[1]["webpush"].get("accepted", 0)


async def joined(store: Store) -> bool:
    """Whether the bridge claims."""
    redis = store.redis
    return bool(await redis.exists("{ticker:en}:log")) and bool(await redis.xinfo_groups("{ticker:en}:log"))


async def until(happened: Any, what: str) -> None:
    """Wait for it."""
    end = time.monotonic() + DEADLINE
    while not await happened():
        if time.monotonic() > end:
            raise TimeoutError(what)
        await asyncio.sleep(0.2)


if __name__ == "__main__":
    sys.exit(uvloop.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)))
