"""The register: targets are stored once, counted, and taken away only as they were known."""

from __future__ import annotations

from typing import Any

from ticker.bridges.register import Register
from ticker.bridges.target import Target, bucket_of, id_of
from ticker.store import Store


def browser(number: int, **fields: Any) -> Target:
    """A target."""
    address = f"https://push.example/{number}"
    return Target(id=id_of("webpush", address), provider="webpush", address=address, **fields)


async def test_a_target_is_stored_once_and_says_anew_what_it_wants(each_store: Store) -> None:
    """The same address is the same target."""
    register = Register(each_store, "en")
    assert await register.add(browser(1))
    assert await register.add(browser(1, urgency=2))
    assert {"webpush": 1} == await register.count()
    (bucket,) = await register.buckets("webpush")
    assert [2] == [target.urgency for target in await register.bucket("webpush", bucket)]
    assert {} == await Register(each_store, "ar").count()


async def test_one_that_registered_again_is_not_taken_away_by_an_old_word(each_store: Store) -> None:
    """It is removed as it was known, or not at all."""
    register = Register(each_store, "en")
    await register.add(browser(1, since=1))
    await register.add(browser(1, since=2))
    assert not await register.remove("webpush", browser(1).id, browser(1, since=1))
    assert await register.remove("webpush", browser(1).id, browser(1, since=2))
    assert not await register.remove("webpush", browser(1).id)
    assert ({}, []) == (await register.count(), await register.buckets("webpush"))


async def test_there_are_only_so_many(each_store: Store) -> None:
    """One more is refused; those that are there may still change their minds."""
    register = Register(each_store, "en", most=2)
    assert [True, True, False] == [await register.add(browser(number)) for number in range(3)]
    assert await register.add(browser(0, urgency=1))
    assert await register.remove("webpush", browser(0).id)
    assert await register.add(browser(2))


async def test_some_are_found_by_their_ids(each_store: Store) -> None:
    """Those that are gone are left out."""
    register = Register(each_store, "en")
    await register.add(browser(1))
    bucket = bucket_of(browser(1).id)
    found = await register.some("webpush", bucket, [browser(1).id, "gone"])
    assert {browser(1).id: browser(1)} == found
    assert {} == await register.some("webpush", bucket, [])
