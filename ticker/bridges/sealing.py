"""The seal of a Web Push body: what only the browser that subscribed can open (RFC 8291 over RFC 8188, aes128gcm)."""

from __future__ import annotations

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVE = SECP256R1()
RECORD = 4096
"""Bytes of a record: every body is one, for that is what push services have to take (RFC 8291, 4)."""
LAST = b"\x02"
MOST = RECORD - 16 - 1 - 86
"""Bytes of text that fit beside tag, delimiter and header into what a push service has to take (RFC 8030, 7.2)."""
POINT = 65
AUTH = 16


def sealed(
    text: bytes, receiver: bytes, auth: bytes, *, salt: bytes = b"", key: EllipticCurvePrivateKey | None = None
) -> bytes:
    """The body of a request. `receiver` is the browser's public key (`p256dh`), `auth` its secret, both as bytes.

    `salt` and `key` are fresh for every body, and given only to repeat the example of the RFC. Raises ValueError when
    `receiver` is no point of the curve.
    """
    salt = salt or os.urandom(16)
    key = key or generate_private_key(CURVE)
    mine = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    shared = key.exchange(ECDH(), EllipticCurvePublicKey.from_encoded_point(CURVE, receiver))
    secret = _derived(shared, auth, b"WebPush: info\x00" + receiver + mine, 32)
    content_key = _derived(secret, salt, b"Content-Encoding: aes128gcm\x00", 16)
    nonce = _derived(secret, salt, b"Content-Encoding: nonce\x00", 12)
    header = salt + RECORD.to_bytes(4) + len(mine).to_bytes(1) + mine
    return header + AESGCM(content_key).encrypt(nonce, text + LAST, None)


def raw(text: str) -> bytes:
    """Bytes from base64url with or without padding. Raises ValueError."""
    # Whatever is not of the alphabet would be passed over.
    if not set(text.rstrip("=")) <= _ALPHABET:
        raise ValueError("is no base64url")
    return urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))


def told(data: bytes) -> str:
    """base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def keys_of(p256dh: str, auth: str) -> tuple[bytes, bytes]:
    """The two keys of a subscription. Raises ValueError when they are none."""
    receiver, secret = raw(p256dh), raw(auth)
    if len(receiver) != POINT or len(secret) != AUTH:
        raise ValueError("the keys of a subscription have 65 and 16 bytes")
    EllipticCurvePublicKey.from_encoded_point(CURVE, receiver)
    return receiver, secret


def _derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(secret)


_ALPHABET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
