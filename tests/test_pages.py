"""The pages and the widget's files, over HTTP as a browser asks for them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from html.parser import HTMLParser
from urllib.parse import urlsplit

import httpx
import pytest
from ticker.pages import SERVED
from ticker.releases import SCRIPT, WEB, Releases

from tests.stage import Stage

WIDGET = sorted([SCRIPT, *(path.name for path in (WEB / "widget").iterdir() if path.suffix in SERVED)])
EMBED = sorted(path.name for path in (WEB / "embed").iterdir() if path.suffix in SERVED)
DEMO = sorted(path.name for path in (WEB / "demo").iterdir() if path.suffix in SERVED)
DESK = sorted(path.name for path in (WEB / "desk").iterdir() if path.suffix in SERVED)
DOCS = sorted(path.name for path in (WEB / "docs").iterdir() if path.suffix in SERVED)
PAGES = ["/", "/desk", "/docs"]

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Page(HTMLParser):
    """What a page loads, and what of it runs or is styled in place."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        address = found.get("href") if tag == "link" else found.get("src")
        if address:
            self.loads.append(address)
        if tag == "style" or (tag == "script" and not found.get("src")):
            self.inline.append(tag)
        self.inline += [f"{tag} {name}" for name in found if name == "style" or name.startswith("on")]


async def status_of(stage: Stage, target: str) -> bytes:
    """The first line and the rest of the answer to a request target that no client would tidy up."""
    address = urlsplit(stage.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(f"GET {target} HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n\r\n".encode())
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer


def is_a_problem(answer: httpx.Response) -> bool:
    """Whether this is our own 404."""
    return (
        answer.status_code == 404
        and answer.headers["Content-Type"] == "application/problem+json"
        and answer.json()["type"] == "urn:ticker:problem:not-found"
    )


async def test_the_front_door_is_the_demo_page(stage: Stage) -> None:
    """Whoever opens the address in a browser sees the ticker."""
    answer = await stage.http.get("/")
    assert (200, TYPES[".html"]) == (answer.status_code, answer.headers["Content-Type"])
    assert (WEB / "demo" / "index.html").read_bytes() == answer.content


@pytest.mark.parametrize("address", PAGES)
async def test_a_page_may_load_nothing_from_elsewhere_and_run_nothing_in_place(stage: Stage, address: str) -> None:
    """The policy begins with nothing and allows our own files; no other site may frame the page."""
    told = (await stage.http.get(address)).headers["Content-Security-Policy"]
    policy = dict(part.strip().split(" ", 1) for part in told.split(";"))
    assert ("'none'", "'self'", "'self'", "'self'") == (
        policy["default-src"],
        policy["script-src"],
        policy["style-src"],
        policy["connect-src"],
    )
    assert ("'none'", "'none'", "'none'") == (policy["frame-ancestors"], policy["base-uri"], policy["form-action"])
    assert "'script'" == policy["require-trusted-types-for"]


@pytest.mark.parametrize("address", PAGES)
async def test_a_page_keeps_its_own_policy(stage: Stage, address: str) -> None:
    """No script, style or handler stands in the page, and everything that it loads is served by us."""
    page = Page((await stage.http.get(address)).text)
    assert [] == page.inline
    assert page.loads
    for loaded in page.loads:
        assert loaded.startswith("/")
        assert 200 == (await stage.http.get(loaded)).status_code, loaded


@pytest.mark.parametrize(
    "address",
    [
        *PAGES,
        *(f"/demo/{name}" for name in DEMO),
        *(f"/desk/{name}" for name in DESK),
        *(f"/docs/{name}" for name in DOCS),
        *(f"/widget/v1/{name}" for name in WIDGET),
        *(f"/embed/v1/{name}" for name in EMBED),
    ],
)
async def test_every_file_has_its_type_and_nobody_may_guess_another(stage: Stage, address: str) -> None:
    """A browser is told what it gets, and not to sniff."""
    answer = await stage.http.get(address)
    assert 200 == answer.status_code
    assert TYPES["." + address.rpartition(".")[2] if "." in address else ".html"] == answer.headers["Content-Type"]
    assert "nosniff" == answer.headers["X-Content-Type-Options"]
    assert "no-referrer" == answer.headers["Referrer-Policy"]


@pytest.mark.parametrize("address", ["/desk", "/desk/desk.js", "/desk/desk.css"])
async def test_the_desk_is_for_nobody_else_s_pages(stage: Stage, address: str) -> None:
    """Nothing of it may be framed, opened with a handle, loaded elsewhere, or make markup of text."""
    headers = (await stage.http.get(address)).headers
    policy = headers["Content-Security-Policy"]
    assert "trusted-types 'none'" in policy
    assert [] == [word for word in ("unsafe", "*", "data:", "http") if word in policy]
    assert ("DENY", "same-origin", "same-origin") == (
        headers["X-Frame-Options"],
        headers["Cross-Origin-Opener-Policy"],
        headers["Cross-Origin-Resource-Policy"],
    )


@pytest.mark.parametrize("name", WIDGET)
async def test_any_site_may_embed_the_widget(stage: Stage, name: str) -> None:
    """Its files can be loaded from every origin, and a CDN may keep them for a while."""
    answer = await stage.http.get(f"/widget/v1/{name}", headers={"Origin": "https://news.example"})
    expected = Releases().newest.body if name == SCRIPT else (WEB / "widget" / name).read_bytes()
    assert expected == answer.content
    assert "*" == answer.headers["Access-Control-Allow-Origin"]
    assert "cross-origin" == answer.headers["Cross-Origin-Resource-Policy"]
    assert "max-age=300" in answer.headers["Cache-Control"]


async def test_a_version_is_kept_for_ever_and_lies_where_the_list_says(stage: Stage) -> None:
    """With the hash of its bytes, from every origin, without a cookie."""
    listed = await stage.http.get("/widget/versions.json", headers={"Origin": "https://news.example"})
    assert "*" == listed.headers["Access-Control-Allow-Origin"]
    told = listed.json()["versions"]
    assert [release.version for release in reversed(Releases().all)] == [found["version"] for found in told]
    for found in told:
        answer = await stage.http.get(found["path"], headers={"Origin": "https://news.example"})
        digest = base64.b64encode(hashlib.sha384(answer.content).digest()).decode()
        assert f"sha384-{digest}" == found["integrity"]
        assert "public, max-age=31536000, immutable" == answer.headers["Cache-Control"]
        assert "*" == answer.headers["Access-Control-Allow-Origin"]
        assert "Set-Cookie" not in answer.headers
    assert answer.content == (await stage.http.get("/widget/v1/breaking-ticker.js")).content


@pytest.mark.parametrize("name", ["1.0.0", "1.0.0-0000000000", "v1.0.0", "..%2fv1"])
async def test_a_version_that_is_not_there_is_a_404_problem(stage: Stage, name: str) -> None:
    """Nobody is given other bytes than those whose hash he has."""
    assert is_a_problem(await stage.http.get(f"/widget/{name}/breaking-ticker.js"))


@pytest.mark.parametrize(
    ("accepts", "coding"), [("gzip, br", "gzip"), ("identity", None), ("gzip;q=0", None), ("br, GZIP;q=0.5", "gzip")]
)
async def test_the_file_is_compressed_for_who_takes_that(stage: Stage, accepts: str, coding: str | None) -> None:
    """And a cache keeps the two apart; who has it already is not sent it again."""
    answer = await stage.http.get("/widget/v1/breaking-ticker.js", headers={"Accept-Encoding": accepts})
    assert coding == answer.headers.get("Content-Encoding")
    assert "Accept-Encoding" in answer.headers["Vary"].split(", ")
    assert Releases().newest.body == answer.content
    again = {"If-None-Match": answer.headers["ETag"], "Accept-Encoding": accepts}
    assert 304 == (await stage.http.get("/widget/v1/breaking-ticker.js", headers=again)).status_code


async def test_a_page_is_asked_for_again_each_time_and_sent_only_when_it_changed(stage: Stage) -> None:
    """A new release is seen at once, and costs nothing until there is one."""
    first = await stage.http.get("/")
    assert "no-cache" == first.headers["Cache-Control"]
    assert first.headers["ETag"]
    assert first.headers["ETag"] == (await stage.http.head("/")).headers["ETag"]


@pytest.mark.parametrize(
    "address",
    [
        "/demo/nothing.html",
        "/demo/",
        "/demo",
        "/demo/.html",
        "/demo/INDEX.html",
        "/desk/",
        "/desk/desk",
        "/docs/",
        "/docs/docs",
        "/widget/v1/README.md",
        "/widget/v1/",
        "/widget/v2/define.js",
        "/widget/v1/%00.js",
        "/widget/v1/%ff.js",
        "/widget/v1/..",
        "/favicon.ico",
    ],
)
async def test_what_is_not_there_is_a_404_problem(stage: Stage, address: str) -> None:
    """Unknown files, folders and files that are not for browsers are answered like every other refusal."""
    assert is_a_problem(await stage.http.get(address))


async def test_a_name_that_is_too_long_for_the_disk_is_a_404_problem(stage: Stage) -> None:
    """No file has it, so it is not there; a stranger causes no fault of ours."""
    assert is_a_problem(await stage.http.get("/demo/" + "a" * 300 + ".html"))


@pytest.mark.parametrize(
    "target",
    [
        "/widget/v1/../demo/index.html",
        "/widget/v1/..%2fdemo%2findex.html",
        "/widget/v1/%2e%2e/demo/index.html",
        "/demo/..%2f..%2fpyproject.toml",
        "/demo/..%2fwidget%2fstyle.js",
        "/demo/..%5cwidget%5cstyle.js",
        "/demo//etc/passwd",
        "/demo/%2fetc%2fpasswd",
        "/widget/v1/....//demo/index.html",
    ],
)
async def test_no_way_leads_out_of_the_folder(stage: Stage, target: str) -> None:
    """However the dots and slashes are written, there is nothing at that address."""
    answer = await status_of(stage, target)
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"urn:ticker:problem:not-found" in answer


async def test_the_pages_only_take_questions(stage: Stage) -> None:
    """A post to a page is refused as everywhere, with what is allowed."""
    answer = await stage.http.post("/", json={})
    assert 405 == answer.status_code
    assert {"GET", "HEAD"} == {method.strip() for method in answer.headers["Allow"].split(",")}
