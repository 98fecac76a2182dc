"""Who sends a request: a key in its header, or the session that stands for one; and how often one may guess."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import HTTPConnection
from ticker.address import Proxies
from ticker.admission import Admission, given, own_page
from ticker.auth import Key, Keyring
from ticker.errors import ForeignOrigin, RateLimited, Unauthorized
from ticker.limit import Limit
from ticker.session import COOKIE, Sessions
from ticker.store import Store

OURS = {"Host": "news.example:8000", "Origin": "https://news.example:8000"}
THEIRS = {"Host": "news.example:8000", "Origin": "https://evil.example"}


def connection(
    headers: dict[str, str], method: str | None = "GET", client: tuple[str, int] | None = ("192.0.2.1", 5)
) -> HTTPConnection:
    """A request with these headers; without a method, an upgrade to WebSocket."""
    scope = {
        "type": "websocket" if method is None else "http",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
        "client": client,
    }
    return HTTPConnection(scope if method is None else {**scope, "method": method})


class Doors:
    """An admission with everything that it needs, and somebody who may enter."""

    def __init__(self, store: Store, tries: int = 0, proxies: str = "") -> None:
        self.keyring = Keyring(store, rate=1)
        self.sessions = Sessions(store, self.keyring)
        self.admission = Admission(self.keyring, self.sessions, Limit(tries), Proxies.parse(proxies))

    async def editor(self) -> tuple[Key, dict[str, str], dict[str, str]]:
        """A key, and the headers that bring it or a session of it."""
        token, key = await self.keyring.create("Amal", ("publish",))
        return key, {"Authorization": f"Bearer {token}"}, {"Cookie": f"{COOKIE}={await self.sessions.begin(key)}"}


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PATCH", "DELETE", None])
async def test_a_key_in_the_header_is_taken_from_wherever_it_comes(store: Store, method: str | None) -> None:
    """No browser adds it by itself, so no page of another site can make one send it."""
    doors = Doors(store)
    key, by_key, _ = await doors.editor()
    for headers in (by_key, {**by_key, **OURS}, {**by_key, **THEIRS}, {**by_key, "Sec-Fetch-Site": "cross-site"}):
        assert key == await doors.admission.key(connection(headers, method))


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "PUT", None])
async def test_a_session_is_taken_from_our_own_pages_alone(store: Store, method: str | None) -> None:
    """For whatever changes something, and for the live line; the browser sends the cookie for whoever asks."""
    doors = Doors(store)
    key, _, session = await doors.editor()
    assert key == await doors.admission.key(connection({**session, **OURS}, method))
    for headers in (THEIRS, {**OURS, "Host": "other.example"}, {"Sec-Fetch-Site": "cross-site"}):
        with pytest.raises(ForeignOrigin):
            await doors.admission.key(connection({**session, **headers}, method))


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_session_may_look_from_wherever_it_comes(store: Store, method: str) -> None:
    """What is looked at, no page of another site can read."""
    doors = Doors(store)
    key, _, session = await doors.editor()
    assert key == await doors.admission.key(connection({**session, **THEIRS}, method))


async def test_a_key_counts_before_a_session(store: Store) -> None:
    """A wrong one too: whoever says who he is, is held to it."""
    doors = Doors(store)
    _, _, session = await doors.editor()
    other, by_key, _ = await doors.editor()
    assert other == await doors.admission.key(connection({**session, **by_key}))
    for wrong in ("Bearer wrong", "", "Basic eDp5", "Bearer \xff"):
        with pytest.raises(Unauthorized):
            await doors.admission.key(connection({**session, "Authorization": wrong}))


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({}, True),
        ({"Host": "news.example"}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Host": "news.example", "Origin": "https://news.example"}, True),
        ({"Host": "News.Example", "Origin": "https://news.example"}, True),
        ({"Host": "news.example:8000", "Origin": "http://news.example:8000"}, True),
        ({"Host": "news.example", "Origin": "https://news.example:8443"}, False),
        ({"Host": "news.example", "Origin": "https://news.example.evil.example"}, False),
        ({"Host": "news.example", "Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, False),
        ({"Host": "news.example", "Origin": "null"}, False),
        ({"Host": "", "Origin": "null"}, False),
        ({"Host": "news.example", "Origin": ""}, False),
        ({"Host": "[::1", "Origin": "http://[::1"}, False),
        ({"Host": "[::1]:8000", "Origin": "http://[::1]:8000"}, True),
        ({"Origin": "https://news.example"}, False),
    ],
    ids=str,
)
def test_which_page_is_ours(headers: dict[str, str], taken: bool) -> None:
    """The one whose host and port are those that were asked; who is no browser tells neither."""
    asked = connection(headers, "POST").headers
    if taken:
        own_page(asked)
    else:
        with pytest.raises(ForeignOrigin):
            own_page(asked)


async def test_who_brings_no_valid_key_is_counted_and_who_does_is_not(store: Store) -> None:
    """Whatever is wrong with it; after the limit the refusal is another, and a right key still opens the door."""
    doors = Doors(store, tries=4)
    key, by_key, session = await doors.editor()
    for wrong in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": f"{COOKIE}=wrong"}):
        with pytest.raises(Unauthorized):
            await doors.admission.key(connection(wrong))
    for _ in range(10):
        assert key == await doors.admission.key(connection(by_key))
        assert key == await doors.admission.key(connection(session))
    with pytest.raises(Unauthorized):
        await doors.admission.prove(connection(OURS, "POST"), "wrong")
    for guess in (doors.admission.key(connection({})), doors.admission.prove(connection(OURS, "POST"), "wrong")):
        with pytest.raises(RateLimited) as refused:
            await guess
        assert refused.value.retry_after is not None
    assert key == await doors.admission.key(connection(by_key))
    # Somebody else's address has tries of its own.
    with pytest.raises(Unauthorized):
        await doors.admission.key(connection({}, client=("192.0.2.2", 5)))


async def test_a_login_is_taken_from_our_own_pages_alone(store: Store) -> None:
    """Another site must not log somebody in under a name that is not his."""
    doors = Doors(store)
    key, by_key, _ = await doors.editor()
    token = by_key["Authorization"].removeprefix("Bearer ")
    assert key == await doors.admission.prove(connection(OURS, "POST"), token)
    assert key == await doors.admission.prove(connection({}, "POST"), token)
    with pytest.raises(ForeignOrigin):
        await doors.admission.prove(connection(THEIRS, "POST"), token)


async def test_an_act_is_counted_for_its_key(store: Store) -> None:
    """One a minute here; of five at most two are taken, should the minute turn meanwhile."""
    doors = Doors(store)
    key, _, _ = await doors.editor()
    outcomes = [await asyncio.gather(doors.admission.spend(key), return_exceptions=True) for _ in range(5)]
    assert outcomes[0][0] is None
    assert sum(isinstance(outcome, RateLimited) for (outcome,) in outcomes) >= 3


async def test_keys_that_have_ended_are_told_apart(store: Store) -> None:
    """Revoked, over, or never there; one that is given from outside does not end."""
    doors = Doors(store)
    alive, _, _ = await doors.editor()
    revoked, _, _ = await doors.editor()
    _, over = await doors.keyring.create("Luis", ("publish",), lifetime=-1)
    await doors.keyring.revoke(revoked.id)
    ids = [alive.id, revoked.id, over.id, "nobody", "bootstrap"]
    assert {revoked.id, over.id, "nobody"} == await doors.admission.ended(ids)
    assert set() == await doors.admission.ended(["bootstrap"]) == await doors.admission.ended([])


@pytest.mark.parametrize(
    ("client", "forwarded", "proxies", "counted"),
    [
        (("192.0.2.1", 5), "", "", "192.0.2.1"),
        (("192.0.2.1", 5), "198.51.100.7", "", "192.0.2.1"),
        (("192.0.2.1", 5), "198.51.100.7", "192.0.2.0/24", "198.51.100.7"),
        (("2001:db8:1:2:3:4:5:6", 5), "", "", "2001:db8:1:2::/64"),
        (("192.0.2.1", 5), "2001:db8::1", "192.0.2.1", "2001:db8::/64"),
        (None, "198.51.100.7", "192.0.2.1", ""),
    ],
    ids=["peer", "made up", "by a proxy", "IPv6", "IPv6 by a proxy", "Unix socket"],
)
async def test_whom_a_request_is_counted_for(
    store: Store, client: tuple[str, int] | None, forwarded: str, proxies: str, counted: str
) -> None:
    """The client, or his network; a header is believed when a proxy of ours has sent it."""
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    asked = connection(headers, client=client)
    assert counted == Doors(store, proxies=proxies).admission.address(asked)


@pytest.mark.parametrize(
    ("headers", "brings"),
    [
        ({}, False),
        ({"Cookie": "other=1"}, False),
        ({"Cookie": f"{COOKIE}=x"}, True),
        ({"Authorization": ""}, True),
        ({"authorization": "Bearer x"}, True),
    ],
    ids=str,
)
def test_whether_a_request_says_who_it_is(headers: dict[str, str], brings: bool) -> None:
    """By a header or by our cookie, whatever stands in it."""
    assert brings == given(connection(headers))
