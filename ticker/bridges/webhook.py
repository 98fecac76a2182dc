"""Webhooks, by the Standard Webhooks specification 1.0: machines that want to hear of each alert."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from ticker.bridges.notice import Notice
from ticker.bridges.provider import ACCEPTED, Answer, asked
from ticker.bridges.signing import signature
from ticker.bridges.target import Target
from ticker.bridges.way import Reply, Way
from ticker.item import Item
from ticker.wire import encode


class Webhook:
    """Sends to the servers of others."""

    name = "webhook"

    def __init__(self, way: Way, clock: Callable[[], float] = time.time) -> None:
        """`way` has a guard: the addresses are those of strangers."""
        self._way = way
        self._clock = clock

    def audiences(self, item: Item) -> Sequence[Target]:
        """None: each address is a target of its own."""
        return ()

    def request(self, notice: Notice, target: Target, row: str) -> tuple[dict[str, str], bytes]:
        """Headers and body."""
        body = encode(payload(notice))
        at = str(int(self._clock()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "ticker",
            "webhook-id": row,
            "webhook-timestamp": at,
            "webhook-signature": " ".join(signature(secret, row, at, body) for secret in target.secrets),
        }
        return headers, body

    async def send(self, notice: Notice, target: Target, row: str) -> Answer:
        """One request; its id stays the same at each try."""
        headers, body = self.request(notice, target, row)
        return await asked(self._way, target.address, headers, body, answered)

    async def rehearse(self, notice: Notice, target: Target, row: str) -> str:
        """Built, and not sent."""
        _, body = self.request(notice, target, row)
        return f"POST {target.address}, {len(body)} bytes; built, not sent"

    async def close(self) -> None:
        """Hang up."""
        await self._way.close()


def payload(notice: Notice) -> dict[str, Any]:
    """The event, in the shape that the specification proposes."""
    data: dict[str, Any] = {
        "id": notice.id,
        "version": notice.version,
        "channel": notice.channel,
        "title": notice.title,
        "body": notice.body,
        "lang": notice.language,
        "dir": notice.direction,
    }
    return {"type": f"alert.{notice.action}", "data": data | ({"url": notice.url} if notice.url else {})}


def answered(reply: Reply) -> Answer:
    """2xx took it, 410 ends it, a redirect is not followed; else it is tried again, or will never be taken."""
    if 200 <= reply.status < 300:
        return ACCEPTED
    reason = f"{reply.status} {reply.body[:200].decode('utf-8', 'replace')}".strip()
    if reply.status == 410:
        return Answer("gone", reason)
    if reply.status in (400, 413) or 300 <= reply.status < 400:
        return Answer("refused", reason)
    return Answer("later", reason, reply.after, unknown=reply.status in (500, 502, 504))
