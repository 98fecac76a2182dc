"""A client's line before it is a reader's: what can be drawn out has an end, and a refusal is a problem."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ticker import deadlines, http
from ticker.deadlines import Front
from ticker.errors import TickerError
from ticker.handover import Handover
from ticker.http import MOST_AROUND, MOST_HEAD, MOST_HEADERS, MOST_PIPELINED, HeadersTooLarge, Http, RequestTimeout
from ticker.places import Descriptors

from tests.stage import AUTHORIZED, Stage, running
from tests.test_connection import UPGRADE
from tests.waiting import until

WINDOW = b"GET /v1/channels/en/items HTTP/1.1\r\nHost: ticker\r\n\r\n"
LIVE = "/v1/channels/en/live"
DOCS = Path(__file__).parent.parent / "docs"


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def slug(self) -> str:
        """The problem's type, without what all have."""
        assert "application/problem+json" == self.headers["content-type"]
        kind: str = json.loads(self.body)["type"]
        return kind.rpartition(":")[2]


class Client:
    """Somebody who writes HTTP by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes | str) -> None:
        """Exactly this."""
        self.writer.write(data if isinstance(data, bytes) else data.encode())

    async def answer(self) -> Answer:
        """The next one, as a whole."""
        async with asyncio.timeout(10):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(status.split()[1]), headers, body)

    async def rest(self) -> bytes:
        """What comes until the line is closed."""
        async with asyncio.timeout(10):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""


@asynccontextmanager
async def client(stage: Stage) -> AsyncIterator[Client]:
    """A line to the service."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(stage.url.rsplit(":", 1)[1]))
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds takes less."""
    monkeypatch.setattr(deadlines, "SWEEP_SECONDS", 0.05)
    # Defaults are bound when the class is made, so it is not the constants that have to be changed.
    monkeypatch.setattr(Http.__init__, "__kwdefaults__", {"head": 0.3, "body": 0.3})
    monkeypatch.setattr(deadlines, "ANSWER_SECONDS", 0.3)


@pytest.fixture
def fronts(monkeypatch: pytest.MonkeyPatch) -> list[Front]:
    """What all lines of a service share; the newest service stands last."""
    found: list[Front] = []

    class Known(Front):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            found.append(self)

    monkeypatch.setattr(http, "Front", Known)
    return found


@pytest.fixture
async def hurried(store: object, valkey: str, quick: None, fronts: list[Front]) -> AsyncIterator[Stage]:
    """A service that waits for nobody."""
    async with running(valkey) as stage:
        yield stage


@pytest.fixture
async def known(store: object, valkey: str, fronts: list[Front]) -> AsyncIterator[Stage]:
    """A service into which we can look."""
    async with running(valkey) as stage:
        yield stage


def post(body: bytes, *headers: str, length: int | None = None) -> bytes:
    """The beginning of a post, or all of it."""
    lines = [
        "POST /v1/channels/en/items HTTP/1.1",
        "Host: ticker",
        "Content-Type: application/json",
        f"Authorization: {AUTHORIZED['Authorization']}",
        f"Content-Length: {len(body) if length is None else length}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def test_the_seconds_are_those_that_are_promised() -> None:
    """10 for the headers, 30 for the body, as the settings have them when nobody says otherwise."""
    assert (10, 30) == (deadlines.HEAD_SECONDS, deadlines.BODY_SECONDS)


def test_nothing_is_taken_over_that_uvicorn_does_not_have() -> None:
    """Each method that is replaced here is called by uvicorn, the parser, or the hand-over; the others are ours."""
    own = {name for name in vars(Http) if not name.startswith("__") and callable(vars(Http)[name])}
    ours = {"refuse", "cut", "request_late", "answer_late"}
    assert ours == {name for name in own if not name.startswith("_") and not hasattr(Handover, name)}


async def test_who_says_nothing_is_hung_up_on(hurried: Stage) -> None:
    """Without a word: there was no question."""
    async with client(hurried) as silent:
        assert b"" == await silent.rest()


@pytest.mark.parametrize(
    "beginning",
    [b"G", WINDOW[:-2], UPGRADE.format(path=LIVE).encode()[:-2], post(b"", length=10)[:-2]],
    ids=["one byte", "a request", "a handshake", "a post"],
)
async def test_who_does_not_end_his_headers_is_told_so(hurried: Stage, beginning: bytes) -> None:
    """408, and that it may be sent again; then the line is closed."""
    async with client(hurried) as slow:
        slow.send(beginning)
        answer = await slow.answer()
        assert (408, "request-timeout", "close") == (answer.status, answer.slug, answer.headers["connection"])
        assert json.loads(answer.body)["retry"]
        assert b"" == await slow.rest()


async def test_a_drop_now_and_then_wins_no_time(hurried: Stage) -> None:
    """The deadline is one for all headers, not one from header to header."""
    async with client(hurried) as slow:
        slow.send(b"GET / HTTP/1.1\r\n")
        dripping = asyncio.create_task(drip(slow, b"X: y\r\n"))
        assert 408 == (await slow.answer()).status
        dripping.cancel()


async def drip(slow: Client, data: bytes) -> None:
    """Send a little, again and again."""
    while True:
        slow.send(data)
        await asyncio.sleep(0.02)


async def test_who_does_not_end_his_body_is_told_so(hurried: Stage) -> None:
    """And nothing is stored."""
    async with client(hurried) as slow:
        slow.send(post(b'{"headline": "half a', length=90))
        answer = await slow.answer()
        assert (408, "request-timeout") == (answer.status, answer.slug)
        assert b"" == await slow.rest()
    assert [] == await hurried.window()


async def test_who_drips_into_a_refused_body_is_cut(hurried: Stage) -> None:
    """The refusal was told before; the rest is taken for as long as a body may last, and no longer."""
    async with client(hurried) as slow:
        slow.send(post(b"{", "X-No: 1", length=90_000).replace(b"Bearer ", b"Bearer wrong"))
        assert 401 == (await slow.answer()).status
        dripping = asyncio.create_task(drip(slow, b" "))
        assert b"" == await slow.rest()
        dripping.cancel()


async def test_a_line_that_is_used_again_has_its_time_from_the_first_byte(hurried: Stage) -> None:
    """Between two requests it is uvicorn who waits; a half one is late, and so are empty lines."""
    async with client(hurried) as patient:
        for _ in range(2):
            patient.send(WINDOW)
            assert 200 == (await patient.answer()).status
        patient.send(WINDOW[:20])
        assert 408 == (await patient.answer()).status
    async with client(hurried) as patient:
        patient.send(WINDOW)
        assert 200 == (await patient.answer()).status
        dripping = asyncio.create_task(drip(patient, b"\r\n"))
        assert b"" == await patient.rest()
        dripping.cancel()


async def test_who_was_answered_owes_nothing(known: Stage, fronts: list[Front]) -> None:
    """A deadline ends with what it was for, and with the line."""
    (front,) = fronts
    async with client(known) as one, client(known) as other:
        one.send(WINDOW)
        assert 200 == (await one.answer()).status
        other.send(WINDOW[:20])
        await until(lambda: len(front.heads) == 1, "the half request to arrive")
        assert (0, 0) == (len(front.bodies), len(front.answers))
    await until(lambda: len(front.heads) == 0, "the line to be gone")


async def test_a_reader_owes_nothing_any_more(hurried: Stage) -> None:
    """Neither on a WebSocket nor on an event stream; both get what comes after the deadline."""
    async with client(hurried) as socket_reader, client(hurried) as stream_reader, client(hurried) as slow:
        socket_reader.send(UPGRADE.format(path=LIVE))
        stream_reader.send(f"GET {LIVE} HTTP/1.1\r\nHost: ticker\r\nAccept: text/event-stream\r\n\r\n")
        assert b" 101 " in await socket_reader.reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in await stream_reader.reader.readuntil(b"\r\n\r\n")
        slow.send(b"G")
        assert 408 == (await slow.answer()).status
        await hurried.post("After the deadline")
        async with asyncio.timeout(10):
            await socket_reader.reader.readuntil(b"After the deadline")
            await stream_reader.reader.readuntil(b"After the deadline")


async def test_who_never_takes_his_answer_is_cut(hurried: Stage, fronts: list[Front]) -> None:
    """His line and what was kept for him are gone."""
    await fill(hurried)
    with socket.socket() as greedy:
        greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        greedy.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(greedy, ("127.0.0.1", int(hurried.url.rsplit(":", 1)[1])))
        for _ in range(12):
            await loop.sock_sendall(greedy, WINDOW)
        (front,) = fronts
        await until(lambda: len(front.answers) == 1, "an answer that is not taken")
        line = next(iter(front.answers._begun))
        await until(lambda: line.transport.is_closing(), "the line to be cut")  # type: ignore[attr-defined]
        assert 0 == len(front.answers)


async def fill(stage: Stage) -> None:
    """Make the window so large that a client has to take it."""
    for number in range(10):
        await stage.post(f"{number} " + "words and words " * 16, tags=["x " * 30 + str(tag) for tag in range(10)])


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /" + b"a" * MOST_HEAD + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * MOST_HEAD + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * MOST_HEAD,
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * (MOST_HEADERS + 1) + b"\r\n",
    ],
    ids=["address", "header", "header without an end", "headers"],
)
async def test_a_head_has_a_size(stage: Stage, request_: bytes) -> None:
    """431, and the line is closed."""
    async with client(stage) as large:
        large.send(request_)
        answer = await large.answer()
        assert (431, "headers-too-large") == (answer.status, answer.slug)
        assert b"" == await large.rest()


async def test_a_head_may_be_as_large_as_that(stage: Stage) -> None:
    """With a body behind it in the same write, which is no part of it."""
    async with client(stage) as large:
        large.send(post(b'{"headline": "A large head"}', "X-Large: " + "a" * (MOST_HEAD - 500)))
        assert 201 == (await large.answer()).status
        large.send(b"GET /health/live HTTP/1.1\r\n" + b"X: y\r\n" * MOST_HEADERS + b"\r\n")
        assert 200 == (await large.answer()).status


@pytest.mark.parametrize("around", [b"0\r\nX: " + b"y" * 3 * MOST_AROUND, b"0\r\n" + b"X: y\r\n" * (MOST_HEADERS + 1)])
async def test_what_stands_around_a_body_has_a_size(stage: Stage, around: bytes) -> None:
    """A trailer without an end is not kept."""
    async with client(stage) as wordy:
        head = post(b"", "Transfer-Encoding: chunked").replace(b"Content-Length: 0\r\n", b"")
        wordy.send(head + b"2\r\n{}\r\n" + around)
        answer = await wordy.answer()
        assert (400, "malformed") == (answer.status, answer.slug)
        assert "around the body" in json.loads(answer.body)["detail"]
        assert b"" == await wordy.rest()


async def test_what_is_no_http_is_told_so(stage: Stage) -> None:
    """As a problem, like every refusal."""
    async with client(stage) as stranger:
        stranger.send(b"EHLO ticker\r\n\r\n")
        answer = await stranger.answer()
        assert (400, "malformed") == (answer.status, answer.slug)
        assert "nosniff" == answer.headers["x-content-type-options"]


async def test_requests_may_be_sent_ahead_but_not_without_an_end(stage: Stage) -> None:
    """Answered in order; with too many waiting the line is cut, since no refusal could be told from an answer."""
    async with client(stage) as eager:
        eager.send(WINDOW * MOST_PIPELINED)
        for _ in range(MOST_PIPELINED):
            assert 200 == (await eager.answer()).status
    async with client(stage) as greedy:
        greedy.send(WINDOW * 500)
        assert (await greedy.rest()).count(b"HTTP/1.1 200") < 500
    assert [] == await stage.window()


async def test_a_line_that_waits_for_an_answer_becomes_no_readers(stage: Stage) -> None:
    """The answer would be written into his frames."""
    async with client(stage) as confused:
        confused.send(WINDOW + UPGRADE.format(path=LIVE).encode())
        assert b" 101 " not in await confused.rest()


async def test_in_the_reserve_requests_are_answered_and_lines_are_not_kept(known: Stage, fronts: list[Front]) -> None:
    """Up to a point: then health alone, and then nobody. Readers have no part of it."""
    (front,) = fronts
    everything = front.descriptors

    def out_of(**steps: int) -> None:
        front.descriptors = Descriptors(everything.health)
        for name, number in steps.items():
            setattr(front.descriptors, name, number)

    out_of(readers=0)
    async with client(known) as one:
        one.send(WINDOW)
        answer = await one.answer()
        assert (200, "close") == (answer.status, answer.headers["connection"])
        assert b"" == await one.rest()
    out_of(readers=0, requests=0)
    async with client(known) as one, client(known) as health:
        one.send(WINDOW)
        health.send(b"GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = await one.answer()
        assert (503, "full", "10") == (answer.status, answer.slug, answer.headers["retry-after"])
        assert 200 == (await health.answer()).status
    out_of(readers=0, requests=0, health=0)
    async with client(known) as one:
        answer = await one.answer()
        assert (503, "full", "10") == (answer.status, answer.slug, answer.headers["retry-after"])
        assert b"" == await one.rest()
    front.descriptors = everything
    assert [] == await known.window()


@pytest.mark.parametrize("kind", [RequestTimeout, HeadersTooLarge])
def test_what_a_line_is_refused_for_stands_in_the_reference(kind: type[TickerError]) -> None:
    """With its status and whether a repetition helps."""
    row = f"| `{kind.slug}` | {kind.status} | {'yes' if kind.retry else 'no'} |"
    assert row in (DOCS / "api.md").read_text(encoding="utf-8")


def test_the_limits_of_a_request_are_those_that_are_told() -> None:
    """In the manual."""
    limits = (DOCS / "operating.md").read_text(encoding="utf-8").split("\n## Limits\n")[1]
    for number in (MOST_HEAD, MOST_HEADERS, MOST_AROUND, MOST_PIPELINED):
        assert re.search(rf"\b{number:,}\b", limits)
    seconds: Any = deadlines.ANSWER_SECONDS
    assert f"{seconds:g} s" in limits
    assert http.SHED.startswith(b"HTTP/1.1 503 ")
