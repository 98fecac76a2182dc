"""`python -m bench`: ticker beside the least that any server must do, and beside what people would take instead."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from bench import load as programs
from bench import machine, proc, report
from bench.measures import NAMES, STANDS, Figures, Load, Stand
from bench.peers import PEERS

DOCS = Path(__file__).parent.parent / "docs"


def main() -> int:
    """Returns 0, or 1 when a server missed or doubled an item, or did not start."""
    options = _options()
    wanted = options.only or list(NAMES)
    load = Load(
        readers=options.readers,
        workers=options.workers,
        body_bytes=options.bytes,
        items=options.items,
        gap=options.gap,
        burst=options.burst,
        peer_burst=options.peer_burst,
        heartbeat=options.heartbeat,
        idle_seconds=options.idle_seconds,
        post_readers=options.post_readers,
        posts=options.posts,
    )
    cores = proc.two_cores()
    programs.build()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that our children are ended on the way out
    present = ["floor", "ticker", *(name for name, peer in PEERS.items() if peer.version())]
    taking = [name for name in options.servers or present if name in present]
    # The load spreads its readers over processes of its own; a server has to hold them as it is.
    shared = load.readers // (load.workers if taking == ["ticker"] else 1)
    proc.raise_descriptor_limit(max(shared * 5 // 4 if load.workers > 1 else shared, load.post_readers) + 1000)
    for name in sorted(set(options.servers or PEERS) - set(present)):
        print(f"{name}: not installed, left out; `python -m bench.peers` says why", file=sys.stderr)

    found: report.Results = {}
    for stand in STANDS:
        measures = [name for name in stand.gives if name in wanted]
        servers = [name for name in taking if stand.servers is None or name in stand.servers]
        if not measures or not servers:
            continue
        rounds, faults = _rounds(stand, measures, servers, load, cores, options.rounds)
        for name in measures:
            found[name] = {
                "where": machine.describe(servers),
                "load": vars(load) | {"rounds": options.rounds},
                "faults": faults,
                "rounds": [{server: all_[name] for server, all_ in one.items()} for one in rounds],
            }
    print(report.text(found))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if options.write:
        report.write(DOCS, found)
    return 1 if any(part["faults"] for part in found.values()) else 0


def _rounds(
    stand: Stand, measures: list[str], servers: list[str], load: Load, cores: tuple[int, int], count: int
) -> tuple[list[dict[str, dict[str, Figures]]], list[str]]:
    """Every server in each round, after one that does not count. A server's invalid round is left out, and told."""
    rounds: list[dict[str, dict[str, Figures]]] = []
    faults: list[str] = []
    for number in range(count + 1):
        one: dict[str, dict[str, Figures]] = {}
        for server in servers:
            turn = f"{'+'.join(measures)}, {f'round {number}' if number else 'warm-up'}, {server}"
            fault = ""
            try:
                one[server] = stand.run(server, load if number else load.warm(), cores, measures)
            except (programs.RoundError, OSError) as error:  # OSError: its processes or its sockets are gone
                fault = str(error).replace(f"{DOCS.parent}/", "")  # it may come to stand in the docs
            print(f"{turn}: {fault or 'ok'}", file=sys.stderr, flush=True)
            if fault and number:
                faults.append(f"{turn}: {fault}")
        if number:
            rounds.append(one)
    return rounds, faults


def _options() -> argparse.Namespace:
    def names(known: tuple[str, ...]) -> Callable[[str], list[str]]:
        def read(text: str) -> list[str]:
            found = text.split(",")
            for name in found:
                if name not in known:
                    raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(known)}")
            return found

        return read

    usual = Load()
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", type=names(NAMES), metavar="A,B", help=f"of {', '.join(NAMES)}; default all")
    servers = ("floor", "ticker", *PEERS)
    parser.add_argument("--servers", type=names(servers), metavar="A,B", help=f"of {', '.join(servers)}; default all")
    parser.add_argument("--readers", type=int, default=usual.readers, help="connections that read")
    parser.add_argument("--workers", type=int, default=1, help="of ticker; more than one are held to no core")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count, after one that does not")
    parser.add_argument("--items", type=int, default=usual.items, help="alerts that are paced")
    parser.add_argument("--gap", type=float, default=usual.gap, help="seconds between two of them")
    parser.add_argument("--bytes", type=int, default=usual.body_bytes, help="size of a posted body")
    parser.add_argument("--burst", type=int, default=usual.burst, help="alerts of each of the eight publishers")
    parser.add_argument("--peer-burst", type=int, default=usual.peer_burst, help="the same, for the peers")
    parser.add_argument("--heartbeat", type=float, default=usual.heartbeat, help="seconds between two, when idle")
    parser.add_argument("--idle-seconds", type=float, default=usual.idle_seconds, help="for how long we look on")
    parser.add_argument("--post-readers", type=int, default=usual.post_readers, help="readers while posts are counted")
    parser.add_argument("--posts", type=int, default=usual.posts, help="posts of each number of publishers")
    parser.add_argument("--json", type=Path, help="file for the figures of every round")
    parser.add_argument("--write", action="store_true", help="put tables and plots into docs/performance.md")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
