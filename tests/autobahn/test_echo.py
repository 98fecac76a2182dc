"""The connection that readers have, made to talk: what is said back, to whom it may, and in which order."""

from __future__ import annotations

import asyncio
import random

from ticker.websocket import INBOUND
from websockets.asyncio.client import connect
from websockets.frames import Frame, Opcode

from tests.autobahn.echo import Echo, RaisedEcho, echoing
from tests.test_connection import UPGRADE, masked, received
from tests.waiting import until

MANY, MEGABYTE = 6, 1 << 20
DEADLINE = 60
"""Seconds for what takes half a second where nobody else needs the processors."""


async def test_what_the_kernel_does_not_take_comes_later_and_in_order() -> None:
    """Six megabytes for a client who takes nothing at first: every byte arrives, and the reader is seated again."""
    chance = random.Random(1)
    texts = [chance.randbytes(MEGABYTE) for _ in range(MANY)]
    async with (
        echoing(RaisedEcho) as (address, door),
        # Between two messages this client reads no more than one ahead.
        connect(f"ws://{address}/", compression=None, proxy=None, max_queue=1, max_size=None) as line,
        asyncio.timeout(DEADLINE),
    ):
        await until(lambda: len(door.hub) == 1, "the client to be in")
        (reader,) = door.hub.readers()
        for text in texts:
            await line.send(text)
        await until(lambda: reader.stuck_since > 0, "the kernel to take no more")
        assert reader.lane is None
        assert texts == [await line.recv() for _ in texts]
        await until(lambda: not reader.stuck_since, "the transport to hold nothing")
        assert reader.lane is not None
        await line.send("and on")
        assert "and on" == await line.recv()


async def test_a_compressed_line_says_back_what_came_in_compressed_parts() -> None:
    """Text and bytes, in one frame and in many, to a client that somebody else wrote."""
    text = "Alert, und noch eine Meldung: öäü. " * 2000
    async with (
        echoing(RaisedEcho) as (address, _),
        connect(f"ws://{address}/", proxy=None, max_size=None) as line,
        asyncio.timeout(DEADLINE),
    ):
        assert line.response is not None
        assert "permessage-deflate" in line.response.headers["Sec-WebSocket-Extensions"]
        for message in ("", "a", text, text.encode(), random.Random(2).randbytes(100_000)):
            await line.send(message)
            assert message == await line.recv()
        await line.send(text[at : at + 256] for at in range(0, len(text), 256))
        assert text == await line.recv()


async def test_a_line_that_is_closed_in_the_middle_of_a_message_closes_as_it_was_asked_to() -> None:
    """The code of the client comes back, whatever it had begun to say, and nothing after it."""
    async with echoing(Echo) as (address, door):
        host, _, port = address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(UPGRADE.format(path="/").encode())
            assert b" 101 " in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), DEADLINE)
            begun, closing = masked(Opcode.TEXT, b"half a ", fin=False), masked(Opcode.CLOSE, b"\x03\xe8bye")
            writer.write(masked(Opcode.TEXT, b"whole") + begun + closing + masked(Opcode.CONT, b"message"))
            assert Frame(Opcode.TEXT, b"whole") == await received(reader)
            assert Frame(Opcode.CLOSE, b"\x03\xe8bye") == await received(reader)
            assert b"" == await asyncio.wait_for(reader.read(), DEADLINE)
        finally:
            writer.close()
        await until(lambda: not len(door.hub), "the reader to be out")


async def test_the_echo_has_the_bounds_of_readers_unless_they_are_raised() -> None:
    """Else most of the cases would be driven against something that nobody runs."""
    text = "x" * (INBOUND + 1)
    async with echoing(Echo) as (address, _), connect(f"ws://{address}/", proxy=None) as line:
        await line.send(text[:INBOUND])
        assert text[:INBOUND] == await asyncio.wait_for(line.recv(), DEADLINE)
        await line.send(text)
        await asyncio.wait_for(line.wait_closed(), DEADLINE)
        assert 1009 == line.close_code
    async with echoing(RaisedEcho) as (address, _), connect(f"ws://{address}/", proxy=None) as line:
        await line.send(text)
        assert text == await asyncio.wait_for(line.recv(), DEADLINE)
