"""Three nodes on a network of their own: one is cut off from everybody, one from the store alone; both come back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass

import httpx
import pytest
from ticker.store import Store

from tests.faults.programs import START_SECONDS, Program
from tests.faults.servers import Server
from tests.faults.witness import Reader, judge, present, published, settled
from tests.fleet.crowd import Listener, Newsroom, Screen
from tests.fleet.network import Network, network
from tests.stage import PLAIN, short_directory
from tests.waiting import until, until_now

HEARTBEAT = 1.0
SILENCE = 2.5 * HEARTBEAT
PATIENCE = 2.0
MOVE_SECONDS = 10.0
"""Within which whoever was on the node that was cut off has to have a line elsewhere: the silence, an attempt that is
answered by nobody, and what a loaded machine takes."""
EDITORS = 3


@dataclass(frozen=True)
class Nodes:
    """A fan-out on each of three machines, an api on the first and the third, the store on one more."""

    network: Network
    fanouts: list[Program]
    apis: list[Program]
    store: Server

    def health(self, *numbers: int) -> list[int]:
        """What nodes say of themselves to whoever asks on the machines themselves."""
        return [self._health(number) for number in numbers]

    def _health(self, number: int) -> int:
        with self.network.on(f"node{number}"):
            return httpx.get(f"{self.fanouts[number].url}/health/ready", **PLAIN).status_code


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    """All of it, ready. Until the end of the test this thread is where the readers and the editors are."""
    with ExitStack() as stack:
        directory = stack.enter_context(short_directory())
        net = stack.enter_context(network("newsroom", "store", "node0", "node1", "node2"))
        stack.enter_context(net.on("newsroom"))
        store = Server(
            directory / "store",
            *("--appendonly", "yes", "--protected-mode", "no"),
            host=net.address("store", "back"),
            within=net.within("store"),
        )
        stack.callback(store.kill)
        store.start()

        def program(role: str, number: int, port: int) -> Program:
            found = Program(
                role,
                store.url,
                directory,
                host=net.address(f"node{number}"),
                port=port,
                within=net.within(f"node{number}"),
                environ={"TICKER_HEARTBEAT": str(HEARTBEAT)},
            )
            stack.callback(found.end)
            found.spawn()
            return found

        fanouts = [program("fanout", number, 8001) for number in range(3)]
        apis = [program("api", number, 8000) for number in (0, 2)]
        for found in (*fanouts, *apis):
            until_now(found.ready, f"ticker {found.role} to be ready", START_SECONDS)
        yield Nodes(net, fanouts, apis, store)


async def test_f8_readers_leave_a_node_that_is_cut_off_and_stay_with_one_that_lost_the_store(nodes: Nodes) -> None:
    """Nobody is told by the network. The first node's readers notice the silence and go to the third; the second one's
    are told that it is stale, and stay. Both nodes are not ready until they are back; then nothing is missing anywhere.
    """
    first, second, third = (program.url for program in nodes.fanouts)
    movers = [Screen(first, third, silence=SILENCE, patience=PATIENCE) for _ in range(18)]
    movers += [Listener(first, third, silence=SILENCE, patience=PATIENCE) for _ in range(6)]
    stayers = [Screen(second, silence=SILENCE, patience=PATIENCE) for _ in range(10)]
    readers: list[Reader] = [*movers, *stayers]
    clock = asyncio.get_running_loop().time
    async with AsyncExitStack() as stack:
        store = Store(nodes.store.url)
        stack.push_async_callback(store.close)
        desk = Newsroom(*(program.url for program in nodes.apis), patience=1.0)
        stack.push_async_callback(desk.http.aclose)
        await stack.enter_async_context(present(readers))
        stopped = asyncio.Event()
        posting = [asyncio.create_task(desk.work(f"editor {number}", stopped)) for number in range(EDITORS)]
        await until(lambda: len(desk.answers) > 2 * EDITORS, "some alerts")
        on_first = sum(mover.at == first for mover in movers)
        assert 0 < on_first < len(movers)

        for stayer in stayers:
            stayer.told_stale = False  # who joins in the first moment of a process may have been told so
        nodes.network.cut("node0", "front", "back")
        nodes.network.cut("node1", "back")
        cut = clock()
        await until(lambda: all(mover.standing and mover.at == third for mover in movers), "them to move", MOVE_SECONDS)
        moved, answered = clock() - cut, len(desk.answers)
        assert on_first == sum(mover.lost for mover in movers)
        await until(lambda: all(stayer.told_stale for stayer in stayers), "the others to be told that it is stale", 20)
        stale = clock() - cut
        await until(lambda: nodes.health(0, 1) == [503, 503], "both nodes to say that they are not ready", 5)
        assert [200] == nodes.health(2)
        assert len(desk.answers) > answered

        nodes.network.heal("node0", "front", "back")
        nodes.network.heal("node1", "back")
        healed = clock()
        await until(lambda: nodes.health(0, 1, 2) == [200] * 3, "both to be ready again", 10)
        back = clock() - healed
        newcomers = [Screen(first, silence=SILENCE, patience=PATIENCE) for _ in range(4)]
        readers += newcomers
        await stack.enter_async_context(present(newcomers))
        stopped.set()
        await asyncio.gather(*posting)
        await settled(readers, third)
        # Where he reads is where he has to see it: each node shows the same by now.
        await settled(readers, first)
        await settled(readers, second)
        assert [] == await judge(store, desk, readers)
        assert sorted(desk.headlines) == sorted(await published(store))
        assert [] == [kind for reader in readers for kind in reader.kinds() if kind == "reset"]
        assert [(1, 0)] * 14 == [(screen.lines, screen.lost) for screen in (*stayers, *newcomers)]
        unanswered = sum(status == 0 for status, _ in desk.refusals)
        print(
            f"\n{on_first} of {len(movers)} readers had moved {moved:.1f} s after the cut, {len(stayers)} were told "
            f"'stale' after {stale:.1f} s, both nodes were ready {back:.1f} s after the repair; "
            f"{len(desk.headlines)} alerts, {unanswered} posts without an answer, the longest wait {desk.longest:.1f} s"
        )
