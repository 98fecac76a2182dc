"""What the widget costs a page: bytes, shifts, long tasks, memory; measured by the browser itself."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from ticker.releases import WEB, Releases

from .cast import NewPage, Service
from .feed import Feed, alert
from .host import Host, headlines, ticker

ROOT = Path(__file__).parents[2]
SOON = 5_000
MOST_BYTES = 10_000
LONG_TASK_MS = 50
BURST = 1_000
DAY = 1_440
"""One alert a minute for 24 hours."""
MODES = ("rotate", "scroll", "list", "toast")

OBSERVE = """() => {
    window.shifts = [];
    const told = ({ node, previousRect, currentRect }) =>
        [node?.className || node?.nodeName, ...[previousRect, currentRect].map(({ x, y }) => `${x},${y}`)];
    new PerformanceObserver((list) => {
        for (const { value, sources } of list.getEntries()) window.shifts.push([value, ...sources.map(told)]);
    }).observe({ type: 'layout-shift', buffered: true });
}"""


def node_tool(name: str) -> str:
    """A tool out of node_modules, which `make test` installs; its absence fails in CI and skips on a laptop."""
    tool = ROOT / "node_modules" / ".bin" / name
    if not tool.exists() or shutil.which("node") is None:
        reason = f"{name} is not installed; `make test` installs it where it finds Node"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return str(tool)


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the project's folder."""
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_all_that_a_page_loads_is_one_small_file(newsroom: Service, host: Host, page: Page) -> None:
    """Ten kilobytes as gzip, and nothing else is asked for but the channel."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    host.open(
        page, newsroom, "".join(f'<breaking-ticker channel="en" mode="{mode}"></breaking-ticker>' for mode in MODES)
    )
    expect(ticker(page).first).to_have_js_property("status", "live", timeout=SOON)
    loaded = [url for url in asked if url.startswith(newsroom.url)]
    assert [f"{newsroom.url}/widget/v1/breaking-ticker.js"] == loaded
    size = len(gzip.compress(Releases().newest.body, 9))
    assert size <= MOST_BYTES, size
    assert [] == re.findall(rb"\beval\(|new Function|innerHTML|insertAdjacent|document\.write", Releases().newest.body)


def test_the_file_is_what_its_modules_make() -> None:
    """Whoever changes a module makes the file anew, with `make widget`; the declarations too."""
    node_tool("esbuild")
    done = run("node", "web/build.mjs", "--check")
    assert (0, "") == (done.returncode, done.stderr)


def test_the_types_hold() -> None:
    """Of the widget, the desk, the demo page and the framed page, as TypeScript reads them out of their comments."""
    done = run(node_tool("tsc"), "-p", "web/tsconfig.json")
    assert (0, "") == (done.returncode, done.stdout)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_on_the_page_is_pushed_about(
    newsroom: Service, host: Host, new_page: NewPage, mode: str, width: int
) -> None:
    """From before the script runs, through the first snapshot and new alerts, to retractions: no layout shift."""
    page = new_page(viewport={"width": width, "height": 700})
    feed = Feed(page, alert("1"))
    reserve = (
        "3em" if mode in ("rotate", "scroll") and width > 640 else {"rotate": "7em", "scroll": "5em"}.get(mode, "30em")
    )
    page.add_init_script(f"({OBSERVE})()")
    reserved = "display: none" if mode == "toast" else f"display: block; block-size: {reserve}"
    host.style = f"body {{ margin: 0 }} breaking-ticker:not(:defined) {{ {reserved} }}"
    host.open(page, newsroom, f'<breaking-ticker channel="en" mode="{mode}"></breaking-ticker><p>Below</p>')
    expect(ticker(page)).to_have_js_property("status", "live", timeout=SOON)
    for number in range(2, 6):
        feed.entry("publish", alert(str(number), headline="word " * number * 20, urgency=1))
        feed.entry("correct", alert(str(number), 2, headline="other " * number * 5, signal="correction"))
        page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))")
    feed.entry("retract", {"id": "3", "version": 3})
    page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))")
    shifts, top, height = page.evaluate(
        """() => [window.shifts, document.querySelector('p').getBoundingClientRect().top,
            document.querySelector('breaking-ticker').offsetHeight]"""
    )
    # What moves inside a list when an alert comes on top is what a list is for; the page below it never does.
    assert [] == shifts or mode == "list"
    assert 16 == top - (0 if mode == "toast" else height)


@pytest.mark.parametrize("mode", MODES)
def test_a_burst_of_a_thousand_alerts_makes_no_long_task(newsroom: Service, host: Host, page: Page, mode: str) -> None:
    """One by one over the line, in one moment; drawn a frame at a time."""
    feed = Feed(page)
    host.open(page, newsroom, f'<breaking-ticker channel="en" mode="{mode}"></breaking-ticker>')
    expect(ticker(page)).to_have_js_property("status", "live", timeout=SOON)
    browser = page.context.browser
    assert browser is not None
    browser.start_tracing(
        page=page, categories=["toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline"]
    )
    for number in range(BURST):
        feed.entry("publish", alert(str(number), headline=f"Alert {number} " + "and more " * 10))
    expect(headlines(page).first).to_contain_text(f"Alert {BURST - 1} ", timeout=2 * SOON)
    page.evaluate("new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))")
    trace = json.loads(browser.stop_tracing())["traceEvents"]
    drawing = {(event["pid"], event["tid"]) for event in trace if event["name"] == "FireAnimationFrame"}
    # The time that the thread worked: what it waited for a core is this machine's and not the page's.
    tasks = [
        event["tdur"] / 1000
        for event in trace
        if event["name"] in ("RunTask", "ThreadControllerImpl::RunTask")
        and (event["pid"], event["tid"]) in drawing
        and "tdur" in event
    ]
    assert tasks
    print(f"\n{mode}: {len(tasks)} tasks for {BURST} alerts, the longest of {max(tasks):.0f} ms")
    assert max(tasks) <= LONG_TASK_MS


def test_only_what_the_compositor_moves_is_animated() -> None:
    """Transform and opacity; nothing that lays the page out again."""
    sheet = (WEB / "widget" / "style.js").read_text(encoding="utf-8")
    frames = re.findall(r"@keyframes \w+ \{(.*)\}\n", sheet)
    assert {"opacity", "transform"} == set(re.findall(r"([\w-]+):", "".join(frames)))
    assert "transition" not in sheet


def test_a_day_of_alerts_leaves_nothing_behind(newsroom: Service, host: Host, page: Page) -> None:
    """24 hours of an alert a minute, half of them retracted: neither memory nor nodes nor listeners grow."""
    feed = Feed(page)
    host.open(page, newsroom, '<breaking-ticker channel="en"></breaking-ticker>')
    expect(ticker(page)).to_have_js_property("status", "live", timeout=SOON)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def measured() -> dict[str, float]:
        for _ in range(2):
            session.send("HeapProfiler.collectGarbage")
        found: Any = session.send("Performance.getMetrics")["metrics"]
        return {entry["name"]: entry["value"] for entry in found}

    def pass_(first: int, count: int) -> None:
        # An hour at a time, as somebody is told who was away for as long.
        for hour in range(first, first + count, 60):
            entries: list[dict[str, Any]] = []
            for number in range(hour, hour + 60):
                item = alert(f"{number:026}", headline=f"Alert {number} " + "x" * 80)
                entries.append({"act": "publish", "item": item})
                if number % 2:
                    entries.append({"act": "retract", "item": {"id": f"{number:026}", "version": 2}})
            feed.send(type="resume", entries=entries)
            expect(headlines(page).first).to_contain_text(f"Alert {hour + 58} ", timeout=2 * SOON)

    # The list of what is gone is bounded, and full after this.
    pass_(0, 2 * DAY)
    before = measured()
    pass_(2 * DAY, DAY)
    after = measured()
    grown = after["JSHeapUsedSize"] - before["JSHeapUsedSize"]
    print(f"\nafter a day of {DAY} alerts: {grown / 1e3:+.0f} kB, {after['Nodes'] - before['Nodes']:+.0f} nodes")
    # Somebody who kept only the items would have 700 kB more.
    assert grown < 350_000
    assert after["JSEventListeners"] <= before["JSEventListeners"]
    assert after["Nodes"] <= before["Nodes"] + 20
