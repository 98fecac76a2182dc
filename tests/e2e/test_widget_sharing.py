"""One line for all widgets of a page, and for all tabs of a site."""

from __future__ import annotations

import time
from typing import Any

from playwright.sync_api import Page, WebSocket, expect

from tests.waiting import until_now

from .cast import Complaints, NewPage, Service
from .host import Host, current, headlines, ticker

SOON = 5_000
TABS = 30
TAKEOVER_SECONDS = 2.0
BAR = '<breaking-ticker channel="en"></breaking-ticker>'
LIST = '<breaking-ticker channel="en" mode="list"></breaking-ticker>'


class Lines:
    """The lines of some tabs, and when each was opened."""

    def __init__(self) -> None:
        self.opened: list[tuple[float, Page, WebSocket]] = []

    def watch(self, tab: Page) -> None:
        """Count what this tab opens from now on."""
        tab.on("websocket", lambda line: self.opened.append((time.monotonic(), tab, line)))

    @property
    def open(self) -> list[tuple[float, Page, WebSocket]]:
        """Those that stand."""
        return [(at, tab, line) for at, tab, line in self.opened if not tab.is_closed() and not line.is_closed()]


def test_two_widgets_of_a_page_share_a_line(newsroom: Service, host: Host, page: Page) -> None:
    """The one that comes later is given what stands at once, and one that goes leaves the line to the other."""
    item = newsroom.post("es", "La primera")["item"]["id"]
    lines = Lines()
    lines.watch(page)
    host.open(page, newsroom, '<breaking-ticker channel="es" mode="list"></breaking-ticker>')
    expect(headlines(page)).to_have_text(["La primera"], timeout=SOON)
    page.evaluate("document.body.append(document.querySelector('breaking-ticker').cloneNode())")
    expect(headlines(page)).to_have_text(["La primera"] * 2, timeout=SOON)
    page.evaluate("document.querySelector('breaking-ticker').remove()")
    newsroom.retract("es", item, "Posted in error")
    expect(headlines(page)).to_have_count(0, timeout=SOON)
    assert 1 == len(lines.opened)


def test_an_element_that_is_moved_keeps_its_line(newsroom: Service, host: Host, page: Page) -> None:
    """It leaves the document and comes back in the same moment."""
    lines = Lines()
    lines.watch(page)
    host.open(page, newsroom, f"{BAR}<main></main>")
    expect(ticker(page)).to_have_js_property("status", "live", timeout=SOON)
    page.evaluate("document.querySelector('main').append(document.querySelector('breaking-ticker'))")
    newsroom.post("en", "After the move")
    expect(current(page)).to_have_text("After the move", timeout=SOON)
    assert 1 == len(lines.opened)


def test_thirty_tabs_have_one_line_and_when_its_tab_is_closed_another_has_it(
    service: Service, host: Host, page: Page
) -> None:
    """Within two seconds, and what comes meanwhile comes to all of them, once."""
    service.post("en", "The first")
    lines, tabs = Lines(), [page]
    lines.watch(page)
    host.open(page, service, LIST)
    for _ in range(TABS - 1):
        tab = page.context.new_page()
        lines.watch(tab)
        tab.goto(host.url)
        tabs.append(tab)
    for tab in tabs:
        expect(headlines(tab)).to_have_text(["The first"], timeout=SOON)
    assert [page] == [leader for _, leader, _ in lines.opened]

    closed = time.monotonic()
    page.close()
    service.post("en", "The second")
    until_now(lambda: bool(_pumped(tabs[-1]) and len(lines.open) == 1), "another tab to have the line", 10)
    took = lines.open[0][0] - closed
    assert took <= TAKEOVER_SECONDS
    for tab in tabs[1:]:
        expect(headlines(tab)).to_have_text(["The second", "The first"], timeout=SOON)
        expect(ticker(tab)).to_have_js_property("status", "live")
    assert 2 == len(lines.opened)
    print(f"\ntakeover after {took:.2f} s with {TABS} tabs")


def test_a_tab_that_comes_later_is_given_retractions_too(service: Service, host: Host, page: Page) -> None:
    """What was taken back before it came does not come back to it from a cache; what comes is corrected for all."""
    wrong = service.post("en", "This was wrong")["item"]["id"]
    service.post("en", "This stays")
    host.open(page, service, LIST)
    expect(headlines(page)).to_have_count(2, timeout=SOON)
    service.retract("en", wrong, "Posted in error")
    expect(headlines(page)).to_have_text(["This stays"], timeout=SOON)
    late = page.context.new_page()
    late.goto(host.url)
    expect(headlines(late)).to_have_text(["This stays"], timeout=SOON)
    service.post("en", "News for both")
    for tab in (page, late):
        expect(headlines(tab)).to_have_text(["News for both", "This stays"], timeout=SOON)


def test_a_leader_that_hangs_is_not_waited_for(newsroom: Service, host: Host, page: Page) -> None:
    """A lock that somebody holds without a word: the tab takes a line of its own."""
    host.open(page, newsroom, "")
    page.wait_for_function("() => Boolean(customElements.get('breaking-ticker'))")
    key = page.evaluate(
        """async () => {
        const names = [];
        const { request } = LockManager.prototype;
        LockManager.prototype.request = function (name, ...rest) {
            names.push(name);
            return request.call(this, name, { ifAvailable: true }, () => new Promise(() => {}));
        };
        const node = document.createElement('breaking-ticker');
        node.setAttribute('channel', 'en');
        document.body.append(node);
        await new Promise(requestAnimationFrame);
        return names[0];
    }"""
    )
    assert "channel" in key
    expect(ticker(page)).to_have_js_property("status", "live", timeout=2 * SOON)


def test_where_there_are_no_locks_each_tab_has_a_line_of_its_own(
    newsroom: Service, host: Host, new_page: NewPage, complaints: Complaints
) -> None:
    """In a frame without an origin, and on a page that is not secure."""
    lines = Lines()
    tabs: list[Any] = []
    page = new_page()
    page.context.add_init_script("delete Navigator.prototype.locks")
    for number in range(2):
        tab = page if number == 0 else page.context.new_page()
        lines.watch(tab)
        host.open(tab, newsroom, LIST) if number == 0 else tab.goto(host.url)
        expect(ticker(tab)).to_have_js_property("status", "live", timeout=SOON)
        tabs.append(tab)
    assert 2 == len(lines.open)


def _pumped(tab: Page) -> bool:
    tab.evaluate("0")  # events are handed over while a page is asked
    return True
