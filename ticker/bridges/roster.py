"""The providers that the settings name."""

from __future__ import annotations

import json

from ticker.bridges.apns import Apns, Signer
from ticker.bridges.fcm import Account, Fcm
from ticker.bridges.gate import guard, vapid
from ticker.bridges.log import LogProvider
from ticker.bridges.provider import Provider
from ticker.bridges.way import Way
from ticker.bridges.webhook import Webhook
from ticker.bridges.webpush import WebPush
from ticker.errors import SettingsError
from ticker.settings import Settings

WEBHOOK_SECONDS = 15.0
"""Time for a webhook to answer (Standard Webhooks 1.0)."""


def providers(settings: Settings) -> list[Provider]:
    """All that are configured; the one that prints when none is. Raises SettingsError, naming what is wrong.

    Needs a running loop.
    """
    found: list[Provider] = []
    lines = settings.push_at_once
    if settings.fcm_credentials is not None:
        try:
            way = Way(lines=lines)
            account = Account(json.loads(settings.fcm_credentials.get_secret_value()), way)
        except (ValueError, AttributeError) as error:
            raise SettingsError("TICKER_FCM_CREDENTIALS", f"is no service account: {error}.") from None
        found.append(Fcm(account, way, url=settings.fcm_url, topic=settings.fcm_topic))
    if settings.apns_key is not None:
        for name in ("apns_key_id", "apns_team", "apns_topic"):
            if getattr(settings, name) is None:
                raise SettingsError(f"TICKER_{name.upper()}", "is missing; the key alone is not enough.")
        try:
            signer = Signer(settings.apns_key.get_secret_value(), str(settings.apns_key_id), str(settings.apns_team))
            signer.authorization()
        except (ValueError, TypeError) as error:
            raise SettingsError("TICKER_APNS_KEY", f"signs nothing: {error}.") from None
        found.append(Apns(signer, Way(http2=True, lines=lines), str(settings.apns_topic), url=settings.apns_url))
    if (sender := vapid(settings)) is not None:
        found.append(WebPush(sender, Way(guard=guard(settings, browsers=True), lines=lines)))
    if settings.webhooks:
        found.append(Webhook(Way(guard=guard(settings), lines=lines, answer=WEBHOOK_SECONDS)))
    return found or [LogProvider()]
