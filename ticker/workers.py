"""The processes behind one listening address: each with a socket of its own, so that readers come to all alike."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Protocol

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from ticker.hangup import Hangup
from ticker.server import Server

log = logging.getLogger("ticker.workers")

SPREADS = sys.platform == "linux" and hasattr(socket, "SO_REUSEPORT")
"""Whether the kernel spreads connections over the sockets of one address; elsewhere one of them would get all."""


class Listen(Protocol):
    """Makes a listening socket."""

    def __call__(self, port: int, *, shared: bool = False) -> socket.socket:
        """On this port, shared with other sockets of ours if so told."""
        ...


class Listeners:
    """The sockets of one address, one for each worker. This process keeps all of them open.

    All of them listen from the first moment: else those who come at a start would all be the first worker's. A worker
    that dies leaves those who were about to come in the queue of its socket, for the one that takes its place. Where
    the kernel does not spread connections, all workers share one socket.
    """

    def __init__(self, listen: Listen, port: int, number: int, backlog: int) -> None:
        """`port` 0 takes a free one; `backlog` may wait at each. Raises what `listen` raises."""
        self._listen = listen
        self._backlog = backlog
        self._spread = SPREADS and number > 1
        if self._spread and port:
            # The kernel lets every process of this user share such an address, a second service too.
            listen(port).close()
        self._first = self._made(port)
        self.port: int = self._first.getsockname()[1]
        self.sockets = [self._first]
        while len(self.sockets) < number:
            self.add()

    def add(self) -> None:
        """One more."""
        self.sockets.append(self._made(self.port) if self._spread else self._first)

    def drop(self) -> None:
        """The last one is needed no more, once its worker has ended."""
        last = self.sockets.pop()
        if last is not self._first:
            last.close()

    def close(self) -> None:
        """Nobody is to come any more, once the workers have closed theirs."""
        for listener in self.sockets:
            listener.close()

    def _made(self, port: int) -> socket.socket:
        made = self._listen(port, shared=self._spread)
        if self._spread:
            made.listen(self._backlog)
        return made


class Worker(Process):
    """One process, as uvicorn starts and watches it, which serves with our server."""

    @property
    def server(self) -> Server:
        """Made in the worker itself."""
        if not isinstance(self._server, Server):
            self._server = Server(self.config, alone=True)
        return self._server


class Workers(Multiprocess):
    """Starts the workers, puts others in the place of those that died, and ends them."""

    def __init__(
        self,
        config: uvicorn.Config,
        listeners: Listeners,
        hangup: Hangup,
        *,
        beside: Callable[[], None] | None = None,
        died: Callable[[int], None] = lambda pid: None,
    ) -> None:
        """`beside` is called whenever the workers are looked at, until they have to end.

        `died` is called with the id of each that has died, before another takes its place.
        """
        super().__init__(config, listeners.sockets)
        self._listeners = listeners
        self._hangup = hangup
        self._beside = beside
        self._died = died

    def init_processes(self) -> None:
        """Start them."""
        self.processes = [self._started(listener) for listener in self._listeners.sockets]

    def keep_subprocess_alive(self) -> None:
        """Put another in the place of each that does not answer, on the same socket."""
        if self._beside is not None and not self.should_exit.is_set():
            self._beside()
        for number, worker in enumerate(self.processes):
            if self.should_exit.is_set():
                return
            if worker.is_alive(timeout=self.config.timeout_worker_healthcheck):
                continue
            worker.kill()  # it may hang
            worker.join()
            if worker.exitcode == STARTUP_FAILURE:
                log.error("worker %s could not start, and neither could another in its place", worker.pid)
                self.should_exit.set()
                return
            log.warning("worker %s has died; another takes its place", worker.pid)
            self._has_died(worker)
            self.processes[number] = self._started(self._listeners.sockets[number])

    def terminate_all(self) -> None:
        """Tell all to end. Each takes who comes until it has sent its readers away, and nobody comes after that."""
        self._listeners.close()
        super().terminate_all()

    def handle_signals(self) -> None:
        """SIGHUP goes on to the workers. uvicorn would put others in their place, and all readers would be cut off."""
        super().handle_signals()
        if self._hangup.take():
            if self._hangup.final:
                self.should_exit.set()
                return
            for worker in self.processes:
                # One that has just ended is replaced by one that reads the file as it is now.
                if worker.pid is not None and worker.exitcode is None:
                    os.kill(worker.pid, signal.SIGHUP)

    def handle_ttin(self) -> None:
        """One worker more."""
        self._listeners.add()
        self.processes.append(self._started(self._listeners.sockets[-1]))

    def handle_ttou(self) -> None:
        """One worker less. Without our hold on its socket nobody is left waiting in its queue."""
        if len(self.processes) == 1:
            log.info("one worker is the least there can be")
            return
        self._listeners.drop()
        worker = self.processes.pop()
        worker.terminate()
        worker.join()
        self._has_died(worker)

    def _started(self, listener: socket.socket) -> Worker:
        worker = Worker(self.config, [listener])
        worker.start()
        return worker

    def _has_died(self, worker: Process) -> None:
        if worker.pid is not None:
            self._died(worker.pid)
