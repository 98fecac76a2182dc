"""Who may register, as the settings have it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from ticker.bridges import gate
from ticker.bridges.guard import Forbidden

from tests.bridges.stage import VAPID_KEY
from tests.bridges.test_roster import BROWSERS, settings


@pytest.mark.parametrize(
    ("given", "configured"),
    [({}, False), ({"webhooks": True}, True), (BROWSERS, True), ({"apns_key": "x"}, True), ({"push_rate": 5}, False)],
)
def test_whether_anybody_is_sent_to_is_known_without_loading_who_sends(
    given: dict[str, object], configured: bool
) -> None:
    """Any provider is enough."""
    assert configured == gate.configured(settings(**given))


def test_browsers_register_with_a_known_service_and_others_with_any() -> None:
    """The public key is there when there is a private one, and is not it."""
    found = gate.gate(settings(**BROWSERS, push_targets=7))
    assert found.public_key
    assert found.public_key != VAPID_KEY
    assert 7 == found.most
    found.others.check("https://anybody.example/x")
    with pytest.raises(Forbidden):
        found.browsers.check("https://anybody.example/x")
    assert gate.gate(settings()).public_key is None


def test_a_process_that_sends_nothing_loads_nothing_that_does() -> None:
    """It starts sooner, and holds less."""
    heavy = "('httpx', 'httpcore', 'jwt', 'h2', 'valkey')"
    asked = f"import sys, ticker.serve; print(*(name for name in {heavy} if name in sys.modules))"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=60, check=True)
    assert "" == told.stdout.strip()
