"""A server that is killed and comes back, with a thousand widgets on it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.stage import Service, short_directory

from .cast import Complaints
from .host import HASTE, Host, headlines
from .outage import Crowd

SOON = 5_000
WIDGETS = 1_000
WINDOW_MS = 6_000
"""Within which they come back; by default it is 30 seconds."""
MOST_AT_ONCE = 0.4
"""Of all, in one second of six."""


@pytest.fixture
def hasty() -> Iterator[Service]:
    """A server that lets its readers come back within six seconds."""
    with short_directory() as directory:
        bounds = ("--reconnect-min-ms", "1000", "--reconnect-max-ms", str(WINDOW_MS))
        # All of them come from one address here.
        service = Service(directory, *bounds, "--max-readers-per-address", "0")
        service.start()
        try:
            yield service
        finally:
            service.end()


def test_a_thousand_widgets_come_back_spread_and_show_nothing_that_was_retracted(
    hasty: Service, host: Host, page: Page, complaints: Complaints
) -> None:
    """All of them, over the window that they were given; the bar of one says meanwhile of when it is."""
    complaints.allow("WebSocket|Failed to load resource")
    wrong = hasty.post("en", "This was wrong")["item"]["id"]
    hasty.post("en", "This stays")
    page.add_init_script(HASTE)
    host.open(page, hasty, '<breaking-ticker channel="en" mode="list"></breaking-ticker>')
    expect(headlines(page)).to_have_text(["This stays", "This was wrong"], timeout=SOON)
    note = page.locator("breaking-ticker .note")
    crowd = Crowd(hasty.url, WIDGETS)
    try:
        crowd.wait("live", 60)
        assert {"This stays,This was wrong": WIDGETS} == crowd.shown()
        hasty.kill()
        crowd.wait("away", 60)
        expect(note).to_contain_text("as of", timeout=4 * SOON)
        hasty.start()
        since = time.time()
        hasty.retract("en", wrong, "Posted in error")
        crowd.wait("live", 60)
        assert {"This stays": WIDGETS} == crowd.shown()
        expect(note).to_be_hidden(timeout=4 * SOON)
        expect(headlines(page)).to_have_text(["This stays"], timeout=SOON)
        returns = crowd.returns(since)
    finally:
        crowd.close()
    counts = Counter(int(at) for at in returns)
    print(f"\n{len(returns)} back within {returns[-1]:.1f} s, in the fullest second {max(counts.values())}")
    assert WINDOW_MS / 1000 / 3 <= returns[-1] - returns[0]
    assert returns[-1] <= WINDOW_MS / 1000 + 4
    assert max(counts.values()) <= MOST_AT_ONCE * WIDGETS
