"""A server that is killed and comes back, with a thousand widgets on it; and the picture of how they come back.

The picture in the documents: `python -m tests.e2e.outage docs/widget-reconnects.svg` (two minutes).
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.waiting import until_now

from .cast import Service

PAGES = 5
"""A browser lets one profile have 255 WebSockets."""
# What a widget is without its nodes: a line, and what stands.
WIDGETS = """async ([src, count]) => {
    const [{ Connection }, { Board }, { goneOf }] = await Promise.all(
        ['connection', 'board', 'sharing'].map((name) => import(`${src}/widget/v1/${name}.js`)));
    window.widgets = Array.from({ length: count }, () => {
        const widget = { board: new Board(10), statuses: [], returns: [], tries: 0 };
        widget.line = new Connection({
            src,
            channel: 'en',
            onStatus: (status) => widget.statuses.push(status),
            onFrame: (frame) => {
                if (frame.type !== 'entry' && frame.type !== 'heartbeat') widget.returns.push(Date.now());
                if (frame.items) widget.board.load(frame.items, goneOf(frame));
                for (const entry of frame.type === 'entry' ? [frame] : frame.entries ?? []) widget.board.apply(entry);
            },
        });
        widget.line.start();
        return widget;
    });
}"""
SHOWN = "() => window.widgets.map(({ board }) => board.items.map(({ headline }) => headline).join())"
LIVE = "() => window.widgets.filter(({ statuses }) => statuses.at(-1) === 'live').length"
AWAY = "() => window.widgets.filter(({ statuses }) => statuses.at(-1) === 'offline').length"


class Crowd:
    """Widgets in some pages, each page of a profile of its own."""

    def __init__(self, browser: Browser, service: Service, count: int) -> None:
        self.service = service
        self.count = count
        self._contexts = [browser.new_context() for _ in range(PAGES)]
        self.pages: list[Page] = []
        for context in self._contexts:
            page = context.new_page()
            page.goto(f"{service.url}/widget/versions.json")
            page.evaluate(WIDGETS, [service.url, count // PAGES])
            self.pages.append(page)

    def wait(self, script: str, what: str, seconds: float) -> None:
        """Until this counts all of them."""
        until_now(lambda: sum(page.evaluate(script) for page in self.pages) == self.count, what, seconds)

    def shown(self) -> Counter[str]:
        """What they show, and how many each of it."""
        return Counter(text for page in self.pages for text in page.evaluate(SHOWN))

    def returns(self) -> list[float]:
        """When each came back, in seconds after the first that did."""
        found: list[int] = []
        for page in self.pages:
            found += page.evaluate("() => window.widgets.map(({ returns }) => returns.at(-1))")
        return sorted((at - min(found)) / 1000 for at in found)

    def close(self) -> None:
        """Leave nothing."""
        for context in self._contexts:
            context.close()


def plot(returns: list[float], window: float) -> str:
    """A picture of how many came back in each second, with the window that they were given."""
    counts = Counter(int(at) for at in returns)
    seconds, most = int(max(window, max(returns))) + 1, max(counts.values())
    width, height, left, low = 720, 260, 44, 220
    step = (width - left - 12) / seconds
    bars = "".join(
        f'<rect x="{left + step * second + 1:.1f}" y="{low - 180 * count / most:.1f}" width="{step - 2:.1f}" '
        f'height="{180 * count / most:.1f}"/>'
        for second, count in sorted(counts.items())
    )
    marks = "".join(
        f'<text x="{left + step * second:.1f}" y="240">{second} s</text>' for second in range(0, seconds + 1, 5)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
        'font-size="12">'
        f'<rect width="{width}" height="{height}" fill="#fff"/>'
        f'<text x="{left}" y="20">{len(returns)} widgets: how many came back in each second</text>'
        f'<text x="8" y="48">{most}</text><text x="8" y="{low}">0</text>'
        f'<g fill="#c4122f">{bars}</g><path d="M{left} {low}H{width - 12}" stroke="#5b616b"/>{marks}</svg>\n'
    )


def main(target: Path) -> None:
    """Kill a server for 20 seconds under 1,000 widgets, and write the picture."""
    import shutil
    import time

    from tests.stage import Service as Process
    from tests.stage import short_directory

    with short_directory() as directory, sync_playwright() as playwright:
        service: Any = Process(directory)
        service.start()
        program = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        service.post("en", "It stands")
        crowd = Crowd(browser, service, 1_000)
        crowd.wait(LIVE, "all to be live", 60)
        service.kill()
        time.sleep(20)
        service.start()
        crowd.wait(LIVE, "all to be back", 90)
        returns = crowd.returns()
        counts = Counter(int(at) for at in returns)
        print(f"{len(returns)} back within {returns[-1]:.1f} s; the fullest second had {max(counts.values())}")
        target.write_text(plot(returns, 30), encoding="utf-8")
        crowd.close()
        browser.close()
        service.end()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
