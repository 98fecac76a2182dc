"""Who may register for pushes, as the settings have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ticker.bridges.guard import Guard
from ticker.errors import SettingsError
from ticker.settings import Settings

if TYPE_CHECKING:
    from ticker.bridges.webpush import Vapid


def vapid(settings: Settings) -> Vapid | None:
    """Who sends to browsers; None when nobody does. Raises SettingsError."""
    if settings.vapid_key is None:
        return None
    # Loaded when it is needed, as everything is that signs or sends: a process that does neither starts sooner.
    from ticker.bridges import webpush

    if settings.vapid_subject is None:
        raise SettingsError("TICKER_VAPID_SUBJECT", "is missing; push services want an address to turn to.")
    try:
        key = webpush.private_key(settings.vapid_key.get_secret_value())
    except ValueError as error:
        raise SettingsError("TICKER_VAPID_KEY", f"{str(error).rstrip('.')}.") from None
    return webpush.Vapid(key, settings.vapid_subject)


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
