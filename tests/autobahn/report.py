"""What Autobahn said of each case, and how that is told in docs/conformance.md."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

BEGIN, END = "<!-- autobahn: begin -->", "<!-- autobahn: end -->"
OUTCOMES = ("OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED", "FAILED")
GROUPS = {
    "1": "frames",
    "2": "pings and pongs",
    "3": "reserved bits",
    "4": "opcodes",
    "5": "messages in parts",
    "6": "UTF-8",
    "7": "closing",
    "9": "great messages, and many",
    "10": "a message in 51 parts",
    "12": "compression, by payload",
    "13": "compression, by parameters",
}
DECLINED = ("13.3", "13.5")
"""Whose offers are not granted: they ask for a window smaller than that of the frames that everybody gets."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one case. `behavior` is what was said, `closing` how the line ended, with `code` if with any."""

    case: str
    behavior: str
    closing: str
    code: int | None
    reason: str

    @property
    def group(self) -> str:
        """All cases about one thing, as `6.4`."""
        return ".".join(self.case.split(".")[:2])

    @property
    def failed(self) -> bool:
        """Whether something is wrong; not to know an extension is, unless its offer is declined on purpose."""
        known = {"OK", "NON-STRICT", "INFORMATIONAL"} | ({"UNIMPLEMENTED"} if self.group in DECLINED else set())
        return self.behavior not in known or self.closing not in {"OK", "INFORMATIONAL"}

    @property
    def told(self) -> str:
        """The word under which it is counted."""
        return "FAILED" if self.failed else self.behavior


def read(folder: Path) -> list[Outcome]:
    """The outcomes that a run has written there, in the order of the cases."""
    (cases,) = json.loads((folder / "index.json").read_text(encoding="utf-8")).values()
    found: list[Outcome] = []
    for case, told in cases.items():
        more = json.loads((folder / told["reportfile"]).read_text(encoding="utf-8"))
        reasons = [
            reason
            for outcome, reason in (
                (told["behavior"], more["result"]),
                (told["behaviorClose"], more["resultClose"]),
            )
            if outcome != "OK"
        ]
        reason = " ".join(dict.fromkeys(reason.rstrip(".") + "." for reason in reasons))
        found.append(Outcome(case, told["behavior"], told["behaviorClose"], told["remoteCloseCode"], reason))
    return sorted(found, key=lambda outcome: [int(part) for part in outcome.case.split(".")])


def counted(outcomes: Iterable[Outcome]) -> str:
    """A table: how many cases of each group came out how."""
    groups: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        groups.setdefault(outcome.case.split(".")[0], Counter())[outcome.told] += 1
    rows = [[f"{group}.*", GROUPS.get(group, ""), *_counts(found)] for group, found in groups.items()]
    rows.append(["all", "", *_counts(sum(groups.values(), Counter()))])
    return _table(["group", "about", "cases", *OUTCOMES], rows)


def exceptions(outcomes: Iterable[Outcome]) -> str:
    """A table of what is not OK, those of one group that came out alike in one line."""
    alike: dict[tuple[str, str, int | None, str], list[str]] = {}
    for outcome in outcomes:
        if outcome.failed or (outcome.behavior, outcome.closing) != ("OK", "OK"):
            key = (outcome.group, outcome.told, outcome.code, outcome.reason)
            alike.setdefault(key, []).append(outcome.case)
    rows = [
        [_span(cases), told, str(code or "none"), reason.replace("|", "\\|")]
        for (_, told, code, reason), cases in alike.items()
    ]
    return _table(["case", "outcome", "closed with", "in Autobahn's words"], rows) if rows else "None."


def summary(
    production: list[Outcome], beyond: list[Outcome], raised: list[Outcome], versions: Mapping[str, str], date: str
) -> str:
    """All of it in Markdown; `beyond` is what production's bounds said to cases that are beyond them."""
    libraries = ", ".join(f"{name} {version}" for name, version in versions.items())
    closed = ", ".join(f"{outcome.case}: {outcome.code}" for outcome in beyond)
    return "\n\n".join(
        (
            f"{date}, `make autobahn`; {libraries}.",
            "### With the bounds of production",
            counted(production),
            f"Seven more cases are beyond these bounds, and were closed with: {closed}. They stand in the next table.",
            "### With the bounds raised",
            counted(raised),
            "### What is not OK",
            exceptions([*production, *raised]),
        )
    )


def put(document: str, text: str) -> str:
    """The document with this between the two marks."""
    before, _, rest = document.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"the document lacks {BEGIN} or {END}")
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"


def _counts(found: Counter[str]) -> list[str]:
    return [str(found.total()), *(str(found[outcome]) for outcome in OUTCOMES)]


def _span(cases: list[str]) -> str:
    if len(cases) < 4:
        return ", ".join(cases)
    return f"{cases[0]} to {cases[-1]} ({len(cases)})"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
