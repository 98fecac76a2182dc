"""A lane: what is written to one of its readers is written to all, past their objects."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from ticker.lane import Lane, Way


class Seated:
    """A reader on a real line, as a lane knows it."""

    way = Way.PLAIN
    slot = 0
    stuck_since = 0.0

    def __init__(self) -> None:
        ours, self.peer = socket.socketpair()
        self.line: socket.SocketType | None = ours
        ours.setblocking(False)
        self.peer.setblocking(False)
        self.lane: Lane | None = None
        self.place = self.position = 0
        self.left = b""
        self.gone = False

    def write(self, data: bytes) -> None:
        raise AssertionError("a lane writes past this")

    def rest(self, data: bytes) -> None:
        """What the kernel did not take."""
        self.left += data

    def close(self, code: int, reason: str) -> None:
        raise AssertionError("a lane closes nobody")

    def cut(self) -> None:
        """The peer is gone."""
        self.gone = True

    def heard(self) -> bytes:
        """What has arrived at the other end."""
        try:
            return self.peer.recv(1 << 20)
        except BlockingIOError:
            return b""


@pytest.fixture
def four() -> Iterator[list[Seated]]:
    """Four readers."""
    found = [Seated() for _ in range(4)]
    yield found
    for reader in found:
        assert reader.line is not None
        reader.line.close()
        reader.peer.close()


def lane(readers: list[Seated]) -> Lane:
    """A lane of these readers, at the third entry."""
    found = Lane(Way.PLAIN, 3, 0)
    for reader in readers:
        found.enter(reader)
    return found


def test_all_of_a_lane_are_written_the_same(four: list[Seated]) -> None:
    """In one call, and it says to how many."""
    assert 4 == lane(four).write(b"frame")
    assert [b"frame"] * 4 == [reader.heard() for reader in four]


@pytest.mark.parametrize("number", range(4))
def test_whoever_leaves_is_written_no_more_and_the_others_are(four: list[Seated], number: int) -> None:
    """The last one takes his place; he himself knows where he stands."""
    one = lane(four)
    one.leave(four[number])
    assert (None, 3) == (four[number].lane, four[number].position)
    one.write(b"frame")
    assert [b"" if at == number else b"frame" for at in range(4)] == [reader.heard() for reader in four]
    for reader in [reader for reader in four if reader.lane]:
        one.leave(reader)
    assert (0, 0) == (len(one), one.write(b"nobody"))


def test_what_the_kernel_does_not_take_is_left_to_the_transport(four: list[Seated]) -> None:
    """Of one whose buffer is full, and of no other: taken and left make up the whole."""
    full = four[2]
    assert full.line is not None
    before = 0
    try:
        while True:
            before += full.line.send(b"x" * 1000)
    except BlockingIOError:
        pass
    size = 1 << 17
    frame = bytes(range(256)) * (size // 256)
    lane(four).write(frame)
    came = b""
    while part := full.heard():
        came += part
    assert frame == came[before:] + full.left
    assert full.left
    assert not full.gone
    for reader in four:
        if reader is not full:
            arrived = b""
            while part := reader.heard():
                arrived += part
            assert frame == arrived + reader.left


def test_one_whose_peer_is_gone_is_cut(four: list[Seated]) -> None:
    """And the others get theirs."""
    four[1].peer.close()
    lane(four).write(b"frame")
    assert [False, True, False, False] == [reader.gone for reader in four]
    assert [b"frame"] * 3 == [reader.heard() for reader in (four[0], *four[2:])]
