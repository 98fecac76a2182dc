"""Which addresses are sent to: public ones, by https, and no inner one in any disguise."""

from __future__ import annotations

import pytest
from ticker.bridges.guard import Forbidden, Guard

PUBLIC = "93.184.215.14"


@pytest.mark.parametrize(
    "url",
    [
        "http://news.example/x",
        "ftp://news.example/x",
        "https:///x",
        "https://user@news.example/x",
        "https://user:word@news.example/x",
        "https://127.0.0.1/x",
        "https://10.1.2.3/x",
        "https://172.16.0.1/x",
        "https://192.168.1.1/x",
        "https://169.254.169.254/latest",
        "https://100.64.0.1/x",
        "https://0.0.0.0/x",
        "https://224.0.0.1/x",
        "https://255.255.255.255/x",
        "https://[::1]/x",
        "https://[fe80::1]/x",
        "https://[fd00::1]/x",
        "https://[::ffff:127.0.0.1]/x",
        "https://[64:ff9b::7f00:1]/x",
        "https://[2002:7f00:1::]/x",
        "https://news.example:99999/x",
        "no address",
        "",
    ],
)
def test_what_is_no_public_https_address_is_refused(url: str) -> None:
    """Before any name is looked up."""
    with pytest.raises(Forbidden):
        Guard().check(url)


@pytest.mark.parametrize("url", ["https://news.example/x", f"https://{PUBLIC}/x", "https://[2606:4700::1111]:8443/x"])
def test_what_is_public_is_taken(url: str) -> None:
    """Names are looked up when they are connected to."""
    Guard().check(url)


def test_only_known_services_may_be_named_where_it_is_so_told() -> None:
    """Below a `*.`, or exactly."""
    found = Guard(hosts=["fcm.googleapis.com", "*.push.apple.com"])
    for url in ("https://fcm.googleapis.com/x", "https://web.push.apple.com/x"):
        found.check(url)
    for url in ("https://evil.example/x", "https://push.apple.com.evil.example/x", "https://xfcm.googleapis.com/x"):
        with pytest.raises(Forbidden):
            found.check(url)
