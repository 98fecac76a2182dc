"""Web Push in a browser: the demo page subscribes, and the service worker shows what is sent.

Headless Chromium reaches no push service of its own: `PushManager.subscribe` ends with an error there. So the page is
given a subscription at a push service of ours, whose key this test holds; what the server sends is opened here and
handed to the browser's service worker by the browser's own debugging interface, as its push service would do it. What
is not seen is the notification as the system draws it, and the click on it.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, Playwright, expect

from tests.bridges.stage import VAPID_KEY, vapid
from tests.fakes.webpush import Browser, FakeWebPush
from tests.stage import Service, short_directory
from tests.waiting import until_now

from .cast import NewPage
from .conftest import WHOLE, launched

PUSH: dict[str, Any] = {
    "TICKER_VAPID_KEY": VAPID_KEY,
    "TICKER_VAPID_SUBJECT": "mailto:ops@news.example",
    "TICKER_PUSH_TRUSTED": "127.0.0.0/8",
}
# What Chromium would get from its push service.
STAND_IN = """
    PushManager.prototype.subscribe = async function (options) {
        if (options.userVisibleOnly !== true) throw new Error('not visible');
        window.asked = [...new Uint8Array(options.applicationServerKey)];
        return { toJSON: () => (SUBSCRIPTION) };
    };
"""


class Far:
    """A push service in a thread of its own, so that it answers while the browser is asked."""

    def __init__(self) -> None:
        self.fake = FakeWebPush(vapid().public)
        self._ready, self._loop = threading.Event(), asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._ready.wait(10)

    def _run(self) -> None:
        async def serve() -> None:
            self._over = asyncio.Event()
            async with self.fake.running():
                self._ready.set()
                await self._over.wait()

        self._loop.run_until_complete(serve())
        self._loop.close()

    def close(self) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Chromium]:
    """One that has notifications."""
    yield from launched(playwright, *WHOLE)


@pytest.fixture
def far() -> Iterator[Far]:
    """The push service."""
    found = Far()
    yield found
    found.close()


@pytest.fixture
def pushing() -> Iterator[Service]:
    """A service that sends Web Push, and waits for nobody."""
    with short_directory() as directory:
        channels = directory / "channels.toml"
        titles = {"en": "Breaking news", "ar": "عاجل", "es": "Última hora"}
        tables = (
            f'[channels.{name}]\ntitle = "{title}"\nlanguage = "{name}"\npush_hold = 0\n'
            for name, title in titles.items()
        )
        channels.write_text("".join(tables), encoding="utf-8")
        service = Service(directory, "--channels", str(channels), **PUSH)
        service.start()
        try:
            yield service
        finally:
            service.end()


def shown(page: Page) -> list[dict[str, Any]]:
    """The notifications that the service worker shows."""
    found: list[dict[str, Any]] = page.evaluate(
        """async () => {
            const registration = await navigator.serviceWorker.getRegistration('/push/v1/');
            const notifications = await registration.getNotifications();
            return notifications.map(({ title, body, tag, lang, dir, silent, data }) =>
                ({ title, body, tag, lang, dir, silent, version: data.version, url: data.url }));
        }"""
    )
    return found


def subscribed(page: Page, browser: Browser, url: str) -> Callable[[dict[str, Any]], None]:
    """Press the button; then what is sent can be delivered."""
    page.context.grant_permissions(["notifications"], origin=url)
    page.add_init_script(STAND_IN.replace("SUBSCRIPTION", json.dumps(browser.subscription())))
    devtools = page.context.new_cdp_session(page)
    versions: list[dict[str, Any]] = []
    devtools.on("ServiceWorker.workerRegistrationUpdated", lambda told: versions.extend(told["registrations"]))
    devtools.send("ServiceWorker.enable")
    page.goto(url)
    section = page.locator("#push")
    section.get_by_role("button").click()
    expect(section.locator("output")).to_have_text("This browser is told of new alerts.")

    def deliver(told: dict[str, Any]) -> None:
        (registration,) = {found["registrationId"] for found in versions if found["scopeURL"].endswith("/push/v1/")}
        message = {"origin": url, "registrationId": registration, "data": json.dumps(told)}
        devtools.send("ServiceWorker.deliverPushMessage", message)

    return deliver


def test_an_alert_its_correction_and_its_withdrawal_are_one_notification(
    pushing: Service, far: Far, new_page: NewPage
) -> None:
    """From the button on the demo page to the withdrawn text, each replacing the one before."""
    page, browser = new_page(), far.fake.browser()
    deliver = subscribed(page, browser, pushing.url)
    assert vapid().public.startswith("B")
    assert [4, 65] == [page.evaluate("asked[0]"), page.evaluate("asked.length")]

    item = pushing.post("en", "17 are safe", urgency=1, link="https://news.example/1")["item"]["id"]
    until_now(lambda: len(far.fake.opened) == 1, "the alert to be sent")
    deliver(far.fake.opened[0])
    until_now(lambda: 1 == len(shown(page)), "the alert to be shown")
    (first,) = shown(page)
    assert ("Breaking news", "17 are safe", item, "en", "ltr", False, 1, "https://news.example/1") == tuple(
        first[name] for name in ("title", "body", "tag", "lang", "dir", "silent", "version", "url")
    )

    change = {"signal": "correction", "headline": "19 are safe", "correction_note": "19, not 17"}
    headers = {"Authorization": f"Bearer {pushing.key}", "If-Match": "*"}
    answer = page.request.patch(f"{pushing.url}/v1/channels/en/items/{item}", data=change, headers=headers)
    assert 200 == answer.status
    until_now(lambda: len(far.fake.opened) == 2, "the correction to be sent")
    deliver(far.fake.opened[1])
    until_now(lambda: [2] == [found["version"] for found in shown(page)], "the correction to be shown")
    assert ["19 are safe"] == [found["body"] for found in shown(page)]

    pushing.retract("en", item, "It was a drill")
    until_now(lambda: len(far.fake.opened) == 3, "the withdrawal to be sent")
    deliver(far.fake.opened[2])
    until_now(lambda: [3] == [found["version"] for found in shown(page)], "the withdrawal to be shown")
    (last,) = shown(page)
    assert ("Alert withdrawn: It was a drill", True, None) == (last["body"], last["silent"], last.get("url"))

    # What comes late, or twice, changes nothing.
    deliver(far.fake.opened[0])
    deliver(far.fake.opened[2])
    until_now(lambda: 1 == len(shown(page)), "one notification to stand")
    assert ["Alert withdrawn: It was a drill"] == [found["body"] for found in shown(page)]
    assert [] == far.fake.complaints.told


def test_a_reader_who_has_enough_is_told_nothing_more(pushing: Service, far: Far, new_page: NewPage) -> None:
    """The same button; the next alert is not sent to this browser."""
    page, browser = new_page(), far.fake.browser()
    subscribed(page, browser, pushing.url)
    button = page.locator("#push").get_by_role("button")
    expect(button).to_have_text("Stop alerts")
    button.click()
    expect(page.locator("#push output")).to_have_text("This browser is told of nothing more.")
    expect(button).to_have_text("Get alerts")
    item = pushing.post("en", "nobody is told")["item"]["id"]
    page.wait_for_selector("text=nobody is told")
    status = page.request.get(
        f"{pushing.url}/v1/channels/en/items/{item}/push", headers={"Authorization": f"Bearer {pushing.key}"}
    )
    assert [] == status.json()["pushes"]
    assert [] == far.fake.opened


def test_without_web_push_the_page_does_not_offer_it(newsroom: Service, page: Page) -> None:
    """The section is not shown."""
    page.goto(newsroom.url)
    page.wait_for_load_state("networkidle")
    expect(page.locator("#push")).to_be_hidden()


CASES = [
    ("alert", 1, [], ["show", 1, False, False]),
    ("alert", 1, [1], ["show", 1, False, True]),  # twice
    ("update", 2, [1], ["show", 2, False, True]),
    ("withdraw", 3, [2], ["show", 3, False, True]),
    ("alert", 1, [3], ["show", 3, False, True]),  # late: what stands is shown again, in silence
    ("alert", 2, [1], ["show", 2, True, False]),
    ("clear", 3, [2], ["close"]),
    ("clear", 1, [2], ["show", 2, False, True]),
]


def test_what_stands_after_a_notice(newsroom: Service, page: Page) -> None:
    """A table of cases for the part that needs no service worker."""
    page.goto(newsroom.url)
    for action, version, standing, wanted in CASES:
        found = page.evaluate(
            """async ({ action, version, standing }) => {
                const { decide } = await import('/push/v1/notice.js');
                const told = (action, version) =>
                    ({ action, version, id: 'i', tag: 'i', title: 't', body: 'b', silent: false });
                const next = decide(told(action, version),
                    standing.map((version) => ({ version, told: told('update', version) })));
                return 'close' in next ? ['close'] : ['show', next.show.version, next.renotify, next.silent];
            }""",
            {"action": action, "version": version, "standing": standing},
        )
        assert wanted == found, (action, version, standing)


WRONG = [
    *("", "null", "[]", "{}", '{"action": "alert"}'),
    '{"action":"x","id":"i","tag":"i","version":1,"title":"","body":""}',
    '{"action":"alert","id":"i","tag":"i","version":"1","title":"","body":""}',
]


def test_what_is_no_notice_of_ours_is_passed_over(newsroom: Service, page: Page) -> None:
    """And an address that is not https is not opened."""
    page.goto(newsroom.url)
    script = "async (text) => (await import('/push/v1/notice.js')).parse(text)"
    assert [None] * len(WRONG) == [page.evaluate(script, text) for text in WRONG]
    link = "async (text) => (await import('/push/v1/notice.js')).link(text) ?? null"
    assert page.evaluate(link, "javascript:alert(1)") is None
    assert "https://news.example/" == page.evaluate(link, "https://news.example")
