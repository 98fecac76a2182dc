"""What every request of an editor goes through: the body, the headers, the record, the answer."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from pydantic import BaseModel
from starlette.requests import Request
from ticker.address import Proxies
from ticker.admission import Admission
from ticker.audit import Audit
from ticker.auth import Keyring
from ticker.channel import DEFAULT
from ticker.draft import Draft, Hold, Nothing, Pin, Reason
from ticker.editing import Asked, Editing, document, flag, idempotency, if_match, within
from ticker.entry import Cursor
from ticker.errors import StoreUnavailable, TickerError, Unprocessable
from ticker.limit import Limit
from ticker.metrics import Metrics
from ticker.session import Sessions
from ticker.store import Store
from ticker.stream import Appended, Log

from tests.desk import CHANNEL, ITEMS, editor, problem, public, records, sent
from tests.stage import Stage, running
from tests.test_acts import STANDS
from tests.test_auth import key

JSON = {"Content-Type": "application/json"}


def request(query: str = "", *headers: tuple[str, str], body: bytes = b"", method: str = "POST") -> Request:
    """A request as the server hands it over, with its body in pieces of one byte."""
    pieces = [bytes([byte]) for byte in body] or [b""]

    async def receive() -> dict[str, Any]:
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    scope = {
        "type": "http",
        "method": method,
        "path": "/v1/channels/en/items",
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
        "path_params": {"channel": "en"},
        "pieces": pieces,
        "server": ("127.0.0.1", 8000),
    }
    return Request(scope, receive)


def editing(store: Store, most: int = 100) -> Editing:
    """The way in, for bodies of at most so many bytes."""
    keyring = Keyring(store)
    admission = Admission(keyring, Sessions(store, keyring), Limit(0), Proxies())
    return Editing(store, {}, {DEFAULT[0].name: DEFAULT[0]}, admission, most, Metrics({"en"}))


async def refused(store: Store, model: type[BaseModel], body: bytes, *headers: tuple[str, str]) -> TickerError:
    """Why this body is not taken."""
    with pytest.raises(TickerError) as error:
        await editing(store).body(request("", *(headers or [*JSON.items()]), body=body), model)
    return error.value


# Bodies.


@pytest.mark.parametrize("model", [Hold, Pin, Nothing])
async def test_an_act_that_needs_no_words_may_have_no_body(store: Store, model: type[BaseModel]) -> None:
    """Of whatever type it says that nothing is; an empty object is the same."""
    for headers in ([], [("Content-Type", "text/plain")], [("Content-Length", "0")]):
        assert model() == await editing(store).body(request("", *headers), model)
    assert model() == await editing(store).body(request("", *JSON.items(), body=b"{}"), model)


@pytest.mark.parametrize("model", [Draft, Reason])
async def test_what_needs_words_is_refused_without(store: Store, model: type[BaseModel]) -> None:
    """As no JSON; and without a type, as of the wrong one."""
    assert (400, None) == _told(await refused(store, model, b""))
    with pytest.raises(TickerError) as error:
        await editing(store).body(request(), model)
    assert (415, None) == _told(error.value)


def _told(error: TickerError) -> tuple[int, str | None]:
    return error.status, error.field


@pytest.mark.parametrize(
    ("content_type", "taken"),
    [
        ("application/json", True),
        ('Application/JSON; charset="UTF-8"', True),
        ("application/json;charset=utf-8", True),
        ("application/json; charset=utf-16", False),
        ("application/json; version=2", False),
        ("application/jsonp", False),
        ("text/plain", False),
        ("multipart/form-data; boundary=x", False),
        ("", False),
    ],
)
async def test_json_in_utf_8_is_taken_however_it_is_named(store: Store, content_type: str, taken: bool) -> None:
    """And nothing else: a form of another site cannot be made to look like it."""
    body = b'{"reason": "x"}'
    if taken:
        found = await editing(store).body(request("", ("Content-Type", content_type), body=body), Reason)
        assert "x" == found.reason
    else:
        assert (415, None) == _told(await refused(store, Reason, body, ("Content-Type", content_type)))


async def test_a_body_that_is_packed_is_refused_by_the_header(store: Store) -> None:
    """Nothing is unpacked here."""
    packed = ("Content-Encoding", "gzip")
    assert (415, "Content-Encoding") == _told(await refused(store, Reason, b"{}", *JSON.items(), packed))
    plain = request("", *JSON.items(), ("Content-Encoding", "identity"), body=b'{"reason": "x"}')
    assert "x" == (await editing(store).body(plain, Reason)).reason


@pytest.mark.parametrize("size", [100, 101, 5000])
async def test_a_body_is_read_up_to_its_limit(store: Store, size: int) -> None:
    """And not a byte further, whatever it may be."""
    body = b'{"reason": "x"' + b" " * (size - 15) + b"}"
    taken = request("", *JSON.items(), body=body)
    if size <= 100:
        assert "x" == (await editing(store).body(taken, Reason)).reason
    else:
        with pytest.raises(TickerError) as error:
            await editing(store).body(taken, Reason)
        assert (413, "too-large") == (error.value.status, error.value.slug)
        assert "The body is larger than 100 bytes." == error.value.detail
        assert size - 101 == len(taken.scope["pieces"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"headline": "x", "headline": "x"}', "headline"),
        (b'{"headline": "x", "h\\u0065adline": "y"}', "headline"),
        (b'{"headline": "x", "push": {"ttl": 1, "sound": true, "ttl": 2}}', "ttl"),
        (b'{"headline": "x", "push": {}, "push": {}}', "push"),
    ],
    ids=["twice the same", "written differently", "inside", "an object"],
)
async def test_a_field_that_is_named_twice_is_refused_by_its_name(store: Store, body: bytes, field: str) -> None:
    """At any depth: readers of JSON disagree on which of the two counts."""
    error = await refused(store, Draft, body)
    assert (400, "malformed", field) == (error.status, error.slug, error.field)
    assert f"The body names '{field}' twice; send it once." == error.detail


@pytest.mark.parametrize("path", ["/items", "/items/{item}/hold", "/items/{item}/retract", "/items/{item}"])
async def test_a_field_twice_is_refused_wherever_it_is_sent(stage: Stage, path: str) -> None:
    """In a post, a change and an act; and in a login."""
    item = (await stage.post())["item"]["id"]
    method = "PATCH" if path.endswith("{item}") else "POST"
    headers = {"If-Match": "*"} if method == "PATCH" else {}
    name = {"/items": "headline", "/items/{item}": "signal"}.get(path, "reason")
    value = "update" if name == "signal" else "x"
    twice = f'{{"{name}": "{value}", "{name}": "{value}"}}'.encode()
    answer = await sent(stage, twice, CHANNEL + path.format(item=item), method, **headers)
    assert (400, "malformed", name) == problem(answer)
    login = await sent(stage, b'{"key": "x", "key": "y"}', "/v1/session")
    assert (400, "malformed", "key") == problem(login)


# Headers and the query.


@pytest.mark.parametrize(
    ("given", "versions"),
    [
        ([], frozenset()),
        (["*"], None),
        (['"1"'], {1}),
        (['"1", W/"2"'], {1, 2}),
        (['"1"', '"999999999"'], {1, 999_999_999}),
    ],
)
def test_the_versions_that_a_request_may_change(given: list[str], versions: set[int] | None) -> None:
    """Those that it names, in one header or several; any, or none said."""
    assert versions == if_match(request("", *(("If-Match", value) for value in given)))


@pytest.mark.parametrize(
    "given", ["", "1", '"0"', '"01"', '"1" "2"', '"1",', '"x"', '"1000000000"', '*, "1"', '"*"', "٣"]
)
def test_what_names_no_version_is_refused(given: str) -> None:
    """With the header's name: guessing would overwrite somebody."""
    with pytest.raises(Unprocessable) as error:
        if_match(request("", ("If-Match", given.encode().decode("latin-1"))))
    assert "If-Match" == error.value.field


@pytest.mark.parametrize(
    ("query", "found"),
    [("", False), ("dry_run=0", False), ("dry_run=false", False), ("dry_run=1", True), ("dry_run=true", True)],
)
def test_a_flag_is_set_or_not(query: str, found: bool) -> None:
    """Not set, when it is not there."""
    assert found == flag(request(query), "dry_run")


@pytest.mark.parametrize("query", ["dry_run=", "dry_run=yes", "dry_run=2", "dry_run=%C2%B9", "dry_run=1&dry_run=x"])
def test_a_flag_that_is_neither_is_refused(query: str) -> None:
    """A rehearsal that was mistyped must not become the real thing."""
    with pytest.raises(Unprocessable) as error:
        flag(request(query), "dry_run")
    assert "dry_run" == error.value.field


def test_a_request_is_known_again_by_what_it_asks_for() -> None:
    """Method, address and content; the words as they are meant, not as they are written; and each key has its own."""
    amal, luis = key("publish"), key("publish").model_copy(update={"id": "2"})

    def once(body: bytes, editor: Any = amal, method: str = "POST", given: str = "desk-1") -> tuple[str, str]:
        asked = request("", ("Idempotency-Key", given), method=method)
        found = idempotency(asked, editor, Draft.model_validate_json(body))
        return found["key"], found["fingerprint"]

    plain = once(b'{"headline": "x"}')
    assert plain == once(b' {"headline":"\\u0078"} ')
    assert plain[1] == once(b'{"headline": "x"}', luis)[1]
    assert plain[0] != once(b'{"headline": "x"}', luis)[0]
    assert plain[0] != once(b'{"headline": "x"}', given="desk-2")[0]
    for other in (
        once(b'{"headline": "y"}'),
        once(b'{"headline": "x", "urgency": 5}'),
        once(b'{"headline": "x"}', method="PUT"),
    ):
        assert plain[0] == other[0]
        assert plain[1] != other[1]


@pytest.mark.parametrize("given", ["", "x" * 201, "ü", "a b", "a\tb", "\x7f"])
def test_a_name_of_a_request_that_is_none_is_refused(given: str) -> None:
    """1 to 200 visible ASCII characters."""
    with pytest.raises(Unprocessable) as error:
        idempotency(request("", ("Idempotency-Key", given)), key("publish"), Nothing())
    assert "Idempotency-Key" == error.value.field
    assert {"key": "", "fingerprint": ""} == idempotency(request(), key("publish"), Nothing())


# Who is let in, and what is noted.


async def test_what_is_refused_is_noted_when_its_sender_is_known(stage: Stage, store: Store) -> None:
    """Whatever was wrong with it: the right, the body, a header. Of a stranger nothing is noted, nor of a rehearsal."""
    amal = await editor(store, "Amal", "publish", channels=("en",))
    luis = await editor(store, "Luis", "correct")
    await sent(stage, {"headline": "x"}, **luis)
    await sent(stage, {"headline": ""}, **amal)
    await sent(stage, b"nonsense", **amal)
    await sent(stage, {"headline": "x"}, **amal, **{"Idempotency-Key": "a b"})
    await sent(stage, {"headline": "x" * 20_000}, **amal)
    await sent(stage, {"headline": "x"}, ITEMS + "?dry_run=perhaps", **amal)
    noted = [
        ("forbidden", "Luis"),
        ("invalid-item", "Amal"),
        ("malformed", "Amal"),
        ("invalid-item", "Amal"),
        ("too-large", "Amal"),
        ("invalid-item", "Amal"),
    ]
    assert noted == [(told["refused"], told["by"]["name"]) for told in await records(stage)]
    assert {"publish"} == {told["act"] for told in await records(stage)}
    await sent(stage, {"headline": "x"}, Authorization="Bearer wrong")
    await sent(stage, {"headline": ""}, ITEMS + "?dry_run=1", **amal)
    await sent(stage, {"headline": "x"}, ITEMS + "?dry_run=1", **luis)
    await sent(stage, {"headline": "x"}, "/v1/channels/xx/items", **amal)
    assert len(noted) == len(await records(stage))


async def test_who_sends_too_much_does_not_fill_the_record(store: Store, valkey: str) -> None:
    """One a minute is taken; the rest are refused and leave no trace but a count."""
    async with running(valkey, rate_limit=1) as stage:
        answers = [await sent(stage, {"headline": f"item {number}"}) for number in range(6)]
        statuses = [answer.status_code for answer in answers]
        assert {201, 429} == set(statuses)
        assert {"rate-limited"} == {problem(answer)[1] for answer in answers if answer.status_code == 429}
        assert statuses.count(201) == len(await records(stage))


async def test_a_channel_that_is_not_there_is_told_before_a_key_is_asked_for(stage: Stage) -> None:
    """To whoever asks, with those that are."""
    answer = await public(stage, "/v1/channels/xx/queue")
    assert (404, "unknown-channel", None) == problem(answer)
    assert "en, ar, es" in answer.json()["detail"]


async def test_the_store_is_waited_for_only_so_long() -> None:
    """Then it is away, and the caller is told to come back."""
    with pytest.raises(StoreUnavailable):
        async with within(0.001):
            await asyncio.Event().wait()
    async with within(10):
        pass


# Answers.


async def test_an_answer_says_where_it_stands_and_how_durable_it_is(store: Store) -> None:
    """As one editor sees it, for no cache; by replicas, when they were waited for; and whether it was there before."""
    item = STANDS["pinned"]
    house = editing(store)
    asked = Asked(DEFAULT[0], Log(store, "en"), Audit(store, "en"), key(), item.id, "pin")
    plain = await house.answer(asked, Appended(Cursor(7, 3), item, False), 201, {"warnings": ["long"]})
    assert 201 == plain.status_code
    body = json.loads(bytes(plain.body))
    assert {"item": item.desk(), "cursor": "7-3", "durability": "everysec", "warnings": ["long"]} == body
    assert (f"/v1/channels/en/items/{item.id}", '"3"', "no-store") == tuple(
        plain.headers[name] for name in ("Location", "ETag", "Cache-Control")
    )
    assert "Idempotency-Replayed" not in plain.headers
    again = await house.answer(asked, Appended(Cursor(7, 3), item, True, replicas=2))
    assert (200, "true") == (again.status_code, again.headers["Idempotency-Replayed"])
    assert "replicated(2)" == json.loads(bytes(again.body))["durability"]


def test_what_is_told_to_one_is_kept_by_nobody() -> None:
    """Unless it says so itself."""
    assert "no-store" == document({}).headers["Cache-Control"]
    assert "private" == document({}, {"Cache-Control": "private"}).headers["Cache-Control"]
    assert b'{"a":"\xc3\xa9"}' == document({"a": "é"}).body
