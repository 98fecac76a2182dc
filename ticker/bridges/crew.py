"""The bridges of all channels in one process, with the providers that they share."""

from __future__ import annotations

import asyncio
import functools
import os
import socket
from collections.abc import Mapping
from math import inf
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

LATE = 20.0
"""Seconds without a claim after which the bridge is not at work: it asks at least every four."""


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
        self._bridges: dict[str, Bridge] = {}

    def tell(self) -> None:
        """Note how long ago each channel's log was claimed."""
        for name, bridge in list(self._bridges.items()):
            self._metrics.claimed(name, bridge.age)

    def late(self) -> dict[str, float | None]:
        """Channels whose log was not claimed lately, with seconds; None when it never was."""
        found: dict[str, float | None] = {}
        for name in list(self._channels):
            age = self._bridges[name].age if name in self._bridges else inf
            if age > LATE:
                found[name] = None if age == inf else round(age, 1)
        return found

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
                    bridge = self._bridges[name] = Bridge(
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
                gone = set(running) - set(self._channels)
                await tasks.end([running.pop(name) for name in gone])
                for name in gone:
                    del self._bridges[name]
                    self._metrics.claimed(name, 0.0)
                await self._changed.wait()
        finally:
            await tasks.end(list(running.values()))
            await fleet.close()
