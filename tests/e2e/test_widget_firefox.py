"""What may differ in Firefox: the sheet, the list, the line that runs, locks between tabs, the policy of the host."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from .bidi import Firefox, running
from .cast import Service
from .host import Host

FIREFOX = ("firefox-esr", "firefox")
TAKEOVER_SECONDS = 2.0
SHADOW = "document.querySelector('breaking-ticker').shadowRoot"
TEXTS = f"[...{SHADOW}.querySelectorAll('ul[role] .text')].map((node) => node.textContent)"


@pytest.fixture(scope="module")
def firefox() -> Iterator[Firefox]:
    """The system's Firefox."""
    program = next(filter(None, map(shutil.which, FIREFOX)), None)
    if program is None:
        reason = "no Firefox on this machine; `make test` installs one"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with running(program) as firefox:
        yield firefox


def test_firefox_shows_pauses_and_takes_back(newsroom: Service, host: Host, firefox: Firefox) -> None:
    """In each mode, under the strict policy: live, in the channel's direction, paused and on again, retracted."""
    tab = firefox.tab()
    for mode in ("rotate", "scroll", "list", "toast"):
        wrong = newsroom.post("ar", f"خبر خاطئ {mode}", attribution="Reuters")["item"]["id"]
        host.prepare(newsroom, f'<breaking-ticker channel="ar" mode="{mode}"></breaking-ticker>')
        tab.go(host.url)
        tab.until("document.querySelector('breaking-ticker').status", "live")
        tab.until(f"{TEXTS}[0]", f"Reuters: خبر خاطئ {mode}")
        assert "rtl" == tab.value(f"getComputedStyle({SHADOW}.querySelector('section')).direction")
        assert "rgb(196, 18, 47)" == tab.value(f"getComputedStyle({SHADOW}.querySelector('.label')).backgroundColor")
        if mode == "scroll":
            tab.until(f"{SHADOW}.querySelector('.track').getAnimations()[0].currentTime > 200", True)
        tab.value(f"{SHADOW}.querySelector('.pause').click()")
        newsroom.post("ar", f"خبر جديد {mode}")
        tab.until("document.querySelector('breaking-ticker').waiting", 1)
        assert f"Reuters: خبر خاطئ {mode}" == tab.value(f"{TEXTS}[0]")
        tab.value(f"{SHADOW}.querySelector('.pause').click()")
        tab.until(f"{TEXTS}[0]", f"خبر جديد {mode}")
        newsroom.retract("ar", wrong, "Posted in error")
        tab.until(f"{TEXTS}.some((text) => text.includes('خاطئ'))", False)
    tab.close()


def test_firefox_tabs_share_a_line(newsroom: Service, host: Host, firefox: Firefox) -> None:
    """The tab that has it is closed: another takes over within two seconds, and nothing is lost."""
    host.prepare(newsroom, '<breaking-ticker channel="es" mode="list"></breaking-ticker>')
    tabs = [firefox.tab() for _ in range(5)]
    for tab in tabs:
        tab.go(host.url)
        tab.until("document.querySelector('breaking-ticker').status", "live")
    held = """navigator.locks.query().then(({ held, pending }) => [held, pending].map((locks) =>
        locks.filter(({ name }) => name.includes('"es"')).length))"""
    tabs[-1].until(held, [1, 4])
    tabs[0].close()
    newsroom.post("es", "Durante el relevo")
    for tab in tabs[1:]:
        tab.until(f"{TEXTS}[0]", "Durante el relevo", TAKEOVER_SECONDS)
    tabs[-1].until(held, [1, 3])
    for tab in tabs[1:]:
        tab.close()
