"""What a reader says on its WebSocket, while it is being said.

The protocol is that of the `websockets` library, used without I/O. All of this is made when bytes arrive and dropped
between messages, since most readers never send any.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Close, CloseCode, Frame, Opcode
from websockets.protocol import Protocol, Side, State

MASK = 4
SHORT, LONG = 126, 127
"""Lengths in the second byte that say that two, or eight, bytes of length follow."""
_GARBLED = Close(CloseCode.INVALID_DATA, "not UTF-8").serialize()


@dataclass(frozen=True, slots=True)
class Message:
    """A whole text or binary message."""

    opcode: Opcode
    data: bytes


class _Parser(Protocol):
    """The library's, which takes a close frame between the parts of a message for a violation. It is none.

    Control frames may stand there (RFC 6455, 5.4), and who closes need not end what was begun (5.5.1, 7.1.5).
    """

    def recv_frame(self, frame: Frame) -> None:
        """A frame is complete."""
        if frame.opcode is Opcode.CLOSE:
            self.current_size = None
        super().recv_frame(frame)


class Inbound:
    """The parser of one reader, from the first byte of a message until it stands between messages again."""

    __slots__ = ("_decoder", "_garbled", "_head", "_left", "_opcode", "_parser", "_parts")

    def __init__(self, most: int, *, deflate: bool) -> None:
        """`most` is the greatest message in bytes, after decompression."""
        self._parser = _Parser(Side.SERVER, state=State.OPEN, max_size=most)
        if deflate:
            self._parser.extensions = [PerMessageDeflate(True, True, 15, 15)]
        self._head = b""  # of a frame whose length is not known yet
        self._left = 0  # bytes of the frame that is being read
        self._opcode = Opcode.TEXT
        self._parts: list[bytes] = []
        self._decoder: codecs.IncrementalDecoder | None = None
        self._garbled: UnicodeDecodeError | None = None

    def take(self, data: bytes) -> tuple[list[Message | bytes], int]:
        """What comes of these bytes, and how many frames ended in them.

        In the order in which the reader spoke: the messages that are complete, and what is to be sent: pongs, the
        echo of a close frame, or the close frame of a violation.
        """
        self._measure(data)
        self._parser.receive_data(data)
        frames = [event for event in self._parser.events_received() if isinstance(event, Frame)]
        answers = iter(self._parser.data_to_send())  # one for each ping, and then what closes
        came: list[Message | bytes] = []
        said: list[bytes] = []  # since the last message
        for frame in frames:
            try:
                message = self._collect(frame)
            except UnicodeDecodeError as error:
                # Whatever stands behind it is not looked at, even if that was a close frame.
                self._garbled = error
                answers = iter([Frame(Opcode.CLOSE, _GARBLED).serialize(mask=False)])
                break
            if frame.opcode is Opcode.PING:
                said.append(next(answers))
            elif message is not None:
                came += [b"".join(said), message] if said else [message]
                said = []
        said += answers
        if said:
            came.append(b"".join(said))
        return came, len(frames)

    @property
    def over(self) -> bool:
        """Whether the line is to be closed."""
        return self._garbled is not None or self._parser.close_expected() or self._parser.state is not State.OPEN

    @property
    def violation(self) -> Exception | None:
        """What the reader did wrong, if it did."""
        error = self._garbled or self._parser.parser_exc
        return error if isinstance(error, ProtocolError | PayloadTooBig | UnicodeDecodeError) else None

    @property
    def idle(self) -> bool:
        """Whether this stands between two messages, and may be dropped.

        The library keeps a half-read header inside a generator: dropped any earlier, bytes would be lost.
        """
        return not self._left and not self._head and not self._parts and self._parser.current_size is None

    def _collect(self, frame: Frame) -> Message | None:
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return None
        data = bytes(frame.data)
        if frame.opcode is not Opcode.CONT:
            self._opcode = frame.opcode
            self._decoder = codecs.getincrementaldecoder("utf-8")() if frame.opcode is Opcode.TEXT else None
        if self._decoder is not None:
            self._decoder.decode(data, frame.fin)
        self._parts.append(data)
        if not frame.fin:
            return None
        whole, self._parts = b"".join(self._parts), []
        return Message(self._opcode, whole)

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
