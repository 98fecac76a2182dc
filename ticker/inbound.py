"""What a reader says on its WebSocket, while it is being said.

The protocol is that of the `websockets` library, used without I/O. All of this is made when bytes arrive and dropped
between messages, since most readers never send any.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import Protocol, Side, State

MASK = 4
SHORT, LONG = 126, 127
"""Lengths in the second byte that say that two, or eight, bytes of length follow."""


@dataclass(frozen=True, slots=True)
class Message:
    """A whole text or binary message."""

    opcode: Opcode
    data: bytes


class Inbound:
    """The parser of one reader, from the first byte of a message until it stands between messages again."""

    __slots__ = ("_decoder", "_head", "_left", "_opcode", "_parser", "_parts")

    def __init__(self, most: int, *, deflate: bool) -> None:
        """`most` is the greatest message in bytes, after decompression."""
        self._parser = Protocol(Side.SERVER, state=State.OPEN, max_size=most)
        if deflate:
            self._parser.extensions = [PerMessageDeflate(True, True, 15, 15)]
        self._head = b""  # of a frame whose length is not known yet
        self._left = 0  # bytes of the frame that is being read
        self._opcode = Opcode.TEXT
        self._parts: list[bytes] = []
        self._decoder: codecs.IncrementalDecoder | None = None

    def take(self, data: bytes) -> tuple[list[Message], int]:
        """The messages that these bytes complete, and how many frames ended in them."""
        self._measure(data)
        self._parser.receive_data(data)
        frames = [event for event in self._parser.events_received() if isinstance(event, Frame)]
        messages: list[Message] = []
        for frame in frames:
            if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                self._collect(frame, messages)
        return messages, len(frames)

    def answer(self) -> bytes:
        """What is to be sent: pongs, the echo of a close frame, or the close frame of a violation."""
        return b"".join(self._parser.data_to_send())

    @property
    def over(self) -> bool:
        """Whether the line is to be closed."""
        return self._parser.close_expected() or self._parser.state is not State.OPEN

    @property
    def violation(self) -> Exception | None:
        """What the reader did wrong, if it did."""
        error = self._parser.parser_exc
        return error if isinstance(error, ProtocolError | PayloadTooBig | UnicodeDecodeError) else None

    @property
    def idle(self) -> bool:
        """Whether this stands between two messages, and may be dropped.

        The library keeps a half-read header inside a generator: dropped any earlier, bytes would be lost.
        """
        return not self._left and not self._head and not self._parts and self._parser.current_size is None

    def _collect(self, frame: Frame, messages: list[Message]) -> None:
        data = bytes(frame.data)
        if frame.opcode is not Opcode.CONT:
            self._opcode = frame.opcode
            self._decoder = codecs.getincrementaldecoder("utf-8")() if frame.opcode is Opcode.TEXT else None
        if self._decoder is not None:
            try:
                self._decoder.decode(data, frame.fin)
            except UnicodeDecodeError:
                if self._parser.state is State.OPEN:
                    self._parser.fail(CloseCode.INVALID_DATA, "not UTF-8")
                return
        self._parts.append(data)
        if frame.fin:
            messages.append(Message(self._opcode, b"".join(self._parts)))
            self._parts = []

    def _measure(self, data: bytes) -> None:
        """Follow the lengths of frames on the wire, which the library does not tell."""
        at = 0
        while at < len(data):
            if self._left:
                skipped = min(self._left, len(data) - at)
                self._left -= skipped
                at += skipped
                continue
            self._head += data[at : at + 1]
            at += 1
            self._begin()

    def _begin(self) -> None:
        head = self._head
        if len(head) == 1:
            return
        size = head[1] & 127
        more = 8 if size == LONG else 2 if size == SHORT else 0
        if len(head) == 2 + more:
            masked = MASK if head[1] & 128 else 0
            self._left = masked + (int.from_bytes(head[2:], "big") if more else size)
            self._head = b""
