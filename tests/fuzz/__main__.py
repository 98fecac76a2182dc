"""`python -m tests.fuzz [EXAMPLES]`: the long run, 200 examples for each operation, and then two minutes of walks."""

from __future__ import annotations

import sys

from tests.fuzz.attack import UNLIMITED, attack
from tests.stage import Service, short_directory

WALKS = 120
"""Seconds."""


def main() -> int:
    """Start a service of its own, and say what was found. Returns the exit status."""
    examples = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with short_directory() as directory:
        service = Service(directory, *UNLIMITED)
        service.start()
        try:
            found = attack(service, examples, directory)
            print(found.stdout)
            # A walk ends early where the same request is not answered the same again; here it begins anew.
            walked = attack(service, examples, directory, f"--max-time={WALKS}", phases="stateful")
            print(walked.stdout)
        finally:
            service.end()
        faults = service.output.read_text(encoding="utf-8").count("Traceback")
        print(f"{faults} faults in the service's log")
    return found.returncode or walked.returncode or min(faults, 1)


if __name__ == "__main__":
    sys.exit(main())
