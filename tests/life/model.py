"""What ought to become of an item, written down a second time: from docs/api.md and protocol.md, not from the code.

A version of an item is a plain dictionary with times in milliseconds. Nothing here asks the service anything; whoever
compares tells it the moment that the store has put on an act.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Doc = dict[str, Any]

HOUR = 3_600_000
STANDING = ("pending", "scheduled", "published", "held")
WAITING = ("pending", "scheduled", "held")
PLANS = ("publish_at", "embargoed")
TIMES = (
    *("firstcreated", "published_at", "bumped_at", "versioncreated", "expires", "pinned_until"),
    *("publish_at", "embargoed", "push_at", "expired_at"),
)
WITHDRAWN = ("id", "version", "channel", "pubstatus", "signal", "correction_note", "versioncreated")
PUBLIC = (
    *("id", "version", "channel", "headline", "attribution", "language", "direction", "urgency", "pubstatus"),
    *("signal", "correction_note", "sections", "regions", "tags", "located", "story", "link", "live", "developing"),
    *("replaces", "firstcreated", "published_at", "bumped_at", "versioncreated", "expires", "pinned_until"),
)
DESK = ("state", "push_headline", "publish_at", "embargoed", "push", "push_at", "expired_at", "author")
USUAL_PUSH: Doc = {"enabled": True, "topics": [], "ttl": 3600, "sound": False}

STATUS = {
    "forbidden": 403,
    "own-approval": 403,
    "unknown-item": 404,
    "stale-version": 412,
    "if-match-required": 428,
}
"""The status of a refusal; all others are 409."""
SCOPES = {"publish": "publish", "approve": "publish", "retract": "retract"}
"""The scope that an act needs; all others need `correct`."""
BY_ITSELF = {"key": "ticker", "name": "by itself"}


class Refused(Exception):
    """Not now, or not by you; the argument is the name of the problem."""


@dataclass(frozen=True)
class Channel:
    """What of a channel's settings matters to its items."""

    name: str
    window: int
    approve: int = 0
    push_hold: int = 5
    age: int = 24


@dataclass(frozen=True)
class Editor:
    """Somebody with a key."""

    id: str
    name: str
    scopes: frozenset[str]
    channels: frozenset[str]

    def may(self, scope: str, channel: str) -> bool:
        """Whether the key is good for it."""
        return bool({scope, "admin"} & self.scopes) and (not self.channels or channel in self.channels)

    @property
    def by(self) -> Doc:
        """As the record names it."""
        return {"key": self.id, "name": self.name}


@dataclass(frozen=True)
class Ask:
    """One request of an editor. Times in `body` are milliseconds."""

    editor: Editor
    act: str
    """`publish`, `change` or the last part of the address."""
    channel: str
    item: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    if_match: str | None = None
    once: str = ""
    """The Idempotency-Key."""
    similar: bool = False
    dry: bool = False

    def said(self) -> tuple[Any, ...]:
        """What makes another request of it."""
        return (self.act, self.channel, self.item, sorted(self.body.items(), key=lambda pair: pair[0]))


@dataclass(frozen=True)
class Outcome:
    """What a request ought to come to."""

    problem: str = ""
    act: str = ""
    """What the record calls it."""
    wire: str = ""
    """What readers are told; empty: nothing."""
    doc: Doc = field(default_factory=dict)
    """The new version; or, for a stale one, the newest."""
    cursor: int = 0
    """The place in the log that the answer names."""
    repeats: bool = False
    """Whether an earlier request had done it."""

    def status(self, ask: Ask) -> int:
        """The status of the answer."""
        if self.problem:
            return STATUS.get(self.problem, 409)
        return 201 if ask.act == "publish" and not ask.dry else 200


def shown(doc: Doc, names: tuple[str, ...]) -> Doc:
    """These fields as JSON tells them: what is empty is left out."""
    found: Doc = {}
    for name in names:
        value = doc.get(name)
        if value is None or value is False or value in ("", []):
            continue
        if name in TIMES:
            value = iso(value)
        found[name] = value
    if "push" in found:
        found["push"] = {key: said for key, said in doc["push"].items() if said != USUAL_PUSH[key]}
    return found


def public(doc: Doc) -> Doc:
    """As anybody may see it."""
    return shown(doc, PUBLIC if doc["pubstatus"] == "usable" else WITHDRAWN)


def desk(doc: Doc) -> Doc:
    """As an editor is answered."""
    return shown(doc, WITHDRAWN if doc["pubstatus"] == "canceled" else (*PUBLIC, *DESK))


def whole(doc: Doc) -> Doc:
    """As the record has it."""
    return shown(doc, (*PUBLIC, *DESK, "ednote"))


def known(doc: Doc) -> bool:
    """Whether the public may ask for it."""
    return doc["pubstatus"] != "withheld" and doc.get("published_at") is not None


def iso(moment: int) -> str:
    """RFC 3339."""
    return f"{datetime.fromtimestamp(moment // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{moment % 1000:03d}Z"


def milliseconds(moment: str) -> int:
    """Back again."""
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def folded(doc: Doc) -> str:
    """What makes two texts the same."""
    said = f"{doc.get('attribution') or ''} {doc['headline']}".casefold()
    return " ".join("".join(letter if letter.isalnum() else " " for letter in said).split())


class Bar:
    """The bar of one reader: a fold of what he is sent, after docs/protocol.md."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.rows: list[Doc] = []  # newest first, wherever they are shown
        self.gone: dict[str, int] = {}
        self.final: set[str] = set()

    def load(self, items: list[Doc]) -> None:
        """Forget everything; this is what stands, as it is shown."""
        self.rows = [item for item in items if not item.get("pinned_until")]
        for item in items:
            if item.get("pinned_until"):
                older = (n for n, row in enumerate(self.rows) if _risen(row) <= _risen(item))
                self.rows.insert(next(older, len(self.rows)), item)
        self.gone.clear()
        self.final.clear()

    def take(self, act: str, item: Doc) -> None:
        """One entry."""
        place = next((n for n, row in enumerate(self.rows) if row["id"] == item["id"]), None)
        seen = self.gone.get(item["id"], 0) if place is None else self.rows[place]["version"]
        if item["id"] in self.final or (seen >= item["version"] and act != "retract"):
            return
        if act == "publish":
            if place is not None:
                del self.rows[place]
            self.rows.insert(0, item)
            loose = [row for row in self.rows if not row.get("pinned_until")]
            if len(self.rows) > self.size:
                self.rows.remove(loose[-1] if loose else self.rows[-1])
        elif act in ("update", "correct", "pin", "unpin"):
            if place is not None:
                self.rows[place] = item
        elif act in ("expire", "retract"):
            if place is not None:
                del self.rows[place]
            self.gone[item["id"]] = item["version"]
            if act == "retract":
                self.final.add(item["id"])

    def __contains__(self, item_id: str) -> bool:
        return any(row["id"] == item_id for row in self.rows)

    @property
    def items(self) -> list[Doc]:
        """As it is shown: what is pinned before the rest."""
        return sorted(self.rows, key=lambda row: not row.get("pinned_until"))


def _risen(item: Doc) -> str:
    return str(item.get("bumped_at") or item.get("published_at") or "")


class World:
    """The items of all channels, with everything that was ever done to them."""

    def __init__(self, channels: Mapping[str, Channel], filters: Mapping[str, Any] | None = None) -> None:
        """`filters` are selections of items by name, each a function that says whether a version belongs to it."""
        self.channels = channels
        self.items: dict[str, list[Doc]] = {}
        """Every version of each item, oldest first."""
        self.made: dict[str, list[Doc]] = {}
        """Who made each of them, when and by which act."""
        self.log: dict[str, list[tuple[str, Doc]]] = {name: [] for name in channels}
        self.filters = filters or {}
        self.bars = {(name, kind): Bar(found.window) for name, found in channels.items() for kind in self.kinds}
        self._pinned: dict[str, str] = {}
        self._texts: dict[tuple[str, str], str] = {}
        self._once: dict[tuple[str, str], tuple[tuple[Any, ...], Doc, int]] = {}

    @property
    def kinds(self) -> list[str]:
        """Names of the selections; the empty one is everything."""
        return ["", *self.filters]

    def newest(self, item_id: str) -> Doc:
        """The newest version."""
        return self.items[item_id][-1]

    def of(self, channel: str) -> list[Doc]:
        """The newest version of each item of a channel."""
        return [versions[-1] for versions in self.items.values() if versions[-1]["channel"] == channel]

    # What a request ought to come to.

    def expect(self, ask: Ask, at: int, new_id: str = "") -> Outcome:
        """The outcome of this request at that moment; nothing is changed by asking."""
        try:
            return self._expect(ask, at, new_id)
        except Refused as refused:
            doc = self.newest(ask.item) if str(refused) == "stale-version" else {}
            return Outcome(problem=str(refused), doc=doc)

    def _expect(self, ask: Ask, at: int, new_id: str) -> Outcome:
        if not ask.editor.may(SCOPES.get(ask.act, "correct"), ask.channel):
            raise Refused("forbidden")
        if ask.item and (ask.item not in self.items or self.newest(ask.item)["channel"] != ask.channel):
            raise Refused("unknown-item")
        if ask.act == "change" and ask.if_match is None:
            raise Refused("if-match-required")
        if ask.once and not ask.dry and (ask.editor.id, ask.once) in self._once:
            said, doc, cursor = self._once[ask.editor.id, ask.once]
            if said != ask.said():
                raise Refused("idempotency-conflict")
            return Outcome(doc=doc, cursor=cursor, repeats=True)
        if ask.if_match not in (None, "*") and ask.if_match != f'"{self.newest(ask.item)["version"]}"':
            raise Refused("stale-version")
        if ask.act == "publish":
            return self._publish(ask, at, new_id)
        old = self.newest(ask.item)
        new = {**old, "version": old["version"] + 1, "versioncreated": at}
        rule = getattr(self, f"_{ask.act}")
        outcome: Outcome = rule(ask, old, new, at)
        return outcome

    def _publish(self, ask: Ask, at: int, new_id: str) -> Outcome:
        channel, body = self.channels[ask.channel], ask.body
        doc: Doc = {
            **{"id": new_id, "version": 1, "channel": ask.channel, "language": "en", "direction": "ltr", "urgency": 5},
            **{"signal": "new", "author": ask.editor.id, "firstcreated": at, "versioncreated": at},
            **body,
            "push": {**USUAL_PUSH, **body.get("push", {})},
        }
        planned = _planned(doc)
        state = "pending" if doc["urgency"] <= channel.approve else "scheduled" if planned else "published"
        if planned and doc.get("expires") and doc["expires"] <= planned:
            raise Refused("expires-before-publication")
        replaced = self.items.get(body.get("replaces", ""))
        if "replaces" in body and not (replaced and replaced[-1]["state"] == "retracted"):
            raise Refused("not-replaceable")
        twin = self._texts.get((ask.channel, folded(doc)))
        if twin not in (None, body.get("replaces")) and not ask.similar and not ask.dry:
            raise Refused("similar")
        _ahead(body, at)
        if state == "published":
            return Outcome(act="publish", wire="publish", doc=self._on_air(doc, at, top=True, rings=True))
        act = "submit" if state == "pending" else "schedule"
        return Outcome(act=act, doc={**doc, "state": state, "pubstatus": "withheld"})

    def _change(self, ask: Ask, old: Doc, new: Doc, at: int) -> Outcome:
        _standing(old)
        channel = self.channels[ask.channel]
        given = {name: value for name, value in ask.body.items() if name not in ("signal", "correction_note", "bump")}
        signal, bump = ask.body["signal"], ask.body.get("bump", False)
        if old.get("published_at") and any(given.get(name) for name in PLANS):
            raise Refused("already-published")
        if old["state"] != "pending" and given.get("urgency", 9) <= channel.approve < old["urgency"]:
            raise Refused("approval-needed")
        if "push" in given:
            given["push"] = {**USUAL_PUSH, **given["push"]}
        changed = {name: value for name, value in given.items() if (value or None) != (old.get(name) or None)}
        if not changed and signal != "refile" and not bump:
            raise Refused("nothing-changed")
        new |= changed
        new |= {"signal": signal, "correction_note": ask.body.get("correction_note"), "author": ask.editor.id}
        freed = old["state"] == "scheduled" and not _planned(new)
        if old["state"] != "published" and not freed and 0 < (new.get("expires") or 0) <= _planned(new):
            raise Refused("expires-before-publication")
        _ahead(changed, at)
        if old["state"] == "published":
            top = bump and signal == "update"
            wire = "publish" if top else "correct" if signal == "correction" else "update"
            return Outcome(act=signal, wire=wire, doc=self._on_air(new, at, top=top, rings=True))
        if freed:
            _ahead({"expires": new.get("expires")}, at)
            return Outcome(act=signal, wire="publish", doc=self._on_air(new, at, top=True, rings=True))
        return Outcome(act=signal, doc=new)

    def _retract(self, ask: Ask, old: Doc, new: Doc, at: int) -> Outcome:
        if old["state"] == "retracted":
            raise Refused("already-retracted")
        new |= {"state": "retracted", "pubstatus": "canceled", "signal": "retraction"}
        new |= {"correction_note": ask.body["reason"]}
        new |= dict.fromkeys((*PLANS, "expires", "pinned_until", "push_at"))
        # Nobody is told that something was taken back that nobody was shown.
        return Outcome(act="retract", wire="retract" if old.get("published_at") else "", doc=new)

    def _hold(self, ask: Ask, old: Doc, new: Doc, at: int) -> Outcome:
        _standing(old)
        if old["state"] in ("pending", "held"):
            raise Refused("approval-needed" if old["state"] == "pending" else "already-held")
        new |= {"state": "held", "pubstatus": "withheld", "signal": "hold"}
        new |= dict.fromkeys(("correction_note", "pinned_until", "push_at"))
        return Outcome(act="hold", wire="expire" if old["state"] == "published" else "", doc=new)

    def _release(self, ask: Ask, old: Doc, new: Doc, at: int) -> Outcome:
        _standing(old)
        if old["state"] != "held":
            raise Refused("approval-needed" if old["state"] == "pending" else "not-held")
        new["signal"] = "update" if old.get("published_at") else "new"
        if _planned(old):
            return Outcome(act="release", doc={**new, "state": "scheduled"})
        _ahead({"expires": old.get("expires")}, at)
        return Outcome(act="release", wire="publish", doc=self._on_air(new, at, top=True, rings=True, comes=True))

    def _approve(self, ask: Ask, old: Doc, new: Doc, at: int) -> Outcome:
        _standing(old)
        if old["state"] != "pending":
            raise Refused("not-pending")
        if old["author"] == ask.editor.id:
            raise Refused("own-approval")
        if _planned(old):
            return Outcome(act="approve", doc={**new, "state": "scheduled"})
        _ahead({"expires": old.get("expires")}, at)
        return Outcome(act="approve", wire="publish", doc=self._on_air(new, at, top=True, rings=True, comes=True))

    def _expire(self, ask: Ask, old: Doc, new: Doc, at: int) -> Outcome:
        _on_air_only(old)
        return Outcome(act="expire", wire="expire", doc=_over(new, at))

    def _pin(self, ask: Ask, old: Doc, new: Doc, at: int) -> Outcome:
        _on_air_only(old)
        until = ask.body.get("until")
        if until is not None and until <= at:
            raise Refused("pin-in-the-past")
        if self._pinned.get(ask.channel, ask.item) != ask.item:
            raise Refused("pin-taken")
        new["pinned_until"] = at + HOUR if until is None else until
        return Outcome(act="pin", wire="pin", doc=self._on_air(new, at))

    def _unpin(self, ask: Ask, old: Doc, new: Doc, at: int) -> Outcome:
        _on_air_only(old)
        if not old.get("pinned_until"):
            raise Refused("not-pinned")
        new["pinned_until"] = None
        return Outcome(act="unpin", wire="unpin", doc=self._on_air(new, at))

    def _undo(self, ask: Ask, old: Doc, new: Doc, at: int) -> Outcome:
        _standing(old)
        if old["state"] != "published" or not old.get("push_at"):
            raise Refused("nothing-to-undo")
        if old["push_at"] <= at:
            raise Refused("push-sent")
        new["push"] = {**old["push"], "enabled": old["signal"] != "new"}
        new["push_at"] = None
        return Outcome(act="undo", wire="update", doc=self._on_air(new, at))

    def _on_air(self, doc: Doc, at: int, *, top: bool = False, rings: bool = False, comes: bool = False) -> Doc:
        channel = self.channels[doc["channel"]]
        if comes and 0 < (doc.get("expires") or 0) <= at:
            raise Refused("expiry-in-the-past")
        first = not doc.get("published_at")
        doc = {**doc, "state": "published", "pubstatus": "usable", "publish_at": None, "embargoed": None}
        if first:
            doc |= {"published_at": at, "signal": "new", "correction_note": None}
        elif top:
            doc["bumped_at"] = at
        if not doc.get("expires"):
            doc["expires"] = (doc.get("bumped_at") or doc["published_at"]) + channel.age * HOUR
        if rings:
            doc["push_at"] = at + channel.push_hold * 1000 if doc["push"]["enabled"] else None
        return doc

    # What comes due by itself.

    def due(self, item_id: str) -> int | None:
        """When something becomes of an item by itself."""
        doc = self.newest(item_id)
        if doc["state"] not in STANDING:
            return None
        moments = [doc.get("expires")]
        if doc["state"] == "scheduled":
            moments.append(_planned(doc))
        if doc["state"] == "published":
            moments.append(doc.get("pinned_until"))
        return min((moment for moment in moments if moment), default=None)

    def expect_due(self, item_id: str, at: int) -> Outcome:
        """What ought to become of an item by itself at that moment; an empty outcome for nothing."""
        old = self.newest(item_id)
        new = {**old, "version": old["version"] + 1, "versioncreated": at}
        if old["state"] in STANDING and (old.get("expires") or at + 1) <= at:
            return Outcome(act="expire", wire="expire" if old["state"] == "published" else "", doc=_over(new, at))
        if old["state"] == "scheduled" and _planned(old) <= at:
            return Outcome(act="publish", wire="publish", doc=self._on_air(new, at, top=True, rings=True))
        if old["state"] == "published" and (old.get("pinned_until") or at + 1) <= at:
            return Outcome(act="unpin", wire="unpin", doc=self._on_air({**new, "pinned_until": None}, at))
        return Outcome()

    # What has happened.

    def take(self, outcome: Outcome, by: Doc, ask: Ask | None = None) -> None:
        """Make it so."""
        doc = outcome.doc
        channel, item_id = doc["channel"], doc["id"]
        self.items.setdefault(item_id, []).append(doc)
        made = {"version": doc["version"], "at": iso(doc["versioncreated"]), "act": outcome.act, "by": by}
        self.made.setdefault(item_id, []).append(made)
        if outcome.wire:
            self.log[channel].append((outcome.wire, public(doc)))
            for kind in self.kinds:
                bar = self.bars[channel, kind]
                # What leaves a selection by an act is still told to those who hold it.
                if not kind or self.filters[kind](doc) or item_id in bar:
                    bar.take(outcome.wire, public(doc))
        if doc.get("pinned_until"):
            self._pinned[channel] = item_id
        elif self._pinned.get(channel) == item_id:
            del self._pinned[channel]
        if outcome.act not in ("hold", "retract", "expire", "pin", "unpin", "undo"):
            self._texts[channel, folded(doc)] = item_id
        if ask is not None and ask.once:
            self._once[ask.editor.id, ask.once] = ask.said(), doc, len(self.log[channel])

    # What editors are shown.

    def queue(self, channel: str) -> Doc:
        """What waits, by state, without an order."""
        docs = self.of(channel)
        return {state: [whole(doc) for doc in docs if doc["state"] == state] for state in WAITING}

    def flagged(self, channel: str) -> list[tuple[Any, ...]]:
        """What a correction or a retraction in another channel calls into question: the item, and why."""
        found: list[tuple[Any, ...]] = []
        for doc in self.of(channel):
            if doc["state"] in STANDING:
                for other in self._same_story(doc):
                    wrong = other["signal"] in ("correction", "retraction")
                    if wrong and other["versioncreated"] > doc["versioncreated"]:
                        because = ("channel", "id", "version", "signal", "correction_note")
                        found.append((doc["id"], *(other.get(name) for name in because)))
        return found

    def siblings(self, doc: Doc) -> list[Doc]:
        """Where else to look after this version."""
        if doc["signal"] not in ("correction", "retraction"):
            return []
        names = ("channel", "id", "version", "headline")
        return [{name: other[name] for name in names} for other in self._same_story(doc) if other["state"] in STANDING]

    def _same_story(self, doc: Doc) -> list[Doc]:
        others = (versions[-1] for versions in self.items.values())
        return [
            other
            for other in others
            if doc.get("story") and other.get("story") == doc["story"] and other["channel"] != doc["channel"]
        ]


def _planned(doc: Mapping[str, Any]) -> int:
    return max(doc.get("publish_at") or 0, doc.get("embargoed") or 0)


def _standing(doc: Doc) -> None:
    if doc["state"] not in STANDING:
        raise Refused(f"already-{doc['state']}")


def _on_air_only(doc: Doc) -> None:
    _standing(doc)
    if doc["state"] != "published":
        raise Refused("not-published")


def _ahead(given: Mapping[str, Any], at: int) -> None:
    kinds = {"publish_at": "schedule", "embargoed": "embargo", "expires": "expiry"}
    for name, kind in kinds.items():
        if given.get(name) and given[name] <= at:
            raise Refused(f"{kind}-in-the-past")


def _over(doc: Doc, at: int) -> Doc:
    seen = doc["pubstatus"] == "usable"
    return {
        **doc,
        **{"state": "expired", "pubstatus": "usable" if seen else "withheld", "expired_at": at},
        **dict.fromkeys(("pinned_until", "push_at")),
    }
