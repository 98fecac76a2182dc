"""Firebase Cloud Messaging, HTTP v1: Android, and whoever else follows a topic there."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import jwt

from ticker.bridges.notice import Notice
from ticker.bridges.provider import ACCEPTED, Answer, asked
from ticker.bridges.target import Target
from ticker.bridges.way import Reply, Unreachable, Way
from ticker.item import Item
from ticker.wire import encode

URL = "https://fcm.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
RENEW = 300
"""An access token is asked for anew so many seconds before its end."""
TO_TOKEN, TO_TOPIC = 4096, 2048
"""Greatest message in bytes, to one phone and to a topic."""
IN_CONDITION = 5
"""Topics in one condition."""


class Account:
    """The service account, and the access token that it is given (RFC 7523)."""

    def __init__(self, credentials: Mapping[str, Any], way: Way, clock: Callable[[], float] = time.time) -> None:
        """`credentials` is the file that the console gives. Raises ValueError when it is none."""
        missing = [
            name for name in ("project_id", "client_email", "private_key", "token_uri") if not credentials.get(name)
        ]
        if missing:
            raise ValueError(f"lacks {', '.join(missing)}")
        self.project = str(credentials["project_id"])
        self._credentials = credentials
        self._way = way
        self._clock = clock
        self._token = ""
        self._end = 0.0
        self._asking = asyncio.Lock()

    async def authorization(self) -> str:
        """The header. Raises Unreachable when no token can be had."""
        async with self._asking:
            if self._end - self._clock() < RENEW:
                await self._ask()
        return f"Bearer {self._token}"

    def forget(self) -> None:
        """Ask for another token next time: this one is not taken."""
        self._end = 0.0

    async def _ask(self) -> None:
        now = int(self._clock())
        claims = {
            "iss": self._credentials["client_email"],
            "scope": SCOPE,
            "aud": self._credentials["token_uri"],
            "iat": now,
            "exp": now + 3600,
        }
        headers = {"kid": str(self._credentials.get("private_key_id", ""))}
        assertion = jwt.encode(claims, self._credentials["private_key"], "RS256", headers=headers)
        form = urlencode({"grant_type": GRANT, "assertion": assertion}).encode()
        reply = await self._way.post(
            self._credentials["token_uri"], {"Content-Type": "application/x-www-form-urlencoded"}, form
        )
        try:
            told = json.loads(reply.body)
            token, life = str(told["access_token"]), float(told["expires_in"])
        except (ValueError, KeyError, TypeError):
            raise Unreachable(f"no access token ({reply.status})", unknown=False) from None
        self._token, self._end = token, now + life


class Fcm:
    """Sends to Android phones, and to topics."""

    name = "fcm"

    def __init__(self, account: Account, way: Way, *, url: str = URL, topic: str = "breaking") -> None:
        """`topic` begins the name of every topic."""
        self._account = account
        self._way = way
        self._address = f"{url.rstrip('/')}/v1/projects/{account.project}/messages:send"
        self._topic = topic

    def audiences(self, item: Item) -> Sequence[Target]:
        """The topics of an item, in as few messages as conditions allow."""
        names = topics(item, self._topic)
        groups = [names[place : place + IN_CONDITION] for place in range(0, len(names), IN_CONDITION)]
        found = [
            group[0] if len(group) == 1 else " || ".join(f"'{name}' in topics" for name in group) for group in groups
        ]
        # They are under the hours of the item's own topics.
        return [Target(id=address, provider=self.name, address=address, topics=item.push.topics) for address in found]

    def message(self, notice: Notice, target: Target, *, dry: bool = False) -> bytes:
        """The body of a request."""
        to = "token" if target.id != target.address else "condition" if " in topics" in target.address else "topic"
        data = {
            "action": notice.action,
            "id": notice.id,
            "version": str(notice.version),
            "channel": notice.channel,
            "lang": notice.language,
            "dir": notice.direction,
        }
        if notice.url:
            data["url"] = notice.url
        android: dict[str, Any] = {
            "priority": "HIGH" if notice.level != "passive" else "NORMAL",
            "ttl": f"{notice.ttl}s",
        }
        if notice.action != "clear":
            shown: dict[str, Any] = {"title": notice.title, "body": notice.body, "tag": notice.id}
            if notice.sound:
                shown["sound"] = "default"
            android["notification"] = shown
        message = {to: target.address, "data": data, "android": android}
        return encode({"message": message, **({"validate_only": True} if dry else {})})

    async def send(self, notice: Notice, target: Target, row: str) -> Answer:
        """One message."""
        return await self._sent(self.message(notice, target), stored=target.id != target.address)

    async def rehearse(self, notice: Notice, target: Target, row: str) -> str:
        """Asked with `validate_only`: Firebase checks it, and sends nothing."""
        answer = await self._sent(self.message(notice, target, dry=True), stored=True)
        return "valid, by Firebase's own dry run" if answer.kind == "accepted" else f"{answer.kind}: {answer.reason}"

    async def _sent(self, body: bytes, *, stored: bool) -> Answer:
        # What is counted is the message, not what stands around it.
        if len(body) - len('{"message":}') > (TO_TOKEN if stored else TO_TOPIC):
            return Answer("refused", f"the message has {len(body)} bytes; {TO_TOKEN if stored else TO_TOPIC} are taken")
        try:
            headers = {"Content-Type": "application/json", "Authorization": await self._account.authorization()}
        except Unreachable as error:
            return Answer("later", str(error))
        return await asked(self._way, self._address, headers, body, self._answered)

    def _answered(self, reply: Reply) -> Answer:
        if reply.status == 200:
            return ACCEPTED
        code, told = _error(reply)
        reason = f"{reply.status} {code} {told}".strip()
        if code == "UNREGISTERED" or (reply.status == 404 and not code):
            return Answer("gone", reason)
        if reply.status == 401:
            self._account.forget()
            return Answer("later", reason)
        if reply.status == 429 or reply.status >= 500:
            return Answer("later", reason, reply.after, unknown=reply.status in (500, 502, 504))
        return Answer("refused", reason)

    async def close(self) -> None:
        """Hang up."""
        await self._way.close()


def topics(item: Item, prefix: str) -> list[str]:
    """The topics that an item goes to: its channel's, and below that its own, its sections' and its regions'.

    What a topic's name may not hold is written as in an address (`%20`), which it may.
    """
    whole = f"{prefix}.{item.channel}"
    below = [
        *item.push.topics,
        *(f"section.{name}" for name in item.sections),
        *(f"region.{name}" for name in item.regions),
    ]
    return [whole, *(f"{whole}.{quote(name, safe='')}" for name in below)]


def _error(reply: Reply) -> tuple[str, str]:
    """The code of an error, and its words."""
    try:
        error = json.loads(reply.body)["error"]
        codes = [str(detail["errorCode"]) for detail in error.get("details", ()) if "errorCode" in detail]
        return (codes or [str(error.get("status", ""))])[0], str(error.get("message", ""))[:200]
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", reply.body[:100].decode("utf-8", "replace")
