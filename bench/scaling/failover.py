"""A failover of the store: every process reads every log again, and gives every reader his window anew.

Nobody comes or goes: lines outlive the store.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from dataclasses import dataclass

import numpy as np
from ticker.store import ANSWER

from bench.scaling.scenarios import CALM, Fleet, per_second
from bench.scaling.setting import Floats

LEAST_LEFT = 0.02
"""Of the store's core, when heartbeats alone would take all of it."""
ASKS_WHAT_IS_NEW, ASKS_FOR_THE_RING = 0, 4
"""The first and the last thing that a process asks; those between are small."""


@dataclass
class Failover:
    """What a failover of the store does: to the store, and to everybody, who is given his window anew."""

    step: float
    began: float
    commands: Floats
    """Questions to the store in each step, those in vain included."""
    busy: Floats
    """Share of the store's core, in each step."""
    resets: Floats
    """Readers who were given the window, in each step."""
    bytes: Floats
    facts: dict[str, float]


def failover(fleet: Fleet, *, frame_bytes: float, seconds: float = 60.0, step: float = 0.05) -> Failover:
    """The store is away for `store_away` seconds; then every process reads every log, and resets every reader.

    A log is as long as the ring, and the master answers for all. `frame_bytes` is what a reset is on the wire.
    """
    rules, costs = fleet.rules, fleet.costs
    steps = round(seconds / step)
    commands, busy, resets = (np.zeros(steps) for _ in range(3))
    up = CALM + fleet.store_away
    away = slice(round(CALM / step), round(up / step))
    commands += fleet.processes * costs.store_commands * step
    commands[away] = 0
    busy += fleet.processes * costs.store_cpu
    busy[away] = 0
    began, late, used = _begin(fleet, up, seconds, step, commands, busy)
    logs = began.size
    # A process sees to one channel's readers after the other's, each when its log has been read.
    readers = fleet.readers / logs
    pace = max(costs.reset, frame_bytes * 8 / (fleet.nic_gigabits * 1e9 / fleet.cores_per_machine))
    by_process = np.sort(began, axis=1)
    ends = np.zeros(fleet.processes)
    for column in range(rules.channels):
        starts = np.maximum(ends, by_process[:, column])
        ends = starts + readers * pace
        for begin, end in zip(starts, ends, strict=True):
            if not np.isnan(end):
                _spread(resets, begin, end, step, readers)
    sent = resets * frame_bytes
    unread = int(np.isnan(began).sum())
    facts = {
        "last": math.nan if unread else float(ends.max()) - up,
        "late": late,
        "unread": unread,
        "store seconds": used,
        "store bytes": float(used / costs.store_begin_cpu * costs.store_begin_bytes),
        "bytes": float(sent.sum()),
        "peak bytes": float(per_second(sent, step).max()),
        "peak commands": float(per_second(commands, step).max()),
    }
    return Failover(step, CALM, commands, busy, resets, sent, facts)


def _begin(
    fleet: Fleet, up: float, seconds: float, step: float, commands: Floats, busy: Floats
) -> tuple[Floats, int, float]:
    """When each log has been read anew; how many answers came too late; seconds of the store for whole rings.

    A process asks one thing after the other: what is new in all of its logs, and then, of each that is another one now,
    where it stands (twice, with a heartbeat) and its ring. What is not answered in time is left for later, and the
    store does the work all the same.
    """
    rules, costs = fleet.rules, fleet.costs
    random = np.random.default_rng(fleet.seed)
    least, most = rules.store_back_off
    cheap = costs.store_script_cpu / costs.store_scripts
    # The heartbeats of all go on, on the same core.
    left = max(LEAST_LEFT, 1 - fleet.processes * costs.store_cpu)
    ring = rules.ring * costs.store_begin_cpu
    began = np.full((fleet.processes, rules.channels), np.nan)
    waiting = [deque(range(rules.channels)) for _ in range(fleet.processes)]
    bound = [least] * fleet.processes
    asking = [(CALM + least, process, ASKS_WHAT_IS_NEW) for process in range(fleet.processes)]
    heapq.heapify(asking)
    free, late, used = up, 0, 0.0
    while asking:
        now, process, ask = heapq.heappop(asking)
        if now >= seconds:
            break
        commands[int(now / step)] += 1
        if now < up:
            bound[process] = min(most, bound[process] * 2)
            heapq.heappush(asking, (now + random.uniform(least, bound[process]), process, ask))
            continue
        work = ring if ask == ASKS_FOR_THE_RING else cheap
        begin = max(free, now)
        free = begin + work / left
        _spread(busy, begin, free, step, work / step)
        used += work if ask == ASKS_FOR_THE_RING else 0.0
        logs = waiting[process]
        if free - now <= ANSWER:
            if ask < ASKS_FOR_THE_RING:
                heapq.heappush(asking, (free, process, ask + 1))
                continue
            began[process, logs.popleft()] = free
            then = free
        else:
            late += 1
            logs.rotate(-1)
            then = now + ANSWER + (rules.log_again if len(logs) == 1 else 0.0)
        if logs:
            heapq.heappush(asking, (then, process, ASKS_WHAT_IS_NEW + 1))
    return began, late, used


def _spread(values: Floats, begin: float, end: float, step: float, amount: float | None = None) -> None:
    """Add to each step its part of the time from begin to end, or of an amount over that time."""
    if end <= begin:
        return
    first, last = int(begin / step), min(int(end / step), len(values) - 1)
    for number in range(first, last + 1):
        part = min(end, (number + 1) * step) - max(begin, number * step)
        values[number] += part / step if amount is None else amount * part / (end - begin)
