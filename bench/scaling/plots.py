"""The plots of docs/scaling.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench.scaling.chart import Panel, Series, lines
from bench.scaling.failover import Failover
from bench.scaling.scenarios import Outcome, per_second, sampled
from bench.scaling.setting import Floats

Outcomes = Mapping[tuple[str, int], Outcome]
"""By what was simulated, and for how many readers."""


def plots(own: Outcomes, failover: Failover, great: int, small: int) -> dict[str, str]:
    """By the name of the file; `great` is the audience of most of them, `small` of the flash on too few processes."""
    deploys = [own["even", great], own["patient", great], own["new first", great]]
    names = ["in turn", "30 s more between", "all new first"]
    zones = [own["broken", great], own["silent", great], own["alerted", great]]
    losses = ["broken at once", "cut off", "cut off after an alert"]
    flash, unprepared, heeding = own["flash", great], own["unprepared", small], own["heeding", small]
    step = failover.step
    return {
        "deploy.svg": lines(
            "A rolling deploy, 10 million readers, a tenth of the processes at a time",
            [
                Panel("reconnects, 1/s", _series(deploys, names, _joins)),
                Panel("readers without a line", _series(deploys, names, _away)),
                Panel("store: share of a core, %", _series(deploys, names, _store)),
            ],
            1,
            ((deploys[0].began, "begins"),),
        ),
        "zone.svg": lines(
            "One zone of three is lost, 10 million readers",
            [
                Panel("reconnects, 1/s", _series(zones, losses, _joins)),
                Panel("readers without a line", _series(zones, losses, _away)),
                Panel("store: share of a core, %", _series(zones, losses, _store)),
            ],
            1,
            ((zones[0].began, "the zone goes"),),
        ),
        "flash.svg": lines(
            "The audience grows 20-fold to 10 million in 60 s, an alert every 10 s",
            [
                Panel("joins, 1/s", [Series("", per_second(flash.history.joins, flash.step))]),
                Panel("an alert's last reader, ms", [Series("", _last_alerts(flash))]),
                Panel("store: share of a core, %", [Series("", _store(flash))]),
            ],
            1,
            ((flash.began, "the flash begins"), (flash.began + 60, "all have come")),
        ),
        "flash-refused.svg": lines(
            "The same to 1 million, with a quarter of the processes until 120 s later",
            [
                Panel("refused, 1/s", _series([unprepared, heeding], ["widgets", "heed Retry-After"], _refused)),
                Panel("joins, 1/s", _series([unprepared, heeding], ["widgets", "heed Retry-After"], _joins)),
                Panel("readers who poll", _series([unprepared, heeding], ["widgets", "heed Retry-After"], _polling)),
            ],
            1,
            ((unprepared.began, "the flash begins"), (unprepared.began + 120, "more processes")),
        ),
        "failover.svg": lines(
            "The store fails over, 10 million readers",
            [
                Panel("questions to the store, 1/s", [Series("", per_second(failover.commands, step))]),
                Panel("store: share of a core, %", [Series("", _mean(failover.busy, step) * 100)]),
                Panel("readers given the window anew, 1/s", [Series("", per_second(failover.resets, step))]),
                Panel("to readers, Gbit/s", [Series("", per_second(failover.bytes, step) * 8 / 1e9)]),
            ],
            1,
            ((failover.began, "the store goes"), (failover.began + 8, "another has taken over")),
        ),
    }


Curve = Callable[[Outcome], Floats]


def _series(outcomes: Sequence[Outcome], names: Sequence[str], curve: Curve) -> list[Series]:
    return [
        Series(name, curve(outcome), number) for number, (name, outcome) in enumerate(zip(names, outcomes, strict=True))
    ]


def _joins(outcome: Outcome) -> Floats:
    return per_second(outcome.history.joins, outcome.step)


def _refused(outcome: Outcome) -> Floats:
    return per_second(outcome.history.refused, outcome.step)


def _away(outcome: Outcome) -> Floats:
    return sampled(outcome.history.away, outcome.step)


def _polling(outcome: Outcome) -> Floats:
    return sampled(outcome.history.polling, outcome.step)


def _store(outcome: Outcome) -> Floats:
    return _mean(outcome.store, outcome.step) * 100


def _mean(values: Floats, step: float) -> Floats:
    return per_second(values, step) * step


def _last_alerts(outcome: Outcome) -> list[float]:
    """What the latest alert took, at each second."""
    seconds = int(len(outcome.history.joins) * outcome.step)
    found = [0.0] * seconds
    for at, last, _ in outcome.history.alerts:
        for second in range(int(at), seconds):
            found[second] = last * 1000
    return found
