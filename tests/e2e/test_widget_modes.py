"""The four modes, in both directions, with what the keyboard, the reader's clock and the reader's wishes do to them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from .cast import NewPage, Service
from .feed import Feed, alert
from .host import Host, current, headlines, ticker

SOON = 5_000
MODES = ("rotate", "scroll", "list", "toast")
ARABIC: dict[str, Any] = {"language": "ar", "direction": "rtl"}


def bar(mode: str, more: str = "") -> str:
    """A ticker in this mode."""
    return f'<breaking-ticker channel="en" mode="{mode}" {more}></breaking-ticker>'


def at(page: Page) -> float:
    """How many pixels of a line that runs have passed."""
    passed: float = page.locator("breaking-ticker .track").evaluate(
        "(node) => Math.round(node.getAnimations()[0].currentTime * 0.06)"
    )
    return passed


def state(page: Page) -> str:
    """Whether the line runs."""
    found: str = page.locator("breaking-ticker .track").evaluate("(node) => getComputedStyle(node).animationPlayState")
    return found


@pytest.mark.parametrize("mode", MODES)
def test_it_is_a_labelled_section_with_one_list_and_no_marquee(
    newsroom: Service, host: Host, page: Page, mode: str
) -> None:
    """What runs past the eye a second time is told to nobody; a status region stands apart."""
    Feed(page, alert("2"), alert("1"))
    host.open(page, newsroom, bar(mode))
    expect(ticker(page).get_by_text("Alert 2").first).to_be_visible(timeout=SOON)
    shadow = page.locator("breaking-ticker section")
    expect(page.get_by_role("region", name="Breaking news")).to_have_count(1)
    expect(shadow.get_by_role("list")).to_have_count(1)
    expect(shadow.get_by_role("listitem")).to_have_count({"rotate": 1, "toast": 1}.get(mode, 2))
    expect(page.locator("breaking-ticker [role=marquee], breaking-ticker [role=log]")).to_have_count(0)
    copies = page.locator("breaking-ticker ul:not([role])")
    assert [["true", True]] * copies.count() == copies.evaluate_all("all => all.map((n) => [n.ariaHidden, n.inert])")
    expect(ticker(page).get_by_role("status")).to_have_count(1)


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_runs_from_right_to_left_where_the_channel_does(
    newsroom: Service, host: Host, new_page: NewPage, mode: str
) -> None:
    """On a page of either direction: label at the right, buttons at the left, attribution before headline."""
    for direction in ("ltr", "rtl"):
        page = new_page(viewport={"width": 900, "height": 500})
        Feed(page, alert("1", headline="25% من سكان Berlin", attribution="Reuters", **ARABIC))
        host.open(page, newsroom, f'<div dir="{direction}">{bar(mode)}</div>')
        text = ticker(page).get_by_role("listitem").locator(".text")
        expect(text).to_have_text("Reuters: 25% من سكان Berlin", timeout=SOON)

        def box(found: Locator) -> dict[str, float]:
            return {**(found.bounding_box() or {})}  # type: ignore[dict-item]

        # A line that runs is elsewhere by the time that its second part is measured.
        ticker(page).evaluate("(node) => (node.pause(), new Promise(requestAnimationFrame))")
        label, pause = box(page.locator("breaking-ticker .label")), box(ticker(page).get_by_role("button").first)
        agency, headline = box(text.locator(".attribution")), box(text.locator(".headline"))
        assert pause["x"] < label["x"]
        assert headline["x"] + headline["width"] <= agency["x"]


def test_a_line_that_runs_starts_with_what_is_new_and_stands_when_it_is_told_to(
    newsroom: Service, host: Host, page: Page
) -> None:
    """Nothing new is inserted while it stands; on play it begins with it."""
    feed = Feed(page, *(alert(str(n), headline=f"Alert {n} " + "and so on " * 12) for n in (3, 2, 1)))
    host.open(page, newsroom, bar("scroll"))
    expect(headlines(page)).to_have_count(6, timeout=SOON)
    page.wait_for_function("document.querySelector('breaking-ticker').shadowRoot.querySelector('.moving')")
    page.wait_for_function(
        "() => document.querySelector('breaking-ticker').shadowRoot.querySelector('.track')"
        ".getAnimations()[0].currentTime > 300"
    )
    page.get_by_role("button", name="Pause").click()
    page.mouse.move(0, 400)
    assert "paused" == state(page)
    stood = at(page)
    feed.entry("publish", alert("4"))
    expect(page.get_by_text("1 new", exact=True)).to_be_visible()
    assert stood == at(page)
    page.get_by_role("button", name="Play").click()
    expect(headlines(page).first).to_have_text("Alert 4")
    page.mouse.move(0, 400)
    assert "running" == state(page)


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_with_reduced_motion_a_line_stands_and_the_buttons_reach_every_alert(
    newsroom: Service, host: Host, new_page: NewPage, direction: str
) -> None:
    """Also the end of one that is longer than the bar; then it begins again."""
    page = new_page(reduced_motion="reduce", viewport={"width": 900, "height": 300})
    fields: dict[str, Any] = ARABIC if direction == "rtl" else {"language": "en", "direction": "ltr"}
    Feed(page, alert("2", headline="long " * 60 + "end", **fields), alert("1", headline="short", **fields))
    host.open(page, newsroom, bar("scroll", 'lang="en"'))
    expect(headlines(page)).to_have_count(4, timeout=SOON)
    assert (0, "paused") == (at(page), state(page))
    shown = """() => {
        const { shadowRoot } = document.querySelector('breaking-ticker');
        const stage = shadowRoot.querySelector('.stage').getBoundingClientRect();
        return [...shadowRoot.querySelectorAll('.track > ul[role] .text')].map((node) => {
            const { left, right } = node.getBoundingClientRect();
            return [left < stage.right && right > stage.left, left, right];
        });
    }"""
    seen = {0: False, 1: False}
    ends: list[float] = []
    for _ in range(12):
        rows = page.evaluate(shown)
        for place, (visible, *_rest) in enumerate(rows):
            seen[place] |= visible
        ends.append(rows[0][1] if direction == "rtl" else rows[0][2])
        page.get_by_role("button", name="Next alert").click()
    assert {0: True, 1: True} == seen
    # The far end of the long one came into the bar.
    assert any(0 <= end <= 900 for end in ends)
    assert len(set(ends)) < len(ends), "it began again"


def test_a_link_that_the_keyboard_reaches_is_brought_into_a_line_that_runs(
    newsroom: Service, host: Host, page: Page
) -> None:
    """And it waits there while it has the focus."""
    link = "https://news.example/story"
    Feed(page, *(alert(str(n), link=link, headline=f"Alert {n} " + "and so on " * 20) for n in (3, 2, 1)))
    host.open(page, newsroom, bar("scroll"))
    expect(headlines(page)).to_have_count(6, timeout=SOON)
    for number in (3, 2, 1):
        page.keyboard.press("Tab")
        focused = page.locator("breaking-ticker a:focus")
        expect(focused).to_contain_text(f"Alert {number}")
        expect(focused).to_be_in_viewport()
        box, label = focused.bounding_box(), page.locator("breaking-ticker .label").bounding_box()
        assert box is not None
        assert label is not None
        assert label["x"] + label["width"] - 1 <= box["x"] < 1280
        assert "paused" == state(page)


def test_a_toast_shows_the_newest_alone_and_is_put_away_for_good(newsroom: Service, host: Host, page: Page) -> None:
    """With the pointer; what is older does not come in its place; what is newer does, and a correction of it too."""
    two: dict[str, Any] = {"published_at": "2026-11-25T10:02:00.000Z"}
    one: dict[str, Any] = {"published_at": "2026-11-25T10:01:00.000Z"}
    feed = Feed(page, alert("2", **two), alert("1", **one))
    host.open(page, newsroom, bar("toast"))
    toast = page.locator("breaking-ticker .toast")
    expect(toast.get_by_role("listitem").locator(".text")).to_have_text(["Alert 2"], timeout=SOON)
    page.get_by_role("button", name="Dismiss").click()
    expect(toast).to_be_hidden()
    page.reload()
    expect(ticker(page)).to_have_js_property("status", "live", timeout=SOON)
    page.evaluate("new Promise(requestAnimationFrame)")
    expect(toast).to_be_hidden()
    note: dict[str, Any] = {"signal": "correction", "correction_note": "Not so."}
    feed.entry("correct", alert("2", 2, headline="Alert 2, corrected", **two, **note))
    expect(toast.get_by_role("listitem")).to_contain_text("Alert 2, corrected")
    page.get_by_role("button", name="Dismiss").click()
    feed.entry("publish", alert("3", published_at="2026-11-25T10:03:00.000Z"))
    expect(toast.get_by_role("listitem")).to_contain_text("Alert 3")
    stored = page.evaluate("JSON.stringify(localStorage)")
    assert "Alert" not in stored


def test_a_toast_works_where_nothing_can_be_stored(newsroom: Service, host: Host, page: Page) -> None:
    """It is away until the page is left."""
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } })"
    )
    feed = Feed(page, alert("2", published_at="2026-11-25T10:02:00.000Z"))
    host.open(page, newsroom, bar("toast"))
    toast = page.locator("breaking-ticker .toast")
    expect(toast).to_be_visible(timeout=SOON)
    page.get_by_role("button", name="Dismiss").click()
    expect(toast).to_be_hidden()
    feed.send(type="heartbeat", time="2026-11-25T10:03:00.000Z")
    feed.entry("update", alert("2", 2, published_at="2026-11-25T10:02:00.000Z", signal="update"))
    page.evaluate("new Promise(requestAnimationFrame)")
    expect(toast).to_be_hidden()


def test_a_flash_interrupts_only_where_the_page_asks_for_that(newsroom: Service, host: Host, new_page: NewPage) -> None:
    """And only a flash; everything else stays polite."""
    for attribute, alarm, status in (
        ("assertive", "Alert 1", "Alert 2"),
        ("", "", re.compile("^(Alert 1|2 new alerts)$")),
    ):
        page = new_page()
        page.clock.install()
        feed = Feed(page)
        host.open(page, newsroom, bar("rotate", attribute))
        expect(ticker(page)).to_have_js_property("status", "live", timeout=SOON)
        feed.entry("publish", alert("1", urgency=1))
        feed.entry("publish", alert("2", urgency=3))
        expect(current(page)).to_have_text("Alert 2")
        page.clock.run_for(100)
        expect(ticker(page).get_by_role("alert")).to_have_text(alarm)
        expect(ticker(page).get_by_role("status")).to_have_text(status)


def test_the_age_is_told_by_the_servers_clock_and_an_alert_leaves_when_it_expires(
    newsroom: Service, host: Host, page: Page
) -> None:
    """The reader's clock is three hours wrong; the log's own word comes later, or not at all."""
    page.clock.install(time="2026-11-25T13:00:00Z")
    published = "2026-11-25T09:55:00.000Z"
    feed = Feed(page)
    host.open(page, newsroom, bar("list"))
    expect(ticker(page)).to_have_js_property("status", "live", timeout=SOON)
    items = [alert("2", expires="2026-11-25T10:01:00.000Z"), alert("1")]
    dated = [{**item, "published_at": published} for item in items]
    feed.items = tuple(dated)  # for when the line is found to be silent, and another is opened
    feed.send(type="reset", items=dated, time="2026-11-25T10:00:00.000Z")
    expect(headlines(page)).to_have_count(2, timeout=SOON)
    page.clock.run_for(1_000)
    expect(page.locator("li time").first).to_have_text("5 min. ago")
    expect(page.locator("li time").first).to_have_attribute("datetime", published)
    page.clock.run_for(61_000)
    expect(headlines(page)).to_have_text(["Alert 1"])


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", ["Breaking", "Pause", "1 new"]),
        ("ar", ["عاجل", "إيقاف مؤقت", "خبر عاجل جديد"]),
        ("es", ["Última hora", "Pausar", "1 nueva"]),
    ],
)
def test_the_words_are_those_of_the_language(
    newsroom: Service, host: Host, page: Page, lang: str, words: list[str]
) -> None:
    """Label, buttons and counts, each number in its own form; other languages are spoken to in English."""
    feed = Feed(page, alert("1", language=lang))
    host.open(page, newsroom, bar("rotate"))
    expect(page.locator("breaking-ticker .label")).to_have_text(words[0], timeout=SOON)
    page.get_by_role("button", name=words[1], exact=True).click()
    feed.entry("publish", alert("2", language=lang))
    expect(page.locator("breaking-ticker .note")).to_have_text(words[2])


def test_an_element_without_a_channel_shows_what_it_is_given(newsroom: Service, host: Host, page: Page) -> None:
    """A preview: it opens no line, and takes frames as if they had come over one."""
    opened: list[str] = []
    page.on("websocket", lambda line: opened.append(line.url))
    host.open(page, newsroom, "<breaking-ticker></breaking-ticker>")
    page.wait_for_function("() => Boolean(customElements.get('breaking-ticker'))")
    page.evaluate(
        "(frame) => document.querySelector('breaking-ticker').apply(frame)",
        {"type": "entry", "act": "publish", "item": alert("1")},
    )
    expect(current(page)).to_have_text("Alert 1")
    frame = {
        "type": "snapshot",
        "items": [alert("9", headline="توقيع", **ARABIC)],
        "language": "ar",
        "direction": "rtl",
    }
    page.evaluate("(frame) => document.querySelector('breaking-ticker').apply(frame)", frame)
    expect(current(page)).to_have_text("توقيع")
    expect(page.locator("breaking-ticker .label")).to_have_text("عاجل")
    expect(page.locator("breaking-ticker .note")).to_be_hidden()
    assert [] == opened


def test_the_server_filters_what_the_attributes_name(newsroom: Service, host: Host, page: Page) -> None:
    """A filter that changes asks again; nothing that does not match comes to the page."""
    frames: list[str] = []
    page.on("websocket", lambda line: line.on("framereceived", lambda frame: frames.append(str(frame))))
    newsroom.post("es", "Del mundo", sections=["world"], tags=["g20"])
    newsroom.post("es", "Del deporte", sections=["sport"])
    host.open(page, newsroom, '<breaking-ticker channel="es" mode="list" section="sport"></breaking-ticker>')
    expect(headlines(page)).to_have_text(["Del deporte"], timeout=SOON)
    assert not any("Del mundo" in frame for frame in frames)
    page.evaluate(
        """() => {
        const node = document.querySelector('breaking-ticker');
        node.setAttribute('section', 'world, politics');
        node.setAttribute('tag', 'g20');
    }"""
    )
    expect(headlines(page)).to_have_text(["Del mundo"], timeout=SOON)
    newsroom.post("es", "De Europa", regions=["europe"])
    page.evaluate(
        """() => {
        const node = document.querySelector('breaking-ticker');
        node.removeAttribute('section');
        node.removeAttribute('tag');
        node.setAttribute('region', 'europe');
    }"""
    )
    expect(headlines(page)).to_have_text(["De Europa"], timeout=SOON)
