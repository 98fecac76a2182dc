"""Channels as pages to frame, and what a CMS is told of them."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.datastructures import QueryParams
from ticker.embedding import attributes_of
from ticker.errors import Unprocessable

from tests.stage import Stage, running
from tests.waiting import until


class Found(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def one(self, tag: str) -> dict[str, str | None]:
        """The attributes of the only element of this kind."""
        (found,) = [attributes for name, attributes in self.elements if name == tag]
        return found


async def oembed(stage: Stage, path: str = "/embed/en", **query: Any) -> Any:
    """What a CMS is told of an address here."""
    answer = await stage.http.get("/oembed", params={"url": stage.url + path, **query})
    assert 200 == answer.status_code, answer.text
    return answer.json()


async def test_a_page_stands_without_a_script(stage: Stage) -> None:
    """It holds the window as a list, newest first, each alert in its language, and asks for itself again."""
    await stage.post("The first", attribution="AP", link="https://news.example/1")
    await stage.post("The second")
    answer = await stage.http.get("/embed/en")
    page = Found(answer.text)
    assert "text/html; charset=utf-8" == answer.headers["Content-Type"]
    assert page.text.index("The second") < page.text.index("AP: The first")
    assert {"href": "https://news.example/1", "target": "_blank", "rel": "noopener"} == page.one("a")
    assert ["en", "en"] == [attributes["lang"] for tag, attributes in page.elements if tag == "li"]
    assert {"http-equiv": "refresh", "content": "60"} in [
        attributes for tag, attributes in page.elements if tag == "meta"
    ]


async def test_a_text_is_only_text_on_a_page(stage: Stage) -> None:
    """Whatever it looks like, and in whatever field it stands."""
    await stage.post('<img src=x onerror="x"> & "quotes"', attribution="<b>AP</b>")
    text = (await stage.http.get('/embed/en?tag="><script>')).text
    assert 200 == (await stage.http.get("/embed/en")).status_code
    page = Found((await stage.http.get("/embed/en")).text)
    assert '<b>AP</b>: <img src=x onerror="x"> & "quotes"' in page.text
    assert "img" not in [tag for tag, _ in page.elements]
    assert 1 == [tag for tag, _ in Found(text).elements].count("script")


async def test_a_page_may_be_framed_by_everybody_and_loads_nothing_from_elsewhere(stage: Stage) -> None:
    """The policy begins with nothing; what the page names lies here."""
    answer = await stage.http.get("/embed/ar?mode=list&theme=dark&max=5&lang=ar&section=world&section=sport")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert ("'none'", "*", "'self'") == (policy["default-src"], policy["frame-ancestors"], policy["script-src"])
    page = Found(answer.text)
    assert {"lang": "ar", "dir": "rtl"} == page.one("html")
    expected = {"channel": "ar", "mode": "list", "theme": "dark", "max": "5", "lang": "ar", "section": "world,sport"}
    assert expected == page.one("breaking-ticker")
    for loaded in (page.one("script")["src"], "v1/embed.css", "v1/host.js"):
        assert 200 == (await stage.http.get(f"/embed/{loaded}")).status_code


@pytest.mark.parametrize(
    ("query", "field"),
    [("mode=marquee", "mode"), ("theme=pink", "theme"), ("max=0", "max"), ("max=-1", "max"), ("lang=e n", "lang")],
)
def test_what_an_attribute_cannot_be_is_refused_by_its_name(query: str, field: str) -> None:
    """A page that shows something else than was asked for would look like a fault of ours."""
    with pytest.raises(Unprocessable) as caught:
        attributes_of(QueryParams(query))
    assert field == caught.value.field


async def test_a_page_is_sent_again_only_when_something_is_new(stage: Stage) -> None:
    """Its ETag is that of the window."""
    await stage.post("The first")
    etag = (await stage.http.get("/embed/en")).headers["ETag"]
    assert 304 == (await stage.http.get("/embed/en", headers={"If-None-Match": etag})).status_code
    await stage.post("The second")

    async def newer() -> bool:
        return (await stage.http.get("/embed/en", headers={"If-None-Match": etag})).status_code == 200

    await until(newer, "the page to be another")


async def test_a_cms_finds_out_from_the_address_alone_how_to_frame_it(stage: Stage) -> None:
    """The page names its oEmbed; that gives a frame with the same address."""
    page = Found((await stage.http.get("/embed/es?mode=list")).text)
    (link,) = [found for tag, found in page.elements if tag == "link" and found["rel"] == "alternate"]
    assert "application/json+oembed" == link["type"]
    told = (await stage.http.get(link["href"] or "")).json()
    assert ("1.0", "rich", stage.url) == (told["version"], told["type"], told["provider_url"])
    frame = Found(told["html"]).one("iframe")
    assert f"{stage.url}/embed/es?mode=list" == frame["src"]
    assert (str(told["width"]), str(told["height"])) == (frame["width"], frame["height"])


async def test_a_frame_is_no_larger_than_it_may_be(stage: Stage) -> None:
    """Nor so small that nothing can be read."""
    usual = await oembed(stage)
    assert (640, 120) == (usual["width"], usual["height"])
    assert 400 == (await oembed(stage, maxwidth=400))["width"]
    assert 300 == (await oembed(stage, "/embed/en?mode=list", maxheight=300))["height"]
    tiny = await oembed(stage, maxwidth=1, maxheight=1)
    assert (240, 88) == (tiny["width"], tiny["height"])


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("", 422),
        ("https://elsewhere.example/embed/en", 404),
        ("{url}/embed/nothing", 404),
        ("{url}/embed/en/more", 404),
        ("{url}/widget/v1/breaking-ticker.js", 404),
        ("{url}.evil.example/embed/en", 404),
        ("javascript:alert(1)", 404),
        ("http://[", 404),
    ],
)
async def test_an_address_that_is_none_of_ours_is_refused(stage: Stage, url: str, status: int) -> None:
    """As a problem that names the field."""
    answer = await stage.http.get("/oembed", params={"url": url.replace("{url}", stage.url)})
    assert (status, "url") == (answer.status_code, answer.json()["field"])


@pytest.mark.parametrize(
    "query", ["format=xml", "maxwidth=wide", "maxwidth=0", "maxheight=1.5", "maxheight=9999999999"]
)
async def test_what_oembed_does_not_take_is_refused_by_its_name(stage: Stage, query: str) -> None:
    """With 422."""
    answer = await stage.http.get(f"/oembed?url={stage.url}/embed/en&{query}")
    assert (422, query.partition("=")[0]) == (answer.status_code, answer.json()["field"])


async def test_behind_a_proxy_the_frame_has_the_public_address(valkey: str) -> None:
    """Whatever the request was sent to."""
    async with running(valkey, public_url="https://news.example/live") as stage:
        answer = await stage.http.get("/oembed", params={"url": "https://news.example/live/embed/en?theme=dark"})
        address = urlsplit(Found(answer.json()["html"]).one("iframe")["src"] or "")
        assert ("news.example", "/live/embed/en") == (address.netloc, address.path)
        assert {"theme": ["dark"]} == parse_qs(address.query)
