"""schemathesis against a running service, as anybody would run it: an address, a key, every check, no configuration."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.stage import Service

UNLIMITED = ("--rate-limit", "0", "--address-limit", "0")
PHASES = ("examples,coverage", "fuzzing", "stateful")
"""All of them, in parts; the first takes most of the time."""


def attack(
    service: Service, examples: int, directory: Path, *options: str, phases: str = ",".join(PHASES)
) -> subprocess.CompletedProcess[str]:
    """Send `examples` requests to each operation, and walk from one to the next. The output says what was found."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "run",
        f"{service.url}/openapi.json",
        "--checks=all",
        f"--phases={phases}",
        f"--max-examples={examples}",
        f"--header=Authorization: Bearer {service.key}",
        "--generation-database=none",
        "--no-color",
        *options,
    ]
    # Not from here: a file of settings in a directory above would be read.
    return subprocess.run(
        command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
