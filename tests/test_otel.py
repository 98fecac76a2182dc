"""An alert's road as a collector sees it: one trace, from the request to the readers of other processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Told
from ticker.access import HEADER
from ticker.entry import Entry
from ticker.otel import LAST_SECONDS, Traces
from ticker.store import Store
from ticker.stream import Log

from tests.desk import ITEMS
from tests.stage import AUTHORIZED, KEY, PLAIN, Stage, entries, frame, free_port, short_directory
from tests.test_metrics import value
from tests.test_stream import publishing
from tests.waiting import until, until_now

SERVER, PRODUCER, CONSUMER = Told.SPAN_KIND_SERVER, Told.SPAN_KIND_PRODUCER, Told.SPAN_KIND_CONSUMER
FROM_OUTSIDE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
"""The example of the W3C's recommendation."""


class Span(NamedTuple):
    """What a collector was told."""

    service: str
    name: str
    kind: int
    trace: str
    id: str
    parent: str
    about: dict[str, Any]
    began: int
    ended: int


class Collector:
    """Takes traces by OTLP over HTTP, as any collector does."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                known = ("/v1/traces", "application/x-protobuf") == (self.path, self.headers["Content-Type"])
                if known:
                    collector.take(ExportTraceServiceRequest.FromString(body))
                self.send_response(200 if known else 400)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def take(self, request: ExportTraceServiceRequest) -> None:
        """Keep what is told."""
        for resource in request.resource_spans:
            own = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    about = {
                        pair.key: getattr(pair.value, str(pair.value.WhichOneof("value"))) for pair in span.attributes
                    }
                    self.spans.append(
                        Span(
                            own["service.name"],
                            span.name,
                            span.kind,
                            span.trace_id.hex(),
                            span.span_id.hex(),
                            span.parent_span_id.hex(),
                            about,
                            span.start_time_unix_nano,
                            span.end_time_unix_nano,
                        )
                    )

    def of(self, name: str) -> list[Span]:
        """Those of this name."""
        return [span for span in self.spans if span.name == name]

    def __enter__(self) -> Collector:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def collector() -> Iterator[Collector]:
    """One that listens."""
    with Collector() as found:
        yield found


@contextmanager
def role(name: str, store: str, directory: Path, **environ: str) -> Iterator[str]:
    """A role as a process of its own. Yields its address; it ends with status 0, and each line it says is an object."""
    port = free_port()
    own = {known: value for known, value in os.environ.items() if not known.startswith(("TICKER_", "OTEL_"))}
    ours = {"TICKER_REDIS_URL": store, "TICKER_BOOTSTRAP_KEY": KEY, "TICKER_DRAIN": "0", "TICKER_LOG_FORMAT": "json"}
    ours["TICKER_PUSH_METRICS" if name == "push" else "TICKER_PORT"] = str(port)
    output = directory / name
    with output.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "ticker", name], env=own | ours | environ, stdout=said, stderr=said
        )
    try:
        yield f"http://127.0.0.1:{port}"
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(20), output.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert [] == [said for said in lines(output) if "exception" in said]


def lines(output: Path) -> list[dict[str, Any]]:
    """What a process said."""
    return [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]


async def ready(url: str) -> None:
    """Wait until a role can be sent to."""

    async def answered() -> bool:
        async with httpx.AsyncClient(**PLAIN) as client:
            try:
                return (await client.get(url + "/health/ready")).status_code == 200
            except httpx.TransportError:
                return False

    await until(answered, f"{url} to be ready", 30)


async def test_one_trace_goes_from_the_request_through_the_log_to_each_process(
    store: Store, valkey: str, collector: Collector
) -> None:
    """Request, append, broadcast and the planning of pushes: each a child of the one before, in three processes."""
    where = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    with (
        short_directory() as directory,
        role("api", valkey, directory, TICKER_ACCESS_LOG="true", **where) as api,
        role("fanout", valkey, directory, **where) as fanout,
        role("push", valkey, directory, **where) as push,
    ):
        for url in (api, fanout, push):
            await ready(url)
        stage = Stage(fanout)
        async with stage.reader() as line, httpx.AsyncClient(base_url=api, headers=AUTHORIZED, **PLAIN) as editor:
            await frame(line)
            headers = {"traceparent": FROM_OUTSIDE, HEADER: "r-1"}
            answer = await editor.post(ITEMS, json={"headline": "17 are safe"}, headers=headers)
            assert 201 == answer.status_code
            assert [] == [name for name in (await entries(line, 1))[0] if "trace" in name]
            figures = (await editor.get(push + "/metrics")).content
            # Looking is no road of an alert.
            await editor.get(ITEMS + "/" + answer.json()["item"]["id"])
        await stage.http.aclose()
        newest: Any = await store.redis.xrevrange("{ticker:en}:log", count=1)
        await until(lambda: len(collector.spans) >= 4, "each process to tell of its part")

        def said(name: str, logger: str, message: str) -> list[dict[str, Any]]:
            return [
                found
                for found in lines(directory / name)
                if found["logger"] == logger and found["message"].startswith(message)
            ]

        await until(lambda: bool(said("fanout", "ticker.serve", f"ticker fanout is ready on {fanout}")), "its word")
        await until(lambda: bool(said("api", "ticker.access", f"POST {ITEMS} 201")), "the record of the request")
        (logged,) = said("api", "ticker.access", f"POST {ITEMS} 201")
    assert (FROM_OUTSIDE.split("-")[1], "r-1") == (logged["trace_id"], logged["request_id"])
    assert 0 == value(figures, "ticker_redis_errors_total", kind="refused")
    claimed = value(figures, "ticker_push_claim_age_seconds", channel="en")
    assert claimed is not None
    assert claimed < 20
    # They have ended, so nothing more is told.
    (request,), (append,) = collector.of(f"POST {ITEMS.replace('/en/', '/{channel}/')}"), collector.of("append")
    (broadcast,), (planned,) = collector.of("broadcast"), collector.of("plan pushes")
    assert 4 == len(collector.spans)
    assert {FROM_OUTSIDE.split("-")[1]} == {span.trace for span in collector.spans}
    assert (FROM_OUTSIDE.split("-")[2], request.id, append.id, append.id) == (
        request.parent,
        append.parent,
        broadcast.parent,
        planned.parent,
    )
    assert ("ticker-api", "ticker-api", "ticker-fanout", "ticker-push") == (
        request.service,
        append.service,
        broadcast.service,
        planned.service,
    )
    assert (SERVER, PRODUCER, CONSUMER, CONSUMER) == (request.kind, append.kind, broadcast.kind, planned.kind)
    posted = answer.json()
    place = {"ticker.channel": "en", "ticker.item": posted["item"]["id"], "ticker.cursor": posted["cursor"]}
    assert [place] * 3 == [{name: span.about[name] for name in place} for span in (append, broadcast, planned)]
    assert (201, "en", posted["item"]["id"], 1) == (
        request.about["http.response.status_code"],
        request.about["ticker.channel"],
        request.about["ticker.item"],
        broadcast.about["ticker.readers"],
    )
    assert request.began <= append.began <= append.ended <= request.ended
    assert append.began <= broadcast.began <= broadcast.ended
    assert "17 are safe" not in str(collector.spans)
    assert f"00-{append.trace}-{append.id}-01" == Entry.read(*newest[0]).trace


async def test_without_traces_the_log_is_as_it_always_was(stage: Stage, store: Store) -> None:
    """No field more, so an older process reads what a newer one writes."""
    await stage.post("17 are safe")
    newest: Any = await store.redis.xrevrange("{ticker:en}:log", count=1)
    assert {b"previous", b"act", b"item"} == set(newest[0][1])


@pytest.fixture
def told(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Iterator[Traces]:
    """What tells the collector, in this process."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "newsroom")
    found = Traces("api")
    yield found
    found.close()


async def test_what_is_not_sampled_leaves_nothing_in_the_log(
    store: Store, monkeypatch: pytest.MonkeyPatch, collector: Collector
) -> None:
    """The other processes would only find that they have nothing to tell."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    traces = Traces("api")
    with traces.request("POST", "") as (_, tell), traces.append("en", "publish", "01M8") as (parent, _):
        assert None is parent
        tell("/v1", 201)
    with traces.taken("broadcast", "en", [("", "1-1", "01M8")]):
        pass
    traces.close()
    assert [] == collector.spans


async def test_a_fault_is_told_where_it_happened(told: Traces, collector: Collector) -> None:
    """And goes on to whoever has to know."""
    with pytest.raises(ValueError, match="the hub"), told.taken("broadcast", "en", [(FROM_OUTSIDE, "1-1", "01M8")]):
        raise ValueError("the hub")
    told.close()
    (span,) = collector.spans
    assert ("newsroom", "broadcast", FROM_OUTSIDE.split("-")[2]) == (span.service, span.name, span.parent)


async def test_what_comes_due_by_itself_begins_a_trace_of_its_own(
    store: Store, told: Traces, collector: Collector
) -> None:
    """Nobody asked for it in that moment."""
    await Log(store, "en", traces=told).append(publishing("17 are safe"), "ticker by itself")
    told.close()
    (span,) = collector.spans
    assert ("append", "") == (span.name, span.parent)


def test_a_collector_that_is_away_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor one that takes the line and says nothing."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "5")
        traces = Traces("api")
        with traces.append("en", "publish", "01M8"):
            pass
        began = time.monotonic()
        traces.close()
        assert time.monotonic() - began < LAST_SECONDS + 1
    until_now(lambda: all(thread.name != "traces" for thread in threading.enumerate()), "its thread to end", 10)
