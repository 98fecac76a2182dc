"""The commands of editors and operators, against a service in processes of its own."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from ticker.__main__ import main
from ticker.entry import Cursor

from tests.stage import KEY, Service, free_port, short_directory
from tests.waiting import until_now

SHORT_PAUSES = 168_042
"""With these dice the four pauses between five tries are 0.3 seconds in all."""


COME_BACK_SOON = ("--reconnect-min-ms", "20", "--reconnect-max-ms", "100")


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it said."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run one command in this process."""

    def run(*arguments: str) -> Ran:
        capsys.readouterr()
        status = main(arguments)
        said = capsys.readouterr()
        return Ran(status, said.out, said.err)

    return run


@pytest.fixture(scope="module")
def newsroom() -> Iterator[Service]:
    """A service for all tests that do not stop it; readers are told to come back soon."""
    with short_directory() as directory:
        service = Service(directory, *COME_BACK_SOON)
        service.start()
        try:
            yield service
        finally:
            service.end()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nothing of this machine's own settings; the editor-in-chief's key."""
    for name in list(os.environ):
        if name.startswith("TICKER_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TICKER_KEY", KEY)
    return monkeypatch


@pytest.fixture
def at(newsroom: Service, environment: pytest.MonkeyPatch) -> Service:
    """The newsroom, as the service that commands talk to."""
    environment.setenv("TICKER_URL", newsroom.url)
    return newsroom


def item(service: Service, item_id: str, channel: str = "en") -> Any:
    """The newest version of an item, as anybody may see it."""
    return httpx.get(f"{service.url}/v1/channels/{channel}/items/{item_id}", trust_env=False).json()


def window(service: Service, channel: str) -> list[str]:
    """The headlines of the window, oldest first."""
    items = httpx.get(f"{service.url}/v1/channels/{channel}/items", trust_env=False).json()["items"]
    return [item["headline"] for item in reversed(items)]


def cursors(lines: list[str]) -> list[Cursor]:
    """The cursor that each line begins with."""
    found = [Cursor.parse(line.split()[0]) for line in lines]
    assert None not in found, lines
    return [cursor for cursor in found if cursor]


# post


def test_one_headline_is_posted_and_told(run: Run, at: Service) -> None:
    """The line that is printed has the cursor, the id and the headline; the item stands."""
    ran = run("post", "en", "The bridge is open again")
    assert (0, "") == (ran.status, ran.err)
    (line,) = ran.lines
    cursor, item_id, headline = line.split(maxsplit=2)
    assert Cursor.parse(cursor)
    assert "The bridge is open again" == headline == item(at, item_id)["headline"]


def test_flags_become_fields(run: Run, at: Service) -> None:
    """Attribution, urgency and link go with the headline."""
    ran = run(
        *("post", "ar", "فُتح الجسر", "--attribution", "شرطة الميناء"),
        *("--urgency", "1", "--link", "https://news.example/bridge"),
    )
    assert ran.out.endswith("  شرطة الميناء: فُتح الجسر\n")
    found = item(at, ran.out.split()[1], "ar")
    assert ("شرطة الميناء", 1, "https://news.example/bridge") == (found["attribution"], found["urgency"], found["link"])


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([{"headline": f"array {n}", "urgency": n + 1} for n in range(3)], indent=2),
        "\n".join(json.dumps({"headline": f"line {n}", "urgency": n + 1}) for n in range(3)) + "\n\n",
    ],
    ids=["array", "JSON lines"],
)
def test_a_file_is_posted_in_its_order(run: Run, at: Service, tmp_path: Path, text: str) -> None:
    """One item after the other, each told as soon as it stands."""
    file = tmp_path / "alerts"
    file.write_text(text, encoding="utf-8")
    ran = run("post", "en", "--file", str(file))
    assert 0 == ran.status
    assert sorted(set(cursors(ran.lines))) == cursors(ran.lines)
    assert [1, 2, 3] == [item(at, line.split()[1])["urgency"] for line in ran.lines]


def test_standard_input_is_posted_in_its_order(at: Service) -> None:
    """A script can pipe its alerts in, in any language."""
    text = "".join(json.dumps({"headline": f"خبر {number}"}, ensure_ascii=False) + "\n" for number in range(3))
    ran = ticker("post", "ar", "--file", "-", url=at.url, text=text)
    assert (0, "") == (ran.status, ran.err)
    assert [f"خبر {number}" for number in range(3)] == [line.split(maxsplit=2)[2] for line in ran.lines]
    assert sorted(set(cursors(ran.lines))) == cursors(ran.lines)


def test_a_refusal_says_which_item_and_what_was_posted(run: Run, at: Service, tmp_path: Path) -> None:
    """What came before stands and is told; what comes after is not sent."""
    file = tmp_path / "alerts"
    file.write_text('{"headline": "first of three"}\n{"headline": ""}\n{"headline": "third of three"}\n')
    ran = run("post", "es", "--file", str(file))
    assert 1 == ran.status
    assert 1 == len(ran.lines)
    assert "ticker: 422 Invalid item: headline: is empty. (item 2 of 3; 1 were posted)\n" == ran.err
    until_now(lambda: "first of three" in window(at, "es"), "the first item to stand")
    assert "third of three" not in window(at, "es")


def test_the_refusal_of_one_headline_has_no_number(run: Run, at: Service) -> None:
    """There is nothing to count."""
    ran = run("post", "en", "Not\u202eguilty")
    assert 1 == ran.status
    assert "" == ran.out
    assert ran.err.startswith("ticker: 422 Invalid item: headline: holds U+202E (RIGHT-TO-LEFT OVERRIDE)")
    assert "(item" not in ran.err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "holds no item.", id="empty"),
        pytest.param(b"[]", "holds no item.", id="empty array"),
        pytest.param(b'["a headline"]', "holds something that is not a JSON object.", id="not objects"),
        pytest.param(b"3\n", "holds something that is not a JSON object.", id="a number"),
        pytest.param(b"A headline", "is neither a JSON array nor JSON lines", id="no JSON"),
        pytest.param(b'[{"headline": "x"}', "is neither a JSON array nor JSON lines", id="half an array"),
        pytest.param(b"\xff", "cannot be read", id="not UTF-8"),
        pytest.param(None, "cannot be read", id="missing"),
    ],
)
def test_a_file_that_holds_no_items_is_refused_by_name(
    run: Run, tmp_path: Path, content: bytes | None, said: str
) -> None:
    """Nothing is sent, and the sentence names the file."""
    file = tmp_path / "alerts"
    if content is not None:
        file.write_bytes(content)
    ran = run("post", "en", "--file", str(file))
    assert (1, "") == (ran.status, ran.out)
    assert ran.err.startswith(f"ticker: {file} {said}")


@pytest.mark.parametrize("arguments", [[], ["A headline", "--file", "-"]], ids=["neither", "both"])
def test_either_a_headline_or_a_file_is_posted(run: Run, arguments: list[str]) -> None:
    """With neither or both nothing is sent."""
    ran = run("post", "en", *arguments)
    assert (1, "ticker: Give one headline, or --file with JSON (- for standard input).\n") == (ran.status, ran.err)


@pytest.mark.parametrize(
    "line", ['{"headline": "\\ud800"}', '{"headline": "x", "urgency": NaN}'], ids=["surrogate", "NaN"]
)
def test_an_item_that_cannot_be_sent_is_refused_like_any_other(
    run: Run, at: Service, tmp_path: Path, line: str
) -> None:
    """What no JSON may hold ends in a sentence with the item's number, not in a trace."""
    file = tmp_path / "alerts"
    file.write_text('{"headline": "goes before"}\n' + line, encoding="utf-8")
    ran = run("post", "en", "--file", str(file))
    assert 1 == ran.status
    assert 1 == len(ran.lines)
    assert "(item 2 of 2; 1 were posted)" in ran.err


# keys that a client gives


def test_without_a_key_nothing_is_sent(run: Run, at: Service, environment: pytest.MonkeyPatch) -> None:
    """A stranger is told how to give one."""
    environment.delenv("TICKER_KEY")
    ran = run("post", "en", "A headline")
    assert 1 == ran.status
    assert "ticker: TICKER_KEY: is missing; give a key with it, with --key or with TICKER_KEY_FILE.\n" == ran.err


def test_a_key_that_nobody_made_is_refused(run: Run, at: Service) -> None:
    """The flag goes before the environment, and the service does not know this key."""
    ran = run("post", "en", "A headline", "--key", "a stranger's")
    assert (1, "ticker: 401 A valid key is needed: This key is not known here.\n") == (ran.status, ran.err)


def test_a_key_may_stand_in_a_file(run: Run, at: Service, environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As containers give their secrets; the line's end does not count."""
    file = tmp_path / "key"
    file.write_text(KEY + "\n", encoding="utf-8")
    environment.delenv("TICKER_KEY")
    environment.setenv("TICKER_KEY_FILE", str(file))
    assert 0 == run("post", "en", "A headline").status


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="missing"),
        pytest.param(b"\xff", id="not UTF-8"),
    ],
)
def test_a_key_file_that_cannot_be_read_is_named(
    run: Run, environment: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None
) -> None:
    """Nothing is sent without it."""
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    environment.delenv("TICKER_KEY")
    environment.setenv("TICKER_KEY_FILE", str(file))
    ran = run("post", "en", "A headline")
    assert 1 == ran.status
    assert ran.err.startswith("ticker: TICKER_KEY_FILE: cannot be read (")


@pytest.mark.parametrize("key", ["ключ", "a key\nof two lines"], ids=["Cyrillic", "two lines"])
def test_a_key_that_no_header_can_carry_is_refused_without_being_shown(run: Run, at: Service, key: str) -> None:
    """No trace, no tries, and the key does not stand on the screen."""
    random.seed(SHORT_PAUSES)
    ran = run("post", "en", "A headline", "--key", key)
    assert 1 == ran.status
    assert "TICKER_KEY" in ran.err
    assert key.strip() not in ran.err


@pytest.mark.parametrize("command", [["post", "en", "x"], ["watch", "en"]], ids=lambda command: command[0])
def test_an_address_that_is_none_is_refused(run: Run, command: list[str]) -> None:
    """The sentence names the variable and the address."""
    ran = run(*command, "--url", "ticker.example:8000")
    assert (1, "ticker: TICKER_URL: 'ticker.example:8000' is not an http:// or https:// address.\n") == (
        ran.status,
        ran.err,
    )


@pytest.mark.parametrize("command", [["post", "en", "x"], ["watch", "en"]], ids=lambda command: command[0])
def test_an_address_with_half_a_host_is_refused(run: Run, command: list[str]) -> None:
    """A sentence that names the variable, not a trace."""
    random.seed(SHORT_PAUSES)
    ran = run(*command, "--url", "http://[ticker.example")
    assert 1 == ran.status
    assert ran.err.startswith("ticker: TICKER_URL: ")


# tries


class Gateway(ThreadingHTTPServer):
    """Stands before a service; does to the first requests what gateways do on a bad day, then forwards."""

    daemon_threads = True

    def __init__(self, target: str, *first: str) -> None:
        super().__init__(("127.0.0.1", 0), Passage)
        self.target = target
        self.first = list(first)
        self.keys: list[str | None] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Passage(BaseHTTPRequestHandler):
    """One line through the gateway."""

    server: Gateway

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.keys.append(self.headers["Idempotency-Key"])
        act = self.server.first.pop(0) if self.server.first else "forward"
        if act == "drop":
            return
        if act.isdigit():
            self.answer(int(act), b"<h1>Something is wrong</h1>")
            return
        headers = {name: self.headers[name] for name in ("Authorization", "Content-Type", "Idempotency-Key")}
        answer = httpx.post(self.server.target + self.path, content=body, headers=headers, trust_env=False)
        if act == "lose the answer":
            return
        self.answer(answer.status_code, answer.content)

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def gateway(target: str, *first: str) -> Iterator[Gateway]:
    """A gateway that is open."""
    with Gateway(target, *first) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        try:
            yield found
        finally:
            found.shutdown()
            thread.join()


@pytest.mark.parametrize(
    "first",
    [["drop"], ["lose the answer"], ["502"], ["503"], ["504"], ["429"], ["lose the answer", "503", "drop"]],
    ids=", ".join,
)
def test_a_post_is_repeated_until_it_is_answered_and_becomes_one_item(run: Run, at: Service, first: list[str]) -> None:
    """The same Idempotency-Key each time, so that an answer that was lost costs no second alert."""
    random.seed(SHORT_PAUSES)
    headline = f"After {', '.join(first)}"
    with gateway(at.url, *first) as before:
        ran = run("post", "es", headline, "--url", before.url)
    assert 0 == ran.status
    assert 1 == len(ran.lines)
    assert len(first) + 1 == len(before.keys)
    assert 1 == len(set(before.keys))
    assert before.keys[0]
    until_now(lambda: headline in window(at, "es"), "the item to stand")
    # The log is in order: once the next item stands, nothing else comes before it.
    last = run("post", "es", "The next one")
    until_now(lambda: "The next one" == window(at, "es")[-1], "the next item to stand")
    assert 1 == window(at, "es").count(headline)
    assert cursors(ran.lines)[0].n + 1 == cursors(last.lines)[0].n


def test_each_item_has_a_key_of_its_own(run: Run, at: Service, tmp_path: Path) -> None:
    """Two alerts with the same words are two alerts."""
    file = tmp_path / "alerts"
    file.write_text('{"headline": "Goal"}\n{"headline": "Goal"}\n', encoding="utf-8")
    with gateway(at.url) as before:
        ran = run("post", "en", "--file", str(file), "--url", before.url)
    assert 2 == len(set(before.keys)) == len({line.split()[1] for line in ran.lines})


def test_a_refusal_is_not_repeated(run: Run, at: Service) -> None:
    """What is wrong stays wrong, and the editor learns it at once."""
    with gateway(at.url) as before:
        assert 1 == run("post", "en", "", "--url", before.url).status
        assert 1 == len(before.keys)


def test_a_gateway_that_says_something_else_is_quoted_by_its_status(run: Run) -> None:
    """An answer that is not ours has no sentence that could be told."""
    with gateway("http://127.0.0.1:9", "404") as before:
        ran = run("post", "en", "A headline", "--url", before.url)
    assert (1, "ticker: the server answered 404\n") == (ran.status, ran.err)


def test_an_answer_that_is_not_a_tickers_is_a_failure(run: Run) -> None:
    """Another program at this address says 200 to anything; nobody may believe that the alert stands."""
    with gateway("http://127.0.0.1:9", "200") as before:
        ran = run("post", "en", "A headline", "--url", before.url)
    assert (1, "") == (ran.status, ran.out)
    assert ran.err.startswith("ticker: ")


def test_where_nobody_answers_it_is_said_after_five_tries(run: Run) -> None:
    """The command ends with a sentence that names the address."""
    random.seed(SHORT_PAUSES)
    url = f"http://127.0.0.1:{free_port()}"
    ran = run("post", "en", "A headline", "--url", url)
    assert 1 == ran.status
    assert ran.err.startswith(f"ticker: {url} does not answer (")


def test_a_gateway_that_stays_shut_is_tried_five_times(run: Run) -> None:
    """Five times, not for ever; then its last answer is told."""
    random.seed(SHORT_PAUSES)
    with gateway("http://127.0.0.1:9", *["503"] * 9) as before:
        ran = run("post", "en", "A headline", "--url", before.url)
    assert (1, "ticker: the server answered 503\n") == (ran.status, ran.err)
    assert 5 == len(before.keys)


# retract


def test_an_item_is_taken_back_with_its_reason(run: Run, at: Service) -> None:
    """The line says so, and the public no longer sees the words."""
    item_id = run("post", "en", "Mayor arrested").out.split()[1]
    ran = run("retract", "en", item_id, "He was not")
    assert 0 == ran.status
    assert ran.out.endswith(f"  {item_id}  retracted: He was not\n")
    assert cursors(ran.lines)
    found = item(at, item_id)
    assert ("canceled", "He was not") == (found["pubstatus"], found["correction_note"])
    assert "headline" not in found


def test_an_item_that_is_not_there_cannot_be_taken_back(run: Run, at: Service) -> None:
    """Nor one of another channel, nor one with an id that would lead to another address."""
    for item_id in ("nothing", "../../es/items/x", "a b?c#d"):
        ran = run("retract", "en", item_id, "wrong")
        assert (1, "") == (ran.status, ran.out)
        assert ran.err.startswith("ticker: 404 ")


# watch


def ticker(*arguments: str, url: str, text: str | None = None) -> Ran:
    """Run one command in a process of its own."""
    environ = os.environ | {"TICKER_URL": url}
    ran = subprocess.run(
        [sys.executable, "-m", "ticker", *arguments],
        input=text,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


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
    assert [posted["item"]] == [frame["item"] for frame in frames if frame["type"] == "entry"]


def test_a_watcher_survives_the_end_of_the_service(valkey: str, tmp_path: Path) -> None:
    """On a store that stays it goes on where it was: no act is missing, and none is told twice."""
    with short_directory() as directory:
        service = Service(directory, "--redis-url", valkey, *COME_BACK_SOON)
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

        def ended() -> bool:
            at.post("en", "Is anybody there?")
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


# keys


@pytest.fixture
def directory() -> Iterator[Path]:
    """A data directory on which no server runs."""
    with short_directory() as found:
        yield found


def test_a_key_is_made_and_revoked_while_the_service_runs(run: Run, at: Service) -> None:
    """The editor of `en` posts to `en` only, and not a moment longer than he may."""
    data = ["--data", str(at.data)]
    made = run("keys", "create", "editor of en", "--scope", "publish", "--channel", "en", *data)
    assert 0 == made.status
    token = made.out.strip()
    key_id = token.split("_")[1]
    assert f"{key_id}  editor of en  publish  en  no expiry\n" == made.err

    assert 0 == run("post", "en", "From the editor of en", "--key", token).status
    refused = run("post", "ar", "From the editor of en", "--key", token)
    assert (1, "ticker: 403 The key lacks the right: The key 'editor of en' is not for channel 'ar'.\n") == (
        refused.status,
        refused.err,
    )

    listed = run("keys", "list", *data)
    assert made.err.strip() in listed.lines
    assert token not in listed.out

    assert (0, f"{key_id} is revoked\n", "") == _all(run("keys", "revoke", key_id, *data))
    assert f"{key_id}  editor of en  publish  en  revoked" in run("keys", "list", *data).lines
    refused = run("post", "en", "Once more", "--key", token)
    assert (1, "ticker: 401 A valid key is needed: This key was revoked.\n") == (refused.status, refused.err)


def _all(ran: Ran) -> tuple[int, str, str]:
    return ran.status, ran.out, ran.err


def test_keys_are_kept_while_no_service_runs(run: Run, directory: Path) -> None:
    """Straight in the store, which is started and stopped for it: the keys are there when the service starts."""
    data = ["--data", str(directory / "data")]
    assert (0, "", "") == _all(run("keys", "list", *data))
    made = run("keys", "create", "editor of ar", "--channel", "ar", "--channel", "es", "--days", "1", *data)
    assert made.err.split("  ")[1:4] == ["editor of ar", "publish,retract", "ar,es"]
    assert "  until " in made.err
    assert [made.err.strip()] == run("keys", "list", *data).lines

    service = Service(directory)
    service.start()
    try:
        posting = ("post", "ar", "من محرّر العربية", "--key", made.out.strip(), "--url", service.url)
        assert 0 == run(*posting).status
        assert 0 == run("keys", "revoke", made.out.split("_")[1], *data).status
        assert 1 == run(*posting).status
    finally:
        service.end()


def test_a_key_for_everything_says_so(run: Run, at: Service) -> None:
    """Without a channel it is for every channel."""
    made = run("keys", "create", "chief", "--scope", "admin", "--data", str(at.data))
    assert made.err.endswith("  chief  admin  every channel  no expiry\n")


def test_a_store_with_an_address_is_used_by_it(run: Run, valkey: str) -> None:
    """With TICKER_REDIS_URL the keys are those of that store, and no other is started."""
    made = run("keys", "create", "chief", "--redis-url", valkey, "--data", "/nowhere")
    assert 0 == made.status
    assert made.err.strip() in run("keys", "list", "--redis-url", valkey).lines


def test_a_key_for_a_channel_that_is_not_there_is_refused(run: Run, at: Service) -> None:
    """A typing error would make a key that opens nothing."""
    ran = run("keys", "create", "desk", "--channel", "fa", "--data", str(at.data))
    assert (1, "", "ticker: There is no channel 'fa'; there are: en, ar, es.\n") == _all(ran)


def test_a_key_that_is_not_there_cannot_be_revoked(run: Run, at: Service) -> None:
    """Who mistypes the id must not believe that the key is gone."""
    ran = run("keys", "revoke", "0123456789abcdef", "--data", str(at.data))
    assert (1, "", "ticker: There is no key '0123456789abcdef'; 'ticker keys list' shows them.\n") == _all(ran)


@pytest.mark.parametrize("days", ["inf", "nan", "3000000"])
def test_a_number_of_days_that_no_calendar_has_is_refused(run: Run, directory: Path, days: str) -> None:
    """No key is made that nobody was shown, and the keys can be listed still."""
    data = ["--data", str(directory / "data")]
    ran = run("keys", "create", "desk", "--days", days, *data)
    assert (1, "") == (ran.status, ran.out)
    assert (0, "", "") == _all(run("keys", "list", *data))


# check


def test_check_shows_every_setting_without_its_secrets(run: Run, environment: pytest.MonkeyPatch) -> None:
    """What holds, where the store is, and which channels there are."""
    environment.setenv("TICKER_BOOTSTRAP_KEY", KEY)
    ran = run("check", "--port", "9001", "--redis-url", "redis://:pass-word@store.example")
    assert (0, "") == (ran.status, ran.err)
    assert "TICKER_PORT=9001" in ran.lines
    assert "TICKER_BOOTSTRAP_KEY=**********" in ran.lines
    assert "TICKER_REDIS_URL=**********" in ran.lines
    assert ["channels: en, ar, es", "store: as given"] == ran.lines[-2:]
    assert KEY not in ran.out
    assert "pass-word" not in ran.out


def test_check_says_where_the_embedded_store_is(run: Run) -> None:
    """Without an address one is started in the data directory; the check itself starts nothing."""
    ran = run("check", "--data", "/nowhere/data")
    assert (0, "store: embedded, in /nowhere/data") == (ran.status, ran.lines[-1])


@pytest.mark.parametrize("role", ["api", "fanout", "push"])
def test_check_names_what_a_role_lacks(run: Run, role: str) -> None:
    """A role that shares a store with others needs its address."""
    ran = run("check", "--role", role)
    assert (1, f"ticker: TICKER_REDIS_URL: is missing; 'ticker {role}' shares a store with others.\n") == (
        ran.status,
        ran.err,
    )
    assert 0 == run("check", "--role", role, "--redis-url", "redis://store.example").status


def test_check_reads_the_channels(run: Run, tmp_path: Path) -> None:
    """A file that is wrong is found before a service is started on it."""
    file = tmp_path / "channels.toml"
    file.write_text("[channels.fa]\ntitle = 'x'\nlanguage = 'fa'\n", encoding="utf-8")
    assert "channels: fa" in run("check", "--channels", str(file)).lines
    file.write_text("[channels.fa]\n", encoding="utf-8")
    ran = run("check", "--channels", str(file))
    assert 1 == ran.status
    assert ran.err.startswith(f"ticker: TICKER_CHANNELS: {file}: channels.fa.title: ")
