"""The widget for those who do not see it, do not use a pointer, or see it otherwise: axe, keyboard, contrast, zoom."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .axe import violations
from .cast import NewPage, Service
from .feed import Feed, alert
from .host import Host, headlines, ticker

SOON = 5_000
MODES = ("rotate", "scroll", "list", "toast")


def items(direction: str) -> list[dict[str, Any]]:
    """Alerts of every kind: a flash, one that was corrected, one that is pinned, one with a link."""
    language = "ar" if direction == "rtl" else "en"
    common: dict[str, Any] = {"language": language, "direction": direction, "published_at": "2026-11-25T10:00:00.000Z"}
    words = "توقيع وقف إطلاق النار" if direction == "rtl" else "Ceasefire signed"
    return [
        alert("4", headline=words, urgency=1, attribution="Reuters", pinned_until="2099-01-01T00:00:00Z", **common),
        alert("3", headline=words, link="https://news.example/3", **common),
        alert("2", 2, headline=words, signal="correction", correction_note="340, not 430.", **common),
        alert("1", 2, headline=words, signal="update", **common),
    ]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_axe_finds_nothing(newsroom: Service, host: Host, new_page: NewPage, mode: str, direction: str) -> None:
    """Contrast, names, roles, sizes; in each mode, scheme and direction, wide and narrow, with and without a flash."""
    page = new_page(reduced_motion="reduce")
    feed = Feed(page, *items(direction))
    host.style = ":root { color-scheme: light dark } body { background: Canvas; color: CanvasText }"
    host.open(
        page, newsroom, f'<main><h1>Host</h1><breaking-ticker channel="en" mode="{mode}"></breaking-ticker></main>'
    )
    expect(ticker(page).get_by_role("listitem").first).to_be_visible(timeout=SOON)
    found = examined(page, "")
    feed.entry("publish", {**items(direction)[0], "id": "5", "pinned_until": None})
    expect(page.locator("breaking-ticker .flash")).to_have_count(1, timeout=SOON)
    found |= examined(page, "flash")
    expect(page.locator("breaking-ticker .flash")).to_have_count(1)
    assert {view: [] for view in found} == found
    assert 8 == len(found)


def examined(page: Page, what: str) -> dict[str, list[str]]:
    """What axe finds, by day and by night, wide and narrow."""
    found: dict[str, list[str]] = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for width in (1280, 320):
            page.set_viewport_size({"width": width, "height": 700})
            found[f"{scheme} {width} {what}"] = violations(page, "breaking-ticker")
    return found


@pytest.mark.parametrize("mode", MODES)
def test_everything_is_done_with_the_keyboard_alone(newsroom: Service, host: Host, page: Page, mode: str) -> None:
    """Tab to each control in the order in which they stand, a ring on each, Enter and Space press it."""
    Feed(page, *items("ltr"))
    host.open(page, newsroom, f'<a href="#x">Before</a><breaking-ticker channel="en" mode="{mode}"></breaking-ticker>')
    expect(headlines(page).first).to_have_text("Ceasefire signed", timeout=SOON)
    controls = {
        "rotate": ["Previous alert", "Pause", "Next alert"],
        "scroll": ["Previous alert", "Pause", "Next alert"],
        "list": ["Pause"],
        "toast": ["Pause", "Dismiss"],
    }[mode]
    reached: list[str] = []
    for _ in range(10):
        page.keyboard.press("Tab")
        name = page.evaluate(
            """() => {
            const node = document.querySelector('breaking-ticker').shadowRoot.activeElement;
            return node?.matches('button') ? node.getAttribute('aria-label') : '';
        }"""
        )
        if not name:
            continue
        reached.append(name)
        ring = page.locator("breaking-ticker button:focus")
        expect(ring).to_have_css("outline-style", "solid")
        expect(ring).to_have_css("outline-width", "2px")
        if name == "Pause":
            page.keyboard.press("Enter")
            expect(ticker(page)).to_have_js_property("paused", True)
            page.keyboard.press("Space")
            expect(ticker(page)).to_have_js_property("paused", False)
        if name == "Dismiss":
            page.keyboard.press("Enter")
            expect(page.locator("breaking-ticker .toast")).to_be_hidden()
    assert controls == reached[: len(controls)]


def test_text_of_twice_the_size_loses_nothing(newsroom: Service, host: Host, new_page: NewPage) -> None:
    """The bar grows with it; the buttons stay in it and the label is whole."""
    for width in (1280, 640):
        page = new_page(viewport={"width": width, "height": 700})
        Feed(page, *items("ltr"))
        host.style = "body { font-size: 200% }"
        host.open(page, newsroom, '<breaking-ticker channel="en"></breaking-ticker>')
        expect(headlines(page).first).to_have_text("Ceasefire signed", timeout=SOON)
        cut = page.evaluate(
            """() => {
            const bar = document.querySelector('breaking-ticker').shadowRoot.querySelector('.bar');
            const room = bar.getBoundingClientRect();
            return [...bar.querySelectorAll('.label, button, li.current .text, li.current time')].filter((node) => {
                const box = node.getBoundingClientRect();
                return box.left < room.left || box.right > room.right || box.top < room.top || box.bottom > room.bottom
                    || node.scrollWidth > node.clientWidth + 1 && !node.matches('.text, time');
            }).map((node) => node.className);
        }"""
        )
        assert [] == cut
        assert width == page.evaluate("document.documentElement.scrollWidth")


@pytest.mark.parametrize("mode", MODES)
def test_with_forced_colours_what_is_told_by_colour_is_told_by_a_border(
    newsroom: Service, host: Host, new_page: NewPage, mode: str
) -> None:
    """Label, buttons and a flash can still be told from what is around them."""
    page = new_page(forced_colors="active")
    feed = Feed(page, *items("ltr"))
    host.open(page, newsroom, f'<breaking-ticker channel="en" mode="{mode}"></breaking-ticker>')
    expect(ticker(page).get_by_role("listitem").first).to_be_visible(timeout=SOON)
    for part in (".label", "button"):
        expect(page.locator(f"breaking-ticker {part}").first).to_have_css("border-top-style", "solid")
    feed.entry("publish", alert("5", urgency=1, published_at="2026-11-25T10:01:00.000Z"))
    expect(page.locator("breaking-ticker .flash")).to_have_css("border-top-width", "3px", timeout=SOON)
