"""A terminal: the commands as editors type them, what they print, and a bad line to the service."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from ticker.entry import Cursor

from tests.stage import PLAIN, Service

SHORT_PAUSES = 168_042
"""With these dice the four pauses between five tries are 0.3 seconds in all."""
COME_BACK_SOON = ("--reconnect-min-ms", "20", "--reconnect-max-ms", "100")


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it said."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Run = Callable[..., Ran]


def item(service: Service, item_id: str, channel: str = "en") -> Any:
    """The newest version of an item, as anybody may see it."""
    return httpx.get(f"{service.url}/v1/channels/{channel}/items/{item_id}", **PLAIN).json()


def window(service: Service, channel: str) -> list[str]:
    """The headlines of the window, oldest first."""
    items = httpx.get(f"{service.url}/v1/channels/{channel}/items", **PLAIN).json()["items"]
    return [item["headline"] for item in reversed(items)]


def cursors(lines: list[str]) -> list[Cursor]:
    """The cursor that each line begins with."""
    found = [Cursor.parse(line.split()[0]) for line in lines]
    assert None not in found, lines
    return [cursor for cursor in found if cursor]


def ticker(*arguments: str, url: str, text: str | None = None) -> Ran:
    """Run one command in a process of its own."""
    environ = os.environ | {"TICKER_URL": url}
    ran = subprocess.run(
        [sys.executable, "-m", "ticker", *arguments],
        input=text,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


class Gateway(ThreadingHTTPServer):
    """Stands before a service; does to the first requests what gateways do on a bad day, then forwards."""

    daemon_threads = True

    def __init__(self, target: str, *first: str, meanwhile: Callable[[], object] | None = None) -> None:
        """`meanwhile` happens when somebody has read something."""
        super().__init__(("127.0.0.1", 0), Passage)
        self.target = target
        self.first = list(first)
        self.meanwhile = meanwhile
        self.keys: list[str | None] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Passage(BaseHTTPRequestHandler):
    """One line through the gateway."""

    server: Gateway

    def do_GET(self) -> None:
        headers = {"Authorization": self.headers["Authorization"]}
        answer = httpx.get(self.server.target + self.path, headers=headers, **PLAIN)
        if self.server.meanwhile is not None:
            self.server.meanwhile()
        self.answer(answer.status_code, answer.content)

    def do_PATCH(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.keys.append(self.headers["Idempotency-Key"])
        act = self.server.first.pop(0) if self.server.first else "forward"
        if act == "drop":
            return
        if act.isdigit():
            self.answer(int(act), b"<h1>Something is wrong</h1>")
            return
        passed = ("Authorization", "Content-Type", "Idempotency-Key", "If-Match")
        headers = {name: value for name in passed if (value := self.headers[name])}
        address = self.server.target + self.path
        answer = httpx.request(self.command, address, content=body, headers=headers, **PLAIN)
        if act == "lose the answer":
            return
        self.answer(answer.status_code, answer.content)

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def gateway(target: str, *first: str, meanwhile: Callable[[], object] | None = None) -> Iterator[Gateway]:
    """A gateway that is open."""
    with Gateway(target, *first, meanwhile=meanwhile) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        try:
            yield found
        finally:
            found.shutdown()
            thread.join()
