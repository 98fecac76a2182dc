"""`ticker load`: readers, as many as an operator sets, against a service of his own; and what they were given."""

from __future__ import annotations

import asyncio
import json
import resource
import secrets
import signal
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import quote

import httpx

from ticker import places
from ticker.client import TIMEOUT, Client, Failed, Refused, address, items_path
from ticker.crowd import LOOK, SILENCE, Crowd, Reader, Way
from ticker.entry import Cursor

MOST = {"readers": 20_000, "seconds": 3_600, "ramp": 2_000, "post": 20}
"""What no flag can exceed."""
MIX: dict[str, tuple[Way, ...]] = {
    "ws": ("ws",),
    "sse": ("sse",),
    "poll": ("poll",),
    "mixed": ("ws", "ws", "ws", "ws", "sse", "ws", "ws", "ws", "ws", "poll"),
}
SETTLE = 10.0
"""Seconds that the last post may take to the last reader before it counts as lost to him."""
OUTLIVE = 300
"""Seconds by which a post of ours outlives the run."""
SPARE = 64
"""Descriptors that are not for readers."""
FOR_GOOD = frozenset({400, 401, 403, 404, 409, 413, 422})
"""Answers to a post after which the next one fares no better."""
INTERRUPTED = 130


async def load(options: Namespace) -> int:
    """`ticker load CHANNEL`. Returns 1 when something was lost, doubled, or nobody came in; 130 when interrupted."""
    _within_bounds(options)
    run = Run(options)
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()

    def stop() -> None:
        stopped.set()
        loop.remove_signal_handler(signal.SIGINT)  # whoever asks twice does not want to wait

    loop.add_signal_handler(signal.SIGINT, stop)
    try:
        told = await run.through(stopped)
    finally:
        loop.remove_signal_handler(signal.SIGINT)
    print(json.dumps(told) if options.json else _text(told))
    if told["wrong"]:
        raise Failed("Not as it was promised:\n  " + "\n  ".join(told["wrong"]))
    if not told["joined"]:
        raise Failed("Nobody came in.")
    if told["not_posted"] and not told["posted"]:
        raise Failed(f"Nothing could be posted: {next(iter(told['not_posted']))}")
    return INTERRUPTED if stopped.is_set() else 0


class Run:
    """One run, from the first reader to the report."""

    def __init__(self, options: Namespace) -> None:
        self._options = options
        self._mark = f"Load test {secrets.token_hex(4)}"
        self._acknowledged: dict[int, Cursor] = {}
        self._must: list[int] = []
        """How many readers were there when each post was sent."""
        self._failed: Counter[str] = Counter()

    async def through(self, stopped: asyncio.Event) -> dict[str, Any]:
        """Everything; the report."""
        options, begun = self._options, time.perf_counter()
        path = f"/v1/channels/{quote(options.channel, safe='')}"
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        timeout = httpx.Timeout(TIMEOUT, read=SILENCE, pool=None)
        async with httpx.AsyncClient(base_url=address(options), limits=limits, timeout=timeout) as http:
            crowd = Crowd(address(options), f"{path}/live", f"{path}/items", http, self._number)
            tasks: list[asyncio.Task[None]] = []
            helpers = [asyncio.create_task(crowd.watch())]
            try:
                if options.post:
                    helpers.append(asyncio.create_task(self._post(crowd)))
                await self._ramp(crowd, tasks, stopped, begun + options.seconds)
                await _until(stopped, begun + options.seconds)
                await _end(helpers)
                away = await self._settle(crowd)
            finally:
                await _end([*helpers, *tasks])
        return self._report(crowd, time.perf_counter() - begun) | {"away": away}

    async def _ramp(self, crowd: Crowd, tasks: list[asyncio.Task[None]], stopped: asyncio.Event, end: float) -> None:
        begun, ways = time.perf_counter(), MIX[self._options.way]
        for place in range(self._options.readers):
            await _until(stopped, min(begun + place / self._options.ramp, end))
            if stopped.is_set() or time.perf_counter() > end:
                return
            way = ways[place % len(ways)]
            reader = Reader(crowd, f"reader {place} ({way})", way)
            crowd.readers.append(reader)
            tasks.append(asyncio.create_task(reader.run()))

    async def _post(self, crowd: Crowd) -> None:
        """One after the other, so many a second if the service takes them so fast."""
        begun = time.perf_counter()
        ends = datetime.now(UTC) + timedelta(seconds=self._options.seconds + OUTLIVE)
        item = {"push": {"enabled": False}, "urgency": 9, "expires": f"{ends:%Y-%m-%dT%H:%M:%SZ}"}
        async with Client(self._options) as client:
            for number in count():
                await asyncio.sleep(max(0.0, begun + (number + 1) / self._options.post - time.perf_counter()))
                self._must.append(crowd.streaming)
                crowd.got.append(0)
                crowd.sent.append(time.perf_counter())
                try:
                    answer = await client.send(
                        "POST", items_path(self._options.channel), item | {"headline": f"{self._mark}, {number}"}
                    )
                except Failed as error:
                    self._failed[error.detail] += 1
                    if isinstance(error, Refused) and error.by in FOR_GOOD:
                        return
                    continue
                if (cursor := Cursor.parse(answer["cursor"])) is not None:
                    self._acknowledged[number] = cursor

    def _number(self, headline: str) -> int | None:
        """Which post of ours has this headline."""
        mark, _, number = headline.partition(", ")
        return int(number) if mark == self._mark else None

    async def _settle(self, crowd: Crowd) -> int:
        """Wait for what is under way, then judge. Returns how many readers on a line are away from it."""
        head = list(self._acknowledged.values())[-1] if self._acknowledged else None
        streams = [reader for reader in crowd.readers if reader.way != "poll"]
        end = time.perf_counter() + SETTLE
        while True:
            if head is None or time.perf_counter() > end or not any(reader.behind(head) for reader in streams):
                break
            await asyncio.sleep(LOOK)
        for reader in streams:
            reader.settle()
            if head and reader.connected and reader.behind(head):
                crowd.blame([f"{reader.name}: was given nothing after {reader.cursor}, and {head} was acknowledged"])
        return sum(not reader.connected for reader in streams)

    def _report(self, crowd: Crowd, seconds: float) -> dict[str, Any]:
        return {
            "seconds": round(seconds, 1),
            "readers": len(crowd.readers),
            "joined": sum(reader.joined for reader in crowd.readers),
            "gone": sum(reader.gone for reader in crowd.readers),
            "refused": dict(crowd.refused),
            "failed": crowd.failed,
            "first_frame_seconds": crowd.first.told(),
            "posted": len(self._acknowledged),
            "not_posted": dict(self._failed),
            "received_by_all": sum(crowd.got[number] == self._must[number] for number in self._acknowledged),
            "received": sum(crowd.got[number] for number in self._acknowledged),
            "to_receive": sum(self._must[number] for number in self._acknowledged),
            "post_to_reader_seconds": crowd.lag.told(),
            "own_delay_seconds": crowd.own_delay.told(),
            "came_back": crowd.came_back,
            "resets": crowd.resets,
            "bytes": crowd.size,
            "wrong": crowd.wrong,
        }


def _within_bounds(options: Namespace) -> None:
    """Raises Failed, SettingsError."""
    for name, most in MOST.items():
        value = getattr(options, name)
        if not (0 <= value <= most) or (not value and name != "post"):
            raise Failed(f"--{name} takes a number up to {most:,}, and not {value:g}.")
    if options.post and not options.yes:
        raise Failed(
            f"--post publishes alerts that everybody who watches '{options.channel}' sees; --yes says so be it."
        )
    if options.post:
        Client(options)
    places.raise_limit()
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if descriptors != resource.RLIM_INFINITY and options.readers + SPARE > descriptors:
        raise Failed(f"{options.readers:,} readers need more than the {descriptors:,} open files allowed (ulimit -n).")


async def _until(stopped: asyncio.Event, moment: float) -> None:
    """Return at that moment, or when it is to stop."""
    left = moment - time.perf_counter()
    if left > 0:
        with suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), left)


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel them; what one of them died of is raised."""
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome


def _text(told: dict[str, Any]) -> str:
    """The report for people."""

    def spread(name: str) -> str:
        return "  ".join(
            f"{part} {'-' if value is None else f'{value * 1000:.1f} ms'}" for part, value in told[name].items()
        )

    refused = ", ".join(f"{times} by {what}" for what, times in told["refused"].items()) or "none"
    lines = {
        "readers": f"{told['joined']:,} of {told['readers']:,} came in; {told['away']:,} away at the end, "
        f"{told['gone']:,} sent away for good",
        "refused": f"{refused}; {told['failed']:,} tries found nobody",
        "first frame": spread("first_frame_seconds"),
        "came back": f"{told['came_back']:,} times, {told['resets']:,} resets",
        "bytes": f"{told['bytes']:,}",
    }
    if told["posted"] or told["not_posted"]:
        lines["alerts"] = (
            f"{told['posted']:,} posted, {told['received_by_all']:,} of them received by all; "
            f"{told['received']:,} of {told['to_receive']:,} in all"
        )
        lines["POST to reader"] = spread("post_to_reader_seconds")
        lines["not posted"] = "; ".join(f"{times}: {why}" for why, times in told["not_posted"].items()) or "none"
    lines["own delay"] = spread("own_delay_seconds")
    lines["judge"] = f"{len(told['wrong'])} sentences against it" if told["wrong"] else "has nothing against it"
    return "\n".join(f"{name:<15} {said}" for name, said in lines.items())
