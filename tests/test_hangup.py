"""SIGHUP: held back until somebody listens, a wish to reload, or the end of the terminal."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from tests.waiting import until_now

LISTENS = """
import asyncio, signal, subprocess, sys
from ticker.hangup import Hangup

hangup = Hangup()

async def main():
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    with hangup.heard(lambda: print("reload", flush=True)):
        print("listens", flush=True)
        await stopped.wait()
    signal.raise_signal(signal.SIGHUP)
    print("ends", flush=True)

print("starts", flush=True)
if "slow" in sys.argv:
    sys.stdin.read(1)
asyncio.run(main())
"""

ASKS = """
import os, signal, subprocess, sys, threading
from ticker.hangup import Hangup

hangup = Hangup()
thread = threading.Thread(target=threading.Event().wait, daemon=True)
thread.start()
child = subprocess.Popen(["sleep", "60"])
print("nothing" if not hangup.take() else "something", flush=True)
os.kill(child.pid, signal.SIGHUP)
os.kill(os.getpid(), signal.SIGHUP)
print("taken" if hangup.take() else "nothing", flush=True)
print("nothing" if not hangup.take() else "something", flush=True)
print("runs" if child.poll() is None else "ended", flush=True)
child.kill()
child.wait()
"""


@dataclass
class Program:
    """A program of this test, and what it has printed."""

    process: subprocess.Popen[bytes]
    output: Path

    @property
    def said(self) -> list[str]:
        return self.output.read_text(encoding="utf-8").split()

    def says(self, *words: str) -> None:
        """Wait until it has said exactly this."""
        until_now(lambda: self.said == list(words), f"{words}; it said {self.said}", 10)


@dataclass
class Terminal:
    """What the user closes, and what the program is given."""

    window: IO[bytes]
    inside: int


@contextmanager
def started(
    directory: Path, code: str, *arguments: str, terminal: int | None = None, nohup: bool = False
) -> Iterator[Program]:
    """A Python program in a session of its own, perhaps with this terminal, ended when the test is."""

    def prepare() -> None:
        if terminal is not None:
            fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
        if nohup:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)

    output = directory / "output"
    with output.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=said,
            start_new_session=True,
            pass_fds=[] if terminal is None else [terminal],
            preexec_fn=prepare,
        )
    try:
        yield Program(process, output)
    finally:
        process.kill()
        process.communicate()


def test_it_asks_for_a_reload_each_time(tmp_path: Path) -> None:
    """And on the way out another one does no harm."""
    with started(tmp_path, LISTENS) as program:
        program.says("starts", "listens")
        for number in (1, 2):
            program.process.send_signal(signal.SIGHUP)
            program.says("starts", "listens", *["reload"] * number)
        program.process.terminate()
        assert 0 == program.process.wait(10)
        assert "ends" == program.said[-1]


def test_one_that_comes_while_it_starts_is_heard_later(tmp_path: Path) -> None:
    """It neither ends the program nor is it lost."""
    with started(tmp_path, LISTENS, "slow") as program:
        program.says("starts")
        program.process.send_signal(signal.SIGHUP)
        assert program.process.stdin is not None
        program.process.stdin.write(b".")
        program.process.stdin.flush()
        until_now(lambda: "reload" in program.said, f"the reload; it said {program.said}", 10)
        assert program.process.poll() is None


def test_who_runs_no_loop_asks_now_and_then(tmp_path: Path) -> None:
    """Each is taken once, whatever threads there are; a child that was started since is not ended by one either."""
    with started(tmp_path, ASKS) as program:
        assert 0 == program.process.wait(10)
        assert ["nothing", "taken", "nothing", "runs"] == program.said


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    """A terminal of this test."""
    screen, inside = os.openpty()
    with os.fdopen(screen, "rb", buffering=0) as window, os.fdopen(inside, "rb", buffering=0) as keyboard:
        yield Terminal(window, keyboard.fileno())


def test_it_reloads_in_a_terminal_and_ends_with_it(tmp_path: Path, terminal: Terminal) -> None:
    """Whoever closes the window does not leave a program behind that nobody sees."""
    with started(tmp_path, LISTENS, terminal=terminal.inside) as program:
        program.says("starts", "listens")
        program.process.send_signal(signal.SIGHUP)
        program.says("starts", "listens", "reload")
        terminal.window.close()
        assert 0 == program.process.wait(10)
        assert ["starts", "listens", "reload", "ends"] == program.said


def test_under_nohup_the_terminal_may_go(tmp_path: Path, terminal: Terminal) -> None:
    """Then the signal is a wish to reload, and no more."""
    with started(tmp_path, LISTENS, terminal=terminal.inside, nohup=True) as program:
        program.says("starts", "listens")
        terminal.window.close()
        program.says("starts", "listens", "reload")
        assert program.process.poll() is None


def test_who_has_a_parent_does_not_end_by_himself(tmp_path: Path, terminal: Terminal) -> None:
    """The parent tells him to, in its own time."""
    with started(tmp_path, LISTENS.replace("Hangup()", "Hangup(parent=True)"), terminal=terminal.inside) as program:
        program.says("starts", "listens")
        terminal.window.close()
        program.says("starts", "listens", "reload")
        assert program.process.poll() is None
