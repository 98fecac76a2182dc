"""The way out: bounded, without redirects, and never to an inner address, whatever a name says."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from ticker.bridges.guard import Forbidden, Guard
from ticker.bridges.way import MOST_BYTES, Reply, Unreachable, Way

from tests.bridges.stage import guard
from tests.fakes.faults import Fault
from tests.fakes.webhook import FakeWebhook
from tests.stage import free_port

PUBLIC = "93.184.215.14"


class Names:
    """Stands for the resolver of this machine: a name, and what it answers each time it is asked."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int, **_: Any) -> list[Any]:
        self.asked += 1
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]


@pytest.mark.parametrize("addresses", [["10.0.0.1"], [PUBLIC, "127.0.0.1"], ["169.254.169.254"]])
async def test_a_name_that_leads_inside_is_refused(addresses: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when only one of its addresses does."""
    names = Names(addresses)
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", names, raising=False)
    way = Way(guard=Guard())
    with pytest.raises(Forbidden):
        await way.post("https://inner.example/x", {}, b"")
    await way.close()
    assert 1 == names.asked


async def test_what_was_checked_is_what_is_connected_to() -> None:
    """A name is asked for once: one that answers otherwise the second time gains nothing."""
    connected: list[str] = []

    class Watched(Guard):
        async def resolve(self, host: str, port: int) -> list[str]:
            connected.append(host)
            return ["127.0.0.1"]  # as if it were public: nothing else may be connected to

    fake = FakeWebhook("whsec_" + "A" * 32)
    async with fake.running():
        port = fake.url.rpartition(":")[2]
        way = Way(guard=Watched("127.0.0.0/8"))
        # The name has no address at all, so a second look at it would fail.
        way.guard.check = lambda url: None  # type: ignore[union-attr,method-assign]
        reply = await way.post(f"http://rebinding.invalid:{port}/elsewhere", {}, b"{}")
        await way.close()
    assert (307, ["rebinding.invalid"]) == (reply.status, connected)
    assert (1, []) == (fake.requests, fake.ids)


async def test_an_answer_that_does_not_end_is_cut() -> None:
    """No more is read than is of use."""
    fake = FakeWebhook("whsec_" + "A" * 32)
    async with fake.running():
        fake.script.queue.append(Fault(200, b"x" * (MOST_BYTES * 20)))
        way = Way(guard=guard())
        reply = await way.post(f"{fake.url}/hook", {}, b"{}")
        await way.close()
    assert MOST_BYTES == len(reply.body)


async def test_who_does_not_answer_is_left() -> None:
    """It may have been taken; where there was no connection it was not."""
    fake = FakeWebhook("whsec_" + "A" * 32)
    async with fake.running():
        fake.script.queue.append(Fault(0))
        way = Way(guard=guard(), answer=0.2)
        with pytest.raises(Unreachable) as silent:
            await way.post(f"{fake.url}/hook", {}, b"{}")
        with pytest.raises(Unreachable) as nobody:
            await way.post(f"http://127.0.0.1:{free_port()}/hook", {}, b"{}")
        await way.close()
    assert (True, False) == (silent.value.unknown, nobody.value.unknown)


@pytest.mark.parametrize(
    ("told", "seconds"), [("7", 7.0), ("0", 0.0), ("999999", 3600.0), ("", None), ("soon", None), ("-1", None)]
)
def test_how_long_it_asks_to_wait(told: str, seconds: float | None) -> None:
    """In seconds, within reason; else as long as we think."""
    assert seconds == Reply(429, {"retry-after": told}, b"").after


def test_a_moment_to_wait_for_is_one_too() -> None:
    """RFC 9110, 10.2.3; what lies behind is now."""
    assert 0.0 == Reply(429, {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, b"").after
