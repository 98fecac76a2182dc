"""Whether traces are told, and that who wants none has nothing of them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from ticker import traces
from ticker.errors import SettingsError

HERE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}

ROADS = """
import sys
from ticker import __main__, app, serve
from ticker.settings import Settings
from pydantic import SecretStr
app.Process(Settings(redis_url=SecretStr("redis://127.0.0.1:1")), "serve")
told = ("ticker.otel", "opentelemetry.sdk.trace", "opentelemetry.exporter", "requests")
print([name for name in sys.modules if name.startswith(told)])
"""


def test_who_wants_no_traces_imports_nothing_of_them() -> None:
    """A whole process, built and not asked for any. (The Redis client looks for OpenTelemetry by itself.)"""
    ran = subprocess.run(
        [sys.executable, "-c", ROADS], env={"PATH": ""}, capture_output=True, text=True, check=True, timeout=60
    )
    assert "[]\n" == ran.stdout


@pytest.mark.parametrize(
    ("choice", "environ"),
    [
        ("auto", {}),
        ("auto", {"OTEL_EXPORTER_OTLP_ENDPOINT": ""}),
        ("auto", HERE | {"OTEL_SDK_DISABLED": "TRUE"}),
        ("on", HERE | {"OTEL_SDK_DISABLED": "true"}),
        ("off", HERE),
    ],
)
def test_nobody_is_told_unless_somebody_asks(choice: traces.Choice, environ: dict[str, str]) -> None:
    """The setting, and the variables that OpenTelemetry itself goes by."""
    assert None is traces.begun(choice, "api", environ)


@pytest.mark.parametrize(
    ("choice", "environ"),
    [("on", {}), ("auto", HERE), ("auto", {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1/v1/traces"})],
)
def test_an_address_or_the_setting_is_enough(choice: traces.Choice, environ: dict[str, str]) -> None:
    """Either of them."""
    found = traces.begun(choice, "api", environ)
    assert found is not None
    found.close()


def test_without_the_extra_a_wish_is_refused_and_an_address_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Who sets the setting means it; the address may be meant for others on the machine."""
    monkeypatch.setattr(traces, "NEEDED", "opentelemetry_that_is_not_there.otlp")
    with pytest.raises(SettingsError, match=r"TICKER_TRACES: needs OpenTelemetry: install 'ticker\[otel\]'"):
        traces.begun("on", "api", {})
    assert None is traces.begun("auto", "api", HERE)
    assert "OpenTelemetry is not installed" in caplog.text
