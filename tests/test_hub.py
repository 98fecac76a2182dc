"""The hub: who gets what, in one step, once."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ticker import lane
from ticker.channel import Channel
from ticker.entry import START, Cursor, Entry, State
from ticker.errors import Full
from ticker.group import EVERYTHING, SLOTS, Group, Selector
from ticker.hub import Hub
from ticker.item import Item
from ticker.lane import Lane, Way
from ticker.window import Window
from websockets.frames import Frame
from websockets.streams import StreamReader

EPOCH = 1_795_000_000_000
NOW = 1_795_000_600_000
SPORT = Selector(sections=frozenset({"sport"}))
FIVES = Selector(urgencies=frozenset({5}))


class Recorder:
    """A reader that keeps what is written to it; with a line, whatever is written there."""

    lined = False

    def __init__(self, way: Way = Way.PLAIN) -> None:
        self.way = way
        self.line: Any = self if Recorder.lined else None
        self.lane: Lane | None = None
        self.place = 0
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

    def rest(self, data: bytes) -> None:
        raise AssertionError("all was taken")

    def close(self, code: int, reason: str) -> None:
        self.gone = True

    def cut(self) -> None:
        self.gone = True

    def frames(self) -> list[Any]:
        """What was written since the last call, parsed."""
        found = parsed(self.written)
        self.written = b""
        return found


def sent(line: Recorder, data: bytes) -> int:
    """What the kernel does for a lane."""
    line.write(data)
    return len(data)


@pytest.fixture(params=[False, True], ids=["apart", "in lanes"], autouse=True)
def seats(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything holds for readers in lanes, and for those without a line."""
    monkeypatch.setattr(Recorder, "lined", request.param)
    monkeypatch.setattr(lane, "_send", sent)


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


def hold(n: int, item_id: str, version: int, **fields: Any) -> Entry:
    """The n-th entry: an item is taken off the screens, until it is released."""
    return entry(n, item_id, "expire", version, pubstatus="withheld", signal="hold", **fields)


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
    group, first, _ = hub.join(reader, selector, cursor)
    return reader, group, parsed(first)[0]


def texts(entries: Iterable[Any]) -> list[str | None]:
    """The headlines of entries; None where one has no text."""
    return [one["item"].get("headline") for one in entries]


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
    """Who was away learns from the tombstones what has to go, and from the versions what may come back."""
    log = [entry(1), entry(2), entry(3, "item1", "retract", 2), entry(4), hold(5, "item4", 2)]
    hub = hub_with(log)
    first = joined(hub, "nonsense")[2]
    assert (["item2"], ["item1", "item4"], [None, 2]) == (ids(first), first["tombstones"], first["versions"])
    hub.apply([entry(6, "item4", version=3)])
    first = joined(hub, "nonsense")[2]
    assert (["item4", "item2"], ["item1"], [None]) == (ids(first), first["tombstones"], first["versions"])


@pytest.mark.parametrize("last", [entry(4, "gone", "retract", 3), hold(4, "gone", 3)], ids=["retracted", "held"])
async def test_the_text_of_a_withdrawn_item_is_given_to_nobody_who_comes_back(last: Entry) -> None:
    """Who missed the publication gets its place in the log, and that the item was withdrawn; a stuck reader too."""
    log = [entry(1, "kept"), entry(2, "gone"), entry(3, "gone", "correct", 2), last]
    hub = hub_with(log[:1])
    stuck, group, _ = joined(hub)
    joined(hub, selector=FIVES)
    hub.pause(group, stuck, 1.0)
    for one in log[1:]:
        hub.apply([one])
        await hub.deliver()
    hub.resume(group, stuck)
    cursor = f"{EPOCH}-1"
    again = hub_with(log)
    for entries in (
        stuck.frames(),
        *(joined(found, cursor, selector)[2]["entries"] for found in (hub, again) for selector in (EVERYTHING, FIVES)),
        joined(hub, cursor, Selector(urgencies=frozenset({4, 5})))[2]["entries"],
    ):
        assert [f"{EPOCH}-{n}" for n in (2, 3, 4)] == [one["cursor"] for one in entries]
        assert [f"{EPOCH}-{n}" for n in (1, 2, 3)] == [one["previous"] for one in entries]
        assert {last.act} == {one["act"] for one in entries}
        assert [last.item.public()] * 3 == [one["item"] for one in entries]
        assert "headline" not in json.dumps(entries)


@pytest.mark.parametrize("window", [1, 2])
@pytest.mark.parametrize("act", ["retract", "expire"])
def test_a_withdrawn_text_is_held_by_no_filter_that_once_showed_it(act: str, window: int) -> None:
    """Not even where the item had left the window, and a correction the selection, before it was withdrawn."""
    hub = hub_with(window=window)
    joined(hub, selector=SPORT)
    hub.apply([entry(1, "a", sections=("sport",)), entry(2, "b", sections=("sport",))])
    hub.apply([entry(3, "a", "correct", 2, sections=("economy",))])
    economy: dict[str, Any] = {"sections": ("economy",)}
    hub.apply([hold(4, "a", 3, **economy) if act == "expire" else entry(4, "a", act, 3, **economy)])
    first = joined(hub, f"{EPOCH}-0", SPORT)[2]
    told = first["items"] if first["type"] == "reset" else [one["item"] for one in first["entries"]]
    assert ["headline 2"] == [item["headline"] for item in told if "headline" in item]


@pytest.mark.parametrize("selector", [EVERYTHING, SPORT], ids=["all", "a filter"])
async def test_a_released_item_is_shown_again_in_the_place_of_its_release_alone(selector: Selector) -> None:
    """The text that was held is not given out in its old places; on the way of a stuck reader neither."""
    sport: dict[str, Any] = {"sections": ("sport",)}
    log = [
        entry(1, "kept", **sport),
        entry(2, "a", **sport),
        hold(3, "a", 2, **sport),
        entry(4, "a", version=3, signal="update", **sport),
        entry(5, "b", **sport),
    ]
    hub = hub_with(log[:1])
    stuck, group, _ = joined(hub, selector=selector)
    hub.pause(group, stuck, 1.0)
    live, _, _ = joined(hub, selector=selector)
    for one in log[1:]:
        hub.apply([one])
        await hub.deliver()
    hub.resume(group, stuck)
    assert ["headline 2", None, "headline 4", "headline 5"] == texts(live.frames())
    cursor = f"{EPOCH}-1"
    for found in (hub, hub_with(log)):
        entries = joined(found, cursor, selector)[2]["entries"]
        assert ["expire", "expire", "publish", "publish"] == [one["act"] for one in entries]
        assert [2, 2, 3, 1] == [one["item"]["version"] for one in entries]
        assert [None, None, "headline 4", "headline 5"] == texts(entries)
        assert ["b", "a", "kept"] == [item.id for item in found.window(selector)]
    assert [None, None, "headline 4", "headline 5"] == texts(stuck.frames())


def test_what_is_held_a_second_time_is_shown_nowhere() -> None:
    """Not where it was released in between; and what is retracted in the end is retracted everywhere."""
    log = [entry(1, "a"), hold(2, "a", 2), entry(3, "a", version=3), hold(4, "a", 4)]
    hub = hub_with()
    for done, said in ((log, ("expire", 4)), ([*log, entry(5, "a", "retract", 5)], ("retract", 5))):
        hub.apply(done[hub.cursor.n :])
        for found in (hub, hub_with(done)):
            entries = joined(found, f"{EPOCH}-0")[2]["entries"]
            assert [said] * len(done) == [(one["act"], one["item"]["version"]) for one in entries]


def test_what_has_only_expired_leaves_its_text_in_its_place() -> None:
    """Nothing was wrong with it; who was away may pass it by and see it go."""
    log = [entry(1, "a"), entry(2, "a", "expire", 2)]
    hub = hub_with()
    hub.apply(log)
    for found in (hub, hub_with(log)):
        assert ["publish", "expire"] == [one["act"] for one in joined(found, f"{EPOCH}-0")[2]["entries"]]


@dataclass(frozen=True)
class Seen:
    """An item as a reader keeps it."""

    id: str
    version: int
    pinned_until: str | None = None
    headline: str | None = None


class Screen:
    """A reader who comes for a look now and then, and keeps a window as any client does."""

    def __init__(self, selector: Selector, size: int) -> None:
        self.selector = selector
        self.cursor = f"{EPOCH}-0"
        self.window: Window[Seen] = Window(size)

    def look(self, hub: Hub) -> list[Any]:
        """Catch up; the entries that were given."""
        _, _, first = joined(hub, self.cursor, self.selector)
        self.cursor = first["cursor"]
        if first["type"] == "reset":
            # Nothing stays, and the pinned one stands where it stands among the others.
            self.window = Window(self.window.size)
            for item in sorted(first["items"], key=risen):
                self.window.apply("publish", seen(item))
            return []
        for one in first["entries"]:
            self.window.apply(one["act"], seen(one["item"]))
        return list(first["entries"])


def seen(item: dict[str, Any]) -> Seen:
    """What a reader keeps of an item."""
    return Seen(item["id"], item["version"], item.get("pinned_until"), item.get("headline"))


def risen(item: dict[str, Any]) -> str:
    """By what items are ordered, oldest first."""
    return str(item.get("bumped_at", item["published_at"]))


def lives(steps: Iterable[tuple[str, str, bool]]) -> list[Entry]:
    """A log in which each of these acts is done where its item allows it; every item says `sport` or does not."""
    log: list[Entry] = []
    versions: dict[str, int] = {}
    risen: dict[str, int] = {}
    state: dict[str, str] = {}
    for item_id, act, sport in steps:
        was, n = state.get(item_id, "new"), len(log) + 1
        if act not in {"new": {"publish"}, "on air": MEANWHILE, "held": {"publish", "retract"}}.get(was, set()):
            continue
        versions[item_id] = versions.get(item_id, 0) + 1
        sections: dict[str, Any] = {"sections": ("sport",) if sport else ("economy",)}
        risen[item_id] = n if act == "publish" else risen.get(item_id, 0)
        times = {"published_at": EPOCH, "bumped_at": EPOCH + risen[item_id]}
        pin = {"pinned_until": NOW} if act == "pin" else {}
        done = entry(n, item_id, act, versions[item_id], **sections, **times, **pin)
        log.append(hold(n, item_id, versions[item_id], **sections) if act == "hold" else done)
        state[item_id] = {"hold": "held", "retract": "over", "expire": "over"}.get(act, "on air")
    return log


MEANWHILE = {"publish", "correct", "update", "pin", "unpin", "hold", "retract", "expire"}
# Publications often enough to fill a window.
ACTS = [*sorted(MEANWHILE), "publish", "publish"]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(ACTS), st.booleans()), max_size=16),
    st.sampled_from([1, 2, 10]),
    st.data(),
)
def test_whoever_comes_back_from_wherever_sees_what_those_see_who_stayed(
    steps: list[tuple[str, str, bool]], size: int, data: st.DataObject
) -> None:
    """And no text that was withdrawn before he came, whatever has become of the item since."""
    log = lives(steps)
    hub = hub_with(window=size)
    screens = [Screen(EVERYTHING, size), Screen(SPORT, size), Screen(EVERYTHING, size), Screen(SPORT, size)]
    for one in log:
        hub.apply([one])
        for number, screen in enumerate(screens):
            if number < 2 or data.draw(st.booleans()):
                withdrawn = {e.item.id: e.cursor.n for e in log[: one.cursor.n] if e.item.pubstatus != "usable"}
                for told in screen.look(hub):
                    n = int(told["cursor"].split("-")[1])
                    assert ("headline" in told["item"]) == (n > withdrawn.get(told["item"]["id"], 0))
    again = hub_with(log, window=size)
    for screen in (*screens, Screen(EVERYTHING, size), Screen(SPORT, size)):
        screen.look(again)
        assert [(item.id, item.version) for item in again.window(screen.selector)] == [
            (item.id, item.version) for item in screen.window.items
        ]
        assert again.window(screen.selector) == hub.window(screen.selector)


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


# The channel changes.


def rechanneled(hub: Hub, **changes: Any) -> bool:
    """Give the hub's channel other settings."""
    return hub.rechannel(hub.channel.model_copy(update=changes))


async def test_another_window_is_given_to_everybody_at_once() -> None:
    """Larger or smaller: a reset with the reason, whatever the filter, and the entries go on from there."""
    hub = hub_with((entry(n, urgency=n % 2 + 1) for n in range(1, 13)), window=4)
    reader, _, _ = joined(hub)
    chooser, _, _ = joined(hub, None, Selector(urgencies=frozenset({1})))
    for size in (6, 2):
        assert rechanneled(hub, window=size)
        await hub.deliver()
        for one, numbers in ((reader, range(12, 0, -1)), (chooser, range(12, 0, -2))):
            (told,) = one.frames()
            assert ("reset", "window", f"{EPOCH}-12") == (told["type"], told["reason"], told["cursor"])
            assert [f"item{n}" for n in list(numbers)[:size]] == ids(told)
    hub.apply([entry(13)])
    await hub.deliver()
    assert [f"{EPOCH}-13"] == [told["cursor"] for told in reader.frames()]


async def test_who_comes_back_from_before_another_window_is_given_it() -> None:
    """A resume would leave him with the old one; who has seen something since is resumed."""
    hub = hub_with((entry(n) for n in range(1, 13)), window=4)
    rechanneled(hub, window=8)
    hub.apply([entry(13)])
    for n in (3, 12):
        first = joined(hub, f"{EPOCH}-{n}")[2]
        assert ("reset", "window", 8) == (first["type"], first["reason"], len(first["items"]))
    assert "resume" == joined(hub, f"{EPOCH}-13")[2]["type"]
    fault = Cursor(EPOCH + 1, 1)
    hub.load(State(fault, fault, [Entry(fault, START, "publish", entry(1).item)]))
    assert "resume" == joined(hub, str(fault))[2]["type"]


@pytest.mark.parametrize("change", [{"language": "ar"}, {"direction": "rtl"}])
async def test_another_language_or_direction_is_told_to_everybody(change: dict[str, str]) -> None:
    """With what stands, whatever has left the ring since; a snapshot that was built before is not handed out again."""
    hub = hub_with((entry(n) for n in range(1, 9)), ring=5)
    hub.apply([entry(n, "item8", "correct", n) for n in range(9, 15)])
    reader, _, _ = joined(hub)
    assert rechanneled(hub, **change)
    await hub.deliver()
    (told,) = reader.frames()
    assert ("reset", "window") == (told["type"], told["reason"])
    assert change.items() <= told.items()
    assert [f"item{n}" for n in (8, 7, 6, 5, 4)] == ids(told)[:5]
    assert change.items() <= joined(hub)[2].items()
    assert change.items() <= joined(hub, f"{EPOCH}-12")[2].items()


async def test_what_no_frame_shows_is_told_to_nobody() -> None:
    """Title, lists, labels and the rest are those of the next request."""
    hub = hub_with([entry(1)])
    reader, _, _ = joined(hub)
    assert not rechanneled(hub, title="Another", age=1, sections=(), labels={}, approve=2, push_hold=0)
    await hub.deliver()
    assert ("Another", []) == (hub.channel.title, reader.frames())


async def test_a_hub_that_has_not_read_its_log_takes_another_window_with_it() -> None:
    """There is nobody to tell yet."""
    hub = Hub(Channel(name="en", title="News", language="en"), lambda: NOW)
    assert not rechanneled(hub, window=2)
    last = Cursor(EPOCH, 5)
    hub.load(State(last, last, [entry(n) for n in range(1, 6)]))
    assert ["item5", "item4"] == ids(joined(hub)[2])


async def test_who_takes_nothing_is_told_of_the_change_when_he_does() -> None:
    """And who has missed more than that is told of the greater thing: another log."""
    hub = hub_with([entry(n) for n in range(1, 4)])
    stuck, group, _ = joined(hub)
    hub.pause(group, stuck, 1.0)
    rechanneled(hub, window=2)
    await hub.deliver()
    hub.apply([entry(4)])
    await hub.deliver()
    hub.resume(group, stuck)
    assert [("window", ["item4", "item3"])] == [(told["reason"], ids(told)) for told in stuck.frames()]
    last = Cursor(EPOCH + 1, 1)
    for first_of_all in ("load", "rechannel"):
        hub.pause(group, stuck, 1.0)
        if first_of_all == "rechannel":
            rechanneled(hub, window=5)
        hub.load(State(last, last, []))
        if first_of_all == "load":
            rechanneled(hub, window=4)
        await hub.deliver()
        hub.resume(group, stuck)
        assert ["epoch"] == [told["reason"] for told in stuck.frames()]


async def test_a_heartbeat_does_not_hide_a_change_that_is_not_delivered_yet() -> None:
    """Its cursor would say that the reader has everything."""
    hub = hub_with([entry(1)])
    reader, _, _ = joined(hub)
    rechanneled(hub, window=2)
    for slot in range(SLOTS):
        hub.beat(slot)
    assert [] == reader.frames()
    await hub.deliver()
    assert ["reset"] == [told["type"] for told in reader.frames()]
