"""The roles of ticker as programs of their own, which can be signalled, ended and started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from tests.stage import KEY, PLAIN, free_port
from tests.waiting import until, until_now

START_SECONDS = 60
"""On a machine that does much else at the time."""


class Program:
    """`ticker api`, `fanout` or `push` at an address of its own for its whole life."""

    def __init__(
        self,
        role: str,
        store: str,
        directory: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        within: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """`within` is what the command is put behind (`ip netns exec …`); `environ` are further variables."""
        self.role = role
        self.port = port or free_port()
        self.host = host
        self.url = f"http://{host}:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self._output = directory / f"{role}-{host}-{self.port}"
        self._environ = {
            "TICKER_BOOTSTRAP_KEY": KEY,
            "TICKER_REDIS_URL": store,
            "TICKER_RATE_LIMIT": "0",
            **(environ or {}),
        }
        self._command = [*within, sys.executable, "-m", "ticker", role]
        if role == "push":
            # It takes no requests; that it tells its figures is how it is seen to run.
            self._environ["TICKER_PUSH_METRICS"] = str(self.port)
        else:
            self._command += ["--host", host, "--port", str(self.port)]

    @property
    def said(self) -> str:
        """Everything that it has printed."""
        return self._output.read_text(encoding="utf-8")

    def start(self) -> None:
        """Start, and wait until it is ready."""
        self.spawn()
        try:
            until_now(self.ready, f"ticker {self.role} to be ready", START_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}; it said: {self.said}") from None

    def spawn(self) -> None:
        """Start."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("TICKER_")}
        with self._output.open("ab") as output:
            self.process = subprocess.Popen(self._command, env=environ | self._environ, stdout=output, stderr=output)

    def ready(self) -> bool:
        """Whether it says so, at this moment."""
        assert self.process is not None
        assert self.process.poll() is None, self.said
        route = "/metrics" if self.role == "push" else "/health/ready"
        try:
            # While it starts there is nobody to ask, and this is the cheaper way to see that.
            socket.create_connection((self.host, self.port), timeout=1).close()
            return httpx.get(self.url + route, **PLAIN).status_code == 200
        except (OSError, httpx.TransportError):
            return False

    def signal(self, number: signal.Signals) -> None:
        """Send it."""
        assert self.process is not None
        self.process.send_signal(number)

    async def ended(self) -> int:
        """Its exit status, once it has one."""
        assert self.process is not None
        process = self.process
        await until(lambda: process.poll() is not None, f"ticker {self.role} to end", 25)
        return process.wait(1)

    def end(self) -> None:
        """Whatever happened, it does not go on."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
