"""Webhooks, by the reference library of Standard Webhooks; and where they may not lead."""

from __future__ import annotations

import pytest
from ticker.bridges.guard import Guard
from ticker.bridges.signing import fresh
from ticker.bridges.way import Way
from ticker.bridges.webhook import Webhook
from ticker.store import Store

from tests.bridges.stage import Room, webhook
from tests.fakes.faults import Fault
from tests.fakes.webhook import FakeWebhook


async def test_a_webhook_is_signed_and_keeps_its_id_over_tries(store: Store) -> None:
    """Two secrets sign while one follows the other: either receiver takes it."""
    old, new = fresh(), fresh()
    room, fake = Room(store), FakeWebhook(old)
    async with fake.running(), room.sending(webhook(answer=0.3)):
        await room.add("webhook", f"{fake.url}/hook", secrets=(new, old))
        fake.script.queue.extend([Fault(500), Fault(0), Fault(404)])
        item = await room.post("17 are safe")
        await room.settled(item)
        assert (4, 1) == (len(fake.ids), len(set(fake.ids)))
        fake.secret = new
        await room.retract(item, "A drill")
        await room.settled(item, 2)
    assert [("alert.alert", 1), ("alert.withdraw", 2)] == [
        (told["type"], told["data"]["version"]) for told in fake.told
    ]
    assert [] == fake.complaints.told
    assert 2 == len(set(fake.ids))


async def test_410_ends_a_webhook_and_a_redirect_is_not_followed(store: Store) -> None:
    """The one is removed, the other a dead letter: it leads who knows where."""
    secret = fresh()
    room, fake = Room(store), FakeWebhook(secret)
    async with fake.running(), room.sending(webhook()):
        await room.add("webhook", f"{fake.url}/hook", secrets=(secret,))
        fake.script.queue.append(Fault(410))
        await room.settled(await room.post("x"))
        assert {} == await room.register.count()
        await room.add("webhook", f"{fake.url}/elsewhere", secrets=(secret,))
        asked = len(fake.ids)
        item = await room.post("y")
        await room.settled(item)
        assert asked == len(fake.ids)
    ((_, letter),) = await room.outbox.dead()
    assert letter["reason"].startswith("307")
    assert {1: {"webhook": {"dead_lettered": 1}}} == await room.counts(item)


@pytest.mark.parametrize(
    "address",
    [
        "https://10.0.0.1/hook",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/hook",
        "https://[::ffff:10.0.0.1]/hook",
        "https://localhost/hook",
        "http://news.example/hook",
    ],
)
async def test_what_leads_inside_is_never_connected_to(store: Store, address: str) -> None:
    """However it came into the register: its row is a dead letter that says why."""
    room = Room(store)
    async with room.sending(Webhook(Way(guard=Guard()))):
        await room.add("webhook", address, secrets=(fresh(),))
        item = await room.post("x")
        await room.settled(item)
    assert {1: {"webhook": {"dead_lettered": 1}}} == await room.counts(item)
    ((_, letter),) = await room.outbox.dead()
    assert any(words in letter["reason"] for words in ("not a public address", "only https")), letter
