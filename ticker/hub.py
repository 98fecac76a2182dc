"""Who listens to a channel, and how each of them is brought up to date.

A connection is a cursor. Live traffic, coming back after a broken line and catching up after being slow are one
thing here: what stands between the reader's position and the head of the log is written to it in one write.
Nothing is queued for a reader who takes nothing; he costs what his transport's buffer holds, and delays nobody.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from itertools import count

from ticker import wire
from ticker.channel import Channel
from ticker.entry import START, Cursor, Entry, State
from ticker.errors import Full
from ticker.group import EVERYTHING, Built, Group, Reader, Selector, build, withdrawn, withdraws
from ticker.item import WITHDRAWN, Item

SLICE = 500
"""Writes between two looks at the event loop: 5,000 in a row are 60 ms in which nobody else is served."""
SLOTS = 25
"""Parts into which the readers of a group are cut, so that their heartbeats are spread over the interval."""
FRESH_MS = 250
"""For how long a built snapshot may be handed out again; its `time` is that much behind."""
MOST_WITHDRAWN = 20
"""Withdrawn items that are told of to those who keep what they were given."""
NOWHERE = -1
"""The position of a reader who has to be given the whole window, since the log is another one."""
RECUT = -2
"""The same, since the channel has another window, language or direction."""


class Hub:
    """One channel in this process: the head of its log, the entries that can be caught up on, its readers."""

    def __init__(
        self,
        channel: Channel,
        clock: Callable[[], int],
        *,
        ring: int = 1000,
        most_selectors: int = 200,
        reconnect: tuple[int, int] = (500, 30_000),
    ) -> None:
        """`clock` gives the store's time in milliseconds; `ring` is the number of entries that are held."""
        self.channel = channel
        self.cursor = START
        self.loaded = False
        self.stale = False
        self._clock = clock
        self._reconnect = reconnect
        self._most_selectors = most_selectors
        self._history: deque[Entry] = deque(maxlen=ring)
        self._floor = 0  # from this position on, a reader can be brought up to date entry by entry
        self._changed = (START, 0)  # where its settings were changed last, and how often
        self._cut = -1  # up to this position, a reader may hold a window of another size
        self._groups: dict[Selector, Group] = {}
        self._lagging: set[tuple[Group, Reader]] = set()
        self._slot = count()
        self._everything = self._group(EVERYTHING)

    def __len__(self) -> int:
        return sum(len(group) for group in self._groups.values())

    # Entries come in.

    def load(self, state: State) -> None:
        """Take over a log as it stands. Everybody who listens will be given the whole window, by `deliver`."""
        self.cursor = state.cursor
        self._history.clear()
        self._history.extend(state.entries)
        held = [entry for entry in state.entries if entry.cursor.epoch == state.cursor.epoch]
        self._floor = held[0].cursor.n - 1 if held else state.cursor.n
        self._cut = -1
        self._refold()
        self._restart(NOWHERE)
        self.loaded = True

    @property
    def tag(self) -> str:
        """What names this state of the window: its cursor, and for as long as that stands, a change of the settings."""
        at, times = self._changed
        return f"{self.cursor}.{times}" if times and at == self.cursor else str(self.cursor)

    def rechannel(self, channel: Channel) -> bool:
        """Take over other settings of the channel; as with `load`, `deliver` must have returned.

        True when its frames are others now. Then everybody who listens will be given the whole window, by `deliver`.
        """
        before, self.channel = self.channel, channel
        self._changed = (self.cursor, self._changed[1] + 1)
        recut = before.window != channel.window
        if not self.loaded or not (recut or _voice(before) != _voice(channel)):
            return False
        if recut:
            # Who comes back from before this moment holds what the old window held.
            self._cut = self.cursor.n
            self._refold()
        self._restart(RECUT)
        return True

    def apply(self, entries: Iterable[Entry]) -> None:
        """Append entries that follow the head. Frames are built here, once for each group that they concern."""
        for entry in entries:
            self.cursor = entry.cursor
            if len(self._history) == self._history.maxlen and self._history[0].cursor.epoch == entry.cursor.epoch:
                self._floor = self._history[0].cursor.n
            self._history.append(entry)
            built: Built | None = None
            for group in self._groups.values():
                if withdraws(entry):
                    # Also where the item has left the window: its frames are still held for those who come back.
                    group.withdraw(entry)
                if group.fold(entry):
                    built = built or build(entry)
                    group.built.append(built)

    async def deliver(self) -> None:
        """Bring every reader who takes data to the head; those who joined meanwhile are there already.

        `load` and `apply` must wait until this has returned: the head stands still while it is handed out.
        """
        head = self.cursor.n
        written = 0
        for group in list(self._groups.values()):
            last = group.built[-1].n if group.built else 0
            built: dict[int, bytes] = {}  # position -> bytes that lead from there to the head, built once
            # Nearly everybody stands where his neighbour does, so the bytes of the last one are looked at first.
            common, data = None, b""
            for reader in list(group.members):
                position = reader.position
                if position >= last or reader.stuck_since:
                    continue
                if position != common:
                    if position not in built:
                        built[position] = self._bring(group, position)
                    common, data = position, built[position]
                reader.position = head
                reader.write(data)
                written += 1
                if not written % SLICE:
                    await asyncio.sleep(0)

    # Readers come and go.

    def join(self, reader: Reader, selector: Selector, cursor: str | None) -> tuple[Group, bytes]:
        """Enter the hub and get the first frame, in one step.

        There is no `await` between reading the window and entering the set: its absence is the lock that makes the
        reader complete, with no gap and no duplicate. Raises Full when there are too many distinct selectors.
        """
        group = self._groups.get(selector)
        if group is None:
            group = self._group(selector)
        payload = self._first(group, cursor)
        reader.position = self.cursor.n
        reader.slot = next(self._slot) % SLOTS
        group.members[reader] = None
        first = wire.text_frame(payload) if payload is not None else self._snapshot(group)
        return group, first + self._heartbeat() if self.stale else first

    def leave(self, group: Group, reader: Reader) -> None:
        """Leave the hub."""
        group.members.pop(reader, None)
        self._lagging.discard((group, reader))
        if group is not self._everything and not group.members:
            self._groups.pop(group.selector, None)

    def pause(self, group: Group, reader: Reader, now: float) -> None:
        """The reader's transport takes no more: nothing is written to it, and nothing is kept for it."""
        reader.stuck_since = now
        self._lagging.add((group, reader))

    def resume(self, group: Group, reader: Reader) -> None:
        """The transport has drained: write what was missed, or the whole window when that is no longer held."""
        reader.stuck_since = 0.0
        self._lagging.discard((group, reader))
        if reader.position < 0 or (group.built and reader.position < group.built[-1].n):
            data = self._bring(group, reader.position)
            reader.position = self.cursor.n
            reader.write(data)

    # Time passes.

    def beat(self, slot: int) -> None:
        """Tell the readers of one slot that the line lives, and how far the log has come."""
        if not self.loaded:
            return
        self._speak(lambda reader: reader.slot == slot)

    def mark(self, stale: bool) -> None:
        """Tell everybody, once, that what they see may not be the newest; and once, that it is again."""
        if self.loaded and stale != self.stale:
            self.stale = stale
            self._speak(lambda _: True)

    def _speak(self, to: Callable[[Reader], bool]) -> None:
        data = self._heartbeat()
        for group in self._groups.values():
            last = group.built[-1].n if group.built else 0
            for reader in list(filter(to, group.members)):
                # The cursor of a heartbeat must not run ahead of what its reader was given.
                if not reader.stuck_since and reader.position >= last:
                    reader.position = self.cursor.n
                    reader.write(data)

    def _heartbeat(self) -> bytes:
        return wire.text_frame(wire.heartbeat(self.cursor, self._clock(), stale=self.stale))

    def cut_stuck(self, before: float) -> int:
        """Cut the readers who have taken nothing since `before` (monotonic seconds). Returns how many."""
        stuck = [(group, reader) for group, reader in self._lagging if reader.stuck_since <= before]
        for group, reader in stuck:
            self.leave(group, reader)
            reader.cut()
        return len(stuck)

    def readers(self) -> list[Reader]:
        """Everybody who listens."""
        return [reader for group in self._groups.values() for reader in group.members]

    def window(self, selector: Selector) -> list[Item]:
        """The window as this selector shows it, newest first, pinned ones before."""
        group = self._groups.get(selector)
        return (self._folded(selector) if group is None else group).window.items

    # What is written.

    def _first(self, group: Group, cursor: str | None) -> bytes | None:
        if cursor is None:
            return None
        place = Cursor.parse(cursor)
        if place is None or place.epoch != self.cursor.epoch or place.n > self.cursor.n:
            return self._reset(group, wire.Reset.EPOCH)
        if place.n < self._floor or place.n <= self._cut:
            return self._reset(group, wire.Reset.WINDOW)
        missed = group.missed(place.n)
        if not group.leads(missed):
            return self._reset(group, wire.Reset.WINDOW)
        entries = [built.json for built in missed]
        return wire.resume(self.channel, self.cursor, self._clock(), entries, self._reconnect)

    def _bring(self, group: Group, position: int) -> bytes:
        if position < 0:
            reason = wire.Reset.EPOCH if position == NOWHERE else wire.Reset.WINDOW
            return wire.text_frame(self._reset(group, reason))
        if position < self._floor:
            return wire.text_frame(self._reset(group, wire.Reset.LAG))
        missed = group.missed(position)
        if not group.leads(missed):
            return wire.text_frame(self._reset(group, wire.Reset.WINDOW))
        return b"".join(built.frame for built in missed)

    def _reset(self, group: Group, reason: str) -> bytes:
        return wire.reset(
            reason,
            self.channel,
            self.cursor,
            self._clock(),
            group.window.items,
            group.window.gone,
            self._reconnect,
        )

    def _snapshot(self, group: Group) -> bytes:
        now = self._clock()
        if group.snapshot is not None:
            cursor, built, frame = group.snapshot
            if cursor == self.cursor and 0 <= now - built < FRESH_MS:
                return frame
        frame = wire.text_frame(wire.snapshot(self.channel, self.cursor, now, group.window.items, self._reconnect))
        group.snapshot = (self.cursor, now, frame)
        return frame

    def _refold(self) -> None:
        for group in self._groups.values():
            group.take(self._folded(group.selector))

    def _restart(self, position: int) -> None:
        for group in self._groups.values():
            group.snapshot = None
            for reader in group.members:
                # Who has not been told of a new log yet will be told of that.
                reader.position = position if reader.position >= 0 else max(reader.position, position)

    def _group(self, selector: Selector) -> Group:
        if len(self._groups) > self._most_selectors:
            raise Full("Too many different filters are in use here. Take a broader one, or poll.", retry_after=30)
        group = self._groups[selector] = self._folded(selector)
        return group

    def _folded(self, selector: Selector) -> Group:
        """A group as it would stand had it been there all along."""
        group = Group(selector, self.channel.window, self._history.maxlen or 0)
        newest = {entry.item.id: entry for entry in self._history if withdraws(entry)}
        for entry in self._history:
            if newest.get(entry.item.id) is entry:
                # What comes after a hold is its release: that may be seen.
                del newest[entry.item.id]
            if group.fold(entry) and entry.cursor.epoch == self.cursor.epoch:
                last = newest.get(entry.item.id)
                group.built.append(build(withdrawn(entry, last), altered=True) if last else build(entry))
        return group

    def withdrawn(self, selector: Selector) -> list[Item]:
        """What this selector showed and was taken back, as far as it is known here: at most 20, newest first.

        In their withdrawn form, so that nobody can tell their text by mistake.
        """
        shown = {entry.item.id for entry in self._history if selector.matches(entry.item)}
        found: dict[str, Item] = {}
        for entry in reversed(self._history):
            if entry.item.pubstatus == "canceled" and entry.item.id in shown and len(found) < MOST_WITHDRAWN:
                found.setdefault(entry.item.id, entry.item)
        left = {"headline": "", "language": self.channel.language, "direction": self.channel.direction}
        kept = (item.model_dump(include=set(WITHDRAWN)) for item in found.values())
        return [Item(state="retracted", **left, **fields) for fields in kept]


def _voice(channel: Channel) -> tuple[str, str]:
    """What of a channel's settings stands in its frames."""
    return channel.language, channel.direction
