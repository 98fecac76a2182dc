"""The pages and the widget's files, as they lie in `web/`."""

from __future__ import annotations

import mimetypes
import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from ticker.errors import NotFound
from ticker.releases import SCRIPT, WEB, Release, Releases

SERVED = frozenset({".html", ".css", ".js", ".svg"})

PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "Cache-Control": "no-cache",
}
DESK_HEADERS = {
    # Whoever could run a script here, or lay this page under another one, could post in an editor's name.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cache-Control": "no-cache",
}
WIDGET_HEADERS = {
    # Anybody may embed it.
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": "public, max-age=300, stale-while-revalidate=86400",
}
FOR_EVER = "public, max-age=31536000, immutable"


async def demo(request: Request) -> Response:
    """`GET /` and `GET /demo/{file}`: the demo page."""
    return _file(WEB / "demo", request.path_params.get("file", "index.html"), PAGE_HEADERS)


async def docs(request: Request) -> Response:
    """`GET /docs` and `GET /docs/{file}`: the reference for people."""
    return _file(WEB / "docs", request.path_params.get("file", "index.html"), PAGE_HEADERS)


async def desk(request: Request) -> Response:
    """`GET /desk` and `GET /desk/{file}`: the page where editors post."""
    return _file(WEB / "desk", request.path_params.get("file", "index.html"), DESK_HEADERS)


async def push(request: Request) -> Response:
    """`GET /push/v1/{file}`: the service worker, and what a page subscribes with."""
    return _file(WEB / "push", request.path_params["file"], PAGE_HEADERS)


async def embed(request: Request) -> Response:
    """`GET /embed/v1/{file}`: what a framed page and the page around it load."""
    return _file(WEB / "embed", request.path_params["file"], WIDGET_HEADERS)


class Widget:
    """The embeddable ticker: one file, its versions, and the modules that it is made of."""

    def __init__(self, releases: Releases) -> None:
        self._releases = releases

    async def file(self, request: Request) -> Response:
        """`GET /widget/v1/{file}`: the newest version as one file, or one of its modules."""
        name = request.path_params["file"]
        if name == SCRIPT:
            return _release(request, self._releases.newest, WIDGET_HEADERS)
        return _file(WEB / "widget", name, WIDGET_HEADERS)

    async def release(self, request: Request) -> Response:
        """`GET /widget/{release}/breaking-ticker.js`: one version, whose bytes never change."""
        found = self._releases.get(request.path_params["release"])
        if found is None:
            raise NotFound
        return _release(request, found, {**WIDGET_HEADERS, "Cache-Control": FOR_EVER})

    async def versions(self, request: Request) -> Response:
        """`GET /widget/versions.json`: every version that is given out, the newest first, each with its hash."""
        told = [
            {"version": found.version, "path": found.path, "integrity": found.integrity}
            for found in reversed(self._releases.all)
        ]
        return JSONResponse({"versions": told}, headers=WIDGET_HEADERS)


def _release(request: Request, release: Release, headers: dict[str, str]) -> Response:
    headers = {**headers, "ETag": f'"{release.name}"', "Vary": "Accept-Encoding"}
    if release.name in request.headers.get("If-None-Match", ""):
        return Response(status_code=304, headers=headers)
    packed = any(
        coding.strip().partition(";")[0].lower() == "gzip" and not re.search(r";\s*q=0(\.0*)?\s*$", coding)
        for coding in request.headers.get("Accept-Encoding", "").split(",")
    )
    if packed:
        headers["Content-Encoding"] = "gzip"
    return Response(release.packed if packed else release.body, headers=headers, media_type="text/javascript")


def _file(folder: Path, name: str, headers: dict[str, str]) -> Response:
    # The routes let no slash through; the suffix keeps everything else in, types and docs included.
    path = folder / name
    try:
        served = path.suffix in SERVED and path.parent == folder and path.is_file()
    except OSError:  # a name longer than the file system takes
        served = False
    if not served:
        raise NotFound
    media = "text/javascript" if path.suffix == ".js" else mimetypes.guess_type(path.name)[0]
    return FileResponse(path, headers=headers, media_type=media)
