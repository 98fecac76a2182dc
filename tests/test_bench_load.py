"""The load and the floor, on real sockets: what comes is counted once, what does not is told."""

from __future__ import annotations

import os
import resource
import select
import shutil
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from bench import proc
from bench.load import Places, RoundError, build, read, run
from bench.peers import Target
from bench.servers import Order, start

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler; tests/parts.py installs one")

CORE = min(os.sched_getaffinity(0))
CORES = (CORE, max(os.sched_getaffinity(0)))
ANSWER = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
ACCEPTED = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
READERS = 20

Spread = Callable[[int, bytes], bytes]
"""What a server writes to its reader of this number when this frame is due."""


@pytest.fixture(scope="module", autouse=True)
def _built() -> None:
    build()


@contextmanager
def server(spread: Spread) -> Iterator[Target]:
    """A server with faults to order: one thread, whole requests only, which is all that the load sends."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        ended = threading.Event()
        thread = threading.Thread(target=_serve, args=(listener, spread, ended), daemon=True)
        thread.start()
        try:
            yield Target(listener.getsockname()[1])
        finally:
            ended.set()
            thread.join(10)
            assert not thread.is_alive()


def _serve(listener: socket.socket, spread: Spread, ended: threading.Event) -> None:
    lines = [listener]
    readers: list[socket.socket] = []
    while not ended.is_set():
        for line in select.select(lines, [], [], 0.05)[0]:
            if line is listener:
                lines.append(listener.accept()[0])
                continue
            try:
                request = line.recv(65536)
            except ConnectionResetError:
                request = b""
            if not request:
                lines.remove(line)
                line.close()
            elif request.startswith(b"GET "):
                readers.append(line)
                line.sendall(ANSWER)
            elif request.startswith(b"POST"):
                line.sendall(ACCEPTED)
                body = request.partition(b"\r\n\r\n")[2]
                frame = b"\x81\x7e" + len(body).to_bytes(2, "big") + body
                for number, reader in enumerate(readers):
                    reader.sendall(spread(number, frame))
    for line in lines[1:]:
        line.close()


def places() -> Places:
    return Places(CORE, [os.getpid()])


def test_every_reader_gets_every_item_of_the_floor_once() -> None:
    """Paced and in a burst; CPU, memory and times come with it."""
    steps = ["paced:3:0.001", f"join:{READERS}", "paced:5:0.001", "burst:4:10"]
    with start("floor", Order(READERS), CORES) as running:
        early, join, paced, burst = run(running.target, Places(CORE, running.pids), 300, steps)
    assert (3, 0) == (early["posted"], early["expected"])
    assert READERS == join["readers"]
    assert 5 * READERS == paced["expected"] == paced["delivered"]
    assert 4 * 10 * READERS == burst["expected"] == burst["delivered"]
    assert 0 < paced["latency_p50_ms"] <= paced["latency_p99_ms"] <= paced["last_reader_max_ms"]
    assert paced["frame_bytes"] == 300 * paced["frames"]
    assert burst["cpu_ns"] > 0
    assert burst["pss_after"] > 0


def test_a_crowd_above_the_limit_of_descriptors_is_spread_over_processes() -> None:
    """With all that is counted: what one process saw last is what all saw last."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with start("floor", Order(45), CORES) as running:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (1010, hard))  # a thousand are kept for everything else
            steps = ["join:30", "join:15", "paced:5:0.001", "burst:4:10"]
            _, join, paced, burst = run(running.target, Places(CORE, running.pids), 300, steps)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert 45 == join["readers"]
    assert 5 * 45 == paced["delivered"]
    assert 4 * 10 * 45 == burst["delivered"]
    assert paced["latency_max_ms"] == pytest.approx(paced["last_reader_max_ms"])


def test_the_floor_beats_to_every_reader_at_the_rate_that_was_ordered() -> None:
    """A frame of the ordered size, once in the interval, spread over it."""
    with start("floor", Order(READERS, heartbeat=0.25, heartbeat_bytes=81), CORES) as running:
        _, rest = run(running.target, Places(CORE, running.pids), 300, [f"join:{READERS}", "rest:1"])
    assert 81 * rest["frames"] == rest["frame_bytes"]
    # Of four; a slow machine may be late with one, and none may come early.
    assert 3 * READERS <= rest["frames"] <= 5 * READERS


def test_readers_who_never_read_hold_up_nobody_on_the_floor() -> None:
    """They are opened and closed, and are not among those who have to get everything."""
    steps = [f"join:{READERS}", "stick:5", "paced:2:0.001", "unstick", "paced:2:0.001"]
    with start("floor", Order(READERS), CORES) as running:
        done = run(running.target, Places(CORE, running.pids), 300, steps)
    assert [0, 5, 5, 0, 0] == [step["stuck"] for step in done]
    assert 2 * READERS == done[2]["delivered"] == done[4]["delivered"]


def test_an_item_that_comes_twice_makes_the_round_invalid() -> None:
    """To one reader is enough."""
    with (
        server(lambda number, frame: frame * 2 if number == 7 else frame) as target,
        pytest.raises(RoundError, match="1 items came twice"),
    ):
        run(target, places(), 300, [f"join:{READERS}", "paced:1:0.001"])


def test_an_item_that_one_reader_misses_makes_the_round_invalid(monkeypatch: pytest.MonkeyPatch) -> None:
    """The load waits for it for as long as it has patience, and no longer."""
    monkeypatch.setattr("bench.load.PATIENCE_SECONDS", 0.3)
    with (
        server(lambda number, frame: b"" if number == 7 else frame) as target,
        pytest.raises(RoundError, match=r"paced:2:0.001: nothing came for 0\.3 seconds"),
    ):
        run(target, places(), 300, [f"join:{READERS}", "paced:2:0.001"])


def test_frames_that_come_in_pieces_are_put_together() -> None:
    """A marker may be cut anywhere: the rest of each frame comes with the next item, and the last one whole."""
    held: dict[int, bytes] = {}
    frames = Counter[int]()

    def pieces(number: int, frame: bytes) -> bytes:
        frames[number] += 1
        whole = held.pop(number, b"") + frame
        # Within the marker, elsewhere for each reader.
        cut = len(whole) if frames[number] == 3 else len(whole) - 290 + number
        held[number] = whole[cut:]
        return whole[:cut]

    with server(pieces) as target:
        _, burst = run(target, places(), 300, [f"join:{READERS}", "burst:1:3"])
    assert 3 * READERS == burst["delivered"]


def test_a_reader_that_is_cut_makes_the_round_invalid() -> None:
    """The close code is told."""
    closing = b"\x88\x02" + (1012).to_bytes(2, "big")
    with (
        server(lambda number, frame: frame + closing if number == 3 else frame) as target,
        pytest.raises(RoundError, match="a reader was cut: close code 1012"),
    ):
        run(target, places(), 300, [f"join:{READERS}", "paced:1:0.001"])


def test_a_server_that_refuses_is_told_with_its_words() -> None:
    """What it answered instead of 101 is in the message."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(RoundError, match="could not connect"):
        run(Target(port), places(), 300, ["join:1"])


def test_a_step_that_does_not_exist_is_refused() -> None:
    """Before anything is connected."""
    with pytest.raises(RoundError, match="no such step: dance:3"):
        run(Target(1), places(), 300, ["dance:3"])


def test_an_output_that_breaks_off_is_no_result() -> None:
    """The reason stands in the last object, wherever the line was."""
    with pytest.raises(RoundError, match="the server is gone"):
        read('{"step": "rest:1", "fault": ""}\n{"step": "join:1"{"fault": "the server is gone"}\n', 1)
    with pytest.raises(RoundError, match="status 3"):
        read("", 3)


def test_a_command_is_pinned_to_the_cores_it_was_given() -> None:
    """And we are afterwards where we were before."""
    before = os.sched_getaffinity(0)
    with proc.standing_on({CORE}):
        assert {CORE} == os.sched_getaffinity(0)
    assert before == os.sched_getaffinity(0)
