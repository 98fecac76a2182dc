"""The provider that prints."""

from __future__ import annotations

import io
import json

from ticker.bridges.log import LogProvider
from ticker.bridges.target import Target

from tests.bridges.test_notice import told as notice

EVERYBODY = Target(id="log", provider="log", address="log")


async def test_an_alert_is_printed_as_a_phone_would_show_it() -> None:
    """One JSON object a line, attribution first."""
    out = io.StringIO()
    provider = LogProvider(out)
    for fields in ({"attribution": "Agency"}, {"urgency": 1}):
        assert "accepted" == (await provider.send(notice(**fields), EVERYBODY, "row")).kind
    first, second = (json.loads(text) for text in out.getvalue().splitlines())
    assert ("alert", "Agency: 17 are safe", "active") == (first["would_send"], first["body"], first["level"])
    assert "time-sensitive" == second["level"]


async def test_a_rehearsal_prints_nothing() -> None:
    """It says what would be printed."""
    out = io.StringIO()
    said = await LogProvider(out).rehearse(notice(), EVERYBODY, "row")
    assert ("alert", "") == (json.loads(said)["would_send"], out.getvalue())
