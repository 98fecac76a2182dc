"""The small case for real, two fan-out processes and readers with the widget's own line, beside its simulation."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from ticker.settings import Settings

from bench import load as programs
from bench import proc
from bench.load import Places, RoundError, run
from bench.machine import describe
from bench.scaling.figures import Figures, figures
from bench.scaling.fleet import Fleet, fleet, until
from bench.scaling.rules import rules
from bench.scaling.scenarios import per_second
from bench.scaling.setting import History, Mask, Setting
from bench.scaling.simulation import Simulation
from bench.servers import Order, start

FILE = Path(__file__).parents[2] / "docs" / "scaling" / "compared.json"
PROGRAM = Path(__file__).with_name("crowd.mjs")
READERS = 800
STORM_READERS = 400
STORM_RATE = 20
"""Readers a second whom each process lets in, so that so few readers are a storm."""
NOTICE = 2.0
"""Seconds after which the balancer sends nobody to the one that was killed."""
DRAIN_NOTICE = 0.2
ROUNDS = 5
SEEDS = 21
BROADCAST_READERS = 4000
ALERTS = 15
BROADCAST_ROUNDS = 3
ALLOWED = 0.25

Told = dict[str, float]


@dataclass(frozen=True)
class Row:
    """One figure of one case: its title, and the digits that it is told with."""

    case: str
    key: str
    title: str
    digits: int = 1


ROWS = (
    Row("kill", "last", "one of two killed: time to the last reader, s"),
    Row("kill", "nine tenths", "one of two killed: nine tenths of its readers are back, s", 2),
    Row("kill", "peak", "one of two killed: most reconnects in a second", 0),
    Row("drain", "last", "one of two drained: time to the last reader, s"),
    Row("drain", "peak", "one of two drained: most reconnects in a second", 0),
    Row("storm", "nine tenths", "storm on a narrow door: nine tenths are in, s"),
    Row("storm", "attempts", "storm on a narrow door: attempts in all", 0),
    Row("broadcast", "last", "the quickest of 15 alerts to 4,000, two processes on one core: last reader, ms"),
)


class Crowd:
    """The readers, in one process of Node."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["node", "--no-warnings", "--experimental-websocket", str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, question: str) -> Any:
        """Its answer to one line."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{question}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def offer(self, *ports: int) -> None:
        """Where the balancer sends from now on."""
        self.ask(f"offer {','.join(map(str, ports))}")

    def live(self, count: int, seconds: float) -> None:
        """Wait until so many have a line. Raises RoundError."""
        until(lambda: int(self.ask("live")) >= count, f"{count} readers to have a line", seconds)

    def close(self) -> None:
        """Leave nothing."""
        self._process.communicate(timeout=10)


@contextmanager
def crowd() -> Iterator[Crowd]:
    """Readers, and their end."""
    found = Crowd()
    try:
        yield found
    finally:
        found.close()


def compare(names: Sequence[str]) -> None:
    """Both halves of these cases into the file: by case `where`, and the rounds that are `real` and `simulated`.

    Cases that are not named stay as they were compared last. Raises RoundError when something is not as it should be.
    """
    programs.build()
    found = compared() if FILE.exists() else {}
    for name in names:
        if name == "broadcast":
            rounds = [broadcast() for _ in range(BROADCAST_ROUNDS)]
            simulated = [expected_broadcast(told["one"]) for told in rounds]
        else:
            real, model = PAIRS[name]
            rounds = [real() for _ in range(ROUNDS)]
            simulated = [model(seed) for seed in range(1, SEEDS + 1)]
        found[name] = {"where": describe([]), "real": rounds, "simulated": simulated}
        print(f"{name}: done", flush=True)
        FILE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def compared() -> dict[str, Any]:
    """What `--compare` wrote."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def pair(found: dict[str, Any], row: Row) -> tuple[float, float]:
    """Medians of a figure: real, simulated."""
    case = found[row.case]
    real, simulated = (median(told[row.key] for told in case[half]) for half in ("real", "simulated"))
    return real, simulated


# For real.


def leaving(*, kill: bool) -> Told:
    """Two processes; one is killed, or told to end. Its readers come back to the other."""
    with fleet(2) as running, crowd() as readers:
        goes, stays = running.fanouts
        readers.offer(goes.port, stays.port)
        _seated(running, readers, READERS)
        time.sleep(rules().client.stable + 1)  # so that every line counts as stable
        since = time.time()
        goes.end(kill=kill)
        time.sleep(NOTICE if kill else DRAIN_NOTICE)
        readers.offer(stays.port)
        end = time.monotonic() + 90
        while _returned(readers, since) < READERS // 2:
            if time.monotonic() > end:
                raise RoundError("not all readers came back in 90 s")
            time.sleep(0.2)
        return _told([at / 1000 - since for at in readers.ask("told")["joins"]])


def storm() -> Told:
    """All at once before a door that lets in few."""
    with fleet(2, accept_rate=str(STORM_RATE)) as running, crowd() as readers:
        running.post(1)
        readers.offer(*(part.port for part in running.fanouts))
        since = time.time()
        readers.ask(f"start {STORM_READERS}")
        readers.live(round(STORM_READERS * 0.97), 120)
        told = readers.ask("told")
        begun = sorted(at / 1000 - since for at in told["joins"])
        return {"nine tenths": begun[round(STORM_READERS * 0.9)], "attempts": _until(told, since, begun)}


def _until(told: dict[str, list[float]], since: float, begun: list[float]) -> float:
    """Attempts until nine tenths were in: later ones are of whom nobody waits for."""
    end = begun[round(STORM_READERS * 0.9)]
    return float(sum(1 for at in told["attempts"] if at / 1000 - since <= end))


def broadcast() -> Told:
    """Two processes that share one core; before that one with half of the readers, to know the core of the moment."""
    one, before = _last_ms(BROADCAST_READERS // 2, 1)
    last, after = _last_ms(BROADCAST_READERS, 2)
    return {"one": one, "last": last, "disturbed": max(before, after)}


def _last_ms(readers: int, workers: int) -> tuple[float, float]:
    """The quickest of some alerts; and for how much of its time, in per cent, the server waited for a core."""
    cores = proc.two_cores()
    with start("ticker", Order(readers, workers=workers), cores) as running:
        for pid in running.pids:
            proc.pin(pid, cores[0])
        steps = ["paced:10:0.02", "rest:0.5", f"join:{readers}", "rest:1", "paced:2:0.1", *["paced:1:0"] * ALERTS]
        done = run(running.target, Places(cores[1], running.pids, running.store_pids), 300, steps)[5:]
    waited, worked = (sum(step[key] for step in done) for key in ("waited_ns", "cpu_ns"))
    return min(float(step["last_reader_p50_ms"]) for step in done), 100 * waited / (waited + worked)


def _seated(running: Fleet, readers: Crowd, count: int) -> None:
    running.post(1)
    readers.ask(f"start {count}")
    readers.live(count, 60)


def _returned(readers: Crowd, since: float) -> int:
    return sum(1 for at in readers.ask("told")["joins"] if at / 1000 >= since)


def _told(returns: list[float]) -> Told:
    back = sorted(at for at in returns if at >= 0)
    counts = np.bincount(np.array(back, dtype=int))
    return {"last": back[-1], "nine tenths": back[round(len(back) * 0.9)], "peak": float(counts.max())}


# Simulated.


def simulated_leaving(seed: int, *, kill: bool) -> Told:
    """The same two processes."""
    simulation = Simulation(_setting(READERS, 90, seed))
    goes: Mask = np.array([True, False])
    if kill:
        simulation.at(0, lambda now: simulation.crash(goes, now, NOTICE))
    else:
        simulation.at(0, lambda now: simulation.drain(goes, now, DRAIN_NOTICE, None))
    history = simulation.run()
    if simulation.seated() != READERS:
        raise RoundError("not all model readers came back in 90 s")
    return _of(history, simulation.setting, READERS // 2)


def simulated_storm(seed: int) -> Told:
    """The same door."""
    narrow = rules(Settings(accept_rate=STORM_RATE))
    setting = replace(_setting(STORM_READERS, 180, seed), rules=narrow, present=0.0)
    simulation = Simulation(setting)
    simulation.arrive(np.zeros(STORM_READERS))
    history = simulation.run()
    step = setting.step
    end = int(np.searchsorted(history.joins.cumsum(), STORM_READERS * 0.9))
    return {"nine tenths": end * step, "attempts": float(history.attempts[: end + 1].sum())}


def expected_broadcast(one: float) -> Told:
    """What the core needs for all of them, when one process with half of them took so many ms."""
    costs = figures()
    delivery = (one / 1000 - costs.latency) / (BROADCAST_READERS // 2)
    simulation = Simulation(replace(_setting(BROADCAST_READERS, 1, 1, replace(costs, delivery=delivery)), cores=1))
    simulation.at(0, simulation.alert)
    return {"last": simulation.run().alerts[0][1] * 1000}


PAIRS: dict[str, tuple[Callable[[], Told], Callable[[int], Told]]] = {
    "kill": (lambda: leaving(kill=True), lambda seed: simulated_leaving(seed, kill=True)),
    "drain": (lambda: leaving(kill=False), lambda seed: simulated_leaving(seed, kill=False)),
    "storm": (storm, simulated_storm),
}
CASES = (*PAIRS, "broadcast")


def _setting(readers: int, seconds: float, seed: int, costs: Figures | None = None) -> Setting:
    return Setting(rules(), costs or figures(), readers, 2, seconds, seed=seed)


def _of(history: History, setting: Setting, gone: int) -> Told:
    joins = history.joins
    total = joins.cumsum()
    return {
        "last": float(np.flatnonzero(joins)[-1] + 1) * setting.step,
        "nine tenths": float(np.searchsorted(total, gone * 0.9)) * setting.step,
        "peak": float(per_second(joins, setting.step).max()),
    }
