"""A key that is revoked is worth nothing from then on, on a line that is open already as well."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from ticker.wire import CloseCode
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from tests.stage import PLAIN, Service, entries, frame
from tests.terminal import ticker

SECONDS = 5
ITEMS = "/v1/channels/en/items"


def line(service: Service, path: str = "live", headers: dict[str, str] | None = None) -> connect:
    """A line of `en` with these headers."""
    url = f"{service.url.replace('http', 'ws')}/v1/channels/en/{path}"
    return connect(url, additional_headers=headers, proxy=None)


async def ended(stream: ClientConnection) -> tuple[int, str]:
    """How the other side closes the line."""
    await stream.wait_closed()
    return stream.close_code or 0, stream.close_reason or ""


async def test_f24_a_revoked_key_ends_its_lines_and_its_sessions_and_nobody_elses(service: Service) -> None:
    """`ticker keys revoke` while the desk is open: closed within five seconds, told why, and refused from then on."""

    def command(*arguments: str) -> Any:
        ran = ticker("keys", *arguments, "--data", str(service.data), url=service.url)
        assert ran.status == 0, ran.err
        return ran

    made = command("create", "ann", "--scope", "read", "--scope", "publish")
    key = {"Authorization": f"Bearer {made.out.strip()}"}
    other = {"Authorization": f"Bearer {command('create', 'bea', '--scope', 'read').out.strip()}"}
    async with httpx.AsyncClient(base_url=service.url, **PLAIN) as http:
        begun = await http.post("/v1/session", json={"key": made.out.strip()})
        session = {"Cookie": begun.headers["Set-Cookie"].partition(";")[0], "Origin": service.url}
        http.cookies.clear()
        item = (await http.post(ITEMS, json={"headline": "The first"}, headers=key)).json()["item"]
        async with (
            line(service, headers=key) as live,
            line(service, "desk", key) as desk,
            line(service, "desk", session) as logged_in,
            line(service, "desk", other) as colleague,
            line(service) as public,
        ):
            for stream in (live, desk, logged_in, colleague, public):
                assert ["The first"] == [shown["headline"] for shown in (await frame(stream))["items"]]
            command("revoke", made.err.splitlines()[-1].split()[0])
            expected = (int(CloseCode.REVOKED), "the key has ended")
            async with asyncio.timeout(SECONDS):
                assert [expected] * 3 == [await ended(stream) for stream in (live, desk, logged_in)]

            for headers in (key, session):
                for method, path in (
                    ("GET", "/v1/session"),
                    ("GET", "/v1/channels/en/queue"),
                    ("GET", f"{ITEMS}/{item['id']}/versions"),
                    ("POST", ITEMS),
                    ("POST", f"{ITEMS}/{item['id']}/approve"),
                ):
                    answer = await http.request(method, path, json={"headline": "No more"}, headers=headers)
                    assert 401 == answer.status_code, (method, path)
                for path in ("desk", "live") if headers is key else ("desk",):
                    with pytest.raises(InvalidStatus) as refused:
                        await line(service, path, headers)
                    assert 401 == refused.value.response.status_code

            service.post("en", "The second")
            for stream in (public, colleague):
                assert "The second" == (await entries(stream, 1))[0]["item"]["headline"]
