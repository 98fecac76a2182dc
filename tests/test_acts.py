"""What may happen to an item: every act in every state, and what becomes of it by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ticker import acts
from ticker.acts import PIN_MS, PLANS
from ticker.airing import HOUR_MS, Change
from ticker.channel import DEFAULT
from ticker.draft import Draft
from ticker.errors import (
    AlreadyRetracted,
    ApprovalNeeded,
    ExpiresTooSoon,
    IllegalTransition,
    NothingChanged,
    OwnApproval,
    Unprocessable,
)
from ticker.item import Item, Push, iso

from tests.test_draft import FULL, draft, patch

EN, AR, _ = DEFAULT
STRICT = EN.model_copy(update={"approve": 1})
"""A channel that wants a second pair of eyes for a flash."""
NOW = 1_795_419_098_330
DAY = 24 * HOUR_MS
AMAL, LUIS = "the key of Amal", "the key of Luis"
LATER, LAST = NOW + HOUR_MS, NOW + 2 * HOUR_MS


def stored(**fields: Any) -> Item:
    """An item as Amal sent it to `en`."""
    plain = {"id": "A", "version": 3, "channel": "en", "headline": "The bridge is open", "language": "en"}
    return Item(**{**plain, "author": AMAL, "firstcreated": NOW, "versioncreated": NOW, **fields})


def on_air(**fields: Any) -> Item:
    """An item that the public sees."""
    return stored(**{"published_at": NOW, "expires": NOW + DAY, "push_at": NOW + 5000, **fields})


def waiting(state: str, **fields: Any) -> Item:
    """An item that the public has not seen."""
    return stored(**{"state": state, "pubstatus": "withheld", **fields})


STANDS = {
    "pending": waiting("pending", urgency=1),
    "scheduled": waiting("scheduled", publish_at=LATER),
    "published": on_air(),
    "pinned": on_air(pinned_until=LATER),
    "held": on_air(state="held", pubstatus="withheld", signal="hold", push_at=None),
    "kept-back": waiting("held", signal="hold", publish_at=LATER),
    "expired": on_air(state="expired", expired_at=LATER, push_at=None),
    "retracted": on_air(state="retracted", pubstatus="canceled", signal="retraction", correction_note="It was shut"),
}

ACTS: dict[str, Callable[[Item], Change]] = {
    "update": lambda item: acts.change(item, patch(headline="Open again"), STRICT, LUIS),
    "correct": lambda item: acts.change(
        item, patch(signal="correction", headline="Shut", correction_note="It is shut"), STRICT, LUIS
    ),
    "refile": lambda item: acts.change(item, patch(signal="refile"), STRICT, LUIS),
    "bump": lambda item: acts.change(item, patch(bump=True), STRICT, LUIS),
    "nothing": lambda item: acts.change(item, patch(headline=item.headline), STRICT, LUIS),
    "plan": lambda item: acts.change(item, patch(embargoed=iso(LAST)), STRICT, LUIS),
    "unplan": lambda item: acts.change(item, patch(publish_at=None, embargoed=None), STRICT, LUIS),
    "raise": lambda item: acts.change(item.model_copy(update={"urgency": 2}), patch(urgency=1), STRICT, LUIS),
    "retract": lambda item: acts.retract(item, "It was shut"),
    "hold": acts.hold,
    "release": lambda item: acts.release(item, STRICT),
    "approve": lambda item: acts.approve(item, STRICT, LUIS),
    "expire": acts.expire_now,
    "pin": lambda item: acts.pin(item, LAST, STRICT),
    "unpin": lambda item: acts.unpin(item, STRICT),
    "undo": lambda item: acts.undo(item, STRICT),
}

# State afterwards, and what readers are told, if they are; or the type of the refusal.
LIFE = """
act      pending           scheduled         published          pinned             held               kept-back        expired            retracted
update   pending           scheduled         published:update   published:update   held               held             already-expired    already-retracted
correct  pending           scheduled         published:correct  published:correct  held               held             already-expired    already-retracted
refile   pending           scheduled         published:update   published:update   held               held             already-expired    already-retracted
bump     pending           scheduled         published:publish  published:publish  held               held             already-expired    already-retracted
nothing  nothing-changed   nothing-changed   nothing-changed    nothing-changed    nothing-changed    nothing-changed  already-expired    already-retracted
plan     pending           scheduled         already-published  already-published  already-published  held             already-expired    already-retracted
unplan   nothing-changed   published:publish nothing-changed    nothing-changed    nothing-changed    held             already-expired    already-retracted
raise    pending           approval-needed   approval-needed    approval-needed    approval-needed    approval-needed  already-expired    already-retracted
retract  retracted         retracted         retracted:retract  retracted:retract  retracted:retract  retracted        retracted:retract  already-retracted
hold     approval-needed   held              held:expire        held:expire        already-held       already-held     already-expired    already-retracted
release  approval-needed   not-held          not-held           not-held           published:publish  scheduled        already-expired    already-retracted
approve  published:publish not-pending       not-pending        not-pending        not-pending        not-pending      already-expired    already-retracted
expire   not-published     not-published     expired:expire     expired:expire     not-published      not-published    already-expired    already-retracted
pin      not-published     not-published     published:pin      published:pin      not-published      not-published    already-expired    already-retracted
unpin    not-published     not-published     not-pinned         published:unpin    not-published      not-published    already-expired    already-retracted
undo     nothing-to-undo   nothing-to-undo   published:update   published:update   nothing-to-undo    nothing-to-undo  already-expired    already-retracted
"""  # noqa: E501
HEAD, *ROWS = [row.split() for row in LIFE.strip().splitlines()]
CASES = [(row[0], state, told) for row in ROWS for state, told in zip(HEAD[1:], row[1:], strict=True)]
REFUSALS = {kind.slug: kind for kind in IllegalTransition.__subclasses__()}
PUBSTATUS = {"pending": "withheld", "scheduled": "withheld", "held": "withheld", "retracted": "canceled"}


@pytest.mark.parametrize(("act", "state", "told"), CASES, ids=[f"{act} {state}" for act, state, _ in CASES])
def test_every_act_in_every_state(act: str, state: str, told: str) -> None:
    """It leads where the table says, readers are told what it says, or it is refused with a type of its own."""
    item = STANDS[state]
    before = item.model_dump()
    if told in REFUSALS:
        with pytest.raises(REFUSALS[told]):
            ACTS[act](item)
    else:
        change = ACTS[act](item)
        after, _, wire = told.partition(":")
        assert (after, wire or None, item.version) == (change.item.state, change.wire, change.expected)
        assert PUBSTATUS.get(after, "usable") == change.item.pubstatus
        assert (item.id, item.channel, item.firstcreated) == (change.item.id, change.item.channel, item.firstcreated)
        assert "versioncreated" in change.stamps
    assert before == item.model_dump()


def test_the_table_is_whole() -> None:
    """Every act, every state, and every kind of illegal transition that does not need a clock or a second item."""
    assert set(ACTS) == {row[0] for row in ROWS}
    assert set(STANDS) == set(HEAD[1:])
    assert {"push-sent"} == set(REFUSALS) - {told for _, _, told in CASES}


# A new item.


def test_a_new_item_is_of_its_channel() -> None:
    """Language and direction come from the channel, id and author from outside, version and times from nobody yet."""
    change = acts.publish(draft(), AR, "01ARZ", AMAL)
    item = change.item
    assert ("01ARZ", "ar", "ar", "rtl", AMAL) == (item.id, item.channel, item.language, item.direction, item.author)
    assert (0, 0, 0, None, None) == (
        item.version,
        item.firstcreated,
        item.versioncreated,
        item.published_at,
        item.expires,
    )
    assert ("usable", "new", "published") == (item.pubstatus, item.signal, item.state)
    assert ("publish", "publish", 0) == (change.act, change.wire, change.expected)
    assert {"firstcreated", "published_at", "versioncreated"} == set(change.stamps)
    assert {"expires": 24 * HOUR_MS, "push_at": 5000} == change.after
    assert ({}, (), {24 * HOUR_MS}) == (change.ahead, change.due, set(change.due_after))


def test_a_new_item_keeps_what_its_editor_said() -> None:
    """No field of the draft is lost on the way into the item; moments are milliseconds there."""
    sent = draft(**{**FULL, "sections": ["world"], "expires": iso(LAST + 1), "embargoed": iso(LAST)})
    item = acts.publish(sent, EN, "A", AMAL).item
    kept = item.model_dump(include=set(Draft.model_fields))
    assert {"publish_at": NOW, "embargoed": LAST, "expires": LAST + 1} == {
        name: kept.pop(name) for name in (*PLANS, "expires")
    }
    assert sent.model_dump(exclude={*PLANS, "expires"}) == kept


def test_an_empty_story_is_none() -> None:
    """A form sends an empty field where nothing was typed."""
    assert acts.publish(draft(story=""), EN, "A", AMAL).item.story is None


@pytest.mark.parametrize("field", ["sections", "regions"])
def test_a_name_that_is_not_on_the_channels_list_is_refused(field: str) -> None:
    """The refusal names the field, the wrong word and what there is; for a change as for a new item."""
    known = getattr(EN, field)
    said = f"'atlantis' is not one of the {field} of en: {', '.join(known)}."
    wrong = {field: [known[0], "atlantis"]}
    with pytest.raises(Unprocessable) as refused:
        acts.publish(draft(**wrong), EN, "A", AMAL)
    assert (field, said) == (refused.value.field, refused.value.detail)
    with pytest.raises(Unprocessable) as refused:
        acts.change(on_air(), patch(**wrong), EN, AMAL)
    assert (field, said) == (refused.value.field, refused.value.detail)


def test_a_channel_without_a_list_says_so() -> None:
    """Where there are no regions, none is taken."""
    bare = EN.model_copy(update={"regions": ()})
    with pytest.raises(Unprocessable, match=r"of en: it has none\.$"):
        acts.publish(draft(regions=["europe"]), bare, "A", AMAL)


@pytest.mark.parametrize(
    ("fields", "moment"),
    [
        ({"publish_at": LATER}, LATER),
        ({"embargoed": LATER}, LATER),
        ({"publish_at": LATER, "embargoed": LAST}, LAST),
        ({"publish_at": LAST, "embargoed": LATER}, LAST),
    ],
    ids=["schedule", "embargo", "embargo after the schedule", "schedule after the embargo"],
)
def test_a_new_item_with_a_plan_waits_for_the_later_moment(fields: dict[str, int], moment: int) -> None:
    """Nobody is told of it; it comes due then, and each moment has to lie ahead."""
    change = acts.publish(draft(**{name: iso(at) for name, at in fields.items()}), EN, "A", AMAL)
    assert ("schedule", None, "scheduled", "withheld") == (
        change.act,
        change.wire,
        change.item.state,
        change.item.pubstatus,
    )
    assert (fields, (moment,), ()) == (change.ahead, change.due, change.due_after)
    assert ({"firstcreated", "versioncreated"}, {}) == (set(change.stamps), change.after)


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("distance", [-1, 0, 1])
def test_an_item_must_not_end_before_it_begins(plan: str, distance: int) -> None:
    """An expiry that comes with the publication, or before it, is refused by its name."""
    sent = draft(**{plan: iso(LATER), "expires": iso(LATER + distance)})
    if distance > 0:
        change = acts.publish(sent, EN, "A", AMAL)
        assert ((LATER, LATER + 1), {plan: LATER, "expires": LATER + 1}) == (change.due, change.ahead)
    else:
        with pytest.raises(ExpiresTooSoon) as refused:
            acts.publish(sent, EN, "A", AMAL)
        assert "expires" == refused.value.field


@pytest.mark.parametrize(("urgency", "state"), [(1, "pending"), (2, "published"), (5, "published")])
def test_a_flash_waits_for_a_second_pair_of_eyes_where_its_channel_asks_for_it(urgency: int, state: str) -> None:
    """Up to the urgency that the channel names, and no further."""
    change = acts.publish(draft(urgency=urgency), STRICT, "A", AMAL)
    assert state == change.item.state
    assert (change.act, change.wire) == (("submit", None) if state == "pending" else ("publish", "publish"))


def test_a_pending_item_with_a_plan_does_not_come_due_by_it() -> None:
    """Nothing is published that nobody has looked at; only its end comes by itself."""
    change = acts.publish(draft(urgency=1, publish_at=iso(LATER), expires=iso(LAST)), STRICT, "A", AMAL)
    assert ("pending", (LAST,), {"publish_at": LATER, "expires": LAST}) == (
        change.item.state,
        change.due,
        change.ahead,
    )


def test_an_expiry_of_a_new_item_has_to_lie_ahead_and_is_kept() -> None:
    """The store compares, by its clock; beyond the channel's age the item leaves by age."""
    change = acts.publish(draft(expires=iso(NOW + 9 * DAY)), EN, "A", AMAL)
    assert ({"expires": NOW + 9 * DAY}, NOW + 9 * DAY) == (change.ahead, change.item.expires)
    assert ((NOW + 9 * DAY,), (DAY,)) == (change.due, change.due_after)


# A change.


def test_a_change_touches_what_it_names_and_nothing_else() -> None:
    """With its signal and its note, in the name of whoever made it."""
    old = on_air(attribution="Police", tags=("bridge",), correction_note="an older note")
    new = acts.change(old, patch(headline="Open again", attribution=None), EN, LUIS).item
    expected = {"headline": "Open again", "attribution": None, "signal": "update", "author": LUIS}
    assert old.model_copy(update={**expected, "correction_note": None, "push_at": None}) == new


def test_a_correction_says_what_was_wrong() -> None:
    """Without a public note there is no correction."""
    with pytest.raises(Unprocessable) as refused:
        acts.change(on_air(), patch(signal="correction", headline="Shut"), EN, LUIS)
    assert "correction_note" == refused.value.field


def test_a_correction_keeps_its_place_whatever_is_asked() -> None:
    """Only an update moves to the top."""
    change = acts.change(on_air(), patch(signal="correction", correction_note="x", bump=True, live=True), EN, LUIS)
    assert ("correct", ("versioncreated",)) == (change.wire, change.stamps)


def test_an_update_may_move_to_the_top() -> None:
    """Then it stands as if it were new, for the channel's age from now; when it was first published is kept."""
    change = acts.change(on_air(), patch(bump=True), EN, LUIS)
    assert ("publish", {"versioncreated", "bumped_at"}) == (change.wire, set(change.stamps))
    assert (NOW, (NOW + DAY,), (DAY,)) == (change.item.published_at, change.due, change.due_after)


@pytest.mark.parametrize(
    "fields",
    [
        {"headline": "The bridge is open"},
        {"tags": ["bridge"]},
        {"push": {"enabled": True}},
        {"story": ""},
        {"attribution": None, "expires": iso(NOW + DAY)},
        {"publish_at": None, "embargoed": None},
        {},
    ],
    ids=["text", "list", "push", "no story", "several", "no plans", "nothing"],
)
def test_a_change_that_changes_nothing_is_refused(fields: dict[str, Any]) -> None:
    """Unless it says that nothing was to change: a refile, or a move to the top."""
    item = on_air(tags=("bridge",))
    with pytest.raises(NothingChanged):
        acts.change(item, patch(**fields), EN, LUIS)
    assert acts.change(item, patch(**{**fields, "signal": "refile"}), EN, LUIS)
    assert acts.change(item, patch(**{**fields, "bump": True}), EN, LUIS)


def test_a_change_of_the_push_replaces_it_whole() -> None:
    """Topics that are not named again are gone."""
    item = on_air(push=Push(topics=("harbour",)))
    assert Push(sound=True) == acts.change(item, patch(push={"sound": True}), EN, LUIS).item.push


def test_a_story_that_is_emptied_is_none() -> None:
    """As for a new item."""
    assert acts.change(on_air(story="bridge"), patch(story=""), EN, LUIS).item.story is None


@pytest.mark.parametrize("field", [*PLANS, "expires"])
def test_a_moment_that_is_changed_has_to_lie_ahead(field: str) -> None:
    """What was planned already is not asked again: it may have come by now, and the comma is mended all the same."""
    item = waiting("scheduled", publish_at=LATER, embargoed=LATER, expires=NOW + DAY)
    assert {field: LAST} == acts.change(item, patch(**{field: iso(LAST)}), EN, LUIS).ahead
    assert {} == acts.change(item, patch(headline="Open again"), EN, LUIS).ahead


def test_a_scheduled_item_is_held_to_its_order_when_it_is_changed() -> None:
    """A later publication may not pass the expiry."""
    item = waiting("scheduled", publish_at=LATER, expires=LAST)
    with pytest.raises(ExpiresTooSoon):
        acts.change(item, patch(publish_at=iso(LAST)), EN, LUIS)
    assert (LAST - 1, LAST) == acts.change(item, patch(publish_at=iso(LAST - 1)), EN, LUIS).due


def test_a_schedule_that_is_taken_away_publishes_now() -> None:
    """As a new item, to readers who have seen no other version; unless it has ended meanwhile, which the store sees."""
    item = waiting("scheduled", publish_at=LATER, expires=LAST)
    change = acts.change(item, patch(signal="correction", correction_note="x", publish_at=None), EN, LUIS)
    assert ("correction", "publish", "new", None) == (
        change.act,
        change.wire,
        change.item.signal,
        change.item.correction_note,
    )
    assert {"versioncreated", "published_at"} == set(change.stamps)
    assert {"expires": LAST} == change.ahead


def test_an_embargo_holds_when_the_schedule_is_taken_away() -> None:
    """Both have to be gone."""
    item = waiting("scheduled", publish_at=LATER, embargoed=LAST)
    change = acts.change(item, patch(publish_at=None), EN, LUIS)
    assert ("scheduled", None, (LAST,)) == (change.item.state, change.wire, change.due)


def test_an_expiry_that_is_taken_away_is_the_channels_age() -> None:
    """From when the item came on air, or to the top."""
    change = acts.change(on_air(expires=LATER), patch(expires=None), EN, LUIS)
    assert NOW + DAY == change.item.expires
    moved = on_air(expires=LATER, bumped_at=NOW + 5)
    assert NOW + 5 + DAY == acts.change(moved, patch(expires=None), EN, LUIS).item.expires


def test_an_item_is_not_made_a_flash_behind_the_second_pair_of_eyes() -> None:
    """Raising is refused with the field; lowering, and a flash that stays one, are not."""
    with pytest.raises(ApprovalNeeded) as refused:
        acts.change(on_air(urgency=2), patch(urgency=1), STRICT, LUIS)
    assert "urgency" == refused.value.field
    assert 2 == acts.change(on_air(urgency=1), patch(urgency=2), STRICT, LUIS).item.urgency
    assert 1 == acts.change(on_air(urgency=1), patch(urgency=1, live=True), STRICT, LUIS).item.urgency
    assert 1 == acts.change(on_air(urgency=2), patch(urgency=1), EN, LUIS).item.urgency


@pytest.mark.parametrize("signal", ["update", "correction", "refile"])
def test_a_change_of_what_the_phones_were_told_rings_again(signal: str) -> None:
    """After the channel's pause; and not where the push was taken out."""
    item = on_air(push_at=NOW)
    change = acts.change(item, patch(signal=signal, correction_note="x", live=True), EN, LUIS)
    assert 5000 == change.after["push_at"]
    quiet = acts.change(item, patch(signal=signal, correction_note="x", push={"enabled": False}), EN, LUIS)
    assert (None, {}) == (quiet.item.push_at, quiet.after)


# Taken back, held, released.


def test_a_retraction_takes_the_item_back_with_its_reason() -> None:
    """The item is canceled, the note says why, and nothing is planned for it any more."""
    item = stored(**dict.fromkeys(("publish_at", "embargoed", "expires", "pinned_until", "push_at"), LATER))
    change = acts.retract(item, "The bridge is shut")
    assert ("canceled", "retraction", "The bridge is shut") == (
        change.item.pubstatus,
        change.item.signal,
        change.item.correction_note,
    )
    assert {None} == {getattr(change.item, name) for name in (*PLANS, "expires", "pinned_until", "push_at")}
    assert ((), ()) == (change.due, change.due_after)


def test_a_retraction_is_final() -> None:
    """Who retracts again is told, and the first reason stands."""
    with pytest.raises(AlreadyRetracted):
        acts.retract(acts.retract(on_air(), "first").item, "second")


def test_a_held_item_is_on_no_screen_and_rings_no_phone() -> None:
    """Its pin is over and its push stopped; its end comes all the same, and the note that it had is not shown."""
    change = acts.hold(on_air(pinned_until=LATER, correction_note="x", signal="correction"))
    held = change.item
    assert (None, None, None, "hold") == (held.pinned_until, held.push_at, held.correction_note, held.signal)
    assert ((NOW + DAY,), ()) == (change.due, change.due_after)


def test_a_scheduled_item_that_is_held_does_not_come_due() -> None:
    """It keeps its plan, for when it is released."""
    change = acts.hold(waiting("scheduled", publish_at=LATER, embargoed=LAST))
    assert ((), LATER, LAST) == (change.due, change.item.publish_at, change.item.embargoed)


def test_a_released_item_is_on_top() -> None:
    """What was public before is an update; the phones are told, and what has ended meanwhile is not shown."""
    change = acts.release(STANDS["held"], EN)
    assert ("update", {"versioncreated", "bumped_at"}) == (change.item.signal, set(change.stamps))
    assert ({"push_at": 5000}, {"expires": NOW + DAY}) == (change.after, change.ahead)


def test_a_released_item_that_was_never_public_is_new() -> None:
    """Back in the schedule, or on air when it has none."""
    change = acts.release(STANDS["kept-back"], EN)
    assert ("new", "scheduled", (LATER,)) == (change.item.signal, change.item.state, change.due)
    free = acts.release(waiting("held", signal="hold"), EN)
    assert ("new", "publish", {"versioncreated", "published_at"}) == (free.item.signal, free.wire, set(free.stamps))


# The second pair of eyes.


def test_nobody_approves_what_he_wrote() -> None:
    """Neither its author, nor whoever changed it last; any other key may."""
    item = waiting("pending", author=AMAL)
    with pytest.raises(OwnApproval):
        acts.approve(item, STRICT, AMAL)
    changed = acts.change(item, patch(headline="Open again"), STRICT, LUIS).item
    with pytest.raises(OwnApproval):
        acts.approve(changed, STRICT, LUIS)
    assert "published" == acts.approve(changed, STRICT, AMAL).item.state


def test_an_approved_item_is_new_and_keeps_its_author() -> None:
    """Approving is not writing; what was mended on the way is nobody's business."""
    change = acts.approve(waiting("pending", signal="correction", correction_note="x", expires=LATER), STRICT, LUIS)
    assert (AMAL, "new", None) == (change.item.author, change.item.signal, change.item.correction_note)
    assert {"expires": LATER} == change.ahead


def test_an_approved_item_with_a_plan_is_scheduled() -> None:
    """Its time comes by itself."""
    change = acts.approve(waiting("pending", publish_at=LATER, expires=LAST), STRICT, LUIS)
    assert ("scheduled", None, (LATER, LAST)) == (change.item.state, change.wire, change.due)


# Pins, and the push that has not left.


def test_a_pin_holds_until_a_moment_or_for_an_hour() -> None:
    """A moment has to lie ahead; an hour is counted by the store; no other item may be pinned."""
    said = acts.pin(on_air(), LATER, EN)
    assert ({"pinned_until": LATER}, {}, LATER, True) == (said.ahead, said.after, said.item.pinned_until, said.pins)
    assert LATER in said.due
    plain = acts.pin(on_air(pinned_until=LAST), None, EN)
    assert ({}, {"pinned_until": PIN_MS}, None, True) == (plain.ahead, plain.after, plain.item.pinned_until, plain.pins)
    assert (PIN_MS,) == plain.due_after


def test_a_pinned_item_does_not_leave_by_age() -> None:
    """It comes due at the end of the pin, and then in the order of its publishing again."""
    change = acts.change(on_air(pinned_until=NOW + 9 * DAY, expires=NOW + 10 * DAY), patch(live=True), EN, LUIS)
    assert {NOW + 9 * DAY, NOW + 10 * DAY} == set(change.due)
    loose = acts.unpin(change.item, EN)
    assert ({NOW + DAY, NOW + 10 * DAY}, None, False) == (set(loose.due), loose.item.pinned_until, loose.pins)


@pytest.mark.parametrize("act", ["pin", "unpin", "undo"])
def test_what_says_nothing_new_rings_no_phone(act: str) -> None:
    """No pause is begun; a push that waits goes on waiting, unless it is the one that is stopped."""
    change = ACTS[act](STANDS["pinned"])
    assert "push_at" not in change.after
    assert (None if act == "undo" else NOW + 5000) == change.item.push_at


def test_a_push_is_stopped_only_while_it_waits() -> None:
    """The store compares, by its clock: by the process's it may have left already."""
    assert NOW + 5000 == acts.undo(on_air(), EN).undoes
    assert acts.pin(on_air(), None, EN).undoes is None


@pytest.mark.parametrize(("signal", "enabled"), [("new", False), ("update", True), ("correction", True)])
def test_a_push_that_was_stopped_stays_off_the_phones(signal: str, enabled: bool) -> None:
    """What was never sent is not corrected there later; what was sent before has to be."""
    assert enabled == acts.undo(on_air(signal=signal), EN).item.push.enabled


# What becomes of it by itself.


def test_an_expired_item_was_not_wrong() -> None:
    """It keeps its text and its status, and leaves no pin and no push behind."""
    change = acts.expire(on_air(pinned_until=LATER))
    assert ("usable", "expired", None, None) == (
        change.item.pubstatus,
        change.item.state,
        change.item.pinned_until,
        change.item.push_at,
    )
    assert {"versioncreated", "expired_at"} == set(change.stamps)
    assert ((), ()) == (change.due, change.due_after)


@pytest.mark.parametrize("state", ["held", "kept-back", "scheduled", "pending"])
def test_what_the_public_did_not_see_at_its_end_it_does_not_see_after(state: str) -> None:
    """A held item that expires stays withheld, and nobody is told."""
    change = acts.expire(STANDS[state])
    assert ("withheld", "expired", None) == (change.item.pubstatus, change.item.state, change.wire)


@pytest.mark.parametrize(
    ("item", "at", "told"),
    [
        (waiting("scheduled", publish_at=LATER), LATER - 1, None),
        (waiting("scheduled", publish_at=LATER), LATER, "publish:publish"),
        (waiting("scheduled", publish_at=LATER, embargoed=LAST), LATER, None),
        (waiting("scheduled", publish_at=LATER, embargoed=LAST), LAST, "publish:publish"),
        (waiting("scheduled", publish_at=LATER, expires=LAST), LAST - 1, "publish:publish"),
        (waiting("scheduled", publish_at=LATER, expires=LAST), LAST, "expire:"),
        (waiting("pending", publish_at=LATER), LAST, None),
        (waiting("pending", publish_at=LATER, expires=LAST), LAST, "expire:"),
        (waiting("held", publish_at=LATER), LAST, None),
        (waiting("held", publish_at=LATER, expires=LAST), LAST, "expire:"),
        (STANDS["held"], NOW + DAY - 1, None),
        (STANDS["held"], NOW + DAY, "expire:"),
        (on_air(), NOW + DAY - 1, None),
        (on_air(), NOW + DAY, "expire:expire"),
        (on_air(expires=NOW + 9 * DAY), NOW + DAY, "expire:expire"),
        (on_air(expires=NOW + 9 * DAY, bumped_at=LATER), NOW + DAY, None),
        (on_air(expires=NOW + 9 * DAY, bumped_at=LATER), LATER + DAY, "expire:expire"),
        (on_air(pinned_until=LATER), LATER - 1, None),
        (on_air(pinned_until=LATER), LATER, "unpin:unpin"),
        (on_air(pinned_until=NOW + 9 * DAY, expires=NOW + 9 * DAY), NOW + DAY, None),
        (on_air(pinned_until=LAST, expires=LATER), LATER, "expire:expire"),
        (on_air(pinned_until=LATER, expires=LATER), LATER, "expire:expire"),
        (STANDS["expired"], NOW + 9 * DAY, None),
        (STANDS["retracted"], NOW + 9 * DAY, None),
    ],
)
def test_what_comes_due_by_itself(item: Item, at: int, told: str | None) -> None:
    """Publication, expiry, the end of a pin: at its moment and not before; what has ended is not published first."""
    change = acts.sweep(item, at, EN)
    assert told == (change and f"{change.act}:{change.wire or ''}")


def test_what_ends_between_the_look_and_the_storing_is_not_published() -> None:
    """The store compares once more, by its clock."""
    change = acts.sweep(waiting("scheduled", publish_at=LATER, expires=LAST), LATER, EN)
    assert change is not None
    assert {"expires": LAST} == change.ahead


def test_the_shorter_age_of_a_channel_counts_for_items_that_are_there() -> None:
    """After a reload, whatever the item was told when it was published."""
    short = EN.model_copy(update={"age": 1})
    change = acts.sweep(on_air(), LATER, short)
    assert change is not None
    assert "expire" == change.act
