"""`ticker serve`, `api`, `fanout`, `push`: the processes, their listening address, their end."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import secrets
import shlex
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from pydantic import SecretStr

from ticker import channel as channels
from ticker import metrics, places, tasks, traces
from ticker.app import ROLE, Role, create_app
from ticker.auth import Keyring
from ticker.bridges import gate
from ticker.channel import Channel, Difference
from ticker.embedded import EmbeddedStore
from ticker.errors import SettingsError
from ticker.hangup import Hangup
from ticker.http import Http
from ticker.listener import listening
from ticker.reload import Reload
from ticker.server import Server
from ticker.settings import Settings
from ticker.store import Store
from ticker.vitals import Vitals
from ticker.websocket import WebSocketConnection
from ticker.workers import Listeners, Workers

log = logging.getLogger("ticker.serve")

BACKLOG = 4096
SEND_BUFFER = 65_536
"""Bytes that the kernel holds for a reader that takes nothing; left alone, it grows to megabytes for each."""
USER_TIMEOUT_MS = 30_000
"""After so long without an acknowledgement the kernel drops a line (TCP_USER_TIMEOUT, tcp(7))."""
GRACE = 10
"""Seconds for requests in flight when the process is told to stop."""
READY_SECONDS = 60
ENDS = (signal.SIGTERM, signal.SIGINT)
DEMO_KEY = "demo.key"


def run(settings: Settings, role: Role) -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit status."""
    if role != "serve":
        _needs_store(settings, role)
    channels.load(settings.channels)  # a wrong file is told here, once, and not by each worker
    asyncio.run(_checked(settings))
    hangup = Hangup()
    places.raise_limit()
    embedded = None
    if settings.redis_url is None:
        embedded = EmbeddedStore(settings.data, settings.fsync)
        embedded.start()
        settings = settings.model_copy(update={"redis_url": SecretStr(embedded.url)})
    try:
        settings, how_to_post = _with_key(settings, role)
        listeners = Listeners(functools.partial(listen, settings), settings.port, settings.workers, BACKLOG)
        _announce_when_ready(settings, role, listeners.port, how_to_post)
        _serve(settings, role, listeners, hangup, embedded)
    finally:
        if embedded is not None:
            embedded.stop()
    return 0


def push(settings: Settings) -> int:
    """Claim from the logs and send to phones, until SIGTERM or SIGINT."""
    from ticker.bridges.crew import Crew

    _needs_store(settings, "push")
    assert settings.redis_url is not None
    hangup = Hangup()
    store = Store(settings.redis_url.get_secret_value())
    known = channels.load(settings.channels)
    figures = metrics.Metrics(known)
    tracing = traces.begun(settings.traces, "push")
    crew = Crew(store, settings, known, figures, tracing)
    vitals = Vitals(figures, memory=settings.max_memory, beside=crew.tell)
    running: dict[str, asyncio.Task[None]] = {}

    def page() -> bytes:
        vitals.look()
        return figures.page()

    def start(name: str, run: tasks.Run) -> None:
        running[name] = asyncio.create_task(tasks.supervised(name, run))

    async def take(found: Mapping[str, Channel], difference: Difference) -> None:
        known.clear()
        known.update(found)
        crew.look()

    async def bridge() -> None:
        stopped, loop = asyncio.Event(), asyncio.get_running_loop()

        def stop(number: int, frame: FrameType | None) -> None:
            with suppress(RuntimeError):  # the loop is closed by now
                loop.call_soon_threadsafe(stopped.set)

        # The loop's own handlers go with it, and whoever says it twice would end us in the middle of our ending.
        for number in ENDS:
            signal.signal(number, stop)
        reload = Reload(settings.channels, known)
        start("master of the Sentinels", store.follow)
        start("push", crew.run)
        start("reload", functools.partial(reload.run, take))
        with (
            hangup.heard(reload.ask),
            listening(settings.host, settings.push_metrics, page, crew.late, settings.metrics),
        ):
            await stopped.wait()
        await tasks.end(running.values())
        await store.close()
        if tracing is not None:
            await asyncio.to_thread(tracing.close)

    # What is set wrongly is told here, and not by a task that begins again and again.
    asyncio.run(_checked(settings))
    asyncio.run(bridge())
    _end_undisturbed()
    return 0


async def _checked(settings: Settings) -> None:
    """Raises SettingsError when a provider cannot be had, or traces cannot be told."""
    traces.wanted(settings.traces)
    if not gate.configured(settings):
        return
    from ticker.bridges import roster  # with all its libraries, for those who push

    for provider in roster.providers(settings):
        await provider.close()


def _needs_store(settings: Settings, role: str) -> None:
    if settings.redis_url is None:
        raise SettingsError(
            "TICKER_REDIS_URL", f"'ticker {role}' shares a store with others; name it (redis://HOST:PORT)."
        )


def _with_key(settings: Settings, role: Role) -> tuple[Settings, str | None]:
    """Make sure that somebody can post. Returns the settings and how to give the key to `ticker post`."""
    if role != "serve":
        return settings, None
    if settings.bootstrap_key is not None:
        return settings, 'TICKER_KEY="$TICKER_BOOTSTRAP_KEY"'
    if settings.samples:
        file = settings.data / DEMO_KEY
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file.touch(0o600)
            file.write_text(secrets.token_urlsafe(32) + "\n", encoding="utf-8")
        key = SecretStr(file.read_text(encoding="utf-8").strip())
        return settings.model_copy(update={"bootstrap_key": key}), f"TICKER_KEY_FILE={shlex.quote(str(file))}"
    token = asyncio.run(_first_key(settings))
    if token is None:
        return settings, "TICKER_KEY=…"
    print(f"A first admin key, shown only now:\n\n  {token}\n", flush=True)  # noqa: T201
    return settings, f"TICKER_KEY={token}"


async def _first_key(settings: Settings) -> str | None:
    assert settings.redis_url is not None
    store = Store(settings.redis_url.get_secret_value())
    try:
        keyring = Keyring(store)
        if await keyring.list():
            return None
        token, _ = await keyring.create("first", ("admin",))
        return token
    finally:
        await store.close()


def listen(settings: Settings, port: int | None = None, *, shared: bool = False) -> socket.socket:
    """A listening socket; on another port than the settings have if given, and shared with others of ours if so told.

    What is set on it here, every accepted line inherits. Raises SettingsError when it cannot be had.
    """
    port = settings.port if port is None else port
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    # An answer is written in two parts, head and body; without this the body waits 40 ms for the head's receipt.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # A peer that vanished is noticed without a pong from each of the others.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
    try:
        listener.bind((settings.host, port))
    except OSError as error:
        listener.close()
        raise SettingsError(
            "TICKER_PORT", f"{settings.host}:{port} cannot be listened on ({error.strerror})."
        ) from None
    listener.set_inheritable(True)
    return listener


UVICORN: dict[str, Any] = {
    "http": Http,
    "ws": WebSocketConnection,
    "loop": "uvloop",
    "lifespan": "on",
    "log_config": None,
    "access_log": False,  # it would write query strings
    "proxy_headers": False,
    "server_header": False,
    "backlog": BACKLOG,
    "timeout_graceful_shutdown": GRACE,
    "headers": [("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer")],
}
"""How uvicorn serves us: it owns listening, HTTP parsing and the end; the readers' lines are ours."""


def _serve(
    settings: Settings, role: Role, listeners: Listeners, hangup: Hangup, embedded: EmbeddedStore | None
) -> None:
    options = UVICORN | {
        "http": functools.partial(Http, head=settings.header_timeout, body=settings.body_timeout),
    }
    if settings.workers == 1:
        server = Server(uvicorn.Config(create_app(settings, role, hangup, embedded), **options), alone=True)
        # uvicorn restores this and raises the signal again when it is done; what stands after it has to run as well.
        _end_undisturbed()
        server.run(sockets=listeners.sockets)
        return
    os.environ.update(settings.environ())
    os.environ[ROLE] = role
    config = uvicorn.Config("ticker.app:from_environ", factory=True, workers=settings.workers, **options)
    with metrics.shared():
        Workers(config, listeners, hangup, beside=embedded.look if embedded else None, died=metrics.died).run()
    _end_undisturbed()


def _end_undisturbed() -> None:
    """Not by a handler of ours: Python takes those away before the process has ended."""
    for number in ENDS:
        signal.signal(number, signal.SIG_IGN)


def _announce_when_ready(settings: Settings, role: Role, port: int, how_to_post: str | None) -> None:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104
    url = f"http://{host}:{port}"

    def announce() -> None:
        for _ in range(READY_SECONDS * 10):
            if _ready(host, port):
                break
            threading.Event().wait(0.1)
        else:
            log.error("not ready after %d seconds; %s/health/ready says why", READY_SECONDS, url)
            return
        told = [f"ticker {role} is ready on {url}"]
        if role == "serve":
            told += [f"  demo page      {url}/", f"  desk           {url}/desk"]
        if how_to_post:
            program = os.path.relpath(sys.argv[0]) if Path(sys.argv[0]).is_file() else sys.argv[0]
            if Path(program).name == "__main__.py":
                program = f"{os.path.relpath(sys.executable)} -m ticker"
            address = "" if port == 8000 else f"TICKER_URL={url} "
            told.append(f'  post an alert  {address}{how_to_post} {program} post en "Agency: The first line stands"')
        if settings.log_format == "json":
            log.info("%s", told[0])  # for whoever reads it by line, and no key to post with
            return
        print("\n".join(told), flush=True)  # noqa: T201

    threading.Thread(target=announce, name="announce", daemon=True).start()


def _ready(host: str, port: int) -> bool:
    line = HTTPConnection(host.strip("[]"), port, timeout=READY_SECONDS)
    try:
        line.request("GET", "/health/ready")
        return line.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        line.close()
