"""The providers that the settings name; what is wrong is told by the variable's name."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import SecretStr
from ticker.bridges import roster
from ticker.errors import SettingsError
from ticker.settings import Settings

from tests.bridges.stage import VAPID_KEY
from tests.fakes.apns import KEY_ID, TEAM, TOPIC, FakeApns
from tests.fakes.fcm import FakeFcm

APPLE = {"apns_key": FakeApns().pem, "apns_key_id": KEY_ID, "apns_team": TEAM, "apns_topic": TOPIC}
BROWSERS = {"vapid_key": VAPID_KEY, "vapid_subject": "mailto:ops@news.example"}


def settings(**given: Any) -> Settings:
    """Settings of a store that nobody asks."""
    return Settings(redis_url=SecretStr("redis://127.0.0.1:1"), **given)


async def names(found: Settings) -> list[str]:
    """What the providers are called."""
    providers = roster.providers(found)
    for provider in providers:
        await provider.close()
    return [provider.name for provider in providers]


async def test_what_is_configured_is_sent_with_and_else_it_is_printed() -> None:
    """In their order."""
    assert ["log"] == await names(settings())
    account = {"fcm_credentials": json.dumps(FakeFcm().credentials)}
    every = settings(**account, **APPLE, **BROWSERS, webhooks=True)
    assert ["fcm", "apns", "webpush", "webhook"] == await names(every)


@pytest.mark.parametrize(
    ("given", "variable"),
    [
        ({"fcm_credentials": "{}"}, "TICKER_FCM_CREDENTIALS"),
        ({"fcm_credentials": "not JSON"}, "TICKER_FCM_CREDENTIALS"),
        ({"fcm_credentials": "[]"}, "TICKER_FCM_CREDENTIALS"),
        ({**APPLE, "apns_key": "no key"}, "TICKER_APNS_KEY"),
        ({**APPLE, "apns_team": None}, "TICKER_APNS_TEAM"),
        ({**APPLE, "apns_key_id": None}, "TICKER_APNS_KEY_ID"),
        ({**APPLE, "apns_topic": None}, "TICKER_APNS_TOPIC"),
        ({**BROWSERS, "vapid_key": "AAAA"}, "TICKER_VAPID_KEY"),
        ({"vapid_key": VAPID_KEY}, "TICKER_VAPID_SUBJECT"),
    ],
)
async def test_what_is_wrong_is_told_by_its_name(given: dict[str, Any], variable: str) -> None:
    """And holds no secret."""
    with pytest.raises(SettingsError) as refused:
        await names(settings(**given))
    assert variable == refused.value.variable
    assert VAPID_KEY not in str(refused.value)
