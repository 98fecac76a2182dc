"""The limit of an address: so many tries in a minute, and no more memory than is set aside."""

from __future__ import annotations

import pytest
from ticker.errors import RateLimited
from ticker.limit import MOST, Limit

GUEST, STRANGER = "203.0.113.7", "2001:db8::/64"


class Clock:
    """A clock that is set by hand, seconds."""

    def __init__(self, now: float = 600.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """At the beginning of a minute."""
    return Clock()


def test_after_so_many_tries_an_address_is_refused(clock: Clock) -> None:
    """Until the minute is over, which is told; others are not concerned."""
    limit = Limit(3, clock)
    for _ in range(3):
        limit.spend(GUEST)
    clock.now += 12.3
    with pytest.raises(RateLimited) as refused:
        limit.spend(GUEST)
    assert (429, True, 48) == (refused.value.status, refused.value.retry, refused.value.retry_after)
    assert "3 times a minute" in refused.value.detail
    limit.spend(STRANGER)


def test_the_next_minute_is_another(clock: Clock) -> None:
    """The wait that was told is long enough, and not longer than a minute."""
    limit = Limit(1, clock)
    limit.spend(GUEST)
    clock.now += 59.999
    with pytest.raises(RateLimited) as refused:
        limit.spend(GUEST)
    assert 1 == refused.value.retry_after
    clock.now += refused.value.retry_after
    limit.spend(GUEST)
    with pytest.raises(RateLimited):
        limit.spend(GUEST)


def test_refused_tries_count_too(clock: Clock) -> None:
    """Who goes on trying is refused for the rest of the minute."""
    limit = Limit(1, clock)
    limit.spend(GUEST)
    for second in range(59):
        clock.now = 600.0 + second
        with pytest.raises(RateLimited):
            limit.spend(GUEST)


def test_zero_is_no_limit(clock: Clock) -> None:
    """And nothing is remembered."""
    limit = Limit(0, clock)
    for _ in range(1000):
        limit.spend(GUEST)
    assert 0 == len(limit)


def test_memory_is_bounded_and_who_was_quiet_longest_is_forgotten(clock: Clock) -> None:
    """Who comes from many addresses cannot fill it, and who goes on is not forgotten for them."""
    limit = Limit(2, clock, most=3)
    limit.spend("quiet")
    limit.spend("busy")
    limit.spend("third")
    limit.spend("busy")
    limit.spend("fourth")
    assert 3 == len(limit)
    with pytest.raises(RateLimited):
        limit.spend("busy")
    limit.spend("quiet")
    limit.spend("quiet")
    assert 3 == len(limit)


def test_a_minute_that_is_over_takes_no_memory(clock: Clock) -> None:
    """Its counts go with it."""
    limit = Limit(5, clock)
    for number in range(100):
        limit.spend(f"192.0.2.{number}")
    assert 100 == len(limit)
    clock.now += 60
    limit.spend(GUEST)
    assert 1 == len(limit)


def test_it_holds_a_hundred_thousand_and_goes_by_a_clock_of_its_own() -> None:
    """As it is built when nothing else is said."""
    limit = Limit(1_000_000)
    for number in range(MOST + 10):
        limit.spend(str(number))
    assert 0 < len(limit) <= MOST == 100_000
