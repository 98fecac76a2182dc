"""What the desk asks for besides, over HTTP: the rules of its channels, and what goes on in one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from ticker.store import Store
from websockets.asyncio.client import connect

from tests.desk import CHANNEL, ITEMS, NOBODY, act, editor, problem
from tests.documents import Described
from tests.stage import AUTHORIZED, Stage, entries, frame, running
from tests.waiting import until

PRESENCE = CHANNEL + "/presence"
ITEM = "01M84KNK82EG1GQT586YRGEF7V"


async def here(stage: Stage, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
    """A page tells where it is."""
    return await stage.http.post(PRESENCE, json={"desk": "firstdesk", **body}, headers=headers)


async def test_a_page_is_told_who_else_is_where(stage: Stage, store: Store) -> None:
    """With the name of the key, the item, the act and since when."""
    amal, luis = [await editor(store, name, "read") for name in ("amal", "luis")]
    assert [] == (await here(stage, amal, item=ITEM, act="correction")).json()["editors"]
    (seen,) = (await here(stage, luis, desk="otherdesk")).json()["editors"]
    assert ("firstdesk", "amal", ITEM, "correction") == (seen["desk"], seen["key"]["name"], seen["item"], seen["act"])
    assert seen["since"].endswith("Z")
    assert {"id", "name"} == set(seen["key"])


async def test_the_number_of_the_newest_record_says_whether_anything_was_done(stage: Stage) -> None:
    """Also when it was nothing that readers are told of; telling where one is changes nothing."""
    assert 0 == (await here(stage)).json()["record"]
    item = (await stage.post("The bridge is open"))["item"]["id"]
    first = (await here(stage)).json()["record"]
    assert first == (await here(stage)).json()["record"]
    assert 200 == (await act(stage, item, "hold")).status_code
    assert first + 1 == (await here(stage)).json()["record"]


async def test_the_newsroom_s_own_lines_are_no_audience(stage: Stage) -> None:
    """Who posts an alert wants to know who else has it."""
    address = stage.url.replace("http", "ws") + CHANNEL + "/desk"

    async def readers(number: int) -> bool:
        return bool(number == (await here(stage)).json()["readers"])

    async with connect(address, additional_headers=AUTHORIZED, proxy=None) as line, stage.reader() as reader:
        await frame(line)
        await frame(reader)
        await until(lambda: readers(1), "one reader")
        item = (await stage.post("The bridge is open"))["item"]["id"]
        assert [item, item] == [(await entries(of, 1))[0]["item"]["id"] for of in (line, reader)]

        async def reached() -> bool:
            told = (await stage.http.get(f"{ITEMS}/{item}/reach")).json()
            return bool(told["reached"] == 1 == told["readers"])

        await until(reached, "one of one")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"desk": "short"}, "desk"),
        ({"desk": "Capital1"}, "desk"),
        ({"desk": "a" * 33}, "desk"),
        ({"item": "x"}, "item"),
        ({"act": "dance"}, "act"),
        ({"mood": "good"}, "mood"),
    ],
)
async def test_what_no_page_would_say_is_refused_by_its_field(stage: Stage, body: dict[str, Any], field: str) -> None:
    """And nothing of it is stored."""
    assert (422, "invalid-item", field) == problem(await here(stage, **body))


async def test_only_those_who_may_read_are_told_and_only_of_their_channels(stage: Stage, store: Store) -> None:
    """What a newsroom does is the newsroom's."""
    assert 401 == (await here(stage, NOBODY)).status_code
    assert 403 == (await here(stage, await editor(store, "poster", "publish"))).status_code
    assert 403 == (await here(stage, await editor(store, "of ar", "read", channels=("ar",)))).status_code
    assert (404, "unknown-channel", None) == problem(await stage.http.post("/v1/channels/xx/presence", json={}))


async def test_the_rules_are_those_of_the_channels_file(store: Store, valkey: str, tmp_path: Path) -> None:
    """Each channel of the key with its lists, its labels and what it asks for; and the limits of texts."""
    file = tmp_path / "channels.toml"
    file.write_text(
        '[channels.en]\ntitle = "News"\nlanguage = "en"\napprove = 2\nsections = ["sea"]\nlabels = {1 = "FLASH"}\n'
        '[channels.ar]\ntitle = "أخبار"\nlanguage = "ar"\n',
        encoding="utf-8",
    )
    async with running(valkey, channels=file) as stage:
        told = (await stage.http.get("/v1/rules")).json()
        assert {"headline": 280, "push_headline": 120, "attribution": 100, "note": 500} == told["limits"]
        assert [90, 120] == told["warn"]
        assert ["en", "ar"] == [channel["name"] for channel in told["channels"]]
        english = told["channels"][0]
        assert (2, ["sea"], {"1": "FLASH"}) == (english["approve"], english["sections"], english["labels"])
        assert "rtl" == told["channels"][1]["direction"]
        mine = await stage.http.get("/v1/rules", headers=await editor(store, "of ar", "read", channels=("ar",)))
        assert ["ar"] == [channel["name"] for channel in mine.json()["channels"]]
        assert 401 == (await stage.http.get("/v1/rules", headers=NOBODY)).status_code


async def test_the_answers_are_as_they_are_described(stage: Stage, store: Store) -> None:
    """With colleagues and without."""
    described = await Described.of(stage)
    other = await editor(store, "amal", "read")
    answers = [
        await stage.http.get("/v1/rules"),
        await here(stage),
        await here(stage, other, desk="otherdesk", item=ITEM, act="retract"),
        await here(stage),
        await here(stage, mood="good"),
    ]
    assert [200, 200, 200, 200, 422] == [answer.status_code for answer in answers]
    assert [] == [wrong for answer in answers for wrong in described.unlike(answer)]
