"""Web Push: what RFC 8030 and 8292 ask for, opened by the browser's own library."""

from __future__ import annotations

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from py_vapid import Vapid02
from ticker.bridges import sealing
from ticker.bridges.way import Reply
from ticker.bridges.webpush import Vapid, answered, private_key
from ticker.store import Store

from tests.bridges.stage import VAPID_KEY, Room, vapid, webpush
from tests.bridges.test_notice import told
from tests.fakes.faults import Fault
from tests.fakes.webpush import Browser, FakeWebPush


async def test_a_whole_life_reaches_the_browser_to_the_letter(store: Store) -> None:
    """Alert, correction, withdrawal: one notification, replaced in its place, and nothing that the service minds."""
    room, fake = Room(store), FakeWebPush(vapid().public)
    async with fake.running(), room.sending(webpush()):
        browser = fake.browser()
        await room.subscribe(browser)
        item = await room.post("17 are safe", urgency=1, link="https://news.example/1", push={"ttl": 600})
        await room.settled(item)
        assert ("alert", "17 are safe") == _shown(browser, item.id)
        await room.change(item, signal="correction", headline="19 are safe", correction_note="19, not 17")
        await room.settled(item, 2)
        assert ("update", "19 are safe") == _shown(browser, item.id)
        await room.retract(item, "It was a drill")
        await room.settled(item, 3)
    assert ("withdraw", "Alert withdrawn: It was a drill") == _shown(browser, item.id)
    assert [(item.id, 1)] == browser.phone.rung
    assert [] == fake.complaints.told
    assert ["high", "normal", "low"] == [headers["urgency"] for headers in fake.headers]
    assert "600" == fake.headers[0]["ttl"]
    first, _, last = fake.opened
    assert ("Breaking news", "en", "ltr", "https://news.example/1") == tuple(
        first[name] for name in ("title", "lang", "dir", "url")
    )
    assert "url" not in last


def _shown(browser: Browser, item_id: str) -> tuple[str, str]:
    shown = browser.phone.shown[item_id]
    return shown.action, shown.body


async def test_a_subscription_that_is_gone_is_removed(store: Store) -> None:
    """404 and 410 take it out of the register; its row is cancelled, and the next alert asks it no more."""
    room, fake = Room(store), FakeWebPush(vapid().public)
    async with fake.running(), room.sending(webpush()):
        kept, gone = fake.browser(), fake.browser()
        for browser in (kept, gone):
            await room.subscribe(browser)
        gone.gone = True
        item = await room.post("first")
        await room.settled(item)
        assert {1: {"webpush": {"accepted": 1, "cancelled": 1}}} == await room.counts(item)
        assert {"webpush": 1} == await room.register.count()
        asked = fake.requests
        await room.settled(await room.post("second"))
        assert 1 == fake.requests - asked
    assert b'ticker_push_targets_removed_total{provider="webpush"} 1.0' in room.metrics.page()


async def test_what_the_service_says_is_done(store: Store) -> None:
    """429 and 500 are tried again, 413 is a dead letter, no answer is tried again and counted once."""
    room, fake = Room(store), FakeWebPush(vapid().public)
    async with fake.running(), room.sending(webpush(answer=0.3)):
        browser = fake.browser()
        await room.subscribe(browser)
        fake.script.queue.extend(
            [Fault(429, headers=(("Retry-After", "0"),)), Fault(500), Fault(0), Fault(0, taken=True)]
        )
        item = await room.post("late")
        await room.settled(item)
        assert [(item.id, 1), (item.id, 1)] == browser.phone.taken
        fake.script.queue.append(Fault(413, b"too large"))
        refused = await room.post("refused")
        await room.settled(refused)
    assert {1: {"webpush": {"accepted": 1}}} == await room.counts(item)
    ((_, letter),) = await room.outbox.dead()
    assert ("413 too large", refused.id) == (letter["reason"], letter["item"])


async def test_only_those_who_asked_for_it_are_told(store: Store) -> None:
    """By section, by topic, by urgency; a correction that moves the item still reaches who was told before."""
    room, fake = Room(store), FakeWebPush(vapid().public)
    async with fake.running(), room.sending(webpush()):
        sport, world, urgent, cup = (fake.browser() for _ in range(4))
        await room.subscribe(sport, sections=("sport",))
        await room.subscribe(world, sections=("world",))
        await room.subscribe(urgent, urgency=2)
        await room.subscribe(cup, topics=("cup",))
        item = await room.post("The cup is won", sections=["sport"], push={"topics": ["cup"]})
        await room.settled(item)
        told = [[name for name, _ in browser.phone.taken] for browser in (sport, world, urgent, cup)]
        assert [[item.id], [], [], [item.id]] == told
        await room.change(item, sections=["world"])
        await room.settled(item, 2)
        assert [2, 1, 0, 2] == [len(browser.phone.taken) for browser in (sport, world, urgent, cup)]
        await room.retract(item)
        await room.settled(item, 3)
    assert [3, 2, 0, 3] == [len(browser.phone.taken) for browser in (sport, world, urgent, cup)]
    assert [] == fake.complaints.told


async def test_a_subscription_whose_keys_are_none_is_removed(store: Store) -> None:
    """It cannot be sealed for; nothing else waits for it."""
    room, fake = Room(store), FakeWebPush(vapid().public)
    async with fake.running(), room.sending(webpush()):
        await room.add("webpush", f"{fake.url}/push/x", keys={"p256dh": "BA", "auth": "AA"})
        item = await room.post("x")
        await room.settled(item)
    assert {1: {"webpush": {"cancelled": 1}}} == await room.counts(item)
    assert {} == await room.register.count()


def test_one_token_serves_an_origin_until_an_hour_before_its_end() -> None:
    """Signed once for all subscriptions of a push service, by a clock that a test can turn."""
    now = [1_800_000_000.0]
    sender = Vapid(private_key(VAPID_KEY), "mailto:ops@news.example", lambda: now[0])
    first = sender.authorization("https://push.example/a")
    assert first == sender.authorization("https://push.example/b")
    assert first != sender.authorization("https://other.example/b")
    now[0] += 11 * 3600 - 1
    assert first == sender.authorization("https://push.example/a")
    now[0] += 2
    assert first != sender.authorization("https://push.example/a")


def test_the_token_is_what_another_library_makes_of_it() -> None:
    """py-vapid reads our key, and signs the same claims with the same public key in its header."""
    theirs = Vapid02.from_raw(VAPID_KEY.encode()).sign(
        {"aud": "https://push.example", "sub": "mailto:ops@news.example"}
    )
    ours = vapid().authorization("https://push.example/x")
    (token, key), (their_token, their_key) = (_parts(told) for told in (ours, theirs["Authorization"]))
    assert their_key.rstrip("=") == key
    claims, their_claims = (jwt.decode(told, options={"verify_signature": False}) for told in (token, their_token))
    assert {name: their_claims[name] for name in ("aud", "sub")} == {name: claims[name] for name in ("aud", "sub")}
    public = private_key(VAPID_KEY).public_key()
    for each in (token, their_token):
        assert "https://push.example" == jwt.decode(each, public, ["ES256"], audience="https://push.example")["aud"]


def _parts(authorization: str) -> tuple[str, str]:
    t, k = authorization.removeprefix("vapid ").split(",")
    return t.strip().removeprefix("t="), k.strip().removeprefix("k=")


def test_a_key_is_taken_as_pem_and_as_other_tools_print_it() -> None:
    """And anything else is refused."""
    key = private_key(VAPID_KEY)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    assert vapid().public == Vapid(private_key(pem), "mailto:x@y.example").public
    for wrong in ("", "AAAA", "not base64 at all!", "A" * 43 + "B" * 10):
        with pytest.raises(ValueError, match=r"[a-z]"):
            private_key(wrong)
    other = generate_private_key(SECP256R1())
    assert sealing.told(other.private_numbers().private_value.to_bytes(32)) != VAPID_KEY


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (201, "accepted"),
        (404, "gone"),
        (410, "gone"),
        (400, "refused"),
        (413, "refused"),
        (429, "later"),
        (503, "later"),
    ],
)
def test_every_status_means_one_thing(status: int, kind: str) -> None:
    """RFC 8030, and what push services do besides."""
    assert kind == answered(Reply(status, {}, b"")).kind


async def test_a_rehearsal_sends_nothing(store: Store) -> None:
    """The request is built, to the last byte."""
    room, fake = Room(store), FakeWebPush()
    async with fake.running():
        target = await room.subscribe(fake.browser())
        said = await webpush().rehearse(told(), target, "row")
    assert "built, not sent" in said
    assert 0 == fake.requests
