"""Apple Push Notification service, over HTTP/2."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import jwt

from ticker.bridges.notice import Notice
from ticker.bridges.provider import ACCEPTED, Answer, asked
from ticker.bridges.target import Target
from ticker.bridges.way import Reply, Way
from ticker.item import Item
from ticker.wire import encode

URL = "https://api.push.apple.com"
RENEW = 45 * 60
"""Seconds after which the token is signed anew: Apple takes none that is older than 60 minutes, and refuses those who
sign more often than every 20."""
MOST = 4096
"""Greatest payload in bytes."""
GONE = frozenset({"Unregistered", "ExpiredToken"})
NOT_OURS = frozenset({"BadDeviceToken", "DeviceTokenNotForTopic"})
"""A token of another app, or of none: it is no target."""


class Signer:
    """Who sends, as Apple knows him."""

    def __init__(self, key: str, key_id: str, team: str, clock: Callable[[], float] = time.time) -> None:
        """`key` is the PEM of the `.p8` file."""
        self._key, self._key_id, self._team = key, key_id, team
        self._clock = clock
        self._signed = 0.0
        self._token = ""

    def authorization(self) -> str:
        """The header."""
        now = self._clock()
        if not self._token or now - self._signed >= RENEW:
            self._signed = now
            claims = {"iss": self._team, "iat": int(now)}
            self._token = jwt.encode(claims, self._key, "ES256", headers={"kid": self._key_id})
        return f"bearer {self._token}"


class Apns:
    """Sends to the phones of Apple."""

    name = "apns"

    def __init__(
        self, signer: Signer, way: Way, topic: str, *, url: str = URL, clock: Callable[[], float] = time.time
    ) -> None:
        """`topic` is the bundle id of the app; `way` speaks HTTP/2."""
        self._signer = signer
        self._way = way
        self._topic = topic
        self._url = url.rstrip("/")
        self._clock = clock

    def audiences(self, item: Item) -> Sequence[Target]:
        """None: each phone is a target of its own."""
        return ()

    def request(self, notice: Notice, row: str) -> tuple[dict[str, str], bytes]:
        """Headers and body."""
        silent = notice.action == "clear"
        headers = {
            "authorization": self._signer.authorization(),
            "apns-topic": self._topic,
            "apns-push-type": "background" if silent else "alert",
            "apns-priority": "5" if silent or notice.level == "passive" else "10",
            # Never 0, which would mean to try once.
            "apns-expiration": str(int(self._clock()) + max(1, notice.ttl)),
            "apns-id": row,
            "content-type": "application/json",
        }
        if not silent:
            headers["apns-collapse-id"] = notice.id
        return headers, encode(payload(notice))

    async def send(self, notice: Notice, target: Target, row: str) -> Answer:
        """One request."""
        headers, body = self.request(notice, row)
        if len(body) > MOST:
            return Answer("refused", f"the payload has {len(body)} bytes; {MOST} are taken")
        # What the server did not take when it says GOAWAY, the library sends again on a new connection.
        return await asked(self._way, f"{self._url}/3/device/{target.address}", headers, body, answered)

    async def rehearse(self, notice: Notice, target: Target, row: str) -> str:
        """Built, and not sent: Apple has no dry run."""
        headers, body = self.request(notice, row)
        return f"{headers['apns-push-type']}, {headers['apns-priority']}, {len(body)} bytes; built, not sent"

    async def close(self) -> None:
        """Hang up."""
        await self._way.close()


def payload(notice: Notice) -> dict[str, Any]:
    """The notification, and what the app is told besides."""
    if notice.action == "clear":
        aps: dict[str, Any] = {"content-available": 1}
    else:
        aps = {
            "alert": {"title": notice.title, "body": notice.body},
            "interruption-level": notice.level,
            "thread-id": notice.story or notice.id,
        }
        if notice.sound:
            aps["sound"] = "default"
    told: dict[str, Any] = {
        "aps": aps,
        "action": notice.action,
        "id": notice.id,
        "version": notice.version,
        "channel": notice.channel,
    }
    return told | ({"url": notice.url} if notice.url else {})


def answered(reply: Reply) -> Answer:
    """Apple's table of statuses and reasons."""
    try:
        told = json.loads(reply.body) if reply.body else {}
        reason, since = str(told.get("reason", "")), told.get("timestamp")
    except (ValueError, AttributeError):
        reason, since = "", None
    words = f"{reply.status} {reason}".strip()
    if reply.status == 200:
        return ACCEPTED
    if reply.status == 410 or reason in GONE:
        return Answer("gone", words, since=int(since) if isinstance(since, int) else None)
    if reason in NOT_OURS:
        return Answer("gone", words)
    if reply.status == 403 and reason == "ExpiredProviderToken":
        return Answer("later", words)
    if reply.status == 429 or reply.status >= 500:
        return Answer("later", words, reply.after, unknown=reply.status == 500)
    return Answer("refused", words)
