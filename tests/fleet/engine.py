"""`python -m tests.fleet.engine`: the image is built and the fleet brought up in real containers, without a registry.

As root on Debian with `docker.io`, `docker-compose`, `debootstrap`: an engine of its own on a socket of its own, base
images by debootstrap, the store and the proxy from Debian's packages under the names that the compose file asks for.
Then an alert goes from api through the proxy to both fan-outs and to an event stream; with `--sentinel` the primary of
the store is killed under a second one. Everything is ended and removed afterwards but the folder of base images.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from websockets.asyncio.client import connect

from tests.fleet.deployed import NEEDED, ROOT, compose, filled_in
from tests.stage import AUTHORIZED, PLAIN, entries, frame, free_port
from tests.waiting import until_now

BASE = "ticker.test/python:3.11"
DEBIAN = "ticker.test/debian"
PYTHON = ("bookworm", "python3", "python3-venv", "ca-certificates")
SERVERS = ("sid", "nginx-light", "gettext-base", "curl", "valkey-server", "valkey-tools", "valkey-sentinel")
"""The nginx of Debian's stable release cannot look names up again ('resolve'), and has no Valkey."""
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
STAND_INS = {
    "store": "RUN mkdir -p /data && chown valkey /data\n",
    # As the official image does it: templates are filled in, and then the command runs.
    "proxy": """RUN useradd --system --uid 101 nginx \\
 && printf '%s\\n' '#!/bin/sh' 'set -e' \\
    'names=$(env | sed -n "s/^\\(PROXY_[A-Z]*\\)=.*/\\${\\1}/p")' \\
    'for file in /etc/nginx/templates/*.template; do' \\
    '  envsubst "$names" <"$file" >"$NGINX_ENVSUBST_OUTPUT_DIR/$(basename "$file" .template)"' \\
    'done' 'exec "$@"' >/start.sh && chmod +x /start.sh
STOPSIGNAL SIGQUIT
ENTRYPOINT ["/start.sh"]
""",
}
SENTINEL = {
    "COMPOSE_PROFILES": "sentinel",
    "STORE_SCHEME": "redis-sentinel",
    "STORE_HOSTS": "172.30.78.21:26379,172.30.78.22:26379,172.30.78.23:26379/ticker",
    "STORE_MIN_REPLICAS": "1",
    "TICKER_REPLICAS": "1",
}


def run(*command: str, environ: Mapping[str, str] | None = None, quiet: bool = False, seconds: float = 600) -> str:
    """What a command prints. Raises CalledProcessError after showing what it complains of."""
    print("$", " ".join(command), flush=True)
    try:
        done = subprocess.run(
            command, env={**os.environ, **(environ or {})}, capture_output=True, text=True, timeout=seconds, check=True
        )
    except subprocess.CalledProcessError as error:
        print(error.stdout[-2000:], error.stderr[-4000:], file=sys.stderr)
        raise
    return done.stdout if not quiet else ""


@contextmanager
def engine(directory: Path) -> Iterator[str]:
    """A container engine of our own; its address. Its chains stay in the firewall, where they then do nothing."""
    policy = next(line for line in run("iptables", "-S", "FORWARD").splitlines() if line.startswith("-P"))
    socket = f"unix://{directory}/docker.sock"
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                "/usr/sbin/dockerd",
                f"--data-root={directory}/data",
                f"--exec-root={directory}/exec",
                f"--pidfile={directory}/pid",
                f"--host={socket}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        until_now((directory / "docker.sock").exists, f"the engine to listen; {directory}/log says more", 30)
        # It shuts the door for everything that is forwarded, and others on this machine forward too.
        run("iptables", *policy.split())
        yield socket
    finally:
        process.terminate()
        process.wait(60)


def base(cache: Path, suite: str, *packages: str) -> Path:
    """A small Debian with these packages, made once."""
    found = cache / suite
    if not (found / "made").exists():
        mirror = run("apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages").split()[0]
        run("debootstrap", "--variant=minbase", f"--include={','.join(packages)}", suite, str(found), mirror)
        (found / "usr/local/bin/python").unlink(missing_ok=True)
        (found / "usr/local/bin/python").symlink_to("/usr/bin/python3")
        (found / "made").touch()
    return found


def images(docker: list[str], directory: Path, cache: Path) -> None:
    """The base images, the stand-ins for what a registry has, and ticker's own image by its Dockerfile."""
    for name, (suite, *packages) in ((BASE, PYTHON), (DEBIAN, SERVERS)):
        root, archive = base(cache, suite, *packages), directory / "root.tar"
        run("tar", "--exclude=./var/cache/apt/archives/*.deb", "-C", str(root), "-cf", str(archive), ".")
        path = "ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        run(*docker, "import", "--change", path, str(archive), name, quiet=True)
        archive.unlink()
    for service, lines in STAND_INS.items():
        file = directory / f"Dockerfile.{service}"
        file.write_text(f"FROM {DEBIAN}\n{lines}", encoding="utf-8")
        image = compose()["services"][service]["image"]
        run(*docker, "build", "--quiet", "--tag", image, "--file", str(file), str(cache / "empty"), quiet=True)
    # pip reaches the packages as it does outside.
    configuration = directory / "pip.conf"
    index = subprocess.run(["pip", "config", "get", "global.index-url"], capture_output=True, text=True, check=False)
    words = ["[global]", "cert = /run/secrets/ca", *[f"index-url = {url}" for url in index.stdout.split()]]
    configuration.write_text("\n".join(words) + "\n", encoding="utf-8")
    secrets = ["--secret", f"id=pip,src={configuration}", "--secret", f"id=ca,src={CERTIFICATES}"]
    start = time.monotonic()
    run(*docker, "build", "--build-arg", f"BASE={BASE}", *secrets, "--tag", "ticker:local", str(ROOT), quiet=True)
    print(f"the image was built in {time.monotonic() - start:.0f} s", flush=True)


@contextmanager
def fleet(docker: list[str], address: str, file: Path, given: Mapping[str, str]) -> Iterator[None]:
    """The stack, up and healthy."""
    file.write_text("".join(f"{name}={value}\n" for name, value in given.items()), encoding="utf-8")
    # The older Compose takes no profile from an environment file.
    environ = {"DOCKER_HOST": address, "COMPOSE_PROFILES": given.get("COMPOSE_PROFILES", "")}
    command = ["docker-compose", "--project-name", "ticker", "--project-directory", str(ROOT)]
    command += ["--file", str(ROOT / "docker-compose.yml"), "--env-file", str(file)]
    try:
        run(*command, "up", "--detach", "--no-build", environ=environ, quiet=True)

        def healthy() -> bool:
            told = subprocess.run([*docker, "ps", "--format", "{{.Status}}"], capture_output=True, text=True)
            states = told.stdout.splitlines()
            return bool(states) and all("(healthy)" in state for state in states)

        until_now(healthy, "every container to be healthy", 60)
        print(run(*docker, "ps", "--format", "{{.Names}}  {{.Status}}"))
        yield
    finally:
        run(*command, "down", "--volumes", environ=environ, quiet=True)


def readers(docker: list[str], container: str) -> int:
    """How many lines a fan-out has, by its own figures."""
    page = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8000/metrics').read().decode())"
    told = subprocess.run(
        [*docker, "exec", container, "python", "-c", page], capture_output=True, text=True, check=True
    )
    lines = told.stdout.splitlines()
    return sum(int(float(line.split()[1])) for line in lines if line.startswith("ticker_readers{"))


async def alert(docker: list[str], url: str, *, kill: bool = False) -> None:
    """Post, and see it arrive at readers of both fan-outs; with `kill`, once more while the primary dies."""
    live = "/v1/channels/en/live"
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=url, **PLAIN))
        lines = [await stack.enter_async_context(connect(url.replace("http", "ws") + live, proxy=None)) for _ in "12"]
        assert {"snapshot"} == {(await frame(line))["type"] for line in lines}
        events = await stack.enter_async_context(http.stream("GET", live, headers={"Accept": "text/event-stream"}))
        arriving = events.aiter_lines()
        print("readers of each fan-out:", [readers(docker, f"ticker_fanout_{number}") for number in (1, 2)])

        async def post(headline: str) -> str:
            key, start = headline.replace(" ", "-"), time.monotonic()
            while time.monotonic() < start + 60:
                answer = await http.post(
                    "/v1/channels/en/items",
                    json={"headline": headline},
                    headers={**AUTHORIZED, "Idempotency-Key": key},
                )
                if answer.status_code == 201:
                    stored = answer.json()
                    print(f"'{headline}': {stored['durability']} after {time.monotonic() - start:.2f} s", flush=True)
                    return str(stored["cursor"])
                assert 503 == answer.status_code, answer.text
                await asyncio.sleep(0.2)
            raise AssertionError("nobody takes the post")

        cursor = await post("The bridge is open again")
        start = time.monotonic()
        assert [cursor, cursor] == [(await entries(line, 1))[0]["cursor"] for line in lines]
        async for told in arriving:
            if told.startswith("data: ") and json.loads(told[6:]).get("cursor") == cursor:
                break
        print(f"it stood on both fan-outs and on the event stream {1000 * (time.monotonic() - start):.0f} ms later")
        assert 404 == (await http.get("/metrics")).status_code
        if kill:
            run(*docker, "kill", "ticker_store_1", quiet=True)
            await post("The bridge is closed again")
            for line in lines:
                while (found := await frame(line))["type"] != "reset":
                    pass
                print("reset:", [item["headline"] for item in found["items"]])


def main() -> int:
    """Returns 0 when all of it was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path("/var/tmp/ticker-engine"), help="folder of the base images")
    parser.add_argument("--sentinel", action="store_true", help="also kill the store's primary under Sentinels")
    options = parser.parse_args()
    (options.cache / "empty").mkdir(parents=True, exist_ok=True)
    most = min(131072, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    port = free_port()
    given = {**filled_in(), **NEEDED, "TICKER_PUBLISH": f"127.0.0.1:{port}", "OPEN_FILES": str(most)}
    with TemporaryDirectory(prefix="ticker-engine-", dir="/var/tmp") as name, engine(Path(name)) as address:
        directory = Path(name)
        docker = ["/usr/bin/docker", "--host", address]
        os.environ["DOCKER_BUILDKIT"] = "1"
        images(docker, directory, options.cache)
        with fleet(docker, address, directory / "env", given):
            asyncio.run(alert(docker, f"http://127.0.0.1:{port}"))
        if options.sentinel:
            with fleet(docker, address, directory / "env", given | SENTINEL):
                asyncio.run(alert(docker, f"http://127.0.0.1:{port}", kill=True))
    print("all of it was seen")
    return 0


if __name__ == "__main__":
    sys.exit(main())
