"""Where everything is built and joined: the objects of a process, its routes, its tasks, its end.

The table of routes below is the API; the road of an alert is `publish` → `stream` → `fanout` → `hub` → `connection`.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route

from ticker import channel as channels
from ticker import fanout, logs, pages, pulse, samples, tasks, tie
from ticker.auth import Keyring
from ticker.errors import MethodNotAllowed, NotFound, StoreUnavailable, TickerError
from ticker.health import Health
from ticker.hub import Hub
from ticker.live import Readers
from ticker.problem import Problem
from ticker.publish import Publisher
from ticker.settings import Settings
from ticker.store import Store
from ticker.stream import Log
from ticker.wire import CloseCode, encode

log = logging.getLogger("ticker.app")

Role = Literal["serve", "api", "fanout"]
ROLE = "TICKER_INTERNAL_ROLE"
"""Tells a worker process its role; not a setting."""

READ_SECONDS = 3.0
CLOSE_SLICE = 500
SPREAD_MS = 2
"""Milliseconds by which each reader that is sent away widens the time over which they come back."""


class Process:
    """The objects of one process, by its role: `api` (editors), `fanout` (readers), `serve` (both)."""

    def __init__(self, settings: Settings, role: Role) -> None:
        """Opens nothing yet; `settings.redis_url` must be set."""
        assert settings.redis_url is not None
        self.settings = settings
        self.store = Store(settings.redis_url.get_secret_value())
        self.channels = channels.load(settings.channels)
        self.logs = {name: Log(self.store, name, settings.log_length) for name in self.channels}
        bootstrap = settings.bootstrap_key.get_secret_value() if settings.bootstrap_key else None
        self.keyring = Keyring(self.store, bootstrap, settings.rate_limit)
        self.publisher = Publisher(self.store, self.logs, self.channels, self.keyring, settings.max_body)

        self.fanouts: dict[str, fanout.Fanout] = {}
        if role != "api":
            for name, channel in self.channels.items():
                clock = fanout.Clock()
                hub = Hub(
                    channel,
                    clock,
                    ring=settings.ring,
                    most_selectors=settings.max_selectors,
                    reconnect=(settings.reconnect_min_ms, settings.reconnect_max_ms),
                )
                self.fanouts[name] = fanout.Fanout(self.logs[name], hub, clock, settings.ring)
        self.hubs = {name: found.hub for name, found in self.fanouts.items()}
        self.readers = Readers(self.hubs, settings.max_readers)
        self.health = Health(self.logs, self.fanouts)
        self.role = role

    def routes(self) -> list[Route]:
        """The HTTP API of this process."""
        editors = [
            Route("/v1/channels/{channel}/items", self.publisher.post, methods=["POST"]),
            Route("/v1/channels/{channel}/items/{id}/retract", self.publisher.retract, methods=["POST"]),
        ]
        readers = [
            Route("/v1/channels", self.readers.channels, methods=["GET"]),
            Route("/v1/channels/{channel}/items", self.readers.items, methods=["GET"]),
            Route("/v1/channels/{channel}/live", self.readers.live, methods=["GET"]),
            Route("/", pages.demo, methods=["GET"]),
            Route("/demo/{file}", pages.demo, methods=["GET"]),
            Route("/widget/v1/{file}", pages.widget, methods=["GET"]),
        ]
        both = [
            Route("/v1/channels/{channel}/items/{id}", self.publisher.item, methods=["GET"]),
            Route("/health/live", self.health.live, methods=["GET"]),
            Route("/health/ready", self.health.ready, methods=["GET"]),
        ]
        return both + {"api": editors, "fanout": readers, "serve": editors + readers}[self.role]

    def beside(self) -> dict[str, tasks.Run]:
        """What runs beside the requests, by name."""
        settings, streams = self.settings, list(self.logs.values())
        found: dict[str, tasks.Run] = {
            "log heartbeat": lambda: pulse.run(streams, expiring=self.role != "fanout"),
        }
        if self.role != "api":
            hubs = list(self.hubs.values())
            found["reader heartbeat"] = lambda: fanout.beat_readers(hubs, settings.heartbeat, settings.stuck)
        for name, follower in self.fanouts.items():
            found[f"fan-out of {name}"] = follower.run
        return found

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[dict[str, Any]]:
        """Start the tasks, serve, send the readers away, stop the tasks."""
        running = [asyncio.create_task(tasks.supervised(name, run)) for name, run in self.beside().items()]
        try:
            if self.settings.samples and self.role == "serve":
                await samples.fill(self.logs, self.channels)
            await self._read_logs()
            yield {"door": self.readers}
        finally:
            await self._send_away()
            await tasks.end(running)
            await self.store.close()

    async def _read_logs(self) -> None:
        """Listen when there is something to show; a store that is away does not hold up the start for long."""
        waiting = [asyncio.create_task(found.begun.wait()) for found in self.fanouts.values()]
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=READ_SECONDS)
            for task in late:
                task.cancel()

    async def _send_away(self) -> None:
        """Close every reader, each with another delay, so that they do not all come back in the same second."""
        least = self.settings.reconnect_min_ms
        leaving = [reader for hub in self.hubs.values() for reader in hub.readers()]
        # A lone reader should not wait for as long as a hundred thousand have to.
        most = min(2 * least + SPREAD_MS * len(leaving), max(least, self.settings.reconnect_max_ms))
        for number, reader in enumerate(leaving):
            retry = random.randint(least, max(least, most))  # noqa: S311 - spreads load, guards nothing
            reader.close(CloseCode.DRAINING, encode({"retry_ms": retry}).decode())
            if number % CLOSE_SLICE == 0:
                await asyncio.sleep(0)


def create_app(settings: Settings, role: Role = "serve") -> Starlette:
    """The ASGI application of one process."""
    process = Process(settings, role)
    handlers = {
        TickerError: _refuse,
        HTTPException: _refuse_route,
        ClientDisconnect: _gone,
        Exception: _fault,
    }
    # The public half is public from every origin and takes no cookies; posts need a header that no simple
    # cross-origin request can carry.
    cors = Middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET"],
        allow_headers=["If-None-Match"],
        expose_headers=["Date", "ETag"],  # Date: who only polls corrects his clock by it
        max_age=86_400,
    )
    app = Starlette(
        routes=process.routes(),
        exception_handlers=cast(Any, handlers),
        middleware=[cors],
        lifespan=process.lifespan,
    )
    app.router.redirect_slashes = False
    return app


def from_environ() -> Starlette:
    """The application of a worker process, which gets its settings from the environment."""
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        tie.to_parent(parent.pid)
    settings = Settings.load(os.environ)
    logs.configure(settings.log_level)
    return create_app(settings, cast(Role, os.environ.get(ROLE, "serve")))


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, TickerError)
    if isinstance(error, StoreUnavailable):
        log.warning("%s %s: refused, the store is away: %s", request.method, request.url.path, error.__cause__)
    problem = Problem.of(error)
    # What was not read of a body that is refused must not be taken for the next request.
    headers = (
        problem.headers
        if request.method == "GET" or error.status != 413
        else {**problem.headers, "Connection": "close"}
    )
    return Response(problem.body, problem.status, headers)


async def _refuse_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code != 405:
        return await _refuse(request, NotFound())
    # Several routes may share a path; the router names only the methods of the first.
    routes = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
    allowed = sorted({method for route in routes for method in route.methods or ()})
    answer = await _refuse(request, MethodNotAllowed(f"This address takes {', '.join(allowed)}."))
    answer.headers["Allow"] = ", ".join(allowed)
    return answer


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=400)  # nobody reads it


async def _fault(request: Request, error: Exception) -> Response:
    # Starlette raises the error again after this, so that the log has its trace; the caller gets a sentence.
    problem = Problem.of(TickerError())
    return Response(problem.body, problem.status, problem.headers)
