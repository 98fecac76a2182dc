"""The widget on hostile ground: the strictest policies, a hash to hold to, hostile texts, and in a frame."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect
from ticker.releases import WEB

from .cast import Complaints, NewPage, Service
from .feed import Feed, alert
from .host import Host, ticker

SOON = 5_000
MODES = ("rotate", "scroll", "list", "toast")
HOSTILE = [
    "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>",
    "\u202eslaitnedifnoc eb ot demialc\u2066 and more \u2069\u202c after it",
    "w" * 10_000,
    "👩‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿 🇪🇸 " * 20,
    "قال 25% من سكان Berlin إن 3 of 4 سيصوتون (AP)",
    "Z̸̡̛a̵̢l̶̨g̷̛o̵ " * 10,
    "&lt;b&gt; {{constructor.constructor('alert(1)')()}} ${alert(1)}",
]
LINKS = ["javascript:alert(1)", "http://plain.example/", "data:text/html,x", "//evil.example", "https://good.example/a"]


def bars(modes: tuple[str, ...] = MODES, attributes: str = "") -> str:
    """A ticker in each of these modes."""
    return "".join(f'<breaking-ticker channel="en" mode="{mode}" {attributes}></breaking-ticker>' for mode in modes)


def test_under_the_strictest_policy_nothing_is_reported_and_the_hash_holds(
    newsroom: Service, host: Host, page: Page
) -> None:
    """`default-src 'none'`, Trusted Types without a policy, the immutable file with its published hash; all modes."""
    (release,) = httpx.get(f"{newsroom.url}/widget/versions.json", trust_env=False).json()["versions"]
    host.script = (
        f'<script type="module" src="{newsroom.url}{release["path"]}" '
        f'integrity="{release["integrity"]}" crossorigin></script>'
    )
    page.add_init_script(
        "window.violations = [];"
        "addEventListener('securitypolicyviolation', (event) => window.violations.push(event.violatedDirective))"
    )
    host.open(page, newsroom, bars())
    for place in range(len(MODES)):
        expect(ticker(page).nth(place)).to_have_js_property("status", "live", timeout=SOON)
    newsroom.post("en", "Under a strict policy", urgency=1)
    for place in range(len(MODES)):
        expect(ticker(page).nth(place).get_by_text("Under a strict policy").first).to_be_visible(timeout=SOON)
    for name in ("Next alert", "Pause", "Dismiss"):
        page.get_by_role("button", name=name).last.click()
    assert [] == page.evaluate("window.violations")
    assert 0 == page.locator("breaking-ticker [style]:not(.track)").count()


def test_a_file_with_another_hash_is_not_run(newsroom: Service, host: Host, page: Page, complaints: Complaints) -> None:
    """So the hash is more than an ornament."""
    complaints.allow("integrity|digest")
    (release,) = httpx.get(f"{newsroom.url}/widget/versions.json", trust_env=False).json()["versions"]
    wrong = "sha384-" + "A" * 64
    host.script = (
        f'<script type="module" src="{newsroom.url}{release["path"]}" integrity="{wrong}" crossorigin></script>'
    )
    host.open(page, newsroom, bars())
    page.wait_for_load_state("networkidle")
    assert page.evaluate("customElements.get('breaking-ticker') === undefined")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_a_hostile_text_is_text_and_overflows_nothing_in_any_mode(
    newsroom: Service, host: Host, new_page: NewPage, mode: str, direction: str
) -> None:
    """At 320 px: markup, turned text, a word of 10 kB, emoji, mixed scripts; and no link but a sealed one."""
    page = new_page(viewport={"width": 320, "height": 640})
    language = "ar" if direction == "rtl" else "en"
    given: list[dict[str, Any]] = [
        alert(
            str(place),
            headline=text,
            attribution="<i>AFP</i>",
            language=language,
            direction=direction,
            link=LINKS[place % len(LINKS)],
            correction_note=text,
            signal="correction",
        )
        for place, text in enumerate(HOSTILE)
    ]
    feed = Feed(page, *given)
    host.style = "body { margin: 0 }"
    host.open(page, newsroom, f'<div dir="{direction}">{bars((mode,))}</div>')
    list_ = page.locator("breaking-ticker ul[role=list]")
    expect(list_.locator(".headline")).to_have_text(HOSTILE, timeout=SOON)
    for place, item in enumerate(given):
        feed.entry("publish", {**item, "version": 2, "id": f"again {place}"})
        page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))")
        assert 320 == page.evaluate("document.documentElement.scrollWidth")
        box = page.locator("breaking-ticker .bar").bounding_box()
        assert box is not None
        assert 0 <= box["x"]
        assert box["x"] + box["width"] <= 320
    links = list_.locator("a").evaluate_all("all => all.map((node) => [node.href, node.rel])")
    assert {("https://good.example/a", "noopener")} == {tuple(link) for link in links}
    assert "Host" == page.title()
    assert 0 == list_.locator("img, script, b, i").count()


def test_a_frame_is_as_high_as_its_page_and_tells_that_to_nobody_else(
    newsroom: Service, host: Host, new_page: NewPage
) -> None:
    """The page around it asks by the script that we give out; a stranger's word changes nothing."""
    page = new_page(viewport={"width": 900, "height": 600})
    host.script = f'<script type="module" src="{newsroom.url}/embed/v1/host.js"></script>'
    host.open(
        page,
        newsroom,
        f'<iframe data-ticker src="{newsroom.url}/embed/en" title="News" width="880" height="300"></iframe>',
    )
    frame = page.locator("iframe")
    expect(frame).to_have_attribute("height", "48", timeout=SOON)
    inside = page.frame_locator("iframe").locator("breaking-ticker")
    expect(inside).to_have_js_property("status", "live", timeout=SOON)
    frame.evaluate("(node) => (node.width = 320)")
    expect(frame).to_have_attribute("height", "112", timeout=SOON)
    page.evaluate("window.postMessage({ type: 'ticker-height', height: 999 }, '*')")
    page.frames[1].evaluate("parent.postMessage({ type: 'ticker-height', height: 99999 }, '*')")
    page.evaluate("new Promise((resolve) => setTimeout(resolve))")
    expect(frame).to_have_attribute("height", "112")


def test_a_frame_without_a_script_shows_what_stands(newsroom: Service, new_page: NewPage) -> None:
    """As a list with its links, in its direction."""
    newsroom.post("ar", "بدون نص برمجي", attribution="رويترز", link="https://news.example/ar")
    page = new_page(java_script_enabled=False)
    page.goto(f"{newsroom.url}/embed/ar")
    expect(page.locator("li").first).to_contain_text("رويترز: بدون نص برمجي")
    expect(page.locator("li a").first).to_have_attribute("href", "https://news.example/ar")
    expect(page.locator("ul")).to_have_css("direction", "rtl")


def test_the_readme_names_every_attribute_property_event_and_part(newsroom: Service, host: Host, page: Page) -> None:
    """No more and no less than the element has."""
    readme = (WEB / "widget" / "README.md").read_text(encoding="utf-8")

    def told(heading: str) -> set[str]:
        rows = re.findall(r"^\| (`.*?) \|", readme.split(f"\n## {heading}")[1].split("\n## ")[0], re.MULTILINE)
        return {re.sub(r"\(.*", "", name) for row in rows for name in re.findall(r"`([^`]+)`", row)}

    source = "".join(path.read_text(encoding="utf-8") for path in sorted((WEB / "widget").glob("*.js")))
    lists = [source.split(f"{name} = [")[1].split("]")[0] for name in ("observedAttributes", "FILTERS")]
    observed = set(re.findall(r"'(\w+)'", "".join(lists)))
    assert observed | {"theme", "assertive"} == told("Attributes")
    assert set(re.findall(r"var\((--ticker-[\w-]+)", source)) == told("Custom properties")
    emitted = re.findall(r"#(?:emit|tell)\((?:\w+ \? '\w+' : )?'(\w+)'", source)
    assert {f"ticker-{name}" for name in emitted} == told("Events")
    host.open(page, newsroom, "<breaking-ticker></breaking-ticker>")
    page.wait_for_function("() => Boolean(customElements.get('breaking-ticker'))")
    members = page.evaluate(
        """() => Object.entries(Object.getOwnPropertyDescriptors(customElements.get('breaking-ticker').prototype))
            .filter(([name]) => !/constructor|Callback$/.test(name))
            .map(([name, found]) => [name, Boolean(found.get)])"""
    )
    assert {name for name, getter in members if getter} == told("Properties")
    assert {name for name, getter in members if not getter} == told("Methods")
    parts: set[str] = set()
    for mode in MODES:
        feed = [alert("1", link="https://news.example/1", attribution="AP", signal="correction", correction_note="x")]
        feed[0]["pinned_until"] = "2099-01-01T00:00:00Z"
        parts |= set(
            page.evaluate(
                """([mode, items]) => {
                const node = document.querySelector('breaking-ticker');
                node.setAttribute('mode', mode);
                node.apply({ type: 'snapshot', items });
                return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(
                    [...node.shadowRoot.querySelectorAll('[part]')].flatMap((found) => [...found.part])))));
            }""",
                [mode, feed],
            )
        )
    assert parts == told("Parts")
