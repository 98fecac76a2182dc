"""The store with its doors shut: users with only the commands of their role, and a line that nobody reads."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from ticker.bridges.provider import Answer
from ticker.errors import StoreUnavailable
from ticker.settings import Settings
from ticker.store import Store
from ticker.stream import Log

from tests.bridges.stage import Printer, Room
from tests.faults.servers import Server, server
from tests.stage import Stage, entries, frame, free_port, running, short_directory
from tests.waiting import until

MANUAL = Path(__file__).parents[2] / "docs" / "operating.md"


def users() -> dict[str, list[str]]:
    """The users of the manual: name → rules."""
    found = re.findall(r"^user (\S+) on >(\S+) (.*)$", MANUAL.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: [f">{password}", *rules.split()] for name, password, rules in found}


@pytest.fixture
def guarded(redis7: str) -> Iterator[Server]:
    """A server with the users of the manual, and no other."""
    with short_directory() as directory, server(directory) as found:
        for name, rules in users().items():
            found.command("ACL", "SETUSER", name, "reset", "on", *rules)
        yield found


def as_user(server: Server, name: str) -> str:
    """The address with the user's name and password."""
    return server.url.replace("://", f"://{name}:{users()[name][0][1:]}@")


async def whole_life(editors: Stage, readers: Stage) -> None:
    """Everything that either half asks of the store."""
    async with readers.reader() as line:
        await frame(line)
        first = await editors.post("first", story="bridge")
        item = f"/v1/channels/en/items/{first['item']['id']}"
        change = {"signal": "correction", "headline": "second", "correction_note": "x"}
        assert 200 == (await editors.http.patch(item, json=change, headers={"If-Match": '"1"'})).status_code
        for act in ("pin", "unpin", "hold", "release"):
            assert 200 == (await editors.http.post(f"{item}/{act}")).status_code
        await editors.retract(first["item"]["id"])
        for path in (f"{item}/versions", *(f"/v1/channels/en/{name}" for name in ("queue", "audit"))):
            assert 200 == (await editors.http.get(path)).status_code, path
        assert 409 == (await editors.http.post(f"{item}/pin")).status_code
        answer = await editors.http.post("/v1/session", json={"key": "wrong"})
        assert 401 == answer.status_code
        found = await entries(line, 7)
    assert "retract" == found[-1]["act"]

    async def counted() -> bool:
        reach = (await editors.http.get(f"{item}/reach")).json()
        return [reach[name] for name in ("version", "reached", "processes")] == [first["item"]["version"] + 6, 1, 1]

    await until(counted, "the reach of it to be in the store")
    assert 200 == (await readers.http.get(item)).status_code


async def test_each_role_does_its_work_with_the_commands_of_its_user(guarded: Server) -> None:
    """The lines of the manual are enough: nothing is refused, and nothing is said to be lost."""
    async with (
        running(as_user(guarded, "ticker-api"), "api") as editors,
        running(as_user(guarded, "ticker-fanout"), "fanout") as readers,
    ):
        await whole_life(editors, readers)

    store, phone = Store(as_user(guarded, "ticker-push")), Printer()
    room = Room(store)
    async with running(as_user(guarded, "ticker-api"), "api") as editors, room.sending(phone):
        target = {"provider": "fcm", "address": "token-" + "x" * 30}
        named = (await editors.http.post("/v1/channels/en/targets", json=target)).json()["id"]
        assert {"targets": {"fcm": 1}} == (await editors.http.get("/v1/channels/en/targets")).json()
        assert 204 == (await editors.http.delete(f"/v1/channels/en/targets/{named}")).status_code
        await room.add("printer", "somebody")
        phone.answers = [Answer("gone", "410"), Answer("refused", "400")]
        await editors.post("gone or refused", urgency=1)
        await until(lambda: not phone.answers, "both to be refused", 30)
        phone.answers = [Answer("later", "503")]
        item = (await editors.post("rings", urgency=1))["item"]["id"]
        # Only who was told is told of the withdrawal.
        await until(lambda: item in {told.id for told in phone.told}, "the alert", 30)
        await editors.retract(item)
        await until(lambda: any(told.action == "withdraw" for told in phone.told), "the withdrawal")
        assert (await editors.http.get(f"/v1/channels/en/items/{item}/push")).json()["pushes"]
        assert await room.outbox.dead()
    await store.close()


@pytest.mark.parametrize("name", ["ticker-api", "ticker-fanout", "ticker-push"])
def test_no_role_may_do_what_only_operators_do(guarded: Server, name: str) -> None:
    """No user of the manual empties the store, sets it up anew, or reads another program's keys."""
    for command in (["FLUSHALL"], ["CONFIG", "SET", "appendonly", "no"], ["SHUTDOWN"], ["GET", "other"], ["KEYS", "*"]):
        told = guarded.command("ACL", "DRYRUN", name, *command)
        assert "OK" != told, command


@pytest.fixture
def sealed(redis7: str) -> Iterator[tuple[str, Path]]:
    """A server that also speaks TLS: its address, and the authority that signed it."""
    with short_directory() as directory:
        port, key, certificate = free_port(), directory / "key.pem", directory / "cert.pem"
        asked = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
        subprocess.run(["openssl", *asked, *names], check=True, capture_output=True)
        spoken = ["--tls-port", str(port), "--tls-auth-clients", "no"]
        files = [
            "--tls-cert-file",
            str(certificate),
            "--tls-key-file",
            str(key),
            "--tls-ca-cert-file",
            str(certificate),
        ]
        with server(directory / "redis", *spoken, *files):
            yield f"rediss://127.0.0.1:{port}", certificate


async def test_a_line_to_the_store_can_be_sealed(sealed: tuple[str, Path]) -> None:
    """`rediss://` with our own authority; a server that no known authority signed is not believed."""
    url, authority = sealed
    async with running(f"{url}?ssl_ca_certs={authority}") as stage:
        await stage.post("sealed")
        await until(lambda: _shows(stage), "the alert")
    distrustful = Store(url)
    with pytest.raises(StoreUnavailable):
        await Log(distrustful, "en").beat()
    await distrustful.close()


async def _shows(stage: Stage) -> bool:
    return ["sealed"] == await stage.window()


def test_a_password_is_not_shown() -> None:
    """It is part of the address, which `ticker check` masks."""
    settings = Settings(redis_url=SecretStr("redis://ticker-api:secret@127.0.0.1:1"))
    assert "secret" not in str(settings.masked())
