"""`docker-compose.yml`, `.env.example` and the `Dockerfile`, held to the code, to each other and to Compose itself."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ticker.__main__ import ROLES, _parser
from ticker.channel import load
from ticker.serve import GRACE
from ticker.settings import PREFIX, Settings

from tests.fleet.deployed import EXAMPLE, FILE, NEEDED, ROOT, acl, compose, example, filled, filled_in, planned
from tests.fleet.proxy import FORM, TEMPLATE

FLEET = ("api", "fanout", "push")
STORES = ("store", "replica-1", "replica-2")
SENTINELS = ("sentinel-1", "sentinel-2", "sentinel-3")
ALWAYS = {"store", *FLEET, "proxy"}
PROFILES = {
    "": ALWAYS,
    "observability": ALWAYS | {"prometheus", "grafana"},
    "sentinel": ALWAYS | {*STORES, *SENTINELS},
}


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


def config(directory: Path, given: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    """What Compose makes of the file with this environment file, and nothing from our own environment."""
    file = directory / "filled.env"
    file.write_text("".join(f"{name}={value}\n" for name, value in given.items()), encoding="utf-8")
    named = {*re.findall(r"\$\{([A-Z_]+)", FILE.read_text(encoding="utf-8")), "COMPOSE_PROFILES"}
    return subprocess.run(
        [*composer(), "--env-file", str(file), "--file", str(FILE), *options, "config"],
        env={name: value for name, value in os.environ.items() if name not in named},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile or "no profile")
def test_compose_takes_the_file_for_every_profile(profile: str, tmp_path: Path) -> None:
    """With the example filled in, every word of it is right, and it says what our own reading of the file says."""
    ran = config(tmp_path, filled_in(), *(["--profile", profile] if profile else []))
    assert 0 == ran.returncode, ran.stderr
    services: dict[str, Any] = yaml.safe_load(ran.stdout)["services"]
    # The older Compose prints services of every profile.
    assert PROFILES[profile] <= set(services)
    for name in FLEET:
        told = {variable: str(value) for variable, value in services[name]["environment"].items()}
        assert planned(name).environ == told


def test_compose_refuses_an_example_that_nobody_filled_in(tmp_path: Path) -> None:
    """Nobody starts a fleet with an empty key or an empty password."""
    ran = config(tmp_path, example())
    assert 0 != ran.returncode
    assert any(name in ran.stderr for name in NEEDED), ran.stderr


def test_each_empty_variable_of_the_example_that_is_needed_is_asked_for() -> None:
    """What is needed is marked in the file, and what is marked is empty in the example."""
    asked = set(re.findall(r"\$\{([A-Z_]+):\?", FILE.read_text(encoding="utf-8")))
    assert asked == set(NEEDED)
    assert {""} == {example()[name] for name in asked}


def test_every_variable_of_the_file_is_in_the_example_with_a_word_on_what_breaks() -> None:
    """Who copies .env.example has seen everything that can be set there; the defaults are the same in both."""
    text = FILE.read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{([A-Z_]+)", text)) == set(example())
    for name, default in re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", text):
        assert default == example()[name], name
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        # A variable without a comment of its own shares that of the one above it.
        if re.match(r"[A-Z_]+=", line):
            assert re.match(r"#|[A-Z_]+=", lines[number - 1]), f"{line} says nothing of itself"


def test_the_fleet_is_a_store_and_the_three_roles_behind_a_proxy() -> None:
    """Nothing else is needed, and what else there is belongs to a profile."""
    services = compose()["services"]
    assert ALWAYS == {name for name, service in services.items() if "profiles" not in service}
    assert set().union(*PROFILES.values()) == set(services)
    for profile, names in PROFILES.items():
        if profile:
            assert names - ALWAYS == {name for name in services if services[name].get("profiles") == [profile]}
    assert [1, 2, 1] == [planned(name).replicas for name in FLEET]


@pytest.mark.parametrize("name", FLEET)
def test_each_service_runs_a_command_that_there_is(name: str) -> None:
    """The command line itself takes what the container is started with, and the command is that of its name."""
    assert name in ROLES
    assert name == _parser().parse_args(planned(name).command).command


@pytest.mark.parametrize("name", FLEET)
def test_each_service_is_given_settings_that_there_are(name: str) -> None:
    """A variable that nobody reads is a setting that silently keeps its default."""
    environ = planned(name).environ
    known = {PREFIX + field.upper() for field in Settings.model_fields}
    assert set() == {variable.removesuffix("_FILE") for variable in environ} - known
    given = {variable: value for variable, value in environ.items() if value}
    taken = Settings.load(given).environ()
    assert given == {variable: taken[variable] if variable != "TICKER_WEBHOOKS" else "false" for variable in given}


def test_only_those_who_take_posts_are_given_the_key() -> None:
    """A process that no editor talks to has nothing to lose."""
    assert ["api"] == [name for name in FLEET if "TICKER_BOOTSTRAP_KEY" in planned(name).environ]


def test_readers_cannot_reach_a_process_that_holds_the_keys_of_providers() -> None:
    """The private key that browsers are pushed with is where they are registered and sent to, and nowhere else."""
    assert ["api", "push"] == [name for name in FLEET if "TICKER_VAPID_KEY_FILE" in planned(name).environ]


@pytest.mark.parametrize("name", sorted(compose()["services"]))
def test_no_container_can_do_more_than_it_must(name: str) -> None:
    """No capability, no write outside a volume, no way to more rights, and an image of one version."""
    service = compose()["services"][name]
    assert (["ALL"], True) == (service["cap_drop"], service["read_only"])
    assert ["no-new-privileges:true"] == service["security_opt"]
    image = service["image"]
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+", image) or (name in FLEET and image.startswith("ticker:")), image


@pytest.mark.parametrize("name", FLEET)
def test_a_service_has_more_time_to_end_than_it_needs(name: str) -> None:
    """Docker kills what is still there at the end of its grace; by then the readers must have been sent away."""
    needed = Settings().drain + GRACE
    assert planned(name).grace > needed
    drain = compose()["services"]["proxy"]["environment"]["PROXY_DRAIN"]
    assert planned("proxy").grace > float(drain.removesuffix("s")) > needed


def test_only_the_proxy_is_reached_by_the_world() -> None:
    """What else is published is published to this machine alone, and the store's network leads nowhere."""
    services = compose()["services"]
    published = {
        name: filled(service["ports"], filled_in()) for name, service in services.items() if "ports" in service
    }
    assert {"proxy", "prometheus", "grafana"} == set(published)
    assert all("127.0.0.1:" in ports for ports in published.values())
    for name in (*STORES, *SENTINELS):
        assert ["store"] == list(services[name]["networks"])
    leading = {name for name, network in compose()["networks"].items() if not network.get("internal")}
    assert {"outside", "published"} == leading
    reached = {network: {name for name, each in services.items() if network in each["networks"]} for network in leading}
    assert {"outside": {"push"}, "published": set(published)} == reached


def test_the_word_of_the_proxy_is_taken_and_of_nobody_else() -> None:
    """Its address is its own; everybody else in its network is given one of another range."""
    file = compose()
    given = filled_in()
    address = filled(file["services"]["proxy"]["networks"]["web"]["ipv4_address"], given)
    assert {address} == {planned(name).environ["TICKER_PROXIES"] for name in FLEET}
    watch = filled(file["networks"]["watch"]["ipam"]["config"][0]["subnet"], given)
    assert all(planned(name).environ["TICKER_METRICS"].endswith("," + watch) for name in FLEET)


def test_the_proxy_is_given_all_that_its_template_asks_for() -> None:
    """A name that is not given would stand in its configuration as it is."""
    environ = compose()["services"]["proxy"]["environment"]
    asked = set(FORM.findall(TEMPLATE.read_text(encoding="utf-8")))
    assert asked == {name for name in environ if re.match(environ["NGINX_ENVSUBST_FILTER"], name)}
    assert all("resolve" in environ[name] for name in ("PROXY_RESOLVER", "PROXY_EDITORS", "PROXY_READERS"))


def test_the_users_of_the_store_are_those_of_the_manual() -> None:
    """Each role can do at the store what docs/operating.md lets it do, and nobody comes in without a password."""
    manual = re.findall(r"^user (ticker-\S+) on >change-me (.*)$", (ROOT / "docs/operating.md").read_text(), re.M)
    deployed = {name: rules for name, *rules in acl()}
    assert ["off"] == deployed["default"]
    assert dict(manual) == {name: " ".join(rules[2:]) for name, rules in deployed.items() if name.startswith("ticker-")}
    for role in FLEET:
        password = NEEDED[f"STORE_PASSWORD_{role.upper()}"]
        assert f"redis://ticker-{role}:{password}@store:6379" == planned(role).environ["TICKER_REDIS_URL"]
        assert f">{password}" == deployed[f"ticker-{role}"][1]


@pytest.mark.parametrize("wrong", ["", "two words", "a/b"], ids=["empty", "a space", "a slash"])
def test_the_store_does_not_start_with_a_password_that_cannot_stand_in_an_address(wrong: str) -> None:
    """It says which one, and what may be in it."""
    given = {name: value for name, value in NEEDED.items() if name.startswith("STORE_")} | {
        "STORE_PASSWORD_PUSH": wrong
    }
    ran = subprocess.run(
        [str(ROOT / "deploy/valkey/start.sh"), "primary", "127.0.0.1"],
        env={"PATH": "/usr/bin:/bin", **given},
        capture_output=True,
        text=True,
        timeout=10,
    )
    assert 1 == ran.returncode
    assert "STORE_PASSWORD_PUSH" in ran.stderr


def test_the_channels_of_the_fleet_are_those_without_a_file() -> None:
    """Who deploys has what he has seen on his laptop."""
    assert load(None) == load(ROOT / filled("${TICKER_CHANNELS_FILE:-}", filled_in()))


def test_the_image_has_no_secret_in_it_and_does_not_run_as_root() -> None:
    """What is copied into the image is named one by one, and a key comes from outside."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert "10001" == [line.split()[1] for line in lines if line.startswith("USER ")][-1]
    assert not [line for line in lines if "KEY" in line or "ADD " in line]
    assert re.search(r"^ARG BASE=python:3\.\d+\.\d+-slim-\w+$", "\n".join(lines), re.MULTILINE)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" == ignored[1]
    allowed = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = {
        source for line in lines if line.startswith("COPY ") and "--from" not in line for source in line.split()[1:-1]
    }
    assert allowed == copied
