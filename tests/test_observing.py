"""What operators watch with: rules that Prometheus takes, alarms that go off, and queries that name what there is."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import promql_parser as promql
import pytest
import yaml
from ticker.bridges.notice import OUTCOMES
from ticker.errors import StoreUnavailable
from ticker.metrics import ANSWERS, REFUSED
from ticker.store import KINDS

from tests.desk import ITEMS, sent
from tests.stage import PLAIN, Stage, entries, frame, free_port, short_directory
from tests.test_exposition import told as page_of
from tests.test_metrics import figures, read, used
from tests.waiting import until

ROOT = Path(__file__).parent.parent
PROMETHEUS = ROOT / "deploy" / "prometheus"
GRAFANA = ROOT / "deploy" / "grafana"
DASHBOARD = GRAFANA / "dashboards" / "ticker.json"
OWN = {"job", "instance"}
"""Labels that Prometheus sets on everything that it asks for."""
ITS = {"up": OWN, "ALERTS": {"alertname", "alertstate", "severity"}}
"""Figures that Prometheus makes by itself, with their labels."""


def promtool(*arguments: str, given: bytes | None = None) -> str:
    """Prometheus' own checker; what it says. It has to be content."""
    program = shutil.which("promtool")
    if program is None:
        reason = "no promtool on this machine: install your system's package 'prometheus'"
        if os.environ.get("CI"):
            pytest.fail(f"{reason}, and CI must have one; 'make test' installs it")
        pytest.skip(reason)
    ran = subprocess.run([program, *arguments], input=given, capture_output=True, timeout=60, cwd=PROMETHEUS)
    said = (ran.stdout + ran.stderr).decode()
    assert 0 == ran.returncode, said
    return said


def rules() -> list[dict[str, Any]]:
    """Every rule."""
    return [rule for group in loaded("rules.yml")["groups"] for rule in group["rules"]]


def loaded(name: str) -> Any:
    """A file of Prometheus."""
    return yaml.safe_load((PROMETHEUS / name).read_text(encoding="utf-8"))


def dashboard() -> Any:
    """The dashboard."""
    return json.loads(DASHBOARD.read_text(encoding="utf-8"))


def queries() -> Iterator[tuple[str, str]]:
    """Every query, with where it stands; Grafana's variables filled in."""
    for rule in rules():
        yield rule.get("alert") or rule["record"], rule["expr"]
    found = dashboard()
    asked = [(panel["title"], target["expr"]) for panel in found["panels"] for target in panel.get("targets", ())]
    asked += [(shown["name"], shown["expr"]) for shown in found["annotations"]["list"]]
    for title, expr in asked:
        yield title, expr.replace("$__rate_interval", "5m").replace("$channel", "en")


def parts(expr: Any) -> Iterator[Any]:
    """An expression and all that it is made of."""
    yield expr
    for name in ("lhs", "rhs", "expr", "param", "vector_selector"):
        if (part := getattr(expr, name, None)) is not None:
            yield from parts(part)
    if isinstance(expr, promql.Call):
        for argument in expr.args:
            yield from parts(argument)


def selectors(expr: Any) -> list[Any]:
    """What it asks for."""
    return [part for part in parts(expr) if isinstance(part, promql.VectorSelector)]


def named(expr: Any) -> set[str] | None:
    """The labels that an aggregation or an operation goes by; None when it names none."""
    modifier = getattr(expr, "modifier", None)
    if isinstance(modifier, promql.BinModifier):
        modifier = modifier.matching
    return None if modifier is None else set(modifier.labels)


def known() -> dict[str, set[str]]:
    """Every series that there can be: of ours, of Prometheus, and of the recording rules; with their labels."""
    found = {name: set(labels) for name, labels in ITS.items()}
    for name, figure in figures().items():
        labels = {*figure.labels, *OWN}
        if figure.kind == "histogram":
            found |= {f"{name}_bucket": labels | {"le"}, f"{name}_count": labels, f"{name}_sum": labels}
        else:
            found[f"{name}_total" if figure.kind == "counter" else name] = labels
    for rule in rules():
        if "record" in rule:
            found[rule["record"]] = left(promql.parse(rule["expr"]), found)
    return found


def left(expr: Any, series: dict[str, set[str]]) -> set[str]:
    """The labels that the series of a result have."""
    if isinstance(expr, promql.AggregateExpr):
        assert expr.modifier is None or "by" in str(expr.modifier), "name what is kept, not what goes"
        return named(expr) or set()
    if isinstance(expr, promql.VectorSelector):
        return series[str(expr.name)]
    inner: list[set[str]] = []
    for name in ("lhs", "expr", "vector_selector"):
        if (part := getattr(expr, name, None)) is not None:
            inner.append(left(part, series))
    if isinstance(expr, promql.Call):
        inner += [left(argument, series) for argument in expr.args]
        if expr.func.name == "histogram_quantile":
            return set.union(*inner) - {"le"}
    return set.union(set(), *inner)


# Prometheus itself.


def test_prometheus_takes_the_configuration_and_every_rule() -> None:
    """By its own checker, warnings included."""
    said = promtool("check", "config", "--lint=all", "--lint-fatal", "prometheus.yml")
    assert f"SUCCESS: {len(rules())} rules found" in said


def test_every_alarm_goes_off_when_it_should_and_only_then() -> None:
    """Each is tried with figures that set it off, and with others that do not."""
    assert "SUCCESS" in promtool("test", "rules", "tests.yml")
    tried = [test for group in loaded("tests.yml")["tests"] for test in group["promql_expr_test"]]
    on = {re.findall(r'alertname="(\w+)"', test["expr"])[0] for test in tried if test["exp_samples"]}
    off = {re.findall(r'alertname="(\w+)"', test["expr"])[0] for test in tried if not test["exp_samples"]}
    alarms = {rule["alert"] for rule in rules() if "alert" in rule}
    assert (alarms, alarms) == (on, off | {"TickerRoleMissing"})


async def test_the_page_of_a_running_service_is_taken(stage: Stage) -> None:
    """With something in each of its parts: names, types, units, help; and what is told is what rules may ask for."""
    async with stage.reader() as line:
        await frame(line)
        await stage.post("x")
        await entries(line, 1)
        await sent(stage, {}, path=ITEMS)
        page = await page_of(stage)
    assert "" == promtool("check", "metrics", given=page)
    series = known()
    for name, labels in read(page):
        assert {label for label, _ in labels} <= series[name], name
    assert {"ticker_memory_bytes", "ticker_descriptors", "ticker_readers_limit"} <= {name for name, _ in read(page)}


def test_a_page_with_every_figure_is_taken() -> None:
    """Also those that a service tells only when something goes wrong."""
    assert "" == promtool("check", "metrics", given=used().page())


# What is asked for.


@pytest.mark.parametrize(("where", "query"), list(queries()))
def test_a_query_names_figures_and_labels_that_there_are(where: str, query: str) -> None:
    """Read by a parser of the language: selectors, matchers, groupings, matchings."""
    series = known()
    expr = promql.parse(query)
    asked = selectors(expr)
    for selector in asked:
        assert selector.name in series, selector.name
        wrong = {matcher.name for matcher in selector.matchers.matchers} - series[selector.name]
        assert set() == wrong, selector.prettify()
    for part in parts(expr):
        below = set().union(*(series[selector.name] for selector in selectors(part)))
        assert set() == (named(part) or set()) - below, part.prettify()


@pytest.mark.parametrize(
    "query",
    [
        "ticker_reader",
        'ticker_readers{chanel="en"}',
        "sum by (chanel) (ticker_readers)",
        "rate(ticker_deliveries[5m])",
        "sum by (le) (rate(ticker_post_to_socket_seconds_count[5m]))",
        "ticker_readers / on (outcome) ticker_lagging_readers",
    ],
)
def test_a_query_that_is_wrong_is_found(query: str) -> None:
    """So the test above can fail."""
    with pytest.raises(AssertionError):
        test_a_query_names_figures_and_labels_that_there_are("", query)


def test_every_figure_is_shown_or_watched() -> None:
    """What nobody looks at need not be told."""
    asked = {selector.name for _, query in queries() for selector in selectors(promql.parse(query))}
    bare = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in asked}
    assert set() == set(figures()) - bare


def test_the_values_that_are_asked_for_are_values_that_there_are() -> None:
    """A label with a wrong value is a query that stays empty for ever."""
    values = {
        "answer": {*ANSWERS, REFUSED},
        "kind": {*KINDS, "poison", "trimmed"},
        "outcome": {*OUTCOMES, "accepted", "replayed", "counted", "ignored"},
        "problem": {StoreUnavailable.slug},
        "reader": {"first", "last"},
        "job": {config["job_name"] for config in loaded("prometheus.yml")["scrape_configs"]},
        "alertstate": {"firing"},
    }
    checked = 0
    for _, query in queries():
        for selector in selectors(promql.parse(query)):
            for matcher in selector.matchers.matchers:
                if matcher.name in values and "Re" not in str(matcher.op):
                    assert matcher.value in values[matcher.name], query
                    checked += 1
    assert checked > 10


# What is read by people.


def test_every_alarm_says_what_it_is_and_what_to_do() -> None:
    """With how bad it is, and a place in the documents that there is."""
    alarms = [rule for rule in rules() if "alert" in rule]
    documented = re.findall(
        r"^### (Ticker\w+)$", (ROOT / "docs" / "alarms.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(rule["alert"] for rule in alarms) == sorted(documented)
    for rule in alarms:
        assert {"severity"} == set(rule["labels"])
        assert rule["labels"]["severity"] in ("page", "warn")
        assert {"summary", "description", "runbook_url"} == set(rule["annotations"])
        assert f"docs/alarms.md#{rule['alert'].lower()}" == rule["annotations"]["runbook_url"]
        assert rule["annotations"]["description"].endswith(".")


def test_what_an_alarm_says_of_its_labels_is_known() -> None:
    """A name in a sentence that stays empty says nothing to whoever is woken by it."""
    series = known()
    for rule in rules():
        told = set(re.findall(r"\$labels\.(\w+)", json.dumps(rule.get("annotations", {}))))
        # An `absent` gives the labels that it was asked with.
        absent = {"job"} if "absent(" in rule["expr"] else set()
        assert set() == told - left(promql.parse(rule["expr"]), series) - absent, rule.get("alert")


def test_the_dashboard_is_one_that_grafana_provisions() -> None:
    """It reads the data source that is provisioned, from the folder that is mounted; no two panels overlap."""
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())["datasources"]
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/ticker.yml").read_text())["providers"]
    assert "/etc/grafana/dashboards" == provider["options"]["path"]
    found = dashboard()
    uids = set(re.findall(r'"uid": "([^"]+)"', DASHBOARD.read_text(encoding="utf-8")))
    assert {source["uid"], found["uid"]} == uids
    ids = [panel["id"] for panel in found["panels"]]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in found["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert set() == taken & cells, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_the_scrape_jobs_are_the_roles_of_the_fleet() -> None:
    """Each by the name that its service has in the compose file, so that all of its containers are found."""
    jobs = {config["job_name"]: config for config in loaded("prometheus.yml")["scrape_configs"]}
    for role in ("api", "fanout", "push"):
        (found,) = jobs[f"ticker-{role}"]["dns_sd_configs"]
        assert ([role], "A", 8000) == (found["names"], found["type"], found["port"])
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    assert {"api", "fanout", "push"} <= set(services)


@contextmanager
def prometheus(target: str) -> Iterator[str]:
    """The server with our rules, which asks this target as it would a fan-out. Yields its address."""
    promtool("--version")  # skips or fails where it is not installed
    program = shutil.which("prometheus")
    assert program is not None
    configuration = loaded("prometheus.yml")
    configuration["global"] |= {"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "200ms"}
    configuration["rule_files"] = [str(PROMETHEUS / "rules.yml")]
    # The same job by another way of finding it: there are no containers here that a name could stand for.
    configuration["scrape_configs"] = [{"job_name": "ticker-fanout", "static_configs": [{"targets": [target]}]}]
    with short_directory() as directory:
        file, address = directory / "prometheus.yml", f"127.0.0.1:{free_port()}"
        file.write_text(yaml.safe_dump(configuration), encoding="utf-8")
        flags = [f"--config.file={file}", f"--storage.tsdb.path={directory}/data", f"--web.listen-address={address}"]
        with (directory / "output").open("wb") as output:
            process = subprocess.Popen([program, *flags], stdout=output, stderr=output)
        try:
            yield f"http://{address}"
        finally:
            process.terminate()
            process.wait(20)


async def test_prometheus_itself_reads_a_service_and_answers_every_query(stage: Stage) -> None:
    """It finds the service up, works out the rules, and takes each query of the dashboard."""
    with prometheus(stage.url.removeprefix("http://")) as url:
        async with httpx.AsyncClient(base_url=url, **PLAIN) as client:

            async def asked(query: str) -> Any:
                answer = await client.get("/api/v1/query", params={"query": query})
                assert (200, "success") == (answer.status_code, answer.json()["status"]), answer.text
                return answer.json()["data"]["result"]

            async def ready() -> bool:
                try:
                    return (await client.get("/-/ready")).status_code == 200
                except httpx.TransportError:
                    return False

            async def worked_out() -> bool:
                return bool(await asked('channel_way:ticker_readers:sum{channel="en",way="websocket"}'))

            await until(ready, "Prometheus to be ready", 30)
            await until(worked_out, "Prometheus to have read the service", 30)
            assert ["1"] == [found["value"][1] for found in await asked('up{job="ticker-fanout"}')]
            for _, query in queries():
                await asked(query)
