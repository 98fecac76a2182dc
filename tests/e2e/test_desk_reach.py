"""Reach, filling in: how many screens have an alert, and how fast."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from websockets.asyncio.client import ClientConnection, connect

from .cast import NewPage
from .newsdesk import SOON, Beside, Desk, Newsroom, newsroom

CROWD = 200
PROMISED = 5_000


@pytest.fixture(scope="module")
def room() -> Iterator[Newsroom]:
    """One newsroom for all of these tests."""
    with newsroom() as room:
        yield room


async def crowd(room: Newsroom) -> list[ClientConnection]:
    """Readers who take what comes."""
    address = room.url.replace("http", "ws") + "/v1/channels/en/live"
    lines = await asyncio.gather(*(connect(address, proxy=None, max_queue=None) for _ in range(CROWD)))
    for line in lines:
        await line.recv()
    return list(lines)


async def leave(lines: list[ClientConnection]) -> None:
    """All of them go."""
    await asyncio.gather(*(line.close() for line in lines))


def test_two_hundred_of_two_hundred_within_five_seconds(room: Newsroom, new_page: NewPage) -> None:
    """With p50 and p95; the desk's own line is no screen."""
    desk = Desk(new_page(locale="en-US"), room.url).enter(room.key)
    with Beside() as beside:
        lines = beside.run(crowd(room))
        try:
            expect(desk.page.locator(".readers")).to_have_text(f"{CROWD} screens now", timeout=SOON)
            expect(desk.send).to_contain_text(f"to {CROWD} screens")
            desk.write("Coast guard: All 17 passengers are safe")
            desk.page.keyboard.press("Control+Enter")
            expect(desk.dialog).to_contain_text(f"{CROWD} screens now")
            begun = time.monotonic()
            desk.page.keyboard.press("Enter")
            told = re.compile(rf"^{CROWD} of {CROWD} screens · half within \d+ ms · 95 % within \d+ ms$")
            expect(desk.sent.locator(".spread")).to_have_text(told, timeout=PROMISED)
            print(f"\n{desk.sent.locator('.spread').inner_text()}; shown after {time.monotonic() - begun:.1f} s")
            row = desk.row("All 17 passengers")
            expect(row.locator(".reach")).to_have_text(f"{CROWD}/{CROWD}", timeout=SOON)
            row.locator(".head").click()
            expect(row.locator(".details .spread").first).to_have_text(told)
        finally:
            beside.run(leave(lines))
    expect(desk.page.locator(".readers")).to_have_text("0 screens now", timeout=SOON)
