"""What is sent to register a target: what is taken, and what is refused with the field."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from ticker.registration import Subscription, TargetDraft

TOKEN = "fcm-token-" + "x" * 30
KEYS = {"p256dh": "BA" + "x" * 85, "auth": "y" * 22}


@pytest.mark.parametrize(
    "sent",
    [
        {"provider": "fcm", "address": TOKEN},
        {"provider": "apns", "address": "ab" * 32, "sections": ["sport"], "urgency": 2},
        {"provider": "webhook", "address": "https://hooks.example/x", "secrets": ["whsec_" + "A" * 32]},
    ],
)
def test_a_device_and_a_webhook_are_taken(sent: dict[str, Any]) -> None:
    """With what they want, or without."""
    assert sent["provider"] == TargetDraft.model_validate(sent, strict=False).provider


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"provider": "webpush", "address": TOKEN}, "provider"),
        ({"provider": "fcm"}, "address"),
        ({"provider": "fcm", "address": "with a space in it, and long enough"}, ""),
        ({"provider": "apns", "address": "not hex, but long enough " * 3}, ""),
        ({"provider": "fcm", "address": TOKEN, "secrets": ["whsec_" + "A" * 32]}, ""),
        ({"provider": "webhook", "address": "https://hooks.example/" + "x" * 2048}, ""),
        ({"provider": "webhook", "address": "https://hooks.example/x", "secrets": ["short"]}, "secrets"),
        ({"provider": "fcm", "address": TOKEN, "urgency": 10}, "urgency"),
        ({"provider": "fcm", "address": TOKEN, "tags": ["a", "a"]}, "tags"),
        ({"provider": "fcm", "address": TOKEN, "topics": ["x" * 65]}, "topics"),
        ({"provider": "fcm", "address": TOKEN, "colour": "red"}, "colour"),
    ],
)
def test_anything_else_is_refused_by_its_field(sent: dict[str, Any], field: str) -> None:
    """A token that is none is a matter of two fields, and named in the sentence."""
    with pytest.raises(ValidationError) as refused:
        TargetDraft.model_validate(sent, strict=False)
    assert field == ".".join(str(part) for part in refused.value.errors()[0]["loc"][:1])


def test_a_subscription_is_taken_as_a_browser_gives_it() -> None:
    """With its expirationTime, padded or not."""
    sent = {"endpoint": "https://push.example/1", "expirationTime": None, "keys": KEYS}
    assert 9 == Subscription.model_validate(sent, strict=False).urgency
    with pytest.raises(ValidationError):
        Subscription.model_validate({**sent, "keys": {**KEYS, "auth": "short"}}, strict=False)
