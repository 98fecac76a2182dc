"""What is sent to register a target: a browser's subscription, a device's token, a webhook, each with what it wants."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ticker.draft import Listed, Tag, Urgency
from ticker.text import findable

ADDRESS = 2048
SECRETS = 4
TOKENS = {"fcm": "[A-Za-z0-9_:.~%-]{20,4096}", "apns": "[0-9a-fA-F]{64,200}"}
"""What a token of a device looks like."""
_URL = findable("https://", r"https://[a-z]{2,60}\.[a-z]{2,20}(?:/[a-z0-9]{1,9}){0,3}")
_FOUR = "(?:[A-Za-z0-9+/]{4})"
_LAST = "(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)?"


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) != len(values):
        raise ValueError("names something twice")
    return values


_Unique = Field(json_schema_extra={"uniqueItems": True})
Ten = Annotated[tuple[Listed, ...], Field(max_length=10), AfterValidator(_distinct), _Unique]
Topics = Annotated[tuple[Tag, ...], Field(max_length=20), AfterValidator(_distinct), _Unique]
Tags = Annotated[tuple[Tag, ...], Field(max_length=10), AfterValidator(_distinct), _Unique]
Secret = Annotated[str, Field(pattern=f"^whsec_(?:{_FOUR}{{8,20}}{_LAST}|{_FOUR}{{21}}[A-Za-z0-9+/]{{2}}==)$")]
"""24 to 64 bytes in base64."""


class Wants(BaseModel):
    """Which alerts of a channel are wanted: values of one field are alternatives, all fields given have to match."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    sections: Ten = Field((), description="of the channel's list; none: all")
    regions: Ten = Field((), description="of the channel's list; none: all")
    tags: Tags = Field((), description="none: all")
    topics: Topics = Field((), description="of items that name topics, those with one of these; none: all")
    urgency: Urgency = Field(9, description="the least urgent alert that is wanted")

    def wanted(self) -> dict[str, Any]:
        """The same as fields of a target."""
        return {name: getattr(self, name) for name in ("sections", "regions", "tags", "topics", "urgency")}


class SubscriptionKeys(BaseModel):
    """The two keys of a browser's subscription, in base64url."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    p256dh: str = Field(pattern=r"^B[A-P][A-Za-z0-9_-]{85}=?$", description="65 bytes: a point of P-256")
    auth: str = Field(pattern=r"^[A-Za-z0-9_-]{22}(==)?$", description="16 bytes")


class Subscription(Wants):
    """What a browser's `PushManager` gives, and what its reader wants."""

    endpoint: str = Field(min_length=10, max_length=ADDRESS, description="address that the browser's push service gave")
    keys: SubscriptionKeys
    expirationTime: float | None = Field(None, description="as the browser gave it; not looked at")  # noqa: N815


def _by_provider(schema: dict[str, Any]) -> None:
    """Say in the schema what the address of each kind of target looks like."""
    schema["anyOf"] = [
        {"properties": {"provider": {"const": name}, "address": {"pattern": f"^{token}$"}, "secrets": {"maxItems": 0}}}
        for name, token in TOKENS.items()
    ] + [{"properties": {"provider": {"const": "webhook"}, "address": {"pattern": _URL, "maxLength": ADDRESS}}}]


class TargetDraft(Wants):
    """A device, or a webhook."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, json_schema_extra=_by_provider)

    provider: Literal["fcm", "apns", "webhook"]
    address: str = Field(
        min_length=10, max_length=4096, description="the token of the device (apns: in hex), or an https address"
    )
    secrets: Annotated[tuple[Secret, ...], Field(max_length=SECRETS)] = Field(
        (), description="of a webhook: each signs, so that one can follow another; without any, one is made"
    )

    @model_validator(mode="after")
    def _fits(self) -> TargetDraft:
        pattern = TOKENS.get(self.provider)
        if pattern is not None and not re.fullmatch(pattern, self.address):
            raise ValueError(f"address is no token of {self.provider}")
        if pattern is None and len(self.address) > ADDRESS:
            raise ValueError(f"address is longer than {ADDRESS} characters")
        if self.provider != "webhook" and self.secrets:
            raise ValueError("secrets are for webhooks")
        return self
