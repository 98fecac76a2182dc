"""The phones behind the fakes: they have to see what goes wrong, or no test in front of them means anything."""

from __future__ import annotations

import random
import signal
import subprocess
import sys

from tests.fakes.phone import Mailbox, Phone, Waiting
from tests.waiting import until_now


def notice(version: int, action: str = "alert", until: float = 100.0) -> Waiting:
    """A notice of one item."""
    return Waiting(until, {"id": "item", "version": version, "action": action}, f"text {version}", action == "alert")


def test_a_phone_shows_the_newest_version_once_and_rings_once() -> None:
    """What comes twice or late changes nothing, and is noted."""
    phone = Phone()
    for version in (1, 1, 3, 2):
        told = notice(version)
        phone.take(told.told, told.body, sound=told.sound)
    assert ("text 3", [1, 1, 3, 2]) == (phone.shown["item"].body, [version for _, version in phone.taken])
    assert [("item", 1), ("item", 3)] == phone.rung


def test_what_was_cleared_does_not_come_back() -> None:
    """Not even with an older version that comes late."""
    phone = Phone()
    for told in (notice(1), notice(3, "clear"), notice(2)):
        phone.take(told.told, told.body, sound=told.sound)
    assert {} == phone.shown


def test_a_phone_that_is_away_gets_the_last_of_each_key_and_nothing_that_is_over() -> None:
    """As long as the ttl says, by the provider's clock."""
    now = [0.0]
    mailbox = Mailbox(lambda: now[0])
    mailbox.online = False
    mailbox.put(notice(1), "item")
    mailbox.put(notice(2), "item")
    mailbox.put(notice(9, until=10.0), "other")
    now[0] = 50.0
    mailbox.come_back()
    assert [("item", 2)] == mailbox.phone.taken


def test_without_an_order_what_waits_comes_in_any() -> None:
    """Some of these come out of turn."""
    mailbox = Mailbox(lambda: 0.0, random.Random(1))
    mailbox.online = False
    for version in range(1, 9):
        mailbox.put(notice(version))
    mailbox.come_back()
    versions = [version for _, version in mailbox.phone.taken]
    assert versions != sorted(versions)
    assert list(range(1, 9)) == sorted(versions)


def test_the_fakes_can_be_started_by_hand() -> None:
    """They print the settings to use and what is to be registered, and end when told to."""
    command = [sys.executable, "-m", "tests.fakes", "--browsers", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = ""
        while said.count('"endpoint"') < 2:
            line = process.stdout.readline()
            assert line, said
            said += line
        process.send_signal(signal.SIGTERM)
        until_now(lambda: process.poll() is not None, "the fakes to end")
    assert 0 == process.returncode
    for variable in ("TICKER_FCM_CREDENTIALS_FILE", "TICKER_APNS_KEY_FILE", "TICKER_VAPID_KEY", "TICKER_WEBHOOKS"):
        assert variable in said
