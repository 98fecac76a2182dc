"""Those who come too slowly, too many at once, or when there is nothing left. Numbers as in docs/faults.md."""

from __future__ import annotations

import asyncio
import json
import os
import resource
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

import httpx
import psutil
import pytest

from tests.faults.witness import Desk, settled, watching
from tests.stage import AUTHORIZED, Service, short_directory
from tests.test_connection import UPGRADE
from tests.waiting import until

HANDSHAKE = UPGRADE.format(path="/v1/channels/en/live")
STREAM = "GET /v1/channels/en/live HTTP/1.1\r\nHost: ticker\r\nAccept: text/event-stream\r\n\r\n"
POST = (
    "POST /v1/channels/en/items HTTP/1.1\r\nHost: ticker\r\nContent-Type: application/json\r\n"
    f"Authorization: {AUTHORIZED['Authorization']}\r\nContent-Length: 500\r\n\r\n"
)
SLOW = {
    "silent": "",
    "handshake": HANDSHAKE[:-2],
    "headers": "GET / HTTP/1.1\r\nHost: ticker\r\n",
    "body": POST + '{"headline": "half',
}
DRIPS = {"handshake": "X: y\r\n", "headers": "X: y\r\n", "body": " "}
CROWD = 2_000


@contextmanager
def serving(*flags: str, descriptors: int = 0, **environ: str) -> Iterator[Service]:
    """`ticker serve`, started so."""
    with short_directory() as directory:
        service = Service(directory, *flags, descriptors=descriptors, **environ)
        service.start()
        try:
            yield service
        finally:
            service.end()


@asynccontextmanager
async def editor(service: Service) -> AsyncIterator[Desk]:
    """Somebody who posts."""
    desk = Desk(service.url)
    yield desk
    await desk.http.aclose()


@dataclass
class Comer:
    """Somebody who knocks, and what he was told."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    slug: str = ""
    writer: asyncio.StreamWriter | None = None

    def go(self) -> None:
        """Leave."""
        if self.writer is not None:
            self.writer.close()

    @property
    def after(self) -> int:
        """Seconds after which he may come back."""
        return int(self.headers["retry-after"])


async def knock(service: Service, request: str = HANDSHAKE) -> Comer:
    """Ask to be let in. Whoever is hung up on without an answer has status 0."""
    found = Comer()
    try:
        reader, found.writer = await asyncio.open_connection("127.0.0.1", service.port)
        found.writer.write(request.encode())
        async with asyncio.timeout(20):
            status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
            found.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            if "application/problem+json" == found.headers.get("content-type"):
                body = await reader.readexactly(int(found.headers["content-length"]))
                found.slug = json.loads(body)["type"].rpartition(":")[2]
        found.status = int(status.split()[1])
    except (ConnectionError, asyncio.IncompleteReadError):
        found.go()
    return found


async def crowd(service: Service, number: int, request: str = HANDSHAKE) -> list[Comer]:
    """So many who come in one moment."""
    return await asyncio.gather(*(knock(service, request) for _ in range(number)))


async def polled(service: Service) -> int:
    """The window, by somebody who comes for it; the status."""
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        return (await http.get(f"{service.url}/v1/channels/en/items")).status_code


def server(service: Service) -> psutil.Process:
    """The process that serves."""
    assert service.process is not None
    return psutil.Process(service.process.pid)


async def drip(writers: Sequence[tuple[str, asyncio.StreamWriter]]) -> None:
    """Send a little on each line, again and again."""
    while True:
        for kind, writer in writers:
            if kind in DRIPS:
                writer.write(DRIPS[kind].encode())
        await asyncio.sleep(0.1)


async def ended(reader: asyncio.StreamReader) -> bytes:
    """What a line says until it is closed."""
    try:
        return await reader.read()
    except ConnectionError:
        return b""


async def test_f15_who_is_slow_is_hung_up_on_and_holds_up_nobody() -> None:
    """160 lines that say nothing, or drip into handshake, headers and body: each ends at its deadline."""
    with serving("--header-timeout", "1", "--body-timeout", "1.5") as service:
        async with watching(3, service.url) as readers, editor(service) as desk:
            await desk.post("before")
            before = server(service).num_fds()
            lines = [
                (kind, *await asyncio.open_connection("127.0.0.1", service.port)) for kind in SLOW for _ in range(40)
            ]
            for kind, _, writer in lines:
                writer.write(SLOW[kind].encode())
            dripping = asyncio.create_task(drip([(kind, writer) for kind, _, writer in lines]))
            ending = asyncio.gather(*(ended(reader) for _, reader, _ in lines))
            posted = 1
            while not ending.done():
                await desk.post(f"item {posted}")
                posted += 1
                assert 200 == await polled(service)
                assert posted < 2_000, "slow lines are not closed"
            said = await ending
            dripping.cancel()
            for (kind, _, writer), answer in zip(lines, said, strict=True):
                writer.close()
                assert answer == b"" if kind == "silent" else b" 408 " in answer.partition(b"\r\n")[0], (kind, answer)
            await settled(readers, service.url)
            assert posted > 2
            assert [1, 1, 1] == [reader.lines for reader in readers]
            assert all(posted == sum(frame["type"] == "entry" for frame in reader.frames) for reader in readers)
            await until(lambda: server(service).num_fds() <= before + 2, "their descriptors to be free")
        # uvicorn warns of what is no HTTP; nothing here was that, and nothing broke.
        assert "Traceback" not in service.output.read_text()


@pytest.mark.parametrize(
    ("flags", "request_", "status", "slug", "most"),
    [
        (["--accept-rate", "50"], HANDSHAKE, 503, "full", CROWD // 2),
        (["--accept-rate", "50"], STREAM, 503, "full", CROWD // 2),
        (["--accept-rate", "0", "--max-readers", "150"], HANDSHAKE, 503, "full", 150),
        (
            ["--proxies", "127.0.0.1", "--max-readers-per-address", "20"],
            HANDSHAKE[:-2] + "X-Forwarded-For: 2001:db8::7\r\n\r\n",
            429,
            "rate-limited",
            20,
        ),
    ],
    ids=[
        "more than come in a second",
        "the same as event streams",
        "more than there are places",
        "all from one address",
    ],
)
async def test_f17_a_storm_of_readers_is_answered_and_holds_up_nobody(
    flags: list[str], request_: str, status: int, slug: str, most: int
) -> None:
    """2,000 at once: the excess is told when to come back; those inside get every alert, and the window is there."""
    with serving(*flags) as service:
        async with watching(3, service.url) as readers, editor(service) as desk:
            await desk.post("before")
            storm = asyncio.create_task(crowd(service, CROWD, request_))
            posted = 1
            while not storm.done():
                await desk.post(f"item {posted}")
                posted += 1
                assert 200 == await polled(service)
            comers = await storm
            inside = [comer for comer in comers if comer.status in (101, 200)]
            turned_away = [comer for comer in comers if comer not in inside]
            assert {(status, slug)} == {(comer.status, comer.slug) for comer in turned_away}
            assert 0 < len(inside) <= most
            assert all(1 <= comer.after <= 60 for comer in turned_away)
            await settled(readers, service.url)
            assert [1, 1, 1] == [reader.lines for reader in readers]
            assert all(posted == sum(frame["type"] == "entry" for frame in reader.frames) for reader in readers)
            for comer in inside:
                comer.go()

            async def again() -> bool:
                comer = await knock(service, request_)
                comer.go()
                return comer.status in (101, 200)

            await until(again, "a place for the next")


async def test_f17_those_who_are_turned_away_are_not_all_told_the_same() -> None:
    """Or they would all come back in one moment."""
    with serving("--accept-rate", "50") as service:
        comers = await crowd(service, 1_000)
        told = {comer.after for comer in comers if comer.status == 503}
        assert len(told) > 3
        for comer in comers:
            comer.go()


async def test_f18_without_descriptors_readers_are_shed_first_and_health_last() -> None:
    """300 descriptors, and then more who want one: requests go on when readers find no place, health when they do not."""
    with serving(descriptors=300) as service:
        async with AsyncExitStack() as stack:
            desk = await stack.enter_async_context(editor(service))
            readers = await stack.enter_async_context(watching(2, service.url))
            await desk.post("before")
            inside: list[Comer] = []
            stack.callback(lambda: [comer.go() for comer in inside])
            while (comer := await knock(service)).status == 101:
                inside.append(comer)
                assert len(inside) < 300
            assert (503, "full", 10) == (comer.status, comer.slug, comer.after)
            assert len(inside) > 150
            assert 200 == await polled(service)
            await desk.post("with all places taken")

            # Now those come who ask nothing, and keep what there is.
            hogs = [await asyncio.open_connection("127.0.0.1", service.port) for _ in range(150)]
            stack.callback(lambda: [writer.close() for _, writer in hogs])
            told = [asyncio.ensure_future(reader.readline()) for reader, _ in hogs]
            stack.callback(lambda: [task.cancel() for task in told])
            await until(lambda: any(map(shed, told)), "some to be turned away")
            assert server(service).num_fds() < 300

            async def healthy() -> bool:
                return 200 == (await knock(service, "GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n")).status

            await until(healthy, "health to be answered")
            await desk.post("with nothing left")
            await settled(readers, service.url)
            assert [1, 1] == [reader.lines for reader in readers]

            # They go, and all is as before.
            for _, writer in hogs:
                writer.close()
            for comer in inside[:20]:
                comer.go()

            async def open_again() -> bool:
                comer = await knock(service)
                inside.append(comer)
                return comer.status == 101 and 200 == await polled(service)

            await until(open_again, "a place for a reader")
            await desk.post("after")
            await settled(readers, service.url)
        assert "Traceback" not in service.output.read_text()


def shed(task: asyncio.Future[bytes]) -> bool:
    """Whether somebody who asked nothing was told that there is no place."""
    return task.done() and not task.cancelled() and task.exception() is None and b" 503 " in task.result()


async def test_f18_when_the_kernel_gives_no_descriptor_nothing_spins() -> None:
    """The limit is taken away below a running service: who comes is hung up on, and it rests when nobody comes."""
    with serving() as service:
        async with watching(2, service.url) as readers, editor(service) as desk:
            await desk.post("before")
            process = server(service)
            before = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
            highest = max(int(name) for name in os.listdir(f"/proc/{process.pid}/fd"))
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (highest + 1, before[1]))
            with ExitStack() as stack:
                lines = [await asyncio.open_connection("127.0.0.1", service.port) for _ in range(200)]
                stack.callback(lambda: [writer.close() for _, writer in lines])
                hung_up = [asyncio.ensure_future(ended(reader)) for reader, _ in lines]
                await until(lambda: sum(task.done() for task in hung_up) > 150, "most to be hung up on")
                used = sum(process.cpu_times()[:2])
                await asyncio.sleep(1.5)  # what it does while nobody asks it for anything
                assert sum(process.cpu_times()[:2]) - used < 0.75
                await desk.post("without a descriptor")
                await settled(readers)
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, before)

            async def back() -> bool:
                with suppress(httpx.TransportError):
                    return 200 == await polled(service)
                return False

            await until(back, "the window to be there again")
            await desk.post("after")
            await settled(readers, service.url)
            assert [1, 1] == [reader.lines for reader in readers]


async def test_f18_at_its_memory_cap_it_takes_no_more_readers() -> None:
    """Those inside stay and get everything, the window is there, and who leaves makes room for another."""
    with serving() as service:
        await crowd_leaves(service)
        held = server(service).memory_info().rss // 2**20
        assert 0 == service.stop()
        with serving("--max-memory", str(held + 4), "--accept-rate", "0") as capped:
            await fill_memory(capped)


async def crowd_leaves(service: Service) -> None:
    """Have it load whatever is loaded with the first readers."""
    for comer in await crowd(service, 50):
        comer.go()
    assert 200 == await polled(service)


async def fill_memory(service: Service) -> None:
    """Readers come until there is no memory for more."""
    inside: list[Comer] = []
    async with watching(2, service.url) as readers, editor(service) as desk:
        await desk.post("before")
        refused: list[Comer] = []
        while not refused:
            assert len(inside) < 15_000, "there is no end to its memory"
            comers = await crowd(service, 250)
            inside += [comer for comer in comers if comer.status == 101]
            refused = [comer for comer in comers if comer.status != 101]
        assert {(503, "full", 10)} == {(comer.status, comer.slug, comer.after) for comer in refused}
        assert inside
        assert 200 == await polled(service)
        await desk.post("at the cap")
        await settled(readers, service.url)
        assert [1, 1] == [reader.lines for reader in readers]
        for comer in inside:
            comer.go()

        async def again() -> bool:
            comer = await knock(service)
            comer.go()
            return comer.status == 101

        await until(again, "a place for the next")
