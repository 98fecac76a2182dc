"""A newsroom with its desk: the service, editors with keys of their own, and their pages."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.stage import Service, short_directory
from tests.terminal import COME_BACK_SOON

from .cast import Complaints
from .conftest import heeded

SOON = 10_000
CHANNELS = """
[channels.en]
title = "Breaking news"
language = "en"

[channels.ar]
title = "عاجل"
language = "ar"

[channels.es]
title = "Última hora"
language = "es"
push_hold = 0

[channels.two]
title = "Two pairs of eyes"
language = "en"
approve = 1
push_hold = 60
"""
KNOWN = """localStorage.getItem('ticker-desk-preferences')
    ?? localStorage.setItem('ticker-desk-preferences', '{"known": true}')"""
"""Somebody has logged in here before, so the page asks whether the session still stands."""

T = TypeVar("T")


class Newsroom(Service):
    """A service with a channel for each case, and editors."""

    def editor(self, name: str, *scopes: str) -> str:
        """A key for somebody, who may do everything if nothing else is said."""
        wanted = [part for scope in scopes or ("admin",) for part in ("--scope", scope)]
        command = [sys.executable, "-m", "ticker", "keys", "create", name, *wanted, "--data", str(self.data)]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("TICKER_")}
        made = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=True)
        return made.stdout.strip().splitlines()[-1].strip()

    def ask(self, path: str, key: str = "") -> Any:
        """What stands at an address of the API."""
        headers = {"Authorization": f"Bearer {key or self.key}"}
        return httpx.get(self.url + path, headers=headers, trust_env=False).json()

    def versions(self, channel: str, item: str) -> list[Any]:
        """Every version of an item."""
        found: list[Any] = self.ask(f"/v1/channels/{channel}/items/{item}/versions")["versions"]
        return found

    def published(self, headline: str, channel: str = "en") -> list[Any]:
        """Every publication of this headline that stands on the record."""
        records = self.ask(f"/v1/channels/{channel}/audit?limit=500")["records"]
        made = [one for one in records if one["act"] in ("publish", "schedule", "submit") and "after" in one]
        return [one for one in made if one["after"]["headline"] == headline]

    def act(self, item: dict[str, Any], act: str = "", **body: Any) -> dict[str, Any]:
        """Do something to an item by the API, or change it; the item as it is then."""
        address = f"{self.url}/v1/channels/{item['channel']}/items/{item['id']}{act and f'/{act}'}"
        headers = {"Authorization": f"Bearer {self.key}", "If-Match": f'"{item["version"]}"'}
        answer = httpx.request("POST" if act else "PATCH", address, json=body, headers=headers, trust_env=False)
        assert answer.is_success, answer.text
        changed: dict[str, Any] = answer.json()["item"]
        return changed


@contextmanager
def newsroom(**environ: Any) -> Iterator[Newsroom]:
    """Open for the time of a block; `environ` are settings of the service."""
    with short_directory() as directory:
        channels = directory / "channels.toml"
        channels.write_text(CHANNELS, encoding="utf-8")
        service = Newsroom(directory, "--channels", str(channels), *COME_BACK_SOON, **environ)
        service.start()
        try:
            yield service
        finally:
            service.end()


class Desk:
    """One editor's page."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url

    def enter(self, key: str) -> Desk:
        """Open the desk and log in, by keyboard."""
        self.page.goto(f"{self.url}/desk")
        expect(self.page.locator("#key")).to_be_focused(timeout=SOON)
        self.page.keyboard.insert_text(key)
        self.page.keyboard.press("Enter")
        return self.ready()

    def ready(self) -> Desk:
        """At work: the line is live, and the cursor stands in the composer."""
        expect(self.page.locator(".status-line")).to_have_text("Live", timeout=SOON)
        expect(self.text).to_be_focused(timeout=SOON)
        return self

    @property
    def text(self) -> Locator:
        """Where an alert is written."""
        return self.page.locator("#text")

    @property
    def dialog(self) -> Locator:
        """The question that is open."""
        return self.page.locator("dialog[open]")

    @property
    def send(self) -> Locator:
        """The button that asks to send."""
        return self.page.locator("button.send")

    @property
    def banner(self) -> Locator:
        """What is said above the text."""
        return self.page.locator(".composer .banner")

    @property
    def sent(self) -> Locator:
        """What was sent last."""
        return self.page.locator(".sent")

    def write(self, text: str) -> None:
        """Write into the composer, as it is pasted."""
        self.text.focus()
        self.page.keyboard.insert_text(text)

    def post(self, text: str) -> None:
        """Write, look, confirm."""
        self.write(text)
        self.page.keyboard.press("Control+Enter")
        expect(self.dialog).to_be_visible(timeout=SOON)
        self.page.keyboard.press("Enter")
        expect(self.text).to_have_value("", timeout=SOON)

    def row(self, text: str, where: str = ".air") -> Locator:
        """The row of an item, by a part of its text."""
        return self.page.locator(f"{where} li.row", has_text=text)

    def waiting(self, text: str) -> Locator:
        """The row of an item that waits."""
        return self.row(text, ".waiting")

    def press(self, row: Locator, key: str) -> None:
        """One key on a row."""
        expect(row).to_be_visible(timeout=SOON)
        row.locator(".head").focus()
        self.page.keyboard.press(key)

    def channel(self, name: str) -> None:
        """Go to another channel."""
        self.page.locator(".channels button", has_text=re.compile(rf"{name}$")).click()
        expect(self.page.locator(".composer .where")).to_contain_text(f"· {name}", timeout=SOON)

    def stored(self) -> str:
        """Everything that a script on this page can find: cookies, storages, the address, the document."""
        script = """() => JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}, location.href,
            history.state, document.documentElement.outerHTML,
            [...document.querySelectorAll('input')].map((input) => input.value)])"""
        return str(self.page.evaluate(script))


def widget(room: Newsroom, page: Page) -> Page:
    """A reader in another window, with the real widget."""
    page.goto(room.url)
    expect(page.locator('.card[data-channel="en"] .line')).to_have_text("live", timeout=SOON)
    return page


@contextmanager
def logged_in(browser: Browser, room: Newsroom, key: str) -> Iterator[BrowserContext]:
    """A browser in which somebody is logged in already; each of its pages is a desk of its own."""
    context = browser.new_context(locale="en-US")
    answer = context.request.post(f"{room.url}/v1/session", data={"key": key})
    assert answer.ok, answer.text()
    yield context
    context.close()


@contextmanager
def at_desks(contexts: Iterable[BrowserContext], url: str, complaints: Complaints) -> Iterator[list[Desk]]:
    """A fresh page in each of these browsers for the time of a block; it fails when one of them complained."""
    desks = [Desk(heeded(context.new_page(), complaints), url) for context in contexts]
    for desk in desks:
        # What an earlier page has left would be found by this one, once that has been gone for long enough.
        devtools = desk.page.context.new_cdp_session(desk.page)
        devtools.send("Storage.clearDataForOrigin", {"origin": url, "storageTypes": "local_storage"})
        desk.page.add_init_script(KNOWN)
        desk.page.goto(f"{url}/desk")
        desk.ready()
    yield desks
    for desk in desks:
        desk.page.close()
    assert complaints.unexpected == []


class Beside:
    """An event loop in a thread of its own, beside the browser's: for readers, and for a bad line."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def run(self, coroutine: Coroutine[Any, Any, T], deadline: float = 30) -> T:
        """The result of something asynchronous."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(deadline)

    def call(self, function: Callable[[], T]) -> T:
        """The result of something that has to be done where the loop runs."""

        async def called() -> T:
            return function()

        return self.run(called())

    def __enter__(self) -> Beside:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
