"""The desk with the keyboard alone: from a written headline to the screens, and back."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from .cast import Complaints, NewPage
from .newsdesk import SOON, Desk, Newsroom, at_desks, logged_in, newsroom, widget

KEYSTROKES = """() => {
    window.pressed = [];
    addEventListener('keydown', (event) => {
        if (!['Control', 'Shift', 'Alt', 'Meta'].includes(event.key)) window.pressed.push(event.key);
    }, true);
}"""


@pytest.fixture(scope="module")
def room() -> Iterator[Newsroom]:
    """One newsroom for all of these tests."""
    with newsroom() as room:
        yield room


@pytest.fixture(scope="module")
def here(room: Newsroom, browser: Browser) -> Iterator[BrowserContext]:
    """The browser of an editor who has logged in."""
    with logged_in(browser, room, room.key) as here:
        yield here


@pytest.fixture
def desk(room: Newsroom, here: BrowserContext, complaints: Complaints) -> Iterator[Desk]:
    """An editor at work."""
    with at_desks([here], room.url, complaints) as (desk,):
        yield desk


def test_the_keyboard_alone_posts_corrects_and_retracts(room: Newsroom, new_page: NewPage) -> None:
    """Logs in, too. Two keystrokes from a written headline to on air; the widget shows each step."""
    desk = Desk(new_page(locale="en-US"), room.url).enter(room.key)
    reader = widget(room, new_page())
    shown = reader.locator('.card[data-channel="en"] li .text')
    desk.page.evaluate(KEYSTROKES)
    desk.write("Coast guard: All 17 passengers are safe")
    desk.page.keyboard.press("Control+Enter")
    desk.page.keyboard.press("Enter")
    expect(shown.first).to_have_text("Coast guard: All 17 passengers are safe", timeout=SOON)
    assert ["Enter", "Enter"] == desk.page.evaluate("window.pressed")
    expect(desk.sent).to_contain_text("On air since", timeout=SOON)

    expect(desk.row("All 17 passengers")).to_be_visible(timeout=SOON)
    desk.page.keyboard.press("F6")
    expect(desk.row("All 17 passengers").locator(".head")).to_be_focused()
    desk.page.keyboard.press("c")
    expect(desk.page.locator("#composer-title")).to_have_text("Correction of version 1", timeout=SOON)
    expect(desk.text).to_be_focused()
    desk.page.keyboard.press("ControlOrMeta+a")
    desk.page.keyboard.insert_text("Coast guard: All 19 passengers are safe")
    desk.page.keyboard.press("Control+Enter")
    # What was wrong has to be said first, and the cursor is where it is said.
    expect(desk.page.locator("#note")).to_be_focused()
    desk.page.keyboard.insert_text("There were 19 passengers, not 17.")
    desk.page.keyboard.press("Control+Enter")
    expect(desk.dialog).to_contain_text("Already sent once")
    expect(desk.dialog.locator("button.primary")).to_contain_text("Correct")
    desk.page.keyboard.press("Enter")
    expect(shown.first).to_have_text("Coast guard: All 19 passengers are safe", timeout=SOON)
    expect(reader.locator('.card[data-channel="en"] li').first).to_contain_text("There were 19 passengers, not 17.")

    expect(desk.row("All 19 passengers")).to_be_visible(timeout=SOON)
    desk.page.keyboard.press("F6")
    desk.page.keyboard.press("r")
    expect(desk.page.locator("#reason")).to_be_focused(timeout=SOON)
    desk.page.keyboard.press("Enter")
    expect(desk.dialog).to_be_visible()
    desk.page.keyboard.insert_text("The coast guard has withdrawn it.")
    desk.page.keyboard.press("Enter")
    expect(reader.locator("li", has_text="19 passengers")).to_have_count(0, timeout=SOON)
    expect(desk.page.locator(".notice.good")).to_contain_text("Retracted everywhere", timeout=SOON)
    (made,) = room.published("All 17 passengers are safe")
    acts = [version["act"] for version in room.versions("en", made["after"]["id"])]
    assert ["publish", "correction", "retract"] == acts


@pytest.mark.parametrize("way", ["double Enter", "held Enter", "double click", "held chord"])
def test_however_often_it_is_confirmed_it_is_one_item(room: Newsroom, desk: Desk, way: str) -> None:
    """And what is pressed too much posts nothing else."""
    text = f"Only one of these stands, whatever {way} does"
    desk.write(text)
    if way == "held chord":
        desk.page.keyboard.down("Control")
        for _ in range(8):
            desk.page.keyboard.down("Enter")
        # The key that asked the question has not answered it.
        expect(desk.dialog).to_be_visible()
        assert [] == room.published(text)
        desk.page.keyboard.up("Enter")
        desk.page.keyboard.up("Control")
        desk.page.keyboard.press("Enter")
    else:
        desk.page.keyboard.press("Control+Enter")
        button = desk.dialog.locator("button.primary")
        expect(button).to_be_focused()
        if way == "double Enter":
            desk.page.keyboard.press("Enter")
            desk.page.keyboard.press("Enter")
        elif way == "held Enter":
            for _ in range(8):
                desk.page.keyboard.down("Enter")
            desk.page.keyboard.up("Enter")
        else:
            button.dblclick()
    expect(desk.row(text)).to_have_count(1, timeout=SOON)
    expect(desk.text).to_have_value("")
    # The second click may come after the answer, and then takes the focus out of the text.
    desk.text.press("Control+Enter")
    expect(desk.page.locator("#obstacle")).to_have_text("There is no headline yet.")
    assert 1 == len(room.published(text))


def test_commands_are_taken_out_of_the_text_and_do_what_they_say(room: Newsroom, desk: Desk) -> None:
    """Urgency, section and pin from the text; what is no command stays, and a mistake is not posted."""
    desk.write("The parliament and/or the court decides today /flash /sec:politics ")
    chips = desk.page.locator(".chips .chip > span")
    expect(chips).to_have_text(["Flash", "Politics"])
    expect(desk.text).to_have_value(re.compile(r"^The parliament and/or the court decides today\s*$"))
    desk.page.keyboard.insert_text("/flsh")
    desk.page.keyboard.press("Control+Enter")
    expect(desk.page.locator("#obstacle")).to_contain_text("There is no command /flsh")
    expect(desk.dialog).to_have_count(0)
    for _ in "/flsh":
        desk.page.keyboard.press("Backspace")
    desk.page.keyboard.insert_text("/pin")
    desk.page.keyboard.press("Control+Enter")
    expect(desk.dialog).to_contain_text("before all others, for an hour")
    desk.page.keyboard.press("Enter")
    row = desk.row("The parliament and/or the court decides today")
    expect(row).to_contain_text("pinned", timeout=SOON)
    (made,) = room.published("The parliament and/or the court decides today")
    assert (1, ["politics"]) == (made["after"]["urgency"], made["after"]["sections"])
    desk.press(row, "p")
    expect(desk.page.locator(".notice.good", has_text="No longer pinned.")).to_be_visible(timeout=SOON)


def test_a_command_is_offered_while_it_is_typed(desk: Desk) -> None:
    """Arrows choose, Tab completes, Esc closes; the list is told to those who listen."""
    desk.page.keyboard.type("Talks go on /bu")
    offers = desk.page.locator("#offers li")
    expect(offers).to_have_count(1)
    expect(desk.text).to_have_attribute("aria-activedescendant", "offer-0")
    desk.page.keyboard.press("Tab")
    expect(desk.page.locator(".chip.urgency")).to_have_text("Bulletin")
    expect(desk.text).to_have_value("Talks go on ")
    desk.page.keyboard.type("/s")
    expect(offers.first).to_be_visible()
    desk.page.keyboard.press("Escape")
    expect(offers.first).to_be_hidden()
    expect(desk.text).to_be_focused()


def test_a_text_goes_along_to_another_channel_in_its_direction(desk: Desk) -> None:
    """`/ar` moves the draft; composer, widget and phone are right to left."""
    desk.page.keyboard.type("رويترز: توقيع الاتفاق /ar ")
    expect(desk.page.locator(".composer .where")).to_have_text("عاجل · ar", timeout=SOON)
    expect(desk.text).to_have_value(re.compile("^رويترز: توقيع الاتفاق *$"))
    expect(desk.text).to_have_attribute("dir", "rtl")
    preview = desk.page.locator(".preview breaking-ticker")
    expect(preview.locator("li .text")).to_have_text("رويترز: توقيع الاتفاق", timeout=SOON)
    expect(preview.locator("section")).to_have_css("direction", "rtl")
    expect(desk.page.locator(".phone")).to_have_css("direction", "rtl")
    desk.channel("en")
    expect(desk.text).to_have_value("")


def test_the_preview_is_the_widget_and_says_what_will_be_said(desk: Desk) -> None:
    """The attribution is split off while it is written, and can be put back; long texts are warned of."""
    desk.write("Reuters: Both delegations agree")
    preview = desk.page.locator(".preview breaking-ticker")
    expect(preview.locator(".attribution")).to_have_text("Reuters", timeout=SOON)
    expect(preview.locator(".headline")).to_have_text("Both delegations agree")
    expect(desk.page.locator(".notification .body")).to_have_text("Reuters: Both delegations agree")
    expect(preview.locator("section")).to_have_css("direction", "ltr")
    desk.page.locator(".chip.attribution button").click()
    expect(preview.locator(".attribution")).to_have_count(0)
    expect(preview.locator(".headline")).to_have_text("Reuters: Both delegations agree")
    desk.write(" " + "and so on " * 9)
    expect(desk.page.locator(".caution")).to_have_text("Cut on many phones")
    expect(desk.page.locator(".meters .push")).to_have_text("push 121 bytes")


def test_a_text_that_stands_already_is_warned_of_and_can_be_sent_all_the_same(room: Newsroom, desk: Desk) -> None:
    """Whatever its commas; the override stands on the record."""
    room.post("en", "The bridge is closed", attribution="Police")
    expect(desk.row("The bridge is closed")).to_be_visible(timeout=SOON)
    desk.write("POLICE: the bridge is closed!")
    desk.page.keyboard.press("Control+Enter")
    expect(desk.dialog.locator(".warnings")).to_contain_text("Already sent once")
    expect(desk.dialog.locator("button.primary")).to_contain_text("Send anyway")
    desk.page.keyboard.press("Enter")
    expect(desk.row("the bridge is closed!")).to_be_visible(timeout=SOON)
    (made,) = room.published("the bridge is closed!")
    assert made["detail"].startswith("similar text allowed; same text as ")
