"""`ticker serve` as a user starts it: processes, signals, restarts."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
import termios
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from ticker.store import Store
from ticker.wire import CloseCode
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.stage import AUTHORIZED, KEY, PLAIN, Service, entries, frame, free_port, runs, short_directory
from tests.waiting import until, until_now


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
    found = httpx.get(f"{service.url}/v1/channels/en/items", **PLAIN).json()["items"]
    return [item["headline"] for item in found]


def pids_of(service: Service) -> set[int]:
    """The ids of its workers."""
    return {worker.pid for worker in workers_of(service)}


def workers_of(service: Service) -> list[psutil.Process]:
    """The processes behind its address."""
    assert service.process is not None
    found = []
    for child in psutil.Process(service.process.pid).children():
        # It may end between being listed and being asked.
        with suppress(psutil.NoSuchProcess):
            if runs(child) and "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
    return found


def reader_of(service: Service, channel: str = "en") -> connect:
    """A WebSocket to the live stream."""
    return connect(f"{service.url.replace('http', 'ws')}/v1/channels/{channel}/live", proxy=None)


async def readers_of_both(service: Service) -> list[ClientConnection]:
    """Readers of `en` on each of two workers; they have had their first frame."""
    workers = workers_of(service)
    assert 2 == len(workers)

    def spread() -> Counter[int]:
        lines: Counter[int] = Counter()
        for worker in workers:
            for line in worker.net_connections():
                if line.status == "ESTABLISHED" and line.laddr and line.laddr.port == service.port:
                    lines[worker.pid] += 1
        return lines

    readers: list[ClientConnection] = []
    # Which worker accepts is the kernel's choice. Looking who did is slow where many sockets were closed lately.
    while len(spread()) < 2:
        assert len(readers) < 400, "all readers came to one worker"
        readers += await asyncio.gather(*(reader_of(service) for _ in range(20)))
    for reader in readers:
        await frame(reader)
    return readers


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


def told_to_end_again_and_again(process: subprocess.Popen[bytes]) -> int:
    """The exit status of one that is sent SIGTERM until it has ended, and not once."""

    def ended() -> bool:
        for _ in range(100):
            process.terminate()
        return process.poll() is not None

    until_now(ended, "it to end")
    return process.wait()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_who_is_told_twice_to_end_ends_as_if_he_was_told_once(workers: str) -> None:
    """The store goes after the last answer, whatever comes meanwhile."""
    with short_directory() as directory:
        service = Service(directory, "--workers", workers)
        service.start()
        try:
            assert service.process is not None
            family = psutil.Process(service.process.pid).children(recursive=True)
            assert 0 == told_to_end_again_and_again(service.process)
            until_now(lambda: not any(map(runs, family)), "its children to have gone", 5)
        finally:
            service.end()


def test_kill_9_loses_nothing(service: Service) -> None:
    """What was acknowledged stands after the next start on the same directory."""
    for number in range(10):
        service.post("en", f"item {number}")
    service.kill()
    service.start()
    assert [f"item {number}" for number in reversed(range(10))] == window(service)
    service.post("en", "and on")
    until_now(lambda: window(service)[0] == "and on", "the next one to stand before them")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_store_that_dies_is_started_again(workers: int) -> None:
    """By the process that serves, and by the one that looks after several; what was acknowledged is there."""
    with short_directory() as directory:
        service = Service(directory, "--workers", str(workers))
        service.start()
        try:
            service.post("en", "before")
            assert service.process is not None
            (store,) = [found for found in psutil.Process(service.process.pid).children() if "valkey" in found.name()]
            store.kill()
            until_now(lambda: "starting it again" in service.output.read_text(), "a new store")
            url, after = f"{service.url}/v1/channels/en/items", {"headline": "after"}
            until_now(
                lambda: httpx.post(url, headers=AUTHORIZED, json=after, **PLAIN).is_success,
                "the store to take posts again",
            )
            # Of several workers one may not have read the log yet.
            until_now(lambda: window(service)[:2] == ["after", "before"], "both to stand")
        finally:
            service.end()


def test_who_serves_alone_has_one_thread(service: Service) -> None:
    """As long as nobody fetches a file: with a second one every send to a reader costs more."""
    assert service.process is not None
    process = psutil.Process(service.process.pid)
    until_now(lambda: process.num_threads() == 1, "the thread that says where we are to have ended")
    service.post("en", "stands")
    assert ["stands"] == window(service)
    assert 1 == process.num_threads()


def test_it_says_where_it_is_and_how_to_post(service: Service) -> None:
    """An address for the browser, and a line for the terminal; the key is not in it."""
    until_now(lambda: "post an alert" in service.output.read_text(), "the line that posts")
    said = service.output.read_text()
    assert f"demo page      {service.url}/" in said
    assert f"TICKER_URL={service.url}" in said
    assert service.key not in said


async def test_two_workers_show_the_same_in_the_same_order(two_workers: Service) -> None:
    """Readers on both processes, posts to either: one order for all."""
    readers = await readers_of_both(two_workers)
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
    before = pids_of(two_workers)
    psutil.Process(min(before)).kill()
    until_now(lambda: len(pids_of(two_workers)) == 2 and pids_of(two_workers) != before, "a new worker")
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
                json={"headline": f"start {len(said)}"},
                headers={"Authorization": f"Bearer {key}"},
                **PLAIN,
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


# The channels are read again.

EN = """[channels.en]
title = "Breaking news"
language = "en"
window = 4
"""
ES = """[channels.es]
title = "Última hora"
language = "es"
"""
FR = """[channels.fr]
title = "Alertes"
language = "fr"
push_hold = 0
"""


async def news(line: ClientConnection) -> Any:
    """The next frame that is no heartbeat."""
    while (found := await frame(line))["type"] == "heartbeat":
        pass
    return found


class Written:
    """A file of channels."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.write(text)

    def write(self, text: str) -> None:
        """What stands in the file from now on."""
        self.path.write_text(text, encoding="utf-8")


class Edited:
    """`ticker serve` with a file of channels that is changed under it."""

    def __init__(self, directory: Path, *flags: str) -> None:
        self.file = Written(directory / "channels.toml", EN + ES)
        self.service = Service(directory, "--channels", str(self.file.path), *flags)
        self.service.start()

    def reload(self, text: str) -> None:
        """Change the file, and have it read."""
        self.file.write(text)
        assert self.service.process is not None
        self.service.process.send_signal(signal.SIGHUP)

    def said(self, text: str, times: int = 1) -> None:
        """Wait until this stands so often in what the program prints."""
        until_now(
            lambda: self.service.output.read_text(encoding="utf-8").count(text) == times,
            f"'{text}'; it said: {self.service.output.read_text(encoding='utf-8')}",
        )

    def titles(self) -> dict[str, str]:
        """The channels that there are, in their order, and what they are called."""
        found = httpx.get(self.service.url + "/v1/channels", **PLAIN).json()["channels"]
        return {channel["name"]: channel["title"] for channel in found}

    def poll(self, channel: str, etag: str = "") -> httpx.Response:
        """The window over HTTP."""
        address = f"{self.service.url}/v1/channels/{channel}/items"
        return httpx.get(address, headers={"If-None-Match": etag}, **PLAIN)

    def status(self, path: str) -> int:
        """How this address answers."""
        return httpx.get(self.service.url + path, **PLAIN).status_code


class Part:
    """One role of a fleet in a process of its own."""

    def __init__(self, role: str, directory: Path, *flags: str) -> None:
        port, self.output = free_port(), directory / role
        self.url = f"http://127.0.0.1:{port}"
        with self.output.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ticker", role, "--port", str(port), *flags], stdout=said, stderr=said
            )

    def says(self, text: str, times: int = 1) -> None:
        """Wait until this stands so often in what it prints."""

        def said() -> bool:
            assert self.process.poll() is None, self.output.read_text(encoding="utf-8")
            return self.output.read_text(encoding="utf-8").count(text) == times

        until_now(said, f"'{text}'; it said: {self.output.read_text(encoding='utf-8')}", 30)

    def post(self, channel: str, headline: str) -> httpx.Response:
        """Publish an item."""
        address = f"{self.url}/v1/channels/{channel}/items"
        return httpx.post(address, json={"headline": headline}, headers=AUTHORIZED, **PLAIN)

    def poll(self, channel: str) -> httpx.Response:
        """The window over HTTP."""
        return httpx.get(f"{self.url}/v1/channels/{channel}/items", **PLAIN)


@contextmanager
def part(role: str, directory: Path, *flags: str) -> Iterator[Part]:
    """A role of a fleet, ready where it has an address, and ended with the test."""
    found = Part(role, directory, *flags)
    try:
        if role != "push":
            found.says("is ready on")
        yield found
    finally:
        if found.process.poll() is None:
            found.process.kill()
        found.process.wait(10)


@pytest.fixture
def edited(request: pytest.FixtureRequest) -> Iterator[Edited]:
    """The service, and its file with `en` and `es`; with workers, as many as the parameter says."""
    workers = getattr(request, "param", 1)
    with short_directory() as directory:
        edited = Edited(directory, "--workers", str(workers))
        try:
            yield edited
        finally:
            edited.service.end()


async def test_sighup_gives_the_readers_another_window_without_a_break(edited: Edited) -> None:
    """The same line, the same process: a reset that says why, and the next alert. Who polls sees it too."""
    for number in range(8):
        edited.service.post("en", f"item {number}")
    etag = edited.poll("en").headers["ETag"]
    async with reader_of(edited.service) as reader, reader_of(edited.service, "es") as other:
        assert 4 == len((await news(reader))["items"])
        await news(other)
        edited.reload(EN.replace("4", "6").replace("Breaking", "Latest") + ES)
        told = await news(reader)
        assert ("reset", "window") == (told["type"], told["reason"])
        assert [f"item {number}" for number in (7, 6, 5, 4, 3, 2)] == [item["headline"] for item in told["items"]]
        edited.said("the channels were reloaded: en has another title, window")
        assert {"en": "Latest news", "es": "Última hora"} == edited.titles()
        again = edited.poll("en", etag)
        assert (200, 6) == (again.status_code, len(again.json()["items"]))
        edited.service.post("en", "and on")
        assert ["and on"] == [entry["item"]["headline"] for entry in await entries(reader, 1)]
        # Whose channel is as it was is told nothing.
        edited.service.post("es", "y sigue")
        assert "entry" == (await news(other))["type"]


async def test_sighup_tells_another_language_and_direction(edited: Edited) -> None:
    """Each in the head of the reset, with what stands."""
    edited.service.post("en", "stands")
    async with reader_of(edited.service) as reader:
        await news(reader)
        edited.reload(EN.replace('language = "en"', 'language = "ar"') + ES)
        told = await news(reader)
        assert ("reset", "ar", "rtl") == (told["type"], told["language"], told["direction"])
        assert ["stands"] == [item["headline"] for item in told["items"]]


async def test_a_channel_begins_without_a_restart(edited: Edited) -> None:
    """Posts, polls, the live stream, its heartbeat and its expiry."""
    assert 404 == edited.status("/v1/channels/fr/items")
    edited.reload(FR + EN + ES)
    until_now(lambda: [200, 200] == [edited.status("/health/ready"), edited.status("/v1/channels/fr/items")], "fr")
    edited.said("the channels were reloaded: fr is new")
    assert ["fr", "en", "es"] == list(edited.titles())
    posted = edited.service.post("fr", "en ligne")
    async with reader_of(edited.service, "fr") as reader:
        first = await news(reader)
        assert (posted["cursor"], ["en ligne"]) == (first["cursor"], [item["headline"] for item in first["items"]])
        soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
        edited.service.post("fr", "bientôt parti", expires=soon)
        assert ["publish", "expire"] == [entry["act"] for entry in await entries(reader, 2)]


async def test_the_readers_of_a_channel_that_ends_are_sent_away_for_good(edited: Edited) -> None:
    """With the code that says so; the others stay, and what was posted is still there when it comes again."""
    edited.service.post("es", "sigue")
    async with reader_of(edited.service, "es") as leaving, reader_of(edited.service) as staying:
        await news(leaving)
        await news(staying)
        edited.reload(EN)
        with pytest.raises(ConnectionClosed) as closed:
            await news(leaving)
        assert closed.value.rcvd is not None
        assert CloseCode.GONE == closed.value.rcvd.code
        edited.said("the channels were reloaded: es is gone")
        assert [404, 404] == [edited.status("/v1/channels/es/items"), edited.status("/v1/channels/es/live")]
        with pytest.raises(AssertionError, match="unknown-channel"):
            edited.service.post("es", "nobody reads this")
        edited.service.post("en", "and on")
        assert ["and on"] == [entry["item"]["headline"] for entry in await entries(staying, 1)]
        assert 200 == edited.status("/health/ready")
    edited.reload(EN + ES)
    edited.said("the channels were reloaded: es is new")
    async with reader_of(edited.service, "es") as back:
        assert ["sigue"] == [item["headline"] for item in (await news(back))["items"]]


async def test_what_an_editor_may_send_changes_with_the_file(edited: Edited) -> None:
    """Lists count from the next request on; no reader is told of them."""
    async with reader_of(edited.service) as reader:
        await news(reader)
        with pytest.raises(AssertionError, match="harbour"):
            edited.service.post("en", "A ship has come", sections=["harbour"])
        edited.reload(EN + 'sections = ["harbour"]\n' + ES)
        edited.said("the channels were reloaded: en has another sections")
        edited.service.post("en", "A ship has come in", sections=["harbour"])
        assert "entry" == (await news(reader))["type"]


async def test_a_wrong_file_changes_nothing_while_it_runs(edited: Edited) -> None:
    """It is told with its line, the readers stay, and the mended file is taken."""
    async with reader_of(edited.service) as reader:
        await news(reader)
        edited.reload(FR + EN.replace("4", "0"))
        reason = "channels.en.window: Input should be greater than or equal to 1."
        edited.said(f"the channels stay as they were. TICKER_CHANNELS: {edited.file.path}:8: {reason}")
        assert ["en", "es"] == list(edited.titles())
        edited.service.post("en", "and on")
        assert "entry" == (await news(reader))["type"]
        edited.reload(EN.replace("4", "5") + ES)
        assert "reset" == (await news(reader))["type"]


@pytest.mark.parametrize("edited", [2], indirect=True)
async def test_every_worker_reloads_and_none_is_replaced(edited: Edited) -> None:
    """All readers, on both, are reset on the line that they have; also after a worker has died."""
    for _ in range(2):
        before = pids_of(edited.service)
        readers = await readers_of_both(edited.service)
        try:
            for size in ("5", "4"):
                edited.reload(EN.replace("4", size) + ES)
                told = await asyncio.gather(*(news(reader) for reader in readers))
                assert {("reset", "window")} == {(one["type"], one["reason"]) for one in told}
            edited.service.post("en", f"to {before}")
            assert {"entry"} == {(await news(reader))["type"] for reader in readers}
        finally:
            await asyncio.gather(*(reader.close() for reader in readers))
        assert before == pids_of(edited.service)
        psutil.Process(min(before)).kill()
        until_now(lambda before=before: len(pids_of(edited.service) - before) == 1, "a new worker")  # type: ignore[misc]
        until_now(edited.service._ready, "the service to be ready")


@pytest.mark.parametrize("edited", [2], indirect=True)
def test_a_worker_that_is_just_starting_reloads_too(edited: Edited) -> None:
    """The signal that it gets before it can listen neither ends it nor is lost."""
    before = pids_of(edited.service)
    for pid in before:
        psutil.Process(pid).kill()
    until_now(lambda: len(pids_of(edited.service) - before) == 2, "two new workers")
    fresh = workers_of(edited.service)
    edited.file.write(EN + ES + FR)
    for worker in fresh:
        worker.send_signal(signal.SIGHUP)
    edited.said("the channels were reloaded", 2)
    assert {worker.pid for worker in fresh} == pids_of(edited.service)


async def test_the_roles_of_a_fleet_reload_each_for_itself(store: Store, valkey: str) -> None:
    """A channel begins in the editors' half, the readers' half and the push bridge, and ends in all of them."""

    async def claims(channel: str) -> bool:
        # What was posted before the bridge has joined is no news for phones.
        log = f"{{ticker:{channel}}}:log"
        return bool(await store.redis.exists(log) and await store.redis.xinfo_groups(log))

    async def claimed(number: int) -> bool:
        commands = [client["cmd"] for client in await store.redis.client_list()]
        return number == commands.count("xreadgroup")

    with short_directory() as directory, ExitStack() as stack:
        file = Written(directory / "channels.toml", EN)
        flags = ["--redis-url", valkey, "--channels", str(file.path), "--bootstrap-key", KEY]
        api, fanout, push = (stack.enter_context(part(role, directory, *flags)) for role in ("api", "fanout", "push"))
        await until(lambda: claims("en"), "push to be ready")

        def reload(text: str, told: str, times: int = 1) -> None:
            file.write(text)
            for one in (api, fanout, push):
                one.process.send_signal(signal.SIGHUP)
                one.says(f"the channels were reloaded: {told}", times)

        def goes_through(headline: str) -> None:
            assert 201 == api.post("fr", headline).status_code
            until_now(lambda: headline in fanout.poll("fr").text, "the window")
            push.says(headline)

        reload(EN + FR, "fr is new")
        await until(lambda: claims("fr"), "push to claim the new channel")
        goes_through("Le pont est ouvert")
        await until(lambda: claimed(2), "both channels to be claimed")
        reload(EN, "fr is gone")
        await until(lambda: claimed(1), "one of them to be left")
        assert (404, 404) == (api.post("fr", "personne").status_code, fanout.poll("fr").status_code)
        assert 201 == api.post("en", "and on").status_code
        reload(FR + EN, "fr is new", 2)
        goes_through("Le pont est fermé")
        assert [0, 0, 0] == [told_to_end_again_and_again(one.process) for one in (api, fanout, push)]


def test_without_a_file_there_is_nothing_to_reload(service: Service) -> None:
    """The built-in channels stay, and the program goes on."""
    assert service.process is not None
    service.process.send_signal(signal.SIGHUP)
    until_now(lambda: "there is nothing to reload" in service.output.read_text(), "the answer to the signal")
    service.post("en", "and on")


@pytest.mark.parametrize("command", [("serve",), ("serve", "--workers", "2"), ("push",), ("check",)])
def test_a_wrong_file_is_refused_at_the_start_with_its_line(command: tuple[str, ...]) -> None:
    """Status 1, the file, the line and the reason; once, and no trace."""
    with short_directory() as directory:
        file = directory / "channels.toml"
        file.write_text(ES + EN.replace('language = "en"', 'language = "English"'), encoding="utf-8")
        settings = ["--channels", str(file), "--data", str(directory / "data"), "--port", str(free_port())]
        store = ["--redis-url", "redis://127.0.0.1:1"] if command == ("push",) else []
        done = subprocess.run(
            [sys.executable, "-m", "ticker", *command, *settings, *store],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        reason = "channels.en.language: is no language tag (BCP 47), like 'en', 'pt-BR' or 'zh-Hant'."
        assert (1, f"ticker: TICKER_CHANNELS: {file}:6: {reason}\n") == (done.returncode, done.stderr)
        assert not (directory / "data" / "valkey.sock").exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_it_ends_with_the_terminal_that_it_was_started_in(workers: int) -> None:
    """Though SIGHUP is a wish to reload: whoever closes the window leaves nothing behind that holds port and data."""
    screen, inside = os.openpty()
    with short_directory() as directory, os.fdopen(screen, "rb", buffering=0) as window:
        output, port = directory / "output", free_port()
        with output.open("wb") as said, os.fdopen(inside, "rb", buffering=0):
            process = subprocess.Popen(
                [sys.executable, "-m", "ticker", "serve", "--port", str(port), "--workers", str(workers)],
                cwd=directory,
                env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)},
                stdout=said,
                stderr=said,
                start_new_session=True,
                pass_fds=[inside],
                preexec_fn=lambda: fcntl.ioctl(inside, termios.TIOCSCTTY, 0),
            )
        try:
            until_now(lambda: "is ready on" in output.read_text(), "ticker to be ready", 30)
            family = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(signal.SIGHUP)
            until_now(lambda: output.read_text().count("nothing to reload") == workers, "the answer to the signal")
            window.close()
            assert 0 == process.wait(20)
            until_now(lambda: not any(runs(child) for child in family), "workers and store to end")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
