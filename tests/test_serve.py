"""`ticker serve` as a user starts it: processes, signals, restarts."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import httpx
import psutil
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.stage import Service, entries, frame, free_port, runs, short_directory
from tests.waiting import until_now


@pytest.fixture
def two_workers() -> Iterator[Service]:
    """`ticker serve --workers 2`."""
    with short_directory() as directory:
        service = Service(directory, "--workers", "2")
        service.start()
        try:
            yield service
        finally:
            service.end()


def window(service: Service) -> list[str]:
    """The headlines of `en`."""
    found = httpx.get(f"{service.url}/v1/channels/en/items", trust_env=False).json()["items"]
    return [item["headline"] for item in found]


def test_sigterm_ends_it_in_time_with_status_0(service: Service) -> None:
    """The store with it, and the data is there at the next start."""
    service.post("en", "stands")
    assert service.process is not None
    family = psutil.Process(service.process.pid).children(recursive=True)
    began = time.monotonic()
    assert 0 == service.stop()
    assert time.monotonic() - began < 10
    assert not any(child.is_running() for child in family)
    service.start()
    assert ["stands"] == window(service)


def test_kill_9_loses_nothing(service: Service) -> None:
    """What was acknowledged stands after the next start on the same directory."""
    for number in range(10):
        service.post("en", f"item {number}")
    service.kill()
    service.start()
    assert [f"item {number}" for number in reversed(range(10))] == window(service)
    service.post("en", "and on")
    assert "and on" == window(service)[0]


def test_it_says_where_it_is_and_how_to_post(service: Service) -> None:
    """An address for the browser, and a line for the terminal; the key is not in it."""
    until_now(lambda: "post an alert" in service.output.read_text(), "the line that posts")
    said = service.output.read_text()
    assert f"demo page      {service.url}/" in said
    assert f"TICKER_URL={service.url}" in said
    assert service.key not in said


async def test_two_workers_show_the_same_in_the_same_order(two_workers: Service) -> None:
    """Readers on both processes, posts to either: one order for all."""
    address = two_workers.url.replace("http", "ws") + "/v1/channels/en/live"
    assert two_workers.process is not None
    workers = [
        child
        for child in psutil.Process(two_workers.process.pid).children(recursive=True)
        if child.name() != "valkey-server" and "resource_tracker" not in " ".join(child.cmdline())
    ]
    assert 2 == len(workers)

    def spread() -> Counter[int]:
        lines: Counter[int] = Counter()
        for worker in workers:
            for line in worker.net_connections():
                if line.status == "ESTABLISHED" and line.laddr and line.laddr.port == two_workers.port:
                    lines[worker.pid] += 1
        return lines

    readers: list[ClientConnection] = []
    # Which worker accepts is the kernel's choice. Looking who did is slow where many sockets were closed lately.
    while len(spread()) < 2:
        assert len(readers) < 400, "all readers came to one worker"
        readers += await asyncio.gather(*(connect(address, proxy=None) for _ in range(20)))
    for reader in readers:
        await frame(reader)
    loop = asyncio.get_running_loop()
    posts = [loop.run_in_executor(None, two_workers.post, "en", f"item {number}") for number in range(40)]
    posted = await asyncio.gather(*posts)
    seen = [await entries(reader, 40) for reader in readers]
    assert all(one == seen[0] for one in seen)
    assert sorted(p["cursor"] for p in posted) == sorted(entry["cursor"] for entry in seen[0])
    await asyncio.gather(*(reader.close() for reader in readers))


def test_workers_end_with_their_parent(two_workers: Service) -> None:
    """Killed or stopped: the port is free for the next start."""
    assert two_workers.process is not None
    family = psutil.Process(two_workers.process.pid).children(recursive=True)
    two_workers.kill()
    until_now(lambda: not any(runs(child) for child in family), "workers and store to end")
    two_workers.start()
    two_workers.post("en", "and on")
    assert 0 == two_workers.stop()


def test_a_worker_that_dies_is_replaced(two_workers: Service) -> None:
    """And alerts go on."""
    assert two_workers.process is not None
    parent = psutil.Process(two_workers.process.pid)

    def workers() -> set[int]:
        found = set()
        for child in parent.children():
            # It may end between being listed and being asked.
            with suppress(psutil.NoSuchProcess):
                if runs(child) and "spawn_main" in " ".join(child.cmdline()):
                    found.add(child.pid)
        return found

    before = workers()
    psutil.Process(min(before)).kill()
    until_now(lambda: len(workers()) == 2 and workers() != before, "a new worker")
    until_now(two_workers._ready, "the service to be ready")
    two_workers.post("en", "and on")


def test_the_first_start_makes_a_key_and_shows_it_once() -> None:
    """It posts; the second start on the same data shows none."""
    with short_directory() as directory:
        said = []
        for _ in range(2):
            port = free_port()
            command = [sys.executable, "-m", "ticker", "serve", "--port", str(port), "--data", str(directory / "data")]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            lines = []
            assert process.stdout is not None
            for text in process.stdout:
                lines.append(text)
                if "post an alert" in text:
                    break
            said.append("".join(lines))
            if len(said) == 1:
                key = next(text.strip() for text in lines if text.strip().startswith("tk_"))
            answer = httpx.post(
                f"http://127.0.0.1:{port}/v1/channels/en/items",
                json={"headline": "x"},
                headers={"Authorization": f"Bearer {key}"},
                trust_env=False,
            )
            assert 201 == answer.status_code
            process.terminate()
            assert 0 == process.wait(20)
            process.stdout.close()
        assert "tk_" in said[0]
        assert "tk_" not in said[1]


@pytest.mark.parametrize("role", ["api", "fanout", "push"])
def test_a_role_of_a_fleet_needs_a_store_and_says_so(role: str) -> None:
    """By the variable's name, with status 1."""
    done = subprocess.run(
        [sys.executable, "-m", "ticker", role], capture_output=True, text=True, timeout=30, check=False
    )
    assert (1, True) == (done.returncode, "TICKER_REDIS_URL" in done.stderr)


def test_a_port_that_is_taken_is_named(service: Service) -> None:
    """With the setting to change; no trace, and the store is not left behind."""
    with short_directory() as directory:
        command = [sys.executable, "-m", "ticker", "serve", "--port", str(service.port), "--data", str(directory)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert 1 == done.returncode
        assert "TICKER_PORT" in done.stderr
        assert "Traceback" not in done.stderr
        assert not (directory / "valkey.sock").exists()
