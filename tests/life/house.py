"""The real service with its editors and readers, compared after each act with what ought to have become of it."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from ticker import oracle
from ticker.audit import Audit
from ticker.auth import Keyring
from ticker.channel import Channel as Served
from ticker.hub import Hub
from ticker.polling import selected
from ticker.scope import Scope
from ticker.store import Store
from ticker.stream import Log
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.life import model
from tests.life.line import Answer, Http
from tests.life.model import BY_ITSELF, Ask, Bar, Channel, Doc, Editor, Outcome, World
from tests.stage import Stage, running
from tests.waiting import until

WINDOW = 3
CHANNELS = {
    "en": Channel("en", window=WINDOW),
    "flash": Channel("flash", window=WINDOW, approve=1, push_hold=0),
}
FILTERS: dict[str, Callable[[Doc], bool]] = {
    "?section=world": lambda doc: "world" in doc.get("sections", []),
    "?urgency=1&urgency=2": lambda doc: doc["urgency"] in (1, 2),
}
CAST: dict[str, tuple[tuple[Scope, ...], tuple[str, ...]]] = {
    "ada": (("admin",), ()),
    "ben": (("read", "publish", "correct", "retract"), ("en",)),
    "eve": (("read", "publish"), ()),
}
"""ada may do everything, ben edits en, eve is the second pair of eyes."""
SOON = 1500
"""Milliseconds before a moment in which it is worth waiting for."""
FEED_RETRACTIONS = 20
"""Retractions that a feed tells of."""
MOST_RECORDS = 300
"""Records of a channel after which a life begins on an empty store: each look back reads them all."""
PATIENCE = 10.0
"""Seconds in which what is due is done."""


class Watcher:
    """A reader who folds what he is sent by himself, and keeps his cursor when he leaves."""

    def __init__(self, stage: Stage, channel: str, query: str = "", size: int = WINDOW) -> None:
        self.channel, self.query = channel, query
        self.bar = Bar(size)
        self.frames: list[Doc] = []
        self.entries: list[tuple[str, Doc]] = []
        self.cursor = ""
        self._stage = stage
        self._line: ClientConnection | None = None
        self._task: asyncio.Task[None] | None = None

    async def come(self) -> None:
        """Join, or come back; the first frame is here when this returns."""
        cursor = f"{'&' if self.query else '?'}cursor={self.cursor}" if self.cursor else ""
        self._line = await self._stage.reader(self.query + cursor, self.channel)
        self._take(json.loads(await self._line.recv()))
        self._task = asyncio.create_task(self._listen(self._line))

    async def leave(self) -> None:
        """Break the line."""
        if self._line is not None and self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            await self._line.close()
        self._line = self._task = None

    @property
    def here(self) -> bool:
        """Whether he listens."""
        return self._line is not None

    def began(self) -> None:
        """Keep nothing of what was before."""
        self.frames.clear()
        self.entries.clear()

    async def _listen(self, line: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            async for text in line:
                self._take(json.loads(text))

    def _take(self, frame: Doc) -> None:
        self.frames.append(frame)
        self.cursor = frame["cursor"]
        match frame["type"]:
            case "snapshot" | "reset":
                self.bar.load(frame["items"])
            case "resume":
                for entry in frame["entries"]:
                    self._fold(entry)
            case "entry":
                self._fold(frame)

    def _fold(self, entry: Doc) -> None:
        self.entries.append((entry["act"], entry["item"]))
        self.bar.take(entry["act"], entry["item"])


class House:
    """One service for many lives. Each life begins with empty windows and ends with a look at everything."""

    def __init__(self, stage: Stage, store: Store) -> None:
        self.editors: dict[str, Editor] = {}
        self._tokens: dict[str, str] = {}
        self._stage, self._store = stage, store
        self._http = Http(stage.url)
        self.seen: Counter[str] = Counter()
        self.world = World(CHANNELS, FILTERS)
        self._heads: dict[str, tuple[str, int]] = {}  # epoch and number of the log before this life
        self._records: dict[str, int] = {}  # the last record that was taken into account
        self._first: dict[str, int] = {}  # the last record before this life
        self._looked: dict[str, int] = {}  # versions in a channel when it was last looked at
        self._watchers = [Watcher(stage, name, query) for name in CHANNELS for query in ("", *FILTERS)]
        self.traveller = Watcher(stage, "en")
        self._newcomers: dict[str, Watcher] = {}

    # A life.

    async def begin(self) -> None:
        """Empty windows, and readers who saw nothing yet."""
        for watcher in self._watchers:
            if not watcher.here:
                await watcher.come()
        if not self.editors or any(number > MOST_RECORDS for number in self._records.values()):
            await self._anew()
        for channel in CHANNELS:
            await self._clear(channel)
        self.world = World(CHANNELS, FILTERS)
        self._looked.clear()
        for channel in CHANNELS:
            epoch, _, n = (await self._get(f"/v1/channels/{channel}/items"))["cursor"].partition("-")
            self._heads[channel] = epoch, int(n)
            newest = (await self._get(f"/v1/channels/{channel}/audit?limit=1", "ada"))["records"]
            self._records[channel] = self._first[channel] = newest[0]["number"] if newest else 0
        await self._readers_at_head()
        for watcher in self._watchers:
            watcher.began()
        self.traveller = Watcher(self._stage, "en")
        await self.traveller.come()

    async def end(self) -> None:
        """Look at every item once more, at the chain, and at what the judge says; then everybody but the crowd goes."""
        try:
            if not self.traveller.here:
                await self.come_back()
            await self.settled(*self.world.items, last=True)
            for channel in CHANNELS:
                audit = Audit(self._store, channel)
                assert [] == (await audit.verify()).wrong
                records = [record async for record in audit.records(self._first[channel])]
                readers = {"a reader": [self._began_at(channel), *self._watcher(channel).frames]}
                assert [] == oracle.judged(records, [], readers)
        finally:
            await self.abandon()

    async def abandon(self) -> None:
        """The readers of this life go."""
        for watcher in (self.traveller, *self._newcomers.values()):
            await watcher.leave()

    async def close(self) -> None:
        """The end of the house."""
        await self.abandon()
        for watcher in self._watchers:
            await watcher.leave()
        await self._http.close()

    # Steps.

    async def ask(self, ask: Ask) -> tuple[str, Answer]:
        """Send a request, hold the answer and every surface against the model. Returns the item's id, if any."""
        answer = await self.send(ask)
        told = answer.json()
        item_id = ask.item or told.get("item", {}).get("id", "")
        outcome = await self._news(ask, told, item_id)
        # In the other channels something may have come due before the answer was written, or after it.
        siblings = [self._siblings(ask, outcome)]
        await self._all_news()
        siblings.append(self._siblings(ask, outcome))
        self._compare_answer(ask, outcome, answer, siblings)
        await self.settled(*[item_id] if item_id in self.world.items else [])
        return item_id if item_id in self.world.items else "", answer

    async def send(self, ask: Ask) -> Answer:
        """The request as HTTP."""
        path = f"/v1/channels/{ask.channel}/items"
        if ask.item:
            path += f"/{ask.item}" if ask.act == "change" else f"/{ask.item}/{ask.act}"
        body = {name: model.iso(value) if _is_time(name, value) else value for name, value in ask.body.items()}
        headers = {}
        if ask.if_match is not None:
            headers["If-Match"] = ask.if_match
        if ask.once:
            headers["Idempotency-Key"] = ask.once
        query = {name: "1" for name, wanted in (("allow_similar", ask.similar), ("dry_run", ask.dry)) if wanted}
        method = "PATCH" if ask.act == "change" else "POST"
        return await self._http.ask(method, path, self._tokens[ask.editor.name], body or None, headers, query)

    async def wait(self) -> None:
        """Wait for what comes due within the next moments, and look at it."""
        horizon = _now() + SOON
        waited = {item_id for item_id in self.world.items if (self.world.due(item_id) or horizon) < horizon}
        if not waited:
            return

        async def done() -> bool:
            await self._all_news()
            return not any((self.world.due(item_id) or horizon) < horizon for item_id in waited)

        await until(done, "what is due to be done", PATIENCE)
        await self.settled(*waited)

    async def come_back(self) -> None:
        """The traveller comes back with his cursor."""
        began = self._heads["en"][1]
        place = int(self.traveller.cursor.partition("-")[2]) - began
        await self.traveller.come()
        first = self.traveller.frames[-1]
        await self._all_news()
        withdrawn = [item for _, item in self.world.log["en"][place:] if item["pubstatus"] != "usable"]
        # What was taken back may have pushed out something that he would go on showing.
        assert first["type"] in (("resume", "reset") if withdrawn else ("resume",)), first
        told = [entry["item"] for entry in first["entries"]] if first["type"] == "resume" else first["items"]
        self.seen[f"came back: {first['type']}"] += 1
        for item in told:
            assert "headline" not in item or model.known(self.world.newest(item["id"])), (
                f"given to who was away: {item}"
            )
        await self.settled()

    # What has happened meanwhile.

    async def _all_news(self) -> bool:
        """Take in what was done by itself. Whether there was anything."""
        found = False
        for channel in CHANNELS:
            for record in await self._new_records(channel):
                self._did_by_itself(record)
                found = True
        return found

    async def _news(self, ask: Ask, told: Doc, item_id: str) -> Outcome:
        """Take in what is new on record: acts by themselves, each of which has to be due, and this request."""
        outcomes: list[Outcome] = []
        records = await self._new_records(ask.channel)
        mine = [record for record in records if record["by"] != BY_ITSELF]
        assert len(mine) <= 1, mine
        moment = mine[0]["at"] if mine else told.get("item", {}).get("versioncreated") or model.iso(_now())
        at = model.milliseconds(moment)
        done: Outcome | None = None
        for record in records:
            # A refusal was decided a moment before it was noted.
            outcomes.append(self.world.expect(ask, at, item_id))
            if record["by"] == BY_ITSELF:
                self._did_by_itself(record)
            else:
                done = self._did(ask, record, outcomes)
        if done is not None:
            return done
        outcomes.append(self.world.expect(ask, at, item_id))
        problem = told.get("type", "").rpartition(":")[2]
        fitting = [outcome for outcome in outcomes if outcome.problem == problem]
        assert fitting, (outcomes[-1], told)
        # Only what was repeated or rehearsed leaves no trace.
        assert ask.dry or fitting[-1].repeats, (ask, told)
        return fitting[-1]

    def _did(self, ask: Ask, record: Doc, outcomes: list[Outcome]) -> Outcome:
        assert ask.editor.by == record["by"]
        if "refused" in record:
            refused = [outcome for outcome in outcomes if outcome.problem == record["refused"]]
            assert refused, (outcomes[-1], record)
            assert ask.act == record["act"]
            assert ask.item == record.get("item", "")
            return refused[0]
        outcome = outcomes[-1]
        assert not outcome.problem, (outcome.problem, record)
        self._recorded(outcome, record)
        self.world.take(outcome, ask.editor.by, ask)
        return replace(outcome, cursor=len(self.world.log[ask.channel]))

    def _did_by_itself(self, record: Doc) -> None:
        assert BY_ITSELF == record["by"], f"somebody else did {record}"
        outcome = self.world.expect_due(record["item"], model.milliseconds(record["at"]))
        assert outcome.act, f"nothing was due: {record}"
        self._recorded(outcome, record)
        self.world.take(outcome, BY_ITSELF)
        self.seen[f"by itself: {outcome.act}"] += 1

    def _recorded(self, outcome: Outcome, record: Doc) -> None:
        item_id = outcome.doc["id"]
        before = model.whole(self.world.newest(item_id)) if item_id in self.world.items else None
        assert (outcome.act, item_id) == (record["act"], record["item"])
        assert before == record.get("before")
        assert model.whole(outcome.doc) == record["after"]

    async def _new_records(self, channel: str) -> list[Doc]:
        after = self._records[channel]
        path = f"/v1/channels/{channel}/audit?after={after}&limit=500"
        records: list[Doc] = (await self._get(path, "ada"))["records"]
        assert [*range(after + 1, after + 1 + len(records))] == [record["number"] for record in records]
        self._records[channel] += len(records)
        return records

    # What everybody sees.

    def _compare_answer(self, ask: Ask, outcome: Outcome, answer: Answer, siblings: list[list[Doc]]) -> None:
        told = answer.json()
        assert outcome.status(ask) == answer.status, told
        assert "no-store" == answer.headers["cache-control"]
        if outcome.problem:
            assert f"urn:ticker:problem:{outcome.problem}" == told["type"]
            if outcome.problem == "stale-version":
                assert model.desk(outcome.doc) == told["item"]
                assert f'"{outcome.doc["version"]}"' == answer.headers["etag"]
            return
        assert model.desk(outcome.doc) == told["item"]
        assert [] == told.get("warnings", [])
        if ask.dry:
            assert told["dry_run"]
            assert bool(outcome.wire) == bool(told["surfaces"])
            if outcome.wire:
                assert {"act": outcome.wire, "item": model.public(outcome.doc)} == told["surfaces"]["live"]["entry"]
            return
        epoch, n = self._heads[ask.channel]
        assert f"{epoch}-{n + outcome.cursor}" == told["cursor"]
        assert f'"{outcome.doc["version"]}"' == answer.headers["etag"]
        assert outcome.repeats == ("idempotency-replayed" in answer.headers)
        assert _by_id(told.get("siblings", [])) in siblings
        self.seen["with siblings"] += "siblings" in told
        self.seen["repeated"] += outcome.repeats

    def _siblings(self, ask: Ask, outcome: Outcome) -> list[Doc]:
        wanted = outcome.doc and ask.act in ("change", "retract") and not ask.dry
        return _by_id(self.world.siblings(outcome.doc)) if wanted else []

    async def settled(self, *items: str, last: bool = False) -> None:
        """Every surface and every reader show what they ought to; these items are looked at one by one.

        The `last` time, so does a process that has just started.
        """
        while True:
            try:
                await self._readers_at_head()
                await self._readers()
                await asyncio.gather(*map(self._channel, CHANNELS), *map(self._item, items))
                if last:
                    await asyncio.gather(*map(self._new_process, CHANNELS))
                return
            except AssertionError:
                # Something may have come due between two looks.
                if not await self._all_news():
                    raise

    async def _channel(self, name: str) -> None:
        base = f"/v1/channels/{name}"
        # Where nothing was stored, nobody has to be asked a second time.
        stored = sum(len(self.world.items[doc["id"]]) for doc in self.world.of(name))
        for query in ("", *FILTERS) if self._looked.get(name) != stored else ("",):
            window = await self._get(f"{base}/items{query}")
            assert self.world.bars[name, query].items == window["items"], f"the window {query} of {name}"
            assert self._head(name) == window["cursor"]
        if self._looked.get(name) != stored:
            at = await self._get(f"{base}/at", "ada", time=model.iso(_now()))
            assert self.world.bars[name, ""].items == at["items"], f"the bar of {name} by the record"
            await self._feed(name)
            await self._newcome(name)
        self._looked[name] = stored
        queue = await self._get(f"{base}/queue", "ada")
        flags = [(flag["item"]["id"], *flag["because"].values()) for flag in queue.pop("flagged")]
        assert sorted(self.world.flagged(name), key=str) == sorted(flags, key=str)
        self.seen["flagged"] += bool(flags)
        waits = {state: _by_id(queue[state]) for state in model.WAITING}
        assert {state: _by_id(docs) for state, docs in self.world.queue(name).items()} == waits
        for state in model.WAITING:
            moments = [max(doc.get(name, "") for name in model.PLANS) or doc["firstcreated"] for doc in queue[state]]
            assert sorted(moments) == moments, f"the order of what is {state} in {name}"

    async def _feed(self, name: str) -> None:
        feed = await self._get(f"/v1/channels/{name}/feed.json")
        assert self._head(name) == feed["_ticker"]["cursor"]
        told = {item["id"]: item["_ticker"] for item in feed["items"]}
        stands = {item["id"]: item for item in self.world.bars[name, ""].items}
        assert stands == {item_id: item for item_id, item in told.items() if item["pubstatus"] == "usable"}
        taken_back = [item["id"] for act, item in self.world.log[name] if act == "retract"]
        for item_id in taken_back[-FEED_RETRACTIONS:]:
            expected = {**model.public(self.world.newest(item_id)), "direction": "ltr"}
            assert expected == told[item_id], f"a retraction in the feed of {name}"

    async def _new_process(self, name: str) -> None:
        """What a process shows that starts now and reads the log."""
        hub = Hub(Served(name=name, title=name, language="en", window=WINDOW), _now)
        hub.load(await Log(self._store, name).read(1000))
        for query in ("", *FILTERS):
            shown = hub.window(selected(parse_qs(query.removeprefix("?"))))
            items = json.loads(json.dumps([item.public() for item in shown]))
            assert self.world.bars[name, query].items == items, f"the window {query} of {name} in a new process"

    async def _item(self, item_id: str) -> None:
        newest = self.world.newest(item_id)
        path = f"/v1/channels/{newest['channel']}/items/{item_id}"
        public = await self._http.ask("GET", path)
        if model.known(newest):
            assert (200, model.public(newest)) == (public.status, public.json())
            assert f'"{newest["version"]}"' == public.headers["etag"]
        else:
            assert (404, "urn:ticker:problem:unknown-item") == (public.status, public.json()["type"])
        assert model.desk(newest) == await self._get(path, "ada")
        made = zip(self.world.made[item_id], self.world.items[item_id], strict=True)
        expected = [{**made, "item": model.whole(doc)} for made, doc in made]
        assert expected == (await self._get(path + "/versions", "ada"))["versions"]

    async def _readers_at_head(self) -> None:
        for watcher in self._here():
            if not watcher.query:
                await until(partial(self._at_head, watcher), "a reader to be at the head")

    def _at_head(self, watcher: Watcher) -> bool:
        return watcher.cursor == self._head(watcher.channel)

    async def _readers(self) -> None:
        for watcher in self._here():
            expected = self.world.bars[watcher.channel, watcher.query].items
            if watcher.query:
                # His cursor may rest on an older entry: what is none of his business is not sent to him.
                await until(lambda: expected == watcher.bar.items, "a reader with a filter", 5)  # noqa: B023
            assert expected == watcher.bar.items, f"what a reader of {watcher.channel}{watcher.query} shows"
        for name, log in self.world.log.items():
            assert log == self._watcher(name).entries

    async def _newcome(self, channel: str) -> None:
        """Somebody new, who stays until the next one comes."""
        if channel in self._newcomers:
            await self._newcomers[channel].leave()
        newcomer = self._newcomers[channel] = Watcher(self._stage, channel)
        await newcomer.come()
        assert self.world.bars[channel, ""].items == newcomer.bar.items, f"what a newcomer to {channel} is shown"

    # Helpers.

    def _watcher(self, channel: str) -> Watcher:
        return next(watcher for watcher in self._watchers if (watcher.channel, watcher.query) == (channel, ""))

    def _here(self) -> list[Watcher]:
        everybody = (*self._watchers, self.traveller, *self._newcomers.values())
        return [watcher for watcher in everybody if watcher.here]

    def _head(self, channel: str) -> str:
        epoch, n = self._heads[channel]
        return f"{epoch}-{n + len(self.world.log[channel])}"

    def _began_at(self, channel: str) -> Doc:
        epoch, n = self._heads[channel]
        return {"type": "snapshot", "cursor": f"{epoch}-{n}", "items": []}

    async def _get(self, path: str, editor: str = "", **query: str) -> Any:
        answer = await self._http.ask("GET", path, self._tokens.get(editor, ""), query=query)
        assert 200 == answer.status, answer
        return answer.json()

    async def _anew(self) -> None:
        """An empty store: every reader is told so."""
        before = [watcher.cursor for watcher in self._watchers]
        await self._store.redis.flushall()
        keyring = Keyring(self._store)
        for name, (scopes, channels) in CAST.items():
            self._tokens[name], key = await keyring.create(name, scopes, channels)
            self.editors[name] = Editor(key.id, name, frozenset(scopes), frozenset(channels))

        def told() -> bool:
            now = [watcher.cursor for watcher in self._watchers]
            return not any(old == new for old, new in zip(before, now, strict=True))

        await until(told, "everybody to be told")

    async def _clear(self, channel: str) -> None:
        """Take back whatever stands or waits."""

        async def left() -> list[str]:
            window = (await self._get(f"/v1/channels/{channel}/items"))["items"]
            queue = await self._get(f"/v1/channels/{channel}/queue", "ada")
            return [item["id"] for items in (window, *(queue[state] for state in model.WAITING)) for item in items]

        async def empty() -> bool:
            for item_id in {*await left(), *(doc["id"] for doc in self.world.of(channel))}:
                await self.send(Ask(self.editors["ada"], "retract", channel, item_id, {"reason": "The end"}))
            return not await left()

        await until(empty, f"{channel} to be empty")


@asynccontextmanager
async def open_house(url: str, directory: Path) -> AsyncIterator[House]:
    """The service on this store."""
    file = directory / "channels.toml"
    tables = [
        f'[channels.{channel.name}]\ntitle = "{channel.name}"\nlanguage = "en"\nwindow = {channel.window}\n'
        f"approve = {channel.approve}\npush_hold = {channel.push_hold}\nage = {channel.age}\n"
        for channel in CHANNELS.values()
    ]
    file.write_text("\n".join(tables), encoding="utf-8")
    store = Store(url)
    try:
        async with running(url, channels=file, heartbeat=2.0, address_limit=0) as stage:
            house = House(stage, store)
            try:
                yield house
            finally:
                await house.close()
    finally:
        await store.close()


def _now() -> int:
    return int(time.time() * 1000)


def _is_time(name: str, value: Any) -> bool:
    return name in (*model.TIMES, "until") and value is not None


def _by_id(docs: list[Doc]) -> list[Doc]:
    return sorted(docs, key=lambda doc: str(doc["id"]))
