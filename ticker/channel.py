"""A channel: a named feed with a language, a direction and its controlled lists."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ticker.errors import SettingsError

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](-?[a-z0-9]){0,31}$")]

SECTIONS = ("politics", "economy", "world", "sport", "culture", "technology", "health", "environment")
REGIONS = ("africa", "asia", "europe", "middle-east", "north-america", "oceania", "south-america")


class Channel(BaseModel):
    """What readers can subscribe to. `direction` is that of the language: `ltr` or `rtl`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    title: str = Field(min_length=1, max_length=100)
    language: str = Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", description="BCP 47")
    direction: Literal["ltr", "rtl"] = "ltr"
    window: int = Field(10, ge=1, le=100, description="items in the rolling window")
    sections: tuple[Name, ...] = SECTIONS
    regions: tuple[Name, ...] = REGIONS


DEFAULT = (
    Channel(name="en", title="Breaking news", language="en"),
    Channel(name="ar", title="عاجل", language="ar", direction="rtl"),
    Channel(name="es", title="Última hora", language="es"),
)


def load(file: Path | None) -> dict[str, Channel]:
    """The channels of a TOML file (`[channels.en]`, `title = …`), or the built-in three.

    Raises SettingsError that names the file and what is wrong in it.
    """
    if file is None:
        return {channel.name: channel for channel in DEFAULT}
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError("TICKER_CHANNELS", f"{file}: {error}") from error
    tables: Any = document.get("channels")
    if not isinstance(tables, dict) or not tables:
        raise SettingsError("TICKER_CHANNELS", f"{file}: has no [channels.NAME] table.")
    found: dict[str, Channel] = {}
    for name, table in tables.items():
        try:
            found[name] = Channel.model_validate({**table, "name": name} if isinstance(table, dict) else table)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in ("channels", name, *first["loc"]))
            raise SettingsError("TICKER_CHANNELS", f"{file}: {where}: {first['msg']}.") from None
    return found
