"""Firebase: the grant, messages to the letter, topics and conditions, what it answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from firebase_admin import messaging
from firebase_admin._messaging_encoder import MessageEncoder
from ticker.bridges.fcm import Account, Fcm, topics
from ticker.bridges.target import Target
from ticker.bridges.way import Way
from ticker.store import Store

from tests.bridges.stage import Room, fcm
from tests.bridges.test_notice import item, told
from tests.fakes.faults import Fault
from tests.fakes.fcm import FakeFcm


async def test_a_whole_life_reaches_phones_by_topic_and_by_token(store: Store) -> None:
    """The same tag each time, the version up, no sound after the first; one grant for all of it."""
    room, fake = Room(store), FakeFcm()
    async with fake.running(), room.sending(fcm(fake)):
        follower, single = fake.phone("", "breaking.en"), fake.phone("token-" + "x" * 30)
        await room.add("fcm", "token-" + "x" * 30)
        item = await room.post("17 are safe", urgency=1)
        await room.settled(item)
        await room.change(item, signal="correction", headline="19 are safe", correction_note="19, not 17")
        await room.settled(item, 2)
        await room.retract(item, "A drill")
        await room.settled(item, 3)
    for mailbox in (follower, single):
        assert [(item.id, 1), (item.id, 2), (item.id, 3)] == mailbox.phone.taken
        assert [(item.id, 1)] == mailbox.phone.rung
        assert "Alert withdrawn: A drill" == mailbox.phone.shown[item.id].body
    assert [] == fake.complaints.told
    assert 1 == fake.grants
    assert {version: {"fcm": {"accepted": 2}} for version in (3, 2, 1)} == await room.counts(item)


async def test_an_item_with_topics_goes_to_those_who_follow_one_of_them(store: Store) -> None:
    """In as few messages as conditions of five allow; names that a topic may not have are escaped."""
    room, fake = Room(store), FakeFcm()
    async with fake.running(), room.sending(fcm(fake)):
        all_, cup, sport, other = (
            fake.phone("", topic)
            for topic in (
                "breaking.en",
                "breaking.en.World%20cup",
                "breaking.en.section.sport",
                "breaking.en.section.world",
            )
        )
        names = ["World cup", *(f"topic-{number}" for number in range(5))]
        item = await room.post("The cup is won", sections=["sport"], push={"topics": names})
        await room.settled(item)
    assert [1, 1, 1, 0] == [len(mailbox.phone.shown) for mailbox in (all_, cup, sport, other)]
    assert 2 == len(fake.messages)
    assert [] == fake.complaints.told


async def test_what_firebase_says_is_done(store: Store) -> None:
    """A token that is unregistered goes, 401 brings a new grant, 429 and 503 are tried again, 400 is a dead letter."""
    room, fake = Room(store), FakeFcm()
    async with fake.running(), room.sending(fcm(fake)):
        phone = fake.phone("", "breaking.en")
        await room.add("fcm", "gone-" + "x" * 30)
        first = await room.post("first")
        await room.settled(first)
        assert {1: {"fcm": {"accepted": 1, "cancelled": 1}}} == await room.counts(first)
        assert {} == await room.register.count()
        fake.revoke()
        fake.script.queue.extend([Fault(429, headers=(("Retry-After", "0"),)), Fault(503)])
        second = await room.post("second")
        await room.settled(second)
        assert {1: {"fcm": {"accepted": 1}}} == await room.counts(second)
        assert 2 == fake.grants
        error = {"error": {"status": "INVALID_ARGUMENT", "message": "no"}}
        fake.script.queue.append(Fault(400, json.dumps(error).encode()))
        third = await room.post("third")
        await room.settled(third)
    assert 2 == len(phone.phone.shown)
    ((_, letter),) = await room.outbox.dead()
    assert "400 INVALID_ARGUMENT no" == letter["reason"]


async def test_a_message_that_is_too_long_for_a_topic_is_a_dead_letter(store: Store) -> None:
    """2,048 bytes to a topic, 4,096 to a phone: what fits the one may not fit the other."""
    room, fake = Room(store), FakeFcm()
    async with fake.running(), room.sending(fcm(fake)):
        fake.phone("", "breaking.en")
        single = fake.phone("token-" + "x" * 30)
        await room.add("fcm", "token-" + "x" * 30)
        item = await room.post("short", link="https://news.example/" + "x" * 1900)
        await room.settled(item)
    assert {1: {"fcm": {"accepted": 1, "dead_lettered": 1}}} == await room.counts(item)
    assert 1 == len(single.phone.shown)
    assert [] == fake.complaints.told


async def test_a_rehearsal_asks_firebase_and_sends_nothing() -> None:
    """`validate_only`."""
    fake = FakeFcm()
    async with fake.running():
        phone, provider = fake.phone("", "breaking.en"), fcm(fake)
        (audience,) = provider.audiences(item())
        assert "valid" in await provider.rehearse(told(), audience, "row")
        await provider.close()
    assert (1, []) == (fake.rehearsed, phone.phone.taken)


@pytest.mark.filterwarnings("ignore:Message.token is deprecated:DeprecationWarning")
async def test_firebases_own_library_writes_the_same_message() -> None:
    """firebase-admin's encoder, which needs no network; it counts a ttl in another way, and means the same."""
    account = {"project_id": "p", "client_email": "e", "private_key": "k", "token_uri": "https://t.example"}
    provider = Fcm(Account(account, Way()), Way())
    notice = told(urgency=1, link="https://news.example/1")
    for target in (
        Target(id="breaking.en", provider="fcm", address="breaking.en"),
        Target(id="hash", provider="fcm", address="token"),
        Target(id="'a' in topics || 'b' in topics", provider="fcm", address="'a' in topics || 'b' in topics"),
    ):
        ours: dict[str, Any] = json.loads(provider.message(notice, target))["message"]
        kind = next(name for name in ("token", "topic", "condition") if name in ours)
        theirs = messaging.Message(
            data=ours["data"],
            android=messaging.AndroidConfig(
                priority="high",
                ttl=int(ours["android"]["ttl"][:-1]),
                notification=messaging.AndroidNotification(**ours["android"]["notification"]),
            ),
            **{kind: target.address},
        )
        encoded = MessageEncoder().default(theirs)
        encoded["android"]["priority"] = encoded["android"]["priority"].upper()
        assert encoded == ours


@pytest.mark.parametrize("name", ["project_id", "client_email", "private_key", "token_uri"])
async def test_an_account_that_lacks_something_is_refused(name: str) -> None:
    """By the name of what is missing."""
    account = {"project_id": "p", "client_email": "e", "private_key": "k", "token_uri": "https://t.example"}
    with pytest.raises(ValueError, match=name):
        Account({**account, name: ""}, Way())


def test_the_topics_of_an_item() -> None:
    """Its channel's, its own, its sections' and its regions'."""
    found = item(sections=["sport"], regions=["asia"], push={"topics": ["World cup"]})
    assert [
        "breaking.en",
        "breaking.en.World%20cup",
        "breaking.en.section.sport",
        "breaking.en.region.asia",
    ] == topics(found, "breaking")
