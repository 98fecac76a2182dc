"""Readers who stall, vanish, come back, and come at the worst moment. Numbers as in docs/faults.md."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest
from websockets.asyncio.client import connect

from tests.faults.witness import Desk, settled, watching
from tests.stage import Stage, running
from tests.waiting import until

UPGRADE = (
    "GET /v1/channels/en/live HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def lines(port: int) -> int:
    """Lines of this process with that peer, whatever their state but closed."""
    return sum(
        bool(line.raddr) and line.raddr.port == port and line.status != psutil.CONN_CLOSE
        for line in psutil.Process().net_connections("tcp")
    )


async def joined(stage: Stage, window: int = 0) -> socket.socket:
    """Somebody who asked for the live stream and reads nothing."""
    loop = asyncio.get_running_loop()
    reader = socket.socket()
    reader.setblocking(False)
    if window:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    await loop.sock_connect(reader, ("127.0.0.1", int(stage.url.rsplit(":", 1)[1])))
    await loop.sock_sendall(reader, UPGRADE.encode())
    assert (await loop.sock_recv(reader, 12)).startswith(b"HTTP/1.1 101")
    return reader


async def test_f13_readers_that_take_nothing_are_cut_and_hold_up_nobody(valkey: str, store: object) -> None:
    """Ten closed windows among two readers: those get everything, the ten are gone within their limit."""
    async with running(valkey, stuck=1.0, heartbeat=2.5, max_body=65_536) as stage, watching(2, stage.url) as readers:
        desk = Desk(stage.url)
        stuck = [await joined(stage, 4096) for _ in range(10)]
        ports = [line.getsockname()[1] for line in stuck]
        assert 10 == sum(map(lines, ports))
        # Well over what send buffer and window hold together.
        for number in range(150):
            await desk.post(f"{number} " + "words and words " * 16, tags=["x " * 30 + str(tag) for tag in range(10)])
        await until(lambda: sum(map(lines, ports)) == 0, "the server to have let go of them")
        await settled(readers, stage.url)
        assert all(150 == sum(frame["type"] == "entry" for frame in reader.frames) for reader in readers)
        assert [1, 1] == [reader.lines for reader in readers]
        for line in stuck:
            line.close()
        await desk.http.aclose()


@contextmanager
def cable_pulled(port: int) -> Iterator[None]:
    """Nothing from or to this port arrives, and nobody is told."""
    rules = [["INPUT", "-i", "lo", "-p", "tcp", side, str(port), "-j", "DROP"] for side in ("--dport", "--sport")]
    for rule in rules:
        subprocess.run(["iptables", "-I", *rule], check=True)
    try:
        yield
    finally:
        for rule in rules:
            subprocess.run(["iptables", "-D", *rule], check=True)


async def test_f14_a_peer_that_vanished_is_let_go_of(
    valkey: str, store: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No FIN, no reset, no acknowledgement: a heartbeat goes out, and after TCP_USER_TIMEOUT the line is gone."""
    if os.geteuid() != 0 or shutil.which("iptables") is None:
        if os.environ.get("CI"):
            pytest.fail("CI must be able to pull a cable: root and iptables; 'make test' installs it")
        pytest.skip("pulling a cable needs root and iptables")
    monkeypatch.setattr("ticker.serve.USER_TIMEOUT_MS", 2000)
    async with running(valkey, heartbeat=2.5, stuck=60) as stage:
        gone = await joined(stage)
        port = gone.getsockname()[1]
        await until(lambda: lines(port) == 1, "the reader to be connected")
        with cable_pulled(port):
            await until(lambda: lines(port) == 0, "the line to be let go of", 2.5 + 2 + 8)
        gone.close()


async def test_f21_whoever_joins_while_alerts_are_published_misses_none_and_gets_none_twice(
    valkey: str, store: object
) -> None:
    """Two hundred join while two hundred are posted: what each is shown and sent is one run without a hole."""
    async with running(valkey, ring=1000) as stage:
        desk = Desk(stage.url)

        async def post() -> None:
            for number in range(200):
                await desk.post(f"item {number}")

        async def join() -> list[str]:
            cursors: list[str] = []
            async with connect(
                stage.url.replace("http", "ws") + "/v1/channels/en/live", proxy=None, compression=None
            ) as line:
                async for text in line:
                    frame = json.loads(text)
                    if frame["type"] != "heartbeat":
                        cursors.append(frame["cursor"])
                    if cursors[-1].endswith("-200"):
                        return cursors
            raise AssertionError("the line ended early")

        posting = asyncio.create_task(post())
        joining = [asyncio.create_task(join()) for _ in range(50)]
        for _ in range(3):
            await until(lambda: len(desk.answers) % 50 > 40 or posting.done(), "some posts")
            joining += [asyncio.create_task(join()) for _ in range(50)]
            await until(lambda: len(desk.answers) % 50 < 10 or posting.done(), "more posts")
        await posting
        async with asyncio.timeout(30):
            found = await asyncio.gather(*joining)
        for cursors in found:
            numbers = [int(cursor.partition("-")[2]) for cursor in cursors]
            assert list(range(numbers[0], 201)) == numbers
        assert len({cursors[0] for cursors in found}) > 1
        await desk.http.aclose()
