"""The outbox: rows are planned once, a lot is in one worker's hands, what has ended is a number."""

from __future__ import annotations

from ticker.bridges.notice import Outcome
from ticker.bridges.outbox import Lot, Outbox, Row, Settled
from ticker.store import Store, text

ITEM = "01M84KNK82EG1GQT586YRGEF7V"
LOT = Lot(ITEM, "00a")


async def planned(store: Store, *targets: str, lease_ms: int = 30_000) -> Outbox:
    """Rows of a first version that are due."""
    outbox = Outbox(store, "en", lease_ms=lease_ms)
    assert len(targets) == await outbox.plan("p", LOT, 1, 5, 5, targets, earlier=False)
    return outbox


async def test_rows_are_planned_once(each_store: Store) -> None:
    """Whoever comes second adds nothing."""
    outbox = await planned(each_store, "a", "b")
    assert -1 == await outbox.plan("p", LOT, 1, 5, 5, ["a", "b", "c"], earlier=False)
    assert {1: {"p": {"pending": 2}}} == await outbox.status(ITEM)
    assert {"00a"} == await outbox.lots("p", ITEM)


async def test_a_lot_is_in_one_workers_hands(each_store: Store) -> None:
    """Until he lays it down; then it is due when the first of its rows is."""
    outbox = await planned(each_store, "a", "b")
    claimed = await outbox.claim("p", LOT)
    assert claimed is not None
    assert ["a", "b"] == sorted(row.target for row in claimed.rows)
    assert await outbox.claim("p", LOT) is None
    due = await outbox.due(["p"], 10)
    assert ([], 1) == (due.lots["p"], due.waiting["p"])
    again = claimed.rows[0]._replace(due=claimed.now + 3_600_000)
    other = claimed.rows[1]._replace(due=claimed.now + 60_000)
    await outbox.settle(claimed, [Settled(row, None, again=row) for row in (again, other)])
    await outbox.release(claimed)
    assert claimed.now + 60_000 == (await outbox.due(["p"], 10)).next


async def test_who_lost_a_lot_writes_nothing_but_what_is_true(each_store: Store) -> None:
    """His lease was over and another has it: what he sent was accepted all the same."""
    outbox = await planned(each_store, "a", "b", lease_ms=0)
    slow = await outbox.claim("p", LOT)
    quick = await outbox.claim("p", LOT)
    assert slow is not None
    assert quick is not None
    assert await outbox.begin(slow, slow.rows) is None
    a, b = sorted(slow.rows)
    assert 1 == await outbox.settle(slow, [Settled(a, "accepted", had=True), Settled(b, "cancelled")])
    await outbox.release(slow)
    assert await outbox.begin(quick, ()) is not None
    assert {1: {"p": {"accepted": 1, "pending": 1}}} == await outbox.status(ITEM)


async def test_a_later_version_goes_to_all_who_were_told_before(each_store: Store) -> None:
    """Those who accepted one, and those who may have; nobody else."""
    outbox = await planned(each_store, "accepted", "perhaps", "refused", "away")
    claimed = await outbox.claim("p", LOT)
    assert claimed is not None
    rows = {row.target: row for row in claimed.rows}
    await outbox.settle(
        claimed,
        [
            Settled(rows["accepted"], "accepted", had=True),
            Settled(rows["perhaps"], None, had=True, again=rows["perhaps"]),
            Settled(rows["refused"], "dead_lettered", letter={"reason": "no"}),
            Settled(rows["away"], None, again=rows["away"]),
        ],
    )
    assert 0 == await outbox.plan("p", LOT, 2, 0, 5, [], earlier=True)
    await outbox.release(claimed)
    claimed = await outbox.claim("p", LOT)
    assert claimed is not None
    assert ["accepted", "perhaps"] == sorted(row.target for row in claimed.rows if row.version == 2)
    assert {"accepted": 1, "perhaps": 1} == claimed.had
    assert {2: {"p": {"pending": 2}}, 1: {"p": {"accepted": 1, "dead_lettered": 1, "pending": 2}}} == (
        await outbox.status(ITEM)
    )


async def test_what_was_being_sent_when_its_worker_died_may_have_arrived(each_store: Store) -> None:
    """So its target is told of the withdrawal."""
    outbox = await planned(each_store, "sent", "waiting", lease_ms=0)
    claimed = await outbox.claim("p", LOT)
    assert claimed is not None
    await outbox.begin(claimed, [row for row in claimed.rows if row.target == "sent"])
    await outbox.plan("p", LOT, 2, 0, 5, [], earlier=True)
    next_ = await outbox.claim("p", LOT)
    assert next_ is not None
    assert {"sent": 1} == next_.had
    assert ["sent"] == [row.target for row in next_.rows if row.version == 2]


async def test_what_has_ended_leaves_a_number_and_who_was_told(each_store: Store) -> None:
    """So the store does not grow with what is over; dead letters are kept, and can be dropped."""
    outbox = await planned(each_store, "a", "b", "c")
    claimed = await outbox.claim("p", LOT)
    assert claimed is not None
    ends: tuple[Outcome, ...] = ("accepted", "expired", "dead_lettered")
    await outbox.settle(
        claimed,
        [
            Settled(row, end, had=end == "accepted", letter={"n": 1})
            for row, end in zip(claimed.rows, ends, strict=True)
        ],
    )
    await outbox.release(claimed)
    keys = {text(key).split(":push:")[1].split(":")[0] for key in await each_store.redis.keys("*:push:*")}
    assert {"counts", "planned", "lots", "had", "dead"} == keys
    for name in ("counts", "planned", "lots", "had"):
        (key,) = await each_store.redis.keys(f"*:push:{name}:*")
        assert 0 < await each_store.redis.pttl(key), name
    ((letter_id, letter),) = await outbox.dead()
    assert {"n": 1} == letter
    assert await outbox.drop(letter_id)
    assert not await outbox.drop(letter_id)


def test_a_row_is_written_as_its_scripts_read_it() -> None:
    """When it is due, tries, whether it is under way, when its push was to leave."""
    row = Row(2, "t", 10, 3, 9)
    assert ("2/t", "10,3,0,9", "10,3,1,9") == (row.field, row.noted(), row.noted(sending=True))
