"""`<breaking-ticker>` on somebody else's page."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, WebSocket, WebSocketRoute, expect

from .cast import NewPage, Service
from .feed import Feed, alert
from .host import Host, current, headlines, ticker

SOON = 5_000
BAR = '<breaking-ticker channel="en"></breaking-ticker>'
LIST = '<breaking-ticker channel="en" mode="list"></breaking-ticker>'
CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "cases" / "window.json").read_text(encoding="utf-8")
)

FOLD = """async ({ cases, url }) => {
    const { Window } = await import(`${url}/widget/v1/window.js`);
    return cases.map((test) => {
        const window = new Window(test.size);
        for (const entry of test.entries) window.apply(entry);
        return {
            items: window.items.map((item) => item.id),
            headlines: window.items.map((item) => item.headline ?? null),
            tombstones: window.gone.map(([id]) => id),
            versions: window.gone.map(([, version]) => (version === Infinity ? null : version)),
        };
    });
}"""


def act(service: Service, item: dict[str, Any], act: str = "", **body: Any) -> dict[str, Any]:
    """Do something to an item, or change it; the item as it is then."""
    answer = httpx.request(
        "POST" if act else "PATCH",
        f"{service.url}/v1/channels/{item['channel']}/items/{item['id']}{act and f'/{act}'}",
        json=body,
        headers={"Authorization": f"Bearer {service.key}", "If-Match": f'"{item["version"]}"'},
        trust_env=False,
    )
    assert answer.is_success, answer.text
    changed: dict[str, Any] = answer.json()["item"]
    return changed


@pytest.fixture
def quiet_page(service: Service, host: Host, page: Page) -> Page:
    """A page at the service's origin with nothing on it."""
    host.open(page, service, "")
    return page


def test_the_window_in_the_browser_gives_the_same_answers_as_the_server_s(service: Service, quiet_page: Page) -> None:
    """One table of cases holds both."""
    told = ("items", "headlines", "tombstones", "versions")
    expected = {case["name"]: {name: case[name] for name in told if name in case} for case in CASES}
    folded = quiet_page.evaluate(FOLD, {"cases": CASES, "url": service.url})
    actual = {
        case["name"]: {name: answer[name] for name in told if name in case}
        for case, answer in zip(CASES, folded, strict=True)
    }
    assert expected == actual


def test_a_snapshot_gives_a_pinned_item_its_own_place_back_when_it_is_unpinned(
    service: Service, quiet_page: Page
) -> None:
    """The snapshot shows it first, but its time tells where it belongs: when it was published, or moved to the top."""
    orders = quiet_page.evaluate(
        """async (url) => {
        const { Window } = await import(`${url}/widget/v1/window.js`);
        const time = (minute) => `2026-11-23T07:0${minute}:00.000Z`;
        const at = (id, minute, more) => ({ id, version: 1, published_at: time(minute), ...more });
        const pin = { pinned_until: '2026-11-24T00:00:00.000Z' };
        return [{}, { bumped_at: time(5) }].flatMap((moved) => [
            [at('B', 2, { ...pin, ...moved }), at('C', 4), at('A', 1)],
            [at('B', 2, { ...pin, ...moved }), at('A', 1, { bumped_at: time(4) }), at('C', 3)],
        ]).map((items) => {
            const window = new Window(10);
            window.load(items);
            const { pinned_until, ...unpinned } = items[0];
            window.apply({ act: 'unpin', item: { ...unpinned, version: 2 } });
            return window.items.map((item) => item.id).join('');
        });
    }""",
        service.url,
    )
    assert ["CBA", "ACB", "BCA", "BAC"] == orders


@pytest.mark.parametrize(
    ("held", "kept"),
    [
        pytest.param("window.apply({ act: 'retract', item: { id: 'A', version: 2 } })", "", id="retracted"),
        pytest.param("window.apply({ act: 'expire', item: { id: 'A', version: 2 } })", "3", id="held"),
        pytest.param("window.load([], [['A', Infinity]])", "", id="a reset says retracted"),
        pytest.param("window.load([], [['A', 2]])", "3", id="a reset says held"),
        pytest.param(
            "window.load([], [['A', Infinity]]); window.load([], [['A', 2]])", "", id="an older reset after it"
        ),
        pytest.param("window.load([], [['A', 2]]); window.load([], [['A', 1]])", "3", id="an older hold after it"),
    ],
)
def test_what_was_withdrawn_does_not_come_back_with_an_older_snapshot(
    service: Service, quiet_page: Page, held: str, kept: str
) -> None:
    """A cache between server and reader may still hold the text. Of a held item a newer version may be shown."""
    shown = quiet_page.evaluate(
        f"""async (url) => {{
        const {{ Window }} = await import(`${{url}}/widget/v1/window.js`);
        const window = new Window(10);
        {held};
        const gone = window.gone.map(([id]) => id).join();
        return [1, 2, 3].map((version) => {{
            window.load([{{ id: 'B', version: 1 }}, {{ id: 'A', version }}]);
            const [b, a] = window.items;
            const stands = a ? window.gone.length === 0 : window.gone.map(([id]) => id).join() === gone;
            return b.id === 'B' && stands ? String(a?.version ?? '') : 'wrong';
        }});
    }}""",
        service.url,
    )
    assert ["", "", kept] == shown


def test_a_paused_ticker_stays_paused_says_what_waits_and_shows_it_on_play(
    service: Service, host: Host, page: Page
) -> None:
    """Pausing holds new alerts back too."""
    service.post("en", "The first")
    host.open(page, service, BAR)
    expect(current(page)).to_have_text("The first", timeout=SOON)
    page.get_by_role("button", name="Pause").click()
    service.post("en", "The second")
    expect(page.get_by_text("1 new", exact=True)).to_be_visible(timeout=SOON)
    expect(current(page)).to_have_text("The first")
    expect(headlines(page)).to_have_count(1)
    page.get_by_role("button", name="Play").click()
    expect(current(page)).to_have_text("The second")
    expect(headlines(page)).to_have_text(["The second", "The first"])
    expect(page.get_by_text("1 new", exact=True)).to_be_hidden()


def test_a_reader_who_is_asked_tells_what_he_was_shown_and_when_he_was(
    service: Service, host: Host, page: Page
) -> None:
    """Not what waits while he has paused, nor what changes nothing, nor what was there when he came; each once."""
    lines: list[WebSocketRoute] = []
    told: list[Any] = []
    shown = {"id": "1", "version": 1, "headline": "The first"}

    def entry(cursor: str, act: str, **item: Any) -> None:
        lines[0].send(json.dumps({"type": "entry", "cursor": cursor, "act": act, "item": item}))

    def answer(line: WebSocketRoute) -> None:
        lines.append(line)
        line.on_message(lambda message: told.append(json.loads(message)))
        line.send(json.dumps({"type": "snapshot", "channel": "en", "cursor": "1-1", "items": [shown], "receipts": 1}))

    def hears(*cursors: str) -> None:
        end = time.monotonic() + SOON / 1000
        while len(told) < len(cursors) and time.monotonic() < end:
            page.evaluate("new Promise(requestAnimationFrame)")  # messages are handed over while the page is asked
        assert told == [{"type": "seen", "cursor": cursor} for cursor in cursors]

    page.route_web_socket("**/live*", answer)
    host.open(page, service, BAR)
    expect(current(page)).to_have_text("The first", timeout=SOON)
    entry("1-2", "publish", id="2", version=1, headline="The second")
    entry("1-3", "update", id="7", version=2, headline="Of something that is not here")
    expect(current(page)).to_have_text("The second")
    hears("1-2")
    page.get_by_role("button", name="Pause").click()
    entry("1-4", "publish", id="3", version=1, headline="The third")
    entry("1-5", "retract", id="2", version=2)
    expect(page.get_by_text("1 new", exact=True)).to_be_visible(timeout=SOON)
    hears("1-2", "1-5")
    page.get_by_role("button", name="Play").click()
    expect(current(page)).to_have_text("The third")
    hears("1-2", "1-5", "1-4")


def test_a_retraction_takes_effect_while_the_ticker_is_paused(service: Service, host: Host, page: Page) -> None:
    """A reader's pause does not keep a withdrawn text on the screen."""
    service.post("en", "This one stays")
    wrong = service.post("en", "This one was wrong")["item"]["id"]
    host.open(page, service, BAR)
    expect(current(page)).to_have_text("This one was wrong", timeout=SOON)
    page.get_by_role("button", name="Pause").click()
    service.retract("en", wrong, "Posted in error")
    expect(current(page)).to_have_text("This one stays", timeout=SOON)
    expect(page.get_by_role("button", name="Play")).to_be_visible()


def test_the_ticker_turns_by_itself_and_a_move_by_hand_ends_that(service: Service, host: Host, page: Page) -> None:
    """Every alert is reached by the buttons."""
    for headline in ("The first", "The second", "The third"):
        service.post("en", headline)
    page.clock.install()
    host.open(page, service, BAR)
    expect(current(page)).to_have_text("The third", timeout=SOON)
    page.clock.run_for(6_500)
    expect(current(page)).to_have_text("The second")
    page.get_by_role("button", name="Next alert").click()
    expect(current(page)).to_have_text("The first")
    page.clock.run_for(20_000)
    expect(current(page)).to_have_text("The first")
    page.get_by_role("button", name="Previous alert").click()
    expect(current(page)).to_have_text("The second")


def test_with_reduced_motion_nothing_moves_by_itself(service: Service, host: Host, new_page: NewPage) -> None:
    """Also when the reader asks for it while the page is open; and it moves again when that is taken back."""
    service.post("en", "The first")
    service.post("en", "The second")
    page = new_page(reduced_motion="reduce")
    page.clock.install()
    host.open(page, service, BAR)
    expect(current(page)).to_have_text("The second", timeout=SOON)
    page.clock.run_for(20_000)
    expect(current(page)).to_have_text("The second")
    expect(page.locator("breaking-ticker li.current")).to_have_css("animation-name", "none")
    page.evaluate("""() => {
        window.preference = matchMedia('(prefers-reduced-motion: reduce)');
        window.preference.addEventListener('change', ({ matches }) => (document.title = matches ? 'still' : 'moving'));
    }""")
    page.emulate_media(reduced_motion="no-preference")
    expect(page).to_have_title("moving")
    page.clock.run_for(6_500)
    expect(current(page)).to_have_text("The first")
    page.emulate_media(reduced_motion="reduce")
    expect(page).to_have_title("still")
    page.clock.run_for(20_000)
    expect(current(page)).to_have_text("The first")


def test_an_element_that_is_removed_leaves_no_socket_and_no_timer(service: Service, host: Host, page: Page) -> None:
    """Two minutes later it has neither come back nor drawn anything."""
    service.post("en", "The first")
    opened: list[WebSocket] = []
    page.on("websocket", lambda line: opened.append(line))
    page.clock.install()
    host.open(page, service, BAR)
    expect(current(page)).to_have_text("The first", timeout=SOON)
    with opened[0].expect_event("close", timeout=SOON):
        page.evaluate("document.querySelector('breaking-ticker').remove()")
    page.clock.run_for(120_000)
    assert len(opened) == 1


def test_the_channel_changes_with_its_attribute(service: Service, host: Host, page: Page) -> None:
    """The old line is closed, the direction follows."""
    service.post("en", "In English")
    service.post("ar", "بالعربية")
    opened: list[WebSocket] = []
    page.on("websocket", lambda line: opened.append(line))
    host.open(page, service, BAR)
    expect(current(page)).to_have_text("In English", timeout=SOON)
    with opened[0].expect_event("close", timeout=SOON):
        page.evaluate("document.querySelector('breaking-ticker').setAttribute('channel', 'ar')")
    expect(headlines(page)).to_have_text(["بالعربية"], timeout=SOON)
    expect(ticker(page).locator("section")).to_have_css("direction", "rtl")
    expect(page.get_by_role("button", name="إيقاف مؤقت")).to_be_visible()


def test_the_height_is_the_same_empty_full_and_with_a_long_text(
    service: Service, host: Host, new_page: NewPage
) -> None:
    """In a wide bar and in a narrow one; nothing on the host page is pushed about."""
    for width in (1280, 320):
        page = new_page(viewport={"width": width, "height": 600})
        host.open(page, service, '<breaking-ticker channel="es" lang="es"></breaking-ticker>')
        expect(ticker(page)).to_have_js_property("status", "live", timeout=SOON)
        before = ticker(page).evaluate("(node) => node.offsetHeight")
        long = f"Una noticia muy larga {width} " + "que no acaba nunca " * 12
        service.post("es", long.strip())
        expect(current(page)).to_have_text(long.strip(), timeout=SOON)
        assert ticker(page).evaluate("(node) => node.offsetHeight") == before
        expect(page.locator("li.current .text")).to_have_attribute("title", long.strip())


def test_the_pause_button_is_large_enough_to_hit(service: Service, host: Host, new_page: NewPage) -> None:
    """At least 24 px with a mouse, 44 px under a finger."""
    for options, least in (({}, 24), ({"has_touch": True, "is_mobile": True}, 44)):
        page = new_page(**options)
        host.open(page, service, BAR)
        box = page.get_by_role("button", name="Pause").bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= least


def test_a_page_s_own_children_are_shown_until_the_first_snapshot(service: Service, host: Host, page: Page) -> None:
    """And the line's state is said in words."""
    page.route_web_socket("**/live*", lambda _: None)
    host.open(page, service, '<breaking-ticker channel="en"><a href="/feed">All alerts</a></breaking-ticker>')
    expect(page.get_by_text("connecting")).to_be_visible(timeout=SOON)
    expect(page.get_by_role("link", name="All alerts")).to_be_visible()


def test_frames_that_no_server_of_ours_sends_do_no_harm(service: Service, host: Host, new_page: NewPage) -> None:
    """A script link, a bidi override, a word of 10 kB, unknown types and fields, and no JSON at all."""
    items: list[dict[str, Any]] = [
        {"id": "1", "version": 1, "headline": "click me", "link": "javascript:alert(1)", "novelty": {"x": 1}},
        {
            "id": "2",
            "version": 1,
            "headline": "\u202eevil\u2066",
            "direction": 'rtl" onclick="x',
            "attribution": "AP",
        },
        {"id": "3", "version": 1, "headline": "w" * 10_000, "link": "http://plain.example/"},
        {
            "id": "4",
            "version": 1,
            "headline": "<script>alert(1)</script>",
            "link": "https://good.example/story",
        },
    ]

    def answer(line: WebSocketRoute) -> None:
        line.send("this is no JSON")
        line.send("null")
        line.send(json.dumps({"type": "fanfare", "cursor": "9-9", "items": []}))
        line.send(json.dumps({"type": "snapshot", "channel": "en", "cursor": "1-4", "items": items}))
        line.send(json.dumps({"type": "entry", "cursor": "1-5", "act": "sing", "item": {"id": "1", "version": 2}}))

    for markup in (BAR, LIST):
        page = new_page(viewport={"width": 320, "height": 600})
        page.route_web_socket("**/live*", answer)
        host.open(page, service, markup)
        expect(headlines(page)).to_have_text([item["headline"] for item in items], timeout=SOON)
        links = page.locator("li a").evaluate_all("nodes => nodes.map((node) => [node.href, node.rel, node.target])")
        assert links == [["https://good.example/story", "noopener", "_blank"]]
        expect(page.locator("li .text").nth(1)).to_have_attribute("dir", "auto")
        assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_a_correction_keeps_its_place_says_so_in_a_word_and_acts_while_paused(
    service: Service, host: Host, page: Page
) -> None:
    """An older version that arrives late changes nothing."""
    lines: list[WebSocketRoute] = []
    newer = {"id": "2", "version": 1, "headline": "Nothing to do with it"}
    older = {"id": "1", "version": 1, "headline": "430 flights cancelled"}
    corrected = {**older, "version": 3, "headline": "340 flights cancelled", "signal": "correction"}
    late = {**older, "version": 2, "headline": "440 flights cancelled"}

    def answer(line: WebSocketRoute) -> None:
        line.send(json.dumps({"type": "snapshot", "channel": "en", "cursor": "1-2", "items": [newer, older]}))
        lines.append(line)

    page.route_web_socket("**/live*", answer)
    host.open(page, service, LIST)
    expect(headlines(page)).to_have_text(["Nothing to do with it", "430 flights cancelled"], timeout=SOON)
    expect(page.get_by_text("corrected")).to_have_count(0)
    page.get_by_role("button", name="Pause").click()
    item = {**corrected, "correction_note": "An earlier version said 430."}
    lines[0].send(json.dumps({"type": "entry", "cursor": "1-3", "previous": "1-2", "act": "correct", "item": item}))
    lines[0].send(json.dumps({"type": "entry", "cursor": "1-4", "previous": "1-3", "act": "update", "item": late}))
    expect(headlines(page)).to_have_text(["Nothing to do with it", "340 flights cancelled"], timeout=SOON)
    expect(page.locator("li").nth(1)).to_contain_text("corrected")
    expect(page.get_by_text("An earlier version said 430.")).to_be_visible()


def test_a_correction_is_as_loud_as_what_it_corrects(service: Service, host: Host, page: Page) -> None:
    """The bar turns to it and over, it is announced with its note, and it keeps its place."""
    flash: dict[str, Any] = {"urgency": 1, "language": "en"}
    feed = Feed(page, alert("2"), alert("1", headline="430 flights cancelled", **flash))
    host.open(page, service, BAR)
    expect(current(page)).to_have_text("Alert 2", timeout=SOON)
    corrected = {"headline": "340 flights cancelled", "signal": "correction", "correction_note": "340, not 430."}
    feed.entry("correct", alert("1", 2, attribution="AP", **corrected, **flash))
    expect(current(page)).to_have_text("340 flights cancelled", timeout=SOON)
    expect(page.locator("breaking-ticker .bar.flash")).to_be_visible()
    expect(ticker(page).get_by_role("status")).to_have_text(
        "corrected – AP: 340 flights cancelled – 340, not 430.", timeout=SOON
    )
    expect(page.locator("li.current .reason")).to_be_visible()
    expect(headlines(page)).to_have_text(["Alert 2", "340 flights cancelled"])


def test_a_correction_in_a_list_is_lit_where_it_stands(service: Service, host: Host, page: Page) -> None:
    """And not the alert that happens to stand first."""
    feed = Feed(page, alert("2"), alert("1", urgency=1))
    host.open(page, service, LIST)
    expect(headlines(page)).to_have_text(["Alert 2", "Alert 1"], timeout=SOON)
    feed.entry("correct", alert("1", 2, urgency=1, signal="correction", correction_note="Not so."))
    expect(page.locator("li.flash .headline")).to_have_text(["Alert 1"], timeout=SOON)
    expect(page.locator("li.flash")).to_have_count(0, timeout=SOON)


def test_corrections_among_many_alerts_are_each_announced(service: Service, host: Host, page: Page) -> None:
    """What is new can be counted; what was wrong has to be said."""
    page.clock.install()
    feed = Feed(page, alert("1"), alert("0"))
    host.open(page, service, BAR)
    expect(headlines(page)).to_have_count(2, timeout=SOON)
    feed.entry("publish", alert("2"))
    announcer = ticker(page).get_by_role("status")
    expect(announcer).to_have_text("Alert 2", timeout=SOON)
    for number in (3, 4):
        feed.entry("publish", alert(str(number)))
    feed.entry("correct", alert("1", 2, signal="correction", correction_note="Not so."))
    feed.entry("update", alert("0", 2, signal="update", headline="Alert 0, and more"))
    expect(headlines(page).last).to_have_text("Alert 0, and more")
    page.clock.run_for(10_500)
    expect(announcer).to_have_text("corrected – Alert 1 – Not so. 2 new alerts")
    expect(announcer).to_have_attribute("lang", "en")


def test_a_correction_that_comes_with_a_snapshot_is_told_too(service: Service, host: Host, page: Page) -> None:
    """Who polls, or was given everything again, hears of it as others do, and only once."""
    note = {"signal": "correction", "correction_note": "Not so."}
    feed = Feed(page, alert("2", 2, **note), alert("1"))
    host.open(page, service, f"<main>{BAR}</main>")
    expect(headlines(page)).to_have_count(2, timeout=SOON)
    page.evaluate("""() => {
        document.title = 'heard';
        document.addEventListener('ticker-update', ({ detail }) => (document.title += ` ${detail.item.id}`));
    }""")
    items = [alert("2", 3, pinned_until="2099-01-01T00:00:00.000Z", **note), alert("1", 2, **note)]
    feed.send(type="reset", reason="window", items=items, tombstones=[], versions=[])
    expect(ticker(page).get_by_role("status")).to_have_text("corrected – Alert 1 – Not so.", timeout=SOON)
    expect(page).to_have_title("heard 1")


def test_an_update_says_so_in_a_word_and_makes_no_noise(service: Service, host: Host, page: Page) -> None:
    """It keeps its place, in each language; its note can be read, if it has one."""
    for channel, word in (("en", "updated"), ("ar", "محدَّث"), ("es", "actualizada")):
        feed = Feed(page, alert("2", language=channel), alert("1", language=channel))
        host.open(page, service, f'<breaking-ticker channel="{channel}"></breaking-ticker>')
        expect(current(page)).to_have_text("Alert 2", timeout=SOON)
        feed.entry("update", alert("1", 2, signal="update", correction_note="More to come.", language=channel))
        expect(page.locator("li .mark")).to_have_text([word], timeout=SOON)
        expect(page.locator("li .reason")).to_have_text(["More to come."])
        expect(current(page)).to_have_text("Alert 2")
        expect(ticker(page).get_by_role("status")).to_have_text("")


def test_an_alert_that_is_moved_to_the_top_is_shown_there_and_the_turning_goes_on(
    service: Service, host: Host, page: Page
) -> None:
    """Its age is that of the move, it is announced, and the page hears of an update."""
    first = service.post("en", "The first")["item"]
    service.post("en", "The second")
    service.post("en", "The third")
    page.clock.install()
    host.open(page, service, BAR)
    expect(current(page)).to_have_text("The third", timeout=SOON)
    page.evaluate("""() => {
        document.title = 'heard';
        for (const name of ['ticker-item', 'ticker-update'])
            document.addEventListener(name, ({ detail }) => (document.title += ` ${name} ${detail.item.version}`));
    }""")
    moved = act(service, first, signal="update", bump=True, headline="The first, and more")
    expect(headlines(page)).to_have_text(["The first, and more", "The third", "The second"], timeout=SOON)
    expect(current(page)).to_have_text("The first, and more")
    expect(page.locator("li.current time")).to_have_attribute("datetime", moved["bumped_at"])
    expect(ticker(page).get_by_role("status")).to_have_text("updated – The first, and more", timeout=SOON)
    expect(page).to_have_title("heard ticker-update 2")
    page.clock.run_for(6_500)
    expect(current(page)).to_have_text("The third")
    page.clock.run_for(6_000)
    expect(current(page)).to_have_text("The second")


def test_an_alert_that_is_moved_to_the_top_stays_where_it_is_while_paused(
    service: Service, host: Host, page: Page
) -> None:
    """Its new text is shown at once, nothing is announced, nothing waits; on play it goes up."""
    feed = Feed(page, alert("2"), alert("1"))
    host.open(page, service, LIST)
    expect(headlines(page)).to_have_text(["Alert 2", "Alert 1"], timeout=SOON)
    page.get_by_role("button", name="Pause").click()
    feed.entry("publish", alert("1", 2, headline="Alert 1, and more", signal="update"))
    expect(headlines(page)).to_have_text(["Alert 2", "Alert 1, and more"], timeout=SOON)
    expect(ticker(page)).to_have_js_property("waiting", 0)
    page.get_by_role("button", name="Play").click()
    expect(headlines(page)).to_have_text(["Alert 1, and more", "Alert 2"], timeout=SOON)
    expect(ticker(page).get_by_role("status")).to_have_text("")


def test_a_held_alert_leaves_and_comes_back_on_top_when_it_is_released(
    service: Service, host: Host, page: Page
) -> None:
    """While the ticker is paused it leaves too, and waits like a new one."""
    first = service.post("en", "The first")["item"]
    service.post("en", "The second")
    host.open(page, service, f"<main>{LIST}</main>")
    expect(headlines(page)).to_have_text(["The second", "The first"], timeout=SOON)
    page.evaluate("""() => {
        document.title = 'heard';
        for (const name of ['item', 'update', 'retract'])
            document.addEventListener(`ticker-${name}`, () => (document.title += ` ${name}`));
    }""")
    held = act(service, first, "hold", reason="Is it so?")
    expect(headlines(page)).to_have_text(["The second"], timeout=SOON)
    first = act(service, held, "release")
    expect(headlines(page)).to_have_text(["The first", "The second"], timeout=SOON)
    expect(page).to_have_title("heard retract item")
    page.get_by_role("button", name="Pause").click()
    held = act(service, first, "hold")
    expect(headlines(page)).to_have_text(["The second"], timeout=SOON)
    act(service, held, "release")
    expect(ticker(page)).to_have_js_property("waiting", 1, timeout=SOON)
    expect(headlines(page)).to_have_text(["The second"])
    page.get_by_role("button", name="Play").click()
    expect(headlines(page)).to_have_text(["The first", "The second"], timeout=SOON)


def test_what_a_reset_says_is_held_can_be_released_and_what_is_retracted_cannot(
    service: Service, host: Host, page: Page
) -> None:
    """By the version beside each tombstone; where a server tells none, all of them are final."""
    feed = Feed(page, alert("1"), alert("2"), alert("3"))
    host.open(page, service, LIST)
    expect(headlines(page)).to_have_count(3, timeout=SOON)
    feed.send(type="reset", reason="lag", items=[alert("9")], tombstones=["1", "2"], versions=[4, None])
    feed.send(type="reset", reason="lag", items=[alert("9")], tombstones=["3"])
    for item_id in "123":
        for version in (4, 5):
            feed.entry("publish", alert(item_id, version))
    feed.entry("publish", alert("10"))
    expect(headlines(page)).to_have_text(["Alert 10", "Alert 1", "Alert 9"], timeout=SOON)


def test_a_burst_is_drawn_once_and_leaves_the_newest_ten(service: Service, host: Host, page: Page) -> None:
    """A thousand alerts in one moment do not stop the page."""
    lines: list[WebSocketRoute] = []

    def answer(line: WebSocketRoute) -> None:
        line.send(json.dumps({"type": "snapshot", "channel": "en", "cursor": "1-0", "items": []}))
        lines.append(line)

    page.route_web_socket("**/live*", answer)
    host.open(page, service, LIST)
    expect(ticker(page)).to_have_js_property("status", "live", timeout=SOON)
    page.evaluate("""() => {
        window.drawn = 0;
        const list = document.querySelector('breaking-ticker').shadowRoot.querySelector('ul');
        new MutationObserver(() => (window.drawn += 1)).observe(list, { childList: true });
    }""")
    entries = [
        {"act": "publish", "cursor": f"1-{n}", "item": {"id": str(n), "version": 1, "headline": f"Alert {n}"}}
        for n in range(1, 1001)
    ]
    lines[0].send(json.dumps({"type": "resume", "channel": "en", "cursor": "1-1000", "entries": entries}))
    expect(headlines(page)).to_have_text([f"Alert {n}" for n in range(1000, 990, -1)], timeout=SOON)
    assert page.evaluate("window.drawn") == 1


def test_attribution_and_headline_keep_their_order_in_mixed_scripts(service: Service, host: Host, page: Page) -> None:
    """A Latin agency stands to the right of an Arabic headline that begins with a figure."""
    service.post("ar", "25% من سكان Berlin", attribution="Reuters")
    host.open(page, service, '<breaking-ticker channel="ar" mode="list"></breaking-ticker>')
    expect(headlines(page)).to_have_count(1, timeout=SOON)
    agency = page.locator("li .attribution").bounding_box()
    headline = page.locator("li .headline").bounding_box()
    assert agency is not None
    assert headline is not None
    assert agency["x"] >= headline["x"] + headline["width"]


def test_new_alerts_are_announced_politely_and_those_at_the_start_are_not(
    service: Service, host: Host, page: Page
) -> None:
    """The first at once; what follows within ten seconds is said together."""
    service.post("en", "Old news")
    page.clock.install()
    host.open(page, service, BAR)
    expect(current(page)).to_have_text("Old news", timeout=SOON)
    announcer = ticker(page).get_by_role("status")
    expect(announcer).to_have_text("")
    service.post("en", "Fresh news", attribution="AP")
    expect(announcer).to_have_text("AP: Fresh news", timeout=SOON)
    service.post("en", "Fresher news")
    service.post("en", "The freshest news")
    expect(headlines(page)).to_have_count(4, timeout=SOON)
    expect(announcer).to_have_text("AP: Fresh news")
    page.clock.run_for(10_500)
    expect(announcer).to_have_text("2 new alerts")


def test_a_withdrawn_text_is_not_left_where_it_was_announced(service: Service, host: Host, page: Page) -> None:
    """Neither what was said nor what was to be said next."""
    page.clock.install()
    feed = Feed(page)
    host.open(page, service, BAR)
    expect(ticker(page)).to_have_js_property("status", "live", timeout=SOON)
    for item_id in "123":
        feed.entry("publish", alert(item_id))
        if item_id == "1":
            expect(ticker(page).get_by_role("status")).to_have_text("Alert 1", timeout=SOON)
    for item_id in "12":
        feed.entry("retract", {"id": item_id, "version": 2, "pubstatus": "canceled"})
    expect(headlines(page)).to_have_text(["Alert 3"], timeout=SOON)
    expect(ticker(page).get_by_role("status")).to_have_text("")
    page.clock.run_for(10_500)
    expect(ticker(page).get_by_role("status")).to_have_text("Alert 3")


def test_a_server_that_hears_nothing_itself_is_not_called_live(service: Service, host: Host, page: Page) -> None:
    """The bar says of when its alerts are, for as long as the server's heartbeats say so."""
    page.clock.install(time="2026-11-23T14:05:10Z")
    feed = Feed(page, alert("1"))
    host.open(page, service, BAR)
    expect(ticker(page)).to_have_js_property("status", "live", timeout=SOON)
    heard = page.evaluate("new Date().toTimeString().slice(0, 5)")
    page.clock.run_for(40_000)
    feed.send(type="heartbeat", time="2026-11-23T16:00:00.000Z", stale=True)
    expect(ticker(page)).to_have_js_property("status", "stale", timeout=SOON)
    page.clock.run_for(40_000)
    feed.send(type="heartbeat", time="2026-11-23T16:00:00.000Z", stale=True)
    page.clock.run_for(1_000)
    expect(page.get_by_text(f"as of {heard}")).to_be_visible()
    feed.send(type="heartbeat", time="2026-11-23T16:00:25.000Z")
    expect(ticker(page)).to_have_js_property("status", "live", timeout=SOON)
    page.clock.run_for(1_000)
    expect(page.get_by_text("as of")).to_be_hidden()


def test_the_host_page_hears_what_happens(service: Service, host: Host, page: Page) -> None:
    """The events pass out of the shadow root and up to the document."""
    host.open(page, service, f"<main>{BAR}</main>")
    expect(ticker(page)).to_have_js_property("status", "live", timeout=SOON)
    page.evaluate("""() => {
        document.title = 'heard';
        for (const name of ['ticker-item', 'ticker-retract']) {
            document.addEventListener(name, ({ detail }) => (document.title += ` ${name} ${detail.item.id}`));
        }
    }""")
    item = service.post("en", "The first")["item"]["id"]
    expect(page).to_have_title(f"heard ticker-item {item}", timeout=SOON)
    service.retract("en", item, "Posted in error")
    expect(page).to_have_title(f"heard ticker-item {item} ticker-retract {item}", timeout=SOON)


def test_the_script_may_be_loaded_twice(service: Service, host: Host, page: Page) -> None:
    """Two partners of one site often bring the same widget."""
    host.open(page, service, BAR)
    same = page.evaluate(
        """async (url) => {
        const first = await customElements.whenDefined('breaking-ticker');
        const { BreakingTicker } = await import(`${url}/widget/v1/breaking-ticker.js?again`);
        return [customElements.get('breaking-ticker') === first, BreakingTicker === first];
    }""",
        service.url,
    )
    assert [True, False] == same
