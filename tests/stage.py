"""Real parts to test with: stores, a service in this process, and one in processes of its own."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import uvicorn
from pydantic import SecretStr
from starlette.applications import Starlette
from ticker.app import Role, create_app
from ticker.embedded import EmbeddedStore
from ticker.serve import UVICORN, listen
from ticker.server import Server
from ticker.settings import Settings
from websockets.asyncio.client import ClientConnection, connect

from tests.waiting import DEADLINE, until, until_now

KEY = "an editor-in-chief's key, for tests only"
PLAIN: dict[str, Any] = {
    "trust_env": False,
    "verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    "timeout": DEADLINE,
}
"""For clients of services of ours, without TLS: httpx would read all certificates of this machine for each (26 ms).
They wait as long as tests do: who comes to a worker that has died waits in its queue until another takes its place."""
KEPT = httpx.Limits(keepalive_expiry=2)
"""For clients that rest between two requests: the service closes a line after five seconds, and a request that is sent
in that moment finds nobody."""
AUTHORIZED = {"Authorization": f"Bearer {KEY}"}


_PORTS = 1_000
_LOWEST = 11_000
"""Far below what systems give to those who connect (Linux from 32768 on), so that no such line takes a port between the
moment in which it is asked for and the one in which somebody listens; so are those of a cluster's bus, 10,000 above."""


def _ports() -> Iterator[int]:
    # A stretch for each process of a run, and not from its beginning: somebody else may run these tests as well.
    lowest = _LOWEST + _PORTS * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 10)
    yield from itertools.cycle(lowest + (os.getpid() + place) % _PORTS for place in range(_PORTS))


_next_ports = _ports()


def free_port() -> int:
    """A port that nobody listens on, and that nobody else is given soon."""
    for port in itertools.islice(_next_ports, _PORTS):
        with socket.socket() as taken, suppress(OSError):
            taken.bind(("127.0.0.1", port))
            return port
    raise OSError(f"all ports from {_LOWEST} on are taken; end what listens there")


@contextmanager
def redis_server(directory: Path) -> Iterator[str]:
    """The system's Redis on a free port, with an append-only file. Yields its URL."""
    port = free_port()
    program = shutil.which("redis-server")
    assert program is not None
    arguments = [
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--dir",
        str(directory),
        "--appendonly",
        "yes",
        "--save",
        "",
    ]
    process = subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL)
    try:
        until_now(lambda: _answers(port), "Redis to answer")
        yield f"redis://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def valkey_server(directory: Path) -> Iterator[str]:
    """The embedded Valkey. Yields its URL."""
    store = EmbeddedStore(directory)
    store.start()
    try:
        yield store.url
    finally:
        store.stop()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as line:
            line.sendall(b"PING\r\n")
            return line.recv(16) == b"+PONG\r\n"
    except OSError:
        return False


def runs(process: psutil.Process) -> bool:
    """Whether a process lives: one that has ended and that nobody has asked for its status does not."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


class Stage:
    """A service in this process, on real sockets."""

    def __init__(self, url: str, app: Starlette | None = None) -> None:
        self.url = url
        self.app = app
        self.http = httpx.AsyncClient(base_url=url, headers=AUTHORIZED, limits=KEPT, **PLAIN)

    async def post(self, headline: str = "The bridge is open again", channel: str = "en", **fields: Any) -> Any:
        """Publish an item; the answer's body."""
        answer = await self.http.post(f"/v1/channels/{channel}/items", json={"headline": headline, **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def retract(self, item_id: str, reason: str = "Sent in error", channel: str = "en") -> Any:
        """Take an item back; the answer's body."""
        answer = await self.http.post(f"/v1/channels/{channel}/items/{item_id}/retract", json={"reason": reason})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def window(self, channel: str = "en", query: str = "") -> list[str]:
        """The headlines of the window, newest first."""
        answer = await self.http.get(f"/v1/channels/{channel}/items{query}")
        assert answer.status_code == 200, answer.text
        return [item["headline"] for item in answer.json()["items"]]

    def reader(self, query: str = "", channel: str = "en") -> connect:
        """A WebSocket to the live stream."""
        return connect(self.url.replace("http", "ws") + f"/v1/channels/{channel}/live{query}", proxy=None)


async def frame(line: ClientConnection, deadline: float = 10) -> Any:
    """The next frame."""
    async with asyncio.timeout(deadline):
        return json.loads(await line.recv())


async def entries(line: ClientConnection, number: int) -> list[Any]:
    """The next so many entries; heartbeats are passed over."""
    found: list[Any] = []
    while len(found) < number:
        got = await frame(line)
        if got["type"] == "entry":
            found.append(got)
    return found


@asynccontextmanager
async def running(store: str, role: Role = "serve", wait: bool = True, **changes: Any) -> AsyncIterator[Stage]:
    """Serve on a free port with this store, ready unless told not to wait for it."""
    settings = Settings(
        port=0, redis_url=SecretStr(store), bootstrap_key=SecretStr(KEY), **{"rate_limit": 0, **changes}
    )
    listener = listen(settings)
    app = create_app(settings, role)
    server = Server(uvicorn.Config(app, **UVICORN))
    # Handlers of signals belong to the test runner.
    task = asyncio.create_task(server._serve(sockets=[listener]))
    stage = Stage(f"http://127.0.0.1:{listener.getsockname()[1]}", app)
    try:
        await until(lambda: server.started or task.done(), "the service to start")
        assert server.started

        async def ready() -> bool:
            return (await stage.http.get("/health/ready")).status_code == 200

        if wait:
            await until(ready, "the service to be ready")
        yield stage
    finally:
        await stage.http.aclose()
        server.should_exit = True
        await asyncio.wait_for(task, 20)


class Service:
    """`ticker serve` in processes of its own, on one port and one data directory for its whole life."""

    def __init__(self, directory: Path, *flags: str, descriptors: int = 0, **environ: str) -> None:
        """`descriptors` is how many it may open, if not as many as we may; `environ` are further variables."""
        self.key = KEY
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.output = directory / "output"
        self.data = directory / "data"
        self._flags = flags
        self._environ = environ
        self._descriptors = descriptors
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it is ready."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("TICKER_")}
        command = [
            sys.executable,
            "-m",
            "ticker",
            "serve",
            "--port",
            str(self.port),
            "--data",
            str(self.data),
            *self._flags,
        ]
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                env=environ | {"TICKER_BOOTSTRAP_KEY": KEY} | self._environ,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=self._limit if self._descriptors else None,
            )
        until_now(self._ready, f"ticker to be ready; it said: {self.output.read_text()}", 30)

    def _limit(self) -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (self._descriptors, self._descriptors))

    def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.output.read_text()
        try:
            return httpx.get(self.url + "/health/ready", **PLAIN).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(20)

    def kill(self) -> None:
        """SIGKILL to the program that was started; what it started has to see to itself."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(20)

    def end(self) -> None:
        """Whatever happened in the test, nothing of it goes on."""
        if self.process is not None:
            if self.process.poll() is None:
                self.stop()
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def post(self, channel: str, headline: str, **fields: Any) -> Any:
        """Publish an item; the answer's body."""
        return self._send(f"/v1/channels/{channel}/items", {"headline": headline, **fields})

    def retract(self, channel: str, item_id: str, reason: str) -> Any:
        """Take an item back; the answer's body."""
        return self._send(f"/v1/channels/{channel}/items/{item_id}/retract", {"reason": reason})

    def _send(self, path: str, body: dict[str, Any]) -> Any:
        answer = httpx.post(self.url + path, json=body, headers=AUTHORIZED, **PLAIN)
        assert answer.is_success, answer.text
        return answer.json()


@contextmanager
def short_directory() -> Iterator[Path]:
    """A directory whose path is short enough for a Unix socket in it."""
    with tempfile.TemporaryDirectory(prefix="ticker-") as name:
        yield Path(name)
