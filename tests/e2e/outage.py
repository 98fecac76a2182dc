"""A server that is killed and comes back, with a thousand widgets on it; and the picture of how they come back.

The picture in the documents: `python -m tests.e2e.outage docs/widget-reconnects.svg` (a minute and a half).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Literal

from tests.waiting import until_now

PROGRAM = Path(__file__).with_name("crowd.mjs")
State = Literal["live", "away"]


class Crowd:
    """Widgets without a browser, in one process of Node, each with sockets of its own."""

    def __init__(self, url: str, count: int) -> None:
        self.count = count
        self._process = subprocess.Popen(
            ["node", "--no-warnings", "--experimental-websocket", str(PROGRAM), url, str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _ask(self, question: str) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{question}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def wait(self, state: State, seconds: float) -> None:
        """Until all of them have a line, or know that they have none."""
        until_now(lambda: self._ask(state) == self.count, f"all {self.count} to be {state}", seconds)

    def shown(self) -> Counter[str]:
        """What they show, and how many each of it."""
        return Counter(self._ask("shown"))

    def returns(self, since: float) -> list[float]:
        """When each was last told what stands: seconds after this time, which is in seconds since 1970."""
        return sorted(at / 1000 - since for at in self._ask("returns"))

    def close(self) -> None:
        """Leave nothing."""
        self._process.communicate(timeout=10)


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
    import time

    from tests.stage import Service, short_directory

    with short_directory() as directory:
        service = Service(directory, "--max-readers-per-address", "0")  # all of them come from one
        service.start()
        service.post("en", "It stands")
        crowd = Crowd(service.url, 1_000)
        crowd.wait("live", 60)
        service.kill()
        time.sleep(20)
        service.start()
        since = time.time()
        crowd.wait("live", 90)
        returns = crowd.returns(since)
        counts = Counter(int(at) for at in returns)
        print(f"{len(returns)} back within {returns[-1]:.1f} s; the fullest second had {max(counts.values())}")
        target.write_text(plot(returns, 30), encoding="utf-8")
        crowd.close()
        service.end()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
