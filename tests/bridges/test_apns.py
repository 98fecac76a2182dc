"""Apple: HTTP/2, tokens that are renewed in time, headers that fit together, GOAWAY."""

from __future__ import annotations

import json

import pytest
from ticker.bridges.apns import RENEW, Apns, Signer, answered
from ticker.bridges.sender import Rules
from ticker.bridges.target import Target
from ticker.bridges.way import Reply, Way
from ticker.store import Store

from tests.bridges.stage import AGAIN_SOON, Room, apns
from tests.bridges.test_notice import told
from tests.fakes.apns import KEY_ID, PERIOD, TEAM, TOPIC, FakeApns
from tests.fakes.faults import Fault


async def test_a_whole_life_reaches_the_phone_to_the_letter(store: Store) -> None:
    """Alert, correction, withdrawal: one collapse id, one line, and nothing that Apple minds."""
    room, fake = Room(store), FakeApns()
    async with fake.running(), room.sending(apns(fake)):
        token, mailbox = fake.phone()
        await room.add("apns", token)
        item = await room.post("17 are safe", urgency=1, story="bridge")
        await room.settled(item)
        await room.change(item, signal="correction", headline="19 are safe", correction_note="19, not 17")
        await room.settled(item, 2)
        await room.retract(item, "A drill")
        await room.settled(item, 3)
    assert "Alert withdrawn: A drill" == mailbox.phone.shown[item.id].body
    assert [(item.id, 1)] == mailbox.phone.rung
    assert [] == fake.complaints.told
    levels = [(headers["apns-priority"], sent["aps"]["interruption-level"]) for headers, sent in fake.sent]
    assert [("10", "time-sensitive"), ("10", "active"), ("5", "passive")] == levels
    assert {"bridge"} == {sent["aps"]["thread-id"] for _, sent in fake.sent}
    assert (1, 1) == (fake.connections, len(fake.tokens))


async def test_what_is_to_be_cleared_is_a_push_in_the_background(store: Store) -> None:
    """The other mode of a withdrawal: nothing is shown, and the app takes the notification away."""
    room, fake = Room(store), FakeApns()
    async with fake.running(), room.sending(apns(fake), rules=Rules(clear=True)):
        token, mailbox = fake.phone()
        await room.add("apns", token)
        item = await room.post("17 are safe")
        await room.settled(item)
        await room.retract(item)
        await room.settled(item, 2)
    assert {} == mailbox.phone.shown
    assert [] == fake.complaints.told
    assert "background" == fake.sent[-1][0]["apns-push-type"]


async def test_what_was_not_taken_before_goaway_is_sent_on_another_line(store: Store) -> None:
    """Of many at once, none is lost and none comes twice."""
    room, fake = Room(store), FakeApns()
    async with fake.running(), room.sending(apns(fake)):
        phones = dict(fake.phone() for _ in range(40))
        for token in phones:
            await room.add("apns", token)
        fake.script.queue.extend([None] * 7 + [Fault(goaway=True)])
        item = await room.post("x")
        await room.settled(item)
    assert {1: {"apns": {"accepted": 40}}} == await room.counts(item)
    assert {1} <= {len(mailbox.phone.taken) for mailbox in phones.values()}
    assert all(mailbox.phone.shown for mailbox in phones.values())
    assert 2 <= fake.connections
    assert [] == fake.complaints.told


async def test_a_token_that_is_gone_is_removed_unless_it_registered_again(store: Store) -> None:
    """410 tells since when: what registered later is there again, and is tried again."""
    room, fake = Room(store), FakeApns()
    async with fake.running(), room.sending(apns(fake), rules=Rules(first=0.01, most=0.01)):
        old, _ = fake.phone()
        again, mailbox = fake.phone()
        now = await room.log.now()
        await room.add("apns", old, since=now - 10_000)
        await room.add("apns", again, since=now)
        fake.gone[old] = now - 5000
        fake.script.queue.clear()
        gone = json.dumps({"reason": "Unregistered", "timestamp": now - 5000}).encode()
        left = [Fault(410, gone)]
        fake.script.rule = lambda token: left.pop() if token == again and left else None
        item = await room.post("x")
        await room.settled(item)
    assert {1: {"apns": {"accepted": 1, "cancelled": 1}}} == await room.counts(item)
    assert {"apns": 1} == await room.register.count()
    assert mailbox.phone.shown


async def test_what_apple_says_is_done(store: Store) -> None:
    """429 and 500 are tried again, what is wrong is a dead letter, a token of another app goes."""
    room, fake = Room(store), FakeApns()
    async with fake.running(), room.sending(apns(fake, answer=0.3), rules=AGAIN_SOON):
        token, mailbox = fake.phone()
        await room.add("apns", token)
        fake.script.queue.extend([Fault(429), Fault(500), Fault(0, taken=True)])
        item = await room.post("x")
        await room.settled(item)
        assert mailbox.phone.shown
        fake.script.queue.append(Fault(413, b'{"reason": "PayloadTooLarge"}'))
        await room.settled(await room.post("y"))
        fake.script.queue.append(Fault(400, b'{"reason": "DeviceTokenNotForTopic"}'))
        await room.settled(await room.post("z"))
    ((_, letter),) = await room.outbox.dead()
    assert "413 PayloadTooLarge" == letter["reason"]
    assert {} == await room.register.count()
    assert 1 == len(set(fake.ids[:4]))


async def test_a_token_is_signed_anew_between_20_and_60_minutes() -> None:
    """By a clock that the test turns; Apple's clock is the same."""
    now = [1_800_000_000.0]
    fake = FakeApns(lambda: now[0])
    async with fake.running():
        provider = Apns(
            Signer(fake.pem, KEY_ID, TEAM, lambda: now[0]), Way(http2=True), TOPIC, url=fake.url, clock=lambda: now[0]
        )
        token, _ = fake.phone()
        target = Target(id="t", provider="apns", address=token)
        for _ in range(40):
            answer = await provider.send(told(), target, "0190d9a8-0000-5000-8000-000000000000")
            assert "accepted" == answer.kind, (answer, fake.complaints.told)
            now[0] += 5 * 60
        await provider.close()
    assert [] == fake.complaints.told
    assert 40 * 5 * 60 / RENEW <= len(fake.tokens) <= 40 * 5 * 60 / PERIOD[0]


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (200, "", "accepted"),
        (410, "Unregistered", "gone"),
        (400, "BadDeviceToken", "gone"),
        (400, "BadCollapseId", "refused"),
        (403, "ExpiredProviderToken", "later"),
        (403, "InvalidProviderToken", "refused"),
        (413, "PayloadTooLarge", "refused"),
        (429, "TooManyRequests", "later"),
        (503, "ServiceUnavailable", "later"),
    ],
)
def test_every_answer_means_one_thing(status: int, reason: str, kind: str) -> None:
    """Apple's table."""
    assert kind == answered(Reply(status, {}, json.dumps({"reason": reason}).encode())).kind
