"""The desk on a bad line: what is written stays, and what is sent is sent once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, expect

from tests.faults.proxy import Proxy, proxied
from tests.waiting import until_now

from .cast import Complaints, NewPage
from .newsdesk import SOON, Beside, Desk, Newsroom, newsroom

AWAY = r"net::ERR_|WebSocket connection to"
BACK = 30_000


@pytest.fixture(scope="module")
def room() -> Iterator[Newsroom]:
    """One newsroom for all of these tests."""
    with newsroom() as room:
        yield room


class Line:
    """What stands between the desk and the service."""

    def __init__(self, proxy: Proxy, beside: Beside) -> None:
        self.port = proxy.port
        self._proxy = proxy
        self._beside = beside

    def cut(self) -> None:
        """Nothing gets through any more, and what was open is reset."""

        def gone() -> None:
            self._proxy.refusing = True
            self._proxy.cut()

        self._beside.call(gone)

    def lose_answers(self) -> None:
        """What the page sends arrives; what it would be told does not."""
        self._proxy.deaf = True

    def heal(self) -> None:
        """It is as good as ever."""
        self._beside.call(self._proxy.heal)


@pytest.fixture
def line(room: Newsroom) -> Iterator[Line]:
    """A line that is good at first."""
    with Beside() as beside:
        stack = AsyncExitStack()
        proxy = beside.run(stack.enter_async_context(proxied(room.url)))
        yield Line(proxy, beside)
        beside.run(stack.aclose())


@pytest.fixture
def desk(room: Newsroom, line: Line, new_page: NewPage, complaints: Complaints) -> Desk:
    """An editor on that line."""
    complaints.allow(AWAY)
    return Desk(new_page(locale="en-US"), f"http://127.0.0.1:{line.port}").enter(room.key)


def reload(page: Page) -> None:
    """What an impatient editor does while there is no line: the browser has nothing to show."""
    with pytest.raises(PlaywrightError):
        page.reload()
    # The browser's own page about it comes a moment later.
    page.wait_for_url("chrome-error://chromewebdata/")


def test_what_is_written_survives_a_cut_and_a_reload_and_is_posted_once(room: Newsroom, desk: Desk, line: Line) -> None:
    """Cut while typing; the answer is lost while sending; reloaded without a line; the line comes back."""
    desk.write("Reuters: Both delegations")
    line.cut()
    expect(desk.page.locator(".status-line")).not_to_have_text("Live", timeout=SOON)
    desk.page.keyboard.insert_text(" agree to a ceasefire")
    expect(desk.page.locator(".saved")).to_have_text("Draft kept")
    reload(desk.page)
    line.heal()
    desk.page.goto(f"{desk.url}/desk")
    desk.ready()
    expect(desk.text).to_have_value("Reuters: Both delegations agree to a ceasefire")

    desk.page.keyboard.press("Control+Enter")
    expect(desk.dialog.locator("button.primary")).to_be_focused()
    line.lose_answers()
    desk.page.keyboard.press("Enter")
    # The alert has arrived, and nobody told the page.
    expect(desk.banner).to_contain_text("Sending", timeout=SOON)
    made = wait_for(room, "Both delegations agree to a ceasefire")
    line.cut()
    expect(desk.banner).to_contain_text("Not sent yet", timeout=SOON)
    expect(desk.text).to_have_value("Reuters: Both delegations agree to a ceasefire")
    reload(desk.page)
    line.heal()
    desk.page.goto(f"{desk.url}/desk")
    desk.ready()
    expect(desk.text).to_have_value("", timeout=BACK)
    expect(desk.sent).to_contain_text("On air since", timeout=SOON)
    expect(desk.row("Both delegations agree")).to_have_count(1, timeout=SOON)
    assert made == room.published("Both delegations agree to a ceasefire")


def wait_for(room: Newsroom, headline: str) -> list[object]:
    """The publications of a headline, once there is one."""
    until_now(lambda: bool(room.published(headline)), "the alert to arrive")
    return room.published(headline)


def test_what_is_confirmed_without_a_line_goes_out_by_itself_when_there_is_one(
    room: Newsroom, desk: Desk, line: Line
) -> None:
    """The page says so meanwhile, and nothing can be changed that is on its way."""
    desk.write("The airport is closed until the evening")
    line.cut()
    desk.page.keyboard.press("Control+Enter")
    expect(desk.dialog.locator(".warnings")).to_contain_text("No line at the moment", timeout=SOON)
    desk.page.keyboard.press("Enter")
    expect(desk.banner).to_contain_text("Not sent yet", timeout=SOON)
    expect(desk.text).to_have_js_property("readOnly", True)
    line.heal()
    expect(desk.row("The airport is closed")).to_have_count(1, timeout=BACK)
    expect(desk.page.locator(".status-line")).to_have_text("Live", timeout=BACK)
    expect(desk.text).to_have_value("")
    assert 1 == len(room.published("The airport is closed until the evening"))


def test_what_waits_for_the_line_can_be_called_back(room: Newsroom, desk: Desk, line: Line) -> None:
    """The draft is there again, and nothing is sent when the line comes back."""
    desk.write("The airport opens again")
    line.cut()
    desk.page.keyboard.press("Control+Enter")
    expect(desk.dialog.locator("button.primary")).to_be_focused()
    desk.page.keyboard.press("Enter")
    expect(desk.banner).to_contain_text("Not sent yet", timeout=SOON)
    desk.banner.locator("button", has_text="Do not send").click()
    expect(desk.page.locator(".notice.bad")).to_contain_text("look at what is on air")
    line.heal()
    expect(desk.page.locator(".status-line")).to_have_text("Live", timeout=BACK)
    expect(desk.text).to_have_value("The airport opens again")
    expect(desk.text).to_be_editable()
    assert [] == room.published("The airport opens again")


def test_an_act_waits_for_the_line_too(room: Newsroom, desk: Desk, line: Line) -> None:
    """A hold is done once, when it can be."""
    item = room.post("en", "The dam holds")["item"]
    expect(desk.row("The dam holds")).to_be_visible(timeout=SOON)
    line.cut()
    desk.press(desk.row("The dam holds"), "h")
    expect(desk.page.locator(".pending")).to_have_text("An act waits for the line", timeout=SOON)
    line.heal()
    expect(desk.waiting("The dam holds")).to_be_visible(timeout=BACK)
    assert ["publish", "hold"] == [version["act"] for version in room.versions("en", item["id"])]


def test_a_session_that_ends_loses_nothing(room: Newsroom, desk: Desk, complaints: Complaints) -> None:
    """The page asks for the key again, and everything is as it was."""
    complaints.allow("status of 401")
    desk.write("Half of a sentence")
    desk.page.context.clear_cookies()
    expect(desk.page.locator(".login .intro")).to_contain_text("your draft is kept", timeout=SOON)
    desk.page.keyboard.insert_text(room.key)
    desk.page.keyboard.press("Enter")
    desk.ready()
    expect(desk.text).to_have_value("Half of a sentence")


def test_what_a_closed_page_left_is_found_by_the_next_one(room: Newsroom, desk: Desk) -> None:
    """In the same browser and for the same key; not while the first page is still there."""
    desk.write("Left behind")
    other = Desk(desk.page.context.new_page(), desk.url)
    other.page.goto(f"{desk.url}/desk")
    other.ready()
    expect(other.text).to_have_value("")
    other.page.close()
    # The page has been gone for a while, as far as the browser's notes tell.
    desk.page.goto("about:blank")
    desk.page.goto(f"{desk.url}/docs")
    desk.page.evaluate(
        """() => {
            for (const name of Object.keys(localStorage)) {
                if (!name.startsWith('ticker-desk:')) continue;
                const kept = JSON.parse(localStorage.getItem(name));
                localStorage.setItem(name, JSON.stringify({ ...kept, seen: kept.seen - 120_000 }));
            }
        }"""
    )
    late = Desk(desk.page.context.new_page(), desk.url)
    late.page.goto(f"{desk.url}/desk")
    late.ready()
    expect(late.text).to_have_value("Left behind")
