"""Ten sample alerts per channel for a first look, invented, in the shape of real ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files

from ulid import ULID

from ticker import acts
from ticker.channel import Channel
from ticker.draft import Draft
from ticker.stream import Log

BY = "samples"


async def fill(logs: Mapping[str, Log], channels: Mapping[str, Channel]) -> None:
    """Post the samples, oldest first, into each channel in which nothing was ever posted."""
    document = json.loads((files("ticker") / "samples.json").read_text(encoding="utf-8"))
    for name, alerts in document.items():
        if name not in logs or not await logs[name].empty():
            continue
        for number, alert in enumerate(alerts):
            draft = Draft.model_validate_json(json.dumps(alert))
            change = acts.publish(draft, channels[name], str(ULID()), BY)
            # Several workers start at once; each sample is one alert all the same.
            await logs[name].append(change, BY, key=f"sample {number}", fingerprint="sample")
