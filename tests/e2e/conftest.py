"""A real browser, and pages in it that may not complain."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from .cast import Complaints, NewPage
from .host import Host, serve_host

WHOLE = ("chromium", "chromium-browser", "google-chrome")
BARE = "chromium-headless-shell"
"""The same without windows, which it would draw for nobody: half of what a test costs. It shows no notification."""
QUIET = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# A blocked script or style is otherwise told to the console alone, in words that differ between versions.
TELL_VIOLATIONS = """addEventListener('securitypolicyviolation', (event) =>
    console.error(`CSP violation: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`))"""


# Of the package and no longer: Playwright keeps an event loop running, beside which no asynchronous test can.
@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """What drives it."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Chromium as the machine has it, else Playwright's own."""
    yield from launched(playwright, BARE, *WHOLE)


def launched(playwright: Playwright, *names: str) -> Iterator[Browser]:
    """The first of these that is installed, for so long; Playwright's own when none is."""
    executable = next(filter(None, map(shutil.which, names)), None)
    arguments = [*QUIET, "--no-sandbox"] if os.geteuid() == 0 else QUIET
    try:
        browser = playwright.chromium.launch(executable_path=executable, args=arguments)
    except PlaywrightError as error:
        reason = f"no browser starts here; `make test` installs one ({error.message.splitlines()[0]})"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    yield browser
    browser.close()


@pytest.fixture
def complaints() -> Complaints:
    """What the pages of this test complain of."""
    return Complaints()


@contextmanager
def opened(browser: Browser, complaints: Complaints) -> Iterator[NewPage]:
    """Opens pages, each of a reader of its own, until the end of a block; it fails when one of them complained."""
    contexts = []

    def open_page(**options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        return heeded(context.new_page(), complaints)

    yield open_page
    for context in contexts:
        context.close()
    assert complaints.unexpected == []


def heeded(page: Page, complaints: Complaints) -> Page:
    """The same page, whose complaints are heard."""

    def hear(said: ConsoleMessage) -> None:
        if said.type == "error":
            complaints.heard.append(f"console: {said.text}")

    page.add_init_script(TELL_VIOLATIONS)
    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.heard.append(f"page error: {error}"))
    return page


@pytest.fixture
def new_page(browser: Browser, complaints: Complaints) -> Iterator[NewPage]:
    """Opens pages, each of a reader of its own; the test fails when one of them complains."""
    with opened(browser, complaints) as open_page:
        yield open_page


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """One page of one reader."""
    return new_page()


@pytest.fixture
def host() -> Iterator[Host]:
    """A site of somebody else, with an origin of its own."""
    with serve_host() as host:
        yield host
