"""The secrets of webhooks, and what is signed with them (Standard Webhooks 1.0)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

PREFIX = "whsec_"
BYTES = (24, 64)
"""Fewest and most bytes of a secret."""


def signature(secret: str, row: str, at: str, body: bytes) -> str:
    """`v1,` and the HMAC-SHA256 of id, time and body."""
    mac = hmac.digest(key_of(secret), f"{row}.{at}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(mac).decode()}"


def key_of(secret: str) -> bytes:
    """The bytes of a secret. Raises ValueError when it is none, or too short to be one."""
    key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    if not BYTES[0] <= len(key) <= BYTES[1]:
        raise ValueError(f"a secret has {BYTES[0]} to {BYTES[1]} bytes")
    return key


def fresh() -> str:
    """A new secret."""
    return PREFIX + base64.b64encode(secrets.token_bytes(BYTES[0] + 8)).decode()
