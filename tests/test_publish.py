"""A new alert over HTTP: what is taken, what is refused and how, and that nothing refused is stored."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from ticker.auth import Keyring
from ticker.store import Store

from tests.desk import ITEMS, done, everything, problem, public, records, sent, soon, stored
from tests.stage import KEY, Stage, entries, frame, running
from tests.test_draft import FULL
from tests.waiting import until


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


async def test_a_headline_that_no_bar_should_show_is_refused(stage: Stage) -> None:
    """422, naming the field, and nothing is stored."""
    refused = {name: problem(await sent(stage, {"headline": text})) for name, text in BAD_HEADLINES.items()}
    assert dict.fromkeys(BAD_HEADLINES, (422, "invalid-item", "headline")) == refused
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


async def test_every_language_is_welcome(stage: Stage) -> None:
    """What people write comes out as it went in, in the answer and in the window."""
    answers = [(await stage.post(headline))["item"]["headline"] for headline in GOOD_HEADLINES]
    assert [headline.strip() for headline in GOOD_HEADLINES] == answers
    assert answers == [*reversed(await stage.window())]


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
    "expiry in the past": (
        b'{"headline":"x","expires":"2020-01-01T00:00:00Z"}',
        409,
        "expiry-in-the-past",
        "expires",
    ),
    "a field twice": (b'{"headline":"x","headline":"y"}', 400, "malformed", "headline"),
    "a field twice, inside": (b'{"headline":"x","push":{"ttl":1,"ttl":2}}', 400, "malformed", "ttl"),
    "expiry without a zone": (b'{"headline":"x","expires":"2099-01-01T00:00:00"}', 422, "invalid-item", "expires"),
    "live is text": (b'{"headline":"x","live":"yes"}', 422, "invalid-item", "live"),
    "attribution of two lines": (b'{"headline":"x","attribution":"a\\nb"}', 422, "invalid-item", "attribution"),
    "too large": (b'{"headline":"' + b"x" * 20_000 + b'"}', 413, "too-large", None),
}


async def test_a_bad_body_is_refused_by_name(stage: Stage, store: Store) -> None:
    """A clear 4xx with the field; nothing is stored but that it was tried."""
    before = await everything(store)
    refused = {name: problem(await sent(stage, body)) for name, (body, *_) in BAD_BODIES.items()}
    assert {name: tuple(told) for name, (_, *told) in BAD_BODIES.items()} == refused
    assert [] == await stage.window()
    record = {b"{ticker:en}:audit", b"{ticker:en}:meta audited", b"{ticker:en}:meta audit_hash"}
    assert set(await everything(store)) <= set(before) | record
    assert len(BAD_BODIES) == len(await records(stage))


MEDIA = [
    {"Content-Type": "text/plain"},
    {"Content-Type": "application/json; charset=utf-16"},
    {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    {"Content-Type": ""},
]


async def test_another_media_type_is_refused(stage: Stage) -> None:
    """415, before the body is looked at; case and quotes do not matter."""
    for headers in MEDIA:
        answer = await stage.http.post(ITEMS, content=b'{"headline":"x"}', headers=headers)
        assert (415, "unsupported-media-type") == problem(answer)[:2], headers
    for content_type in ("application/json", 'Application/JSON; charset="UTF-8"'):
        body = f'{{"headline": "{len(content_type)}"}}'.encode()
        assert 201 == (await sent(stage, body, **{"Content-Type": content_type})).status_code


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


async def test_an_idempotency_key_that_is_none_is_refused(stage: Stage) -> None:
    """422 with the header's name."""
    for key in ("", "x" * 201, "ü", "a b"):
        headers = httpx.Headers({"Idempotency-Key": key}, encoding="utf-8")
        answer = await stage.http.post(ITEMS, json={"headline": "x"}, headers=headers)
        assert (422, "invalid-item", "Idempotency-Key") == problem(answer)
    assert [] == await stage.window()


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


async def test_every_field_is_stored_and_only_the_public_ones_go_out(stage: Stage, store: Store) -> None:
    """What was sent is kept; the line, the window and the item's own address show no private field of it."""
    once = await stage.post()
    await stage.retract(once["item"]["id"])
    sent_fields = {**FULL, "replaces": once["item"]["id"], "expires": soon(3600)}
    del sent_fields["publish_at"], sent_fields["embargoed"]
    async with stage.reader() as line:
        await frame(line)
        item = (await sent(stage, sent_fields)).json()["item"]
        (entry,) = await entries(line, 1)
    kept = (await stored(store, item["id"])).model_dump(mode="json")
    for name in set(sent_fields) - {"expires"}:
        assert sent_fields[name] == kept[name], name
    private = {"push_headline", "ednote", "push", "push_at", "author", "state"}
    for shown in (entry["item"], (await public(stage, f"{ITEMS}/{item['id']}")).json()):
        assert not private & set(shown)
        assert "Call the harbour" not in str(shown)
        assert "Bridge open" not in str(shown)
        assert {"located", "developing", "replaces", "story"} < set(shown)


@pytest.mark.parametrize("plan", ["publish_at", "embargoed"])
async def test_a_scheduled_item_stands_on_no_public_surface_until_its_time(
    stage: Stage, store: Store, plan: str
) -> None:
    """No frame, no place in the window, no address; then it is published, once, as new."""
    async with stage.reader() as line:
        await frame(line)
        answer = await sent(stage, {"headline": "Later", plan: soon(1)})
        item = answer.json()["item"]
        assert (201, "scheduled", "withheld") == (answer.status_code, item["state"], item["pubstatus"])
        assert 404 == (await public(stage, f"{ITEMS}/{item['id']}")).status_code
        assert [] == await stage.window()
        (entry,) = await entries(line, 1)
    assert ("publish", "new", 2) == (entry["act"], entry["item"]["signal"], entry["item"]["version"])
    assert entry["item"]["published_at"] >= item[plan]
    assert ["Later"] == await stage.window()
    told = (await records(stage))[-1]
    assert ("publish", {"key": "ticker", "name": "by itself"}) == (told["act"], told["by"])


# The same text.


SAME = ["bridge open", "Bridge, open!", "  BRIDGE — OPEN…", "Bri dge\u00a0open"]


async def test_the_same_text_is_refused_with_the_item_that_says_it(stage: Stage, store: Store) -> None:
    """Whatever its case, its punctuation and its spaces; nothing is stored but that it was tried."""
    item = (await stage.post("Bridge open"))["item"]["id"]
    arabic = (await stage.post("عاجل: فُتِحَ الجسر"))["item"]["id"]
    for text in SAME:
        refused = await sent(stage, {"headline": text})
        assert (409, "similar", "headline") == problem(refused), text
        assert item in refused.json()["detail"]
    refused = await sent(stage, {"headline": "عاجـــل — فتح الجسر"})
    assert arabic in refused.json()["detail"]
    assert ["عاجل: فُتِحَ الجسر", "Bridge open"] == await stage.window()
    assert ["similar"] * 5 == [told["refused"] for told in (await records(stage))[2:]]
    # Who says so is part of what is said.
    assert 201 == (await sent(stage, {"headline": "Bridge open", "attribution": "Police"})).status_code


async def test_the_same_text_can_be_meant_and_that_is_on_record(stage: Stage) -> None:
    """With whose text it was."""
    item = (await stage.post("Bridge open"))["item"]["id"]
    assert 201 == (await sent(stage, {"headline": "Bridge open!"}, ITEMS + "?allow_similar=1")).status_code
    assert f"similar text allowed; same text as {item}" == (await records(stage))[-1]["detail"]
    assert ["Bridge open!", "Bridge open"] == await stage.window()


async def test_the_same_text_is_news_again_when_half_an_hour_has_passed(stage: Stage, store: Store) -> None:
    """The store forgets it by itself; here a little sooner."""
    await stage.post("Bridge open")
    texts = [name async for name in store.redis.scan_iter(match="{ticker:en}:text:*")]
    assert 29 * 60 < await store.redis.ttl(texts[0]) <= 30 * 60
    await store.redis.pexpire(texts[0], 1)

    async def taken() -> bool:
        return (await sent(stage, {"headline": "Bridge open"})).status_code == 201

    await until(taken, "the text to be forgotten")


async def test_a_retraction_does_not_free_the_text_but_for_what_stands_for_it(stage: Stage) -> None:
    """A wrong alert is not sent again by a slip; the right one may say nearly the same."""
    item = (await stage.post("Bridge open"))["item"]["id"]
    await stage.retract(item)
    assert (409, "similar", "headline") == problem(await sent(stage, {"headline": "Bridge open"}))
    answer = await sent(stage, {"headline": "Bridge open", "replaces": item})
    assert (201, item) == (answer.status_code, answer.json()["item"]["replaces"])


async def test_a_request_that_is_repeated_is_not_like_itself(stage: Stage) -> None:
    """A retry after a broken line gets its answer, not a warning about its own text."""
    once = {"Idempotency-Key": "1"}
    first = await sent(stage, {"headline": "Bridge open"}, **once)
    assert first.text == (await sent(stage, {"headline": "Bridge open"}, **once)).text
    item = first.json()["item"]["id"]
    await done(stage, item, "retract", {"reason": "wrong"})
    again = await sent(stage, {"headline": "Bridge open"}, **once)
    assert (201, first.text) == (again.status_code, again.text)


async def test_only_a_retracted_item_of_the_channel_can_be_replaced(stage: Stage) -> None:
    """Not one that stands, not one that never was, not another channel's."""
    stands = (await stage.post("stands"))["item"]["id"]
    other = (await stage.post("خبر", channel="ar"))["item"]["id"]
    await stage.retract(other, channel="ar")
    for item in (stands, other, "01ARZ3NDEKTSV4RRFFQ69G5FAV"):
        refused = await sent(stage, {"headline": "new", "replaces": item})
        assert (409, "not-replaceable", "replaces") == problem(refused)
    assert ["stands"] == await stage.window()


async def test_a_moment_that_cannot_be_is_refused_by_its_field(stage: Stage) -> None:
    """In the past, or with the end before the beginning; and each is on record."""
    past = "2020-01-01T00:00:00Z"
    for body, slug, field in (
        ({"expires": past}, "expiry-in-the-past", "expires"),
        ({"publish_at": past}, "schedule-in-the-past", "publish_at"),
        ({"embargoed": past}, "embargo-in-the-past", "embargoed"),
        ({"publish_at": soon(60), "embargoed": past}, "embargo-in-the-past", "embargoed"),
        ({"publish_at": soon(60), "expires": soon(30)}, "expires-before-publication", "expires"),
        ({"embargoed": soon(60), "expires": soon(30)}, "expires-before-publication", "expires"),
    ):
        assert (409, slug, field) == problem(await sent(stage, {"headline": slug, **body}))
        assert slug == (await records(stage))[-1]["refused"]
    queue = (await stage.http.get("/v1/channels/en/queue")).json()
    assert ([], []) == (await stage.window(), queue["scheduled"])


async def test_a_rehearsal_stores_nothing_at_all(stage: Stage, store: Store) -> None:
    """Not a key of the store is another, whether it would be taken or refused, and its name is not used up."""
    await stage.post("Bridge open", story="bridge")
    before = await everything(store)
    once = {"Idempotency-Key": "1"}
    for body in (
        {"headline": "x", "story": "bridge"},
        {"headline": "Bridge open"},
        {"headline": "x", "publish_at": soon(9)},
    ):
        assert 200 == (await sent(stage, body, ITEMS + "?dry_run=1", **once)).status_code
    for body in ({"headline": ""}, {"headline": "x", "expires": "2020-01-01T00:00:00Z"}):
        assert (await sent(stage, body, ITEMS + "?dry_run=true", **once)).status_code in (409, 422)
    assert before == await everything(store)
    assert 201 == (await sent(stage, {"headline": "y"}, **once)).status_code
