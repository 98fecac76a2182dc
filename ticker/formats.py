"""A channel as a feed, in the formats that others have defined: JSON Feed 1.1, RSS 2.0, schema.org's LiveBlogPosting.

A reader of feeds keeps what it was given. So an item that was taken back stays in the feed under its id, with the
reason in place of its text: the next look overwrites what was kept.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any, NamedTuple, Self
from xml.etree import ElementTree

from ticker.channel import Channel
from ticker.item import Item
from ticker.wire import encode

JSON_FEED = "https://jsonfeed.org/version/1.1"
ATOM = "http://www.w3.org/2005/Atom"
DUBLIN_CORE = "http://purl.org/dc/elements/1.1/"
CONTEXT = "https://schema.org"
TTL_MINUTES = 1
"""How long RSS readers may wait; there is no smaller number."""

# XML 1.0, 2.2: what is no character there makes the whole document unreadable.
_NO_CHARACTER = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REPLACEMENT = "\ufffd"

# Unicode TR 9, 3.3.1 (P2) and 2.6: the first strong letter decides, unless a mark stands before it.
_STRONG = frozenset({"L", "R", "AL"})
_MARKS = {"ltr": "\u200e", "rtl": "\u200f"}

ElementTree.register_namespace("atom", ATOM)
ElementTree.register_namespace("dc", DUBLIN_CORE)


class Words(NamedTuple):
    """What we say ourselves, before an editor's note."""

    withdrawn: str
    correction: str


ENGLISH = Words("Withdrawn", "Correction")
WORDS = {"en": ENGLISH, "ar": Words("سحب الخبر", "تصحيح"), "es": Words("Retirada", "Corrección")}


@dataclass(frozen=True, slots=True)
class Post:
    """An item as a feed tells it; of one that was taken back, only that it was, and why."""

    shown: Mapping[str, Any]
    """The item's public form: no other field can get into a feed."""
    title: str
    note: str
    """What was wrong, in words of our own and the editor's; empty when nothing was, or the title says it."""
    language: str
    direction: str
    since: str
    """When it came to stand where it stands: published, moved to the top, or withdrawn."""
    published: str
    modified: str

    @classmethod
    def of(cls, item: Item, channel: Channel) -> Self:
        """What this channel's feed tells of the item. `item` was on air once."""
        shown = item.public()
        words = WORDS.get(channel.language.lower().partition("-")[0], ENGLISH)
        note, modified = shown.get("correction_note"), shown["versioncreated"]
        if shown["pubstatus"] != "usable":
            title = f"{words.withdrawn}: {note}" if note else words.withdrawn
            # When it was published is not told any more; this is when the notice was.
            return cls(shown, title, "", channel.language, channel.direction, modified, modified, modified)
        said_by, published = shown.get("attribution"), shown.get("published_at", modified)
        return cls(
            shown,
            f"{said_by}: {shown['headline']}" if said_by else shown["headline"],
            f"{words.correction}: {note}" if note else "",
            shown["language"],
            shown["direction"],
            shown.get("bumped_at", published),
            published,
            modified,
        )

    @property
    def paragraphs(self) -> list[str]:
        """Everything that is to be read."""
        return [self.title, self.note] if self.note else [self.title]

    @property
    def line(self) -> str:
        """The title for readers who are told no direction, and guess it from the first letter."""
        first = next((kind for kind in map(unicodedata.bidirectional, self.title) if kind in _STRONG), "L")
        guessed = "ltr" if first == "L" else "rtl"
        return self.title if guessed == self.direction else _MARKS[self.direction] + self.title

    @property
    def text(self) -> str:
        """The same as plain text."""
        return "\n\n".join(self.paragraphs)

    @property
    def markup(self) -> str:
        """The same as HTML, which says in which direction it is read."""
        block = ElementTree.Element("div", lang=self.language, dir=self.direction)
        for paragraph in self.paragraphs:
            ElementTree.SubElement(block, "p").text = paragraph
        return ElementTree.tostring(block, encoding="unicode", method="html")

    def labels(self) -> list[tuple[str, str]]:
        """What it is filed under: kind and name."""
        kinds = (("section", "sections"), ("region", "regions"), ("tag", "tags"))
        return [(kind, name) for kind, field in kinds for name in self.shown.get(field, ())]


@dataclass(frozen=True, slots=True)
class Feed:
    """A channel at one place of its log, as the world may see it."""

    channel: Channel
    cursor: str
    base: str
    """The address of the service, without a slash at its end."""
    path: str
    """Where this feed stands below it."""
    posts: Sequence[Post]
    """Newest first."""

    @classmethod
    def of(cls, channel: Channel, cursor: str, base: str, path: str, items: Sequence[Item]) -> Self:
        """The feed of these items, in whatever order they come."""
        posts = [Post.of(item, channel) for item in items]
        posts.sort(key=lambda post: (post.since, post.shown["id"]), reverse=True)
        return cls(channel, cursor, base, path, posts)

    @property
    def home(self) -> str:
        """The page for people."""
        return self.base + "/"

    @property
    def address(self) -> str:
        """The feed's own address."""
        return self.base + self.path

    def item(self, item_id: str) -> str:
        """The address of an item."""
        return f"{self.base}/v1/channels/{self.channel.name}/items/{item_id}"


def json_feed(feed: Feed) -> bytes:
    """JSON Feed 1.1 (jsonfeed.org). What it has no field for stands in the extension `_ticker`."""
    channel = feed.channel
    return encode(
        {
            "version": JSON_FEED,
            "title": channel.title,
            "home_page_url": feed.home,
            "feed_url": feed.address,
            "language": channel.language,
            "_ticker": {"channel": channel.name, "direction": channel.direction, "cursor": feed.cursor},
            "items": [_json_item(post) for post in feed.posts],
        }
    )


def _json_item(post: Post) -> dict[str, Any]:
    return {
        "id": post.shown["id"],
        **_given(url=post.shown.get("link")),
        "title": post.line,
        "content_text": post.text,
        "content_html": post.markup,
        "date_published": post.since,
        "date_modified": post.modified,
        "language": post.language,
        **_given(tags=[name for _, name in post.labels()]),
        "_ticker": {**post.shown, "direction": post.direction},
    }


def rss(feed: Feed) -> bytes:
    """RSS 2.0 (rssboard.org), with Atom's `link` and `updated` and Dublin Core's `language`."""
    root = ElementTree.Element("rss", version="2.0")
    channel = ElementTree.SubElement(root, "channel")
    _add(channel, "title", feed.channel.title)
    _add(channel, "link", feed.home)
    _add(channel, "description", feed.channel.title)
    _add(channel, "language", feed.channel.language)
    if feed.posts:
        _add(channel, "pubDate", _rfc822(feed.posts[0].since))
        _add(channel, "lastBuildDate", _rfc822(_last(feed)))
    _add(channel, "ttl", str(TTL_MINUTES))
    _add(channel, f"{{{ATOM}}}link", href=feed.address, rel="self", type="application/rss+xml")
    for post in feed.posts:
        item = ElementTree.SubElement(channel, "item")
        _add(item, "title", post.line)
        if "link" in post.shown:
            _add(item, "link", post.shown["link"])
        # Of all elements only this one may hold HTML, so only here can the direction be told.
        _add(item, "description", post.markup)
        for kind, name in post.labels():
            _add(item, "category", name, domain=kind)
        _add(item, "guid", post.shown["id"], isPermaLink="false")
        _add(item, "pubDate", _rfc822(post.since))
        _add(item, f"{{{ATOM}}}updated", post.modified)
        _add(item, f"{{{DUBLIN_CORE}}}language", post.language)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def live_blog(feed: Feed) -> bytes:
    """A LiveBlogPosting (schema.org) in JSON-LD, for search engines."""
    began = min((post.published for post in feed.posts), default=None)
    document = encode(
        {
            "@context": CONTEXT,
            "@type": "LiveBlogPosting",
            "@id": feed.address,
            "url": feed.home,
            "headline": feed.channel.title,
            "inLanguage": feed.channel.language,
            **_given(datePublished=began, coverageStartTime=began, dateModified=_last(feed)),
            "liveBlogUpdate": [_blog_posting(feed, post) for post in feed.posts],
        }
    )
    # It is put into pages as a script, which a headline must not be able to end.
    return document.replace(b"<", b"\\u003c")


def _blog_posting(feed: Feed, post: Post) -> dict[str, Any]:
    shown = post.shown
    withdrawn = shown["pubstatus"] != "usable"
    place, before = shown.get("located"), shown.get("replaces")
    return {
        "@type": "BlogPosting",
        "@id": feed.item(shown["id"]),
        "identifier": shown["id"],
        "headline": post.title,
        "articleBody": post.text,
        "datePublished": post.published,
        "dateModified": post.modified,
        "inLanguage": post.language,
        **_given(
            correction=shown.get("correction_note"),
            creativeWorkStatus=ENGLISH.withdrawn if withdrawn else None,
            url=shown.get("link"),
            creditText=shown.get("attribution"),
            articleSection=shown.get("sections"),
            keywords=[name for kind, name in post.labels() if kind != "section"],
            locationCreated={"@type": "Place", "name": place} if place else None,
            isBasedOn={"@id": feed.item(before)} if before else None,
        ),
    }


def _given(**fields: Any) -> dict[str, Any]:
    """Those of the fields that hold anything."""
    return {name: value for name, value in fields.items() if value}


def _add(parent: ElementTree.Element, name: str, text: str = "", **attributes: str) -> None:
    element = ElementTree.SubElement(parent, name, attributes)
    element.text = _NO_CHARACTER.sub(_REPLACEMENT, text) or None


def _last(feed: Feed) -> str:
    return max((post.modified for post in feed.posts), default="")


def _rfc822(moment: str) -> str:
    # RFC 5322, 3.3, which took its place; GMT, since not every reader knows +0000.
    return format_datetime(datetime.fromisoformat(moment), usegmt=True)
