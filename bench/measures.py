"""What is measured: the steps of each run, and the figures that come out of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ticker import wire
from ticker.entry import Cursor

from bench.load import Places, RoundError, Step, run
from bench.servers import LAST_PLACE, Cores, Order, Running, start

EARLIER_ITEMS = 10
"""Posted before anybody joins, so that a server which sends new readers a window has a full one to send."""
HOUR = 3600.0
USUAL_HEARTBEAT = 25.0
CLOGGING = 300
"""Items that fill the buffers of those who never read."""
PUBLISHERS = (1, 8, 32)

Figures = dict[str, float]


@dataclass(frozen=True)
class Load:
    """How much of everything."""

    readers: int = 5000
    workers: int = 1
    body_bytes: int = 300
    items: int = 30
    gap: float = 0.25
    burst: int = 250
    """Items of each of eight publishers."""
    peer_burst: int = 50
    heartbeat: float = 5.0
    idle_seconds: float = 20.0
    stuck: int = 100
    post_readers: int = 2000
    posts: int = 4000
    """Of all publishers together."""

    def warm(self) -> Load:
        """A fifth of it, for the round that does not count."""
        return replace(
            self,
            items=max(1, self.items // 5),
            burst=max(1, self.burst // 5),
            peer_burst=max(1, self.peer_burst // 5),
            idle_seconds=self.heartbeat,
            posts=max(PUBLISHERS[-1], self.posts // 5),
        )


@dataclass(frozen=True)
class Column:
    """One figure of a server. `ratio`: dividing it by the floor's of the same round says something."""

    key: str
    title: str
    digits: int = 1
    ratio: bool = False
    plotted: bool = False


@dataclass(frozen=True)
class Goal:
    """What ticker has to reach: the median of a column, or of its ratio to the floor within each round."""

    column: str
    text: str
    bound: float
    ratio: bool = False
    at_least: bool = False


@dataclass(frozen=True)
class Measure:
    """One of the things that are measured, and can be asked for alone."""

    name: str
    title: str
    about: Callable[[Load], str]
    columns: tuple[Column, ...]
    goals: tuple[Goal, ...] = ()
    axis: str = ""
    """What the plot shows when only ticker takes part and each column has a row."""


MEASURES = (
    Measure(
        "paced",
        "One alert at a time",
        lambda load: (
            f"{load.readers:,} readers, {load.items} alerts of {load.body_bytes} bytes, one every {load.gap:g} s or "
            "when all readers have the last."
        ),
        (
            Column("cpu_us", "CPU per delivery, µs", 2, ratio=True, plotted=True),
            Column("last_ms", "time to the last reader, ms", 1, ratio=True, plotted=True),
            Column("p50_ms", "p50, ms", 1),
            Column("p99_ms", "p99, ms", 1),
            Column("store_us", "store CPU per delivery, µs", 2),
            Column("frame_bytes", "frame, bytes", 0),
            Column("load_busy", "load's core busy, %", 0),
            Column("disturbed", "server kept waiting, %", 0),
        ),
        (
            Goal("cpu_us", "CPU per delivery, paced, floor = 1", 1.15, ratio=True),
            Goal("last_ms", "time to the last reader, floor = 1", 1.2, ratio=True),
        ),
    ),
    Measure(
        "burst",
        "A burst",
        lambda load: (
            f"{load.readers:,} readers, 8 publishers at once on kept-alive connections: {load.burst} alerts each for "
            f"ticker, {load.peer_burst} each for the others, to bound the time that it takes."
        ),
        (
            Column("per_second", "deliveries/s", 0, ratio=True, plotted=True),
            Column("cpu_us", "CPU per delivery, µs", 2, ratio=True),
            Column("seconds", "until all have all, s", 1),
            Column("load_busy", "load's core busy, %", 0),
            Column("disturbed", "server kept waiting, %", 0),
        ),
        (Goal("per_second", "burst, deliveries/s, floor = 1", 3.0, ratio=True, at_least=True),),
    ),
    Measure(
        "memory",
        "Memory",
        lambda load: f"Growth of Pss by {load.readers:,} idle readers, for each of them.",
        (Column("kilobytes", "KB per idle connection", 2, plotted=True),),
        (Goal("kilobytes", "memory (Pss) per idle connection, KB", 2.5),),
    ),
    Measure(
        "join",
        "Joining",
        lambda load: f"{load.readers:,} readers join; ticker sends each a window of ten alerts, the others nothing.",
        (
            Column("cpu_us", "CPU per join, µs", 0, ratio=True, plotted=True),
            Column("per_second", "joins/s", 0),
            Column("first_bytes", "first frame, bytes", 0),
        ),
        (Goal("cpu_us", "join with a window of ten, CPU per connection, µs", 130.0),),
    ),
    Measure(
        "idle",
        "An idle hour",
        lambda load: (
            f"{load.readers:,} readers, no alerts, a heartbeat every {load.heartbeat:g} s for {load.idle_seconds:g} s, "
            f"scaled to one every {USUAL_HEARTBEAT:g} s for an hour: what the server needs without readers is measured "
            f"apart, at {USUAL_HEARTBEAT:g} s, and only what readers add to it is scaled."
        ),
        (
            Column("cpu_s", "CPU per 1,000 connections and hour, s", 2, ratio=True, plotted=True),
            Column("own_s", "of that without readers, s", 2),
            Column("added_s", "what readers add, s", 2, ratio=True),
            Column("beats", "heartbeats to a reader", 2),
            Column("frame_bytes", "heartbeat, bytes", 0),
            Column("disturbed", "server kept waiting, %", 0),
        ),
        (Goal("cpu_s", "idle hour, CPU per 1,000 connections, floor = 1", 1.2, ratio=True),),
    ),
    Measure(
        "stuck",
        "Readers who never read",
        lambda load: (
            f"{load.readers:,} readers, paced as above: without, with, and again without {load.stuck} more who never "
            f"read, whose buffers {CLOGGING} alerts have filled."
        ),
        (
            Column("with_ms", "p99 with them, ms", 1, plotted=True),
            Column("without_ms", "p99 without, ms", 1, plotted=True),
            Column("times", "with ÷ without", 3),
            Column("disturbed", "server kept waiting, %", 0),
        ),
        (Goal("times", "100 stuck readers among 5,000, p99 of the others, without them = 1", 1.1),),
        "p99 of the readers who read, ms",
    ),
    Measure(
        "post",
        "Posting",
        lambda load: (
            f"`ticker api`, one process on one core, `appendfsync no`; {load.post_readers:,} readers on the other, "
            f"beside the store and the load; {load.posts:,} posts in all by each number of publishers, who wait for "
            "each answer on a kept-alive connection."
        ),
        tuple(
            column
            for count in PUBLISHERS
            for column in (
                Column(f"per_second_{count}", f"posts/s, {count} at once", 0, plotted=True),
                Column(f"p50_ms_{count}", f"p50 of {count}, ms", 1),
                Column(f"p99_ms_{count}", f"p99 of {count}, ms", 1),
                Column(f"cpu_us_{count}", f"CPU per post of {count}, µs", 0),
                Column(f"disturbed_{count}", f"server kept waiting by others, {count} at once, %", 0),
            )
        ),
        (
            Goal("per_second_32", "accepted posts/s, 32 publishers", 2000.0, at_least=True),
            Goal("p99_ms_32", "p99 of a post, 32 publishers, ms", 50.0),
        ),
        "accepted posts per second",
    ),
    Measure(
        "latency",
        "One reader",
        lambda load: "One reader, 200 alerts one after the other, from the start of the POST to the frame.",
        (Column("p50_ms", "p50, ms", 2), Column("p99_ms", "p99, ms", 2), Column("max_ms", "greatest, ms", 2)),
    ),
)
NAMES = tuple(measure.name for measure in MEASURES)


def crowd(server: str, load: Load, cores: Cores, wanted: Sequence[str]) -> dict[str, Figures]:
    """Join, memory, paced and burst: one start of the server for all that are wanted of them."""
    # One send for each alert is as fast in a short burst as in a long one.
    each = load.burst if server == "ticker" else load.peer_burst
    steps = [f"paced:{EARLIER_ITEMS}:0.02", "rest:0.5", f"join:{load.readers}", "rest:1"]
    if "paced" in wanted or "burst" in wanted:
        steps.append("paced:2:0.1")  # the first alert pays for buffers that every later one finds ready
    if "paced" in wanted:
        steps.append(f"paced:{load.items}:{load.gap:g}")
    if "burst" in wanted:
        steps.append(f"burst:8:{each}")
    with start(server, Order(load.readers, load.workers), cores) as running:
        done = _run(running, cores, load, steps)
    join, rest = done[2], done[3]
    found: dict[str, Figures] = {
        "join": {
            "cpu_us": join["cpu_ns"] / load.readers / 1e3,
            "per_second": load.readers / join["seconds"],
            "first_bytes": join["frame_bytes"] / load.readers,
        },
        "memory": {"kilobytes": (rest["pss_after"] - join["pss_before"]) / load.readers / 1024},
    }
    if "paced" in wanted:
        step = done[5]
        found["paced"] = {
            "cpu_us": _per_delivery(step, "cpu_ns"),
            "store_us": _per_delivery(step, "store_cpu_ns"),
            "last_ms": step["last_reader_p50_ms"],
            "p50_ms": step["latency_p50_ms"],
            "p99_ms": step["latency_p99_ms"],
            "frame_bytes": step["frame_bytes"] / step["frames"],
            "load_busy": step["load_cpu_ns"] / step["seconds"] / 1e7,
            "disturbed": _disturbed(step),
        }
    if "burst" in wanted:
        step = done[-1]
        found["burst"] = {
            "per_second": step["delivered"] / step["delivery_seconds"],
            "cpu_us": _per_delivery(step, "cpu_ns"),
            "seconds": step["delivery_seconds"],
            "load_busy": step["load_cpu_ns"] / step["seconds"] / 1e7,
            "disturbed": _disturbed(step),
        }
    return {name: figures for name, figures in found.items() if name in wanted}


def idle(server: str, load: Load, cores: Cores, wanted: Sequence[str]) -> dict[str, Figures]:
    """What a connection costs when nothing happens. Raises RoundError when heartbeats are missing."""
    seconds = load.idle_seconds
    alone = ["rest:3", f"rest:{seconds:g}"]
    with start(server, Order(0, load.workers, USUAL_HEARTBEAT, heartbeat_bytes()), cores) as running:
        own = _cpu_rate(_run(running, cores, load, alone)[1])
    steps = [*alone, f"join:{load.readers}", f"rest:{load.heartbeat:g}", f"rest:{seconds:g}"]
    with start(server, Order(load.readers, load.workers, load.heartbeat, heartbeat_bytes()), cores) as running:
        done = _run(running, cores, load, steps)
    beating = done[4]
    beats = max(0.0, _cpu_rate(beating) - _cpu_rate(done[1])) * load.heartbeat / USUAL_HEARTBEAT
    came = beating["frames"] / load.readers
    due = beating["seconds"] / load.heartbeat
    if not 0.9 * due < came < 1.15 * due:
        raise RoundError(f"{came:.2f} heartbeats came to a reader, {due:.2f} were due")
    scale = HOUR / (load.readers / 1000)
    return {
        "idle": {
            "cpu_s": (own + beats) * scale,
            "own_s": own * scale,
            "added_s": beats * scale,
            "beats": came,
            "frame_bytes": beating["frame_bytes"] / beating["frames"],
            "disturbed": _disturbed(beating),
        }
    }


def stuck(server: str, load: Load, cores: Cores, wanted: Sequence[str]) -> dict[str, Figures]:
    """The p99 of those who read, beside some who do not."""
    paced = f"paced:{load.items}:{load.gap:g}"
    steps = [f"paced:{EARLIER_ITEMS}:0.02", "rest:0.5", f"join:{load.readers}", "rest:1", "paced:2:0.1"]
    steps += [paced, f"stick:{load.stuck}", "rest:0.5", f"burst:2:{CLOGGING // 2}", "rest:1", paced]
    steps += ["unstick", "rest:1", paced]
    with start(server, Order(load.readers, load.workers, patient=True), cores) as running:
        done = _run(running, cores, load, steps)
    before, among, after = (done[place]["latency_p99_ms"] for place in (5, 10, 13))
    without = (before + after) / 2
    disturbed = max(_disturbed(done[place]) for place in (5, 10, 13))
    return {
        "stuck": {"with_ms": among, "without_ms": without, "times": among / without, "disturbed": disturbed},
    }


def post(server: str, load: Load, cores: Cores, wanted: Sequence[str]) -> dict[str, Figures]:
    """How many posts one api process takes, and how long each waits."""
    figures: Figures = {}
    steps = [f"paced:{EARLIER_ITEMS}:0.02", "rest:0.5", f"join:{load.post_readers}", "rest:1", "burst:1:20"]
    steps += [f"burst:{count}:{max(1, load.posts // count)}" for count in PUBLISHERS]
    with start(server, Order(load.post_readers), cores, apart=True) as running:
        done = _run(running, cores, load, steps, nice=LAST_PLACE)
    for count, step in zip(PUBLISHERS, done[-len(PUBLISHERS) :], strict=True):
        figures[f"per_second_{count}"] = step["posted"] / step["post_seconds"]
        figures[f"p50_ms_{count}"] = step["post_p50_ms"]
        figures[f"p99_ms_{count}"] = step["post_p99_ms"]
        figures[f"cpu_us_{count}"] = step["cpu_ns"] / step["posted"] / 1e3
        figures[f"disturbed_{count}"] = _disturbed(step)
    return {"post": figures}


def latency(server: str, load: Load, cores: Cores, wanted: Sequence[str]) -> dict[str, Figures]:
    """One reader and nothing else to do."""
    with start(server, Order(1), cores) as running:
        step = _run(running, cores, load, ["join:1", "rest:0.5", "paced:10:0.02", "paced:200:0.02"])[-1]
    return {"latency": {f"{name}_ms": step[f"latency_{name}_ms"] for name in ("p50", "p99", "max")}}


@dataclass(frozen=True)
class Stand:
    """Measures that one start of a server gives, and who takes part (None: the floor, ticker and every peer)."""

    gives: tuple[str, ...]
    run: Callable[[str, Load, Cores, Sequence[str]], dict[str, Figures]]
    servers: tuple[str, ...] | None


STANDS = (
    Stand(("paced", "burst", "memory", "join"), crowd, None),
    Stand(("idle",), idle, ("floor", "ticker")),
    Stand(("stuck",), stuck, ("ticker",)),
    Stand(("post",), post, ("ticker",)),
    Stand(("latency",), latency, ("floor", "ticker")),
)


def heartbeat_bytes() -> int:
    """Size of ticker's heartbeat, so that the floor writes as much."""
    return len(wire.heartbeat(Cursor(1_795_451_146_381, 12), 1_795_451_146_381))


def _run(running: Running, cores: Cores, load: Load, steps: Sequence[str], *, nice: int = 0) -> list[Step]:
    return run(running.target, Places(cores[1], running.pids, running.store_pids), load.body_bytes, steps, nice=nice)


def _cpu_rate(step: Step) -> float:
    """Seconds of CPU per second."""
    return float(step["cpu_ns"]) / 1e9 / float(step["seconds"])


def _disturbed(step: Step) -> float:
    """Per cent of the time that the server wanted its core, and had to wait for others who were on it."""
    wanted = step["cpu_ns"] + step["waited_ns"]
    return 100.0 * float(step["waited_ns"]) / float(wanted) if wanted else 0.0


def _per_delivery(step: Step, key: str) -> float:
    return float(step[key]) / float(step["delivered"]) / 1e3
