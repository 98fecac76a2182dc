"""What happens to a fleet: a deploy, the loss of a zone, a flash, a failover of the store."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.scaling.figures import Figures
from bench.scaling.rules import Rules
from bench.scaling.setting import Floats, History, Setting
from bench.scaling.simulation import Simulation

CALM = 5.0
"""Seconds before anything happens, so that a plot shows what was."""


PATIENCE = 30.0
Way = Literal["in turn", "patient", "new first"]


@dataclass(frozen=True)
class Fleet:
    """Who is served by what; times in seconds."""

    rules: Rules
    costs: Figures
    readers: int
    processes: int
    zones: int = 3
    balancer: float = 10.0
    """Until the balancer sends nobody to a process that has gone: two health checks of five seconds."""
    notice: float = 2.0
    """The same for a process that says that it goes."""
    at_once: float = 0.1
    """Part of the processes that a deploy replaces at one time."""
    nic_gigabits: float = 10.0
    cores_per_machine: int = 8
    store_away: float = 8.0
    """Seconds until another store has taken over: five until it is missed, three to choose (Sentinel)."""
    fewest: bool = False
    """Whether the balancer takes the one with fewer readers of two, and not just any."""
    seed: int = 1

    @property
    def per_process(self) -> float:
        return self.readers / self.processes


@dataclass
class Outcome:
    """One scenario: its curves and what is told of it in a table."""

    name: str
    step: float
    history: History
    began: float
    facts: dict[str, float] = field(default_factory=dict)
    store: Floats = field(default_factory=lambda: np.zeros(0))
    """Share of the store's core that is used, in each step."""


def per_second(values: Floats, step: float) -> Floats:
    """Sums over whole seconds of values in steps."""
    each = round(1 / step)
    whole = len(values) // each * each
    found: Floats = values[:whole].reshape(-1, each).sum(axis=1)
    return found


def sampled(values: Floats, step: float) -> Floats:
    """The greatest value within each whole second."""
    each = round(1 / step)
    whole = len(values) // each * each
    found: Floats = values[:whole].reshape(-1, each).max(axis=1)
    return found


def deploy(fleet: Fleet, way: Way = "in turn") -> Outcome:
    """Every process is replaced, `fleet.at_once` of them at a time.

    `in turn`: the next ones go when these are ready again. `patient`: half a minute after that. `new first`: all new
    processes are there before, only they are offered, and the old ones go in turn.
    """
    rule = fleet.rules.leaving
    batch = max(1, round(fleet.processes * fleet.at_once))
    batches = math.ceil(fleet.processes / batch)
    back = fleet.costs.start + fleet.notice
    pause = rule.seconds + back + fleet.notice + (PATIENCE if way == "patient" else 0)
    seconds = CALM + batches * pause + rule.bound(round(fleet.per_process * 2)) + 15
    processes = fleet.processes * (2 if way == "new first" else 1)
    simulation = Simulation(_setting(fleet, seconds, processes=processes))
    if way == "new first":
        _seat_in_first_half(simulation, fleet.processes)

    def replace(number: int) -> None:
        def happens(now: float) -> None:
            going = np.zeros(processes, dtype=np.bool_)
            going[number * batch : min((number + 1) * batch, fleet.processes)] = True
            simulation.drain(going, now, fleet.notice, None if way == "new first" else back)

        simulation.at(CALM + number * pause, happens)

    for number in range(batches):
        replace(number)
    outcome = _run(way, simulation, fleet, CALM)
    outcome.facts["moves"] = float(outcome.history.joins.sum()) / fleet.readers
    outcome.facts["waited"] = float(outcome.history.away.sum()) * simulation.setting.step / fleet.readers
    return outcome


def _seat_in_first_half(simulation: Simulation, old: int) -> None:
    simulation.node %= old
    simulation.held = np.bincount(simulation.node, minlength=len(simulation.held)).astype(np.int64)
    simulation.offered[:old] = False


def zone_loss(fleet: Fleet, *, silent: bool = False, alerted: bool = False) -> Outcome:
    """One zone goes: its lines break at once, or, when it is cut off, nobody is told.

    `alerted`: an alert went out a second before, so that all of them heard something at the same time.
    """
    simulation = Simulation(_setting(fleet, CALM + (100 if silent else 40)))
    lost = np.arange(fleet.processes) % fleet.zones == 0

    def happens(now: float) -> None:
        if silent:
            simulation.vanish(lost, now, fleet.balancer)
        else:
            simulation.crash(lost, now, fleet.balancer)

    if alerted:
        simulation.at(CALM - 1, simulation.alert)
    simulation.at(CALM, happens)
    return _run("zone", simulation, fleet, CALM)


def flash(
    fleet: Fleet,
    *,
    growth: float = 20.0,
    within: float = 60.0,
    prepared: bool = True,
    obedient: float = 0.0,
    more_after: float = 120.0,
) -> Outcome:
    """The audience grows to `fleet.readers`, `growth`-fold within so many seconds, while an alert goes out every ten.

    Not `prepared`: the fleet is what a quarter of them need, and the others are added `more_after` seconds later.
    """
    seconds = CALM + within + (60 if prepared else more_after + 90)
    simulation = Simulation(_setting(fleet, seconds, present=1 / growth, obedient=obedient))
    newcomers = int(simulation.new.sum())
    # Grows by the same factor in each second: most come at the end.
    share = (np.arange(newcomers) + 0.5) / newcomers
    times = CALM + within * np.log1p(share * (growth - 1)) / math.log(growth)
    simulation.random.shuffle(times)
    simulation.arrive(times)
    if not prepared:
        few = max(1, fleet.processes // 4)
        simulation.node[simulation.node >= 0] %= few
        held = np.bincount(simulation.node[simulation.node >= 0], minlength=fleet.processes)
        simulation.held = held.astype(np.int64)
        simulation.offered[few:] = False
        simulation.at(CALM + more_after, lambda _: _offer_all(simulation))
    for number in range(int((seconds - CALM) // 10)):
        simulation.at(CALM + 1 + number * 10, simulation.alert)
    return _run("flash", simulation, fleet, CALM)


def _offer_all(simulation: Simulation) -> None:
    simulation.offered[:] = True


def _setting(
    fleet: Fleet, seconds: float, *, processes: int | None = None, present: float = 1.0, obedient: float = 0.0
) -> Setting:
    return Setting(
        fleet.rules,
        fleet.costs,
        fleet.readers,
        processes or fleet.processes,
        math.ceil(seconds),
        seed=fleet.seed,
        present=present,
        obedient=obedient,
        fewest=fleet.fewest,
    )


def _run(name: str, simulation: Simulation, fleet: Fleet, began: float) -> Outcome:
    history = simulation.run()
    step = simulation.setting.step
    joins = np.flatnonzero(history.joins)
    returned = simulation.seated() == fleet.readers
    facts = {
        "peak joins": float(per_second(history.joins, step).max()),
        "peak refused": float(per_second(history.refused, step).max()),
        "last": float(joins[-1] + 1) * step - began if returned and len(joins) else math.nan,
        "away": float(history.away.max()),
        "refused": float(history.refused.sum()),
        "polling": float(history.polling.max()),
        "fullest": float(history.fullest.max()),
        "queue": float(history.queue.max()),
        "half": _half(history, step, began),
    }
    if history.alerts:
        facts["alert"] = max(last for _, last, _ in history.alerts)
    return Outcome(name, step, history, began, facts, _store(history, simulation, fleet))


def _half(history: History, step: float, began: float) -> float:
    """Seconds until half of those who were without a line at the worst moment have one again."""
    worst = int(history.away.argmax())
    after: NDArray[np.intp] = np.flatnonzero(history.away[worst:] <= history.away.max() / 2)
    return float(worst + after[0]) * step - began if len(after) else math.nan


def _store(history: History, simulation: Simulation, fleet: Fleet) -> Floats:
    """Joins cost the store nothing; processes that run do, those that begin, and each alert."""
    costs, rules, step = fleet.costs, fleet.rules, simulation.setting.step
    begun = np.maximum(0.0, np.diff(history.running, prepend=history.running[0]))
    busy: Floats = (
        history.running * costs.store_cpu + begun * rules.channels * rules.ring * costs.store_begin_cpu / step
    )
    for at, _, _ in history.alerts:
        busy[round(at / step)] += history.running[round(at / step)] * costs.store_alert_cpu / step
    return busy
