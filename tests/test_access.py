"""What is told of a request: the id that it has from end to end, and the log of who asked for what."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from ticker import logs
from ticker.access import HEADER
from ticker.store import Store

from tests.desk import ITEMS, sent
from tests.stage import KEY, PLAIN, Stage, frame, running
from tests.test_logs import HOSTILE


class Said(logging.Handler):
    """What was logged, as a program reads it."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logs.Json())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.lines.append(self.format(record))

    def told(self, logger: str = "ticker.access") -> list[dict[str, Any]]:
        """The records of one logger."""
        return [found for found in map(json.loads, self.lines) if found["logger"] == logger]


@pytest.fixture
def said() -> Iterator[Said]:
    """Everything that is logged meanwhile."""
    handler, root = Said(), logging.getLogger()
    before = root.level
    root.addHandler(handler)
    logging.getLogger("ticker").setLevel(logging.INFO)
    yield handler
    root.removeHandler(handler)
    root.setLevel(before)
    logging.getLogger("ticker").setLevel(logging.NOTSET)


async def test_a_request_keeps_the_id_that_it_came_with(stage: Stage) -> None:
    """In the answer's header, and in a refusal also in its document."""
    answer = await sent(stage, {"headline": "x"}, **{HEADER: "edge-7:4711"})
    assert "edge-7:4711" == answer.headers[HEADER]
    refused = await sent(stage, {}, **{HEADER: "edge-7:4712"})
    assert ("edge-7:4712", "edge-7:4712") == (refused.headers[HEADER], refused.json()["request_id"])


@pytest.mark.parametrize("given", ["", "two words", "x" * 129, 'a"b', "<b>", "\u00e9".encode("latin-1")])
async def test_an_id_that_is_none_is_not_taken(stage: Stage, given: str | bytes) -> None:
    """One is made instead, another for each request."""
    raw = given if isinstance(given, bytes) else given.encode()
    answers = [await stage.http.get("/health/live", headers=[(HEADER.encode(), raw)]) for _ in range(2)]
    made = {answer.headers[HEADER] for answer in answers}
    assert 2 == len(made)
    assert all(len(found) == 32 and set(found) <= set("0123456789abcdef") for found in made)


async def test_two_ids_are_none(stage: Stage) -> None:
    """Nobody says which of them counts."""
    answer = await stage.http.get("/health/live", headers=[(HEADER, "one"), (HEADER, "two")])
    assert answer.headers[HEADER] not in ("one", "two")


async def test_what_a_cache_may_keep_has_no_id(stage: Stage) -> None:
    """It would be that of somebody else."""
    for path in (ITEMS, "/v1/channels", "/widget/v1/breaking-ticker.js"):
        answer = await stage.http.get(path, headers={HEADER: "one"})
        assert "public" in answer.headers["Cache-Control"]
        assert HEADER not in answer.headers


async def test_a_fault_of_ours_has_an_id_under_which_the_log_tells_of_it(store: Store, valkey: str, said: Said) -> None:
    """The editor names the id, and the operator finds the trace."""
    async with running(valkey, access_log=True) as stage:
        await store.redis.hset("{ticker:en}:items", "broken", "no json")
        answer = await stage.http.get(f"{ITEMS}/broken", headers={HEADER: "r-9"})
    assert (500, "r-9", "r-9") == (answer.status_code, answer.headers[HEADER], answer.json()["request_id"])
    (fault,) = said.told("uvicorn.error")
    assert ("r-9", True) == (fault["request_id"], "ValidationError" in fault["exception"])
    assert (500, "r-9") == (said.told()[-1]["status"], said.told()[-1]["request_id"])


async def test_each_request_is_one_record_that_says_about_what_it_was(valkey: str, store: Store, said: Said) -> None:
    """Method, address, answer, time, client; channel and item where there are such."""
    async with running(valkey, access_log=True) as stage:
        said.lines.clear()
        posted = (await sent(stage, {"headline": "x"}, **{HEADER: "r-1"})).json()
        await stage.retract(posted["item"]["id"])
        await stage.http.get("/nowhere")
        first, second, third = said.told()
    assert ("POST", ITEMS, 201, "127.0.0.1", "r-1") == tuple(
        first[name] for name in ("method", "path", "status", "client", "request_id")
    )
    assert ("en", posted["item"]["id"], posted["cursor"]) == (first["channel"], first["item"], first["cursor"])
    assert 0 < first["milliseconds"] < 10_000
    assert ("POST", 200, "en", posted["item"]["id"]) == tuple(
        second[name] for name in ("method", "status", "channel", "item")
    )
    assert ("/nowhere", 404, None) == (third["path"], third["status"], third.get("channel"))


async def test_no_secret_stands_in_the_log(valkey: str, store: Store, said: Said) -> None:
    """Neither a key, wherever somebody puts it, nor a session, nor what a target is known by."""
    token = "tk_0123456789abcdef_" + "s" * 43
    target = "t" * 20
    async with running(valkey, access_log=True) as stage:
        entered = await stage.http.post("/v1/session", json={"key": KEY})
        cookie = entered.headers["Set-Cookie"].split("=", 1)[1].split(";")[0]
        await stage.http.get(f"{ITEMS}?key={token}&section={KEY}", headers={"Authorization": f"Bearer {token}"})
        await stage.http.get(f"/{token}/x")
        await stage.http.get(f"/v1/session?session={cookie}")
        await stage.http.delete(f"/v1/channels/en/subscriptions/{target}")
        paths = [record["path"] for record in said.told()]
    everything = "\n".join(said.lines)
    assert [] == [secret for secret in (token, KEY, cookie, target) if secret in everything]
    assert "/tk_0123456789abcdef_***/x" in paths
    assert "/v1/channels/en/subscriptions/***" in paths


async def test_a_client_is_told_by_the_proxies_that_are_named(valkey: str, store: Store, said: Said) -> None:
    """Else it is the one that has the line, whatever it says of others."""
    for proxies, client in ((None, "127.0.0.1"), ("127.0.0.1", "203.0.113.7")):
        async with running(valkey, access_log=True, proxies=proxies) as stage:
            said.lines.clear()
            await stage.http.get("/health/live", headers={"X-Forwarded-For": "203.0.113.7"})
            assert client == said.told()[0]["client"]


async def test_a_hostile_address_is_one_record(valkey: str, store: Store, said: Said) -> None:
    """Whatever somebody asks for, in whichever encoding."""
    async with running(valkey, access_log=True) as stage:
        said.lines.clear()
        for text in HOSTILE.values():
            await stage.http.get(httpx.URL(stage.url).copy_with(raw_path=b"/" + _encoded(text[:60])))
        told = said.told()
    assert len(HOSTILE) == len(told)
    assert [] == [line for line in said.lines if not line.isascii() or not line.isprintable()]


async def test_nobody_is_told_of_unless_it_is_asked_for(stage: Stage, said: Said) -> None:
    """A page of a thousand readers is no news; neither is a reader's line, in any case."""
    await stage.post("x")
    async with stage.reader() as line:
        await frame(line)
    async with httpx.AsyncClient(base_url=stage.url, **PLAIN) as client:
        await client.get(ITEMS)
    assert [] == said.told()


def _encoded(text: str) -> bytes:
    raw = text.encode("utf-8", "surrogatepass")
    return b"".join(b"%%%02x" % byte for byte in raw)
