"""axe-core, as it is published: what it finds on a page. `python tests/parts.py` installs it."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import pytest
from playwright.sync_api import Page

VERSION = "4.14.1"
SCRIPT = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@functools.cache
def script() -> str:
    """The text of the pinned release."""
    try:
        found = SCRIPT.read_text(encoding="utf-8")
    except OSError:
        reason = f"no axe-core {VERSION} here; `make test` installs it where it finds Node"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    assert f"axe v{VERSION}" in found[:200]
    return found


def violations(page: Page, within: str = "html") -> list[str]:
    """What is wrong, a line for each: rule, node, why. Empty when nothing is.

    Ask for reduced motion: a page in the middle of a change has colours that it has at no other time.
    """
    # By way of the browser's tools: what a page's own policy lets in is another question.
    page.context.new_cdp_session(page).send("Runtime.evaluate", {"expression": script()})
    found: list[str] = page.evaluate(
        """async ([within, tags]) => {
            const { violations } = await axe.run(within, { runOnly: tags, resultTypes: ['violations'] });
            return violations.flatMap(({ id, nodes }) =>
                nodes.map((node) => `${id}: ${node.target.join(' ')}: ${node.failureSummary}`));
        }""",
        [within, RULES],
    )
    return found
