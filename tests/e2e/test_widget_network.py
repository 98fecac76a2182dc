"""What the widget does while its network is blocked, gone and back; in a real browser with a real server."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Page, Route, WebSocketRoute, expect

from .cast import Complaints, NewPage, Service
from .feed import Feed, alert
from .host import HASTE, Host, current, headlines, ticker

SOON = 5_000
LATER = 20_000
LIST = '<breaking-ticker channel="en" mode="list"></breaking-ticker>'


class Gate:
    """What of a page's network gets through."""

    def __init__(self, page: Page) -> None:
        self.blocked: set[str] = set()
        self.opened: list[str] = []
        page.route_web_socket("**/live*", self._socket)
        page.route("**/live*", self._events)
        page.route("**/items*", self._poll)

    def _socket(self, line: WebSocketRoute) -> None:
        self.opened.append("socket")
        if "socket" in self.blocked:
            line.close(code=1011)
        else:
            line.connect_to_server()

    def _events(self, route: Route) -> None:
        self.opened.append("events")
        route.abort() if "events" in self.blocked else route.continue_()

    def _poll(self, route: Route) -> None:
        self.opened.append("poll")
        route.abort() if "poll" in self.blocked else route.continue_()


def test_where_sockets_are_blocked_events_come_through_and_where_both_are_it_polls(
    service: Service, host: Host, new_page: NewPage, complaints: Complaints
) -> None:
    """All with the same items; and when the socket is free again, it is the line again."""
    complaints.allow("Failed to load resource|WebSocket|ERR_FAILED")
    service.post("en", "The first")

    def visit(blocked: set[str], way: str, status: str) -> Page:
        page = new_page()
        page.add_init_script(HASTE)
        gate = Gate(page)
        gate.blocked = set(blocked)
        host.open(page, service, LIST)
        expect(ticker(page)).to_have_js_property("status", status, timeout=LATER)
        expect(headlines(page).last).to_have_text("The first")
        assert way in gate.opened
        said = f"While {way} is what gets through"
        service.post("en", said)
        expect(headlines(page).first).to_have_text(said, timeout=LATER)
        gate.blocked.clear()
        gate.opened.clear()
        if way != "socket":
            page.wait_for_event("websocket", timeout=2 * LATER)
        expect(ticker(page)).to_have_js_property("status", "live", timeout=LATER)
        service.post("en", f"After {way}")
        expect(headlines(page).first).to_have_text(f"After {way}", timeout=SOON)
        return page

    visit(set(), "socket", "live")
    visit({"socket"}, "events", "live")
    page = visit({"socket", "events"}, "poll", "polling")
    window = ["After poll", "While poll is what gets through", "After events", "While events is what gets through"]
    expect(headlines(page)).to_have_text([*window, "After socket", "While socket is what gets through", "The first"])


def test_what_was_retracted_while_a_reader_was_away_is_gone_when_he_is_back(
    service: Service, host: Host, page: Page, complaints: Complaints
) -> None:
    """By the browser's own word that the network is lost and back; the bar says of when it is meanwhile."""
    complaints.allow("Failed to load resource|WebSocket|ERR_INTERNET_DISCONNECTED")
    wrong = service.post("en", "This was wrong")["item"]["id"]
    service.post("en", "This stays")
    host.open(page, service, LIST)
    expect(headlines(page)).to_have_text(["This stays", "This was wrong"], timeout=SOON)
    page.context.set_offline(True)
    expect(page.locator("breaking-ticker .note")).to_contain_text("as of", timeout=SOON)
    service.retract("en", wrong, "Posted in error")
    service.post("en", "This is new")
    page.context.set_offline(False)
    expect(headlines(page)).to_have_text(["This is new", "This stays"], timeout=LATER)
    expect(page.locator("breaking-ticker .note")).to_be_hidden(timeout=LATER)


def test_a_silent_line_is_called_stale_after_two_heartbeats(service: Service, host: Host, page: Page) -> None:
    """With the time of what was heard last, by the reader's own clock."""
    page.clock.install(time="2026-11-23T14:05:10Z")
    Feed(page, alert("1"))
    host.open(page, service, '<breaking-ticker channel="en"></breaking-ticker>')
    expect(current(page)).to_have_text("Alert 1", timeout=SOON)
    heard = page.evaluate("new Date().toTimeString().slice(0, 5)")
    page.clock.run_for(54_000)
    expect(page.locator("breaking-ticker .note")).to_be_hidden()
    page.route_web_socket("**/live*", lambda _: None)
    page.clock.run_for(2_000)
    expect(page.locator("breaking-ticker .note")).to_have_text(f"as of {heard}")


def test_who_comes_back_to_a_page_is_brought_up_to_date_before_anything_moves(
    service: Service, host: Host, page: Page
) -> None:
    """A laptop that slept: what stood on the page may be hours old, and turns over only when it is known to stand."""
    page.clock.install()
    feed = Feed(page, alert("2"), alert("1"))
    host.open(page, service, '<breaking-ticker channel="en"></breaking-ticker>')
    expect(current(page)).to_have_text("Alert 2", timeout=SOON)
    page.evaluate(
        """() => {
        let hidden = true;
        Object.defineProperty(document, 'hidden', { get: () => hidden });
        window.look = (away) => {
            hidden = away;
            document.dispatchEvent(new Event('visibilitychange'));
        };
        window.look(true);
    }"""
    )
    page.clock.run_for(40_000)
    before = current(page).text_content()
    page.evaluate("window.look(false)")
    page.clock.run_for(13_000)
    expect(current(page)).to_have_text(before or "")
    feed.send(type="heartbeat", time="2026-11-25T10:00:00.000Z")
    feed.entry("publish", alert("3"))
    page.clock.run_for(100)
    expect(current(page)).to_have_text("Alert 3")
    page.clock.run_for(6_500)
    expect(current(page)).to_have_text("Alert 2")


def test_a_retraction_leaves_a_hidden_page_too(service: Service, host: Host, page: Page) -> None:
    """Where the browser draws no frames, within a second."""
    page.add_init_script(
        "Object.defineProperty(document, 'hidden', { value: true });globalThis.requestAnimationFrame = () => 0;"
    )
    feed = Feed(page, alert("2"), alert("1"))
    host.open(page, service, LIST)
    expect(headlines(page)).to_have_text(["Alert 2", "Alert 1"], timeout=SOON)
    feed.entry("retract", {"id": "2", "version": 2, "pubstatus": "canceled"})
    expect(headlines(page)).to_have_text(["Alert 1"], timeout=1_000)
    assert "Alert 2" not in page.evaluate("document.querySelector('breaking-ticker').shadowRoot.textContent")


def test_it_asks_without_cookies_and_leaves_none(service: Service, host: Host, page: Page) -> None:
    """Neither the file nor the line nor a poll carries anything about the reader."""
    sent: list[Any] = []
    page.on("request", lambda request: sent.append(request.all_headers()) if service.url in request.url else None)
    host.open(page, service, LIST)
    expect(ticker(page)).to_have_js_property("status", "live", timeout=SOON)
    assert sent
    assert [] == [headers for headers in sent if "cookie" in headers]
    assert [] == page.context.cookies()
    assert "{}" == page.evaluate("JSON.stringify({ ...localStorage, ...sessionStorage })")
    assert json.dumps(sent)
