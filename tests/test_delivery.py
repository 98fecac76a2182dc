"""What a broadcast tells of itself: for how many the kernel took what."""

from __future__ import annotations

import pytest
from ticker.delivery import Delivery

from tests.test_hub import EPOCH, SPORT, entry, hub_with, joined


def counted(delivery: Delivery) -> dict[str, int]:
    """The readers that each entry has reached."""
    return {cursor: sum(readers for _, readers in steps) for cursor, steps in delivery.reached.items()}


@pytest.mark.anyio
async def test_an_entry_is_told_with_those_who_got_it() -> None:
    """By its cursor, with the bytes; a filter's readers count for what they see, and nobody twice."""
    hub = hub_with()
    told: list[Delivery] = []
    hub.told = told.append
    everybody, sport = [joined(hub)[0] for _ in range(3)], [joined(hub, selector=SPORT)[0] for _ in range(2)]
    hub.apply([entry(1), entry(2, sections=("sport",))])
    await hub.deliver()
    (delivery,) = told
    assert {f"{EPOCH}-1": 3, f"{EPOCH}-2": 5} == counted(delivery)
    assert (5, 8, 0) == (delivery.readers, delivery.frames, delivery.lagging)
    assert sum(len(reader.written) for reader in everybody + sport) == delivery.size
    times = [at for steps in delivery.reached.values() for at, _ in steps]
    assert all(delivery.began <= at <= delivery.ended for at in times)


@pytest.mark.anyio
async def test_whoever_was_slow_is_told_of_when_he_has_caught_up() -> None:
    """Passed over in the broadcast, and then reached after all."""
    hub = hub_with()
    told: list[Delivery] = []
    hub.told = told.append
    reader, group, _ = joined(hub)
    hub.pause(group, reader, 1.0)
    hub.apply([entry(1)])
    await hub.deliver()
    hub.resume(group, reader)
    broadcast, caught_up = told
    assert ({}, 1, 0) == (counted(broadcast), broadcast.lagging, broadcast.readers)
    assert ({f"{EPOCH}-1": 1}, 0, 1) == (counted(caught_up), caught_up.lagging, caught_up.readers)


@pytest.mark.anyio
async def test_nothing_is_told_where_nothing_was_done() -> None:
    """No readers, or nothing that concerns them."""
    hub = hub_with()
    told: list[Delivery] = []
    hub.told = told.append
    hub.apply([entry(1)])
    await hub.deliver()
    joined(hub, selector=SPORT)
    hub.apply([entry(2)])
    await hub.deliver()
    assert [] == told
