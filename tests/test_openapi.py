"""The OpenAPI document: valid, complete, and as the service behaves."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import SecretStr
from ticker import openapi, text
from ticker.app import Process, Role
from ticker.channel import Channel
from ticker.problem import TYPE
from ticker.routes import ITEM
from ticker.settings import Settings
from ticker.store import Store
from ticker.wire import encode

from tests.desk import editor
from tests.documents import Described, broken
from tests.stage import Stage, running
from tests.test_docs import problems
from tests.test_subscriptions import subscription
from tests.waiting import until

ROLES: list[Role] = ["serve", "api", "fanout"]
NEVER_TOLD = {"internal", "method-not-allowed", "upgrade-required", "full", "conflict", "time-in-the-past"}
NEVER_TOLD |= {"illegal-transition"}
"""Kinds of refusals, refusals before a handshake, and what no operation is meant to answer."""


def process(role: Role = "serve") -> Process:
    """One that is never started."""
    return Process(Settings(redis_url=SecretStr("redis://127.0.0.1:1")), role)


@pytest.fixture(scope="module")
def documents() -> dict[str, dict[str, Any]]:
    """The document of each role."""
    return {role: openapi.build(of.operations(), of.channels) for role in ROLES for of in [process(role)]}


def operations(document: dict[str, Any]) -> dict[tuple[str, str], Any]:
    """Method and path → operation."""
    return {
        (method.upper(), path): told
        for path, methods in document["paths"].items()
        for method, told in methods.items()
        if method != "parameters"
    }


@pytest.mark.parametrize("role", ROLES)
def test_the_document_is_valid(documents: dict[str, dict[str, Any]], role: str) -> None:
    """By the specification's own schema, with defaults and examples; every reference leads somewhere."""
    document = documents[role]
    assert [] == [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()]
    assert [] == broken(document)


@pytest.mark.parametrize("role", ROLES)
def test_what_is_described_is_what_the_role_serves(documents: dict[str, dict[str, Any]], role: Role) -> None:
    """No more and no less, but for pages and the live stream, which is described elsewhere."""
    served = {(of.method, of.path): of.replies for of in process(role).operations()}
    assert {place for place, replies in served.items() if replies} == set(operations(documents[role]))
    assert {path for (_, path), replies in served.items() if not replies} <= {
        *("/", "/demo/{file}", "/widget/v1/{file}", "/docs", "/docs/{file}", "/v1/channels/{channel}/live"),
        *("/metrics", "/desk", "/desk/{file}", "/push/v1/{file}"),
        *("/widget/versions.json", "/widget/{release}/breaking-ticker.js"),
        *("/embed/{channel}", "/embed/v1/{file}"),
    }


def test_every_operation_has_a_name_a_summary_and_a_tag_of_its_own(documents: dict[str, dict[str, Any]]) -> None:
    """A client can be made from them."""
    told = list(operations(documents["serve"]).values())
    names = [operation["operationId"] for operation in told]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z_]+", name) for name in names)
    assert [] == [operation["operationId"] for operation in told if not operation["summary"].endswith(".")]
    tags = {tag["name"] for tag in documents["serve"]["tags"]}
    assert {tag for operation in told for tag in operation["tags"]} == tags


def test_what_is_public_asks_for_nothing_and_what_is_not_says_for_what(documents: dict[str, dict[str, Any]]) -> None:
    """The scope stands with the operation; nobody is asked for a key to read."""
    told = {
        operation["operationId"]: operation.get("security") for operation in operations(documents["serve"]).values()
    }
    assert (None, None, None) == (told["window"], told["channels"], told["login"])
    assert [{"key": ["publish"]}, {"session": ["publish"]}] == told["publish"] == told["approve"]
    assert [{"key": ["correct"]}, {"session": ["correct"]}] == told["change"]
    assert [{}, {"key": []}, {"session": []}] == told["item"]
    assert [{"session": []}] == told["logout"]


def test_every_refusal_is_told_by_some_operation(documents: dict[str, dict[str, Any]]) -> None:
    """With what it means; those that are never sent are not."""
    told = set(re.findall(rf"{TYPE}([a-z-]+)", str(documents["serve"])))
    assert {error.slug for error in problems()} - NEVER_TOLD == told


def test_channels_sections_and_regions_are_those_that_there_are() -> None:
    """The union over all channels, in their order; a list that is empty everywhere takes nothing."""
    en = Channel(name="en", title="News", language="en", sections=("world", "sport"), regions=())
    ar = Channel(name="ar", title="أخبار", language="ar", direction="rtl", sections=("politics", "world"), regions=())
    document = openapi.build(process("api").operations(), {"en": en, "ar": ar})
    (channel, _) = document["paths"][ITEM]["parameters"]
    assert ["en", "ar"] == channel["schema"]["enum"]
    for name in ("Draft", "Patch"):
        fields = document["components"]["schemas"][name]["properties"]
        assert ["world", "sport", "politics"] == fields["sections"]["items"]["enum"]
        described = Described(document)
        where = ("components", "schemas", name, "properties", "regions")
        assert [] == described.wrong([], *where)
        assert described.wrong(["asia"], *where)


def test_what_was_published_leads_to_all_that_can_be_done_with_it(documents: dict[str, dict[str, Any]]) -> None:
    """Each operation on an item is linked, with the channel and the id from the answer."""
    document = documents["serve"]
    links = document["paths"]["/v1/channels/{channel}/items"]["post"]["responses"]["201"]["links"]
    on_items = {told["operationId"] for (_, path), told in operations(document).items() if "{id}" in path}
    assert on_items == {link["operationId"] for link in links.values()} == set(links)
    assert [{"channel": "$response.body#/item/channel", "id": "$response.body#/item/id"}] == [
        *{str(link["parameters"]): link["parameters"] for link in links.values()}.values()
    ]


def test_the_expression_for_a_text_stands_there_once_and_only_where_texts_are_taken(
    documents: dict[str, dict[str, Any]],
) -> None:
    """It is as long as the rest of a small document; whoever only reads has no use for it."""
    found = text.pattern().removeprefix("^")
    assert [1, 1, 0] == [str(documents[role]).count(str([found])[2:-2]) for role in ROLES]
    assert "Text" not in documents["fanout"]["components"]["schemas"]


@pytest.mark.parametrize("taken", ["The bridge is open", " x ", "5", "می‌خواهم", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"])
def test_a_text_that_is_taken_is_one_by_the_document(documents: dict[str, dict[str, Any]], taken: str) -> None:
    """As it is published, in a body as it would be sent."""
    described = Described(documents["serve"])
    assert [] == described.wrong({"headline": taken}, "components", "schemas", "Draft")
    assert text.line(taken, 280)


@pytest.mark.parametrize(
    "refused", ["", " ", "a\nb", "a\u202eb", "a\n", "x" * 81, "\ue000", "x" * 80 + " " + "y" * 200]
)
def test_a_text_that_is_refused_is_none_by_the_document(documents: dict[str, dict[str, Any]], refused: str) -> None:
    """So a client can tell before it sends."""
    assert Described(documents["serve"]).wrong({"headline": refused}, "components", "schemas", "Draft")


def test_a_correction_needs_its_note_by_the_document_too(documents: dict[str, dict[str, Any]]) -> None:
    """The other two do not, and may have one."""
    described = Described(documents["serve"])
    where = ("components", "schemas", "Patch")
    assert [] == described.wrong({"signal": "update", "headline": "x"}, *where)
    assert [] == described.wrong({"signal": "update", "correction_note": None}, *where)
    assert [] == described.wrong({"signal": "correction", "correction_note": "It was 19"}, *where)
    assert described.wrong({"signal": "correction", "headline": "x"}, *where)
    assert described.wrong({"signal": "correction", "correction_note": None}, *where)


def test_every_example_of_a_body_is_one(documents: dict[str, dict[str, Any]]) -> None:
    """Copied as it stands, it is taken."""
    described = Described(documents["serve"])
    tried = 0
    for (method, path), told in operations(documents["serve"]).items():
        for media, content in told.get("requestBody", {}).get("content", {}).items():
            place = ("paths", path, method.lower(), "requestBody", "content", media, "schema")
            if "example" in content:
                assert [] == described.wrong(content["example"], *place)
                tried += 1
    assert len(openapi.EXAMPLES) <= tried


def soon(seconds: float) -> str:
    """A moment from now."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


class Told:
    """Every answer of a service, to be held against its document."""

    def __init__(self, stage: Stage) -> None:
        self.answers: list[httpx.Response] = []
        stage.http.event_hooks = {"response": [self._hear]}

    async def _hear(self, answer: httpx.Response) -> None:
        await answer.aread()
        self.answers.append(answer)

    def unlike(self, described: Described) -> list[str]:
        """What is not as described, with the request."""
        return [
            f"{answer.request.method} {answer.request.url.path} {answer.status_code}: {wrong}"
            for answer in self.answers
            for wrong in described.unlike(answer)
        ]

    def statuses(self, described: Described) -> set[tuple[str, int]]:
        """Which operations answered with which status."""
        return {
            (described.document["paths"][path][method]["operationId"], answer.status_code)
            for answer in self.answers
            for _, path, method in [described.operation(answer.request)]
        }


async def live(stage: Stage, store: Store) -> None:
    """The whole life of items: everything that can be done to them, and what is refused."""
    http, items = stage.http, "/v1/channels/en/items"

    async def post(body: Any, path: str = items, **headers: str) -> Any:
        return (await http.post(path, json=body, headers=headers)).json()

    async def patch(id: str, body: Any, match: str = "*") -> Any:
        return await http.patch(f"{items}/{id}", json=body, headers={"If-Match": match} if match else {})

    everything = {
        **{"headline": "The bridge is open", "push_headline": "Bridge open", "attribution": "Police", "urgency": 2.0},
        **{"link": "https://news.example/a?b=c", "sections": ["world"], "regions": ["asia"], "tags": ["a", "b"]},
        **{"located": "Goma", "story": "bridge", "live": True, "developing": True, "ednote": "call back"},
        **{"expires": soon(9999), "language": "en", "direction": "ltr"},
        **{"push": {"enabled": True, "topics": ["x"], "ttl": 60, "sound": True}},
    }
    first = (await post(everything, **{"Idempotency-Key": "1"}))["item"]["id"]
    await post(everything, **{"Idempotency-Key": "1"})
    await post({"headline": "other"}, **{"Idempotency-Key": "1"})
    await post(everything)
    await post(everything, f"{items}?dry_run=1")
    sibling = await http.post("/v1/channels/es/items", json={"headline": "El puente está abierto", "story": "bridge"})
    assert sibling.status_code == 201
    for act in ("undo", "undo", "pin", "unpin", "unpin", "hold", "hold", "release", "release", "approve"):
        await http.post(f"{items}/{first}/{act}")
    await http.post(f"{items}/{first}/hold?dry_run=1", json={"reason": "Is it?"})
    await patch(first, {"signal": "update", "headline": "The bridge is open again", "bump": True})
    await patch(first, {"signal": "update", "headline": "The bridge is open again"})
    await patch(first, {"signal": "update", "headline": "Open"}, '"1"')
    await patch(first, {"signal": "update", "headline": "Open"}, "")
    await patch(first, {"signal": "correction", "headline": "Shut"})
    await patch(first, {"signal": "correction", "headline": "It is shut", "correction_note": "It is not open"})
    await http.get("/v1/channels/es/queue")
    await http.post(f"{items}/{first}/retract", json={"reason": "Sent in error"})
    await http.post(f"{items}/{first}/retract", json={"reason": "Sent in error"})
    second = (await post({"headline": "For what was withdrawn", "replaces": first}))["item"]["id"]
    await http.post(f"{items}/{second}/pin", json={"until": soon(60)})
    third = (await post({"headline": "Third"}))["item"]["id"]
    await http.post(f"{items}/{third}/pin")
    await http.post(f"{items}/{third}/pin", json={"until": soon(-60)})
    await http.post(f"{items}/{third}/expire")
    await http.post(f"{items}/{third}/expire")
    planned = (await post({"headline": "Later", "publish_at": soon(60), "embargoed": soon(50), "ednote": "x"}))["item"][
        "id"
    ]
    await http.post(f"{items}/{planned}/expire")
    await post({"headline": "Too late", "expires": soon(-1)})
    await post({"headline": "In vain", "publish_at": soon(60), "expires": soon(50)})
    await post({"headline": "For nothing", "replaces": second})
    await post({"headline": "x" * 300})
    await http.post(items, content=b"{")
    await http.post(items, content=b"x" * 20_000)
    await http.post(items, content=b"<x/>", headers={"Content-Type": "text/xml"})
    stranger, reader = {"Authorization": "Bearer nobody"}, await editor(store, "reader", "read")
    await http.post(items, json={"headline": "x"}, headers=stranger)
    await http.post(items, json={"headline": "x"}, headers=reader)
    for path in (first, second, third, planned, "01M84KNK82EG1GQT586YRGEF7V"):
        for headers in ({}, {"Authorization": ""}):
            await http.get(f"{items}/{path}", headers=headers)
        await http.get(f"{items}/{path}/versions")
        await http.get(f"{items}/{path}/reach")
    for path in (items, "/openapi.json", "/asyncapi.json", f"{items}/{second}", "/v1/channels/en/feed.rss"):
        etag = (await http.get(path)).headers["ETag"]
        await http.get(path, headers={"If-None-Match": etag})
    asked = ["/v1/channels", "/health/live", "/health/ready", "/v1/channels/xx/items", f"{items}?urgency=0"]
    asked += [
        f"/v1/channels/en/{rest}"
        for rest in ("queue", "readers", "audit?limit=500", "audit?after=3", "audit?limit=0", "at")
    ]
    asked += [f"/v1/channels/en/feed.{kind}" for kind in ("json", "rss", "jsonld")]
    asked += [f"/v1/channels/en/at?time={soon(seconds).replace('+', '%2B')}" for seconds in (-9999, 9999)]
    asked += [f"/oembed?url={http.base_url}/embed/{rest}" for rest in ("en", "xx", "en&format=xml")]
    for path in asked:
        await http.get(path)
    targets, device = "/v1/channels/en/targets", {"provider": "apns", "address": "ab" * 32, "urgency": 2}
    named = (await http.post(targets, json=device)).json()["id"]
    await http.post(targets, json={"provider": "webhook", "address": "https://hooks.example/x"})
    await http.post(targets, json={"provider": "webhook", "address": "https://10.0.0.1/x"})
    for path in ("/v1/push", targets, f"{items}/{second}/push", f"{items}/01M84KNK82EG1GQT586YRGEF7V/push"):
        await http.get(path)
    await http.delete(f"{targets}/{named}")
    await http.delete(f"{targets}/{named}")
    await http.post("/v1/channels/en/subscriptions", json=subscription())
    await http.delete(f"/v1/channels/en/subscriptions/{named}")
    await http.get("/v1/rules")
    for desk in ("firstdesk", "otherdesk"):
        await http.post("/v1/channels/en/presence", json={"desk": desk, "item": second, "act": "update"})
    await http.post("/v1/session", json={"key": "nobody"})
    await http.delete("/v1/session")
    await http.post("/v1/session", json={"key": reader["Authorization"].removeprefix("Bearer ")})
    await http.get("/v1/session")
    await http.delete("/v1/session")


async def test_every_answer_in_the_whole_life_of_an_item_is_as_described(stage: Stage, store: Store) -> None:
    """Status, media type, headers and body, of what is done and of what is refused."""
    described, told = await Described.of(stage), Told(stage)
    await live(stage, store)
    assert [] == told.unlike(described)
    succeeded = {name for name, status in told.statuses(described) if status < 300}
    # Nothing waits for approval in the built-in channels, and browsers are not sent to.
    assert {told["operationId"] for told in operations(described.document).values()} - succeeded == {
        *("approve", "subscribe", "unsubscribe")
    }


async def test_an_item_that_waits_for_a_colleague_is_answered_as_described(
    store: Store, valkey: str, tmp_path: Any
) -> None:
    """Submitted, seen in the queue, refused to its author, approved by another."""
    file = tmp_path / "channels.toml"
    file.write_text('[channels.en]\ntitle = "News"\nlanguage = "en"\napprove = 2\n', encoding="utf-8")
    async with running(valkey, channels=file) as stage:
        described, told = await Described.of(stage), Told(stage)
        items, colleague = "/v1/channels/en/items", await editor(store, "colleague", "publish", "read")
        answer = await stage.http.post(items, json={"headline": "Flash", "urgency": 1, "ednote": "sure?"})
        address = answer.headers["Location"]
        await stage.http.get("/v1/channels/en/queue")
        await stage.http.post(f"{address}/approve")
        await stage.http.post(f"{address}/hold")
        await stage.http.post(f"{address}/approve", headers=colleague)
        assert [] == told.unlike(described)
        assert {("approve", 200), ("approve", 403), ("hold", 409)} <= told.statuses(described)


async def test_a_session_is_answered_as_described_to_a_page_of_another_site(stage: Stage) -> None:
    """Refused, by a type that says why."""
    described, told = await Described.of(stage), Told(stage)
    await stage.http.post("/v1/session", json={"key": "x"}, headers={"Origin": "https://elsewhere.example"})
    assert [] == told.unlike(described)
    assert {("login", 403)} == told.statuses(described)


async def test_answers_while_the_store_is_away_are_as_described(valkey: str) -> None:
    """A refusal that says that it can be tried again."""
    async with running("redis://127.0.0.1:1", wait=False) as stage:
        described, told = await Described.of(stage), Told(stage)

        async def tried() -> bool:
            paths = ["/health/ready", "/v1/channels/en/items", "/v1/channels/en/queue", "/v1/channels/en/feed.json"]
            await asyncio.gather(*(stage.http.get(path) for path in paths))
            await stage.http.post("/v1/channels/en/items", json={"headline": "x"})
            return len(told.statuses(described)) >= 5

        await until(tried, "every operation to be refused")
        assert [] == told.unlike(described)
        assert {503} == {status for _, status in told.statuses(described)}


def test_the_document_stays_small(documents: dict[str, dict[str, Any]]) -> None:
    """Less than an ordinary picture, so that a page can load it."""
    assert len(encode(documents["serve"])) < 150_000
