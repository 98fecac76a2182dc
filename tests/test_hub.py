"""The hub: who gets what, in one step, once."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from ticker.channel import Channel
from ticker.entry import START, Cursor, Entry, State
from ticker.errors import Full
from ticker.group import EVERYTHING, Group, Selector
from ticker.hub import SLOTS, Hub
from ticker.item import Item
from websockets.frames import Frame
from websockets.streams import StreamReader

EPOCH = 1_795_000_000_000
NOW = 1_795_000_600_000


class Recorder:
    """A reader that keeps what is written to it."""

    def __init__(self) -> None:
        self.position = 0
        self.slot = 0
        self.stuck_since = 0.0
        self.written = b""
        self.writes = 0
        self.gone = False

    def write(self, data: bytes) -> None:
        assert not self.stuck_since, "written to although it takes nothing"
        self.written += data
        self.writes += 1

    def close(self, code: int, reason: str) -> None:
        self.gone = True

    def cut(self) -> None:
        self.gone = True

    def frames(self) -> list[Any]:
        """What was written since the last call, parsed."""
        found = parsed(self.written)
        self.written = b""
        return found


def parsed(data: bytes) -> list[Any]:
    """The JSON of unmasked WebSocket frames."""
    stream, found = StreamReader(), []
    stream.feed_data(data)
    while stream.buffer:
        parser = Frame.parse(stream.read_exact, mask=False)
        try:
            next(parser)
        except StopIteration as done:
            found.append(json.loads(bytes(done.value.data)))
    return found


def entry(
    n: int, item_id: str | None = None, act: str = "publish", version: int = 1, epoch: int = EPOCH, **fields: Any
) -> Entry:
    """The n-th entry of an epoch."""
    withdrawn = {"pubstatus": "canceled", "signal": "retraction"} if act == "retract" else {}
    item = Item(
        id=item_id or f"item{n}",
        version=version,
        channel="en",
        headline=f"headline {n}",
        language="en",
        **withdrawn,
        **fields,
    )
    previous = Cursor(epoch, n - 1) if n > 1 else START
    return Entry(Cursor(epoch, n), previous, act, item)


def hub_with(entries: Iterable[Entry] = (), ring: int = 100, window: int = 10, **options: Any) -> Hub:
    """A hub that has read this log."""
    hub = Hub(Channel(name="en", title="News", language="en", window=window), lambda: NOW, ring=ring, **options)
    held = list(entries)
    last = held[-1].cursor if held else Cursor(EPOCH, 0)
    hub.load(State(last, last, held[-ring:]))
    return hub


def joined(hub: Hub, cursor: str | None = None, selector: Selector = EVERYTHING) -> tuple[Recorder, Group, Any]:
    """A reader who has joined, his group, and his first frame."""
    reader = Recorder()
    group, first = hub.join(reader, selector, cursor)
    return reader, group, parsed(first)[0]


def ids(frame: Any) -> list[str]:
    """The ids of a frame's items, or of its entries' items."""
    return [item["id"] for item in frame["items"]] if "items" in frame else [e["item"]["id"] for e in frame["entries"]]


def test_a_reader_without_a_cursor_gets_the_window() -> None:
    """A snapshot, newest first, at the cursor of the log, with the bounds for coming back."""
    _, _, first = joined(hub_with(entry(n) for n in range(1, 13)))
    assert "snapshot" == first["type"]
    assert [f"item{n}" for n in range(12, 2, -1)] == ids(first)
    assert f"{EPOCH}-12" == first["cursor"]
    assert {"min_ms": 500, "max_ms": 30_000} == first["reconnect"]
    assert "2026-11-18T11:16:40.000Z" == first["time"]


def test_a_reader_with_a_cursor_gets_exactly_what_he_missed() -> None:
    """A resume with the entries after it, oldest first; at the head an empty one."""
    hub = hub_with(entry(n) for n in range(1, 13))
    assert ["item11", "item12"] == ids(joined(hub, f"{EPOCH}-10")[2])
    assert ("resume", []) == (joined(hub, f"{EPOCH}-12")[2]["type"], ids(joined(hub, f"{EPOCH}-12")[2]))


@pytest.mark.parametrize("ring", [10, 50])
def test_the_ring_ends_where_it_says(ring: int) -> None:
    """From the oldest position that is held there is a resume, from one before it a reset, never a hole."""
    hub = hub_with((entry(n) for n in range(1, 101)), ring=ring)
    oldest = 100 - ring
    assert "resume" == joined(hub, f"{EPOCH}-{oldest}")[2]["type"]
    assert ring == len(joined(hub, f"{EPOCH}-{oldest}")[2]["entries"])
    before = joined(hub, f"{EPOCH}-{oldest - 1}")[2]
    assert ("reset", "window") == (before["type"], before["reason"])


def test_the_ring_moves_with_what_comes() -> None:
    """Entries that arrive push the oldest out, and positions before them get a reset."""
    hub = hub_with((entry(n) for n in range(1, 11)), ring=10)
    hub.apply([entry(n) for n in range(11, 16)])
    assert "resume" == joined(hub, f"{EPOCH}-5")[2]["type"]
    assert 10 == len(joined(hub, f"{EPOCH}-5")[2]["entries"])
    assert "reset" == joined(hub, f"{EPOCH}-4")[2]["type"]


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "1-1", f"{EPOCH + 1}-1", f"{EPOCH}-13", "-1--1", f"{EPOCH}-1 ", "9" * 50, f"{EPOCH}-\u0661", "0-0"],
)
def test_a_cursor_that_is_none_of_this_log_is_told_so(cursor: str) -> None:
    """Nonsense, another epoch, or ahead of the log: a reset with the whole window."""
    first = joined(hub_with(entry(n) for n in range(1, 13)), cursor)[2]
    assert ("reset", "epoch", 10) == (first["type"], first["reason"], len(first["items"]))


def test_a_reset_names_what_was_withdrawn() -> None:
    """Who was away learns from the tombstones what has to go."""
    log = [entry(1), entry(2), entry(3, "item1", "retract", 2)]
    first = joined(hub_with(log), "nonsense")[2]
    assert (["item2"], ["item1"]) == (ids(first), first["tombstones"])


async def test_the_text_of_a_retracted_item_is_given_to_nobody_who_comes_back() -> None:
    """Who missed the publication gets its place in the log, and that the item was withdrawn; a stuck reader too."""
    hub = hub_with([entry(1, "kept")])
    stuck, group, _ = joined(hub)
    hub.pause(group, stuck, 1.0)
    hub.apply([entry(2, "gone"), entry(3, "gone", "correct", 2), entry(4, "gone", "retract", 3)])
    await hub.deliver()
    hub.resume(group, stuck)
    for entries in (joined(hub, f"{EPOCH}-1")[2]["entries"], stuck.frames()):
        assert [f"{EPOCH}-{n}" for n in (2, 3, 4)] == [one["cursor"] for one in entries]
        assert [f"{EPOCH}-{n}" for n in (1, 2, 3)] == [one["previous"] for one in entries]
        assert {"retract"} == {one["act"] for one in entries}
        assert not any("headline" in one["item"] for one in entries)
    late = joined(hub, f"{EPOCH}-1", Selector(urgencies=frozenset({5})))[2]
    assert not any("headline" in one["item"] for one in late["entries"])
    again = hub_with([entry(1, "kept"), entry(2, "gone"), entry(3, "gone", "retract", 2)])
    assert "headline" not in json.dumps(joined(again, f"{EPOCH}-1")[2])


def test_a_retracted_text_is_held_by_no_filter_that_once_showed_it() -> None:
    """Not even where the item had left the window, and a correction the selection, before it was withdrawn."""
    hub = hub_with(window=1)
    joined(hub, selector=SPORT)
    hub.apply([entry(1, "a", sections=("sport",)), entry(2, "b", sections=("sport",))])
    hub.apply([entry(3, "a", "correct", 2, sections=("economy",)), entry(4, "a", "retract", 3, sections=("economy",))])
    resumed = joined(hub, f"{EPOCH}-0", SPORT)[2]
    assert [("a", False), ("b", True)] == [(e["item"]["id"], "headline" in e["item"]) for e in resumed["entries"]]


async def test_who_joins_between_two_entries_misses_nothing_and_gets_nothing_twice() -> None:
    """Snapshot and live traffic meet without gap and without duplicate, wherever the join falls."""
    hub = hub_with()
    readers = []
    for n in range(1, 31):
        before, _, first = joined(hub)
        hub.apply([entry(n)])
        between, _, second = joined(hub)
        await hub.deliver()
        readers += [(before, first), (between, second)]
    for reader, first in readers:
        seen = {int(i.removeprefix("item")) for i in ids(first)}
        live = [int(frame["item"]["id"].removeprefix("item")) for frame in reader.frames()]
        assert sorted(live) == live
        assert not seen & set(live)
        assert 30 == max([0, *seen, *live])
        assert list(range(int(first["cursor"].split("-")[1]) + 1, 31)) == live


async def test_what_piled_up_leaves_in_one_write() -> None:
    """Five entries read together reach a reader as five frames in one write."""
    hub = hub_with()
    reader, _, _ = joined(hub)
    hub.apply([entry(n) for n in range(1, 6)])
    await hub.deliver()
    assert 1 == reader.writes
    assert [1, 2, 3, 4, 5] == [int(frame["cursor"].split("-")[1]) for frame in reader.frames()]


async def test_everybody_is_written_the_same_bytes_object() -> None:
    """A frame is built once, whoever reads it."""
    hub = hub_with()
    written: list[bytes] = []

    class Keeper(Recorder):
        def write(self, data: bytes) -> None:
            written.append(data)

    for _ in range(3):
        hub.join(Keeper(), EVERYTHING, None)
    hub.apply([entry(1), entry(2)])
    await hub.deliver()
    assert 3 == len(written)
    assert 1 == len({id(data) for data in written})


async def test_who_takes_nothing_is_passed_over_and_catches_up() -> None:
    """Nothing is written to a stuck reader; when he drains he gets what he missed, in order, and then lives on."""
    hub = hub_with()
    slow, group, _ = joined(hub)
    quick, _, _ = joined(hub)
    hub.pause(group, slow, 100.0)
    for n in range(1, 4):
        hub.apply([entry(n)])
        await hub.deliver()
    assert (0, 3) == (slow.writes, quick.writes)
    hub.resume(group, slow)
    assert [1, 2, 3] == [int(frame["cursor"].split("-")[1]) for frame in slow.frames()]
    hub.apply([entry(4)])
    await hub.deliver()
    assert [4] == [int(frame["cursor"].split("-")[1]) for frame in slow.frames()]


async def test_who_was_stuck_for_longer_than_the_ring_is_told_so() -> None:
    """A declared reset with the reason `lag`, never a hole."""
    hub = hub_with(ring=10)
    slow, group, _ = joined(hub)
    hub.pause(group, slow, 100.0)
    hub.apply([entry(n) for n in range(1, 12)])
    await hub.deliver()
    hub.resume(group, slow)
    (first,) = slow.frames()
    assert ("reset", "lag", f"{EPOCH}-11") == (first["type"], first["reason"], first["cursor"])


async def test_who_drains_with_nothing_missed_is_written_nothing() -> None:
    """A pause without traffic leaves no trace."""
    hub = hub_with()
    slow, group, _ = joined(hub)
    hub.pause(group, slow, 100.0)
    hub.resume(group, slow)
    assert 0 == slow.writes


def test_who_stays_stuck_is_cut() -> None:
    """And only he."""
    hub = hub_with()
    (long, group, _), (short, _, _), (fine, _, _) = joined(hub), joined(hub), joined(hub)
    hub.pause(group, long, 100.0)
    hub.pause(group, short, 109.0)
    assert 1 == hub.cut_stuck(before=105.0)
    assert (True, False, False) == (long.gone, short.gone, fine.gone)
    assert 2 == len(hub)


async def test_a_new_epoch_is_told_to_everybody_who_listens() -> None:
    """Each gets the whole window as a reset, once, also who was stuck meanwhile."""
    hub = hub_with(entry(n) for n in range(1, 4))
    reader, group, _ = joined(hub)
    stuck, _, _ = joined(hub)
    hub.pause(group, stuck, 1.0)
    later = Cursor(EPOCH + 5, 0)
    hub.load(State(later, Cursor(EPOCH, 2), [entry(1), entry(2)]))
    await hub.deliver()
    hub.resume(group, stuck)
    for one in (reader, stuck):
        (first,) = one.frames()
        assert ("reset", "epoch", str(later)) == (first["type"], first["reason"], first["cursor"])
        assert ["item2", "item1"] == ids(first)
    hub.apply([Entry(Cursor(EPOCH + 5, 1), Cursor(EPOCH, 2), "publish", entry(9).item)])
    await hub.deliver()
    assert ["entry"] == [frame["type"] for frame in reader.frames()]


async def test_a_cursor_of_the_old_epoch_gets_a_reset_although_its_entries_are_held() -> None:
    """Numbers of another life of the log say nothing."""
    hub = hub_with(entry(n) for n in range(1, 4))
    hub.load(State(Cursor(EPOCH + 5, 0), Cursor(EPOCH, 3), [entry(1), entry(2), entry(3)]))
    assert "epoch" == joined(hub, f"{EPOCH}-2")[2]["reason"]
    assert "resume" == joined(hub, f"{EPOCH + 5}-0")[2]["type"]


def test_heartbeats_come_once_to_each_in_a_round() -> None:
    """Each slot is served once, and all of the slots are everybody."""
    hub = hub_with()
    readers = [joined(hub)[0] for _ in range(3 * SLOTS + 1)]
    for slot in range(SLOTS):
        hub.beat(slot)
    assert [1] * len(readers) == [reader.writes for reader in readers]
    assert {"type": "heartbeat", "cursor": f"{EPOCH}-0", "time": "2026-11-18T11:16:40.000Z"} == readers[0].frames()[0]


def test_a_heartbeat_never_runs_ahead_of_its_reader() -> None:
    """Its cursor would hide an entry that was not delivered yet."""
    hub = hub_with()
    reader, _, _ = joined(hub)
    hub.apply([entry(1)])
    for slot in range(SLOTS):
        hub.beat(slot)
    assert 0 == reader.writes


SPORT = Selector(sections=frozenset({"sport"}))


async def test_a_filter_lets_through_what_was_asked_for() -> None:
    """Snapshot, live entries and resume hold the same selection."""
    log = [entry(n, sections=("sport",) if n % 2 else ("economy",)) for n in range(1, 9)]
    hub = hub_with(log[:4])
    reader, _, first = joined(hub, selector=SPORT)
    assert ["item3", "item1"] == ids(first)
    hub.apply(log[4:])
    await hub.deliver()
    assert ["item5", "item7"] == [frame["item"]["id"] for frame in reader.frames()]
    resumed = joined(hub, f"{EPOCH}-4", SPORT)[2]
    assert (["item5", "item7"], f"{EPOCH}-8") == (ids(resumed), resumed["cursor"])


async def test_a_filter_follows_what_it_has_shown() -> None:
    """A retraction has no section, and a correction may move the item out: both reach those who hold it."""
    hub = hub_with()
    reader, _, _ = joined(hub, selector=SPORT)
    hub.apply(
        [
            entry(1, "a", sections=("sport",)),
            entry(2, "b", sections=("sport",)),
            entry(3, "c", sections=("economy",)),
            entry(4, "a", "correct", 2, sections=("economy",)),
            entry(5, "b", "retract", 2),
            entry(6, "c", "retract", 2),
        ]
    )
    await hub.deliver()
    assert ["a", "b", "a", "b"] == [frame["item"]["id"] for frame in reader.frames()]


async def test_a_filtered_reader_is_not_written_to_for_what_others_see() -> None:
    """And his next frame leads from his position to the head, without a repetition."""
    hub = hub_with()
    reader, _, _ = joined(hub, selector=SPORT)
    for n in range(1, 4):
        hub.apply([entry(n, sections=("economy",))])
        await hub.deliver()
    assert 0 == reader.writes
    hub.apply([entry(4, sections=("sport",))])
    await hub.deliver()
    assert ["item4"] == [frame["item"]["id"] for frame in reader.frames()]


def test_filters_are_counted_and_let_go() -> None:
    """So many distinct ones and no more; one that nobody uses any longer makes room."""
    hub = hub_with(most_selectors=2)
    tags = [Selector(tags=frozenset({name})) for name in "abc"]
    (reader, group, _), _ = joined(hub, selector=tags[0]), joined(hub, selector=tags[1])
    with pytest.raises(Full):
        joined(hub, selector=tags[2])
    joined(hub, selector=tags[1])
    hub.leave(group, reader)
    joined(hub, selector=tags[2])
    assert 3 == len(hub)


def test_a_snapshot_is_built_once_for_many_who_join() -> None:
    """The same bytes until an entry comes."""
    hub = hub_with([entry(1)])
    first, second = (hub.join(Recorder(), EVERYTHING, None)[1] for _ in range(2))
    assert first is second
    hub.apply([entry(2)])
    assert first is not hub.join(Recorder(), EVERYTHING, None)[1]


def test_who_left_is_written_nothing() -> None:
    """And counted no more."""
    hub = hub_with()
    reader, group, _ = joined(hub)
    hub.leave(group, reader)
    hub.leave(group, reader)
    for slot in range(SLOTS):
        hub.beat(slot)
    assert (0, 0) == (reader.writes, len(hub))


def test_a_hub_that_has_read_nothing_says_nothing() -> None:
    """No heartbeat with a cursor that is none."""
    hub = Hub(Channel(name="en", title="News", language="en"), lambda: NOW)
    reader, _, _ = joined(hub)
    for slot in range(SLOTS):
        hub.beat(slot)
    assert 0 == reader.writes


def test_the_window_can_be_read_through_any_filter() -> None:
    """Also through one that no reader uses, without leaving a trace."""
    hub = hub_with([entry(1, sections=("sport",)), entry(2)], most_selectors=1)
    for _ in range(3):
        assert ["item1"] == [item.id for item in hub.window(SPORT)]
    joined(hub, selector=Selector(tags=frozenset({"a"})))
