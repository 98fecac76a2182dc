"""What ticker was measured to cost: from the bench's figures, and from those that were measured for this model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench import report

DOCS = Path(__file__).parents[2] / "docs"
BENCH = DOCS / report.FOLDER / report.FIGURES
OWN = DOCS / "scaling" / "measured.json"


@dataclass(frozen=True)
class Figures:
    """Seconds, bytes and KB (1,024 bytes) for one of each, on the machine of the bench."""

    delivery: float
    """From one reader of a broadcast to the next, on a core of its own."""
    latency: float
    """From a post to the first reader."""
    delivery_cpu: float
    join: float
    refusal: float
    poll: float
    reset: float
    reader_kilobytes: float
    kernel_kilobytes: float
    process_kilobytes: float
    idle_process: float
    """Share of a core that a process takes without readers."""
    idle_reader: float
    """The same for each reader: his heartbeats."""
    start: float
    """From a start until a process is ready."""
    entry_bytes: float
    entry_deflated_bytes: float
    first_bytes: float
    first_deflated_bytes: float
    heartbeat_bytes: float
    store_reads: float
    """Answers to a blocked read, of one process with the built-in channels, a second."""
    store_scripts: float
    store_commands: float
    store_cpu: float
    """Share of the store's core."""
    store_script_cpu: float
    """Of that, the heartbeats that a process writes: these always go to the master."""
    store_read_cpu: float
    """Of that, the answers to its reads of the log, which replicas can give."""
    store_script_out: float
    """Bytes that the store answers to one of them."""
    store_out: float
    store_in: float
    store_alert_cpu: float
    """What an alert costs the store for each process that has readers."""
    store_alert_out: float
    store_alert_commands: float
    store_begin_cpu: float
    """What it costs the store to give one entry to a process that begins."""
    store_begin_bytes: float


def figures() -> Figures:
    """The medians of the rounds."""
    results: report.Results = json.loads(BENCH.read_text(encoding="utf-8"))
    own = medians(measured())

    def of(measure: str, column: str) -> float:
        return median(report.values(results[measure], "ticker", column))

    readers = results["paced"]["load"]["readers"]
    thousands = results["idle"]["load"]["readers"] / 1000
    latency = of("latency", "p50_ms") / 1000
    scripts = own["store_scripts_per_process_s"]
    return Figures(
        delivery=(of("paced", "last_ms") / 1000 - latency) / readers,
        latency=latency,
        delivery_cpu=of("paced", "cpu_us") / 1e6,
        join=of("join", "cpu_us") / 1e6,
        refusal=own["refusal_cpu_us"] / 1e6,
        poll=own["poll_cpu_us"] / 1e6,
        reset=own["reset_cpu_us"] / 1e6,
        reader_kilobytes=of("memory", "kilobytes"),
        kernel_kilobytes=own["kernel_kilobytes_per_line"],
        process_kilobytes=own["process_kilobytes"],
        idle_process=of("idle", "own_s") * thousands / 3600,
        idle_reader=of("idle", "added_s") / 1000 / 3600,
        start=own["start_seconds"],
        entry_bytes=own["entry_bytes"],
        entry_deflated_bytes=own["entry_deflated_bytes"],
        first_bytes=own["first_frame_bytes"],
        first_deflated_bytes=own["first_frame_deflated_bytes"],
        heartbeat_bytes=of("idle", "frame_bytes"),
        store_reads=own["store_reads_per_process_s"],
        store_scripts=scripts,
        store_commands=own["store_commands_per_process_s"],
        store_cpu=own["store_cpu_us_per_process_s"] / 1e6,
        store_script_cpu=own["store_cpu_us_per_script"] * scripts / 1e6,
        store_read_cpu=own["store_cpu_us_per_read"] * own["store_reads_per_process_s"] / 1e6,
        store_script_out=own["store_out_bytes_per_script"],
        store_out=own["store_out_bytes_per_process_s"],
        store_in=own["store_in_bytes_per_process_s"],
        store_alert_cpu=own["store_cpu_us_per_process_alert"] / 1e6,
        store_alert_out=own["store_out_bytes_per_process_alert"],
        store_alert_commands=own["store_commands_per_process_alert"],
        store_begin_cpu=own["store_begin_cpu_us_per_entry"] / 1e6,
        store_begin_bytes=own["store_begin_bytes_per_entry"],
    )


def measured() -> dict[str, Any]:
    """What `python -m bench.scaling --measure` wrote."""
    found: dict[str, Any] = json.loads(OWN.read_text(encoding="utf-8"))
    return found


def medians(found: dict[str, Any]) -> dict[str, float]:
    """Of all rounds in which it is there, by the name of the figure."""
    rounds: list[dict[str, float]] = found["rounds"]
    names = dict.fromkeys(name for one in rounds for name in one)
    return {name: median(one[name] for one in rounds if name in one) for name in names}
