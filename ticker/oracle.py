"""Whether what was promised was kept: answers to posts, frames of readers and pushes, held against the record.

Pure functions over what others wrote down: nothing is asked here, so the same judgement serves a test that has just
broken something and an operator who looks back. What is told are sentences, one for each promise that was not kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ticker.audit import Record
from ticker.entry import Cursor

Frame = dict[str, Any]
Answer = dict[str, Any]
PUSH = "alert."
"""How the type of a webhook's body begins."""
WITHDRAWN = (PUSH + "withdraw", PUSH + "clear")


def lost(records: Iterable[Record], answers: Iterable[Answer]) -> list[Answer]:
    """The acknowledged acts that are not on record, oldest first.

    An answer is the body of a 200 or 201. Whether a loss was within what its `durability` allows is for the caller:
    he knows what happened.
    """
    kept = {(item.id, item.version) for record in records if (item := record.after) is not None}
    missing = [answer for answer in answers if (answer["item"]["id"], answer["item"]["version"]) not in kept]
    return sorted(missing, key=lambda answer: str(answer["item"].get("versioncreated", "")))


def doubled(records: Iterable[Record]) -> list[str]:
    """Versions that are on record twice, and holes between the versions of one item."""
    versions: dict[str, int] = {}
    wrong: list[str] = []
    for record in records:
        item = record.after
        if item is None:
            continue
        before = versions.get(item.id, 0)
        if item.version <= before:
            wrong.append(f"version {item.version} of item {item.id} is on record twice")
        elif item.version > before + 1:
            wrong.append(f"item {item.id} goes from version {before} to {item.version}")
        versions[item.id] = item.version
    return wrong


def holes(name: str, frames: Iterable[Frame]) -> list[str]:
    """Where one reader without a filter was given less than everything, or something twice, and not told `reset`.

    `frames` are what he was sent over all his connections, in order, the first a snapshot or a reset.
    """
    place: Cursor | None = None
    wrong: list[str] = []
    for frame in frames:
        kind = frame.get("type")
        cursor = Cursor.parse(str(frame.get("cursor", "")))
        if cursor is None:
            wrong.append(f"{name}: a {kind} frame without a cursor")
            continue
        if kind in ("snapshot", "reset"):
            place = cursor
        elif place is None:
            wrong.append(f"{name}: a {kind} frame before any snapshot")
        elif kind == "entry":
            wrong += _step(name, place, frame)
            place = cursor
        elif kind == "resume":
            for entry in frame["entries"]:
                wrong += _step(name, place, entry)
                place = Cursor.parse(entry["cursor"]) or place
            if place != cursor:
                wrong.append(f"{name}: a resume ends at {place} and says {cursor}")
        elif kind == "heartbeat" and cursor != place:
            wrong.append(f"{name}: a heartbeat says {cursor} to a reader who was given everything up to {place}")
    return wrong


def leaks(name: str, frames: Iterable[Frame]) -> list[str]:
    """Where a reader was given the text of an item after he had been told that it was taken back."""
    gone: set[str] = set()
    wrong: list[str] = []
    for frame in frames:
        entries = [frame] if frame.get("type") == "entry" else frame.get("entries", [])
        shown = [item for item in frame.get("items", []) if item["id"] in gone]
        for entry in entries:
            item = entry["item"]
            if entry["act"] == "retract":
                gone.add(item["id"])
            if "headline" in item and (item["id"] in gone):
                shown.append(item)
        wrong += [f"{name}: the text of the retracted item {item['id']} came again" for item in shown]
    return wrong


def unpushed(name: str, records: Iterable[Record], told: Iterable[Frame]) -> list[str]:
    """Where one target that wants everything was not told how an item stands, or of what is not on record.

    `told` are the bodies of webhooks in the order in which they were accepted, after the outbox has become empty. The
    same version may come twice: a push is sent at least once.
    """
    versions = {(item.id, item.version): item for record in records if (item := record.after) is not None}
    newest = {item.id: item for item in versions.values()}
    last: dict[str, tuple[int, str]] = {}
    wrong: list[str] = []
    for push in told:
        item_id, version, kind = push["data"]["id"], push["data"]["version"], push["type"]
        if (item_id, version) not in versions:
            wrong.append(f"{name}: told of item {item_id} in version {version}, which is not on record")
        elif version < last.get(item_id, (0, ""))[0]:
            wrong.append(f"{name}: told of item {item_id} in version {version} after a newer one")
        else:
            last[item_id] = version, kind
    for item_id, item in newest.items():
        version, kind = last.get(item_id, (0, ""))
        if item.state == "retracted" and version and kind not in WITHDRAWN:
            wrong.append(f"{name}: told of item {item_id}, and not that it was withdrawn")
        if item.state == "published" and item.push.enabled and item.push_at is not None:
            # A pin makes a version and no push.
            wanted = min(n for (of, n), found in versions.items() if of == item_id and found.push_at == item.push_at)
            if version < wanted:
                wrong.append(f"{name}: not told of item {item_id} in version {wanted}")
    return wrong


def judged(
    records: Sequence[Record],
    answers: Sequence[Answer],
    readers: Mapping[str, Sequence[Frame]],
    pushes: Mapping[str, Sequence[Frame]] | None = None,
) -> list[str]:
    """Everything at once: what is wrong, a sentence each. Readers by name, each without a filter, and targets too."""
    wrong = [
        f"item {answer['item']['id']} in version {answer['item']['version']} was acknowledged "
        f"({answer.get('durability', 'no durability said')}) and is not on record"
        for answer in lost(records, answers)
    ]
    wrong += doubled(records)
    for name, frames in readers.items():
        wrong += holes(name, frames) + leaks(name, frames)
    for name, told in (pushes or {}).items():
        wrong += unpushed(name, records, told)
    return wrong


def _step(name: str, place: Cursor, entry: Frame) -> list[str]:
    # The first entry of an epoch names the last one of the life before it.
    follows = place.n == 0 or Cursor.parse(entry["previous"]) == place
    if not follows or Cursor.parse(entry["cursor"]) != Cursor(place.epoch, place.n + 1):
        return [f"{name}: the entry {entry['cursor']} follows {entry['previous']}, and {place} was the last he had"]
    return []
