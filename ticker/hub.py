"""Who listens to a channel, and how each of them is brought up to date.

A connection is a cursor. Live traffic, coming back after a broken line and catching up after being slow are one
thing here: what stands between the reader's position and the head of the log is written to it in one write.
Nothing is queued for a reader who takes nothing; he costs what his transport's buffer holds, and delays nobody.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from itertools import count

from ticker import wire
from ticker.channel import Channel
from ticker.delivery import Delivery
from ticker.entry import START, Cursor, Entry, State
from ticker.errors import Full
from ticker.group import EVERYTHING, Built, Group, Joined, Selector, folded, taken_back, withdraws
from ticker.item import Item
from ticker.lane import SIZE, Reader, Way

FRESH_MS = 250
"""For how long a built snapshot may be handed out again; its `time` is that much behind."""
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
        receipts: float = 0.0,
    ) -> None:
        """`clock` gives the store's time in ms; `ring` entries are held; this part of readers is asked for receipts."""
        self.channel = channel
        self.cursor = START
        self.loaded = False
        self.stale = False
        self.told: Callable[[Delivery], None] | None = None
        """Called with what the kernel took: after each broadcast, and when a reader has caught up."""
        self._clock = clock
        self._asked = (reconnect, receipts)  # of every reader, in its first frame
        self._most_selectors = most_selectors
        self._history: deque[Entry] = deque(maxlen=ring)
        self._floor = 0  # from this position on, a reader can be brought up to date entry by entry
        self._changed = (START, 0)  # where its settings were changed last, and how often
        self._cut = -1  # up to this position, a reader may hold a window of another size
        self._groups: dict[Selector, Group] = {}
        self._lagging: set[tuple[Group, Reader]] = set()
        self._slots = count()
        self._everything = self._group(EVERYTHING)

    def __len__(self) -> int:
        """The audience: who listens, but for the pages of the newsroom itself."""
        return sum(len(group) for group in self._groups.values() if not group.selector.desk)

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
                    built = built or Built(entry)
                    group.built.append(built)

    async def deliver(self) -> None:
        """Bring every reader who takes data to the head; those who joined meanwhile are there already.

        `load` and `apply` must wait until this has returned: the head stands still while it is handed out.
        """
        head = self.cursor.n
        delivery = Delivery(time.monotonic())
        written = 0
        for group in list(self._groups.values()):
            newest = group.newest
            brought: dict[tuple[int, Way], bytes] = {}  # built once for all who stand at one place
            for lane in list(group.lanes):
                position, lane.position = lane.position, head
                if position >= newest:
                    continue
                data = self._bring(group, position, lane.way, brought)
                readers = lane.write(data)
                group.tell(delivery, position, readers, readers * len(data))
                written += readers
                if written >= SIZE:
                    written = 0
                    await asyncio.sleep(0)
            for reader in list(group.apart):
                if reader.stuck_since:
                    delivery.lagging += 1
                elif reader in group.apart:
                    self._catch_up(group, reader, delivery, brought)
                    written += 1
                    if written >= SIZE:
                        written = 0
                        await asyncio.sleep(0)
            group.close_ranks()
        self._tell(delivery)

    # Readers come and go.

    def join(self, reader: Reader, selector: Selector, cursor: str | None) -> Joined:
        """Enter the hub and get the first frame, in one step.

        There is no `await` between reading the window and entering the set: its absence is the lock that makes the
        reader complete, with no gap and no duplicate. Raises Full when there are too many distinct selectors.
        """
        group = self._groups.get(selector)
        if group is None:
            group = self._group(selector)
        if cursor is None:
            answer, first = "snapshot", self._snapshot(group, reader.way)
        else:
            answer, payload = self._back(group, cursor)
            first = wire.dressed(reader.way, payload, self.cursor)
        if self.stale:
            first += wire.dressed(reader.way, wire.heartbeat(self.cursor, self._clock(), stale=True), self.cursor)
        group.seat(reader, self.cursor.n)
        return Joined(group, first, answer)

    def leave(self, group: Group, reader: Reader) -> None:
        """Leave the hub."""
        group.unseat(reader)
        self._lagging.discard((group, reader))
        if group is not self._everything and not group:
            self._groups.pop(group.selector, None)

    def pause(self, group: Group, reader: Reader, now: float) -> None:
        """The reader's transport takes no more: nothing is written to it, and nothing is kept for it."""
        reader.stuck_since = now
        group.unseat(reader)
        group.apart[reader] = None
        self._lagging.add((group, reader))

    def resume(self, group: Group, reader: Reader) -> None:
        """The transport has drained: write what was missed, or the whole window when that is no longer held."""
        reader.stuck_since = 0.0
        self._lagging.discard((group, reader))
        delivery = Delivery(time.monotonic())
        self._catch_up(group, reader, delivery, {})
        if not reader.stuck_since and reader in group.apart:
            group.seat(reader, reader.position)
        self._tell(delivery)

    def _catch_up(
        self, group: Group, reader: Reader, delivery: Delivery, brought: dict[tuple[int, Way], bytes]
    ) -> None:
        position, reader.position = reader.position, self.cursor.n
        if position < group.newest:
            data = self._bring(group, position, reader.way, brought)
            reader.write(data)
            group.tell(delivery, position, 1, len(data))

    def _tell(self, delivery: Delivery) -> None:
        delivery.ended = time.monotonic()
        if self.told is not None and (delivery.readers or delivery.lagging):
            self.told(delivery)

    # Time passes.

    def beat(self, slot: int) -> None:
        """Tell the readers of one slot that the line lives, and how far the log has come."""
        if self.loaded:
            self._speak(slot)

    def mark(self, stale: bool) -> None:
        """Tell everybody, once, that what they see may not be the newest; and once, that it is again."""
        if self.loaded and stale != self.stale:
            self.stale = stale
            self._speak(None)

    def _speak(self, slot: int | None) -> None:
        frames: dict[Way, bytes] = {}
        for group in self._groups.values():
            newest = group.newest
            # The cursor of a heartbeat must not run ahead of what its reader was given.
            lanes = [lane for lane in group.lanes if slot in (None, lane.slot) and lane.position >= newest]
            apart = [reader for reader in group.apart if slot in (None, reader.slot)]
            if not frames and (lanes or apart):
                payload = wire.heartbeat(self.cursor, self._clock(), stale=self.stale)
                frames = {Way.PLAIN: wire.text_frame(payload), Way.EVENTS: wire.event(payload, self.cursor)}
                frames[Way.DEFLATED] = frames[Way.PLAIN]  # so short a text is not worth it
            for lane in lanes:
                lane.position = self.cursor.n
                lane.write(frames[lane.way])
            for reader in apart:
                if not reader.stuck_since and reader.position >= newest:
                    reader.position = self.cursor.n
                    reader.write(frames[reader.way])

    def cut_stuck(self, before: float) -> int:
        """Cut the readers who have taken nothing since `before` (monotonic seconds). Returns how many."""
        stuck = [(group, reader) for group, reader in self._lagging if reader.stuck_since <= before]
        for group, reader in stuck:
            self.leave(group, reader)
            reader.cut()
        return len(stuck)

    def ways(self) -> Counter[Way]:
        """How many listen in which way."""
        return sum((group.ways() for group in self._groups.values()), Counter())

    def readers(self) -> list[Reader]:
        """Everybody who listens."""
        return [reader for group in self._groups.values() for reader in group.readers()]

    def window(self, selector: Selector) -> list[Item]:
        """The window as this selector shows it, newest first, pinned ones before."""
        group = self._groups.get(selector)
        return (self._folded(selector) if group is None else group).window.items

    # What is written.

    def _back(self, group: Group, cursor: str) -> tuple[str, bytes]:
        """What leads from a reader's cursor to the head, and what that is."""
        place = Cursor.parse(cursor)
        if place is None or place.epoch != self.cursor.epoch or place.n > self.cursor.n:
            return "reset", self._reset(group, wire.Reset.EPOCH)
        if place.n < self._floor or place.n <= self._cut:
            return "reset", self._reset(group, wire.Reset.WINDOW)
        missed = group.missed(place.n)
        if not group.leads(missed):
            return "reset", self._reset(group, wire.Reset.WINDOW)
        entries = [built.json for built in missed]
        return "resume", wire.resume(self.channel, self.cursor, self._clock(), entries, *self._asked)

    def _bring(self, group: Group, position: int, way: Way, brought: dict[tuple[int, Way], bytes]) -> bytes:
        """What leads from this position to the head, on a line of this kind."""
        found = brought.get((position, way))
        if found is None:
            found = brought[position, way] = self._led(group, position, way)
        return found

    def _led(self, group: Group, position: int, way: Way) -> bytes:
        reason = None
        missed: list[Built] = []
        if position < 0:
            reason = wire.Reset.EPOCH if position == NOWHERE else wire.Reset.WINDOW
        elif position < self._floor:
            reason = wire.Reset.LAG
        elif not group.leads(missed := group.missed(position)):
            reason = wire.Reset.WINDOW
        if reason is not None:
            return wire.dressed(way, self._reset(group, reason), self.cursor)
        return b"".join([built.frame(way) for built in missed])

    def _reset(self, group: Group, reason: str) -> bytes:
        return wire.reset(
            reason,
            self.channel,
            self.cursor,
            self._clock(),
            group.window.items,
            group.window.gone,
            *self._asked,
        )

    def _snapshot(self, group: Group, way: Way) -> bytes:
        now = self._clock()
        if way in group.snapshots:
            cursor, built, frame = group.snapshots[way]
            if cursor == self.cursor and 0 <= now - built < FRESH_MS:
                return frame
        payload = wire.snapshot(self.channel, self.cursor, now, group.window.items, *self._asked)
        frame = wire.dressed(way, payload, self.cursor)
        group.snapshots[way] = (self.cursor, now, frame)
        return frame

    def _refold(self) -> None:
        for group in self._groups.values():
            group.take(self._folded(group.selector))

    def _restart(self, position: int) -> None:
        for group in self._groups.values():
            group.set_back(position)

    def _folded(self, selector: Selector) -> Group:
        return folded(selector, self.channel.window, self._history, self.cursor.epoch, self._slots)

    def _group(self, selector: Selector) -> Group:
        if len(self._groups) > self._most_selectors:
            raise Full("Too many different filters are in use here. Take a broader one, or poll.", retry_after=30)
        group = self._groups[selector] = self._folded(selector)
        return group

    def withdrawn(self, selector: Selector) -> list[Item]:
        """What this selector showed and was taken back, in its withdrawn form, newest first."""
        return taken_back(self._history, selector, self.channel)


def _voice(channel: Channel) -> tuple[str, str]:
    """What of a channel's settings stands in its frames."""
    return channel.language, channel.direction
