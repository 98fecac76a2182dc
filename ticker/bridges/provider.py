"""What the bridge asks of a provider: send one notice to one target, and say what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from ticker.bridges.guard import Forbidden
from ticker.bridges.notice import Notice
from ticker.bridges.target import Target
from ticker.bridges.way import Reply, Unreachable, Way
from ticker.item import Item

Kind = Literal["accepted", "gone", "refused", "later"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider said of one notice.

    accepted: it took it. gone: this target is no more. refused: it will never take this. later: try again, not before
    `after` seconds when it said so. `unknown`: it may have taken it all the same. `since`: the target was gone at this
    moment, milliseconds.
    """

    kind: Kind
    reason: str = ""
    after: float | None = None
    unknown: bool = False
    since: int | None = None


ACCEPTED = Answer("accepted")


async def asked(
    way: Way,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    answered: Callable[[Reply], Answer],
    forbidden: Kind = "refused",
) -> Answer:
    """Send a request, and say what came of it; `forbidden` is what an address means that is not sent to."""
    try:
        return answered(await way.post(url, headers, body))
    except Forbidden as error:
        return Answer(forbidden, str(error))
    except Unreachable as error:
        return Answer("later", str(error), unknown=error.unknown)


class Provider(Protocol):
    """One way to phones."""

    name: str

    def audiences(self, item: Item) -> Sequence[Target]:
        """Targets that are not stored, since the provider keeps who follows them."""
        ...

    async def send(self, notice: Notice, target: Target, row: str) -> Answer:
        """Send it, once. `row` is the same at each try. Whatever goes wrong outside is an answer, not an exception."""
        ...

    async def rehearse(self, notice: Notice, target: Target, row: str) -> str:
        """The request that would be sent, or what the provider says of it where it can be asked without sending."""
        ...

    async def close(self) -> None:
        """Hang up."""
        ...
