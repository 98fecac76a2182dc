"""Firefox as the system has it, driven over WebDriver BiDi, which it speaks by itself."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.waiting import until_now

ADDRESS = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
STARTING_SECONDS = 60


class Tab:
    """One tab."""

    def __init__(self, firefox: Firefox, context: str) -> None:
        self._firefox = firefox
        self._context = context

    def go(self, url: str) -> None:
        """Open an address, and wait until it is loaded."""
        self._firefox.ask("browsingContext.navigate", context=self._context, url=url, wait="complete")

    def value(self, script: str) -> Any:
        """What an expression, or what it promises, is; as JSON."""
        answer = self._firefox.ask(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({script})))()",
            target={"context": self._context},
            awaitPromise=True,
        )
        assert answer["type"] == "success", answer
        return json.loads(answer["result"].get("value", "null"))

    def until(self, script: str, expected: Any, seconds: float = 10) -> None:
        """Wait until an expression is this."""
        seen: list[Any] = []

        def is_so() -> bool:
            seen[:] = [self.value(script)]
            return seen == [expected]

        try:
            until_now(is_so, script, seconds)
        except AssertionError:
            assert expected == seen[0]

    def close(self) -> None:
        """Close it without asking the page."""
        self._firefox.ask("browsingContext.close", context=self._context)


class Firefox:
    """A running Firefox with a session."""

    def __init__(self, line: ClientConnection) -> None:
        self._line = line
        self._ids = itertools.count(1)
        self.ask("session.new", capabilities={})

    def ask(self, method: str, **params: Any) -> Any:
        """One command, and its result; events between them are passed over."""
        number = next(self._ids)
        self._line.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._line.recv(timeout=30))
            if answer.get("id") == number:
                assert answer["type"] == "success", answer
                return answer["result"]

    def tab(self) -> Tab:
        """A new tab."""
        return Tab(self, self.ask("browsingContext.create", type="tab")["context"])


@contextmanager
def running(program: str) -> Iterator[Firefox]:
    """Firefox without a screen, with a profile of its own, ended afterwards."""
    with tempfile.TemporaryDirectory(prefix="ticker-firefox-", ignore_cleanup_errors=True) as profile:
        said = Path(profile) / "said"
        command = [program, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"]
        with said.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, env=_environ(profile))
        try:
            until_now(lambda: bool(ADDRESS.search(said.read_text())), "Firefox to listen", STARTING_SECONDS)
            found = ADDRESS.search(said.read_text())
            assert found is not None
            with connect(found[1] + "/session", proxy=None, max_size=None) as line:
                yield Firefox(line)
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            if process.poll() is None:
                process.kill()
                process.wait(10)


def _environ(profile: str) -> dict[str, str]:
    return {**os.environ, "HOME": profile, "MOZ_HEADLESS": "1"}
