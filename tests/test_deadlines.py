"""By when something has to be done: who is late first, and that nobody looks when nobody owes anything."""

from __future__ import annotations

import asyncio

import pytest
from ticker import deadlines
from ticker.deadlines import Deadline, Front

from tests.waiting import until


class Client:
    """A line that writes down what it was told."""

    def __init__(self, name: str, told: list[str]) -> None:
        self.name = name
        self._told = told

    def request_late(self) -> None:
        """As of a request."""
        self._told.append(f"{self.name} sends too slowly")

    def answer_late(self) -> None:
        """As of an answer."""
        self._told.append(f"{self.name} takes too slowly")

    def cut(self) -> None:
        """As of the line."""
        self._told.append(f"{self.name} is cut")


def clients(*names: str) -> list[Client]:
    """Some of them, who tell nobody."""
    return [Client(name, []) for name in names]


def test_who_began_first_is_late_first() -> None:
    """And once only; who has done it is not late at all."""
    deadline = Deadline(10)
    one, two, three = clients("one", "two", "three")
    for number, line in enumerate((one, two, three)):
        deadline.begin(line, number)
    deadline.end(two)
    assert [] == deadline.late(9)
    assert [one] == deadline.late(10.5)
    assert [three] == deadline.late(99)
    assert [] == deadline.late(99)
    assert 0 == len(deadline)


def test_some_may_be_asked_for_sooner() -> None:
    """Those that took the longest, and no more of them than are needed."""
    deadline = Deadline(10)
    every = clients("one", "two", "three", "four")
    for number, line in enumerate(every):
        deadline.begin(line, number)
    assert every[:2] == deadline.late(4, 1, most=2)
    assert [every[2]] == deadline.late(3, 1, most=2)
    assert deadline.holds(every[3])
    assert not deadline.holds(every[0])


async def test_each_is_told_what_it_is_late_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """Afterwards nobody looks any more; with the next one somebody does again."""
    monkeypatch.setattr(deadlines, "SWEEP_SECONDS", 0.01)
    told: list[str] = []
    head, body, answer, quick = (Client(name, told) for name in ("head", "body", "answer", "quick"))
    front = Front(asyncio.get_running_loop(), 0.02, 0.02)
    front.answers.seconds = 0.02
    for deadline, line in ((front.heads, head), (front.bodies, body), (front.answers, answer), (front.heads, quick)):
        front.begin(deadline, line)
    front.forget(quick)
    await until(lambda: len(told) == 3, "all to be told")
    assert {"head sends too slowly", "body sends too slowly", "answer takes too slowly"} == set(told)
    await until(lambda: not front.looking, "the last look")
    front.begin(front.heads, quick)
    await until(lambda: "quick sends too slowly" in told, "the next one to be told")


async def test_room_is_made_by_those_who_are_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two for each who comes, and nobody who has only just come himself."""
    monkeypatch.setattr(deadlines, "HURRY_SECONDS", 0.02)
    told: list[str] = []
    front = Front(asyncio.get_running_loop(), 60, 60)
    for name in ("one", "two", "three"):
        front.begin(front.heads, Client(name, told))
    front.make_room()
    assert [] == told
    # The last of them as well: they began one after the other.
    slow = asyncio.get_running_loop().time() + 0.02
    await until(lambda: asyncio.get_running_loop().time() >= slow, "all of them to be slow")
    front.make_room()
    assert ["one is cut", "two is cut"] == told[:2]
    assert len(front.heads) == 3 - len(told)
