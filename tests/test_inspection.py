"""`ticker audit`: the record, read from the store, and whether anybody changed it."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from ticker import inspection
from ticker.audit import Audit
from ticker.inspection import Broken
from ticker.settings import Settings
from ticker.store import Store

from tests.desk import act, done
from tests.stage import Stage, frame


def asked(act: str, channel: str | None = "en", **given: Any) -> Namespace:
    """The command line."""
    return Namespace(
        **{"act": act, "channel": channel, "after": None, "limit": 50, "json": False, "against": None} | given
    )


@pytest.fixture
def settings(valkey: str) -> Settings:
    """Those of the embedded store of the tests."""
    return Settings(redis_url=SecretStr(valkey))


async def busy(stage: Stage) -> str:
    """A morning in the newsroom; the item that it was about."""
    item: str = (await stage.post("The bridge is open", ednote="by phone"))["item"]["id"]
    await done(stage, item, "pin")
    await act(stage, item, "release")
    await stage.retract(item)
    return item


async def test_a_record_that_nobody_changed_is_unbroken(
    stage: Stage, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its length, its last hash, and status 0; every channel and the house when none is named."""
    await busy(stage)
    assert 0 == await inspection.audit(settings, asked("verify", None))
    lines = capsys.readouterr().out.splitlines()
    assert ["en", "ar", "es", "keys"] == [line.partition(":")[0] for line in lines]
    assert lines[0].startswith("en: 4 records, unbroken, head ")


async def test_a_changed_byte_is_told_with_its_record(stage: Stage, store: Store, settings: Settings) -> None:
    """The stream is written anew by hand, with one byte of one record changed."""
    await busy(stage)
    name = "{ticker:en}:audit"
    found: Any = await store.redis.xrange(name)
    await store.redis.delete(name)
    for number, (stream_id, fields) in enumerate(found, 1):
        if number == 2:
            fields[b"after"] = fields[b"after"].replace(b"The bridge", b"the bridge")
        await store.redis.xadd(name, fields, id=stream_id)
    with pytest.raises(Broken, match=r"en: record 2 \(.*, pin\) was changed"):
        await inspection.audit(settings, asked("verify"))


async def test_the_record_is_shown_a_line_each(
    stage: Stage, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """Oldest first, with what was refused; with `--after` from a number on; as JSON for other programs."""
    item = await busy(stage)
    await inspection.audit(settings, asked("show"))
    lines = capsys.readouterr().out.splitlines()
    assert 4 == len(lines)
    assert all(item in line for line in lines)
    assert "refused: not-held" in lines[2]
    await inspection.audit(settings, asked("show", after=3, json=True))
    (line,) = capsys.readouterr().out.splitlines()
    assert (4, "retract") == (json.loads(line)["number"], json.loads(line)["act"])
    await inspection.audit(settings, asked("show", limit=1))
    assert 1 == len(capsys.readouterr().out.splitlines())


async def test_what_others_wrote_down_is_held_against_it(stage: Stage, settings: Settings, tmp_path: Path) -> None:
    """Answers and a reader's frames that fit are no case; one frame or push left out, or an answer made up, is."""
    answers, frames = tmp_path / "answers", tmp_path / "frames"
    async with stage.reader() as line:
        sent = [await frame(line)]
        told = [await stage.post(f"item {number}") for number in range(3)]
        sent += [await frame(line) for _ in range(3)]
    answers.write_text("\n".join(map(json.dumps, told)))
    frames.write_text("\n".join(map(json.dumps, sent)))
    pushes = tmp_path / "pushes"
    alerts = [{"type": "alert.alert", "data": post["item"]} for post in told]
    pushes.write_text("\n".join(map(json.dumps, alerts)))
    against = [str(answers), str(frames), str(pushes)]
    assert 0 == await inspection.audit(settings, asked("verify", against=against))
    frames.write_text("\n".join(map(json.dumps, [*sent[:2], *sent[3:]])))
    pushes.write_text("\n".join(map(json.dumps, alerts[1:])))
    told[0]["item"]["version"] = 9
    answers.write_text("\n".join(map(json.dumps, told)))
    with pytest.raises(Broken) as broken:
        await inspection.audit(settings, asked("verify", against=against))
    assert "in version 9 was acknowledged (everysec) and is not on record" in broken.value.detail
    assert "was the last he had" in broken.value.detail
    assert f"{pushes}: not told of item {told[0]['item']['id']} in version 1" in broken.value.detail


async def test_a_file_that_is_none_is_told(settings: Settings, tmp_path: Path) -> None:
    """Missing, or not JSON lines."""
    (tmp_path / "noise").write_text("{")
    for name in ("noise", "missing"):
        with pytest.raises(Broken, match="cannot be read as JSON lines"):
            await inspection.audit(settings, asked("verify", against=[str(tmp_path / name)]))


async def test_keys_have_a_record_of_their_own(
    store: Store, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """It concerns no channel."""
    await Audit(store).note("create key", "the command line", detail="amal: publish")
    await inspection.audit(settings, asked("show", "keys"))
    assert "create key" in capsys.readouterr().out


async def test_the_embedded_store_is_started_when_it_does_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An operator can look while the service is down; it is stopped again."""
    settings = Settings(data=tmp_path / "d")
    assert 0 == await inspection.audit(settings, asked("verify"))
    assert "en: 0 records, unbroken" in capsys.readouterr().out
    assert 0 == await inspection.audit(settings, asked("verify"))
