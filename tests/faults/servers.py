"""Redis as operators run it: one server, a master with replicas and Sentinels, a Cluster. All on loopback."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import redis

from tests.stage import free_port
from tests.waiting import until_now

MASTER = "ticker"
"""The name under which Sentinels know the master."""


class Server:
    """One redis-server that can be stopped, killed, frozen and started again on its port and files."""

    def __init__(
        self,
        directory: Path,
        *options: str,
        port: int = 0,
        sentinel: bool = False,
        environ: dict[str, str] | None = None,
        host: str = "127.0.0.1",
        within: Sequence[str] = (),
    ) -> None:
        """`within` is what the command is put behind (`ip netns exec …`)."""
        self.host = host
        self.within = list(within)
        self.port = port or free_port()
        self.directory = directory
        self.options = options
        self.process: subprocess.Popen[bytes] | None = None
        self._sentinel = sentinel
        self._environ = {**os.environ, **(environ or {})}
        directory.mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://{self.host}:{self.port}"

    def start(self) -> None:
        """Start, and wait until it answers (a server that loads answers too)."""
        program = shutil.which("redis-server")
        assert program is not None
        common = ["--port", str(self.port), "--bind", self.host, "--dir", str(self.directory), "--daemonize", "no"]
        command = [program, *common, "--save", "", *self.options]
        if self._sentinel:
            # A Sentinel writes what it learns into its file.
            file = self.directory / "sentinel.conf"
            if not file.exists():
                file.write_text("\n".join(self.options) + "\n")
            command = [program, str(file), "--sentinel", *common]
        with (self.directory / "log").open("ab") as output:
            self.process = subprocess.Popen([*self.within, *command], env=self._environ, stdout=output, stderr=output)
        try:
            until_now(self._answers, f"redis-server on {self.port}; {self.directory}/log says more")
        except AssertionError:
            self.kill()
            raise

    def _answers(self) -> bool:
        try:
            with redis.Redis(self.host, self.port, socket_timeout=1) as client:
                return bool(client.ping())
        except redis.BusyLoadingError:
            return True
        except redis.RedisError:
            return False

    def command(self, *words: Any) -> Any:
        """One command, on a line of its own."""
        with redis.Redis(self.host, self.port, socket_timeout=5, decode_responses=True) as client:
            return client.execute_command(*words)

    def kill(self) -> None:
        """SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, whatever state it is in."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """SIGSTOP: the lines stay open and nothing is answered."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.send_signal(signal.SIGCONT)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        self.process = None


@contextmanager
def server(directory: Path, *options: str) -> Iterator[Server]:
    """One server with an append-only file."""
    found = Server(directory, "--appendonly", "yes", *options)
    found.start()
    try:
        yield found
    finally:
        found.kill()


class Sentinels:
    """A master, two replicas, three Sentinels."""

    def __init__(self, directory: Path) -> None:
        self.nodes = [Server(directory / f"node{number}", "--appendonly", "yes") for number in range(3)]
        self.sentinels: list[Server] = []
        self._directory = directory

    def start(self) -> None:
        """Start all, and wait until the Sentinels know each other and both replicas."""
        master = self.nodes[0]
        master.start()
        for node in self.nodes[1:]:
            node.options = (*node.options, "--replicaof", "127.0.0.1", str(master.port))
            node.start()
        for number in range(3):
            sentinel = Server(
                self._directory / f"sentinel{number}",
                f"sentinel monitor {MASTER} 127.0.0.1 {master.port} 2",
                f"sentinel down-after-milliseconds {MASTER} 1000",
                f"sentinel failover-timeout {MASTER} 3000",
                sentinel=True,
            )
            sentinel.start()
            self.sentinels.append(sentinel)
        until_now(self._known, "the Sentinels to know everybody", 30)

    def _known(self) -> bool:
        for sentinel in self.sentinels:
            pairs = sentinel.command("SENTINEL", "MASTER", MASTER)
            told = pairs if isinstance(pairs, dict) else dict(zip(pairs[::2], pairs[1::2], strict=True))
            if (str(told["num-slaves"]), str(told["num-other-sentinels"])) != ("2", "2"):
                return False
        return all(node.command("INFO", "replication")["master_link_status"] == "up" for node in self.nodes[1:])

    def end(self) -> None:
        """Kill all."""
        for process in [*self.sentinels, *self.nodes]:
            process.kill()

    def master(self) -> Server:
        """Whom the Sentinels take for the master."""
        _, port = self.sentinels[0].command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER)
        return next(node for node in self.nodes if node.port == int(port))

    @property
    def url(self) -> str:
        """The address for TICKER_REDIS_URL."""
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis-sentinel://{hosts}/{MASTER}"


@contextmanager
def sentinels(directory: Path) -> Iterator[Sentinels]:
    """A master with replicas and Sentinels."""
    found = Sentinels(directory)
    try:
        found.start()
        yield found
    finally:
        found.end()


def _lines(told: dict[str, Any]) -> str:
    return "\n".join(f"{name}:{value}" for name, value in told.items())


def _bus_port() -> int:
    """A free port whose bus, 10,000 above it, is free as well, and that no outgoing line is given by the system."""
    for _ in range(1000):
        port = random.randrange(12_000, 22_000)
        with socket.socket() as client, socket.socket() as bus, suppress(OSError):
            client.bind(("127.0.0.1", port))
            bus.bind(("127.0.0.1", port + 10_000))
            return port
    raise AssertionError("no free port for a Cluster")


class Cluster:
    """Six nodes: three masters, a replica for each."""

    def __init__(self, directory: Path) -> None:
        self.nodes = [
            Server(
                directory / f"node{number}",
                "--appendonly",
                "yes",
                "--cluster-enabled",
                "yes",
                "--cluster-node-timeout",
                "2000",
                port=_bus_port(),
            )
            for number in range(6)
        ]

    def start(self) -> None:
        """Start and join them, and wait until all slots are served."""
        for node in self.nodes:
            node.start()
        program = shutil.which("redis-cli")
        assert program is not None
        hosts = [f"127.0.0.1:{node.port}" for node in self.nodes]
        subprocess.run(
            [program, "--cluster", "create", *hosts, "--cluster-replicas", "1", "--cluster-yes"],
            check=True,
            capture_output=True,
            timeout=60,
        )
        until_now(self._ready, "the Cluster to serve every slot", 30)

    def _ready(self) -> bool:
        # As redis-py gives it: text or a mapping, by its release.
        told = [node.command("CLUSTER", "INFO") for node in self.nodes]
        return all("cluster_state:ok" in (found if isinstance(found, str) else _lines(found)) for found in told)

    def end(self) -> None:
        """Kill all."""
        for node in self.nodes:
            node.kill()

    def owner(self, slot: int) -> Server:
        """The master that serves a slot."""
        for first, last, master, *_ in self.nodes[0].command("CLUSTER", "SLOTS"):
            if int(first) <= slot <= int(last):
                return next(node for node in self.nodes if node.port == int(master[1]))
        raise AssertionError(f"nobody serves slot {slot}")

    def copied(self, master: Server) -> bool:
        """Whether a replica of this master has everything that it was told."""
        told = master.command("INFO", "replication")
        return int(told["connected_slaves"]) == 1 and int(told["slave0"]["offset"]) >= int(told["master_repl_offset"])

    @property
    def url(self) -> str:
        """The address for TICKER_REDIS_URL."""
        return f"redis-cluster://127.0.0.1:{self.nodes[0].port}"


@contextmanager
def cluster(directory: Path) -> Iterator[Cluster]:
    """A Cluster."""
    found = Cluster(directory)
    try:
        found.start()
        yield found
    finally:
        found.end()
