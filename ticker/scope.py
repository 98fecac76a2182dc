"""What a key may give the right to."""

from __future__ import annotations

from typing import Literal, get_args

Scope = Literal["read", "publish", "correct", "retract", "push", "admin"]
SCOPES: tuple[str, ...] = get_args(Scope)
