"""The feeds as they are asked for: over the real service, and by a reader of feeds that others wrote."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from typing import Any

import feedparser
import feedparser_sgmllib
import jsonschema
import pytest
import reader as readers
from starlette.requests import Request
from starlette.responses import Response
from ticker.channel import Channel
from ticker.entry import START, Cursor, Entry, State
from ticker.errors import Malformed
from ticker.feeds import Feeds
from ticker.group import EVERYTHING, MOST_TAKEN_BACK, Selector
from ticker.hub import Hub
from ticker.item import Item
from ticker.polling import MOST_BUILT
from ticker.store import Store

from tests.stage import KEY, Service, Stage, running
from tests.test_formats import SCHEMA

EN = Channel(name="en", title="News", language="en")
FEED = "/v1/channels/en/feed."
KINDS = {
    "json": "application/feed+json",
    "rss": "application/rss+xml; charset=utf-8",
    "jsonld": "application/ld+json",
}
EACH = pytest.mark.parametrize("kind", KINDS)


def entry(n: int, act: str = "publish", item_id: str | None = None, **fields: Any) -> Entry:
    """The n-th entry of a log."""
    gone = {"pubstatus": "canceled", "signal": "retraction", "correction_note": f"note {n}"} if act == "retract" else {}
    given: dict[str, Any] = {
        "id": item_id or f"item{n}",
        "version": n,
        "channel": "en",
        "headline": f"headline {n}",
        "language": "en",
        "published_at": n,
        "versioncreated": n,
        **gone,
        **fields,
    }
    return Entry(Cursor(7, n), Cursor(7, n - 1) if n > 1 else START, act, Item(**given))


def loaded(*entries: Entry) -> Hub:
    """A hub that has read this log."""
    hub = Hub(EN, lambda: 0)
    last = entries[-1].cursor if entries else Cursor(7, 0)
    hub.load(State(last, last, list(entries)))
    return hub


async def asked(
    feeds: Feeds, query: str = "", hosts: tuple[str, ...] = ("news.example",), kind: str = "json"
) -> Response:
    """What a request for a feed is answered."""
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "headers": [(b"host", host.encode("latin-1")) for host in hosts],
        "query_string": query.encode(),
        "path_params": {"channel": "en"},
    }
    answer: Response = await getattr(feeds, kind)(Request(scope))
    return answer


def told(answer: Response) -> Any:
    """The JSON of an answer."""
    return json.loads(bytes(answer.body))


async def headlines(stage: Stage, query: str = "", channel: str = "en") -> list[str]:
    """The titles of the JSON feed."""
    answer = await stage.http.get(f"/v1/channels/{channel}/feed.json{query}")
    assert 200 == answer.status_code, answer.text
    return [item["title"] for item in answer.json()["items"]]


@EACH
@pytest.mark.parametrize(
    ("channel", "headline"), [("en", "Fish & <b>chips</b> “dear” 🐟"), ("ar", "افتتاح الجسر & <الطريق>")]
)
async def test_a_feed_tells_what_stands(stage: Stage, kind: str, channel: str, headline: str) -> None:
    """As its media type says, newest first, in the language of its channel; an empty one too."""
    address = f"/v1/channels/{channel}/feed.{kind}"
    assert 200 == (await stage.http.get(address)).status_code
    await stage.post(headline, channel)
    await stage.post('قال الناطق: "نعم"' if channel == "ar" else "He said: yes", channel)
    answer = await stage.http.get(address)
    assert KINDS[kind] == answer.headers["Content-Type"]
    assert "public, max-age=0, s-maxage=1, stale-while-revalidate=10" == answer.headers["Cache-Control"]
    assert (
        "*"
        == (await stage.http.get(address, headers={"Origin": "https://a.example"})).headers[
            "Access-Control-Allow-Origin"
        ]
    )
    if kind == "rss":
        found = feedparser.parse(answer.content)
        language, titles = found.feed.language, [entry.title for entry in found.entries]
        assert not found.bozo
    else:
        document = answer.json()
        language = document.get("language") or document["inLanguage"]
        titles = [
            entry.get("title") or entry["headline"] for entry in document.get("items") or document["liveBlogUpdate"]
        ]
    assert (channel, 2, headline) == (language, len(titles), titles[-1])
    if kind == "json":
        jsonschema.validate(document, SCHEMA)


@pytest.mark.parametrize("kind", ["json", "rss"])
@pytest.mark.parametrize(("channel", "word"), [("en", "Withdrawn"), ("ar", "سحب الخبر")], ids=["en", "ar"])
def test_a_reader_of_feeds_learns_that_an_item_was_withdrawn(
    service: Service, monkeypatch: pytest.MonkeyPatch, kind: str, channel: str, word: str
) -> None:
    """What it has kept under the item's id is overwritten by the notice; nothing of the old text is left."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    # For Python 3.11 there is only reader 3.26, which looks for a part of feedparser under its old name.
    monkeypatch.setitem(sys.modules, "sgmllib", feedparser_sgmllib)
    address = f"{service.url}/v1/channels/{channel}/feed.{kind}"
    kept = service.post(channel, "It stands")["item"]["id"]
    wrong = service.post(channel, "It was all wrong", attribution="A stranger", link="https://a.example/wrong")["item"][
        "id"
    ]
    with closing(readers.make_reader(":memory:", plugins=[])) as reader:
        reader.add_feed(address)
        reader.update_feed(address)
        before = {entry.id: entry.title for entry in reader.get_entries()}
        assert {kept: "It stands", wrong: "A stranger: It was all wrong"} == {
            item_id: (title or "").lstrip("\u200f") for item_id, title in before.items()
        }
        service.retract(channel, wrong, "Sent in error & <sorry>")
        change = reader.update_feed(address)
        assert change is not None
        assert (0, 1) == (change.new, change.modified)
        after = {entry.id: entry for entry in reader.get_entries()}
    assert {kept, wrong} == set(after)
    notice = after[wrong]
    assert f"{word}: Sent in error & <sorry>" == notice.title
    assert None is notice.link
    read = f"{notice.title} {notice.summary} {[content.value for content in notice.content]}"
    assert [] == [words for words in ("all wrong", "stranger", "a.example") if words in read]
    assert f"{word}: Sent in error &amp; &lt;sorry&gt;" in read
    assert before[kept] == after[kept].title


async def test_a_correction_is_marked_and_keeps_its_place(stage: Stage) -> None:
    """The same id, the right text, the note; and the time at which it was changed."""
    item_id = (await stage.post("All 17 are safe"))["item"]["id"]
    await stage.post("Later")
    change = {"signal": "correction", "headline": "All 19 are safe", "correction_note": "19, not 17."}
    address = f"/v1/channels/en/items/{item_id}"
    assert 200 == (await stage.http.patch(address, json=change, headers={"If-Match": "*"})).status_code
    assert ["Later", "All 19 are safe"] == await headlines(stage)
    found = (await stage.http.get(FEED + "json")).json()["items"][1]
    assert (item_id, "All 19 are safe\n\nCorrection: 19, not 17.") == (found["id"], found["content_text"])
    assert found["date_published"] < found["date_modified"]


async def test_what_is_not_on_air_is_in_no_feed(stage: Stage) -> None:
    """Neither what waits for its time, nor what is held, nor what has ended; what is released is there again."""
    await stage.post("Scheduled", publish_at="2099-01-01T00:00:00Z")
    held = (await stage.post("Held", ednote="secret note"))["item"]["id"]
    ended = (await stage.post("Ended"))["item"]["id"]
    for item_id, act in ((held, "hold"), (ended, "expire")):
        assert 200 == (await stage.http.post(f"/v1/channels/en/items/{item_id}/{act}")).status_code
    await stage.post("On air")
    for kind in KINDS:
        text = (await stage.http.get(FEED + kind)).text
        assert ["On air"] == [word for word in ("Scheduled", "Held", "Ended", "On air", "secret", KEY) if word in text]
    assert 200 == (await stage.http.post(f"/v1/channels/en/items/{held}/release")).status_code
    assert ["Held", "On air"] == await headlines(stage)


async def test_an_item_that_was_never_on_air_is_withdrawn_without_a_word(stage: Stage) -> None:
    """And one that had ended is told of all the same: somebody may have kept it."""
    scheduled = (await stage.post("Scheduled", publish_at="2099-01-01T00:00:00Z"))["item"]["id"]
    ended = (await stage.post("Ended"))["item"]["id"]
    assert 200 == (await stage.http.post(f"/v1/channels/en/items/{ended}/expire")).status_code
    await stage.retract(scheduled, "Plans have changed")
    await stage.retract(ended, "It was wrong")
    assert ["Withdrawn: It was wrong"] == await headlines(stage)


@EACH
async def test_a_feed_says_when_nothing_is_new(stage: Stage, kind: str) -> None:
    """304 until something happens; a retraction is something."""
    item_id = (await stage.post("one"))["item"]["id"]
    first = await stage.http.get(FEED + kind)
    again = await stage.http.get(FEED + kind, headers={"If-None-Match": first.headers["ETag"]})
    assert (304, b"", first.headers["ETag"]) == (again.status_code, again.content, again.headers["ETag"])
    head = await stage.http.head(FEED + kind)
    assert (200, b"", first.headers["Content-Length"]) == (
        head.status_code,
        head.content,
        head.headers["Content-Length"],
    )
    await stage.retract(item_id, "Sent in error")
    after = await stage.http.get(FEED + kind, headers={"If-None-Match": first.headers["ETag"]})
    assert (200, True) == (after.status_code, "Withdrawn: Sent in error" in after.text)


async def test_a_feed_is_filtered_like_the_window(stage: Stage) -> None:
    """And names itself with its filter; who was never shown an item is not told that it was withdrawn."""
    await stage.post("Final", sections=["sport"], tags=["cup & co"])
    bank = (await stage.post("Bank", sections=["economy"]))["item"]["id"]
    final = (await stage.post("Semifinal", sections=["sport"]))["item"]["id"]
    assert ["Semifinal", "Final"] == await headlines(stage, "?section=sport")
    assert ["Final"] == await headlines(stage, "?tag=cup+%26+co&utm_source=x")
    await stage.retract(bank, "No bank")
    await stage.retract(final, "No semifinal")
    assert ["Withdrawn: No semifinal", "Final"] == await headlines(stage, "?section=sport")
    assert ["Withdrawn: No semifinal", "Withdrawn: No bank", "Final"] == await headlines(stage)
    filtered = (
        await stage.http.get(
            f"{FEED}json?utm_source=x&urgency=5&section=world&section=sport&section=culture&section=health"
        )
    ).json()
    assert (
        f"{stage.url}{FEED}json?section=culture&section=health&section=sport&section=world&urgency=5"
        == filtered["feed_url"]
    )
    again = (await stage.http.get(filtered["feed_url"])).json()
    assert filtered["items"] == again["items"]


@EACH
async def test_what_is_asked_wrongly_is_refused(stage: Stage, kind: str) -> None:
    """As for the window: an unknown channel, a filter that cannot be."""
    assert 404 == (await stage.http.get(f"/v1/channels/fr/feed.{kind}")).status_code
    refused = await stage.http.get(f"{FEED}{kind}?urgency=high")
    assert (422, "urgency") == (refused.status_code, refused.json()["field"])
    assert 405 == (await stage.http.post(FEED + kind)).status_code


async def test_before_the_log_was_read_no_feed_is_empty() -> None:
    """A reader of feeds must not take everything for gone."""
    async with running("redis://127.0.0.1:1", wait=False) as stage:
        for kind in KINDS:
            answer = await stage.http.get(FEED + kind)
            assert (503, "1") == (answer.status_code, answer.headers["Retry-After"])


@EACH
async def test_a_host_that_is_none_gets_into_no_feed(stage: Stage, kind: str) -> None:
    """Whoever asks can write it; 400, and nothing of it in the answer."""
    await stage.post("one")
    for host in ('evil"><script>', "a.example/path", "user@a.example", "a b", "a.example:x", "[::1", "-", "é.example"):
        answer = await stage.http.get(FEED + kind, headers=[(b"Host", host.encode("latin-1"))])
        assert (400, "Host") == (answer.status_code, answer.json()["field"]), host
        assert host not in answer.text
    assert 200 == (await stage.http.get(FEED + kind, headers={"Host": "news.example:8080"})).status_code


@pytest.mark.parametrize("hosts", [(), ("",), ("a.example", "b.example"), ("a" * 300,)], ids=repr)
async def test_a_host_that_is_missing_or_doubtful_is_refused(hosts: tuple[str, ...]) -> None:
    """No client that can be served sends such."""
    with pytest.raises(Malformed):
        await asked(Feeds({"en": loaded()}, None), hosts=hosts)


@pytest.mark.parametrize("host", ["News.Example", "127.0.0.1:8000", "[2001:db8::1]:80", "ticker_fanout", "localhost"])
async def test_addresses_are_those_that_the_request_came_to(host: str) -> None:
    """As long as nobody says which it should be."""
    feed = told(await asked(Feeds({"en": loaded(entry(1))}, None), hosts=(host,)))
    assert [f"http://{host.lower()}/", f"http://{host.lower()}{FEED}json"] == [feed["home_page_url"], feed["feed_url"]]


async def test_addresses_are_those_of_the_service_when_they_are_told(store: Store, valkey: str) -> None:
    """Whatever the proxy in front, or a stranger, writes as Host."""
    async with running(valkey, public_url="https://news.example/ticker/") as stage:
        await stage.post("one")
        for host in ("127.0.0.1", 'evil"><script>'):
            told = (await stage.http.get(FEED + "json", headers={"Host": host})).json()
            assert "https://news.example/ticker/" == told["home_page_url"]
            assert f"https://news.example/ticker{FEED}json" == told["feed_url"]


async def test_a_feed_is_built_once_for_all_who_ask() -> None:
    """Until something happens, or the channel is called otherwise; each filter and each address has its own."""
    hub = loaded(entry(1, sections=("sport",)), entry(2))
    feeds = Feeds({"en": hub}, None)
    first = await asked(feeds)
    assert first.body is (await asked(feeds)).body
    assert 1 == len(told(await asked(feeds, "section=sport"))["items"])
    assert "http://other.example/" == told(await asked(feeds, hosts=("other.example",)))["home_page_url"]
    assert b"rss" in (await asked(feeds, kind="rss")).body
    assert first.body is (await asked(feeds)).body
    hub.apply([entry(3)])
    second = await asked(feeds)
    assert ["headline 3", "headline 2", "headline 1"] == [item["title"] for item in told(second)["items"]]
    hub.rechannel(EN.model_copy(update={"title": "Other news"}))
    assert "Other news" == told(await asked(feeds))["title"]


async def test_built_feeds_do_not_pile_up() -> None:
    """Whoever asks for ever new ones pushes the oldest out; what is asked for again is built again."""
    feeds = Feeds({"en": loaded(entry(1))}, None)
    first = await asked(feeds)
    for number in range(MOST_BUILT):
        await asked(feeds, f"tag={number}")
    assert MOST_BUILT == len(feeds._kept)
    again = await asked(feeds)
    assert (first.body, False) == (again.body, first.body is again.body)


def test_the_hub_knows_what_was_withdrawn() -> None:
    """The newest first, at most twenty, once each; and nothing but the form in which it may be seen."""
    log = [entry(n) for n in range(1, 26)]
    log += [entry(25 + n, "retract", f"item{n}", ednote="secret", link="https://a.example/") for n in range(1, 26)]
    log.append(entry(51, "retract", "item25"))
    found = loaded(*log).withdrawn(EVERYTHING)
    assert MOST_TAKEN_BACK == 20
    assert [f"item{n}" for n in range(25, 5, -1)] == [item.id for item in found]
    assert {("", None, None, "canceled", "retracted")} == {
        (item.headline, item.link, item.ednote, item.pubstatus, item.state) for item in found
    }
    assert ["note 51", "note 49"] == [item.correction_note for item in found[:2]]
    assert [] == loaded(entry(1), entry(2, "expire", "item1")).withdrawn(EVERYTHING)


def test_who_was_shown_an_item_once_is_told_that_it_was_withdrawn() -> None:
    """Also when a correction had moved it to another section since."""
    log = [
        entry(1, item_id="a", sections=("sport",)),
        entry(2, "correct", "a", sections=("economy",)),
        entry(3, "retract", "a", sections=("economy",)),
    ]
    hub = loaded(*log)
    for section, ids in (("sport", ["a"]), ("economy", ["a"]), ("world", [])):
        assert ids == [item.id for item in hub.withdrawn(Selector(sections=frozenset({section})))]
