"""What the program was told: frozen, typed, complete at the start or refused by the variable's name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from ticker.address import Proxies
from ticker.errors import SettingsError

PREFIX = "TICKER_"
SCHEMES = (
    "redis://",
    "rediss://",
    "unix://",
    "redis-sentinel://",
    "rediss-sentinel://",
    "redis-cluster://",
    "rediss-cluster://",
)
AUTHORITY = re.compile(r"(\w([\w.-]{0,251}[\w.])?|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?", re.ASCII)
"""A host, perhaps with a port, that can be written into an address as it is."""
_PUBLIC_URL = re.compile(rf"https?://{AUTHORITY.pattern}(/[\w.~/-]*)?", re.ASCII)
NOBODY = "none"
"""In place of addresses."""
CLIENT = frozenset({"TICKER_URL", "TICKER_KEY", "TICKER_KEY_FILE"})
"""What `post`, `retract` and `watch` read; not settings of a server."""


class Settings(BaseModel):
    """Every field is the variable `TICKER_<NAME>`, the file `TICKER_<NAME>_FILE`, and the flag `--<name>`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    data: Path = Field(Path(".data"), description="directory of the embedded store")
    workers: int = Field(1, ge=1, le=256, description="processes that serve the listening address")
    redis_url: SecretStr | None = Field(
        None, description="address of the store, in any form that docs/operating.md has; without it one is embedded"
    )
    read_url: SecretStr | None = Field(
        None, description="address of a replica, or of several by Sentinel, from which readers are served"
    )
    replicas: int = Field(0, ge=0, le=10, description="replicas that have to have an alert before it is answered")
    bootstrap_key: SecretStr | None = Field(
        None, min_length=32, description="an admin key given from outside, 32 characters or more"
    )
    rate_limit: int = Field(600, ge=0, description="posts per minute and key; 0 = no limit")
    address_limit: int = Field(
        300, ge=0, description="requests without a valid key in a minute from one address; 0 = none"
    )
    proxies: str | None = Field(
        None, description="addresses and networks of proxies whose X-Forwarded-For is believed, with commas between"
    )
    public_url: str | None = Field(None, description="the address under which readers find this service")
    channels: Path | None = Field(None, description="TOML file with the channels; without it en, ar and es")
    fsync: Literal["always", "everysec", "no"] = Field(
        "everysec", description="when the embedded store forces its log to the disk"
    )
    log_length: int = Field(10_000, ge=100, le=1_000_000, description="entries kept in a channel's log")
    ring: int = Field(1_000, ge=10, le=100_000, description="entries that a returning reader can catch up on")
    max_readers: int = Field(20_000, ge=0, description="open readers per process")
    max_readers_per_address: int = Field(
        1_000, ge=0, description="open readers per process and address, for IPv6 per /64; 0 = no limit"
    )
    accept_rate: int = Field(5_000, ge=0, description="new readers per second and process; 0 = no limit")
    max_memory: int = Field(0, ge=0, description="memory of a process from which on no reader is let in, MB; 0 = none")
    max_selectors: int = Field(200, ge=1, description="distinct filters per process and channel")
    deflate: bool = Field(True, description="compress frames for WebSocket readers who offer it (permessage-deflate)")
    heartbeat: float = Field(25.0, gt=0, le=300, description="seconds between heartbeats to a reader")
    header_timeout: float = Field(10.0, gt=0, le=300, description="seconds for a request's headers to arrive")
    body_timeout: float = Field(30.0, gt=0, le=300, description="seconds after that for its body to arrive")
    stuck: float = Field(20.0, gt=0, le=600, description="seconds after which a reader that takes nothing is cut")
    reconnect_min_ms: int = Field(500, ge=0, description="least delay told to clients for coming back, ms")
    reconnect_max_ms: int = Field(30_000, ge=1, description="greatest delay told to clients for coming back, ms")
    drain: float = Field(5.0, ge=0, le=15, description="seconds over which readers are sent away before an end")
    max_body: int = Field(16_384, ge=1024, description="greatest body of a post, bytes")
    fcm_credentials: SecretStr | None = Field(
        None, description="service account of Firebase (JSON), with which Android phones and topics are sent to"
    )
    fcm_url: str = Field("https://fcm.googleapis.com", description="address of Firebase Cloud Messaging")
    fcm_topic: str = Field(
        "breaking", pattern=r"^[a-zA-Z0-9_.~%-]{1,100}$", description="how the names of all topics at Firebase begin"
    )
    apns_key: SecretStr | None = Field(None, description="key of Apple (.p8), with which its phones are sent to")
    apns_key_id: str | None = Field(None, description="id of that key")
    apns_team: str | None = Field(None, description="id of the team at Apple")
    apns_topic: str | None = Field(None, description="bundle id of the app")
    apns_url: str = Field("https://api.push.apple.com", description="address of Apple's push service")
    vapid_key: SecretStr | None = Field(
        None, description="private key of P-256, with which browsers are sent to; 'ticker push vapid' makes one"
    )
    vapid_subject: str | None = Field(None, description="mailto: or https: address that push services can turn to")
    webpush_services: str = Field(
        "fcm.googleapis.com,*.push.services.mozilla.com,*.notify.windows.com,web.push.apple.com,*.push.apple.com",
        description="hosts of the push services that browsers may name, with commas between; empty: any public one",
    )
    webhooks: bool = Field(False, description="send to the webhooks that are registered")
    push_trusted: str | None = Field(
        None, description="inner addresses and networks that targets may have, by http too"
    )
    push_clear: bool = Field(False, description="take withdrawn alerts off phones without a word")
    push_rate: int = Field(500, ge=0, description="requests a second to each provider and process; 0 = no limit")
    push_at_once: int = Field(128, ge=32, le=2048, description="requests under way to each provider and process")
    push_targets: int = Field(1_000_000, ge=1, description="most targets of each provider in a channel")
    push_metrics: int = Field(
        0, ge=0, le=65535, description="port on which 'ticker push' tells its figures; 0 = nowhere"
    )
    metrics: str = Field(
        "127.0.0.0/8,::1",
        description="addresses and networks that read /metrics without a key, with commas between; none: nobody does",
    )
    receipts: float = Field(0.01, ge=0, le=1, description="part of the readers who are asked to say what they showed")
    samples: bool = Field(False, description="put ten sample alerts into each empty channel")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="what is logged")
    log_format: Literal["text", "json"] = Field("text", description="for people, or one JSON object a line")
    access_log: bool = Field(False, description="log a line for each request, without its query")
    traces: Literal["auto", "on", "off"] = Field(
        "auto", description="tell OpenTelemetry of each alert's road; auto: when OTEL_EXPORTER_OTLP_ENDPOINT is set"
    )

    @classmethod
    def load(cls, environ: Mapping[str, str], flags: Mapping[str, Any] | None = None) -> Self:
        """Flags before variables, variables before files of the same name.

        Raises SettingsError with the name of the variable that is wrong or unreadable.
        """
        values: dict[str, Any] = {}
        for name in cls.model_fields:
            variable = PREFIX + name.upper()
            given = environ.get(variable)
            file = environ.get(variable + "_FILE")
            if given:  # compose files pass empty strings for what was not set
                values[name] = given
            elif file:
                try:
                    values[name] = Path(file).read_text(encoding="utf-8").strip()
                except (OSError, UnicodeDecodeError) as error:
                    raise SettingsError(variable + "_FILE", f"cannot be read ({error}).") from error
        values |= {name: value for name, value in (flags or {}).items() if value not in (None, "")}
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            name = str(first["loc"][0])
            raise SettingsError(PREFIX + name.upper(), f"{first['msg']}.") from None

    @field_validator("redis_url", "read_url")
    @classmethod
    def _address(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(SCHEMES):
            raise ValueError(f"begins with one of {', '.join(SCHEMES)}")
        return url

    @field_validator("public_url")
    @classmethod
    def _public(cls, url: str | None) -> str | None:
        if url is not None and not _PUBLIC_URL.fullmatch(url):
            raise ValueError("is no address like https://news.example")
        return url.rstrip("/") if url else url

    @field_validator("fcm_url", "apns_url")
    @classmethod
    def _provider(cls, url: str) -> str:
        if not _PUBLIC_URL.fullmatch(url):
            raise ValueError("is no address like https://push.example")
        return url.rstrip("/")

    @field_validator("vapid_subject")
    @classmethod
    def _subject(cls, text: str | None) -> str | None:
        if text is not None and not text.startswith(("mailto:", "https://")):
            raise ValueError("begins with mailto: or https://")
        return text

    @field_validator("push_trusted")
    @classmethod
    def _inner(cls, text: str | None) -> str | None:
        Proxies.parse(text or "")
        return text

    @field_validator("proxies")
    @classmethod
    def _named(cls, text: str | None) -> str | None:
        Proxies.parse(text or "")
        return text

    @field_validator("metrics")
    @classmethod
    def _trusted(cls, text: str) -> str:
        Proxies.parse("" if text == NOBODY else text)
        return text

    @classmethod
    def unknown(cls, environ: Mapping[str, str]) -> list[str]:
        """Variables that look like ours and are none: a typing error, or of another release."""
        known = {PREFIX + name.upper() for name in cls.model_fields}
        known |= {name + "_FILE" for name in known} | CLIENT
        return sorted(name for name in environ if name.startswith(PREFIX) and name not in known)

    @property
    def reconnect(self) -> tuple[int, int]:
        """Least and greatest delay told to clients for coming back, ms."""
        return self.reconnect_min_ms, self.reconnect_max_ms

    def environ(self) -> dict[str, str]:
        """These settings as environment variables, for worker processes."""
        found: dict[str, str] = {}
        for name, value in self:
            if value is not None:
                plain = value.get_secret_value() if isinstance(value, SecretStr) else value
                found[PREFIX + name.upper()] = str(plain)
        return found

    def masked(self) -> dict[str, str]:
        """Variable → value as an operator may see it: secrets are masked."""
        return {PREFIX + name.upper(): "(not set)" if value is None else str(value) for name, value in self}
