"""Those who poll: the same rules for the window and for every feed."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response
from ticker.channel import Channel
from ticker.entry import START, Cursor, Entry, State
from ticker.errors import Unavailable, UnknownChannel, Unprocessable
from ticker.group import EVERYTHING, Selector
from ticker.hub import Hub
from ticker.item import Item
from ticker.polling import MOST_BUILT, Kept, polled, query, selected, standing

CHANNEL = Channel(name="en", title="News", language="en")


def published(n: int, **fields: Any) -> Entry:
    """The n-th entry of a log."""
    item = Item(id=f"item{n}", version=1, channel="en", headline=f"headline {n}", language="en", **fields)
    return Entry(Cursor(7, n), Cursor(7, n - 1) if n > 1 else START, "publish", item)


def loaded(*entries: Entry) -> Hub:
    """A hub that has read this log."""
    hub = Hub(CHANNEL, lambda: 0)
    last = entries[-1].cursor if entries else Cursor(7, 0)
    hub.load(State(last, last, list(entries)))
    return hub


def poll(hub: Hub, query: str = "", channel: str = "en", etag: str | None = None) -> Response:
    """What a poll is answered: the headlines, one a line."""
    headers = [] if etag is None else [(b"if-none-match", etag.encode())]
    scope = {
        "type": "http",
        "method": "GET",
        "headers": headers,
        "query_string": query.encode(),
        "path_params": {"channel": channel},
    }

    def build(hub: Hub, selector: Selector) -> bytes:
        return "\n".join(item.headline for item in hub.window(selector)).encode()

    return polled(Request(scope), {"en": hub}, build, "text/plain")


def test_a_poll_is_answered_with_what_stands() -> None:
    """Newest first, with an ETag, and for a cache in front to keep for a second."""
    answer = poll(loaded(published(1), published(2)))
    assert (200, b"headline 2\nheadline 1") == (answer.status_code, answer.body)
    assert '"7-2"' == answer.headers["ETag"]
    assert "public, max-age=0, s-maxage=1, stale-while-revalidate=10" == answer.headers["Cache-Control"]


def test_a_poll_is_filtered_by_its_query() -> None:
    """With the filters of the live stream."""
    hub = loaded(published(1, sections=("sport",)), published(2, urgency=1))
    assert b"headline 1" == poll(hub, "section=sport&utm_source=x").body
    assert b"headline 2" == poll(hub, "urgency=1&urgency=2").body


@pytest.mark.parametrize("form", ["{}", "W/{}", '"x", {}', "{} , W/{}"])
def test_who_has_it_already_is_told_so(form: str) -> None:
    """In every form in which a client may say it; with the headers of the whole answer, and no body."""
    hub = loaded(published(1))
    first = poll(hub)
    again = poll(hub, etag=form.format(first.headers["ETag"], first.headers["ETag"]))
    assert (304, b"") == (again.status_code, again.body)
    assert first.headers["ETag"] == again.headers["ETag"]
    assert first.headers["Cache-Control"] == again.headers["Cache-Control"]


def test_what_happens_makes_it_new() -> None:
    """An entry; and another size of the window, with which the same place in the log shows something else."""
    hub = loaded(published(1))
    etag = poll(hub).headers["ETag"]
    hub.apply([published(2)])
    after = poll(hub, etag=etag)
    assert (200, b"headline 2\nheadline 1") == (after.status_code, after.body)
    hub.rechannel(CHANNEL.model_copy(update={"window": 1}))
    assert (200, b"headline 2") == ((smaller := poll(hub, etag=after.headers["ETag"])).status_code, smaller.body)


def test_a_channel_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    """So that a typing error is seen."""
    with pytest.raises(UnknownChannel, match="there are: en"):
        standing({"en": loaded()}, "fr")
    with pytest.raises(UnknownChannel):
        poll(loaded(), channel="fr")


def test_before_the_log_was_read_nobody_is_told_that_it_is_empty() -> None:
    """He is told when to come back."""
    with pytest.raises(Unavailable) as caught:
        poll(Hub(CHANNEL, lambda: 0))
    assert 1 == caught.value.retry_after


def test_a_selector_is_read_from_a_query() -> None:
    """Names in the singular, repeated; nothing given is everything."""
    assert EVERYTHING == selected({})
    assert EVERYTHING == selected({"cursor": ["x"], "utm_source": ["y"]})
    asked = selected({"section": ["sport", "world"], "region": ["asia"], "tag": ["final"], "urgency": ["1", "2"]})
    assert asked == Selector(
        frozenset({"sport", "world"}), frozenset({"asia"}), frozenset({"final"}), frozenset({1, 2})
    )


@pytest.mark.parametrize(
    "query",
    [
        {"section": [""]},
        {"tag": ["x" * 65]},
        {"region": [str(n) for n in range(11)]},
        {"urgency": ["high"]},
        {"urgency": ["1.5"]},
        {"urgency": ["0"]},
        {"urgency": ["10"]},
        {"urgency": ["٣"]},
    ],
    ids=str,
)
def test_a_selector_that_cannot_be_is_refused_by_name(query: dict[str, list[str]]) -> None:
    """With the field that is wrong."""
    with pytest.raises(Unprocessable) as caught:
        selected(query)
    assert next(iter(query)) == caught.value.field


def test_an_answer_is_built_once_for_each_state() -> None:
    """Under each name; what is asked for seldom makes room."""
    hub, kept, built = loaded(published(1)), Kept(), list[str]()

    def get(name: str) -> bytes:
        def build() -> bytes:
            built.append(name)
            return f"{name} {hub.cursor.n}".encode()

        return kept.get(hub, (name,), build)

    assert b"a 1" == get("a") == get("a")
    assert b"b 1" == get("b")
    hub.apply([published(2)])
    assert b"a 2" == get("a")
    hub.rechannel(CHANNEL.model_copy(update={"title": "Other news"}))
    assert b"a 2" == get("a")
    assert ["a", "b", "a", "a"] == built
    for number in range(MOST_BUILT):
        get(str(number))
    assert MOST_BUILT == len(kept)


def test_a_filter_is_written_in_one_form() -> None:
    """However it was asked for."""
    one = selected({"tag": ["b", "a"], "section": ["x y"], "urgency": ["2"]})
    assert "?section=x+y&tag=a&tag=b&urgency=2" == query(one)
    assert "" == query(EVERYTHING)
