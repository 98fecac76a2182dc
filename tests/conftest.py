"""The cast and the stage of all tests."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from ticker.__main__ import main
from ticker.store import Store
from ticker.topology import connected, disconnected

from tests.stage import KEY, Service, Stage, redis_server, running, short_directory, valkey_server
from tests.terminal import COME_BACK_SOON, Ran, Run

ROOT = Path(__file__).parent.parent
HEAVY = frozenset({"bridges", "e2e", "faults", "fleet", "fuzz", "life"})
"""Folders of tests that start browsers and services, break them, or take long."""
LONGEST = frozenset(
    ROOT / path
    for path in (
        "tests/e2e/test_desk_life.py",
        "tests/e2e/test_widget.py",
        "tests/e2e/test_widget_outage.py",
        "tests/faults/test_failover.py",
        "tests/faults/test_soak.py",
        "tests/fuzz/test_api.py",
        "tests/test_serve.py",
    )
)
"""Files of half a minute and more."""
# Whoever runs the tests in the background of a script has them ignore Ctrl+C, and every program that they start too.
signal.signal(signal.SIGINT, signal.default_int_handler)

_unclosed: list[str] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of heavy tests are spread among the others, beginning with one: several run abreast, file by file.

    One after the other they would all come at once, and in the end somebody would wait for the longest alone.
    """
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    heavy: list[Path] = []
    light: list[Path] = []
    for path in files:
        (heavy if path.parent.name in HEAVY or path in LONGEST else light).append(path)
    # Each has its place between 0 and 1; of the heavy ones the last comes well before the end.
    places = {path: number / max(1, len(heavy)) * 0.9 for number, path in enumerate(sorted(heavy, key=_early))}
    places |= {path: number / max(1, len(light)) for number, path in enumerate(light)}
    items[:] = [item for path in sorted(files, key=places.__getitem__) for item in files[path]]


def _early(path: Path) -> tuple[bool, str]:
    """The longest first; else an order in which files of one folder do not stand together, the same in each process."""
    name = path.relative_to(ROOT).as_posix()
    return path not in LONGEST, hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()


def pytest_warning_recorded(warning_message: warnings.WarningMessage, nodeid: str) -> None:
    """What a loop found open when it was closed.

    It is told as an error only at the end: raised inside uvloop's `close`, it would leave the handle open for good, and
    what follows (a loop that never ends, EBUSY) hides why the test had left it.
    """
    if issubclass(warning_message.category, ResourceWarning):
        _unclosed.append(f"{nodeid or 'after a test'}: {warning_message.message}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run in which something was left open has failed."""
    if _unclosed and not session.exitstatus:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Who left it."""
    for told in _unclosed:
        terminalreporter.write_line(f"left open: {told}", red=True)


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """Tests run on the loop that serves."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def valkey() -> Iterator[str]:
    """URL of the embedded store."""
    with short_directory() as directory, valkey_server(directory) as url:
        yield url


@pytest.fixture(scope="session")
def redis7() -> Iterator[str]:
    """URL of the system's Redis."""
    if shutil.which("redis-server") is None:
        if os.environ.get("CI"):
            pytest.fail("no redis-server on this machine, and CI must have one; 'make test' installs it")
        pytest.skip("no redis-server on this machine; install your system's package 'redis-server'")
    with short_directory() as directory, redis_server(directory) as url:
        yield url


@pytest.fixture(params=["valkey", "redis7"])
async def each_store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """An empty store of each kind in turn: what holds for one has to hold for the other."""
    async for store in _empty(request.getfixturevalue(request.param)):
        yield store


@pytest.fixture
async def store(valkey: str) -> AsyncIterator[Store]:
    """An empty embedded store."""
    async for store in _empty(valkey):
        yield store


async def _empty(url: str) -> AsyncIterator[Store]:
    # With more patience than a post has: a machine that runs all tests at once stands still for a while now and then.
    patient = connected(url, most=1, answer=30)
    await patient.flushall()
    await disconnected(patient)
    store = Store(url)
    yield store
    await store.close()


@pytest.fixture
async def stage(store: Store, valkey: str) -> AsyncIterator[Stage]:
    """A service in this process, on an empty embedded store."""
    async with running(valkey) as stage:
        yield stage


@pytest.fixture
def service() -> Iterator[Service]:
    """`ticker serve` as a user starts it, on an empty data directory."""
    with short_directory() as directory:
        service = Service(directory)
        service.start()
        try:
            yield service
        finally:
            service.end()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], environment: pytest.MonkeyPatch) -> Run:
    """Run one command in this process."""

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        status = main(arguments)
        said = capsys.readouterr()
        return Ran(status, said.out, said.err)

    return run


@pytest.fixture(scope="module")
def newsroom() -> Iterator[Service]:
    """A service for all tests that do not stop it; readers are told to come back soon."""
    with short_directory() as directory:
        service = Service(directory, *COME_BACK_SOON)
        service.start()
        try:
            yield service
        finally:
            service.end()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nothing of this machine's own settings; the editor-in-chief's key."""
    for name in list(os.environ):
        if name.startswith("TICKER_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TICKER_KEY", KEY)
    return monkeypatch


@pytest.fixture
def at(newsroom: Service, environment: pytest.MonkeyPatch) -> Service:
    """The newsroom, as the service that commands talk to."""
    environment.setenv("TICKER_URL", newsroom.url)
    return newsroom
