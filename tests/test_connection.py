"""The readers' line: RFC 6455 on real sockets, and what uvicorn and websockets must keep doing for us."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import psutil
import pytest
from ticker import connection
from ticker.auth import KEYS, Keyring
from ticker.connection import _asking
from ticker.eventstream import EventStreamConnection
from ticker.store import Store
from ticker.websocket import INBOUND, WebSocketConnection
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode

from tests.stage import Stage, entries, frame, running
from tests.waiting import until

UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: ticker\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


KEYED = UPGRADE.format(path="/v1/channels/en/live")[:-2] + "Authorization: Bearer {key}\r\n\r\n"


@asynccontextmanager
async def raw(
    stage: Stage, request: str | None = None, encoding: str = "utf-8"
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A plain TCP line to the service, with the handshake done unless another request is given."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(stage.url.rsplit(":", 1)[1]))
    try:
        writer.write((request or UPGRADE.format(path="/v1/channels/en/live")).encode(encoding))
        if request is None:
            assert b" 101 " in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            assert "snapshot" == json.loads(bytes((await received(reader)).data))["type"]
        yield reader, writer
    finally:
        writer.close()


async def received(reader: asyncio.StreamReader) -> Frame:
    """The next frame from the server."""
    head = await asyncio.wait_for(reader.readexactly(2), 5)
    size = head[1] & 127
    if size == 126:
        size = int.from_bytes(await reader.readexactly(2), "big")
    return Frame(Opcode(head[0] & 15), await reader.readexactly(size), bool(head[0] & 128))


def masked(opcode: Opcode, data: bytes, fin: bool = True) -> bytes:
    """A frame as a client sends it."""
    return Frame(opcode, data, fin).serialize(mask=True)


async def test_the_answer_and_the_first_frame_leave_together(stage: Stage) -> None:
    """One read gives the handshake and the snapshot: a reader who is in has something to show."""
    with socket.create_connection(("127.0.0.1", int(stage.url.rsplit(":", 1)[1]))) as line:
        line.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(line, UPGRADE.format(path="/v1/channels/en/live").encode())
        data = await asyncio.wait_for(loop.sock_recv(line, 65_536), 5)
    head, _, rest = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
    assert b'"type":"snapshot"' in rest


async def test_a_ping_is_answered_and_the_parser_is_dropped_again(stage: Stage) -> None:
    """Whatever is sent, in whatever pieces, the line goes on: nothing is lost between two messages."""
    async with raw(stage) as (reader, writer):
        for payload in (b"", b"a", b"b" * 125):
            whole = masked(Opcode.PING, payload)
            for piece in (whole[:1], whole[1:3], whole[3:]):
                writer.write(piece)
                await writer.drain()
            pong = await received(reader)
            assert (Opcode.PONG, payload) == (pong.opcode, pong.data)
        await stage.post("after the pings")
        assert "after the pings" == json.loads(bytes((await received(reader)).data))["item"]["headline"]


@pytest.mark.parametrize("cut", range(1, 12))
async def test_two_messages_may_be_cut_anywhere(stage: Stage, cut: int) -> None:
    """The end of one and the beginning of the next arrive in one read: no byte is lost with the parser."""
    async with raw(stage) as (reader, writer):
        both = masked(Opcode.TEXT, b"hi") + masked(Opcode.PING, b"still there?")
        writer.write(both[:cut])
        await writer.drain()
        writer.write(both[cut:])
        assert b"still there?" == (await received(reader)).data


async def test_a_fragmented_message_keeps_its_parser(stage: Stage) -> None:
    """A continuation after a pause is still a continuation, and one without a beginning is a violation."""
    async with raw(stage) as (reader, writer):
        writer.write(masked(Opcode.TEXT, b"he", fin=False))
        writer.write(masked(Opcode.PING, b"1"))
        assert Opcode.PONG is (await received(reader)).opcode
        writer.write(masked(Opcode.CONT, b"llo"))
        writer.write(masked(Opcode.PING, b"2"))
        assert Opcode.PONG is (await received(reader)).opcode
        writer.write(masked(Opcode.CONT, b"nothing was begun"))
        assert 1002 == int.from_bytes((await received(reader)).data[:2], "big")


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\x81\x05hello", 1002),
        (b"\xc1\x80\x00\x00\x00\x00", 1002),
        (b"\x83\x80\x00\x00\x00\x00", 1002),
        (masked(Opcode.TEXT, b"x" * (INBOUND + 1)), 1009),
        (b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 1009),
        (b"\x09\x80\x00\x00\x00\x00", 1002),
        (masked(Opcode.CLOSE, b"\x03\xe7"), 1002),
        (masked(Opcode.CLOSE, b"\x03\xe8bye"), 1000),
        (masked(Opcode.CLOSE, b"\x03\xe8\xff\xff"), 1007),
    ],
    ids=[
        "unmasked",
        "rsv bit",
        "unknown opcode",
        "too long",
        "absurdly long",
        "fragmented ping",
        "bad code",
        "close",
        "not utf-8",
    ],
)
async def test_a_violation_is_answered_with_its_code_and_the_line_ends(stage: Stage, sent: bytes, code: int) -> None:
    """RFC 6455 says which; the others read on."""
    async with stage.reader() as other, raw(stage) as (reader, writer):
        await frame(other)
        writer.write(sent)
        closing = await received(reader)
        assert (Opcode.CLOSE, code) == (closing.opcode, int.from_bytes(closing.data[:2], "big"))
        assert b"" == await asyncio.wait_for(reader.read(), 5)
        await stage.post("for the other")
        assert 1 == len(await entries(other, 1))


@pytest.mark.parametrize(
    ("path", "status", "slug"),
    [
        ("/v1/channels/xx/live", 404, "unknown-channel"),
        ("/v1/channels/en/items", 404, "not-found"),
        ("/elsewhere", 404, "not-found"),
        ("/v1/channels/en/live?urgency=high", 422, "invalid-item"),
        ("/v1/channels/en/live?" + "&".join(f"tag={n}" for n in range(11)), 422, "invalid-item"),
        ("/v1/channels/en/live?" + "&".join(f"a{n}=1" for n in range(200)), 422, "invalid-item"),
    ],
)
async def test_a_refused_upgrade_says_why(stage: Stage, path: str, status: int, slug: str) -> None:
    """As the same problem document that HTTP gives, before any frame."""
    with pytest.raises(InvalidStatus) as caught:
        await connect(stage.url.replace("http", "ws") + path, proxy=None)
    answer = caught.value.response
    assert (status, f"urn:ticker:problem:{slug}") == (answer.status_code, json.loads(answer.body or b"")["type"])
    assert "application/problem+json" == answer.headers["Content-Type"]


async def test_no_more_readers_than_told_and_a_place_is_free_again(store: Store, valkey: str) -> None:
    """The third of two is refused with 503 and when to come back; when one leaves, the next gets in."""
    async with running(valkey, max_readers=2) as stage, stage.reader():
        async with stage.reader():
            with pytest.raises(InvalidStatus) as caught:
                await stage.reader()
            assert 503 == caught.value.response.status_code
            assert "10" == caught.value.response.headers["Retry-After"]

        async def in_again() -> bool:
            try:
                async with stage.reader():
                    return True
            except InvalidStatus:
                return False

        await until(in_again, "the place of the one who left")


@asynccontextmanager
async def stopped(store: Store) -> AsyncIterator[None]:
    """The store answers nobody for so long."""
    await store.redis.client_pause(400)
    yield
    await store.redis.ping()


async def test_who_speaks_before_he_is_answered_is_cut(stage: Stage, store: Store) -> None:
    """His key is still being looked up: not a byte of an answer, and nobody joins."""
    token, _ = await Keyring(store).create("Luis", ("read",))
    async with stopped(store), raw(stage, KEYED.format(key=token)) as (reader, writer):
        await until(lambda: bool(_asking), "the question to be asked")
        writer.write(masked(Opcode.PING, b"hello?"))
        with suppress(ConnectionError):
            assert b"" == await asyncio.wait_for(reader.read(), 5)
    async with raw(stage, KEYED.format(key=token)) as (reader, _):
        assert (await asyncio.wait_for(reader.readuntil(b"\r\n"), 5)).startswith(b"HTTP/1.1 101 ")


async def test_who_leaves_before_he_is_answered_is_forgotten(
    stage: Stage, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is written to a line that is gone, and no descriptor is kept for it."""
    token, _ = await Keyring(store).create("Luis", ("read",))
    before = psutil.Process().num_fds()
    async with stopped(store), raw(stage, KEYED.format(key=token)):
        await until(lambda: bool(_asking), "the question to be asked")
    await until(lambda: not _asking, "the question to be answered")
    await until(lambda: psutil.Process().num_fds() <= before, "the descriptor to return")
    assert "Traceback" not in caplog.text


async def test_a_question_that_takes_too_long_is_a_refusal(
    stage: Stage, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 and when to come back; nobody waits at the door for a store that does not answer."""
    monkeypatch.setattr(connection, "ASK_SECONDS", 0.05)
    token, _ = await Keyring(store).create("Luis", ("read",))
    async with stopped(store), raw(stage, KEYED.format(key=token)) as (reader, _):
        answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: 2" in answer
    assert b"urn:ticker:problem:store-unavailable" in answer


async def test_a_fault_of_ours_at_the_door_is_answered_and_logged(
    stage: Stage, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """A record of a key that is none: 500, and the trace in the log; the line does not hang."""
    token, key = await Keyring(store).create("Luis", ("read",))
    await store.redis.hset(KEYS, key.id, "nonsense")
    async with raw(stage, KEYED.format(key=token)) as (reader, _):
        answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"nonsense" not in answer
    assert "whether a reader may enter could not be asked" in caplog.text


@pytest.mark.parametrize("key", ["\xff", "ключ".encode().decode("latin-1"), "x" * 4000])
async def test_whatever_stands_in_a_header_is_a_key_or_none(stage: Stage, key: str) -> None:
    """401, not a line that hangs."""
    async with raw(stage, KEYED.format(key=key), "latin-1") as (reader, _):
        assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 401 ")


async def test_a_bad_handshake_is_refused(stage: Stage) -> None:
    """Without a key, or of another version, the library's answer is given and the line closed."""
    request = UPGRADE.format(path="/v1/channels/en/live").replace("Version: 13", "Version: 8")
    async with raw(stage, request) as (reader, _):
        assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 400 ")


async def test_who_reads_nothing_delays_nobody_and_is_cut(store: Store, valkey: str) -> None:
    """Megabytes pass by a reader with a closed window: the other has them all, and the stuck one is dropped."""
    async with running(valkey, stuck=0.2, heartbeat=2.5, ring=10) as stage, stage.reader() as quick:
        await frame(quick)
        stuck = socket.socket()
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.connect(("127.0.0.1", int(stage.url.rsplit(":", 1)[1])))
        stuck.sendall(UPGRADE.format(path="/v1/channels/en/live").encode())
        mine = psutil.Process().net_connections

        def open_lines() -> int:
            port = stuck.getsockname()[1]
            return sum(1 for line in mine() if line.raddr and line.raddr.port == port and line.status == "ESTABLISHED")

        await until(lambda: open_lines() == 1, "the stuck reader to be connected")
        tags = [f"{letter * 60}" for letter in "abcdefghij"]
        sent = 0
        while open_lines() and sent < 2000:
            await asyncio.gather(*(stage.post(f"item {sent + n}", tags=tags) for n in range(50)))
            sent += 50
            got = await entries(quick, 50)
            assert 50 == len(got)
        await until(lambda: open_lines() == 0, "the stuck reader to be cut")
        stuck.close()


async def test_who_was_slow_for_a_while_gets_everything_in_order(store: Store, valkey: str) -> None:
    """A reader that stops reading and goes on is complete, or is told `reset`; in between it is passed over."""
    async with running(valkey, stuck=60, ring=5000) as stage:
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", int(stage.url.rsplit(":", 1)[1])))
        slow.sendall(UPGRADE.format(path="/v1/channels/en/live").encode())
        tags = [f"{letter * 60}" for letter in "abcdefghij"]
        for batch in range(16):
            await asyncio.gather(*(stage.post(f"item {batch * 50 + n}", tags=tags) for n in range(50)))
        slow.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=slow)
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert "snapshot" == json.loads(bytes((await received(reader)).data))["type"]
        numbers: list[int] = []
        while len(numbers) < 800:
            got = json.loads(bytes((await received(reader)).data))
            if got["type"] == "entry":
                numbers.append(int(got["cursor"].split("-")[1]))
        assert list(range(1, 801)) == numbers
        writer.close()


async def test_a_reader_costs_no_task(stage: Stage) -> None:
    """Ten readers, and not one task more in the process."""
    before = len(asyncio.all_tasks())
    lines = [socket.create_connection(("127.0.0.1", int(stage.url.rsplit(":", 1)[1]))) for _ in range(10)]
    try:
        for line in lines:
            line.setblocking(False)
            await asyncio.get_running_loop().sock_sendall(line, UPGRADE.format(path="/v1/channels/en/live").encode())
            await asyncio.wait_for(asyncio.get_running_loop().sock_recv(line, 65_536), 5)
        assert before == len(asyncio.all_tasks())
    finally:
        for line in lines:
            line.close()


async def test_descriptors_return_when_readers_leave(stage: Stage) -> None:
    """Politely or not."""
    before = psutil.Process().num_fds()
    for politely in (True, False):
        lines = [await stage.reader() for _ in range(20)]
        for line in lines:
            if politely:
                await line.close()
            else:
                line.transport.abort()
    await until(lambda: psutil.Process().num_fds() <= before, "the descriptors to return")


async def test_a_drained_reader_is_told_when_to_come_back(store: Store, valkey: str) -> None:
    """1012 for everybody, and another delay for each."""
    async with running(valkey) as stage:
        lines = [await stage.reader() for _ in range(10)]
        for line in lines:
            await frame(line)
    delays = set()
    for line in lines:
        with pytest.raises(ConnectionClosed) as caught:
            await line.recv()
        assert caught.value.rcvd is not None
        assert 1012 == caught.value.rcvd.code
        delays.add(json.loads(caught.value.rcvd.reason)["retry_ms"])
    assert len(delays) > 5
    assert all(500 <= delay <= 30_000 for delay in delays)


# What we rely on in other people's code.


def test_a_connection_has_no_dict() -> None:
    """Its memory is its slots."""
    door: Any = None
    assert not hasattr(WebSocketConnection(door), "__dict__")
    assert not hasattr(EventStreamConnection(door), "__dict__")


async def test_a_transport_with_no_room_pauses_us_with_the_first_byte(anyio_backend: Any) -> None:
    """Frames go straight to the kernel while the transport holds nothing: holding anything, it must pause us."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    paused: list[bool] = [False]
    lost = asyncio.Event()

    class Plain(asyncio.Protocol):
        def pause_writing(self) -> None:
            paused[0] = True

        def resume_writing(self) -> None:
            paused[0] = False

        def connection_lost(self, exc: Exception | None) -> None:
            lost.set()

    transport, _ = await asyncio.get_running_loop().connect_accepted_socket(Plain, ours)
    transport.set_write_buffer_limits(high=0)
    sent = b""
    while not paused[0]:
        assert 0 == transport.get_write_buffer_size()
        if len(sent) % 2000 == 0:
            os.write(transport.get_extra_info("socket").fileno(), b"d" * 1000)  # as Connection.write does
            sent += b"d" * 1000
        else:
            transport.write(b"t" * 1000)
            sent += b"t" * 1000
        assert len(sent) < 10_000_000
    assert transport.get_write_buffer_size() > 0
    got = b""

    def take() -> bool:
        nonlocal got
        with suppress(BlockingIOError):
            got += theirs.recv(65_536)
        return len(got) == len(sent)

    await until(take, "everything to arrive")
    assert sent == got
    await until(lambda: not paused[0], "the transport to let us go on")
    transport.close()
    await asyncio.wait_for(lost.wait(), 5)
    theirs.close()


async def test_plain_http_still_works_beside_it(stage: Stage) -> None:
    """An address that speaks WebSocket says so to who does not."""
    answer = await stage.http.get("/v1/channels/en/live")
    assert (426, "websocket") == (answer.status_code, answer.headers["Upgrade"])
    assert isinstance(answer, httpx.Response)
