"""The servers that are compared: how each is built, started on its core, asked, and ended."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from bench import proc
from bench.target import RoundError, Target

HERE = Path(__file__).parent
READY_SECONDS = 30.0
END_SECONDS = 15.0
STORE_NAMES = ("valkey", "redis")

Born = tuple[int, int | None]  # a pid and its time of birth: a pid alone may be somebody else's by now


@dataclass(frozen=True)
class Running:
    """A started server: what readers cost is in `pids`, what its embedded store costs is in `store_pids`."""

    target: Target
    pids: tuple[int, ...]
    store_pids: tuple[int, ...]


def build_floor() -> Path:
    """Compile the floor when its source is newer than what stands there."""
    source, binary = HERE / "floor.c", HERE / "floor"
    if not binary.exists() or binary.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["cc", "-O2", "-o", str(binary), str(source)], check=True, timeout=60)
    return binary


@contextmanager
def floor(server_core: int, gauge_core: int, readers: int) -> Iterator[Running]:
    port = _free_port()
    command = [str(build_floor()), str(port)]
    with _started(command, {}, server_core, lambda: _listens(port)) as process:
        yield Running(Target(port, "/", "/"), (process.pid,), ())


@contextmanager
def ticker(server_core: int, gauge_core: int, readers: int) -> Iterator[Running]:
    """`ticker serve` on an empty embedded store, which goes to the gauge's core and is counted apart."""
    port, key = _free_port(), secrets.token_urlsafe(30)
    settings = {"TICKER_BOOTSTRAP_KEY": key, "TICKER_RATE_LIMIT": "0"}
    if readers > 20_000:  # its own default, above which it sends readers away
        settings["TICKER_MAX_READERS"] = str(readers)
    with tempfile.TemporaryDirectory(prefix="ticker-bench-") as data:
        options = ["--host", "127.0.0.1", "--port", str(port), "--data", data, "--workers", "1"]
        command = [sys.executable, "-m", "ticker", "serve", *options]
        with _started(command, settings, server_core, lambda: _says_ready(port)) as process:
            family = proc.descendants(process.pid)
            stores = tuple(pid for pid in family if any(word in proc.name(pid) for word in STORE_NAMES))
            for pid in stores:
                proc.pin(pid, gauge_core)
            yield Running(
                Target(
                    port,
                    live_path="/v1/channels/en/live",
                    post_path="/v1/channels/en/items",
                    post_headers=(f"Authorization: Bearer {key}",),
                    alert_prefix=b'{"type":"entry"',
                ),
                pids=(process.pid, *(pid for pid in family if pid not in stores)),
                store_pids=stores,
            )


SERVERS = {"floor": floor, "ticker": ticker}


@contextmanager
def _started(
    command: list[str], settings: dict[str, str], core: int, ready: Callable[[], bool]
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a server on its core, wait until it is ready, and end it and its children, whatever happens."""
    # Settings of the shell that we were started from would make two machines measure different things.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TICKER_")}
    with tempfile.TemporaryFile() as log:
        with proc.standing_on(core):
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


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def _says_ready(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
