"""Secrets of webhooks, and what is signed with them."""

from __future__ import annotations

import base64
import os
from datetime import UTC, datetime

import pytest
import standardwebhooks
from ticker.bridges.signing import fresh, key_of, signature


def test_the_signature_is_that_of_the_reference_library() -> None:
    """The same id, time, body and secret."""
    secret, body = fresh(), b'{"type": "alert.alert"}'
    at = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
    theirs = standardwebhooks.Webhook(secret).sign("row", at, body.decode())
    assert theirs == signature(secret, "row", str(int(at.timestamp())), body)


@pytest.mark.parametrize("length", [23, 65])
def test_a_secret_of_another_length_is_refused(length: int) -> None:
    """24 to 64 bytes, as the specification asks for."""
    with pytest.raises(ValueError, match=r"[a-z]"):
        key_of("whsec_" + base64.b64encode(os.urandom(length)).decode())
    with pytest.raises(ValueError, match=r"[a-z]"):
        key_of("whsec_?")
