"""The modules of the desk that know no document: commands, attribution, moments, drafts, differences, the outbox."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from .cast import Complaints
from .conftest import opened
from .newsdesk import Newsroom, newsroom

DESK = Path(__file__).parents[2] / "web" / "desk"
KNOWN = """{ channels: ['en', 'ar'], sections: ['world', 'sport'], regions: ['europe'],
    labels: { 1: 'flash', 5: 'normal' }, now: Date.UTC(2026, 10, 23, 12) }"""


@pytest.fixture(scope="module")
def room() -> Iterator[Newsroom]:
    """One newsroom for all of these tests."""
    with newsroom() as room:
        yield room


@pytest.fixture(scope="module")
def page(room: Newsroom, browser: Browser) -> Iterator[Page]:
    """A page that may load the desk's modules."""
    with opened(browser, Complaints()) as new_page:
        page = new_page(locale="en-US", timezone_id="UTC")
        page.goto(f"{room.url}/desk")
        yield page


def run(page: Page, module: str, script: str) -> Any:
    """The value of a function's body that has the exports of a module at hand, as `it`."""
    return page.evaluate(f"async () => {{ const it = await import('/desk/{module}.js'); {script} }}")


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("Reuters: Ceasefire signed", "Reuters"),
        ("The Ministry of Health in Gaza: This brings the total to 175", "The Ministry of Health in Gaza"),
        ("رويترز: توقيع الاتفاق", "رويترز"),
        ("U.S. officials: Talks go on", "U.S. officials"),
        ("Talks begin at 10:30 in Geneva", None),
        ("It is over. Now: the next step", None),
        ("Read it at https://news.example/a", None),
        ('"We go on: that is all," he says', None),
        ("One two three four five six seven eight nine ten: no attribution", None),
        ("Nothing follows:", None),
        ("路透社：停火协议已签署", "路透社"),
    ],
)
def test_who_says_so_is_told_from_what_is_said(page: Page, text: str, who: str | None) -> None:
    """And what looks like an hour, an address or a sentence is left alone."""
    found = run(page, "attribution", f"return it.split({text!r})")
    assert who == found["attribution"]
    assert text.endswith(found["headline"])


def test_commands_are_read_and_what_is_none_stays(page: Page) -> None:
    """Whole words only; the last one not before it is finished."""
    read = f"return (text, whole) => it.taken(text, {KNOWN}, whole)"
    found = run(
        page,
        "commands",
        f"""const taken = (() => {{ {read} }})();
        return [
            taken('/flash Talks and/or war /sec:world /tag:"two words" ', false),
            taken('Talks /fla', false),
            taken('Talks /flsh', true),
            taken('Talks /sec:sea', true),
            taken('Talks //flash https://a.example/flash', true),
            taken('Talks /at:18:30', true),
        ]""",
    )
    first, unfinished, unknown, wrong, escaped, planned = found
    assert "Talks and/or war " == first["text"]
    assert [("urgency", 1), ("sections", "world"), ("tags", "two words")] == [
        (change["field"], change["value"]) for change in first["changes"]
    ]
    assert ("Talks /fla", []) == (unfinished["text"], unfinished["changes"])
    assert ["unknown", "value"] == [unknown["faults"][0]["reason"], wrong["faults"][0]["reason"]]
    assert ["world", "sport"] == wrong["faults"][0]["known"]
    assert ("Talks //flash https://a.example/flash", []) == (escaped["text"], escaped["faults"])
    assert [("publish_at", 1_795_458_600_000)] == [(one["field"], one["value"]) for one in planned["changes"]]


def test_a_moment_is_the_next_one_of_its_kind(page: Page) -> None:
    """An hour that is over is tomorrow's; spans are from now."""
    now = 1_795_435_200_000
    found = run(
        page,
        "moments",
        f"const texts = ['18:30', '11:00', '10m', '2h', '25:00', 'x'];"
        f"return texts.map((text) => it.moment(text, {now}))",
    )
    hour = 3_600_000
    assert [now + 6.5 * hour, now + 23 * hour, now + hour / 6, now + 2 * hour, None, None] == found


def test_a_change_sends_what_was_touched_and_nothing_else(page: Page) -> None:
    """Made to a newer version, it leaves alone what its editor did not touch."""
    found = run(
        page,
        "draft",
        """
        const said = { headline: 'One', attribution: 'Reuters', urgency: 5, sections: ['world'] };
        const old = { id: 'A', version: 1, ...said, push: {}, state: 'published' };
        const newest = { ...old, version: 2, headline: 'Two', urgency: 2, ednote: 'call' };
        const typed = { text: 'Reuters: Three', note: 'Three, not one.', link: 'https://a.example' };
        const mine = { ...it.changing(old, 'correction'), ...typed };
        return [it.body(it.changing(old, 'update')), it.body(mine), it.body(it.rebased(mine, newest))];
        """,
    )
    nothing, mine, rebased = found
    changed = {
        "signal": "correction",
        "correction_note": "Three, not one.",
        "headline": "Three",
        "link": "https://a.example",
    }
    assert [{"signal": "update"}, changed, changed] == [nothing, mine, rebased]


def test_a_language_of_its_own_is_sent_and_what_is_the_channel_s_is_not(page: Page) -> None:
    """A new item says what its editor said; a change, only what is another; what is no language is not sent."""
    found = run(
        page,
        "draft",
        """
        const limits = { headline: 280, push_headline: 120, attribution: 100, note: 500 };
        const fresh = { ...it.blank(), text: 'One' };
        const base = { id: 'A', version: 1, headline: 'One', language: 'en', direction: 'ltr', state: 'published' };
        const same = it.changing(base, 'update');
        const bodies = [fresh, { ...fresh, language: 'fa', direction: 'rtl' }, same, { ...same, language: 'de' },
            { ...same, language: '' }].map(it.body);
        const said = it.obstacles({ ...fresh, language: 'no language' }, limits, 0).map(({ what }) => what);
        return [...bodies, said];
        """,
    )
    own = {"headline": "One", "language": "fa", "direction": "rtl"}
    update = {"signal": "update"}
    assert [{"headline": "One"}, own, update, {**update, "language": "de"}, update, ["noLanguage"]] == found


def test_pushes_are_counted_by_outcome(page: Page) -> None:
    """Of the newest that was pushed; by provider, and all together, in the order in which one reads them."""
    found = run(
        page,
        "audience",
        """
        const pushes = [
            { version: 2, provider: 'fcm', outcomes: { dead_lettered: 1, accepted: 40 } },
            { version: 2, provider: 'webpush', outcomes: { pending: 3, accepted: 2 } },
            { version: 1, provider: 'fcm', outcomes: { superseded: 41 } },
        ];
        return [it.outcomes(pushes), it.total(pushes), it.total(pushes.slice(2)), it.total(pushes, 3), it.total([])];
        """,
    )
    fcm = {"version": 2, "provider": "fcm", "counts": [["accepted", 40], ["dead_lettered", 1]]}
    webpush = {"version": 2, "provider": "webpush", "counts": [["accepted", 2], ["pending", 3]]}
    total = [["accepted", 42], ["pending", 3], ["dead_lettered", 1]]
    assert [[fcm, webpush], total, [["superseded", 41]], [], []] == found


def test_words_that_differ_are_found(page: Page) -> None:
    """And put together again, both sides are what they were."""
    found = run(page, "difference", "return it.difference('All 17 are safe', 'All 19 of them are safe')")
    assert ["17"] == [piece["text"].strip() for piece in found["before"] if not piece["same"]]
    assert ["19", "of them"] == [piece["text"].strip() for piece in found["after"] if not piece["same"]]
    assert "All 17 are safe" == "".join(piece["text"] for piece in found["before"])
    assert "All 19 of them are safe" == "".join(piece["text"] for piece in found["after"])


OUTBOX = """
    const { Lost } = await import('/desk/api.js');
    const bench = { now: 0, timers: [], kept: [], states: [], answers: [], tries: [], next: [] };
    const box = () => new it.Outbox({
        send: async (request) => {
            bench.tries.push(request.headers.key);
            const what = bench.next.shift();
            if (what === 'lost' || what === undefined) throw new Lost('');
            return what;
        },
        keep: (waiting) => bench.kept.push(waiting && structuredClone(waiting)),
        answered: (answer) => bench.answers.push(answer.status),
        turned: (state) => bench.states.push(state),
        now: () => bench.now,
        setTimeout: (run, ms) => bench.timers.push({ run, ms }),
        clearTimeout: () => {},
    });
    const settle = () => new Promise((resolve) => setTimeout(resolve));
    const again = async () => { bench.timers.pop().run(); await settle(); };
"""


def test_the_outbox_sends_one_request_until_it_is_answered(page: Page) -> None:
    """Under one key; a second one is not taken meanwhile; what it holds is kept before it leaves."""
    bench = run(
        page,
        "outbox",
        OUTBOX
        + """
        const one = box();
        bench.next = ['lost', 'lost', { status: 201, ok: true, problem: '' }];
        const first = one.put({ headers: { key: 'a' } }, null);
        const second = one.put({ headers: { key: 'b' } }, null);
        await settle(); await again(); await again();
        return { ...bench, timers: 0, first, second, state: one.state };
        """,
    )
    assert (True, False) == (bench["first"], bench["second"])
    assert ["a", "a", "a"] == bench["tries"]
    assert [201] == bench["answers"]
    assert ["sending", "waiting", "sending", "waiting", "sending", "idle"] == bench["states"]
    assert bench["kept"][0]["request"] == {"headers": {"key": "a"}}
    assert bench["kept"][-1] is None


def test_the_outbox_goes_on_after_a_reload_and_asks_when_it_has_become_old(page: Page) -> None:
    """A session that has ended stops it; logging in goes on with it."""
    bench = run(
        page,
        "outbox",
        OUTBOX
        + """
        const kept = { request: { headers: { key: 'a' } }, about: null, since: 0, tried: true };
        const later = box();
        bench.next = [{ status: 401, ok: false, problem: 'unauthorized' }, { status: 201, ok: true, problem: '' }];
        later.recall(structuredClone(kept));
        await settle();
        const locked = later.state;
        later.wake();
        await settle();
        bench.now = 11 * 60_000;
        const old = box();
        old.recall(structuredClone(kept));
        await settle();
        const before = bench.tries.length;
        bench.next = [{ status: 201, ok: true, problem: '' }];
        old.insist();
        await settle();
        return { locked, before, tries: bench.tries, answers: bench.answers };
        """,
    )
    assert ("locked", 2) == (bench["locked"], bench["before"])
    assert (["a", "a", "a"], [201, 201]) == (bench["tries"], bench["answers"])


def test_every_word_of_the_desk_is_there_in_each_language(page: Page) -> None:
    """Nobody reads the name of a sentence in its place; placeholders are the same ones."""
    found: dict[str, dict[str, Any]] = run(page, "words", "return it.LANGUAGES")
    assert {"en", "ar", "es"} == set(found)
    for words in found.values():
        assert set(found["en"]) == set(words)
    for name, english in found["en"].items():
        wanted = placeholders(english)
        assert [] == [language for language, words in found.items() if placeholders(words[name]) - wanted], name
    source = "".join(
        file.read_text(encoding="utf-8") for file in DESK.glob("*.js") if not file.name.startswith("words.")
    )
    said = set(re.findall(r"say\('([^']+)'", source))
    assert said
    assert set() == said - set(found["en"])


def placeholders(words: Any) -> set[str]:
    """What stands in braces."""
    forms = [words] if isinstance(words, str) else list(words.values())
    return {name for form in forms for name in re.findall(r"\{(\w+)\}", form)}
