"""Those who come too slowly, too many at once, or when there is nothing left. Numbers as in docs/faults.md."""

from __future__ import annotations

import asyncio
import json
import os
import resource
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import psutil
import pytest

from tests.faults.witness import Desk, Reader, settled, watching
from tests.stage import AUTHORIZED, PLAIN, Service, short_directory
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
def serving(*flags: str, descriptors: int = 0) -> Iterator[Service]:
    """`ticker serve`, started so."""
    with short_directory() as directory:
        service = Service(directory, "--rate-limit", "0", *flags, descriptors=descriptors)
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


class Ear(asyncio.StreamReader):
    """What is said on a line; it keeps that, too, when the line breaks right after it."""

    said = b""

    def feed_data(self, data: Any) -> None:
        """Something is said."""
        self.said += data
        super().feed_data(data)


class Street:
    """Everybody who comes to a service; nobody stays when the test is over."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._writers: list[asyncio.StreamWriter] = []

    async def line(self) -> tuple[Ear, asyncio.StreamWriter]:
        """A line on which nothing was said yet."""
        loop = asyncio.get_running_loop()
        reader = Ear()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await loop.create_connection(lambda: protocol, "127.0.0.1", self._service.port)
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        self._writers.append(writer)
        return reader, writer

    async def knock(self, request: str = HANDSHAKE) -> Comer:
        """Ask to be let in. Whoever is hung up on without an answer has status 0."""
        found = Comer()
        try:
            reader, found.writer = await self.line()
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

    async def crowd(self, number: int, request: str = HANDSHAKE) -> list[Comer]:
        """So many who come in one moment."""
        return await asyncio.gather(*(self.knock(request) for _ in range(number)))

    async def finds_a_place(self, request: str = HANDSHAKE) -> bool:
        """Whether somebody who comes now is let in; he does not stay."""
        comer = await self.knock(request)
        comer.go()
        return comer.status in (101, 200)

    async def clear(self) -> None:
        """All go."""
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)


@asynccontextmanager
async def street(service: Service) -> AsyncIterator[Street]:
    """Where they come from."""
    found = Street(service)
    try:
        yield found
    finally:
        await found.clear()


@asynccontextmanager
async def beside(running: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """While something else goes on."""
    task = asyncio.create_task(running)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def polled(service: Service) -> int:
    """The window, by somebody who comes for it; the status."""
    async with httpx.AsyncClient(**PLAIN) as http:
        return (await http.get(f"{service.url}/v1/channels/en/items")).status_code


def server(service: Service) -> psutil.Process:
    """The process that serves."""
    assert service.process is not None
    return psutil.Process(service.process.pid)


async def drip(writers: Sequence[tuple[str, asyncio.StreamWriter]]) -> None:
    """Send a little on each line, again and again.

    Past the transport, which would give up a line that has ended without reading what was said on it.
    """
    while True:
        for kind, writer in writers:
            if kind in DRIPS and not writer.is_closing():
                with suppress(OSError):
                    os.write(writer.get_extra_info("socket").fileno(), DRIPS[kind].encode())
        await asyncio.sleep(0.1)


async def ended(reader: Ear) -> bytes:
    """What a line says until it is closed."""
    with suppress(ConnectionError):
        await reader.read()
    return reader.said


async def test_f15_who_is_slow_is_hung_up_on_and_holds_up_nobody() -> None:
    """160 lines that say nothing, or drip into handshake, headers and body: each ends at its deadline."""
    with serving("--header-timeout", "1", "--body-timeout", "1.5") as service:
        async with watching(3, service.url) as readers, editor(service) as desk, street(service) as there:
            await desk.post("before")
            before = server(service).num_fds()
            lines = [(kind, *await there.line()) for kind in SLOW for _ in range(40)]
            for kind, _, writer in lines:
                writer.write(SLOW[kind].encode())
            ending = asyncio.gather(*(ended(reader) for _, reader, _ in lines))
            posted = 1
            async with beside(drip([(kind, writer) for kind, _, writer in lines])):
                while not ending.done():
                    await desk.post(f"item {posted}")
                    posted += 1
                    assert 200 == await polled(service)
                    assert posted < 2_000, "slow lines are not closed"
            for (kind, _, writer), said in zip(lines, await ending, strict=True):
                writer.close()
                assert said == b"" if kind == "silent" else b" 408 " in said.partition(b"\r\n")[0], (kind, said)
            await unhindered(readers, service, posted)
            assert posted > 2
            await until(lambda: server(service).num_fds() <= before + 2, "their descriptors to be free")
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
    ids=["more than a second takes", "the same as event streams", "more than there are places", "all from one address"],
)
async def test_f17_a_storm_of_readers_is_answered_and_holds_up_nobody(
    flags: list[str], request_: str, status: int, slug: str, most: int
) -> None:
    """2,000 at once: the excess is told when to come back; those inside get every alert, and the window is there."""
    with serving(*flags) as service:
        async with watching(3, service.url) as readers, editor(service) as desk, street(service) as there:
            await desk.post("before")
            storm = asyncio.create_task(there.crowd(CROWD, request_))
            posted = 1
            while not storm.done():
                await desk.post(f"item {posted}")
                posted += 1
                assert 200 == await polled(service)
            comers = await storm
            inside = [comer for comer in comers if comer.status in (101, 200)]
            turned_away = [comer for comer in comers if comer.status not in (101, 200)]
            assert {(status, slug)} == {(comer.status, comer.slug) for comer in turned_away}
            assert 0 < len(inside) <= most
            assert all(1 <= comer.after <= 60 for comer in turned_away)
            if "--accept-rate" in flags and "50" in flags:
                # Told the same, they would all come back in one moment.
                assert len({comer.after for comer in turned_away}) > 3
            await unhindered(readers, service, posted)
            for comer in inside:
                comer.go()
            await until(lambda: there.finds_a_place(request_), "a place for the next")
        assert "Traceback" not in service.output.read_text()


async def test_f18_without_descriptors_readers_are_shed_first_and_health_last() -> None:
    """300 of them, and more who want one: when readers find no place requests go on, and when they do not, health."""
    with serving(descriptors=300) as service:
        async with watching(2, service.url) as readers, editor(service) as desk, street(service) as there:
            await desk.post("before")
            inside: list[Comer] = []
            while (comer := await there.knock()).status == 101:
                inside.append(comer)
                assert len(inside) < 300
            assert (503, "full", 10) == (comer.status, comer.slug, comer.after)
            assert len(inside) > 150
            assert 200 == await polled(service)
            await desk.post("with all places taken")

            # Now those come who ask nothing, and keep what there is.
            hogs = [await there.line() for _ in range(150)]
            said = [asyncio.ensure_future(ended(reader)) for reader, _ in hogs]
            await until(lambda: any(task.done() and b" 503 " in task.result() for task in said), "some to be shed")
            assert server(service).num_fds() < 300
            health = "GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n"
            await until(lambda: there.finds_a_place(health), "health to be answered")
            await desk.post("with nothing left")
            await until(lambda: all(3 == seen(reader) for reader in readers), "both to be told of it")

            # They go, and all is as before.
            for _, writer in hogs:
                writer.close()
            for comer in inside[:20]:
                comer.go()
            await until(there.finds_a_place, "a place for a reader")
            await desk.post("after")
            await unhindered(readers, service, 4)
            await asyncio.gather(*said)
        assert "Traceback" not in service.output.read_text()


async def test_f18_when_the_kernel_gives_no_descriptor_nothing_spins() -> None:
    """The limit is taken away below a running service: who comes is hung up on, and it rests when nobody comes."""
    with serving() as service:
        async with watching(2, service.url) as readers, editor(service) as desk, street(service) as there:
            await desk.post("before")
            process = server(service)
            limit = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
            highest = max(int(name) for name in os.listdir(f"/proc/{process.pid}/fd"))
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (highest + 1, limit[1]))
            lines = [await there.line() for _ in range(200)]
            hung_up = [asyncio.ensure_future(ended(reader)) for reader, _ in lines]
            await until(lambda: sum(task.done() for task in hung_up) > 150, "most to be hung up on")
            used = sum(process.cpu_times()[:2])
            await asyncio.sleep(1.5)  # not until something happens: this is the time in which nothing should
            assert sum(process.cpu_times()[:2]) - used < 0.75
            await desk.post("without a descriptor")
            await until(lambda: all(2 == seen(reader) for reader in readers), "both to be told of it")
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, limit)
            for _, writer in lines:
                writer.close()
            await until(there.finds_a_place, "a place for a reader")
            await desk.post("after")
            await unhindered(readers, service, 3)
            await asyncio.gather(*hung_up)


async def test_f18_at_its_memory_cap_it_takes_no_more_readers() -> None:
    """Those inside stay and get everything, the window is there, and who leaves makes room for another."""
    with serving() as service:
        async with street(service) as there:
            await there.crowd(50)  # so that what is loaded with the first readers is
            assert 200 == await polled(service)
        held = server(service).memory_info().rss // 2**20
        assert 0 == service.stop()
    with serving("--max-memory", str(held + 4), "--accept-rate", "0") as service:
        async with watching(2, service.url) as readers, editor(service) as desk, street(service) as there:
            await desk.post("before")
            inside: list[Comer] = []
            refused: list[Comer] = []
            while not refused:
                assert len(inside) < 15_000, "there is no end to its memory"
                comers = await there.crowd(250)
                inside += [comer for comer in comers if comer.status == 101]
                refused = [comer for comer in comers if comer.status != 101]
            assert {(503, "full", 10)} == {(comer.status, comer.slug, comer.after) for comer in refused}
            assert inside
            assert 200 == await polled(service)
            await desk.post("at the cap")
            await unhindered(readers, service, 2)
            for comer in inside:
                comer.go()
            await until(there.finds_a_place, "a place for the next")


def seen(reader: Reader) -> int:
    """How many entries somebody who watches was given."""
    return sum(frame["type"] == "entry" for frame in reader.frames)


async def unhindered(readers: Sequence[Reader], service: Service, posted: int) -> None:
    """Those who were inside all the time were given each alert, on the line that they had."""
    await settled(readers, service.url)
    assert all((1, posted) == (reader.lines, seen(reader)) for reader in readers)
