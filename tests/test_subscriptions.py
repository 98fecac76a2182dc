"""Targets over HTTP: browsers by themselves, others with a key; and what became of a push."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ticker.bridges.register import Register
from ticker.bridges.target import id_of
from ticker.store import Store

from tests.bridges.stage import VAPID_KEY, vapid
from tests.fakes.webpush import Browser, FakeWebPush
from tests.stage import AUTHORIZED, Stage, running
from tests.waiting import until

PUSH: dict[str, Any] = {
    "vapid_key": VAPID_KEY,
    "vapid_subject": "mailto:ops@news.example",
    "push_trusted": "127.0.0.0/8",
}
TARGETS = "/v1/channels/en/targets"
SUBSCRIPTIONS = "/v1/channels/en/subscriptions"
DEVICE = {"provider": "fcm", "address": "token-" + "x" * 30}


def subscription(endpoint: str = "https://updates.push.services.mozilla.com/wpush/v2/x", **more: Any) -> dict[str, Any]:
    """As a browser sends it."""
    browser = Browser(lambda: 0.0)
    browser.endpoint = endpoint
    return browser.subscription() | more


async def test_a_browser_subscribes_is_told_and_unsubscribes(store: Store, valkey: str) -> None:
    """From the button to the notification, through a service that does everything, and what became of it."""
    fake = FakeWebPush(vapid().public)
    async with fake.running(), running(valkey, "serve", **PUSH) as stage:
        assert {"webpush": vapid().public} == (await stage.http.get("/v1/push")).json()
        browser = fake.browser()
        answer = await stage.http.post(SUBSCRIPTIONS, json=browser.subscription(), headers={"Authorization": ""})
        assert 200 == answer.status_code, answer.text
        name = answer.json()["id"]
        assert (id_of("webpush", browser.endpoint), "webpush") == (name, answer.json()["provider"])
        item = (await stage.post("17 are safe"))["item"]["id"]
        await until(lambda: bool(browser.phone.shown), "the alert")
        assert "17 are safe" == browser.phone.shown[item].body

        async def told() -> bool:
            status = (await stage.http.get(f"/v1/channels/en/items/{item}/push")).json()
            return bool(
                {
                    "id": item,
                    "version": 1,
                    "pushes": [{"version": 1, "provider": "webpush", "outcomes": {"accepted": 1}}],
                }
                == status
            )

        await until(told, "it to be counted")
        assert {"targets": {"webpush": 1}} == (await stage.http.get(TARGETS)).json()
        path = f"{SUBSCRIPTIONS}/{name}"
        assert [204, 404] == [(await stage.http.delete(path)).status_code for _ in range(2)]
        await stage.retract(item)
        await stage.post("another one")
    assert [] == fake.complaints.told
    assert [(item, 1)] == browser.phone.taken


async def test_without_web_push_nobody_subscribes(stage: Stage) -> None:
    """And the page can tell."""
    assert {} == (await stage.http.get("/v1/push")).json()
    answer = await stage.http.post(SUBSCRIPTIONS, json=subscription())
    assert (404, "urn:ticker:problem:not-found") == (answer.status_code, answer.json()["type"])


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        (subscription("https://10.0.0.1/x"), "endpoint"),
        (subscription("https://evil.example/x"), "endpoint"),
        (subscription("http://updates.push.services.mozilla.com/x"), "endpoint"),
        (subscription(sections=["gossip"]), "sections.0"),
        (subscription(urgency=0), "urgency"),
        ({**subscription(), "keys": {"p256dh": "BA" + "A" * 85, "auth": "A" * 22}}, "keys.p256dh"),
        ({**subscription(), "keys": {"p256dh": "BA" + "A" * 85}}, "keys.auth"),
        ({"endpoint": 5}, "endpoint"),
    ],
)
async def test_a_subscription_that_leads_nowhere_is_refused(
    store: Store, valkey: str, sent: dict[str, Any], field: str
) -> None:
    """With the field that is wrong; nothing is stored."""
    async with running(valkey, "api", **PUSH) as stage:
        answer = await stage.http.post(SUBSCRIPTIONS, json=sent)
        assert (422, field) == (answer.status_code, answer.json().get("field")), answer.text
    assert {} == await Register(store, "en").count()


async def test_devices_and_webhooks_are_registered_with_a_key(stage: Stage, store: Store) -> None:
    """The same address is the same target; a webhook's secret is told once, at its registration."""
    first, again = [(await stage.http.post(TARGETS, json=DEVICE | wants)).json() for wants in ({}, {"urgency": 2})]
    assert {"id": id_of("fcm", DEVICE["address"]), "provider": "fcm"} == first == again
    hook = {"provider": "webhook", "address": "https://hooks.example/x"}
    (secret,) = (await stage.http.post(TARGETS, json=hook)).json()["secrets"]
    assert 32 == len(base64.b64decode(secret.removeprefix("whsec_")))
    given = (await stage.http.post(TARGETS, json=hook | {"secrets": [secret]})).json()
    assert [secret] == given["secrets"]
    assert {"targets": {"fcm": 1, "webhook": 1}} == (await stage.http.get(TARGETS)).json()
    assert [204, 404] == [(await stage.http.delete(f"{TARGETS}/{given['id']}")).status_code for _ in range(2)]
    (bucket,) = await Register(store, "en").buckets("fcm")
    assert [2] == [target.urgency for target in await Register(store, "en").bucket("fcm", bucket)]


@pytest.mark.parametrize(
    "address",
    [
        "https://127.0.0.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:10.0.0.1]/x",
        "http://hooks.example/x",
        "https://user:word@hooks.example/x",
        "gopher://hooks.example/x",
    ],
)
async def test_a_webhook_that_leads_inside_is_refused(stage: Stage, address: str) -> None:
    """By its field, before anything is stored."""
    answer = await stage.http.post(TARGETS, json={"provider": "webhook", "address": address})
    assert (422, "address") == (answer.status_code, answer.json()["field"])
    assert {"targets": {}} == (await stage.http.get(TARGETS)).json()


async def test_who_has_no_key_registers_no_device(stage: Stage) -> None:
    """Nor looks at what there is."""
    nobody = {"Authorization": "Bearer nobody"}
    assert 401 == (await stage.http.post(TARGETS, json=DEVICE, headers=nobody)).status_code
    assert 401 == (await stage.http.get(TARGETS, headers=nobody)).status_code
    assert 401 == (await stage.http.get(f"/v1/channels/en/items/{'0' * 26}/push", headers=nobody)).status_code
    assert 404 == (await stage.http.get(f"/v1/channels/en/items/{'0' * 26}/push", headers=AUTHORIZED)).status_code


async def test_there_are_only_so_many_and_strangers_have_a_limit(store: Store, valkey: str) -> None:
    """503 with the reason; and an address that subscribes without a pause is told to wait."""
    async with running(valkey, "api", **PUSH, push_targets=1, address_limit=3) as stage:
        answers = [
            await stage.http.post(
                SUBSCRIPTIONS,
                json=subscription(f"https://fcm.googleapis.com/fcm/send/{number}"),
                headers={"Authorization": ""},
            )
            for number in range(4)
        ]
    assert [200, 503, 503, 429] == [answer.status_code for answer in answers]
    assert "urn:ticker:problem:unavailable" == answers[1].json()["type"]
