"""`ticker backup` and `ticker restore`: the embedded store as one file, and a new store out of that file.

The file is the store's own snapshot (RDB): one moment of all channels, with its checksum inside. The append-only files
would do as well, but they are several, and grow while they are copied.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from ticker import channel as channels
from ticker.audit import Audit
from ticker.embedded import EmbeddedStore
from ticker.errors import SettingsError, StoreUnavailable, TickerError
from ticker.inspection import KEYS, Broken, opened
from ticker.item import iso
from ticker.settings import Settings
from ticker.store import Store, reaching
from ticker.stream import WAITING, Log

SNAPSHOT = "dump.rdb"
FILES = "appendonlydir"
BASE = "appendonly.aof.1.base.rdb"
MANIFEST = "appendonly.aof.manifest"
MAGIC = (b"REDIS", b"VALKEY")
LOOK_SECONDS = 0.05
"""Between two looks at a snapshot that is being written."""


class NoBackup(TickerError):
    """There is no backup of this, or none can be made."""


async def backup(settings: Settings, options: Namespace) -> int:
    """`ticker backup FILE`: what the embedded store holds now, whether or not it runs. Raises NoBackup."""
    _embedded(settings)
    file = Path(options.file)
    async with opened(settings) as store:
        await snapshot(store)
        made = settings.data / SNAPSHOT
        try:
            size = await asyncio.to_thread(_publish, made, file)
        except OSError as error:
            raise NoBackup(f"{file} cannot be written ({error}).") from None
        finally:
            with suppress(OSError):
                made.unlink()
    print(f"{file}: {size:,} bytes")
    return 0


async def snapshot(store: Store) -> None:
    """Have the server write all that it holds in this moment into its own file, and wait for that.

    Raises StoreUnavailable, also when the server cannot (no room on its disk; its log says more).
    """
    async with reaching():
        begun = (await store.redis.info("persistence"))["rdb_saves"]
        # Not while the append-only file is rewritten: then it comes after that.
        await store.redis.bgsave(schedule=True)
        while True:
            told = await store.redis.info("persistence")
            if told["rdb_saves"] != begun and not told["rdb_bgsave_in_progress"]:
                break
            await asyncio.sleep(LOOK_SECONDS)
    if told["rdb_last_bgsave_status"] != "ok":
        raise StoreUnavailable("The store could not write its snapshot; its log says why.")


async def restore(settings: Settings, options: Namespace) -> int:
    """`ticker restore FILE`: a store out of a backup, in a data directory without one; then what is in it.

    Raises NoBackup when it is none or is not whole, Broken when the records in it were changed.
    """
    _embedded(settings)
    known = channels.load(settings.channels)
    async with _laid_out(Path(options.file), settings) as store:
        wrong: list[str] = []
        names = await store.channels()
        for name in names:
            print(f"{name}: {await _content(Log(store, name))}, {await _record(Audit(store, name), wrong)}")
            if name not in known:
                print(f"-- {name} is none of the channels that are set up here; is the channels file the right one?")
        print(f"{KEYS}: {await _record(Audit(store), wrong)}")
        now = time.time() * 1000
        for name in names:
            for item in await Log(store, name).standing():
                due = max(item.publish_at or 0, item.embargoed or 0)
                if item.state == "scheduled" and due <= now:
                    print(
                        f"-- {name}: {item.id} was scheduled for {iso(due)}, and goes out at the start: {item.headline}"
                    )
    if wrong:
        raise Broken("It was restored, and is not what was once written:\n  " + "\n  ".join(wrong))
    return 0


async def _content(log: Log) -> str:
    """How much there is of a channel."""
    states = [item.state for item in await log.standing()]
    waiting = sum(state in WAITING for state in states)
    return f"{len(states) - waiting} items on air, {waiting} that wait"


async def _record(audit: Audit, wrong: list[str]) -> str:
    """The length of a record, its last act, and whether it is unbroken; what is wrong is added to `wrong`."""
    verdict, last = await audit.verify(), await audit.newest(1)
    wrong += [f"{audit.channel or KEYS}: {sentence}" for sentence in verdict.wrong]
    until = f" until {iso(last[0].at)}" if last else ""
    return f"{verdict.records} records{until}, {'unbroken' if not verdict.wrong else f'{len(verdict.wrong)} wrong'}"


@asynccontextmanager
async def _laid_out(file: Path, settings: Settings) -> AsyncIterator[Store]:
    """The store that reads this file, as long as it is looked at; what was made for it goes when it cannot be read."""
    place = settings.data / FILES
    if place.exists():
        raise NoBackup(
            f"{place} is there: {settings.data} holds a store already. Take another --data, or move it away."
        )
    part = settings.data / (FILES + ".part")
    try:
        with file.open("rb") as found:
            if not found.read(6).startswith(MAGIC):
                raise NoBackup(f"{file} is no backup.")
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700)
        await asyncio.to_thread(_copy, file, part / BASE)
        (part / MANIFEST).write_text(f"file {BASE} seq 1 type b\n", encoding="ascii")
        part.replace(place)
    except OSError as error:
        raise NoBackup(f"{file} cannot be restored to {settings.data} ({error}).") from None
    embedded = EmbeddedStore(settings.data, settings.fsync)
    try:
        await asyncio.to_thread(embedded.start)
    except SettingsError as error:
        shutil.rmtree(place, ignore_errors=True)
        raise NoBackup(f"{file} cannot be read by the store. {error.detail}") from None
    store = Store(embedded.url)
    try:
        yield store
    finally:
        await store.close()
        await asyncio.to_thread(embedded.stop)


def _publish(made: Path, file: Path) -> int:
    """Copy under another name until it is whole: whoever lists the folder never finds half a backup. Its size."""
    if file.exists():
        raise FileExistsError("it is there already; an older backup is good until somebody says otherwise")
    part = file.with_name(file.name + ".part")
    _copy(made, part)
    part.replace(file)
    return file.stat().st_size


def _copy(source: Path, target: Path) -> None:
    """Copy, for this user's eyes only, and to the disk before it is said to be there."""
    with (
        source.open("rb") as read,
        os.fdopen(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as written,
    ):
        shutil.copyfileobj(read, written, 1 << 20)
        written.flush()
        os.fsync(written.fileno())


def _embedded(settings: Settings) -> None:
    if settings.redis_url is not None:
        raise SettingsError(
            "TICKER_REDIS_URL", "names a store of yours, which is backed up by its own tools: see docs/operating.md."
        )
