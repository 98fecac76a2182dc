"""Workers behind one address: a socket each, readers for all alike, and another in the place of one that died."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest
from ticker import workers
from ticker.errors import SettingsError
from ticker.serve import listen
from ticker.settings import Settings
from ticker.workers import Listeners

from tests.stage import PLAIN, Service, free_port, short_directory
from tests.test_connection import UPGRADE
from tests.test_serve import pids_of, workers_of
from tests.waiting import until, until_now

REQUEST = UPGRADE.format(path="/v1/channels/en/live").encode()
READERS = 400


@contextmanager
def serving(*flags: str, **environ: str) -> Iterator[Service]:
    """`ticker serve`, started so."""
    with short_directory() as directory:
        service = Service(directory, *flags, descriptors=0, **environ)
        service.start()
        try:
            yield service
        finally:
            service.end()


def listeners(port: int = 0, number: int = 2) -> Listeners:
    """The sockets of so many workers."""
    return Listeners(functools.partial(listen, Settings()), port, number, 16)


def inodes(pid: int) -> set[str]:
    """The sockets of a process, by the numbers that the kernel knows them by."""
    found = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it was only open for a moment
            link = str(entry.readlink())
            if link.startswith("socket:"):
                found.add(link.removeprefix("socket:[").removesuffix("]"))
    return found


def listening(pid: int, port: int) -> set[str]:
    """Those of them that listen on this port."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    every = {line[9] for line in lines if line[3] == "0A" and int(line[1].split(":")[1], 16) == port}
    return every & inodes(pid)


def spread(service: Service) -> Counter[int]:
    """How many lines each worker has."""
    found: Counter[int] = Counter()
    for worker in workers_of(service):
        for line in worker.net_connections("tcp"):
            if line.status == psutil.CONN_ESTABLISHED and line.laddr and line.laddr.port == service.port:
                found[worker.pid] += 1
    return found


def joined(service: Service) -> socket.socket:
    """A reader who has been let in."""
    line = socket.create_connection(("127.0.0.1", service.port), timeout=20)
    line.sendall(REQUEST)
    assert line.recv(12) == b"HTTP/1.1 101"
    return line


def test_each_worker_has_a_socket_of_its_own_on_one_port() -> None:
    """Also on a port that the kernel chooses."""
    for port in (0, free_port()):
        with closing(listeners(port, 3)) as found:
            assert 3 == len(set(found.sockets))
            assert {found.port} == {one.getsockname()[1] for one in found.sockets}
            assert port in (0, found.port)


def test_a_port_that_somebody_has_is_refused() -> None:
    """Also when those who have it would share: a second service is none of theirs."""
    for number in (1, 2):
        with closing(listeners(0, number)) as found:
            if number == 1:
                found.sockets[0].listen()  # as uvicorn does; of several each listens from the beginning
            for other in (1, 2):
                with pytest.raises(SettingsError, match=f"^TICKER_PORT: 127.0.0.1:{found.port} cannot be listened on"):
                    listeners(found.port, other)


def test_one_process_shares_its_port_with_nobody() -> None:
    """There is nothing to spread."""
    with closing(listeners(0, 1)) as found:
        assert 0 == found.sockets[0].getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)


def test_where_the_kernel_does_not_spread_they_share_one_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    """And it stays open as long as one needs it."""
    monkeypatch.setattr(workers, "SPREADS", False)
    with closing(listeners(0, 2)) as found:
        found.add()
        assert 1 == len(set(found.sockets))
        assert 0 == found.sockets[0].getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)
        found.drop()
        assert found.sockets[0].fileno() >= 0
    assert found.sockets[0].fileno() < 0


def test_what_is_set_on_the_socket_holds_for_each() -> None:
    """A reader is bounded alike wherever he comes."""
    with closing(listeners(0, 2)) as found:
        for option in (socket.SO_SNDBUF, socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            assert 1 == len({one.getsockopt(socket.SOL_SOCKET, option) for one in found.sockets})


@pytest.mark.parametrize(
    ("flags", "environ"),
    [(["--workers", "2"], {}), ([], {"TICKER_WORKERS": "2", "TICKER_HOST": "127.0.0.1", "WEB_CONCURRENCY": "5"})],
    ids=["by flag", "by an environment that is handed on"],
)
def test_readers_come_to_all_workers_alike(flags: list[str], environ: dict[str, str]) -> None:
    """Each has at least a quarter of them, where half would be even."""
    with serving(*flags, **environ) as service, ExitStack() as stack:
        assert 2 == len(workers_of(service))
        for _ in range(READERS):
            stack.enter_context(joined(service))
        found = spread(service)
        assert READERS <= found.total()
        assert 2 == len(found)
        assert min(found.values()) >= READERS / 4


async def test_a_killed_worker_is_replaced_on_its_own_socket() -> None:
    """Who knocks meanwhile is let in by the other, or by the new one."""
    with serving("--workers", "2") as service:
        before = {pid: listening(pid, service.port) for pid in pids_of(service)}
        assert [1, 1] == [len(found) for found in before.values()]
        assert 2 == len(set.union(*before.values()))
        killed, kept = before
        os.kill(killed, signal.SIGKILL)
        waiting = [asyncio.to_thread(joined, service) for _ in range(24)]
        lines = await asyncio.gather(*waiting)
        await until(lambda: len(pids_of(service) - {killed}) == 2, "another worker", 30)
        (new,) = pids_of(service) - {killed, kept}
        await until(lambda: listening(new, service.port) == before[killed], "it to listen where the other did", 30)
        assert before[kept] == listening(kept, service.port)
        # Some of them stood in the queue of the one that is dead.
        assert {new, kept} == set(spread(service))
        for line in lines:
            line.close()
        assert 0 == service.stop()


def test_one_more_and_one_less() -> None:
    """TTIN and TTOU, as uvicorn has them; nobody is left in the queue of one who has gone."""
    with serving("--workers", "1") as single:
        assert 0 == len(workers_of(single))
    with serving("--workers", "2") as service:
        assert service.process is not None
        service.process.send_signal(signal.SIGTTIN)
        until_now(lambda: len(pids_of(service)) == 3, "a third worker")
        until_now(lambda: len(on(service)) == 3, "the third to listen", 30)
        service.process.send_signal(signal.SIGTTOU)
        until_now(lambda: len(pids_of(service)) == 2, "the third to go", 30)
        for _ in range(30):
            assert 200 == httpx.get(service.url + "/health/live", **PLAIN).status_code
        assert 2 == len(on(service))
        for _ in range(2):
            service.process.send_signal(signal.SIGTTOU)
            until_now(lambda: len(pids_of(service)) == 1, "one to be left", 30)
        assert 200 == httpx.get(service.url + "/health/live", **PLAIN).status_code
        assert 0 == service.stop()


def on(service: Service) -> set[str]:
    """The sockets on which its workers listen."""
    return {inode for pid in pids_of(service) for inode in listening(pid, service.port)}


def test_a_second_service_on_the_address_is_told_so() -> None:
    """It ends at once, and the first goes on with all its readers."""
    with serving("--workers", "2") as service, short_directory() as elsewhere:
        command = [sys.executable, "-m", "ticker", "serve", "--workers", "2", "--port", str(service.port)]
        second = subprocess.run(
            [*command, "--data", str(elsewhere)], capture_output=True, text=True, timeout=30, check=False
        )
        assert 1 == second.returncode
        assert f"TICKER_PORT: 127.0.0.1:{service.port} cannot be listened on" in second.stderr
        joined(service).close()
