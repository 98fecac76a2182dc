"""A bridge of one channel in this process, on a real store, with whatever providers a test gives it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from ticker import acts, tasks
from ticker.bridges.apns import Apns, Signer
from ticker.bridges.fcm import Account, Fcm
from ticker.bridges.guard import Guard
from ticker.bridges.notice import Notice
from ticker.bridges.outbox import Outbox
from ticker.bridges.provider import ACCEPTED, Answer, Provider
from ticker.bridges.register import Register
from ticker.bridges.runner import Bridge, Fleet
from ticker.bridges.sender import Rules
from ticker.bridges.target import Target, id_of
from ticker.bridges.way import Way
from ticker.bridges.webhook import Webhook
from ticker.bridges.webpush import Vapid, WebPush, private_key
from ticker.channel import DEFAULT, Channel
from ticker.draft import Patch
from ticker.item import Item
from ticker.metrics import Metrics
from ticker.store import Store
from ticker.stream import Log
from ulid import ULID

from tests.fakes.apns import KEY_ID, TEAM, TOPIC, FakeApns
from tests.fakes.fcm import FakeFcm
from tests.fakes.webhook import FakeWebhook
from tests.fakes.webpush import Browser
from tests.test_draft import draft
from tests.waiting import until

VAPID_KEY = "aFuH0YbDb5VQy1B1vUcD0SLYfnc1lDhxiEwOXKlJ7bo"
"""A private key, for tests only."""
AMAL = "amal Amal, editor of en"
AT_ONCE = DEFAULT[0].model_copy(update={"push_hold": 0})
"""The channel `en`, whose pushes wait for nobody."""
AGAIN_SOON = Rules(first=0.01, most=0.02)
"""Tries that fail come again at once."""


class Printer:
    """A provider with one audience, which keeps what it is given; it can be told to fail."""

    name = "printer"

    def __init__(self) -> None:
        self.told: list[Notice] = []
        self.rows: list[str] = []
        self.answers: list[Answer | Exception] = []
        self.hold: asyncio.Event | None = None

    def audiences(self, item: Item) -> Sequence[Target]:
        return [Target(id="everybody", provider=self.name, address="everybody", topics=item.push.topics)]

    async def send(self, notice: Notice, target: Target, row: str) -> Answer:
        self.rows.append(row)
        if self.hold is not None:
            await self.hold.wait()
        answer = self.answers.pop(0) if self.answers else ACCEPTED
        if isinstance(answer, Exception):
            raise answer
        if answer.kind == "accepted":
            self.told.append(notice)
        return answer

    async def rehearse(self, notice: Notice, target: Target, row: str) -> str:
        return "fine"

    async def close(self) -> None:
        """Nothing is open."""

    @property
    def bodies(self) -> list[tuple[str, str]]:
        """What was told: action and text."""
        return [(notice.action, notice.body) for notice in self.told]


class Room:
    """Editors of `en`, and the bridge that they send through."""

    def __init__(self, store: Store, channel: Channel = AT_ONCE) -> None:
        self.store = store
        self.channel = channel
        self.channels = {"en": channel}
        self.log = Log(store, "en")
        self.register = Register(store, "en")
        self.outbox = Outbox(store, "en", lease_ms=50)
        self.metrics = Metrics(self.channels)

    @asynccontextmanager
    async def sending(
        self, *providers: Provider, rules: Rules = AGAIN_SOON, worker: str = "w", outbox: Outbox | None = None
    ) -> AsyncIterator[Bridge]:
        """A bridge that runs, and has joined its group."""
        fleet = Fleet(providers, rate=0, at_once=128)
        bridge = Bridge(self.store, "en", fleet, self.channels, self.metrics, rules, outbox or self.outbox)
        task = asyncio.create_task(tasks.supervised("push", lambda: bridge.run(worker)))
        try:
            await until(self.joined, "the bridge to join")
            yield bridge
        finally:
            await tasks.end([task])
            await fleet.close()

    async def joined(self) -> bool:
        """Whether the group is there."""
        redis = self.store.redis
        return bool(await redis.exists("{ticker:en}:log")) and bool(await redis.xinfo_groups("{ticker:en}:log"))

    async def post(self, headline: str = "The bridge is open again", **fields: Any) -> Item:
        """A new item."""
        change = acts.publish(draft(headline=headline, **fields), self.channel, str(ULID()), "amal")
        return (await self.log.append(change, AMAL)).item

    async def change(self, item: Item, **fields: Any) -> Item:
        """An update, unless `signal` says otherwise."""
        patch = Patch.model_validate({"signal": "update", **fields}, strict=False)
        newest = await self.newest(item)
        return (await self.log.append(acts.change(newest, patch, self.channel, "amal"), AMAL)).item

    async def retract(self, item: Item, reason: str = "Sent in error") -> Item:
        """Taken back."""
        return (await self.log.append(acts.retract(await self.newest(item), reason), AMAL)).item

    async def newest(self, item: Item) -> Item:
        """As it stands."""
        found = await self.log.item(item.id)
        assert found is not None
        return found

    async def counts(self, item: Item) -> dict[int, dict[str, dict[str, int]]]:
        """How its pushes stand."""
        return await self.outbox.status(item.id)

    async def settled(self, item: Item, versions: int = 1) -> None:
        """Wait until all rows of so many versions have ended."""

        async def over() -> bool:
            found = await self.counts(item)
            return len(found) >= versions and not any(
                outcomes.get("pending") for providers in found.values() for outcomes in providers.values()
            )

        await until(over, "every row to end")

    async def change_due(self, item: Item) -> None:
        """Whatever of it waits is looked at now."""
        for key in await self.store.redis.keys("{ticker:en}:push:queue:*"):
            lots: Any = await self.store.redis.zrange(key, 0, -1)
            for lot in lots:
                if lot.startswith(item.id.encode()):
                    await self.store.redis.zadd(key, {lot: 0})

    async def subscribe(self, browser: Browser, **wants: Any) -> Target:
        """Register a browser."""
        keys = browser.subscription()["keys"]
        return await self.add("webpush", browser.endpoint, keys=keys, **wants)

    async def add(self, provider: str, address: str, **fields: Any) -> Target:
        """Register a target."""
        target = Target(id=id_of(provider, address), provider=provider, address=address, **fields)
        assert await self.register.add(target)
        return target


def vapid() -> Vapid:
    """Who sends in tests."""
    return Vapid(private_key(VAPID_KEY), "mailto:ops@news.example")


def guard() -> Guard:
    """Loopback may be sent to."""
    return Guard("127.0.0.0/8")


def webpush(answer: float = 15.0) -> WebPush:
    """Web Push to fakes."""
    return WebPush(vapid(), Way(guard=guard(), answer=answer))


def fcm(fake: FakeFcm, answer: float = 15.0) -> Fcm:
    """Firebase, as the fake."""
    way = Way(answer=answer)
    return Fcm(Account(fake.credentials, way), way, url=fake.url)


def apns(fake: FakeApns, answer: float = 15.0) -> Apns:
    """Apple, as the fake."""
    return Apns(Signer(fake.pem, KEY_ID, TEAM), Way(http2=True, answer=answer), TOPIC, url=fake.url)


def webhook(fake: FakeWebhook | None = None, answer: float = 15.0) -> Webhook:
    """Webhooks to fakes."""
    return Webhook(Way(guard=guard(), answer=answer))
