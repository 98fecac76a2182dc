"""Two editors at the desk: the same item, what is planned, what is held, what needs a second pair of eyes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from .cast import Complaints, NewPage
from .newsdesk import SOON, Desk, Newsroom, at_desks, logged_in, newsroom

STALE = "status of 412"
REFUSED = "status of 403"


@pytest.fixture(scope="module")
def room() -> Iterator[Newsroom]:
    """One newsroom for all of these tests."""
    with newsroom() as room:
        yield room


@pytest.fixture(scope="module")
def keys(room: Newsroom) -> dict[str, str]:
    """Amal and Luis may do everything."""
    return {name: room.editor(name) for name in ("amal", "luis")}


@pytest.fixture(scope="module")
def browsers(room: Newsroom, keys: dict[str, str], browser: Browser) -> Iterator[list[BrowserContext]]:
    """One of each."""
    with ExitStack() as stack:
        yield [stack.enter_context(logged_in(browser, room, key)) for key in keys.values()]


@pytest.fixture
def desks(room: Newsroom, browsers: list[BrowserContext], complaints: Complaints) -> Iterator[tuple[Desk, Desk]]:
    """Two editors at work, each in a browser of their own."""
    with at_desks(browsers, room.url, complaints) as (amal, luis):
        yield amal, luis


def test_the_second_editor_of_an_item_is_told_and_a_stale_edit_is_shown_side_by_side(
    room: Newsroom, desks: tuple[Desk, Desk], complaints: Complaints
) -> None:
    """Nothing is overwritten: the other's change stays, and mine becomes the next version when I say so."""
    complaints.allow(STALE)
    amal, luis = desks
    item = room.post("en", "The summit begins on Monday", attribution="Reuters", sections=["world"])["item"]
    for desk in desks:
        expect(desk.row("The summit begins")).to_be_visible(timeout=SOON)
    amal.press(amal.row("The summit begins"), "u")
    expect(amal.page.locator("#composer-title")).to_have_text("Update of version 1", timeout=SOON)
    expect(luis.row("The summit begins")).to_contain_text("amal is on it", timeout=SOON)
    luis.press(luis.row("The summit begins"), "c")
    expect(luis.banner).to_contain_text("amal is updating this", timeout=SOON)
    expect(amal.banner).to_contain_text("luis is correcting this", timeout=SOON)

    luis.text.fill("Reuters: The summit begins on Tuesday")
    luis.page.locator("#note").fill("Tuesday, not Monday.")
    # Nothing of the line reaches this page any more: it does not know yet what the other one does.
    amal.text.fill("Reuters: The summit begins on Monday in Geneva")
    amal.page.locator(".fields summary").click()
    amal.page.locator(".fields .checks label", has_text="Europe").click()
    luis.text.focus()
    luis.page.keyboard.press("Control+Enter")
    luis.page.keyboard.press("Enter")
    expect(amal.row("The summit begins on Tuesday")).to_be_visible(timeout=SOON)
    expect(amal.banner).to_contain_text("luis has sent version 2", timeout=SOON)
    expect(amal.text).to_have_value("Reuters: The summit begins on Monday in Geneva")

    amal.text.focus()
    amal.page.keyboard.press("Control+Enter")
    conflict = amal.page.locator("dialog.conflict")
    expect(conflict).to_be_visible(timeout=SOON)
    expect(conflict.locator("tbody tr").first).to_contain_text("The summit begins on Tuesday")
    expect(conflict.locator("tbody tr").first).to_contain_text("The summit begins on Monday in Geneva")
    assert 2 == len(room.versions("en", item["id"]))
    amal.page.keyboard.press("Escape")
    expect(amal.text).to_have_value("Reuters: The summit begins on Monday in Geneva")
    assert 2 == len(room.versions("en", item["id"]))

    amal.banner.locator("button").click()
    conflict.locator("button.primary").click()
    expect(amal.dialog).to_contain_text("2 becomes 3", timeout=SOON)
    amal.page.keyboard.press("Enter")
    expect(amal.row("Monday in Geneva")).to_be_visible(timeout=SOON)
    first, second, third = room.versions("en", item["id"])
    assert ["amal", "luis"] == [third["by"]["name"], second["by"]["name"]]
    assert "The summit begins on Tuesday" == second["item"]["headline"]
    assert (["world"], ["europe"]) == (third["item"]["sections"], third["item"]["regions"])
    assert first["item"]["headline"] == item["headline"]


def test_a_change_that_the_server_refuses_as_stale_loses_nothing(
    room: Newsroom, desks: tuple[Desk, Desk], complaints: Complaints
) -> None:
    """Even when the page could not know: the answer brings both versions together."""
    complaints.allow(STALE)
    amal, _ = desks
    item = room.post("en", "Polls open at seven")["item"]
    amal.press(amal.row("Polls open at seven"), "u")
    expect(amal.page.locator("#composer-title")).to_have_text("Update of version 1", timeout=SOON)
    amal.text.fill("Polls open at seven in the capital")
    amal.page.keyboard.press("Control+Enter")
    expect(amal.dialog.locator("button.primary")).to_be_focused()
    changed = room.act(item, signal="update", headline="Polls open at eight")
    expect(amal.row("Polls open at eight")).to_be_visible(timeout=SOON)
    amal.page.keyboard.press("Enter")
    expect(amal.page.locator("dialog.conflict")).to_contain_text("Polls open at eight", timeout=SOON)
    assert changed["version"] == room.ask(f"/v1/channels/en/items/{item['id']}")["version"]
    amal.page.locator("dialog.conflict button", has_text="Go on writing").click()
    expect(amal.text).to_have_value("Polls open at seven in the capital")


def test_what_is_scheduled_counts_down_for_both_and_is_undone_by_one(room: Newsroom, desks: tuple[Desk, Desk]) -> None:
    """The text comes back to whoever undid it; nobody outside ever saw it."""
    amal, _ = desks
    amal.write("Reuters: The minister resigns /in:20m")
    amal.page.keyboard.press("Control+Enter")
    expect(amal.page.locator("#obstacle")).to_contain_text("There is no command /in:20m")
    amal.text.fill("Reuters: The minister resigns /at:20m /embargo:15m")
    amal.page.keyboard.press("Control+Enter")
    expect(amal.dialog).to_contain_text("Schedule this alert?")
    expect(amal.dialog.locator("button.primary")).to_contain_text("Schedule")
    amal.page.keyboard.press("Enter")
    for desk in desks:
        row = desk.waiting("The minister resigns")
        expect(row).to_contain_text("scheduled", timeout=SOON)
        shown = row.locator(".time.counting").inner_text()
        desk.page.wait_for_function(
            "([before]) => ![undefined, before].includes(document.querySelector('.waiting .time')?.textContent)",
            arg=[shown],
            timeout=SOON,
        )
    (made,) = room.published("The minister resigns")
    assert {"publish_at", "embargoed"} <= set(made["after"])
    amal.waiting("The minister resigns").locator(".quick button").click()
    expect(amal.text).to_have_value("Reuters: The minister resigns", timeout=SOON)
    for desk in desks:
        expect(desk.waiting("The minister resigns")).to_have_count(0, timeout=SOON)
    assert "The minister resigns" not in str(room.ask("/v1/channels/en/items"))


def test_what_is_held_leaves_every_screen_and_comes_back_when_it_is_released(
    room: Newsroom, desks: tuple[Desk, Desk]
) -> None:
    """One key each; the other editor sees the same."""
    amal, luis = desks
    room.post("en", "The port is closed")
    amal.press(amal.row("The port is closed"), "h")
    for desk in desks:
        expect(desk.waiting("The port is closed")).to_contain_text("held", timeout=SOON)
        expect(desk.row("The port is closed")).to_have_count(0)
    assert "The port is closed" not in str(room.ask("/v1/channels/en/items"))
    luis.press(luis.waiting("The port is closed"), "l")
    expect(luis.dialog).to_contain_text("Put it on air again?")
    luis.page.keyboard.press("Enter")
    for desk in desks:
        expect(desk.row("The port is closed")).to_be_visible(timeout=SOON)
        expect(desk.waiting("The port is closed")).to_have_count(0)


def test_a_flash_that_needs_two_is_sent_by_two(
    room: Newsroom, desks: tuple[Desk, Desk], keys: dict[str, str], complaints: Complaints
) -> None:
    """Its author can neither publish nor approve it; a colleague sees it and lets it out."""
    complaints.allow(REFUSED)
    amal, luis = desks
    for desk in desks:
        desk.channel("two")
    amal.write("Ceasefire signed /flash ")
    expect(amal.send).to_contain_text("Send for approval")
    amal.page.keyboard.press("Control+Enter")
    expect(amal.dialog).to_contain_text("nobody, until a colleague approves")
    amal.page.keyboard.press("Enter")
    mine, theirs = amal.waiting("Ceasefire signed"), luis.waiting("Ceasefire signed")
    expect(mine).to_contain_text("needs approval", timeout=SOON)
    expect(mine.locator(".quick button")).to_have_count(0)
    mine.locator(".head").click()
    expect(mine.locator("[data-act=approve]")).to_be_disabled()
    amal.press(mine, "a")
    expect(amal.dialog).to_have_count(0)
    (made,) = room.published("Ceasefire signed", "two")
    address = f"/v1/channels/two/items/{made['after']['id']}/approve"
    status = amal.page.evaluate(
        "(address) => fetch(address, {method: 'POST'}).then((answer) => answer.status)", address
    )
    assert 403 == status
    assert "Ceasefire signed" not in str(room.ask("/v1/channels/two/items"))
    luis.press(theirs, "a")
    expect(luis.dialog).to_contain_text("Approve, and put it on air?")
    luis.page.keyboard.press("Enter")
    for desk in desks:
        expect(desk.row("Ceasefire signed")).to_be_visible(timeout=SOON)
    assert ["amal", "luis"] == [version["by"]["name"] for version in room.versions("two", made["after"]["id"])]


def test_a_correction_flags_the_same_story_elsewhere(room: Newsroom, desks: tuple[Desk, Desk]) -> None:
    """Whoever corrects is told of the sibling, and the sibling's channel shows why it has to be looked at."""
    amal, luis = desks
    room.post("es", "El puente está abierto", story="bridge-7")
    room.post("en", "The bridge seven is open", story="bridge-7")
    luis.channel("es")
    amal.press(amal.row("The bridge seven is open"), "c")
    expect(amal.page.locator("#note")).to_be_visible(timeout=SOON)
    amal.text.fill("The bridge seven is shut")
    amal.page.locator("#note").fill("It is not open.")
    amal.page.keyboard.press("Control+Enter")
    amal.page.keyboard.press("Enter")
    notice = amal.page.locator(".notice", has_text="The same story stands in es")
    expect(notice).to_be_visible(timeout=SOON)
    expect(luis.page.locator(".flag-row")).to_contain_text("Corrected in en: It is not open.", timeout=SOON)
    notice.locator("button", has_text="Go to es").click()
    expect(amal.row("El puente está abierto")).to_be_visible(timeout=SOON)


def test_the_life_of_an_item_is_shown_version_by_version_and_in_the_audit(
    room: Newsroom, desks: tuple[Desk, Desk]
) -> None:
    """Any two versions side by side, with who made them; and the record can be searched."""
    amal, _ = desks
    item = room.post("en", "Twelve ships wait off the port", attribution="Pilots")["item"]
    room.act(item, signal="correction", headline="Fourteen ships wait off the port", correction_note="Fourteen.")
    amal.press(amal.row("Fourteen ships"), "v")
    pane = amal.page.locator("dialog.history")
    expect(pane.locator(".versions li")).to_have_count(2, timeout=SOON)
    expect(pane.locator("del")).to_have_text(["Twelve"])
    expect(pane.locator("tr", has_text="Headline").locator("ins")).to_have_text(["Fourteen"])
    pane.locator(".versions li", has_text="Version 1").locator("button").click()
    # There is nothing before the first one to put it beside.
    expect(pane.locator("tr", has_text="Headline").locator("td")).to_have_text(["Twelve ships wait off the port"])
    amal.page.keyboard.press("Escape")
    amal.page.locator(".menu summary").click()
    amal.page.locator(".menu button", has_text="Audit").click()
    amal.page.locator("#ledger-search").fill("ships")
    expect(amal.page.locator(".ledger tbody tr")).to_have_count(2, timeout=SOON)
    expect(amal.page.locator(".ledger tbody tr").first).to_contain_text("Corrected")


def test_a_key_that_may_less_is_offered_less(room: Newsroom, new_page: NewPage, complaints: Complaints) -> None:
    """The buttons say so, and the letters do nothing."""
    room.post("en", "The market opens higher")
    key = room.editor("reader", "read", "publish")
    desk = Desk(new_page(locale="en-US"), room.url).enter(key)
    row = desk.row("The market opens higher")
    desk.press(row, "r")
    expect(desk.dialog).to_have_count(0)
    row.locator(".head").click()
    expect(row.locator("[data-act=retract]")).to_be_disabled()
    expect(row.locator("[data-act=correct]")).to_be_disabled()
    expect(row.locator("[data-act=history]")).to_be_enabled()
