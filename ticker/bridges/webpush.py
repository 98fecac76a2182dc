"""Web Push: browsers, through the push service that each of them named (RFC 8030, 8291, 8292)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, derive_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from ticker.bridges import sealing
from ticker.bridges.notice import Notice
from ticker.bridges.provider import ACCEPTED, Answer, asked
from ticker.bridges.target import Target
from ticker.bridges.way import Reply, Way
from ticker.item import Item
from ticker.wire import encode

LIFE = 12 * 3600
"""Seconds for which a token is good; 24 hours are the most (RFC 8292, 2)."""
RENEW = 3600
"""It is signed anew so many seconds before its end."""
URGENCIES = {"time-sensitive": "high", "active": "normal", "passive": "low"}
"""RFC 8030, 5.3."""
MOST_TOKENS = 1000


class Vapid:
    """Who sends, as push services know him (RFC 8292)."""

    def __init__(self, key: EllipticCurvePrivateKey, subject: str, clock: Callable[[], float] = time.time) -> None:
        """`subject` is a `mailto:` or `https:` address, for the people who run a push service."""
        self._key = key
        self._subject = subject
        self._clock = clock
        self.public = sealing.told(key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
        """The public key as browsers take it."""
        self._tokens: dict[str, tuple[float, str]] = {}

    def authorization(self, endpoint: str) -> str:
        """The header for a push service. One token serves all subscriptions of its origin."""
        parts, now = urlsplit(endpoint), self._clock()
        origin = f"{parts.scheme}://{parts.netloc}"
        end, token = self._tokens.get(origin, (0.0, ""))
        if end - now < RENEW:
            if len(self._tokens) >= MOST_TOKENS:
                self._tokens.clear()
            end = now + LIFE
            token = jwt.encode({"aud": origin, "exp": int(end), "sub": self._subject}, self._key, "ES256")
            self._tokens[origin] = (end, token)
        return f"vapid t={token}, k={self.public}"


def private_key(text: str) -> EllipticCurvePrivateKey:
    """A key of P-256, as PEM or as the 32 bytes in base64url that other tools print. Raises ValueError."""
    if "-----BEGIN" in text:
        key = load_pem_private_key(text.encode(), None)
        if not isinstance(key, EllipticCurvePrivateKey) or key.curve.name != sealing.CURVE.name:
            raise ValueError("is no private key of the curve P-256")
        return key
    number = sealing.raw(text.strip())
    if len(number) != 32:
        raise ValueError("is no private key: neither PEM nor 32 bytes in base64url")
    return derive_private_key(int.from_bytes(number), sealing.CURVE)


class WebPush:
    """Sends to browsers."""

    name = "webpush"

    def __init__(self, vapid: Vapid, way: Way) -> None:
        self.vapid = vapid
        self._way = way

    def audiences(self, item: Item) -> Sequence[Target]:
        """None: each browser is a target of its own."""
        return ()

    def request(self, notice: Notice, target: Target) -> tuple[dict[str, str], bytes]:
        """Headers and body. Raises ValueError when the subscription's keys are none."""
        receiver, auth = sealing.keys_of(target.keys.get("p256dh", ""), target.keys.get("auth", ""))
        headers = {
            "TTL": str(notice.ttl),
            "Urgency": URGENCIES[notice.level],
            # Later versions replace earlier ones that still wait; an item's id is short enough for it.
            "Topic": notice.id,
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "Authorization": self.vapid.authorization(target.address),
        }
        return headers, sealing.sealed(encode(payload(notice)), receiver, auth)

    async def send(self, notice: Notice, target: Target, row: str) -> Answer:
        """One request to the push service of this browser."""
        try:
            headers, body = self.request(notice, target)
        except ValueError as error:
            return Answer("gone", str(error))
        return await asked(self._way, target.address, headers, body, answered, forbidden="gone")

    async def rehearse(self, notice: Notice, target: Target, row: str) -> str:
        """Built, and not sent: push services have no dry run."""
        headers, body = self.request(notice, target)
        return f"POST {urlsplit(target.address).netloc}, TTL {headers['TTL']}, {len(body)} bytes; built, not sent"

    async def close(self) -> None:
        """Hang up."""
        await self._way.close()


def payload(notice: Notice) -> dict[str, Any]:
    """What our service worker is told."""
    told: dict[str, Any] = {
        "action": notice.action,
        "id": notice.id,
        "version": notice.version,
        "channel": notice.channel,
        "title": notice.title,
        "body": notice.body,
        "lang": notice.language,
        "dir": notice.direction,
        "tag": notice.id,
        "silent": not notice.sound,
    }
    return told | ({"url": notice.url} if notice.url else {})


def answered(reply: Reply) -> Answer:
    """RFC 8030, 5 and 7.3, and what push services do besides."""
    reason = f"{reply.status} {reply.body[:200].decode('utf-8', 'replace')}".strip()
    if reply.status in (200, 201, 202):
        return ACCEPTED
    if reply.status in (404, 410):
        return Answer("gone", reason)
    if reply.status == 429 or reply.status >= 500:
        return Answer("later", reason, reply.after, unknown=reply.status in (500, 502, 504))
    return Answer("refused", reason)
