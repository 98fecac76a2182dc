"""What the program was told: frozen, typed, complete at the start or refused by the variable's name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from ticker.errors import SettingsError

PREFIX = "TICKER_"
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
        None, description="redis://, rediss:// or unix:// address of the store; without it an embedded one is started"
    )
    bootstrap_key: SecretStr | None = Field(
        None, min_length=32, description="an admin key given from outside, 32 characters or more"
    )
    rate_limit: int = Field(600, ge=0, description="posts per minute and key; 0 = no limit")
    channels: Path | None = Field(None, description="TOML file with the channels; without it en, ar and es")
    fsync: Literal["always", "everysec", "no"] = Field(
        "everysec", description="when the embedded store forces its log to the disk"
    )
    log_length: int = Field(10_000, ge=100, le=1_000_000, description="entries kept in a channel's log")
    ring: int = Field(1_000, ge=10, le=100_000, description="entries that a returning reader can catch up on")
    max_readers: int = Field(20_000, ge=0, description="open readers per process")
    max_selectors: int = Field(200, ge=1, description="distinct filters per process and channel")
    heartbeat: float = Field(25.0, gt=0, le=300, description="seconds between heartbeats to a reader")
    stuck: float = Field(20.0, gt=0, le=600, description="seconds after which a reader that takes nothing is cut")
    reconnect_min_ms: int = Field(500, ge=0, description="least delay told to clients for coming back, ms")
    reconnect_max_ms: int = Field(30_000, ge=1, description="greatest delay told to clients for coming back, ms")
    max_body: int = Field(16_384, ge=1024, description="greatest body of a post, bytes")
    samples: bool = Field(False, description="put ten sample alerts into each empty channel")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="what is logged")

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

    @field_validator("redis_url")
    @classmethod
    def _address(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("begins with redis://, rediss:// or unix://")
        return url

    @classmethod
    def unknown(cls, environ: Mapping[str, str]) -> list[str]:
        """Variables that look like ours and are none: a typing error, or of another release."""
        known = {PREFIX + name.upper() for name in cls.model_fields}
        known |= {name + "_FILE" for name in known} | CLIENT
        return sorted(name for name in environ if name.startswith(PREFIX) and name not in known)

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
