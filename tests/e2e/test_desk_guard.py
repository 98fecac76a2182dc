"""The desk against strangers: what it may load, who may send in its name, and what is found on a stolen page."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from .axe import violations
from .cast import Complaints, NewPage
from .conftest import opened
from .host import Host
from .newsdesk import SOON, Desk, Newsroom, newsroom

FORGED = [
    ("/v1/channels/en/items", '{"headline": "Forged"}', "text/plain"),
    ("/v1/channels/en/items", '{"headline": "Forged"}', ""),
    ("/v1/channels/en/items", '{"headline": "Forged"}', "application/json"),
    ("/v1/session", '{"key": "x"}', "text/plain"),
    ("/v1/channels/en/presence", '{"desk": "forgeddesk"}', "text/plain"),
]
"""Address, body, type: what a page can send without asking, and what it would have to ask for first."""
ATTACK = """async ({ url, path, body, type }) => {
    try {
        const mode = type === 'application/json' ? 'cors' : 'no-cors';
        const headers = type ? { 'Content-Type': type } : {};
        const answer = await fetch(url + path, { method: 'POST', credentials: 'include', mode, body, headers });
        return answer.type;
    } catch (error) {
        return 'failed';
    }
}"""
LISTEN = """(url) => new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.onmessage = () => resolve('heard');
    socket.onclose = () => resolve('refused');
})"""


@pytest.fixture(scope="module")
def room() -> Iterator[Newsroom]:
    """One newsroom for all of these tests."""
    with newsroom() as room:
        for number in range(3):
            room.post("en", f"Alert number {number}", attribution="Reuters", urgency=number + 1)
        room.post("ar", "توقيع الاتفاق", attribution="رويترز")
        yield room


@pytest.fixture(scope="module")
def desk(room: Newsroom, browser: Browser) -> Iterator[Desk]:
    """An editor at work, while strangers try what they can in the same browser."""
    with opened(browser, Complaints()) as new_page:
        yield Desk(new_page(locale="en-US"), room.url).enter(room.key)


def test_a_stolen_page_does_not_hold_the_key(room: Newsroom, new_page: NewPage) -> None:
    """Nor the session: no script can find either, wherever it looks; logged out, the cookie is worth nothing."""
    desk = Desk(new_page(locale="en-US"), room.url).enter(room.key)
    desk.post("An alert, so that everything has been used")
    assert room.key not in desk.stored()
    (cookie,) = [one for one in desk.page.context.cookies() if one["name"] == "ticker_session"]
    assert (True, "Strict") == (cookie["httpOnly"], cookie["sameSite"])
    assert cookie["value"] not in desk.stored()
    assert room.key not in str(desk.page.evaluate("fetch('/v1/session').then((answer) => answer.text())"))
    desk.page.locator(".menu summary").click()
    desk.page.locator(".menu button", has_text="Log out").click()
    expect(desk.page.locator(".login .intro")).to_have_text("You are logged out.", timeout=SOON)
    headers = {"Cookie": f"ticker_session={cookie['value']}"}
    assert 401 == httpx.get(room.url + "/v1/session", headers=headers, trust_env=False).status_code
    assert room.key not in desk.stored()


def test_a_wrong_key_lets_nobody_in(room: Newsroom, new_page: NewPage, complaints: Complaints) -> None:
    """And says so, without saying more."""
    complaints.allow("status of 401")
    page = new_page(locale="en-US")
    page.goto(f"{room.url}/desk")
    page.locator("#key").fill("not a key")
    page.keyboard.press("Enter")
    expect(page.locator(".said")).to_have_text(
        "This key is not known, or has ended. Nobody is logged in.", timeout=SOON
    )
    expect(page.locator("#text")).to_have_count(0)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_no_other_page_sends_in_an_editor_s_name(room: Newsroom, desk: Desk, host: Host, name: str) -> None:
    """Neither from another site, nor from another port of the same, whose requests bring the cookie along."""
    before = room.ask("/v1/channels/en/audit?limit=1")["records"][0]["number"]
    foreign = desk.page.context.new_page()
    plain(foreign, host, name)
    statuses: list[int] = []
    foreign.on("response", lambda answer: statuses.append(answer.status))
    for path, body, kind in FORGED:
        foreign.evaluate(ATTACK, {"url": room.url, "path": path, "body": body, "type": kind})
    assert [] == [status for status in statuses if status < 400]
    assert "Forged" not in str(room.ask("/v1/channels/en/items"))
    records = room.ask(f"/v1/channels/en/audit?after={before}")["records"]
    assert [] == [record for record in records if not record.get("refused")]
    assert 200 == desk.page.evaluate("fetch('/v1/session').then((answer) => answer.status)")


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_no_other_page_listens_on_the_newsroom_s_line(room: Newsroom, desk: Desk, host: Host, name: str) -> None:
    """A WebSocket of a foreign page brings the cookie, and is refused by where it comes from."""
    foreign = desk.page.context.new_page()
    plain(foreign, host, name)
    address = room.url.replace("http", "ws") + "/v1/channels/en/desk"
    assert "refused" == foreign.evaluate(LISTEN, address)
    assert "heard" == desk.page.evaluate(LISTEN, address)


def test_no_other_page_lays_the_desk_under_its_own(room: Newsroom, desk: Desk, host: Host) -> None:
    """The browser does not show it in a frame, though its editor is logged in."""
    foreign = desk.page.context.new_page()
    host.page = f'<!doctype html><title>Win</title><iframe src="{room.url}/desk"></iframe>'.encode()
    host.policy = "default-src 'none'; frame-src *"
    foreign.goto(host.url)
    foreign.wait_for_load_state("load")
    (frame,) = foreign.frames[1:]
    assert "chrome-error://chromewebdata/" == frame.url
    answer = httpx.get(f"{room.url}/desk", trust_env=False)
    assert "DENY" == answer.headers["X-Frame-Options"]


def test_the_policy_has_no_exception_and_the_whole_desk_works_under_it(
    room: Newsroom, new_page: NewPage, complaints: Complaints
) -> None:
    """Nothing from elsewhere, nothing in place, no markup from text; views are opened, and no page complains."""
    desk = Desk(new_page(locale="en-US"), room.url).enter(room.key)
    told = httpx.get(f"{room.url}/desk", trust_env=False).headers["Content-Security-Policy"]
    assert "default-src 'none'" in told
    assert "trusted-types 'none'" in told
    assert "unsafe" not in told
    assert "*" not in told
    assert "data:" not in told
    desk.post("Reuters: <img src=x onerror=alert(1)> & <b>bold</b> /web")
    row = desk.row("<img src=x onerror=alert(1)>")
    expect(row).to_be_visible(timeout=SOON)
    assert 0 == desk.page.locator("img, .told b").count()
    desk.press(row, "v")
    expect(desk.page.locator("dialog.history .compare")).to_be_visible(timeout=SOON)
    desk.page.keyboard.press("Escape")
    desk.page.keyboard.press("?")
    expect(desk.page.locator("dialog.help")).to_be_visible()
    desk.page.keyboard.press("Escape")
    assert [] == complaints.unexpected
    # What a stranger's script would try, the browser refuses aloud.
    complaints.allow("TrustedHTML|trusted-types")
    refused = desk.page.evaluate(
        """() => { try { document.createElement('div').innerHTML = '<b>x</b>'; return false } catch { return true } }"""
    )
    assert refused


def everything_open(room: Newsroom, page: Page, language: str) -> Desk:
    """The fullest view: a draft with all it can have, its fields, a row, and the commands that are offered."""
    expect(page.locator("#key")).to_be_focused(timeout=SOON)
    page.keyboard.insert_text(room.key)
    page.keyboard.press("Enter")
    desk = Desk(page, room.url)
    if language == "ar":
        page.locator(".channels button", has_text="ar").click()
    expect(page.locator(".air li.row").first).to_be_visible(timeout=SOON)
    desk.write("Agency: What happens when everything is open /flash /pin /sec:world /tag:one ")
    page.locator(".fields summary").click()
    page.locator(".air li.row .head").first.click()
    desk.text.focus()
    page.keyboard.type("/s")
    expect(page.locator("#offers li").first).to_be_visible()
    return desk


@pytest.mark.parametrize(("scheme", "language"), [("light", "ar"), ("dark", "en"), ("dark", "ar")])
def test_axe_finds_nothing_in_any_colours_and_direction(
    room: Newsroom, new_page: NewPage, scheme: str, language: str
) -> None:
    """In the fullest view; the next test goes through all views in the fourth of these."""
    page = new_page(locale="en-US" if language == "en" else "ar", color_scheme=scheme, reduced_motion="reduce")
    page.goto(f"{room.url}/desk")
    everything_open(room, page, language)
    assert [] == violations(page)


def test_axe_finds_nothing_in_any_view(room: Newsroom, new_page: NewPage) -> None:
    """Login, composer with everything open, confirmation, retraction, versions, audit, keys."""
    page = new_page(locale="en-US", color_scheme="light", reduced_motion="reduce")
    page.goto(f"{room.url}/desk")
    expect(page.locator("#key")).to_be_focused(timeout=SOON)
    found = {"login": violations(page)}
    desk = everything_open(room, page, "en")
    found["work"] = violations(page)
    for _ in "/s":
        page.keyboard.press("Backspace")
    page.keyboard.press("Control+Enter")
    expect(desk.dialog).to_be_visible(timeout=SOON)
    found["confirmation"] = violations(page, "dialog")
    page.keyboard.press("Escape")
    row = page.locator(".air li.row").first
    for name, key, shown in (("retraction", "r", "#reason"), ("versions", "v", ".compare")):
        desk.press(row, key)
        expect(page.locator(shown)).to_be_visible(timeout=SOON)
        found[name] = violations(page, "dialog")
        page.keyboard.press("Escape")
    page.locator(".menu summary").click()
    found["menu"] = violations(page, ".heading")
    page.locator(".menu .inside > button").first.click()
    expect(page.locator(".ledger tbody tr").first).to_be_visible(timeout=SOON)
    found["audit"] = violations(page, "dialog")
    page.keyboard.press("Escape")
    page.locator(".menu summary").click()
    page.locator(".menu .inside > button").nth(1).click()
    expect(page.locator("dialog.help")).to_be_visible()
    found["keys"] = violations(page, "dialog")
    assert {name: [] for name in found} == found


def plain(page: Page, host: Host, name: str) -> None:
    """A page of somebody else that may ask whatever it wants."""
    host.page = b'<!doctype html><title>Win</title><link rel="icon" href="data:,">'
    host.policy = "connect-src *"
    page.goto(host.url.replace("127.0.0.1", name))
