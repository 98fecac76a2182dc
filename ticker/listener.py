"""A port for those who run a process that answers nothing else: its figures, and whether it is at work."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from ticker.address import Proxies
from ticker.errors import Forbidden, NotFound, SettingsError, TickerError
from ticker.metrics import MEDIA_TYPE
from ticker.problem import Problem
from ticker.settings import NOBODY
from ticker.wire import encode

log = logging.getLogger("ticker.listener")

SECONDS = 5.0
"""For a request to arrive and for its answer to be taken."""


@contextmanager
def listening(
    host: str,
    port: int,
    page: Callable[[], bytes],
    late: Callable[[], dict[str, float | None]],
    trusted: str = NOBODY,
) -> Iterator[None]:
    """Answer `/metrics`, `/health/live` and `/health/ready` meanwhile; nowhere when `port` is 0.

    `page` gives the figures, to the addresses in `trusted` (the setting `metrics`); `late` the channels that are not
    seen to, with seconds. Raises SettingsError when the port is taken.
    """
    if not port:
        yield
        return
    near = Proxies.parse("" if trusted == NOBODY else trusted)

    class Answers(BaseHTTPRequestHandler):
        timeout = SECONDS
        protocol_version = "HTTP/1.0"
        server_version, sys_version = "ticker", ""

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            try:
                if path == "/metrics":
                    if not near.names(self.client_address[0]):
                        raise Forbidden("The figures are for the addresses in TICKER_METRICS.")
                    self._answer(200, MEDIA_TYPE, page())
                elif path == "/health/live":
                    self._answer(200, "application/json", encode({"status": "live"}))
                elif path == "/health/ready":
                    self._ready()
                else:
                    raise NotFound
            except TickerError as error:
                problem = Problem.of(error)
                self._answer(problem.status, problem.headers["Content-Type"], problem.body)

        do_HEAD = do_GET  # noqa: N815 - the library calls it so

        def _ready(self) -> None:
            found = late()
            document: dict[str, object] = {"status": "ready"}
            if found:
                document = {"status": "not ready", "reason": "the log is not claimed", "seconds_since_claim": found}
            self._answer(503 if found else 200, "application/json", encode(document))

        def _answer(self, status: int, media: str, body: bytes) -> None:
            self.send_response(status)
            for name, value in (("Content-Type", media), ("Cache-Control", "no-store"), ("Content-Length", len(body))):
                self.send_header(name, str(value))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            log.debug(format, *args)

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            log.debug("%s has hung up", client_address, exc_info=True)

    try:
        server = Server((host, port), Answers)
    except OSError as error:
        raise SettingsError("TICKER_PUSH_METRICS", f"{host}:{port} cannot be listened on ({error.strerror}).") from None
    thread = Thread(target=server.serve_forever, name="figures", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
