"""What a reader says: whole, in pieces, compressed, and wrong."""

from __future__ import annotations

import zlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
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


def came(inbound: Inbound, data: bytes) -> list[Message | Frame]:
    """What came of these bytes, and of what is to be sent each frame."""
    found: list[Message | Frame] = []
    for part in inbound.take(data)[0]:
        if isinstance(part, Message):
            found.append(part)
            continue
        stream = StreamReader()
        stream.feed_data(part)
        while stream.buffer:
            parser = Frame.parse(stream.read_exact, mask=False)
            with pytest.raises(StopIteration) as done:
                next(parser)
            found.append(done.value.value)
    return found


def code(part: Message | Frame) -> int:
    """The code of this close frame."""
    assert isinstance(part, Frame)
    assert part.opcode is Opcode.CLOSE
    return int(Close.parse(bytes(part.data)).code)


def squeezed(data: bytes) -> bytes:
    """A payload compressed as RFC 7692 has it."""
    packer = zlib.compressobj(wbits=-15)
    return (packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


messages = st.lists(st.text(max_size=400).map(str.encode), min_size=1, max_size=5)


@settings(deadline=None)
@given(messages, st.data())
def test_it_stands_between_messages_exactly_where_they_end(texts: list[bytes], data: st.DataObject) -> None:
    """However the bytes are cut: all messages come, and it is idle at their ends and nowhere else."""
    frames = [sent(Opcode.TEXT, text) for text in texts]
    line, ends = b"".join(frames), set[int]()
    for frame in frames:
        ends.add(max(ends, default=0) + len(frame))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(line)), max_size=20)) | {0, len(line)})
    inbound, found = Inbound(MOST, deflate=False), list[Message | Frame]()
    for start, end in pairwise(cuts):
        found += came(inbound, line[start:end])
        assert (end in ends) == inbound.idle
    assert [Message(Opcode.TEXT, text) for text in texts] == found


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
    assert [b"\x8a\x01?"] == inbound.take(sent(Opcode.PING, b"?"))[0]
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
    assert [1007] == [code(part) for part in came(inbound, line)]
    assert inbound.over
    assert isinstance(inbound.violation, UnicodeDecodeError)


def test_bytes_that_are_no_text_may_be_anything() -> None:
    """Only text has to be text."""
    assert [Message(Opcode.BINARY, b"\xff")] == Inbound(MOST, deflate=False).take(sent(Opcode.BINARY, b"\xff"))[0]


def test_a_compressed_message_is_unpacked_where_that_was_agreed_on() -> None:
    """And is a violation where it was not."""
    packed = sent(Opcode.TEXT, squeezed(b"seen " * 100), rsv1=True)
    agreed, not_agreed = Inbound(MOST, deflate=True), Inbound(MOST, deflate=False)
    assert [Message(Opcode.TEXT, b"seen " * 100)] == agreed.take(packed)[0]
    assert agreed.idle
    assert [1002] == [code(part) for part in came(not_agreed, packed)]
    assert isinstance(not_agreed.violation, ProtocolError)


def test_a_bomb_is_not_unpacked() -> None:
    """A hundred megabytes in a hundred kilobytes, and in a frame that is small enough by itself."""
    for bomb in (squeezed(bytes(100_000_000)), squeezed(bytes(4_000_000))[: MOST - 96]):
        inbound = Inbound(MOST, deflate=True)
        assert [1009] == [code(part) for part in came(inbound, sent(Opcode.BINARY, bomb, rsv1=True))]
        assert isinstance(inbound.violation, PayloadTooBig)


A, B, C = b"a", b"b", b"c"
"""What is said in the table below: text, and what is pinged with."""


def spoken(*frames: tuple[Opcode, bytes, bool]) -> bytes:
    """These frames in one read: what, with which payload, and whether the message ends there."""
    return b"".join(sent(opcode, data, fin=fin) for opcode, data, fin in frames)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (
            spoken((Opcode.TEXT, A, True), (Opcode.PING, B, True), (Opcode.TEXT, C, True)),
            [Message(Opcode.TEXT, A), Frame(Opcode.PONG, B), Message(Opcode.TEXT, C)],
        ),
        (
            spoken((Opcode.TEXT, A, False), (Opcode.PING, B, True), (Opcode.CONT, C, True)),
            [Frame(Opcode.PONG, B), Message(Opcode.TEXT, A + C)],
        ),
        (
            spoken((Opcode.PING, A, True), (Opcode.PING, B, True), (Opcode.PONG, C, True)),
            [Frame(Opcode.PONG, A), Frame(Opcode.PONG, B)],
        ),
        (
            spoken((Opcode.TEXT, A, True), (Opcode.CLOSE, b"\x03\xe8", True), (Opcode.PING, C, True)),
            [Message(Opcode.TEXT, A), Frame(Opcode.CLOSE, b"\x03\xe8")],
        ),
        (
            spoken((Opcode.TEXT, A, False), (Opcode.CLOSE, b"\x0f\xa0", True), (Opcode.CONT, C, True)),
            [Frame(Opcode.CLOSE, b"\x0f\xa0")],
        ),
        (
            spoken((Opcode.BINARY, A, False), (Opcode.PING, B, True), (Opcode.CLOSE, b"", True)),
            [Frame(Opcode.PONG, B), Frame(Opcode.CLOSE, b"")],
        ),
        (
            spoken((Opcode.TEXT, b"", False), (Opcode.CONT, b"", False), (Opcode.CONT, b"", True)),
            [Message(Opcode.TEXT, b"")],
        ),
    ],
    ids=[
        "a ping between two messages",
        "a ping between two parts",
        "pings, and a pong that nobody asked for",
        "a ping after a close",
        "a close between two parts",
        "a ping and an empty close between two parts",
        "nothing in three parts",
    ],
)
def test_everything_is_answered_in_the_order_in_which_it_was_said(line: bytes, found: list[Message | Frame]) -> None:
    """All of it arrives in one read, or byte by byte; what stands behind a close is not looked at."""
    assert found == came(Inbound(MOST, deflate=False), line)
    slow = Inbound(MOST, deflate=False)
    bit_by_bit = [part for at in range(len(line)) if not slow.over for part in came(slow, line[at : at + 1])]
    assert found == bit_by_bit


def test_a_close_between_the_parts_of_a_message_is_no_violation() -> None:
    """The line ends as the reader wished, and nothing is held against it."""
    inbound = Inbound(MOST, deflate=False)
    inbound.take(spoken((Opcode.TEXT, A, False), (Opcode.CLOSE, b"\x03\xe8", True)))
    assert inbound.over
    assert inbound.violation is None


@pytest.mark.parametrize("behind", [(Opcode.CLOSE, b"\x03\xe8"), (Opcode.TEXT, A), (Opcode.PING, A), (Opcode.CONT, A)])
def test_nothing_behind_text_that_is_no_utf_8_is_looked_at(behind: tuple[Opcode, bytes]) -> None:
    """Though all of it came in one read: what stands before is answered, and then the line ends with 1007."""
    inbound = Inbound(MOST, deflate=False)
    pong, closing = came(inbound, spoken((Opcode.PING, B, True), (Opcode.TEXT, b"\xff", True), (*behind, True)))
    assert Frame(Opcode.PONG, B) == pong
    assert 1007 == code(closing)


@pytest.mark.parametrize("value", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535])
def test_a_code_that_nobody_may_close_with_is_a_violation(value: int) -> None:
    """Undefined, kept for others, or never to stand on a line (RFC 6455, 7.4)."""
    closing = spoken((Opcode.CLOSE, value.to_bytes(2, "big"), True))
    assert [1002] == [code(part) for part in came(Inbound(MOST, deflate=False), closing)]


@pytest.mark.parametrize("value", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999])
def test_any_other_code_is_said_back(value: int) -> None:
    """With the reason that came with it."""
    data = value.to_bytes(2, "big") + "schön".encode()
    assert [Frame(Opcode.CLOSE, data)] == came(Inbound(MOST, deflate=False), spoken((Opcode.CLOSE, data, True)))


@pytest.mark.parametrize(
    "line",
    [b"\x88\x81\0\0\0\0\x03", b"\x88\xfe\x00\x7e\0\0\0\0\x03\xe8" + b"x" * 124],
    ids=["one byte", "126 bytes"],
)
def test_a_close_frame_has_a_code_and_at_most_125_bytes(line: bytes) -> None:
    """Anything else is a violation."""
    assert [1002] == [code(part) for part in came(Inbound(MOST, deflate=False), line)]


def test_a_compressed_message_may_come_in_parts() -> None:
    """The mark stands on the first of them only, and they are one compressed whole."""
    packed = squeezed("é, and again é, ".encode() * 20)
    third = len(packed) // 3
    inbound = Inbound(MOST, deflate=True)
    line = (
        sent(Opcode.TEXT, packed[:third], fin=False, rsv1=True)
        + sent(Opcode.PING, A)
        + sent(Opcode.CONT, packed[third : 2 * third], fin=False)
        + sent(Opcode.CONT, packed[2 * third :])
    )
    assert [Frame(Opcode.PONG, A), Message(Opcode.TEXT, "é, and again é, ".encode() * 20)] == came(inbound, line)
    assert inbound.idle
