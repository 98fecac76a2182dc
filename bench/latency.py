"""`python -m bench.latency`: how long one alert takes to one reader, with nothing else to do."""

import argparse
import signal
import sys

from bench.machine import describe
from bench.rounds import Load, measure, take_cores
from bench.target import RoundError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.latency", description=__doc__)
    parser.add_argument("--posts", type=int, default=200, help="alerts, one after the other (default 200)")
    parser.add_argument("--gap", type=float, default=0.02, help="seconds between two alerts (default 0.02)")
    parser.add_argument("--bytes", type=int, default=300, help="size of a posted body (default 300)")
    options = parser.parse_args()
    load = Load(1, options.posts, options.gap, options.bytes)
    cores = take_cores(load.readers)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that our children are ended on the way out

    lines = ["| | p50, ms | p99, ms | max, ms |", "| --- | ---: | ---: | ---: |"]
    faults = []
    for server in ("floor", "ticker"):
        try:
            figures = measure(server, load, cores)
        except RoundError as error:
            faults.append(f"- INVALID, {server}: {error}")
            continue
        times = (figures.latency_p50_ms, figures.latency_p99_ms, figures.latency_max_ms)
        lines.append(f"| {server} | " + " | ".join(f"{value:.3f}" for value in times) + " |")
        if figures.faults:
            faults.append(f"- INVALID, {server}: {figures.faults}")
    print(f"1 reader, {load.items} alerts of {load.body_bytes} bytes, one every {load.gap:g} s\n")
    print("\n".join([*lines, "", *faults, *(f"- {name}: {value}" for name, value in describe().items())]))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
