"""What strangers send: schemathesis, with every check that it has, finds the service as it is described."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz.attack import PHASES, UNLIMITED, attack
from tests.stage import Service, short_directory

EXAMPLES = 3
"""`make fuzz` sends 200."""


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """One that stands through all of it."""
    with short_directory() as directory:
        service = Service(directory, *UNLIMITED)
        service.start()
        try:
            yield service
        finally:
            service.end()


@pytest.mark.parametrize("phases", PHASES)
def test_nothing_that_is_sent_is_answered_otherwise_than_described(
    service: Service, phases: str, tmp_path: Path
) -> None:
    """Every operation, with what it takes and with what it does not, alone and one after the other: no fault of
    ours, no undescribed answer, nothing wrong taken, nothing right refused, nothing let in without a key."""
    found = attack(service, EXAMPLES, tmp_path, phases=phases)
    assert 0 == found.returncode, found.stdout
    assert "❌" not in found.stdout
    assert "Traceback" not in service.output.read_text(encoding="utf-8")
