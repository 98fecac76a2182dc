"""The tie: a child does not outlive the program that started it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys

import pytest

from tests.waiting import DEADLINE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")

PARENT = """
import functools, os, signal, subprocess, sys
from ticker import tie
subprocess.Popen([sys.executable, "-c", sys.argv[1]], preexec_fn=functools.partial(tie.to_parent, os.getpid()))
signal.alarm(60)
signal.pause()
"""

ORPHAN = """
from ticker import tie
tie.to_parent(1234567890)
print("lives on")
"""

CHILD = """
import os, signal
def ended(number, frame):
    os.write(1, b"told to end")
    os._exit(0)
signal.signal(signal.SIGTERM, ended)
os.write(1, b"up")
signal.alarm(60)
signal.pause()
"""


def ended(pipe: int) -> bytes:
    """What is still written, until the last writer of this pipe has gone; fails when that takes too long."""
    said = b""
    while select.select([pipe], [], [], DEADLINE)[0]:
        part = os.read(pipe, 1024)
        if not part:
            return said
        said += part
    raise AssertionError(f"after {DEADLINE:g} s somebody still holds the pipe; it said {said!r}")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
def test_a_child_is_told_to_end_however_its_parent_does(number: signal.Signals) -> None:
    """A parent that is killed can clean up nothing; its child is sent SIGTERM all the same, and can close its files."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT, CHILD], stdout=subprocess.PIPE)
    try:
        assert parent.stdout is not None
        assert b"up" == os.read(parent.stdout.fileno(), 1024)
        parent.send_signal(number)
        assert b"told to end" == ended(parent.stdout.fileno())
        parent.stdout.close()
    finally:
        parent.kill()
        parent.wait()


def test_a_child_whose_parent_is_gone_already_ends_at_once() -> None:
    """The kernel tells only of deaths that are to come."""
    done = subprocess.run([sys.executable, "-c", ORPHAN], capture_output=True, check=False, timeout=DEADLINE)
    assert (1, b"") == (done.returncode, done.stdout)
