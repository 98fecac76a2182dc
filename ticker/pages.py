"""The pages and the widget's files, as they are: there is no build step."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from ticker.errors import NotFound

_INSTALLED = Path(__file__).parent / "web"
WEB = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parent.parent / "web"
"""`web/` inside the wheel, or beside the package in a checkout."""

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


async def demo(request: Request) -> Response:
    """`GET /` and `GET /demo/{file}`: the demo page."""
    return _file(WEB / "demo", request.path_params.get("file", "index.html"), PAGE_HEADERS)


async def docs(request: Request) -> Response:
    """`GET /docs` and `GET /docs/{file}`: the reference for people."""
    return _file(WEB / "docs", request.path_params.get("file", "index.html"), PAGE_HEADERS)


async def desk(request: Request) -> Response:
    """`GET /desk` and `GET /desk/{file}`: the page where editors post."""
    return _file(WEB / "desk", request.path_params.get("file", "index.html"), DESK_HEADERS)


async def widget(request: Request) -> Response:
    """`GET /widget/v1/{file}`: the embeddable ticker."""
    return _file(WEB / "widget", request.path_params["file"], WIDGET_HEADERS)


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
