"""`python -m bench.fanout`: one alert to many readers, through ticker and through the floor, in turns."""

import argparse
import json
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from statistics import median

from bench.machine import describe
from bench.rounds import Figures, Load, measure, take_cores
from bench.target import RoundError

FLOOR = "floor"
COMPARED = (FLOOR, "ticker")

# What is shown, and whether a ratio to the floor says anything.
ROWS: tuple[tuple[str, Callable[[Figures], float], bool], ...] = (
    ("server CPU per delivery, µs", lambda figures: figures.cpu_per_delivery_us, True),
    ("store CPU per delivery, µs", lambda figures: figures.store_cpu_per_delivery_us, False),
    ("time to the last reader, ms", lambda figures: figures.last_reader_ms, True),
    ("latency p50, ms", lambda figures: figures.latency_p50_ms, True),
    ("latency p99, ms", lambda figures: figures.latency_p99_ms, True),
    ("latency max, ms", lambda figures: figures.latency_max_ms, True),
    ("server CPU per join, µs", lambda figures: figures.cpu_per_join_us, True),
    ("memory per idle connection, KB", lambda figures: figures.memory_per_reader_bytes / 1024, False),
    ("frame, bytes", lambda figures: figures.frame_bytes, False),
    ("gauge CPU per delivery, µs", lambda figures: figures.gauge_cpu_per_delivery_us, False),
    ("gauge core busy, %", lambda figures: figures.gauge_busy * 100, False),
)

Round = dict[str, Figures]


def main() -> int:
    options = _options()
    load = Load(options.readers, options.items, options.gap, options.bytes)
    cores = take_cores(load.readers)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that our children are ended on the way out

    rounds: list[Round] = []
    faults: list[str] = []
    for number in range(options.rounds + 1):
        one: Round = {}
        for server in COMPARED:
            try:
                figures = measure(server, load, cores)
            except RoundError as error:
                fault = str(error)
            else:
                one[server], fault = figures, figures.faults
            turn = f"round {number}" if number else "warm-up"
            print(f"{turn}, {server}: {fault or 'ok'}", file=sys.stderr, flush=True)
            if fault and number:
                faults.append(f"{turn}, {server}: {fault}")
        if number:
            rounds.append(one)

    valid = [one for one in rounds if len(one) == len(COMPARED) and not any(f.faults for f in one.values())]
    where = describe()
    print(report(valid, load, where, faults))
    if options.json:
        plain = [{server: asdict(figures) for server, figures in one.items()} for one in rounds]
        raw = {"where": where, "load": asdict(load), "faults": faults, "rounds": plain}
        options.json.write_text(json.dumps(raw, indent=2) + "\n", encoding="utf-8")
    return 1 if faults else 0


def report(rounds: list[Round], load: Load, where: dict[str, str], faults: list[str]) -> str:
    """Medians over the rounds in Markdown; a ratio is the median of the ratios within each round."""
    lines = [
        f"{load.readers} readers, {load.items} alerts of {load.body_bytes} bytes, one every {load.gap:g} s; "
        f"medians of {len(rounds)} rounds",
        "",
    ]
    if rounds:
        others = [server for server in COMPARED if server != FLOOR]
        titles = ["", *COMPARED, *(f"{server} ÷ {FLOOR}" for server in others)]
        lines += [_row(titles), _row(["---", *("---:" for _ in titles[1:])])]
        for title, value, comparable in ROWS:
            cells = [f"{median(value(one[server]) for one in rounds):.2f}" for server in COMPARED]
            for server in others:
                ratios = [value(one[server]) / value(one[FLOOR]) for one in rounds if value(one[FLOOR])]
                cells.append(f"{median(ratios):.2f}" if comparable and ratios else "")
            lines.append(_row([title, *cells]))
        lines.append("")
    lines += [f"- INVALID, not counted: {fault}" for fault in faults]
    lines += [f"- {name}: {value}" for name, value in where.items()]
    return "\n".join(lines)


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.fanout", description=__doc__)
    parser.add_argument("--readers", type=int, default=3000, help="connections that read (default 3000)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count, after one that does not")
    parser.add_argument("--items", type=int, default=40, help="alerts in a round (default 40)")
    parser.add_argument("--gap", type=float, default=0.25, help="seconds between two alerts (default 0.25)")
    parser.add_argument("--bytes", type=int, default=300, help="size of a posted body (default 300)")
    parser.add_argument("--json", type=Path, help="file for the raw figures")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
