"""The sample alerts: ten in each channel, once, and only where nothing was ever posted."""

from __future__ import annotations

import asyncio
import json
from importlib.resources import files
from typing import Any

import pytest
from ticker import acts, samples
from ticker.airing import HOUR_MS
from ticker.channel import DEFAULT, Channel
from ticker.draft import Draft
from ticker.store import Store
from ticker.stream import Log
from ulid import ULID

CHANNELS = {channel.name: channel for channel in DEFAULT}
DOCUMENT: dict[str, list[Any]] = json.loads((files("ticker") / "samples.json").read_text(encoding="utf-8"))


def logs(store: Store, *names: str) -> dict[str, Log]:
    """The logs of these channels, or of all."""
    return {name: Log(store, name) for name in names or CHANNELS}


async def headlines(log: Log) -> list[str]:
    """What stands in a log, oldest first."""
    return [entry.item.headline for entry in (await log.read(100)).entries]


@pytest.mark.parametrize("channel", DEFAULT, ids=lambda channel: channel.name)
def test_there_are_ten_for_each_channel_that_an_editor_could_have_posted(channel: Channel) -> None:
    """Every sample goes through the checks of a post."""
    drafts = [Draft.model_validate_json(json.dumps(alert)) for alert in DOCUMENT[channel.name]]
    assert 10 == len({acts.publish(draft, channel, "A", "me").item.headline for draft in drafts})


async def test_empty_channels_are_filled_in_order(store: Store) -> None:
    """The first of the file is the oldest, and each stands for a day."""
    found = logs(store)
    await samples.fill(found, CHANNELS)
    for name, log in found.items():
        assert [alert["headline"] for alert in DOCUMENT[name]] == await headlines(log)
    entries = (await found["ar"].read(100)).entries
    assert {"publish"} == {entry.act for entry in entries}
    assert {("ar", "rtl", 1)} == {(entry.item.language, entry.item.direction, entry.item.version) for entry in entries}
    assert all(entry.item.expires == (entry.item.published_at or 0) + 24 * HOUR_MS for entry in entries)


async def test_a_second_start_adds_nothing(store: Store) -> None:
    """The samples are posted once in the life of a store."""
    found = logs(store)
    await samples.fill(found, CHANNELS)
    before = {name: (await log.read(100)).cursor for name, log in found.items()}
    await samples.fill(found, CHANNELS)
    assert before == {name: (await log.read(100)).cursor for name, log in found.items()}


async def test_several_workers_that_start_at_once_add_ten(store: Store) -> None:
    """Each worker does the same, and each sample is one alert all the same."""
    await asyncio.gather(*(samples.fill(logs(store), CHANNELS) for _ in range(8)))
    for log in logs(store).values():
        assert 10 == len(await headlines(log))


async def test_a_channel_in_which_something_was_posted_is_left_alone(store: Store) -> None:
    """No invented alert ever stands between real ones."""
    found = logs(store)
    await found["en"].append(acts.publish(Draft(headline="A real one"), CHANNELS["en"], str(ULID()), "amal"), "amal")
    await samples.fill(found, CHANNELS)
    assert ["A real one"] == await headlines(found["en"])
    assert 10 == len(await headlines(found["ar"]))


async def test_channels_without_samples_and_samples_without_a_channel_are_passed_over(store: Store) -> None:
    """A newsroom with channels of its own gets those samples that it has a channel for."""
    own = {"es": CHANNELS["es"], "fa": Channel(name="fa", title="خبر فوری", language="fa", direction="rtl")}
    found = logs(store, *own)
    await samples.fill(found, own)
    assert 10 == len(await headlines(found["es"]))
    assert [] == await headlines(found["fa"])
    assert await Log(store, "en").empty()
