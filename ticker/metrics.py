"""The figures of this process for Prometheus: what they are called, and how those of several workers add up.

Nothing is counted for each reader: the hub tells once of a broadcast, and what stands still is looked at when somebody
asks. Label values are names of ours (channels, problems, acts), never what somebody sent.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from ticker.delivery import Delivery

log = logging.getLogger("ticker.metrics")

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""Names the directory in which workers keep their figures; the Prometheus library reads it when it is imported."""
MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of our own is made in it
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

BROADCAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
TO_SOCKET = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
PUSH = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
"""Upper bounds, seconds."""

ANSWERS = ("snapshot", "resume", "reset")
"""What a reader who comes in is answered with."""
REFUSED = "refused"
Place = Literal["first", "last"]


class Metrics:
    """What is counted in one process; with a directory for it, what all workers of one address have counted."""

    def __init__(self, channels: Container[str]) -> None:
        """`channels` are the names that may stand in a label; it may change meanwhile."""
        self._channels = channels
        self._directory = os.environ.get(SHARED)
        self._registry = registry = CollectorRegistry()
        # When a counter began is no figure of ours, and workers that add up do not tell it.
        disable_created_metrics()  # type: ignore[no-untyped-call]

        def counter(name: str, about: str, *labels: str) -> Counter:
            return Counter(f"ticker_{name}", about, labels, registry=registry)

        def gauge(name: str, about: str, *labels: str, mode: Literal["livesum", "livemax"] = "livesum") -> Gauge:
            return Gauge(f"ticker_{name}", about, labels, registry=registry, multiprocess_mode=mode)

        self._readers = gauge("readers", "Readers who are connected.", "channel", "way")
        self._lagging = gauge("lagging_readers", "Readers passed over by the last broadcast.", "channel")
        self._age = gauge(
            "heartbeat_age_seconds", "Since a heartbeat came back through the store.", "channel", mode="livemax"
        )
        self._lag = gauge(
            "cursor_lag_entries", "Entries of the log that readers were not given yet.", "channel", mode="livemax"
        )
        self._memory = gauge("memory_bytes", "Memory that the process holds.", mode="livemax")
        self._memory_limit = gauge("memory_limit_bytes", "With so much no reader is let in; 0: any.", mode="livemax")
        self._descriptors = gauge("descriptors", "Descriptors in use.", mode="livemax")
        self._descriptors_limit = gauge("descriptors_limit", "With so many no reader is let in.", mode="livemax")
        self._readers_limit = gauge("readers_limit", "Readers who may be connected.")
        self._unwritten = gauge("reach_unwritten", "Counts of reach that wait to be written to the store.")

        self._joins = counter("joins", "Readers who asked to come in, by the answer.", "channel", "way", "answer")
        self._joined: dict[tuple[str, str, str], Counter] = {}
        # Finding one by its labels takes longer than counting, and a crowd comes all at once.
        self._refusals = counter("joins_refused", "Readers refused, by the type of the problem.", "reason")
        self._cut = counter("readers_cut", "Readers cut since they took nothing for too long.", "channel")
        self._deliveries = counter("deliveries", "Entries times readers who were given them.", "channel")
        self._bytes = counter("sent_bytes", "Bytes of entries that the kernel or a transport took.", "channel")
        self._acts = counter("acts", "Acts of editors that were stored, or had been.", "channel", "act", "outcome")
        self._refused_acts = counter("acts_refused", "Acts refused, by the type of the problem.", "act", "problem")
        self._store_errors = counter("redis_errors", "Failures of a command to the store.", "kind")
        self._receipts = counter("receipts", "Receipts from readers.", "channel", "outcome")
        self._dropped = counter("reach_dropped", "Counts of reach that were given up, unwritten.")
        self._pushes = counter("pushes", "Rows of the outbox that have ended.", "provider", "outcome")
        self._push_retries = counter("push_retries", "Tries of a push that are to be repeated.", "provider")
        self._targets_removed = counter("push_targets_removed", "Targets that providers know no more.", "provider")
        self._entries_lost = counter("push_entries_lost", "Entries that no phone is told of.", "channel", "kind")
        self._claim_age = gauge(
            "push_claim_age_seconds", "Since the bridge asked the log for entries.", "channel", mode="livemax"
        )
        self._outbox = gauge(
            "push_lots", "Lots of the outbox that have not ended.", "channel", "provider", mode="livemax"
        )

        self._broadcast = Histogram(
            "ticker_broadcast_seconds",
            "From the first write of a broadcast to the last.",
            ("channel",),
            registry=registry,
            buckets=BROADCAST,
        )
        self._push_age = Histogram(
            "ticker_push_seconds",
            "From the moment in which a push was to leave to the try that was accepted.",
            ("provider",),
            registry=registry,
            buckets=PUSH,
        )
        self._to_socket = Histogram(
            "ticker_post_to_socket_seconds",
            "From the moment in which an entry was stored to its first and its last reader.",
            ("channel", "reader"),
            registry=registry,
            buckets=TO_SOCKET,
        )

    # Readers.

    def joined(self, channel: str, way: str, answer: str) -> None:
        """A reader came in: `way` is `websocket` or `sse`, `answer` one of ANSWERS."""
        counter = self._joined.get((channel, way, answer))
        if counter is None:
            counter = self._joined[channel, way, answer] = self._joins.labels(channel, way, answer)
        counter.inc()

    def refused(self, channel: str, way: str, reason: str) -> None:
        """A reader was refused before the handshake; `reason` is the slug of the problem, `channel` what was asked."""
        self._joins.labels(channel if channel in self._channels else "", way, REFUSED).inc()
        self._refusals.labels(reason).inc()

    def cut(self, channel: str, readers: int) -> None:
        """So many readers took nothing for too long."""
        self._cut.labels(channel).inc(readers)

    def delivered(self, channel: str, delivery: Delivery, ages: Iterable[tuple[float, float]]) -> None:
        """One broadcast; `ages` has for each entry that is new in it the seconds to its first and its last reader."""
        self._deliveries.labels(channel).inc(delivery.frames)
        self._bytes.labels(channel).inc(delivery.size)
        to_first, to_last = self._to_socket.labels(channel, "first"), self._to_socket.labels(channel, "last")
        fresh = False
        for first, last in ages:
            fresh = True
            to_first.observe(first)
            to_last.observe(last)
        # A reader who catches up is told of in the same way; it is no broadcast.
        if fresh or delivery.lagging:
            self._lagging.labels(channel).set(delivery.lagging)
        if fresh:
            self._broadcast.labels(channel).observe(delivery.ended - delivery.began)

    def receipt(self, channel: str, *, counted: bool) -> None:
        """A reader's message was a receipt that counts, or was passed over."""
        self._receipts.labels(channel, "counted" if counted else "ignored").inc()

    def dropped(self, counts: int) -> None:
        """So many counts of reach were given up."""
        if counts:
            self._dropped.inc(counts)

    # Editors.

    def acted(self, channel: str, act: str, *, replayed: bool) -> None:
        """An act was stored, or had been before with the same `Idempotency-Key`."""
        self._acts.labels(channel, act, "replayed" if replayed else "accepted").inc()

    def act_refused(self, act: str, problem: str) -> None:
        """An act was refused; `problem` is the slug of the problem."""
        self._refused_acts.labels(act, problem).inc()

    # Phones.

    def push_ended(self, provider: str, outcome: str, late: float | None) -> None:
        """A row of the outbox ended, `late` seconds after its push was to leave."""
        self._pushes.labels(provider, outcome).inc()
        if outcome == "accepted" and late is not None:
            self._push_age.labels(provider).observe(late)

    def push_retried(self, provider: str) -> None:
        """A push has to be tried again."""
        self._push_retries.labels(provider).inc()

    def target_removed(self, provider: str) -> None:
        """A provider knows a target no more."""
        self._targets_removed.labels(provider).inc()

    def entries_lost(self, channel: str, kind: str, number: int) -> None:
        """So many entries of the log will reach no phone: `kind` is `poison` or `trimmed`."""
        self._entries_lost.labels(channel, kind).inc(number)

    def outbox_stands(self, channel: str, provider: str, lots: int) -> None:
        """So many lots of a channel have rows that have not ended."""
        self._outbox.labels(channel, provider).set(lots)

    def claimed(self, channel: str, age: float) -> None:
        """The log was claimed so many seconds ago."""
        self._claim_age.labels(channel).set(age)

    def bridged(self, channel: str, providers: Iterable[str], outcomes: Iterable[str], kinds: Iterable[str]) -> None:
        """Tell the figures of a bridge from 0 on, so that the first thing that goes wrong is seen as a rise."""
        for provider in providers:
            self._push_retries.labels(provider)
            for outcome in outcomes:
                self._pushes.labels(provider, outcome)
        for kind in kinds:
            self._entries_lost.labels(channel, kind)

    # The store.

    def store_failed(self, kind: str, times: int) -> None:
        """Commands failed; `kind` is one of `store.KINDS`."""
        self._store_errors.labels(kind).inc(times)

    # What stands still.

    def standing(self, channel: str, readers: Mapping[str, int], age: float, lag: int) -> None:
        """How a channel stands: readers by their way in, seconds since a heartbeat, entries behind the log."""
        for way, number in readers.items():
            self._readers.labels(channel, way).set(number)
        self._age.labels(channel).set(age)
        self._lag.labels(channel).set(lag)

    def unwritten(self, counts: int) -> None:
        """So many counts of reach wait to be written."""
        self._unwritten.set(counts)

    def holds(self, *, memory: tuple[int, int], descriptors: tuple[int, int], readers: int) -> None:
        """What the process holds, and what it may: bytes; descriptors; readers (only what it may)."""
        for gauge, value in zip((self._memory, self._memory_limit), memory, strict=True):
            gauge.set(value)
        for gauge, value in zip((self._descriptors, self._descriptors_limit), descriptors, strict=True):
            gauge.set(value)
        self._readers_limit.set(readers)

    def editing(self, channels: Iterable[str]) -> None:
        """Tell of posts from 0 on, so that the first that is stored, or cannot be, is seen as a rise."""
        self._refused_acts.labels("publish", "store-unavailable")
        for channel in channels:
            self._acts.labels(channel, "publish", "accepted")

    def begun(self, channel: str) -> None:
        """Tell the figures of a channel from 0 on, so that its first reader and its first alert are seen as a rise."""
        for metric in (self._deliveries, self._bytes, self._cut):
            metric.labels(channel)
        self._broadcast.labels(channel)
        self._to_socket.labels(channel, "first")
        self._to_socket.labels(channel, "last")
        for answer in (*ANSWERS, REFUSED):
            self._joins.labels(channel, "websocket", answer)

    def ended(self, channel: str, ways: Iterable[str]) -> None:
        """The channel is none any more: it has no readers, and nothing of it is late."""
        self.standing(channel, dict.fromkeys(ways, 0), 0.0, 0)
        self._lagging.labels(channel).set(0)

    # The page.

    @property
    def shared(self) -> bool:
        """Whether the figures of several processes are added up."""
        return self._directory is not None

    def page(self) -> bytes:
        """All figures in the text format of Prometheus; those of every worker when they have a directory for it."""
        if self._directory is None:
            return generate_latest(self._registry)
        bury(Path(self._directory))
        together = CollectorRegistry()
        MultiProcessCollector(together, self._directory)  # type: ignore[no-untyped-call]
        return generate_latest(together)


def bury(directory: Path) -> None:
    """Forget the readers of workers that have ended; what they have counted stays counted."""
    for file in directory.glob("gauge_live*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdigit() and not _lives(int(pid)):
            with suppress(FileNotFoundError):  # another worker was asked in the same moment
                mark_process_dead(int(pid), str(directory))  # type: ignore[no-untyped-call]


def died(pid: int) -> None:
    """A worker has ended: called by the process that started it, inside of `shared`."""
    directory = os.environ.get(SHARED)
    if directory is not None:
        mark_process_dead(pid, directory)  # type: ignore[no-untyped-call]


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def shared() -> Iterator[None]:
    """Let the workers that are started in here add up their figures, in a directory that goes with them.

    Where none can be made, which is told in the log, each worker tells its own.
    """
    directory = _directory()
    if directory is None:
        yield
        return
    before = os.environ.get(SHARED)
    os.environ[SHARED] = directory
    try:
        yield
    finally:
        if before is None:
            del os.environ[SHARED]
        else:
            os.environ[SHARED] = before
        shutil.rmtree(directory, ignore_errors=True)


def _directory() -> str | None:
    # In memory where that can be had: the files are written to with every broadcast.
    for place in (MEMORY, None):
        try:
            return tempfile.mkdtemp(prefix="ticker-metrics-", dir=place)
        except OSError as error:
            reason = error
    log.warning("the workers' figures cannot be added up, since no directory can be made for them: %s", reason)
    return None
