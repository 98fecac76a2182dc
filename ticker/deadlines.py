"""By when a client has to have sent its request and taken its answer."""

from __future__ import annotations

import asyncio
from typing import Protocol

from ticker.places import Descriptors

HEAD_SECONDS = 10.0
"""From the connection, or from the first byte of a further request, to the end of its headers."""
BODY_SECONDS = 30.0
"""From there to the end of its body."""
ANSWER_SECONDS = 30.0
"""For a client to take an answer that is larger than the kernel's buffers."""
HURRY_SECONDS = 1.0
"""For the headers, when descriptors run out; then those that are slowest have to go."""
SWEEP_SECONDS = 1.0


class Line(Protocol):
    """A client's connection that speaks HTTP."""

    def request_late(self) -> None:
        """The head or the body is not here in time."""
        ...

    def answer_late(self) -> None:
        """The answer is not taken in time."""
        ...

    def cut(self) -> None:
        """Drop the line at once."""
        ...


class Deadline:
    """Lines that have to have done something by a time, in the order in which they began."""

    def __init__(self, seconds: float) -> None:
        """`seconds` is the same for all of them, so whoever began first is late first."""
        self.seconds = seconds
        self._begun: dict[Line, float] = {}

    def __len__(self) -> int:
        """How many lines are held to it."""
        return len(self._begun)

    def begin(self, line: Line, now: float) -> None:
        """Hold this line to it from now on; to be called once."""
        self._begun[line] = now

    def end(self, line: Line) -> None:
        """The line has done it, or is gone."""
        self._begun.pop(line, None)

    def holds(self, line: Line) -> bool:
        """Whether the line still has it to do."""
        return line in self._begun

    def late(self, now: float, seconds: float | None = None, most: int | None = None) -> list[Line]:
        """The lines that are late; they are held to it no more. At most so many, by so many seconds if given."""
        began_before = now - (self.seconds if seconds is None else seconds)
        found: list[Line] = []
        for line, begun in self._begun.items():
            if begun > began_before or len(found) == most:
                break
            found.append(line)
        for line in found:
            del self._begun[line]
        return found


class Front:
    """All lines of one server that speak HTTP.

    There is no timer for each of them: one looks every second, and none when nobody owes anything.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, head: float, body: float) -> None:
        """`head` and `body` are seconds."""
        self.heads = Deadline(head)
        self.bodies = Deadline(body)
        self.answers = Deadline(ANSWER_SECONDS)
        self.descriptors = Descriptors.of_process()
        self._loop = loop
        self.looking = False
        """Whether somebody owes something, so that somebody looks."""

    def begin(self, deadline: Deadline, line: Line) -> None:
        """Hold a line to a deadline from now on."""
        deadline.begin(line, self._loop.time())
        if not self.looking:
            self.looking = True
            self._loop.call_later(SWEEP_SECONDS, self._sweep)

    def forget(self, line: Line) -> None:
        """The line owes nothing any more."""
        for deadline in (self.heads, self.bodies, self.answers):
            deadline.end(line)

    def make_room(self) -> None:
        """Cut two who are slow: each who comes while descriptors run out makes up for himself and for another."""
        for line in self.heads.late(self._loop.time(), HURRY_SECONDS, most=2):
            line.cut()

    def _sweep(self) -> None:
        now = self._loop.time()
        for line in self.heads.late(now) + self.bodies.late(now):
            line.request_late()
        for line in self.answers.late(now):
            line.answer_late()
        self.looking = bool(self.heads or self.bodies or self.answers)
        if self.looking:
            self._loop.call_later(SWEEP_SECONDS, self._sweep)
