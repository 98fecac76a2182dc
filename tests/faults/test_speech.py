"""Readers who say what no reader may say. Numbers as in docs/faults.md."""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import dataclass

import psutil
from websockets.frames import Opcode

from tests.faults.test_door import HANDSHAKE, editor, serving, unhindered
from tests.faults.witness import watching
from tests.stage import Service
from tests.test_connection import masked, received
from tests.waiting import until

EACH = 20
"""Readers who do the same, all in one moment."""
MEGABYTES = 40
"""What all of them together may cost: they say 90 megabytes, most of it packed."""
SLACK = 10
"""Lines to the store that may have been opened meanwhile."""
DEFLATE = HANDSHAKE[:-2] + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"


def framed(first: int, second: int, data: bytes = b"") -> bytes:
    """A frame with its first two bytes as they are given, masked with zeros when the second says so."""
    return bytes([first, second]) + (b"\0\0\0\0" if second & 0x80 else b"") + data


def packed(size: int) -> bytes:
    """So many zeros as one compressed message: a thousandth of that on the line."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = (deflate.compress(bytes(size)) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]
    return framed(0xC1, 0x80 | 126, b"")[:2] + len(data).to_bytes(2, "big") + b"\0\0\0\0" + data


@dataclass(frozen=True)
class Speech:
    """What is said after the handshake, and the code with which the line is closed for it."""

    name: str
    said: bytes
    code: int
    handshake: str = HANDSHAKE


SPEECHES = (
    Speech("a frame without a mask", framed(0x81, 0x02, b"hi"), 1002),
    Speech("a reserved bit", framed(0xC1, 0x82, b"hi"), 1002),
    Speech("an opcode that is none", framed(0x83, 0x82, b"hi"), 1002),
    Speech("a part of a message that was not begun", framed(0x80, 0x82, b"hi"), 1002),
    Speech(
        "a message in the middle of another", masked(Opcode.TEXT, b"a", fin=False) + masked(Opcode.TEXT, b"b"), 1002
    ),
    Speech("a ping in parts", framed(0x09, 0x82, b"hi"), 1002),
    Speech("a ping of 126 bytes", framed(0x89, 0x80 | 126, b"")[:2] + b"\x00\x7e" + bytes(4 + 126), 1002),
    Speech("a close code that nobody may send", masked(Opcode.CLOSE, (1005).to_bytes(2, "big")), 1002),
    Speech("half a close code", masked(Opcode.CLOSE, b"\x03"), 1002),
    Speech("no UTF-8", masked(Opcode.TEXT, b"\xc0\xaf"), 1007),
    Speech("a close reason that is no UTF-8", masked(Opcode.CLOSE, b"\x03\xe8\xff"), 1007),
    Speech("more than a message may have", masked(Opcode.TEXT, b"x" * 5_000), 1009),
    Speech("a length of 2^62", framed(0x81, 0x80 | 127, b"")[:2] + (1 << 62).to_bytes(8, "big"), 1009),
    Speech(
        "a message whose parts have no end",
        masked(Opcode.TEXT, b"", fin=False) + masked(Opcode.CONT, b"x" * 100, fin=False) * 60,
        1009,
    ),
    Speech("a bomb", packed(4_000_000), 1009, DEFLATE),
    Speech("a flood of pings", masked(Opcode.PING, b"x") * 500, 1008),
    Speech("a flood of bytes", masked(Opcode.BINARY, bytes(4_000)) * 30, 1008),
)


async def told(service: Service, speech: Speech) -> int:
    """The code with which a line is closed on which this was said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    try:
        writer.write(speech.handshake.encode())
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
        assert b" 101 " in head
        writer.write(speech.said)
        while True:
            frame = await asyncio.wait_for(received(reader), 20)
            if frame.opcode is Opcode.CLOSE:
                return int.from_bytes(frame.data[:2], "big")
    finally:
        writer.close()


async def test_f16_what_no_reader_may_say_ends_his_line_and_no_other() -> None:
    """Each is told with which code; memory stays bounded, nothing is left open, and the log has no trace of it."""
    with serving("--accept-rate", "0") as service:
        assert service.process is not None
        process = psutil.Process(service.process.pid)
        async with watching(3, service.url) as readers, editor(service) as desk:
            await desk.post("before")
            before, held = process.memory_info().rss, process.num_fds() + SLACK
            for speech in SPEECHES:
                codes = await asyncio.gather(*(told(service, speech) for _ in range(EACH)))
                assert (speech.name, {speech.code}) == (speech.name, set(codes))
            grown = process.memory_info().rss - before
            await desk.post("after")
            await unhindered(readers, service, 2)
        assert grown < MEGABYTES * 2**20
        assert "Traceback" not in service.output.read_text(encoding="utf-8")
        await until(lambda: process.num_fds() <= held, "every line of them to be closed")
