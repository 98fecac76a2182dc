"""A fake provider that speaks HTTP/1.1, on a loopback port of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from tests.fakes.faults import Complaints, Fault, Script
from tests.waiting import until


class FakeService:
    """What all fakes over HTTP/1.1 have: faults, complaints, and an address once they run."""

    def __init__(self) -> None:
        self.script = Script()
        self.complaints = Complaints()
        self.url = ""
        self.requests = 0

    def app(self) -> Starlette:
        """What it answers."""
        raise NotImplementedError

    async def wrong(self, request: Request, fault: Fault) -> Response:
        """Answer as the fault says."""
        if fault.status == 0:
            # Nobody answers; the other side hangs up in the end.
            while not await request.is_disconnected():
                await asyncio.wait([asyncio.create_task(self.script.silent.wait())], timeout=0.05)
            return Response(status_code=499)
        return Response(fault.body, fault.status, dict(fault.headers))

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[None]:
        """Serve on loopback."""
        config = uvicorn.Config(
            self.app(), host="127.0.0.1", port=port, log_config=None, access_log=False, lifespan="off"
        )
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # the test's own stay
        task = asyncio.create_task(server.serve())
        try:
            await until(lambda: server.started or task.done(), "the fake to listen")
            name = server.servers[0].sockets[0].getsockname()
            self.url = f"http://127.0.0.1:{name[1]}"
            yield
        finally:
            server.should_exit = True
            server.force_exit = True
            await asyncio.wait_for(task, 10)
