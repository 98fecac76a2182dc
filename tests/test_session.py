"""A session stands for a key, for a while, and holds neither."""

from __future__ import annotations

import hashlib

import pytest
from ticker.auth import Keyring
from ticker.errors import Unauthorized
from ticker.session import LIFE_SECONDS, LONGEST, Sessions
from ticker.store import Store, text

BOOTSTRAP = "a key that was given from outside, long enough"


def sessions(store: Store) -> tuple[Keyring, Sessions]:
    """A keyring and its sessions."""
    keyring = Keyring(store, BOOTSTRAP)
    return keyring, Sessions(store, keyring)


async def test_a_token_stands_for_its_key_and_for_no_other(store: Store) -> None:
    """Two editors, two tokens; each finds its own."""
    keyring, found = sessions(store)
    keys = [(await keyring.create(name, ("publish",)))[1] for name in ("amal", "luis")]
    tokens = [await found.begin(key) for key in keys]
    assert keys == [await found.key(token) for token in tokens]
    assert 2 == len(set(tokens))
    assert all(len(token) >= 43 for token in tokens)


async def test_a_key_from_outside_has_sessions_too(store: Store) -> None:
    """It stands in no store."""
    keyring, found = sessions(store)
    key = await keyring.prove(BOOTSTRAP)
    assert key == await found.key(await found.begin(key))


async def test_another_key_from_outside_ends_the_sessions_of_the_one_before(store: Store) -> None:
    """It keeps its name; whoever changes it because somebody knows it wants him out."""
    keyring, before = sessions(store)
    token = await before.begin(await keyring.prove(BOOTSTRAP))
    other = Keyring(store, "another key that was given from outside, long enough")
    with pytest.raises(Unauthorized, match="has ended"):
        await Sessions(store, other).key(token)
    with pytest.raises(Unauthorized):
        await Sessions(store, Keyring(store)).key(token)
    assert "bootstrap" == (await before.key(token)).id


async def test_the_store_holds_a_hash_of_the_token_for_a_shift_and_a_half(store: Store) -> None:
    """Whoever reads the store cannot log in with what he reads."""
    keyring, found = sessions(store)
    _, key = await keyring.create("amal", ("publish",))
    token = await found.begin(key)
    (name,) = [name async for name in store.redis.scan_iter(match="{ticker}:session:*")]
    assert hashlib.sha256(token.encode()).hexdigest() == name.decode().rpartition(":")[2]
    held = text(await store.redis.get(name) or b"")
    assert key.id == held.partition(" ")[0]
    assert token not in held
    assert key.digest not in held
    assert LIFE_SECONDS - 60 < await store.redis.ttl(name) <= LIFE_SECONDS


async def test_it_ends_by_itself_by_a_word_and_with_its_key(store: Store) -> None:
    """And nobody is told which of it was."""
    keyring, found = sessions(store)
    _, key = await keyring.create("amal", ("publish",))
    ended, forgotten, kept = [await found.begin(key) for _ in range(3)]
    await found.end(ended)
    await found.end("there is none")
    await store.redis.delete(f"{{ticker}}:session:{hashlib.sha256(forgotten.encode()).hexdigest()}")
    for token in (ended, forgotten):
        with pytest.raises(Unauthorized, match="has ended"):
            await found.key(token)
    assert key == await found.key(kept)
    await keyring.revoke(key.id)
    with pytest.raises(Unauthorized, match="revoked"):
        await found.key(kept)


@pytest.mark.parametrize("token", ["", "x", "x" * LONGEST, "x" * (LONGEST + 1), "*", "\x00"])
async def test_what_is_no_token_is_nobody(store: Store, token: str) -> None:
    """Whatever its length and its letters."""
    _, found = sessions(store)
    with pytest.raises(Unauthorized):
        await found.key(token)
