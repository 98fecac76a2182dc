"""Targets: what they want, and what they are called."""

from __future__ import annotations

from typing import Any

import pytest
from ticker.bridges.target import BUCKETS, Target, bucket_of, id_of

from tests.bridges.test_notice import item


@pytest.mark.parametrize(
    ("wants", "fields", "wanted"),
    [
        ({}, {}, True),
        ({"sections": ("sport",)}, {"sections": ["sport", "world"]}, True),
        ({"sections": ("sport",)}, {}, False),
        ({"regions": ("asia",)}, {"regions": ["europe"]}, False),
        ({"tags": ("cup",)}, {"tags": ["cup"]}, True),
        ({"urgency": 2}, {"urgency": 3}, False),
        ({"urgency": 2}, {"urgency": 1}, True),
        ({"topics": ("cup",)}, {"push": {"topics": ["cup"]}}, True),
        ({"topics": ("cup",)}, {"push": {"topics": ["rain"]}}, False),
        ({"topics": ("cup",)}, {}, True),
        ({}, {"push": {"topics": ["rain"]}}, True),
    ],
)
def test_a_target_is_told_of_what_it_wants(wants: dict[str, Any], fields: dict[str, Any], wanted: bool) -> None:
    """Values of one field are alternatives, all fields have to match; who names nothing wants everything."""
    assert wanted == Target(id="t", provider="fcm", address="a", **wants).wants(item(**fields))


def test_the_topics_for_which_it_is_told() -> None:
    """Those that the item has too; all of its own when the item names none."""
    target = Target(id="t", provider="fcm", address="a", topics=("cup", "rain"))
    assert ["cup"] == target.followed(item(push={"topics": ["cup", "x"]}))
    assert ["cup", "rain"] == target.followed(item())


def test_an_id_says_nothing_of_the_address_and_is_the_same_each_time() -> None:
    """And targets lie in all buckets about evenly."""
    ids = [id_of("webpush", f"https://push.example/{number}") for number in range(20_000)]
    assert ids[0] == id_of("webpush", "https://push.example/0") != id_of("fcm", "https://push.example/0")
    assert 20_000 == len(set(ids))
    buckets = [bucket_of(name) for name in ids]
    assert len(set(buckets)) == BUCKETS
    assert max(map(buckets.count, set(buckets[:50]))) < 60
