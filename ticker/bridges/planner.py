"""From an entry to the rows of the outbox: who is to be told, by each provider."""

from __future__ import annotations

from collections.abc import Iterable

from ticker.bridges.notice import pushed
from ticker.bridges.outbox import Lot, Outbox
from ticker.bridges.provider import Provider
from ticker.bridges.register import Register
from ticker.bridges.target import AUDIENCE
from ticker.entry import Entry


async def plan(entry: Entry, outbox: Outbox, register: Register, providers: Iterable[Provider]) -> int:
    """Write the rows of an entry; how many are new. Done again, it adds nothing, wherever it stopped before.

    Whoever was told of an item is told of what became of it, also when he would not be asked any more: a correction
    may move it to another section. A withdrawal goes to nobody else.
    """
    push_at = pushed(entry)
    if push_at is None:
        return 0
    item, fresh = entry.item, 0
    for provider in providers:
        told = await outbox.lots(provider.name, item.id) if item.version > 1 else set()
        buckets = told | {AUDIENCE} | (set() if push_at == 0 else set(await register.buckets(provider.name)))
        for bucket in sorted(buckets):
            targets: list[str] = []
            if push_at:
                found = (
                    provider.audiences(item)
                    if bucket == AUDIENCE
                    else [target for target in await register.bucket(provider.name, bucket) if target.wants(item)]
                )
                targets = [target.id for target in found]
            if targets or bucket in told:
                fresh += max(
                    0,
                    await outbox.plan(
                        provider.name,
                        Lot(item.id, bucket),
                        item.version,
                        push_at,
                        # A withdrawal has no time to lose, but is looked at before it is believed, like everything.
                        push_at or item.versioncreated,
                        targets,
                        earlier=bucket in told,
                    ),
                )
    return fresh
