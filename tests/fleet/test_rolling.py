"""F20: api, both fan-outs and the bridge to phones are stopped and started anew, one after the other, under load.

All of it behind the proxy of `deploy/`. docs/rolling.md has the figures that this prints.
"""

from __future__ import annotations

import asyncio
import json
import signal
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from ticker import inspection
from ticker.bridges.signing import fresh
from ticker.drain import NOTICE, SLICES, SPREAD_MS
from ticker.settings import Settings
from ticker.store import Store

from tests.fakes.webhook import FakeWebhook
from tests.faults.programs import Program
from tests.faults.witness import CHANNEL, Desk, Reader, judge, present, published, settled
from tests.fleet.crowd import Listener, Newsroom, Poller, Return, Screen, highest
from tests.fleet.proxy import proxy
from tests.stage import AUTHORIZED, PLAIN, short_directory
from tests.waiting import until

SCREENS, LISTENERS, POLLERS = 80, 12, 8
HEARTBEAT = 5.0
DRAIN = 2.0
LEAST = 2.0
"""Seconds after which the first of those who were sent away come back; it makes the window as wide as that."""
CLOCK = 0.01
"""What the loop's clock leaves open, seconds."""
SHARE = 0.05
"""Of the alerts, how many are taken back."""
CHANNELS = '[channels.en]\ntitle = "Breaking news"\nlanguage = "en"\npush_hold = 0\n'


@dataclass(frozen=True)
class Fleet:
    """One of each role, two of the readers' half, a proxy before them, a webhook behind them."""

    api: Program
    fanouts: list[Program]
    push: Program
    url: str
    webhook: FakeWebhook


@pytest.fixture
async def fleet(valkey: str, store: Store) -> AsyncIterator[Fleet]:
    """All of it, ready, on an empty store."""
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(short_directory())
        (directory / "channels.toml").write_text(CHANNELS)
        environ = {
            "TICKER_CHANNELS": str(directory / "channels.toml"),
            "TICKER_HEARTBEAT": str(HEARTBEAT),
            "TICKER_DRAIN": str(DRAIN),
            "TICKER_RECONNECT_MIN_MS": str(int(LEAST * 1000)),
            "TICKER_PROXIES": "127.0.0.1",
            "TICKER_WEBHOOKS": "true",
            "TICKER_PUSH_TRUSTED": "127.0.0.1",
        }
        programs = [Program(role, valkey, directory, environ=environ) for role in ("api", "push", "fanout", "fanout")]
        api, push, *fanouts = programs
        for program in programs:
            stack.callback(program.end)
        await asyncio.gather(*(asyncio.to_thread(program.start) for program in programs))
        before = stack.enter_context(proxy([api.port], [program.port for program in fanouts]))
        webhook = FakeWebhook(fresh())
        await stack.enter_async_context(webhook.running())
        async with httpx.AsyncClient(base_url=before.url, headers=AUTHORIZED, **PLAIN) as http:
            asked = {"provider": "webhook", "address": f"{webhook.url}/hook", "secrets": [webhook.secret]}
            answer = await http.post(f"/v1/channels/{CHANNEL}/targets", json=asked)
            assert 200 == answer.status_code, answer.text

        async def claims() -> bool:
            return await store.redis.exists("{ticker:en}:log") == 1 and bool(
                await store.redis.xinfo_groups("{ticker:en}:log")
            )

        await until(claims, "push to join its group", 30)
        yield Fleet(api, fanouts, push, before.url, webhook)


async def test_f20_a_rolling_restart_of_everything_loses_nothing_and_the_crowd_comes_back_spread(
    fleet: Fleet, store: Store, valkey: str, tmp_path: Path
) -> None:
    """The judge is clean for every reader and the webhook, nobody is reset, and of those who were sent away no more
    come back in one second than the drain has planned.
    """
    screens = [Screen(fleet.url, silence=2.5 * HEARTBEAT) for _ in range(SCREENS)]
    screens += [Listener(fleet.url, silence=2.5 * HEARTBEAT) for _ in range(LISTENERS)]
    pollers = [Poller(fleet.url) for _ in range(POLLERS)]
    readers: list[Reader] = [*screens, *pollers]
    clock = asyncio.get_running_loop().time
    async with AsyncExitStack() as stack:
        desk = Newsroom(fleet.url, retracts=SHARE)
        stack.push_async_callback(desk.http.aclose)
        await stack.enter_async_context(present(readers))
        stopped = asyncio.Event()
        posting = asyncio.create_task(desk.work("item", stopped))
        began = clock()
        took: dict[str, float] = {}
        drained: list[list[Return]] = []
        for number, program in enumerate((fleet.push, fleet.api, *fleet.fanouts)):
            before, returned = clock(), [len(screen.returns) for screen in screens]
            program.signal(signal.SIGTERM)
            assert 0 == await program.ended()
            took[f"{program.role} {number}"] = round(clock() - before, 1)
            await asyncio.to_thread(program.start)
            if program.role == "fanout":
                await until(lambda: all(screen.standing for screen in screens), "everybody to be back")
                drained.append(
                    [back for screen, n in zip(screens, returned, strict=True) for back in screen.returns[n:]]
                )
        rolled = clock() - began
        stopped.set()
        await posting
        await settled(readers, fleet.url)
        told = fleet.webhook.told

        async def sent() -> bool:
            return not await judge(store, desk, [], {"webhook": told}) and not fleet.webhook.complaints.told

        try:
            await until(sent, "the webhook to be told of everything", 10)
        except AssertionError:
            assert [] == await judge(store, desk, [], {"webhook": told})
            raise
        assert [] == await judge(store, desk, readers, {"webhook": told})

    assert sorted(desk.headlines) == sorted(await published(store))
    assert await by_the_command(valkey, tmp_path, desk, readers, told) == 0
    # A window that was shown anew is told so, and only where a retraction came while its reader was away.
    resets = [frame["reason"] for reader in readers for frame in reader.frames if frame["type"] == "reset"]
    assert {"window"} >= set(resets)
    # Each was told when to come back, and found a line at the first attempt, though one of two was closed.
    assert ([], 0) == ([why for screen in screens for why in screen.failures], sum(screen.lost for screen in screens))
    assert sum(map(len, drained)) == sum(screen.lines - 1 for screen in screens)
    assert all(len(returns) > SCREENS // 4 for returns in drained)
    figures = [spread(returns) for returns in drained]
    again = len(fleet.webhook.ids) - len(set(fleet.webhook.ids))
    print(
        f"\n{rolled:.1f} s, of that from SIGTERM to the end {took}; {len(desk.headlines)} alerts, "
        f"{len(desk.refusals)} posts refused, the longest wait for an answer {desk.longest:.1f} s; "
        f"{len(resets)} resets; {len(told)} pushes, {again} of them again; "
        f"came back in one second at most, were planned for one at most, are expected by the window: {figures}"
    )


def spread(returns: list[Return]) -> tuple[int, int, float]:
    """How many came in the worst second, how many were planned for it, and how many the window makes one expect."""
    window = LEAST + len(returns) * SPREAD_MS / 1000
    expected = len(returns) / window
    # Chance alone makes a second this much worse now and then: four deviations, once in ten thousand. And those who
    # come are on a machine that does much else: one deviation for that.
    bound, busy = expected + 4 * sqrt(expected), expected + 5 * sqrt(expected)
    planned = highest([back.sent + back.retry for back in returns])
    came = highest([back.back for back in returns])
    assert planned <= bound < busy < len(returns), (planned, bound)
    assert came <= busy, (came, busy)
    assert all(LEAST <= back.retry <= LEAST + window for back in returns)
    assert all(back.back - back.sent > back.retry - CLOCK for back in returns)
    sent = [back.sent for back in returns]
    assert max(sent) - min(sent) <= DRAIN * (1 - NOTICE) * len(returns) / (10 * SLICES) + 2
    return came, planned, round(expected, 1)


async def by_the_command(valkey: str, directory: Path, desk: Desk, readers: list[Reader], told: list[Any]) -> int:
    """What `ticker audit verify en --against …` says of the same."""
    files: list[str] = []
    for number, lines in enumerate([desk.answers, told, *(reader.frames for reader in readers)]):
        file = directory / f"{number}.jsonl"
        file.write_text("\n".join(map(json.dumps, lines)))
        files.append(str(file))
    asked = Namespace(act="verify", channel=CHANNEL, after=None, limit=50, json=False, against=files)
    return await inspection.audit(Settings(redis_url=SecretStr(valkey)), asked)
