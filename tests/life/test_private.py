"""What is private stays so: a marker in every private field, and then a walk along everything that the public can ask.

The addresses are those of the running service's own routes, so one that is new is walked as well.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.routing import Route
from ticker.auth import Keyring
from ticker.store import Store, text
from websockets.asyncio.client import ClientConnection

from tests.stage import PLAIN, Stage, running, short_directory
from tests.waiting import until

CHANNELS = """
[channels.en]
title = "English"
language = "en"
window = 4

[channels.flash]
title = "Flash"
language = "en"
approve = 1
"""
FILTERS = ("", "section=world", "urgency=1&urgency=5", "section=world&tag=open")
NO_ITEM = "01J00000000000000000000000"
EDITOR = "markedname"
PRIVATE = ("ednote", "push_headline", "push")
TTL = 2_104_243
"""Seconds, and so long a number that no figure in `/metrics` has it by chance."""


@dataclass
class Secrets:
    """What was done, and which words may stand nowhere from then on."""

    markers: set[str] = field(default_factory=set)
    once: set[str] = field(default_factory=set)
    """Those that the public was shown, before they were taken back."""
    items: dict[str, str] = field(default_factory=dict)
    """Items by what became of them."""
    cursors: dict[str, list[str]] = field(default_factory=lambda: {"en": [], "flash": []})
    """Every place that a reader can have seen last."""

    def mark(self, name: str) -> str:
        """A word that is private."""
        marker = f"marked{name}{len(self.markers)}"
        self.markers.add(marker)
        return marker

    def told(self, given: str) -> list[str]:
        """The private words in what somebody was given."""
        said = given.casefold()
        return sorted(marker for marker in self.markers if marker.casefold() in said)

    def shown(self, name: str) -> dict[str, Any]:
        """The text of an item that is on air for a while, with what was never for the public."""
        content = self.content(name)
        self.once |= {*self.told(json.dumps({**content, **dict.fromkeys(PRIVATE)}))}
        return content

    def content(self, name: str) -> dict[str, Any]:
        """The text of an item that the public must not see, now or any more."""
        return {
            "headline": f"Nobody reads {self.mark(f'headline{name}')}",
            "attribution": self.mark(f"attribution{name}"),
            "tags": [self.mark(f"tag{name}")],
            "located": self.mark(f"place{name}"),
            "story": self.mark(f"story{name}"),
            "link": f"https://example.org/{self.mark(f'link{name}')}",
            "sections": ["world"],
            **self.plans(name),
        }

    def plans(self, name: str) -> dict[str, Any]:
        """What is private of every item."""
        return {
            "ednote": self.mark(f"ednote{name}"),
            "push_headline": self.mark(f"push{name}"),
            "push": {"topics": [self.mark(f"topic{name}")], "ttl": TTL},
        }


@dataclass
class Newsroom:
    """A service with its secrets, and a reader who was there all the time."""

    stage: Stage
    store: Store
    secrets: Secrets
    before: list[str]
    """What a reader of each channel was sent while the secrets were made."""
    frames: list[str]
    """What they were sent since."""


def at(hours: float) -> str:
    """So many hours from now."""
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


@pytest.fixture
async def newsroom(store: Store, valkey: str) -> AsyncIterator[Newsroom]:
    """Every kind of secret there is."""
    with short_directory() as directory:
        file = directory / "channels.toml"
        file.write_text(CHANNELS, encoding="utf-8")
        async with running(valkey, channels=file, heartbeat=0.5, address_limit=0) as stage:
            token, key = await Keyring(store).create(EDITOR, ("admin",))
            other, second = await Keyring(store).create(EDITOR + "two", ("admin",))
            stage.http.headers["Authorization"] = f"Bearer {token}"
            secrets = Secrets({EDITOR, key.id, second.id, token, other, str(TTL)})
            async with listening(stage, [*secrets.cursors]) as frames:
                await live(stage, secrets, {"Authorization": f"Bearer {other}"})
                await another_release(store, secrets)
                last = secrets.cursors["en"][-1]
                await until(lambda: any(last in frame for frame in frames), "the readers to have it all")
                before = [*frames]
                frames.clear()
                yield Newsroom(stage, store, secrets, before, frames)


async def live(stage: Stage, secrets: Secrets, colleague: dict[str, str]) -> None:
    """A day in the newsroom."""

    async def noted(channel: str) -> None:
        window = await stage.http.get(f"/v1/channels/{channel}/items")
        secrets.cursors[channel].append(window.json()["cursor"])

    async def publish(name: str, channel: str = "en", **fields: Any) -> str:
        item = (await stage.post(channel=channel, **fields))["item"]
        secrets.items[name] = item["id"]
        await noted(channel)
        return str(item["id"])

    async def act(item_id: str, name: str, body: Any = None, channel: str = "en", **headers: str) -> None:
        path = f"/v1/channels/{channel}/items/{item_id}"
        method, path = ("PATCH", path) if name == "change" else ("POST", f"{path}/{name}")
        headers = {"If-Match": "*", **headers} if name == "change" else headers
        answer = await stage.http.request(method, path, json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        await noted(channel)

    for channel in secrets.cursors:
        await noted(channel)
    open_item = await publish("open", headline="Anybody may read this", tags=["open"], **secrets.plans("open"))
    await act(open_item, "change", {"signal": "update", "ednote": secrets.mark("ednoteagain"), "sections": ["world"]})
    await act(open_item, "pin")
    await publish("scheduled", publish_at=at(1), **secrets.content("scheduled"))
    embargoed = await publish("embargoed", embargoed=at(1), **secrets.content("embargoed"))
    note = {"signal": "correction", "correction_note": secrets.mark("early"), **secrets.content("changed")}
    await act(embargoed, "change", note)

    held = await publish("held", **secrets.shown("held"))
    await act(held, "change", {"signal": "update", **secrets.shown("updated")})
    await act(held, "hold", {"reason": secrets.mark("reason")})
    await act(held, "change", {"signal": "update", "headline": secrets.mark("whileheld")})
    again = await publish("held again", **secrets.shown("heldagain"))
    for name in ("hold", "release", "hold"):
        await act(again, name)
    unseen = await publish("held before it was seen", publish_at=at(1), **secrets.content("unseen"))
    await act(unseen, "hold")

    retracted = await publish("retracted", **secrets.shown("retracted"))
    await act(retracted, "retract", {"reason": "It was not so"})
    both = await publish("held and retracted", **secrets.shown("both"))
    await act(both, "hold")
    await act(both, "retract", {"reason": "It was not so either"})
    never = await publish("retracted before it was seen", publish_at=at(1), **secrets.content("never"))
    await act(never, "retract", {"reason": secrets.mark("unseenreason")})

    await publish("pending", "flash", urgency=1, **secrets.content("pending"))
    approved = await publish("approved", "flash", urgency=1, headline="A flash", **secrets.plans("approved"))
    note = {"signal": "correction", "correction_note": secrets.mark("beforehand"), "headline": "A better flash"}
    await act(approved, "change", note, "flash")
    await act(approved, "approve", None, "flash", **colleague)
    soon = await publish("ended in secret", publish_at=at(1), **secrets.content("ended"))
    await act(soon, "hold")
    await act(soon, "change", {"signal": "update", "publish_at": None, "expires": at(0.3 / 3600)})

    async def ended() -> bool:
        found = await stage.http.get(f"/v1/channels/en/items/{soon}")
        return bool(found.json()["state"] == "expired")

    await until(ended, "the held item to expire")
    await noted("en")
    rehearsed = await stage.http.post("/v1/channels/en/items?dry_run=1", json=secrets.content("rehearsed"))
    assert rehearsed.status_code == 200
    refused = {**secrets.content("refused"), "sections": [secrets.mark("section")]}
    assert (await stage.http.post("/v1/channels/en/items", json=refused)).status_code == 422


async def another_release(store: Store, secrets: Secrets) -> None:
    """What a release that knows more fields writes into the same store: on a version that stands, and as an entry."""
    redis, item_id = store.redis, secrets.items["open"]
    stored = json.loads(await redis.hget("{ticker:en}:items", item_id) or b"")
    stored |= {"informant": secrets.mark("informant"), "deskchat": {"who": secrets.mark("chat")}}
    stored["push"]["campaign"] = secrets.mark("campaign")
    version = stored.pop("version")
    await redis.hset("{ticker:en}:items", item_id, json.dumps({"version": version, **stored}, separators=(",", ":")))
    found = await redis.hmget("{ticker:en}:meta", "epoch", "n", "last")
    epoch, n, last = (text(part) for part in found if part is not None)
    cursor = f"{epoch}-{int(n) + 1}"
    entry = {"version": version + 1, **stored, "headline": "Anybody may read this too"}
    told: Any = {"previous": last, "act": "update", "item": json.dumps(entry), "signer": secrets.mark("signer")}
    await redis.xadd("{ticker:en}:log", told, id=cursor)
    await redis.hset("{ticker:en}:meta", mapping={"n": int(n) + 1, "last": cursor})
    secrets.cursors["en"].append(cursor)


@asynccontextmanager
async def listening(stage: Stage, channels: Sequence[str]) -> AsyncIterator[list[str]]:
    """What a reader of each of these channels is sent, as it comes."""
    frames: list[str] = []

    async def listen(line: ClientConnection) -> None:
        async for said in line:
            frames.append(str(said))

    lines = [await stage.reader(channel=channel) for channel in channels]
    tasks = [asyncio.create_task(listen(line)) for line in lines]
    try:
        yield frames
    finally:
        for task, line in zip(tasks, lines, strict=True):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await line.close()


def addresses(stage: Stage, secrets: Secrets, methods: Iterable[str]) -> list[str]:
    """Every address of the service that takes one of these methods, for every channel and every item."""
    known = {
        "channel": [*secrets.cursors, "nowhere"],
        "id": [*secrets.items.values(), NO_ITEM],
        "file": ["widget.js", "breaking-ticker.js", "nothing.js"],
    }
    everything = [value for values in known.values() for value in values]
    found: list[str] = []
    assert stage.app is not None
    for route in stage.app.routes:
        if isinstance(route, Route) and {*methods} & {*(route.methods or ())}:
            # A parameter that is new here is tried with everything.
            values = [known.get(name, everything) for name in route.param_convertors]
            for chosen in itertools.product(*values):
                path = route.path
                for name, value in zip(route.param_convertors, chosen, strict=True):
                    path = path.replace(f"{{{name}}}", value)
                found.append(path)
    return [*dict.fromkeys(found)]


async def test_no_address_tells_the_public_what_is_private(newsroom: Newsroom) -> None:
    """Not in a body, a header or a refusal; whatever is asked for with it."""
    queries = ("", "?section=world&urgency=5", f"?time={at(0.1).replace('+', '%2B')}", "?after=0&limit=500&dry_run=1")
    leaks: list[tuple[str, list[str]]] = []
    walked: set[int] = set()
    async with httpx.AsyncClient(base_url=newsroom.stage.url, **PLAIN) as nobody:
        paths = addresses(newsroom.stage, newsroom.secrets, ["GET"])
        assert {"/v1/channels/en/items", f"/v1/channels/flash/items/{NO_ITEM}", "/openapi.json"} <= {*paths}
        for path, query in itertools.product(paths, queries):
            answer = await nobody.get(path + query)
            walked.add(answer.status_code)
            leaks.append((path + query, newsroom.secrets.told(f"{answer.headers} {answer.text}")))
    assert [] == [(path, told) for path, told in leaks if told]
    # It was a walk, and not a row of closed doors.
    assert {200, 401, 404} <= walked
    assert not [status for status in walked if status >= 500]


async def test_no_refusal_tells_the_public_what_is_private(newsroom: Newsroom) -> None:
    """An act without a key, or with a wrong one, is refused in words that know nothing of the item."""
    leaks: list[tuple[str, list[str]]] = []
    wrong = {"Authorization": "Bearer tk_0123456789abcdef_" + "a" * 43}
    asked = [
        ("POST", {}),
        ("POST", wrong),
        ("PATCH", {"If-Match": '"1"'}),
        ("PUT", {}),
        ("DELETE", wrong),
        ("OPTIONS", {}),
    ]
    async with httpx.AsyncClient(base_url=newsroom.stage.url, **PLAIN) as nobody:
        paths = addresses(newsroom.stage, newsroom.secrets, ["GET", "POST", "PATCH", "DELETE"])
        for number, path in enumerate(paths):
            # Each way with half of the items: what a kind of address tells does not depend on which it is.
            for method, headers in asked[number % 2 :: 2]:
                answer = await nobody.request(method, path, json={"reason": "Why not"}, headers=headers)
                assert 400 <= answer.status_code < 500, (method, path)
                leaks.append((f"{method} {path}", newsroom.secrets.told(f"{answer.headers} {answer.text}")))
    assert [] == [(path, told) for path, told in leaks if told]


async def test_what_was_never_on_air_cannot_be_told_from_what_never_was(newsroom: Newsroom) -> None:
    """Who guesses the id of a scheduled item is answered as for any id."""
    items = newsroom.secrets.items
    unseen = ["scheduled", "embargoed", "held before it was seen", "retracted before it was seen", "ended in secret"]
    async with httpx.AsyncClient(base_url=newsroom.stage.url, **PLAIN) as nobody:

        async def asked(item_id: str, channel: str = "en") -> Any:
            answer = await nobody.get(f"/v1/channels/{channel}/items/{item_id}")
            return answer.status_code, {**answer.json(), "request_id": "of each request its own"}, {*answer.headers}

        nothing = await asked(NO_ITEM)
        assert 404 == nothing[0]
        for name in unseen:
            assert nothing == await asked(items[name]), name
        assert nothing == await asked(items["pending"], "flash")


async def test_no_frame_tells_a_reader_what_is_private(newsroom: Newsroom) -> None:
    """Snapshot, resume from every place there was, reset and heartbeat; with filters and without."""
    leaks: list[tuple[str, list[str]]] = []
    kinds: set[str] = set()
    for channel, cursors in newsroom.secrets.cursors.items():
        for cursor, query in itertools.product([None, "", "0-0", "1-99", *dict.fromkeys(cursors)], FILTERS):
            asked = "&".join(part for part in (query, "" if cursor is None else f"cursor={cursor}") if part)
            async with newsroom.stage.reader(f"?{asked}", channel) as line:
                told = str(await line.recv())
            kinds.add(json.loads(told)["type"])
            leaks.append((f"{channel}?{asked}", newsroom.secrets.told(told)))
    assert [] == [(query, told) for query, told in leaks if told]
    assert {"snapshot", "resume", "reset"} == kinds


async def test_a_reader_who_is_there_is_told_what_is_on_air_and_nothing_more(newsroom: Newsroom) -> None:
    """While all of it happens: texts that stand for a while, and never what is for colleagues or for later."""
    secrets = newsroom.secrets
    told = {marker for frame in newsroom.before for marker in secrets.told(frame)}
    assert secrets.once == told
    assert len(newsroom.before) > 12


async def test_a_reader_who_was_there_is_told_nothing_private_afterwards(newsroom: Newsroom) -> None:
    """Neither by a heartbeat nor by what is done to the same items later on."""
    stage, items = newsroom.stage, newsroom.secrets.items
    for name in ("held", "scheduled", "embargoed", "ended in secret"):
        assert (
            await stage.http.post(f"/v1/channels/en/items/{items[name]}/retract", json={"reason": "Gone"})
        ).is_success
    # The text that is released is no secret any more; what was only for colleagues is one for ever.
    assert (await stage.http.post(f"/v1/channels/en/items/{items['held again']}/release")).is_success
    released = await stage.http.get(f"/v1/channels/en/items/{items['held again']}")
    for shown in ("headline", "attribution", "tags", "located", "story", "link"):
        newsroom.secrets.markers -= {*newsroom.secrets.told(json.dumps(released.json()[shown]))}
    heard = len(newsroom.frames)
    last = await stage.post("The last one")
    await until(lambda: any(last["item"]["id"] in said for said in newsroom.frames), "the readers to have it all")
    await until(lambda: any('"heartbeat"' in said for said in newsroom.frames[heard:]), "a heartbeat")
    assert ["retract", "publish", "publish"] == [
        json.loads(said)["act"] for said in newsroom.frames if '"entry"' in said
    ]
    assert [] == [said for said in newsroom.frames if newsroom.secrets.told(said)]


@pytest.mark.parametrize("cursor", ["none", "the first", "of another life"])
async def test_a_terminal_prints_nothing_private(newsroom: Newsroom, cursor: str) -> None:
    """`ticker watch --json` shows the frames as they are."""
    places = {"none": [], "the first": ["--cursor", newsroom.secrets.cursors["en"][0]]}
    asked = places.get(cursor, ["--cursor", "1-1"])
    command = [sys.executable, "-m", "ticker", "watch", "en", "--json", "--url", newsroom.stage.url, *asked]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TICKER_")}
    watch = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environ, limit=2**20)
    assert watch.stdout is not None
    try:
        async with asyncio.timeout(20):
            first = json.loads(await watch.stdout.readline())
            heartbeat = json.loads(await watch.stdout.readline())
    finally:
        watch.terminate()
        await watch.wait()
    kind = {"none": "snapshot", "the first": ("resume", "reset"), "of another life": "reset"}[cursor]
    assert first["type"] in kind
    assert "heartbeat" == heartbeat["type"]
    assert [] == newsroom.secrets.told(json.dumps([first, heartbeat]))


async def test_a_note_is_shown_to_colleagues_only_where_they_look_back_or_ahead(newsroom: Newsroom) -> None:
    """With a key that may read, in the versions, the queue and the record, and nowhere else."""
    token, _ = await Keyring(newsroom.store).create("reader", ("read",))
    notes = {marker for marker in newsroom.secrets.markers if marker.startswith("markedednote")}
    shown: set[str] = set()
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=newsroom.stage.url, headers=headers, **PLAIN) as colleague:
        for path in addresses(newsroom.stage, newsroom.secrets, ["GET"]):
            query = f"?time={at(0.1).replace('+', '%2B')}" if path.endswith("/at") else ""
            answer = await colleague.get(path + query)
            if notes & {*newsroom.secrets.told(f"{answer.headers} {answer.text}")}:
                assert "no-store" == answer.headers["Cache-Control"], path
                shown.add(path.rpartition("/")[2])
    assert {"versions", "queue", "audit"} == shown
