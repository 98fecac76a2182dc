"""What editors and operators do from a terminal, against a service in processes of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from ticker.commands import FIELDS
from ticker.entry import Cursor
from ticker.errors import NotHeld, NotPending, NotPinned, TickerError

from tests.stage import AUTHORIZED, KEY, PLAIN, Service, short_directory
from tests.terminal import Ran, Run, cursors, gateway, item, ticker, window
from tests.waiting import until_now

FLAGGED = frozenset(FIELDS) - {"urgency"}
"""Fields that have a flag, and are not there unless they were given."""


@pytest.fixture
def directory() -> Iterator[Path]:
    """A data directory on which no server runs."""
    with short_directory() as found:
        yield found


def whole(service: Service, item_id: str, channel: str = "en") -> Any:
    """The newest version of an item with all its fields, as colleagues may see them."""
    address = f"{service.url}/v1/channels/{channel}/items/{item_id}/versions"
    return httpx.get(address, headers=AUTHORIZED, **PLAIN).json()["versions"][-1]["item"]


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
    file.write_text(json.dumps({"headline": f"goes before {line}"}) + "\n" + line, encoding="utf-8")
    ran = run("post", "en", "--file", str(file))
    assert 1 == ran.status
    assert 1 == len(ran.lines)
    assert "(item 2 of 2; 1 were posted)" in ran.err


def test_every_flag_becomes_a_field(run: Run, at: Service) -> None:
    """Those for colleagues too; what may be repeated becomes a list."""
    replaced = at.post("en", "This was wrong")["item"]["id"]
    at.retract("en", replaced, "It was not so")
    ran = run(
        *("post", "en", "All at once", "--push-headline", "At once", "--ednote", "Ask the desk", "--story", "all"),
        *("--section", "world", "--section", "sport", "--region", "asia", "--tag", "one", "--tag", "two words"),
        *("--replaces", replaced, "--expires", "2099-01-01T01:00:00+01:00"),
    )
    assert (0, "-- It leaves the ticker after 24 hours, before it expires.\n") == (ran.status, ran.err)
    found = whole(at, ran.out.split()[1])
    assert {
        "headline": "All at once",
        "push_headline": "At once",
        "ednote": "Ask the desk",
        "story": "all",
        "sections": ["world", "sport"],
        "regions": ["asia"],
        "tags": ["one", "two words"],
        "replaces": replaced,
        "expires": "2099-01-01T00:00:00.000Z",
    } == {name: found[name] for name in found.keys() & FLAGGED}


def test_flags_hold_for_every_item_of_a_file_that_does_not_say_otherwise(run: Run, at: Service, tmp_path: Path) -> None:
    """What stands in the file goes before."""
    file = tmp_path / "alerts"
    file.write_text('{"headline": "From a file"}\n{"headline": "And urgent", "urgency": 3}\n')
    ran = run("post", "en", "--file", str(file), "--urgency", "7", "--tag", "filed")
    found = [item(at, line.split()[1]) for line in ran.lines]
    assert [(7, ["filed"]), (3, ["filed"])] == [(one["urgency"], one["tags"]) for one in found]


@pytest.mark.parametrize(
    "flags",
    [
        ("--publish-at", "2098-01-01T00:00:00Z"),
        ("--embargoed", "2098-01-01T00:00:00Z"),
        ("--publish-at", "2097-01-01T00:00:00Z", "--embargoed", "2098-01-01T00:00:00Z"),
    ],
    ids=["scheduled", "embargoed", "both"],
)
def test_what_is_scheduled_says_when_it_comes(run: Run, at: Service, flags: tuple[str, ...]) -> None:
    """The line names the moment, and the public sees nothing."""
    headline = f"With {', '.join(flags)}"
    ran = run("post", "es", headline, *flags)
    assert ran.out.endswith(f"  {headline} (scheduled for 2098-01-01T00:00:00.000Z)\n")
    assert "unknown-item" in item(at, ran.out.split()[1], "es")["type"]
    assert headline not in window(at, "es")


def test_a_dry_run_tells_everything_and_does_nothing(run: Run, at: Service) -> None:
    """As JSON for people, letters as they are; of a post, of a change and of an act."""
    ran = run("post", "ar", "خبر", "--dry-run")
    assert (0, "") == (ran.status, ran.err)
    assert '\n  "item": {\n' in ran.out
    assert '"headline": "خبر"' in ran.out
    assert (True, "publish") == ((told := json.loads(ran.out))["dry_run"], told["surfaces"]["live"]["entry"]["act"])
    assert "خبر" not in window(at, "ar")
    item_id = at.post("ar", "خبر")["item"]["id"]
    for command in (("correct", "ar", item_id, "--note", "x", "--urgency", "4"), ("hold", "ar", item_id)):
        assert 2 == json.loads(run(*command, "--dry-run").out)["item"]["version"]
    assert 1 == item(at, item_id, "ar")["version"]


def test_what_was_said_before_is_refused_unless_it_is_meant(run: Run, at: Service) -> None:
    """The refusal names the item that says so."""
    said = run("post", "en", "Once and once only").out.split()[1]
    again = run("post", "en", "Once, and once only!")
    assert 1 == again.status
    assert said in again.err
    assert 0 == run("post", "en", "Once, and once only!", "--allow-similar").status


def test_what_is_worth_a_second_look_is_said_beside_the_line(run: Run, at: Service) -> None:
    """On standard error: the line itself is for programs too."""
    ran = run("post", "en", "long " * 20)
    assert 1 == len(ran.lines)
    assert "-- The headline has 99 characters; beyond 90 many screens cut it.\n" == ran.err


# correct, update


def test_a_correction_says_what_was_wrong_and_keeps_the_rest(run: Run, at: Service) -> None:
    """The line says so; the public reads the note, and the attribution is as it was."""
    item_id = at.post("en", "17 are safe", attribution="Coast guard")["item"]["id"]
    ran = run("correct", "en", item_id, "--headline", "19 are safe", "--note", "19, not 17.")
    assert (0, "") == (ran.status, ran.err)
    assert cursors(ran.lines)
    assert ran.out.endswith(f"  {item_id}  corrected: Coast guard: 19 are safe (19, not 17.)\n")
    found = item(at, item_id)
    assert (2, "correction", "19, not 17.", "19 are safe", "Coast guard") == tuple(
        found[name] for name in ("version", "signal", "correction_note", "headline", "attribution")
    )


def test_an_update_keeps_its_place_unless_it_is_bumped(run: Run, at: Service) -> None:
    """On top it stands as if it were new."""
    item_id = at.post("es", "El puente")["item"]["id"]
    at.post("es", "El túnel")
    ran = run("update", "es", item_id, "--headline", "El puente, abierto")
    assert ran.out.endswith(f"  {item_id}  updated: El puente, abierto\n")
    until_now(lambda: ["El puente, abierto", "El túnel"] == window(at, "es")[-2:], "the update to be seen")
    ran = run("update", "es", item_id, "--bump", "--note", "Hay más.")
    assert ran.out.endswith(f"  {item_id}  updated: El puente, abierto (Hay más.)\n")
    until_now(lambda: ["El túnel", "El puente, abierto"] == window(at, "es")[-2:], "the update to stand on top")


def test_an_empty_text_takes_a_field_away(run: Run, at: Service) -> None:
    """But for the headline, without which there is no item; and a new item has nothing to take away."""
    item_id = at.post("en", "Less is more", attribution="Somebody", tags=["much"], story="less")["item"]["id"]
    assert 0 == run("update", "en", item_id, "--attribution", "", "--tag", "", "--story", "").status
    assert not {"attribution", "tags", "story"} & item(at, item_id).keys()
    assert run("update", "en", item_id, "--headline", "").err.startswith("ticker: 422 Invalid item: headline: ")
    assert run("post", "en", "More", "--attribution", "").err.startswith("ticker: 422 Invalid item: attribution: ")


def test_who_was_slower_is_told_what_stands(run: Run, at: Service) -> None:
    """Between reading and changing somebody else was there: his words stay, and the sentence has them."""
    item_id = at.post("en", "Two arrested")["item"]["id"]

    def meanwhile() -> None:
        assert 0 == run("update", "en", item_id, "--headline", "Three arrested", "--attribution", "Police").status

    with gateway(at.url, meanwhile=meanwhile) as before:
        ran = run("correct", "en", item_id, "--headline", "One arrested", "--note", "One.", "--url", before.url)
    said = "Somebody was faster, and nothing was changed. Version 2 says: Police: Three arrested"
    assert (1, "", f"ticker: {said}\n") == (ran.status, ran.out, ran.err)
    assert "Three arrested" == item(at, item_id)["headline"]


def test_a_correction_names_the_same_story_elsewhere(run: Run, at: Service) -> None:
    """The colleagues of the other channels have the same mistake."""
    there = at.post("ar", "سبعة عشر", story="ferry")["item"]["id"]
    item_id = at.post("en", "Seventeen", story="ferry")["item"]["id"]
    ran = run("correct", "en", item_id, "--headline", "Nineteen", "--note", "19.")
    assert (0, f"-- the same story in ar: {there}  سبعة عشر\n") == (ran.status, ran.err)


@pytest.mark.parametrize("command", [("correct", "--note", "x"), ("update", "--bump")], ids=lambda found: found[0])
def test_an_item_that_is_not_there_cannot_be_changed(run: Run, at: Service, command: tuple[str, ...]) -> None:
    """Nor one with an id that would lead to another address."""
    for item_id in ("nothing", "../../es/items/x", "a b?c#d"):
        ran = run(command[0], "en", item_id, *command[1:])
        assert (1, "") == (ran.status, ran.out)
        assert ran.err.startswith("ticker: 404 ")


# hold, release, approve, pin, unpin, expire, undo


def test_an_item_is_held_and_released(run: Run, at: Service) -> None:
    """Off every screen, with a reason that only colleagues read; and on top again."""
    item_id = at.post("ar", "هل هذا صحيح")["item"]["id"]
    at.post("ar", "خبر بعده")
    ran = run("hold", "ar", item_id, "--reason", "Ask the police")
    assert ran.out.endswith(f"  {item_id}  held: هل هذا صحيح\n")
    until_now(lambda: "خبر بعده" == window(at, "ar")[-1], "the item to leave")
    assert "unknown-item" in item(at, item_id, "ar")["type"]
    ran = run("release", "ar", item_id)
    assert ran.out.endswith(f"  {item_id}  released: هل هذا صحيح\n")
    until_now(lambda: "هل هذا صحيح" == window(at, "ar")[-1], "the item to stand on top")


def test_a_scheduled_item_is_released_into_its_schedule(run: Run, at: Service) -> None:
    """The line says when it comes."""
    item_id = run("post", "en", "Later", "--publish-at", "2098-01-01T00:00:00Z").out.split()[1]
    assert run("hold", "en", item_id).out.endswith("  held: Later\n")
    assert run("release", "en", item_id).out.endswith("  released: Later (scheduled for 2098-01-01T00:00:00.000Z)\n")


def test_an_item_is_pinned_until_a_moment_and_unpinned(run: Run, at: Service) -> None:
    """By its time, by minutes, or by default for an hour; the line says until when."""
    item_id = at.post("en", "Before all others")["item"]["id"]
    ran = run("pin", "en", item_id, "--until", "2098-01-01T02:00:00+02:00")
    assert ran.out.endswith(f"  {item_id}  pinned: Before all others (pinned until 2098-01-01T00:00:00.000Z)\n")
    assert run("unpin", "en", item_id).out.endswith(f"  {item_id}  unpinned: Before all others\n")
    assert "pinned_until" not in item(at, item_id)
    for minutes, flags in ((90, ("--minutes", "90")), (60, ())):
        earliest = datetime.now(UTC) + timedelta(minutes=minutes)
        assert 0 == run("pin", "en", item_id, *flags).status
        until = datetime.fromisoformat(item(at, item_id)["pinned_until"])
        assert earliest - timedelta(seconds=1) <= until <= datetime.now(UTC) + timedelta(minutes=minutes)
        assert 0 == run("unpin", "en", item_id).status


def test_an_item_is_ended_before_its_time(run: Run, at: Service) -> None:
    """It leaves the window, and may still be read at its own address."""
    item_id = at.post("es", "Ya pasó")["item"]["id"]
    assert run("expire", "es", item_id).out.endswith(f"  {item_id}  expired: Ya pasó\n")
    until_now(lambda: "Ya pasó" not in window(at, "es"), "the item to leave")
    assert "Ya pasó" == item(at, item_id, "es")["headline"]


def test_a_push_is_stopped_before_it_leaves(run: Run, at: Service) -> None:
    """The web goes on showing the item."""
    item_id = at.post("en", "Not for phones")["item"]["id"]
    assert run("undo", "en", item_id).out.endswith(f"  {item_id}  push stopped: Not for phones\n")
    found = whole(at, item_id)
    assert ("published", {"enabled": False}) == (found["state"], found["push"])


def test_a_second_pair_of_eyes_lets_an_item_out(run: Run, directory: Path) -> None:
    """Its author cannot; the line says that it waits."""
    channels = directory / "channels.toml"
    channels.write_text("[channels.en]\ntitle = 'x'\nlanguage = 'en'\napprove = 2\n", encoding="utf-8")
    service = Service(directory, "--channels", str(channels))
    service.start()
    try:
        data, url = ("--data", str(service.data)), ("--url", service.url)
        colleague = run("keys", "create", "colleague", "--scope", "publish", *data).out.strip()
        ran = run("post", "en", "War is over", "--urgency", "1", *url)
        item_id = ran.out.split()[1]
        assert ran.out.endswith(f"  {item_id}  War is over (waits for approval)\n")
        assert run("approve", "en", item_id, *url).err.startswith("ticker: 403 ")
        assert [] == window(service, "en")
        ran = run("approve", "en", item_id, "--key", colleague, *url)
        assert ran.out.endswith(f"  {item_id}  approved: War is over\n")
        until_now(lambda: ["War is over"] == window(service, "en"), "the item to stand")
    finally:
        service.end()


@pytest.mark.parametrize(
    ("command", "refusal"), [("release", NotHeld()), ("approve", NotPending()), ("unpin", NotPinned())]
)
def test_what_cannot_be_done_is_said(run: Run, at: Service, command: str, refusal: TickerError) -> None:
    """The service's own sentence, and status 1."""
    item_id = at.post("en", f"Nothing to {command}")["item"]["id"]
    ran = run(command, "en", item_id)
    assert (1, "", f"ticker: 409 {refusal.title}: {refusal.detail}\n") == (ran.status, ran.out, ran.err)
    assert run(command, "en", "nothing").err.startswith("ticker: 404 ")


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


# keys


def test_a_key_is_made_and_revoked_while_the_service_runs(run: Run, at: Service) -> None:
    """The editor of `en` posts to `en` only, and not a moment longer than he may."""
    data = ["--data", str(at.data)]
    made = run("keys", "create", "editor of en", "--scope", "publish", "--channel", "en", *data)
    assert 0 == made.status
    token = made.out.strip()
    key_id = token.split("_")[1]
    assert f"{key_id}  editor of en  publish  en  no expiry\n" == made.err
    assert f"{made.err.strip()}  never used" in run("keys", "list", *data).lines

    earliest = f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}"
    assert 0 == run("post", "en", "From the editor of en", "--key", token).status
    refused = run("post", "ar", "From the editor of en", "--key", token)
    assert (1, "ticker: 403 The key lacks the right: The key 'editor of en' is not for channel 'ar'.\n") == (
        refused.status,
        refused.err,
    )

    listed = run("keys", "list", *data)
    (line,) = [line for line in listed.lines if line.startswith(key_id)]
    told, _, used = line.partition("  last used ")
    assert made.err.strip() == told
    assert earliest <= used <= f"{datetime.now(UTC):%Y-%m-%dT%H:%MZ}"
    assert token not in listed.out

    assert (0, f"{key_id} is revoked\n", "") == _all(run("keys", "revoke", key_id, *data))
    assert f"{key_id}  editor of en  publish  en  revoked  last used {used}" in run("keys", "list", *data).lines
    refused = run("post", "en", "Once more", "--key", token)
    assert (1, "ticker: 401 A valid key is needed: This key was revoked.\n") == (refused.status, refused.err)

    record = run("audit", "show", "keys", *data)
    assert [("create key", True), ("revoke key", True)] == [
        (act, any(act in line and key_id in line for line in record.lines)) for act in ("create key", "revoke key")
    ]
    assert token not in record.out


def _all(ran: Ran) -> tuple[int, str, str]:
    return ran.status, ran.out, ran.err


def test_keys_are_kept_while_no_service_runs(run: Run, directory: Path) -> None:
    """Straight in the store, which is started and stopped for it: the keys are there when the service starts."""
    data = ["--data", str(directory / "data")]
    assert (0, "", "") == _all(run("keys", "list", *data))
    made = run("keys", "create", "editor of ar", "--channel", "ar", "--channel", "es", "--days", "1", *data)
    assert made.err.split("  ")[1:4] == ["editor of ar", "read,publish,correct,retract", "ar,es"]
    assert "  until " in made.err
    assert [f"{made.err.strip()}  never used"] == run("keys", "list", *data).lines

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
    assert f"{made.err.strip()}  never used" in run("keys", "list", "--redis-url", valkey).lines


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
    assert ran.err.startswith(f"ticker: TICKER_CHANNELS: {file}:1: channels.fa.title: ")
