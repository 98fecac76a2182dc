"""A reader's WebSocket: how hands are shaken, what is granted, and what is too much."""

from __future__ import annotations

import asyncio
import json

import pytest
from ticker import websocket
from ticker.websocket import INBOUND, MOST_BYTES, MOST_FRAMES, accepted, deflates
from websockets.asyncio.client import connect
from websockets.frames import Opcode

from tests.stage import Stage, frame, running
from tests.test_connection import UPGRADE, masked, raw, received

LIVE = "/v1/channels/en/live"


def test_the_key_is_answered_as_the_rfc_has_it() -> None:
    """Its own example (RFC 6455, 1.3)."""
    fields = [(b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="), (b"sec-websocket-version", b"13")]
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" == accepted(fields)


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", 400),
        ("Sec-WebSocket-Version: 13", 400),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 12", 400),
        ("Sec-WebSocket-Key: too short\r\nSec-WebSocket-Version: 13", 400),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\nSec-WebSocket-Version: 13", 400),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSBsb25nZXI=\r\nSec-WebSocket-Version: 13", 400),
        (
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Version: 13",
            400,
        ),
    ],
    ids=["no version", "no key", "another version", "no base64", "no padding", "a long key", "two keys"],
)
async def test_hands_are_shaken_as_the_rfc_says_or_not_at_all(stage: Stage, line: str, status: int) -> None:
    """In the words of the library, and then the line ends."""
    request = f"GET {LIVE} HTTP/1.1\r\nHost: ticker\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{line}\r\n\r\n"
    async with raw(stage, request) as (reader, _):
        answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())


@pytest.mark.parametrize("line", [f"POST {LIVE} HTTP/1.1", f"GET {LIVE} HTTP/1.0"])
async def test_an_upgrade_is_asked_for_by_get_in_http_1_1(stage: Stage, line: str) -> None:
    """Anything else never becomes a line."""
    request = UPGRADE.format(path=LIVE).replace(f"GET {LIVE} HTTP/1.1", line)
    async with raw(stage, request) as (reader, _):
        assert b" 101 " not in await asyncio.wait_for(reader.read(), 5)


@pytest.mark.parametrize(
    ("offer", "granted"),
    [
        ("permessage-deflate", True),
        ("permessage-deflate; client_max_window_bits", True),
        ("permessage-deflate; client_max_window_bits=12; server_no_context_takeover", True),
        ("x-webkit-deflate-frame, permessage-deflate; client_no_context_takeover", True),
        ("permessage-deflate; server_max_window_bits=10", False),
        ("permessage-deflate; server_max_window_bits=10, permessage-deflate", True),
        ("permessage-deflate; server_max_window_bits=15", True),
        ("permessage-deflate; client_max_window_bits=7", False),
        ("permessage-deflate; client_no_context_takeover; client_no_context_takeover", False),
        ("permessage-deflate; something=else", False),
        ("x-webkit-deflate-frame", False),
        ("; ;", False),
    ],
)
def test_compression_is_granted_where_frames_for_everybody_keep_to_it(offer: str, granted: bool) -> None:
    """They are compressed with the whole window and without a context (RFC 7692, 7.1)."""
    assert granted == deflates([(b"host", b"ticker"), (b"sec-websocket-extensions", offer.encode())])


async def test_a_compressed_line_says_what_a_plain_one_says(stage: Stage) -> None:
    """In fewer bytes, to a client that somebody else wrote: the window, an entry, and what it sends itself."""
    for number in range(5):
        await stage.post(f"Alert number {number}, and the words that come again with each of them")
    url = stage.url.replace("http", "ws") + LIVE
    async with connect(url, proxy=None) as packed, connect(url, proxy=None, compression=None) as plain:
        assert packed.response is not None
        assert "permessage-deflate" in packed.response.headers["Sec-WebSocket-Extensions"]
        assert plain.response is not None
        assert "Sec-WebSocket-Extensions" not in plain.response.headers
        first, other = await frame(packed), await frame(plain)
        assert first["items"] == other["items"]
        await stage.post("Another one")
        entry = await frame(packed)
        assert ("Another one", entry) == (entry["item"]["headline"], await frame(plain))
        await packed.send(json.dumps({"type": "seen", "cursor": entry["cursor"]}))
        await asyncio.wait_for(await packed.ping(), 5)


async def test_a_compressed_frame_is_shorter(stage: Stage) -> None:
    """RSV1 says that it is compressed; what is longer that way is left plain."""
    await stage.post("Alert " * 30)
    offer = UPGRADE.format(path=LIVE).replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
    async with raw(stage, offer) as (reader, _):
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert b"permessage-deflate; server_no_context_takeover; client_no_context_takeover" in head
        assert 0xC1 == (await reader.readexactly(1))[0]


async def test_compression_can_be_switched_off(valkey: str) -> None:
    """For an operator whose processors cost more than his network."""
    async with running(valkey, deflate=False) as stage, stage.reader() as line:
        assert line.response is not None
        assert "Sec-WebSocket-Extensions" not in line.response.headers
        assert "snapshot" == (await frame(line))["type"]


@pytest.mark.parametrize(
    "flood",
    [masked(Opcode.PING, b"?") * (MOST_FRAMES + 1), masked(Opcode.TEXT, b"x" * INBOUND) * (MOST_BYTES // INBOUND + 1)],
    ids=["pings", "texts"],
)
async def test_whoever_sends_far_too_much_is_closed_for_it(stage: Stage, flood: bytes) -> None:
    """1008, and the others read on."""
    async with stage.reader() as other, raw(stage) as (reader, writer):
        await frame(other)
        writer.write(flood)
        got = await received(reader)
        while got.opcode is not Opcode.CLOSE:
            got = await received(reader)
        assert 1008 == int.from_bytes(got.data[:2], "big")
        await stage.post("still here")
        assert "still here" == (await frame(other))["item"]["headline"]


async def test_what_is_allowed_is_allowed_again_after_a_while(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The count begins anew with each period."""
    monkeypatch.setattr(websocket, "PERIOD", 0.0)
    async with raw(stage) as (reader, writer):
        for _ in range(2 * MOST_FRAMES):
            writer.write(masked(Opcode.PING, b"?"))
            assert Opcode.PONG is (await received(reader)).opcode


async def test_text_that_is_no_utf_8_ends_the_line(stage: Stage) -> None:
    """With the code that says so."""
    async with raw(stage) as (reader, writer):
        writer.write(masked(Opcode.TEXT, b"\xff"))
        assert 1007 == int.from_bytes((await received(reader)).data[:2], "big")
