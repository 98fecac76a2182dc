"""What Linux tells about a process from outside: its CPU, its memory, its family, its core."""

import os
import resource
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PROC = Path("/proc")


def cpu_ns(pids: Iterable[int]) -> int:
    """Nanoseconds that the threads of these processes have run.

    A thread that has ended takes its share with it, so this only suits servers whose threads live on.
    """
    total = 0
    for task in (task for pid in pids for task in _tasks(pid)):
        with suppress(FileNotFoundError, ProcessLookupError):  # it ended while we looked
            total += int(_read(task / "schedstat").split()[0])
    return total


def pss_bytes(pids: Iterable[int]) -> int:
    """Memory of these processes, shared pages divided among those who share them."""
    total = 0
    for pid in pids:
        for line in _read(PROC / str(pid) / "smaps_rollup").splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


def name(pid: int) -> str:
    return _read(PROC / str(pid) / "comm").strip()


def started(pid: int) -> int | None:
    """When a process began, in ticks since boot, or None when it has ended: with the pid, its identity."""
    try:
        state, *rest = _stat(pid)
    except OSError:
        return None
    return None if state in "ZX" else int(rest[18])


def descendants(pid: int) -> list[int]:
    """Children, and theirs."""
    parents: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                parents.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
            except OSError:
                continue  # it ended while we looked
    found = [pid]
    for parent in found:
        found.extend(parents.get(parent, []))
    return found[1:]


def pin(pid: int, core: int) -> None:
    """Keep every thread of a process on one core: the system call moves only one thread."""
    for task in _tasks(pid):
        os.sched_setaffinity(int(task.name), {core})


@contextmanager
def standing_on(core: int) -> Iterator[None]:
    """Start children from here and they begin, and stay, on that core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def two_cores() -> tuple[int, int]:
    """A core for the server, another for the gauge: on one core they would measure each other."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise SystemExit("bench: needs two cores, one for the server and one for the gauge")
    return cores[0], cores[1]


def raise_descriptor_limit(wanted: int) -> None:
    """Take all descriptors that we may have; children inherit the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if wanted > hard:
        raise SystemExit(f"bench: needs {wanted} descriptors, the hard limit is {hard}")


def cpu_model() -> str:
    for line in _read(PROC / "cpuinfo").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown CPU"


def _tasks(pid: int) -> list[Path]:
    return list((PROC / str(pid) / "task").iterdir())


def _stat(pid: int) -> list[str]:
    # The name stands in brackets and may hold anything, brackets too, so we read on from the last one.
    return _read(PROC / str(pid) / "stat").rpartition(")")[2].split()


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
