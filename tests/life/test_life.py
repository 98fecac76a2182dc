"""The whole life of items: acts in any order, by anybody, and after each of them everybody is shown the same.

`TICKER_TEST_EXAMPLES=500` makes it longer.
"""

from __future__ import annotations

import faulthandler
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.life.house import House, open_house
from tests.life.model import STANDING, Ask, Doc
from tests.stage import short_directory

EXAMPLES = int(os.environ.get("TICKER_TEST_EXAMPLES", "15"))
STEPS = 50
SHRINKING = 400
"""Seconds; hypothesis itself takes at most 300."""
MOST_SECONDS = 10
"""For one life."""

OFFSETS = {"past": -3_600_000, "soon": 400, "sooner or later": 900, "later": 3_600_000, "late": 7_200_000}
NAMES = st.sampled_from(["ada"] * 5 + ["ben"] * 2 + ["eve"])
CHANNELS = st.sampled_from(["en", "en", "flash"])
# Few texts, so that the same is said twice now and then.
TEXTS = st.sampled_from(["The bridge is open", "the bridge is OPEN!", "Nine are safe", "Talks end", "It rains"])


def rarely(*whens: str) -> st.SearchStrategy[str | None]:
    """A moment, by its name, in one of several cases."""
    return st.sampled_from([None] * (4 * len(whens)) + [*whens])


def seldom(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A value in one of four cases."""
    return st.one_of(st.none(), st.none(), st.none(), values)


CONTENT = {
    "attribution": seldom(st.sampled_from(["Harbour office", "Agency"])),
    "urgency": seldom(st.sampled_from([1, 2, 5])),
    "sections": seldom(st.sampled_from([["world"], ["world", "sport"], ["sport"], []])),
    "story": seldom(st.sampled_from(["bridge", "talks"])),
    "ednote": seldom(st.sampled_from(["Call the harbour"])),
    "push": seldom(st.sampled_from([{"enabled": False}, {}, {"topics": ["all"], "sound": True}])),
    "tags": seldom(st.sampled_from([["a"], ["a", "b"]])),
    "live": seldom(st.just(True)),
}
PUBLICATION = st.fixed_dictionaries(
    {"headline": TEXTS},
    optional={
        **CONTENT,
        "publish_at": rarely("past", "soon", "later", "later"),
        "embargoed": rarely("past", "soon", "later"),
        "expires": rarely("past", "sooner or later", "late"),
    },
)
CHANGE = st.fixed_dictionaries(
    {},
    optional={
        "headline": TEXTS,
        **CONTENT,
        "publish_at": rarely("past", "soon", "later"),
        "expires": rarely("past", "sooner or later", "late"),
    },
)
# Mostly one, so that it is told in both channels.
STORIES = st.sampled_from(["bridge", "bridge", "bridge", "talks", None])
POSTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "flash": {"urgency": 1},
    "later": {"publish_at": "later"},
    "embargoed": {"embargoed": "later", "urgency": 1},
    "soon": {"publish_at": "soon"},
    "for a moment": {"expires": "sooner or later"},
    "soon, for a moment": {"embargoed": "soon", "expires": "sooner or later"},
}
KINDS = st.sampled_from(["plain"] * 5 + [*POSTS])
MOVES = st.sampled_from([None, None, None, "talks", "bridge"])
SIGNALS = st.sampled_from(["update", "correction", "correction", "refile"])
FITTING: dict[str, Callable[[Doc], bool]] = {
    "approve": lambda doc: doc["state"] == "pending",
    "release": lambda doc: doc["state"] == "held",
    "hold": lambda doc: doc["state"] in ("published", "scheduled"),
    "unpin": lambda doc: bool(doc.get("pinned_until")),
    "pin": lambda doc: doc["state"] == "published",
    "undo": lambda doc: bool(doc.get("push_at")),
    "expire": lambda doc: doc["state"] == "published",
    "retract": lambda doc: doc["state"] in STANDING,
    "change": lambda doc: doc["state"] in STANDING,
}
"""What can be done to which item."""
ACTS = st.sampled_from([act for act in FITTING if act != "change"])
PICK = st.integers(0, 23)
MATCHES = st.sampled_from(["newest"] * 6 + ["older", "*", None])
MAY_MATCH = st.sampled_from([None] * 6 + ["newest", "older"])
ONCE = st.sampled_from(["", "", "", "key"])

T = TypeVar("T")


class Life(RuleBasedStateMachine):
    """What editors do, one after the other; `House.ask` looks at everything after each step."""

    items: Bundle[str] = Bundle("items")
    portal: BlockingPortal
    house: House
    lives = 0
    wrong: ClassVar[list[str]] = []

    @initialize()
    def begin(self) -> None:
        """Empty windows, and words that were never said before."""
        Life.lives += 1
        self.labels: dict[str, str] = {}
        self.failed = False
        self.told: list[str] = []
        self.done: list[Ask] = []
        self.portal.call(self.house.begin)

    @rule(target=items, who=NAMES, channel=CHANNELS, body=PUBLICATION, once=ONCE, similar=st.booleans())
    def publish(self, who: str, channel: str, body: Any, once: str, similar: bool) -> Any:
        return self.new(who, channel, body, once=once, similar=similar)

    @rule(target=items, who=st.sampled_from(["ada", "eve"]), channel=CHANNELS, text=TEXTS, story=STORIES, kind=KINDS)
    def post(self, who: str, channel: str, text: str, story: str | None, kind: str) -> Any:
        return self.new(who, channel, {"headline": text, "story": story, **POSTS[kind]}, similar=True)

    @rule(target=items, who=st.sampled_from(["ada", "eve"]), text=TEXTS, kind=st.sampled_from(["plain", "soon"]))
    def submit(self, who: str, text: str, kind: str) -> Any:
        return self.new(who, "flash", {"headline": text, "urgency": 1, **POSTS[kind]}, similar=True)

    @rule(target=items, who=NAMES, item=items, text=TEXTS)
    def replace(self, who: str, item: str, text: str) -> Any:
        body = {"headline": text, "replaces": self.labels[item]}
        return self.new(who, self.channel(item), body)

    @rule(
        who=NAMES,
        item=items,
        signal=SIGNALS,
        body=CHANGE,
        bump=st.booleans(),
        match=MATCHES,
        once=ONCE,
    )
    def change(self, who: str, item: str, signal: str, body: Any, bump: bool, match: str | None, once: str) -> None:
        body = {"signal": signal, **body}
        if signal == "correction":
            body["correction_note"] = "It was another"
        if bump and signal == "update":
            body["bump"] = True
        self.act("change", who, item, body, match, once)

    @rule(pick=PICK, signal=SIGNALS, bump=st.booleans(), text=TEXTS, story=MOVES)
    def edit(self, pick: int, signal: str, bump: bool, text: str, story: str | None) -> None:
        body = {"signal": signal, "headline": text, "story": story, "bump": (bump and signal == "update") or None}
        self.go_on(pick, "change", body={**body, "correction_note": "It was another" if signal != "refile" else None})

    @rule(pick=PICK)
    def approve(self, pick: int) -> None:
        self.go_on(pick, "approve")

    @rule(pick=PICK)
    def release(self, pick: int) -> None:
        self.go_on(pick, "release")

    @rule(pick=PICK)
    def hold(self, pick: int) -> None:
        self.go_on(pick, "hold")

    @rule(pick=PICK, until=rarely("soon"))
    def mark(self, pick: int, until: str | None) -> None:
        self.go_on(pick, "pin", "unpin", body={"until": until})

    @rule(pick=PICK)
    def stop_the_push(self, pick: int) -> None:
        self.go_on(pick, "undo")

    @rule(pick=PICK)
    def take_away(self, pick: int) -> None:
        self.go_on(pick, "expire", "retract")

    @rule(who=NAMES, item=items, act=ACTS, match=MAY_MATCH, once=ONCE, until=rarely("past", "soon", "later"))
    def attempt(self, act: str, who: str, item: str, match: str | None, once: str, until: str | None) -> None:
        body = {"pin": {"until": until}, "hold": {"reason": "Not sure"}, "retract": {"reason": "It was not so"}}
        self.act(act, who, item, body.get(act, {}), match, once)

    @rule(who=NAMES, item=items, act=ACTS)
    def rehearse(self, who: str, item: str, act: str) -> None:
        self.act(act, who, item, {"reason": "What if"} if act == "retract" else {}, dry=True)

    @rule(pick=PICK)
    def repeat(self, pick: int) -> None:
        repeatable = [ask for ask in self.done if ask.once]
        if repeatable:
            self.ask(repeatable[pick % len(repeatable)])

    @rule(pick=PICK)
    def use_a_key_for_something_else(self, pick: int) -> None:
        keys = [ask for ask in self.done if ask.once and ask.act == "publish"]
        if keys:
            old = keys[pick % len(keys)]
            self.ask(Ask(old.editor, "publish", old.channel, body={"headline": self.said("Else")}, once=old.once))

    @precondition(lambda self: self.house.traveller.here)
    @rule()
    def leave(self) -> None:
        self.call(self.house.traveller.leave)

    @precondition(lambda self: not self.house.traveller.here)
    @rule()
    def come_back(self) -> None:
        self.call(self.house.come_back)

    @rule()
    def wait(self) -> None:
        self.call(self.house.wait)

    def teardown(self) -> None:
        """Look at everything once more, unless something is wrong already."""
        if hasattr(self, "labels"):
            self.call(self.house.abandon if self.failed else self.house.end)

    # Helpers.

    def new(self, who: str, channel: str, body: Any, **more: Any) -> Any:
        """Publish, and give the item a name to speak of it."""
        body = {**body, "headline": self.said(body["headline"])}
        item_id = self.ask(Ask(self.house.editors[who], "publish", channel, body=self.timed(body), **self.keyed(more)))
        if not item_id:
            return multiple()
        label = f"item {len(self.labels) + 1}"
        self.labels[label] = item_id
        return label

    def act(
        self, act: str, who: str, item: str, body: Any, match: str | None = None, once: str = "", dry: bool = False
    ) -> None:
        """Something is done to an item."""
        item_id = self.labels[item]
        if "headline" in body:
            body = {**body, "headline": self.said(body["headline"])}
        version = self.house.world.newest(item_id)["version"]
        named = {"newest": f'"{version}"', "older": f'"{max(1, version - 1)}"'}
        ask = Ask(
            self.house.editors[who],
            act,
            self.channel(item),
            item_id,
            self.timed(body),
            if_match=named.get(match or "", match),
            dry=dry,
            **self.keyed({"once": once}),
        )
        self.ask(ask)

    def ask(self, ask: Ask) -> str:
        """Send it, look at everything, and remember what was stored."""
        self.told.append(f"  {ask.editor.name}: {ask.act} {ask.item} {ask.body} {ask.if_match or ''} {ask.once}")
        item_id, answer = self.call(self.house.ask, ask)
        problem = answer.json().get("type", "").rpartition(":")[2]
        self.house.seen[f"{ask.act}: {problem or ('rehearsed' if ask.dry else 'done')}"] += 1
        if answer.done and not ask.dry:
            self.done.append(ask)
        return str(item_id) if answer.done else ""

    def call(self, step: Callable[..., Awaitable[T]], *arguments: Any) -> T:
        """Do it where the service runs."""
        try:
            return self.portal.call(step, *arguments)
        except BaseException:
            self.failed = True
            # What fails only now and then is not told in the end, as what always fails is.
            if not Life.wrong:
                Life.wrong = self.told
                print("\n".join(["", "The first life that went wrong:", *self.told, ""]))
            raise

    def fitting(self, *acts: str) -> dict[str, list[str]]:
        """Those of these acts that could be done now, and to which items."""
        newest = {label: self.house.world.newest(item_id) for label, item_id in self.labels.items()}
        fitting = {act: [label for label, doc in newest.items() if FITTING[act](doc)] for act in acts}
        return {act: labels for act, labels in fitting.items() if labels}

    def go_on(self, pick: int, *acts: str, body: Any = None) -> None:
        """Do one of these to an item to which it can be done, if there is any.

        That is no precondition: what comes due in its own time would make the same steps another test.
        """
        fitting = self.fitting(*acts)
        if not fitting:
            return
        act = [*fitting][pick % len(fitting)]
        item = fitting[act][pick % len(fitting[act])]
        author = self.house.world.newest(self.labels[item])["author"]
        own = author == self.house.editors["ada"].id
        who = "eve" if act == "approve" and own and pick % 3 else "ada"
        note(f"{who}: {act} {item}")
        bodies = {"retract": {"reason": "It was not so"}, "pin": body, "change": body}
        self.act(act, who, item, bodies.get(act, {}), "newest" if act == "change" else None)

    def channel(self, item: str) -> str:
        """The channel of an item."""
        return str(self.house.world.newest(self.labels[item])["channel"])

    def said(self, text: str) -> str:
        """A text that no earlier life has said."""
        return f"{text} ({self.lives})"

    def timed(self, body: Any) -> Any:
        """Moments for their names; what was not drawn is left out."""
        now = int(time.time() * 1000)
        return {
            name: now + OFFSETS[value] if isinstance(value, str) and value in OFFSETS else value
            for name, value in body.items()
            if value is not None
        }

    def keyed(self, more: Any) -> Any:
        """A key that was never used, where one is wanted."""
        return {**more, "once": f"{self.lives}.{len(self.done)}.{time.time_ns()}" if more.get("once") else ""}


def test_everybody_is_shown_the_same_after_every_act(valkey: str) -> None:
    """Answers, windows, queues, versions, records and readers agree with a model written from the docs."""
    with (
        short_directory() as directory,
        start_blocking_portal("asyncio", {"use_uvloop": True}) as portal,
        portal.wrap_async_context_manager(open_house(valkey, directory)) as house,
    ):
        Life.portal, Life.house = portal, house
        # Many lives, or one that has to be told in fewer steps, take longer than a test that hangs may.
        faulthandler.cancel_dump_traceback_later()
        faulthandler.dump_traceback_later(SHRINKING + EXAMPLES * MOST_SECONDS, exit=True)
        run_state_machine_as_test(
            Life,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                deadline=None,
                print_blob=True,
                report_multiple_bugs=False,
                # Which lines of the test only a failing life runs explains nothing here, and takes a minute.
                phases=[phase for phase in Phase if phase is not Phase.explain],
                suppress_health_check=list(HealthCheck),
            ),
        )
    print(sorted(house.seen.items()))
    assert sum(times for what, times in house.seen.items() if what.endswith(": done")) > 3 * EXAMPLES
