"""What Linux tells about a process from outside, and where it lets one run: its family, its core, its descriptors."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROC = Path("/proc")
ALL_CORES = os.sched_getaffinity(0)
"""Where this program was started."""


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
def standing_on(cores: set[int]) -> Iterator[None]:
    """Start children from here and they begin, and stay, on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def two_cores() -> tuple[int, int]:
    """A core for the server, another for the load: on one core they would measure each other."""
    cores = sorted(ALL_CORES)
    if len(cores) < 2:
        raise SystemExit("bench: needs two cores, one for the server and one for the load")
    return cores[0], cores[1]


def raise_descriptor_limit(wanted: int) -> None:
    """Have at least `wanted` descriptors in each process that is started from here.

    Past the hard limit that takes CAP_SYS_RESOURCE. Raises SystemExit when it cannot be had.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if wanted > hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
        except (OSError, ValueError):
            raise SystemExit(
                f"bench: a server needs {wanted} descriptors, and we may not raise the hard limit of {hard}"
            ) from None
    else:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


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
