"""The commands of the manual that save a newsroom and bring it back on a machine that has nothing, word for word."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests import machine
from tests.test_docs import FENCED, section

STORES = {"valkey": "the embedded store", "redis7": "a Redis"}
NEWSROOM = f"{sys.executable} -S {Path(__file__).with_name('newsroom.py')}"
PROGRAM = Path(sys.executable).with_name("ticker")


def commands(heading: str) -> list[str]:
    """The commands below a heading of the manual, a block each."""
    found = [code for kind, code in FENCED.findall(section("operating.md", heading)) if kind == "sh"]
    assert found
    return found


def installed(store: str) -> str:
    """A machine with the program on it, which nothing runs yet, as the manual installs it.

    Only what a registry is needed for is not done here: the packages of the first block are those of this environment
    (tests/test_dist.py installs the wheel), and Redis is this machine's.
    """
    program, machine, redis, start = commands("### On one machine")
    assert program.count("/opt/ticker/bin/pip install") == 2
    assert "systemctl enable --now ticker" in start
    apt, *rest = redis.splitlines(keepends=True)
    assert apt == "apt-get install --yes redis-server\n"
    lines = [f"mkdir -p /opt/ticker/bin; ln -s {PROGRAM} /opt/ticker/bin/ticker", machine]
    if store == "redis7":
        lines += ["systemctl start redis-server", *rest, "until redis-cli PING | grep -q PONG; do sleep 0.05; done"]
    return "\n".join(lines)


@pytest.mark.parametrize("store", STORES)
def test_a_newsroom_comes_back_on_a_machine_that_has_nothing(store: str, tmp_path: Path) -> None:
    """Installed, used, saved while it is used, lost with its machine; and all of the manual's promises afterwards."""
    machine.needed()
    if store == "redis7" and not shutil.which("redis-server"):
        if os.environ.get("CI"):
            pytest.fail("no redis-server on this machine, and CI must have one; 'make test' installs it")
        pytest.skip("no redis-server on this machine; install your system's package 'redis-server'")
    start = commands("### On one machine")[-1]
    (saved,) = commands(f"### Back up {STORES[store]}")
    restored, started = commands(f"### Restore {STORES[store]}")
    shared = tmp_path / "shared"
    shared.mkdir()

    first = [
        installed(store),
        f"{{ {start} }} > /media/backup/.key",
        f"{NEWSROOM} before",
        f"{NEWSROOM} busy & busy=$!",
        saved,
        "touch /media/backup/.saved; wait $busy",
        f"{NEWSROOM} since",
    ]
    machine.run("\n".join(first), tmp_path / "first", shared)
    (folder,) = shared.glob("2*")
    assert 0 == (folder.stat().st_mode & 0o077) == ((folder / "ticker.rdb").stat().st_mode & 0o077)

    second = [installed(store), restored, started, f"{NEWSROOM} restored", "cat /var/log/ticker.log >&2"]
    said = machine.run("\n".join(second), tmp_path / "second", shared)
    assert "  Amal, desk  admin  every channel  " in said
    told = [line for line in said.splitlines() if ", unbroken" in line or " unbroken, head " in line]
    assert any(line.startswith("en: ") for line in told), said
    assert any(line.startswith("keys: ") for line in told), said
