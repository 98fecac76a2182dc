"""`ticker watch`: a channel in a terminal, across broken lines."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from argparse import Namespace
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, urlencode

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from ticker.client import BACK_OFF, TIMEOUT, Failed, Refused, address, line

DO_NOT_COME_BACK = 4500


async def watch(options: Namespace) -> int:
    """`ticker watch CHANNEL`: what stands, and then every act as it happens, across broken lines."""
    live = address(options).replace("http", "ws", 1) + f"/v1/channels/{quote(options.channel, safe='')}/live"
    cursor, delay = options.cursor, BACK_OFF[0]
    while True:
        told_to_wait = None
        query = "?" + urlencode({"cursor": cursor}) if cursor else ""
        try:
            async with connect(live + query, open_timeout=TIMEOUT, max_size=None) as stream:
                async for text in stream:
                    frame = json.loads(text)
                    cursor, delay = frame.get("cursor", cursor), BACK_OFF[0]
                    for told in [text] if options.json else _told(frame):
                        print(told, flush=True)
        except InvalidStatus as error:
            if error.response.status_code < 500 and error.response.status_code != 429:
                raise Refused(error.response.status_code, bytes(error.response.body or b"")) from None
            reason = f"the server answered {error.response.status_code}"
        except BrokenPipeError:
            raise  # of our own output: nobody reads it any more
        except (OSError, TimeoutError, InvalidHandshake) as error:
            reason = str(error)
        except ConnectionClosed as error:
            if error.rcvd is not None and error.rcvd.code >= DO_NOT_COME_BACK:
                raise Failed(f"The server sent us away for good ({error.rcvd}).") from None
            told_to_wait, reason = _retry_after(error), str(error)
        else:
            reason = "the server closed the line"
        # Full jitter: a thousand watchers must not come back in the same second.
        pause = random.uniform(0, delay) if told_to_wait is None else told_to_wait  # noqa: S311
        delay = min(BACK_OFF[1], delay * 2)
        print(f"-- {reason}; again in {pause:.1f} s", file=sys.stderr, flush=True)
        await asyncio.sleep(pause)


def _told(frame: dict[str, Any]) -> Iterable[str]:
    """A frame in lines for people. Only acts have a cursor of their own; they begin with it."""
    match frame.get("type"):
        case "entry":
            yield _act(frame)
        case "resume":
            yield from map(_act, frame["entries"])
        case "snapshot" | "reset" as kind:
            yield f"-- {kind} at {frame['cursor']}: {len(frame['items'])} items"
            for item in frame["items"]:
                yield f"   {item['published_at']}  {line(item)}"
            for item_id in frame.get("tombstones", ()):
                yield f"   withdrawn  {item_id}"


def _retry_after(error: ConnectionClosed) -> float | None:
    """Seconds after which a draining server wants us back: each client is given its own."""
    try:
        return float(json.loads(error.rcvd.reason)["retry_ms"]) / 1000 if error.rcvd else None
    except (ValueError, KeyError, TypeError):
        return None


def _act(entry: dict[str, Any]) -> str:
    return f"{entry['cursor']}  {entry['act']:<8} {entry['item']['id']}  {line(entry['item'])}"
