"""Reading on in many logs at once: each fan-out gets what is its own, and no log or broadcast holds up another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from ticker import tail, tasks
from ticker.channel import DEFAULT
from ticker.entry import FORMAT
from ticker.fanout import MOST, NO_PULSE, Clock, Fanout
from ticker.group import EVERYTHING
from ticker.hub import Hub
from ticker.store import Store
from ticker.stream import Log, beats
from ticker.tail import Following, Tail

from tests.test_hub import joined
from tests.test_stream import AMAL, publishing
from tests.waiting import until

NAMES = ("en", "ar", "es")


@dataclass
class Followed:
    """The fan-outs of some channels at work."""

    fanouts: dict[str, Fanout]

    def said(self, channel: str) -> list[str]:
        """What its window shows."""
        return [item.headline for item in self.fanouts[channel].hub.window(EVERYTHING)]

    async def shows(self, channel: str, *headlines: str) -> None:
        """Wait until its window shows just these, newest first."""
        await until(lambda: self.said(channel) == list(headlines), f"{headlines} on {channel}")


@asynccontextmanager
async def followed(store: Store, *names: str, ring: int = 1000) -> AsyncIterator[Followed]:
    """Fan-outs of these channels, read for by one."""
    clock = Clock()
    settings = {channel.name: channel for channel in DEFAULT}
    found = {
        name: Fanout(Log(store, name), Hub(settings[name], clock, ring=ring), clock, ring) for name in names or NAMES
    }
    following = Following(store, list(found.values()))
    running = [tasks.supervised(name, fanout.run) for name, fanout in found.items()]
    running.append(tasks.supervised("tail", following.run))
    started = [asyncio.create_task(run) for run in running]
    try:
        await until(lambda: all(fanout.hub.loaded for fanout in found.values()), "the logs to be read")
        yield Followed(found)
    finally:
        await tasks.end(started)


async def post(store: Store, channel: str, headline: str) -> None:
    """An alert into a log."""
    await Log(store, channel).append(publishing(headline), AMAL)


async def test_each_fan_out_gets_what_is_its_own(store: Store) -> None:
    """Also what comes to two logs in one moment."""
    async with followed(store) as found:
        await asyncio.gather(*(post(store, name, f"of {name}") for name in ("en", "ar")))
        await found.shows("en", "of en")
        await found.shows("ar", "of ar")
        await post(store, "es", "of es")
        await found.shows("es", "of es")


async def test_one_read_tells_of_all_logs(store: Store) -> None:
    """Entries and heartbeats, and of a log that has nothing new nothing."""
    english, arabic, spanish = logs = [Log(store, name) for name in NAMES]
    places = {log: ((await log.read(1)).last, NO_PULSE) for log in logs}
    await post(store, "en", "one")
    await post(store, "en", "two")
    async with store.line(1) as ask:
        news = await Tail(ask).read(places)
        assert ["one", "two"] == [entry.item.headline for entry in news[english].entries]
        assert all(news[log].pulse is not None for log in logs)
        last = {log: (news[log].entries[-1].cursor if news[log].entries else places[log][0]) for log in logs}
        seen = {log: pulse.id for log in logs if (pulse := news[log].pulse)}
        await post(store, "ar", "three")
        news = await Tail(ask).read({log: (last[log], seen[log]) for log in logs})
        assert [arabic] == list(news)
        assert {} == await Tail(ask).read({spanish: (last[spanish], seen[spanish])}, block=None)


async def test_all_logs_are_read_on_one_connection(store: Store) -> None:
    """However many channels there are."""
    async with followed(store):

        async def reading() -> list[str]:
            return [line["cmd"] for line in await store.redis.client_list() if line["cmd"].startswith("xread")]

        async def one() -> bool:
            return ["xread"] == await reading()

        await until(one, "one blocked read")


async def test_a_broadcast_holds_up_no_other_channel(store: Store) -> None:
    """Nor does what waits behind it; and whoever does not get on has no sign of life."""
    async with followed(store) as found:
        busy = found.fanouts["en"]
        await until(lambda: busy.age < 5, "a heartbeat")
        async with busy._handing_out:
            await post(store, "en", "waits")
            await post(store, "ar", "does not")
            await found.shows("ar", "does not")
            heard = busy._heard
            before = found.fanouts["ar"]._beat

            async def beaten() -> bool:
                await beats([fanout.log for fanout in found.fanouts.values()])
                return found.fanouts["ar"]._beat != before

            await until(beaten, "a heartbeat of another channel")
            assert [] == found.said("en")
            assert heard == busy._heard
        await found.shows("en", "waits")


@pytest.mark.parametrize("ring", [1000, 10])
async def test_what_piles_up_meanwhile_is_handed_out_together_and_whole(
    store: Store, monkeypatch: pytest.MonkeyPatch, ring: int
) -> None:
    """In portions that the ring has room for; nothing is lost, nothing comes twice, nobody is reset."""
    log = Log(store, "en")
    portions: list[int] = []
    apply = Hub.apply

    def counted(hub: Hub, entries: list[object]) -> None:
        portions.append(len(entries))
        apply(hub, entries)  # type: ignore[arg-type]

    monkeypatch.setattr(Hub, "apply", counted)
    async with followed(store, "en", ring=ring) as found:
        busy = found.fanouts["en"]
        reader, *_ = joined(busy.hub)
        reader.frames()
        number = 3 * MOST
        async with busy._handing_out:
            for first in range(0, number, 50):
                await asyncio.gather(*(log.append(publishing(f"{first + k}"), AMAL) for k in range(50)))
        await until(lambda: busy.hub.cursor.n == number, "all to be handed out")
        await until(lambda: sum(portions) == number, "all to be counted")
        frames = reader.frames()
        assert {"entry"} == {frame["type"] for frame in frames}
        told = [frame["cursor"] for frame in frames]
        assert [f"{busy.hub.cursor.epoch}-{n}" for n in range(1, number + 1)] == told
        assert max(portions) < min(2 * MOST, ring + 1)
        assert len(portions) < 20 + number / ring


@pytest.mark.parametrize("key", ["log", "pulse"])
async def test_a_log_that_cannot_be_read_keeps_nobody_from_the_others(
    store: Store, key: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is complained of once, tried again, and read on as soon as it can be."""
    monkeypatch.setattr(tail, "AGAIN_SECONDS", 0.05)
    async with followed(store) as found:
        await post(store, "en", "before")
        await found.shows("en", "before")
        name = f"{{ticker:en}}:{key}"
        kept = await store.redis.dump(name)
        await store.redis.set(name, "of somebody else")
        for number in range(5):
            await post(store, "ar", f"{number}")
            await found.shows("ar", *(f"{n}" for n in range(number, -1, -1)))
        await until(lambda: "en: its log cannot be read" in caplog.text, "the complaint")
        assert 1 == caplog.text.count("its log cannot be read")
        await store.redis.delete(name)
        if kept:
            await store.redis.restore(name, 0, kept)
        await post(store, "en", "after")
        await until(lambda: "after" in found.said("en"), "the log to be read again")
        await until(lambda: "en: its log can be read again" in caplog.text, "that to be told")


async def test_a_log_of_a_newer_release_keeps_nobody_from_the_others(
    store: Store, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is left alone, and has no sign of life."""
    monkeypatch.setattr(tail, "AGAIN_SECONDS", 0.05)
    async with followed(store) as found:
        await until(lambda: found.fanouts["en"].age < 5, "a heartbeat")
        heard = found.fanouts["en"]._heard
        await store.redis.hset("{ticker:en}:meta", "format", str(FORMAT + 1))
        pulse = {"cursor": "1-0", "last": "0-0", "at": "1", "format": str(FORMAT + 1)}
        await store.redis.xadd("{ticker:en}:pulse", pulse)  # type: ignore[arg-type]
        await until(lambda: "en: its log cannot be read: a newer release" in caplog.text, "the complaint")
        await post(store, "ar", "goes on")
        await found.shows("ar", "goes on")
        assert heard == found.fanouts["en"]._heard


async def test_a_fan_out_that_fails_begins_anew(
    store: Store, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it was about to hand out: everybody is given the whole window."""
    monkeypatch.setattr(tasks, "AGAIN_SECONDS", 0.01)
    async with followed(store, "en") as found:
        reader, *_ = joined(found.fanouts["en"].hub)
        reader.frames()
        with monkeypatch.context() as patch:

            def fails(*entries: object) -> None:
                raise ZeroDivisionError

            patch.setattr(found.fanouts["en"].hub, "apply", fails)
            await post(store, "en", "met a fault")
            await until(lambda: "ZeroDivisionError" in caplog.text, "the fault")
        await found.shows("en", "met a fault")
        (reset,) = reader.frames()
        assert ("reset", "epoch") == (reset["type"], reset["reason"])
        assert ["met a fault"] == [item["headline"] for item in reset["items"]]
