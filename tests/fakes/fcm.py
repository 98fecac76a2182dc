"""Firebase Cloud Messaging: the grant, the message, topics and conditions, and Android phones."""

from __future__ import annotations

import json
import random
import re
import secrets
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.phone import Mailbox, Waiting
from tests.fakes.service import FakeService

PROJECT = "newsroom"
EMAIL = "ticker@newsroom.example"
TOPIC = re.compile(r"[a-zA-Z0-9\-_.~%]+")
FIELDS = {"token", "topic", "condition", "data", "android"}


class FakeFcm(FakeService):
    """One project."""

    def __init__(self, clock: Callable[[], float] = time.time, seed: int = 0, life: int = 3600) -> None:
        """`life` is that of an access token, seconds."""
        super().__init__()
        self._clock = clock
        self._life = life
        self._key = rsa.generate_private_key(65537, 2048)
        self._tokens: dict[str, float] = {}
        self._shuffle = random.Random(seed)
        self.grants = 0
        self.rehearsed = 0
        self.phones: dict[str, Mailbox] = {}
        self.topics: dict[str, set[str]] = defaultdict(set)
        self.messages: list[dict[str, Any]] = []

    def phone(self, token: str = "", *topics: str) -> Mailbox:
        """A phone with this token that follows these topics."""
        token = token or secrets.token_urlsafe(40)
        self.phones[token] = Mailbox(self._clock, self._shuffle)
        for topic in topics:
            self.topics[topic].add(token)
        return self.phones[token]

    @property
    def credentials(self) -> dict[str, str]:
        """The service account file, as the console gives it."""
        pem = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "k1",
            "private_key": pem,
            "client_email": EMAIL,
            "token_uri": f"{self.url}/token",
        }

    def app(self) -> Starlette:
        """The token endpoint, and that of messages."""
        return Starlette(
            routes=[
                Route("/token", self._grant, methods=["POST"]),
                Route(f"/v1/projects/{PROJECT}/messages:send", self._send, methods=["POST"]),
            ]
        )

    async def _grant(self, request: Request) -> Response:
        self.grants += 1
        form = parse_qs((await request.body()).decode())
        check = self.complaints.check
        check(
            form.get("grant_type") == ["urn:ietf:params:oauth:grant-type:jwt-bearer"], "another grant than RFC 7523's"
        )
        try:
            claims = jwt.decode(
                form["assertion"][0], self._key.public_key(), ["RS256"], audience=f"{self.url}/token", issuer=EMAIL
            )
        except (jwt.InvalidTokenError, KeyError) as error:
            self.complaints.told.append(f"an assertion that is not taken: {error}")
            return JSONResponse({"error": "invalid_grant"}, 400)
        check(claims.get("scope") == "https://www.googleapis.com/auth/firebase.messaging", "another scope")
        check(0 < claims["exp"] - claims["iat"] <= 3600, "an assertion for more than an hour")
        token = secrets.token_urlsafe(20)
        self._tokens[token] = self._clock() + self._life
        return JSONResponse({"access_token": token, "expires_in": self._life, "token_type": "Bearer"})

    def revoke(self) -> None:
        """No token that was given is taken any more."""
        self._tokens.clear()

    async def _send(self, request: Request) -> Response:
        self.requests += 1
        body = await request.body()
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or self._tokens.get(token, 0) <= self._clock():
            return _error(401, "UNAUTHENTICATED")
        sent = json.loads(body)
        message = sent.get("message", {})
        to = [name for name in ("token", "topic", "condition") if name in message]
        fault = self.script.next(str(message.get(to[0])) if to else "")
        if fault is not None and not fault.taken:
            return await self.wrong(request, fault)
        if not self._correct(request, sent, message, to, len(body)):
            return _error(400, "INVALID_ARGUMENT", self.complaints.told[-1])
        receivers = self._receivers(to[0], message[to[0]])
        if to[0] == "token" and not receivers:
            return _error(404, "UNREGISTERED")
        if sent.get("validate_only"):
            self.rehearsed += 1
            return JSONResponse({"name": f"projects/{PROJECT}/messages/fake_message_id"})
        self.messages.append(message)
        android = message["android"]
        shown = android.get("notification", {})
        until = self._clock() + int(android["ttl"][:-1])
        for receiver in receivers:
            self.phones[receiver].put(Waiting(until, message["data"], shown.get("body", ""), "sound" in shown))
        if fault is not None:
            return await self.wrong(request, fault)
        return JSONResponse({"name": f"projects/{PROJECT}/messages/{len(self.messages)}"})

    def _correct(self, request: Request, sent: Any, message: Any, to: list[str], size: int) -> bool:
        check = self.complaints.check
        data, android = message.get("data", {}), message.get("android", {})
        shown = android.get("notification", {})
        most = 4096 if to == ["token"] else 2048
        fine = [
            check(request.headers.get("Content-Type", "").startswith("application/json"), "no JSON"),
            check(set(sent) <= {"message", "validate_only"}, f"unknown fields beside the message: {sorted(sent)}"),
            check(len(to) == 1, f"not one of token, topic and condition: {to}"),
            check(set(message) <= FIELDS, f"unknown fields: {sorted(set(message) - FIELDS)}"),
            check(size - len('{"message":}') <= most, f"{size} bytes"),
            check(all(isinstance(value, str) for value in data.values()), f"data that is no text: {data}"),
            check({"action", "id", "version"} <= set(data), "data without action, id and version"),
            check(re.fullmatch(r"\d+s", android.get("ttl", "")), "no ttl"),
            check(android.get("priority") in ("HIGH", "NORMAL"), "no priority"),
            check(set(android) <= {"priority", "ttl", "notification"}, f"unknown fields of Android: {sorted(android)}"),
            check(
                set(shown) <= {"title", "body", "tag", "sound"}, f"unknown fields of a notification: {sorted(shown)}"
            ),
            check(not shown or shown.get("tag") == data.get("id"), "a tag that is not the item's id"),
            check(bool(shown) or data.get("action") == "clear", "nothing to show"),
        ]
        if to == ["topic"]:
            fine.append(check(TOPIC.fullmatch(message["topic"]), f"no topic: {message['topic']}"))
        if to == ["condition"]:
            names = re.findall(r"'([^']*)' in topics", message["condition"])
            fine.append(check(all(map(TOPIC.fullmatch, names)), f"no topics: {names}"))
            fine.append(check(1 < len(names) <= 5, f"{len(names)} topics in a condition"))
            joined = " || ".join(f"'{name}' in topics" for name in names)
            fine.append(check(joined == message["condition"], f"no condition: {message['condition']}"))
        return all(fine)

    def _receivers(self, kind: str, to: str) -> set[str]:
        if kind == "token":
            return {to} & set(self.phones)
        names = [to] if kind == "topic" else re.findall(r"'([^']*)' in topics", to)
        return {token for name in names for token in self.topics.get(name, ()) if token in self.phones}


def _error(status: int, code: str, told: str = "") -> Response:
    detail = {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}
    error = {"code": status, "message": told or code, "status": code, "details": [detail]}
    return JSONResponse({"error": error}, status)
