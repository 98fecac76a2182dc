"""A target: a phone, a browser or a machine that asked for the alerts of a channel, and which of them it wants."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from typing import Literal

from pydantic import BaseModel, ConfigDict

from ticker.item import Item

ProviderName = Literal["fcm", "apns", "webpush", "webhook"]
STORED: tuple[ProviderName, ...] = ("fcm", "apns", "webpush", "webhook")
"""Providers whose targets we keep."""
BUCKETS = 1024
"""Parts that the targets of a channel are kept in: what is read, and sent to, at once."""
AUDIENCE = "-"
"""The bucket of targets that are not stored."""


class Target(BaseModel):
    """Where to send, and what. Lists that are empty ask for everything; `address` is a token, an endpoint or a URL."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    provider: str
    address: str
    keys: dict[str, str] = {}
    """`p256dh` and `auth` of a Web Push subscription."""
    secrets: tuple[str, ...] = ()
    """Of a webhook: each of them signs."""
    sections: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    urgency: int = 9
    """The least urgent item that is wanted."""
    topics: tuple[str, ...] = ()
    since: int = 0
    """When it registered, milliseconds."""

    def wants(self, item: Item) -> bool:
        """Whether this item is one of those asked for."""
        return (
            item.urgency <= self.urgency
            and (not self.sections or not set(self.sections).isdisjoint(item.sections))
            and (not self.regions or not set(self.regions).isdisjoint(item.regions))
            and (not self.tags or not set(self.tags).isdisjoint(item.tags))
            and (not self.topics or not item.push.topics or not set(self.topics).isdisjoint(item.push.topics))
        )

    def followed(self, item: Item) -> list[str]:
        """The topics for which it gets this item; none when it follows none in particular."""
        return [topic for topic in self.topics if not item.push.topics or topic in item.push.topics]


def id_of(provider: str, address: str) -> str:
    """The id of a target: not to be guessed without its address, and the same at each registration."""
    return urlsafe_b64encode(hashlib.sha256(f"{provider} {address}".encode()).digest()[:15]).decode()


def bucket_of(target_id: str) -> str:
    """The part of the targets in which this one is kept."""
    return f"{int.from_bytes(hashlib.sha256(target_id.encode()).digest()[:2]) % BUCKETS:03x}"
