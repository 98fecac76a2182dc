"""A newsroom in a few requests, before and after its machine is lost: `python tests/newsroom.py ACT`.

It runs on the machine itself, and needs nothing but Python. What it was told it keeps beside the backup.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

URL = "http://127.0.0.1:8000"
KEPT = Path("/media/backup/.kept.json")
SAVED = Path("/media/backup/.saved")
"""Is there once the backup is made."""
PACE = 0.2
"""Seconds between two posts of those who do not wait for that."""
DEADLINE = 30.0
OPENER = build_opener(ProxyHandler({}))


def ask(path: str, body: Any = None, key: str | None = None, **headers: str) -> tuple[int, Any]:
    """One request; status and JSON."""
    content = None if body is None else json.dumps(body).encode()
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if key is not None:
        headers |= {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    try:
        with OPENER.open(Request(URL + path, content, headers), timeout=10) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except HTTPError as error:
        return error.code, json.loads(error.read() or b"null")


def wait(happened: Callable[[], bool], what: str) -> None:
    """Until it has happened."""
    end = time.monotonic() + DEADLINE
    while True:
        try:
            if happened():
                return
        except URLError:
            pass
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.05)


def ready() -> None:
    """Until the service is."""
    wait(lambda: ask("/health/ready")[0] == 200, "the service to be ready")


class Newsroom:
    """The channel `en`, and what was kept of it."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
        if "key" not in self.kept:
            (self.kept["key"],) = [word for word in Path("/media/backup/.key").read_text().split() if word[:3] == "tk_"]

    def keep(self, **what: Any) -> None:
        """Remember, also when this machine is gone."""
        KEPT.write_text(json.dumps(self.kept | what))

    def post(self, headline: str, key: str = "", **fields: Any) -> Any:
        """Publish; the answer."""
        headers = {"Idempotency_Key": key} if key else {}
        status, answer = ask("/v1/channels/en/items", {"headline": headline, **fields}, self.kept["key"], **headers)
        assert status == 201, answer
        return answer

    def act(self, act: str, item_id: str, **body: Any) -> None:
        """Do something to an item."""
        status, answer = ask(f"/v1/channels/en/items/{item_id}/{act}", body, self.kept["key"])
        assert status == 200, answer

    def window(self) -> list[str]:
        """The headlines, as anybody sees them."""
        return [item["headline"] for item in ask("/v1/channels/en/items")[1]["items"]]

    def queue(self) -> dict[str, list[str]]:
        """The headlines of what waits."""
        found = ask("/v1/channels/en/queue", key=self.kept["key"])[1]
        return {state: sorted(item["headline"] for item in found[state]) for state in ("scheduled", "held")}

    def first_frame(self, cursor: str) -> Any:
        """What a reader is told who comes back."""
        with OPENER.open(
            Request(URL + "/v1/channels/en/live", headers={"Accept": "text/event-stream", "Last-Event-ID": cursor}),
            timeout=10,
        ) as stream:
            while not (line := stream.readline().decode()).startswith("data: "):
                assert line
            return json.loads(line[6:])


def soon(seconds: float) -> str:
    """A moment."""
    return f"{datetime.now(UTC) + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"


def before() -> None:
    """A morning: something pinned, taken back, held, scheduled, and somebody who wants to be told."""
    ready()
    room = Newsroom()
    room.post("taken back early")
    early = room.post("retracted before")["item"]["id"]
    room.act("retract", early, reason="Sent in error")
    later = room.post("to be retracted after")["item"]["id"]
    pinned = room.post("pinned", "key-of-before")["item"]["id"]
    room.act("pin", pinned, until=soon(3600))
    room.act("hold", room.post("held")["item"]["id"])
    due = room.post("due meanwhile", publish_at=soon(6))["item"]["id"]
    room.post("due tomorrow", publish_at=soon(86_400))
    hook = {"provider": "webhook", "address": "https://hooks.example/alerts"}
    status, answer = ask("/v1/channels/en/targets", hook, room.kept["key"])
    assert status == 200, answer
    seen = ask("/v1/channels/en/items")[1]
    room.keep(later=later, pinned=pinned, due=due, cursor=seen["cursor"], target=answer["id"])


def busy() -> None:
    """Post while the backup is made."""
    room, number = Newsroom(), 0
    while not SAVED.exists():
        room.post(f"busy {number:03}")
        number += 1
        time.sleep(PACE)


def since() -> None:
    """What is in no backup: a post, a retraction."""
    room = Newsroom()
    lost = room.post("lost", "key-of-since")
    room.act("retract", room.kept["later"], reason="Sent in error")
    room.keep(lost=lost["item"]["id"], lost_cursor=lost["cursor"])


def restored() -> None:
    """On the machine that had nothing: everything of before, nothing of since."""
    ready()
    room = Newsroom()
    kept = room.kept
    wait(lambda: ask(f"/v1/channels/en/items/{kept['due']}")[0] == 200, "what has come due to be published")
    window = room.window()
    assert window[0] == "pinned", window
    assert {"lost", "retracted before"}.isdisjoint(window), window
    # The retraction was made after the backup.
    status, item = ask(f"/v1/channels/en/items/{kept['later']}")
    assert (status, item.get("headline")) == (200, "to be retracted after")
    assert ask(f"/v1/channels/en/items/{kept['lost']}")[0] == 404
    assert {"scheduled": ["due tomorrow"], "held": ["held"]} == room.queue()
    # Of what was posted meanwhile, a beginning without a hole.
    record = ask("/v1/channels/en/audit?after=0&limit=500", key=kept["key"])[1]["records"]
    headlines = [told["after"]["headline"] for told in record if told["act"] == "publish" and "after" in told]
    posted = [headline for headline in headlines if headline.startswith("busy")]
    assert posted == [f"busy {number:03}" for number in range(len(posted))], posted
    assert "lost" not in headlines
    # Who stood anywhere in the life that was lost is given the window anew.
    for cursor in (kept["cursor"], kept["lost_cursor"]):
        told = room.first_frame(cursor)
        assert (told["type"], told["reason"]) == ("reset", "epoch"), told
        assert [item["headline"] for item in told["items"]] == room.window()
    again = room.post("pinned", "key-of-before")
    assert again["item"]["id"] == kept["pinned"]
    anew = room.post("lost", "key-of-since")
    assert anew["item"]["id"] != kept["lost"]
    assert int(anew["cursor"].split("-")[0]) > int(kept["lost_cursor"].split("-")[0])
    # The same address is the same target: it was known.
    assert {"webhook": 1} == ask("/v1/channels/en/targets", key=kept["key"])[1]["targets"]


if __name__ == "__main__":
    {"before": before, "busy": busy, "since": since, "restored": restored}[sys.argv[1]]()
