"""Another server becomes the master, and knows less. Each test has the number of its fault in docs/faults.md."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest
import ticker.store
from pydantic import SecretStr
from redis.asyncio import Redis
from redis.exceptions import ResponseError
from ticker.fanout import LATE
from ticker.store import Store

from tests.faults.proxy import proxied
from tests.faults.servers import Sentinels, Server, cluster, sentinels, server
from tests.faults.test_store import scene
from tests.faults.witness import Desk, settled, watching
from tests.stage import running, short_directory
from tests.waiting import until


@pytest.fixture
def pair(redis7: str) -> Iterator[tuple[Server, Server]]:
    """Two servers that know nothing of each other yet."""
    with (
        short_directory() as directory,
        server(directory / "one") as one,
        server(directory / "two") as two,
    ):
        yield one, two


@pytest.fixture
def watched(redis7: str) -> Iterator[Sentinels]:
    """A master, two replicas, three Sentinels."""
    with short_directory() as directory, sentinels(directory) as found:
        yield found


def linked(replica: Server) -> bool:
    """Whether a replica has its master's data."""
    told = replica.command("INFO", "replication")
    return bool(told["role"] == "slave" and told["master_link_status"] == "up" and not told["master_sync_in_progress"])


async def fork(one: Server, two: Server) -> None:
    """F3 word for word. Raises AssertionError when somebody was left with what the log does not have.

    The master is partitioned from its replica and takes posts; the replica, which knows nothing of them, is promoted
    behind the same address, and new posts get the same numbers.
    """
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(proxied(one.url))
        replication = await stack.enter_async_context(proxied(one.url))
        two.command("REPLICAOF", "127.0.0.1", replication.port)
        await until(lambda: linked(two), "the replica to be linked")
        on = await stack.enter_async_context(scene(one.url, address.url, readers=3))
        connected, leaving, _ = on.readers
        await on.desk.post("both have it")
        await settled(on.readers, on.stage.url, ["both have it"])
        offset = int(one.command("INFO", "replication")["master_repl_offset"])
        await until(
            lambda: int(two.command("INFO", "replication")["slave_repl_offset"]) >= offset, "the replica to have it"
        )

        replication.refusing = True
        replication.cut()
        for number in range(2):
            await on.desk.post(f"only the old master has it {number}")
        lost = ["only the old master has it 1", "only the old master has it 0", "both have it"]
        await settled(on.readers, on.stage.url, lost)
        await leaving.stop()

        two.command("REPLICAOF", "NO", "ONE")
        address.target = ("127.0.0.1", two.port)
        address.cut()
        news = Desk(on.stage.url)
        stack.push_async_callback(news.http.aclose)
        for number in range(2):
            await news.post(f"the new master has it {number}")

        expected = ["the new master has it 1", "the new master has it 0", "both have it"]
        await settled([connected], on.stage.url, expected, deadline=10)
        assert "reset" in connected.kinds()
        before = len(leaving.frames)
        leaving.start()
        await settled(on.readers, on.stage.url, expected, deadline=10)
        assert "reset" == leaving.frames[before]["type"]


async def test_f3_a_failover_that_loses_the_tail_resets_everybody(pair: tuple[Server, Server]) -> None:
    """Who was connected throughout and who comes back with the old cursor end where a newcomer begins."""
    await fork(*pair)


async def test_f3_without_the_detection_readers_are_left_with_what_was_lost(
    pair: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same, with a script that does not look at the replication id: the test above can fail."""
    whole = ticker.store.Store.script

    def blind(self: Store, *parts: str) -> object:
        script = whole(self, *parts)
        text = str(script.script)
        assert " and known[4] == replid" in text
        return self.redis.register_script(text.replace(" and known[4] == replid", ""))

    def blind_or_whole(self: Store, *parts: str) -> object:
        return blind(self, *parts) if "append" in parts or "pulse" in parts else whole(self, *parts)

    monkeypatch.setattr(ticker.store.Store, "script", blind_or_whole)
    with pytest.raises(AssertionError):
        await fork(*pair)


async def test_f3_sentinels_promote_a_replica_that_missed_the_end(watched: Sentinels) -> None:
    """The same with real Sentinels: the replicas are cut off, the master takes posts and is killed."""
    master = watched.master()
    async with AsyncExitStack() as stack:
        stage = await stack.enter_async_context(running(watched.url))
        desk = Desk(stage.url)
        stack.push_async_callback(desk.http.aclose)
        readers = await stack.enter_async_context(watching(2, stage.url))
        await desk.post("kept")
        offset = int(master.command("INFO", "replication")["master_repl_offset"])
        replicas = [node for node in watched.nodes if node is not master]
        await until(
            lambda: all(int(node.command("INFO", "replication")["slave_repl_offset"]) >= offset for node in replicas),
            "the replicas to have it",
        )
        for node in replicas:
            node.command("REPLICAOF", "127.0.0.1", 1)
        await desk.post("lost")
        await settled(readers, stage.url, ["lost", "kept"])
        master.kill()
        news = Desk(stage.url)
        stack.push_async_callback(news.http.aclose)
        await news.post("new", deadline=60)
        await settled(readers, stage.url, ["new", "kept"])
        assert all("reset" in reader.kinds() for reader in readers)
        assert [1, 1] == [reader.lines for reader in readers]


async def test_f4_an_old_master_that_still_answers_is_left(watched: Sentinels) -> None:
    """Cut off from Sentinels and replicas, it refuses writes within ten seconds, and we go to the new one."""
    for node in watched.nodes:
        node.command("CONFIG", "SET", "min-replicas-to-write", "1")
        node.command("CONFIG", "SET", "min-replicas-max-lag", "3")
        node.command("ACL", "SETUSER", "app", "on", ">secret", "~*", "&*", "+@all")
    master = watched.master()
    async with AsyncExitStack() as stack:
        url = watched.url.replace("://", "://app:secret@")
        stage = await stack.enter_async_context(running(url))
        desk = Desk(stage.url)
        stack.push_async_callback(desk.http.aclose)
        readers = await stack.enter_async_context(watching(2, stage.url))
        await desk.post("before")
        await settled(readers, stage.url, ["before"])
        # Sentinels and replicas come as the default user; the service goes on being let in.
        old = Redis(port=master.port, username="app", password="secret")
        stack.push_async_callback(old.aclose)
        await old.acl_setuser("default", enabled=False)
        await old.client_kill_filter(user="default")
        posting = asyncio.create_task(desk.post("after", deadline=60))
        await until(lambda: watched.master() is not master, "another master", 30)
        await posting
        await settled(readers, stage.url, ["after", "before"])

        async def refuses() -> bool:
            try:
                return not await old.set("probe", "1")
            except ResponseError as error:
                return str(error).startswith("NOREPLICAS")

        await until(refuses, "the old master to refuse", 10)
        assert [1, 1] == [reader.lines for reader in readers]


async def test_f5_a_replica_that_was_detached_is_seen_by_its_silence(pair: tuple[Server, Server]) -> None:
    """No line breaks and nothing fails: readiness goes red, readers stay, and all goes on when it is back."""
    master, replica = pair
    replica.command("REPLICAOF", "127.0.0.1", master.port)
    await until(lambda: linked(replica), "the replica to be linked")
    async with AsyncExitStack() as stack:
        stage = await stack.enter_async_context(running(master.url, read_url=SecretStr(replica.url)))
        desk = Desk(stage.url)
        stack.push_async_callback(desk.http.aclose)
        readers = await stack.enter_async_context(watching(2, stage.url))
        await desk.post("before")
        await settled(readers, stage.url, ["before"])
        replica.command("REPLICAOF", "NO", "ONE")
        await desk.post("meanwhile")

        async def red() -> bool:
            return (await stage.http.get("/health/ready")).status_code == 503

        await until(red, "readiness to go red", LATE + 5)
        await until(lambda: all(reader.frames[-1].get("stale") for reader in readers), "readers to be told", LATE)
        assert ["before"] == readers[0].shown()
        replica.command("REPLICAOF", "127.0.0.1", master.port)
        await settled(readers, stage.url, ["meanwhile", "before"])
        await until(
            lambda: all("stale" not in reader.frames[-1] for reader in readers), "readers to be told that it is over"
        )
        assert [1, 1] == [reader.lines for reader in readers]


async def test_f5_without_looking_at_the_heartbeat_it_starves_and_calls_that_ready(
    pair: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same, with the age of the heartbeat out of sight: nothing is said to anybody. The test above can fail."""
    master, replica = pair
    replica.command("REPLICAOF", "127.0.0.1", master.port)
    await until(lambda: linked(replica), "the replica to be linked")
    for module in ("fanout", "health"):
        monkeypatch.setattr(f"ticker.{module}.LATE", 3.0)  # the same rule with less patience
    monkeypatch.setattr("ticker.fanout.Fanout.age", 0.0)
    monkeypatch.setattr("ticker.fanout.Fanout.late", False)
    async with AsyncExitStack() as stack:
        stage = await stack.enter_async_context(running(master.url, read_url=SecretStr(replica.url)))
        desk = Desk(stage.url)
        stack.push_async_callback(desk.http.aclose)
        readers = await stack.enter_async_context(watching(1, stage.url))
        await desk.post("before")
        await settled(readers, stage.url, ["before"])
        replica.command("REPLICAOF", "NO", "ONE")
        await desk.post("meanwhile")

        def beats() -> int:
            return int(master.command("XINFO", "STREAM", "{ticker:en}:pulse")["entries-added"])

        enough = beats() + 3
        await until(lambda: beats() >= enough, "three heartbeats that do not come back")
        assert 200 == (await stage.http.get("/health/ready")).status_code
        assert ["before"] == readers[0].shown()
        assert "stale" not in readers[0].frames[-1]


async def test_f7_a_cluster_that_loses_a_master_refuses_and_recovers(redis7: str) -> None:
    """CLUSTERDOWN and worse are told as 503; when the replica has taken over, everything goes on by itself."""
    with short_directory() as directory, cluster(directory) as found:
        async with AsyncExitStack() as stack:
            stage = await stack.enter_async_context(running(found.url))
            desk = Desk(stage.url)
            stack.push_async_callback(desk.http.aclose)
            readers = await stack.enter_async_context(watching(2, stage.url))
            await desk.post("before")
            await settled(readers, stage.url, ["before"])
            slot = found.nodes[0].command("CLUSTER", "KEYSLOT", "{ticker:en}:log")
            owner = found.owner(int(slot))
            await until(lambda: found.copied(owner), "its replica to have it")
            owner.kill()
            await desk.post("after", deadline=60)
            await settled(readers, stage.url, ["after", "before"])
            assert desk.refusals
            assert [1, 1] == [reader.lines for reader in readers]
