"""Whether an alert's road is told to a collector of traces, and by whom: nothing of it is imported unless it is."""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from ticker.errors import SettingsError

if TYPE_CHECKING:
    from ticker.otel import Traces

log = logging.getLogger("ticker.traces")

Choice = Literal["auto", "on", "off"]
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""Variables of OpenTelemetry: any of them switches traces on, unless the setting says something else."""
DISABLED = "OTEL_SDK_DISABLED"
NEEDED = "opentelemetry.exporter.otlp.proto.http"


def wanted(choice: Choice, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether somebody asks for traces. Raises SettingsError when the setting does, and the extra is not there."""
    if choice == "off" or environ.get(DISABLED, "").strip().lower() == "true":
        return False
    if choice == "auto" and not any(environ.get(name) for name in ENDPOINTS):
        return False
    if choice == "on" and not _installed():
        raise SettingsError("TICKER_TRACES", "needs OpenTelemetry: install 'ticker[otel]'.")
    return True


def begun(choice: Choice, role: str, environ: Mapping[str, str] = os.environ) -> Traces | None:
    """What tells of traces in this process; None when nobody asks for it. `role` is in its `service.name`.

    Raises SettingsError as `wanted` does; whose address may be meant for others on the machine is told in the log.
    """
    if not wanted(choice, environ):
        return None
    if not _installed():
        log.warning("an address for traces is set, and OpenTelemetry is not installed ('ticker[otel]'): none are told")
        return None
    from ticker.otel import Traces  # here, since who wants no traces does not have it

    return Traces(role)


def _installed() -> bool:
    try:
        return importlib.util.find_spec(NEEDED) is not None
    except ModuleNotFoundError:
        return False
