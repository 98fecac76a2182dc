"""The figures for Prometheus: what is counted under which name, and that those of several processes add up."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families
from ticker import metrics
from ticker.delivery import Delivery
from ticker.metrics import SHARED, Metrics

from tests.waiting import until_now

Figures = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@dataclass(frozen=True)
class Figure:
    """What a figure is."""

    kind: str
    labels: tuple[str, ...]


def figures() -> dict[str, Figure]:
    """Every figure there is, by its name."""
    made = [value for value in vars(Metrics(())).values() if isinstance(value, MetricWrapperBase)]
    return {found._name: Figure(str(found._type), tuple(found._labelnames)) for found in made}


def read(page: bytes) -> Figures:
    """The samples of a page: name and labels → value. None may stand twice."""
    found: Figures = {}
    for family in text_string_to_metric_families(page.decode()):
        for sample in family.samples:
            place = (sample.name, tuple(sorted(sample.labels.items())))
            assert place not in found
            found[place] = sample.value
    return found


def value(page: bytes, name: str, **labels: str) -> float | None:
    """One figure of a page, None when it is not told."""
    return read(page).get((name, tuple(sorted(labels.items()))))


def used() -> Metrics:
    """Figures of which each was used."""
    found = Metrics({"en"})
    found.begun("en")
    found.joined("en", "websocket", "snapshot")
    found.refused("en", "websocket", "full")
    found.cut("en", 2)
    found.delivered("en", Delivery(1.0, 1.5, frames=600, size=9000, readers=300, lagging=3), [(0.25, 0.75)])
    found.receipt("en", counted=True)
    found.dropped(4)
    found.acted("en", "publish", replayed=False)
    found.act_refused("publish", "similar")
    found.store_failed("timeout", 5)
    found.standing("en", {"websocket": 300}, 0.5, 2)
    found.unwritten(6)
    found.push_ended("webpush", "accepted", 0.25)
    found.push_retried("webpush")
    found.target_removed("webpush")
    found.entries_lost("en", "trimmed", 3)
    found.outbox_stands("en", "webpush", 7)
    found.claimed("en", 1.5)
    found.holds(memory=(80_000_000, 500_000_000), descriptors=(300, 1000), readers=20_000)
    return found


def test_a_page_is_read_as_it_was_meant() -> None:
    """By the library's own parser: a help text, a type and at least one sample for each figure, none of them twice."""
    page = used().page()
    families = {family.name: family for family in text_string_to_metric_families(page.decode())}
    assert set(figures()) == set(families)
    for name, family in families.items():
        assert figures()[name].kind == family.type
        assert family.documentation.endswith(".")
        assert family.samples
    assert page.endswith(b"\n")


def test_names_tell_their_units() -> None:
    """As Prometheus wants it: our prefix, base units, and a total only where something is counted."""
    for name, figure in figures().items():
        assert name.startswith("ticker_")
        assert not name.endswith(("_total", "_count", "_ms", "_milliseconds"))
        assert "histogram" != figure.kind or name.endswith("_seconds")


def test_a_broadcast_is_counted_whole() -> None:
    """Entries times readers, bytes, who was passed over, how long it took, and how old its entries were."""
    page = used().page()
    assert 600 == value(page, "ticker_deliveries_total", channel="en")
    assert 9000 == value(page, "ticker_sent_bytes_total", channel="en")
    assert 3 == value(page, "ticker_lagging_readers", channel="en")
    assert 0.5 == value(page, "ticker_broadcast_seconds_sum", channel="en")
    assert 0.25 == value(page, "ticker_post_to_socket_seconds_sum", channel="en", reader="first")
    assert 0.75 == value(page, "ticker_post_to_socket_seconds_sum", channel="en", reader="last")
    assert 0 == value(page, "ticker_post_to_socket_seconds_bucket", channel="en", reader="last", le="0.5")
    assert 1 == value(page, "ticker_post_to_socket_seconds_bucket", channel="en", reader="last", le="1.0")


def test_a_reader_who_catches_up_is_no_broadcast() -> None:
    """What he is given counts; how long it took others does not change."""
    found = used()
    found.delivered("en", Delivery(2.0, 2.0, frames=1, size=15, readers=1), [])
    page = found.page()
    assert 601 == value(page, "ticker_deliveries_total", channel="en")
    assert 3 == value(page, "ticker_lagging_readers", channel="en")
    assert 1 == value(page, "ticker_broadcast_seconds_count", channel="en")


def test_what_a_stranger_asks_for_is_no_label() -> None:
    """However many names he makes up."""
    found = Metrics({"en"})
    for number in range(5):
        found.refused(f"made-up-{number}", "websocket", "unknown-channel")
    page = found.page()
    assert b"made-up" not in page
    assert 5 == value(page, "ticker_joins_total", channel="", way="websocket", answer="refused")
    assert 5 == value(page, "ticker_joins_refused_total", reason="unknown-channel")


def test_an_act_is_counted_by_what_became_of_it() -> None:
    """Stored, stored before, refused and why."""
    found = used()
    found.acted("en", "publish", replayed=True)
    page = found.page()
    assert 1 == value(page, "ticker_acts_total", channel="en", act="publish", outcome="accepted")
    assert 1 == value(page, "ticker_acts_total", channel="en", act="publish", outcome="replayed")
    assert 1 == value(page, "ticker_acts_refused_total", act="publish", problem="similar")


def test_a_channel_is_told_from_nought_on_and_has_nobody_when_it_ends() -> None:
    """The first alert is seen as a rise, and a channel that is gone wakes nobody."""
    found = Metrics({"en"})
    found.begun("en")
    assert 0 == value(found.page(), "ticker_deliveries_total", channel="en")
    assert 0 == value(found.page(), "ticker_joins_total", channel="en", way="websocket", answer="resume")
    found.standing("en", {"websocket": 3, "sse": 1}, 100.0, 7)
    found.ended("en", ["websocket", "sse"])
    assert 0 == value(found.page(), "ticker_readers", channel="en", way="websocket")
    assert 0 == value(found.page(), "ticker_readers", channel="en", way="sse")
    assert 0 == value(found.page(), "ticker_heartbeat_age_seconds", channel="en")


def test_what_goes_wrong_the_first_time_is_seen_as_a_rise() -> None:
    """A counter that begins with 1 rises from nothing that anybody has seen."""
    found = Metrics({"en"})
    found.editing(["en"])
    found.bridged("en", ["webpush"], ["accepted", "dead_lettered"], ["poison", "trimmed"])
    page = found.page()
    assert 0 == value(page, "ticker_acts_total", channel="en", act="publish", outcome="accepted")
    assert 0 == value(page, "ticker_acts_refused_total", act="publish", problem="store-unavailable")
    assert 0 == value(page, "ticker_pushes_total", provider="webpush", outcome="dead_lettered")
    assert 0 == value(page, "ticker_push_retries_total", provider="webpush")
    assert 0 == value(page, "ticker_push_entries_lost_total", channel="en", kind="trimmed")


# Several processes. The library decides when it is imported whether they add up, so each is one of its own.

WORKER = """
import sys
from tests.test_metrics import used
found = used()
print("ready", flush=True)
for line in sys.stdin:
    sys.stdout.write(found.page().decode() + "end\\n")
    sys.stdout.flush()
"""


class Worker:
    """A process that has counted as `used` does, and tells its page when asked."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        assert "ready\n" == self.process.stdout.readline()

    def page(self) -> bytes:
        """What it tells."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return "".join(iter(self.process.stdout.readline, "end\n")).encode()

    def kill(self) -> None:
        """It ends without a word."""
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def workers() -> Iterator[list[Worker]]:
    """Two that add up."""
    with metrics.shared():
        found = [Worker(), Worker()]
        yield found
        for worker in found:
            worker.kill()


def test_whichever_worker_is_asked_tells_of_both(workers: list[Worker]) -> None:
    """Counts and readers are added, the oldest heartbeat and the longest lag are told; the names are the same."""
    first, second = (worker.page() for worker in workers)
    assert read(first) == read(second)
    assert 1200 == value(first, "ticker_deliveries_total", channel="en")
    assert 600 == value(first, "ticker_readers", channel="en", way="websocket")
    assert 0.5 == value(first, "ticker_heartbeat_age_seconds", channel="en")
    assert 2 == value(first, "ticker_cursor_lag_entries", channel="en")
    # Of the process that holds most, each having a limit of its own; places are had by all together.
    assert (300, 1000) == (value(first, "ticker_descriptors"), value(first, "ticker_descriptors_limit"))
    assert (8e7, 5e8) == (value(first, "ticker_memory_bytes"), value(first, "ticker_memory_limit_bytes"))
    assert 40_000 == value(first, "ticker_readers_limit")
    assert 2 == value(first, "ticker_broadcast_seconds_count", channel="en")
    assert 2 == value(first, "ticker_post_to_socket_seconds_bucket", channel="en", reader="last", le="+Inf")
    assert read(used().page()).keys() == read(first).keys()
    told = {family.name: family.documentation for family in text_string_to_metric_families(first.decode())}
    alone = {family.name: family.documentation for family in text_string_to_metric_families(used().page().decode())}
    assert alone == told


def test_a_worker_that_died_has_no_readers_and_keeps_what_it_has_counted(workers: list[Worker]) -> None:
    """Nobody has to say so: the one that is asked looks."""
    workers[0].kill()
    page = workers[1].page()
    assert 300 == value(page, "ticker_readers", channel="en", way="websocket")
    assert 1200 == value(page, "ticker_deliveries_total", channel="en")


def test_who_started_a_worker_can_say_that_it_ended(workers: list[Worker]) -> None:
    """Before its number is another process's."""
    pid = workers[0].process.pid
    directory = Path(os.environ[SHARED])
    assert list(directory.glob(f"gauge_live*_{pid}.db"))
    workers[0].kill()
    metrics.died(pid)
    assert [] == list(directory.glob(f"gauge_live*_{pid}.db"))
    assert list(directory.glob(f"counter_{pid}.db"))


def test_the_directory_is_there_for_the_workers_and_goes_with_them() -> None:
    """So does the variable that names it."""
    assert SHARED not in os.environ
    with metrics.shared():
        directory = Path(os.environ[SHARED])
        assert directory.is_dir()
        assert 0o700 == directory.stat().st_mode & 0o777
    assert not directory.exists()
    assert SHARED not in os.environ
    metrics.died(1)  # nothing is shared, so there is nothing to forget


def test_another_directory_is_not_taken_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Figures of other programs, or of an earlier life, would be added to ours."""
    monkeypatch.setenv(SHARED, str(tmp_path))
    with metrics.shared():
        assert str(tmp_path) != os.environ[SHARED]
    assert str(tmp_path) == os.environ[SHARED]


def test_where_no_directory_can_be_made_each_worker_tells_its_own(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And the log says so."""

    def full(prefix: str, dir: Path | None) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.mkdtemp", full)
    with metrics.shared():
        assert SHARED not in os.environ
    assert "No space left on device" in caplog.text


def test_a_process_lives_until_it_has_ended() -> None:
    """Also one of another user."""
    assert metrics._lives(os.getpid())
    assert metrics._lives(1)
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    until_now(lambda: not metrics._lives(child.pid), "the number to be free")
