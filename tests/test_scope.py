"""What a key may give the right to."""

from __future__ import annotations

import subprocess
import sys

from ticker.scope import SCOPES


def test_the_scopes_are_known_by_their_names() -> None:
    """Keys in stores have them."""
    assert ("read", "publish", "correct", "retract", "push", "admin") == SCOPES


def test_a_command_that_only_asks_its_parser_loads_no_store() -> None:
    """An editor's command starts at once."""
    asked = "import sys, ticker.__main__; print(*(m for m in ('redis', 'httpx', 'starlette') if m in sys.modules))"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=60, check=True)
    assert "" == told.stdout.strip()
