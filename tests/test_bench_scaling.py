"""The model of a fleet: it keeps to the product's rules, loses nobody, and agrees with what is worked out by hand."""

from __future__ import annotations

import json
import math
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from socket import SocketType
from xml.etree import ElementTree

import numpy as np
import pytest
from bench.scaling import page, real, scenarios
from bench.scaling.chart import Panel, Series, lines, short
from bench.scaling.failover import failover
from bench.scaling.figures import DOCS, figures
from bench.scaling.measure import _frame_bytes
from bench.scaling.model import SEGMENT, Choice, Day, plan, processes_for, wire_bytes
from bench.scaling.rules import WIDGET, rules, widget_constants
from bench.scaling.scenarios import CALM, Fleet, per_second
from bench.scaling.setting import Setting
from bench.scaling.simulation import Simulation
from ticker.drain import Drain
from ticker.errors import Full
from ticker.lane import Lane, Reader, Way
from ticker.places import Places
from ticker.settings import Settings
from ticker.wire import text_frame

RULES, COSTS = rules(), figures()
PAGE = (DOCS / "scaling.md").read_text(encoding="utf-8")
SVG = "{http://www.w3.org/2000/svg}"
DELAYS = """
import { Connection } from './connection.js';
const delays = [];
let chance = 0;
Math.random = () => chance;
let wire;
globalThis.WebSocket = class { constructor() { wire = this; } send() {} close() {} };
globalThis.EventSource = class { constructor() { wire = this; } addEventListener() {} close() {} };
globalThis.fetch = () => new Promise(() => {});
globalThis.clearTimeout = () => {};
let retry;
globalThis.setTimeout = (run, ms) => { retry = [run, ms]; return 1; };
for (chance of [0, 1]) {
  const line = new Connection({ src: 'http://a/', channel: 'en', onFrame() {}, onStatus() {} });
  line.start('1-1');
  const found = [];
  for (let failures = 0; failures < 9; failures++) {
    let planned;
    globalThis.setTimeout = (run, ms) => { planned ??= [run, ms]; return 1; };
    ('onclose' in wire && wire.onclose ? wire.onclose({ code: 1006, reason: '' }) : wire.onerror());
    found.push(planned[1]);
    planned[0]();
  }
  delays.push(found);
}
console.log(JSON.stringify(delays));
"""


def fleet(readers: int = 30_000, processes: int = 6, **changes: object) -> Fleet:
    """A small one."""
    return replace(Fleet(RULES, COSTS, readers, processes), **changes)  # type: ignore[arg-type]


def simulation(readers: int, processes: int, seconds: float = 60, **changes: object) -> Simulation:
    """Everybody seated, and nothing planned."""
    return Simulation(replace(Setting(RULES, COSTS, readers, processes, seconds), **changes))  # type: ignore[arg-type]


# The rules are the product's.


def test_the_back_off_is_the_one_that_the_widget_keeps(tmp_path: Path) -> None:
    """Its own code, asked for its delays with the smallest and the greatest chance."""
    (tmp_path / "connection.js").write_text(WIDGET.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "ask.mjs").write_text(DELAYS, encoding="utf-8")
    (tmp_path / "package.json").write_text('{"type":"module"}', encoding="utf-8")
    said = subprocess.run(
        ["node", "--no-warnings", "ask.mjs"], cwd=tmp_path, capture_output=True, text=True, timeout=20, check=True
    )
    least, most = json.loads(said.stdout)
    assert [RULES.client.least * 1000] * len(least) == least
    assert [RULES.client.bound(failures) * 1000 for failures in range(len(most))] == most


def test_the_widgets_numbers_are_read_from_its_code() -> None:
    """So that the model changes with them; and what it does not understand is refused."""
    source = WIDGET.read_text(encoding="utf-8")
    assert 55.0 == RULES.client.silence
    assert 70.0 == rules(source=source.replace("SILENCE_MS = 55_000", "SILENCE_MS = 70_000")).client.silence
    assert 3 == widget_constants(source.replace("#failures + 2)", "#failures + 3)"))["FIRST_DOUBLINGS"]
    with pytest.raises(SystemExit, match="back-off"):
        widget_constants(source.replace("2 ** (this.#failures", "3 ** (this.#failures"))


def test_the_settings_are_the_products_defaults_or_those_given() -> None:
    """Which readers are told in their first frame."""
    usual = Settings()
    assert (usual.reconnect_min_ms / 1000, usual.reconnect_max_ms / 1000) == (RULES.client.least, RULES.client.most)
    assert (usual.max_readers, usual.accept_rate, usual.ring) == (RULES.door.most, RULES.door.rate, RULES.ring)
    assert (usual.heartbeat, usual.drain) == (RULES.heartbeat, RULES.leaving.seconds)
    other = rules(Settings(reconnect_min_ms=100, accept_rate=7, drain=1.0))
    assert (0.1, 7, 1.0) == (other.client.least, other.door.rate, other.leaving.seconds)


@pytest.mark.parametrize("arrivals", [[40], [5] * 40, [0, 25, 0, 0, 9, 30, 1, 1, 1, 50]])
def test_the_door_lets_in_whom_places_lets_in(arrivals: list[int]) -> None:
    """The same numbers in the same steps, told the same seconds."""
    narrow, now = replace(RULES, door=replace(RULES.door, rate=10, most=70)), 0.0
    places = Places(70, rate=10, clock=lambda: now)
    model = simulation(sum(arrivals), 1, seconds=len(arrivals) * 0.05, rules=narrow, present=0.0)
    came = np.repeat(np.arange(len(arrivals)) * 0.05, arrivals)
    model.arrive(came)
    expected = []
    for number, count in enumerate(arrivals):
        now = number * 0.05
        for _ in range(count):
            try:
                places.take(None)
                expected.append(True)
            except Full:
                expected.append(False)
    # Who is refused comes again half a second later, which in these few steps makes no difference worth a case.
    history = model.run()
    first = min(len(arrivals), 10)
    assert expected[: sum(arrivals[:first])].count(False) == history.refused[:first].sum()


class Leaver:
    """A reader who keeps what he is told when he is sent away."""

    way, position, slot, stuck_since, place = Way.PLAIN, 0, 0, 0.0, 0
    lane: Lane | None = None
    line: SocketType | None = None

    def __init__(self, told: list[float]) -> None:
        self._told = told

    def write(self, data: bytes) -> None:
        """Nothing."""

    def rest(self, data: bytes) -> None:
        """Nothing."""

    def cut(self) -> None:
        """Nothing."""

    def close(self, code: int, reason: str) -> None:
        """The time to come back, in seconds."""
        self._told.append(json.loads(reason)["retry_ms"] / 1000)


@pytest.mark.anyio
async def test_who_is_sent_away_is_told_a_time_within_the_same_bounds() -> None:
    """By a real drain, of as many."""
    told: list[float] = []
    leaving: list[Reader] = [Leaver(told) for _ in range(3000)]
    await Drain(lambda: leaving, 0.0, (500, 30_000)).send_away(leaving)
    bound = RULES.leaving.bound(len(leaving))
    assert RULES.leaving.least <= min(told)
    assert 0.99 * bound < max(told) <= bound


# Nobody is lost.


def watched(model: Simulation, readers: int) -> list[float]:
    """Check in every step that each reader is somewhere; returns how far off that ever was."""
    off: list[float] = []

    def look(now: float) -> None:
        seated = np.bincount(model.node[model.node >= 0], minlength=len(model.held))
        off.append(abs(model.seated() + model.waiting - readers) + float(np.abs(seated - model.held).sum()))

    for number in range(model.steps):
        model.at(number * model.setting.step, look)
    return off


HAPPENINGS: dict[str, Callable[[Simulation], None]] = {
    "crash": lambda model: model.at(1, lambda now: model.crash(np.arange(6) < 2, now, 3)),
    "vanish": lambda model: model.at(1, lambda now: model.vanish(np.arange(6) < 2, now, 3)),
    "drain": lambda model: model.at(1, lambda now: model.drain(np.arange(6) < 2, now, 0.2, 3)),
    "all at once": lambda model: model.at(1, lambda now: model.crash(np.ones(6, dtype=np.bool_), now, 3)),
}


@pytest.mark.parametrize("what", HAPPENINGS)
def test_every_reader_is_somewhere_at_any_time(what: str) -> None:
    """On a process or waiting, and on the one that counts him."""
    model = simulation(6000, 6, seconds=70)
    off = watched(model, 6000)
    HAPPENINGS[what](model)
    model.run()
    assert model.steps == len(off)
    assert 0 == max(off)
    assert (0 if what == "all at once" else 6000) == model.seated()


def test_everybody_who_comes_in_a_flash_is_in_or_waits() -> None:
    """Also those who are refused."""
    narrow = replace(RULES, door=replace(RULES.door, rate=20, most=300))
    model = simulation(2000, 4, seconds=40, rules=narrow, present=0.1)
    off = watched(model, 2000)
    model.arrive(np.linspace(0, 10, 1800))
    history = model.run()
    assert 0 == max(off)
    assert 4 * 300 == model.seated()
    assert 800 == history.away[-1] == model.waiting
    assert history.refused.sum() > 800
    assert 800 == history.polling[-1]


# What can be worked out by hand.


def test_whose_line_breaks_comes_back_at_an_even_rate() -> None:
    """Between the least delay and the first bound: 1.5 seconds."""
    model = simulation(24_000, 6, seconds=4)
    model.at(0, lambda now: model.crash(np.arange(6) < 3, now, 0))
    joins = model.run().joins
    least, bound = RULES.client.least, RULES.client.bound(0)
    assert 0 == joins[: round(least / 0.05)].sum()
    assert 12_000 == joins[: round(bound / 0.05) + 3].sum()
    rate = joins[round(0.6 / 0.05) : round(1.9 / 0.05)].sum() / 1.3
    assert pytest.approx(12_000 / (bound - least), rel=0.05) == rate


def test_who_is_cut_off_notices_between_a_heartbeat_less_than_the_silence_and_the_silence() -> None:
    """But all together when an alert was the last thing that they heard."""
    silence, heartbeat, bound = RULES.client.silence, RULES.heartbeat, RULES.client.bound(0)
    for alerted, first in ((False, silence - heartbeat), (True, silence - 0.05)):
        model = simulation(9000, 3, seconds=80)
        if alerted:
            model.at(0, model.alert)
        model.at(0.05, partial(model.vanish, np.arange(3) < 1, balancer=1))
        joined = np.flatnonzero(model.run().joins) * 0.05
        assert first + RULES.client.least <= joined[0] + 0.1
        assert joined[0] < first + RULES.client.least + 1
        assert joined[-1] <= silence + bound + 0.2


def test_a_drain_begins_after_its_notice_and_ends_with_the_longest_delay() -> None:
    """And between them everybody comes back."""
    rule = RULES.leaving
    model = simulation(4000, 2, seconds=20)
    model.at(0, lambda now: model.drain(np.arange(2) < 1, now, 0.2, None))
    joins = np.flatnonzero(model.run().joins) * 0.05
    assert rule.seconds * rule.notice + rule.least <= joins[0] + 0.1
    assert joins[-1] <= rule.seconds + rule.bound(2000) + 0.2
    assert 4000 == model.held[1]


def test_an_alert_takes_as_long_as_its_core_has_readers() -> None:
    """Two processes on one core take turns."""
    for cores, each in ((0, 5000), (1, 10_000)):
        model = simulation(10_000, 2, seconds=1, cores=cores)
        model.at(0, model.alert)
        assert pytest.approx(COSTS.latency + each * COSTS.delivery) == model.run().alerts[0][1]


def test_a_queue_is_worked_off_at_the_speed_of_its_core() -> None:
    """So many joins at once take so many times what one takes."""
    open_door = replace(RULES, door=replace(RULES.door, rate=0))
    model = simulation(3000, 1, seconds=2, rules=open_door, present=0.0)
    model.arrive(np.zeros(3000))
    joins = model.run().joins
    assert 3000 == joins.sum()
    assert pytest.approx(3000 * COSTS.join, abs=0.06) == float(np.flatnonzero(joins)[-1] + 1) * 0.05


def test_what_is_more_than_the_kernel_keeps_is_tried_again_a_second_later() -> None:
    """And not refused."""
    open_door = replace(RULES, door=replace(RULES.door, rate=0, backlog=1000))
    model = simulation(1500, 1, seconds=3, rules=open_door, present=0.0)
    model.arrive(np.zeros(1500))
    history = model.run()
    assert 0 == history.refused.sum()
    assert [1000, 500] == [int(count) for count in per_second(history.joins, 0.05)[:2]]


def test_a_seed_makes_the_same_history_again_and_another_one_another() -> None:
    """Nothing else is left to chance."""
    one, again = (scenarios.zone_loss(fleet()).history for _ in range(2))
    other = scenarios.zone_loss(fleet(seed=2)).history
    assert (one.joins == again.joins).all()
    assert (one.joins != other.joins).any()


def test_more_of_everything_never_makes_it_better_or_worse_the_wrong_way() -> None:
    """A slower balancer, fewer processes, a longer ring."""
    quick, slow = (scenarios.zone_loss(fleet(balancer=seconds)).facts for seconds in (1.0, 10.0))
    assert quick["last"] < slow["last"]
    few, many = (scenarios.flash(fleet(processes=count)).facts["alert"] for count in (3, 12))
    assert many < few
    times = [failover(fleet(rules=replace(RULES, ring=ring)), frame_bytes=2000).facts for ring in (100, 10_000)]
    assert times[0]["store seconds"] < times[1]["store seconds"]
    assert times[0]["last"] < times[1]["last"]
    turns = {way: scenarios.deploy(fleet(), way).facts for way in ("in turn", "new first")}
    assert 1.0 == turns["new first"]["moves"] < turns["in turn"]["moves"]


def test_a_failover_gives_everybody_his_window_and_the_store_the_work_of_every_log() -> None:
    """Once each, when nobody has to wait too long."""
    small = fleet()
    found = failover(small, frame_bytes=2000)
    assert pytest.approx(small.readers) == found.resets.sum()
    assert pytest.approx(small.readers * 2000) == found.bytes.sum()
    logs = small.processes * RULES.channels
    assert pytest.approx(logs * RULES.ring * COSTS.store_begin_cpu) == found.facts["store seconds"]
    assert 0 == found.facts["late"] == found.facts["unread"]
    assert 0 == found.busy[round((CALM + 1) / found.step) : round((CALM + 7) / found.step)].sum()


def test_a_store_that_answers_too_late_is_told_from_one_that_answers() -> None:
    """What could not be read is no success, and nothing is said of a last reader."""
    hopeless = fleet(processes=1500, readers=150_000, rules=replace(RULES, ring=100_000))
    facts = failover(hopeless, frame_bytes=2000, seconds=20).facts
    assert facts["late"] > 0 < facts["unread"]
    assert math.isnan(facts["last"])


# The plan.


def test_a_greater_audience_never_needs_less() -> None:
    """Of anything."""
    plans = [plan(readers, COSTS, RULES) for readers in (1, 9_999, 30_000, 1_000_000, 10_000_000)]
    for name in ("processes", "machines", "memory", "store_core", "average_out", "reset_bytes", "gigabytes_month"):
        told = [getattr(one, name) for one in plans]
        assert sorted(told) == told, name


def test_a_fleet_that_has_lost_a_zone_still_has_a_place_for_everybody() -> None:
    """That is what the usual number of readers in a process is for."""
    for readers in (10_000, 777_777, 10_000_000):
        found = plan(readers, COSTS, RULES)
        assert found.after_loss <= RULES.door.most * 0.8
        assert found.loss_joins <= RULES.door.rate
        assert 0 == found.processes % Choice().zones


def test_processes_are_counted_by_the_zone() -> None:
    """At least one in each."""
    assert 3 == processes_for(1, Choice())
    assert 102 == processes_for(1_000_000, Choice())
    assert 1 == processes_for(10_000, Choice(zones=1))


def test_a_frame_costs_its_record_and_its_segments() -> None:
    """RFC 8446 and the headers of TCP and IP."""
    assert 100 + 22 + 52 == wire_bytes(100)
    assert SEGMENT + 52 == wire_bytes(SEGMENT - 22)
    assert SEGMENT + 1 + 104 == wire_bytes(SEGMENT - 21)


def test_egress_is_heartbeats_alerts_and_joins() -> None:
    """Nothing else is sent in the average hour."""
    quiet = plan(1000, COSTS, RULES, day=Day(alerts_per_hour=0, session_minutes=1e12))
    assert pytest.approx(1000 * wire_bytes(COSTS.heartbeat_bytes) / RULES.heartbeat) == quiet.average_out


def test_the_length_of_a_frame_is_read_from_its_head() -> None:
    """As long as the product makes them."""
    for size in (5, 125, 126, 4000, 65_535, 70_000):
        frame = text_frame(b"x" * size)
        assert len(frame) == _frame_bytes(frame)


# The page.


def block(name: str) -> str:
    """What stands on the page between the marks of this name."""
    found = re.search(f"<!-- scaling: {name} -->\n\n(.*?)\n\n<!-- end -->", PAGE, re.DOTALL)
    assert found, name
    return found[1]


def test_the_page_says_what_the_model_says_now() -> None:
    """When a rule, a limit or a figure changes, `make scaling` has to be run again."""
    plans = [plan(readers, COSTS, RULES) for readers in page.SIZES]
    assert page.needs(plans) == block("needs")
    assert page.cost(plans) == block("cost")
    assert page.measured_table() == block("figures")
    assert page.compared() == block("compared")


@pytest.mark.parametrize("row", real.ROWS, ids=lambda row: row.title)
def test_the_small_case_agrees_with_a_real_run(row: real.Row) -> None:
    """Within a quarter, as compared last."""
    true, model = real.pair(real.compared(), row)
    assert abs(model / true - 1) <= real.ALLOWED


def test_every_plot_is_on_the_page_and_every_one_on_the_page_is_there() -> None:
    """None is left over."""
    named = set(re.findall(r"\]\(scaling/([a-z-]+\.svg)\)", PAGE))
    assert {path.name for path in (DOCS / "scaling").glob("*.svg")} == named


def test_a_chart_is_a_picture_with_names_and_units_for_light_and_dark() -> None:
    """Whatever is in the names."""
    drawing = lines(
        "A < B", [Panel("joins, 1/s", [Series("a & b", [0, 5, 2]), Series("c", [1, 1, 1], 1)])], 1, ((1, "x"),)
    )
    root = ElementTree.fromstring(drawing)
    assert 2 == len(root.findall(f"{SVG}polyline"))
    texts = [text.text for text in root.findall(f"{SVG}text")]
    assert {"A < B", "joins, 1/s", "a & b", "c", "x", "time, s"} <= set(texts)
    assert "prefers-color-scheme:dark" in drawing
    assert ["0.25", "20 k", "1.5 M", "0"] == [short(value) for value in (0.25, 20_000, 1_500_000, 0)]


def test_marks_that_are_missing_are_told(tmp_path: Path) -> None:
    """Instead of a page that keeps its old figures."""
    target = tmp_path / "scaling.md"
    target.write_text("<!-- scaling: a -->\nold\n<!-- end -->\n", encoding="utf-8")
    page.fill(target, {"a": "new"})
    assert "<!-- scaling: a -->\n\nnew\n\n<!-- end -->\n" == target.read_text(encoding="utf-8")
    with pytest.raises(SystemExit, match="scaling: b"):
        page.fill(target, {"b": "new"})
