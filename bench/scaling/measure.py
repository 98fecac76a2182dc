"""What the model needs beyond the bench: measured on a real fleet on this machine, into `docs/scaling/measured.json`.

CPU is the run time of a process's threads, so other work on the machine makes it dearer by little; no time of a clock
is taken but that of a start.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median
from typing import Any

from redis.asyncio import Redis as AsyncRedis
from ticker.settings import Settings
from ticker.store import Store
from ticker.stream import Log

from bench.load import RoundError
from bench.machine import describe
from bench.scaling.fleet import Fleet, Part, cpu_seconds, fleet, pss_kilobytes

FILE = Path(__file__).parents[2] / "docs" / "scaling" / "measured.json"
FEW, MANY = 1, 5
"""Fan-out processes: what one more of them costs the store is the difference, over four."""
QUIET_SECONDS = 6.0
ALERTS = 50
CROWD = 1500
TAILS = 20
UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
)
LIVE = "/v1/channels/en/live"
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate\r\n"


def measure(count: int, *, more: bool = False) -> None:
    """So many rounds, of some 50 seconds each, into the file; with `more`, beside those that are there."""
    kept: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8")) if more else {"rounds": []}
    for _ in range(count):
        kept["rounds"].append({name: round(value, 4) for name, value in _round().items()})
        kept["where"] = describe([])
        FILE.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def _round() -> dict[str, float]:
    few, many = _store_costs(FEW), _store_costs(MANY)
    more = MANY - FEW
    found = {name: (many[name] - few[name]) / more for name in few if not name.startswith("own_")}
    found |= {name.removeprefix("own_"): value for name, value in many.items() if name.startswith("own_")}
    return found | _crowd_costs() | _refusal_cost()


def _store_costs(processes: int) -> dict[str, float]:
    """What these processes cost the store in a quiet second, and for each alert; and what one is without readers."""
    with fleet(processes) as running, ExitStack() as stack:
        # One reader each, since whether anybody was told an alert is written to the store as well.
        lines = [stack.enter_context(closing(_reader(part))) for part in running.fanouts]
        for number in range(10):
            running.post(number)
        time.sleep(2)  # what is written a second later is not of the quiet time
        quiet = _delta(running, lambda: time.sleep(QUIET_SECONDS))
        busy = _delta(running, lambda: _post(running, lines))
        found = {
            "store_reads_per_process_s": quiet["xread"] / QUIET_SECONDS,
            "store_scripts_per_process_s": quiet["evalsha"] / QUIET_SECONDS,
            "store_commands_per_process_s": quiet["commands"] / QUIET_SECONDS,
            "store_cpu_us_per_process_s": quiet["cpu_us"] / QUIET_SECONDS,
            "store_out_bytes_per_process_s": quiet["out"] / QUIET_SECONDS,
            "store_in_bytes_per_process_s": quiet["in"] / QUIET_SECONDS,
        }
        # While alerts were posted the quiet costs went on.
        for name, key in (("cpu_us", "cpu_us"), ("out_bytes", "out"), ("in_bytes", "in"), ("commands", "commands")):
            found[f"store_{name}_per_process_alert"] = (
                busy[key] - quiet[key] * busy["seconds"] / QUIET_SECONDS
            ) / ALERTS
        found["own_process_kilobytes"] = median(pss_kilobytes(part.pid) for part in running.fanouts)
        found["own_start_seconds"] = median(part.seconds for part in running.fanouts)
        found |= {f"own_{name}": value for name, value in _own(running).items()}
        return found


def _post(running: Fleet, lines: Sequence[socket.socket]) -> None:
    for number in range(ALERTS):
        running.post(100 + number)
        for line in lines:
            line.recv(65536)
    time.sleep(2)  # reach is written a second later


def _delta(running: Fleet, run: Callable[[], None]) -> dict[str, float]:
    """What the store did meanwhile: commands by name, bytes, CPU, seconds."""

    def now() -> dict[str, float]:
        told: Any = running.store.info("commandstats")
        stats: Any = running.store.info("stats")
        calls = {name.removeprefix("cmdstat_"): float(value["calls"]) for name, value in told.items()}
        return {
            "xread": calls.get("xread", 0.0),
            "evalsha": calls.get("evalsha", 0.0),
            "commands": float(stats["total_commands_processed"]),
            "in": float(stats["total_net_input_bytes"]),
            "out": float(stats["total_net_output_bytes"]),
            "cpu_us": cpu_seconds(running.store_pid) * 1e6,
            "seconds": time.monotonic(),
        }

    before = now()
    run()
    after = now()
    return {name: after[name] - before[name] for name in before}


def _own(running: Fleet) -> dict[str, float]:
    return _begin_cost(running) | _script_cost(running) | _read_cost(running)


def _begin_cost(running: Fleet) -> dict[str, float]:
    """What it costs the store when a process reads a whole ring, as after a failover."""
    ring, log = Settings().ring, "{ticker:en}:log"
    held = int(running.store.xlen(log))
    times = 50

    def begin() -> None:
        for _ in range(times):
            running.store.xrevrange(log, count=ring)

    found = _delta(running, begin)
    return {
        "store_begin_cpu_us_per_entry": found["cpu_us"] / times / held,
        "store_begin_bytes_per_entry": found["out"] / times / held,
    }


def _script_cost(running: Fleet) -> dict[str, float]:
    """What one heartbeat of a process costs the store, most of which find that another has just written it."""
    times = 3000

    async def beat() -> None:
        store = Store(f"unix://{running.store.connection_pool.connection_kwargs['path']}")
        try:
            log = Log(store, "en")
            for _ in range(times):
                await log.beat()
        finally:
            await store.close()

    found = _delta(running, lambda: asyncio.run(beat()))
    return {
        "store_cpu_us_per_script": found["cpu_us"] / times,
        "store_out_bytes_per_script": found["out"] / times,
    }


def _read_cost(running: Fleet) -> dict[str, float]:
    """What it costs the store to answer one blocked read and to take the next: a stream with readers, and without."""
    answered: list[int] = []
    alone = _delta(running, lambda: answered.append(asyncio.run(_beats(running, 0, "alone"))))
    found = _delta(running, lambda: answered.append(asyncio.run(_beats(running, TAILS, "read"))))
    return {"store_cpu_us_per_read": (found["cpu_us"] - alone["cpu_us"]) / answered[1]}


async def _beats(running: Fleet, tails: int, name: str) -> int:
    """Heartbeats into a stream that so many read; returns how many reads were answered."""
    path, key, beats, answered = running.store.connection_pool.connection_kwargs["path"], f"{{{name}}}", 200, 0
    lines = [AsyncRedis(unix_socket_path=path, protocol=2) for _ in range(tails + 1)]

    async def follow(line: AsyncRedis) -> None:
        nonlocal answered
        seen = "0-0"
        while seen != f"{beats}-0":
            came: Any = await line.xread({key: seen}, block=5000)
            answered += 1
            seen = came[0][1][-1][0].decode()

    following = [asyncio.create_task(follow(line)) for line in lines[1:]]
    try:
        for number in range(1, beats + 1):
            await asyncio.sleep(0.01)
            await lines[0].xadd(key, {"at": "1795451146381", "cursor": "1795451146381-1"}, id=f"{number}-0", maxlen=1)
        await asyncio.gather(*following)
    finally:
        for line in lines:
            await line.aclose()
    return answered


def _crowd_costs() -> dict[str, float]:
    """What a reset of everybody costs a process; what a line costs the kernel; how long frames are."""
    with fleet(1) as running:
        part = running.fanouts[0]
        for number in range(10):
            running.post(number)
        with closing(_reader(part, DEFLATE)) as line:
            packed_first = len(line.first)
            running.post(11)
            packed_entry = len(line.recv(65536))
        with closing(_reader(part)) as line:
            first = len(line.first)
            running.post(12)
            entry = len(line.recv(65536))
        with ExitStack() as stack:
            slab = _slab_kilobytes()
            lines = [stack.enter_context(closing(_reader(part))) for _ in range(CROWD)]
            kernel = (_slab_kilobytes() - slab) / CROWD / 2  # both ends stand on this machine
            quiet = _cpu_of(part, lambda: time.sleep(3))
            # The log's life is lost and its entries are not, as after a failover.
            running.store.delete("{ticker:en}:meta")
            for line in lines:
                line.settimeout(10)
            spent = _cpu_of(part, lambda: _heard_reset(lines))
        return {
            "reset_cpu_us": (spent - quiet) * 1e6 / CROWD,
            "kernel_kilobytes_per_line": kernel,
            "first_frame_bytes": first,
            "first_frame_deflated_bytes": packed_first,
            "entry_bytes": entry,
            "entry_deflated_bytes": packed_entry,
        }


def _heard_reset(lines: list[Line]) -> None:
    since = time.monotonic()
    for line in lines:
        while b'"reset"' not in line.recv(65536):
            pass
    # As long as the quiet time that is taken off.
    time.sleep(max(0.0, 3 - (time.monotonic() - since)))


def _refusal_cost() -> dict[str, float]:
    """What it costs a process to send somebody away, and to answer a poll."""
    with fleet(1, accept_rate="1") as running:
        part = running.fanouts[0]
        running.post(1)
        for _ in range(2):  # those of two seconds may come at once
            with closing(_reader(part)):
                pass
        refused = 0

        def storm() -> None:
            nonlocal refused
            for _ in range(CROWD):
                with closing(socket.create_connection(("127.0.0.1", part.port), timeout=5)) as line:
                    line.sendall(UPGRADE.format(path=LIVE, more="").encode())
                    refused += b" 503 " in line.recv(4096)

        spent = _cpu_of(part, storm)
        if refused < CROWD * 0.9:
            raise RoundError(f"only {refused} of {CROWD} were refused")

        def polls() -> None:
            asked = b"GET /v1/channels/en/items HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            for _ in range(CROWD):
                with closing(socket.create_connection(("127.0.0.1", part.port), timeout=5)) as line:
                    line.sendall(asked)
                    while line.recv(65536):
                        pass

        polled = _cpu_of(part, polls)
    return {"refusal_cpu_us": spent * 1e6 / CROWD, "poll_cpu_us": polled * 1e6 / CROWD}


def _cpu_of(part: Part, run: Callable[[], None]) -> float:
    before = cpu_seconds(part.pid)
    run()
    return cpu_seconds(part.pid) - before


class Line(socket.socket):
    """A reader's socket, with what came before it was given away."""

    first = b""


def _reader(part: Part, more: str = "") -> Line:
    """Somebody who has come in and read his first frame."""
    line = Line(socket.AF_INET, socket.SOCK_STREAM)
    try:
        line.settimeout(5)
        line.connect(("127.0.0.1", part.port))
        line.sendall(UPGRADE.format(path=LIVE, more=more).encode())
        came = line.recv(65536)
        head, _, frame = came.partition(b"\r\n\r\n")
        if b" 101 " not in head:
            raise RoundError(f"a reader was answered {head[:60]!r}")
        while len(frame) < 10 or len(frame) < _frame_bytes(frame):
            frame += line.recv(65536)
        line.first = frame
    except BaseException:
        line.close()
        raise
    return line


def _frame_bytes(head: bytes) -> int:
    """Length of the frame that begins so (RFC 6455, 5.2)."""
    size = head[1] & 127
    if size == 126:
        return 4 + int.from_bytes(head[2:4], "big")
    return 10 + int.from_bytes(head[2:10], "big") if size == 127 else 2 + size


def _slab_kilobytes() -> int:
    found = re.search(r"^Slab: +(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    if found is None or os.name != "posix":
        raise RoundError("this kernel does not tell its memory")
    return int(found[1])
