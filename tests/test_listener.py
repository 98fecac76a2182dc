"""The port of a process that answers nothing else: figures for those who are near, health for everybody."""

from __future__ import annotations

import socket

import httpx
import pytest
from ticker.errors import SettingsError
from ticker.listener import listening

from tests.stage import PLAIN, free_port

NEAR = "127.0.0.0/8,::1"


def page() -> bytes:
    """Figures."""
    return b"ticker_pushes_total 1.0\n"


def nobody() -> dict[str, float | None]:
    """No channel is late."""
    return {}


def test_figures_and_health_are_told_for_as_long_as_it_listens() -> None:
    """And on no port when none is named."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with listening("127.0.0.1", 0, page, nobody, NEAR), listening("127.0.0.1", port, page, nobody, NEAR):
        figures = httpx.get(url + "/metrics?x=1", **PLAIN)
        assert (200, page()) == (figures.status_code, figures.content)
        assert figures.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert {"status": "live"} == httpx.get(url + "/health/live", **PLAIN).json()
        assert {"status": "ready"} == httpx.get(url + "/health/ready", **PLAIN).json()
        assert (200, b"") == ((found := httpx.head(url + "/metrics", **PLAIN)).status_code, found.content)
        nothing = httpx.get(url + "/", **PLAIN)
        assert (404, "urn:ticker:problem:not-found") == (nothing.status_code, nothing.json()["type"])
        assert 501 == httpx.post(url + "/metrics", **PLAIN).status_code
    with pytest.raises(httpx.TransportError):
        httpx.get(url + "/metrics", **PLAIN)


@pytest.mark.parametrize("trusted", ["none", "10.0.0.0/8"])
def test_who_is_not_near_gets_no_figures(trusted: str) -> None:
    """Whether it lives may be known to all."""
    port = free_port()
    with listening("127.0.0.1", port, page, nobody, trusted):
        refused = httpx.get(f"http://127.0.0.1:{port}/metrics", **PLAIN)
        assert (403, "urn:ticker:problem:forbidden") == (refused.status_code, refused.json()["type"])
        assert b"ticker_pushes" not in refused.content
        assert 200 == httpx.get(f"http://127.0.0.1:{port}/health/ready", **PLAIN).status_code


def test_a_bridge_that_is_not_at_work_is_not_ready() -> None:
    """With the channels that nobody sees to."""
    port = free_port()
    with listening("127.0.0.1", port, page, lambda: {"en": 31.5, "ar": None}, NEAR):
        answer = httpx.get(f"http://127.0.0.1:{port}/health/ready", **PLAIN)
    assert (503, {"en": 31.5, "ar": None}) == (answer.status_code, answer.json()["seconds_since_claim"])


def test_a_port_that_is_taken_is_told_by_the_name_of_the_setting() -> None:
    """As with every setting that cannot be."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with (
            pytest.raises(SettingsError, match=r"TICKER_PUSH_METRICS: .* cannot be listened on"),
            listening("127.0.0.1", taken.getsockname()[1], page, nobody),
        ):
            pass


def test_a_caller_who_says_nothing_holds_up_nobody() -> None:
    """Others are answered meanwhile."""
    port = free_port()
    with listening("127.0.0.1", port, page, nobody, NEAR), socket.create_connection(("127.0.0.1", port)) as silent:
        silent.sendall(b"GET /met")
        assert 200 == httpx.get(f"http://127.0.0.1:{port}/metrics", **PLAIN).status_code
