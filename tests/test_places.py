"""Who may still come in: each limit alone, and the count under every way of leaving."""

from __future__ import annotations

import itertools
import resource
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ticker import places
from ticker.address import Proxies
from ticker.errors import Full, RateLimited, TickerError
from ticker.places import MIB, NOBODY, POLL_AFTER, Descriptors, Places

HERE, THERE = "203.0.113.7", "198.51.100.9"
SIX = "2001:db8:1:2::1"


class Clock:
    """Seconds that pass when we say so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Memory:
    """Bytes that are held when we say so."""

    def __init__(self, mib: float) -> None:
        self.mib = mib
        self.asked = 0

    def __call__(self) -> int:
        self.asked += 1
        return int(self.mib * MIB)


def refused(found: Places, address: str | None = HERE, descriptor: int = -1) -> TickerError:
    """Somebody finds no place; why."""
    with pytest.raises(TickerError) as caught:
        found.take(address, descriptor)
    return caught.value


def test_as_many_come_in_as_there_are_places() -> None:
    """The next one is told to poll, and when to come back; when one leaves, one comes in."""
    found = Places(2)
    held = [found.take(HERE), found.take(THERE)]
    error = refused(found)
    assert isinstance(error, Full)
    assert POLL_AFTER == error.retry_after
    assert "…/items" in error.detail
    found.free(held[0])
    found.take(HERE)
    refused(found)
    assert (2, 2) == (found.open, found.refused["readers"])


def test_an_address_has_so_many_and_others_are_not_held_up() -> None:
    """429, with what to do; who closes one may open one."""
    found = Places(100, per_address=2)
    held = [found.take(HERE) for _ in range(2)]
    error = refused(found)
    assert isinstance(error, RateLimited)
    assert POLL_AFTER == error.retry_after
    assert "2 readers open" in error.detail
    assert "…/items" in error.detail
    found.take(THERE)
    found.free(held.pop())
    found.take(HERE)
    refused(found)
    assert (3, 2) == (found.open, found.refused["address"])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (SIX, "2001:db8:1:2:ffff::9"),
        ("fe80::1%eth0", "fe80::2%eth1"),
        (HERE, f"::ffff:{HERE}"),
        ("somebody", "somebody"),
        ("not:an:address", "not:an:address"),
    ],
)
def test_one_customer_is_counted_once(first: str, second: str) -> None:
    """IPv6 by its /64, IPv4 within IPv6 as what it is, and what is no address by its text."""
    found = Places(100, per_address=1)
    found.take(first)
    assert isinstance(refused(found, second), RateLimited)


@pytest.mark.parametrize("other", ["2001:db8:1:3::1", HERE, THERE])
def test_another_customer_is_another(other: str) -> None:
    """The next /64, and whoever speaks IPv4."""
    found = Places(100, per_address=1)
    found.take(SIX)
    found.take(other)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "10.1.2.3", "fd00::7", None])
def test_who_stands_for_many_is_not_counted(address: str | None) -> None:
    """Loopback, the named proxies, and a socket that has no address."""
    found = Places(100, per_address=2, proxies=Proxies.parse("10.0.0.0/8, fd00::/8"))
    held = [found.take(address) for _ in range(9)]
    for place in held:
        found.free(place)
    assert 0 == found.open
    # Those that were counted before it turned out to be a proxy are no longer.
    assert 100 == len([found.take(address) for _ in range(100)])


def test_no_limit_for_an_address_is_none() -> None:
    """0, as with the other limits."""
    found = Places(1_000, per_address=0)
    assert {NOBODY} == {found.take(HERE) for _ in range(500)}


def test_readers_come_at_a_rate_with_two_seconds_at_once() -> None:
    """The excess is told when there is room for it, each somewhat later than the one before."""
    clock = Clock()
    found = Places(10_000, rate=10, clock=clock)
    for _ in range(20):
        found.take(HERE)
    told = [refused(found) for _ in range(40)]
    assert all(isinstance(error, Full) and "…/items" in error.detail for error in told)
    after = [error.retry_after or 0 for error in told]
    assert sorted(after) == after
    assert (1, 5) == (after[0], after[-1])

    clock.now += 0.5
    for _ in range(5):
        found.take(HERE)
    refused(found)
    clock.now += 60
    for _ in range(20):
        found.take(HERE)
    assert 1 == refused(found).retry_after


def test_nobody_is_told_to_stay_away_for_more_than_a_minute() -> None:
    """However many come."""
    found = Places(10, rate=1, clock=Clock())
    found.take(HERE)
    found.take(HERE)
    assert 60 == max(refused(found).retry_after or 0 for _ in range(500))


def test_who_is_refused_for_another_reason_costs_no_part_of_the_rate() -> None:
    """One address that knocks without an end does not keep the others out."""
    found = Places(100, per_address=1, rate=2, clock=Clock())
    found.take(HERE)
    for _ in range(50):
        assert isinstance(refused(found), RateLimited)
    for other in (THERE, SIX, "192.0.2.1"):
        found.take(other)


def test_readers_stay_below_the_reserve_of_descriptors() -> None:
    """By the number of their own line: the kernel gives the lowest that is free."""
    found = Places(100, descriptors=Descriptors(1_000))
    found.take(HERE, 1_000 - places.RESERVE - 1)
    error = refused(found, descriptor=1_000 - places.RESERVE)
    assert isinstance(error, Full)
    assert (1, 1) == (found.open, found.refused["descriptors"])


@pytest.mark.parametrize("limit", [16, 60, 128, 256, 1_024, 20_000, 1_048_576])
def test_what_is_kept_back_is_given_away_in_steps(limit: int) -> None:
    """Readers, then requests, then health; something is always left for the store."""
    found = Descriptors(limit)
    assert limit // 2 <= found.readers < found.requests < found.health < limit
    assert limit - found.readers <= max(places.RESERVE, limit // 50)


def test_memory_is_looked_at_once_a_second_and_keeps_new_readers_out() -> None:
    """Those who are in stay; when there is memory again, there is room again."""
    clock, memory = Clock(), Memory(90)
    found = Places(10_000, memory=100, clock=clock, resident=memory)
    for _ in range(50):
        found.take(HERE)
    assert 1 == memory.asked
    memory.mib = 100
    clock.now += 1
    error = refused(found)
    assert isinstance(error, Full)
    assert POLL_AFTER == error.retry_after
    memory.mib = 80
    refused(found)
    clock.now += 1
    found.take(HERE)
    assert (51, 2, 3) == (found.open, found.refused["memory"], memory.asked)


def test_memory_that_python_keeps_for_itself_is_used_again() -> None:
    """After the cap was reached, as many fit as did then, though the system is given nothing back."""
    clock, memory = Clock(), Memory(99)
    found = Places(10_000, memory=100, clock=clock, resident=memory)
    held = [found.take(HERE) for _ in range(50)]
    memory.mib = 100.5
    clock.now += 1
    refused(found)
    for place in held[:20]:
        found.free(place)
    for _ in range(20):
        clock.now += 1
        found.take(HERE)
    refused(found)

    # It grows all the same: then fewer fit than was thought.
    found.free(held[20])
    memory.mib = 103
    clock.now += 1
    refused(found)
    assert 49 == found.open


def test_the_memory_of_this_process_is_told_in_bytes() -> None:
    """It grows by what is taken."""
    before = places.resident()
    held = b"x" * (64 * MIB)
    assert before + 60 * MIB < places.resident() < before + 128 * MIB
    assert held


@pytest.fixture
def limit() -> Iterator[tuple[int, int]]:
    """The limit of descriptors of this process, given back afterwards."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_limit_of_descriptors_is_raised_as_far_as_it_may_be(limit: tuple[int, int]) -> None:
    """To the hard one, and what is kept back goes by it."""
    _, hard = limit
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard // 2, hard))
    assert Descriptors(hard // 2).readers == Descriptors.of_process().readers
    places.raise_limit()
    assert (min(hard, places.MOST_DESCRIPTORS), hard) == resource.getrlimit(resource.RLIMIT_NOFILE)
    places.raise_limit()
    assert Descriptors(min(hard, places.MOST_DESCRIPTORS)).readers == Descriptors.of_process().readers


@given(
    st.lists(
        st.one_of(st.sampled_from([HERE, THERE, SIX, "2001:db8:1:2::2", "127.0.0.1", None]), st.integers(0, 20)),
        max_size=60,
    )
)
def test_whoever_comes_and_goes_the_count_is_right(steps: list[str | int | None]) -> None:
    """A number is the one of those inside who leaves. Never more than there are places, and in the end nobody."""
    found = Places(12, per_address=3)
    held: list[tuple[str | None, places.Place]] = []
    for step in steps:
        if isinstance(step, int):
            if step < len(held):
                found.free(held.pop(step)[1])
        else:
            own = [
                address
                for address, _ in held
                if address is not None and places._counted(address) == (step is not None and places._counted(step))
            ]
            full = len(held) == 12 or (len(own) == 3 and step not in (None, "127.0.0.1"))
            if full:
                refused(found, step)
            else:
                held.append((step, found.take(step)))
        assert len(held) == found.open
    for _, place in held:
        found.free(place)
    assert 0 == found.open
    for address in itertools.islice(itertools.cycle((HERE, SIX)), 6):
        found.take(address)
