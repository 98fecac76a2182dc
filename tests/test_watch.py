"""`ticker watch`, in processes of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from tests.stage import Service, short_directory, valkey_server
from tests.terminal import COME_BACK_SOON, Run, cursors, item, window
from tests.waiting import until_now


class Watch:
    """`ticker watch` in a process of its own, and what it has printed."""

    def __init__(self, directory: Path, service: Service, *arguments: str) -> None:
        self._out = directory / "watched"
        self._err = directory / "said"
        environ = os.environ | {"TICKER_URL": service.url}
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ticker", "watch", *arguments], env=environ, stdout=out, stderr=err
            )

    @property
    def lines(self) -> list[str]:
        return self._out.read_text(encoding="utf-8").splitlines()

    @property
    def said(self) -> str:
        return self._err.read_text(encoding="utf-8")

    @property
    def acts(self) -> list[str]:
        """The lines that are acts; what stood before begins otherwise."""
        return [line for line in self.lines if not line.startswith(("--", "   "))]

    def until(self, number: int) -> list[str]:
        """The first so many acts."""
        until_now(lambda: len(self.acts) >= number, f"{number} acts; there are {self.lines} {self.said}", 30)
        return self.acts

    def began(self) -> None:
        """Return when it has printed what stands."""
        until_now(lambda: bool(self.lines), "the window to be printed", 30)


@contextmanager
def watching(directory: Path, service: Service, *arguments: str) -> Iterator[Watch]:
    """Watch until the end of the block."""
    watch = Watch(directory, service, *arguments)
    try:
        yield watch
    finally:
        watch.process.kill()
        watch.process.wait()


def test_a_watcher_sees_what_stands_and_then_every_act(at: Service, tmp_path: Path) -> None:
    """First the window, then one line an act, each with a higher cursor than the one before."""
    first = at.post("ar", "الخبر الأول")
    until_now(lambda: "الخبر الأول" in window(at, "ar"), "the item to stand")
    with watching(tmp_path, at, "ar") as watch:
        watch.began()
        second = at.post("ar", "الخبر الثاني", attribution="وكالة")
        at.retract("ar", first["item"]["id"], "Sent in error")
        acts = watch.until(2)
        head, *standing = [line for line in watch.lines if line not in acts]
    assert head.startswith(f"-- snapshot at {first['cursor']}: ")
    assert standing[0].endswith("  الخبر الأول")
    assert [
        f"publish  {second['item']['id']}  وكالة: الخبر الثاني",
        f"retract  {first['item']['id']}  withdrawn: Sent in error",
    ] == [act.split("  ", 1)[1] for act in acts]
    assert second["cursor"] == acts[0].split()[0]
    assert sorted(set(cursors(acts))) == cursors(acts)


def test_a_watcher_reads_why_something_has_changed(run: Run, at: Service, tmp_path: Path) -> None:
    """The note of a correction, and that an item is held: without its text."""
    with watching(tmp_path, at, "es") as watch:
        watch.began()
        item_id = at.post("es", "17 a salvo")["item"]["id"]
        run("correct", "es", item_id, "--headline", "19 a salvo", "--note", "Eran 19.")
        run("hold", "es", item_id, "--reason", "¿Seguro?")
        run("release", "es", item_id)
        acts = watch.until(4)
    assert [
        f"publish  {item_id}  17 a salvo",
        f"correct  {item_id}  19 a salvo (Eran 19.)",
        f"expire   {item_id}  held",
        f"publish  {item_id}  19 a salvo",
    ] == [act.split("  ", 1)[1] for act in acts]


def test_a_watcher_can_begin_where_another_ended(at: Service, tmp_path: Path) -> None:
    """After a cursor come exactly the acts after it."""
    begun = at.post("en", "before")["cursor"]
    posted = [at.post("en", f"after {number}")["cursor"] for number in range(3)]
    with watching(tmp_path, at, "en", "--cursor", begun) as watch:
        acts = watch.until(3)
        assert acts == watch.lines
    assert posted == [act.split()[0] for act in acts]


def test_a_program_can_have_every_frame_as_it_is(at: Service, tmp_path: Path) -> None:
    """With --json each line is one frame."""
    with watching(tmp_path, at, "en", "--json") as watch:
        watch.began()
        posted = at.post("en", "as it is")
        until_now(lambda: posted["cursor"] in "".join(watch.lines[1:]), "the act to be printed")
        frames = [json.loads(line) for line in watch.lines]
    assert ["snapshot", "entry"] == [frame["type"] for frame in frames if frame["type"] != "heartbeat"]
    assert [item(at, posted["item"]["id"])] == [frame["item"] for frame in frames if frame["type"] == "entry"]


def test_a_watcher_survives_the_end_of_the_service(tmp_path: Path) -> None:
    """On a store that stays it goes on where it was: no act is missing, and none is told twice."""
    with short_directory() as directory, short_directory() as elsewhere, valkey_server(elsewhere) as store:
        service = Service(directory, "--redis-url", store, *COME_BACK_SOON)
        service.start()
        try:
            with watching(tmp_path, service, "en") as watch:
                watch.began()
                service.post("en", "one")
                watch.until(1)
                service.stop()
                service.start()
                service.post("en", "two")
                service.post("en", "three")
                watch.until(3)
                service.kill()
                service.start()
                service.post("en", "four")
                acts = watch.until(4)
                assert "; again in " in watch.said
        finally:
            service.end()
    assert ["one", "two", "three", "four"] == [act.split()[-1] for act in acts]
    assert sorted(set(cursors(acts))) == cursors(acts)


def test_a_watcher_survives_the_end_of_the_store(tmp_path: Path) -> None:
    """A log that begins a new life is told as a reset: the window once more, whole, and then act by act."""
    with short_directory() as directory:
        service = Service(directory, *COME_BACK_SOON)
        service.start()
        try:
            with watching(tmp_path, service, "en") as watch:
                watch.began()
                before = service.post("en", "one")
                watch.until(1)
                service.stop()
                service.start()
                service.post("en", "two")
                until_now(lambda: any(line.startswith("-- reset at ") for line in watch.lines), "the reset", 30)
                until_now(lambda: any(line.endswith("  two") for line in watch.lines), "the second item", 30)
                lines = watch.lines
        finally:
            service.end()
    assert lines[1].startswith(before["cursor"])
    begun = next(number for number, line in enumerate(lines) if line.startswith("-- reset at "))
    assert ["one", "two"] == sorted(line.split()[-1] for line in lines[begun + 1 :])
    acts = [line for line in lines if not line.startswith(("--", "   "))]
    assert sorted(set(cursors(acts))) == cursors(acts)


@pytest.mark.parametrize(
    ("channel", "said"),
    [("fa", "404 Unknown channel: There is no such channel; there are: en, ar, es."), ("../en", "404 ")],
    ids=["unknown", "another address"],
)
def test_a_channel_that_is_not_there_is_not_watched(run: Run, at: Service, channel: str, said: str) -> None:
    """The command ends at once with the service's own sentence."""
    ran = run("watch", channel)
    assert (1, "") == (ran.status, ran.out)
    assert ran.err.startswith(f"ticker: {said}")


def test_a_watcher_ends_when_nobody_reads_it_any_more(at: Service, tmp_path: Path) -> None:
    """`ticker watch en | head -1` ends with the head, and leaves no trace on the screen."""
    errors = tmp_path / "errors"
    environ = os.environ | {"TICKER_URL": at.url}
    with errors.open("wb") as err:
        watch = subprocess.Popen(
            [sys.executable, "-m", "ticker", "watch", "en"], env=environ, stdout=subprocess.PIPE, stderr=err
        )
    try:
        assert watch.stdout is not None
        assert watch.stdout.readline().startswith(b"-- snapshot")
        watch.stdout.close()

        tries = count()

        def ended() -> bool:
            at.post("en", f"Is anybody there? {next(tries)}")
            return watch.poll() is not None

        until_now(ended, "the watcher to end", 5)
        assert "" == errors.read_text()
    finally:
        watch.kill()
        watch.wait()


def test_a_watcher_ends_by_the_keyboard(at: Service, tmp_path: Path) -> None:
    """Ctrl-C ends it with the status that shells know, without a trace."""
    with watching(tmp_path, at, "en") as watch:
        watch.began()
        watch.process.send_signal(signal.SIGINT)
        assert 130 == watch.process.wait(15)
        assert "" == watch.said
