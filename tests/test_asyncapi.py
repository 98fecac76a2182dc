"""The AsyncAPI document: complete, and as the live stream behaves."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from ticker import asyncapi
from ticker.channel import DEFAULT
from ticker.store import Store
from ticker.wire import CloseCode, Reset
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.documents import Described, broken
from tests.stage import Stage, frame, running

CHANNELS = {channel.name: channel for channel in DEFAULT}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document of the built-in channels."""
    return asyncapi.build(CHANNELS)


def test_the_document_has_what_every_asyncapi_document_has(document: dict[str, Any]) -> None:
    """Version 3.0.0: one channel, what is sent on it and what may be received, and nothing that refers to nowhere."""
    assert "3.0.0" == document["asyncapi"]
    assert {"title", "version", "description"} == set(document["info"])
    assert [] == broken(document)
    told = [(operation["action"], operation["channel"]["$ref"]) for operation in document["operations"].values()]
    assert [("send", "#/channels/live"), ("receive", "#/channels/live")] == told
    messages = document["channels"]["live"]["messages"]
    named = [message for operation in document["operations"].values() for message in operation["messages"]]
    assert [{"$ref": f"#/channels/live/messages/{name}"} for name in messages] == named
    assert [{"$ref": "#/channels/live/messages/seen"}] == document["operations"]["receipt"]["messages"]


def test_the_address_is_the_one_that_is_served_and_its_channels_are_those_that_there_are(
    document: dict[str, Any],
) -> None:
    """The parameter of the address is described, and takes one of them."""
    live = document["channels"]["live"]
    assert "/v1/channels/{channel}/live" == live["address"]
    assert {"channel"} == set(live["parameters"])
    assert ["en", "ar", "es"] == live["parameters"]["channel"]["enum"]


def test_every_close_code_is_told_with_its_meaning(document: dict[str, Any]) -> None:
    """No more and no less than the service has."""
    assert set(CloseCode) == set(asyncapi.CODES)
    told = document["channels"]["live"]["description"]
    assert [] == [code for code in CloseCode if f"- `{code.value}`: {asyncapi.CODES[code]}" not in told]


def test_every_reason_of_a_reset_is_told_with_its_meaning(document: dict[str, Any]) -> None:
    """No more and no less than the service has."""
    assert {value for name, value in vars(Reset).items() if name.isupper()} == set(asyncapi.REASONS)
    told = document["components"]["messages"]["reset"]["description"]
    assert [] == [reason for reason, meaning in asyncapi.REASONS.items() if f"- `{reason}`: {meaning}" not in told]


def test_every_payload_is_a_schema_that_old_and_new_readers_understand(document: dict[str, Any]) -> None:
    """AsyncAPI reads its own superset of draft 7, and others read 2020-12: nothing stands beside a reference
    that one of them would miss."""
    for schema in document["components"]["schemas"].values():
        Draft7Validator.check_schema(schema)
        Draft202012Validator.check_schema(schema)
        for field in schema.get("properties", {}).values():
            if "$ref" in field:
                assert {"$ref"} <= set(field) <= {"$ref", "description"}


async def test_the_frames_of_a_running_service_are_as_described(stage: Stage) -> None:
    """Snapshot, entries of every kind, heartbeat and resume, as they come over the line."""
    described = Described((await stage.http.get("/asyncapi.json")).json())
    seen: dict[str, int] = {}

    async def read(line: Any, until: str) -> Any:
        while True:
            got = await frame(line, 30)
            name = got["type"] if got["type"] != "entry" else got["act"]
            seen[name] = seen.get(name, 0) + 1
            assert [] == described.wrong(got, "components", "messages", got["type"], "payload"), got
            if name == until:
                return got

    full: dict[str, Any] = {
        "attribution": "Police",
        "link": "https://news.example/",
        "tags": ["a"],
        "live": True,
        "story": "s",
    }
    async with stage.reader() as line:
        first = await read(line, "snapshot")
        item = (await stage.post("The bridge is open", **full))["item"]
        address = f"/v1/channels/en/items/{item['id']}"
        change = {"signal": "correction", "headline": "It is shut", "correction_note": "It is not open"}
        for body in ({"signal": "update", "headline": "The bridge is open again"}, change):
            await stage.http.patch(address, json=body, headers={"If-Match": "*"})
        for act in ("pin", "unpin", "hold", "release"):
            assert (await stage.http.post(f"{address}/{act}")).status_code == 200
        await stage.retract(item["id"])
        await read(line, "retract")
    assert {"snapshot", "publish", "update", "correct", "pin", "unpin", "expire", "retract"} == set(seen)
    query = urlencode({"cursor": first["cursor"]})
    async with stage.reader(f"?{query}") as line:
        assert (await read(line, "resume"))["entries"]
    async with stage.reader("?cursor=1-1") as line:
        assert "epoch" == (await read(line, "reset"))["reason"]


async def read_to_the_end(line: ClientConnection) -> None:
    """Until the service ends it."""
    while True:
        await asyncio.wait_for(line.recv(), 20)


async def test_a_heartbeat_is_as_described(store: Store, valkey: str) -> None:
    """And how a line ends when the process stops: with a code that is told."""
    async with running(valkey, heartbeat=0.2) as stage:
        described = Described((await stage.http.get("/asyncapi.json")).json())
        line = await stage.reader()
        async with asyncio.timeout(20):
            while (got := json.loads(await line.recv()))["type"] != "heartbeat":
                pass
        assert [] == described.wrong(got, "components", "messages", "heartbeat", "payload")
    with pytest.raises(ConnectionClosed) as closed:
        await read_to_the_end(line)
    assert closed.value.rcvd is not None
    assert CloseCode.DRAINING == closed.value.rcvd.code
    assert str(closed.value.rcvd.code) in described.document["channels"]["live"]["description"]


@pytest.mark.parametrize("name", ["section", "region", "tag", "urgency"])
async def test_the_query_that_is_described_is_the_one_that_is_taken(stage: Stage, name: str) -> None:
    """As many values as are told, and one more is refused before the handshake."""
    document = (await stage.http.get("/asyncapi.json")).json()
    told = document["channels"]["live"]["bindings"]["ws"]["query"]["properties"][name]
    values = [str(told["items"].get("minimum", "x"))] * told["maxItems"]
    async with stage.reader("?" + urlencode({name: values}, doseq=True)) as line:
        assert "snapshot" == (await frame(line))["type"]
    with pytest.raises(InvalidStatus) as refused:
        await stage.reader("?" + urlencode({name: [*values, values[0]]}, doseq=True))
    assert 422 == refused.value.response.status_code
