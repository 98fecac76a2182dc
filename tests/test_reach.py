"""How many readers had an entry, and when, as one process counts it."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ticker.delivery import Delivery
from ticker.entry import Cursor, Entry
from ticker.metrics import Metrics
from ticker.reach import LAST_BUCKET, LONGEST, MOST_EARLY, Reach, Receipts, Spread, Tally, receipt

from tests.test_hub import EPOCH, entry
from tests.test_metrics import value

STORED = 1_795_000_000_000


class Watch:
    """The store's clock, which stands until it is told to move."""

    def __init__(self) -> None:
        self.now = STORED

    def __call__(self) -> int:
        return self.now


def stored(n: int, version: int = 1, item: str = "a") -> Entry:
    """An entry that was stored at STORED."""
    found = entry(n)
    changed = found.item.model_copy(update={"id": item, "version": version, "versioncreated": STORED})
    return Entry(found.cursor, found.previous, found.act, changed)


def cursor(n: int) -> str:
    """The cursor of `stored(n)`."""
    return str(Cursor(EPOCH, n))


def broadcast(n: int, *steps: tuple[float, int]) -> Delivery:
    """A delivery of one entry: how many readers had it so many seconds from now."""
    now = time.monotonic()
    return Delivery(now, now, reached={cursor(n): [(now + after, readers) for after, readers in steps]})


def tally(reach: Reach) -> Tally:
    """The only count that has changed."""
    ((_, found),) = reach.take(10)
    return found


# Spreads.


@given(st.lists(st.floats(0, 1e8), min_size=1, max_size=50), st.sampled_from([0.5, 0.95, 1.0]))
def test_a_quantile_is_off_by_a_fifth_at_most(times: list[float], part: float) -> None:
    """And never later than the last one; a millisecond is as fine as it gets."""
    spread = Spread()
    for ms in times:
        spread.add(ms)
    exact = sorted(times)[max(0, -int(-part * len(times) // 1) - 1)]
    found = spread.quantile(part)
    assert exact / 1.2 - 1.5 <= found <= exact * 1.2 + 1.5
    assert found <= spread.last == round(max(times))


@given(st.lists(st.tuples(st.floats(-5, 1e12), st.integers(1, 500)), max_size=50))
def test_spreads_add_up_and_survive_the_store(times: list[tuple[float, int]]) -> None:
    """Two halves together are the whole; the number of buckets is bounded, whatever the time."""
    whole, half, other = Spread(), Spread(), Spread()
    for place, (ms, readers) in enumerate(times):
        whole.add(ms, readers)
        (half if place % 2 else other).add(ms, readers)
    half.merge(Spread.read(json.loads(json.dumps(other.told()))))
    assert whole == half
    assert sum(readers for _, readers in times) == whole.count
    assert all(0 <= bucket <= LAST_BUCKET for bucket in whole.buckets)


@pytest.mark.parametrize("text", ["", "null", "[]", '{"reached":[1],"seen":[],"asked":0}', '{"reached":null}', "{"])
def test_what_somebody_else_wrote_in_its_place_is_none(text: str) -> None:
    """The store may hold anything."""
    assert Tally.read("a", 1, text) is None


# Broadcasts.


def test_a_broadcast_is_counted_reader_by_reader() -> None:
    """With the time since the entry was stored; told once as the first one of its entry."""
    watch = Watch()
    reach = Reach(watch)
    reach.note([stored(1)])
    watch.now = STORED + 100
    ((first, last),) = reach.told(broadcast(1, (-0.05, 150), (0.0, 50)))
    assert first == pytest.approx(0.05, abs=0.005)
    assert last == pytest.approx(0.1, abs=0.005)
    assert [] == reach.told(broadcast(1, (0.9, 1)))  # one who catches up
    found = tally(reach)
    assert ("a", 1, 201) == (found.item, found.version, found.reached.count)
    assert found.reached.last == pytest.approx(1000, abs=5)
    assert found.reached.quantile(0.5) == pytest.approx(50, rel=0.2)
    assert 0 == len(reach)


def test_a_store_whose_clock_seems_behind_makes_no_time_negative() -> None:
    """Its clock is known to some milliseconds only."""
    watch = Watch()
    reach = Reach(watch)
    reach.note([stored(1)])
    watch.now = STORED - 3
    assert [(0.0, 0.0)] == reach.told(broadcast(1, (0.0, 1)))


def test_an_entry_that_is_not_known_is_not_counted() -> None:
    """It was pushed out by newer ones."""
    reach = Reach(Watch())
    assert [] == reach.told(broadcast(1, (0.0, 1)))
    assert [] == reach.take(10)


def test_a_window_that_is_given_anew_counts_only_what_is_new_in_it() -> None:
    """An entry of before has reached everybody already; one that stands in the window has now, and no other."""
    reach = Reach(Watch())
    reach.note([stored(1)])
    reach.told(broadcast(1, (0.0, 5)))
    reach.take(10)
    missed, evicted = stored(2, item="b"), stored(3, item="c")
    now = time.monotonic()
    with reach.anew([stored(1), missed, evicted], [stored(1).item, missed.item]):
        reach.told(Delivery(now, now, readers=5, reached={cursor(1): [(now, 5)]}))
    assert [(cursor(2), "b", 5)] == [(at, of.item, of.reached.count) for at, of in reach.take(10)]
    with reach.anew([], []):
        reach.told(Delivery(now, now, readers=5, reached={cursor(1): [(now, 5)]}))
    assert [] == reach.take(10)
    reach.told(broadcast(1, (0.0, 1)))
    assert 6 == tally(reach).reached.count


def test_the_oldest_are_given_up_and_what_was_not_written_is_counted() -> None:
    """A burst costs no more memory than its bound."""
    reach = Reach(Watch(), most=3)
    reach.note([stored(1), stored(2), stored(3)])
    reach.told(broadcast(1, (0.0, 1)))
    reach.note([stored(4), stored(5)])
    assert (1, 0) == (reach.dropped, len(reach))
    assert [] == reach.told(broadcast(2, (0.0, 1)))
    reach.told(broadcast(3, (0.0, 1)))
    assert [cursor(3)] == [at for at, _ in reach.take(10)]


def test_what_could_not_be_written_is_written_later() -> None:
    """Unless it is not known any more; then it is counted as given up."""
    reach = Reach(Watch(), most=2)
    reach.note([stored(1), stored(2)])
    reach.told(broadcast(1, (0.0, 1)))
    reach.told(broadcast(2, (0.0, 1)))
    taken = [at for at, _ in reach.take(10)]
    reach.note([stored(3)])
    reach.put_back(taken)
    assert 1 == reach.dropped
    assert [cursor(2)] == [at for at, _ in reach.take(10)]


def test_so_many_are_taken_at_once_and_no_more() -> None:
    """The rest waits for its turn."""
    reach = Reach(Watch())
    reach.note(stored(n) for n in range(1, 6))
    for n in range(1, 6):
        reach.told(broadcast(n, (0.0, 1)))
    assert [cursor(1), cursor(2)] == [at for at, _ in reach.take(2)]
    assert 3 == len(reach)


# Receipts.


def asked(readers: int, share: float) -> tuple[Reach, Watch]:
    """An entry that so many readers had at once."""
    watch = Watch()
    reach = Reach(watch, share)
    reach.note([stored(1)])
    reach.told(broadcast(1, (0.0, readers)))
    return reach, watch


def test_a_receipt_is_counted_with_its_time() -> None:
    """By the store's clock, since the entry was stored."""
    reach, watch = asked(10, 1.0)
    watch.now = STORED + 250
    assert reach.seen(cursor(1))
    found = tally(reach)
    assert (10.0, 1, 250) == (found.asked, found.seen.count, found.seen.last)


def test_nobody_has_seen_what_he_was_not_given() -> None:
    """Never more receipts than readers; an unknown entry has none."""
    reach, _ = asked(3, 1.0)
    assert [True, True, True, False] == [reach.seen(cursor(1)) for _ in range(4)]
    assert not reach.seen(cursor(2))
    assert 3 == tally(reach).seen.count


def test_there_are_no_more_receipts_than_chance_allows() -> None:
    """One who sends a thousand does not make a crowd."""
    reach, _ = asked(10_000, 0.01)
    counted = sum(reach.seen(cursor(1)) for _ in range(1_000))
    assert 100 < counted < 150


def test_who_is_not_asked_is_not_heard() -> None:
    """With a share of nothing."""
    reach, _ = asked(10, 0.0)
    assert not reach.seen(cursor(1))


def test_a_receipt_may_come_before_its_broadcast_has_been_told_of() -> None:
    """The first of a great crowd have shown it while the last are being written to. So many are kept, no more."""
    watch = Watch()
    reach = Reach(watch, 1.0)
    reach.note([stored(1)])
    watch.now = STORED + 20
    assert [True] * MOST_EARLY + [False] == [reach.seen(cursor(1)) for _ in range(MOST_EARLY + 1)]
    assert [] == reach.take(10)
    reach.told(broadcast(1, (0.0, 2)))
    found = tally(reach)
    assert (2, 2, 20) == (found.reached.count, found.seen.count, found.seen.last)
    assert not reach.seen(cursor(1))


def test_messages_are_told_apart() -> None:
    """A receipt counts; all else is passed over, and how often is told."""
    reach, _ = asked(10, 1.0)
    metrics = Metrics({"en"})
    receipts = Receipts({"en": reach}, metrics)
    assert receipts.take("en", b'{"type":"seen","cursor":"%b"}' % cursor(1).encode())
    assert not receipts.take("en", b"hello")
    assert not receipts.take("fr", b'{"type":"seen","cursor":"%b"}' % cursor(1).encode())
    assert 1 == value(metrics.page(), "ticker_receipts_total", channel="en", outcome="counted")
    assert 1 == value(metrics.page(), "ticker_receipts_total", channel="en", outcome="ignored")


@pytest.mark.parametrize(
    "message",
    [
        *(b"", b"null", b"[]", b"{}", b"{", b'"seen"', b"\xff\xfe", b"[" * LONGEST),
        *(b'{"type":"seen"}', b'{"type":"seen","cursor":7}', b'{"type":"seen","cursor":"1-1","more":1}'),
        *(b'{"type":"sees","cursor":"1-1"}', b'{"type":"seen","cursor":"1"}', b'{"type":"seen","cursor":"01-1"}'),
        *(b'{"type":"seen","cursor":"1-1 "}', b'{"type":"seen","cursor":"1-1"}' + b" " * LONGEST),
        b'{"type":["seen"],"cursor":"1-1"}',
    ],
)
def test_what_is_no_receipt_is_none(message: bytes) -> None:
    """Whatever it is: too long, no JSON, of another shape."""
    assert receipt(message) is None


def test_what_is_a_receipt_is_one() -> None:
    """With spaces as well, and in any order."""
    assert "1-12" == receipt(b'{ "cursor": "1-12", "type": "seen" }')


@given(st.binary(max_size=LONGEST + 10))
def test_nothing_that_is_sent_raises(message: bytes) -> None:
    """It comes from strangers."""
    assert receipt(message) is None or message.startswith(b"{")
