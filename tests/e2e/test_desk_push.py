"""What the desk shows of phones: how many were told, by what became of it, from the provider's own answers."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import expect

from tests.fakes.webhook import FakeWebhook
from tests.stage import AUTHORIZED

from .cast import NewPage
from .newsdesk import SOON, Beside, Desk, Newsroom, newsroom


@pytest.fixture(scope="module")
def room() -> Iterator[Newsroom]:
    """A newsroom whose alerts go to webhooks on this machine."""
    with newsroom(TICKER_WEBHOOKS="1", TICKER_PUSH_TRUSTED="127.0.0.0/8") as room:
        yield room


@pytest.fixture
def machine(room: Newsroom) -> Iterator[FakeWebhook]:
    """Somebody's machine, which listens at one address, and has moved from another."""
    with Beside() as beside:
        machine = FakeWebhook("")
        running = machine.running()
        beside.run(running.__aenter__())
        for path in ("/elsewhere", "/hook"):
            body = {"provider": "webhook", "address": machine.url + path}
            answer = httpx.post(f"{room.url}/v1/channels/es/targets", json=body, headers=AUTHORIZED, trust_env=False)
            assert answer.is_success, answer.text
            (machine.secret,) = answer.json()["secrets"]
        yield machine
        beside.run(running.__aexit__(None, None, None))


def test_what_became_of_a_push_is_counted_by_outcome(room: Newsroom, new_page: NewPage, machine: FakeWebhook) -> None:
    """As the service counts it: with what was sent last, and in the row of the item by provider."""
    desk = Desk(new_page(locale="en-US"), room.url).enter(room.key)
    desk.channel("es")
    desk.post("Reuters: El puente está abierto")
    row = desk.row("El puente está abierto")
    expect(desk.sent.locator(".phones .push")).to_have_text("Phones: 1 accepted · 1 failed", timeout=SOON)
    row.locator(".head").click()
    expect(row.locator(".details")).to_contain_text("webhook: 1 accepted · 1 failed", timeout=SOON)
    (told,) = machine.told
    assert "Reuters: El puente está abierto" == told["data"]["body"]
    assert [] == machine.complaints.told
    (made,) = room.published("El puente está abierto", "es")
    (counted,) = room.ask(f"/v1/channels/es/items/{made['after']['id']}/push")["pushes"]
    assert {"accepted": 1, "dead_lettered": 1} == counted["outcomes"]


def test_a_push_waits_for_its_time_and_is_stopped_until_then(room: Newsroom, new_page: NewPage) -> None:
    """The web goes on showing the alert; nobody's phone was told."""
    body = {"provider": "webhook", "address": "http://127.0.0.1:9/never"}
    answer = httpx.post(f"{room.url}/v1/channels/two/targets", json=body, headers=AUTHORIZED, trust_env=False)
    assert answer.is_success, answer.text
    desk = Desk(new_page(locale="en-US"), room.url).enter(room.key)
    desk.channel("two")
    desk.post("The tunnel is open")
    expect(desk.sent).to_contain_text("The push leaves in")
    row = desk.row("The tunnel is open")
    row.locator(".head").click()
    expect(row.locator(".details")).to_contain_text("v1 · webhook: 1 waiting", timeout=SOON)
    desk.sent.locator("button.undo").click()
    expect(desk.page.locator(".notice.good")).to_contain_text("The push was stopped", timeout=SOON)
    expect(desk.sent.locator("button.undo")).to_be_hidden()
    expect(desk.sent.locator(".phones .push")).to_have_text("No push")
    expect(row.locator(".details")).not_to_contain_text("webhook", timeout=SOON)
    (made,) = room.published("The tunnel is open", "two")
    assert "push_at" not in room.ask(f"/v1/channels/two/items/{made['after']['id']}")
