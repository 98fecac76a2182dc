"""A server that is killed and comes back, with a thousand widgets on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.stage import Service, short_directory

from .cast import Complaints
from .host import Host, headlines
from .outage import AWAY, LIVE, Crowd

SOON = 5_000
WIDGETS = 1_000
WINDOW_MS = 8_000
"""Within which they come back; by default it is 30 seconds."""
MOST_AT_ONCE = 0.35
"""Of all, in one second of eight."""


@pytest.fixture
def hasty() -> Iterator[Service]:
    """A server that lets its readers come back within eight seconds."""
    with short_directory() as directory:
        service = Service(directory, "--reconnect-max-ms", str(WINDOW_MS))
        service.start()
        try:
            yield service
        finally:
            service.end()


def test_a_thousand_widgets_come_back_spread_and_show_nothing_that_was_retracted(
    hasty: Service, host: Host, page: Page, browser: Browser, complaints: Complaints
) -> None:
    """All of them, over the window that they were given; the bar of one says meanwhile of when it is."""
    complaints.allow("WebSocket|Failed to load resource")
    wrong = hasty.post("en", "This was wrong")["item"]["id"]
    hasty.post("en", "This stays")
    host.open(page, hasty, '<breaking-ticker channel="en" mode="list"></breaking-ticker>')
    expect(headlines(page)).to_have_text(["This stays", "This was wrong"], timeout=SOON)
    crowd = Crowd(browser, hasty, WIDGETS)
    try:
        crowd.wait(LIVE, "all of them to be live", 60)
        assert {"This stays,This was wrong": WIDGETS} == crowd.shown()
        hasty.kill()
        crowd.wait(AWAY, "all of them to have seen that nobody answers", 60)
        expect(page.locator("breaking-ticker .note")).to_contain_text("as of", timeout=4 * SOON)
        hasty.start()
        hasty.retract("en", wrong, "Posted in error")
        crowd.wait(LIVE, "all of them to be back", 60)
        assert {"This stays": WIDGETS} == crowd.shown()
        expect(headlines(page)).to_have_text(["This stays"], timeout=4 * SOON)
        expect(page.locator("breaking-ticker .note")).to_be_hidden(timeout=4 * SOON)
        returns = crowd.returns()
    finally:
        crowd.close()
    counts = Counter(int(at) for at in returns)
    print(f"\n{len(returns)} back within {returns[-1]:.1f} s, in the fullest second {max(counts.values())}")
    assert returns[-1] >= WINDOW_MS / 1000 / 2
    assert max(counts.values()) <= MOST_AT_ONCE * WIDGETS
