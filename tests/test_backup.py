"""`ticker backup` and `ticker restore`: what they refuse, and what they say. test_restore.py has the whole of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from ticker import backup
from ticker.store import Store
from ticker.stream import Log

from tests.stage import short_directory, valkey_server
from tests.terminal import Run
from tests.test_stream import AMAL, at, publishing


async def changed(data: Path) -> None:
    """Somebody writes into the record of `en` by hand."""
    with valkey_server(data) as url:
        store = Store(url)
        await store.redis.hset("{ticker:en}:meta", "audit_hash", "0" * 40)
        await store.close()


async def snapshot(url: str) -> str:
    """The path of the file that a store of somebody else made, with one alert in it."""
    store = Store(url)
    await store.redis.flushall()
    await Log(store, "en").append(publishing("one"), AMAL)
    await backup.snapshot(store)
    folder = (await store.redis.config_get("dir"))["dir"]
    await store.close()
    return f"{folder}/dump.rdb"


@pytest.fixture
def house(environment: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose path is short enough for a store in it."""
    with short_directory() as directory:
        yield directory


async def filled(data: Path, channel: str = "en") -> None:
    """A store with an alert in a channel and one that comes due, which runs no more."""
    with valkey_server(data) as url:
        store = Store(url)
        await Log(store, channel).append(publishing("one"), AMAL)
        await Log(store, channel).append(publishing("two", publish_at=await at(store, 100)), AMAL)
        await store.close()


def test_a_backup_is_one_file_and_a_restore_says_what_is_in_it(house: Path, run: Run) -> None:
    """Nobody else may read it, nothing is left beside the store, and an older backup is not written over."""
    asyncio.run(filled(house / "data", "zz"))
    file = house / "backup"
    made = run("backup", str(file), "--data", str(house / "data"))
    assert (0, "") == (made.status, made.err)
    assert f"{file}: {file.stat().st_size:,} bytes\n" == made.out
    assert 0o600 == file.stat().st_mode & 0o777
    assert ["appendonlydir", "lock", "valkey.log"] == sorted(
        path.name for path in (house / "data").iterdir() if not path.is_socket()
    )
    again = run("backup", str(file), "--data", str(house / "data"))
    assert 1 == again.status
    assert "is there already" in again.err
    assert ["backup", "data"] == sorted(path.name for path in house.iterdir())

    restored = run("restore", str(file), "--data", str(house / "new"))
    assert 0 == restored.status
    first, unknown, keys, due = restored.lines
    assert first.startswith("zz: 1 items on air, 1 that wait, 2 records until 20")
    assert first.endswith(", unbroken")
    assert unknown.startswith("-- zz is none of the channels that are set up here")
    assert "keys: 0 records, unbroken" == keys
    assert due.startswith("-- zz: ")
    assert due.endswith(", and goes out at the start: two")

    refused = run("restore", str(file), "--data", str(house / "new"))
    assert 1 == refused.status
    assert "holds a store already" in refused.err


def test_a_changed_record_is_told_when_it_is_restored(house: Path, run: Run) -> None:
    """It is there to be looked at, and the status is 1."""
    asyncio.run(filled(house / "data"))
    asyncio.run(changed(house / "data"))
    run("backup", str(house / "backup"), "--data", str(house / "data"))
    restored = run("restore", str(house / "backup"), "--data", str(house / "new"))
    assert 1 == restored.status
    assert "1 wrong" in restored.out
    assert "It was restored, and is not what was once written:\n  en: record 2, the last one" in restored.err
    assert (house / "new" / "appendonlydir").is_dir()


@pytest.mark.parametrize("kept", [0, 20, -1], ids=["empty", "cut short", "a byte less"])
def test_a_file_that_is_not_whole_is_refused_and_leaves_nothing(house: Path, run: Run, kept: int) -> None:
    """The store's own checksum sees to that; the next try finds an empty directory."""
    asyncio.run(filled(house / "data"))
    file = house / "backup"
    run("backup", str(file), "--data", str(house / "data"))
    file.write_bytes(file.read_bytes()[:kept])
    refused = run("restore", str(file), "--data", str(house / "new"))
    assert 1 == refused.status
    assert f"ticker: {file} " in refused.err
    assert [] == list(house.glob("new/appendonlydir*"))


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_a_store_of_somebody_else_is_left_to_its_own_tools(house: Path, run: Run, command: str) -> None:
    """The manual has the commands."""
    refused = run(command, str(house / "backup"), "--redis-url", "redis://127.0.0.1:9")
    assert 1 == refused.status
    assert refused.err.startswith("ticker: TICKER_REDIS_URL: names a store of yours")


def test_a_redis_can_be_moved_into_the_embedded_store(house: Path, run: Run, redis7: str) -> None:
    """Its snapshot is a backup."""
    restored = run("restore", asyncio.run(snapshot(redis7)), "--data", str(house / "new"))
    assert 0 == restored.status
    assert restored.out.startswith("en: 1 items on air")
