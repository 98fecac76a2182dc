"""A site of somebody else that embeds the widget, under the strictest policy that it can have."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from playwright.sync_api import Locator, Page

from .cast import Service

# What the widget waits for of its own accord; not how long it lets the network take.
HASTE = """const { setTimeout: later } = globalThis;
    globalThis.setTimeout = (run, ms, ...rest) => later(run, ms === 15_000 || ms === 55_000 ? ms : ms / 20, ...rest)"""


class Host:
    """Serves one page after the other from an origin of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.page = b""
        self.policy = ""
        self.style = ""
        self.script = ""

    def open(self, page: Page, service: Service, markup: str, *, lang: str = "en") -> None:
        """Open a page with this markup in its body and the service's widget in its head."""
        self.prepare(service, markup, lang=lang)
        page.goto(self.url)

    def prepare(self, service: Service, markup: str, *, lang: str = "en") -> None:
        """Serve such a page from now on."""
        live = service.url.replace("http", "ws", 1)
        digest = base64.b64encode(hashlib.sha256(self.style.encode()).digest()).decode()
        self.policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; script-src {service.url}; frame-src {service.url}; "
            f"connect-src {service.url} {live}; img-src data:; base-uri 'none'; form-action 'none'; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        )
        script = f'<script type="module" src="{service.url}/widget/v1/breaking-ticker.js"></script>'
        self.page = (
            f'<!doctype html><html lang="{lang}"><meta charset="utf-8"><title>Host</title>'
            '<meta name="viewport" content="width=device-width">'
            '<link rel="icon" href="data:,">'
            f"<style>{self.style}</style>{self.script or script}<body>{markup}</body></html>"
        ).encode()


@contextmanager
def serve_host() -> Iterator[Host]:
    """A host on a free port, gone afterwards."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", host.policy)
            self.send_header("Content-Length", str(len(host.page)))
            self.end_headers()
            self.wfile.write(host.page)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing: the tests do."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        host = Host(f"http://127.0.0.1:{server.server_port}/")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield host
        finally:
            server.shutdown()
            thread.join()


def ticker(page: Page) -> Locator:
    """The only ticker of a host page."""
    return page.locator("breaking-ticker")


def current(page: Page) -> Locator:
    """The headline that a rotating ticker shows."""
    return page.locator("breaking-ticker li.current .headline")


def headlines(page: Page) -> Locator:
    """The headlines of a host page's only ticker, in order."""
    return page.locator("breaking-ticker li .headline")
