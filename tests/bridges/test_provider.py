"""What the bridge asks of a provider: one contract, held by all of them."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import pytest
from ticker.bridges.log import LogProvider
from ticker.bridges.provider import Provider
from ticker.bridges.signing import fresh
from ticker.bridges.target import STORED, Target

from tests.bridges.stage import apns, fcm, vapid, webhook, webpush
from tests.bridges.test_notice import item, told
from tests.fakes.apns import FakeApns
from tests.fakes.faults import Fault
from tests.fakes.fcm import FakeFcm
from tests.fakes.webhook import FakeWebhook
from tests.fakes.webpush import FakeWebPush

ROW = "0190d9a8-0000-5000-8000-000000000000"


@pytest.mark.parametrize("name", STORED)
async def test_a_notice_is_accepted_or_told_why_not_and_nothing_is_raised(name: str) -> None:
    """Whatever the provider does: an answer that says what to do next."""
    async with AsyncExitStack() as stack:
        secret = fresh()
        fakes: dict[str, Any] = {"fcm": FakeFcm(), "apns": FakeApns(), "webpush": FakeWebPush(vapid().public)}
        fake = fakes.get(name) or FakeWebhook(secret)
        await stack.enter_async_context(fake.running())
        provider, target = _made(name, fake, secret)
        stack.push_async_callback(provider.close)
        assert "accepted" == (await provider.send(told(), target, ROW)).kind
        faults = [Fault(429, headers=(("Retry-After", "3"),)), Fault(500), Fault(503), Fault(0), Fault(413), Fault(410)]
        fake.script.queue.extend(faults)
        kinds = [(await provider.send(told(), target, ROW)).kind for _ in faults]
        assert ["later"] * 4 + ["refused"] == kinds[:5]
        assert kinds[5] in ("gone", "refused")
        assert name == provider.name
        assert [] == fake.complaints.told
    assert "later" == (await provider.send(told(), target, ROW)).kind  # nobody listens any more
    await provider.close()


def _made(name: str, fake: object, secret: str) -> tuple[Provider, Target]:
    if isinstance(fake, FakeFcm):
        fake.phone("token-" + "x" * 30)
        return fcm(fake, 0.3), Target(id="t", provider=name, address="token-" + "x" * 30)
    if isinstance(fake, FakeApns):
        token, _ = fake.phone()
        return apns(fake, 0.3), Target(id="t", provider=name, address=token)
    if isinstance(fake, FakeWebPush):
        browser = fake.browser()
        return webpush(0.3), Target(
            id="t", provider=name, address=browser.endpoint, keys=browser.subscription()["keys"]
        )
    assert isinstance(fake, FakeWebhook)
    return webhook(answer=0.3), Target(id="t", provider=name, address=f"{fake.url}/hook", secrets=(secret,))


async def test_only_those_that_keep_followers_have_audiences() -> None:
    """Firebase its topics, the printer whoever reads; the others send to whom we keep."""
    fake = FakeFcm()
    async with fake.running():
        provider = fcm(fake)
        assert ["breaking.en"] == [target.address for target in provider.audiences(item())]
        await provider.close()
    assert 1 == len(LogProvider().audiences(item()))
    for other in (webpush(), webhook()):
        assert [] == list(other.audiences(item()))
        await other.close()
