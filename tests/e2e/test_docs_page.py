"""The page at `/docs`: everything that the documents say, to read and to search, on any screen."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from .cast import Complaints, NewPage, Service

SOON = 10_000


def document(newsroom: Service, address: str = "/openapi.json") -> Any:
    """What the service says of itself."""
    return httpx.get(newsroom.url + address, trust_env=False).json()


def opened(page: Page, newsroom: Service, place: str = "") -> Page:
    """The page when it has been made."""
    page.goto(f"{newsroom.url}/docs{place}")
    expect(page.locator("#schemas")).to_be_attached(timeout=SOON)
    return page


def test_every_operation_frame_refusal_and_object_stands_on_the_page(newsroom: Service, page: Page) -> None:
    """With its address, and in the contents."""
    opened(page, newsroom)
    api, live = document(newsroom), document(newsroom, "/asyncapi.json")
    cards = set(page.locator(".card").evaluate_all("all => all.map((card) => card.id)"))
    operations = [told for path in api["paths"].values() for method, told in path.items() if method != "parameters"]
    expected = {operation["operationId"] for operation in operations} | {"live"}
    expected |= {f"frame-{name}" for name in live["components"]["messages"]}
    expected |= {f"schema-{name}" for name in api["components"]["schemas"] | live["components"]["schemas"]}
    assert expected == {card for card in cards if not card.startswith("problem-")}
    assert {"problem-similar", "problem-stale-version", "problem-unauthorized"} <= cards
    linked = page.locator("#contents a").evaluate_all("all => all.map((link) => link.hash.slice(1))")
    assert cards == set(linked)
    for path in api["paths"]:
        expect(page.locator("h3 code", has_text=path).first).to_be_visible()


def test_an_operation_says_who_may_what_it_takes_and_what_it_answers(newsroom: Service, page: Page) -> None:
    """Parameters, body and an example in view; answers unfold, refusals by their names."""
    card = opened(page, newsroom).locator("#change")
    expect(card.locator(".access")).to_have_text("Needs a key with the scope correct, or a session with it.")
    expect(card.locator("tr", has_text="If-Match")).to_contain_text("required")
    expect(card.locator("pre")).to_contain_text('"signal": "correction"')
    conflict = card.locator("details", has_text="409")
    expect(conflict.locator("dl")).to_be_hidden()
    conflict.locator("summary").press("Enter")
    expect(conflict.locator("dt", has_text="nothing-changed")).to_be_visible()
    conflict.locator("dt a", has_text="nothing-changed").click()
    expect(page.locator("#problem-nothing-changed")).to_be_in_viewport()
    expect(page.locator("#problem-nothing-changed")).to_contain_text("Answered by change.")


def test_the_search_shows_what_holds_every_word(newsroom: Service, page: Page) -> None:
    """From the keyboard alone: a slash goes there, Escape takes the words away."""
    opened(page, newsroom)
    all_of_them = page.locator(".card:visible").count()
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("another pinned")
    expect(page.locator("#problem-pin-taken")).to_be_visible()
    expect(page.locator("#hold")).to_be_hidden()
    expect(page.locator('#contents [data-for="hold"]')).to_be_hidden()
    found = page.locator(".card:visible").count()
    assert 0 < found < all_of_them
    expect(page.locator("#found")).to_have_text(f"{found} found")
    page.keyboard.type(" zebra")
    expect(page.locator("#found")).to_have_text("nothing")
    page.keyboard.press("Escape")
    expect(page.locator(".card:visible")).to_have_count(all_of_them)
    expect(page.locator("#found")).to_have_text("")


def test_a_link_to_what_the_search_hides_shows_it(newsroom: Service, page: Page) -> None:
    """Nobody lands on nothing."""
    opened(page, newsroom)
    page.locator("#search").fill("retracted item that this one stands for")
    expect(page.locator("#schema-Draft")).to_be_visible()
    expect(page.locator("#schema-Heartbeat")).to_be_hidden()
    page.evaluate("location.hash = '#schema-Heartbeat'")
    expect(page.locator("#schema-Heartbeat")).to_be_in_viewport()
    expect(page.locator("#search")).to_have_value("")


def test_an_address_with_a_place_opens_there(newsroom: Service, page: Page) -> None:
    """So a colleague can be sent to one operation; the contents say where one is."""
    opened(page, newsroom, "#retract")
    expect(page.locator("#retract h3")).to_be_in_viewport()
    expect(page.locator('#contents a[aria-current="true"]')).to_have_text("POST…/items/{id}/retract")


def test_the_live_stream_is_told_with_its_frames_and_close_codes(newsroom: Service, page: Page) -> None:
    """As the protocol has them."""
    opened(page, newsroom)
    expect(page.locator("#live")).to_contain_text("1012")
    expect(page.locator("#live")).to_contain_text("/v1/channels/{channel}/live")
    expect(page.locator("#live tr", has_text="urgency")).to_contain_text("list of at most 10")
    expect(page.locator("#frame-reset")).to_contain_text("tombstones")
    expect(page.locator("#frame-reset li", has_text="epoch")).to_be_visible()


@pytest.mark.parametrize("width", [320, 390, 768, 1280, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_every_screen_by_day_and_by_night(
    newsroom: Service, new_page: NewPage, width: int, scheme: str
) -> None:
    """Nothing runs off sideways; on a small one the contents are folded until they are wanted."""
    page = opened(new_page(viewport={"width": width, "height": 800}, color_scheme=scheme), newsroom)
    assert width >= page.evaluate("document.documentElement.scrollWidth")
    expect(page.locator("#contents")).to_be_visible(visible=width >= 1024)
    if width < 1024:
        page.locator("#menu > summary").click()
        page.locator("#contents a", has_text="/retract").click()
        expect(page.locator("#contents")).to_be_hidden()
        expect(page.locator("#retract h3")).to_be_in_viewport()
    channels = page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/g).slice(0, 3).map(Number)"
    )
    assert (sum(channels) > 384) == (scheme == "light")


def test_what_a_document_says_is_shown_as_text(newsroom: Service, page: Page) -> None:
    """Markup in a description is read, not run; a link out of the service is none."""
    told = document(newsroom)
    told["info"]["description"] = "<img src=x onerror=alert(1)> [here](https://elsewhere.example/) `<b>`"

    def answer(route: Route) -> None:
        route.fulfill(body=json.dumps(told), content_type="application/json")

    page.route("**/openapi.json", answer)
    opened(page, newsroom)
    expect(page.locator(".intro")).to_contain_text("<img src=x onerror=alert(1)>")
    expect(page.locator("main img")).to_have_count(0)
    expect(page.locator('a[href*="elsewhere"]')).to_have_count(0)


def test_half_a_service_is_shown_as_what_it_is(newsroom: Service, page: Page) -> None:
    """A process that has no live stream is not asked for one."""
    told = document(newsroom)
    del told["paths"]["/asyncapi.json"]
    page.route("**/openapi.json", lambda route: route.fulfill(body=json.dumps(told), content_type="application/json"))
    opened(page, newsroom)
    expect(page.locator("#stream")).to_have_count(0)
    expect(page.locator("#publish")).to_be_visible()


def test_a_document_that_cannot_be_loaded_is_said(newsroom: Service, page: Page, complaints: Complaints) -> None:
    """With what to do next."""
    complaints.allow("503")
    page.route("**/openapi.json", lambda route: route.fulfill(status=503, body="{}"))
    page.goto(f"{newsroom.url}/docs")
    expect(page.locator("#state")).to_have_text(
        "The description could not be loaded (/openapi.json answered 503). Reload the page to try again."
    )
