"""The fleet of `docker-compose.yml`: the file itself, and its roles as processes of their own on one Redis."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from ticker.__main__ import ROLES, _parser
from ticker.serve import GRACE
from ticker.settings import PREFIX, Settings
from ticker.store import Store
from websockets.exceptions import ConnectionClosed

from tests.stage import AUTHORIZED, KEY, PLAIN, Stage, entries, frame, free_port, short_directory
from tests.waiting import until, until_now

ROOT = Path(__file__).parent.parent
FILE = ROOT / "docker-compose.yml"
STORE = "redis://store:6379"
ALERTS = 8


@dataclass(frozen=True)
class Planned:
    """A service of the compose file, as its container would be started."""

    name: str
    command: list[str]
    environ: dict[str, str]
    replicas: int
    grace: float


def compose() -> dict[str, Any]:
    """The compose file."""
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


def filled(value: object, given: dict[str, str]) -> str:
    """The value with `${NAME:-default}` and `${NAME:?what is missing}` filled in, as Compose does it."""

    def fill(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        if given.get(name):
            return given[name]
        assert kind == ":-", f"{name}: {rest}"
        return str(rest)

    return re.sub(r"\$\{([A-Z_]+)(:[-?])([^}]*)\}", fill, str(value))


def planned(name: str) -> Planned:
    """The service of this name, with a key given and everything else left at its default."""
    service = compose()["services"][name]
    return Planned(
        name,
        service["command"],
        {variable: filled(value, {"TICKER_BOOTSTRAP_KEY": KEY}) for variable, value in service["environment"].items()},
        service.get("deploy", {}).get("replicas", 1),
        float(service["stop_grace_period"].removesuffix("s")),
    )


class Part:
    """One container's program as a process on this machine: the same command and environment, another store."""

    def __init__(self, plan: Planned, redis: str, output: Path) -> None:
        self.plan = plan
        self.output = output
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        assert STORE == plan.environ["TICKER_REDIS_URL"]
        own = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        with output.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ticker", *plan.command],
                env=own | plan.environ | {"TICKER_REDIS_URL": redis, "TICKER_PORT": str(self.port)},
                stdout=said,
                stderr=said,
            )

    @property
    def said(self) -> str:
        """Everything it has printed."""
        return self.output.read_text(encoding="utf-8")

    def ready(self) -> bool:
        """Whether it answers the health check of the compose file."""
        assert self.process.poll() is None, self.said
        try:
            return httpx.get(self.url + "/health/ready", **PLAIN).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> int:
        """SIGTERM, as `docker compose stop` sends it; the exit status within the time that the file gives."""
        self.process.terminate()
        until_now(lambda: self.process.poll() is not None, f"{self.plan.name} to end", self.plan.grace)
        return self.process.wait()

    def end(self) -> None:
        """Whatever happened in the test, it does not go on."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)


@dataclass(frozen=True)
class Fleet:
    """One process for each container."""

    api: Part
    fanouts: list[Part]
    push: Part

    @property
    def parts(self) -> list[Part]:
        return [self.api, *self.fanouts, self.push]


@pytest.fixture
async def fleet(redis7: str) -> AsyncIterator[Fleet]:
    """All roles, ready, on an empty store."""
    store = Store(redis7)
    await store.redis.flushall()
    with short_directory() as directory:
        started: list[Part] = []

        def start(name: str) -> Part:
            started.append(Part(planned(name), redis7, directory / f"output-{len(started)}"))
            return started[-1]

        async def claims() -> bool:
            assert push.process.poll() is None, push.said
            if not await store.redis.exists("{ticker:en}:log"):
                return False
            groups = await store.redis.xinfo_groups("{ticker:en}:log")
            return [b"push"] == [group["name"] for group in groups]

        try:
            api, push = start("api"), start("push")
            fanouts = [start("fanout") for _ in range(planned("fanout").replicas)]
            for part in [api, *fanouts]:
                await until(part.ready, f"{part.plan.name} to be ready; it said: {part.said}", 30)
            # What was posted before the group exists is no news for phones.
            await until(claims, "push to join its group", 30)
            yield Fleet(api, fanouts, push)
        finally:
            for part in started:
                part.end()
            await store.close()


def composer() -> list[str]:
    """The machine's Compose, in either of its forms."""
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    if shutil.which("docker"):
        asked = subprocess.run(["docker", "compose", "version"], capture_output=True, timeout=30)
        if asked.returncode == 0:
            return ["docker", "compose"]
    reason = "no Compose on this machine: neither 'docker-compose' nor 'docker compose' is installed"
    if os.environ.get("CI"):
        pytest.fail(f"{reason}, and CI must have one; 'make test' installs it")
    pytest.skip(reason)


def test_the_fleet_is_a_store_and_the_three_roles() -> None:
    """Nothing else is needed, and each role stands alone."""
    assert {"store", "api", "fanout", "push"} == set(compose()["services"])
    assert [1, 2, 1] == [planned(name).replicas for name in ("api", "fanout", "push")]


@pytest.mark.parametrize("name", ["api", "fanout", "push"])
def test_each_service_runs_a_command_that_there_is(name: str) -> None:
    """The command line itself takes what the container is started with, and the command is that of its name."""
    assert name in ROLES
    assert name == _parser().parse_args(planned(name).command).command


@pytest.mark.parametrize("name", ["api", "fanout", "push"])
def test_each_service_is_given_settings_that_there_are(name: str) -> None:
    """A variable that nobody reads is a setting that silently keeps its default."""
    environ = planned(name).environ
    assert set() == set(environ) - {PREFIX + field.upper() for field in Settings.model_fields}
    assert environ == {variable: Settings.load(environ).environ()[variable] for variable in environ}


def test_only_those_who_take_posts_are_given_the_key() -> None:
    """A process that no editor talks to has nothing to lose."""
    assert ["api"] == [name for name in ROLES if name != "serve" and "TICKER_BOOTSTRAP_KEY" in planned(name).environ]


def test_every_variable_of_the_file_is_in_the_example() -> None:
    """Who copies .env.example has seen everything that can be set there."""
    asked = set(re.findall(r"\$\{([A-Z_]+)", FILE.read_text(encoding="utf-8")))
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert asked == set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE))


@pytest.mark.parametrize("name", ["store", "api", "fanout", "push"])
def test_no_container_can_do_more_than_it_must(name: str) -> None:
    """No capability, no write outside a volume, no way to more rights."""
    service = compose()["services"][name]
    assert (["ALL"], True) == (service["cap_drop"], service["read_only"])
    assert ["no-new-privileges:true"] == service["security_opt"]


@pytest.mark.parametrize("name", ["api", "fanout", "push"])
def test_a_service_has_more_time_to_end_than_it_needs(name: str) -> None:
    """Docker kills what is still there at the end of its grace; by then the readers must have been sent away."""
    assert planned(name).grace >= 2 * GRACE


def test_the_store_is_reached_by_the_fleet_alone() -> None:
    """It asks for no password, so it must stand where nobody else can talk to it."""
    file = compose()
    assert "ports" not in file["services"]["store"]
    assert ["inside"] == file["services"]["store"]["networks"]
    assert {"internal": True} == file["networks"]["inside"]


def test_the_image_has_no_secret_in_it_and_does_not_run_as_root() -> None:
    """What is copied into the image is named one by one, and a key comes from outside."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert "10001" == [line.split()[1] for line in lines if line.startswith("USER ")][-1]
    assert not [line for line in lines if "KEY" in line or "ADD " in line]
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" == ignored[1]
    allowed = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = {
        source for line in lines if line.startswith("COPY ") and "--from" not in line for source in line.split()[1:-1]
    }
    assert allowed == copied


@pytest.mark.parametrize("key", ["", KEY], ids=["without a key", "with a key"])
def test_compose_takes_the_file_only_with_a_key(key: str, tmp_path: Path) -> None:
    """Nobody starts a fleet with an empty key, and with one the file is right in every word."""
    empty = tmp_path / "empty.env"
    empty.touch()
    ran = subprocess.run(
        [*composer(), "--env-file", str(empty), "--file", str(FILE), "config"],
        env={name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        | {"TICKER_BOOTSTRAP_KEY": key},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert bool(key) == (ran.returncode == 0), ran.stderr
    if key:
        assert compose()["services"].keys() == yaml.safe_load(ran.stdout)["services"].keys()
    else:
        assert "put a key of 32 characters or more into .env" in ran.stderr


async def test_an_alert_goes_from_one_process_to_readers_of_two_others_and_to_the_bridge(fleet: Fleet) -> None:
    """Posted at once to the one, they stand in one order on both, are told to the bridge once, and all end in time."""
    editors = Stage(fleet.api.url)
    readers = [Stage(part.url) for part in fleet.fanouts]
    async with AsyncExitStack() as lines:
        for stage in (editors, *readers):
            lines.push_async_callback(stage.http.aclose)
        watching = [await lines.enter_async_context(stage.reader()) for stage in readers]
        assert ["snapshot", "snapshot"] == [(await frame(line))["type"] for line in watching]

        posted = await asyncio.gather(*(editors.post(f"Alert number {number} stands") for number in range(ALERTS)))
        cursors = sorted((answer["cursor"] for answer in posted), key=lambda cursor: int(cursor.split("-")[1]))
        seen = [[found["cursor"] for found in await entries(line, ALERTS)] for line in watching]
        assert [cursors, cursors] == seen

        taken_back = posted[0]["item"]["id"]
        await editors.retract(taken_back, "It was a test")
        for line, stage in zip(watching, readers, strict=True):
            told = (await entries(line, 1))[0]
            assert ("retract", taken_back, False) == (told["act"], told["item"]["id"], "headline" in told["item"])
            assert ALERTS - 1 == len(await stage.window())

        def printed() -> list[tuple[str, int]]:
            sent = [json.loads(line) for line in fleet.push.said.splitlines() if line.startswith("{")]
            return [(told["id"], told["version"]) for told in sent]

        published = {(answer["item"]["id"], 1) for answer in posted}
        # A push waits for some seconds, so that it can be stopped: nobody was told what was taken back by then.
        wanted = published - {(taken_back, 1)}
        await until(lambda: wanted <= set(printed()), "the bridge to tell of everything")
        assert wanted == set(printed())

        assert [0, 0, 0, 0] == [part.stop() for part in fleet.parts]
        assert len(set(printed())) == len(printed())
        for line in watching:
            with pytest.raises(ConnectionClosed) as closed:
                await frame(line)
            assert closed.value.rcvd is not None
            assert 1012 == closed.value.rcvd.code


async def test_an_editor_cannot_post_to_a_reader_nor_a_reader_watch_an_editor(fleet: Fleet) -> None:
    """Each role answers for its own half, and says so in words."""
    async with httpx.AsyncClient(**PLAIN, headers=AUTHORIZED) as client:
        posted = await client.post(fleet.fanouts[0].url + "/v1/channels/en/items", json={"headline": "Nobody reads it"})
        assert 405 == posted.status_code
        assert {"GET", "HEAD"} == set(posted.headers["Allow"].split(", "))
        watched = await client.get(fleet.api.url + "/v1/channels/en/live")
        assert 404 == watched.status_code
        assert "urn:ticker:problem:not-found" == watched.json()["type"]
