"""The end of a process, in order. That of a real one is in tests/faults/test_processes.py."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from socket import SocketType

import pytest
from ticker.drain import NOTICE, Drain
from ticker.lane import Lane, Way
from ticker.wire import CloseCode

from tests.waiting import until


class Leaver:
    """A reader who notes how he was sent away."""

    way = Way.PLAIN
    line: SocketType | None = None
    lane: Lane | None = None
    place = position = slot = 0
    stuck_since = 0.0

    def __init__(self, room: list[Leaver]) -> None:
        self._room = room
        self.told: tuple[int, str] | None = None
        room.append(self)

    def write(self, data: bytes) -> None:
        """Nothing is written to him here."""

    def rest(self, data: bytes) -> None:
        """Nor is anything left to write."""

    def cut(self) -> None:
        """Nor is he cut."""

    def close(self, code: int, reason: str) -> None:
        """He leaves."""
        self.told = (code, reason)
        self._room.remove(self)


@pytest.fixture
def heard() -> Iterator[list[int]]:
    """The signals that reach whoever had them before."""
    found: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: found.append(number))
    yield found
    signal.signal(signal.SIGTERM, before)


def drain(room: list[Leaver], seconds: float = 0.5) -> Drain:
    """The end of a process with these readers."""
    return Drain(lambda: list(room), seconds, (500, 30_000))


async def test_readers_go_first_and_then_the_signal_is_passed_on(heard: list[int]) -> None:
    """It has begun before anybody leaves, and whoever waits for SIGTERM gets it when all are gone."""
    room: list[Leaver] = []
    everybody = [Leaver(room) for _ in range(40)]
    end = drain(room)
    with end.heard():
        os.kill(os.getpid(), signal.SIGTERM)
        await until(lambda: end.begun, "the end to begin")
        assert 40 == len(room)
        assert not heard
        await until(lambda: bool(heard), "the signal to be passed on")
    assert [signal.SIGTERM] == heard
    assert [] == room
    codes = {told[0] for reader in everybody if (told := reader.told)}
    delays = [json.loads(told[1])["retry_ms"] for reader in everybody if (told := reader.told)]
    assert {CloseCode.DRAINING} == codes
    assert len(set(delays)) > 10
    assert all(500 <= delay <= 30_000 for delay in delays)


async def test_nobody_to_send_away_is_nothing_to_wait_for(heard: list[int]) -> None:
    """A process without readers ends at once."""
    end = drain([], seconds=3600)
    with end.heard():
        os.kill(os.getpid(), signal.SIGTERM)
        await until(lambda: bool(heard), "the signal to be passed on", 1)
    assert end.begun


@pytest.mark.parametrize("readers", [0, 5])
async def test_one_of_several_waits_until_whoever_chooses_has_heard_of_it(heard: list[int], readers: int) -> None:
    """Also without readers: posts and polls go on coming until the balancer has asked for our health."""
    room: list[Leaver] = []
    for _ in range(readers):
        Leaver(room)
    end = Drain(lambda: list(room), 1.0, (500, 30_000), among_others=True)
    began = time.monotonic()
    with end.heard():
        os.kill(os.getpid(), signal.SIGTERM)
        await until(lambda: end.begun, "the end to begin")
        assert (readers, []) == (len(room), heard)
        await until(lambda: bool(heard), "the signal to be passed on")
    assert time.monotonic() - began >= 1.0 * NOTICE


@pytest.mark.parametrize("echo", [1.0, -1.0], ids=["told again", "in a hurry"])
@pytest.mark.parametrize("readers", [0, 1])
async def test_two_signals_in_one_moment_end_it_as_well(
    heard: list[int], monkeypatch: pytest.MonkeyPatch, readers: int, echo: float
) -> None:
    """As the kernel sends them when the parent is killed: the process once took the second one and went on for ever."""
    monkeypatch.setattr("ticker.drain.ECHO", echo)
    room: list[Leaver] = []
    left = [Leaver(room) for _ in range(readers)]
    end = drain(room, seconds=0.2)
    with end.heard():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        await until(lambda: bool(heard), "the signal to be passed on", 5)
    assert [signal.SIGTERM] == heard
    if echo > 0:
        assert all(reader.told for reader in left)


async def test_who_asks_twice_is_in_a_hurry(heard: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The second signal ends the waiting."""
    monkeypatch.setattr("ticker.drain.ECHO", 0.0)
    room: list[Leaver] = []
    Leaver(room)
    end = drain(room, seconds=3600)
    with end.heard():
        os.kill(os.getpid(), signal.SIGTERM)
        await until(lambda: end.begun, "the end to begin")
        os.kill(os.getpid(), signal.SIGTERM)
        await until(lambda: bool(heard), "the signal to be passed on", 1)
    assert [signal.SIGTERM] == heard


async def test_what_was_not_asked_leaves_the_signal_as_it_was(heard: list[int]) -> None:
    """Whoever had SIGTERM before has it again."""
    with drain([]).heard():
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    await until(lambda: bool(heard), "the signal")


async def test_a_crowd_is_not_sent_away_in_one_moment(heard: list[int]) -> None:
    """Of hundreds, some are still there when the first have gone."""
    room: list[Leaver] = []
    for _ in range(400):
        Leaver(room)
    end = drain(room, seconds=1.0)
    with end.heard():
        os.kill(os.getpid(), signal.SIGTERM)
        await until(lambda: 0 < len(room) < 400, "the first to leave")
        await until(lambda: bool(heard), "the signal to be passed on")
    assert [] == room


async def test_few_come_back_sooner_than_many(heard: list[int]) -> None:
    """The time over which they are spread grows with their number, and has an end."""
    room: list[Leaver] = []
    few = [Leaver(room) for _ in range(3)]
    await drain(room).send_away(list(room))
    assert all(json.loads(told[1])["retry_ms"] <= 1_010 for reader in few if (told := reader.told))
    many = [Leaver(room) for _ in range(2000)]
    await drain(room).send_away(list(room))
    assert max(json.loads(told[1])["retry_ms"] for reader in many if (told := reader.told)) > 2_000
