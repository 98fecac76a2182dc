"""One round with one server: join, rest, post, and what it cost."""

import os
import secrets
import time
from dataclasses import dataclass
from statistics import median

from bench import proc
from bench.gauge import Gauge
from bench.servers import SERVERS
from bench.target import RoundError

EARLIER_ITEMS = 10  # so that a server which sends new readers a window has a full one to send
SETTLE_SECONDS = 1.0


@dataclass(frozen=True)
class Load:
    readers: int
    items: int
    gap: float
    body_bytes: int


@dataclass(frozen=True)
class Figures:
    """What one round measured; times in the unit that the name ends with."""

    server: str
    expected: int
    delivered: int
    strays: int
    lost_connections: int
    cpu_per_delivery_us: float
    store_cpu_per_delivery_us: float
    cpu_per_join_us: float
    memory_per_reader_bytes: float
    latency_p50_ms: float
    latency_p99_ms: float
    latency_max_ms: float
    last_reader_ms: float
    frame_bytes: float
    gauge_busy: float
    gauge_cpu_per_delivery_us: float
    post_late_ms: float

    @property
    def faults(self) -> str:
        """Why these figures must not be used, or an empty text."""
        found = []
        if self.delivered != self.expected:
            found.append(f"{self.delivered} of {self.expected} alerts delivered")
        if self.strays:
            found.append(f"{self.strays} out of turn")
        if self.lost_connections:
            found.append(f"{self.lost_connections} readers lost")
        return ", ".join(found)


def measure(server: str, load: Load, cores: tuple[int, int]) -> Figures:
    """Start a fresh server, measure, end it. Raises `RoundError` when it does not do its part."""
    try:
        return _measure(server, load, cores)
    except OSError as error:  # its processes or its sockets are gone
        raise RoundError(f"the server is gone: {error}") from error


def _measure(server: str, load: Load, cores: tuple[int, int]) -> Figures:
    with (
        SERVERS[server](*cores, load.readers) as running,
        Gauge(running.target, f"m{secrets.token_hex(4)}", load.body_bytes) as gauge,
    ):
        gauge.post(EARLIER_ITEMS, 0)
        gauge.rest(SETTLE_SECONDS / 2)
        memory, cpu = proc.pss_bytes(running.pids), proc.cpu_ns(running.pids)
        gauge.join(load.readers)
        join_cpu = proc.cpu_ns(running.pids) - cpu
        gauge.rest(SETTLE_SECONDS)
        memory = proc.pss_bytes(running.pids) - memory

        gauge.post(1, 0)  # the first alert pays for buffers and caches that every later one finds ready
        gauge.rest(SETTLE_SECONDS / 2)
        gauge.forget()
        cpu, store_cpu = proc.cpu_ns(running.pids), proc.cpu_ns(running.store_pids)
        own_cpu, began = time.process_time_ns(), time.perf_counter_ns()
        gauge.post(load.items, load.gap)
        own_cpu, took = time.process_time_ns() - own_cpu, time.perf_counter_ns() - began
        cpu, store_cpu = proc.cpu_ns(running.pids) - cpu, proc.cpu_ns(running.store_pids) - store_cpu

        if not gauge.delivered:
            raise RoundError("no reader saw any alert")
        latencies = sorted(gauge.latencies_ns)
        return Figures(
            server=server,
            expected=load.readers * load.items,
            delivered=gauge.delivered,
            strays=gauge.strays,
            lost_connections=gauge.lost,
            cpu_per_delivery_us=cpu / gauge.delivered / 1e3,
            store_cpu_per_delivery_us=store_cpu / gauge.delivered / 1e3,
            cpu_per_join_us=join_cpu / load.readers / 1e3,
            memory_per_reader_bytes=memory / load.readers,
            latency_p50_ms=_percentile(latencies, 50),
            latency_p99_ms=_percentile(latencies, 99),
            latency_max_ms=latencies[-1] / 1e6,
            last_reader_ms=median(gauge.last_reader_ns(load.items)) / 1e6,
            frame_bytes=gauge.frame_bytes / gauge.delivered,
            gauge_busy=own_cpu / took,
            gauge_cpu_per_delivery_us=own_cpu / gauge.delivered / 1e3,
            post_late_ms=gauge.latest_post_ns / 1e6,
        )


def take_cores(readers: int) -> tuple[int, int]:
    """The server's core and ours, on which we stand from now on."""
    proc.raise_descriptor_limit(readers + 100)
    server_core, gauge_core = proc.two_cores()
    os.sched_setaffinity(0, {gauge_core})
    return server_core, gauge_core


def _percentile(ordered: list[int], percent: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] / 1e6
