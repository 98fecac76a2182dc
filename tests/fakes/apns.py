"""Apple's push service over HTTP/2: tokens, coherent headers, collapse ids, GOAWAY, and the phones behind it."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, RequestReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError, StreamClosedError

from tests.fakes.faults import Complaints, Script
from tests.fakes.phone import Mailbox, Waiting

KEY_ID, TEAM, TOPIC = "ABC1234567", "TEAM123456", "example.news"
PERIOD = (20 * 60, 60 * 60)
"""A token is signed anew not before the one, and not after the other."""


class FakeApns:
    """The service, for one app."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.script = Script()
        self.complaints = Complaints()
        self.url = ""
        self.requests = 0
        self.connections = 0
        self._clock = clock
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.tokens: list[str] = []
        """Every provider token that was seen, in its order."""
        self.phones: dict[str, Mailbox] = {}
        self.gone: dict[str, int] = {}
        """Device tokens that are no more, and since when, milliseconds."""
        self.ids: list[str] = []
        self.sent: list[tuple[dict[str, str], dict[str, Any]]] = []
        self._lines: set[_Line] = set()

    @property
    def pem(self) -> str:
        """The `.p8` file."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def phone(self) -> tuple[str, Mailbox]:
        """A phone and its token."""
        token = secrets.token_hex(32)
        self.phones[token] = Mailbox(self._clock)
        return token, self.phones[token]

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[None]:
        """Serve HTTP/2 with prior knowledge (RFC 9113, 3.3) on loopback."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Line(self), "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield
        finally:
            server.close()
            for line in list(self._lines):
                line.abort()
            await server.wait_closed()

    def answer(self, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        """Status and body for a request."""
        self.requests += 1
        self.ids.append(headers.get("apns-id", ""))
        token = headers[":path"].rpartition("/")[2]
        fault = self.script.next(token)
        if fault is not None and not fault.taken:
            return fault.status, json.loads(fault.body or b"{}")
        if token in self.gone:
            return 410, {"reason": "Unregistered", "timestamp": self.gone[token]}
        told = json.loads(body)
        if not self._correct(headers, told, len(body)):
            return 400, {"reason": self.complaints.told[-1]}
        if token not in self.phones:
            return 400, {"reason": "BadDeviceToken"}
        self.sent.append((headers, told))
        alert = told["aps"].get("alert", {})
        waiting = Waiting(int(headers["apns-expiration"]), told, alert.get("body", ""), "sound" in told["aps"])
        self.phones[token].put(waiting, headers.get("apns-collapse-id", ""))
        if fault is not None:
            return fault.status, json.loads(fault.body or b"{}")
        return 200, {}

    def _correct(self, headers: dict[str, str], told: Any, size: int) -> bool:
        check, aps = self.complaints.check, told.get("aps", {})
        kind, priority = headers.get("apns-push-type"), headers.get("apns-priority")
        alert = kind == "alert"
        return all(
            [
                check(headers[":method"] == "POST", "no POST"),
                check(re.fullmatch(r"/3/device/[0-9a-f]{64}", headers[":path"]), headers[":path"]),
                check(headers.get("apns-topic") == TOPIC, "another app"),
                check(kind in ("alert", "background"), f"push type {kind}"),
                check(priority in ("10", "5"), f"priority {priority}"),
                check(alert or priority == "5", "background with priority 10"),
                check(re.fullmatch(r"[1-9]\d{9}", headers.get("apns-expiration", "")), "no expiration"),
                check(len(headers.get("apns-collapse-id", "").encode()) <= 64, "a long collapse id"),
                check(not alert or headers.get("apns-collapse-id") == told.get("id"), "a collapse id that is no item"),
                check(_is_uuid(headers.get("apns-id", "")), "no apns-id"),
                check(size <= 4096, f"{size} bytes"),
                check(("alert" in aps) == alert, "no alert in an alert, or one in the background"),
                check(alert or aps == {"content-available": 1}, "a background push that shows something"),
                check(not alert or {"title", "body"} == set(aps["alert"]), "no title or body"),
                check(
                    not alert or aps.get("interruption-level") in ("passive", "active", "time-sensitive"), "no level"
                ),
                check(aps.get("interruption-level") != "passive" or "sound" not in aps, "passive, with a sound"),
                check(not alert or aps.get("thread-id"), "no thread"),
                check(isinstance(told.get("version"), int), "no version"),
                self._from(headers.get("authorization", "")),
            ]
        )

    def _from(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        if not self.complaints.check(scheme == "bearer", "no bearer"):
            return False
        try:
            head = jwt.get_unverified_header(token)
            claims = jwt.decode(token, self._key.public_key(), ["ES256"], options={"verify_iat": False})
        except jwt.InvalidTokenError as error:
            return self.complaints.check(False, f"a token that is not taken: {error}")
        if token not in self.tokens:
            if self.tokens:
                before = jwt.decode(self.tokens[-1], options={"verify_signature": False})
                self.complaints.check(claims["iat"] - before["iat"] >= PERIOD[0], "signed anew too soon")
            self.tokens.append(token)
        return all(
            [
                self.complaints.check(head.get("kid") == KEY_ID and head.get("alg") == "ES256", f"head {head}"),
                self.complaints.check(claims.get("iss") == TEAM, "another team"),
                self.complaints.check(set(claims) == {"iss", "iat"}, f"claims {sorted(claims)}"),
                self.complaints.check(
                    0 <= self._clock() - claims["iat"] + 1 <= PERIOD[1], "a token of more than an hour"
                ),
            ]
        )


class _Line(asyncio.Protocol):
    """One connection."""

    def __init__(self, fake: FakeApns) -> None:
        self._fake = fake
        self._h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self._streams: dict[int, tuple[dict[str, str], bytearray]] = {}
        self._over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._fake.connections += 1
        self._fake._lines.add(self)
        self._h2.initiate_connection()
        self._flush()

    def connection_lost(self, error: Exception | None) -> None:
        self._fake._lines.discard(self)

    def abort(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._over:
            return
        try:
            events = self._h2.receive_data(data)
        except ProtocolError as error:
            self._fake.complaints.told.append(f"no HTTP/2: {error}")
            self.abort()
            return
        for event in events:
            if isinstance(event, RequestReceived):
                headers = {str(name): str(value) for name, value in event.headers}
                self._streams[event.stream_id] = (headers, bytearray())
            elif isinstance(event, DataReceived):
                self._streams[event.stream_id][1].extend(event.data)
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, StreamEnded):
                self._ended(event.stream_id)
                if self._over:
                    return
            elif isinstance(event, StreamReset):
                self._streams.pop(event.stream_id, None)
            elif isinstance(event, ConnectionTerminated):
                self._over = True
        self._flush()

    def _ended(self, stream: int) -> None:
        headers, body = self._streams.pop(stream)
        script = self._fake.script
        if script.queue and script.queue[0] is not None and script.queue[0].goaway:
            script.queue.popleft()
            # What came before this request is answered; this one is not looked at.
            self._h2.close_connection(ErrorCodes.NO_ERROR, last_stream_id=max(0, stream - 2))
            self._flush()
            self._over = True
            self._transport.close()
            return
        status, told = self._fake.answer(headers, bytes(body))
        if status == 0:
            return
        content = json.dumps(told).encode() if told else b""
        with suppress(StreamClosedError):
            sent = [(":status", str(status)), ("apns-id", headers.get("apns-id", ""))]
            self._h2.send_headers(stream, sent, end_stream=not content)
            if content:
                self._h2.send_data(stream, content, end_stream=True)

    def _flush(self) -> None:
        self._transport.write(self._h2.data_to_send())


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
