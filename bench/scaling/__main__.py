"""How many machines an audience needs, and what happens to it when some of them go.

Without an audience: the page's own. With `--readers`: yours, printed.
"""

from __future__ import annotations

import argparse
import sys
import time

from bench.scaling import measure, page, real
from bench.scaling.figures import figures
from bench.scaling.model import Choice, Day, Price, plan
from bench.scaling.rules import rules


def main() -> int:
    """The exit status: 1 when a comparison is further apart than allowed."""
    options = _options()
    if options.measure:
        measure.measure(options.measure, more=options.more)
    if options.compare:
        return _compare(options.compare)
    if options.readers:
        _yours(options)
    elif options.write or not options.measure:
        since = time.monotonic()
        done = page.simulate()
        if options.write:
            page.write(done)
        else:
            for name, part in page.blocks(done).items():
                print(f"\n## {name}\n\n{part}")
        print(f"{time.monotonic() - since:.0f} s", file=sys.stderr)
    return 0


def _compare(names: str) -> int:
    wanted = names.split(",")
    if unknown := set(wanted) - set(real.CASES):
        raise SystemExit(f"bench.scaling: {', '.join(sorted(unknown))} is none of {', '.join(real.CASES)}")
    real.compare(wanted)
    page.write_compared()
    print(page.compared())
    found = real.compared()
    pairs = [real.pair(found, row) for row in real.ROWS]
    return 1 if any(abs(model / true - 1) > real.ALLOWED for true, model in pairs) else 0


def _yours(options: argparse.Namespace) -> None:
    choice = Choice(
        per_process=options.per_process,
        zones=options.zones,
        cores_per_machine=options.cores,
        nic_gigabits=options.nic,
        deflate=not options.no_deflate,
        replicas=options.replicas,
    )
    day = Day(options.alerts, options.session, options.flash)
    found = plan(options.readers, figures(), rules(), choice, day)
    print(page.needs([found], choice))
    prices = [Price("yours", options.core_hour, options.gigabyte, "")] if options.core_hour else page.PRICES
    print(f"\n{page.cost([found], prices, choice)}")


def _options() -> argparse.Namespace:
    usual, day = Choice(), Day()
    parser = argparse.ArgumentParser(prog="python -m bench.scaling", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put tables and plots into docs/scaling.md")
    parser.add_argument(
        "--measure", type=int, metavar="ROUNDS", help="measure what the bench does not, a minute a round"
    )
    parser.add_argument("--more", action="store_true", help="keep the rounds that were measured before")
    every = ",".join(real.CASES)
    parser.add_argument(
        "--compare", nargs="?", const=every, metavar="CASES", help=f"for real beside simulated: {every}"
    )
    parser.add_argument("--readers", type=int, help="readers at once: print what they need, simulate nothing")
    parser.add_argument("--per-process", type=int, default=usual.per_process, help="readers of a process")
    parser.add_argument("--zones", type=int, default=usual.zones, help="of which one may be lost")
    parser.add_argument("--cores", type=int, default=usual.cores_per_machine, help="cores of a machine")
    parser.add_argument("--nic", type=float, default=usual.nic_gigabits, help="its network, Gbit/s")
    parser.add_argument("--replicas", type=int, default=usual.replicas, help="read replicas; 0: read from the master")
    parser.add_argument("--no-deflate", action="store_true", help="readers do not take compressed frames")
    parser.add_argument("--alerts", type=float, default=day.alerts_per_hour, help="alerts in an hour")
    parser.add_argument("--session", type=float, default=day.session_minutes, help="minutes for which a reader stays")
    parser.add_argument("--flash", type=float, default=day.flash_seconds, help="seconds between two alerts of a flash")
    parser.add_argument("--core-hour", type=float, help="your price of a core for an hour")
    parser.add_argument("--gigabyte", type=float, default=0.0, help="your price of a GB of egress")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
