"""What an audience needs: processes, cores, memory, the store, egress, money. Arithmetic on measured figures."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.scaling.figures import Figures
from bench.scaling.rules import Rules

TLS_BYTES = 22
"""What a TLS 1.3 record adds: a header of 5, the content type, a tag of 16 (RFC 8446, 5.2)."""
SEGMENT_HEAD = 52
"""IPv4 (20) and TCP (20) with timestamps (12; RFC 7323)."""
SEGMENT = 1448
"""What then fits into 1,500 bytes of Ethernet."""
HOURS = 730
"""In a month."""
GIGA = 1e9


@dataclass(frozen=True)
class Price:
    """What a provider asks for, in euro, and where that was read."""

    name: str
    core_hour: float
    gigabyte: float
    source: str


@dataclass(frozen=True)
class Day:
    """What is assumed of a newsroom and its readers."""

    alerts_per_hour: float = 6.0
    session_minutes: float = 10.0
    """For how long a reader stays."""
    flash_seconds: float = 10.0
    """Seconds between two alerts in a flash."""


@dataclass(frozen=True)
class Choice:
    """What an operator decides."""

    per_process: int = 10_000
    zones: int = 3
    cores_per_machine: int = 8
    nic_gigabits: float = 10.0
    deflate: bool = True
    replicas: int = 2
    """From which readers' processes read the log; 0: from the master."""
    proxy_cores: float = 1.0
    """Cores of the proxies that end TLS, for each core of ticker. An assumption: nobody measured it here."""


@dataclass(frozen=True)
class Plan:
    """The answer. Seconds, bytes, and shares of a core."""

    readers: int
    processes: int
    per_process: float
    machines: int
    utilisation: float
    """Of each process's core, in the average hour."""
    alert_seconds: float
    """From a post to the last reader, with a core for each process."""
    alert_crowded_seconds: float
    """The same with four processes to a core."""
    memory: float
    kernel_memory: float
    after_loss: float
    """Readers of a process when a zone has gone."""
    loss_joins: float
    """Joins a second at each process that is left, while the readers of the zone come back."""
    loss_core: float
    """Share of its core that this takes."""
    store_commands: float
    store_reads: float
    store_scripts: float
    store_out: float
    store_core: float
    """Of the master, when it is read from as well."""
    master_core: float
    """Of the master, when the log is read from replicas."""
    replica_core: float
    replica_out: float
    flash_store_core: float
    begin_seconds: float
    """Of the store's time, until every process has read every log again."""
    begin_bytes: float
    average_out: float
    alert_bytes: float
    flash_out: float
    reset_bytes: float
    nic_seconds: float
    """Until a machine's alert has left by its network card."""
    uplink_seconds: float
    """Until the whole reset has left at 100 Gbit/s."""
    gigabytes_month: float


def wire_bytes(frame: float) -> float:
    """A frame on the reader's line: in a TLS record and in TCP segments."""
    record = frame + TLS_BYTES
    return record + SEGMENT_HEAD * math.ceil(record / SEGMENT)


def processes_for(readers: int, choice: Choice) -> int:
    """At least one in each zone, and as many in each."""
    needed = max(choice.zones, math.ceil(readers / choice.per_process))
    return math.ceil(needed / choice.zones) * choice.zones


def plan(readers: int, costs: Figures, rules: Rules, choice: Choice | None = None, day: Day | None = None) -> Plan:
    """What so many readers need at once."""
    choice, day = choice or Choice(), day or Day()
    processes = processes_for(readers, choice)
    each = readers / processes
    entry = wire_bytes(costs.entry_deflated_bytes if choice.deflate else costs.entry_bytes)
    first = wire_bytes(costs.first_deflated_bytes if choice.deflate else costs.first_bytes)
    beat = wire_bytes(costs.heartbeat_bytes)
    joins = 60 / day.session_minutes / 3600  # of each reader, a second
    alerts = day.alerts_per_hour / 3600
    utilisation = costs.idle_process + each * (costs.idle_reader + joins * costs.join + alerts * costs.delivery_cpu)
    left = processes * (choice.zones - 1) / choice.zones if choice.zones > 1 else processes
    client = rules.client
    loss_joins = readers / choice.zones / left / (client.bound(0) - client.least)
    channels = rules.channels / 3  # the store's figures are of processes with the three built-in channels
    store = processes * costs.store_cpu * channels
    reads = processes * costs.store_read_cpu * channels
    share = max(1, choice.replicas)
    logs = processes * rules.channels
    average = readers * (beat / rules.heartbeat + alerts * entry + joins * first)
    flash_alert = 1 / day.flash_seconds
    return Plan(
        readers=readers,
        processes=processes,
        per_process=each,
        machines=max(choice.zones, math.ceil(processes / choice.cores_per_machine)),
        utilisation=utilisation,
        alert_seconds=costs.latency + each * costs.delivery,
        alert_crowded_seconds=costs.latency + 4 * each * costs.delivery,
        memory=1024 * (processes * costs.process_kilobytes + readers * costs.reader_kilobytes),
        kernel_memory=1024 * readers * costs.kernel_kilobytes,
        after_loss=readers / left,
        loss_joins=loss_joins,
        loss_core=loss_joins * costs.join,
        store_commands=processes * costs.store_commands * channels,
        store_reads=processes * costs.store_reads * channels,
        store_scripts=processes * costs.store_scripts * channels,
        store_out=processes * costs.store_out * channels,
        store_core=store,
        master_core=store - reads if choice.replicas else store,
        replica_core=reads / share,
        replica_out=processes * (costs.store_out - costs.store_scripts * costs.store_script_out) * channels / share,
        flash_store_core=store + processes * costs.store_alert_cpu * flash_alert,
        begin_seconds=logs * rules.ring * costs.store_begin_cpu,
        begin_bytes=logs * rules.ring * costs.store_begin_bytes,
        average_out=average,
        alert_bytes=readers * entry,
        flash_out=readers * entry * flash_alert,
        reset_bytes=readers * first,
        nic_seconds=min(processes, choice.cores_per_machine) * each * entry * 8 / (choice.nic_gigabits * GIGA),
        uplink_seconds=readers * first * 8 / (100 * GIGA),
        gigabytes_month=average * 3600 * HOURS / GIGA,
    )


def monthly(found: Plan, price: Price, choice: Choice | None = None) -> tuple[float, float]:
    """Euro a month: for cores (ticker's and the proxies'), and for what leaves."""
    choice = choice or Choice()
    cores = found.processes * (1 + choice.proxy_cores)
    return cores * price.core_hour * HOURS, found.gigabytes_month * price.gigabyte
