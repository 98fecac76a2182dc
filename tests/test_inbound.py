"""What a reader says: whole, in pieces, compressed, and wrong."""

from __future__ import annotations

import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ticker.inbound import Inbound, Message
from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.frames import Close, Frame, Opcode
from websockets.streams import StreamReader

MOST = 4096


def sent(opcode: Opcode, data: bytes, *, fin: bool = True, rsv1: bool = False) -> bytes:
    """A frame as a client sends it."""
    whole = Frame(opcode, data, fin).serialize(mask=True)
    return bytes([whole[0] | (64 if rsv1 else 0)]) + whole[1:]


def closed_with(inbound: Inbound) -> int:
    """The code of the close frame that is the last of the answer."""
    stream, frame = StreamReader(), None
    stream.feed_data(inbound.answer())
    while stream.buffer:
        parser = Frame.parse(stream.read_exact, mask=False)
        try:
            next(parser)
        except StopIteration as done:
            frame = done.value
    assert frame is not None
    assert frame.opcode is Opcode.CLOSE
    return int(Close.parse(bytes(frame.data)).code)


def squeezed(data: bytes) -> bytes:
    """A payload compressed as RFC 7692 has it."""
    packer = zlib.compressobj(wbits=-15)
    return (packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


messages = st.lists(st.text(max_size=400).map(str.encode), min_size=1, max_size=5)


@given(messages, st.data())
def test_it_stands_between_messages_exactly_where_they_end(texts: list[bytes], data: st.DataObject) -> None:
    """However the bytes are cut: all messages come, and it is idle at their ends and nowhere else."""
    frames = [sent(Opcode.TEXT, text) for text in texts]
    line, ends = b"".join(frames), set[int]()
    for frame in frames:
        ends.add(max(ends, default=0) + len(frame))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(line)), max_size=20)) | {0, len(line)})
    inbound, came = Inbound(MOST, deflate=False), list[Message]()
    for start, end in pairwise(cuts):
        found, _ = inbound.take(line[start:end])
        came += found
        assert (end in ends) == inbound.idle
    assert [Message(Opcode.TEXT, text) for text in texts] == came


@pytest.mark.parametrize("size", [0, 1, 125, 126, 4000])
def test_the_length_of_a_frame_is_known_in_all_its_forms(size: int) -> None:
    """Short, two bytes, and the eight that nobody needs for it."""
    inbound = Inbound(MOST, deflate=False)
    assert ([Message(Opcode.BINARY, b"x" * size)], 1) == inbound.take(sent(Opcode.BINARY, b"x" * size))
    assert inbound.idle
    long = b"\x82\xff" + size.to_bytes(8, "big") + b"\0\0\0\0" + b"x" * size
    assert ([], 0) == inbound.take(long[:-1])
    assert not inbound.idle
    assert ([Message(Opcode.BINARY, b"x" * size)], 1) == inbound.take(long[-1:])
    assert inbound.idle


def test_a_message_in_parts_is_one_message() -> None:
    """With a ping between them, which is answered; in between it may not be dropped."""
    inbound = Inbound(MOST, deflate=False)
    assert [] == inbound.take(sent(Opcode.TEXT, "é".encode()[:1], fin=False))[0]
    assert [] == inbound.take(sent(Opcode.PING, b"?"))[0]
    assert b"\x8a\x01?" == inbound.answer()
    assert not inbound.idle
    assert [Message(Opcode.TEXT, "é".encode())] == inbound.take(sent(Opcode.CONT, "é".encode()[1:]))[0]
    assert inbound.idle


@pytest.mark.parametrize(
    "parts", [[b"\xff"], [b"\xc3"], [b"\xc3", b"\x28"], [b"a", b"\xed\xa0\x80"], [b"\xf4\x90\x80\x80"]]
)
def test_text_that_is_no_utf_8_is_1007(parts: list[bytes]) -> None:
    """In one frame, and cut in the middle of a character."""
    inbound = Inbound(MOST, deflate=False)
    line = b"".join(
        sent(Opcode.CONT if at else Opcode.TEXT, part, fin=at == len(parts) - 1) for at, part in enumerate(parts)
    )
    assert [] == inbound.take(line)[0]
    assert inbound.over
    assert 1007 == closed_with(inbound)


def test_bytes_that_are_no_text_may_be_anything() -> None:
    """Only text has to be text."""
    assert [Message(Opcode.BINARY, b"\xff")] == Inbound(MOST, deflate=False).take(sent(Opcode.BINARY, b"\xff"))[0]


def test_a_compressed_message_is_unpacked_where_that_was_agreed_on() -> None:
    """And is a violation where it was not."""
    packed = sent(Opcode.TEXT, squeezed(b"seen " * 100), rsv1=True)
    agreed, not_agreed = Inbound(MOST, deflate=True), Inbound(MOST, deflate=False)
    assert [Message(Opcode.TEXT, b"seen " * 100)] == agreed.take(packed)[0]
    assert agreed.idle
    assert [] == not_agreed.take(packed)[0]
    assert 1002 == closed_with(not_agreed)
    assert isinstance(not_agreed.violation, ProtocolError)


def test_a_bomb_is_not_unpacked() -> None:
    """A hundred megabytes in a hundred kilobytes, and in a frame that is small enough by itself."""
    for bomb in (squeezed(bytes(100_000_000)), squeezed(bytes(4_000_000))[: MOST - 96]):
        inbound = Inbound(MOST, deflate=True)
        assert [] == inbound.take(sent(Opcode.BINARY, bomb, rsv1=True))[0]
        assert 1009 == closed_with(inbound)
        assert isinstance(inbound.violation, PayloadTooBig)
