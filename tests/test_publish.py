"""The editors' half over HTTP: what is taken, what is refused and how, and that nothing refused is stored."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from ticker.auth import Keyring
from ticker.store import Store

from tests.stage import KEY, Stage, entries, frame, running

ITEMS = "/v1/channels/en/items"


async def sent(stage: Stage, body: Any = None, path: str = ITEMS, **headers: str) -> httpx.Response:
    """A post with these headers; a body that is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await stage.http.post(path, content=content, headers={"Content-Type": "application/json", **headers})


def problem(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Status, the end of the type, and the field of a refusal."""
    assert "application/problem+json" == answer.headers["Content-Type"]
    document = answer.json()
    assert document["status"] == answer.status_code
    assert document["title"]
    assert document["detail"]
    assert isinstance(document["retry"], bool)
    return answer.status_code, document["type"].rpartition(":")[2], document.get("field")


async def test_a_post_is_answered_with_the_item_its_place_and_how_durable_it_is(stage: Stage) -> None:
    """201, Location, ETag, and everything that was sent, in public form."""
    sent_fields = {
        "headline": "The northern bridge is open again",
        "attribution": "Port authority",
        "urgency": 2,
        "link": "https://example.com/story?x=1",
        "sections": ["economy", "world"],
        "regions": ["europe"],
        "tags": ["harbour"],
        "story": "bridge-2026",
        "expires": "2099-01-01T00:00:00+02:00",
        "live": True,
    }
    answer = await sent(stage, sent_fields)
    body = answer.json()
    item = body["item"]
    assert 201 == answer.status_code
    assert f"{ITEMS}/{item['id']}" == answer.headers["Location"]
    assert '"1"' == answer.headers["ETag"]
    assert {**sent_fields, "expires": "2098-12-31T22:00:00.000Z"} == {name: item[name] for name in sent_fields}
    assert (1, "en", "ltr", "usable", "new") == tuple(
        item[name] for name in ("version", "language", "direction", "pubstatus", "signal")
    )
    assert 26 == len(item["id"])
    assert "everysec" == body["durability"]
    assert body["cursor"] == (await stage.http.get(ITEMS)).json()["cursor"]
    assert item == (await stage.http.get(answer.headers["Location"])).json()


BAD_HEADLINES = {
    "empty": "",
    "only spaces": "  \u00a0 ",
    "only joiners": "\u200d\u200c",
    "281 characters": "wörd " * 56 + "x",
    "two lines": "one\ntwo",
    "a tab": "one\ttwo",
    "nul": "one\x00two",
    "c1": "one\x85two",
    "line separator": "one\u2028two",
    "override": "one\u202etwo",
    "isolate": "one\u2066two",
    "mark": "one\u200ftwo",
    "arabic letter mark": "one\u061ctwo",
    "absurd word": "a" * 200,
    "byte order mark": "\ufeffone",
    "not a character": "one\uffff",
}


@pytest.mark.parametrize("headline", BAD_HEADLINES.values(), ids=BAD_HEADLINES.keys())
async def test_a_headline_that_no_bar_should_show_is_refused(stage: Stage, headline: str) -> None:
    """422, naming the field, and nothing is stored."""
    assert (422, "invalid-item", "headline") == problem(await sent(stage, {"headline": headline}))
    assert [] == await stage.window()


GOOD_HEADLINES = [
    "x",
    "wörd " * 55 + "words",
    "عاجل: 17 مفقوداً عُثر عليهم أحياء، بحسب AFP",
    "ראש הממשלה: נמשיך",
    "“Curly quotes” and 'straight ones' — 50 %",
    "👨‍👩‍👧‍👦 and 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "速報：東京で地震がありました。津波の心配はありません。" * 5,
    "नमस्ते दुनिया",
]


@pytest.mark.parametrize("headline", GOOD_HEADLINES)
async def test_every_language_is_welcome(stage: Stage, headline: str) -> None:
    """What people write comes out as it went in."""
    assert headline.strip() == (await stage.post(headline))["item"]["headline"]


async def test_text_is_stored_composed(stage: Stage) -> None:
    """NFC: the same headline is the same text, however it was typed."""
    assert "café" == (await stage.post("cafe\u0301"))["item"]["headline"]


BAD_BODIES: dict[str, tuple[bytes, int, str, str | None]] = {
    "no json": (b"hello", 400, "malformed", None),
    "empty": (b"", 400, "malformed", None),
    "too deep": (b"[" * 15_000, 400, "malformed", None),
    "not utf-8": (b'{"headline":"\xff\xfe"}', 400, "malformed", None),
    "utf-16": ('{"headline":"x"}'.encode("utf-16"), 400, "malformed", None),
    "lone surrogate": (b'{"headline":"\\ud800"}', 400, "malformed", None),
    "two objects": (b'{"headline":"x"}{"headline":"y"}', 400, "malformed", None),
    "a list": (b'[{"headline":"x"}]', 422, "invalid-item", None),
    "null": (b"null", 422, "invalid-item", None),
    "no headline": (b"{}", 422, "invalid-item", "headline"),
    "unknown field": (b'{"headline":"x","headlin":"y"}', 422, "invalid-item", "headlin"),
    "headline is a number": (b'{"headline":5}', 422, "invalid-item", "headline"),
    "headline is null": (b'{"headline":null}', 422, "invalid-item", "headline"),
    "urgency 0": (b'{"headline":"x","urgency":0}', 422, "invalid-item", "urgency"),
    "urgency 10": (b'{"headline":"x","urgency":10}', 422, "invalid-item", "urgency"),
    "urgency is text": (b'{"headline":"x","urgency":"1"}', 422, "invalid-item", "urgency"),
    "urgency is true": (b'{"headline":"x","urgency":true}', 422, "invalid-item", "urgency"),
    "urgency is NaN": (b'{"headline":"x","urgency":NaN}', 422, "invalid-item", "urgency"),
    "urgency of 5,000 digits": (b'{"headline":"x","urgency":' + b"9" * 5000 + b"}", 400, "malformed", None),
    "a script for a link": (b'{"headline":"x","link":"javascript:alert(1)"}', 422, "invalid-item", "link"),
    "a link without tls": (b'{"headline":"x","link":"http://example.com"}', 422, "invalid-item", "link"),
    "a link with a user": (b'{"headline":"x","link":"https://bank@evil.example"}', 422, "invalid-item", "link"),
    "a link with a line break": (b'{"headline":"x","link":"https://exa\\nmple.com"}', 422, "invalid-item", "link"),
    "a link that is too long": (
        b'{"headline":"x","link":"https://example.com/' + b"a/" * 1100 + b'"}',
        422,
        "invalid-item",
        "link",
    ),
    "unknown section": (b'{"headline":"x","sections":["gossip"]}', 422, "invalid-item", "sections"),
    "four sections": (
        b'{"headline":"x","sections":["politics","economy","world","sport"]}',
        422,
        "invalid-item",
        "sections",
    ),
    "a section twice": (b'{"headline":"x","sections":["world","world"]}', 422, "invalid-item", "sections"),
    "unknown region": (b'{"headline":"x","regions":["atlantis"]}', 422, "invalid-item", "regions"),
    "eleven tags": (
        b'{"headline":"x","tags":["a","b","c","d","e","f","g","h","i","j","k"]}',
        422,
        "invalid-item",
        "tags",
    ),
    "a tag of two lines": (b'{"headline":"x","tags":["a","b\\nc"]}', 422, "invalid-item", "tags.1"),
    "a story with spaces": (b'{"headline":"x","story":"The Bridge"}', 422, "invalid-item", "story"),
    "expiry in the past": (b'{"headline":"x","expires":"2020-01-01T00:00:00Z"}', 422, "invalid-item", "expires"),
    "expiry without a zone": (b'{"headline":"x","expires":"2099-01-01T00:00:00"}', 422, "invalid-item", "expires"),
    "live is text": (b'{"headline":"x","live":"yes"}', 422, "invalid-item", "live"),
    "attribution of two lines": (b'{"headline":"x","attribution":"a\\nb"}', 422, "invalid-item", "attribution"),
    "too large": (b'{"headline":"' + b"x" * 20_000 + b'"}', 413, "too-large", None),
}


@pytest.mark.parametrize(("body", "status", "slug", "field"), BAD_BODIES.values(), ids=BAD_BODIES.keys())
async def test_a_bad_body_is_refused_by_name(
    stage: Stage, body: bytes, status: int, slug: str, field: str | None
) -> None:
    """A clear 4xx with the field, and nothing is stored."""
    assert (status, slug, field) == problem(await sent(stage, body))
    assert [] == await stage.window()


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        {"Content-Type": ""},
    ],
    ids=str,
)
async def test_another_media_type_is_refused(stage: Stage, headers: dict[str, str]) -> None:
    """415, before the body is looked at."""
    answer = await stage.http.post(ITEMS, content=b'{"headline":"x"}', headers=headers)
    assert (415, "unsupported-media-type") == problem(answer)[:2]


@pytest.mark.parametrize("content_type", ["application/json", 'Application/JSON; charset="UTF-8"'])
async def test_json_in_utf8_is_taken_however_it_is_named(stage: Stage, content_type: str) -> None:
    """Case and quotes do not matter."""
    answer = await stage.http.post(ITEMS, content=b'{"headline":"x"}', headers={"Content-Type": content_type})
    assert 201 == answer.status_code


async def test_an_unknown_channel_is_404(stage: Stage) -> None:
    """And the ones that exist are named."""
    answer = await sent(stage, {"headline": "x"}, "/v1/channels/xx/items")
    assert (404, "unknown-channel", None) == problem(answer)
    assert "en, ar, es" in answer.json()["detail"]


async def test_a_stranger_is_told_to_bring_a_key(stage: Stage) -> None:
    """Without, with nonsense, with another scheme, with a wrong key: 401, and nothing is stored."""
    for authorization in (
        "",
        "nonsense",
        f"Basic {KEY}",
        "Bearer",
        "Bearer wrong",
        "Bearer tk_0123456789abcdef_" + "x" * 43,
    ):
        answer = await sent(stage, {"headline": "x"}, Authorization=authorization)
        assert (401, "unauthorized", None) == problem(answer), authorization
        assert "Bearer" == answer.headers["WWW-Authenticate"]
    assert [] == await stage.window()


async def test_an_editor_posts_where_his_key_is_for(stage: Stage, store: Store) -> None:
    """The editor of `ar` posts to `ar` and not to `en`; a key that only retracts does not post."""
    keyring = Keyring(store)
    arabic, _ = await keyring.create("the editor of ar", ("publish",), ("ar",))
    checker, _ = await keyring.create("a checker", ("retract",))
    body = {"headline": "خبر عاجل"}
    authorized = {"Authorization": f"Bearer {arabic}"}
    assert 201 == (await sent(stage, body, "/v1/channels/ar/items", **authorized)).status_code
    assert (403, "forbidden", None) == problem(await sent(stage, body, **authorized))
    assert (403, "forbidden", None) == problem(await sent(stage, body, Authorization=f"Bearer {checker}"))
    item = (await stage.post())["item"]["id"]
    refused = await sent(stage, {"reason": "no"}, f"/v1/channels/en/items/{item}/retract", **authorized)
    assert (403, "forbidden", None) == problem(refused)


async def test_a_revoked_key_posts_no_more(stage: Stage, store: Store) -> None:
    """From the next request on."""
    keyring = Keyring(store)
    token, key = await keyring.create("the editor of en", ("publish",))
    authorized = {"Authorization": f"Bearer {token}"}
    assert 201 == (await sent(stage, {"headline": "x"}, **authorized)).status_code
    await keyring.revoke(key.id)
    assert 401 == (await sent(stage, {"headline": "y"}, **authorized)).status_code


async def test_the_same_idempotency_key_fifty_times_at_once_is_one_item(stage: Stage) -> None:
    """Everybody gets the same answer; one item stands, and one frame went out."""
    async with stage.reader() as line:
        await frame(line)
        answers = await asyncio.gather(
            *(sent(stage, {"headline": "Once only"}, **{"Idempotency-Key": "desk-1"}) for _ in range(50))
        )
        assert {201} == {answer.status_code for answer in answers}
        assert 1 == len({answer.text for answer in answers})
        assert 49 == sum(answer.headers.get("Idempotency-Replayed") == "true" for answer in answers)
        await stage.post("the next")
        assert ["Once only", "the next"] == [entry["item"]["headline"] for entry in await entries(line, 2)]
    assert ["the next", "Once only"] == await stage.window()


async def test_an_idempotency_key_is_for_one_request_of_one_editor(stage: Stage, store: Store) -> None:
    """Another text with the same key is a conflict; another editor's key of the same name is another key."""
    once = {"Idempotency-Key": "1"}
    assert 201 == (await sent(stage, {"headline": "one"}, **once)).status_code
    assert 201 == (await sent(stage, b' {"headline" : "one"}', **once)).status_code
    assert (409, "idempotency-conflict", "Idempotency-Key") == problem(await sent(stage, {"headline": "two"}, **once))
    token, _ = await Keyring(store).create("another", ("publish",))
    assert 201 == (await sent(stage, {"headline": "two"}, Authorization=f"Bearer {token}", **once)).status_code
    assert ["two", "one"] == await stage.window()


@pytest.mark.parametrize("key", ["", "x" * 201, "ü", "a b"])
async def test_an_idempotency_key_that_is_none_is_refused(stage: Stage, key: str) -> None:
    """422 with the header's name."""
    answer = await stage.http.post(
        ITEMS, json={"headline": "x"}, headers=httpx.Headers({"Idempotency-Key": key}, encoding="utf-8")
    )
    assert (422, "invalid-item", "Idempotency-Key") == problem(answer)


async def test_a_retraction_is_public_final_and_without_the_text(stage: Stage) -> None:
    """The answer, the item and the frame carry the note and nothing of what was withdrawn."""
    async with stage.reader() as line:
        await frame(line)
        item = (await stage.post("A wrong claim", attribution="Nobody", link="https://example.com"))["item"]
        answer = await stage.retract(item["id"], "The source has withdrawn it")
        _, entry = await entries(line, 2)
    withdrawn = {"id", "version", "channel", "pubstatus", "signal", "correction_note", "versioncreated"}
    assert "retract" == entry["act"]
    assert withdrawn == set(entry["item"]) == set(answer["item"])
    assert (2, "canceled", "The source has withdrawn it") == tuple(
        entry["item"][name] for name in ("version", "pubstatus", "correction_note")
    )
    assert entry["cursor"] == answer["cursor"]
    assert answer["item"] == (await stage.http.get(f"{ITEMS}/{item['id']}")).json()
    assert [] == await stage.window()
    again = await sent(stage, {"reason": "again"}, f"{ITEMS}/{item['id']}/retract")
    assert (409, "already-retracted", None) == problem(again)


async def test_a_repeated_retraction_gets_its_first_answer(stage: Stage) -> None:
    """With the same Idempotency-Key, also at once; with a new one it is a conflict."""
    item = (await stage.post())["item"]["id"]
    path = f"{ITEMS}/{item}/retract"
    answers = await asyncio.gather(
        *(sent(stage, {"reason": "wrong"}, path, **{"Idempotency-Key": "r"}) for _ in range(10))
    )
    assert {200} == {answer.status_code for answer in answers}
    assert 1 == len({answer.text for answer in answers})
    assert 409 == (await sent(stage, {"reason": "wrong"}, path, **{"Idempotency-Key": "s"})).status_code


@pytest.mark.parametrize(
    "reason", [{}, {"reason": ""}, {"reason": "x" * 501}, {"reason": "a\nb"}, {"note": "x"}], ids=str
)
async def test_a_retraction_needs_a_reason(stage: Stage, reason: dict[str, str]) -> None:
    """A public one, of one line; without it the item stands."""
    item = (await stage.post("stands"))["item"]["id"]
    assert 422 == (await sent(stage, reason, f"{ITEMS}/{item}/retract")).status_code
    assert ["stands"] == await stage.window()


@pytest.mark.parametrize("item", ["01ARZ3NDEKTSV4RRFFQ69G5FAV", "x", "%00", "..", "a" * 1000])
async def test_an_unknown_item_is_404(stage: Stage, item: str) -> None:
    """Whatever its id looks like."""
    assert 404 == (await sent(stage, {"reason": "x"}, f"{ITEMS}/{item}/retract")).status_code
    assert 404 == (await stage.http.get(f"{ITEMS}/{item}")).status_code


async def test_an_item_that_has_not_changed_is_not_sent_again(stage: Stage) -> None:
    """304 for the version that the caller has."""
    path = (await sent(stage, {"headline": "x"})).headers["Location"]
    assert 304 == (await stage.http.get(path, headers={"If-None-Match": '"1"'})).status_code
    assert 200 == (await stage.http.get(path, headers={"If-None-Match": '"2"'})).status_code


async def test_too_many_posts_in_a_minute_are_told_when_to_come_back(store: Store, valkey: str) -> None:
    """429 with Retry-After; other editors are not held up."""
    async with running(valkey, rate_limit=3) as stage:
        statuses = [(await sent(stage, {"headline": f"item {n}"})).status_code for n in range(8)]
        # The minute may turn once while we post.
        assert 201 == statuses[0]
        assert 429 in statuses
        refused = await sent(stage, {"headline": "x"})
        if refused.status_code == 429:
            assert "rate-limited" == problem(refused)[1]
            assert 1 <= int(refused.headers["Retry-After"]) <= 60
        token, _ = await Keyring(store).create("another", ("publish",))
        assert 201 == (await sent(stage, {"headline": "y"}, Authorization=f"Bearer {token}")).status_code


async def test_a_page_of_another_site_cannot_post(stage: Stage) -> None:
    """The browser asks first, and is not allowed the header that a post needs."""
    asked = await stage.http.options(
        ITEMS,
        headers={
            "Origin": "https://evil.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization",
        },
    )
    assert 400 == asked.status_code


async def test_many_editors_at_once_lose_nothing(stage: Stage) -> None:
    """Two hundred posts at once: two hundred entries, in one order that every reader sees."""
    async with stage.reader() as first, stage.reader() as second:
        await frame(first)
        await frame(second)
        answers = await asyncio.gather(*(stage.post(f"item {number}") for number in range(200)))
        one, two = await entries(first, 200), await entries(second, 200)
    assert one == two
    assert sorted(answer["cursor"] for answer in answers) == sorted(entry["cursor"] for entry in one)
    assert list(range(1, 201)) == [int(entry["cursor"].split("-")[1]) for entry in one]
