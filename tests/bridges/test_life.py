"""Whatever happens to an item, to the worker, to the providers and to the phones: what the reader sees in the end.

The phones stand behind fakes of all four providers. After everything has settled, each shows the newest version, once;
or only the word that it was withdrawn; every row of the outbox has ended.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any, TypeVar

import pytest
import uvloop
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from ticker import acts, tasks
from ticker.bridges import runner
from ticker.bridges.apns import Apns, Signer
from ticker.bridges.outbox import Claimed, Outbox
from ticker.bridges.provider import Provider
from ticker.bridges.runner import Bridge, Fleet
from ticker.bridges.signing import fresh
from ticker.bridges.way import Way
from ticker.item import Item
from ticker.store import Store

from tests.bridges.stage import AGAIN_SOON, AMAL, Room, fcm, vapid, webhook, webpush
from tests.fakes.apns import KEY_ID, TEAM, TOPIC, FakeApns
from tests.fakes.faults import Fault
from tests.fakes.fcm import FakeFcm
from tests.fakes.phone import Mailbox
from tests.fakes.webhook import FakeWebhook
from tests.fakes.webpush import FakeWebPush
from tests.waiting import until

EXAMPLES = int(os.environ.get("TICKER_TEST_PUSHES", "40"))
"""Lives that are tried; some hundreds of them take minutes."""
STEPS = 15
ANSWER = 0.15
"""Seconds that a provider has to answer."""
FAULTS = {
    "busy": Fault(429, headers=(("Retry-After", "0"),)),
    "broken": Fault(500),
    "broken, and yet taken": Fault(500, taken=True),
    "silent": Fault(0),
    "silent, and yet taken": Fault(0, taken=True),
    "goaway": Fault(goaway=True),
}

T = TypeVar("T")


class Mortal(Outbox):
    """The outbox in the hands of a worker who can die: from then on he writes nothing down."""

    killed = False

    async def release(self, claimed: Claimed) -> None:
        if not self.killed:
            await super().release(claimed)


class World:
    """The store, the four fakes, and the phones behind them."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self._stack = AsyncExitStack()
        self._url = url
        self.run(self._open())

    def run(self, what: Coroutine[Any, Any, T]) -> T:
        """Until it is done."""
        return self._loop.run(what)

    async def _open(self) -> None:
        self.store = Store(self._url)
        self._stack.push_async_callback(self.store.close)
        secret = fresh()
        self.secret = secret
        self.worker: tuple[asyncio.Task[None], Fleet, Mortal] | None = None
        self.fcm, self.apns = FakeFcm(), FakeApns()
        # Whoever begins anew signs anew, and Apple does not want that every second.
        self.signer = Signer(self.apns.pem, KEY_ID, TEAM)
        self.webpush, self.webhook = FakeWebPush(vapid().public), FakeWebhook(secret)
        for fake in (self.fcm, self.apns, self.webpush, self.webhook):
            await self._stack.enter_async_context(fake.running())

    async def begin(self) -> None:
        """An empty store, and new phones."""
        await self.kill()
        await self.store.redis.flushall()
        self.room = Room(self.store)
        for fake in (self.fcm, self.apns, self.webpush, self.webhook):
            fake.script.queue.clear()
            fake.complaints.told.clear()
        self.webpush.times.clear()
        self.fcm.topics.clear()
        self.webhook.mailbox = Mailbox(self.webhook._clock)
        token = "token-" + "x" * 30
        device, phone = self.apns.phone()
        browser, other = self.webpush.browser(), self.webpush.browser()
        self.phones: dict[str, Mailbox] = {
            "follower": self.fcm.phone("", "breaking.en"),
            "android": self.fcm.phone(token),
            "iphone": phone,
            "browser": browser,
            "other browser": other,
            "machine": self.webhook.mailbox,
        }
        await self.room.add("fcm", token)
        await self.room.add("apns", device)
        for subscribed in (browser, other):
            await self.room.subscribe(subscribed)
        await self.room.add("webhook", f"{self.webhook.url}/hook", secrets=(self.secret,))
        self.gone = other
        await self.start()
        await until(self.room.joined, "the bridge to join")

    async def start(self) -> None:
        """A worker begins."""
        if self.worker is None:
            apple = Apns(self.signer, Way(http2=True, answer=ANSWER), TOPIC, url=self.apns.url)
            found: list[Provider] = [fcm(self.fcm, ANSWER), apple, webpush(ANSWER), webhook(answer=ANSWER)]
            fleet, outbox = Fleet(found, rate=0, at_once=64), Mortal(self.store, "en", lease_ms=40)
            room = self.room
            bridge = Bridge(self.store, "en", fleet, room.channels, room.metrics, AGAIN_SOON, outbox)
            task = asyncio.create_task(tasks.supervised("push", lambda: bridge.run("worker")))
            self.worker = (task, fleet, outbox)

    async def kill(self) -> None:
        """It dies, in the middle of whatever it does."""
        if self.worker is not None:
            (task, fleet, outbox), self.worker = self.worker, None
            outbox.killed = True
            await tasks.end([task])
            await fleet.close()

    async def settle(self) -> None:
        """Nothing goes wrong any more; wait until there is nothing to do."""
        for fake in (self.fcm, self.apns, self.webpush, self.webhook):
            fake.script.queue.clear()
        await self.start()

        async def over() -> bool:
            pending = (await self.store.redis.xinfo_groups("{ticker:en}:log"))[0]
            due = await self.room.outbox.due(["fcm", "apns", "webpush", "webhook"], 1)
            return not pending["pending"] and not pending["lag"] and not any(due.waiting.values())

        await until(over, "everything to settle")
        for mailbox in self.phones.values():
            mailbox.come_back()

    async def rows(self) -> list[Any]:
        """Rows that have not ended."""
        return list(await self.store.redis.keys("{ticker:en}:push:rows:*"))

    def close(self) -> None:
        """The end of all examples."""
        self.run(self.kill())
        self.run(self._stack.aclose())
        self._loop.close()


def machine(world: World) -> type[RuleBasedStateMachine]:
    """The lives that can be led in this world."""

    class Life(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.items: list[Item] = []
            self.said: dict[str, dict[int, str]] = {}
            self.left = False
            world.run(world.begin())

        def _now(self, item: Item) -> Item:
            self.items = [item if known.id == item.id else known for known in self.items]
            self.said.setdefault(item.id, {})[item.version] = item.headline
            return item

        def _standing(self, data: st.DataObject) -> Item | None:
            standing = [item for item in self.items if item.state == "published"]
            return data.draw(st.sampled_from(standing)) if standing else None

        @rule(urgency=st.sampled_from([1, 2, 5]))
        def publish(self, urgency: int) -> None:
            item = world.run(world.room.post(f"Alert {len(self.items)}", urgency=urgency))
            self.items.append(item)
            self._now(item)

        @precondition(lambda self: any(item.state == "published" for item in self.items))
        @rule(data=st.data(), signal=st.sampled_from(["update", "correction"]))
        def change(self, data: st.DataObject, signal: str) -> None:
            if (item := self._standing(data)) is not None:
                fields = {"headline": f"{item.headline.split(',')[0]}, changed {item.version}", "correction_note": "x"}
                self._now(world.run(world.room.change(item, signal=signal, **fields)))

        @precondition(lambda self: any(item.state == "published" for item in self.items))
        @rule(data=st.data())
        def retract(self, data: st.DataObject) -> None:
            if (item := self._standing(data)) is not None:
                self._now(world.run(world.room.retract(item, "wrong")))

        @precondition(lambda self: any(item.state == "published" for item in self.items))
        @rule(data=st.data())
        def expire(self, data: st.DataObject) -> None:
            if (item := self._standing(data)) is not None:
                self._now(world.run(world.room.log.append(acts.expire_now(item), AMAL)).item)

        @rule(data=st.data())
        def pin(self, data: st.DataObject) -> None:
            item = self._standing(data)
            if item is not None and not any(other.pinned_until for other in self.items if other.state == "published"):
                pinned = world.run(world.room.log.append(acts.pin(item, None, world.room.channel), AMAL)).item
                self.items = [pinned if known.id == pinned.id else known for known in self.items]
                # It says the same, and phones are told of the version before.

        @rule(
            fake=st.sampled_from(["fcm", "apns", "webpush", "webhook"]),
            faults=st.lists(st.sampled_from([None, *FAULTS]), min_size=1, max_size=3),
        )
        def break_down(self, fake: str, faults: list[str | None]) -> None:
            queue = getattr(world, fake).script.queue
            for name in faults:
                fault = FAULTS[name] if name else None
                queue.append(None if fault is not None and fault.goaway and fake != "apns" else fault)

        @rule(name=st.sampled_from(["follower", "android", "iphone", "browser"]), online=st.booleans())
        def travel(self, name: str, online: bool) -> None:
            mailbox = world.phones[name]
            if online:
                mailbox.come_back()
            else:
                mailbox.online = False

        @rule()
        def kill(self) -> None:
            world.run(world.kill())

        @rule()
        def restart(self) -> None:
            world.run(world.start())

        @rule()
        def leave(self) -> None:
            world.gone.gone = True

        @rule(turns=st.integers(1, 60))
        def let_it_work(self, turns: int) -> None:
            async def work() -> None:
                for _ in range(turns):
                    await world.store.redis.ping()

            world.run(work())

        def teardown(self) -> None:
            try:
                world.run(world.settle())
                self._judge()
            finally:
                world.run(world.kill())

        def _judge(self) -> None:
            for name, mailbox in world.phones.items():
                if mailbox is world.gone and world.gone.gone:
                    continue
                phone = mailbox.phone
                assert len(phone.rung) == len(set(phone.rung)), name
                for item in self.items:
                    shown = phone.shown.get(item.id)
                    told = self.said[item.id]
                    if item.state == "published":
                        newest = max(told)
                        assert shown is not None, (name, item)
                        assert (newest, told[newest]) == (shown.version, shown.body), (name, shown)
                    elif item.state == "retracted":
                        # Whoever had it has the word that it was withdrawn, and nobody has its text.
                        had = item.id in phone.seen
                        assert had == (shown is not None), (name, item)
                        assert shown is None or ("withdraw", "Alert withdrawn: wrong") == (shown.action, shown.body)
                    elif shown is not None:
                        assert told[shown.version] == shown.body, (name, shown)
            assert [] == world.run(world.rows())
            for item in self.items:
                for version, providers in world.run(world.room.counts(item)).items():
                    for provider, outcomes in providers.items():
                        assert "pending" not in outcomes, (version, provider, outcomes)
                        assert all(number > 0 for number in outcomes.values()), outcomes
                        assert "dead_lettered" not in outcomes, outcomes
            accepted = sum(
                outcomes.get("accepted", 0)
                for item in self.items
                for providers in world.run(world.room.counts(item)).values()
                for provider, outcomes in providers.items()
                if provider == "webpush"
            )
            # What was accepted was taken; more may have been taken than was heard of.
            assert accepted <= len(world.webpush.times)
            for fake in (world.fcm, world.apns, world.webpush, world.webhook):
                assert [] == fake.complaints.told
            assert [] == world.run(world.room.outbox.dead())

    return Life


def test_whatever_happens_the_reader_sees_the_newest_once_or_that_it_was_withdrawn(
    valkey: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Publish, update, correct, retract, expire, pin × kill and restart × 429, 500, silence, 410, GOAWAY × disorder."""
    monkeypatch.setattr(runner, "TAKE_OVER_MS", 40)
    monkeypatch.setattr(runner, "LOOK_SECONDS", 0.05)
    world = World(valkey)
    try:
        run_state_machine_as_test(
            machine(world),
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                deadline=None,
                phases=[Phase.explicit, Phase.reuse, Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        world.close()
