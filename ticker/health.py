"""Whether this process lives, and whether alerts reach its readers."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from ticker.drain import Drain
from ticker.errors import StoreUnavailable
from ticker.fanout import LATE, Fanout
from ticker.stream import Log
from ticker.wire import encode


class Health:
    """Ready means that a heartbeat came back through the stream lately, not that a port is open."""

    def __init__(self, logs: Mapping[str, Log], fanouts: Mapping[str, Fanout], drain: Drain) -> None:
        self._logs = logs
        self._fanouts = fanouts
        self._drain = drain

    async def live(self, request: Request) -> Response:
        """`GET /health/live`: 200 while the process answers."""
        return _answer(200, {"status": "live"})

    async def ready(self, request: Request) -> Response:
        """`GET /health/ready`: 200 when every channel delivers (readers) and the store takes writes (editors)."""
        late = {
            name: round(fanout.age, 1) if fanout.age != float("inf") else None
            for name, fanout in self._fanouts.items()
            if fanout.age > LATE or not fanout.hub.loaded
        }
        reason = None
        if self._drain.begun:
            reason = "this process is stopping"
        elif late:
            reason = "no heartbeat came back through the stream lately"
        elif not self._fanouts:
            try:
                for stream in list(self._logs.values()):
                    await stream.beat()
            except StoreUnavailable as error:
                reason = error.detail
        if reason is None:
            return _answer(200, {"status": "ready"})
        return _answer(503, {"status": "not ready", "reason": reason, "seconds_since_heartbeat": late})


def _answer(status: int, document: dict[str, object]) -> Response:
    headers = {"Cache-Control": "no-store"}
    if status != 200:
        headers["Retry-After"] = "2"
    return Response(encode(document), status, headers, "application/json")
