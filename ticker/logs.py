"""How this program logs: one record a line, as text or as JSON, and nothing of the libraries below a warning.

Whatever a record holds, it stays on its line: what breaks or turns a line is written as an escape. Keys and passwords
are left out. What a record is about (a request, a channel, an item) is kept for each request of an editor or of HTTP;
the lines of readers have none of it.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal

Form = Literal["text", "json"]
Value = str | int | float

QUIET = ("uvicorn", "httpx", "httpcore", "opentelemetry", "urllib3")
ABOUT = ("request_id", "trace_id", "channel", "item", "cursor")
"""What a record may be about: of its request, or given as `extra`."""
ACCESS = ("method", "path", "status", "milliseconds", "client")
"""What a record of the access log has besides."""

_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""Controls, what ends a line somewhere, what turns the text around it, halves of a character."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_SECRETS = (
    (re.compile(r"\b(tk_[0-9a-f]{16})_[A-Za-z0-9_-]{43}"), r"\1_***"),
    (re.compile(r"(://[^\s/@:]*:)[^\s/@]+@"), r"\1***@"),
    (re.compile(r"(?i)\b(bearer\s+)[^\s,;\"']+"), r"\1***"),
)
"""A key of ours; a password in an address; what stands in an `Authorization` header."""

_about: ContextVar[dict[str, Value] | None] = ContextVar("about", default=None)


def configure(level: str, form: Form = "text") -> None:
    """Log to standard error from `level` up."""
    handler = logging.StreamHandler()
    handler.setFormatter(Json() if form == "json" else Text())
    logging.basicConfig(level=level.upper(), handlers=[handler])
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    if form == "json":
        sys.excepthook = _died
        threading.excepthook = _thread_died


def begin(request_id: str) -> dict[str, Value]:
    """All records of this task are about this request from now on. What is put into the answer, they tell too."""
    about: dict[str, Value] = {"request_id": request_id}
    _about.set(about)
    return about


def note(**about: Value) -> None:
    """The request of this task is about this, too (`channel`, `item`); nothing happens where there is none."""
    found = _about.get()
    if found is not None:
        found.update(about)


def masked(text: str) -> str:
    """The text without what gives somebody a right."""
    for pattern, shown in _SECRETS:
        text = pattern.sub(shown, text)
    return text


def escaped(text: str) -> str:
    """The text on one line: `\\n`, `\\x1b`, `\\u2028`, as Python and JSON write them."""
    return _BREAKS.sub(_escape, text)


class Text(logging.Formatter):
    """For people. What follows on a record (a traceback) is indented, so that no line of it looks like a record."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library calls it so
        """The line."""
        record.message = record.message + "".join(
            f" [{name} {value}]" for name, value in _told(record).items() if name in ("request_id", "trace_id")
        )
        return escaped(masked(super().formatMessage(record)))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        """The traceback below it."""
        lines = super().formatException(ei).split("\n")
        return "\n".join("  " + escaped(masked(line)) for line in lines)

    def formatStack(self, stack_info: str) -> str:  # noqa: N802
        """The stack below it."""
        return "\n".join("  " + escaped(masked(line)) for line in stack_info.split("\n"))


class Json(logging.Formatter):
    """For programs: one object a line, in ASCII, with the time in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        at = datetime.fromtimestamp(record.created, UTC)
        told: dict[str, Value] = {
            "time": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_told(record),
        }
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            told["stack"] = record.stack_info
        # What is not ASCII is escaped, and half a character is none: strict readers refuse it even as an escape.
        whole = {name: _whole(value) if isinstance(value, str) else value for name, value in told.items()}
        return json.dumps(whole, separators=(",", ":")).replace("\x7f", "\\u007f")


def _told(record: logging.LogRecord) -> dict[str, Value]:
    about = _about.get() or {}
    found: dict[str, Value] = {}
    for name in (*ABOUT, *ACCESS):
        value = getattr(record, name, about.get(name))
        if value is not None:
            found[name] = value
    return found


def _whole(text: str) -> str:
    return _SURROGATE.sub("\ufffd", masked(text))


def _escape(match: re.Match[str]) -> str:
    point = ord(match[0])
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(match[0])
    return short or (f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}")


def _died(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The traceback of a process that ends is a record, too."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger("ticker").critical("this process ends: %s", kind.__name__, exc_info=(kind, error, trace))


def _thread_died(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_value is not None:
        exc_info = (arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
        logging.getLogger("ticker").error("a thread has ended: %s", arguments.exc_type.__name__, exc_info=exc_info)
