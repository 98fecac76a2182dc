"""The providers that the settings name."""

from __future__ import annotations

import json
from typing import NamedTuple

from ticker.bridges import webpush
from ticker.bridges.apns import Apns, Signer
from ticker.bridges.fcm import Account, Fcm
from ticker.bridges.log import LogProvider
from ticker.bridges.provider import Provider
from ticker.bridges.way import Guard, Way
from ticker.bridges.webhook import Webhook
from ticker.bridges.webpush import Vapid, WebPush
from ticker.errors import SettingsError
from ticker.settings import Settings

WEBHOOK_SECONDS = 15.0
"""Time for a webhook to answer (Standard Webhooks 1.0)."""


def vapid(settings: Settings) -> Vapid | None:
    """Who sends to browsers; None when nobody does. Raises SettingsError."""
    if settings.vapid_key is None:
        return None
    if settings.vapid_subject is None:
        raise SettingsError("TICKER_VAPID_SUBJECT", "is missing; push services want an address to turn to.")
    try:
        key = webpush.private_key(settings.vapid_key.get_secret_value())
    except ValueError as error:
        raise SettingsError("TICKER_VAPID_KEY", f"{str(error).rstrip('.')}.") from None
    return Vapid(key, settings.vapid_subject)


def guard(settings: Settings, *, browsers: bool = False) -> Guard:
    """Which addresses of targets are sent to; those of browsers are of known services."""
    return Guard(settings.push_trusted or "", settings.webpush_services.split(",") if browsers else ())


class Gate(NamedTuple):
    """Who may register: with which key browsers subscribe, at which addresses, and how many."""

    public_key: str | None
    browsers: Guard
    others: Guard
    most: int


def gate(settings: Settings) -> Gate:
    """As the settings have it. Raises SettingsError."""
    sender = vapid(settings)
    public = sender.public if sender else None
    return Gate(public, guard(settings, browsers=True), guard(settings), settings.push_targets)


def configured(settings: Settings) -> bool:
    """Whether any provider is."""
    return bool(settings.fcm_credentials or settings.apns_key or settings.vapid_key or settings.webhooks)


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
