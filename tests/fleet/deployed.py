"""What is deployed, read from its own files: the services of `docker-compose.yml` with `.env.example` filled in."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml
from ticker.settings import PREFIX

from tests.stage import KEY, PLAIN, free_port
from tests.waiting import until_now

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / ".env.example"
NEEDED = {
    "TICKER_BOOTSTRAP_KEY": KEY,
    "STORE_PASSWORD_API": "what-api-says",
    "STORE_PASSWORD_FANOUT": "what-fanout-says",
    "STORE_PASSWORD_PUSH": "what-push-says",
    "STORE_PASSWORD_REPLICA": "what-replicas-say",
}
"""What an operator fills in."""


def compose() -> dict[str, Any]:
    """The compose file."""
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


def example() -> dict[str, str]:
    """The example of an environment file, as it is."""
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE))


def filled_in() -> dict[str, str]:
    """The same with everything that is needed."""
    return example() | NEEDED


def filled(value: object, given: dict[str, str]) -> str:
    """The value with `${NAME:-default}` and `${NAME:?what is missing}` filled in, as Compose does it."""

    def fill(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        if given.get(name):
            return given[name]
        assert kind == ":-", f"{name}: {rest}"
        return str(rest)

    return re.sub(r"\$\{([A-Z_]+)(:[-?])([^}]*)\}", fill, str(value))


@dataclass(frozen=True)
class Planned:
    """A service of the compose file, as its container would be started."""

    name: str
    command: list[str]
    environ: dict[str, str]
    replicas: int
    grace: float


def planned(name: str) -> Planned:
    """The service of this name, by the example filled in."""
    service, given = compose()["services"][name], filled_in()
    return Planned(
        name,
        [filled(word, given) for word in service["command"]],
        {variable: filled(value, given) for variable, value in service["environment"].items()},
        int(filled(service.get("deploy", {}).get("replicas", 1), given)),
        float(service["stop_grace_period"].removesuffix("s")),
    )


def acl() -> list[list[str]]:
    """The users of the store as `start.sh` writes them: for each its name and rules."""
    template = (ROOT / "deploy" / "valkey" / "users.acl.template").read_text(encoding="utf-8")
    lines = re.sub(r"\$\{([A-Z_]+)\}", lambda match: NEEDED[match[1]], template).splitlines()
    return [line.split()[1:] for line in lines]


class Part:
    """One container's program as a process on this machine: the same command and environment, other addresses."""

    def __init__(self, plan: Planned, redis_port: int, output: Path) -> None:
        self.plan = plan
        self.output = output
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        here = {
            "TICKER_REDIS_URL": plan.environ["TICKER_REDIS_URL"].replace("@store:6379", f"@127.0.0.1:{redis_port}"),
            "TICKER_CHANNELS": str(ROOT / "deploy" / "kubernetes" / "base" / "channels.toml"),
            "TICKER_PROXIES": "127.0.0.1",
            "TICKER_PORT": str(self.port),
        }
        if "TICKER_PUSH_METRICS" in plan.environ:
            here["TICKER_PUSH_METRICS"] = str(self.port)
        assert here["TICKER_REDIS_URL"] != plan.environ["TICKER_REDIS_URL"]
        own = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        with output.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ticker", *plan.command],
                env=own | plan.environ | here,
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
        path = "live" if "TICKER_PUSH_METRICS" in self.plan.environ else "ready"
        try:
            return httpx.get(f"{self.url}/health/{path}", **PLAIN).status_code == 200
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
