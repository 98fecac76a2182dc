"""The seal of Web Push: the RFC's own example, and another library that opens what we seal."""

from __future__ import annotations

import os

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import derive_private_key, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from pywebpush import WebPusher
from ticker.bridges import sealing

# RFC 8291, section 5 and appendix A.
TEXT = b"When I grow up, I want to be a watermelon"
AS_PRIVATE = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
UA_PUBLIC = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
UA_PRIVATE = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
    "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_the_example_of_the_rfc_comes_out_to_the_byte() -> None:
    """RFC 8291, section 5: with its salt and its key."""
    key = derive_private_key(int.from_bytes(sealing.raw(AS_PRIVATE)), sealing.CURVE)
    receiver, auth = sealing.keys_of(UA_PUBLIC, AUTH)
    body = sealing.sealed(TEXT, receiver, auth, salt=sealing.raw(SALT), key=key)
    assert BODY == sealing.told(body)


def test_the_receiver_of_the_example_opens_it() -> None:
    """By a library that is not ours."""
    key = derive_private_key(int.from_bytes(sealing.raw(UA_PRIVATE)), sealing.CURVE)
    opened = http_ece.decrypt(sealing.raw(BODY), private_key=key, auth_secret=sealing.raw(AUTH), version="aes128gcm")
    assert TEXT == opened


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=sealing.MOST))
def test_whatever_is_sealed_is_opened_by_another_library(text: bytes) -> None:
    """Up to the greatest body that every push service takes; each with a fresh key and salt."""
    key, auth = generate_private_key(sealing.CURVE), os.urandom(16)
    public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    body = sealing.sealed(text, public, auth)
    assert len(body) <= 4096
    assert text == http_ece.decrypt(body, private_key=key, auth_secret=auth, version="aes128gcm")
    assert body != sealing.sealed(text, public, auth)


def test_another_encoder_makes_a_body_of_the_same_shape() -> None:
    """pywebpush: the same header, length and opening; salt and key are fresh, so the bytes differ."""
    key, auth = generate_private_key(sealing.CURVE), os.urandom(16)
    public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    subscription = {
        "endpoint": "https://push.example/x",
        "keys": {"p256dh": sealing.told(public), "auth": sealing.told(auth)},
    }
    theirs = WebPusher(subscription).encode(TEXT, content_encoding="aes128gcm")["body"]
    ours = sealing.sealed(TEXT, public, auth)
    assert len(theirs) == len(ours)
    assert theirs[16:21] == ours[16:21]
    opened = [http_ece.decrypt(body, private_key=key, auth_secret=auth, version="aes128gcm") for body in (theirs, ours)]
    assert [TEXT, TEXT] == opened


@pytest.mark.parametrize(
    ("p256dh", "auth"),
    [("", AUTH), (UA_PUBLIC[:-2], AUTH), ("B" + "A" * 86, AUTH), (UA_PUBLIC, AUTH[:-4]), (UA_PUBLIC + "!", AUTH)],
)
def test_keys_that_are_none_are_refused(p256dh: str, auth: str) -> None:
    """Of another length, off the curve, or no base64url."""
    with pytest.raises(ValueError, match=r"[a-z]"):
        sealing.keys_of(p256dh, auth)
