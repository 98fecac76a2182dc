"""A server that takes webhooks, and checks them with the reference library of Standard Webhooks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.fakes.phone import Mailbox, Waiting
from tests.fakes.service import FakeService


class FakeWebhook(FakeService):
    """One receiver, who knows one secret."""

    def __init__(self, secret: str, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self.secret = secret
        self.mailbox = Mailbox(clock)
        self._clock = clock
        self.ids: list[str] = []
        """The id of every request, refused ones included."""
        self.told: list[dict[str, Any]] = []

    def app(self) -> Starlette:
        """One address that takes, and one that leads elsewhere."""
        return Starlette(
            routes=[
                Route("/hook", self._hook, methods=["POST"]),
                Route("/elsewhere", self._elsewhere, methods=["POST"]),
            ]
        )

    async def _elsewhere(self, request: Request) -> Response:
        self.requests += 1
        return Response(status_code=307, headers={"Location": f"{self.url}/hook"})

    async def _hook(self, request: Request) -> Response:
        self.requests += 1
        body = await request.body()
        self.ids.append(request.headers.get("webhook-id", ""))
        fault = self.script.next("")
        if fault is not None and not fault.taken:
            return await self.wrong(request, fault)
        try:
            sent: Any = Webhook(self.secret).verify(body, dict(request.headers))
        except WebhookVerificationError as error:
            self.complaints.told.append(f"not signed: {error}")
            return Response(status_code=401)
        self.complaints.check(set(sent) == {"type", "data"}, f"fields: {sorted(sent)}")
        self.complaints.check(request.headers.get("Content-Type") == "application/json", "no JSON")
        self.told.append(sent)
        told = sent["data"] | {"action": sent["type"].partition(".")[2]}
        self.mailbox.put(Waiting(self._clock() + 1, told, told["body"], False))
        if fault is not None:
            return await self.wrong(request, fault)
        return Response(status_code=204)
