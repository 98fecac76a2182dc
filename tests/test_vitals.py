"""What a process holds, and what failed: seen when somebody looks."""

from __future__ import annotations

import os
import resource

import pytest
from ticker import places, store, vitals
from ticker.metrics import Metrics
from ticker.vitals import Vitals

from tests.test_metrics import value


def test_a_look_notes_what_is_held_and_what_may_be() -> None:
    """Bytes, descriptors, readers; whoever has more to tell is asked, too."""
    metrics, asked = Metrics(()), []
    Vitals(metrics, readers=500, memory=256, beside=lambda: asked.append(1)).look()
    page = metrics.page()
    held = value(page, "ticker_memory_bytes")
    assert held is not None
    assert 0.5 < held / places.resident() < 2
    assert (256 * places.MIB, 500) == (
        value(page, "ticker_memory_limit_bytes"),
        value(page, "ticker_readers_limit"),
    )
    assert places.Descriptors.of_process().readers == value(page, "ticker_descriptors_limit")
    assert [1] == asked


def test_descriptors_are_counted_by_the_lowest_that_is_free() -> None:
    """As many more as were opened; the question itself leaves none behind."""
    before = vitals.descriptors()
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(50)]
    assert before + 50 <= vitals.descriptors() == vitals.descriptors()
    for number in opened:
        os.close(number)
    assert before == vitals.descriptors()


def test_where_none_is_left_all_are_in_use() -> None:
    """That is when somebody has to be told."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    full = vitals.descriptors()
    resource.setrlimit(resource.RLIMIT_NOFILE, (full, hard))
    try:
        limit = places.Descriptors.of_process()
        assert limit.readers <= vitals.descriptors() <= full
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_failures_of_the_store_are_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the first look on as nothing, and then as many as there were; what was before is no news."""
    monkeypatch.setitem(store.FAILURES, "timeout", 7)
    metrics = Metrics(())
    looking = Vitals(metrics)
    looking.look()
    assert {0.0} == {value(metrics.page(), "ticker_redis_errors_total", kind=kind) for kind in store.KINDS}
    monkeypatch.setitem(store.FAILURES, "timeout", 9)
    looking.look()
    looking.look()
    assert 2 == value(metrics.page(), "ticker_redis_errors_total", kind="timeout")
