"""The proxy of `deploy/`: its template filled in as a container fills it in, and started as a process of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.stage import free_port, short_directory
from tests.waiting import until_now

TEMPLATE = Path(__file__).parents[2] / "deploy" / "nginx.conf.template"
FORM = re.compile(r"\$\{([A-Z_]+)\}")


def rendered(given: Mapping[str, str], text: str | None = None) -> str:
    """The template with everything of the form `${NAME}` filled in. Raises KeyError with a name that was not given."""
    return FORM.sub(lambda match: given[match[1]], text or TEMPLATE.read_text(encoding="utf-8"))


def servers(ports: Sequence[int]) -> str:
    """What the template takes for a list of processes on this machine."""
    return " ".join(f"server 127.0.0.1:{port} max_fails=0;" for port in ports)


def nginx() -> str:
    """The machine's nginx; where there is none, the test skips on a laptop and fails in CI."""
    # Debian keeps it where only root looks.
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if found:
        return found
    reason = "no nginx on this machine; install your system's package 'nginx'"
    if os.environ.get("CI"):
        pytest.fail(f"{reason}: CI must have one; 'make test' installs it")
    pytest.skip(reason)


class Proxy:
    """One nginx on one port, for as long as the test goes on."""

    def __init__(self, directory: Path, editors: Sequence[int], readers: Sequence[int], drain: str = "5s") -> None:
        """The ports are those of `api` and of `fanout` processes on this machine; they may be named before they run."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.output = directory / "proxy.log"
        self._drain = drain
        self._directory = directory
        self._file = directory / "nginx.conf"
        self.name(editors, readers)
        self._program = nginx()
        # Appended to, since nginx opens the same file once more for its log of requests.
        with self.output.open("ab") as said:
            self.process = subprocess.Popen(self.command(), stdout=said, stderr=said)

    def name(self, editors: Sequence[int], readers: Sequence[int]) -> None:
        """Write the configuration for these processes; a running proxy takes it with `reload`."""
        given = {
            "PROXY_LISTEN": f"127.0.0.1:{self.port}",
            "PROXY_TLS": "",
            "PROXY_RESOLVER": "",
            "PROXY_EDITORS": servers(editors),
            "PROXY_READERS": servers(readers),
            "PROXY_DRAIN": self._drain,
            "PROXY_RUN": str(self._directory),
        }
        self._file.write_text(rendered(given), encoding="utf-8")

    def command(self, *more: str) -> list[str]:
        """How it is called; workers of another user could not reach the directory of a test that runs as root."""
        user = "user root; " if os.geteuid() == 0 else ""
        return [self._program, "-e", "stderr", "-c", str(self._file), "-g", f"{user}daemon off;", *more]

    @property
    def said(self) -> str:
        """Its log, and what it complains of."""
        return self.output.read_text(encoding="utf-8", errors="replace")

    def listens(self) -> bool:
        """Whether it takes connections."""
        assert self.process.poll() is None, self.said
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False

    def reload(self) -> None:
        """Take the configuration as it is written now; lines that stand are given the time to drain."""
        self.process.send_signal(signal.SIGHUP)

    def end(self) -> None:
        """Whatever happened in the test, it does not go on."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(10)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait(10)


@contextmanager
def proxy(editors: Sequence[int], readers: Sequence[int], drain: str = "5s") -> Iterator[Proxy]:
    """The proxy before these ports, taking connections."""
    with short_directory() as directory:
        found = Proxy(directory, editors, readers, drain)
        try:
            until_now(found.listens, "the proxy to listen")
            yield found
        finally:
            found.end()
