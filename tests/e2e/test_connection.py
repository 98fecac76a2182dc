"""The browser's end of the line, with a clock and a transport that the test holds in its hands."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from .cast import Service
from .host import Host

# A clock that jumps from timer to timer, sockets that do what they are told, and a server that answers polls.
BENCH = """async ({ home, src }) => {
    const { Connection } = await import(`${home}/widget/v1/connection.js`);
    const bench = { now: 0, timers: new Map(), sockets: [], polls: [], frames: [], statuses: [], random: 0.5 };
    let last = 0;
    class Socket {
        constructor(url) {
            this.url = new URL(url);
            this.at = bench.now;
            this.closed = false;
            this.told = [];
            bench.sockets.push(this);
        }
        close() { this.closed = true; }
        open() { this.onopen?.(); }
        bring(frame) { this.onmessage?.({ data: JSON.stringify(frame) }); }
        end(code, reason = '') { this.onclose?.({ code, reason }); }
    }
    class Events extends Socket {
        constructor(url) {
            super(url);
            this.listeners = {};
        }
        addEventListener(name, listener) { this.listeners[name] = listener; }
        farewell(code, reason) { this.listeners.close({ data: JSON.stringify({ code, reason }) }); }
        end() { this.onerror?.(); }
    }
    bench.window = { cursor: '1-9', items: [] };
    const soon = setTimeout;
    Object.assign(globalThis, {
        // An event stream only listens, and that is how the two are told apart.
        WebSocket: class extends Socket {
            send(text) { this.told.push(text); }
        },
        EventSource: Events,
        fetch: async (url) => {
            bench.polls.push({ url, at: bench.now });
            if (bench.window === null) throw new TypeError('no network');
            return { ok: true, json: async () => bench.window };
        },
        setTimeout: (run, ms) => {
            bench.timers.set(++last, { at: bench.now + ms, run });
            return last;
        },
        clearTimeout: (timer) => bench.timers.delete(timer),
    });
    Math.random = () => bench.random;
    Date.now = () => bench.now;
    bench.connection = new Connection({
        src,
        channel: 'en',
        filters: { section: ['sport', 'world'], tag: [] },
        onFrame: (frame) => bench.frames.push(frame),
        onStatus: (status) => bench.statuses.push(status),
    });
    bench.pass = async (ms) => {
        const until = bench.now + ms;
        for (;;) {
            const due = [...bench.timers].filter(([, timer]) => timer.at <= until).sort((a, b) => a[1].at - b[1].at)[0];
            if (!due) break;
            bench.timers.delete(due[0]);
            bench.now = due[1].at;
            due[1].run();
            await new Promise((resolve) => soon(resolve));
        }
        bench.now = until;
    };
    bench.again = async () => {
        for (const before = bench.sockets.length; bench.sockets.length === before; ) await bench.pass(100);
    };
    bench.last = () => bench.sockets.at(-1);
    bench.live = (cursor = '1-1', bounds = { min_ms: 500, max_ms: 30000 }) => {
        bench.last().open();
        bench.last().bring({ type: 'snapshot', channel: 'en', cursor, items: [], reconnect: bounds });
    };
    window.bench = bench;
}"""


@pytest.fixture
def bench(newsroom: Service, host: Host, page: Page) -> Page:
    """A page with `window.bench`: connection, clock, sockets and polls."""
    host.open(page, newsroom, "")
    page.evaluate(BENCH, {"home": newsroom.url, "src": "https://news.example/sub"})
    return page


def run(bench: Page, script: str) -> Any:
    """The value of an async function's body that has `bench` at hand."""
    return bench.evaluate(f"async () => {{ const {{ bench }} = window; {script} }}")


def test_it_asks_for_the_channel_with_its_filters_and_without_a_cursor_at_first(bench: Page) -> None:
    """The filters are the server's work; the address keeps the path that the server lies under."""
    url = run(bench, "bench.connection.start(); return bench.last().url.href;")
    assert url == "wss://news.example/sub/v1/channels/en/live?section=sport&section=world"


def test_it_comes_back_with_the_newest_cursor_whether_from_an_entry_or_a_heartbeat(bench: Page) -> None:
    """A quiet channel moves on too."""
    cursors = run(
        bench,
        """
        bench.connection.start();
        bench.live('1-1');
        bench.last().bring({ type: 'entry', cursor: '1-2', previous: '1-1', act: 'publish', item: { id: 'A' } });
        bench.last().end(1006);
        await bench.again();
        const first = bench.last().url.searchParams.get('cursor');
        bench.last().open();
        bench.last().bring({ type: 'resume', cursor: '1-2', entries: [] });
        bench.last().bring({ type: 'heartbeat', cursor: '1-7' });
        bench.last().end(1006);
        await bench.again();
        return [first, bench.last().url.searchParams.get('cursor')];
        """,
    )
    assert cursors == ["1-2", "1-7"]


@pytest.mark.parametrize(("random", "least", "most"), [(0.0, 2_000, 2_000), (0.999999, 7_900, 8_000)])
def test_the_first_retry_is_spread_within_the_bounds_that_the_server_gave(
    bench: Page, random: float, least: int, most: int
) -> None:
    """All readers of a server that crashed do not come in the same moment."""
    after = run(
        bench,
        f"""
        bench.connection.start();
        bench.live('1-1', {{ min_ms: 2000, max_ms: 60000 }});
        bench.random = {random};
        bench.last().end(1006);
        await bench.pass(20000);
        return bench.sockets[1].at;
        """,
    )
    assert least <= after <= most


def test_the_waits_grow_up_to_the_server_s_greatest_and_only_a_stable_line_starts_afresh(bench: Page) -> None:
    """A line that opens and drops at once counts as another failure."""
    waits = run(
        bench,
        """
        bench.random = 0.999999;
        bench.connection.start();
        const waits = [];
        for (let n = 0; n < 6; n++) {
            bench.live('1-1', { min_ms: 500, max_ms: 10000 });
            bench.last().end(1006);
            const cut = bench.now;
            await bench.again();
            waits.push(Math.round((bench.last().at - cut) / 1000));
        }
        bench.live('1-1', { min_ms: 500, max_ms: 10000 });
        await bench.pass(6000);
        bench.last().end(1006);
        const cut = bench.now;
        await bench.pass(5000);
        waits.push(Math.round((bench.last().at - cut) / 1000));
        return waits;
        """,
    )
    assert waits == [2, 4, 8, 10, 10, 10, 2]


def test_a_server_that_drains_says_when_to_come_back(bench: Page) -> None:
    """1012 with `retry_ms`: it spread its readers itself. Without a usable reason, the usual wait holds."""
    waits = run(
        bench,
        """
        bench.connection.start();
        bench.live();
        bench.last().end(1012, '{"retry_ms": 12345}');
        await bench.pass(20000);
        const first = bench.sockets[1].at;
        bench.live();
        const cut = bench.now;
        bench.last().end(1012, 'soon');
        await bench.pass(20000);
        return [first, bench.sockets[2].at - cut];
        """,
    )
    assert waits[0] == 12_345
    assert 500 <= waits[1] <= 4_000


def test_a_position_of_no_use_is_forgotten_before_coming_back(bench: Page) -> None:
    """4010 asks for a snapshot; 4008, slow, keeps the cursor."""
    cursors = run(
        bench,
        """
        bench.connection.start();
        bench.live('1-5');
        bench.last().end(4008);
        await bench.again();
        const slow = bench.last().url.searchParams.get('cursor');
        bench.last().open();
        bench.last().bring({ type: 'resume', cursor: '1-5', entries: [] });
        bench.last().end(4010);
        await bench.again();
        return [slow, bench.last().url.searchParams.get('cursor')];
        """,
    )
    assert cursors == ["1-5", None]


def test_a_server_without_a_place_is_polled_and_not_called_again(bench: Page) -> None:
    """4503: every ten seconds or so, with the filters; the window arrives as a snapshot when it is another one."""
    seen = run(
        bench,
        """
        bench.connection.start();
        bench.live('1-1');
        bench.last().end(4503);
        await bench.pass(60000);
        const polls = [...bench.polls];
        const gaps = polls.slice(1).map((poll, n) => poll.at - polls[n].at);
        return {
            sockets: bench.sockets.length,
            gaps,
            address: polls[0].url,
            frames: bench.frames.filter((frame) => frame.cursor === '1-9').map((frame) => frame.type),
            statuses: bench.statuses,
        };
        """,
    )
    assert seen["sockets"] == 1
    assert len(seen["gaps"]) >= 4
    assert all(7_500 <= gap <= 12_500 for gap in seen["gaps"])
    assert seen["address"] == "https://news.example/sub/v1/channels/en/items?section=sport&section=world"
    assert seen["frames"] == ["snapshot"]
    assert seen["statuses"] == ["connecting", "live", "connecting", "polling"]


def test_where_no_line_can_be_opened_it_polls_meanwhile_and_stops_when_one_is(bench: Page) -> None:
    """Three refusals in a row; the line is tried on, and takes over from the poll's cursor."""
    seen = run(
        bench,
        """
        bench.connection.start();
        while (bench.polls.length < 2) {
            if (!bench.last().closed) bench.last().end(1006);
            await bench.pass(500);
        }
        const refused = bench.sockets.length;
        while (bench.last().closed) await bench.pass(500);
        bench.last().open();
        bench.last().bring({ type: 'resume', cursor: '1-9', entries: [] });
        const before = bench.polls.length;
        await bench.pass(50000);
        return {
            refused,
            cursor: bench.last().url.searchParams.get('cursor'),
            polledOn: bench.polls.length - before,
            statuses: bench.statuses,
        };
        """,
    )
    assert seen["refused"] >= 3
    assert seen["cursor"] == "1-9"
    assert seen["polledOn"] == 0
    assert seen["statuses"] == ["connecting", "polling", "live"]


def test_a_silent_line_is_stale_and_is_replaced(bench: Page) -> None:
    """After two missed heartbeats, whatever the browser believes of the socket."""
    seen = run(
        bench,
        """
        bench.connection.start();
        bench.live();
        await bench.pass(50000);
        bench.last().bring({ type: 'heartbeat', cursor: '1-1' });
        await bench.pass(50000);
        const patient = bench.sockets.length;
        await bench.pass(5000);
        const statuses = [...bench.statuses];
        await bench.pass(2000);
        return { patient, statuses, closed: bench.sockets[0].closed, sockets: bench.sockets.length };
        """,
    )
    assert seen == {"patient": 1, "statuses": ["connecting", "live", "stale"], "closed": True, "sockets": 2}


def test_when_the_network_is_back_it_tries_at_once(bench: Page) -> None:
    """Not when a timer of half a minute says so."""
    at = run(
        bench,
        """
        bench.connection.start();
        bench.live('1-1', { min_ms: 20000, max_ms: 30000 });
        bench.last().end(1006);
        await bench.pass(1000);
        bench.connection.wake();
        return bench.sockets[1].at;
        """,
    )
    assert at == 1_000


@pytest.mark.parametrize(
    "moment",
    ["", "bench.live();", "bench.live(); bench.last().end(1006);", "bench.live(); bench.last().end(4503);"],
    ids=["opening", "live", "between two attempts", "polling"],
)
def test_stopped_it_leaves_no_socket_and_no_timer(bench: Page, moment: str) -> None:
    """While opening, live, between two attempts, and while polling."""
    left = run(
        bench,
        f"""
        bench.connection.start();
        {moment}
        bench.connection.stop();
        bench.last().end(1006);
        const {{ size }} = bench.timers;
        await bench.pass(100000);
        return [size, bench.timers.size, bench.last().closed || bench.sockets.length === 1, bench.polls.length];
        """,
    )
    assert left == [0, 0, True, 0]


@pytest.mark.parametrize(("random", "receipts", "told"), [(0.4, 0.5, 2), (0.5, 0.5, 0), (0.0, None, 0)])
def test_who_is_asked_tells_what_was_shown_and_decides_that_once(
    bench: Page, random: float, receipts: float | None, told: int
) -> None:
    """By its own chance, and as long as it lives: not anew with each line. Without being asked it says nothing."""
    share = "undefined" if receipts is None else str(receipts)
    sent = run(
        bench,
        f"""
        const first = {{ type: 'snapshot', channel: 'en', cursor: '1-1', items: [], receipts: {share} }};
        bench.now = 1000;
        bench.random = {random};
        bench.connection.start();
        bench.connection.seen('1-0');
        bench.last().open();
        bench.last().bring(first);
        bench.connection.seen('1-2');
        bench.last().end(1006);
        bench.connection.seen('1-3');
        bench.random = 1 - {random};
        await bench.again();
        bench.connection.seen('1-4');
        bench.last().open();
        bench.last().bring(first);
        bench.connection.seen('1-5');
        return bench.sockets.flatMap((socket) => socket.told.map((text) => JSON.parse(text)));
        """,
    )
    assert sent == [{"type": "seen", "cursor": "1-2"}, {"type": "seen", "cursor": "1-5"}][:told]


def test_where_no_socket_gets_through_events_do_and_a_socket_is_tried_again_beside_them(bench: Page) -> None:
    """From the cursor on; when the socket brings its first frame, it takes over, and the events are closed."""
    seen = run(
        bench,
        """
        const kinds = () => bench.sockets.map((wire) => (wire instanceof EventSource ? 'events' : 'socket'));
        bench.connection.start();
        bench.last().end(1006);
        await bench.again();
        bench.last().end(1006);
        await bench.again();
        const begun = kinds();
        const events = bench.last();
        bench.live('1-3');
        const silence = bench.sockets.length;
        const probed = async () => {
            for (const before = bench.sockets.length; bench.sockets.length === before; await bench.pass(1000)) {
                events.bring({ type: 'heartbeat', cursor: '1-4' });
            }
        };
        await probed();
        const probe = bench.last();
        const address = [probe.url.protocol, probe.url.searchParams.get('cursor')];
        probe.end(1006);
        await probed();
        const second = bench.last();
        second.open();
        second.bring({ type: 'resume', cursor: '1-4', entries: [] });
        second.bring({ type: 'heartbeat', cursor: '1-5' });
        return {
            begun,
            silence,
            address,
            kinds: kinds(),
            closed: events.closed,
            statuses: bench.statuses,
            cursor: bench.connection.cursor,
        };
        """,
    )
    assert seen == {
        "begun": ["socket", "socket", "events"],
        "silence": 3,
        "address": ["wss:", "1-4"],
        "kinds": ["socket", "socket", "events", "socket", "socket"],
        "closed": True,
        "statuses": ["connecting", "live"],
        "cursor": "1-5",
    }


def test_a_probe_that_hangs_is_given_up_and_disturbs_nobody(bench: Page) -> None:
    """The events stay the line; the next probe comes later than the first did."""
    seen = run(
        bench,
        """
        bench.connection.start();
        for (let n = 0; n < 2; n++) {
            bench.last().end(1006);
            await bench.again();
        }
        const events = bench.last();
        bench.live('1-3');
        const probes = [];
        while (probes.length < 3) {
            events.bring({ type: 'heartbeat', cursor: '1-3' });
            await bench.pass(1000);
            if (bench.last() !== (probes.at(-1) ?? events)) probes.push(bench.last());
        }
        const gaps = probes.slice(1).map((probe, n) => Math.round((probe.at - probes[n].at) / 1000));
        return { gaps, first: probes[0].closed, events: events.closed, statuses: bench.statuses };
        """,
    )
    assert seen == {"gaps": [135, 255], "first": True, "events": False, "statuses": ["connecting", "live"]}


def test_an_event_stream_is_held_to_the_codes_that_it_says(bench: Page) -> None:
    """1012 with its time, 4503 for good; and the browser's own way of coming back is not left to it."""
    seen = run(
        bench,
        """
        bench.connection.start();
        for (let n = 0; n < 2; n++) {
            bench.last().end(1006);
            await bench.again();
        }
        bench.live('1-3');
        const first = bench.last();
        first.farewell(1012, '{"retry_ms": 12345}');
        const left = bench.now;
        await bench.again();
        const waited = bench.last().at - left;
        const again = bench.last() instanceof EventSource;
        bench.live('1-3');
        bench.last().farewell(4503, '');
        const count = bench.sockets.length;
        await bench.pass(60000);
        const more = bench.sockets.length - count;
        return { waited, again, closed: first.closed, more, polls: bench.polls.length > 3 };
        """,
    )
    assert seen == {"waited": 12_345, "again": True, "closed": True, "more": 0, "polls": True}


def test_somebody_who_has_seen_nothing_polls_while_a_line_hangs(bench: Page) -> None:
    """Within five seconds, and without giving the line up; who has a cursor waits for the line."""
    seen = run(
        bench,
        """
        bench.connection.start();
        await bench.pass(5000);
        const polls = bench.polls.length;
        const { statuses } = bench;
        bench.live('1-9');
        await bench.pass(30000);
        return { polls, after: bench.polls.length, sockets: bench.sockets.length, statuses };
        """,
    )
    assert seen == {"polls": 1, "after": 1, "sockets": 1, "statuses": ["connecting", "polling", "live"]}


def test_when_the_network_is_lost_it_says_so_at_once_and_goes_on_trying(bench: Page) -> None:
    """A browser takes minutes to see that a socket is dead; it knows at once that its network is gone."""
    seen = run(
        bench,
        """
        bench.connection.start();
        bench.live('1-1');
        bench.connection.lost();
        const statuses = [...bench.statuses];
        const closed = bench.last().closed;
        await bench.again();
        return { statuses, closed, cursor: bench.last().url.searchParams.get('cursor') };
        """,
    )
    assert seen == {"statuses": ["connecting", "live", "offline"], "closed": True, "cursor": "1-1"}
