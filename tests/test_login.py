"""Sessions over HTTP: a key once, and then a cookie that no page can read and no other site can use."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest
from ticker.auth import Keyring
from ticker.session import COOKIE, LIFE_SECONDS
from ticker.store import Store

from tests.desk import CHANNEL, ITEMS, editor, problem
from tests.stage import KEY, PLAIN, Stage, running

LOGIN = "/v1/session"


def browser(stage: Stage) -> httpx.AsyncClient:
    """A page of ours: no key in a header, cookies kept, its origin told."""
    return httpx.AsyncClient(base_url=stage.url, headers={"Origin": stage.url}, **PLAIN)


async def logged_in(page: httpx.AsyncClient, key: str = KEY) -> Any:
    """Log in; what is told of the key."""
    answer = await page.post(LOGIN, json={"key": key})
    assert 200 == answer.status_code, answer.text
    return answer.json()


async def test_a_key_becomes_a_cookie_that_no_script_can_read(stage: Stage) -> None:
    """HttpOnly, for this site only, for a shift and a half; the answer says who it is and never the key."""
    async with browser(stage) as page:
        answer = await page.post(LOGIN, json={"key": KEY})
        told = answer.headers["Set-Cookie"]
        assert f"{COOKIE}=" in told
        for attribute in ("HttpOnly", "SameSite=strict", "Path=/", f"Max-Age={LIFE_SECONDS}"):
            assert attribute in told
        assert "Secure" not in told
        assert KEY not in answer.text + told
        assert "no-store" == answer.headers["Cache-Control"]
        assert {"id": "bootstrap", "name": "bootstrap"} == answer.json()["key"]
        assert ["en", "ar", "es"] == answer.json()["channels"]
        assert answer.json() == (await page.get(LOGIN)).json()
        posted = await page.post(ITEMS, json={"headline": "By a session"})
        assert 201 == posted.status_code


async def test_under_https_the_cookie_never_travels_without_it(store: Store, valkey: str) -> None:
    """Secure, when the public address says so: TLS ends at the proxy."""
    async with running(valkey, public_url="https://news.example") as stage, browser(stage) as page:
        assert "Secure" in (await page.post(LOGIN, json={"key": KEY})).headers["Set-Cookie"]


async def test_a_session_may_what_its_key_may(stage: Stage, store: Store) -> None:
    """Scopes and channels are told, and held."""
    token, _ = await Keyring(store).create("the editor of ar", ("publish", "read"), ("ar",))
    async with browser(stage) as page:
        told = await logged_in(page, token)
        assert (["publish", "read"], ["ar"]) == (told["scopes"], told["channels"])
        assert 201 == (await page.post("/v1/channels/ar/items", json={"headline": "خبر"})).status_code
        assert (403, "forbidden") == problem(await page.post(ITEMS, json={"headline": "x"}))[:2]


async def test_who_logs_out_is_out(stage: Stage) -> None:
    """The cookie is taken back, and is worth nothing to whoever kept it."""
    async with browser(stage) as page:
        await logged_in(page)
        kept = page.cookies[COOKIE]
        assert 204 == (await page.delete(LOGIN)).status_code
        assert COOKIE not in page.cookies
        answer = await page.get(LOGIN, headers={"Cookie": f"{COOKIE}={kept}"})
        assert (401, "unauthorized") == problem(answer)[:2]
        assert (401, "unauthorized") == problem(await page.delete(LOGIN))[:2]


async def test_a_revoked_key_ends_its_sessions(stage: Stage, store: Store) -> None:
    """From the next request on."""
    keyring = Keyring(store)
    token, key = await keyring.create("the editor of en", ("publish",))
    async with browser(stage) as page:
        await logged_in(page, token)
        await keyring.revoke(key.id)
        assert (401, "unauthorized") == problem(await page.post(ITEMS, json={"headline": "x"}))[:2]
        assert (401, "unauthorized") == problem(await page.get(LOGIN))[:2]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://[broken"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
async def test_a_page_of_another_site_cannot_use_a_session(stage: Stage, headers: dict[str, str]) -> None:
    """Neither to post, nor to log out, nor to log somebody in; what it sends is not taken."""
    async with browser(stage) as page:
        await logged_in(page)
        if "Origin" not in headers:
            del page.headers["Origin"]
        for answer in (
            await page.post(ITEMS, json={"headline": "x"}, headers=headers),
            await page.delete(LOGIN, headers=headers),
            await page.post(LOGIN, json={"key": KEY}, headers=headers),
        ):
            assert (403, "foreign-origin", None) == problem(answer)
        assert 200 == (await page.get(LOGIN)).status_code
        assert [] == await stage.window()


async def test_wrong_keys_are_counted_by_address_and_right_ones_go_on(store: Store, valkey: str) -> None:
    """After the limit 429 with Retry-After; the newsroom behind the same address is not shut out."""
    async with running(valkey, address_limit=5) as stage, browser(stage) as page:
        statuses = [(await page.post(LOGIN, json={"key": f"wrong {n}"})).status_code for n in range(12)]
        # The minute may turn once meanwhile.
        assert 401 == statuses[0]
        assert 429 in statuses
        refused = await page.post(ITEMS, json={"headline": "x"}, headers={"Authorization": "Bearer wrong"})
        if refused.status_code == 429:
            assert 1 <= int(refused.headers["Retry-After"]) <= 60
        await logged_in(page)
        assert 201 == (await page.post(ITEMS, json={"headline": "x"})).status_code


async def test_a_forwarded_address_counts_only_from_a_named_proxy(store: Store, valkey: str) -> None:
    """Whoever makes one up is counted as who he is."""
    for proxies, expected in (("127.0.0.1", {401}), ("", {401, 429})):
        async with running(valkey, address_limit=3, proxies=proxies) as stage, browser(stage) as page:
            found = [
                await page.post(LOGIN, json={"key": "wrong"}, headers={"X-Forwarded-For": f"192.0.2.{n}"})
                for n in range(10)
            ]
            assert expected == {answer.status_code for answer in found}


async def test_neither_keys_nor_cookies_are_logged(store: Store, valkey: str, caplog: pytest.LogCaptureFixture) -> None:
    """At the finest level, through login, use, refusal and logout."""
    caplog.set_level(logging.DEBUG)
    token, _ = await Keyring(store).create("the editor of en", ("publish",))
    async with running(valkey) as stage, browser(stage) as page:
        await logged_in(page, token)
        cookie = page.cookies[COOKIE]
        await page.post(ITEMS, json={"headline": "x"})
        await page.post(f"{CHANNEL}/items/none/pin")
        await page.delete(LOGIN)
    for secret in (token, token.rsplit("_", 1)[1], cookie):
        ours = [record for record in caplog.records if record.name.startswith(("ticker", "uvicorn"))]
        assert not any(secret in record.getMessage() for record in ours)


async def test_without_a_session_nobody_is_anybody(stage: Stage, store: Store) -> None:
    """No cookie, a made-up one, one that is far too long: 401; a key in the header needs none."""
    async with browser(stage) as page:
        assert (401, "unauthorized") == problem(await page.get(LOGIN))[:2]
        for made_up in ("x", "x" * 101, "x" * 4000):
            answer = await page.get(LOGIN, headers={"Cookie": f"{COOKIE}={made_up}"})
            assert (401, "unauthorized") == problem(answer)[:2]
        whoever = await editor(store, "a reader", "read")
        assert ["read"] == (await page.get(LOGIN, headers=whoever)).json()["scopes"]
