"""The provider that prints."""

from __future__ import annotations

import io
import json

from ticker.bridges.log import LogProvider

from tests.test_hub import entry


async def test_an_alert_is_printed_as_a_phone_would_show_it() -> None:
    """One JSON object a line, attribution first."""
    out = io.StringIO()
    await LogProvider(out).send(entry(1, attribution="Agency"))
    await LogProvider(out).send(entry(2))
    first, second = (json.loads(text) for text in out.getvalue().splitlines())
    assert ("publish", "Agency: headline 1") == (first["would_send"], first["body"])
    assert "headline 2" == second["body"]


async def test_a_withdrawn_alert_is_printed_without_its_text() -> None:
    """Only that it was withdrawn, and why."""
    out = io.StringIO()
    await LogProvider(out).send(entry(2, "item1", "retract", 2, correction_note="Sent in error"))
    assert "headline" not in out.getvalue()
    assert "Alert withdrawn: Sent in error" == json.loads(out.getvalue())["body"]
