"""The page at `/`: what a visitor sees, and what happens to it while alerts come and go."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from .cast import Complaints, NewPage, Service

SOON = 5_000
AFTER_A_RESTART = 60_000


def card(page: Page, channel: str) -> Locator:
    """The card of one channel."""
    return page.locator(f'.card[data-channel="{channel}"]')


def test_a_visitor_sees_three_live_tickers_and_the_arabic_one_runs_from_right_to_left(
    service: Service, page: Page
) -> None:
    """Each card says the state of its line in its own language."""
    service.post("ar", "توقيع الاتفاق", attribution="رويترز")
    page.goto(service.url)
    for channel, word in (("en", "live"), ("ar", "مباشر"), ("es", "en vivo")):
        expect(card(page, channel).locator(".line")).to_have_text(word, timeout=SOON)
    expect(card(page, "ar").locator("section")).to_have_attribute("dir", "rtl", timeout=SOON)
    expect(card(page, "ar").locator("section")).to_have_css("direction", "rtl")
    expect(card(page, "en").locator("section")).to_have_css("direction", "ltr")


def test_a_posted_alert_appears_on_an_open_page_once_in_every_place(service: Service, page: Page) -> None:
    """Without a reload, in the list of its channel and in the bar, and in no other channel."""
    page.goto(service.url)
    expect(card(page, "en").locator(".line")).to_have_text("live", timeout=SOON)
    service.post("en", "Ceasefire signed in Geneva", attribution="Reuters")
    expect(page.locator("#bar li.current .text")).to_have_text("Reuters: Ceasefire signed in Geneva", timeout=SOON)
    expect(card(page, "en").locator("li .text")).to_have_text(["Reuters: Ceasefire signed in Geneva"], timeout=SOON)
    for channel in ("ar", "es"):
        other = page.locator(f'breaking-ticker[channel="{channel}"] li', has_text="Ceasefire signed in Geneva")
        expect(other).to_have_count(0)
    twice = page.locator('breaking-ticker[channel="en"]').evaluate_all(
        """all => all.filter(({ shadowRoot }) =>
            [...shadowRoot.querySelectorAll('ul[role] li')].filter(({ textContent }) =>
                textContent.includes('Ceasefire signed in Geneva')).length !== 1).length"""
    )
    assert 0 == twice


def test_ten_alerts_stand_in_order_and_a_page_opened_afterwards_shows_the_same_ten(
    service: Service, new_page: NewPage
) -> None:
    """An eleventh pushes the oldest out, on both."""
    early = new_page()
    early.goto(service.url)
    expect(card(early, "en").locator(".line")).to_have_text("live", timeout=SOON)
    for number in range(11):
        service.post("en", f"Alert number {number}")
    newest_first = [f"Alert number {number}" for number in range(10, 0, -1)]
    expect(card(early, "en").locator("li .headline")).to_have_text(newest_first, timeout=SOON)
    late = new_page()
    late.goto(service.url)
    expect(card(late, "en").locator("li .headline")).to_have_text(newest_first, timeout=SOON)


def test_a_retracted_alert_leaves_the_open_page_and_is_not_on_a_new_one(service: Service, new_page: NewPage) -> None:
    """And nothing else leaves with it."""
    service.post("en", "This one stays")
    wrong = service.post("en", "This one was wrong")["item"]["id"]
    early = new_page()
    early.goto(service.url)
    expect(card(early, "en").locator("li .headline")).to_have_text(["This one was wrong", "This one stays"])
    service.retract("en", wrong, "Posted in error")
    late = new_page()
    for page in (early, late):
        if page is late:
            page.goto(service.url)
        expect(card(page, "en").locator("li .headline")).to_have_text(["This one stays"], timeout=SOON)
        expect(page.locator("li", has_text="This one was wrong")).to_have_count(0)


def test_the_line_comes_back_after_a_restart_and_every_alert_stands_there_once(
    service: Service, page: Page, complaints: Complaints
) -> None:
    """What was on the page before is still there, and what comes afterwards arrives."""
    complaints.allow(r"WebSocket connection to .* failed|Failed to load resource")
    service.post("en", "Before the restart")
    page.goto(service.url)
    line = card(page, "en").locator(".line")
    expect(line).to_have_text("live", timeout=SOON)
    service.stop()
    expect(line).not_to_have_text("live", timeout=SOON)
    expect(card(page, "en").locator("li .headline")).to_have_text(["Before the restart"])
    service.start()
    expect(line).to_have_text("live", timeout=AFTER_A_RESTART)
    service.post("en", "After the restart")
    both = ["After the restart", "Before the restart"]
    expect(card(page, "en").locator("li .headline")).to_have_text(both, timeout=SOON)


def test_the_line_to_embed_carries_the_page_s_own_address_and_the_chosen_channel(service: Service, page: Page) -> None:
    """And the bar above shows what was chosen."""
    service.post("es", "Firmado el alto el fuego")
    page.goto(service.url)
    snippet = page.locator("#snippet")
    expect(snippet).to_have_text(
        f'<script type="module" src="{service.url}/widget/v1/breaking-ticker.js"></script>'
        '<breaking-ticker channel="en"></breaking-ticker>'
    )
    page.get_by_role("radio", name="Español").check()
    expect(snippet).to_have_text(re.compile(r'channel="es"'))
    expect(page.locator("#curl")).to_contain_text(f"{service.url}/v1/channels/es/items")
    expect(page.locator("#bar li.current .headline")).to_have_text("Firmado el alto el fuego", timeout=SOON)


def test_hostile_text_shows_as_text_and_overflows_nothing_on_a_small_phone(service: Service, new_page: NewPage) -> None:
    """Markup, a word without an end, emoji, and three scripts in one line."""
    hostile = [
        "<img src=x onerror=\"document.title='owned'\"><b>bold</b>",
        "a" * 80,
        "👩‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿 🇪🇸",
        "قال 25% من سكان Berlin إن 3 of 4 سيصوتون",
    ]
    for text in hostile:
        service.post("en", text, attribution="<i>AFP</i>")
    page = new_page(viewport={"width": 320, "height": 640})
    page.goto(service.url)
    shown = [f"<i>AFP</i>: {text}" for text in reversed(hostile)]
    expect(card(page, "en").locator("li .text")).to_have_text(shown, timeout=SOON)
    assert "owned" not in page.title()
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    wide = page.locator("li, li .text").evaluate_all(
        "nodes => nodes.filter((node) => node.scrollWidth > node.clientWidth + 1 && node.clientWidth).length"
    )
    assert wide == 0


def test_the_maker_writes_what_was_chosen_and_shows_it(service: Service, page: Page) -> None:
    """Mode, theme and filters, as an element, as an element with its hash, and as a frame; each as it works."""
    service.post("es", "Firmado el alto el fuego", sections=["world"])
    page.goto(service.url)
    snippet, preview = page.locator("#snippet"), page.locator("#preview")
    page.get_by_role("radio", name="Español").check()
    page.get_by_role("radio", name="List").check()
    page.get_by_role("radio", name="Dark").check()
    page.get_by_label("Sections").fill('world, "x"')
    page.get_by_label("Sections").blur()
    chosen = '<breaking-ticker channel="es" mode="list" theme="dark" section="world, &quot;x&quot;"></breaking-ticker>'
    expect(snippet).to_contain_text(chosen)
    expect(preview.locator("li .headline")).to_have_text(["Firmado el alto el fuego"], timeout=SOON)
    expect(preview).to_have_css("color-scheme", "dark")
    page.get_by_role("radio", name="this version only").check()
    expect(snippet).to_have_text(
        re.compile(r'src="\S+/widget/[\d.]+-\w{10}/breaking-ticker.js" integrity="sha384-\S{64}"')
    )
    page.get_by_role("radio", name="Frame").check()
    expect(snippet).to_contain_text(f'src="{service.url}/embed/es?mode=list&amp;theme=dark&amp;section=world')
    page.get_by_role("radio", name="Toast").check()
    expect(preview.locator(".toast")).to_be_visible()


def test_the_shop_window_fits_every_screen(service: Service, new_page: NewPage) -> None:
    """From a small phone to a wide desk, nothing is wider than the screen and everything can be hit by a finger."""
    for width in (320, 390, 768, 1280, 1920):
        page = new_page(viewport={"width": width, "height": 800})
        page.goto(service.url)
        expect(card(page, "en").locator(".line")).to_have_text("live", timeout=SOON)
        assert width == page.evaluate("document.documentElement.scrollWidth")


def test_a_visitor_with_a_key_posts_from_the_page_and_sees_how_long_the_road_was(
    service: Service, page: Page, complaints: Complaints
) -> None:
    """The key is asked for when there is no session, given once, and kept by no field and no storage."""
    complaints.allow("401")
    page.goto(service.url)
    expect(card(page, "ar").locator(".line")).to_have_text("مباشر", timeout=SOON)
    page.locator("#poster select").select_option("ar")
    post = page.get_by_role("button", name="Post the alert")
    post.click()
    key = page.locator("#poster input[type=password]")
    expect(key).to_be_visible(timeout=SOON)
    key.fill("wrong")
    post.click()
    expect(page.locator("#poster output")).not_to_have_text("", timeout=SOON)
    expect(key).to_be_visible()
    key.fill(service.key)
    post.click()
    expect(page.locator("#poster output")).to_have_text("Posted.", timeout=SOON)
    expect(key).to_be_hidden()
    expect(card(page, "ar").locator("li .headline")).to_have_text(["توقيع وقف إطلاق النار في جنيف"], timeout=SOON)
    for place in ("kept", "came"):
        expect(page.locator(f".road [data-name={place}]")).to_have_text(re.compile(r"^\d+ ms$"), timeout=SOON)
    assert key.input_value() == ""
    assert service.key not in page.evaluate("document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage })")


def test_a_visitor_cuts_the_line_and_brings_it_back(service: Service, page: Page) -> None:
    """The cards say so at once; what was posted and taken back meanwhile is right when the line is back."""
    service.post("en", "This stood before")
    wrong = service.post("en", "This was wrong")["item"]["id"]
    page.goto(service.url)
    expect(card(page, "en").locator("li .headline")).to_have_text(["This was wrong", "This stood before"], timeout=SOON)
    page.get_by_role("button", name="Cut the line").click()
    expect(card(page, "en").locator(".line")).to_have_text("offline", timeout=SOON)
    expect(page.locator("#bar .note")).to_contain_text("as of", timeout=SOON)
    service.retract("en", wrong, "Posted in error")
    service.post("en", "This is new")
    expect(card(page, "en").locator("li .headline")).to_have_text(["This was wrong", "This stood before"])
    page.get_by_role("button", name="Bring the line back").click()
    expect(card(page, "en").locator("li .headline")).to_have_text(["This is new", "This stood before"], timeout=SOON)
    expect(card(page, "en").locator(".line")).to_have_text("live", timeout=SOON)
