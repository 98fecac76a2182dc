"""One story in several channels: who is told when one of them was wrong."""

from __future__ import annotations

from typing import Any

from tests.stage import Stage


async def corrected(stage: Stage, item: dict[str, Any], channel: str = "en", **fields: Any) -> Any:
    """Correct the newest version of an item; the answer's body."""
    answer = await stage.http.patch(
        f"/v1/channels/{channel}/items/{item['id']}",
        json={"signal": "correction", "correction_note": "Nineteen, not seventeen", **fields},
        headers={"If-Match": f'"{item["version"]}"'},
    )
    assert 200 == answer.status_code, answer.text
    return answer.json()


async def flagged(stage: Stage, channel: str) -> list[tuple[str, str, str]]:
    """What the queue of a channel calls into question: the item, and the channel and signal that do."""
    queue = (await stage.http.get(f"/v1/channels/{channel}/queue")).json()
    return [
        (flag["item"]["headline"], flag["because"]["channel"], flag["because"]["signal"]) for flag in queue["flagged"]
    ]


async def test_a_correction_names_the_same_story_in_other_channels(stage: Stage) -> None:
    """In the answer, with what stands there; other stories and items without one are not named."""
    english = (await stage.post("Seventeen safe", story="ferry"))["item"]
    arabic = (await stage.post("سبعة عشر بخير", channel="ar", story="ferry"))["item"]
    await stage.post("El puente está abierto", channel="es", story="bridge")
    await stage.post("Otra cosa", channel="es")
    answer = await corrected(stage, english, headline="Nineteen safe")
    told = {"channel": "ar", "id": arabic["id"], "version": 1, "headline": "سبعة عشر بخير"}
    assert [told] == answer["siblings"]


async def test_an_item_without_a_story_has_no_siblings(stage: Stage) -> None:
    """Two alerts that belong to no story do not belong together."""
    english = (await stage.post("Seventeen safe"))["item"]
    await stage.post("سبعة عشر بخير", channel="ar")
    assert "siblings" not in await corrected(stage, english, headline="Nineteen safe")
    assert [] == await flagged(stage, "ar")


async def test_an_update_names_nobody(stage: Stage) -> None:
    """It was not wrong."""
    item = (await stage.post("Seventeen safe", story="ferry"))["item"]
    await stage.post("سبعة عشر بخير", channel="ar", story="ferry")
    answer = await stage.http.patch(
        f"/v1/channels/en/items/{item['id']}",
        json={"signal": "update", "headline": "Seventeen safe, two missing"},
        headers={"If-Match": '"1"'},
    )
    assert "siblings" not in answer.json()
    assert [] == await flagged(stage, "ar")


async def test_what_was_wrong_elsewhere_is_flagged_until_somebody_touches_it(stage: Stage) -> None:
    """Also for a desk that was not there when it happened."""
    english = (await stage.post("Seventeen safe", story="ferry"))["item"]
    arabic = (await stage.post("سبعة عشر بخير", channel="ar", story="ferry"))["item"]
    await corrected(stage, english, headline="Nineteen safe")
    assert [("سبعة عشر بخير", "en", "correction")] == await flagged(stage, "ar")
    assert [] == await flagged(stage, "en")
    await corrected(stage, arabic, "ar", headline="تسعة عشر بخير")
    assert [] == await flagged(stage, "ar")
    # And now it is the English one that has to be looked at.
    assert [("Nineteen safe", "ar", "correction")] == await flagged(stage, "en")


async def test_a_retraction_flags_too(stage: Stage) -> None:
    """What was taken back here may be wrong there; what is taken back there is not flagged any more."""
    english = (await stage.post("Seventeen safe", story="ferry"))["item"]
    spanish = (await stage.post("Diecisiete a salvo", channel="es", story="ferry"))["item"]
    answer = await stage.retract(english["id"])
    assert ["es"] == [found["channel"] for found in answer["siblings"]]
    assert [("Diecisiete a salvo", "en", "retraction")] == await flagged(stage, "es")
    await stage.retract(spanish["id"], channel="es")
    assert [] == await flagged(stage, "es")
