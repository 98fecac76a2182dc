"""An alert's road as a trace, by OpenTelemetry: the request, the append, and in each process the broadcast.

From the append on, the road goes through the log: the entry carries a `traceparent` (W3C Trace Context), which readers
are not told of. Only `traces` imports this module, and only when somebody asks for traces.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ticker import __version__

LAST_SECONDS = 2.0
"""So long a process that ends waits for the collector to take what is left."""
HEADER = "traceparent"

Tell = Callable[..., None]
"""Says more about a span: `tell(status=201, **{"ticker.item": …})`."""


class Traces:
    """Tells of traces to a collector, by OTLP over HTTP; where and how is said by the variables `OTEL_…`."""

    def __init__(self, role: str) -> None:
        """`role` is the process's, and the end of its `service.name` unless `OTEL_SERVICE_NAME` says another."""
        own = {
            "service.version": __version__,
            "service.instance.id": f"{socket.gethostname()}-{os.getpid()}",
        }
        if not os.environ.get("OTEL_SERVICE_NAME") and "service.name=" not in os.environ.get(
            "OTEL_RESOURCE_ATTRIBUTES", ""
        ):
            own["service.name"] = f"ticker-{role}"
        self._exporter = OTLPSpanExporter()
        self._provider = TracerProvider(resource=Resource.create(own), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("ticker", __version__)
        self._form = TraceContextTextMapPropagator()

    @contextmanager
    def request(self, method: str, parent: str) -> Iterator[tuple[str, Tell]]:
        """A request of an editor; `parent` is its `traceparent`, if it has one. Gives the trace's id."""
        context = self._form.extract({HEADER: parent})
        with self._tracer.start_as_current_span(method, context, SpanKind.SERVER) as span:
            span.set_attribute("http.request.method", method)

            def tell(route: str, status: int, **more: str | int) -> None:
                span.update_name(f"{method} {route}")
                span.set_attributes({"http.route": route, "http.response.status_code": status, **_named(more)})
                if status >= 500:
                    span.set_status(Status(StatusCode.ERROR))

            yield f"{span.get_span_context().trace_id:032x}", tell

    @contextmanager
    def append(self, channel: str, act: str, item: str) -> Iterator[tuple[str | None, Tell]]:
        """An act on its way into the log. Gives the `traceparent` for its entry; None when it is not sampled."""
        with self._tracer.start_as_current_span("append", kind=SpanKind.PRODUCER) as span:
            span.set_attributes(_named({"channel": channel, "act": act, "item": item}))
            carrier: dict[str, str] = {}
            if span.get_span_context().trace_flags.sampled:
                self._form.inject(carrier)

            def tell(**more: str | int) -> None:
                span.set_attributes(_named(more))

            yield carrier.get(HEADER), tell

    @contextmanager
    def taken(
        self, name: str, channel: str, entries: Iterable[tuple[str, str, str]], **more: str | int
    ) -> Iterator[None]:
        """Entries (`traceparent`, cursor, item) that came out of the log, until all is done that `name` says."""
        spans: list[Span] = []
        for parent, cursor, item in entries:
            if parent:
                span = self._tracer.start_span(name, self._form.extract({HEADER: parent}), SpanKind.CONSUMER)
                span.set_attributes(_named({"channel": channel, "cursor": cursor, "item": item, **more}))
                spans.append(span)
        try:
            yield
        except Exception as error:
            for span in spans:
                span.record_exception(error)
                span.set_status(Status(StatusCode.ERROR))
            raise
        finally:
            for span in spans:
                span.end()

    def close(self) -> None:
        """Give away what is left. Blocks for `LAST_SECONDS` at most, however the collector is."""
        ending = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        ending.start()
        ending.join(LAST_SECONDS)
        if ending.is_alive():
            self._exporter.shutdown()  # type: ignore[no-untyped-call]


def _named(attributes: dict[str, str | int]) -> dict[str, str | int]:
    return {f"ticker.{name}": value for name, value in attributes.items()}
