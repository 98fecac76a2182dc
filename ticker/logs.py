"""How this program logs: one line a record, and nothing of the libraries below a warning."""

from __future__ import annotations

import logging

QUIET = ("uvicorn", "httpx", "httpcore")


def configure(level: str) -> None:
    """Log to standard error from `level` up."""
    logging.basicConfig(level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
