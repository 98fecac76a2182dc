"""`ticker audit`: read the record of a channel straight from the store, and say whether anybody changed it.

Answers and frames that were written down elsewhere can be held against it.
"""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from ticker import channel as channels
from ticker import embedded, oracle
from ticker.audit import HOUSE, Audit, Record
from ticker.errors import TickerError
from ticker.settings import Settings
from ticker.store import Store

KEYS = "keys"
"""The name under which the house's own record is asked for."""


class Broken(TickerError):
    """The record is not what was written."""


async def audit(settings: Settings, options: Namespace) -> int:
    """`ticker audit show|verify [CHANNEL]`. Raises Broken when a record was changed or is missing."""
    names = [options.channel] if options.channel else [*channels.load(settings.channels), KEYS]
    async with opened(settings) as store:
        if options.act == "show":
            for name in names:
                await _show(Audit(store, HOUSE if name == KEYS else name), options)
            return 0
        wrong: list[str] = []
        answers, readers, pushes = _written_down(options.against or ())
        for name in names:
            verdict = await Audit(store, HOUSE if name == KEYS else name).verify()
            state = f"{len(verdict.wrong)} wrong" if verdict.wrong else "unbroken"
            # The head can be noted elsewhere: whoever computes the whole chain anew cannot compute that one.
            print(f"{name}: {verdict.records} records, {state}, head {verdict.head}")
            wrong += [f"{name}: {sentence}" for sentence in verdict.wrong]
            if options.against and name != KEYS:
                records = [record async for record in Audit(store, name).records()]
                mine = [answer for answer in answers if answer["item"]["channel"] == name]
                wrong += oracle.judged(records, mine, _of(name, readers), _of(name, pushes))
    if wrong:
        raise Broken("Not as it was promised:\n  " + "\n  ".join(wrong))
    return 0


Lines = dict[tuple[str, str], list[oracle.Frame]]
"""File and channel → its lines."""


def _of(channel: str, found: Lines) -> dict[str, list[oracle.Frame]]:
    return {file: lines for (file, of), lines in found.items() if of == channel}


def _written_down(files: Sequence[str]) -> tuple[list[oracle.Answer], Lines, Lines]:
    """Files of JSON lines: answers to posts, what a reader was sent (`ticker watch --json`), what a webhook was told.

    A file for each reader and for each target.
    """
    answers: list[oracle.Answer] = []
    readers: Lines = {}
    pushes: Lines = {}
    for file in files:
        try:
            lines = [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines() if line.strip()]
        except (OSError, ValueError) as error:
            raise Broken(f"{file} cannot be read as JSON lines ({error}).") from None
        answers += [line for line in lines if "type" not in line and "item" in line]
        for line in lines:
            if str(line.get("type", "")).startswith(oracle.PUSH):
                pushes.setdefault((file, line["data"]["channel"]), []).append(line)
        frames = [line for line in lines if "type" in line and not line["type"].startswith(oracle.PUSH)]
        for channel in {frame["channel"] for frame in frames if "channel" in frame}:
            readers[file, channel] = frames
    return answers, readers, pushes


async def _show(audit: Audit, options: Namespace) -> None:
    if options.after is None:
        records = [*reversed(await audit.newest(options.limit))]
    else:
        records = [record async for record in audit.records(options.after, options.limit)]
    for record in records:
        if options.json:
            print(json.dumps(record.told(), ensure_ascii=False, separators=(",", ":")))
        else:
            print(_line(record))


def _line(record: Record) -> str:
    told = record.told()
    after = told.get("after") or {}
    text = after.get("headline", "")
    if told.get("refused"):
        text = f"refused: {told['refused']} ({told.get('detail', '')})"
    elif told.get("detail"):
        text = f"{text} ({told['detail']})" if text else told["detail"]
    version = f"v{after['version']}" if after else "-"
    by = told["by"]["name"] or told["by"]["key"]
    return f"{record.number:>6}  {told['at']}  {told['act']:<10} {told.get('item', '-'):<26} {version:<4} {by}: {text}"


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Store]:
    """The store that these settings name; the embedded one is started when it does not run."""
    started: embedded.EmbeddedStore | None = None
    if settings.redis_url is not None:
        url = settings.redis_url.get_secret_value()
    elif (running := embedded.address(settings.data)) is not None:
        url = running
    else:
        started = embedded.EmbeddedStore(settings.data, settings.fsync)
        started.start()
        url = started.url
    store = Store(url)
    try:
        yield store
    finally:
        await store.close()
        if started is not None:
            started.stop()
