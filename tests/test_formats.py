"""The three formats, judged by programs that others wrote: feedparser, jsonschema, rdflib."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import feedparser
import jsonschema
import pytest
from rdflib import RDF, SDO, Graph, URIRef
from ticker.channel import Channel
from ticker.formats import Feed, Post, json_feed, live_blog, rss
from ticker.item import Item

SCHEMA = json.loads((Path(__file__).parent / "cases" / "jsonfeed.json").read_text(encoding="utf-8"))
SCHEMA_ORG = "https://schema.org/"
NOON = 1_795_435_200_000  # 2026-11-23T12:00:00Z
MINUTE = 60_000
BASE = "https://news.example"

EN = Channel(name="en", title="Breaking <news> & more", language="en")
AR = Channel(name="ar", title="عاجل", language="ar")
ES = Channel(name="es", title="Última hora", language="es-MX")
FA = Channel(name="fa", title="فوری", language="fa")


def item(number: int, headline: str, channel: Channel = EN, **fields: Any) -> Item:
    """An item that was published so many minutes after noon."""
    at = NOON + number * MINUTE
    given: dict[str, Any] = {
        "id": f"item{number}",
        "version": 1,
        "channel": channel.name,
        "headline": headline,
        "language": channel.language,
        "direction": channel.direction,
        "firstcreated": at,
        "published_at": at,
        "versioncreated": at,
    }
    return Item(**{**given, **fields})


def withdrawn(number: int, note: str | None, channel: Channel = EN, at: int = 30, **fields: Any) -> Item:
    """One that was taken back so many minutes after noon, as it is stored: with all that it said."""
    gone = {"version": 2, "pubstatus": "canceled", "signal": "retraction", "correction_note": note}
    return item(number, "It was all wrong", channel, **gone, versioncreated=NOON + at * MINUTE, **fields)


def feed(*items: Item, channel: Channel = EN, path: str = "/v1/channels/en/feed") -> Feed:
    """A feed of these items."""
    return Feed.of(channel, "7-3", BASE, path, items)


HEADLINES = [
    "Fish & chips",
    "Prices fall <b>again</b>",
    "“Curly”, \"straight\" & 'single'",
    "1 < 2 > 0 && ]]> <!-- &amp; &#x41;",
    "Rescue 🚒 👩‍🚒 in 🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "<script>alert(1)</script>",
    'عاجل: "افتتاح" الجسر & الطريق <2>',
    "BBC تنشر: الجسر مفتوح",
]


def everything(channel: Channel) -> Feed:
    """A feed with all that there can be in one."""
    return feed(
        *(item(number, headline, channel) for number, headline in enumerate(HEADLINES)),
        item(
            10,
            "All 19 passengers are safe",
            channel,
            attribution="AT&T <coast>",
            version=3,
            signal="correction",
            correction_note="19 & not <17>.",
            versioncreated=NOON + 20 * MINUTE,
            sections=("world", "politics"),
            regions=("asia",),
            tags=("ferry & co", "<tag>"),
            located="Dhaka <port>",
            story="ferry",
            link="https://news.example/ferry?a=1&b=2",
            live=True,
            developing=True,
            replaces="item0",
            urgency=1,
            bumped_at=NOON + 15 * MINUTE,
            pinned_until=NOON + 90 * MINUTE,
            expires=NOON + 900 * MINUTE,
        ),
        item(11, "In another language", channel, language="fr-CA", direction="ltr"),
        withdrawn(12, "Sent in error & <sorry>", channel),
        channel=channel,
    )


ALL = pytest.mark.parametrize("channel", [EN, AR, ES, FA], ids=lambda channel: channel.name)


def parsed(document: bytes) -> Any:
    """An RSS feed as feedparser understands it."""
    found = feedparser.parse(document)
    assert not found.bozo, found.bozo_exception
    assert "rss20" == found.version
    return found


def graph(document: bytes) -> Graph:
    """A JSON-LD document as the triples that rdflib reads out of it; its context is not fetched."""
    told = json.loads(document)
    assert "https://schema.org" == told.pop("@context")
    return Graph().parse(data=json.dumps({"@context": {"@vocab": SCHEMA_ORG}, **told}), format="json-ld")


@ALL
def test_a_json_feed_is_one(channel: Channel) -> None:
    """By the rules of its specification."""
    jsonschema.validate(json.loads(json_feed(everything(channel))), SCHEMA)
    jsonschema.validate(json.loads(json_feed(feed(channel=channel))), SCHEMA)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["version"], "https://jsonfeed.org/version/1"),
        (["feed_url"], "/feed.json"),
        (["items", 0, "id"], 7),
        (["items", 0, "date_modified"], "2026-11-23 12:00"),
        (["items", 0, "tags"], "ferry"),
        (["items", 0, "headline"], "no such field"),
        (["items", 0, "_ticker"], "no object"),
        (["items", 0, "_ticker"], {"a.b": 1}),
    ],
    ids=str,
)
def test_the_rules_of_json_feed_refuse_what_is_none(path: list[Any], value: Any) -> None:
    """Or the test before this one would prove nothing."""
    broken = json.loads(json_feed(everything(EN)))
    inner = broken
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, SCHEMA)


def test_a_json_feed_says_all_that_is_public() -> None:
    """In the fields that every reader knows, and the item as it is in the window besides."""
    told = json.loads(json_feed(everything(EN)))
    corrected = next(entry for entry in told["items"] if entry["id"] == "item10")
    assert {
        "id": "item10",
        "url": "https://news.example/ferry?a=1&b=2",
        "title": "AT&T <coast>: All 19 passengers are safe",
        "content_text": "AT&T <coast>: All 19 passengers are safe\n\nCorrection: 19 & not <17>.",
        "content_html": (
            '<div lang="en" dir="ltr"><p>AT&amp;T &lt;coast&gt;: All 19 passengers are safe</p>'
            "<p>Correction: 19 &amp; not &lt;17&gt;.</p></div>"
        ),
        "date_published": "2026-11-23T12:15:00.000Z",
        "date_modified": "2026-11-23T12:20:00.000Z",
        "language": "en",
        "tags": ["world", "politics", "asia", "ferry & co", "<tag>"],
    } == {name: value for name, value in corrected.items() if name != "_ticker"}
    known = next(post.shown for post in everything(EN).posts if post.shown["id"] == "item10")
    assert json.loads(json.dumps(known)) == corrected["_ticker"]
    assert {"channel": "en", "direction": "ltr", "cursor": "7-3"} == told["_ticker"]


def test_the_newest_stands_first() -> None:
    """What was moved to the top by the time of that, and what was withdrawn by the time of that."""
    found = feed(
        item(1, "the first"),
        withdrawn(0, "Sent in error", at=5),
        item(2, "moved to the top", bumped_at=NOON + 6 * MINUTE),
        item(3, "corrected later", versioncreated=NOON + 9 * MINUTE),
    )
    assert ["item2", "item0", "item3", "item1"] == [post.shown["id"] for post in found.posts]


@ALL
def test_an_rss_feed_is_one(channel: Channel) -> None:
    """Well-formed, RSS 2.0 to a parser that has seen them all, and nothing is lost on the way."""
    source = everything(channel)
    found = parsed(rss(source))
    assert (channel.title, channel.language) == (found.feed.title_detail.value, found.feed.language)
    assert [post.shown["id"] for post in source.posts] == [entry.id for entry in found.entries]
    assert all(not entry.guidislink for entry in found.entries)
    assert [post.language for post in source.posts] == [entry.language for entry in found.entries]
    assert [] == parsed(rss(feed(channel=channel))).entries


def test_an_rss_feed_says_when_and_where() -> None:
    """Its own address, its home, and dates that every reader understands."""
    document = rss(everything(EN))
    found = parsed(document)
    assert "https://news.example/" == found.feed.link
    assert ["https://news.example/v1/channels/en/feed"] == [
        link.href for link in found.feed.links if link.rel == "self"
    ]
    channel = ElementTree.fromstring(document)[0]
    assert "1" == channel.findtext("ttl")
    assert "Mon, 23 Nov 2026 12:30:00 GMT" == channel.findtext("pubDate")
    assert "Mon, 23 Nov 2026 12:30:00 GMT" == channel.findtext("lastBuildDate")
    corrected = next(entry for entry in found.entries if entry.id == "item10")
    assert (2026, 11, 23, 12, 15, 0) == tuple(corrected.published_parsed)[:6]
    assert (2026, 11, 23, 12, 20, 0) == tuple(corrected.updated_parsed)[:6]
    assert "https://news.example/ferry?a=1&b=2" == corrected.link
    assert [
        ("section", "world"),
        ("section", "politics"),
        ("region", "asia"),
        ("tag", "ferry & co"),
        ("tag", "<tag>"),
    ] == [(tag.scheme, tag.term) for tag in corrected.tags]


@pytest.mark.parametrize("headline", HEADLINES)
def test_a_headline_reaches_a_reader_of_rss_as_it_is(headline: str) -> None:
    """Its title is plain text; its description is HTML, in which a tag of the headline is none."""
    document = rss(feed(item(1, headline)))
    assert headline == ElementTree.fromstring(document)[0].findtext("item/title", "").lstrip("\u200e")
    description = parsed(document).entries[0].summary_detail
    assert "text/html" == description.type
    shown = ElementTree.fromstring(description.value)
    assert ("div", ["p"]) == (shown.tag, [inner.tag for inner in shown])
    assert headline == "".join(shown.itertext())


def test_what_xml_cannot_hold_breaks_no_feed() -> None:
    """It is replaced, should it ever have come so far."""
    document = rss(feed(item(1, "a\x00b\x0bc\ud800d\ufffee", tags=("\x1f",))))
    entry = parsed(document).entries[0]
    assert ("a\ufffdb\ufffdc\ufffdd\ufffde", ["\ufffd"]) == (entry.title, [tag.term for tag in entry.tags])


@ALL
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")  # rdflib's own JSON-LD parser still uses it
def test_a_live_blog_is_one(channel: Channel) -> None:
    """JSON-LD to a parser of it, and of nothing but words that schema.org has."""
    source = everything(channel)
    for document in (live_blog(source), live_blog(feed(channel=channel))):
        found = graph(document)
        terms = {*found.predicates(), *found.objects(None, RDF.type)} - {RDF.type}
        assert [] == [term for term in map(str, terms) if term not in SDO]
    blog = URIRef(source.address)
    found = graph(live_blog(source))
    assert SDO.LiveBlogPosting == found.value(blog, RDF.type)
    updates = set(found.objects(blog, SDO.liveBlogUpdate))
    assert {URIRef(source.item(post.shown["id"])) for post in source.posts} == updates
    assert {SDO.BlogPosting} == {found.value(update, RDF.type) for update in updates}


def test_the_words_of_schema_org_are_known_to_the_judge() -> None:
    """Or the test before this one would prove nothing."""
    assert SDO.liveBlogUpdate in SDO
    assert URIRef(SCHEMA_ORG + "liveBlogUpdates") not in SDO


def test_a_live_blog_says_all_that_it_has_words_for() -> None:
    """A search engine is told when it began, what was corrected, and what stands for what."""
    told = json.loads(live_blog(everything(EN)))
    updates = {update["identifier"]: update for update in told.pop("liveBlogUpdate")}
    assert {
        "@context": "https://schema.org",
        "@type": "LiveBlogPosting",
        "@id": "https://news.example/v1/channels/en/feed",
        "url": "https://news.example/",
        "headline": "Breaking <news> & more",
        "inLanguage": "en",
        "datePublished": "2026-11-23T12:00:00.000Z",
        "coverageStartTime": "2026-11-23T12:00:00.000Z",
        "dateModified": "2026-11-23T12:30:00.000Z",
    } == told
    assert {
        "@type": "BlogPosting",
        "@id": "https://news.example/v1/channels/en/items/item10",
        "identifier": "item10",
        "headline": "AT&T <coast>: All 19 passengers are safe",
        "articleBody": "AT&T <coast>: All 19 passengers are safe\n\nCorrection: 19 & not <17>.",
        "datePublished": "2026-11-23T12:10:00.000Z",
        "dateModified": "2026-11-23T12:20:00.000Z",
        "inLanguage": "en",
        "correction": "19 & not <17>.",
        "url": "https://news.example/ferry?a=1&b=2",
        "creditText": "AT&T <coast>",
        "articleSection": ["world", "politics"],
        "keywords": ["asia", "ferry & co", "<tag>"],
        "locationCreated": {"@type": "Place", "name": "Dhaka <port>"},
        "isBasedOn": {"@id": "https://news.example/v1/channels/en/items/item0"},
    } == updates["item10"]
    assert "Withdrawn" == updates["item12"]["creativeWorkStatus"]


def test_a_live_blog_can_be_put_into_a_page() -> None:
    """A headline does not end the script that it stands in."""
    document = live_blog(feed(item(1, "</script><script>alert(1)</script><!--")))
    assert b"<" not in document
    assert "</script><script>alert(1)</script><!--" == json.loads(document)["liveBlogUpdate"][0]["headline"]


@pytest.mark.parametrize(
    ("channel", "title"),
    [
        (EN, "Withdrawn: Sent in error"),
        (AR, "سحب الخبر: Sent in error"),
        (ES, "Retirada: Sent in error"),
        (FA, "Withdrawn: Sent in error"),
    ],
    ids=lambda given: getattr(given, "name", ""),
)
def test_what_was_taken_back_says_so_and_nothing_else(channel: Channel, title: str) -> None:
    """In every format, in the channel's language, with the reason; and no word of what it said."""
    said = {
        "attribution": "The old attribution",
        "link": "https://news.example/old-link",
        "sections": ("old-section",),
        "tags": ("old-tag",),
        "located": "Old place",
        "story": "old-story",
        "language": "fr",
        "direction": "ltr",
    }
    source = feed(withdrawn(1, "Sent in error", channel, at=30, **said), channel=channel)
    (post,) = source.posts
    assert (title, channel.language, channel.direction) == (post.title, post.language, post.direction)
    for write in (json_feed, rss, live_blog):
        document = write(source).decode()
        assert title in document
        assert [] == [
            word for word in ("It was all", "ld attribution", "old-", "Old place", '"fr"') if word in document
        ]
    (entry,) = json.loads(json_feed(source))["items"]
    assert ("item1", "canceled", "2026-11-23T12:30:00.000Z") == (
        entry["id"],
        entry["_ticker"]["pubstatus"],
        entry["date_modified"],
    )


def test_what_was_taken_back_without_a_word_is_told_without_one() -> None:
    """A note is required; an old log may lack it."""
    assert "Withdrawn" == Post.of(withdrawn(1, None), EN).text


@pytest.mark.parametrize(
    ("channel", "word"),
    [(EN, "Correction"), (AR, "تصحيح"), (ES, "Corrección")],
    ids=lambda given: getattr(given, "name", ""),
)
def test_a_correction_is_marked_with_its_note(channel: Channel, word: str) -> None:
    """Below the text that is right now, in every format."""
    note = "19, not 17."
    source = feed(item(1, "All 19 are safe", channel, signal="correction", correction_note=note), channel=channel)
    (entry,) = json.loads(json_feed(source))["items"]
    assert f"All 19 are safe\n\n{word}: {note}" == entry["content_text"]
    assert f"<p>{word}: {note}</p>" in entry["content_html"]
    assert f"<p>{word}: {note}</p>" in parsed(rss(source)).entries[0].summary
    assert (note, entry["content_text"]) == tuple(
        json.loads(live_blog(source))["liveBlogUpdate"][0][name] for name in ("correction", "articleBody")
    )


def test_an_arabic_feed_is_read_from_the_right() -> None:
    """Wherever there is a place to say so; and where there is none, a mark stands before what would be misread."""
    source = feed(
        item(1, "الجسر مفتوح", AR),
        item(2, "تنشر الخبر", AR, attribution="BBC"),
        item(3, "The bridge is open", AR, language="en", direction="ltr"),
        item(4, "2026", AR),
        channel=AR,
    )
    told = json.loads(json_feed(source))
    assert ("ar", "rtl") == (told["language"], told["_ticker"]["direction"])
    titles = ["\u200f2026", "The bridge is open", "\u200fBBC: تنشر الخبر", "الجسر مفتوح"]
    found = parsed(rss(source))
    assert titles == [entry["title"] for entry in told["items"]]
    assert titles == [entry.title for entry in found.entries]
    directions = [("ar", "rtl"), ("en", "ltr"), ("ar", "rtl"), ("ar", "rtl")]
    assert directions == [(entry["language"], entry["_ticker"]["direction"]) for entry in told["items"]]
    divs = [ElementTree.fromstring(entry.summary) for entry in found.entries]
    assert directions == [(div.attrib["lang"], div.attrib["dir"]) for div in divs]
    assert "BBC: تنشر الخبر" == divs[2].findtext("p")


def test_an_english_line_that_begins_in_arabic_is_read_from_the_left() -> None:
    """The other way round, too."""
    assert "\u200eالجزيرة: it is open" == Post.of(item(1, "it is open", attribution="الجزيرة"), EN).line


def test_what_editors_keep_to_themselves_is_in_no_format() -> None:
    """The public form and nothing else."""
    private: dict[str, Any] = {
        "ednote": "secret-note",
        "push_headline": "secret-push",
        "author": "secret-key",
        "publish_at": NOON + 1,
        "push_at": NOON + 2,
        "embargoed": NOON + 3,
    }
    plain, guarded = feed(item(1, "Open")), feed(item(1, "Open", **private))
    for write in (json_feed, rss, live_blog):
        assert write(plain) == write(guarded)
