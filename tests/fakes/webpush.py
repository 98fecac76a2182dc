"""A push service of browsers (RFC 8030): it checks who sends (RFC 8292); behind it the browsers, who open what came."""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from collections.abc import Callable
from typing import Any

import http_ece
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.fakes.phone import Mailbox, Waiting
from tests.fakes.service import FakeService


def _told(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


class Browser(Mailbox):
    """One browser that has subscribed."""

    def __init__(self, clock: Callable[[], float], key: ec.EllipticCurvePrivateKey | None = None) -> None:
        super().__init__(clock)
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.auth = os.urandom(16)
        self.endpoint = ""
        self.gone = False

    def subscription(self) -> dict[str, Any]:
        """As `PushSubscription.toJSON` gives it."""
        public = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {
            "endpoint": self.endpoint,
            "expirationTime": None,
            "keys": {"p256dh": _told(public), "auth": _told(self.auth)},
        }


class FakeWebPush(FakeService):
    """One push service. `sender` is the public key that its browsers subscribed with, in base64url."""

    def __init__(self, sender: str = "", clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self.sender = sender
        self._clock = clock
        self.browsers: dict[str, Browser] = {}
        self.opened: list[dict[str, Any]] = []
        self.times: Counter[tuple[str, str, int]] = Counter()
        """How often each version was taken for each browser."""
        self.headers: list[dict[str, str]] = []

    def browser(self, key: ec.EllipticCurvePrivateKey | None = None) -> Browser:
        """A browser subscribes; once the service runs. Several may share a key, to have many of them soon."""
        browser = Browser(self._clock, key)
        name = secrets.token_urlsafe(16)
        browser.endpoint = f"{self.url}/push/{name}"
        self.browsers[name] = browser
        return browser

    def app(self) -> Starlette:
        """Where endpoints lead."""
        return Starlette(routes=[Route("/push/{name}", self._push, methods=["POST"])])

    async def _push(self, request: Request) -> Response:
        self.requests += 1
        name = request.path_params["name"]
        browser, body = self.browsers.get(name), await request.body()
        fault = self.script.next(name)
        if fault is not None and not fault.taken:
            return await self.wrong(request, fault)
        if browser is None or browser.gone:
            return Response(status_code=410)
        if not self._correct(request, len(body)):
            return Response(self.complaints.told[-1], 400)
        try:
            text = http_ece.decrypt(body, private_key=browser.key, auth_secret=browser.auth, version="aes128gcm")
            told = json.loads(text)
        except (http_ece.ECEException, ValueError) as error:
            self.complaints.told.append(f"a body that the browser cannot open: {error}")
            return Response(status_code=400)
        wanted = {"action", "id", "version", "channel", "title", "body", "lang", "dir", "tag", "silent"}
        self.complaints.check(wanted <= set(told) <= wanted | {"url"}, f"fields: {sorted(told)}")
        self.complaints.check(told["tag"] == request.headers["Topic"] == told["id"], "a tag that is not the item's id")
        self.opened.append(told)
        self.headers.append(dict(request.headers))
        self.times[name, told["id"], told["version"]] += 1
        until = self._clock() + int(request.headers["TTL"])
        browser.put(Waiting(until, told, told["body"], not told["silent"]), request.headers["Topic"])
        if fault is not None:
            return await self.wrong(request, fault)
        return Response(status_code=201, headers={"Location": f"{self.url}/message/{self.requests}"})

    def _correct(self, request: Request, size: int) -> bool:
        check, headers = self.complaints.check, request.headers
        return all(
            [
                check(re.fullmatch(r"\d{1,9}", headers.get("TTL", "")), f"TTL {headers.get('TTL')!r}"),
                check(headers.get("Urgency") in ("very-low", "low", "normal", "high"), "no Urgency"),
                check(re.fullmatch(r"[A-Za-z0-9_-]{1,32}", headers.get("Topic", "")), "no Topic"),
                check(headers.get("Content-Encoding") == "aes128gcm", "another Content-Encoding"),
                check(size <= 4096, f"{size} bytes"),
                self._from(headers.get("Authorization", "")),
            ]
        )

    def _from(self, authorization: str) -> bool:
        match = re.fullmatch(r"vapid t=([A-Za-z0-9_.-]+), ?k=([A-Za-z0-9_-]+)", authorization)
        if not self.complaints.check(match, "no authorization of RFC 8292"):
            return False
        assert match is not None
        self.complaints.check(
            not self.sender or match[2] == self.sender, "another sender than the browser subscribed to"
        )
        point = urlsafe_b64decode(match[2] + "=" * (-len(match[2]) % 4))
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        try:
            claims = jwt.decode(match[1], key, ["ES256"], audience=self.url, options={"require": ["exp", "sub"]})
        except jwt.InvalidTokenError as error:
            return self.complaints.check(False, f"a token that is not taken: {error}")
        return all(
            [
                self.complaints.check(claims["exp"] - time.time() <= 24 * 3600, "a token for more than a day"),
                self.complaints.check(claims["sub"].startswith(("mailto:", "https:")), "no subject to turn to"),
            ]
        )
