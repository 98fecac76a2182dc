"""Keys: who may do what, on the real store."""

from __future__ import annotations

import json
import time

import pytest
from ticker.auth import KEYS, Key, Keyring
from ticker.errors import Forbidden, RateLimited, StoreUnavailable, Unauthorized
from ticker.scope import Scope
from ticker.store import Store

from tests.stage import free_port

BOOTSTRAP = "a key that was given from outside, long enough"


def bearer(token: str) -> str:
    """The header that carries this key."""
    return f"Bearer {token}"


def key(*scopes: Scope, channels: tuple[str, ...] = ()) -> Key:
    """The record of a key with these rights."""
    return Key(id="1", name="desk", digest="", scopes=scopes, channels=channels, created=0)


async def test_a_new_key_opens_the_door_and_is_itself(store: Store) -> None:
    """The editor of `en` is known by his key, with the rights that it was made with."""
    keyring = Keyring(store)
    token, made = await keyring.create("editor of en", ("publish", "retract"), ("en",))
    found = await keyring.authenticate(bearer(token))
    assert made == found
    assert ("editor of en", ("publish", "retract"), ("en",)) == (found.name, found.scopes, found.channels)
    assert (None, None) == (found.expires, found.revoked)


async def test_each_editor_has_a_key_of_his_own(store: Store) -> None:
    """The key of `ar` is not that of `en`, and both are known."""
    keyring = Keyring(store)
    english, _ = await keyring.create("editor of en", ("publish",), ("en",))
    arabic, _ = await keyring.create("editor of ar", ("publish",), ("ar",))
    assert english != arabic
    assert "editor of en" == (await keyring.authenticate(bearer(english))).name
    assert "editor of ar" == (await keyring.authenticate(bearer(arabic))).name


@pytest.mark.parametrize(
    "header", ["Bearer {}", "bearer {}", "BEARER  {} "], ids=["as written", "small", "with spaces"]
)
async def test_the_scheme_may_be_written_in_any_case(store: Store, header: str) -> None:
    """What HTTP allows in the header is taken (RFC 9110)."""
    keyring = Keyring(store)
    token, made = await keyring.create("editor of en", ("publish",))
    assert made == await keyring.authenticate(header.format(token))


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Token x"], ids=repr)
async def test_a_stranger_without_a_key_is_told_how_to_get_one(store: Store, header: str | None) -> None:
    """No header, an empty one or another scheme: the sentence says what is needed."""
    with pytest.raises(Unauthorized, match=r"^This needs a key\. .*'ticker keys create'"):
        await Keyring(store, BOOTSTRAP).authenticate(header)


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "tk_",
        "tk_0123456789abcdef_" + "A" * 43,
        "tk_0123456789ABCDEF_" + "A" * 43,
        "ключ",
        BOOTSTRAP[:-1],
        BOOTSTRAP + "x",
    ],
    ids=["a letter", "a beginning", "nobody's", "capitals", "Cyrillic", "bootstrap, cut", "bootstrap, longer"],
)
async def test_an_unknown_key_is_refused(store: Store, token: str) -> None:
    """Whatever a stranger guesses, he learns only that it is not known."""
    with pytest.raises(Unauthorized, match=r"^This key is not known here\.$"):
        await Keyring(store, BOOTSTRAP).authenticate(bearer(token))


async def test_the_right_id_with_a_wrong_secret_is_refused(store: Store) -> None:
    """The id can be read in lists; the secret is what counts."""
    keyring = Keyring(store)
    token, made = await keyring.create("editor of en", ("publish",))
    other, _ = await keyring.create("editor of ar", ("publish",))
    assert token.startswith(f"tk_{made.id}_")
    with pytest.raises(Unauthorized, match=r"^This key is not known here\.$"):
        await keyring.authenticate(bearer(f"tk_{made.id}_{other[-43:]}"))


async def test_a_revoked_key_is_refused_at_once(store: Store) -> None:
    """The next request with it is refused, in this process and in every other."""
    keyring, elsewhere = Keyring(store), Keyring(store)
    token, made = await keyring.create("editor of en", ("publish",))
    assert made == await elsewhere.authenticate(bearer(token))
    assert await keyring.revoke(made.id)
    with pytest.raises(Unauthorized, match=r"^This key was revoked\.$"):
        await elsewhere.authenticate(bearer(token))


async def test_another_key_outlives_a_revocation(store: Store) -> None:
    """The editor of `ar` goes on when the key of `en` is revoked."""
    keyring = Keyring(store)
    _, english = await keyring.create("editor of en", ("publish",))
    token, arabic = await keyring.create("editor of ar", ("publish",))
    await keyring.revoke(english.id)
    assert arabic == await keyring.authenticate(bearer(token))


async def test_a_key_that_is_not_there_cannot_be_revoked(store: Store) -> None:
    """Who mistypes an id is told that nothing happened, and nothing is made of it."""
    keyring = Keyring(store)
    assert not await keyring.revoke("0123456789abcdef")
    assert [] == await keyring.list()


@pytest.mark.parametrize("lifetime", [0, -60.0], ids=["no time", "less than none"])
async def test_an_expired_key_is_refused(store: Store, lifetime: float) -> None:
    """A key whose time is over opens nothing."""
    keyring = Keyring(store)
    token, _ = await keyring.create("editor of en", ("publish",), lifetime=lifetime)
    with pytest.raises(Unauthorized, match=r"^This key has expired\.$"):
        await keyring.authenticate(bearer(token))


async def test_a_key_holds_until_its_time_is_over(store: Store) -> None:
    """An hour is an hour from now."""
    keyring = Keyring(store)
    token, made = await keyring.create("editor of en", ("publish",), lifetime=3600)
    assert made.expires == made.created + 3_600_000
    assert made == await keyring.authenticate(bearer(token))


async def test_the_key_from_outside_may_do_everything(store: Store) -> None:
    """It is an administrator's, for every channel, and stands in no list."""
    keyring = Keyring(store, BOOTSTRAP)
    found = await keyring.authenticate(bearer(BOOTSTRAP))
    assert ("bootstrap", ("admin",), ()) == (found.id, found.scopes, found.channels)
    assert [] == await keyring.list()


async def test_the_key_from_outside_works_while_the_store_is_away() -> None:
    """It is compared in this process; every other key needs the store, and says so."""
    away = Store(f"redis://127.0.0.1:{free_port()}")
    try:
        keyring = Keyring(away, BOOTSTRAP)
        assert "bootstrap" == (await keyring.authenticate(bearer(BOOTSTRAP))).id
        with pytest.raises(StoreUnavailable):
            await keyring.authenticate(bearer("tk_0123456789abcdef_" + "A" * 43))
    finally:
        await away.close()


async def test_without_a_key_from_outside_none_is_taken(store: Store) -> None:
    """A server that was given no key has no hidden one."""
    for keyring in (Keyring(store), Keyring(store, "")):
        with pytest.raises(Unauthorized):
            await keyring.authenticate(bearer(BOOTSTRAP))


async def test_the_store_never_sees_a_key(store: Store) -> None:
    """Neither the key nor its secret stands anywhere in the store, only what cannot be turned back."""
    token, made = await Keyring(store).create("editor of en", ("publish",), ("en",))
    assert [KEYS.encode()] == await store.redis.keys("*")
    stored = str(await store.redis.hgetall(KEYS))
    assert made.digest in stored
    assert token not in stored
    assert token[-43:] not in stored


async def test_keys_are_listed_in_the_order_in_which_they_were_made(store: Store) -> None:
    """All of them, the revoked ones too, so that somebody can see what was."""
    keyring = Keyring(store)
    made = [(await keyring.create(name, ("publish",)))[1] for name in ("editor of en", "editor of ar")]
    await keyring.revoke(made[0].id)
    listed = await keyring.list()
    assert sorted(found.created for found in listed) == [found.created for found in listed]
    assert {found.id for found in made} == {found.id for found in listed}
    assert {"editor of en": True, "editor of ar": False} == {found.name: bool(found.revoked) for found in listed}


async def test_a_key_of_a_later_release_is_read(store: Store) -> None:
    """What is not known of it is passed over."""
    keyring = Keyring(store)
    token, made = await keyring.create("editor of en", ("publish",))
    await store.redis.hset(KEYS, made.id, json.dumps({**made.model_dump(), "colour": "red"}))
    assert made == await keyring.authenticate(bearer(token))


@pytest.mark.parametrize(
    ("given", "scope", "channel"),
    [
        (key("publish"), "publish", "en"),
        (key("publish", "retract"), "retract", "ar"),
        (key("publish", channels=("en", "es")), "publish", "es"),
        (key("admin"), "publish", "en"),
        (key("admin"), "push", "ar"),
        (key("admin", channels=("en",)), "retract", "en"),
    ],
    ids=["its scope", "one of its scopes", "one of its channels", "admin", "admin, anything", "admin of a channel"],
)
def test_a_key_may_do_what_it_was_made_for(given: Key, scope: Scope, channel: str) -> None:
    """An empty list of channels is every channel; an administrator has every scope."""
    given.check(scope, channel)


@pytest.mark.parametrize(
    ("given", "scope", "channel", "said"),
    [
        (key("publish"), "retract", "en", "The key 'desk' lacks the scope 'retract'; it has: publish."),
        (key("read", "push"), "publish", "en", "The key 'desk' lacks the scope 'publish'; it has: read, push."),
        (key("publish", channels=("en",)), "publish", "ar", "The key 'desk' is not for channel 'ar'."),
        (key("admin", channels=("en",)), "publish", "ar", "The key 'desk' is not for channel 'ar'."),
        (key(), "read", "en", "The key 'desk' lacks the scope 'read'; it has: ."),
    ],
    ids=["another scope", "other scopes", "another channel", "admin of another channel", "no scope at all"],
)
def test_a_key_may_not_do_anything_else(given: Key, scope: Scope, channel: str, said: str) -> None:
    """The refusal says what is missing."""
    with pytest.raises(Forbidden) as refused:
        given.check(scope, channel)
    assert said == refused.value.detail


@pytest.mark.parametrize(
    ("given", "may"),
    [
        (key("read"), True),
        (key("publish", "read"), True),
        (key("admin"), True),
        (key("read", channels=("ar", "en")), True),
        (key("admin", channels=("en",)), True),
        (key("publish"), False),
        (key("read", channels=("ar",)), False),
        (key("admin", channels=("ar",)), False),
        (key(), False),
    ],
    ids=["scope", "one of them", "admin", "channel", "admin of it", "other scope", "other channel", "admin", "none"],
)
def test_whether_a_key_may_is_asked_without_a_refusal(given: Key, may: bool) -> None:
    """Where everybody is answered, and who may is told more; the same as `check` says."""
    assert may == given.may("read", "en")
    try:
        given.check("read", "en")
    except Forbidden:
        assert not may
    else:
        assert may


async def test_a_key_that_was_proven_before_is_found_by_its_id(store: Store) -> None:
    """As long as it lives; the one from outside only where there is one."""
    keyring = Keyring(store, BOOTSTRAP)
    _, made = await keyring.create("editor of en", ("publish",))
    assert made == await keyring.get(made.id)
    assert "bootstrap" == (await keyring.get("bootstrap")).id
    await keyring.revoke(made.id)
    for found, key_id in ((keyring, made.id), (keyring, "nobody"), (Keyring(store), "bootstrap")):
        with pytest.raises(Unauthorized):
            await found.get(key_id)


async def test_which_of_many_keys_have_ended_is_asked_at_once(store: Store) -> None:
    """Revoked, over, or never there; the one from outside does not end, and needs no store."""
    keyring = Keyring(store, BOOTSTRAP)
    _, alive = await keyring.create("alive", ("read",), lifetime=60)
    _, over = await keyring.create("over", ("read",), lifetime=-1)
    _, revoked = await keyring.create("revoked", ("read",))
    await keyring.revoke(revoked.id)
    found = await keyring.ended([alive.id, over.id, revoked.id, "nobody", "bootstrap"])
    assert {over.id, revoked.id, "nobody"} == found
    away = Store(f"redis://127.0.0.1:{free_port()}")
    try:
        assert set() == await Keyring(away, BOOTSTRAP).ended(["bootstrap"])
        with pytest.raises(StoreUnavailable):
            await Keyring(away).ended([alive.id])
    finally:
        await away.close()


async def test_when_a_key_was_last_used_is_known_to_the_minute(store: Store) -> None:
    """Written once a minute by each process; a key that nobody uses stands in no list."""
    keyring = Keyring(store, rate=100)
    _, made = await keyring.create("editor of en", ("publish",))
    assert {} == await keyring.used()
    before = int(time.time()) // 60 * 60_000
    for _ in range(3):
        await keyring.spend(made)
    (at,) = (await keyring.used()).values()
    assert before <= at <= before + 60_000
    assert 0 == at % 60_000


async def posts_within_a_minute(keyring: Keyring, given: Key, most: int) -> tuple[int, RateLimited | None]:
    """How many posts were taken, up to `most`, and the refusal that came then."""
    for number in range(most):
        try:
            await keyring.spend(given)
        except RateLimited as refused:
            return number, refused
    return most, None


async def test_a_key_that_posts_too_fast_is_told_when_to_go_on(store: Store) -> None:
    """Three posts in a minute are taken, the fourth is refused until the minute is over."""
    keyring = Keyring(store, rate=3)
    for _ in range(2):  # a second time only if a new minute began meanwhile
        _, editor = await keyring.create("editor of en", ("publish",))
        begun = int(time.time()) // 60
        taken, refused = await posts_within_a_minute(keyring, editor, 10)
        if begun == int(time.time()) // 60:
            break
    assert 3 == taken
    assert refused is not None
    assert "The key 'editor of en' has used its 3 posts of this minute." == refused.detail
    assert refused.retry_after is not None
    assert 1 <= refused.retry_after <= 60


async def test_the_limit_is_each_keys_own(store: Store) -> None:
    """The editor of `ar` posts while the editor of `en` has to wait."""
    keyring = Keyring(store, rate=1)
    _, english = await keyring.create("editor of en", ("publish",))
    _, arabic = await keyring.create("editor of ar", ("publish",))
    _, refused = await posts_within_a_minute(keyring, english, 5)
    assert refused is not None
    await keyring.spend(arabic)


async def test_no_limit_is_no_limit(store: Store) -> None:
    """With 0 nothing is refused, and once a minute it is noted that the key is in use."""
    keyring = Keyring(store, rate=0)
    assert (100, None) == await posts_within_a_minute(keyring, key("publish"), 100)
    assert {"1"} == set(await keyring.used())
    (counter,) = await store.redis.keys("*:rate:*")
    assert b"1" == await store.redis.get(counter)


async def test_what_was_counted_is_forgotten(store: Store) -> None:
    """A counter goes by itself two minutes later; nothing piles up in the store."""
    await Keyring(store, rate=5).spend(key("publish"))
    (counter,) = await store.redis.keys("*:rate:*")
    assert 0 < await store.redis.ttl(counter) <= 120
