"""Who is at which item: for seconds, by key, and never in anybody's way."""

from __future__ import annotations

from ticker import presence
from ticker.auth import Key, Keyring
from ticker.store import Store

ITEM = "01M84KNK82EG1GQT586YRGEF7V"
OTHER = "01M84KNK82EG1GQT586YRGEF7W"
NOW = 1_795_000_000_000


async def cast(store: Store) -> tuple[Key, Key]:
    """Amal and Luis."""
    keyring = Keyring(store)
    return (await keyring.create("amal", ("read",)))[1], (await keyring.create("luis", ("read",)))[1]


async def test_everybody_else_is_told_and_nobody_of_himself(each_store: Store) -> None:
    """By the page, so that two windows of one editor see each other."""
    amal, luis = await cast(each_store)
    await presence.tell(each_store, "en", amal, "amalsdesk1", ITEM, "correction", NOW)
    await presence.tell(each_store, "en", amal, "amalsdesk2", None, None, NOW + 1)
    await presence.tell(each_store, "en", luis, "luissdesk1", ITEM, "update", NOW + 2)
    found = await presence.others(each_store, "en", luis, "luissdesk1", NOW + 3)
    assert [("amal", ITEM, "correction"), ("amal", None, None)] == [(one.name, one.item, one.act) for one in found]
    found = await presence.others(each_store, "en", amal, "amalsdesk1", NOW + 3)
    assert ["amalsdesk2", "luissdesk1"] == [one.desk for one in found]
    assert [] == await presence.others(each_store, "ar", luis, "luissdesk1", NOW + 3)


async def test_since_when_stands_until_another_item_is_opened(each_store: Store) -> None:
    """Telling again is not coming again."""
    amal, luis = await cast(each_store)
    for item, at in ((ITEM, NOW), (ITEM, NOW + 5_000), (OTHER, NOW + 9_000)):
        await presence.tell(each_store, "en", amal, "amalsdesk1", item, "update", at)
        (seen,) = await presence.others(each_store, "en", luis, "luissdesk1", at)
        assert (item, NOW if item == ITEM else NOW + 9_000) == (seen.item, seen.since)


async def test_who_says_nothing_for_ten_seconds_has_gone(each_store: Store) -> None:
    """A closed page says nothing; what it left is taken out."""
    amal, luis = await cast(each_store)
    await presence.tell(each_store, "en", amal, "amalsdesk1", ITEM, "update", NOW)
    late = NOW + presence.LIVES_MS
    assert 1 == len(await presence.others(each_store, "en", luis, "luissdesk1", late))
    assert [] == await presence.others(each_store, "en", luis, "luissdesk1", late + 1)
    assert 0 == await each_store.redis.hlen("{ticker:en}:presence")


async def test_nothing_of_it_is_kept(each_store: Store) -> None:
    """A newsroom that goes home leaves nothing in the store."""
    amal, _ = await cast(each_store)
    await presence.tell(each_store, "en", amal, "amalsdesk1", ITEM, "update", NOW)
    assert 0 < await each_store.redis.ttl("{ticker:en}:presence") <= presence.KEEP_SECONDS


async def test_a_key_speaks_for_its_own_pages_alone(store: Store) -> None:
    """The same name of a page with another key is another page."""
    amal, luis = await cast(store)
    await presence.tell(store, "en", amal, "samename1", ITEM, "update", NOW)
    await presence.tell(store, "en", luis, "samename1", None, None, NOW)
    (seen,) = await presence.others(store, "en", luis, "samename1", NOW)
    assert ("amal", ITEM) == (seen.name, seen.item)


async def test_no_more_pages_are_remembered_than_there_is_room_for(store: Store) -> None:
    """Whoever opens a thousand fills nothing; those who are there go on being told of."""
    amal, luis = await cast(store)
    for number in range(presence.MOST + 5):
        await presence.tell(store, "en", amal, f"desk{number:04}", None, None, NOW)
    assert presence.MOST == await store.redis.hlen("{ticker:en}:presence")
    await presence.tell(store, "en", amal, "desk0000", ITEM, "update", NOW + 1)
    found = await presence.others(store, "en", luis, "luissdesk1", NOW + 1)
    assert [ITEM] == [one.item for one in found if one.desk == "desk0000"]


async def test_what_is_none_of_ours_in_the_store_is_nobody(store: Store) -> None:
    """It is taken out, and stops nobody."""
    amal, luis = await cast(store)
    key = "{ticker:en}:presence"
    for name, value in (("a", "x"), ("b", "[]"), ("c", '{"desk": 1}'), ("d", "7")):
        await store.redis.hset(key, name, value)
    await presence.tell(store, "en", amal, "amalsdesk1", ITEM, "update", NOW)
    assert ["amalsdesk1"] == [one.desk for one in await presence.others(store, "en", luis, "luissdesk1", NOW)]
    assert 1 == await store.redis.hlen(key)
