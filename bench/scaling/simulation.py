"""Readers and processes of a fleet in steps of time: who has a line, who waits for how long, who is let in.

Readers are rows of arrays, so that millions of them are a matter of seconds. What they do is the widget's back-off and
what they meet is the door of a process (`rules.py`); what each thing costs is measured (`figures.py`). A core does its
work in the order in which it came.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench.scaling.setting import Floats, History, Indices, Mask, Setting

NOWHERE = -1
SYN_AGAIN = 1.0
"""Seconds after which a connection that found the queue full is tried again by the kernel (RFC 6298, 2.1)."""


class Simulation:
    """A fleet and its readers. Begin with everybody seated, say what happens by `at`, then `run`."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.random = np.random.default_rng(setting.seed)
        count, processes = setting.readers, setting.processes
        self.steps = round(setting.seconds / setting.step)
        here = round(count * setting.present)
        # Who sits where has nothing to do with his number from here on: choices are random.
        self.node: Indices = np.full(count, NOWHERE, dtype=np.int32)
        self.node[:here] = np.arange(here, dtype=np.int32) % processes
        self.failures = np.zeros(count, dtype=np.uint8)
        self.since = np.full(count, -1e6, dtype=np.float32)
        self.polls: Mask = np.zeros(count, dtype=np.bool_)
        self.new: Mask = np.zeros(count, dtype=np.bool_)
        self.new[here:] = True
        self.coming: Mask = np.zeros(count, dtype=np.bool_)
        """Not yet there, and in `expected`."""
        self.begun = np.zeros(count, dtype=np.float32)
        self.held = np.bincount(self.node[:here], minlength=processes).astype(np.int64)
        self.listening = np.ones(processes, dtype=np.bool_)
        self.mute = np.zeros(processes, dtype=np.bool_)
        """Gone without a word: whoever tries it waits until he gives up."""
        self.leaving = np.zeros(processes, dtype=np.bool_)
        self.offered = np.ones(processes, dtype=np.bool_)
        """Processes to which the balancer sends."""
        cores = setting.cores or processes
        self.core = (np.arange(processes) % cores).astype(np.int32)
        self.free_at: Floats = np.zeros(cores)
        self.allowance: Floats = np.full(processes, setting.rules.door.rate * setting.rules.door.burst)
        self.turned_away: Floats = np.zeros(processes)
        self.waiting = 0
        self.expected = 0
        """Readers who have not come yet."""
        self.last_alert = -1e6
        self._polling = 0
        self._calendar: list[list[Indices]] = [[] for _ in range(self.steps + 1)]
        self._planned: dict[int, list[Callable[[float], None]]] = {}
        self.history = History.of(self.steps)
        self._joins: Floats = np.zeros(self.steps + 1)

    # What happens.

    def at(self, seconds: float, happens: Callable[[float], None]) -> None:
        """Have this happen then; it is given the time."""
        self._planned.setdefault(min(self.steps - 1, round(seconds / self.setting.step)), []).append(happens)

    def run(self) -> History:
        """Let the time pass."""
        told, step = self.history, self.setting.step
        door = self.setting.rules.door
        for number in range(self.steps):
            now = number * step
            self.allowance = np.minimum(door.rate * door.burst, self.allowance + door.rate * step)
            self.turned_away = np.maximum(0.0, self.turned_away - door.rate * step)
            for happens in self._planned.get(number, []):
                happens(now)
            due = self._calendar[number]
            self._calendar[number] = []
            if due:
                readers = due[0] if len(due) == 1 else np.concatenate(due)
                self.waiting -= len(readers)
                told.attempts[number] = len(readers)
                self._try(number, now, readers)
            told.away[number] = self.waiting - self.expected
            told.polling[number] = self._polling
            told.fullest[number] = self.held.max()
            told.running[number] = self.listening.sum()
            told.queue[number] = max(0.0, float(self.free_at.max()) - now)
        told.joins = self._joins[:-1]
        return told

    def seated(self) -> int:
        """How many have a line."""
        return int(self.held.sum())

    # Readers.

    def arrive(self, times: Floats) -> None:
        """Those who were not there at the start come at these times."""
        newcomers = np.flatnonzero(self.new).astype(np.int32)
        self.begun[newcomers] = times
        self.coming[newcomers] = True
        self.expected += len(newcomers)
        self._schedule(newcomers, times)

    def lose(self, readers: Indices, now: float, heard: Floats | None = None) -> None:
        """Their lines break; at once, or for them 55 seconds after they `heard` something last."""
        client = self.setting.rules.client
        self._unseat(readers, now)
        moment = np.full(len(readers), now) if heard is None else heard + client.silence
        self._fail(readers, moment)

    def told_to_go(self, readers: Indices, now: float, longest: Floats) -> None:
        """They are sent away, each with a time of his own to come back, at most so long from now."""
        self._unseat(readers, now)
        least = self.setting.rules.leaving.least
        delay = least + self.random.random(len(readers)) * (longest - least)
        self.failures[readers] += 1
        self._schedule(readers, now + delay)

    def of(self, processes: Mask) -> Indices:
        """The readers of these processes."""
        # Index -1 is nobody's process: the table has one place more.
        return np.flatnonzero(np.append(processes, False)[self.node]).astype(np.int32)

    def _unseat(self, readers: Indices, now: float) -> None:
        self.held -= np.bincount(self.node[readers], minlength=self.setting.processes)
        self.node[readers] = NOWHERE
        stable = now - self.since[readers] >= self.setting.rules.client.stable
        self.failures[readers[stable]] = 0

    def _fail(self, readers: Indices, moment: Floats, told: Floats | None = None) -> None:
        """They found nobody at this moment, and try again later: by their back-off, or when they were told."""
        client = self.setting.rules.client
        failures = self.failures[readers]
        bounds = np.array([client.bound(number) for number in range(256)])
        delay = client.least + self.random.random(len(readers)) * (bounds[failures] - client.least)
        if told is not None and self.setting.obedient:
            heeds = self.random.random(len(readers)) < self.setting.obedient
            delay = np.where(heeds, told, delay)
        failures = np.minimum(failures, 254) + 1
        self.failures[readers] = failures
        polls = failures >= client.failures_before_polling
        polls |= self.new[readers] & (moment - self.begun[readers] > client.patience)
        self._poll(readers, polls | self.polls[readers])
        self._schedule(readers, moment + delay)

    def _poll(self, readers: Indices, polls: Mask) -> None:
        self._polling += int(polls.sum()) - int(self.polls[readers].sum())
        self.polls[readers] = polls

    def _schedule(self, readers: Indices, moment: Floats) -> None:
        """They try at this moment; who would only after the end still counts as waiting."""
        if not len(readers):
            return
        self.waiting += len(readers)
        steps = np.minimum(np.ceil(moment / self.setting.step), self.steps).astype(np.uint16)
        order = np.argsort(steps, kind="stable")
        ordered = steps[order]
        edges = np.flatnonzero(np.diff(ordered)) + 1
        for number, part in zip(ordered[np.append(0, edges)], np.split(readers[order], edges), strict=True):
            self._calendar[number].append(part)

    # The door.

    def _try(self, number: int, now: float, readers: Indices) -> None:
        if self.expected:
            self.expected -= int(self.coming[readers].sum())
            self.coming[readers] = False
        client, door = self.setting.rules.client, self.setting.rules.door
        pool = np.flatnonzero(self.offered)
        if not len(pool):
            self._fail(readers, np.full(len(readers), now))
            return
        node = self._choose(pool, len(readers))
        open_ = self.listening[node]
        if not open_.all():
            gone, where = readers[~open_], node[~open_]
            self._fail(gone, np.where(self.mute[where], now + client.opening, now))
            readers, node = readers[open_], node[open_]
        order = np.argsort(node.astype(np.uint16), kind="stable")
        readers, node = readers[order], node[order]
        rank = _rank(node)
        behind = np.maximum(0.0, self.free_at - now)
        queued = behind[self.core[node]] / self.setting.costs.join + rank
        full = queued >= door.backlog
        if full.any():
            self._schedule(readers[full], np.full(int(full.sum()), now + SYN_AGAIN))
            readers, node, rank = readers[~full], node[~full], rank[~full]
        no_place = (rank >= (door.most - self.held)[node]) | self.leaving[node]
        too_fast = ~no_place & (rank + 1 > self.allowance[node] + 1e-9) if door.rate else np.zeros_like(no_place)
        comes_in = ~(no_place | too_fast)
        self._work(number, now, readers, node, comes_in)
        self._turn_away(number, now, readers, node, no_place, too_fast)

    def _choose(self, pool: NDArray[np.intp], count: int) -> Indices:
        """Where the balancer sends so many."""
        one = pool[self.random.integers(len(pool), size=count)]
        if self.setting.fewest:
            other = pool[self.random.integers(len(pool), size=count)]
            one = np.where(self.held[other] < self.held[one], other, one)
        return one.astype(np.int32)

    def _work(self, number: int, now: float, readers: Indices, node: Indices, comes_in: Mask) -> None:
        """The cores see to all of them in turn; who is let in has a line when his turn is over."""
        costs, client = self.setting.costs, self.setting.rules.client
        processes = self.setting.processes
        core = self.core[node]
        cost = np.where(comes_in, costs.join, costs.refusal)
        done = _running(core, cost)
        begin = np.maximum(self.free_at, now)
        ready = begin[core] + done
        spent = np.bincount(core, weights=cost, minlength=len(self.free_at))
        self.free_at = np.where(spent > 0, begin + spent, self.free_at)
        late = comes_in & (ready - now > client.opening)
        if late.any():
            self._fail(readers[late], np.full(int(late.sum()), now + client.opening))
            comes_in = comes_in & ~late
        entered, where, ready = readers[comes_in], node[comes_in], ready[comes_in]
        taken = np.bincount(where, minlength=processes)
        self.held += taken
        self.allowance = np.maximum(0.0, self.allowance - taken)
        self.node[entered] = where
        self.since[entered] = ready
        self.new[entered] = False
        self._poll(entered, np.zeros(len(entered), dtype=np.bool_))
        step = np.minimum(ready / self.setting.step, self.steps).astype(np.int64)
        self._joins += np.bincount(step, minlength=self.steps + 1)

    def _turn_away(
        self, number: int, now: float, readers: Indices, node: Indices, no_place: Mask, too_fast: Mask
    ) -> None:
        door = self.setting.rules.door
        refused = no_place | too_fast
        self.history.refused[number] = int(refused.sum())
        if not refused.any():
            return
        after = np.where(self.leaving[node[refused]], 1.0, door.full_after)
        fast = too_fast[refused]
        if fast.any():
            where = node[refused][fast]
            ahead = self.turned_away[where] + _rank(where) + 1
            after[fast] = np.minimum(door.longest_after, 1 + np.floor(ahead / door.rate))
            self.turned_away += np.bincount(where, minlength=self.setting.processes)
        self._fail(readers[refused], np.full(len(after), now), after)

    # Alerts.

    def alert(self, now: float) -> None:
        """An alert goes out to everybody who has a line."""
        costs = self.setting.costs
        counts = np.bincount(self.core, weights=self.held, minlength=len(self.free_at))
        has = counts > 0
        begin = np.maximum(self.free_at, now + costs.latency)
        self.free_at = np.where(has, begin + counts * costs.delivery, self.free_at)
        last = float((self.free_at[has] - now).max()) if has.any() else 0.0
        self.history.alerts.append((now, last, self.waiting - self.expected))
        self.last_alert = now

    # Processes.

    def crash(self, processes: Mask, now: float, balancer: float) -> None:
        """They end, and their lines with them; the balancer sends them nobody after so many seconds."""
        readers = self.of(processes)
        self.listening &= ~processes
        self.lose(readers, now)
        self.at(now + balancer, lambda _: self._withdraw(processes))

    def vanish(self, processes: Mask, now: float, balancer: float) -> None:
        """They are cut off without a word: nobody is told, and whoever tries one waits in vain."""
        readers = self.of(processes)
        self.listening &= ~processes
        self.mute |= processes
        heard = np.maximum(now - self.random.random(len(readers)) * self.setting.rules.heartbeat, self.last_alert)
        self.lose(readers, now, heard)
        self.at(now + balancer, lambda _: self._withdraw(processes))

    def drain(self, processes: Mask, now: float, balancer: float, back: float | None) -> None:
        """They are told to end, send their readers away little by little, and are back `back` seconds after the end.

        With None they stay away.
        """
        rule = self.setting.rules.leaving
        self.leaving |= processes
        self.at(now + balancer, lambda _: self._withdraw(processes))

        def spread(begin: float) -> None:
            readers = self.of(processes)
            self.random.shuffle(readers)
            readers = readers[np.argsort(self.node[readers].astype(np.uint16), kind="stable")]
            node, counts = self.node[readers], np.bincount(self.node[readers], minlength=self.setting.processes)
            slices = np.minimum(rule.slices, 1 + counts // 10)
            size = np.maximum(1, -(-counts // slices))
            longest = np.array([rule.bound(count) for count in counts])
            turn = _rank(node) // size[node]
            pause = rule.seconds * (1 - rule.notice) / rule.slices
            for number in range(int(turn.max(initial=-1)) + 1):
                part = readers[turn == number]
                go = partial(self.told_to_go, part, longest=longest[self.node[part]])
                self.at(begin + number * pause, go)

        def end(_: float) -> None:
            self.listening &= ~processes

        def again(_: float) -> None:
            self.leaving &= ~processes
            self.listening |= processes
            self.offered |= processes
            self.allowance[processes] = self.setting.rules.door.rate * self.setting.rules.door.burst

        self.at(now + rule.seconds * rule.notice, spread)
        # The last slice leaves a little before; nothing of this falls into one step with it.
        self.at(now + rule.seconds + self.setting.step, end)
        if back is not None:
            self.at(now + rule.seconds + back, again)

    def _withdraw(self, processes: Mask) -> None:
        self.offered &= ~processes


def _rank(ordered: Indices) -> Indices:
    """The place of each among those beside him with the same number."""
    where = np.arange(len(ordered), dtype=np.int32)
    first = np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]
    begin = np.maximum.accumulate(np.where(first, where, 0))
    return (where - begin).astype(np.int32)


def _running(group: Indices, cost: Floats) -> Floats:
    """The sum of costs in each group, up to and with each one, in the order given."""
    order = np.argsort(group, kind="stable")
    total = np.cumsum(cost[order])
    first = np.append(True, group[order][1:] != group[order][:-1])[: len(order)]
    before = np.maximum.accumulate(np.where(first, total - cost[order], 0.0))
    found: Floats = np.empty_like(total)
    found[order] = total - before
    return found
