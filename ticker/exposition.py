"""`GET /metrics`: the figures of this service in Prometheus' text format, for those who run it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from ticker import tasks
from ticker.address import Proxies
from ticker.admission import Admission, given
from ticker.errors import Forbidden
from ticker.fanout import Fanout
from ticker.lane import Way
from ticker.metrics import MEDIA_TYPE, Metrics
from ticker.reach import Reach
from ticker.settings import NOBODY
from ticker.vitals import Vitals

EVERY = 1.0
"""Seconds between two looks at what stands still, where another worker may be asked for it."""
FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via")
"""Headers by which a proxy tells that it speaks for somebody else."""


class Exposition:
    """Looks at what stands still, and answers with all figures."""

    def __init__(
        self,
        metrics: Metrics,
        fanouts: Mapping[str, Fanout],
        reaches: Mapping[str, Reach],
        admission: Admission,
        trusted: str,
        vitals: Vitals,
    ) -> None:
        """`trusted` is the setting `metrics`; the mappings may change meanwhile."""
        self._metrics = metrics
        self._fanouts = fanouts
        self._reaches = reaches
        self._admission = admission
        self._trusted = Proxies.parse("" if trusted == NOBODY else trusted)
        self._vitals = vitals
        self._standing: set[str] = set()

    async def run(self) -> None:
        """Look once a second where workers add up their figures, until cancelled; else being asked is soon enough."""
        if not self._metrics.shared:
            await asyncio.Event().wait()
        async for _ in tasks.ticks(EVERY):
            self.look()

    def look(self) -> None:
        """Note how everything stands."""
        for name, follower in list(self._fanouts.items()):
            if name not in self._standing:
                self._standing.add(name)
                self._metrics.begun(name)
            self._metrics.standing(name, ways(follower), follower.age, follower.lag)
        for name in self._standing - set(self._fanouts):
            self._standing.discard(name)
            self._metrics.ended(name, WAYS)
        self._metrics.unwritten(sum(map(len, self._reaches.values())))
        self._vitals.look()

    async def metrics(self, request: Request) -> Response:
        """`GET /metrics`: open to the addresses in `TICKER_METRICS`, and to a key that may read every channel."""
        await self._admit(request)
        self.look()
        return Response(self._metrics.page(), headers={"Cache-Control": "no-store", "Content-Type": MEDIA_TYPE})

    async def _admit(self, request: Request) -> None:
        if not given(request) and self._near(request):
            return
        key = await self._admission.key(request)
        if key.channels or not {"read", "admin"} & set(key.scopes):
            raise Forbidden("The figures are of all channels, and need a key that may read all of them.")

    def _near(self, request: Request) -> bool:
        client = self._admission.client(request)
        # A proxy on this machine that nobody has named speaks for the whole world, from an address that is near.
        peer = request.client.host if request.client else ""
        if client == peer and any(name in request.headers for name in FORWARDED):
            return False
        return self._trusted.names(client)


WAYS = ("websocket", "sse")


def ways(follower: Fanout) -> dict[str, int]:
    """The readers of a channel by their way in."""
    found = follower.hub.ways()
    return {"websocket": found[Way.PLAIN] + found[Way.DEFLATED], "sse": found[Way.EVENTS]}
