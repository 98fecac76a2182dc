"""Where everything is built and joined: the objects of a process, its routes, its tasks, its end.

The API is listed in `routes`; the road of an alert is `publish` → `stream` → `fanout` → `hub` → `connection`.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from ticker import channel as channels
from ticker import fanout, logs, pulse, refusal, routes, samples, tasks, tie, traces
from ticker.access import Access
from ticker.address import Proxies
from ticker.admission import Admission
from ticker.audience import Audience
from ticker.auth import Keyring
from ticker.bridges import gate
from ticker.census import Census
from ticker.change import Changes
from ticker.channel import Channel, Difference
from ticker.delivery import Delivery
from ticker.desk import Desk
from ticker.drain import SLICE, Drain
from ticker.editing import Editing
from ticker.embedding import Embedding
from ticker.exposition import Exposition
from ticker.feeds import Feeds
from ticker.hangup import Hangup
from ticker.health import Health
from ticker.history import History
from ticker.hub import Hub
from ticker.lane import Reader
from ticker.limit import Limit
from ticker.live import Readers
from ticker.login import Door
from ticker.metrics import Metrics
from ticker.operation import Operation
from ticker.pages import Widget
from ticker.places import Places
from ticker.publish import Publisher
from ticker.reach import Reach, Receipts
from ticker.reference import Reference
from ticker.releases import Releases
from ticker.reload import Reload
from ticker.session import Sessions
from ticker.settings import Settings
from ticker.store import Store
from ticker.stream import Log
from ticker.subscriptions import Subscriptions
from ticker.tail import Following
from ticker.vitals import Vitals
from ticker.wire import CloseCode

if TYPE_CHECKING:
    from ticker.bridges.crew import Crew
    from ticker.embedded import EmbeddedStore

log = logging.getLogger("ticker.app")

Role = Literal["serve", "api", "fanout"]
ROLE = "TICKER_INTERNAL_ROLE"
"""Tells a worker process its role; not a setting."""

READ_SECONDS = 3.0
TAIL = "tail of "
"""How the tasks that read logs are called."""


class Process:
    """The objects of one process, by its role: `api` (editors), `fanout` (readers), `serve` (both)."""

    def __init__(
        self, settings: Settings, role: Role, hangup: Hangup | None = None, embedded: EmbeddedStore | None = None
    ) -> None:
        """Opens nothing yet; `settings.redis_url` must be set. An `embedded` store is kept alive."""
        assert settings.redis_url is not None
        self.settings = settings
        self._hangup = hangup
        self._embedded = embedded
        self.store = Store(
            settings.redis_url.get_secret_value(),
            read_url=settings.read_url.get_secret_value() if settings.read_url else None,
            replicas=settings.replicas,
        )
        self.channels = channels.load(settings.channels)
        self.metrics = Metrics(self.channels)
        self.traces = traces.begun(settings.traces, role)
        self.logs = {name: self._log(name) for name in self.channels}
        bootstrap = settings.bootstrap_key.get_secret_value() if settings.bootstrap_key else None
        self.keyring = Keyring(self.store, bootstrap, settings.rate_limit)
        proxies = Proxies.parse(settings.proxies or "")
        admission = Admission(
            self.keyring,
            Sessions(self.store, self.keyring),
            Limit(settings.address_limit),
            proxies,
        )
        editing = Editing(self.store, self.logs, self.channels, admission, settings.max_body, self.metrics)
        self.publisher = Publisher(editing)
        self.changes = Changes(editing)
        self.history = History(editing)
        self.audience = Audience(editing)
        self.subscriptions = Subscriptions(editing, *gate.gate(settings))
        self.desk = Desk(editing)
        self.door = Door(editing, secure=(settings.public_url or "").startswith("https:"))

        follows = () if role == "api" else self.channels.values()
        self.fanouts = {channel.name: self._follower(channel) for channel in follows}
        self.hubs = {name: found.hub for name, found in self.fanouts.items()}
        self.reaches = {name: found.reach for name, found in self.fanouts.items()}
        self.census = Census(self.store, self.reaches, self.hubs, self.metrics)
        self.receipts = Receipts(self.reaches, self.metrics)
        # Who serves everything also sends to phones, when it is told how; alone, `ticker push` does.
        self.crew: Crew | None = None
        if role == "serve" and gate.configured(settings):
            from ticker.bridges.crew import Crew  # with all its libraries, for those who push

            self.crew = Crew(self.store, settings, self.channels, self.metrics, self.traces)
        vitals = Vitals(
            self.metrics,
            readers=0 if role == "api" else settings.max_readers,
            memory=settings.max_memory,
            beside=self.crew.tell if self.crew else None,
        )
        if role != "fanout":
            self.metrics.editing(self.channels)
        self.exposition = Exposition(self.metrics, self.fanouts, self.reaches, admission, settings.metrics, vitals)
        self.drain = Drain(self._everybody, settings.drain, settings.reconnect, among_others=role != "serve")
        self.places = Places(
            settings.max_readers,
            per_address=settings.max_readers_per_address,
            rate=settings.accept_rate,
            memory=settings.max_memory,
            proxies=proxies,
        )
        self.feeds = Feeds(self.hubs, settings.public_url)
        self.embedding = Embedding(self.hubs, settings.public_url)
        self.widget = Widget(Releases())
        self.readers = Readers(self.hubs, self.places, admission, self.drain, self.receipts, self.metrics)
        self.health = Health(self.logs, self.fanouts, self.drain)
        self.reference = Reference(self.operations, self.channels)
        self.reload = Reload(settings.channels, self.channels)
        self.role = role
        self._running: dict[str, asyncio.Task[None]] = {}

    def _everybody(self) -> list[Reader]:
        return [reader for hub in self.hubs.values() for reader in hub.readers()]

    def _follower(self, channel: Channel) -> fanout.Fanout:
        """The way from a channel's log to its readers in this process."""
        settings, clock = self.settings, fanout.Clock()
        hub = Hub(
            channel,
            clock,
            ring=settings.ring,
            most_selectors=settings.max_selectors,
            reconnect=settings.reconnect,
            receipts=settings.receipts,
        )
        reach = Reach(clock, settings.receipts)

        def told(delivery: Delivery) -> None:
            self.metrics.delivered(channel.name, delivery, reach.told(delivery))

        hub.told = told
        return fanout.Fanout(self.logs[channel.name], hub, clock, settings.ring, reach, self.traces)

    def _log(self, channel: str) -> Log:
        return Log(self.store, channel, self.settings.log_length, self.traces)

    def operations(self) -> list[Operation]:
        """What this process serves."""
        found: list[Operation] = []
        if self.role != "fanout":
            found += routes.editors(
                self.publisher,
                self.changes,
                self.history,
                self.audience,
                self.door,
                self.desk,
                self.subscriptions,
            )
        if self.role != "api":
            found += routes.readers(self.readers, self.feeds, self.reference, self.widget, self.embedding)
        return found + routes.both(self.history, self.health, self.exposition, self.reference, self.subscriptions)

    def routes(self) -> list[Route]:
        """The same for the router."""
        return [operation.route() for operation in self.operations()]

    def beside(self) -> dict[str, tasks.Run]:
        """What runs beside the requests, by name."""
        settings = self.settings
        found: dict[str, tasks.Run] = {
            "master of the Sentinels": self.store.follow,
            "log heartbeat": lambda: pulse.run(self.logs, self.channels, sweeping=self.role != "fanout"),
            "reload": lambda: self.reload.run(self.take),
            "figures": self.exposition.run,
        }
        if self.role != "api":
            found["census"] = self.census.run
            found["watch over keys"] = self.readers.watch
            found["reader heartbeat"] = lambda: fanout.beat_readers(
                self.fanouts, settings.heartbeat, settings.stuck, self.metrics
            )
        for name, follower in self.fanouts.items():
            found[_task_of(name)] = follower.run
        found |= self._tails(self.fanouts)
        if self.crew is not None:
            found["push"] = self.crew.run
        if self._embedded is not None:
            found["embedded store"] = self._embedded.keep
        return found

    def _tails(self, fanouts: Mapping[str, fanout.Fanout]) -> dict[str, tasks.Run]:
        """What reads the logs for these."""
        if not self.store.sharded:
            return {f"{TAIL}the logs": Following(self.store, list(fanouts.values())).run} if fanouts else {}
        return {f"{TAIL}{name}": Following(self.store, [follower]).run for name, follower in fanouts.items()}

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[dict[str, Any]]:
        """Start the tasks, serve, send the readers away, stop the tasks."""
        for name, run in self.beside().items():
            self._start(name, run)
        try:
            if self.settings.samples and self.role == "serve":
                await samples.fill(self.logs, self.channels)
            await tasks.within(READ_SECONDS, [found.begun for found in self.fanouts.values()])
            with ExitStack() as signals:
                if self._hangup is not None:
                    signals.enter_context(self._hangup.heard(self.reload.ask))
                    signals.enter_context(self.drain.heard())
                yield {"door": self.readers, "deflate": self.settings.deflate}
        finally:
            await self.drain.send_away(self._everybody())
            await self.census.leave()
            await tasks.end(self._running.values())
            await self.store.close()
            if self.traces is not None:
                await asyncio.to_thread(self.traces.close)

    def _start(self, name: str, run: tasks.Run) -> None:
        self._running[name] = asyncio.create_task(tasks.supervised(name, run), name=name)

    async def take(self, found: Mapping[str, Channel], difference: Difference) -> None:
        """Serve these channels from now on: begin what is new, end what is gone, show the others as they are now."""
        follows = () if self.role == "api" else difference.added
        gone = [self.hubs[name] for name in difference.removed if name in self.hubs]
        # No await in here, so nobody meets a channel with one half of what belongs to it. The mappings are shared.
        _become(self.channels, found)
        if self.crew is not None:
            self.crew.look()
        _become(self.logs, {name: self.logs.get(name) or self._log(name) for name in found})
        fresh = {name: self._follower(found[name]) for name in follows}
        _become(self.fanouts, {name: known for name, known in self.fanouts.items() if name in found})
        self._share()
        following = self.fanouts | fresh
        ended = [self._running.pop(_task_of(hub.channel.name)) for hub in gone]
        for name, follower in fresh.items():
            self._start(_task_of(name), follower.run)
        if gone or fresh:
            # Whoever read for the old ones lets go first: a log is read on from one place.
            reading = [name for name in self._running if name.startswith(TAIL)]
            await tasks.end([self._running.pop(name) for name in reading])
            for name, run in self._tails(following).items():
                self._start(name, run)

        await tasks.end(ended)
        for number, reader in enumerate([reader for hub in gone for reader in hub.readers()]):
            reader.close(CloseCode.GONE, "")
            if not number % SLICE:
                await asyncio.sleep(0)
        for name, _ in difference.changed:
            if name in self.fanouts:
                await self.fanouts[name].rechannel(found[name])
        # A process that was ready stays so while a channel begins.
        await tasks.within(READ_SECONDS, [follower.delivering for follower in fresh.values()])
        _become(self.fanouts, {name: following[name] for name in found if name in following})
        self._share()

    def _share(self) -> None:
        """What others hold of the fan-outs is that of those there are."""
        _become(self.hubs, {name: known.hub for name, known in self.fanouts.items()})
        _become(self.reaches, {name: known.reach for name, known in self.fanouts.items()})


V = TypeVar("V")


def _become(old: dict[str, V], new: Mapping[str, V]) -> None:
    """Fill a mapping that others hold with something else, in its order."""
    kept = dict(new)  # it may be made from the old one
    old.clear()
    old.update(kept)


def _task_of(channel: str) -> str:
    return f"fan-out of {channel}"


def create_app(
    settings: Settings, role: Role = "serve", hangup: Hangup | None = None, embedded: EmbeddedStore | None = None
) -> Starlette:
    """The ASGI application of one process, which reloads on SIGHUP when it is given it."""
    process = Process(settings, role, hangup, embedded)
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
    proxies = Proxies.parse(settings.proxies or "")
    access = Middleware(Access, logged=settings.access_log, proxies=proxies, traces=process.traces)
    app = Starlette(
        routes=process.routes(),
        exception_handlers=cast(Any, refusal.HANDLERS),
        middleware=[access, cors],
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
    logs.configure(settings.log_level, settings.log_format)
    return create_app(settings, cast(Role, os.environ.get(ROLE, "serve")), Hangup(parent=True))
