"""The programs in C: compiled when their source is newer, and the load run on a server."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import proc
from bench.peers import Target

HERE = Path(__file__).parent
FLOOR, LOAD = HERE / "floor", HERE / "load"
FLAGS = ("-O2", "-std=gnu11", "-Wall", "-Wextra", "-Wshadow")
LONGEST_SECONDS = 1800.0
PATIENCE_SECONDS = 15.0

Step = dict[str, Any]


class RoundError(Exception):
    """The server did something that makes this round worthless: refused, closed, lost or doubled an item."""


@dataclass(frozen=True)
class Places:
    """Where the load runs, and whose CPU and memory it reads."""

    core: int
    pids: Sequence[int]
    store_pids: Sequence[int] = ()


def build() -> None:
    """Compile what is missing or older than its source. Raises SystemExit with the compiler's words."""
    for binary in (FLOOR, LOAD):
        source = binary.with_suffix(".c")
        if not binary.exists() or binary.stat().st_mtime < source.stat().st_mtime:
            command = ["cc", *FLAGS, "-o", str(binary), str(source), "-pthread"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)
            if done.returncode:
                raise SystemExit(f"bench: {source.name} was not compiled:\n{done.stderr}")


def command(target: Target, places: Places, body_bytes: int, steps: Sequence[str], nice: int) -> list[str]:
    """The command line of `load` for these steps."""
    words = [str(LOAD), "--port", str(target.port), "--path", target.path]
    words += ["--post-port", str(target.post_port or target.port), "--post-path", target.post_path]
    words += ["--protocol", target.protocol, "--subprotocol", target.subprotocol]
    words += ["--hello", target.hello.hex(), "--welcome", target.welcome.hex()]
    words += ["--body", str(body_bytes), "--patience", f"{PATIENCE_SECONDS:g}"]
    words += ["--pids", ",".join(map(str, places.pids)), "--store-pids", ",".join(map(str, places.store_pids))]
    for header in target.headers:
        words += ["--header", header]
    if nice and os.geteuid() == 0:  # nobody else may take it back for the publishers
        words += ["--nice", str(nice)]
    return [*words, *steps]


def run(target: Target, places: Places, body_bytes: int, steps: Sequence[str], *, nice: int = 0) -> list[Step]:
    """What each step measured. `nice` holds for the thread that reads. Raises RoundError when a step went wrong."""
    with proc.standing_on({places.core}):
        process = subprocess.Popen(command(target, places, body_bytes, steps, nice), stdout=subprocess.PIPE, text=True)
    try:
        output, _ = process.communicate(timeout=LONGEST_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise RoundError(f"not done after {LONGEST_SECONDS:g} seconds") from error
    finally:
        process.kill()
        process.wait()
    return read(output, process.returncode)


def read(output: str, status: int) -> list[Step]:
    """The steps out of what `load` printed. Raises RoundError when one of them, or the whole, went wrong."""
    found: list[Step] = []
    for line in output.splitlines():
        # A step that ends the run has its beginning on the line; the reason stands in the last object.
        told: Step = json.loads(line[line.rindex('{"fault"') :] if '{"fault"' in line[1:] else line)
        if told["fault"]:
            raise RoundError(f"{told.get('step', 'load')}: {told['fault']}")
        found.append(told)
    if status:
        raise RoundError(f"load ended with status {status}")
    return found
