"""The way out to the servers of others: bounded in time and size, without redirects, to where a guard lets it."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpcore
from httpcore import AnyIOBackend, AsyncConnectionPool, AsyncNetworkBackend, AsyncNetworkStream

from ticker.bridges.guard import Forbidden, Guard

CONNECT = 5.0
ANSWER = 15.0
"""Seconds to connect, and for the whole of a request."""
MOST_BYTES = 65_536
"""More of an answer is not read."""
LINES = 64
"""Connections that are kept open to all servers together."""
TOGETHER = 4
"""Connections in one pool: for each request the library looks at every one of its pool, so they are many small ones."""
KEPT = 60.0
MOST_WAIT = 3600.0
"""A Retry-After that asks for more seconds is taken for this."""


class Unreachable(Exception):
    """No answer came. `unknown`: the request may have been taken all the same."""

    def __init__(self, reason: str, *, unknown: bool) -> None:
        super().__init__(reason)
        self.unknown = unknown


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def after(self) -> float | None:
        """Seconds to wait by its `Retry-After`, in either of its two forms (RFC 9110, 10.2.3)."""
        told = self.headers.get("retry-after", "").strip()
        if told.isascii() and told.isdigit():
            return min(float(told[:9]), MOST_WAIT)
        try:
            return min(max(0.0, parsedate_to_datetime(told).timestamp() - time.time()), MOST_WAIT)
        except (ValueError, TypeError):
            return None


class Way:
    """Requests to the servers of others."""

    def __init__(
        self, *, http2: bool = False, guard: Guard | None = None, lines: int = LINES, answer: float = ANSWER
    ) -> None:
        """`guard` says which addresses may be connected to; without it those of our own settings may, all of them."""
        self.guard = guard
        self._answer = answer
        self._new = functools.partial(
            AsyncConnectionPool,
            http1=not http2,
            http2=http2,
            max_connections=lines if http2 else TOGETHER,
            max_keepalive_connections=lines if http2 else TOGETHER,
            keepalive_expiry=KEPT,
            network_backend=_Guarded(guard) if guard else None,
        )
        # Over HTTP/2 one connection carries a hundred requests.
        self._pools = [self._new() for _ in range(1 if http2 else max(1, lines // TOGETHER))]
        self._load = [0] * len(self._pools)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Raises Forbidden for an address that is not sent to, Unreachable when no answer came."""
        if self.guard is not None:
            self.guard.check(url)
        place = min(range(len(self._load)), key=self._load.__getitem__)
        self._load[place] += 1
        try:
            return await self._post(place, url, headers, body)
        finally:
            self._load[place] -= 1

    async def _post(self, place: int, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        pool = self._pools[place]
        timeouts = {"connect": CONNECT, "read": self._answer, "write": self._answer, "pool": self._answer}
        try:
            async with (
                asyncio.timeout(self._answer),
                pool.stream(
                    "POST",
                    url,
                    headers=[(name.encode(), value.encode()) for name, value in headers.items()],
                    content=body,
                    extensions={"timeout": timeouts},
                ) as response,
            ):
                found = bytearray()
                async for part in response.aiter_stream():
                    found += part
                    if len(found) > MOST_BYTES:
                        break
                names = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
                return Reply(response.status, names, bytes(found[:MOST_BYTES]))
        except (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout) as error:
            raise Unreachable(f"no connection ({_told(error)})", unknown=False) from error
        except httpcore.UnsupportedProtocol as error:
            raise Forbidden(_told(error)) from error
        except (httpcore.TimeoutException, TimeoutError) as error:
            raise Unreachable("no answer in time", unknown=True) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise Unreachable(f"the line broke ({_told(error)})", unknown=True) from error
        except (RuntimeError, ValueError, KeyError) as error:
            # The library miscounts the streams of an HTTP/2 connection when a request on it is cancelled while it
            # begins (httpcore 1.0.9), and then every answer on it fails: others are opened.
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise asyncio.CancelledError from error
            if pool is self._pools[place]:
                self._pools[place] = self._new()
                await pool.aclose()
            raise Unreachable(f"the line broke ({_told(error)})", unknown=True) from error

    async def close(self) -> None:
        """Hang up."""
        for pool in self._pools:
            await pool.aclose()


class _Guarded(AsyncNetworkBackend):
    """Connects to what was checked, and to nothing else."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._backend = AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        try:
            addresses = await self._guard.resolve(host, port)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        failed: Exception | None = None
        for address in addresses[:3]:
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed or httpcore.ConnectError("the name has no address")

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


def _told(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:200]
