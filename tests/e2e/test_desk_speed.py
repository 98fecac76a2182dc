"""How fast an alert gets from the desk to a screen."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

import pytest

from .cast import NewPage
from .newsdesk import SOON, Desk, Newsroom, newsroom, widget


@pytest.fixture(scope="module")
def room() -> Iterator[Newsroom]:
    """One newsroom for all of these tests."""
    with newsroom() as room:
        yield room


def test_from_the_confirming_key_to_another_window(room: Newsroom, new_page: NewPage) -> None:
    """Every alert arrives; how fast is printed (`pytest -s`), and stands in docs/desk.md."""
    desk = Desk(new_page(locale="en-US"), room.url).enter(room.key)
    reader = widget(room, new_page())
    reader.evaluate(
        """() => {
            window.arrived = {};
            const ticker = document.querySelector('.card[data-channel="en"] breaking-ticker');
            const look = () => {
                const lines = ticker.shadowRoot.querySelectorAll('li .headline');
                for (const line of lines) window.arrived[line.textContent] ??= Date.now();
            };
            const all = { childList: true, subtree: true, characterData: true };
            new MutationObserver(look).observe(ticker.shadowRoot, all);
        }"""
    )
    desk.page.evaluate(
        """() => {
            addEventListener('keydown', (event) => {
                if (event.key !== 'Enter' || event.ctrlKey) return;
                window.confirmed = performance.timeOrigin + event.timeStamp;
            }, true);
        }"""
    )
    taken: list[float] = []
    for number in range(20):
        text = f"Measured alert number {number}"
        desk.post(text)
        reader.wait_for_function("(text) => window.arrived[text]", arg=text, timeout=SOON)
        taken.append(reader.evaluate("(text) => window.arrived[text]", text) - desk.page.evaluate("window.confirmed"))
    taken.sort()
    print(
        f"\nconfirm key → text on the widget of another window, ms: p50 {statistics.median(taken):.0f}, "
        f"p95 {taken[18]:.0f}, worst {taken[-1]:.0f}, {len(taken)} alerts, {time.strftime('%Y-%m-%d')}"
    )
    assert 20 == len(taken)
