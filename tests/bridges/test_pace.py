"""How fast a provider is sent to, by a clock that the test turns."""

from __future__ import annotations

from ticker.bridges.pace import Pace, backoff


class Clock:
    """Seconds, which pass when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def test_a_steady_rate_is_held_after_the_first_second() -> None:
    """What one second allows leaves at once; the rest takes its time."""
    clock = Clock()
    pace = Pace(100, clock=clock, sleep=clock.sleep)
    for _ in range(50):
        await pace.take(20)
    assert 9 == round(clock.now)


async def test_without_a_rate_nobody_waits() -> None:
    """0 is no limit."""
    clock = Clock()
    pace = Pace(0, clock=clock, sleep=clock.sleep)
    await pace.take(1_000_000)
    assert 0 == clock.now


async def test_what_was_not_used_is_not_saved_up() -> None:
    """After an hour of nothing one second's worth leaves at once, and no more."""
    clock = Clock()
    pace = Pace(10, clock=clock, sleep=clock.sleep)
    clock.now = 3600.0
    await pace.take(10)
    assert 3600 == clock.now
    await pace.take(10)
    assert 3601 == clock.now


def test_each_try_may_wait_twice_as_long_up_to_the_most() -> None:
    """Full jitter: anything from nothing on."""
    assert [1, 2, 4, 8, 10] == [backoff(tries, 1.0, first=1, most=10) for tries in range(5)]
    assert 0 == backoff(3, 0.0, first=1, most=10)
    assert 300 == backoff(10_000, 1.0, first=1, most=300)
