"""The API, read in one screen: every operation with its address, who may ask it, what it answers and what it takes.

The router and the published documents are both made from these lists, so what is described is what is served.
"""

from __future__ import annotations

from pydantic import BaseModel

from ticker import answers, audience, errors, pages, subscriptions
from ticker.answers import Answer, Rehearsal
from ticker.audience import Audience
from ticker.change import Changes
from ticker.desk import Desk, Presence, Rules
from ticker.draft import Draft, Hold, Login, Nothing, Patch, Pin, Reason, Whereabouts
from ticker.embedding import Embedding
from ticker.errors import TickerError
from ticker.exposition import Exposition
from ticker.feeds import Feeds
from ticker.health import Health
from ticker.history import History
from ticker.live import Readers
from ticker.login import Door
from ticker.operation import Handler, Operation, Reply, on, tagged
from ticker.parameters import (
    AFTER,
    ALLOW_SIMILAR,
    DRY_RUN,
    FILTERS,
    FORMAT,
    IF_MATCH,
    IF_NONE_MATCH,
    LIMIT,
    MOST_HEIGHT,
    MOST_WIDTH,
    ONCE,
    TIME,
    URL,
)
from ticker.publish import Publisher
from ticker.reference import Reference
from ticker.registration import Subscription, TargetDraft
from ticker.scope import Scope
from ticker.subscriptions import Subscriptions

CHANNEL = "/v1/channels/{channel}"
ITEMS = CHANNEL + "/items"
ITEM = ITEMS + "/{id}"
SESSION = "/v1/session"
SUBSCRIPTIONS = CHANNEL + "/subscriptions"
TARGETS = CHANNEL + "/targets"

MADE = Reply(201, "It is stored.", Answer, ("Location", "ETag", "Idempotency-Replayed?"))
DRY = Reply(200, "With `dry_run`: nothing is stored, and this is what would be.", Rehearsal)
DONE = Reply(200, "It is stored; with `dry_run`: it would be.", Answer | Rehearsal, ("ETag?", "Idempotency-Replayed?"))
FOUND = Reply(200, "With a key: as its editors see it.", answers.Public | answers.Desk, ("ETag", "Cache-Control"))
WINDOW = Reply(200, "What stands.", answers.Window, ("ETag", "Cache-Control"))
SAME = Reply(304, "Nothing is newer.", None, ("ETag", "Cache-Control"))
BEGUN = Reply(200, "The cookie stands for the key from now on.", answers.Session, ("Set-Cookie",))
OVER = Reply(204, "The cookie is worth nothing any more.", None, ("Set-Cookie",))
REGISTERED = Reply(200, "It is stored.", subscriptions.Registered)
FORGOTTEN = Reply(204, "It is not told of anything any more.", None, ("Cache-Control",))
OFFERED = Reply(200, "As asked.", subscriptions.Offered, ("Cache-Control",))
READY = Reply(200, "It is ready.", answers.Ready)
NOT_READY = Reply(503, "It is not.", answers.NotReady, ("Retry-After",))
OEMBED = Reply(200, "How to frame it.", dict, ("Cache-Control",))
DOCUMENT = Reply(200, "The document.", dict, ("ETag", "Cache-Control"))

IN_THE_PAST = (errors.ExpiryInThePast, errors.ScheduleInThePast, errors.EmbargoInThePast, errors.ExpiresTooSoon)
ENDED = (errors.AlreadyRetracted, errors.AlreadyExpired)
WAITING = (*ENDED, errors.ApprovalNeeded, errors.ExpiresTooSoon, errors.ExpiryInThePast)
NOT_NEW = (errors.Similar, errors.NotReplaceable, errors.IdempotencyConflict, *IN_THE_PAST)
TWICE = (errors.IdempotencyConflict, errors.Contended)
STALE = (errors.StaleVersion, errors.IfMatchRequired)
CHANGED = (*TWICE, *STALE, *IN_THE_PAST, *ENDED, errors.AlreadyStanding, errors.ApprovalNeeded, errors.NothingChanged)
UNKNOWN = (errors.Unauthorized, errors.ForeignOrigin, errors.RateLimited, errors.StoreUnavailable)

NEW = (DRY_RUN, ALLOW_SIMILAR, ONCE)
CHANGE = (IF_MATCH, DRY_RUN, ONCE)
ACT = (DRY_RUN, ONCE)
SEEN = (IF_NONE_MATCH,)
FILTERED = (*FILTERS, IF_NONE_MATCH)
OEMBEDDED = (URL, MOST_WIDTH, MOST_HEIGHT, FORMAT)
NO_FRAME = (errors.UnknownChannel, errors.Malformed, errors.Unavailable)


def editors(
    publisher: Publisher,
    changes: Changes,
    history: History,
    audience_: Audience,
    door: Door,
    desk: Desk,
    targets: Subscriptions,
) -> list[Operation]:
    """What needs a key."""
    editing = [
        on("POST", ITEMS, "publish", publisher.post, "publish", MADE, DRY, body=Draft, takes=NEW, refuses=NOT_NEW),
        on("PATCH", ITEM, "change", changes.patch, "correct", DONE, body=Patch, takes=CHANGE, refuses=CHANGED),
        act("retract", changes.retract, "retract", Reason, errors.AlreadyRetracted),
        act("hold", changes.hold, "correct", Hold, *WAITING, errors.AlreadyHeld),
        act("release", changes.release, "correct", Nothing, *WAITING, errors.NotHeld),
        act("approve", changes.approve, "publish", Nothing, *WAITING, errors.NotPending, errors.OwnApproval),
        act("pin", changes.pin, "correct", Pin, *ENDED, errors.NotPublished, errors.PinTaken, errors.PinInThePast),
        act("unpin", changes.unpin, "correct", Nothing, *ENDED, errors.NotPublished, errors.NotPinned),
        act("expire", changes.expire, "correct", Nothing, *ENDED, errors.NotPublished),
        act("undo", changes.undo, "correct", Nothing, *ENDED, errors.NothingToUndo, errors.PushSent),
    ]
    looking_back = [
        on("GET", ITEM + "/versions", "versions", history.versions, "read", answers.Versions),
        on("GET", CHANNEL + "/queue", "queue", history.queue, "read", answers.Queue),
        on("GET", CHANNEL + "/at", "at", history.at, "read", answers.At, takes=[TIME]),
        on("GET", CHANNEL + "/audit", "audit", history.records, "read", answers.Records, takes=[AFTER, LIMIT]),
    ]
    watching = [
        on("GET", ITEM + "/reach", "reach", audience_.reach, "read", audience.Reach),
        on("GET", CHANNEL + "/readers", "readers", audience_.readers, "read", audience.ReaderCount),
    ]
    pushing = [
        on("GET", ITEM + "/push", "push_status", targets.status, "read", subscriptions.PushStatus),
        on(
            "POST",
            SUBSCRIPTIONS,
            "subscribe",
            targets.subscribe,
            "public",
            REGISTERED,
            body=Subscription,
            refuses=[errors.RateLimited, errors.Unavailable, errors.StoreUnavailable],
        ),
        on(
            "DELETE",
            SUBSCRIPTIONS + "/{target}",
            "unsubscribe",
            targets.unsubscribe,
            "public",
            FORGOTTEN,
            refuses=[errors.RateLimited, errors.StoreUnavailable],
        ),
        on("GET", TARGETS, "targets", targets.count, "push", subscriptions.TargetCount),
        on(
            "POST",
            TARGETS,
            "register",
            targets.register,
            "push",
            REGISTERED,
            body=TargetDraft,
            refuses=[errors.Unavailable],
        ),
        on("DELETE", TARGETS + "/{target}", "unregister", targets.unregister, "push", FORGOTTEN),
    ]
    session = [
        on("POST", SESSION, "login", door.begin, "public", BEGUN, body=Login, refuses=UNKNOWN),
        on("GET", SESSION, "session", door.show, "key", answers.Session),
        on("DELETE", SESSION, "logout", door.end, "session", OVER),
    ]
    at_desk = [
        on("GET", "/v1/rules", "rules", desk.rules, "key", Rules),
        on("POST", CHANNEL + "/presence", "presence", desk.presence, "read", Presence, body=Whereabouts),
    ]
    shown = [on("GET", "/desk", "desk", pages.desk), on("GET", "/desk/{file}", "desk_file", pages.desk)]
    looking = tagged("Looking back", looking_back) + tagged("Audience", watching)
    acting = tagged("Editing", editing) + looking + tagged("Push", pushing)
    return acting + tagged("Session", session) + tagged("Desk", at_desk) + shown


def readers(
    readers: Readers, feeds: Feeds, reference: Reference, widget: pages.Widget, embedding: Embedding
) -> list[Operation]:
    """What is public."""
    reading = [
        on("GET", "/v1/channels", "channels", readers.channels, "public", answers.Channels),
        on("GET", ITEMS, "window", readers.items, "public", WINDOW, SAME, takes=FILTERED, refuses=[errors.Unavailable]),
        on("GET", CHANNEL + "/live", "live", readers.live),
        feed("json", feeds.json, dict, "application/feed+json"),
        feed("rss", feeds.rss, str, "application/rss+xml"),
        feed("jsonld", feeds.jsonld, dict, "application/ld+json"),
    ]
    shown = [
        on("GET", "/", "demo", pages.demo),
        on("GET", "/demo/{file}", "demo_file", pages.demo),
        on("GET", "/widget/v1/{file}", "widget_file", widget.file),
        on("GET", "/widget/versions.json", "widget_versions", widget.versions),
        on("GET", "/widget/{release}/breaking-ticker.js", "widget_release", widget.release),
        on("GET", "/embed/{channel}", "embed", embedding.page),
        on("GET", "/embed/v1/{file}", "embed_file", pages.embed),
        on("GET", "/push/v1/{file}", "push_file", pages.push),
    ]
    embedded = [on("GET", "/oembed", "oembed", embedding.oembed, "public", OEMBED, takes=OEMBEDDED, refuses=NO_FRAME)]
    described = [on("GET", "/asyncapi.json", "asyncapi", reference.asyncapi, "public", DOCUMENT, SAME, takes=SEEN)]
    return tagged("Reading", reading + embedded) + tagged("Reference", described) + shown


def both(
    history: History, health: Health, exposition: Exposition, reference: Reference, targets: Subscriptions
) -> list[Operation]:
    """What both halves have."""
    reading = [on("GET", ITEM, "item", history.item, "anybody", FOUND, SAME, takes=SEEN)]
    offered = [on("GET", "/v1/push", "push_offered", targets.offered, "public", OFFERED)]
    watched = [
        on("GET", "/health/live", "alive", health.live, "public", answers.Alive),
        on("GET", "/health/ready", "ready", health.ready, "public", READY, NOT_READY),
        on("GET", "/metrics", "metrics", exposition.metrics),
    ]
    described = [
        on("GET", "/openapi.json", "openapi", reference.openapi, "public", DOCUMENT, SAME, takes=SEEN),
        on("GET", "/docs", "docs", pages.docs),
        on("GET", "/docs/{file}", "docs_file", pages.docs),
    ]
    return (
        tagged("Reading", reading)
        + tagged("Push", offered)
        + tagged("Health", watched)
        + tagged("Reference", described)
    )


def act(name: str, handler: Handler, scope: Scope, body: type[BaseModel], *refuses: type[TickerError]) -> Operation:
    """An act on an item."""
    return on("POST", f"{ITEM}/{name}", name, handler, scope, DONE, body=body, takes=ACT, refuses=TWICE + refuses)


def feed(kind: str, handler: Handler, model: type, media: str) -> Operation:
    """A channel in a format of others."""
    found = Reply(200, "The feed.", model, ("ETag", "Cache-Control"), media)
    refuses = (errors.Malformed, errors.Unavailable)
    path, name = f"{CHANNEL}/feed.{kind}", f"feed_{kind}"
    return on("GET", path, name, handler, "public", found, SAME, takes=FILTERED, refuses=refuses)
