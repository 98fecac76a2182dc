"""The bridges of all channels in one process, with the providers that they share."""

from __future__ import annotations

import asyncio
import functools
import os
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ticker import tasks
from ticker.bridges import roster
from ticker.bridges.runner import Bridge, Fleet
from ticker.bridges.sender import Rules
from ticker.channel import Channel
from ticker.metrics import Metrics
from ticker.settings import Settings
from ticker.store import Store

if TYPE_CHECKING:
    from ticker.otel import Traces


class Crew:
    """One bridge for each channel there is."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        channels: Mapping[str, Channel],
        metrics: Metrics,
        traces: Traces | None = None,
    ) -> None:
        """`channels` may change; `look` tells that it has. `traces` is told of what is claimed."""
        self._store = store
        self._settings = settings
        self._channels = channels
        self._metrics = metrics
        self._traces = traces
        self._changed = asyncio.Event()

    def look(self) -> None:
        """The channels have changed."""
        self._changed.set()

    async def run(self) -> None:
        """Send, until cancelled. Raises SettingsError when a provider cannot be had."""
        settings = self._settings
        fleet = Fleet(roster.providers(settings), rate=settings.push_rate, at_once=settings.push_at_once)
        worker = f"{socket.gethostname()}-{os.getpid()}"
        running: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                self._changed.clear()
                for name in set(self._channels) - set(running):
                    bridge = Bridge(
                        self._store,
                        name,
                        fleet,
                        self._channels,
                        self._metrics,
                        Rules(clear=settings.push_clear),
                        most=settings.push_targets,
                        traces=self._traces,
                    )
                    run = functools.partial(bridge.run, worker)
                    running[name] = asyncio.create_task(tasks.supervised(f"push of {name}", run))
                await tasks.end([running.pop(name) for name in set(running) - set(self._channels)])
                await self._changed.wait()
        finally:
            await tasks.end(list(running.values()))
            await fleet.close()
